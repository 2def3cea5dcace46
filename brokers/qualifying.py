"""Who qualifies: the rule set `BRK-QUAL` over what an applicant claims and shows. Pure.

The numbers are the rule table's. A claim counts only with its document; a document counts from the day on
which the ledger has its digest, whatever date it bears.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from base.calendar import months_after
from base.errors import Malformed
from brokers.errors import (
    ApplicationIncomplete,
    EvidencePostdated,
    EvidenceRedated,
    EvidenceTooOld,
    NotQualified,
)
from brokers.rule_table import RulesInForce
from brokers.rules import BrokerType

MAX_EVIDENCE: Final = 40
MAX_NAME: Final = 200
MAX_PEOPLE: Final = 500
MAX_TEXT: Final = 4000
_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MOST: Final = 10**15


class EvidenceKind(StrEnum):
    """What a document shows."""

    LICENCE = "LICENCE"  # business licence: a legal person of mainland China
    CAPITAL = "CAPITAL"
    DCMM = "DCMM"
    MLPS = "MLPS"
    PRACTITIONERS = "PRACTITIONERS"
    EXPERIENCE = "EXPERIENCE"
    CLEAN_RECORD = "CLEAN_RECORD"
    PROCEDURES = "PROCEDURES"
    GUARANTEE = "GUARANTEE"
    TECHNOLOGY = "TECHNOLOGY"  # 技术赋能型: what its systems do, and their test
    OWN_DATA = "OWN_DATA"  # 数据赋能型: the data it brings in, for disclosure
    MANDATE_FORM = "MANDATE_FORM"  # 受托行权型: the form of its written mandates
    PRIVACY_COMPUTING = "PRIVACY_COMPUTING"  # grade 1 handles sensitive personal data that way only
    CROSS_BORDER = "CROSS_BORDER"
    OTHER = "OTHER"


class Procedure(StrEnum):
    """The written procedures every broker has."""

    CONFLICT = "CONFLICT"
    SECURITY = "SECURITY"
    COMPLAINT = "COMPLAINT"
    EXIT = "EXIT"


_K = EvidenceKind
_ALWAYS: Final = frozenset(
    {
        _K.LICENCE,
        _K.CAPITAL,
        _K.DCMM,
        _K.MLPS,
        _K.PRACTITIONERS,
        _K.EXPERIENCE,
        _K.CLEAN_RECORD,
        _K.PROCEDURES,
        _K.GUARANTEE,
    }
)
_OF_TYPE: Final[Mapping[BrokerType, EvidenceKind]] = {
    BrokerType.TECHNOLOGY: _K.TECHNOLOGY,
    BrokerType.DATA: _K.OWN_DATA,
    BrokerType.MANDATE: _K.MANDATE_FORM,
}
_AGES: Final = frozenset({_K.CAPITAL, _K.MLPS, _K.PRACTITIONERS, _K.CLEAN_RECORD, _K.GUARANTEE})
"""What shows how things stand, and so grows old."""


@dataclass(frozen=True, slots=True)
class Practitioner:
    """A person with a practitioner's certificate, named under the organisation."""

    name: str
    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What an applicant says of itself; each claim has a document of its kind."""

    mainland: bool
    paid_in_capital_minor: int
    dcmm: int
    mlps: int
    practitioners: tuple[Practitioner, ...]
    experience_years: int
    clean_years: int
    procedures: frozenset[Procedure]
    guarantee_minor: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """A document: what it shows, its name, its SHA-256 in hex and the date it bears; who has it keeps it."""

    kind: EvidenceKind
    name: str
    sha256: str
    dated_on: date


def required(broker_type: BrokerType, grade: int, *, cross_border: bool) -> frozenset[EvidenceKind]:
    """The kinds of evidence that this type and grade ask for."""
    more = {_OF_TYPE[broker_type]}
    more |= {_K.PRIVACY_COMPUTING} if grade == 1 else set()
    more |= {_K.CROSS_BORDER} if cross_border else set()
    return _ALWAYS | more


def missing(wanted: Collection[EvidenceKind], shown: Iterable[EvidenceKind]) -> list[str]:
    """The kinds that no document shows yet, in the order of the list."""
    there = set(shown)
    return [kind.value for kind in EvidenceKind if kind in wanted and kind not in there]


def check_complete(wanted: Collection[EvidenceKind], shown: Iterable[EvidenceKind]) -> None:
    """Raises ApplicationIncomplete, naming what is missing."""
    gaps = missing(wanted, shown)
    if gaps:
        raise ApplicationIncomplete(f"there is no evidence of {', '.join(gaps)}", missing=gaps)


def unmet(claims: Claims, *, grade: int, rules: RulesInForce) -> list[dict[str, str]]:
    """The conditions of a grade that the claims do not meet, each as the rule table cites it."""
    said = {
        "paid_in_capital": claims.paid_in_capital_minor,
        "dcmm": claims.dcmm,
        "mlps": claims.mlps,
        "practitioners": len({person.number for person in claims.practitioners}),
        "experience": claims.experience_years,
        "clean": claims.clean_years,
        "guarantee": claims.guarantee_minor,
    }
    found = [
        {"rule": value.cited, "wanted": str(value.value), "said": str(said[value.name]), "unit": value.unit}
        for value in rules.of(f"BRK-QUAL.{grade}")
        if said[value.name] < value.whole
    ]
    if not claims.mainland:
        found.append({"rule": "BRK-QUAL.mainland", "wanted": "yes", "said": "no", "unit": "flag"})
    lacking = [one.value for one in Procedure if one not in claims.procedures]
    if lacking:
        found.append(
            {
                "rule": "BRK-QUAL.procedures",
                "wanted": ", ".join(Procedure),
                "said": f"not {', '.join(lacking)}",
                "unit": "procedures",
            }
        )
    return found


def check_qualified(claims: Claims, *, grade: int, rules: RulesInForce) -> None:
    """Raises NotQualified, naming each condition with its number."""
    found = unmet(claims, grade=grade, rules=rules)
    if found:
        raise NotQualified(f"grade {grade} asks for more: {found[0]['rule']}", grade=grade, unmet=found)


def check_claims(claims: Claims) -> None:
    """Raises Malformed for what cannot be: negative numbers, one practitioner under two names."""
    numbers = (claims.paid_in_capital_minor, claims.guarantee_minor, claims.experience_years)
    if not all(0 <= number <= _MOST for number in (*numbers, claims.clean_years, claims.dcmm, claims.mlps)):
        raise Malformed("a claim is a number from zero on")
    people: dict[str, str] = {}
    if len(claims.practitioners) > MAX_PEOPLE:
        raise Malformed("too many practitioners", limit=MAX_PEOPLE)
    for person in claims.practitioners:
        if not 0 < len(person.name) <= MAX_NAME or not 0 < len(person.number) <= MAX_NAME:
            raise Malformed("a practitioner has a name and a number")
        if people.setdefault(person.number, person.name) != person.name:
            raise Malformed("two practitioners have one number", number=person.number)


def check_evidence(
    evidence: Collection[Evidence],
    *,
    filed_on: date,
    rules: RulesInForce,
    known: Mapping[str, date],
) -> None:
    """Whether these documents can be filed on this day (Shanghai's).

    `known` are the dates under which the same organisation filed documents before, by digest. Raises
    Malformed, EvidencePostdated, EvidenceTooOld, EvidenceRedated.
    """
    if len(evidence) > MAX_EVIDENCE:
        raise Malformed("too many documents", limit=MAX_EVIDENCE)
    dates = dict(known)
    for piece in evidence:
        if not 0 < len(piece.name) <= MAX_NAME or not _DIGEST.fullmatch(piece.sha256):
            raise Malformed("a document has a name and a SHA-256 in hex", name=piece.name[:MAX_NAME])
        facts = {"kind": piece.kind.value, "dated_on": piece.dated_on.isoformat(), "sha256": piece.sha256}
        if piece.dated_on > filed_on:
            raise EvidencePostdated("a document is dated after today", filed_on=filed_on.isoformat(), **facts)
        months = rules.whole("BRK-PROC", "evidence_age")
        if piece.kind in _AGES and piece.dated_on < months_after(filed_on, -months):
            raise EvidenceTooOld(
                "a document is too old to show how things stand",
                filed_on=filed_on.isoformat(),
                limit_months=months,
                **facts,
            )
        if dates.setdefault(piece.sha256, piece.dated_on) != piece.dated_on:
            raise EvidenceRedated(
                "the same document was filed under another date",
                dated_before=dates[piece.sha256].isoformat(),
                **facts,
            )


def looks_back_dated(piece: Evidence, *, asked_on: date | None) -> bool:
    """Filed only when it was asked for, and yet dated before: for the panel to look at. No finding yet."""
    return asked_on is not None and piece.kind in _AGES and piece.dated_on < asked_on


def check_text(text: str) -> str:
    """A text that says something, within bounds. Raises Malformed."""
    if not text.strip() or len(text) > MAX_TEXT:
        raise Malformed("say it in up to four thousand characters", limit=MAX_TEXT)
    return text
