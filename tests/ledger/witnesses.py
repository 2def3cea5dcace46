"""Witnesses of the tests: real desks on real databases, reached over a wire that can be cut."""

from dataclasses import dataclass, field
from hashlib import sha256

import httpx

from base.clock import Clock
from base.db import Database
from base.errors import NotFound
from base.signing import SigningKey
from ledger.checkpoint import Cosigner, NoteSigner
from ledger.errors import (
    CheckpointUntrusted,
    LogNotWitnessed,
    ProofInvalid,
    SubmissionMalformed,
    WitnessAhead,
)
from ledger.witness import WitnessDesk
from ledger.witness_circle import SIZE_TYPE, WitnessCircle
from ledger.witness_policy import Policy

ORIGIN = "exchange.test/log"
LOG = NoteSigner(ORIGIN, SigningKey.from_bytes(b"\x07" * 32))
STATUS = {SubmissionMalformed: 400, CheckpointUntrusted: 403, LogNotWitnessed: 404, ProofInvalid: 422}


def cosigner(name: str) -> Cosigner:
    return Cosigner(f"{name}.test/witness", SigningKey.from_bytes(sha256(name.encode()).digest()))


@dataclass
class Wire:
    """Carries requests to desks by host name. `down`: who does not answer; `said`: what was asked of whom."""

    desks: dict[str, WitnessDesk]
    down: set[str] = field(default_factory=set)
    lying: dict[str, httpx.Response] = field(default_factory=dict)
    said: list[tuple[str, str, bytes]] = field(default_factory=list)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        name = request.url.host
        self.said.append((name, request.url.path, request.content))
        if name in self.down:
            raise httpx.ConnectError("down")
        if name in self.lying:
            lie = self.lying[name]
            return httpx.Response(lie.status_code, headers=lie.headers, content=lie.content)
        desk = self.desks[name]
        try:
            if request.method == "POST":
                return httpx.Response(200, text=await desk.add_checkpoint(request.content))
            return httpx.Response(200, content=await desk.kept(request.url.path.split("/")[1]))
        except WitnessAhead as ahead:
            return httpx.Response(409, headers={"content-type": SIZE_TYPE}, content=b"%d\n" % ahead.size)
        except tuple(STATUS) as error:
            return httpx.Response(STATUS[type(error)])
        except NotFound:
            return httpx.Response(404)


def wire(databases: dict[str, Database], clock: Clock) -> Wire:
    return Wire(
        {
            name: WitnessDesk(database, clock, cosigner(name), {ORIGIN: [LOG.vkey]})
            for name, database in databases.items()
        }
    )


def policy(needed: int, *names: str) -> Policy:
    lines = [f"witness {name} {cosigner(name).vkey} http://{name}" for name in names]
    lines += [f"group all-of-them {needed} {' '.join(names)}", "quorum all-of-them"]
    return Policy.parse("\n".join(lines).encode())


def circle(over: Wire, needed: int, *names: str, **more: float) -> tuple[WitnessCircle, list[float]]:
    """A circle of these witnesses, and the time it goes by (a list of one number)."""
    now = [0.0]
    http = httpx.AsyncClient(transport=httpx.MockTransport(over))
    patient = {"patience_s": 60.0} | more  # a busy machine is no late witness
    return WitnessCircle(policy(needed, *names), http, now=lambda: now[0], **patient), now
