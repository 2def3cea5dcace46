"""The judging child: holds what was taken out of a leaked file against the keys of every copy.

`python -m market.delivery.marking.judging CELLS` parses nothing but JSON lists of texts. The keys come by a
file that is gone before the first of them is read.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from market.delivery.marking.code import plan_from
from market.delivery.marking.rows import tally
from market.delivery.marking.verdict import Verdict, judge
from registry.confined import confine

MOST_PLACES: Final = 100_000


def judge_cells(cells: Path, groups: Sequence[Mapping[str, Any]], *, candidates: int) -> dict[str, Verdict]:
    """How a file stands to each copy; a group is the copies of one source, under one plan."""
    verdicts: dict[str, Verdict] = {}
    for group in groups:
        plan = plan_from(group["plan"])
        with cells.open("rb") as file:
            names = [str(name) for name in orjson.loads(file.readline())]
            key = bytes.fromhex(group["places_key"])
            shown = tally(names, _rows(file, len(names)), plan, key, most=MOST_PLACES).shown()
        for copy, copy_key in group["copies"].items():
            verdicts[copy] = judge(bytes.fromhex(copy_key), shown, candidates=candidates)
    return verdicts


def _rows(file: Any, width: int) -> Iterator[list[str | None]]:
    for line in file:
        row = orjson.loads(line)
        if len(row) == width:
            yield row


def _main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="market.delivery.marking.judging")
    parser.add_argument("cells", type=Path)
    parser.add_argument("--asked", type=Path, required=True)
    parser.add_argument("--said", type=Path, required=True)
    parser.add_argument("--cpu-s", type=int, required=True)
    given = parser.parse_args(arguments)
    asked = orjson.loads(given.asked.read_bytes())
    given.asked.unlink()
    confine(given.cpu_s)
    verdicts = judge_cells(given.cells, asked["groups"], candidates=asked["candidates"])
    said = {
        copy: [one.places, one.agree, str(one.expected), str(one.log10_p)] for copy, one in verdicts.items()
    }
    given.said.write_bytes(orjson.dumps(said))
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
