"""AB5: an unreasonable condition of a dominant undertaking: a smallest order, or a product never sold alone.

- minimum-order: its smallest order is at so many times the others' median.
- tying: nearly all who buy the one product of it buy a certain other one on the same day, which the rivals'
  buyers would hardly do (the chance is that of so many baskets of several products at the rivals' rate, times
  the pairs looked at).
"""

from collections.abc import Iterator
from fractions import Fraction
from itertools import groupby
from typing import Any, Final

import ibis

from supervision.abuse import CITES, NEEDS, dominants_sales, rivals_sales, suspected
from supervision.chance import at_least
from supervision.context import Context, Row, Rule, Tables, market_of
from supervision.finding import Checked, Finding, minor
from supervision.portable import medians
from supervision.saying import because
from supervision.shares import whole
from supervision.trades import counted_sales
from supervision.tying import OWN, tied_sales

_MINIMUM: Final = "minimum-order"
_TYING: Final = "tying"
_SALE: Final = (*OWN, "seller_id", "trade_id", "made_at", "seq")


def expression(tables: Tables, context: Context) -> Any:
    """The dominant's sales: of a smallest order far above others', and of what is hardly sold alone."""
    sold = counted_sales(tables, context)
    both = ibis.union(_minimum(tables, context, sold), _tying(tables, context, sold), distinct=False)
    return both.order_by(*OWN, "kind", "wanted", "tied", "made_at", "trade_id")


def _minimum(tables: Tables, context: Context, sold: Any) -> Any:
    times = context.rules.fraction("AB5", "times_median")
    least = context.rules.whole("AB5", "orders_from")
    others = rivals_sales(tables, context, sold)
    others = medians(others, ("category", "geo", "of_group"), "amount_minor")
    others = others.rename(seller_group="of_group", others="of")
    own = dominants_sales(tables, context, sold)
    own = own.mutate(
        smallest=own.amount_minor.min().over(group_by=OWN), orders=own.count().over(group_by=OWN)
    )
    own = own.inner_join(others, list(OWN))
    own = own.filter(
        own.orders >= least,
        own.others >= least,
        own.smallest * times.denominator >= own.median * times.numerator,
    )
    number, text = ibis.literal(0, type="int64"), ibis.literal("")
    return own.select(
        *_SALE,
        "smallest",
        "median",
        kind=ibis.literal(_MINIMUM),
        orders=own.orders.cast("int64"),
        others=own.others.cast("int64"),
        wanted=text,
        tied=text,
        both=number,
        buyers=number,
        several=number,
        pairs=number,
    )


def _tying(tables: Tables, context: Context, sold: Any) -> Any:
    own = tied_sales(tables, context, sold)
    return own.select(
        *_SALE,
        smallest=ibis.literal(0, type="int64"),
        median=ibis.literal(0.0, type="float64"),
        kind=ibis.literal(_TYING),
        orders=own.baskets.cast("int64"),
        others=own.others.cast("int64"),
        wanted=own.wanted,
        tied=own.tied,
        **{name: own[name].cast("int64") for name in ("both", "buyers", "several", "pairs")},
    )


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a market and dominant undertaking for its smallest order, one for each tied pair."""
    for (*_, kind, _, _), group in groupby(
        rows, key=lambda row: (*(row[name] for name in OWN), row["kind"], row["wanted"], row["tied"])
    ):
        orders = list(group)
        if kind == _MINIMUM:
            yield _of_minimum(orders, context)
            continue
        first = orders[0]
        usual = (first["several"] + 1) / (
            first["others"] + 2
        )  # the rule of succession: none seen is not none
        chance = Fraction(at_least(first["both"], first["orders"], usual)) * first["pairs"]
        if chance < context.rules.fraction("AB5", "by_chance_below"):
            yield _of_tying(orders, chance, context)


def _of_minimum(orders: list[Row], context: Context) -> Finding:
    first = orders[0]
    ratio = Fraction(first["smallest"]) / Fraction(first["median"])
    return suspected(
        "AB5",
        context,
        zh="附加不合理交易条件（最低购买额）",
        en="unreasonable condition: a minimum order",
        market=market_of(first),
        window=(first["made_at"], orders[-1]["made_at"]),
        subjects=(row["seller_id"] for row in orders),
        objects=(row["trade_id"] for row in orders),
        statistic={
            "kind": "minimum-order",
            "smallest_order_minor": minor(first["smallest"]),
            "median_elsewhere_minor": str(whole(Fraction(first["median"]))),
            "times_bp": whole(10_000 * ratio),
            "orders": first["orders"],
            "orders_elsewhere": first["others"],
        },
        evidence=(row["seq"] for row in orders),
        innocent=(
            because("technical", "技术上不可分割", "the product cannot be parted"),
            because("affiliates", "仅向关联方的大额订单", "large orders of affiliates", Checked.RULED_OUT),
        ),
    )


def _of_tying(orders: list[Row], chance: Fraction, context: Context) -> Finding:
    first = orders[0]
    return suspected(
        "AB5",
        context,
        zh="搭售（某一产品几乎从不单独出售）",
        en="tying: a product hardly ever sold alone",
        market=market_of(first),
        window=(first["made_at"], orders[-1]["made_at"]),
        subjects=(row["seller_id"] for row in orders),
        objects=(first["wanted"], first["tied"], *(row["trade_id"] for row in orders)),
        statistic={
            "kind": _TYING,
            "wanted": first["wanted"],
            "tied": first["tied"],
            "baskets": first["orders"],
            "with_both": first["both"],
            "buyers": first["buyers"],
            "rivals_baskets": first["others"],
            "rivals_of_several": first["several"],
            "by_chance_bp": whole(10_000 * chance),
        },
        evidence=(row["seq"] for row in orders),
        innocent=(
            because("technical", "技术上不可分割", "the one is of no use without the other"),
            because("habit", "交易习惯", "a custom of the trade"),
            because("saving", "合并购买更便宜", "buyers save by taking both"),
        ),
    )


RULE = Rule(
    rule_id="AB5",
    needs=NEEDS,
    uses=("flags",),
    cites=CITES,
    expression=expression,
    findings=findings,
)
