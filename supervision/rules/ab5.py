"""AB5: an unreasonable condition of a dominant undertaking: its smallest order is far above others'."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import groupby
from typing import Any, Final

from supervision.abuse import CITES, NEEDS, dominants_sales, rivals_sales, suspected
from supervision.context import Context, Row, Rule, Tables, market_of
from supervision.finding import Checked, Finding, minor
from supervision.portable import medians
from supervision.saying import because
from supervision.shares import whole
from supervision.trades import counted_sales

_OWN: Final = ("category", "geo", "seller_group")


def expression(tables: Tables, context: Context) -> Any:
    """Orders of strangers with the dominant, where the least of them is so many times the others' median."""
    times = context.rules.fraction("AB5", "times_median")
    least = context.rules.whole("AB5", "orders_from")
    sold = counted_sales(tables, context)
    others = rivals_sales(tables, context, sold)
    others = medians(others, ("category", "geo", "of_group"), "amount_minor")
    others = others.rename(seller_group="of_group", others="of")
    own = dominants_sales(tables, context, sold)
    own = own.mutate(
        smallest=own.amount_minor.min().over(group_by=_OWN), orders=own.count().over(group_by=_OWN)
    )
    own = own.inner_join(others, list(_OWN))
    own = own.filter(
        own.orders >= least,
        own.others >= least,
        own.smallest * times.denominator >= own.median * times.numerator,
    )
    return own.order_by(*_OWN, "made_at", "trade_id")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a market and dominant undertaking."""
    for _, group in groupby(rows, key=lambda row: [row[name] for name in _OWN]):
        orders = list(group)
        first = orders[0]
        ratio = Fraction(first["smallest"]) / Fraction(first["median"])
        yield suspected(
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
                because(
                    "affiliates", "仅向关联方的大额订单", "large orders of affiliates", Checked.RULED_OUT
                ),
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
