"""S11: missing bids (Chassang, Kawai, Nakabayashi and Ortner 2022): nobody ever loses, or wins, by a little.

Where rivals compete, a winning bid often lies close to the next: the gap between them is the likelier the
smaller it is. So of all gaps below 2h at least half are below h, for every h. Where winners keep others off
(or losers know to stay away) there is a hole at nothing. Asked for h of one to five per cent, five times
the chance is taken, and the false discovery rate is kept over all markets. The residual demand is told
beside it: D(ρ) is the share of bids that would win if they were higher by ρ, ties counting half; demand that
does not answer to one per cent up is no competitor's.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from supervision.chance import at_most, unlikely
from supervision.context import Context, Row, Rule
from supervision.finding import Checked, Finding, Market
from supervision.saying import because, tell
from supervision.shares import whole
from supervision.tenders import NEEDS, USES, Tender, expression, tenders

_STEPS: Final = (-5, -2, -1, 0, 1, 2, 5)


@dataclass(frozen=True, slots=True)
class Hole:
    """How many winners lay below a gap, and how many between it and twice as much."""

    width: Fraction
    near: int
    beside: int
    chance: float


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a market."""
    rules = context.rules
    held: defaultdict[Market, list[Tender]] = defaultdict(list)
    for tender in tenders(rows):
        if len(tender.bids) > 1 and not tender.sale:
            held[tender.market].append(tender)
    looked_at: list[tuple[tuple[Market, Hole] | None, float]] = []
    for market, of_market in sorted(held.items()):
        hole = hole_of([gap(tender) for tender in of_market], rules.whole("S11", "widths"))
        enough = len(of_market) >= rules.whole("S11", "tenders_from")
        looked_at.append(((market, hole) if enough else None, hole.chance))
    for (market, hole), chance, rate in unlikely(looked_at, rules.fraction("S11", "false_discoveries_below")):
        yield _finding(market, held[market], hole, (chance, rate), context)


def gap(tender: Tender) -> Fraction:
    """How far the second bid lies above the lowest, as a share of the lowest."""
    first, second, *_ = tender.bids
    return second.price / first.price - 1


def hole_of(gaps: Sequence[Fraction], widths: int) -> Hole:
    """The least likely of the holes of one per cent and more, with the chance that any is so deep."""
    holes = []
    for per_cent in range(1, widths + 1):
        width = Fraction(per_cent, 100)
        near, beside = sum(g < width for g in gaps), sum(width <= g < 2 * width for g in gaps)
        holes.append(Hole(width, near, beside, min(widths * at_most(near, near + beside, 0.5), 1.0)))
    return min(holes, key=lambda hole: (hole.chance, hole.width))


def demand(held: Sequence[Tender], step: Fraction) -> Fraction:
    """The share of bids that would be the lowest, were each alone higher by `step`; ties count half."""
    wins, bids = Fraction(0), 0
    for tender in held:
        lowest, second = tender.bids[0].price, tender.bids[1].price
        for place, bid in enumerate(tender.bids):
            asked, best = bid.price * (1 + step), second if place == 0 else lowest
            wins += 1 if asked < best else Fraction(asked == best, 2)
        bids += len(tender.bids)
    return wins / bids


def _finding(
    market: Market, held: Sequence[Tender], hole: Hole, by: tuple[Fraction, Fraction], context: Context
) -> Finding:
    curve = {f"{step:+d}%" if step else "0": demand(held, Fraction(step, 100)) for step in _STEPS}
    bids = [bid for tender in held for bid in tender.bids]
    return tell(
        "S11",
        context,
        zh="涉嫌围标（缺失报价，线索）",
        en="suspected bid rigging: bids close to the winner's are missing; a clue only",
        screen=True,
        market=market,
        window=(min(bid.row["quoted_at"] for bid in bids), held[-1].at),
        subjects=(tender.winner.row["seller_id"] for tender in held),
        objects=(tender.tender_id for tender in held),
        statistic={
            "tenders": len(held),
            "gap_bp": whole(10_000 * hole.width),
            "winners_nearer": hole.near,
            "winners_up_to_twice": hole.beside,
            "demand_bp": {step: whole(10_000 * share) for step, share in curve.items()},
            "answers_to_one_per_cent": curve["+1%"] * Fraction(101, 100) <= curve["0"],
            "by_chance_bp": whole(10_000 * by[0]),
            "false_discovery_rate_bp": whole(10_000 * by[1]),
        },
        evidence=(bid.row["seq"] for bid in bids),
        innocent=(
            because("tick", "报价只取整数档", "bids are made in coarse steps"),
            because("reserve", "最高限价截断", "a reserve price cuts the bids off"),
            because("chance", "偶然", "chance", Checked.RULED_OUT),
        ),
    )


RULE = Rule(rule_id="S11", needs=NEEDS, uses=USES, expression=expression, findings=findings)
