"""CO3: rivals move their prices together: the same way, within two days, to almost one price.

A seller has a price where its last quotes for one listing on one set of terms lie within 2 % of each other;
its move is the first quote beyond that. Who asks another price every time has none that could move. Bids in
a tender are no prices. At least three undertakings of a market, first to last within 48 hours, new prices
within 2 %, ten per cent on average. How often that would come about by chance is told from how often prices
of that market moved otherwise, and kept below a false discovery rate over all markets.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from fractions import Fraction
from itertools import groupby, takewhile
from operator import itemgetter
from typing import Any, Final

import ibis

from supervision.brokerage import groups
from supervision.chance import at_least, unlikely
from supervision.context import Context, Row, Rule, Tables, market_of
from supervision.finding import Checked, Finding
from supervision.saying import because, tell
from supervision.shares import whole
from supervision.trades import literal_time, moment

_CELL: Final = ("category", "geo", "unit", "licence")
_SERIES: Final = ("listing_id", "seller_id", "unit", "licence", "quantity")


def expression(tables: Tables, context: Context) -> Any:
    """The moves of standing prices, each with the price before it, by market and terms."""
    near = 1 + context.rules.fraction("CO3", "within_share")
    quotes = tables["quotes"]
    quotes = quotes.filter(
        quotes.tender_id.nullif("").isnull(),
        quotes.seller_id.nullif("").notnull(),
        quotes.quoted_at <= moment(context),
        quotes.quoted_at > literal_time(context.market_since),
        quotes.price_minor > 0,
        quotes.quantity.fill_null(1) > 0,
    )
    quotes = quotes.select(
        *("quote_id", "seller_id", "quoted_at", "price_minor", "seq"),
        unit=quotes.unit.fill_null(""),
        licence=quotes.licence_class.fill_null(""),
        quantity=quotes.quantity.fill_null(1),
        listing_id=quotes.listing_id.fill_null(""),
    )
    in_order = {"group_by": _SERIES, "order_by": [quotes.quoted_at.asc(), quotes.quote_id.asc()]}
    quotes = quotes.mutate(
        before=quotes.price_minor.lag(1).over(**in_order),
        before_that=quotes.price_minor.lag(2).over(**in_order),
    )

    def apart(first: Any, second: Any) -> Any:
        return ibis.greatest(first, second) * near.denominator > ibis.least(first, second) * near.numerator

    moves = quotes.filter(
        quotes.before.notnull(),
        apart(quotes.price_minor, quotes.before),
        quotes.before_that.isnull() | ~apart(quotes.before, quotes.before_that),
    )
    listings = tables["listings"].select("listing_id", "category", "geo")
    moves = moves.left_join(listings, "listing_id").drop("listing_id_right")
    moves = moves.left_join(groups(tables), [("seller_id", "org")]).drop("org")
    moves = moves.select(
        *(
            "quote_id",
            "seller_id",
            "unit",
            "licence",
            "quoted_at",
            "price_minor",
            "quantity",
            "before",
            "seq",
        ),
        listing_id=moves.listing_id,
        seller_group=ibis.coalesce(moves.group, moves.seller_id),
        category=moves.category.fill_null(""),
        geo=moves.geo.fill_null(""),
        rise=moves.price_minor > moves.before,
    )
    return moves.order_by(*_CELL, "rise", "quoted_at", "quote_id")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a market, terms and direction: the moves of most undertakings, the earliest such."""
    looked_at: list[tuple[tuple[list[Row], int] | None, float]] = []
    for _, group in groupby(rows, key=itemgetter(*_CELL, "rise")):
        moves = list(group)
        together = _together(moves, context)
        looked_at.append(
            ((together, len(moves)), _chance(together, moves, context)) if together else (None, 1)
        )
    for (together, moved), chance, rate in unlikely(
        looked_at, context.rules.fraction("CO3", "false_discoveries_below")
    ):
        yield _finding(together, moved, (chance, rate), context)


def _price(row: Row) -> Fraction:
    return Fraction(row["price_minor"], row["quantity"])


def _change(row: Row) -> Fraction:
    return abs(Fraction(row["price_minor"], row["before"]) - 1)


def _together(moves: Sequence[Row], context: Context) -> list[Row]:
    """The widest set of undertakings that moved together, each by its first move in that time."""
    rules = context.rules
    near, least = 1 + rules.fraction("CO3", "within_share"), rules.whole("CO3", "sellers_from")
    mean, hours = rules.fraction("CO3", "mean_change_from"), timedelta(hours=rules.whole("CO3", "within"))
    order = [
        (row["price_minor"] / row["quantity"], row["quote_id"], place) for place, row in enumerate(moves)
    ]
    best: list[Row] = []
    end = 0
    for begin, first in enumerate(moves):
        while end < len(moves) and moves[end]["quoted_at"] - first["quoted_at"] <= hours:
            end += 1
        if end - begin < max(least, len(best) + 1):
            continue
        inside = [moves[place] for _, _, place in sorted(order[begin:end])]
        at, wanted = 0, max(least, len(best) + 1)
        while at + wanted <= len(inside):
            if _is_near(inside[at], inside[at + wanted - 1], near):
                many = _alike(inside[at:], near)
                if len(many) >= wanted and sum(map(_change, many), Fraction(0)) >= mean * len(many):
                    best, wanted = many, max(least, len(many) + 1)
            at += 1
    return sorted(best, key=lambda row: (row["quoted_at"], row["quote_id"]))


def _is_near(low: Row, row: Row, near: Fraction) -> bool:
    return bool(
        row["price_minor"] * near.denominator * low["quantity"]
        <= near.numerator * low["price_minor"] * row["quantity"]
    )


def _alike(moves: Sequence[Row], near: Fraction) -> list[Row]:
    """The first of each undertaking, of moves by price, that lie near the lowest."""
    alike: dict[str, Row] = {}
    for row in takewhile(lambda row: _is_near(moves[0], row, near), moves):
        alike.setdefault(row["seller_group"], row)
    return list(alike.values())


def _chance(together: Sequence[Row], moves: Sequence[Row], context: Context) -> float:
    """That so many of the market's sellers move in one such time, in any of the year's."""
    times = timedelta(days=365) // timedelta(hours=context.rules.whole("CO3", "within"))
    sellers = len({row["seller_group"] for row in moves})
    elsewhere = len(moves) - len(together)
    return min(times * at_least(len(together), sellers, min((elsewhere + 1) / (sellers * times), 1)), 1.0)


def _finding(together: Sequence[Row], moved: int, by: tuple[Fraction, Fraction], context: Context) -> Finding:
    prices = [_price(row) for row in together]
    mean = sum(map(_change, together), Fraction(0)) / len(together)
    return tell(
        "CO3",
        context,
        zh="涉嫌同步调价（线索）",
        en="suspected parallel change of prices, a clue only",
        screen=True,
        market=market_of(together[0]),
        window=(together[0]["quoted_at"], together[-1]["quoted_at"]),
        subjects=(row["seller_id"] for row in together),
        objects=(row["quote_id"] for row in together),
        statistic={
            "direction": "up" if together[0]["rise"] else "down",
            "undertakings": len(together),
            "mean_change_bp": whole(10_000 * mean),
            "highest_to_lowest_bp": whole(10_000 * max(prices) / min(prices)),
            "moves_of_the_year": moved,
            "by_chance_bp": whole(10_000 * by[0]),
            "false_discovery_rate_bp": whole(10_000 * by[1]),
        },
        evidence=(row["seq"] for row in together),
        innocent=(
            because("cost", "共同成本变动", "a cost that all share has changed"),
            because("price-leader", "自主跟随领先者", "each followed a leader by itself"),
            because("chance", "偶然", "chance", Checked.RULED_OUT),
            because("one-undertaking", "受同一控制", "the sellers are one undertaking", Checked.RULED_OUT),
        ),
    )


RULE = Rule(
    rule_id="CO3",
    needs={"quotes": ("quote_id", "listing_id", "seller_id", "quoted_at", "price_minor")},
    uses=("listings", "orgs"),
    expression=expression,
    findings=findings,
)
