"""Figures of the register, each made of statements alone. Pure.

What settlement published of mediated trades is told by closed quarters, and its sum only where nobody can
read a price out of it: not from few trades, not by taking one's own away, not by comparing two editions.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from statistics import median
from typing import Final

from base.calendar import at_shanghai, months_after, shanghai_day
from base.clock import SHANGHAI
from brokers.register import Holding, Standing

MIN_TRADES: Final = 5
MIN_OTHERS: Final = 3
"""Of the trades that a party had no part in there are none, or so many: [D], beside `MIN_TRADES`."""
ROUNDED_TO_MINOR: Final = 1_000_000
"""Sums are told in whole ten thousands of yuan, rounded half up."""
MAX_QUARTERS: Final = 8
CLOSED_AFTER: Final = timedelta(days=1)
"""What was settled in the last minutes of a quarter is recorded by then."""
_QUARTER: Final = 3
_STEPS: Final = {
    "BRK.CERTIFY": "certified",
    "BRK.REVOKE": "revoked",
    "BRK.EXPIRE": "expired",
    "BRK.EXIT": "exited",
}
_SUSPENDED: Final = "SUSPENDED"


@dataclass(frozen=True, slots=True)
class Month:
    """What happened to certificates in a month of Shanghai's calendar, `2026-05`."""

    month: str
    certified: int = 0
    suspended: int = 0
    reinstated: int = 0
    revoked: int = 0
    expired: int = 0
    exited: int = 0


@dataclass(frozen=True, slots=True)
class Durations:
    """Whole days from the application to the certificate, in Shanghai; None where there was none."""

    certificates: int
    shortest: int | None
    median: float | None
    longest: int | None


@dataclass(frozen=True, slots=True)
class Statistics:
    """Certificates as they stand at a moment; and what happened up to it."""

    brokers_in_force: int
    certificates: int
    by_state: Mapping[str, int]
    by_type: Mapping[str, int]
    by_grade: Mapping[str, int]
    applications: Mapping[str, int]
    months: Sequence[Month]
    days_to_certificate: Durations


def statistics(holdings: Iterable[Holding], *, at: datetime) -> Statistics:
    """Figures at a moment. By type and by grade are those in force; applications by how they stand or ended.

    What never came to a public notice is in no line of the register, and in `applications` as a number.
    """
    begun = [(held, standing) for held in holdings if (standing := held.on(at)) is not None]
    certified = [standing for held, standing in begun if _certified(held, at)]
    working = [standing for standing in certified if standing.in_force]
    applied = [_outcome(held, standing, at) for held, standing in begun if held.steps[0].event == "BRK.APPLY"]
    return Statistics(
        brokers_in_force=len({standing.org_id for standing in working}),
        certificates=len(certified),
        by_state=_counted(standing.state.value for standing in certified),
        by_type=_counted(standing.broker_type for standing in working),
        by_grade=_counted(str(standing.grade) for standing in working),
        applications=_counted(applied),
        months=_months([held for held, _ in begun], at),
        days_to_certificate=_durations([held for held, _ in begun], at),
    )


def _certified(held: Holding, at: datetime) -> bool:
    return any(step.event == "BRK.CERTIFY" for step in held.until(at))


def _outcome(held: Holding, standing: Standing, at: datetime) -> str:
    return "CERTIFIED" if _certified(held, at) else standing.state.value


def _counted(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


def _months(holdings: Iterable[Holding], at: datetime) -> list[Month]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for held in holdings:
        for step in held.until(at):
            kinds = found[f"{step.at.astimezone(SHANGHAI):%Y-%m}"]
            if step.event in _STEPS:
                kinds[_STEPS[step.event]] += 1
            if step.after == _SUSPENDED and step.before != _SUSPENDED:
                kinds["suspended"] += 1
            elif step.event in {"BRK.REINSTATE", "BRK.EMERGENCY_OVER"}:
                kinds["reinstated"] += 1
    return [Month(month, **kinds) for month, kinds in sorted(found.items()) if kinds]


def _durations(holdings: Iterable[Holding], at: datetime) -> Durations:
    days = []
    for held in holdings:
        told = {step.event: step.at for step in reversed(held.until(at))}
        applied, issued = told.get("BRK.APPLY"), told.get("BRK.CERTIFY")
        if applied is not None and issued is not None:
            days.append((shanghai_day(issued) - shanghai_day(applied)).days)
    if not days:
        return Durations(0, None, None, None)
    return Durations(len(days), min(days), float(median(days)), max(days))


@dataclass(frozen=True, slots=True)
class Settled:
    """A trade that a broker mediated and that was settled: `price_minor` with tax."""

    trade_id: str
    broker_id: str
    seller_id: str
    buyer_id: str
    price_minor: int
    settled_at: datetime


@dataclass(frozen=True, slots=True)
class Quarter:
    """A broker's mediated trades in a closed quarter; the sum, or why it is not told."""

    quarter: str
    trades: int
    value_minor: int | None
    withheld: str | None


FEW_TRADES: Final = "few-trades"
OTHERS_TOLD: Final = "others-told"
ONE_OUTWEIGHS: Final = "one-outweighs"
CHANGED_SINCE: Final = "changed-since"


def closed_quarters(at: datetime) -> tuple[datetime, datetime]:
    """From when to when settled trades are told at a moment: eight quarters, the last of them closed."""
    over = _first_day(shanghai_day(at - CLOSED_AFTER))
    return _midnight(months_after(over, -_QUARTER * MAX_QUARTERS)), _midnight(over)


def quarters(
    settled: Iterable[Settled], *, undone: Collection[str], changed: Mapping[str, datetime]
) -> list[Quarter]:
    """A broker's quarters, newest first, of trades within `closed_quarters`.

    `undone` are trades that were voided, taken back, or are flagged as suspected of washing: they count for
    nothing. `changed` says when that last changed: after the quarter, its sum would tell the trade's price to
    whoever remembers the former one, and is not told any more.
    """
    found: dict[date, list[Settled]] = defaultdict(list)
    for one in settled:
        found[_first_day(shanghai_day(one.settled_at))].append(one)
    return [_quarter(begin, found[begin], undone, changed) for begin in sorted(found, reverse=True)]


def _quarter(
    begin: date, settled: Sequence[Settled], undone: Collection[str], changed: Mapping[str, datetime]
) -> Quarter:
    counted = [one for one in settled if one.trade_id not in undone]
    over = _midnight(months_after(begin, _QUARTER))
    late = any(one.trade_id in changed and changed[one.trade_id] >= over for one in settled)
    why = CHANGED_SINCE if late else withheld(counted)
    value = sum(one.price_minor for one in counted)
    rounded = (value + ROUNDED_TO_MINOR // 2) // ROUNDED_TO_MINOR * ROUNDED_TO_MINOR
    name = f"{begin.year}-Q{(begin.month - 1) // _QUARTER + 1}"
    return Quarter(name, len(counted), None if why else rounded, why)


def withheld(settled: Sequence[Settled]) -> str | None:
    """Why a sum would tell a price; None where it tells none.

    Each party knows its own trades: what is left for it is nothing, or several trades. No trade is more than
    half of the sum.
    """
    if len(settled) < MIN_TRADES:
        return FEW_TRADES
    for party in {org_id for one in settled for org_id in (one.seller_id, one.buyer_id)}:
        others = sum(1 for one in settled if party not in {one.seller_id, one.buyer_id})
        if 0 < others < MIN_OTHERS:
            return OTHERS_TOLD
    if 2 * max(one.price_minor for one in settled) > sum(one.price_minor for one in settled):
        return ONE_OUTWEIGHS
    return None


def _first_day(day: date) -> date:
    """The first day of its quarter."""
    return date(day.year, day.month - (day.month - 1) % _QUARTER, 1)


def _midnight(day: date) -> datetime:
    """When a day begins in Shanghai."""
    return at_shanghai(day, time())
