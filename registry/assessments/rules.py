"""What the duties of security ask, without a database: parts, periods, numbers, the chain of accesses; pure.

Sources: PIPL 55, 56; DSL 27, 30; 网络数据安全管理条例 28, 33; 网络数据安全风险评估办法; AUCL 10; R76–R81.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from base.calendar import end_of_day_shanghai, months_after, shanghai_day
from base.canonical import canonical, sha256_hex
from base.clock import rfc3339
from registry.assessments.errors import AssessmentMalformed, AssessorTooOften, ReviewerUnfit
from registry.assessments.terms import number

MAX_TEXT: Final = 2000
MAX_NAME: Final = 200
MAX_FINDINGS: Final = 50
MAX_WRITERS: Final = 50
MAX_RECIPIENTS: Final = 50
MAX_READERS: Final = 50
MAX_FILE_BYTES: Final = 16 * 1024 * 1024
MAX_STAFF: Final = 100_000
MAX_YEARS: Final = 200


class AssessmentKind(StrEnum):
    """个人信息保护影响评估, or 隐私保护和安全审查."""

    PIPIA = "PIPIA"
    SECURITY_REVIEW = "SECURITY_REVIEW"


class Use(StrEnum):
    """What is to be done with the data that is assessed."""

    LISTING = "LISTING"
    EXPORT = "EXPORT"


class Outcome(StrEnum):
    """What an assessment found; with measures: its findings are followed until they are closed."""

    PASS = "PASS"  # noqa: S105 - an outcome
    WITH_MEASURES = "WITH_MEASURES"
    FAIL = "FAIL"


class Trade(StrEnum):
    """What an assessor is registered for."""

    PIPIA = "PIPIA"
    SECURITY_REVIEW = "SECURITY_REVIEW"
    RISK = "RISK"


class Secrecy(StrEnum):
    """商业秘密, or 保密商务信息 (R79)."""

    TRADE_SECRET = "TRADE_SECRET"  # noqa: S105 - a class
    BUSINESS_INFORMATION = "BUSINESS_INFORMATION"


class Answer(StrEnum):
    """What became of an entry of the catalogue in a yearly round."""

    KEEP = "KEEP"
    CHANGE = "CHANGE"
    REMOVE = "REMOVE"


CONTENTS: Final[Mapping[AssessmentKind, tuple[str, ...]]] = {
    AssessmentKind.PIPIA: ("purpose", "means", "necessity", "effects", "risks", "measures"),
    AssessmentKind.SECURITY_REVIEW: ("scope", "controls", "privacy", "recipients", "risks", "measures"),
}
"""What is written, part by part: PIPL 56 (1) to (3) of an impact assessment."""
RISK_CONTENTS: Final = (
    "handler",
    "processing",
    "controls",
    "risks",
    "incidents",
    "provision",
    "export",
)
"""What a yearly report says (网络数据安全管理条例 33): who, which processing, controls, risks, incidents and
what was done, provision to others, export."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is to be done, and the last day for it."""

    text: str
    due_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Qualification:
    """What an assessor says of itself: full-time assessors, years of practice, its certificate's digest."""

    trades: tuple[Trade, ...]
    staff: int
    years: int
    certificate_sha256: str


def check_text(text: str, name: str = "reason", limit: int = MAX_TEXT) -> str:
    """A text with something in it, of a bounded length. Raises AssessmentMalformed."""
    said = text.strip()
    if not 1 <= len(said) <= limit:
        raise AssessmentMalformed(f"a text of one to {limit} characters", fields=[name])
    return said


def parts_of(contents: Mapping[str, str], wanted: Collection[str]) -> dict[str, str]:
    """The parts that are asked for, trimmed, and no other. Raises AssessmentMalformed, naming them."""
    wrong = sorted(set(contents) - set(wanted))
    wrong += [name for name in wanted if len(contents.get(name, "").strip()) > MAX_TEXT]
    if wrong:
        raise AssessmentMalformed("these parts, of two thousand characters at the most", fields=wrong)
    return {name: contents.get(name, "").strip() for name in wanted}


def check_whole(contents: Mapping[str, str], wanted: Collection[str]) -> None:
    """Every part is written. Raises AssessmentMalformed, naming what is missing."""
    missing = [name for name in wanted if not contents.get(name, "").strip()]
    if missing:
        raise AssessmentMalformed("every part is written", fields=missing)


def names_of(said: Collection[str], name: str) -> list[str]:
    """Purposes or recipients, each once and in order, fifty at the most. Raises AssessmentMalformed."""
    found = sorted({one.strip() for one in said})
    if len(found) > MAX_RECIPIENTS or not all(1 <= len(one) <= MAX_NAME for one in found):
        raise AssessmentMalformed("fifty names at the most, none of them empty", fields=[name])
    return found


def check_made_for(uses: Collection[str], purposes: Collection[str], recipients: Collection[str]) -> None:
    """Which purposes, and for an export who receives, is what is assessed (PIPL 55, 56). AssessmentMalformed.

    For a listing no recipient may be named: then it is of whoever licenses the data for these purposes.
    """
    missing = [] if purposes else ["purposes"]
    if Use.EXPORT.value in uses and not recipients:
        missing.append("recipients")
    if missing:
        raise AssessmentMalformed("for which purposes, and who receives abroad", fields=missing)


def digest_of(document: Mapping[str, Any]) -> str:
    """The SHA-256 of a document in canonical JSON, as hex."""
    return sha256_hex(canonical(dict(document)))


def check_findings(findings: Sequence[Finding], now: datetime) -> None:
    """One or more, each with a text and a day from today on, within the term. Raises AssessmentMalformed."""
    today, longest = shanghai_day(now), number("PIA-FINDING", "longest", now)
    if not 1 <= len(findings) <= MAX_FINDINGS:
        raise AssessmentMalformed("one to fifty findings", fields=["findings"])
    for one in findings:
        check_text(one.text, "findings")
        if not 0 <= (one.due_on - today).days <= longest:
            raise AssessmentMalformed("a day from today on, within the longest term", fields=["due_on"])


def next_due(days: Collection[datetime]) -> datetime | None:
    """When the first of the open findings is overdue; None without any."""
    return min(days, default=None)


def check_qualified(said: Qualification, at: datetime) -> None:
    """An assessor has the staff and the years that the table asks for. Raises ReviewerUnfit."""
    if not said.trades or len(set(said.trades)) != len(said.trades):
        raise AssessmentMalformed("what it is to be registered for, each once", fields=["trades"])
    short = [
        name
        for name, has, least in (
            ("staff", said.staff, number("ASSESSOR", "staff", at)),
            ("years", said.years, number("ASSESSOR", "experience", at)),
        )
        if has < least
    ]
    if short:
        raise ReviewerUnfit("less than what is asked of an assessor", short=short)


def check_consecutive(before: Sequence[str | None], assessor_id: str, at: datetime) -> None:
    """`before` are the assessors of the years before, newest first. Raises AssessorTooOften."""
    most = number("RISK", "consecutive", at)
    if len(before) >= most and all(one == assessor_id for one in before[:most]):
        raise AssessorTooOften(
            f"it has made the last {most}; another one assesses this time", assessor_id=assessor_id
        )


def keep_until(at: datetime) -> datetime:
    """Until when a yearly report is kept."""
    return months_after(at, number("RISK", "keep", at))


def year_ends(year: int) -> datetime:
    """The last moment of a year in Shanghai."""
    return end_of_day_shanghai(date(year, 12, 31))


def check_day(day: date, name: str, longest: int, now: datetime) -> datetime:
    """The end of a day after today, so many days ahead at the most. Raises AssessmentMalformed."""
    if not 0 < (day - shanghai_day(now)).days <= longest:
        raise AssessmentMalformed(f"a day after today, within {longest} days", fields=[name])
    return end_of_day_shanghai(day)


def access_of(
    *, item_id: str, no: int, org_id: str, user_id: str | None, purpose: str, at: datetime, previous: str
) -> dict[str, Any]:
    """One access as the log keeps it: its digest is what the next one and the ledger name.

    `previous` is the digest before it, or the item's own content digest before the first.
    """
    return {
        "item_id": item_id,
        "no": no,
        "org_id": org_id,
        "user_id": user_id,
        "purpose": purpose,
        "at": rfc3339(at),
        "previous": previous,
    }
