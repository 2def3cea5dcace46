"""CO2: again and again the winner stands apart and the losers close together, as cover bids do.

Relative distance: what lies between the first and second bid, over the losing bids' standard deviation,
which is never taken below a fen. Counted for the same bidders in one market. Of honest bids too two in five
of four bidders look so: told is only what is unlikely of normal bids, by how often or by how far, where the
false discovery rate over all sets of bidders that met so often is kept (Benjamini and Hochberg).
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import log
from typing import Final

from supervision.bid_measures import SHOWN, measures_of
from supervision.chance import at_least, spread_above, unlikely
from supervision.context import Context, Row, Rule
from supervision.finding import Checked, Finding
from supervision.saying import because, tell
from supervision.tenders import NEEDS, USES, Tender, expression, sqrt_bp, tenders, variance

_MOST: Final = 10**6
_DISTANCES: Final = tuple(map(Fraction, ("1", "3/2", "2", "3", "5", "10", "20", "50", "100")))
_BEYOND: Final = {
    4: (0.40718, 0.33162, 0.2512, 0.15209, 0.07143, 0.02186, 0.00599, 0.00102, 0.00027),
    5: (0.34428, 0.25228, 0.17452, 0.08794, 0.03024, 0.00544, 0.00082, 0.00005),
    6: (0.29838, 0.20243, 0.12928, 0.05544, 0.01429, 0.0015, 0.00012),
    7: (0.26576, 0.16865, 0.10053, 0.03718, 0.00733, 0.00049),
    8: (0.2404, 0.14374, 0.08054, 0.02614, 0.004, 0.00017),
    9: (0.2202, 0.12516, 0.06623, 0.01913, 0.00232, 0.00006),
    10: (0.20365, 0.1105, 0.0555, 0.01433, 0.00138),
}
"""How likely normal bids of so many bidders are skewed and beyond each distance: of eight million draws."""
_Set = tuple[str, str, frozenset[str]]


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding for each market and set of bidders with enough such tenders, where chance is unlikely."""
    whole, fraction = context.rules.whole, context.rules.fraction
    met: defaultdict[_Set, list[Tender]] = defaultdict(list)
    for tender in tenders(rows):
        if len(tender.bids) >= whole("CO2", "bids_from"):
            met[tender.market.category, tender.market.geo, tender.bidders].append(tender)
    least, above = whole("CO2", "tenders_from"), fraction("CO2", "distance_above")
    asked: list[tuple[_Set | None, float]] = []
    for key in sorted(met, key=lambda key: (*key[:2], sorted(key[2]))):
        if len(met[key]) >= least:  # who met less often cannot be told of
            chances = [_by_chance(tender, above) for tender in met[key]]
            told = sum(one is not None for one in chances) >= least
            asked.append((key if told else None, _together(chances, len(key[2]))))
    for key, chance, rate in unlikely(asked, fraction("CO2", "false_discoveries_below")):
        marked = [tender for tender in met[key] if _by_chance(tender, above) is not None]
        yield _finding(marked, len(met[key]), (chance, rate), context)


def _by_chance(tender: Tender, above: Fraction) -> float | None:
    """How likely bids so far apart are; None where the winner does not stand apart."""
    square = distance_squared(tender)
    if square <= above**2 or not skewed(tender):
        return None
    beyond = _beyond(len(tender.bids))
    return beyond[max(0, sum(one**2 <= square for one in _DISTANCES[: len(beyond)]) - 1)]


def _beyond(bidders: int) -> Sequence[float]:
    return _BEYOND[min(max(bidders, min(_BEYOND)), max(_BEYOND))]


def _together(chances: Sequence[float | None], bidders: int) -> float:
    """The less likely of how many winners stand apart, and of how far they do (Fisher's sum)."""
    far = [one for one in chances if one is not None]
    many = at_least(len(far), len(chances), _beyond(bidders)[0])
    return min(many, spread_above(-2 * sum(map(log, far)), 2 * len(chances)))


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


def _finding(
    marked: list[Tender], met: int, chance_and_rate: tuple[Fraction, Fraction], context: Context
) -> Finding:
    chance, rate = chance_and_rate
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
            "by_chance_bp": round(10_000 * chance),
            "false_discovery_rate_bp": round(10_000 * rate),
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
