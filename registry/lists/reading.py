"""Reading a stranger's list without trusting it: a child process under limits sorts its rows.

`python -m registry.lists.reading FILE` is the child. It leaves the good rows as canonical JSON, one a line
(`n` is the row's number, `key` under what it is listed once, `said` its members), and the bad ones with
heading and reason.
"""

import argparse
import asyncio
import hashlib
import sys
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Final

import orjson

from base.canonical import canonical
from base.errors import DomainError
from registry.confined import REFUSED, confine, cpu_seconds, module_command, run_confined
from registry.lists.errors import ListFileUnreadable
from registry.lists.headings import (
    HEADER_WITHIN,
    MAX_COLUMNS,
    Fault,
    ListName,
    Reading,
    missing_headings,
    reading_of,
)
from registry.lists.lines import Row
from registry.lists.sheets import check_kind, sheets_of

MAX_ROWS: Final = 200_000
HEAD_BYTES: Final = 4_096
_OUT_BYTES: Final = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class Sorted:
    """What a file held: `headings` maps our members to its headings; rows and faults are files of lines."""

    form: str
    headings: dict[str, str]
    ignored: tuple[str, ...]
    good: int
    bad: int
    rows: Path
    faults: Path


async def read_list(
    path: Path, list_name: ListName, *, name: str, on: date, work: Path, timeout_s: float = 120
) -> Sorted:
    """Sort a file's rows in a child process; what it leaves stands in `work`. Raises ListFileUnreadable."""
    command = module_command("registry.lists.reading", str(await asyncio.to_thread(path.resolve)))
    command += ["--list", list_name.value, "--name", name, "--on", on.isoformat()]
    command += ["--cpu-s", str(cpu_seconds(timeout_s))]
    try:
        code = await run_confined(command, work, timeout_s)
    except TimeoutError:
        raise ListFileUnreadable("reading took too long", limit_s=str(timeout_s)) from None
    return await asyncio.to_thread(_collect, work, code)


def _collect(work: Path, code: int) -> Sorted:
    """What the child left; its words are checked like a stranger's, for it has read a stranger's file."""
    told = work / "told.json"
    if code not in (0, REFUSED) or not told.is_file() or told.stat().st_size > _OUT_BYTES:
        raise ListFileUnreadable("reading broke off", exit_code=code)
    said = orjson.loads(told.read_bytes())
    if code == REFUSED:
        raise ListFileUnreadable(str(said["detail"])[:200], **said["facts"])
    return Sorted(
        str(said["form"]),
        dict(said["headings"]),
        tuple(said["ignored"]),
        int(said["good"]),
        int(said["bad"]),
        work / "rows.jsonl",
        work / "faults.jsonl",
    )


def sort_rows(path: Path, list_name: ListName, *, name: str, on: date, work: Path) -> Sorted:
    """Sort a file's rows into good and bad. Raises ListFileUnreadable."""
    with path.open("rb") as raw:
        form = check_kind(name, raw.read(HEAD_BYTES))
    rows, reading = _found(list_name, path, form)
    seen: dict[bytes, int] = {}
    good = bad = 0
    with (
        closing(rows),
        (work / "rows.jsonl").open("wb") as kept,
        (work / "faults.jsonl").open("wb") as faults,
    ):
        for number, cells in rows:
            if not any(cell.strip() for cell in cells):
                continue
            if good + bad >= MAX_ROWS:
                raise ListFileUnreadable("more rows than an import takes", most=MAX_ROWS)
            found = reading.row(cells, on)
            if not isinstance(found, Fault):
                said, key = found
                first = seen.setdefault(hashlib.sha256(key.encode()).digest()[:16], number)
                if first == number:
                    good += 1
                    kept.write(canonical({"n": number, "key": key, "said": said}) + b"\n")
                    continue
                found = Fault(reading.named["name"], f"same-as-row-{first}")
            bad += 1
            faults.write(orjson.dumps([number, found.heading, found.why]) + b"\n")
    return Sorted(
        form,
        dict(reading.named),
        reading.ignored[:MAX_COLUMNS],
        good,
        bad,
        work / "rows.jsonl",
        work / "faults.jsonl",
    )


def _found(list_name: ListName, path: Path, form: str) -> tuple[Generator[Row, None, None], Reading]:
    """The rows of the sheet that has the headings, and how they are read; what other sheets hold is told.

    Raises ListFileUnreadable, also where several sheets have them: none is passed over.
    """
    found: list[tuple[str, Generator[Row, None, None], Reading]] = []
    others: list[str] = []
    why, facts = "the workbook shows no sheet", dict[str, Any]()
    for title, rows in sheets_of(path, form):
        try:
            found.append((title, rows, _header(list_name, rows)))
        except ListFileUnreadable as error:
            rows.close()
            short = error.facts.get("missing", ())
            if not others or 0 < len(short) < len(facts.get("missing", short)):
                why, facts = error.detail, dict(error.facts)
            others.append(f"[{title}]"[:100])
    if len(found) > 1:
        for _, rows, _ in found:
            rows.close()
        sheets = [title[:100] for title, _, _ in found]
        raise ListFileUnreadable("several sheets hold a list: bring one a file", sheets=sheets)
    if not found:
        raise ListFileUnreadable(why, **facts)
    ((_, rows, reading),) = found
    return rows, replace(reading, ignored=(*others, *reading.ignored))


def _header(list_name: ListName, rows: Any) -> Reading:
    """How the rows are read, from the first of them that has the headings. Raises ListFileUnreadable."""
    nearest: list[str] | None = None
    for number, cells in rows:
        if len(cells) > MAX_COLUMNS:
            raise ListFileUnreadable("more columns than a list has", most=MAX_COLUMNS)
        reading = reading_of(list_name, cells)
        if reading is not None:
            return reading
        missing = missing_headings(list_name, cells)
        nearest = missing if nearest is None or len(missing) < len(nearest) else nearest
        if number >= HEADER_WITHIN:
            break
    raise ListFileUnreadable("these headings are missing", missing=nearest or [])


def _main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="registry.lists.reading")
    parser.add_argument("file", type=Path)
    parser.add_argument("--list", type=ListName, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--on", type=date.fromisoformat, required=True)
    parser.add_argument("--cpu-s", type=int, default=600)
    given = parser.parse_args(arguments)
    confine(given.cpu_s, file_bytes=_OUT_BYTES)
    work = Path.cwd()
    try:
        done = sort_rows(given.file, given.list, name=given.name, on=given.on, work=work)
    except DomainError as error:
        (work / "told.json").write_bytes(orjson.dumps({"detail": error.detail, "facts": error.facts}))
        return REFUSED
    told = {
        "form": done.form,
        "headings": done.headings,
        "ignored": done.ignored,
        "good": done.good,
        "bad": done.bad,
    }
    (work / "told.json").write_bytes(orjson.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
