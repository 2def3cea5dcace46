"""Checking two strangers' files against each other without trusting either: a child process under limits.

`python -m registry.measuring.comparing LEFT RIGHT --question JSON --out RESULT` is also how it is repeated by
hand. The child's words are checked like a stranger's: its result is computed again from its own counts.
"""

import argparse
import asyncio
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import orjson

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
from registry.measuring.errors import CrossCheckMalformed
from registry.measuring.rules import check_question, read_result

MAX_BYTES: Final = 1_000_000
_REFUSALS: Final[dict[str, type[DomainError]]] = {
    kind.code: kind
    for kind in (
        errors.FileEncodingBroken,
        errors.FileEmpty,
        errors.FileNotTabular,
        errors.FileNotMeasurable,
        CrossCheckMalformed,
    )
}


async def compare_files(
    left: Path, right: Path, *, key: Sequence[str], columns: Sequence[str] = (), timeout_s: float = 120
) -> bytes:
    """The canonical result of two files over a key; the same files and question give the same bytes.

    Raises CrossCheckMalformed, FileEncodingBroken, FileEmpty, FileNotTabular, FileNotMeasurable,
    MeasureTimeout.
    """
    check_question(key, columns)
    with tempfile.TemporaryDirectory(prefix="check-") as folder:
        work = Path(folder)
        question = orjson.dumps({"key": list(key), "columns": list(columns)})
        await asyncio.to_thread((work / "question.json").write_bytes, question)
        paths = [str(await asyncio.to_thread(path.resolve)) for path in (left, right)]
        command = module_command("registry.measuring.comparing", *paths)
        command += ["--question", "question.json", "--out", "result.json"]
        command += ["--cpu-s", str(cpu_seconds(timeout_s))]
        try:
            code = await run_confined(command, work, timeout_s)
        except TimeoutError:
            raise errors.MeasureTimeout("the check took too long", limit_s=str(timeout_s)) from None
        return await asyncio.to_thread(_collect, work, code)


def _collect(work: Path, code: int) -> bytes:
    out = work / "result.json"
    if code == -signal.SIGXCPU:
        raise errors.MeasureTimeout("the check used too much CPU")
    if code not in (0, REFUSED) or not out.is_file() or out.stat().st_size > MAX_BYTES:
        raise errors.FileNotMeasurable("the check broke off", exit_code=code)
    said = out.read_bytes()
    if code == REFUSED:
        refusal = orjson.loads(said)
        kind = _REFUSALS.get(refusal["code"], errors.FileNotMeasurable)
        raise kind(refusal["detail"], **refusal["facts"])
    try:
        read_result(said)
    except (ValueError, KeyError, TypeError):
        raise errors.FileNotMeasurable("the check broke off", exit_code=code) from None
    return said


def _main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="registry.measuring.comparing")
    parser.add_argument("left", type=Path)
    parser.add_argument("right", type=Path)
    parser.add_argument("--question", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cpu-s", type=int, default=600)
    given = parser.parse_args(arguments)
    confine(given.cpu_s)
    without_heavy_libraries()
    from registry.measuring.child import compare  # noqa: PLC0415 - after the limits, never in the parent

    asked = orjson.loads(given.question.read_bytes())
    answer: dict[str, Any] | None = None
    with tempfile.TemporaryDirectory(prefix="scratch-") as scratch:
        try:
            result = compare(
                given.left, given.right, Path(scratch), key=asked["key"], columns=asked["columns"]
            )
        except DomainError as error:
            answer = {"code": error.code, "detail": error.detail, "facts": error.facts}
    if answer is not None:
        given.out.write_bytes(orjson.dumps(answer))
        return REFUSED
    given.out.write_bytes(result)
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
