"""Recording an act: the signed statement goes into the business transaction, and into the queue.

Nothing here touches the log's head; the sequencer puts statements in order later (`docs/ledger.md`).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from sqlalchemy import text
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, insert, select, update

from base.canonical import canonical
from base.clock import Clock
from base.db import WriteSession
from base.errors import Refusal
from base.ids import Seed
from base.rows import Asked, Row
from base.signing import Envelope, SigningKey, sign_envelope
from ledger.errors import EntryTooLarge, StatementRecordedBefore
from ledger.statement import (
    MAX_ENTRY_BYTES,
    PAYLOAD_TYPE,
    Built,
    Draft,
    Saying,
    build,
    envelope_bytes,
)
from ledger.tables import MentionRow, OpeningRow, PendingRow, RefusalRow, StatementRow

EXCHANGE_ROLE: Final = "EXCHANGE_OPERATOR"
_SEAL_OVERHEAD_BYTES: Final = 400
_SAME_REFUSAL: Final = timedelta(hours=1)
_REFUSAL_LOCK: Final = 0x6462_7266  # "dbrf"
_RECORDED: Final = "ledger.recorded"
_ABOUT: Final = "ledger.about"

# Made once: to compose a statement anew costs more than to run it.
_QUEUE: Final = insert(PendingRow)
_MENTION: Final = insert(MentionRow)
_SAY: Final = {
    name: (
        upsert(OpeningRow).on_conflict_do_nothing(),
        upsert(StatementRow)
        .on_conflict_do_nothing(index_elements=["envelope_sha256"])
        .returning(col(StatementRow.id)),
    )
    for name, upsert in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
}


@dataclass(frozen=True, slots=True)
class Actor:
    """An organisation that acts, the roles it has, and the person who acts for it."""

    org_id: str
    roles: frozenset[str]
    user_id: str | None = None


class Pen(Protocol):
    """What signs for an actor. It checks, under the transaction's locks, that its key may sign."""

    @property
    def custodial(self) -> bool: ...

    async def sign(self, s: WriteSession, actor: Actor, role: str, built: Built) -> Envelope: ...


@dataclass(frozen=True, slots=True)
class ExchangePen:
    """The exchange's own registered key: system events, timeouts, receipts, refusals."""

    key: SigningKey
    custodial: bool = False

    async def ready(self, s: WriteSession) -> None:
        """Make sure, under the transaction's locks, that the key may still sign; a node's pen does."""

    def asks(self) -> Asked:
        """What is to be asked, under the locks of a transaction of sets, before the pen signs many."""
        return {}

    def hears(self, found: Sequence[Sequence[Row]]) -> None:
        """The answers. Raises where the key may not sign any more; a node's pen does."""

    async def sign(self, s: WriteSession, actor: Actor, role: str, built: Built) -> Envelope:
        del actor, role
        await self.ready(s)
        return self.signs(built)

    def signs(self, built: Built) -> Envelope:
        """Sign; whoever calls this has made sure that the key may."""
        return sign_envelope(PAYLOAD_TYPE, built.payload, self.key)


@dataclass(frozen=True, slots=True)
class Exchange:
    """The exchange as an actor: who it is and what it signs with."""

    actor: Actor
    pen: ExchangePen


class SignatureWanted(Exception):  # control flow of a prepare, never an error
    """A self-held key is asked for: these are the bytes to sign. Raised by a preparing pen."""

    def __init__(self, built: Built) -> None:
        super().__init__(built.event)
        self.built = built


@dataclass(frozen=True, slots=True)
class Act:
    """One act of one actor at one moment.

    `occurred_at` is the act's time (of a prepared act: when it was prepared); `now` is the time of
    receipt, which deadlines are checked against. Ids and nonces come from the act's seed, so the same
    act played again gives the same bytes.
    """

    actor: Actor
    role: str
    occurred_at: datetime
    now: datetime
    simulated: bool
    seed: Seed
    pen: Pen
    exchange: Exchange

    def new_id(self, prefix: str) -> str:
        """A typed id of this act's time."""
        return self.seed.new_id(prefix, self.occurred_at)

    def nonce(self) -> str:
        """256 bits as hex."""
        return self.seed.nonce()

    def saying(self) -> Saying:
        """Who says it, in which role, when, under which clock and custody."""
        return Saying(
            actor=self.actor.org_id,
            role=self.role,
            occurred_at=self.occurred_at,
            simulated=self.simulated,
            custodial=self.pen.custodial,
        )

    def as_exchange(self) -> "Act":
        """The exchange's own act at the same moment, for what the system states."""
        return Act(
            actor=self.exchange.actor,
            role=EXCHANGE_ROLE,
            occurred_at=self.occurred_at,
            now=self.now,
            simulated=self.simulated,
            seed=self.seed,
            pen=self.exchange.pen,
            exchange=self.exchange,
        )


def exchange_act(exchange: Exchange, clock: Clock) -> Act:
    """An act that the exchange begins itself: timeouts, meters, what the bank reports."""
    now = clock.now()
    return Act(
        actor=exchange.actor,
        role=EXCHANGE_ROLE,
        occurred_at=now,
        now=now,
        simulated=clock.simulated,
        seed=Seed(),
        pen=exchange.pen,
        exchange=exchange,
    )


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the caller gets at once: the statement is recorded, not yet sealed."""

    statement_id: str
    digest: str
    opening_sha256: str | None


async def record(s: WriteSession, act: Act, draft: Draft) -> Recorded:
    """Build, sign and record what the act says, in the caller's transaction.

    Raises SignatureWanted when a self-held signature is being prepared, StatementRecordedBefore when
    the very same envelope came before, EntryTooLarge when it would not fit an entry.
    """
    statement_id = act.new_id("sta")
    built = build(draft, act.saying(), act.nonce())
    envelope = await act.pen.sign(s, act.actor, act.role, built)
    return await keep(s, statement_id, act, built, envelope)


async def keep(s: WriteSession, statement_id: str, act: Act, built: Built, envelope: Envelope) -> Recorded:
    """Store a signed statement and queue it for sealing."""
    stored = storable(envelope)
    digest = hashlib.sha256(stored).hexdigest()
    row_id = await _insert(s, act, built, statement_id=statement_id, stored=stored, digest=digest)
    if row_id is None:
        raise StatementRecordedBefore("this signed statement was recorded before", envelope_sha256=digest)
    connection = await s.connection()
    await connection.execute(_QUEUE, {"id": row_id})
    if built.mentions:
        rows = [{"object_id": name, "event": built.event, "statement_row": row_id} for name in built.mentions]
        await connection.execute(_MENTION, rows)
    recorded = Recorded(statement_id, digest, built.opening_sha256)
    s.info.setdefault(_ABOUT, built.object_id)
    s.info.setdefault(_RECORDED, []).append(recorded)
    return recorded


def storable(envelope: Envelope) -> bytes:
    """The bytes of an envelope as they are stored and sealed. Raises EntryTooLarge."""
    stored = envelope_bytes(envelope)
    if len(stored) > MAX_ENTRY_BYTES - _SEAL_OVERHEAD_BYTES:
        raise EntryTooLarge("the statement does not fit an entry", bytes=len(stored), limit=MAX_ENTRY_BYTES)
    return stored


async def _insert(
    s: WriteSession, act: Act, built: Built, *, statement_id: str, stored: bytes, digest: str
) -> int | None:
    """The new row's id, or None where this envelope is on record. One round trip each: this is hot.

    Several statements may commit to one opening: the parties of a contract do.
    """
    connection = await s.connection()
    open_it, say_it = _SAY[connection.dialect.name]
    if built.opening_sha256 is not None:
        await connection.execute(open_it, {"sha256": built.opening_sha256, "document": built.opening})
    made = await connection.execute(
        say_it,
        {
            "statement_id": statement_id,
            "envelope_sha256": digest,
            "event": built.event,
            "object_id": built.object_id,
            "org_id": act.actor.org_id,
            "occurred_at": act.occurred_at,
            "envelope": stored,
            "opening_sha256": built.opening_sha256,
        },
    )
    found: int | None = made.scalar_one_or_none()
    return found


def recorded_in(s: WriteSession) -> Sequence[Recorded]:
    """What this transaction has recorded so far, first to last: an act's caller is told at once."""
    return tuple(s.info.get(_RECORDED, ()))


def spoken_of_in(s: WriteSession) -> str | None:
    """What this transaction's first statement is about, or its refusal; None where it stated nothing."""
    about: str | None = s.info.get(_ABOUT)
    return about


async def record_refusal(
    s: WriteSession, act: Act, refusal: Refusal, *, attempted: str, object_id: str
) -> str:
    """State, as the exchange, that an act was refused; returns the statement's id.

    The same refusal within an hour is one statement, later ones are counted (`docs/ledger.md`).
    """
    system = act.as_exchange()
    s.info[_ABOUT] = object_id  # what the refused verb began to say was taken back
    key = [act.actor.org_id, attempted, object_id, refusal.code]
    fingerprint = hashlib.sha256(canonical(key)).hexdigest()
    await _one_at_a_time(s, fingerprint)
    query = (
        select(RefusalRow)
        .where(RefusalRow.fingerprint == fingerprint, RefusalRow.first_at > act.now - _SAME_REFUSAL)
        .order_by(col(RefusalRow.first_at).desc())
    )
    earlier = (await s.exec(query)).first()
    if earlier is not None:
        await s.exec(
            update(RefusalRow).where(col(RefusalRow.id) == earlier.id).values(times=RefusalRow.times + 1)
        )
        return earlier.statement_id
    recorded = await record(s, system, _refused(act, refusal, attempted=attempted, object_id=object_id))
    s.add(RefusalRow(fingerprint=fingerprint, statement_id=recorded.statement_id, first_at=act.now))
    return recorded.statement_id


# What an authority has in mind warns nobody: neither that it was refused, nor in which case.
_KEPT_BACK: Final = frozenset({"ORD.PROPOSE", "ORD.WITHDRAW"})


def _refused(act: Act, refusal: Refusal, *, attempted: str, object_id: str) -> Draft:
    """Who was refused what by which rule; of a sealed one what it was about is in the opening alone."""
    refused = act.actor.org_id
    public = {"code": refusal.code, "rule_id": refusal.rule_id, "attempted": attempted, "refused": refused}
    opening = {"detail": refusal.detail, "facts": {k: str(v) for k, v in refusal.facts.items()}}
    if refusal.sealed or attempted in _KEPT_BACK:
        opening |= {"code": refusal.code, "attempted": attempted, "object": object_id}
        public |= {"code": Refusal.code, "attempted": None}
        object_id = refused
    return Draft("REF.REFUSE", object_id, public=public, opening=opening)


async def _one_at_a_time(s: WriteSession, fingerprint: str) -> None:
    """Decide about equal refusals one after the other (PostgreSQL; SQLite's single writer does anyway)."""
    if s.get_bind().dialect.name == "postgresql":
        number = int.from_bytes(bytes.fromhex(fingerprint[:8]), signed=True)
        lock = text("SELECT pg_advisory_xact_lock(:kind, :number)")
        await (await s.connection()).execute(lock, {"kind": _REFUSAL_LOCK, "number": number})
