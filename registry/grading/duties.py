"""The controls that each level asks for, who owes them, and whether they are there (R76); pure.

Sources: DSL 21, 27, 30, 31; PIPL 29, 51, 55, 56; 网络数据安全管理条例 28–33; GB/T 43697-2024; R43.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from registry.rules import Level, rank


class Control(StrEnum):
    """What protects data."""

    GRADED = "graded"
    REVIEWED = "review-in-time"
    SCANNED = "file-scanned"
    ENCRYPTED = "encrypted-at-rest"
    LOGGED = "access-logged"
    LICENSED = "use-policy-at-every-access"
    RIGHT = "registered-right"
    CONSENT = "consent-record"
    SEPARATE = "separate-consent-record"
    PIPIA = "impact-assessment"
    REVIEW = "security-review"
    CATALOGUED = "in-important-data-catalogue"
    CONFIRMED = "level-confirmed-by-authority"
    NOT_TRADED = "no-ordinary-trade"


class Party(StrEnum):
    """Who owes a control (主体责任)."""

    HOLDER = "holder"
    EXCHANGE = "exchange"
    AUTHORITY = "authority"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Duty:
    """A control, from which level on it is owed, by whom, on which ground; `personal`: of such data alone."""

    control: Control
    party: Party
    since: Level
    basis: str
    personal: bool = False
    below: Level | None = None


_1, _2, _3, _4 = Level.GENERAL_1, Level.GENERAL_2, Level.GENERAL_3, Level.GENERAL_4
DUTIES: Final = (
    Duty(Control.GRADED, Party.HOLDER, _1, "数据安全法 21；GB/T 43697-2024"),
    Duty(Control.SCANNED, Party.EXCHANGE, _1, "rules.md 2.5.2"),
    Duty(Control.RIGHT, Party.HOLDER, _1, "无登记不交易"),
    Duty(Control.ENCRYPTED, Party.EXCHANGE, _1, "数据安全法 27"),
    Duty(Control.LOGGED, Party.EXCHANGE, _1, "数据安全法 27"),
    Duty(Control.LICENSED, Party.USER, _1, "数据安全法 32"),
    Duty(Control.REVIEWED, Party.HOLDER, _2, "GB/T 43697-2024 附录J"),
    Duty(Control.CONSENT, Party.HOLDER, _3, "个人信息保护法 13、23", personal=True),
    Duty(Control.SEPARATE, Party.HOLDER, _4, "个人信息保护法 29", personal=True, below=Level.IMPORTANT),
    Duty(Control.PIPIA, Party.HOLDER, _3, "个人信息保护法 55、56", personal=True),
    Duty(Control.REVIEW, Party.HOLDER, _3, "个人信息保护法 51、54", personal=True),
    Duty(Control.REVIEW, Party.HOLDER, Level.IMPORTANT, "网络数据安全管理条例 31"),
    Duty(Control.CONFIRMED, Party.AUTHORITY, Level.IMPORTANT, "数据安全法 21"),
    Duty(Control.CATALOGUED, Party.AUTHORITY, Level.IMPORTANT, "数据安全法 21；网络数据安全管理条例 29"),
    Duty(Control.NOT_TRADED, Party.EXCHANGE, Level.IMPORTANT, "数据安全法 21、30"),
)


@dataclass(frozen=True, slots=True)
class Owed:
    """A duty of a level; `present` is None where it was not asked of one object."""

    duty: Duty
    present: bool | None = None


def duties_of(level: Level, *, personal: bool) -> tuple[Duty, ...]:
    """What is owed for data of this level."""
    return tuple(
        duty
        for duty in DUTIES
        if rank(level) >= rank(duty.since)
        and (duty.below is None or rank(level) < rank(duty.below))
        and (personal or not duty.personal)
    )


def matrix() -> Mapping[Level, tuple[Duty, ...]]:
    """Every level with all it can ask for, personal data included."""
    return {level: duties_of(level, personal=True) for level in Level}


def judged(level: Level, present: Mapping[Control, bool], *, personal: bool) -> tuple[Owed, ...]:
    """What is owed for an object, and whether it is there; what was not looked at is absent."""
    return tuple(Owed(duty, present.get(duty.control, False)) for duty in duties_of(level, personal=personal))
