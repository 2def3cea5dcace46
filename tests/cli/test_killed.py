"""`databourse serve`, killed again and again while it answers: nothing answered with success is lost."""

import base64
import json
import random
import signal
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from ledger.bundle import Bundle
from tests.cli.node_process import PASSWORD, NodeProcess
from tests.houses import some_uscc

ROUNDS = 3


@dataclass
class Exchange(NodeProcess):
    """An exchange of its own in a folder, served by a process that may be killed at any moment."""

    answered: dict[str, str] = field(default_factory=dict)

    def served(self) -> httpx.Client:
        """Start it; answers a client that is signed in."""
        self.start()
        http = httpx.Client(base_url=self.url, timeout=20, trust_env=False)
        signed = http.post("/api/v1/token", data={"username": "operator", "password": PASSWORD})
        http.headers["authorization"] = f"Bearer {signed.raise_for_status().json()['access_token']}"
        return http

    def kill(self) -> None:
        self.end(signal.SIGKILL)

    def admit(self, http: httpx.Client, name: str) -> None:
        """Admit a member; remember it only when the exchange answered that it did."""
        form = {"name": name, "uscc": some_uscc(), "roles": ["BUYER"]}
        http.post("/api/v1/step-up", json={"password": PASSWORD}).raise_for_status()
        answer = http.post("/api/v1/organisations", json=form, headers={"idempotency-key": uuid.uuid4().hex})
        assert answer.status_code == 201, answer.text
        self.answered[name] = answer.json()["org_id"]


@pytest.fixture
def exchange(tmp_path: Path):
    made = Exchange(tmp_path / "var")
    found = made.command(
        "found", "--name", "测试交易所", "--uscc", some_uscc(), "--login", "operator", "--password", PASSWORD
    )
    assert found.returncode == 0, found.stderr
    yield made
    if made.process is not None:
        made.kill()


def test_nothing_answered_with_success_is_lost_and_the_log_goes_on(
    exchange: Exchange, tmp_path: Path
) -> None:
    dice = random.Random(20261122)
    for turn in range(ROUNDS):
        http = exchange.served()
        for number in range(dice.randint(1, 4)):
            exchange.admit(http, f"成员{turn}-{number}")
        exchange.kill()  # at once: sealing and publishing are under way
        http.close()
    http = exchange.served()
    exchange.admit(http, "最后的成员")
    for name, org_id in exchange.answered.items():
        assert http.get(f"/api/v1/organisations/{org_id}").raise_for_status().json()["name"] == name
    http.close()
    exchange.kill()

    exported = exchange.command("export", "--out", str(tmp_path / "bundle"), "--edition", "regulator")
    assert exported.returncode == 0, exported.stderr
    vkey = json.loads(exchange.command("node").stdout)["vkey"]
    audited = exchange.command("audit", str(tmp_path / "bundle"), "--vkey", vkey)
    assert audited.returncode == 0, audited.stdout
    assert "CLEAN" in audited.stdout

    admitted = []
    with Bundle(tmp_path / "bundle") as bundle:
        for seq, record in enumerate(bundle.records()):
            assert record.seq == seq
            admitted += _admitted(record.entry)
    assert len(admitted) == len(set(admitted))
    assert set(exchange.answered.values()) <= set(admitted)


def _admitted(entry: bytes) -> list[str]:
    payload = json.loads(base64.b64decode(json.loads(entry)["envelope"]["payload"]))
    if not payload["predicateType"].endswith(":ORG.ADMIT:v1"):
        return []
    return [payload["predicate"]["org_id"]]


def test_serving_what_was_never_founded_says_what_to_do(tmp_path: Path) -> None:
    lone = Exchange(tmp_path / "var", 1)
    served = lone.command("serve", "--port", "0")
    assert served.returncode == 2
    assert "found" in served.stderr


def test_an_edited_amount_is_told_from_the_ledger_by_an_audit_with_the_database(
    exchange: Exchange, tmp_path: Path
) -> None:
    http = exchange.served()
    exchange.admit(http, "唯一的成员")
    http.close()
    exchange.kill()
    assert exchange.command("export", "--out", str(tmp_path / "b")).returncode == 0
    url = exchange.environment["DATABOURSE_DATABASE_URL"]
    vkey = json.loads(exchange.command("node").stdout)["vkey"]
    audited = exchange.command("audit", str(tmp_path / "b"), "--vkey", vkey, "--db", url)
    assert audited.returncode == 0, audited.stdout + audited.stderr
