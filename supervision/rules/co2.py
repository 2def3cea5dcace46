"""CO2: again and again the winner stands apart and the losers close together, as cover bids do.

Relative distance: what lies between the first and second bid, over the losing bids' standard deviation,
which is never taken below a fen. Counted for the same bidders in one market.
"""

from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from typing import Final

from supervision.bid_measures import SHOWN, measures_of
from supervision.context import Context, Row, Rule
from supervision.finding import Checked, Finding
from supervision.saying import because, tell
from supervision.tenders import NEEDS, USES, Tender, expression, sqrt_bp, tenders, variance

_MOST: Final = 10**6


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding for each market and set of bidders with enough such tenders."""
    whole = context.rules.whole
    marked: defaultdict[tuple[str, str, frozenset[str]], list[Tender]] = defaultdict(list)
    met: defaultdict[tuple[str, str, frozenset[str]], int] = defaultdict(int)
    for tender in tenders(rows):
        if len(tender.bids) < whole("CO2", "bids_from"):
            continue
        key = (tender.market.category, tender.market.geo, tender.bidders)
        met[key] += 1
        if distance_squared(tender) > context.rules.fraction("CO2", "distance_above") ** 2 and skewed(tender):
            marked[key].append(tender)
    for key in sorted(marked, key=lambda key: (*key[:2], sorted(key[2]))):
        if len(marked[key]) >= whole("CO2", "tenders_from"):
            yield _finding(marked[key], met[key], context)


def distance_squared(tender: Tender) -> Fraction:
    """The square of the relative distance; the tick of a fen floors what it is divided by."""
    first, second, *_ = prices = [bid.price for bid in tender.bids]
    return (second - first) ** 2 / max(variance(prices[1:]), Fraction(1))


def skewed(tender: Tender) -> bool:
    """Whether the bids' third central moment is negative: one low bid, the rest together.

    In an auction it is the other way about: one high bid.
    """
    prices = [-bid.price if tender.sale else bid.price for bid in tender.bids]
    mean = sum(prices, Fraction(0)) / len(prices)
    return sum(((price - mean) ** 3 for price in prices), Fraction(0)) < 0


def _finding(marked: list[Tender], met: int, context: Context) -> Finding:
    bids = [bid for tender in marked for bid in tender.bids]
    return tell(
        "CO2",
        context,
        zh="涉嫌陪标（报价相对距离异常，线索）",
        en="suspected cover bids: the losers stand together; a clue only",
        screen=True,
        market=marked[0].market,
        window=(min(bid.row["quoted_at"] for bid in bids), marked[-1].at),
        subjects=(bid.row["seller_id"] for bid in bids),
        objects=(tender.tender_id for tender in marked),
        statistic={
            "tenders": len(marked),
            "tenders_of_these_bidders": met,
            "measures": [measures_of(tender) for tender in marked[:SHOWN]],
            "distances_bp": [min(sqrt_bp(distance_squared(tender)), _MOST) for tender in marked],
        },
        evidence=(bid.row["seq"] for bid in bids),
        innocent=(
            because("cheap-winner", "中标方成本低", "one seller is simply cheaper"),
            because("tie", "落选报价相同", "losing bids tie by chance", Checked.OPEN),
            because(
                "one-undertaking", "报价方受同一控制", "the sellers are one undertaking", Checked.RULED_OUT
            ),
        ),
    )


RULE = Rule(rule_id="CO2", needs=NEEDS, uses=USES, expression=expression, findings=findings)
