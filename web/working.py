"""Long work that people watch: its state is on disk, so that any worker shows it and a reload loses nothing.

Each piece has a folder: what it is, how far it is, what came of it. A lock on a file there goes with the
process that does it, so what was broken off is known as such. It is called off from any worker by a file.
"""

import asyncio
import fcntl
import re
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import IO, Any, Final, TypeAlias

import orjson
import structlog

from base.clock import Clock, parse_rfc3339, rfc3339
from base.errors import Conflict, DomainError, NotFound
from base.ids import Seed
from base.settings import Settings
from ledger.publisher import write_atomically

log = structlog.get_logger("working")
RUNNING, DONE, FAILED, CANCELLED = "running", "done", "failed", "cancelled"
KEPT: Final = timedelta(days=30)
MOST_KEPT: Final = 200  # of one kind, of one organisation
MOST_AT_ONCE: Final = 2  # of one organisation
_JOB: Final = re.compile(r"job_[0-9a-z]{20,40}", re.ASCII)
_ASK_EVERY_S: Final = 0.5
_TELL_EVERY_S: Final = 0.3
_STATE, _LOCK, _CANCEL, _FETCHED = "job.json", "lock", "cancel", "fetched.jsonl"


class JobUnknown(NotFound):
    code = "job-unknown"
    title = "No such job"


class TooMuchAtOnce(Conflict):
    """An organisation has as much under way as it may."""

    code = "jobs-under-way"
    title = "Wait until one of your jobs is over"


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of work as it stands. `total` is 0 while nobody knows it; `result` is what came of it."""

    job_id: str
    kind: str
    org_id: str
    user_id: str
    asked: dict[str, Any]
    stages: tuple[str, ...]
    started_at: str
    changed_at: str
    status: str = RUNNING
    stage: str = ""
    done: int = 0
    total: int = 0
    error: str = ""
    code: str = ""
    result: dict[str, Any] = field(default_factory=dict)

    @property
    def running(self) -> bool:
        return self.status == RUNNING


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be done, for whom: `stages` are its parts in order, `asked` what the page shows of it."""

    kind: str
    org_id: str
    user_id: str
    stages: tuple[str, ...]
    asked: dict[str, Any] = field(default_factory=dict)


class Hand:
    """What the work holds while it is done: its folder, and how it tells how far it is."""

    def __init__(self, working: "Working", job: Job, folder: Path) -> None:
        self._working, self._job, self.folder = working, job, folder
        self._told_at = 0.0

    def at(self, stage: str, done: int = 0, total: int = 0) -> None:
        """Tell the stage, and how many of how many are done in it."""
        now = asyncio.get_running_loop().time()
        same = (stage, total) == (self._job.stage, self._job.total)
        if same and now - self._told_at < _TELL_EVERY_S and done < total:
            return
        self._told_at = now
        self._job = self._working.note(replace(self._job, stage=stage, done=done, total=total))

    def end(self, status: str, **more: Any) -> None:
        """The last word."""
        self._job = self._working.note(replace(self._job, status=status, **more))


Work: TypeAlias = Callable[[Hand], Awaitable[dict[str, Any]]]


@dataclass
class Working:
    """The long work of one node. `patience_s` is how long a page waits for work that may be short."""

    settings: Settings
    clock: Clock
    patience_s: float = 3.0
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict, repr=False)

    @property
    def folder(self) -> Path:
        return self.settings.data_dir / "jobs"

    def begin(self, wanted: Wanted, work: Work) -> Job:
        """Begin in the background. Raises TooMuchAtOnce."""
        return self._begun(wanted, work)[0]

    async def attend(self, wanted: Wanted, work: Work) -> str | None:
        """Begin, and wait a while: None when it is over by then, else the id of the job that goes on.

        Raises TooMuchAtOnce, and whatever the work raises in that while.
        """
        raised: list[Exception] = []

        async def watched(hand: Hand) -> dict[str, Any]:
            try:
                return await work(hand)
            except Exception as error:
                raised.append(error)
                raise

        job, task = self._begun(wanted, watched)
        await asyncio.wait({task}, timeout=self.patience_s)
        if not task.done():
            return job.job_id
        await asyncio.to_thread(shutil.rmtree, self.folder / job.job_id, ignore_errors=True)
        if raised:
            raise raised[0]
        return None

    def _begun(self, wanted: Wanted, work: Work) -> tuple[Job, asyncio.Task[None]]:
        mine = [job for job in self.jobs() if job.running and job.org_id == wanted.org_id]
        if len(mine) >= MOST_AT_ONCE:
            raise TooMuchAtOnce("wait, or cancel one", under_way=[job.job_id for job in mine])
        now = self.clock.now()
        job_id = Seed().new_id("job", now)
        folder = self.folder / job_id
        folder.mkdir(parents=True)
        lock = (folder / _LOCK).open("wb")
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        facts = {name: getattr(wanted, name) for name in ("kind", "org_id", "user_id", "asked", "stages")}
        job = self.note(Job(job_id, started_at=rfc3339(now), changed_at=rfc3339(now), **facts))
        hand = Hand(self, job, folder)
        task = asyncio.get_running_loop().create_task(self._do(hand, work, lock), name=job_id)
        self._tasks[job_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(job_id, None))
        return job, task

    async def _do(self, hand: Hand, work: Work, lock: IO[bytes]) -> None:
        task = asyncio.ensure_future(work(hand))
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=_ASK_EVERY_S)
                if (hand.folder / _CANCEL).exists():
                    task.cancel()
            hand.end(DONE, result=task.result())
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait({task})
            hand.end(CANCELLED)
        except DomainError as error:
            hand.end(FAILED, error=error.detail, code=error.code)
        except Exception as surprise:
            log.exception("work failed", job=hand.folder.name)
            hand.end(FAILED, error=type(surprise).__name__)
        finally:
            lock.close()

    def note(self, job: Job) -> Job:
        """Keep how far it is."""
        job = replace(job, changed_at=rfc3339(self.clock.now()))
        folder = self.folder / job.job_id
        if folder.is_dir():
            write_atomically(folder / _STATE, orjson.dumps(asdict(job)))
        return job

    def job(self, job_id: str) -> Job:
        """A job as it stands; one whose process is gone has failed. Raises JobUnknown."""
        if _JOB.fullmatch(job_id) is None:
            raise JobUnknown("no such job")
        job = self._read(job_id)
        if job.running and not self._is_locked(job_id):
            job = self._read(job_id)  # its last word is written before the lock goes
            if job.running:
                return replace(job, status=FAILED, error="the job was broken off")
        return job

    def _read(self, job_id: str) -> Job:
        try:
            told = orjson.loads((self.folder / job_id / _STATE).read_bytes())
            return Job(**(told | {"stages": tuple(told["stages"])}))
        except (OSError, ValueError, TypeError, KeyError):
            raise JobUnknown("no such job", job_id=job_id) from None

    def jobs(self, *kinds: str) -> Sequence[Job]:
        """The jobs of these kinds (of every kind), newest first; what has had its time is forgotten."""
        if not self.folder.is_dir():
            return ()
        names = sorted((path.name for path in self.folder.iterdir()), reverse=True)
        found, seen = [], Counter[tuple[str, str]]()
        for name in names:
            with suppress(JobUnknown):
                job = self.job(name)
                seen[job.kind, job.org_id] += 1
                over = seen[job.kind, job.org_id] > MOST_KEPT
                old = over or parse_rfc3339(job.started_at) < self.clock.now() - KEPT
                if old and not job.running:
                    shutil.rmtree(self.folder / name, ignore_errors=True)
                elif not kinds or job.kind in kinds:
                    found.append(job)
        return found

    def drop_files(self, job_id: str) -> None:
        """Delete the files that a job left; what it was, and who has fetched them, stays."""
        for one in self.job(job_id).result.get("files", ()):
            (self.folder / job_id / one["name"]).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Delete what work left behind that was broken off with its process: nobody can fetch it."""
        for job in self.jobs():
            if job.status == FAILED and self._read(job.job_id).running:
                self._empty(job)

    def _empty(self, job: Job) -> None:
        """Keep of a job that was broken off only that it was."""
        for path in (self.folder / job.job_id).iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name not in {_STATE, _LOCK, _FETCHED}:
                path.unlink(missing_ok=True)
        self.note(replace(job, status=FAILED, error="the job was broken off"))

    async def cancel(self, job_id: str) -> None:
        """Call a job off, whichever worker does it. Raises JobUnknown."""
        if self.job(job_id).running:
            (self.folder / job_id / _CANCEL).touch()
            task = self._tasks.get(job_id)
            if task is not None:
                await asyncio.wait({task}, timeout=2 * _ASK_EVERY_S)

    async def wait(self, job_id: str) -> None:
        """Until a job that this process does is over."""
        task = self._tasks.get(job_id)
        if task is not None:
            await asyncio.wait({task})

    def file(self, job_id: str, name: str) -> Path:
        """A file that the work left, by the name that its result tells. Raises JobUnknown."""
        told = {one["name"] for one in self.job(job_id).result.get("files", ())}
        path = self.folder / job_id / name
        if name not in told or not path.is_file():
            raise JobUnknown("the job left no such file", job_id=job_id)
        return path

    def fetched(self, job_id: str) -> list[dict[str, Any]]:
        """Who has fetched its files, the newest first."""
        try:
            lines = (self.folder / job_id / _FETCHED).read_bytes().splitlines()
        except FileNotFoundError:
            return []
        return [orjson.loads(line) for line in reversed(lines)]

    def note_fetch(self, job_id: str, **facts: str) -> None:
        """Write down who fetches a file, before it is sent."""
        line = orjson.dumps(facts | {"at": rfc3339(self.clock.now())})
        with (self.folder / job_id / _FETCHED).open("ab") as file:
            file.write(line + b"\n")

    def _is_locked(self, job_id: str) -> bool:
        try:
            with (self.folder / job_id / _LOCK).open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False
