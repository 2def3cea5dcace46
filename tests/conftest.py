"""What tests share: a fresh database of each kind, and a clock that moves when told."""

import gc
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from httpx._transports import default
from hypothesis import settings

from base.clock import SimulatedClock
from base.db import Database
from tests import forks
from tests.databases import on_postgresql, on_sqlite, statements_compiled_once
from tests.postgres import SQLITE_ONLY, Server, running_server

settings.register_profile("untimed", deadline=None)  # a slow machine fails no property
settings.load_profile("untimed")


MONDAY = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
GARBAGE = 20_000  # objects more than were given back: then it is time to look
MEMORY = "/dev/shm"
ROOM_BYTES = 8 * 2**30
MOST_WORKERS = 4  # each has a PostgreSQL and a browser
LONG = (  # files that take long begin early: the last of a run is then a short one
    "cli/test_demo.py",
    "web/pages/test_browser.py",
    "test_docs.py",
    "cli/test_federation.py",
    "market/settlement/test_whole_trade.py",
    "cli/test_commands.py",
    "cli/test_killed_postgresql.py",
    "cli/test_killed.py",
    "cli/test_power_cut.py",
    "web/api/test_undone.py",
    "web/api/test_any_input.py",
    "market/trade/test_downtime.py",
    "market/settlement/test_killed_at_every_statement.py",
    "market/settlement/test_accounts.py",
    "web/pages/test_regulator.py",
    "market/orders/test_rewarding.py",
    "market/orders/test_fallen_rewards.py",
    "market/delivery/test_sandbox.py",
    "market/trade/test_frozen_deadlines.py",
    "web/api/test_whole_way.py",
    "market/trade/test_freezing.py",
    "web/api/test_in_doubt.py",
    "ledger/test_audit_long.py",
    "web/api/test_one_trade_at_once.py",
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than processors, for tests wait too; none for a few tests, which workers would make wait."""
    few = config.option.keyword or all(".py" in asked for asked in config.args)
    have = os.cpu_count() or 1
    return 0 if few or have == 1 else min(have + 1, MOST_WORKERS)


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _controls(config: pytest.Config) -> bool:
    """Whether this process has workers, and collects nothing itself."""
    return not _is_worker(config) and config.getoption("dist", "no") != "no"


def pytest_configure(config: pytest.Config) -> None:
    """A run by workers keeps its files in memory where there is room: commits would wait for a disk."""
    memory = shutil.disk_usage(MEMORY).free if os.access(MEMORY, os.W_OK) else 0
    if _controls(config) and config.option.basetemp is None and memory > ROOM_BYTES:
        for left in Path(MEMORY).glob("databourse-tests-*-*"):
            if not Path("/proc", left.name.split("-")[2]).exists():  # its run was killed
                shutil.rmtree(left, ignore_errors=True)
        folder = tempfile.mkdtemp(prefix=f"databourse-tests-{os.getpid()}-", dir=MEMORY)
        os.environ["TMPDIR"] = folder
        config.option.basetemp = Path(folder) / "pytest"
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The files of LONG first, where files are dealt out to workers."""
    if config.getoption("dist", "no") != "no" or _is_worker(config):
        places = {config.rootpath / "tests" / name: place for place, name in enumerate(LONG)}
        items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """What is collected stays to the end: the garbage collector need not look at it again and again."""
    if not _controls(session.config):
        gc.disable()


def pytest_collection_finish() -> None:
    """From here on there is garbage."""
    gc.freeze()
    gc.set_threshold(GARBAGE, 20, 20)
    gc.enable()


@pytest.fixture
def clock() -> SimulatedClock:
    """Monday, 16 November 2026, 09:00 in Shanghai: a working day in an ordinary week."""
    return SimulatedClock(MONDAY)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The suite's PostgreSQL, started by the first test that asks for it. Fails where none can be had."""
    if os.environ.get(SQLITE_ONLY) == "1":
        pytest.skip(f"{SQLITE_ONLY}=1 asked for a suite without PostgreSQL")
    yield from running_server()


@pytest.fixture(scope="session", autouse=True)
def no_process_is_left() -> Iterator[None]:
    """The process that forks commands ends with the suite, and all that it forked."""
    yield
    forks.close()


@pytest.fixture(scope="session", autouse=True)
def no_statement_is_compiled_twice() -> Iterator[None]:
    """An engine for each test, and what they compile for all."""
    with statements_compiled_once():
        yield


@pytest.fixture(scope="session", autouse=True)
def trust_is_read_once() -> Iterator[None]:
    """Every client of HTTP reads the certificates of the world; next to nothing that is tested speaks TLS."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(default, "create_ssl_context", cache(default.create_ssl_context))
        yield


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the SQLite file with the schema is kept; the first test that needs it makes it."""
    return tmp_path_factory.mktemp("sqlite") / "template.db"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A fresh database with the project's schema: the test runs once on each kind."""
    if request.param == "sqlite":
        fresh = on_sqlite(request.getfixturevalue("sqlite_template"), tmp_path / "databourse.db")
    else:
        fresh = on_postgresql(request.getfixturevalue("postgres"))
    async with fresh as database:
        yield database


@pytest.fixture
async def postgresql_database(postgres: Server) -> AsyncIterator[Database]:
    """A fresh PostgreSQL database, for what only it can show (locks, several writers)."""
    async with on_postgresql(postgres) as database:
        yield database
