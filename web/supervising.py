"""Supervision run by the node itself: export, evidence, rules, analysis, one by one in child processes.

The children are the same commands that a regulator runs offline, so what the pages show is what the
commands give. One run at a time, over all workers: a lock on a file that goes with its process.
"""

import asyncio
import fcntl
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final

import orjson
import structlog
from pydantic import SecretStr

from base.clock import Clock, parse_rfc3339, rfc3339
from base.errors import Conflict, NotFound
from base.settings import Settings
from ledger.publisher import write_atomically
from supervision.errors import UnusableFindings
from supervision.report import Report, load_report

log = structlog.get_logger("supervising")
STAGES: Final = ("export", "evidence", "supervise", "analyse", "statistics")
ANALYSIS: Final = "analysis.json"
DONE: Final = "done"
FAILED: Final = "failed"
_COMMAND: Final = "from cli.main import app; app()"  # this very program's command line, in a child
_LAST_WORDS: Final = 2000
_PATIENCE_S: Final = 1800


class SupervisionRunning(Conflict):
    """One run at a time."""

    code = "supervision-running"
    title = "Supervision is running already"


class NoFindingsYet(NotFound):
    """Supervision has not run, or left no readable findings."""

    code = "no-findings-yet"
    title = "Supervision has not run yet"


@dataclass(frozen=True, slots=True)
class RunState:
    """How far the last run has come: a stage's name, `done`, or `failed` with the last words."""

    stage: str
    started_at: datetime
    changed_at: datetime
    error: str = ""

    @property
    def running(self) -> bool:
        return self.stage in STAGES

    def document(self) -> dict[str, Any]:
        return {
            "stage": self.stage,
            "started_at": rfc3339(self.started_at),
            "changed_at": rfc3339(self.changed_at),
            "error": self.error,
        }


@dataclass
class Supervising:
    """The runs of one node, and what the newest found."""

    settings: Settings
    clock: Clock
    _task: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def folder(self) -> Path:
        """Where findings and the state of the run are kept."""
        return self.settings.data_dir / "supervision"

    @property
    def findings(self) -> Path:
        """The newest findings."""
        return self.folder / "findings.json"

    async def report(self) -> Report:
        """The newest findings, read. Raises NoFindingsYet."""
        try:
            return await asyncio.to_thread(load_report, self.findings)
        except (FileNotFoundError, UnusableFindings):
            raise NoFindingsYet("supervision has not run yet") from None

    async def analysis(self) -> dict[str, Any]:
        """What `supervision.analysis` told in the newest run. Raises NoFindingsYet."""
        try:
            told: dict[str, Any] = orjson.loads(await asyncio.to_thread((self.folder / ANALYSIS).read_bytes))
        except (FileNotFoundError, ValueError):
            raise NoFindingsYet("supervision has not run yet") from None
        return told

    def state(self) -> RunState | None:
        """How far the last run has come; one whose process is gone has failed. None before the first."""
        try:
            said = orjson.loads(self._state_file.read_bytes())
            state = RunState(
                said["stage"],
                parse_rfc3339(said["started_at"]),
                parse_rfc3339(said["changed_at"]),
                said["error"],
            )
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None
        if state.running and not self._is_locked():
            return RunState(FAILED, state.started_at, state.changed_at, "the run was broken off")
        return state

    def start(self) -> RunState:
        """Begin a run in the background. Raises SupervisionRunning."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = self._lock()
        if lock is None:
            raise SupervisionRunning("one run at a time")
        now = self.clock.now()
        state = self._note(RunState(STAGES[0], now, now))
        self._task = asyncio.get_running_loop().create_task(self._run(lock, now), name="supervision")
        return state

    async def wait(self) -> None:
        """Until the run that this process began is over."""
        if self._task is not None:
            await self._task

    async def _run(self, lock: IO[bytes], started: datetime) -> None:
        work = self.folder / "work"
        error = ""
        try:
            await asyncio.to_thread(shutil.rmtree, work, ignore_errors=True)
            work.mkdir(parents=True)
            for stage, arguments in self._stages(work):
                self._note(RunState(stage, started, self.clock.now()))
                error = await _child(arguments, self.environment())
                if error:
                    break
        except Exception as surprise:
            log.exception("supervision failed")
            error = type(surprise).__name__
        except asyncio.CancelledError:
            error = "the run was broken off"
            raise
        finally:
            self._note(RunState(FAILED if error else DONE, started, self.clock.now(), error))
            shutil.rmtree(work, ignore_errors=True)
            lock.close()

    def _stages(self, work: Path) -> Iterator[tuple[str, Sequence[str]]]:
        bundle, evidence = work / "bundle", work / "evidence"
        yield "export", ("export", "--out", str(bundle), "--edition", "regulator")
        yield "evidence", ("evidence", str(bundle), "--out", str(evidence))
        as_of = rfc3339(self.clock.now())
        yield "supervise", ("supervise", str(evidence), "--as-of", as_of, "--out", str(self.findings))
        yield "analyse", ("analyse", str(evidence), "--as-of", as_of, "--out", str(self.folder / ANALYSIS))

    def environment(self) -> dict[str, str]:
        """The child's: this process's, with the node's own settings, however it came by them."""
        told = {}
        for name in Settings.model_fields:
            value = getattr(self.settings, name)
            if value is not None:
                plain = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
                told[f"DATABOURSE_{name.upper()}"] = plain
        return dict(os.environ) | told

    def _note(self, state: RunState) -> RunState:
        write_atomically(self._state_file, orjson.dumps(state.document()))
        return state

    @property
    def _state_file(self) -> Path:
        return self.folder / "run.json"

    def _lock(self) -> IO[bytes] | None:
        """The lock of a run, held while the file is open; None when somebody has it."""
        file = (self.folder / "run.lock").open("wb")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        return file

    def _is_locked(self) -> bool:
        with _closing(self._lock()) as lock:
            return lock is None


@contextmanager
def _closing(lock: IO[bytes] | None) -> Iterator[IO[bytes] | None]:
    try:
        yield lock
    finally:
        if lock is not None:
            lock.close()


async def _child(arguments: Sequence[str], environment: dict[str, str]) -> str:
    """Run one command of ours; its last words when it fails, nothing when it does its work."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _COMMAND,
        *arguments,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_PATIENCE_S):
            _, said = await process.communicate()
    except TimeoutError:
        return "it took too long"
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode == 0:
        return ""
    return said.decode(errors="replace")[-_LAST_WORDS:].strip() or f"exit code {process.returncode}"
