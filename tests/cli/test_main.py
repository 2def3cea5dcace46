"""Commands are loaded when they are called: who audits a log does not load the exchange."""

import subprocess
import sys
from typing import Final

import pytest
from typer.testing import CliRunner

from cli.main import OFFERED, app, load

STACK: Final = {
    *("aiosqlite", "alembic", "asyncpg", "duckdb", "fastapi", "httpx", "ibis", "jinja2", "lxml", "pyarrow"),
    *("sqlalchemy", "sqlmodel", "starlette", "uvicorn"),
}
PRINTED_LAST: Final = (
    "import sys\nfrom cli.main import app\n"
    "app(sys.argv[1:], standalone_mode=False)\nprint('LOADED', *sorted(sys.modules))"
)
PRINTED_AT_EXIT: Final = (
    "import atexit, sys\nfrom cli.main import app\n"
    "atexit.register(lambda: print('LOADED', *sorted(sys.modules)))\napp(sys.argv[1:])"
)


def loaded_by(*words: str) -> set[str]:
    """The modules that a process has loaded after a command."""
    done = subprocess.run(
        [sys.executable, "-c", PRINTED_LAST, *words], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.partition("LOADED ")[2].split())


@pytest.mark.parametrize("name", ["", "audit", "evidence", "export", "keys", "price", "sign", "supervise"])
def test_what_says_how_it_is_used_loads_nothing_of_the_exchange(name) -> None:
    loaded = loaded_by(*filter(None, [name]), "--help")
    assert loaded & STACK == set()
    assert {"web", "market", "cli.demo"} & loaded == set()


@pytest.mark.parametrize("name", OFFERED)
def test_the_list_says_of_a_command_what_the_command_says_of_itself(name) -> None:
    assert load(name).name == name
    assert (load(name).help or "").partition("\n\n")[0].replace("\n", " ") == OFFERED[name][1]


def test_the_list_has_every_command() -> None:
    said = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"})
    assert said.exit_code == 0
    assert [name for name in OFFERED if f" {name} " not in said.stdout] == []


def test_a_command_that_is_not_offered_is_refused_with_a_proposal() -> None:
    said = CliRunner().invoke(app, ["aduit"])
    assert said.exit_code == 2
    assert "Did you mean 'audit'?" in said.stderr


def test_a_server_and_its_schema_load_nothing_that_a_child_process_works_with() -> None:
    """What calculates on tables runs in processes of its own: it would double what a server holds."""
    program = (
        "import sys, web.main, migrations.models, cli.demo.command\nprint('LOADED', *sorted(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    heavy = {"duckdb", "ibis", "numpy", "obstore", "opendp", "polars", "pyarrow", "pyspark", "scipy"}
    assert heavy & set(done.stdout.partition("LOADED ")[2].split()) == set()


def test_an_audit_of_a_bundle_loads_no_database(tmp_path) -> None:
    """Also when it runs: only `--db` speaks to one."""
    (tmp_path / "bundle").mkdir()
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            PRINTED_AT_EXIT,
            "audit",
            str(tmp_path / "bundle"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "FILE" in done.stdout
    assert set(done.stdout.partition("LOADED ")[2].split()) & STACK == set()
