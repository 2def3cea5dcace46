"""The exchange as it runs in production, a web process, two sequencers, PostgreSQL: each killed at work.

Killed is the web process, the sequencer that leads, or (with kill -9, so that the server throws everybody
out and recovers) the database session that holds the leader's lock. What was answered with success is in
the log, once, and the log is whole.
"""

import asyncio
import base64
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import orjson
import pytest

from ledger.bundle import Bundle
from tests.bank.process import until
from tests.cli.node_process import PASSWORD, NodeProcess
from tests.forks import Forked
from tests.houses import some_uscc
from tests.postgres import SQLITE_ONLY, Server, running_server

pytestmark = pytest.mark.postgresql
WRITERS = 3
MOST_CALLS = 12  # of a writer in a round
LEADER = (
    "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid = 1684171877"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@pytest.fixture(scope="module")
def durable() -> Iterator[Server]:
    """A server that flushes every commit, and may be killed: it is nobody else's."""
    if os.environ.get(SQLITE_ONLY) == "1":
        pytest.skip(f"{SQLITE_ONLY}=1 asked for a suite without PostgreSQL")
    yield from running_server(durable=True)


@dataclass
class Exchange:
    """The processes of one exchange on one database."""

    node: NodeProcess
    sequencers: list[Forked] = field(default_factory=list)
    calls: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def answered(self) -> int:
        return sum("answer" in call for call in self.calls.values())

    def sequence(self) -> None:
        self.sequencers.append(self.node.begin("sequencer", log="sequencer.log"))

    def ask(self, question: str) -> Any:
        """A value from the database; None while it does not answer."""

        async def asked() -> Any:
            name, _, host = self.node.database_url.partition("@/")[2].partition("?host=")
            connection: Any = await asyncpg.connect(host=host, user="postgres", database=name, timeout=5)
            try:
                return await connection.fetchval(question)
            finally:
                await connection.close(timeout=5)

        try:
            return asyncio.run(asked())
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return None

    def token(self) -> dict[str, str]:
        """A signed-in operator who has just proved himself.

        A connection to the database that was cut is 503, once; one to the exchange may have idled too long
        where the machine is busy.
        """
        form = {"username": "operator", "password": PASSWORD}
        with httpx.Client(base_url=self.node.url, trust_env=False, timeout=30) as http:

            def answered(path: str, **body: Any) -> httpx.Response | None:
                try:
                    answer = http.post(path, **body)
                except httpx.TransportError:
                    return None
                return None if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE else answer

            said = until(lambda: answered("/api/v1/token", data=form), what="a token")
            http.headers["authorization"] = f"Bearer {said.raise_for_status().json()['access_token']}"
            proof = {"password": PASSWORD}
            until(lambda: answered("/api/v1/step-up", json=proof), what="a step-up").raise_for_status()
            return {"authorization": http.headers["authorization"]}

    def write(self, prefix: str, headers: dict[str, str], stop: threading.Event) -> None:
        """Admit members until told to stop; `calls` tells what was asked and what was answered."""
        with httpx.Client(base_url=self.node.url, trust_env=False, timeout=30, headers=headers) as http:
            for number in range(MOST_CALLS):
                if stop.is_set():
                    return
                key = f"{prefix}-{number}"
                body = {"name": f"成员{key}", "uscc": some_uscc(), "roles": ["BUYER"]}
                self.calls[key] = {"body": body}
                try:
                    answer = http.post("/api/v1/organisations", json=body, headers={"idempotency-key": key})
                except httpx.TransportError:
                    time.sleep(0.02)
                    continue
                if answer.status_code == 201:
                    self.calls[key]["answer"] = answer.content
                else:
                    assert answer.status_code >= 500, answer.text

    def again(self) -> None:
        """What was not answered is asked again; of what was, some is, and answered the same."""
        headers = self.token()
        with httpx.Client(base_url=self.node.url, trust_env=False, timeout=30, headers=headers) as http:
            for number, (key, call) in enumerate(self.calls.items()):
                if "answer" in call and number % 5:
                    continue
                answer = http.post(
                    "/api/v1/organisations", json=call["body"], headers={"idempotency-key": key}
                )
                assert answer.status_code == 201, answer.text
                assert call.setdefault("answer", answer.content) == answer.content

    def kill(self, what: str) -> None:
        """Kill it and start what is needed again."""
        if what == "web":
            self.node.end(signal.SIGKILL)
            self.node.start("--no-sequencer")
        elif what == "sequencer":
            self.end_sequencers()
            self.sequence()
            self.sequence()
        else:
            session = until(lambda: self.ask(LEADER), what="a leader")
            os.kill(session, signal.SIGKILL)
            until(lambda: self.ask(LEADER) not in {None, session}, what="another leader")

    def rest(self) -> None:
        """All is sealed; then every process is killed."""
        until(lambda: self.ask("SELECT count(*) FROM ledger_pending") == 0, what="an empty queue")
        self.close()

    def end_sequencers(self) -> None:
        for process in self.sequencers:
            process.kill()
            process.wait()
        self.sequencers.clear()

    def close(self) -> None:
        self.end_sequencers()
        if self.node.process is not None:
            self.node.end(signal.SIGKILL)


@pytest.fixture
def exchange(durable: Server, tmp_path: Path) -> Iterator[Exchange]:
    name = f"killed_{tmp_path.name[-8:]}"
    url = asyncio.run(durable.create(name))
    made = Exchange(NodeProcess(tmp_path / "var", more={"DATABASE_URL": url}))
    made.node.folder.mkdir(parents=True)
    made.node.found()
    yield made
    made.close()
    asyncio.run(durable.drop(name))


def write_and_kill(exchange: Exchange, kill: Callable[[], None], prefix: str, dice: random.Random) -> None:
    """Let several write at once, kill something in the middle, and wait until they have seen it."""
    headers, stop = exchange.token(), threading.Event()
    threads = [
        threading.Thread(target=exchange.write, args=(f"{prefix}-{writer}", headers, stop))
        for writer in range(WRITERS)
    ]
    before = exchange.answered
    for thread in threads:
        thread.start()
    until(lambda: exchange.answered > before, what="a first answer")
    time.sleep(dice.uniform(0.0, 0.6))  # the moment of the cut, not a wait for anything
    kill()
    stop.set()
    for thread in threads:
        thread.join()


def admissions(node: NodeProcess, out: Path) -> list[str]:
    """Who was admitted, by the log: exported and audited by the commands, dense, linked and clean."""
    exported = node.command("export", "--out", str(out), "--edition", "regulator")
    assert exported.returncode == 0, exported.stderr
    done = node.command("audit", str(out), "--vkey", node.vkey, "--db", node.database_url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "CLEAN" in done.stdout.splitlines()
    found = []
    with Bundle(out) as bundle:
        for seq, record in enumerate(bundle.records()):
            document = orjson.loads(record.entry)
            assert document["seq"] == seq
            said = orjson.loads(base64.b64decode(document["envelope"]["payload"]))["predicate"]
            if said["event"] == "ORG.ADMIT":
                found.append(said["uscc"])
    return found


def test_the_database_throws_everybody_out_and_then_all_are_killed_at_once(
    exchange: Exchange, tmp_path: Path
) -> None:
    dice = random.Random(20261122)
    exchange.sequence()
    exchange.node.start("--no-sequencer")
    write_and_kill(exchange, lambda: exchange.kill("session"), "0", dice)
    write_and_kill(exchange, exchange.close, "1", dice)
    admitted = admissions(exchange.node, tmp_path / "bundle")
    asked = {call["body"]["uscc"] for call in exchange.calls.values()}
    answered = {call["body"]["uscc"] for call in exchange.calls.values() if "answer" in call}
    assert len(admitted) == len(set(admitted))
    assert answered <= set(admitted) <= asked | {exchange.node.uscc}
    assert len(answered) > 2


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(6))
def test_kill_after_kill(exchange: Exchange, tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    exchange.sequence()
    exchange.sequence()
    exchange.node.start("--no-sequencer")
    for turn, what in enumerate(dice.choices(["web", "sequencer", "session"], k=8)):
        write_and_kill(exchange, lambda what=what: exchange.kill(what), str(turn), dice)
    exchange.again()
    exchange.rest()
    admitted = admissions(exchange.node, tmp_path / "bundle")
    asked = [call["body"]["uscc"] for call in exchange.calls.values()]
    assert sorted(admitted) == sorted([*asked, exchange.node.uscc])
