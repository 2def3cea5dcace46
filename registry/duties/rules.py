"""The duties as a table (`rule_table.csv`), and what the evidence says of each; pure.

A duty of the unit `record` is met by one record; one of the unit `each` by all that it applies to. What it
applies to nothing of is not asked of the agency.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from base.rule_table import in_force, table_of

_PREFIX: Final = "DTY-"


class Stage(StrEnum):
    """The life cycle of public data (采集、汇聚、共享、使用、管理、安全、销毁)."""

    COLLECT = "COLLECT"
    AGGREGATE = "AGGREGATE"
    SHARE = "SHARE"
    USE = "USE"
    MANAGE = "MANAGE"
    SECURE = "SECURE"
    DESTROY = "DESTROY"


class Verdict(StrEnum):
    MET = "MET"
    PARTLY = "PARTLY"
    MISSING = "MISSING"
    NOT_ASKED = "NOT_ASKED"


@dataclass(frozen=True, slots=True)
class Duty:
    """One duty: where in the life cycle, by which law, and how far that text was read (`source_status`)."""

    stage: Stage
    name: str
    each: bool
    legal_basis: str
    source_status: str
    cited: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is on record: how many of how many, and the newest record with its moment.

    `of` is what the duty applies to; None where one record is asked for.
    """

    done: int = 0
    of: int | None = None
    record_id: str | None = None
    at: datetime | None = None
    lacking: tuple[str, ...] = ()


def duties_at(at: datetime) -> tuple[Duty, ...]:
    """Every duty in force on a day in Shanghai, along the life cycle."""
    return tuple(
        Duty(
            Stage(one.rule_id.removeprefix(_PREFIX)),
            one.name,
            one.unit == "each",
            one.legal_basis,
            one.source_status,
            one.cited,
        )
        for one in in_force(at, table_of("registry.duties"))
    )


def verdict_on(duty: Duty, found: Evidence) -> Verdict:
    """Whether the evidence meets a duty. Raises ValueError where more is done than there is."""
    if not duty.each:
        return Verdict.MET if found.done else Verdict.MISSING
    if found.of is None or not 0 <= found.done <= found.of:
        raise ValueError(f"{found.done} of {found.of}")
    if not found.of:
        return Verdict.NOT_ASKED
    return Verdict.MET if found.done == found.of else Verdict.PARTLY if found.done else Verdict.MISSING
