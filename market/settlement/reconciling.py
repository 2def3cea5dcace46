"""The day's reconciliation: what the bank's statement says against what we know, entry by entry.

Σ escrow in = Σ paid out + held, to the fen (`rules.md` §2.7). Every difference is stated, counted and
put before a person; nothing is put right by itself. From the first movement on every day is compared,
also one on which nothing moved: what should not have happened would stand there.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Final
from weakref import WeakKeyDictionary

from sqlalchemy import Engine
from sqlmodel import select

from base.calendar import at_shanghai, end_of_day_shanghai
from base.canonical import sha256_hex
from base.db import RowSession, WriteSession
from base.ids import is_id
from base.jobs import JobRow, enqueue, enqueue_together
from base.rows import Select, read_rows
from base.signing import Envelope
from ledger.balances import roll_up
from ledger.recording import Act, record
from ledger.statement import Draft, envelope_bytes
from market.settlement import repository
from market.settlement.doubts import UNKNOWN_ENTRY
from market.settlement.errors import AccountNotOurs, BankMessageMalformed, DayNotOver
from market.settlement.instructing import Escrow
from market.settlement.messages import DayStatement, read_statement
from market.settlement.tables import BankMovement, ReconciledDay
from market.settlement.work import mismatch

RECONCILE_JOB: Final = "settlement.reconcile"
RECONCILE_AT: Final = time(1)  # of the next day: by then the day's last notifications are in
_A_DAY: Final = timedelta(days=1)
_DAYS_KNOWN: Final = 1000
_QUEUED: Final = Select(JobRow, "key", key="key", when=f"kind = '{RECONCILE_JOB}'")
_queued: WeakKeyDictionary[Engine, set[date]] = WeakKeyDictionary()  # days whose jobs are committed


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that does not fit. Amounts are signed: into escrow positive."""

    kind: str
    entry_id: str
    trade_id: str | None
    expected_minor: int
    actual_minor: int

    def document(self) -> dict[str, str]:
        return {
            "kind": self.kind,
            "entry_id": self.entry_id,
            "expected_minor": str(self.expected_minor),
            "actual_minor": str(self.actual_minor),
        }


def compare(
    statement: DayStatement,
    known: Sequence[BankMovement],
    *,
    elsewhere: Sequence[BankMovement] = (),
    expected_opening: int,
    expected_closing: int,
) -> list[Difference]:
    """Every difference between a day's statement and our movements of that day. Pure.

    One reference of the bank may stand in several entries (a payment made twice, a correction): what
    counts is their sum. `elsewhere` are movements with these references that we know of other days.
    """
    ours = {movement.entry_id: movement for movement in known}
    others = {movement.entry_id: movement for movement in elsewhere}
    theirs: dict[str, int] = {}
    named: dict[str, str | None] = {}
    for movement in statement.movements:
        theirs[movement.entry_id] = theirs.get(movement.entry_id, 0) + movement.signed_minor
        named[movement.entry_id] = _trade_named(movement.reference)
    found = []
    for entry_id, actual in theirs.items():
        if entry_id in ours:
            mine = ours[entry_id]
            if mine.signed_minor != actual:
                found.append(Difference("amount-differs", entry_id, mine.trade_id, mine.signed_minor, actual))
        elif entry_id in others:
            found.append(Difference("other-day", entry_id, others[entry_id].trade_id, 0, actual))
        else:
            found.append(Difference(UNKNOWN_ENTRY, entry_id, named[entry_id], 0, actual))
    found += [
        Difference("missing-entry", entry_id, mine.trade_id, mine.signed_minor, 0)
        for entry_id, mine in ours.items()
        if entry_id not in theirs
    ]
    for kind, expected, actual in (
        ("opening-balance", expected_opening, statement.opening_minor),
        ("closing-balance", expected_closing, statement.closing_minor),
    ):
        if expected != actual:
            found.append(Difference(kind, kind, None, expected, actual))
    return sorted(found, key=lambda difference: (difference.kind, difference.entry_id))


def _trade_named(reference: str | None) -> str | None:
    """A payment reference that has the form of a trade's id; other people's words stay off the ledger."""
    return reference if reference is not None and is_id(reference, "trd") else None


async def reconcile_day(
    s: WriteSession, act: Act, *, envelope: Envelope, day: date, escrow: Escrow
) -> ReconciledDay:
    """Compare a camt.053 whose signature was verified with our books of that day, and state the result.

    The same statement again gives the same result and no second record. Then the next day is queued.
    Raises BankMessageMalformed for another day's, AccountNotOurs for another account's, DayNotOver while
    the day runs.
    """
    digest = sha256_hex(envelope.payload)
    statement = read_statement(envelope.payload)
    if statement.day != day:
        raise BankMessageMalformed("a statement of another day", day=statement.day.isoformat())
    if statement.account != escrow.account:
        raise AccountNotOurs("a statement of another account", account=statement.account)
    if statement.until <= end_of_day_shanghai(day):
        raise DayNotOver("the statement is of a running day", day=day.isoformat())
    done = await repository.get_day(s, day=statement.day, statement_sha256=digest)
    if done is not None:
        if done.envelope is None:
            done.envelope = envelope_bytes(envelope)
            s.add(done)
            await s.flush()
        return done
    told = await repository.entries_known(s, entry_ids=[m.entry_id for m in statement.movements])
    await _credits_of_this_day(s, statement, told)
    known = await repository.movements_on(s, day=statement.day)
    closing = await repository.balance_after(s, day=statement.day)
    moved = sum(movement.signed_minor for movement in known)
    differences = compare(
        statement,
        known,
        elsewhere=[movement for movement in told if movement.booked_on != statement.day],
        expected_opening=closing - moved,
        expected_closing=closing,
    )
    for difference in differences:
        await mismatch(
            s,
            act,
            kind=difference.kind,
            trade_id=difference.trade_id,
            facts=difference.document(),
            bank_message_sha256=digest,
        )
    incoming = sum(m.amount_minor for m in statement.movements if m.credit)
    outgoing = sum(m.amount_minor for m in statement.movements if not m.credit)
    recorded = await record(
        s,
        act,
        Draft(
            "PAY.RECONCILE",
            f"day/{statement.day.isoformat()}",
            public={
                "day": statement.day.isoformat(),
                "statement_sha256": digest,
                "matched": not differences,
                "mismatches": len(differences),
            },
            opening={
                "opening_minor": str(statement.opening_minor),
                "in_minor": str(incoming),
                "out_minor": str(outgoing),
                "closing_minor": str(statement.closing_minor),
                "expected_closing_minor": str(closing),
            },
            subjects={"bank-message": digest},
        ),
    )
    row = ReconciledDay(
        day=statement.day,
        statement_sha256=digest,
        matched=not differences,
        mismatches=[difference.document() for difference in differences],
        statement_id=recorded.statement_id,
        reconciled_at=act.now,
        envelope=envelope_bytes(envelope),
    )
    s.add(row)
    await s.flush()
    await roll_up(s, day=statement.day)
    await queue_reconciliation(s, day=statement.day + _A_DAY)
    return row


async def _credits_of_this_day(
    s: WriteSession, statement: DayStatement, told: Sequence[BankMovement]
) -> None:
    """A credit that the bank has booked earlier than the day on which we said yes: its own day counts."""
    booked: dict[str, int] = {}
    for movement in statement.movements:
        booked[movement.entry_id] = booked.get(movement.entry_id, 0) + movement.signed_minor
    for mine in told:
        later = mine.signed_minor > 0 and mine.booked_on > statement.day
        if later and mine.signed_minor == booked[mine.entry_id]:
            mine.booked_on = statement.day
            s.add(mine)
    await s.flush()


async def ensure_reconciled(s: RowSession, *, days: Collection[date]) -> None:
    """`queue_reconciliation` of many days, before the log is taken: whoever holds that waits for nobody.

    A day whose job somebody has committed is asked for no more: these jobs are never called off.
    """
    known = _queued.setdefault(s.engine, set())
    if not known.issuperset(days):
        names = [day.isoformat() for day in sorted(days)]
        (found,) = await read_rows(s, {_QUEUED: names})
        standing = {date.fromisoformat(name) for (name,) in found}
        missing = sorted(set(days) - standing)
        await enqueue_together(
            s,
            kind=RECONCILE_JOB,
            jobs=[
                (day.isoformat(), at_shanghai(day + _A_DAY, RECONCILE_AT), {"day": day.isoformat()})
                for day in missing
            ],
        )
        if len(known) > _DAYS_KNOWN:
            known.clear()
        known |= standing


async def queue_reconciliation(s: WriteSession, *, day: date) -> None:
    """Have a day compared with the bank's statement when it is over.

    These jobs are never called off: one that stands is not touched. A caller that has posted would wait for
    whoever runs it, and that one, to roll the day up, for the caller (`ledger.balances.roll_up`).
    """
    named = select(JobRow.key).where(JobRow.kind == RECONCILE_JOB, JobRow.key == day.isoformat())
    if (await s.exec(named)).first() is not None:
        return
    await enqueue(
        s,
        kind=RECONCILE_JOB,
        key=day.isoformat(),
        run_at=at_shanghai(day + _A_DAY, RECONCILE_AT),
        payload={"day": day.isoformat()},
    )
