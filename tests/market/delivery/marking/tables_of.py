"""A small table whose rows are known, as text and as files: what the tests of marks begin with."""

import random
from collections.abc import Iterable
from pathlib import Path

from market.delivery.marking.code import MarkKeys, Plan, mark_keys
from market.delivery.marking.planning import Wanted
from market.delivery.marking.rows import tally
from market.delivery.marking.verdict import judge
from market.delivery.marking.writing import Written, mark_file

MASTER = bytes(range(32))
SOURCE = "ab" * 32
HEADER = ("id", "city", "lat", "lon", "amount")
WANTED = Wanted(("amount", "lat", "lon"), ("id", "city"), {"lat": ("-90", "90")}, ("", "NA"))


def keys_of(name: str) -> MarkKeys:
    return mark_keys(MASTER, entitlement_id=name, source_sha256=SOURCE)


def rows_of(count: int, seed: int = 7) -> list[list[str]]:
    """Places with amounts, some of them missing, written as a spreadsheet would."""
    rnd = random.Random(seed)
    cities = ["广州", "深圳", 'Foshan, "FS"', "Zhuhai", "Dongguan"]
    return [
        [
            f"{n:06d}",
            rnd.choice(cities),
            f"{rnd.uniform(20, 25):.4f}".rstrip("0"),
            f"{rnd.uniform(-114, 117):.4f}",
            "NA" if rnd.random() < 0.05 else str(rnd.randrange(10, 90_000)),
        ]
        for n in range(count)
    ]


def csv_of(rows: list[list[str]], header: tuple[str, ...] = HEADER) -> str:
    """The rows as RFC 4180 writes them."""

    def field(text: str) -> str:
        return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\n') else text

    return "".join(",".join(map(field, row)) + "\r\n" for row in [list(header), *rows])


def write_csv(path: Path, rows: list[list[str]]) -> Path:
    path.write_bytes(csv_of(rows).encode())
    return path


def marked(source: Path, copy: Path, name: str, wanted: Wanted = WANTED) -> Written:
    """The copy of a named delivery."""
    written = mark_file(source, copy, wanted, keys_of(name))
    assert written is not None
    return written


def named_in(
    names: Iterable[str], plan: Plan, rows: list[list[str | None]], header: tuple[str, ...] = HEADER
) -> set[str]:
    """The deliveries that rows name, each one of a hundred."""
    shown = tally(header, rows, plan, keys_of("any").places, most=10**6).shown()
    return {name for name in names if judge(keys_of(name).copy, shown, candidates=100).named}
