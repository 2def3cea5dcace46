"""A witness made of Go's note and tlog code: our publisher is its client, and ours answers as it does."""

import json
import random
from base64 import b64encode
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlmodel import delete

from base.clock import SimulatedClock
from base.db import Database
from base.errors import NotFound
from base.signing import SigningKey
from ledger import reader
from ledger.checkpoint import Cosigner, open_checkpoint
from ledger.errors import CheckpointUntrusted, ProofInvalid, SubmissionMalformed, WitnessAhead
from ledger.publisher import Publisher
from ledger.tables import WitnessedRow
from ledger.witness import WitnessDesk
from ledger.witness_circle import SIZE_TYPE, WitnessCircle
from ledger.witness_policy import Policy
from tests.ledger.foreign.program import Verifier
from tests.ledger.test_witness import FORKED, LOG, ORIGIN, STRANGER, body
from tests.ledger.test_witness_circle import grow
from tests.ledger.witnesses import LOG as OURS

WITNESS = Cosigner("go.test/witness", SigningKey.from_bytes(b"g" * 32))
STATUS = {
    SubmissionMalformed: 400,
    CheckpointUntrusted: 403,
    NotFound: 404,
    WitnessAhead: 409,
    ProofInvalid: 422,
}


class GoWitness:
    """The Go program as a witness."""

    def __init__(self, go: Verifier) -> None:
        self._go = go
        self._say({"forget": True})

    def add_checkpoint(self, submitted: bytes, vkey: str) -> tuple[int, str]:
        said = self._say(
            {
                "submission": b64encode(submitted).decode(),
                "vkeys": [vkey],
                "name": WITNESS.name,
                "seed": b64encode(WITNESS.key.to_bytes()).decode(),
            }
        )
        return said["status"], said.get("body", "")

    def _say(self, request: dict[str, Any]) -> dict[str, Any]:
        process = self._go.process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        return dict(json.loads(process.stdout.readline()))


@pytest.fixture
def foreign(go: Verifier) -> GoWitness:
    return GoWitness(go)


async def test_our_publisher_is_cosigned_by_a_go_witness(
    foreign: GoWitness, database: Database, clock: SimulatedClock, tmp_path: Path
) -> None:
    async def wire(request: httpx.Request) -> httpx.Response:
        status, said = foreign.add_checkpoint(request.content, str(OURS.vkey))
        kind = SIZE_TYPE if status == 409 else "text/plain"
        return httpx.Response(status, headers={"content-type": kind}, content=said.encode())

    policy = Policy.parse(f"witness go {WITNESS.vkey} http://go\nquorum go\n".encode())
    for sizes in ((1, 2, 3, 255), (256, 257, 600)):  # in the second life the size is learnt from a conflict
        circle = WitnessCircle(policy, httpx.AsyncClient(transport=httpx.MockTransport(wire)))
        publisher = Publisher(database, clock, (OURS,), tmp_path, circle)
        for size in sizes:
            async with database.read() as s:
                old = (await reader.witnessing(s)).published if size > 1 else 0
            await grow(database, clock, range(old, size))
            await publisher.publish()
            note = (tmp_path / "checkpoint").read_bytes()
            opened = open_checkpoint(note, [OURS.vkey, WITNESS.vkey])
            assert (opened.checkpoint.size, [one.key for one in opened.cosigned]) == (size, [WITNESS.vkey])


async def answered(desk: WitnessDesk, submitted: bytes) -> tuple[int, str]:
    """What our witness answers, as a status and a body."""
    try:
        return 200, await desk.add_checkpoint(submitted)
    except tuple(STATUS) as error:
        status = next(status for kind, status in STATUS.items() if isinstance(error, kind))
        return status, f"{error.size}\n" if isinstance(error, WitnessAhead) else ""


def drawn(dice: random.Random, known: int) -> tuple[bytes, bytes, int]:
    """A submission, with a changed byte or without, as it was before the change, and the size it is of."""
    size = min(40, known + dice.choice([0, 0, 1, 3]))
    old = known if dice.random() < 0.8 else dice.randint(0, 40)
    leaves = {"leaves": FORKED} if dice.random() < 0.2 else {}
    good = body(old, size, signers=(STRANGER,) if dice.random() < 0.1 else (LOG,), **leaves)
    submitted = bytearray(good)
    if dice.random() < 0.4:
        submitted[dice.randrange(len(good))] ^= dice.randrange(1, 128)
    return bytes(submitted), good, size


async def test_ours_answers_every_submission_as_the_go_witness_does(
    foreign: GoWitness, database: Database, clock: SimulatedClock
) -> None:
    desk = WitnessDesk(database, clock, WITNESS, {ORIGIN: [LOG.vkey]})
    dice = random.Random(20261122)
    known = 0
    seen: dict[int, int] = {}
    for _ in range(600):
        submitted, good, size = drawn(dice, known)
        theirs = foreign.add_checkpoint(submitted, str(LOG.vkey))
        ours = await answered(desk, submitted)
        if ours[0] != theirs[0]:  # ours takes base64 in one spelling alone: it is the same submission, then
            assert (ours[0], theirs[0]) in {(400, 200), (400, 403), (400, 409), (400, 422)}
            assert submitted != good
            if theirs[0] == 200:
                ours = await answered(desk, good)
                assert ours[0] == 200
        elif ours[0] != 200:
            assert ours[1] == theirs[1]
        seen[ours[0]] = seen.get(ours[0], 0) + 1
        known = size if ours[0] == 200 else known
        if known == 40:
            known, foreign = 0, GoWitness(foreign._go)
            async with database.write() as s:
                await s.exec(delete(WitnessedRow))
    assert {200, 400, 403, 404, 409, 422} == set(seen)
