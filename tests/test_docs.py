"""The documents cannot rot: every command they show is one the program takes, with options it has."""

import re
import shlex
from pathlib import Path

import pytest
import typer.main

from cli.main import app

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
_FENCE = re.compile(r"```sh\n(.*?)```", re.DOTALL)
_LINK = re.compile(r"\]\(([^)#:]+)\)")


def shown(page: Path) -> list[str]:
    """The databourse commands of a page's shell blocks, without comments."""
    blocks = "\n".join(_FENCE.findall(page.read_text(encoding="utf-8")))
    lines = [line.split("  #")[0].split("    #")[0].strip() for line in blocks.splitlines()]
    found = [re.search(r"(?:^|/|\()databourse (.*)", line) for line in lines]
    return [one.group(1).split(")")[0].replace('"', "") for one in found if one is not None]


def commands() -> list[tuple[str, str]]:
    return [(page.name, command) for page in PAGES for command in shown(page)]


def test_there_are_commands_to_check() -> None:
    assert len(commands()) >= 15


@pytest.mark.parametrize(("page", "command"), commands())
def test_a_command_that_is_shown_exists_with_its_options(page: str, command: str) -> None:
    words = shlex.split(command)
    known = typer.main.get_command(app)
    while hasattr(known, "commands"):
        name = words.pop(0)
        assert name in known.commands, f"{page}: databourse {name}"
        known = known.commands[name]
    options = {text for one in known.params for text in (*one.opts, *one.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= options, f"{page}: {command}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_links_to_what_is_there(page: Path) -> None:
    links = _LINK.findall(page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
