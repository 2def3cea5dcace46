"""The presumption of dominance, AML Art 24: what its three rules share.

The presumption can be rebutted, and a share is one of six factors (Art 23): a finding says *presumed*
(推定). Shares are compared by whole numbers, and reaching the threshold is enough (达到).
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import ibis

from supervision.context import Context, Mode, Row, Rule, Tables
from supervision.finding import (
    Checked,
    Confidence,
    Explanation,
    Finding,
    Severity,
    Window,
    Words,
    named,
    seqs,
)
from supervision.portable import wide
from supervision.shares import MarketShares, by_market, exact, market_shares, whole, with_seqs

DOMINANCE = ("AML24-1", "AML24-2", "AML24-3")
"""The rules of the presumption: the n-th asks n undertakings together."""
DOMINANT = "dominant_undertakings"
"""What `dominant` is kept as, where it is kept (`supervision.kept`): mostly there is nobody."""
NEEDS = {
    "trades": ("trade_id", "seller_id", "buyer_id", "category", "amount_minor", "agreed_at"),
    "orgs": ("org_id", "controller_id"),
}


def rule(rule_id: str, size: int) -> Rule:
    """AML24-1, AML24-2 or AML24-3: do `size` undertakings together reach the share the table names."""

    def expression(tables: Tables, context: Context) -> Any:
        return _markets_reaching(tables, context, rule_id, size)

    def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
        for shares, members in by_market(rows):
            yield _finding(shares, members, context, rule_id, size)

    return Rule(
        rule_id=rule_id,
        needs=NEEDS,
        uses=("flags",),
        expression=expression,
        findings=findings,
        cites=("MARKET", "HHI") if size == 1 else ("AML24-X", "MARKET", "HHI"),
    )


def _markets_reaching(tables: Tables, context: Context, rule_id: str, size: int) -> Any:
    """All undertakings of the markets in which the rule applies; `reaches` marks those in such a set.

    top_k: the `size` largest, and whoever ties with the last of them. any_set: whoever reaches the
    share together with the best partners there are. A market of fewer undertakings has no such set.
    """
    shares = market_shares(tables, context)
    shares = _reaching(shares.filter(shares.undertakings >= size), context, rule_id, size)
    shares = shares.mutate(applies=shares.reaches.max().over(group_by=("category", "geo")))
    return with_seqs(tables, context, shares.filter(shares.applies)).order_by("category", "geo", "nth")


def dominant(tables: Tables, context: Context) -> Any:
    """Whoever is presumed dominant by any of the three rules: `category, geo, group`."""
    if DOMINANT in tables:
        return tables[DOMINANT]
    shares = market_shares(tables, context)
    shares = shares.select("category", "geo", "group", "amount", "nth", "total", "undertakings")
    tenth = context.rules.fraction("AML24-X", "share_below")
    presumed = []
    for size, rule_id in enumerate(DOMINANCE, start=1):
        found = _reaching(shares.filter(shares.undertakings >= size), context, rule_id, size)
        found = found.filter(found.reaches)
        if size > 1:
            found = found.filter(found.amount * tenth.denominator >= found.total * tenth.numerator)
        presumed.append(found.select("category", "geo", "group"))
    return ibis.union(*presumed, distinct=True)


def _reaching(shares: Any, context: Context, rule_id: str, size: int) -> Any:
    """`reaches` for the members of the sets that reach the rule's share, and what the comparison needs."""
    share = context.rules.fraction(rule_id, "share")
    market = ("category", "geo")
    largest = ibis.ifelse(shares.nth < size, shares.amount, 0)
    partners = ibis.ifelse(shares.nth < size - 1, shares.amount, 0)
    shares = shares.mutate(
        top=wide(largest.sum().over(group_by=market)),
        partners=wide(partners.sum().over(group_by=market)),
        last=ibis.ifelse(shares.nth == size - 1, shares.amount, 0).max().over(group_by=market),
    )
    if context.mode is Mode.TOP_K:
        joint = ibis.ifelse(shares.amount >= shares.last, shares.top, 0)
    else:
        joint = ibis.ifelse(shares.nth < size, shares.top, shares.partners + shares.amount)
    return shares.mutate(reaches=joint * share.denominator >= shares.total * share.numerator)


def _finding(shares: MarketShares, members: list[Row], context: Context, rule_id: str, size: int) -> Finding:
    tenth = context.rules.fraction("AML24-X", "share_below")
    total = shares.total_minor
    reaching = [u for u, row in zip(shares.undertakings, members, strict=True) if row["reaches"]]
    small = [u for u in reaching if size > 1 and Fraction(u.amount_minor, total) < tenth]
    presumed = [u for u in reaching if u not in small]
    top = members[0]["top"]
    tie = len(reaching) > size and context.mode is Mode.TOP_K
    cited = sum(len(row["seqs"] or ()) for row in members)
    statistic = {
        "mode": context.mode.value,
        "basis": f"{rule_id}: {exact(Fraction(top, total))} >= {context.rules.fraction(rule_id, 'share')}",
        "joint_minor": str(top),
        "joint_share_bp": whole(Fraction(10_000 * top, total)),
        "total_minor": str(total),
        "presumed": [u.group for u in presumed],
        "excluded_under_tenth": [u.group for u in small],
        "tie_for_last_place": tie,
        "shares": [u.document(total) for u in shares.undertakings],
        "hhi": whole(shares.hhi),
        "hhi_exact": exact(shares.hhi),
        "trades": shares.trades,
        "buyers": shares.buyers,
        "trades_with_seq": members[0]["cited"],
        "seqs_cited": cited,
    }
    cites = ("AML24-X",) if size > 1 else ()
    return Finding(
        rule_id=rule_id,
        rule_version=context.rules.version(rule_id),
        severity=Severity.MEDIUM,
        says=_words(size),
        market=shares.market,
        subjects=named(org for u in presumed for org in u.sellers),
        objects=(),
        statistic=statistic,
        threshold=context.rules.threshold(rule_id, *cites, "MARKET"),
        legal_basis=context.rules.legal_basis(rule_id),
        confidence=context.confidence(trades=shares.trades, buyers=shares.buyers),
        window=Window(context.market_since, context.as_of),
        evidence_seqs=seqs(seq for row in members for seq in row["seqs"] or ()),
        innocent_explanations=_explanations(shares, context),
    )


def excluded_under_tenth(shares: MarketShares, context: Context) -> list[str]:
    """AML24-X: of the two or three that reach the joint share, whoever has less than one tenth."""
    excluded = set()
    for rule_id, size in (("AML24-2", 2), ("AML24-3", 3)):
        if rule_id not in context.rules or "AML24-X" not in context.rules or len(shares.undertakings) < size:
            continue
        last = shares.undertakings[size - 1].amount_minor
        joint = sum(u.amount_minor for u in shares.undertakings[:size])
        if Fraction(joint, shares.total_minor) < context.rules.fraction(rule_id, "share"):
            continue
        tenth = context.rules.fraction("AML24-X", "share_below")
        tied = [u for u in shares.undertakings if u.amount_minor >= last]
        excluded |= {u.group for u in tied if Fraction(u.amount_minor, shares.total_minor) < tenth}
    return sorted(excluded)


def _words(size: int) -> Words:
    if size == 1:
        return Words(
            zh="推定具有市场支配地位（可以反证推翻），涉嫌与否另行判断",
            en="presumed to hold a dominant position; the presumption can be rebutted",
        )
    return Words(
        zh=f"{size}个经营者合计份额达到法定标准，推定具有市场支配地位（可以反证推翻）",
        en=f"{size} undertakings jointly presumed dominant; the presumption can be rebutted",
    )


def _explanations(shares: MarketShares, context: Context) -> tuple[Explanation, ...]:
    confidence = context.confidence(trades=shares.trades, buyers=shares.buyers)
    sellers = sum(len(u.sellers) for u in shares.undertakings)
    return (
        Explanation(
            "thin-market",
            Words(zh="样本小，份额偶然", en="a thin market: the shares are chance"),
            Checked.APPLIES if confidence is Confidence.LOW else Checked.RULED_OUT,
            {"trades": shares.trades, "buyers": shares.buyers},
        ),
        Explanation(
            "affiliates-apart",
            Words(zh="关联企业被分开计算", en="affiliates counted apart"),
            Checked.RULED_OUT,
            {"sellers": sellers, "undertakings": len(shares.undertakings)},
        ),
        Explanation(
            "wash-volume",
            Words(zh="份额被虚假交易抬高或压低", en="shares moved by wash volume that is not flagged yet"),
            Checked.OPEN if shares.own_trades else Checked.RULED_OUT,
            {"trades_within_one_group": shares.own_trades},
        ),
        Explanation(
            "market-definition",
            Words(zh="相关市场应另行界定", en="the relevant market should be drawn otherwise"),
            Checked.OPEN,
        ),
        Explanation(
            "other-factors",
            Words(
                zh="第二十三条其他因素（竞争状况、控制力、资金技术、依赖程度、进入难度）",
                en="the other factors of Art 23: competition, control, means, dependence, entry",
            ),
            Checked.OPEN,
        ),
    )
