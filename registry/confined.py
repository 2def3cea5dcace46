"""A child process for a stranger's file: no secret in its environment, bounded memory, time and disk.

Whatever happens to it, whoever started it sees an exit code.
"""

import asyncio
import contextlib
import math
import os
import resource
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

REFUSED: Final = 3  # what a child ends with that has read the file and refuses it
ADDRESS_SPACE_BYTES: Final = 2 * 1024**3
SCRATCH_BYTES: Final = 8 * 1024**3
_THREADS: Final = 2
_ROOT: Final = Path(__file__).resolve().parent.parent


def module_command(module: str, *arguments: str) -> list[str]:
    """How a module of ours is run as a program of its own."""
    return [sys.executable, "-P", "-s", "-m", module, *arguments]


def cpu_seconds(timeout_s: float) -> int:
    """What a child may use of the processors while so many seconds pass."""
    return math.ceil(timeout_s) * _THREADS


async def run_confined(command: Sequence[str], work: Path, timeout_s: float) -> int:
    """Run a child in a process group of its own; nothing of it survives this call. Raises TimeoutError."""
    environment = {"PYTHONPATH": str(_ROOT), "LANG": "C.UTF-8", "TMPDIR": str(work)}
    child = await asyncio.create_subprocess_exec(
        *command,
        cwd=work,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(timeout_s):
            return await child.wait()
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            await asyncio.shield(child.wait())


def confine(cpu_s: int, *, file_bytes: int = SCRATCH_BYTES) -> None:
    """Bound this process before it opens anything. A limit the system does not know stays as it is."""
    for kind, amount in (
        (resource.RLIMIT_AS, ADDRESS_SPACE_BYTES),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 256),
    ):
        with contextlib.suppress(ValueError, OSError):
            _, hard = resource.getrlimit(kind)
            resource.setrlimit(
                kind, (amount, amount if hard == resource.RLIM_INFINITY else min(hard, amount))
            )
    os.nice(5)


def without_heavy_libraries() -> None:
    """DuckDB looks for these at its first query: 100 MB and half a second for nothing we use."""
    sys.modules.update(dict.fromkeys(("numpy", "pandas", "pyarrow", "polars")))  # type: ignore[arg-type]
