"""Which trades count for what: the expressions several rules share.

An undertaking is its ultimate controller, everywhere: the groups are formed before anything is added.
"""

from typing import Any, Final

import ibis

from supervision.context import Context, Tables

NEVER_MADE: Final = ("REFUSED", "LAPSED", "BLOCKED", "CANCELLED")
"""Statuses of a trade that came to nothing before any money or data moved."""
UNDONE: Final = (*NEVER_MADE, "REFUND_PENDING", "REFUNDED", "VOIDED")
"""Statuses of a trade that is no sale: it came to nothing, or was taken back."""
PURPOSES: Final = ("escrow_in", "seller_share", "commission", "platform_fee")
"""What the payments of a trade are for: money in, then the three parts of money out."""
REFUND: Final = "refund"
MADE: Final = "made"
"""What `all_made` is kept as, where it is kept (`supervision.kept`)."""
PARTIES: Final = "parties"
"""What `parties` is kept as."""
PRODUCTS: Final = "products"
"""What `products` is kept as."""
TERMS: Final = "terms"
"""What `terms` is kept as."""
_OF_A_SALE: Final = (
    "trade_id",
    "listing_id",
    "product_id",
    "seller_id",
    "buyer_id",
    "seller_group",
    "buyer_group",
    "category",
    "geo",
    "licence_class",
    "unit",
    "quantity",
    "amount_minor",
    "made_at",
    "seq",
    *("seller_no", "buyer_no", "product_no", "terms_no"),
    "is_flagged",
)


def moment(context: Context) -> Any:
    """`as_of` as a literal."""
    return literal_time(context.as_of)


def literal_time(at: Any) -> Any:
    """A time as a literal of the engines' plain UTC timestamps."""
    return ibis.literal(at.replace(tzinfo=None), type="timestamp")


def made(tables: Tables, context: Context, *, without: tuple[str, ...] = NEVER_MADE) -> Any:
    """Trades made until `as_of`, with `made_at`, `seller_group`, `buyer_group` and a market.

    A trade is made when the ledger says so (`agreed_at`); only a report that lacks that time is taken
    by the date on its paper. `without` are the statuses left out.
    """
    trades = tables[MADE] if MADE in tables else all_made(tables, context)
    return trades.filter(~trades.status.isin(without))


def all_made(tables: Tables, context: Context) -> Any:
    """The trades made until `as_of` of any status, with all their groups and whether a flag is open on them.

    Groups and products are numbered too (`seller_no`, `buyer_no`, `product_no`, and `terms_no` for licence
    and unit): to count by numbers takes a fraction of the time. A number means nothing outside of this run.
    """
    trades = tables["trades"]
    trades = trades.mutate(
        made_at=ibis.coalesce(trades.agreed_at, trades.contract_dated_at),
        status=trades.status.fill_null("").upper(),
        category=trades.category.fill_null(""),
        geo=trades.geo.fill_null(""),
        product=ibis.coalesce(trades.product_id, trades.listing_id),
        licence=trades.licence_class.fill_null(""),
        units=trades.unit.fill_null(""),
    )
    trades = trades.filter(trades.made_at <= moment(context))
    known = tables[PARTIES] if PARTIES in tables else parties(tables, context)
    for side in ("seller", "buyer", "broker"):
        of_side = known.select(of="org", **{f"{side}_group": "group", f"{side}_no": "no"})
        trades = trades.left_join(of_side, [(f"{side}_id", "of")]).drop("of")
    trades = trades.left_join(products(tables), [("product", "one")]).drop("one")
    trades = trades.left_join(terms(tables), [("licence", "on"), ("units", "by")])
    under = flagged(tables).select(under="trade_id")
    trades = trades.left_join(under, [("trade_id", "under")])
    trades = trades.mutate(is_flagged=trades.under.notnull())
    return trades.drop("on", "by", "product", "licence", "units", "broker_no", "under")


def parties(tables: Tables, context: Context) -> Any:  # noqa: ARG001 - made as all that is kept
    """Everybody that a trade or `orgs` names, with the group (its controller, or itself), numbered."""
    trades, orgs = tables["trades"], tables["orgs"]
    named = [trades.select(org=trades[f"{side}_id"]) for side in ("seller", "buyer", "broker")]
    everybody = ibis.union(orgs.select(org=orgs.org_id), *named, distinct=True)
    everybody = everybody.filter(everybody.org.notnull())
    controlled = orgs.select(of="org_id", controller=orgs.controller_id.nullif(""))
    everybody = everybody.left_join(controlled, [("org", "of")])
    everybody = everybody.select("org", group=ibis.coalesce(everybody.controller, everybody.org))
    return everybody.mutate(no=ibis.dense_rank().over(order_by=everybody.group.asc()))


def group_names(tables: Tables, context: Context) -> Any:
    """The groups' names by their numbers: `no`, `group`."""
    known = tables[PARTIES] if PARTIES in tables else parties(tables, context)
    return known.select("no", "group").distinct()


def products(tables: Tables) -> Any:
    """Everything that trades name as their product, numbered: `one`, `product_no`."""
    if PRODUCTS in tables:
        return tables[PRODUCTS]
    named = tables["trades"]
    named = named.select(one=ibis.coalesce(named.product_id, named.listing_id)).distinct()
    return _numbered(named, "product_no")


def terms(tables: Tables) -> Any:
    """Every licence and unit (`on`, `by`) that trades name together, numbered: `terms_no`."""
    if TERMS in tables:
        return tables[TERMS]
    named = tables["trades"]
    named = named.select(on=named.licence_class.fill_null(""), by=named.unit.fill_null("")).distinct()
    return _numbered(named, "terms_no")


def _numbered(distinct: Any, name: str) -> Any:
    order = [distinct[column].asc() for column in distinct.columns]
    return distinct.mutate(**{name: ibis.row_number().over(order_by=order)})


def with_groups(tables: Tables, trades: Any) -> Any:
    """Add `seller_group` and `buyer_group`: the ultimate controllers, or the parties themselves."""
    orgs = tables["orgs"]
    orgs = orgs.select("org_id", controller_id=orgs.controller_id.nullif(""))
    sellers = orgs.select(seller_id="org_id", seller_controller="controller_id")
    buyers = orgs.select(buyer_id="org_id", buyer_controller="controller_id")
    joined = trades.left_join(sellers, "seller_id").drop("seller_id_right")
    joined = joined.left_join(buyers, "buyer_id").drop("buyer_id_right")
    return joined.mutate(
        seller_group=ibis.coalesce(joined.seller_controller, joined.seller_id),
        buyer_group=ibis.coalesce(joined.buyer_controller, joined.buyer_id),
    ).drop("seller_controller", "buyer_controller")


def flagged(tables: Tables) -> Any:
    """Ids of the trades under an open flag (suspected washing): statistics and shares leave them out."""
    flags = tables["flags"]
    return flags.filter(flags.to_seq.isnull()).select("trade_id").distinct()


def sales(tables: Tables, context: Context) -> Any:
    """Sales of the trailing window with an amount: what shares and prices are made of, flagged or not."""
    trades = made(tables, context, without=UNDONE)
    trades = trades.filter(trades.made_at > literal_time(context.market_since), trades.amount_minor > 0)
    return trades.select(*_OF_A_SALE)


def counted_sales(tables: Tables, context: Context) -> Any:
    """The sales that count: those of `sales` without the flagged ones."""
    sold = sales(tables, context)
    return sold.filter(~sold.is_flagged).drop("is_flagged")
