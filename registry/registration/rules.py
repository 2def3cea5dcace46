"""What registration decides, purely: declarations, claims, numbers, deadlines, conflicts, renewal windows.

Sources: 数据产权登记工作指引(试行) (2026, below "guideline") and its Annex 1; 公共数据资源登记管理暂行办法.
The numbers stand in `rule_table.csv`, each with its source and its dates.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from base.calendar import deadline_after, end_of_day_shanghai, months_after, shanghai_day
from registry.registration.errors import (
    RegistrationMalformed,
    RegistrationTooEarly,
    RegistrationTooLate,
)
from registry.registration.terms import term
from registry.rules import Right, Source, SourceFacts, check_claim

MAX_NAME: Final = 40
MAX_ABSTRACT: Final = 400
MAX_TEXT: Final = 2_000
MAX_CLAIMS: Final = 60
_INDUSTRY: Final = re.compile(r"[A-T]([0-9]{2})?")
_REGION: Final = re.compile(r"[1-8][0-9]{5}")
_SERIALS: Final = 9_999


class Kind(StrEnum):
    """Of property rights (national guideline), or of public-data resources and products (赋码)."""

    PROPERTY_RIGHT = "PROPERTY_RIGHT"
    PUBLIC_RESOURCE = "PUBLIC_RESOURCE"

    @property
    def rule_id(self) -> str:
        return "REG-PR" if self is Kind.PROPERTY_RIGHT else "REG-PUB"

    @property
    def prefix(self) -> str:
        """`SJ` is the guideline's; of public codes no published form was found, so `GS` is ours."""
        return "SJ" if self is Kind.PROPERTY_RIGHT else "GS"


class Update(StrEnum):
    """How often the data is renewed."""

    NEVER = "NEVER"
    REAL_TIME = "REAL_TIME"
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    QUARTERLY = "QUARTERLY"
    YEARLY = "YEARLY"
    IRREGULAR = "IRREGULAR"


class Form(StrEnum):
    """The structure of the data."""

    STRUCTURED = "STRUCTURED"
    SEMI_STRUCTURED = "SEMI_STRUCTURED"
    UNSTRUCTURED = "UNSTRUCTURED"


class RefusalReason(StrEnum):
    """Guideline Art 22: why a registration is refused."""

    HARM = "HARM"  # to national security, the public interest, others' rights
    UNLAWFUL_SOURCE = "UNLAWFUL_SOURCE"
    OWNERSHIP_DISPUTE = "OWNERSHIP_DISPUTE"
    CONCEALMENT = "CONCEALMENT"  # or a false proof
    STATUTORY = "STATUTORY"


class RevocationReason(StrEnum):
    """Why a registration that was obtained or used wrongly is revoked."""

    CONCEALMENT = "CONCEALMENT"
    FALSE_PROOF = "FALSE_PROOF"
    TAMPERING = "TAMPERING"
    ILLEGAL_GAIN = "ILLEGAL_GAIN"


class NoteKind(StrEnum):
    """What is noted on a registration (备注), and a pledge."""

    TERM = "TERM"  # agreed term or conditions
    PRESERVATION = "PRESERVATION"  # by a court or the police
    CONTROL = "CONTROL"  # temporary control by an authority
    STATUTORY = "STATUTORY"
    OTHER = "OTHER"
    PLEDGE = "PLEDGE"


BLOCKING: Final = frozenset({NoteKind.PRESERVATION, NoteKind.CONTROL, NoteKind.PLEDGE})
"""While one of these stands, nothing is transferred, given up, or changed in its holders."""


class Wish(StrEnum):
    """What a holder asks of the registrar."""

    CHANGE = "CHANGE"
    TRANSFER = "TRANSFER"
    RENEW = "RENEW"
    CANCEL = "CANCEL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """The scope of restriction (Annex 1): what an upstream contract or the holder keeps from others."""

    buyer_types: tuple[str, ...] = ()
    qualification: str = ""
    environment: str = ""
    regions: tuple[str, ...] = ()
    resale: bool = False
    export: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What an application says of the data (Annex 1). The sample is named by its digest."""

    name: str
    abstract: str
    industry: str
    source: Source
    facts: SourceFacts
    region: str
    covers_from: date
    covers_to: date
    update: Update
    volume_rows: int
    volume_bytes: int
    form: Form
    sample_sha256: str
    source_proof_sha256: str
    restriction: Restriction
    scenario: str = ""
    risk_assessment_sha256: str | None = None
    term_ends: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One right of one holder, until when at most, under which limits, with the digest of its proof."""

    holder_id: str
    right: Right
    until: date | None = None
    limits: str = ""
    proof_sha256: str | None = None


PUBLIC_SOURCES: Final = frozenset({Source.PUBLIC_DUTY, Source.AUTHORISED_OPERATION})
"""Where public data comes from."""


def check_declaration(kind: Kind, said: Declaration, on: date) -> None:
    """The form of a declaration. Raises RegistrationMalformed, naming the field."""
    wrong = [
        ("name", not 1 <= len(said.name) <= MAX_NAME),
        ("abstract", not 1 <= len(said.abstract) <= MAX_ABSTRACT),
        ("industry", _INDUSTRY.fullmatch(said.industry) is None),
        ("region", _REGION.fullmatch(said.region) is None),
        ("covers_to", said.covers_to < said.covers_from),
        ("covers_from", said.covers_from > on),
        ("volume_rows", said.volume_rows < 0),
        ("volume_bytes", said.volume_bytes < 1),
        ("term_ends", said.term_ends is not None and said.term_ends <= on),
    ]
    if kind is Kind.PUBLIC_RESOURCE:
        wrong += [
            ("scenario", not said.scenario),
            ("risk_assessment_sha256", not said.risk_assessment_sha256),
        ]
    fields = [field for field, is_wrong in wrong if is_wrong]
    if fields:
        raise RegistrationMalformed("the declaration is not of its form", fields=fields)


def check_claims(kind: Kind, said: Declaration, claims: Sequence[Claim], *, on: date) -> None:
    """Rights are claimed that the source gives (Art 15, 21), each once a holder; none of a public resource.

    Raises RightNotRegistrable, RegistrationMalformed.
    """
    if kind is Kind.PUBLIC_RESOURCE:
        if claims:
            raise RegistrationMalformed("a public resource is registered without rights", fields=["claims"])
        if said.source not in PUBLIC_SOURCES:
            raise RegistrationMalformed("this source is no public data", fields=["source"])
        return
    if not 1 <= len(claims) <= MAX_CLAIMS or len({(one.holder_id, one.right) for one in claims}) < len(
        claims
    ):
        raise RegistrationMalformed("each right is claimed once a holder", fields=["claims"])
    if any(one.until is not None and one.until <= on for one in claims):
        raise RegistrationMalformed("a right ends before it begins", fields=["claims"])
    check_claim(said.source, said.facts, frozenset(one.right for one in claims))


def due_after(kind: Kind, name: str, start: datetime) -> datetime:
    """The end of a period in working days that begins at a moment."""
    return deadline_after(start, term(kind.rule_id, name, start).whole).at


def valid_until(kind: Kind, at: datetime, *, term_ends: date | None = None) -> datetime:
    """The last moment of a registration entered now: the day before its anniversary, or its term's."""
    months = term(kind.rule_id, "validity", at).whole
    last = months_after(shanghai_day(at), months) - timedelta(days=1)
    return end_of_day_shanghai(last if term_ends is None else min(last, term_ends))


def renewed_until(kind: Kind, valid_to: datetime, at: datetime) -> datetime:
    """The last moment after a renewal: as long again."""
    return end_of_day_shanghai(months_after(shanghai_day(valid_to), term(kind.rule_id, "validity", at).whole))


def ends_at(until: str) -> datetime:
    """The last moment of a right that is held until a day."""
    return end_of_day_shanghai(date.fromisoformat(until))


def has_ended(until: str | None, at: datetime) -> bool:
    """Whether a right that is held until a day is over; None has no end of its own."""
    return until is not None and at > ends_at(until)


def last_end(untils: Collection[str | None]) -> datetime | None:
    """When the last of the rights is over: they end one by one. None: there is one without an end."""
    ends = [ends_at(until) for until in untils if until is not None]
    return max(ends) if ends and len(ends) == len(untils) else None


def check_renewal(kind: Kind, valid_to: datetime, at: datetime) -> None:
    """A renewal is asked for in its window. Raises RegistrationTooEarly, RegistrationTooLate."""
    window = term(kind.rule_id, "renewal_window", at)
    last, today = shanghai_day(valid_to), shanghai_day(at)
    opens = (
        months_after(last, -window.whole) if window.unit == "months" else last - timedelta(days=window.whole)
    )
    if today < opens:
        raise RegistrationTooEarly("the window for renewal is not open", opens=opens.isoformat())
    if today >= last:
        raise RegistrationTooLate("renewal ends the day before", ended=last.isoformat())


def claims_conflict(
    source: Source, applicants: Collection[str], other: Source, others: Collection[str]
) -> bool:
    """Whether two declarations over the same bytes cannot both be true: both say they are where it began.

    Rights are not exclusive (Art 21): whoever received data by agreement registers it beside its source.
    """
    origin = {Source.SELF_COLLECTED, Source.OWN_ACTIVITY, Source.UTILITY, Source.PUBLIC_DUTY}
    return source in origin and other in origin and not set(applicants) & set(others)


def series_of(kind: Kind, region: str, agency: str, at: datetime) -> str:
    """The part of a number that a month's registrations share: `SJ` 44 1 202611."""
    return f"{kind.prefix}{region}{agency}{shanghai_day(at):%Y%m}"


def number_in(series: str, serial: int) -> str:
    """The 15 characters. Raises RegistrationMalformed beyond 9999 a month."""
    if not 1 <= serial <= _SERIALS:
        raise RegistrationMalformed("a month has 9,999 numbers", fields=["serial"])
    return f"{series}{serial:04d}"


def is_number(text: str) -> bool:
    """Whether a text has the form of a registration's number."""
    return re.fullmatch(r"(SJ|GS)[0-9]{2}[0-9A-Z][0-9]{4}(0[1-9]|1[0-2])[0-9]{4}", text) is not None


def plain_number(text: str) -> str:
    """A number as it is given, however it was typed."""
    return "".join(text.split()).upper()
