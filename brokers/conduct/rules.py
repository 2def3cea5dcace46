"""What a broker has to tell, and by when: pure questions over values."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from base.calendar import deadline_after, months_after, shanghai_day
from brokers.rule_table import in_force

REPORT_WITHIN: Final = timedelta(hours=24)  # BR12
_MONTHS: Final = 12
CHANGE_WORKING_DAYS: Final = 5  # BR13: before it takes effect


class InterestKind(StrEnum):
    """What links a broker to a party."""

    OWNERSHIP = "OWNERSHIP"  # a share either way
    CONTROL = "CONTROL"  # one ultimate controller: no matter of consent (BR5)
    MANAGEMENT = "MANAGEMENT"  # persons who manage both


class NoticeKind(StrEnum):
    """What a broker tells the authority and the exchange."""

    SUSPICION = "SUSPICION"  # that a source or a use is illegal
    CHANGE = "CHANGE"


class Change(StrEnum):
    """Which change is told before it takes effect."""

    NAME = "NAME"
    CAPITAL = "CAPITAL"
    CONTROL = "CONTROL"
    SCOPE = "SCOPE"


def report_due(noticed_at: datetime) -> datetime:
    """Until when a suspicion is told."""
    return noticed_at + REPORT_WITHIN


def change_is_late(*, told_at: datetime, takes_effect_at: datetime) -> bool:
    """Whether fewer than five working days lie between the day it is told and the day it takes effect."""
    earliest = deadline_after(told_at, CHANGE_WORKING_DAYS).at
    return shanghai_day(takes_effect_at) < shanghai_day(earliest)


def records_kept_until(checked_at: datetime) -> datetime:
    """Until when a broker keeps what it checked (BR3): the years of the rules in force on that day."""
    return months_after(checked_at, _MONTHS * in_force(checked_at).whole("BR3", "keep"))
