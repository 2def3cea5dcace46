"""S10: a coalition within tenders: the same three or four bid closest together, too often; a screen.

In a tender of more bidders than that, some three stand closest (highest over lowest); were the bidders alike,
each three of n would be they with the chance 1/C(n, 3). Told is who stands closest so often and more, where
the false discovery rate over all that bid together so often is kept, beside the measures of these tenders.
Of a three within a four, the less likely is told.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations
from math import comb
from typing import Final

from supervision.bid_measures import SHOWN, measures_of
from supervision.chance import at_least, unlikely
from supervision.context import Context, Row, Rule
from supervision.finding import Checked, Finding, Market
from supervision.saying import because, tell
from supervision.shares import whole
from supervision.tenders import NEEDS, USES, Bid, Tender, expression, tenders

_SIZES: Final = (3, 4)
_COUNTED: Final = 1_000_000

_Coalition = tuple[str, ...]
_Told = tuple[Market, _Coalition, list[Tender], int]


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a market and coalition."""
    of_market: defaultdict[Market, list[Tender]] = defaultdict(list)
    for tender in tenders(rows):
        of_market[tender.market].append(tender)
    limit = context.rules.fraction("S10", "false_discoveries_below")
    told: list[tuple[Fraction, _Told, Fraction]] = []
    for size in _SIZES:
        looked_at: list[tuple[_Told | None, float]] = []
        rest = 0
        for market, held in sorted(of_market.items()):
            large = [tender for tender in held if len(tender.bids) > size]
            found = list(_often(market, large, size, context))
            looked_at.extend(found)
            rest += max(_together(large, size, context) - len(found), 0)
        told.extend((chance, one, rate) for one, chance, rate in unlikely(looked_at, limit, rest))
    known: list[tuple[Market, frozenset[str]]] = []
    for chance, one, rate in sorted(told, key=lambda item: (item[0], item[1][:2])):
        market, coalition = one[0], frozenset(one[1])
        if not any(of == market and (part <= coalition or coalition <= part) for of, part in known):
            known.append((market, coalition))
            yield _finding(one, (chance, rate), context)


def closest(bids: Sequence[Bid], size: int) -> _Coalition | None:
    """The bidders whose bids have the least highest over lowest; nobody where two sets have the same."""
    ordered = sorted(bids, key=lambda bid: (bid.price, bid.group))
    spans = [(ordered[at + size - 1].price / ordered[at].price, at) for at in range(len(ordered) - size + 1)]
    (least, at), *others = sorted(spans)
    if any(span == least for span, _ in others):
        return None
    return tuple(sorted(bid.group for bid in ordered[at : at + size]))


def _often(
    market: Market, held: Sequence[Tender], size: int, context: Context
) -> Iterator[tuple[_Told, float]]:
    near: defaultdict[_Coalition, list[Tender]] = defaultdict(list)
    for tender in held:
        coalition = closest(tender.bids, size)
        if coalition is not None:
            near[coalition].append(tender)
    for coalition, times in sorted(near.items()):
        if len(times) < context.rules.whole("S10", "tenders_from"):
            continue
        met = [tender for tender in held if tender.bidders.issuperset(coalition)]
        each = sum(1 / comb(len(tender.bids), size) for tender in met) / len(met)
        yield (market, coalition, times, len(met)), at_least(len(times), len(met), each)


def _together(held: Sequence[Tender], size: int, context: Context) -> int:
    """How many sets of bidders met so often: all of these were looked at."""
    least = context.rules.whole("S10", "tenders_from")
    if sum(comb(len(tender.bids), size) for tender in held) > _COUNTED:
        return comb(len({group for tender in held for group in tender.bidders}), size)
    met = Counter(part for tender in held for part in combinations(sorted(tender.bidders), size))
    return sum(times >= least for times in met.values())


def _finding(told: _Told, by: tuple[Fraction, Fraction], context: Context) -> Finding:
    market, coalition, near, met = told
    bids = [bid for tender in near for bid in tender.bids if bid.group in coalition]
    return tell(
        "S10",
        context,
        zh="涉嫌部分投标人串通（报价反复最为接近，线索）",
        en="suspected coalition of bidders: they bid closest together too often; a clue only",
        screen=True,
        market=market,
        window=(min(bid.row["quoted_at"] for bid in bids), near[-1].at),
        subjects=(bid.row["seller_id"] for bid in bids),
        objects=(tender.tender_id for tender in near),
        statistic={
            "coalition": list(coalition),
            "closest_together": len(near),
            "tenders_together": met,
            "by_chance_bp": whole(10_000 * by[0]),
            "false_discovery_rate_bp": whole(10_000 * by[1]),
            "measures": [measures_of(tender) for tender in near[:SHOWN]],
        },
        evidence=(bid.row["seq"] for bid in bids),
        innocent=(
            because("like-costs", "成本与技术相近", "they have like costs and technique"),
            because("list-prices", "按公开价目报价", "they bid by public price lists"),
            because("chance", "偶然", "chance", Checked.RULED_OUT),
            because(
                "one-undertaking", "报价方受同一控制", "the bidders are one undertaking", Checked.RULED_OUT
            ),
        ),
    )


RULE = Rule(rule_id="S10", needs=NEEDS, uses=USES, expression=expression, findings=findings)
