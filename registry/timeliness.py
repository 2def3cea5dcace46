"""How late data is: max(0, 1 − delay ÷ allowed), against what the provider promised."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Final

from registry.declared import INTERVAL, Declared, Frequency

_MICROSECOND: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1)
_COLLECTION: Final = timedelta(days=366)  # a closed collection that does not say when it begins


class Basis(StrEnum):
    """Whether the age was read from the data, or only from the provider's words."""

    MEASURED = "measured"
    DECLARED = "declared"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Age:
    """`latest` is when the newest period in the data ends; `late_s` how far it is behind its promise."""

    share: Fraction
    basis: Basis
    column: str | None = None
    latest: datetime | None = None
    late_s: int = 0
    allowed_s: int = 0
    fix: str | None = None


def age_of(times: Mapping[str, datetime], declared: Declared, as_of: datetime) -> Age:
    """Judge the newest times of the columns that have any (none of them after `as_of`).

    A declared period column speaks alone. Data without a time is judged by its declared period. A closed
    collection never ages; it must reach the end of the period it promises.
    """
    if declared.update_frequency is None:
        return Age(Fraction(0), Basis.NONE, fix="frequency-undeclared")
    if declared.period_column is not None:
        times = {name: at for name, at in times.items() if name == declared.period_column}
        if not times:
            return Age(Fraction(0), Basis.NONE, declared.period_column, fix="time-column-missing")
    column = max(times, key=lambda name: times[name], default=None)
    latest = times[column] if column is not None else None
    if declared.update_frequency is Frequency.ONCE:
        return _collection(column, latest, declared, as_of)
    basis = Basis.MEASURED
    if latest is None:
        if declared.period_to is None:
            return Age(Fraction(0), Basis.NONE, fix="time-column-missing")
        basis, latest = Basis.DECLARED, min(_midnight(declared.period_to) + _DAY, as_of)
    interval = INTERVAL[declared.update_frequency]
    allowed = _allowed(declared) or interval
    return _age(basis, column, latest, as_of - latest - interval, allowed)


def _collection(column: str | None, latest: datetime | None, declared: Declared, as_of: datetime) -> Age:
    if declared.period_to is None:
        return Age(Fraction(0), Basis.NONE, column, latest, fix="period-undeclared")
    if latest is None:
        return Age(Fraction(1), Basis.DECLARED, latest=_midnight(declared.period_to) + _DAY)
    begin = declared.period_from
    promised = min(declared.period_to, as_of.date())
    reached = (latest - _MICROSECOND).date()
    length = declared.period_to - begin + _DAY if begin else _COLLECTION
    return _age(Basis.MEASURED, column, latest, promised - reached, _allowed(declared) or length)


def _age(basis: Basis, column: str | None, latest: datetime, late: timedelta, allowed: timedelta) -> Age:
    late = max(late, timedelta(0))
    share = max(Fraction(0), 1 - Fraction(late // _MICROSECOND, allowed // _MICROSECOND))
    return Age(
        share,
        basis,
        column,
        latest,
        late_s=late // timedelta(seconds=1),
        allowed_s=allowed // timedelta(seconds=1),
        fix="stale" if late else None,
    )


def _allowed(declared: Declared) -> timedelta | None:
    return timedelta(days=declared.allowed_delay_days) if declared.allowed_delay_days else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
