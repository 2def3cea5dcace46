"""`docs/ledger.md` says what the code does: codes, options, file names, and an example that runs."""

import re
from pathlib import Path

import typer
from typer.testing import CliRunner

from cli.audit import audit as audit_command
from ledger.bundle import Bundle
from ledger.checkpoint import Receipt
from ledger.tree import inclusion_proof, leaf_hash, root_of
from supervision.audit_report import Code
from tests.ledger.make_bundle import VKEY, story

PAGE = (Path(__file__).parents[2] / "docs" / "ledger.md").read_text()


def test_every_code_of_the_audit_is_explained_and_no_other() -> None:
    section = PAGE.partition("### What the audit answers")[2].partition("\n### ")[0]
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", section, re.MULTILINE)) == {str(code) for code in Code}


def test_every_option_of_the_audit_is_explained() -> None:
    app = typer.Typer()
    app.command()(audit_command)
    help_text = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200", "NO_COLOR": "1"}).output
    offered = set(re.findall(r"--[a-z-]+", help_text)) - {
        "--help",
        "--install-completion",
        "--show-completion",
    }
    assert offered - {"--signatures"} == {option for option in offered if f"`{option}" in PAGE}, (
        "an option is not on the page"
    )


def test_every_kind_of_file_in_a_bundle_is_explained(tmp_path: Path) -> None:
    log = story(1)
    log.kept = [5]
    section = PAGE.partition("## The bundle")[2].partition("\n## ")[0]
    forms = [re.escape(form) for form in re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)]
    patterns = [
        form.replace("<size>", "[0-9]+")
        .replace("<L>", "[0-9]+")
        .replace("<N>", "[x0-9/]+")
        .replace(r"\[\.p/<W>\]", "(?:[.]p/[0-9]+)?")
        for form in forms
    ]
    with Bundle(log.write(tmp_path / "b")) as bundle:
        for path in bundle.paths:
            assert any(re.fullmatch(pattern, path) for pattern in patterns), path


def test_the_example_of_a_receipt_runs(tmp_path: Path, monkeypatch, capsys) -> None:
    log = story(1)
    entries = log.entries()
    hashes = [leaf_hash(entry) for entry in entries]
    path = inclusion_proof(
        7, len(entries), lambda level, index: root_of(hashes[index << level : (index + 1) << level])
    )
    receipt = Receipt(7, tuple(path), log.checkpoint(entries)).text()
    (tmp_path / "receipt.tlog-proof").write_bytes(receipt)
    (tmp_path / "entry.json").write_bytes(entries[7])
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(example, {"vkey": str(VKEY)})
    assert capsys.readouterr().out == f"databourse.example/log {len(entries)}\n"
