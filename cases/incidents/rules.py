"""What decides about incidents, purely: the level, which reports are due when, who closes.

国家网络安全事件报告管理办法 art. 4; 网络数据安全管理条例 art. 10; 个人信息保护法 art. 57. The numbers
are in `rule_table.csv`, each with its source; what is marked `unverified` is never quoted as law. Times
run by the clock to the minute, across midnight and holidays, from the detection.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from cases.incidents.states import OPERATOR
from cases.incidents.terms import rules_at, span_of, term
from registry.rules import Level as DataLevel

MAX_TEXT: Final = 4_000
MAX_TITLE: Final = 120
MAX_EVIDENCE: Final = 50
MOST_PERSONS: Final = 10**10
MOST_LOSS_MINOR: Final = 10**15
MOST_MINUTES: Final = 10**6


class Level(StrEnum):
    """一般, 较大, 重大, 特别重大."""

    GENERAL = "GENERAL"
    LARGER = "LARGER"
    MAJOR = "MAJOR"
    EXTREME = "EXTREME"

    @property
    def rank(self) -> int:
        """1 for the lowest."""
        return _RANKS[self]


_LEVELS: Final = (Level.GENERAL, Level.LARGER, Level.MAJOR, Level.EXTREME)
_RANKS: Final[Mapping[Level, int]] = {level: rank for rank, level in enumerate(_LEVELS, 1)}


class Kind(StrEnum):
    LEAK = "LEAK"
    INTRUSION = "INTRUSION"
    MALWARE = "MALWARE"
    OUTAGE = "OUTAGE"
    TAMPERING = "TAMPERING"
    MISUSE = "MISUSE"
    DEFECT = "DEFECT"
    OTHER = "OTHER"


class Standing(StrEnum):
    """Which clock an operator reports under."""

    CII = "CII"  # 关键信息基础设施运营者
    CENTRAL = "CENTRAL"  # 中央和国家机关
    OTHER = "OTHER"


class Receiver(StrEnum):
    """Who receives reports, by its role here."""

    CAC = "CAC"
    DATA_AUTHORITY = "DATA_AUTHORITY"
    PUBLIC_SECURITY = "PUBLIC_SECURITY"


class ReportKind(StrEnum):
    """What is not known yet comes later; the summary follows the handling."""

    FIRST = "FIRST"
    FOLLOW_UP = "FOLLOW_UP"
    FINAL = "FINAL"


class Matter(StrEnum):
    """What has its time."""

    GRADE = "GRADE"
    REPORT = "REPORT"
    REPORT_SECURITY = "REPORT_SECURITY"
    REPORT_DATA = "REPORT_DATA"
    FORWARD = "FORWARD"
    DEFECT = "DEFECT"
    SUBJECTS = "SUBJECTS"
    SUMMARY = "SUMMARY"


class Measure(StrEnum):
    """What contains an incident on the market."""

    STOP_DELIVERIES = "STOP_DELIVERIES"  # of a product
    STOP_DELIVERY = "STOP_DELIVERY"  # of a trade
    SUSPEND_LISTING = "SUSPEND_LISTING"
    HALT_CLEARANCE = "HALT_CLEARANCE"  # of customs
    REVOKE_KEY = "REVOKE_KEY"  # an access key: what the gateway is called with
    FREEZE_TRADE = "FREEZE_TRADE"  # no money moves


_EXCHANGE: Final = frozenset({OPERATOR})
POWERS: Final[Mapping[Measure, frozenset[str]]] = dict.fromkeys(Measure, _EXCHANGE) | {
    Measure.HALT_CLEARANCE: _EXCHANGE | {"CAC"}
}
LIFTERS: Final[Mapping[Measure, frozenset[str]]] = dict.fromkeys(Measure, _EXCHANGE) | {
    Measure.HALT_CLEARANCE: frozenset({"CAC"}),
    Measure.REVOKE_KEY: frozenset(),
}
"""Who takes a measure back. A key that is revoked stays so: its holder issues a new one."""
OBJECTS: Final[Mapping[Measure, str]] = {
    Measure.STOP_DELIVERIES: "prd_",
    Measure.STOP_DELIVERY: "trd_",
    Measure.SUSPEND_LISTING: "lst_",
    Measure.HALT_CLEARANCE: "xbd_",
    Measure.REVOKE_KEY: "key_",
    Measure.FREEZE_TRADE: "trd_",
}
"""What a measure is about, by the prefix of its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of an incident: persons are distinct natural persons, times minutes, the loss fen."""

    kind: Kind
    persons: int = 0
    sensitive_persons: int = 0
    data_level: DataLevel | None = None
    outage_minutes: int = 0
    partial_minutes: int = 0
    loss_minor: int = 0
    records_altered: bool = False
    public_harm: bool = False
    """A defect that endangers national security or the public interest."""
    standing: Standing = Standing.OTHER

    def document(self) -> dict[str, str | int | bool | None]:
        """As it is kept, and shown in the opening."""
        return {
            "kind": self.kind.value,
            "persons": self.persons,
            "sensitive_persons": self.sensitive_persons,
            "data_level": None if self.data_level is None else self.data_level.value,
            "outage_minutes": self.outage_minutes,
            "partial_minutes": self.partial_minutes,
            "loss_minor": str(self.loss_minor),
            "records_altered": self.records_altered,
            "public_harm": self.public_harm,
            "standing": self.standing.value,
        }


@dataclass(frozen=True, slots=True)
class Graded:
    """A level, and the lines of the table that it rests on."""

    level: Level
    cited: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Duty:
    """Something that has to be done until a moment; `receiver` of a report."""

    matter: Matter
    due_at: datetime
    cited: str
    receiver: Receiver | None = None


def grade(facts: Facts, at: datetime) -> Graded:
    """The level by the table of the day: the highest that one fact reaches; below all it is general."""
    rules = rules_at(at)
    found: dict[int, list[str]] = {}
    counted = (
        ("persons", facts.persons),
        ("sensitive", facts.sensitive_persons),
        ("loss", facts.loss_minor),
        ("outage", facts.outage_minutes),
        ("partial", facts.partial_minutes),
    )
    for name, count in counted:
        reached = [
            (level.rank, line.cited)
            for level in _LEVELS[1:]
            if count >= (line := rules.named("INC-GRADE", f"{name}_{level.value.lower()}")).whole
        ]
        for rank, cited in reached[-1:]:
            found.setdefault(rank, []).append(cited)
    told = (
        ("records_altered", facts.records_altered),
        ("data_important", facts.data_level is DataLevel.IMPORTANT),
        ("data_core", facts.data_level is DataLevel.CORE),
    )
    for name, is_so in told:
        if is_so:
            line = rules.named("INC-GRADE", name)
            found.setdefault(line.whole, []).append(line.cited)
    if not found:
        return Graded(Level.GENERAL, ())
    highest = max(found)
    return Graded(_LEVELS[highest - 1], tuple(sorted(found[highest])))


def is_reportable(level: Level, at: datetime) -> bool:
    """Whether the law wants it reported: from 较大 on."""
    return level.rank >= term("INC-GRADE", "reported_from", at).whole


def closed_by_authority(level: Level, at: datetime) -> bool:
    """Whether an authority closes it."""
    return level.rank >= term("INC-GRADE", "closed_by_authority", at).whole


def standing_of(said: Standing, *, is_ciio: bool) -> Standing:
    """The stricter of what is said and what the register of members knows."""
    return Standing.CII if is_ciio else said


def duties(level: Level, facts: Facts, *, detected_at: datetime) -> tuple[Duty, ...]:
    """The reports that are due for an incident of this level, from its detection.

    A critical operator reports to its protection department and to public security; others to the CAC.
    """
    found: list[Duty] = []
    if is_reportable(level, detected_at):
        clock = {Standing.CII: "report_cii", Standing.CENTRAL: "report_central"}.get(
            facts.standing, "report_other"
        )
        if facts.standing is Standing.CII:
            found += [
                _duty(Matter.REPORT, clock, detected_at, Receiver.DATA_AUTHORITY),
                _duty(Matter.REPORT_SECURITY, clock, detected_at, Receiver.PUBLIC_SECURITY),
            ]
        else:
            found += [
                _duty(Matter.REPORT, clock, detected_at, Receiver.CAC),
                _duty(Matter.REPORT_DATA, "report_data", detected_at, Receiver.DATA_AUTHORITY),
            ]
    if facts.public_harm:
        found.append(_duty(Matter.DEFECT, "defect", detected_at, Receiver.DATA_AUTHORITY))
    return tuple(found)


def other_duty(matter: Matter, since: datetime) -> Duty:
    """The grading, the forwarding, the notice to persons or the summary, from its beginning."""
    receiver = Receiver.CAC if matter is Matter.FORWARD else None
    return _duty(matter, matter.value.lower(), since, receiver)


def concerned(facts: Facts) -> int:
    """How many persons are to be told."""
    return max(facts.persons, facts.sensitive_persons)


def needs_notice(facts: Facts) -> bool:
    """Whether persons are concerned (PIPL Art 57)."""
    return concerned(facts) > 0


def _duty(matter: Matter, name: str, since: datetime, receiver: Receiver | None) -> Duty:
    line = term("INC-CLOCK", name, since)
    return Duty(matter, since + span_of(line), line.cited, receiver)
