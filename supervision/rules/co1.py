"""CO1: competing bids that hardly differ, far less than they used to in that market.

One such tender in a hundred is chance. So the tenders of a market are told together, and only where the
false discovery rate over all markets (Benjamini and Hochberg) is kept: the less likely of how many there are,
and of how close the closest is, had the bids been normal with the spread of the market's own past.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from supervision.bid_measures import SHOWN, measures_of
from supervision.chance import adjusted, at_least, spread_below
from supervision.context import Context, Row, Rule
from supervision.finding import Checked, Confidence, Finding
from supervision.saying import because, tell
from supervision.shares import whole
from supervision.tenders import NEEDS, USES, Tender, expression, sqrt_bp, tenders


@dataclass(frozen=True, slots=True)
class _Seen:
    """A tender beside the mean of those before it: how likely its spread is, and one at the limit."""

    tender: Tender
    cv: int
    mean: Fraction
    low: bool
    chance: float
    at_limit: float


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a market."""
    least = context.rules.whole("CO1", "sellers_from")
    history: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    seen: defaultdict[tuple[str, str], list[_Seen]] = defaultdict(list)
    for tender in tenders(rows):
        if len(tender.bids) < least:
            continue
        key = (tender.market.category, tender.market.geo)
        cv = sqrt_bp(tender.cv_squared)
        if any(history[key]):
            seen[key].append(_see(tender, cv, Fraction(sum(history[key]), len(history[key])), context))
        history[key].append(cv)
    markets = sorted(key for key, of_market in seen.items() if any(one.low for one in of_market))
    chances = [_chance(seen[key]) for key in markets]
    # markets without any such tender were looked at too: nothing in them is unlikely
    rates = adjusted([*chances, *[Fraction(1)] * (len(seen) - len(markets))])
    limit = context.rules.fraction("CO1", "false_discoveries_below")
    for key, chance, rate in zip(markets, chances, rates, strict=False):
        if rate < limit:
            yield _finding(seen[key], chance, rate, context)


def _see(tender: Tender, cv: int, mean: Fraction, context: Context) -> _Seen:
    below, part = context.rules.fraction("CO1", "cv_below"), context.rules.fraction("CO1", "of_mean")
    freedom = len(tender.bids) - 1
    limit = min(10_000 * below, mean * part)
    return _Seen(
        tender=tender,
        cv=cv,
        mean=mean,
        low=tender.cv_squared < below**2 and cv <= mean * part,
        chance=spread_below(freedom * float(cv / mean) ** 2, freedom),
        at_limit=spread_below(freedom * float(limit / mean) ** 2, freedom),
    )


def _chance(of_market: list[_Seen]) -> Fraction:
    closest = min(one.chance for one in of_market)
    many = at_least(sum(one.low for one in of_market), len(of_market), max(one.at_limit for one in of_market))
    return Fraction(min(many, at_least(1, len(of_market), closest)))


def _finding(of_market: list[_Seen], chance: Fraction, rate: Fraction, context: Context) -> Finding:
    few = len(of_market) < context.rules.whole("CO1", "history_thin_below")
    low = [one for one in of_market if one.low]
    bids = [bid for one in low for bid in one.tender.bids]
    return tell(
        "CO1",
        context,
        zh="涉嫌串通报价（报价离散度异常低，线索）",
        en="suspected collusive bids: they hardly differ; a clue only",
        screen=True,
        market=low[0].tender.market,
        confidence=Confidence.LOW if few else Confidence.HIGH,
        window=(min(bid.row["quoted_at"] for bid in bids), low[-1].tender.at),
        subjects=(bid.row["seller_id"] for bid in bids),
        objects=(one.tender.tender_id for one in low),
        statistic={
            "cv_bp": [one.cv for one in low],
            "mean_cv_before_bp": [whole(one.mean) for one in low],
            "tenders_looked_at": len(of_market),
            "measures": [measures_of(one.tender) for one in low[:SHOWN]],
            "by_chance_bp": whole(10_000 * chance),
            "false_discovery_rate_bp": whole(10_000 * rate),
        },
        evidence=(bid.row["seq"] for bid in bids),
        innocent=(
            because("price-list", "公开价目或限价", "a public price list or cap"),
            because("cost", "成本相同", "the sellers have the same costs"),
            because(
                "one-undertaking", "报价方受同一控制", "the sellers are one undertaking", Checked.RULED_OUT
            ),
        ),
    )


RULE = Rule(rule_id="CO1", needs=NEEDS, uses=USES, expression=expression, findings=findings)
