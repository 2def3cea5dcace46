"""What if two undertakings were one: the change of HHI a concentration would bring, market by market.

The merged undertaking is the acquirer's and the target's groups as they are now; delta is 2·s₁·s₂ with
shares in percent, exact. Both must sell in the market. Whoever is under one control already is one
undertaking, and nothing changes.
"""

from collections.abc import Iterator
from fractions import Fraction
from itertools import groupby
from typing import Any

from supervision.brokerage import groups
from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Checked, Confidence, Finding, Severity, minor
from supervision.saying import because, tell
from supervision.shares import MarketShares, by_market, exact, market_shares, whole, with_seqs
from supervision.trades import moment

_ORDER = ("acquirer_id", "target_id", "announced_at", "category", "geo", "nth")


def rule(rule_id: str, cites: tuple[str, ...]) -> Rule:
    """US23-1 (`hhi_above`) or US23-2 (`share_above`), each with `delta_above`."""

    def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
        for concentration, members in groupby(rows, key=lambda row: [row[name] for name in _ORDER[:3]]):
            for shares, of_market in by_market(members):
                found = _judge(rule_id, concentration, shares, of_market[0], context)
                if found is not None:
                    yield found

    return Rule(
        rule_id=rule_id,
        needs={
            "trades": ("trade_id", "seller_id", "buyer_id", "category", "amount_minor", "agreed_at"),
            "orgs": ("org_id", "controller_id"),
            "concentrations": ("acquirer_id", "target_id"),
        },
        uses=("flags",),
        expression=expression,
        findings=findings,
        cites=cites,
    )


def expression(tables: Tables, context: Context) -> Any:
    """The shares of every market in which both parties of an announced concentration sell."""
    told = tables["concentrations"]
    told = told.filter(told.announced_at.isnull() | (told.announced_at <= moment(context)))
    told = told.select("acquirer_id", "target_id", "announced_at").distinct()
    orgs = groups(tables)
    told = told.left_join(orgs.rename(a_org="org", a_group="group"), [("acquirer_id", "a_org")]).drop("a_org")
    told = told.left_join(orgs.rename(t_org="org", t_group="group"), [("target_id", "t_org")]).drop("t_org")
    told = told.mutate(
        acquirer_group=told.a_group.fill_null(told.acquirer_id),
        target_group=told.t_group.fill_null(told.target_id),
    ).drop("a_group", "t_group")
    told = told.filter(told.acquirer_group != told.target_group)
    shares = market_shares(tables, context)
    own = shares.select("category", "geo", "group", "amount")
    sells = told.inner_join(
        own.rename(acquirer_group="group", acquirer_minor="amount"), "acquirer_group"
    ).inner_join(own.rename(target_group="group", target_minor="amount"), ["target_group", "category", "geo"])
    of_markets = with_seqs(tables, context, shares.semi_join(sells, ["category", "geo"]))
    return sells.inner_join(of_markets, ["category", "geo"]).order_by(*_ORDER)


def _judge(
    rule_id: str, concentration: list[Any], shares: MarketShares, row: Row, context: Context
) -> Finding | None:
    rules, total = context.rules, shares.total_minor
    acquirer, target, announced_at = concentration
    delta = Fraction(2 * 10_000 * row["acquirer_minor"] * row["target_minor"], total * total)
    after = shares.hhi + delta
    merged = Fraction(row["acquirer_minor"] + row["target_minor"], total)
    if delta <= rules.whole(rule_id, "delta_above"):
        return None
    if rule_id == "US23-1" and after <= rules.whole(rule_id, "hhi_above"):
        return None
    if rule_id == "US23-2" and merged <= rules.fraction(rule_id, "share_above"):
        return None
    confidence = context.confidence(trades=shares.trades, buyers=shares.buyers)
    return tell(
        rule_id,
        context,
        zh="推定该集中可能显著提高集中度（可以反证推翻）",
        en="presumed to raise concentration noticeably; the presumption can be rebutted",
        market=shares.market,
        severity=Severity.MEDIUM,
        confidence=confidence,
        window=(context.market_since, context.as_of),
        subjects=(acquirer, target),
        objects=(),
        statistic={
            "announced_at": None if announced_at is None else announced_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "acquirer_minor": minor(row["acquirer_minor"]),
            "target_minor": minor(row["target_minor"]),
            "total_minor": str(total),
            "merged_share_bp": whole(10_000 * merged),
            "hhi_before": exact(shares.hhi),
            "hhi_after": exact(after),
            "delta": exact(delta),
            "delta_by_count": exact(_by_count(shares, row)),
            "trades": shares.trades,
        },
        cites=("MARKET",),
        evidence=row["seqs"] or (),
        innocent=(
            because(
                "thin-market",
                "样本小，份额偶然",
                "a thin market: the shares are chance",
                Checked.APPLIES if confidence is Confidence.LOW else Checked.RULED_OUT,
                trades=shares.trades,
                buyers=shares.buyers,
            ),
            because(
                "one-control-already", "双方已受同一控制", "both are under one control", Checked.RULED_OUT
            ),
            because("failing-firm", "目标企业濒临退出", "the target would leave the market anyway"),
            because("market-definition", "相关市场应另行界定", "the market should be drawn otherwise"),
        ),
    )


def _by_count(shares: MarketShares, row: Row) -> Fraction:
    trades = {undertaking.group: undertaking.trades for undertaking in shares.undertakings}
    both = trades[row["acquirer_group"]] * trades[row["target_group"]]
    return Fraction(2 * 10_000 * both, shares.trades * shares.trades)
