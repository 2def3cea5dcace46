"""S9: resale prices that never differ (RPM, 固定转售价格). A screen.

A reseller is an undertaking that bought a product from its supplier and sells it on. Where so many resellers
of one supplier's product sell it at one price for a unit, to the fen, for so long, the price may have been
laid down. A price that a public cap fixes is left out.
"""

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import ibis

from supervision.context import Context, Row, Rule, Tables, market_of
from supervision.finding import Checked, Finding, minor
from supervision.saying import because, tell
from supervision.trades import counted_sales, made

_SERIES: Final = ("supplier_group", "product", "unit", "licence")


def expression(tables: Tables, context: Context) -> Any:
    """Sales of bought products by resellers whose prices are all alike, by supplier, product and terms."""
    rules = context.rules
    bought = made(tables, context)
    bought = bought.filter(bought.product_id.notnull(), bought.seller_group != bought.buyer_group)
    resold = bought.select("product_no", reseller_no="seller_no").distinct()
    bought = bought.semi_join(resold, ["product_no", ("buyer_no", "reseller_no")])
    bought = bought.group_by(
        supplier_group=bought.seller_group, product=bought.product_id, reseller=bought.buyer_group
    ).agg(bought_at=bought.made_at.min(), supplier_id=bought.seller_id.min(), bought_seq=bought.seq.min())
    sold = counted_sales(tables, context)
    sold = sold.filter(sold.seller_group != sold.buyer_group, sold.quantity.fill_null(1) > 0)
    sold = sold.mutate(
        unit=sold.unit.fill_null(""),
        licence=sold.licence_class.fill_null(""),
        quantity=sold.quantity.fill_null(1),
    )
    sold = sold.inner_join(bought, [("product_id", "product"), ("seller_group", "reseller")])
    sold = sold.filter(sold.made_at > sold.bought_at, sold.buyer_group != sold.supplier_group)
    sold = sold.mutate(price=sold.amount_minor.cast("float64") / sold.quantity.cast("float64"))
    listings = tables["listings"].select("listing_id", "cap_minor", "public_data")
    sold = sold.left_join(listings, "listing_id").drop("listing_id_right")
    sold = sold.filter(sold.cap_minor.isnull() | (sold.price < sold.cap_minor.cast("float64")))
    series = sold.group_by(*_SERIES).agg(
        resellers=sold.seller_group.nunique(),
        least=sold.price.min(),
        most=sold.price.max(),
        first=sold.made_at.min(),
        final=sold.made_at.max(),
    )
    series = series.filter(
        series.resellers >= rules.whole("S9", "resellers_from"),
        series.least == series.most,
        series.final >= series["first"] + ibis.interval(days=rules.whole("S9", "days_from")),
    )
    sold = sold.inner_join(series.select(*_SERIES, "resellers"), list(_SERIES))
    return sold.order_by(*_SERIES, "made_at", "trade_id")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a supplier, product and terms."""
    for _, group in groupby(rows, key=itemgetter(*_SERIES)):
        sold = list(group)
        yield _finding(sold, context)


def _finding(sold: list[Row], context: Context) -> Finding:
    first, last = sold[0], sold[-1]
    return tell(
        "S9",
        context,
        zh="涉嫌固定转售价格（线索）",
        en="suspected fixing of resale prices, a clue only",
        screen=True,
        market=market_of(first),
        window=(first["made_at"], last["made_at"]),
        subjects=(*(row["supplier_id"] for row in sold), *(row["seller_id"] for row in sold)),
        objects=(row["trade_id"] for row in sold),
        statistic={
            "supplier": first["supplier_group"],
            "product": first["product"],
            "resellers": first["resellers"],
            "sales": len(sold),
            "days": (last["made_at"] - first["made_at"]).days,
            "unit_price_minor": minor(first["amount_minor"] // first["quantity"]),
        },
        evidence=(number for row in sold for number in (row["bought_seq"], row["seq"])),
        innocent=(
            because("agency", "代理销售，价格由委托人定", "agents sell for the supplier, who sets the price"),
            because("cap", "公共数据限价", "a cap of public data fixes the price", Checked.RULED_OUT),
            because("costs", "成本相同且竞争充分", "like costs and keen competition"),
        ),
    )


RULE = Rule(
    rule_id="S9",
    needs={
        "trades": ("trade_id", "product_id", "seller_id", "buyer_id", "amount_minor", "agreed_at"),
        "orgs": ("org_id", "controller_id"),
    },
    uses=("flags", "listings"),
    expression=expression,
    findings=findings,
)
