"""AB6: a dominant undertaking treats like buyers unlike: one product on the same terms, at other prices.

Like are sales of one product with the same licence, unit, quantity and credit class to buyers of other
groups, not its own, within ninety days.
"""

from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import ibis

from supervision.abuse import CITES, NEEDS, dominants_sales, priced_sales, suspected
from supervision.context import Context, Row, Rule, Tables, market_of
from supervision.finding import Checked, Finding, Severity
from supervision.saying import because
from supervision.shares import whole

_CELL: Final = ("category", "geo", "seller_group", "product", "licence", "unit", "quantity", "credit")


def expression(tables: Tables, context: Context) -> Any:
    """The dominant's sales in cells of like terms whose prices differ enough somewhere."""
    ratio = context.rules.fraction("AB6", "ratio_above")
    own = dominants_sales(tables, context, priced_sales(tables, context))
    own = own.left_join(_credit(tables, own), "trade_id").drop("trade_id_right")
    own = own.mutate(
        credit=own.credit.fill_null(""), product=ibis.coalesce(own.product_id, own.listing_id, "")
    )
    own = own.mutate(
        lowest=own.amount_minor.min().over(group_by=_CELL),
        highest=own.amount_minor.max().over(group_by=_CELL),
    )
    own = own.filter(own.highest * ratio.denominator > own.lowest * ratio.numerator)
    return own.order_by(*_CELL, "made_at", "trade_id")


def _credit(tables: Tables, own: Any) -> Any:
    """The credit class of a sale's buyer: of the sale's own quotes, else of its last one for this before."""
    quotes = tables["quotes"].filter(tables["quotes"].credit_class.notnull())
    of_trade = quotes.filter(quotes.trade_id.notnull())
    of_trade = of_trade.group_by("trade_id").agg(credit=of_trade.credit_class.max())
    given = quotes.filter(quotes.trade_id.isnull()).select(
        "quoted_at", "quote_id", "credit_class", of_listing="listing_id", of_buyer="buyer_id"
    )
    sales = own.select("trade_id", "listing_id", "buyer_id", "made_at").anti_join(of_trade, "trade_id")
    before = sales.inner_join(given, [("listing_id", "of_listing"), ("buyer_id", "of_buyer")])
    before = before.filter(before.quoted_at <= before.made_at)
    last = [before.quoted_at.desc(), before.quote_id.desc()]
    before = before.mutate(nth=ibis.row_number().over(group_by="trade_id", order_by=last))
    before = before.filter(before.nth == 0).select("trade_id", credit="credit_class")
    return ibis.union(of_trade, before, distinct=False)


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a cell, with every sale that is in some unlike pair."""
    ratio = context.rules.fraction("AB6", "ratio_above")
    within = timedelta(days=context.rules.whole("AB6", "within"))
    for _, group in groupby(rows, key=itemgetter(*_CELL)):
        cell = list(group)
        unlike: dict[str, Row] = {}
        widest = Fraction(1)
        for i, first in enumerate(cell):
            for second in cell[i + 1 :]:
                if second["made_at"] - first["made_at"] > within:
                    break
                low, high = sorted((first["amount_minor"], second["amount_minor"]))
                if first["buyer_group"] != second["buyer_group"] and high > ratio * low:
                    unlike |= {first["trade_id"]: first, second["trade_id"]: second}
                    widest = max(widest, Fraction(high, low))
        if unlike:
            yield _finding(list(unlike.values()), widest, cell, context)


def _finding(unlike: list[Row], widest: Fraction, cell: list[Row], context: Context) -> Finding:
    times = [row["made_at"] for row in unlike]
    first_prices = {row["buyer_group"]: row["amount_minor"] for row in reversed(cell)}
    cheapest = min(row["amount_minor"] for row in unlike)
    newcomers = [group for group, amount in first_prices.items() if amount == cheapest]
    return suspected(
        "AB6",
        context,
        zh="差别待遇",
        en="discriminatory treatment of like buyers",
        market=market_of(unlike[0]),
        window=(min(times), max(times)),
        subjects=(row["seller_id"] for row in unlike),
        objects=(row["trade_id"] for row in unlike),
        statistic={
            "product": unlike[0]["product"],
            "highest_to_lowest_bp": whole(10_000 * widest),
            "trades": len(unlike),
            "like_trades": len(cell),
        },
        evidence=(row["seq"] for row in unlike),
        severity=Severity.MEDIUM,  # what term and scope were stands in the contracts
        innocent=(
            because(
                "newcomer",
                "新用户合理期限内的优惠",
                "an offer to newcomers within a reasonable time",
                facts_of_first_orders=len(newcomers),
            ),
            because("tier", "数量或授权不同", "another volume or licence", Checked.RULED_OUT),
            because(
                "terms",
                "期限、范围或交付不同（表中无此列）",
                "another term, scope or delivery, for which the tables have no column",
            ),
            because("custom", "实际需求与交易习惯不同", "real needs and customs differ"),
        ),
    )


RULE = Rule(
    rule_id="AB6",
    needs=NEEDS,
    uses=("flags", "quotes"),
    cites=CITES,
    expression=expression,
    findings=findings,
)
