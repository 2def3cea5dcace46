"""Findings for the regulator's pages: a ring among real trades of the market, and one market's figures."""

import dataclasses
from typing import Any

import orjson

from base.clock import parse_rfc3339, rfc3339
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
from web.supervising import ANALYSIS

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


def analysis(trading: Trading) -> dict[str, Any]:
    """What `supervision.analysis` would tell of two months, some groups of sales, flows and exports."""
    provider, buyer = trading.provider.org_id, trading.buyer.org_id
    largest = [
        {
            "controller_id": provider,
            "org_ids": [provider],
            "amount_minor": "114240000",
            "share_bp": 5600,
            "trades": 2,
        },
        {
            "controller_id": buyer,
            "org_ids": [buyer],
            "amount_minor": "89760000",
            "share_bp": 4400,
            "trades": 1,
        },
    ]
    market = FIGURES | {"hhi_by_count_exact": "4000", "cr4_by_count_bp": 10_000, "largest": largest}
    other = {
        "market": {"category": "health", "geo": "CN"},
        "hhi": 900,
        "hhi_band": "low",
        "confidence": "high",
    }
    sale = {"value_minor": "68000000", "trades": 1}
    group = {"category": "energy", "product_type": "DATASET", "level": "general-1", "unit": "条", "sales": 12}
    return {
        "as_of": rfc3339(trading.served.clock.now()),
        "window": {"from": "2025-11-21T00:00:00.000Z", "to": "2026-11-21T00:00:00.000Z"},
        "bands": {
            "HHI": {"moderate_from": 1000, "high_above": 1800},
            "CR4": {"oligopolistic_from": 4000, "very_high_from": 7500},
        },
        "limits": {"ratio_from": "2", "share": "1/2"},
        "concentration": [
            {"month": "2026-10", "as_of": "2026-10-31T15:59:59.999Z", "markets": [market | {"hhi": 5000}]},
            {"month": "2026-11", "as_of": "2026-11-21T00:00:00.000Z", "markets": [market, market | other]},
        ],
        "prices": [
            group
            | {"size_digits": None, "median_minor": "17750001/2"}
            | {
                "low_minor": "5000000",
                "lower_minor": "8000000",
                "upper_minor": "9000000",
                "high_minor": "12000000",
            }
        ],
        "flows": {
            "regions": [{"seller_region": "440100", "buyer_region": "440300", **sale}],
            "zones": [{"seller_zone": "gba", "buyer_zone": "hk-macao", **sale}],
            "sectors": [{"category": "energy", "buyer_region": "440300", **sale}],
            "pairs": [{"seller_group": provider, "buyer_group": buyer, **sale}],
        },
        "exports": [
            {"country": "SG", "in_gba": False, "route": "EXEMPT_SMALL", "status": "CLEARED"}
            | {"declarations": 2, "sensitive": 1, "important": 0, "transfers": 1}
            | {"persons_declared": 15, "persons_sent": 4}
        ],
    }


def far_finding(trading: Trading) -> Finding:
    """A price far from the group of `analysis`."""
    return dataclasses.replace(
        wash_finding(trading),
        rule_id="FAIR_PRICE",
        rule_version="2",
        severity=Severity.MEDIUM,
        says=Words(
            zh="涉嫌价格明显偏离可比成交（偏高）", en="suspected unfair price: far above comparable sales"
        ),
        statistic={
            "price_minor": "53250003",
            "median_minor": "17750001/2",
            "ratio": "6.0000",
            "comparables": 11,
            "product_type": "DATASET",
            "level": "general-1",
            "unit": "条",
            "size_digits": None,
        },
    )


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
        findings=(finding, far_finding(trading)),
    )
    path = trading.served.node.settings.data_dir / "supervision" / "findings.json"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(found.encoded())
    (path.parent / ANALYSIS).write_bytes(orjson.dumps(analysis(trading)))
    return finding.finding_id
