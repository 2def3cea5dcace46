"""Findings for the regulator's pages: a ring among real trades of the market, and one market's figures."""

from base.clock import parse_rfc3339
from supervision.context import Mode
from supervision.finding import (
    Checked,
    Confidence,
    Explanation,
    Finding,
    Market,
    Severity,
    Window,
    Words,
)
from supervision.runner import Supervision
from tests.web.market import Market as Trading

FIGURES = {
    "market": {"category": "energy", "geo": "440000"},
    "hhi": 3814,
    "hhi_exact": "3814",
    "hhi_band": "high",
    "hhi_by_count": 4000,
    "cr4_bp": 10_000,
    "cr4_band": "very_high",
    "total_minor": "204000000",
    "trades": 3,
    "buyers": 1,
    "undertakings": 4,
    "flagged_left_out": 1,
    "confidence": "low",
}


def wash_finding(trading: Trading) -> Finding:
    """A suspected wash trade between provider and buyer, in the settled trade."""
    return Finding(
        rule_id="WT1",
        rule_version="1",
        severity=Severity.HIGH,
        says=Words(zh="买卖双方受同一控制,涉嫌虚假交易", en="seller and buyer under one control: suspected"),
        market=Market("energy", "440000"),
        subjects=(trading.provider.org_id, trading.buyer.org_id),
        objects=(trading.ids["settled"],),
        statistic={"amount_minor": "68000000"},
        threshold={"WT1@1.trades_from": {"value": "1", "unit": "trades", "source_status": "default"}},
        legal_basis="反不正当竞争法（2025）第九条",
        confidence=Confidence.HIGH,
        window=Window(parse_rfc3339("2026-11-16T00:00:00Z"), parse_rfc3339("2026-11-17T00:00:00Z")),
        evidence_seqs=(58, 72, 87, 90),
        innocent_explanations=(
            Explanation(
                "group-purchase", Words(zh="集团采购", en="a purchase within the group"), Checked.OPEN
            ),
        ),
    )


def with_findings(trading: Trading) -> str:
    """Put findings where supervision would have left them; answers the wash finding's id."""
    largest = {
        "controller_id": trading.provider.org_id,
        "org_ids": [trading.provider.org_id],
        "amount_minor": "114240000",
        "share_bp": 5600,
        "trades": 2,
    }
    finding = wash_finding(trading)
    found = Supervision(
        as_of=trading.served.clock.now(),
        mode=Mode.TOP_K,
        tables={},
        ignored_files=(),
        rules_run=({"rule_id": "WT1", "rule_version": "1", "findings": 1, "without": []},),
        rules_off=({"rule_id": "WT2", "missing_table": "lineage", "reason": "the table is not there"},),
        statistics={"markets": [FIGURES | {"largest": [largest]}], "prices": []},
        findings=(finding,),
    )
    path = trading.served.node.settings.data_dir / "supervision" / "findings.json"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(found.encoded())
    return finding.finding_id
