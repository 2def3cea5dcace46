"""`databourse node` prints the keys that others pin, and never a private one."""

import base64
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from ledger.checkpoint import VerifierKey


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DATABOURSE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("DATABOURSE_ORIGIN", "node.test/log")
    return tmp_path


def test_the_same_node_says_the_same_keys(folder: Path) -> None:
    first, again = CliRunner().invoke(app, ["node"]), CliRunner().invoke(app, ["node"])
    said = json.loads(first.output)
    assert first.output == again.output
    assert said["origin"] == VerifierKey.parse(said["vkey"]).name == "node.test/log"
    assert len(base64.b64decode(said["exchange_key"])) == 32
    secrets = [path.read_bytes() for path in (folder / "keys").iterdir()]
    assert len(secrets) == 3
    assert not any(base64.b64encode(secret).decode() in first.output for secret in secrets)


def test_one_key_can_be_asked_for_alone(folder: Path) -> None:
    said = json.loads(CliRunner().invoke(app, ["node"]).output)
    assert CliRunner().invoke(app, ["node", "--vkey"]).output.strip() == said["vkey"]
    assert CliRunner().invoke(app, ["node", "--exchange-key"]).output.strip() == said["exchange_key"]
