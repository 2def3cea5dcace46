"""Reading `findings.json` back, typed, and what a dashboard says about it. Loads no engine."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson

from base.clock import parse_rfc3339
from supervision.errors import UnusableFindings
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
)

MAX_BYTES: Final = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class RuleRun:
    """A rule that ran, how many findings it gave, and the optional tables it did without."""

    rule_id: str
    rule_version: str
    findings: int
    without: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RuleOff:
    """A rule that could not run, and why."""

    rule_id: str
    missing_table: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """The content of a findings file. `statistics` are JSON as `docs/supervision.md` describes them."""

    as_of: datetime
    mode: str
    rules_run: tuple[RuleRun, ...]
    rules_off: tuple[RuleOff, ...]
    statistics: Mapping[str, Any]
    findings: tuple[Finding, ...]

    def touching(self, *, org_id: str | None = None, object_id: str | None = None) -> tuple[Finding, ...]:
        """The findings that name this organisation as a subject or this trade, quote … as an object."""
        return tuple(f for f in self.findings if org_id in f.subjects or object_id in f.objects)

    def finding(self, finding_id: str) -> Finding | None:
        return next((f for f in self.findings if f.finding_id == finding_id), None)


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts for a first look. `markets` are those of the statistics, the most concentrated first."""

    findings: int
    by_rule: Mapping[str, int]
    by_severity: Mapping[Severity, int]
    low_confidence: int
    subjects: tuple[tuple[str, int], ...]
    markets: tuple[Mapping[str, Any], ...]


def load_report(path: Path) -> Report:
    """Read a findings file. Raises UnusableFindings where it is none; OSError where it cannot be read."""
    if path.stat().st_size > MAX_BYTES:
        raise UnusableFindings("the file is too large to be findings", limit=MAX_BYTES)
    return parse_report(path.read_bytes())


def parse_report(data: bytes) -> Report:
    """A findings file's bytes as a report. A finding's id is computed again and has to be its own."""
    try:
        document = orjson.loads(data)
        return Report(
            as_of=parse_rfc3339(document["as_of"]),
            mode=document["mode"],
            rules_run=tuple(
                RuleRun(run["rule_id"], run["rule_version"], run["findings"], tuple(run["without"]))
                for run in document["rules_run"]
            ),
            rules_off=tuple(
                RuleOff(off["rule_id"], off["missing_table"], off["reason"]) for off in document["rules_off"]
            ),
            statistics=document["statistics"],
            findings=tuple(one_finding(item) for item in document["findings"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnusableFindings(f"not a findings file: {error!r}") from None


def summarise(report: Report) -> Summary:
    """What stands in the report, in a few numbers."""
    subjects = Counter(subject for finding in report.findings for subject in finding.subjects)
    markets = sorted(
        report.statistics.get("markets") or (),
        key=lambda market: (-market["hhi"], market["market"]["category"], market["market"]["geo"]),
    )
    return Summary(
        findings=len(report.findings),
        by_rule={run.rule_id: run.findings for run in report.rules_run},
        by_severity={severity: sum(f.severity is severity for f in report.findings) for severity in Severity},
        low_confidence=sum(f.confidence is Confidence.LOW for f in report.findings),
        subjects=tuple(sorted(subjects.items(), key=lambda item: (-item[1], item[0]))),
        markets=tuple(markets),
    )


def one_finding(item: Mapping[str, Any]) -> Finding:
    """A finding of its JSON form. Raises ValueError where its id is not its own, KeyError, TypeError."""
    finding = Finding(
        rule_id=item["rule_id"],
        rule_version=item["rule_version"],
        rule_class=RuleClass(item["class"]),
        severity=Severity(item["severity"]),
        says=_words(item["says"]),
        market=Market(**item["market"]) if item["market"] else None,
        subjects=tuple(item["subjects"]),
        objects=tuple(item["objects"]),
        statistic=item["statistic"],
        threshold=item["threshold"],
        legal_basis=item["legal_basis"],
        confidence=Confidence(item["confidence"]),
        window=Window(parse_rfc3339(item["window"]["from"]), parse_rfc3339(item["window"]["to"])),
        evidence_seqs=tuple(item["evidence_seqs"]),
        innocent_explanations=tuple(
            Explanation(each["code"], _words(each["words"]), Checked(each["result"]), each["facts"])
            for each in item["innocent_explanations"]
        ),
    )
    if finding.finding_id != item["finding_id"]:
        raise ValueError(f"{item['finding_id']} is not the id of that finding")
    return finding


def _words(item: Mapping[str, str]) -> Words:
    return Words(zh=item["zh"], en=item["en"])
