"""Measuring a stranger's file without trusting it: a child process under limits, and the report it writes.

`python -m registry.measure FILE --as-of T --out REPORT [--declared JSON]` is also how a buyer measures
again by hand. The child has no secret in its environment, little memory, bounded CPU and disk, and its
database may open this one file only. Whatever happens to it, the server sees an exit code.
"""

import argparse
import asyncio
import signal
import sys
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson

from base.clock import parse_rfc3339, rfc3339
from base.errors import DomainError
from registry import errors
from registry.confined import (
    REFUSED,
    confine,
    cpu_seconds,
    module_command,
    run_confined,
    without_heavy_libraries,
)
from registry.declared import Declared, declared_from
from registry.quality import METHOD, METHOD_VERSION
from registry.report import MAX_REPORT_BYTES, Report, differences, parse_report
from registry.sketching import is_sketch

_REFUSALS: Final[dict[str, type[DomainError]]] = {
    kind.code: kind
    for kind in (
        errors.FileEncodingBroken,
        errors.FileEmpty,
        errors.FileNotTabular,
        errors.FileNotMeasurable,
        errors.DeclarationBroken,
    )
}


@dataclass(frozen=True, slots=True)
class Remeasured:
    """A second measurement beside the bound one. `differing` names dimensions and members of the report."""

    report: Report
    equal: bool
    differing: tuple[str, ...]


async def measure_file(
    path: Path, declared: Declared, *, as_of: datetime, timeout_s: float = 120, books: bool = False
) -> Report:
    """Measure a CSV (UTF-8), gzip-compressed CSV or Parquet file in a child process; `books`: XLSX too.

    Raises FileEncodingBroken, FileEmpty, FileNotTabular, FileNotMeasurable, MeasureTimeout, and
    DeclarationBroken for a pattern that is not RE2. The same file, declaration and `as_of` (to the
    millisecond) give the same bytes.
    """
    with tempfile.TemporaryDirectory(prefix="measure-") as folder:
        work = Path(folder)
        await asyncio.to_thread((work / "declared.json").write_bytes, orjson.dumps(declared.document()))
        command = module_command("registry.measure", str(await asyncio.to_thread(path.resolve)))
        command += ["--declared", "declared.json", "--as-of", rfc3339(as_of), "--out", "report.json"]
        command += ["--sample", "sample.json", "--cpu-s", str(cpu_seconds(timeout_s))]
        command += ["--books"] if books else []
        try:
            code = await run_confined(command, work, timeout_s)
        except TimeoutError:
            raise errors.MeasureTimeout("the measurement took too long", limit_s=str(timeout_s)) from None
        return await asyncio.to_thread(_collect, work, code)


async def remeasure(path: Path, bound: Report, *, timeout_s: float = 120) -> Remeasured:
    """Measure a file again exactly as a bound report says: same declaration, same moment, same method.

    A buyer's check. A report of another method version cannot be repeated: that is a difference too.
    """
    again = await measure_file(path, bound.declared, as_of=bound.as_of, timeout_s=timeout_s)
    differing = differences(bound, again)
    return Remeasured(again, not differing, differing)


def _collect(work: Path, code: int) -> Report:
    """Read what the child left. It read a hostile file, so its words are checked like a stranger's."""
    out = work / "report.json"
    if code == -signal.SIGXCPU:
        raise errors.MeasureTimeout("the measurement used too much CPU")
    if code not in (0, REFUSED) or not out.is_file() or out.stat().st_size > MAX_REPORT_BYTES:
        raise errors.FileNotMeasurable("the measurement broke off", exit_code=code)
    if code == REFUSED:
        refusal = orjson.loads(out.read_bytes())
        kind = _REFUSALS.get(refusal["code"], errors.FileNotMeasurable)
        raise kind(refusal["detail"], **refusal["facts"])
    report = parse_report(out.read_bytes())
    beside = orjson.loads((work / "sample.json").read_bytes())
    if not is_sketch(beside.get("sketch")):
        raise errors.FileNotMeasurable("the measurement broke off", exit_code=code)
    return Report(report.canonical, tuple(tuple(row) for row in beside["sample"]), tuple(beside["sketch"]))


def _main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="registry.measure", description=f"{METHOD}/{METHOD_VERSION}")
    parser.add_argument("file", type=Path)
    parser.add_argument("--declared", type=Path)
    parser.add_argument("--as-of", type=parse_rfc3339, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sample", type=Path)
    parser.add_argument("--cpu-s", type=int, default=600)
    parser.add_argument("--books", action="store_true")
    given = parser.parse_args(arguments)
    confine(given.cpu_s)
    without_heavy_libraries()
    from registry.child import measure  # noqa: PLC0415 - after the limits, and never in the parent

    answer: dict[str, Any] | None = None
    with tempfile.TemporaryDirectory(prefix="scratch-") as scratch:
        try:
            declared = (
                declared_from(orjson.loads(given.declared.read_bytes())) if given.declared else Declared()
            )
            report, sample, seen = measure(
                given.file, declared, given.as_of, Path(scratch), books=given.books
            )
        except DomainError as error:
            answer = {"code": error.code, "detail": error.detail, "facts": error.facts}
    if answer is not None:
        given.out.write_bytes(orjson.dumps(answer))
        return REFUSED
    given.out.write_bytes(report)
    if given.sample:
        given.sample.write_bytes(orjson.dumps({"sample": sample, "sketch": seen}))
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
