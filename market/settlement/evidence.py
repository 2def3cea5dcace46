"""What the bank's statements (camt.053) show of one instruction. Pure.

All entries that name the instruction count, of every day that is held: a payment, what corrects it, and what
came back. Their sums by payment and account are what was paid in the end.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from market.settlement.errors import StatementContradicts, StatementMissing
from market.settlement.messages import Movement
from market.settlement.tables import Found

_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Told:
    """One statement of a day that is over, by the digest of its bytes."""

    day: date
    sha256: str
    movements: tuple[Movement, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """What the bank booked for an instruction under one reference: signed fen, and the first day."""

    entry_id: str
    end_to_end_id: str
    signed_minor: int
    booked_on: date


@dataclass(frozen=True, slots=True)
class Shown:
    """What statements show of an instruction, and the entries by which they do."""

    found: Found
    entries: tuple[Entry, ...]


def shown(message_id: str, payouts: Sequence[Mapping[str, str]], statements: Sequence[Told]) -> Shown:
    """What the statements of all days show of an instruction with these pay-outs.

    Two statements of one day may differ in everything but this. Raises StatementContradicts.
    """
    names = {payout["end_to_end_id"] for payout in payouts}
    by_day: dict[date, tuple[Movement, ...]] = {}
    for told in sorted(statements, key=lambda one: (one.day, one.sha256)):
        mine = tuple(m for m in told.movements if _is_about(m, message_id, names))
        if sorted(map(_key, by_day.setdefault(told.day, mine))) != sorted(map(_key, mine)):
            raise StatementContradicts("two statements of one day differ", day=told.day.isoformat())
    sums: dict[tuple[str, str], int] = {}
    entries: dict[str, Entry] = {}
    for day, movements in by_day.items():
        for m in movements:
            payment = (m.end_to_end_id, m.party_account)
            sums[payment] = sums.get(payment, 0) + m.signed_minor
            first = entries.get(m.entry_id, Entry(m.entry_id, m.end_to_end_id, 0, day))
            entries[m.entry_id] = Entry(
                m.entry_id, m.end_to_end_id, first.signed_minor + m.signed_minor, first.booked_on
            )
    paid = {payment: amount for payment, amount in sums.items() if amount}
    asked = {(p["end_to_end_id"], p["account"]): -int(p["amount_minor"]) for p in payouts}
    found = Found.NOT_PAID if not paid else Found.PAID if paid == asked else Found.OTHERWISE
    return Shown(found, tuple(entry for entry in entries.values() if entry.signed_minor))


def require_every_day(statements: Sequence[Told], *, since: date, until: date) -> None:
    """Refuse, with StatementMissing, a gap between the day of an instruction and the day that is cited."""
    held = {told.day for told in statements}
    days = [since + _A_DAY * n for n in range((until - since).days + 1)]
    missing = [day.isoformat() for day in days if day not in held]
    if missing:
        raise StatementMissing("a day's statement is not held", days=missing[:10])


def _is_about(movement: Movement, message_id: str, names: set[str]) -> bool:
    if movement.instruction_id is not None:
        return movement.instruction_id == message_id
    return movement.end_to_end_id in names


def _key(movement: Movement) -> tuple[str, str, str, int]:
    return movement.entry_id, movement.end_to_end_id, movement.party_account, movement.signed_minor
