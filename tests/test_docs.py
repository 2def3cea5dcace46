"""The documents cannot rot: every command they show is run as shown, and says what it is shown for.

What a document shows in a shell block runs in a folder of its own, against an exchange and a bank that
were made by the README's own lines (`tests.shown`). What cannot run in the suite is named, with its reason.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from base.signing import SigningKey
from cli.keys import write_key_file
from tests.shown import ROOT, Shown, commands_of, shown_world

PAGES: Final = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
AFTER: Final = {"regulator.md", "operator.md"}  # a regulator reads what supervision.md had exported
LAST: Final = "operator.md"  # it founds, migrates and serves: the exchange of the other pages is closed then
_LINK: Final = re.compile(r"\]\(([^)#:]+)\)")
_COMMAND: Final = re.compile(r"^\s*(?:[A-Z_]+=\S* )?(?:\.venv/bin/)?(?:databourse|python|make|docker) ")

NOT_RUN: Final = {
    "make demo": "takes minutes: tests/cli/test_demo.py runs the command itself, with few trades",
    "make test": "is this suite",
    "make run": "installs; `databourse serve` is run as it is shown",
    "make bench": "takes minutes: tests/bench/ has its harness",
    "make soak": "is what the suite leaves out for its length",
    "make check": "format, lint and types beside this suite: CI runs it",
    "python -m tests.postgres": "waits for somebody to look at it",
    "python -m web.pages.extraction": "writes into the source: tests/web/pages/test_translations.py has it",
    "databourse account": "wants a signed statement: tests/market/settlement/test_accounts.py runs it",
    "databourse credential": "wants a credential: tests/cli/test_credential.py runs it, and the demo",
    "databourse accesses": "wants an exported log: tests/web/api/test_assessments.py verifies one",
    "databourse check": "wants a delivered copy: tests/cli/test_check.py runs it",
    "databourse trace": "wants a leaked copy: tests/market/delivery/marking/test_copying.py traces one",
    "databourse pull": "wants something that was bought: tests/cli/test_pull.py pulls it",
    "databourse open": "wants a package and its key: tests/cli/test_pull.py opens one",
    "databourse backup": "makes an identity to keep elsewhere: tests/cli/test_backup.py has the drill",
    "databourse restore": "likewise",
    "databourse recover": "wants a log that was lost: tests/cli/test_recovering.py loses one",
    "databourse serve --read-only": "likewise",
    "docker compose": "there is no docker here: tests/test_compose.py asks the commands for their options",
}
SAYS: Final = (
    ("found", r"is founded; sign in as operator|was founded before; nothing was changed"),
    ("migrate", r"the database is up to date"),
    ("export --out .* --edition public", r": \d+ entries, public edition"),
    ("export --out .* --edition regulator", r": \d+ entries, regulator edition"),
    ("audit .*--vkey", r"(?m)^CLEAN$"),
    ("evidence", r"\d+ entries read; the tables are in evidence"),
    ("supervise", r"\d+ findings \(suspected, not decided\) in findings\.json"),
    ("keys (new|show)", r"[0-9a-f]{64}"),
    ("sign", r"(?m)^signed: signed\.dsse\.json$"),
    ("node --vkey", r"^databourse\.example/log\+[0-9a-f]{8}\+\S+$"),
    ("node --exchange-key", r"^[A-Za-z0-9+/]{43}=$"),
    ("price fixed", r'"total_minor":68000000'),
    ("fine ", r'"fine_minor":"453278290"'),
)


def reason(line: str) -> str | None:
    """Why a command is not run in the suite; None for one that is."""
    return next(
        (why for what, why in NOT_RUN.items() if re.search(rf"(^|[ /]){re.escape(what)}\b", line)), None
    )


def with_commands() -> list[Path]:
    pages = [page for page in PAGES if any(reason(line) is None for line in commands_of(page))]
    return sorted(pages, key=lambda page: (page.name in AFTER, page.name == LAST, page.name))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """An exchange, its bank and its first person, by the README's lines."""
    with shown_world(tmp_path_factory.mktemp("shown")) as world:
        for line in own_exchange():
            if not world.stays(line):
                check(line, world.run(line))
            else:
                world.open["bank" if "-m bank" in line else "serve"] = world.start(line)
        world.something_happens()
        seen = world.open["serve"].wait_until(lambda: published(world.port))
        (world.folder / "CHECKPOINT").write_bytes(seen)
        vkey = world.words["VKEY"] = world.run("databourse node --vkey").strip()
        (world.folder / "witnessed").write_text(f"log {vkey}\n", encoding="utf-8")
        (world.folder / "POLICY").write_text(f"log {vkey}\nquorum none\n", encoding="utf-8")
        world.environment["DATABOURSE_WITNESSED_LOGS_FILE"] = "witnessed"
        yield world


def published(port: int) -> bytes:
    """The checkpoint as the exchange serves it; empty before the first is there."""
    answer = httpx.get(f"http://127.0.0.1:{port}/checkpoint", trust_env=False)
    return answer.content if answer.is_success else b""


def own_exchange() -> list[str]:
    """The README's lines that make an exchange of one's own: what the other pages take for granted."""
    return [line for line in commands_of(ROOT / "README.md") if re.search("found|-m bank|serve$", line)]


def check(line: str, said: str) -> None:
    """A command says what it is shown for."""
    for what, wanted in SAYS:
        if re.search(rf"databourse {what}", line):
            assert re.search(wanted, said.strip()), (line, said)


@pytest.mark.parametrize("page", with_commands(), ids=lambda page: page.name)
def test_the_commands_of_a_page_run_as_they_are_shown(page: Path, world: Shown) -> None:
    lines = [line for line in commands_of(page) if reason(line) is None]
    if page.name == LAST:
        world.open.pop("serve").end()
    if page.name == "README.md":
        assert len(own_exchange()) == 3
        lines = [line for line in lines if line not in own_exchange()]
    for line in lines:
        if world.stays(line):
            world.start(line).end()
            continue
        who = re.search(r"--key (\w+)\.key", line) if "databourse sign" in line else None
        if who is not None:
            member = who.group(1)
            if not (world.folder / f"{member}.key").exists():
                write_key_file(world.folder / f"{member}.key", SigningKey.generate())
            world.prepare_registration(member)
        check(line, world.run(line))
        if who is not None:
            assert world.hand_in(member)["custody"] == "self-held"


def test_there_are_commands_to_run() -> None:
    assert sum(reason(line) is None for page in PAGES for line in commands_of(page)) >= 30
    unused = {what for what in NOT_RUN if not any(what in line for p in PAGES for line in commands_of(p))}
    assert unused <= {"docker compose", "make soak", "make check"}, unused


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_command_stands_in_a_shell_block(page: Path) -> None:
    """Else nobody runs it: open the block with ```sh."""
    text = page.read_text(encoding="utf-8")
    for kind, block in re.findall(r"^ *```(\w*)\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE):
        shown = [line for line in block.splitlines() if _COMMAND.match(line)]
        assert kind == "sh" or not shown, shown


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_links_to_what_is_there(page: Path) -> None:
    links = _LINK.findall(page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
