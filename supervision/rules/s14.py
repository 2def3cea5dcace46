"""S14: cover bids (陪标): the same two come first and second, close behind each other, too often. A screen.

Of the tenders of three bidders and more in which a pair took part, how often would it hold the first two
places if places fell blindly? Two of m hold them with the chance 2/(m(m-1)); the mean of these, over the
pair's tenders, is what the count is held against. Told are pairs that hold them so often and more with the
same one winning or both by turns, whose second bid lies so near the first, and whose false discovery rate
over all pairs of a market is kept.
"""

from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations
from statistics import median

from supervision.chance import at_least, unlikely
from supervision.context import Context, Row, Rule
from supervision.finding import Finding, Market
from supervision.saying import because, tell
from supervision.shares import whole
from supervision.tenders import NEEDS, USES, Tender, expression, tenders

_TWO = 2


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a market and pair."""
    held: defaultdict[tuple[Market, str, str], list[Tender]] = defaultdict(list)
    for tender in tenders(rows):
        if len(tender.bids) > _TWO and tender.winner == tender.bids[0]:
            for one, other in combinations(sorted(tender.bidders), _TWO):
                held[tender.market, one, other].append(tender)
    least = context.rules.whole("S14", "tenders_from")
    gap_below = context.rules.fraction("S14", "gap_below")
    looked_at: list[tuple[tuple[list[Tender], int] | None, float]] = []
    for (_, one, other), both in sorted(held.items()):
        if len(both) < least:
            continue
        ahead = [tender for tender in both if _first_two(tender) == {one, other}]
        each = sum(2 / (len(tender.bids) * (len(tender.bids) - 1)) for tender in both) / len(both)
        near = len(ahead) >= least and median(map(_gap, ahead)) < gap_below
        looked_at.append(((ahead, len(both)) if near else None, at_least(len(ahead), len(both), each)))
    for (ahead, together), chance, rate in unlikely(
        looked_at, context.rules.fraction("S14", "false_discoveries_below")
    ):
        yield _finding(ahead, together, (chance, rate), context)


def _first_two(tender: Tender) -> set[str]:
    """Who holds the first two places; nobody where a third bid as much as the second."""
    second, third = tender.bids[1], tender.bids[_TWO]
    return set() if second.price == third.price else {bid.group for bid in tender.bids[:_TWO]}


def _gap(tender: Tender) -> Fraction:
    """How far the second lies behind the first, over the first."""
    first, second = tender.bids[0].price, tender.bids[1].price
    return abs(second - first) / first


def _finding(ahead: list[Tender], together: int, by: tuple[Fraction, Fraction], context: Context) -> Finding:
    bids = [bid for tender in ahead for bid in tender.bids[:_TWO]]
    return tell(
        "S14",
        context,
        zh="涉嫌陪标（线索）",
        en="suspected cover bids of a pair, a clue only",
        screen=True,
        market=ahead[0].market,
        window=(min(bid.row["quoted_at"] for bid in bids), ahead[-1].at),
        subjects=(bid.row["seller_id"] for bid in bids),
        objects=(tender.tender_id for tender in ahead),
        statistic={
            "first_and_second": len(ahead),
            "tenders_together": together,
            "winners": [tender.winner.group for tender in ahead],
            "gap_bp": whole(10_000 * median(map(_gap, ahead))),
            "by_chance_bp": whole(10_000 * by[0]),
            "false_discovery_rate_bp": whole(10_000 * by[1]),
        },
        evidence=(bid.row["seq"] for bid in bids),
        innocent=(
            because("efficient", "两家成本最低", "the two have the lowest costs"),
            because("capacity", "产能轮换", "whoever won is busy with it when the next comes"),
        ),
    )


RULE = Rule(rule_id="S14", needs=NEEDS, uses=USES, expression=expression, findings=findings)
