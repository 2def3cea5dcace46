"""How the newer rules put a finding into words: the same members every time, each rule its own facts."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from supervision.context import Context
from supervision.finding import (
    Checked,
    Confidence,
    Explanation,
    Finding,
    Market,
    RuleClass,
    Severity,
    Window,
    Words,
    named,
    seqs,
)


def because(code: str, zh: str, en: str, result: Checked = Checked.OPEN, **facts: Any) -> Explanation:
    """An innocent explanation and what came of it; by default nobody but a person can tell."""
    return Explanation(code, Words(zh=zh, en=en), result, facts)


def tell(
    rule_id: str,
    context: Context,
    *,
    zh: str,
    en: str,
    window: tuple[datetime, datetime],
    subjects: Iterable[str | None],
    objects: Iterable[str | None] = (),
    statistic: Mapping[str, Any],
    evidence: Iterable[int | None] = (),
    innocent: tuple[Explanation, ...],
    market: Market | None = None,
    severity: Severity = Severity.MEDIUM,
    confidence: Confidence = Confidence.HIGH,
    cites: tuple[str, ...] = (),
    screen: bool = False,
) -> Finding:
    """A finding; `screen` marks a ranked hint, `cites` other entries of the rule table it used."""
    return Finding(
        rule_id=rule_id,
        rule_version=context.rules.version(rule_id),
        severity=severity,
        says=Words(zh=zh, en=en),
        market=market,
        subjects=named(subjects),
        objects=named(objects),
        statistic=statistic,
        threshold=context.rules.threshold(rule_id, *cites),
        legal_basis=context.rules.legal_basis(rule_id),
        confidence=confidence,
        window=Window(*window),
        evidence_seqs=seqs(evidence),
        innocent_explanations=innocent,
        rule_class=RuleClass.SCREEN if screen else RuleClass.HARD,
    )
