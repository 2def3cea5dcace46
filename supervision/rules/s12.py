"""S12: bids that move together (Bajari and Ye 2003): rivals' bids, given their costs, should not.

The logarithm of each unit bid is freed of its tender's mean (what all know of the job), of its bidder's, and,
where `costs` has them, of its bidder's cost with the slope common to all. What is left of two rivals that
compete is uncorrelated but for the −1/(m−1) which taking away the mean of m bids leaves; found are pairs with
twenty common tenders and more whose correlation is above that (Fisher's z). Exchangeability is told beside
it: the slope of the pair on costs against that of the others. Pairs are told where the false discovery rate
over all of them is kept (Benjamini and Hochberg).
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import atanh, fsum, log, sqrt
from typing import Any, Final

import ibis

from supervision import tenders as bidding
from supervision.chance import beyond, unlikely
from supervision.context import Context, Row, Rule, Tables
from supervision.costs import monthly_costs
from supervision.finding import Checked, Finding, Market
from supervision.saying import because, tell
from supervision.shares import whole
from supervision.tenders import Tender

_MOST: Final = 0.999999
_NOTHING: Final = 1e-18
_TWO: Final = 2


def expression(tables: Tables, context: Context) -> Any:
    """The bids of the window, each with its listing's variable cost of that month, where it is known."""
    quotes = bidding.expression(tables, context)
    quotes = quotes.mutate(period=(quotes.quoted_at + ibis.interval(hours=8)).strftime("%Y-%m"))
    costs = monthly_costs(tables).select("listing_id", "period", cost="most")
    quotes = quotes.left_join(costs, ["listing_id", "period"]).drop("listing_id_right", "period_right")
    return quotes.order_by("tender_id", "quoted_at", "quote_id")


@dataclass(frozen=True, slots=True)
class _Freed:
    """One bid without what its tender and its bidder explain."""

    tender: Tender
    group: str
    bid: float
    cost: float | None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two rivals of a market: their common tenders and how what is left of their bids goes together."""

    market: Market
    rivals: tuple[str, str]
    tenders: Sequence[Tender]
    correlation: float
    expected: float
    deviations: float
    slopes: tuple[float, float] | None


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a pair and market."""
    least = context.rules.whole("S12", "tenders_from")
    of_market: defaultdict[Market, list[Tender]] = defaultdict(list)
    for tender in bidding.tenders(rows):
        if (
            len(tender.bids) > _TWO and not tender.sale
        ):  # with two, one's rest is the other's with its sign changed
            of_market[tender.market].append(tender)
    pairs = [pair for market in sorted(of_market) for pair in pairs_of(market, of_market[market], least)]
    looked_at: list[tuple[Pair | None, float]] = [(pair, beyond(pair.deviations)) for pair in pairs]
    for pair, _, rate in unlikely(looked_at, context.rules.fraction("S12", "false_discoveries_below")):
        yield _finding(pair, whole(10_000 * rate), len(pairs), context)


def pairs_of(market: Market, held: Sequence[Tender], least: int) -> Iterator[Pair]:
    """The pairs of a market with so many common tenders."""
    freed = _freed(held)
    by_group: defaultdict[str, dict[str, _Freed]] = defaultdict(dict)
    for one in freed:
        by_group[one.group][one.tender.tender_id] = one
    often = sorted(group for group, bids in by_group.items() if len(bids) >= least)
    for first, second in combinations(often, 2):
        common = sorted(by_group[first].keys() & by_group[second].keys())
        if len(common) < least:
            continue
        both = [(by_group[first][name], by_group[second][name]) for name in common]
        seen = _correlation([a.bid for a, _ in both], [b.bid for _, b in both])
        if seen is None:
            continue
        expected = -fsum(1 / (len(a.tender.bids) - 1) for a, _ in both) / len(both)
        deviations = (atanh(seen) - atanh(max(expected, -_MOST))) * sqrt(len(both) - 3)
        yield Pair(
            market, (first, second), [a.tender for a, _ in both], seen, expected, deviations,
            _slopes(freed, {first, second}),
        )  # fmt: skip


def _freed(held: Sequence[Tender]) -> list[_Freed]:
    of_tender = [
        _Freed(tender, bid.group, log(bid.price), log(cost) if (cost := bid.row["cost"] or 0) > 0 else None)
        for tender in held
        for bid in tender.bids
    ]
    bids = _without(_without([one.bid for one in of_tender], of_tender, by="tender"), of_tender, by="group")
    known = [one for one in of_tender if one.cost is not None]
    rest = _without(_without([one.cost or 0.0 for one in known], known, by="tender"), known, by="group")
    costs = dict(zip(map(id, known), rest, strict=True))
    both = [(costs[id(one)], bid) for one, bid in zip(of_tender, bids, strict=True) if id(one) in costs]
    slope = _slope(both)
    return [
        _Freed(one.tender, one.group, bid - slope * costs.get(id(one), 0.0), costs.get(id(one)))
        for one, bid in zip(of_tender, bids, strict=True)
    ]


def _without(values: Sequence[float], of: Sequence[_Freed], *, by: str) -> list[float]:
    """The values less the mean of their tender, or of their bidder."""
    names = [one.tender.tender_id if by == "tender" else one.group for one in of]
    parts: defaultdict[str, list[float]] = defaultdict(list)
    for name, value in zip(names, values, strict=True):
        parts[name].append(value)
    means = {name: fsum(part) / len(part) for name, part in parts.items()}
    return [value - means[name] for name, value in zip(names, values, strict=True)]


def _slope(points: Sequence[tuple[float, float]]) -> float:
    squares = fsum(x * x for x, _ in points)
    return fsum(x * y for x, y in points) / squares if squares > 0 else 0.0


def _slopes(freed: Sequence[_Freed], pair: set[str]) -> tuple[float, float] | None:
    """By how much more than the common slope the pair's bids follow costs, and the others'."""
    known = [(one.group in pair, one.cost, one.bid) for one in freed if one.cost is not None]
    if not known:
        return None
    inside, outside = ([(x, y) for its, x, y in known if its is which] for which in (True, False))
    return _slope(inside), _slope(outside)


def _correlation(first: Sequence[float], second: Sequence[float]) -> float | None:
    a, b = (fsum(values) / len(values) for values in (first, second))
    across = fsum((x - a) * (y - b) for x, y in zip(first, second, strict=True))
    squares = fsum((x - a) ** 2 for x in first) * fsum((y - b) ** 2 for y in second)
    return max(min(across / sqrt(squares), _MOST), -_MOST) if squares > _NOTHING else None


def _finding(pair: Pair, rate: int, looked_at: int, context: Context) -> Finding:
    bids = [bid for tender in pair.tenders for bid in tender.bids if bid.group in pair.rivals]
    slopes = {} if pair.slopes is None else {
        "slope_on_cost_bp": round(10_000 * pair.slopes[0]),
        "slope_of_others_bp": round(10_000 * pair.slopes[1]),
    }  # fmt: skip
    return tell(
        "S12",
        context,
        zh="涉嫌串通投标（报价残差相关，线索）",
        en="suspected collusive bids: what costs do not explain moves together; a clue only",
        screen=True,
        market=pair.market,
        window=(min(bid.row["quoted_at"] for bid in bids), pair.tenders[-1].at),
        subjects=(bid.row["seller_id"] for bid in bids),
        objects=(tender.tender_id for tender in pair.tenders),
        statistic={
            "undertakings": list(pair.rivals),
            "common_tenders": len(pair.tenders),
            "correlation_bp": round(10_000 * pair.correlation),
            "expected_bp": round(10_000 * pair.expected),
            "fisher_z_bp": round(10_000 * pair.deviations),
            "false_discovery_rate_bp": rate,
            "pairs_looked_at": looked_at,
            **slopes,
        },
        evidence=(bid.row["seq"] for bid in bids),
        innocent=(
            because("common-cost", "共同且未知的成本", "a cost that both share and no table has"),
            because("job", "标的差异", "the job's own size moves all bids", Checked.RULED_OUT),
            because("one-undertaking", "受同一控制", "the bidders are one undertaking", Checked.RULED_OUT),
        ),
    )


RULE = Rule(
    rule_id="S12",
    needs=bidding.NEEDS,
    uses=(*bidding.USES, "costs"),
    expression=expression,
    findings=findings,
)
