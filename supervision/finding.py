"""A finding: what a rule noticed, with everything needed to check it again. A clue, never a verdict."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from base.canonical import canonical, sha256_hex
from base.clock import rfc3339

_DOMAIN: Final = "urn:databourse:finding:v1"


class RuleClass(StrEnum):
    """Hard: set logic over the ledger, meant to be right every time. Screen: a ranked hint."""

    HARD = "hard"
    SCREEN = "screen"


class Severity(StrEnum):
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Confidence(StrEnum):
    """Low: a small sample, a clue only."""

    HIGH = "high"
    LOW = "low"


class Checked(StrEnum):
    """What became of an innocent explanation."""

    RULED_OUT = "ruled_out"
    APPLIES = "applies"
    OPEN = "open"  # the tables cannot tell; a person must ask


@dataclass(frozen=True, slots=True, order=True)
class Market:
    """A relevant market: category × geography."""

    category: str
    geo: str

    def document(self) -> dict[str, str]:
        return {"category": self.category, "geo": self.geo}


@dataclass(frozen=True, slots=True)
class Window:
    """The time a finding is about. Both ends belong to it."""

    since: datetime
    until: datetime

    def document(self) -> dict[str, str]:
        return {"from": rfc3339(self.since), "to": rfc3339(self.until)}


@dataclass(frozen=True, slots=True)
class Words:
    """A sentence for people, in both languages of the pages: suspected (涉嫌) or presumed (推定), no more."""

    zh: str
    en: str

    def document(self) -> dict[str, str]:
        return {"zh": self.zh, "en": self.en}


@dataclass(frozen=True, slots=True)
class Explanation:
    """An innocent explanation, whether it was checked, and what came of it."""

    code: str
    words: Words
    result: Checked
    facts: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "words": self.words.document(),
            "result": self.result.value,
            "facts": dict(self.facts),
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """The form of `docs/supervision.md`. `subjects` are organisations, `objects` trades, quotes and so on."""

    rule_id: str
    rule_version: str
    severity: Severity
    says: Words
    market: Market | None
    subjects: tuple[str, ...]
    objects: tuple[str, ...]
    statistic: Mapping[str, Any]
    threshold: Mapping[str, Any]
    legal_basis: str
    confidence: Confidence
    window: Window
    evidence_seqs: tuple[int, ...]
    innocent_explanations: tuple[Explanation, ...]
    rule_class: RuleClass = RuleClass.HARD

    @property
    def finding_id(self) -> str:
        """A hash of rule, version, market, window, subjects and objects: the same facts, the same id."""
        named = {
            "domain": _DOMAIN,
            "rule_id": self.rule_id,
            "rule_version": self.rule_version,
            "market": self.market.document() if self.market else None,
            "window": self.window.document(),
            "subjects": list(self.subjects),
            "objects": list(self.objects),
        }
        return f"fnd_{sha256_hex(canonical(named))}"

    def document(self) -> dict[str, Any]:
        """The JSON form, canonical when encoded by `base.canonical`."""
        return {
            "finding_id": self.finding_id,
            "rule_id": self.rule_id,
            "rule_version": self.rule_version,
            "cites": f"{self.rule_id}@{self.rule_version}",
            "class": self.rule_class.value,
            "severity": self.severity.value,
            "says": self.says.document(),
            "market": self.market.document() if self.market else None,
            "subjects": list(self.subjects),
            "objects": list(self.objects),
            "statistic": dict(self.statistic),
            "threshold": dict(self.threshold),
            "legal_basis": self.legal_basis,
            "confidence": self.confidence.value,
            "window": self.window.document(),
            "evidence_seqs": list(self.evidence_seqs),
            "innocent_explanations": [item.document() for item in self.innocent_explanations],
        }


def named(ids: Iterable[str | None]) -> tuple[str, ...]:
    """Ids in order, each once, without the missing ones."""
    return tuple(sorted({item for item in ids if item is not None}))


def seqs(numbers: Iterable[int | None]) -> tuple[int, ...]:
    """Ledger seqs in order, each once; a report from elsewhere has none."""
    return tuple(sorted({number for number in numbers if number is not None}))


def minor(amount: int | None) -> str | None:
    """An amount in fen as findings have it; None where it is not known."""
    return None if amount is None else str(amount)
