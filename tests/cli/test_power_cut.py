"""SIGKILL in the middle of writing: four writers at once, the moment drawn by lot, then the next start."""

import asyncio
import base64
import random
import signal
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from sqlmodel import select

from base.clock import SystemClock
from base.db import Database
from base.jobs import JobRow, JobStatus
from base.settings import Settings
from brokers.rules import BrokerType
from brokers.service import EXPIRE_JOB, CertificateScope, certify
from identity.keys import register_key
from identity.pens import CustodialPen
from identity.service import admit_organisation
from ledger.acts import perform
from ledger.bundle import Bundle
from ledger.recording import Actor
from registry.rules import Level
from tests.bank.process import until
from tests.cli.node_process import PASSWORD, NodeProcess
from tests.houses import AlwaysProved, some_uscc
from web.node import Node, open_node

ROUNDS = 2
WRITERS = 4


@pytest.fixture
def node(tmp_path: Path) -> Iterator[NodeProcess]:
    made = NodeProcess(tmp_path / "var")
    made.found()
    yield made
    if made.process is not None:
        made.end(signal.SIGKILL)


def token(node: NodeProcess) -> dict[str, str]:
    form = {"username": "operator", "password": PASSWORD}
    answer = httpx.post(f"{node.url}/api/v1/token", data=form, trust_env=False, timeout=30)
    return {"authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"}


def write_until_cut(
    node: NodeProcess, headers: dict[str, str], prefix: str, calls: dict[str, dict[str, Any]]
) -> None:
    """Admit members until the line goes dead. `calls` tells of each what was asked and what was answered."""
    with httpx.Client(base_url=node.url, trust_env=False, timeout=30, headers=headers) as http:
        for number in range(1000):
            key = f"{prefix}-{number}"
            body = {"name": f"成员{key}", "uscc": some_uscc(), "roles": ["BUYER"]}
            call: dict[str, Any] = {"body": body}
            calls[key] = call
            try:
                answer = http.post("/api/v1/organisations", json=body, headers={"idempotency-key": key})
            except httpx.TransportError:
                return
            assert answer.status_code == 201, answer.text
            call["answer"] = answer.content


def test_what_was_answered_is_there_once_what_fell_due_is_done_once_and_the_log_is_whole(
    node: NodeProcess, tmp_path: Path
) -> None:
    dice = random.Random(20261122)
    cert_id, there = asyncio.run(certificate_about_to_end(node))
    calls: dict[str, dict[str, Any]] = {}
    for turn in range(ROUNDS):
        node.start()
        headers = token(node)
        step_up(node, headers)
        threads = [
            threading.Thread(target=write_until_cut, args=(node, headers, f"{turn}-{writer}", calls))
            for writer in range(WRITERS)
        ]
        for thread in threads:
            thread.start()
        time.sleep(dice.uniform(0.2, 1.5))  # the moment of the cut, not a wait for anything
        node.end(signal.SIGKILL)
        for thread in threads:
            thread.join()
    node.start()
    assert sum("answer" in call for call in calls.values()) > ROUNDS
    again(node, calls)
    until(lambda: asyncio.run(is_done(node, cert_id)), what="the job that fell due")
    node.end(signal.SIGKILL)
    said = log_of(node, tmp_path / "bundle")
    admitted = sorted(one["uscc"] for one in said if one["event"] == "ORG.ADMIT" and one["uscc"] not in there)
    assert admitted == sorted(call["body"]["uscc"] for call in calls.values())
    assert [one["cert_id"] for one in said if one["event"] == "BRK.EXPIRE"] == [cert_id]


def step_up(node: NodeProcess, headers: dict[str, str]) -> None:
    body = {"password": PASSWORD}
    httpx.post(
        f"{node.url}/api/v1/step-up", json=body, headers=headers, trust_env=False, timeout=30
    ).raise_for_status()


def again(node: NodeProcess, calls: dict[str, dict[str, Any]]) -> None:
    """Every call once more with its key: what was answered is answered so again, the others are done now."""
    headers = token(node)
    step_up(node, headers)
    with httpx.Client(base_url=node.url, trust_env=False, timeout=30, headers=headers) as http:
        for key, call in calls.items():
            answer = http.post("/api/v1/organisations", json=call["body"], headers={"idempotency-key": key})
            assert answer.status_code == 201, answer.text
            assert call.setdefault("answer", answer.content) == answer.content


def log_of(node: NodeProcess, out: Path) -> list[dict[str, Any]]:
    """What the log says, exported and audited by the commands; dense, linked and clean."""
    exported = node.command("export", "--out", str(out), "--edition", "regulator")
    assert exported.returncode == 0, exported.stderr
    audited = node.command("audit", str(out), "--vkey", node.vkey, "--db", node.database_url)
    assert audited.returncode == 0, audited.stdout + audited.stderr
    assert audited.stdout.splitlines()[1] == "CLEAN"
    said = []
    with Bundle(out) as bundle:
        for seq, record in enumerate(bundle.records()):
            assert record.seq == seq
            payload = base64.b64decode(orjson.loads(record.entry)["envelope"]["payload"])
            said.append(orjson.loads(payload)["predicate"])
    return said


async def certificate_about_to_end(node: NodeProcess) -> tuple[str, set[str]]:
    """A broker's certificate that ends in a second, in the node's database; and the credit codes there."""
    settings = Settings(
        database_url=node.database_url, data_dir=node.folder, origin="process.test/log", public_url=node.url
    )
    async with open_node(settings, clock=SystemClock()) as opened:
        broker, authority = await member(opened, "BROKER"), await member(opened, "DATA_AUTHORITY")
        keyid = await custodial(opened, authority.org_id)
        now = opened.clock.now()

        async def certified(s: Any, act: Any) -> Any:
            scope = CertificateScope(
                broker_type=BrokerType("T"), grade=1, sectors=("energy",), max_level=Level.GENERAL_1
            )
            return await certify(
                s,
                act,
                org_id=broker.org_id,
                cert_no="GD-2026-0001",
                scope=scope,
                valid_from=now,
                valid_to=now + timedelta(seconds=1),
            )

        actor = Actor(authority.org_id, frozenset({"DATA_AUTHORITY"}))
        pen = CustodialPen(keyid, opened.safe, AlwaysProved())
        act = opened.house.act(actor, "DATA_AUTHORITY", pen)
        row = await perform(opened.house, act, certified, attempted="BRK.CERTIFY", object_id=authority.org_id)
        return str(row.cert_id), {broker.uscc, authority.uscc, node.uscc}


async def member(opened: Node, role: str) -> Any:
    async def admitted(s: Any, act: Any) -> Any:
        return await admit_organisation(s, act, name=role, uscc=some_uscc(), roles=[role])

    act = opened.house.exchange_act()
    return await perform(opened.house, act, admitted, attempted="ORG.ADMIT", object_id=role)


async def custodial(opened: Node, org_id: str) -> str:
    async def registered(s: Any, act: Any) -> Any:
        return await register_key(s, act, safe=opened.safe, org_id=org_id, custody="custodial")

    act = opened.house.exchange_act()
    made = await perform(opened.house, act, registered, attempted="KEY.REGISTER", object_id=org_id)
    return str(made.keyid)


async def is_done(node: NodeProcess, cert_id: str) -> bool:
    database = Database(node.database_url)
    try:
        async with database.read() as s:
            query = select(JobRow).where(JobRow.kind == EXPIRE_JOB)
            job = next(one for one in (await s.exec(query)).all() if one.payload == {"cert_id": cert_id})
        return job.status is JobStatus.DONE
    finally:
        await database.dispose()
