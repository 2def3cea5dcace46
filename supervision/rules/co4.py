"""CO4: the winners of the same bidders' tenders take turns.

What chance would give is told beside it: with winners drawn blindly, a perfect rotation of k among m bidders
in n tenders has the probability m!/(m-k)!·m⁻ⁿ. Rotations are ranked by Benjamini and Hochberg's procedure
over all sets of bidders that were looked at; where the false discovery rate is not kept, confidence is low.
"""

from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from math import perm

from supervision.chance import adjusted
from supervision.context import Context, Row, Rule
from supervision.finding import Checked, Confidence, Finding
from supervision.saying import because, tell
from supervision.shares import whole
from supervision.tenders import NEEDS, USES, Tender, expression, tenders


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding for each market and set of bidders."""
    least = context.rules.whole("CO4", "tenders_from")
    held: defaultdict[tuple[str, str, frozenset[str]], list[Tender]] = defaultdict(list)
    for tender in tenders(rows):
        if len(tender.bids) > 1:
            held[tender.market.category, tender.market.geo, tender.bidders].append(tender)
    looked_at = [of_set for of_set in held.values() if len(of_set) >= least]
    periods = [
        period([tender.winner.group for tender in of_set], len(of_set[0].bidders)) for of_set in looked_at
    ]
    chances = [
        Fraction(1) if k is None else Fraction(perm(len(t[0].bids), k), len(t[0].bids) ** len(t))
        for t, k in zip(looked_at, periods, strict=True)
    ]
    ranked = zip(looked_at, periods, chances, adjusted(chances), strict=True)
    for of_set, k, chance, q in ranked:
        if k is not None:
            yield _finding(of_set, k, chance, q, context)


def period(winners: list[str], bidders: int) -> int | None:
    """After how many tenders the winners come round again: two or more, each once a round.

    One round alone is a rotation where every bidder had its turn in it.
    """
    k = len(set(winners))
    turns = all(winner == winners[i % k] for i, winner in enumerate(winners))
    turns = turns and len(set(winners[:k])) == k and (k < len(winners) or k == bidders)
    return k if k > 1 and turns else None


def _finding(of_set: list[Tender], k: int, chance: Fraction, q: Fraction, context: Context) -> Finding:
    bids = [bid for tender in of_set for bid in tender.bids]
    sure = q < context.rules.fraction("CO4", "false_discoveries_below")
    return tell(
        "CO4",
        context,
        zh="涉嫌轮流中标（线索）",
        en="suspected rotation of winners, a clue only",
        screen=True,
        market=of_set[0].market,
        confidence=Confidence.HIGH if sure else Confidence.LOW,
        window=(min(bid.row["quoted_at"] for bid in bids), of_set[-1].at),
        subjects=(bid.row["seller_id"] for bid in bids),
        objects=(tender.tender_id for tender in of_set),
        statistic={
            "winners": [tender.winner.group for tender in of_set],
            "period": k,
            "by_chance_bp": whole(10_000 * chance),
            "false_discovery_rate_bp": whole(10_000 * q),
        },
        evidence=(bid.row["seq"] for bid in bids),
        innocent=(
            because("capacity", "产能轮换", "whoever won is busy with it when the next comes"),
            because(
                "chance",
                "偶然",
                "chance",
                Checked.RULED_OUT if sure else Checked.OPEN,
            ),
        ),
    )


RULE = Rule(rule_id="CO4", needs=NEEDS, uses=USES, expression=expression, findings=findings)
