"""The commands of a node: as real processes where they work together, in this process where they refuse."""

import asyncio
import json
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import structlog
from typer.testing import CliRunner, Result

from base.clock import SystemClock
from base.db import Database
from base.settings import Settings
from cli.main import app
from cli.migrate import migrated
from identity.founding import Operator
from tests.cli.node_process import PASSWORD, NodeProcess
from tests.houses import some_uscc
from tests.postgres import Server
from tests.web.api.desk import Desk
from tests.web.market import make_template
from web.node import found

# --- two processes on PostgreSQL


@pytest.mark.postgresql
async def test_a_server_and_a_sequencer_share_a_database_and_end_when_they_are_asked_to(
    postgres: Server, tmp_path: Path
) -> None:
    url = await postgres.create("commands")
    node = NodeProcess(tmp_path / "var", more={"DATABASE_URL": url})
    try:
        early = await asyncio.to_thread(node.command, "serve", "--no-sequencer")
        assert (early.returncode, early.stderr.splitlines()[-1]) == (
            2,
            "bring it up to date:  databourse migrate",
        )
        assert (await asyncio.to_thread(node.command, "migrate")).returncode == 0
        await asyncio.to_thread(node.found)
        await asyncio.to_thread(node.start, "--no-sequencer")
        sequencer = node.begin("sequencer", log="sequencer.log")
        try:
            await an_act_is_sealed(node)
        finally:
            sequencer.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(sequencer.wait, 60) == 0
        await asyncio.to_thread(node.end, signal.SIGTERM)
    finally:
        if node.process is not None:
            node.end(signal.SIGKILL)
        await postgres.drop("commands")


async def an_act_is_sealed(node: NodeProcess) -> None:
    """What the one process records, the other puts in order."""
    async with httpx.AsyncClient(base_url=node.url, trust_env=False, timeout=30) as http:
        operator = await Desk(http, "operator", password=PASSWORD).sign_in()
        done = await operator.act("/organisations", {"name": "成员", "uscc": some_uscc(), "roles": ["BUYER"]})
        (recorded,) = done["recorded"]
        for _ in range(6):  # each asks for up to ten seconds; the other process is still starting
            said = await operator.get(f"/ledger/statements/{recorded['statement_id']}?wait=sealed")
            if said["seq"] is not None:
                break
        assert said["seq"] == 3  # after the genesis, the operator's admission and its key


# --- the ledger against the database (SC-11)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("market"))


def test_an_amount_changed_by_hand_is_told_from_the_ledger(market: Path, tmp_path: Path) -> None:
    folder = tmp_path / "var"
    shutil.copytree(market, folder)
    node = NodeProcess(folder, more={"ORIGIN": "exchange.example/test"})
    bundle = tmp_path / "bundle"
    exported = node.command("export", "--out", str(bundle), "--edition", "regulator")
    assert exported.returncode == 0, exported.stderr
    settled = json.loads((folder / "market.json").read_bytes())["ids"]["settled"]
    audit = ("audit", str(bundle), "--vkey", node.vkey, "--db", node.database_url)
    clean = node.command(*audit)
    assert clean.returncode == 0, clean.stdout + clean.stderr
    assert clean.stdout.splitlines()[1] == "CLEAN"
    with sqlite3.connect(folder / "databourse.db") as connection:
        changed = connection.execute(
            "UPDATE market_trades SET price_minor = 86000000 WHERE trade_id = ?", (settled,)
        )
        assert changed.rowcount == 1
    connection.close()
    tampered = node.command(*audit)
    assert tampered.returncode == 1
    assert "NOT CLEAN: DB_MISMATCH" in tampered.stdout
    assert f"{settled} amount_minor: database 86000000, ledger 68000000" in tampered.stdout


# --- what cannot begin says why, and what to do


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("DATABOURSE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("DATABOURSE_DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path}/databourse.db")
    monkeypatch.setenv("DATABOURSE_ORIGIN", "commands.test/log")
    monkeypatch.setenv("DATABOURSE_FOUND_PASSWORD", PASSWORD)
    yield tmp_path
    structlog.reset_defaults()  # as a process that ends would


def command(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def founding(uscc: str, *, login: str = "operator") -> Result:
    return command("found", "--name", "测试交易所", "--uscc", uscc, "--login", login)


def test_a_database_without_a_schema_or_an_exchange_is_told_from_one_that_is_ready(folder: Path) -> None:
    bare = command("export", "--out", str(folder / "b"))
    assert (bare.exit_code, "databourse migrate" in bare.stderr) == (2, True)
    for _ in range(2):
        assert command("migrate").output == "the database is up to date\n"
    unfounded = command("export", "--out", str(folder / "b"))
    assert unfounded.exit_code == 2
    assert "exchange-not-founded" in unfounded.stderr
    assert "databourse found --name" in unfounded.stderr
    assert not (folder / "b").exists()


def test_founding_is_repeatable_and_only_by_the_same_institution(folder: Path) -> None:
    uscc = some_uscc()
    assert founding(uscc).output == "commands.test/log is founded; sign in as operator\n"
    again = founding(uscc, login="somebody-else")
    assert (again.exit_code, again.output) == (
        0,
        "commands.test/log was founded before; nothing was changed\n",
    )
    other = founding(some_uscc())
    assert other.exit_code == 2
    assert "another institution operates this exchange" in other.stderr
    (folder / "keys" / "exchange.key").write_bytes(bytes(range(32)))
    foreign = founding(uscc)
    assert foreign.exit_code == 2
    assert "these are the keys" in foreign.stderr


def test_a_founding_that_was_broken_off_is_finished_by_the_same_command(folder: Path) -> None:
    """The genesis is there, and neither a person nor a key: as a kill between the steps leaves it."""
    uscc, settings = some_uscc(), Settings()

    async def begun() -> None:
        await migrated(settings)
        database = Database(settings.database_dsn)
        await found(settings, database, SystemClock(), Operator("测试交易所", uscc))
        await database.dispose()

    asyncio.run(begun())
    assert founding(uscc).output == "commands.test/log is founded; sign in as operator\n"
    assert founding(uscc).output == "commands.test/log was founded before; nothing was changed\n"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("DATABOURSE_CLOCK", "sundial", "DATABOURSE_CLOCK"),
        ("DATABOURSE_ORIGIN", "Not An Origin", "an origin looks like"),
        ("DATABOURSE_FOUND_PASSWORD", "short", "password-too-weak"),
    ],
)
def test_a_wrong_setting_is_named_and_founds_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    done = founding(some_uscc())
    assert (done.exit_code, said in done.stderr) == (2, True)
    assert "Traceback" not in done.stderr
    assert not (folder / "databourse.db").exists()


def test_a_wrong_credit_code_founds_nothing(folder: Path) -> None:
    done = founding("91440100MA0000001B")
    assert (done.exit_code, "uscc-invalid" in done.stderr) == (2, True)


def test_a_key_that_others_can_read_is_not_used(folder: Path) -> None:
    uscc = some_uscc()
    assert founding(uscc).exit_code == 0
    (folder / "keys" / "access.pem").chmod(0o644)
    done = command("export", "--out", str(folder / "b"))
    assert (done.exit_code, "can be read by others" in done.stderr) == (2, True)


def test_a_database_older_than_its_published_log_is_not_served(folder: Path) -> None:
    """A restored backup would fork the log."""
    assert founding(some_uscc()).exit_code == 0
    shutil.copyfile(folder / "databourse.db", folder / "backup.db")
    assert command("export", "--out", str(folder / "b")).exit_code == 0  # seals and publishes
    for name in ("databourse.db", "databourse.db-wal", "databourse.db-shm"):
        (folder / name).unlink(missing_ok=True)
    shutil.copyfile(folder / "backup.db", folder / "databourse.db")
    done = command("serve", "--port", "0")
    assert done.exit_code == 2
    assert "log-forked" in done.stderr
    assert "restore a newer one" in done.stderr


def test_a_database_that_cannot_be_asked_is_said_by_the_audit(folder: Path) -> None:
    assert founding(some_uscc()).exit_code == 0
    assert command("export", "--out", str(folder / "b")).exit_code == 0
    for url in ("nonsense", f"sqlite+aiosqlite:///{folder}/no/such.db"):
        done = command("audit", str(folder / "b"), "--db", url)
        assert done.exit_code == 2
        assert "--db" in done.stderr
