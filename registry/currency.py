"""When the data of a list's entry is out of date: by its update cycle, from when it was renewed last (R10).

Pure. The same formula as of a measured file (`registry.timeliness`): max(0, 1 − delay ÷ allowed), where
the delay begins at the moment the next renewal was due and the cycle itself is what is allowed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final

from registry.declared import INTERVAL, Frequency
from registry.quality import tenths
from registry.registration.rules import Update

CYCLES: Final[Mapping[Update, Frequency]] = {
    Update.REAL_TIME: Frequency.HOURLY,
    Update.DAILY: Frequency.DAILY,
    Update.WEEKLY: Frequency.WEEKLY,
    Update.MONTHLY: Frequency.MONTHLY,
    Update.QUARTERLY: Frequency.QUARTERLY,
    Update.YEARLY: Frequency.YEARLY,
}
"""The cycles that promise something: data that is never renewed, or at no certain time, is never late.

A file of data in real time is renewed every hour.
"""
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Currency:
    """When the next renewal is due, and how timely the data is, in tenths of a point of 100."""

    due_at: datetime
    timeliness: int
    stale: bool


def currency_of(update: Update, renewed_at: datetime, as_of: datetime) -> Currency | None:
    """How current data is that was renewed last at a moment; None where its cycle promises nothing."""
    frequency = CYCLES.get(update)
    if frequency is None:
        return None
    allowed = INTERVAL[frequency]
    due_at = renewed_at + allowed
    late = max(as_of - due_at, timedelta(0))
    share = max(Fraction(0), 1 - Fraction(late // _MICROSECOND, allowed // _MICROSECOND))
    return Currency(due_at, tenths(share), stale=late > timedelta(0))
