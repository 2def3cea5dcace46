"""The isolated process of one question: `python -m market.delivery.sandbox.child parse|run`.

It gets its work as one JSON document on its input and answers one on its output. To parse it has nothing but
the text; to run it has the form that was checked, and the table under a descriptor that names no path. It
says `begun` before it reads the table: what breaks off after that has its price.
"""

import contextlib
import sys
from typing import Any, Final

import orjson

from base.errors import DomainError
from market.delivery.sandbox.confining import close_the_files, leave_the_network, refuse_calls
from registry.confined import confine, without_heavy_libraries

BEGUN: Final = b"begun\n"
MAX_JOB_BYTES: Final = 4 * 1024**2
_CPU_S: Final = {"parse": 5, "run": 30}
_PRACTICE: Final = (
    "SELECT a, avg(b) FROM data WHERE c IN (1) GROUP BY a ORDER BY a LIMIT 1",
    "SELECT (",
    "COPY a TO 'b'",
)


def _parse(job: dict[str, Any], walls: list[str]) -> dict[str, Any]:
    from market.delivery.sandbox.parsing import parse  # noqa: PLC0415 - after the limits

    for text in _PRACTICE:  # what reading needs is loaded before the walls stand
        with contextlib.suppress(DomainError):
            parse(text)
    _close(walls)
    return {"form": parse(str(job["text"]))}


def _run(job: dict[str, Any], walls: list[str]) -> dict[str, Any]:
    without_heavy_libraries()
    from market.delivery.sandbox.answering import Engine  # noqa: PLC0415 - after the limits

    table = int(job["table"])
    engine = Engine(table)
    _close(walls, table)
    sys.stdout.buffer.write(BEGUN)
    sys.stdout.buffer.flush()
    epsilon, earlier = int(job["epsilon_micro"]), job.get("earlier", ())
    answer = engine.answer(job["form"], job["terms"], epsilon_micro=epsilon, earlier=earlier)
    return answer | {"walls": sorted(walls)}


def _close(walls: list[str], *descriptors: int) -> None:
    """Put up what this system has, when everything is loaded."""
    if close_the_files(*descriptors):
        walls.append("files")
    if refuse_calls():
        walls.append("calls")


def _main(work: str) -> int:
    confine(_CPU_S[work], file_bytes=0)
    walls = ["network"] if leave_the_network() else []
    job = orjson.loads(sys.stdin.buffer.read(MAX_JOB_BYTES))
    try:
        answer = {"parse": _parse, "run": _run}[work](job, walls)
    except DomainError as refusal:
        answer = {"refused": {"detail": refusal.detail, "facts": refusal.facts}}
    sys.stdout.buffer.write(orjson.dumps(answer))
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1]))
