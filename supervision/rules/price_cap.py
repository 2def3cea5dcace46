"""PRICE_CAP: a price above the cap of its listing or of its grant, asked or paid. A cap may be reached.

A cap is per unit. Those of the grant (`grant_caps`) hold each from the moment it was set until the next,
whatever the listing says: a sale is held against the cap of its day. Where the listing says a lower one, that
holds.
"""

from collections.abc import Iterator
from fractions import Fraction
from itertools import groupby
from typing import Any

import ibis

from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Checked, Finding, Severity, minor, named
from supervision.portable import wide
from supervision.saying import because, tell
from supervision.shares import whole
from supervision.trades import UNDONE, made, moment


def expression(tables: Tables, context: Context) -> Any:
    """Capped listings that ask for more than the cap, and their sales above it; the earliest first."""
    listings = tables["listings"]
    listings = listings.filter(listings.listed_at.isnull() | (listings.listed_at <= moment(context)))
    caps = tables["grant_caps"]
    caps = caps.select(
        "from_at", "until_at", grant_cap="cap_minor", cap_grant="grant_id", cap_product="product_id"
    )
    names = ("listing_id", "org_id", "cap_minor", "public_data", "grant_id", "listing_seq")
    capped = listings.select(
        "listing_id",
        "cap_minor",
        "public_data",
        "grant_id",
        "listed_at",
        "list_price_minor",
        capped_product="product_id",
        org_id="seller_id",
        listing_seq="seq",
        category=listings.category.fill_null(""),
        geo=listings.geo.fill_null(""),
    )
    capped = capped.filter(capped.cap_minor.notnull() | capped.grant_id.notnull())
    asked = _bound(capped, caps, "listed_at", context)
    asked = asked.filter(asked.list_price_minor > asked.cap_minor).select(
        *names,
        "category",
        "geo",
        at="listed_at",
        trade_id=ibis.null("string"),
        quantity=ibis.literal(1, "int64"),
        price_minor="list_price_minor",
        buyer_id=ibis.null("string"),
        seq=ibis.null("int64"),
    )
    sold = made(tables, context, without=UNDONE).drop("category", "geo", "seller_group", "buyer_group")
    sold = sold.mutate(quantity=sold.quantity.fill_null(1)).filter(lambda t: t.quantity > 0)
    sold = _bound(sold.inner_join(capped, "listing_id"), caps, "made_at", context)
    sold = sold.filter(sold.amount_minor > wide(sold.cap_minor) * sold.quantity).select(
        *names,
        "category",
        "geo",
        "trade_id",
        "quantity",
        "buyer_id",
        "seq",
        at="made_at",
        price_minor="amount_minor",
    )
    return ibis.union(asked.select(*sold.columns), sold, distinct=False).order_by(
        "listing_id", ibis.asc("at", nulls_first=True), ibis.asc("trade_id", nulls_first=True)
    )


def _bound(priced: Any, caps: Any, at: str, context: Context) -> Any:
    """What is capped at the moment of its price, under the lower cap of listing and grant."""
    then = priced[at].fill_null(moment(context))
    bound = priced.left_join(
        caps,
        [
            priced.grant_id == caps.cap_grant,
            priced.capped_product == caps.cap_product,
            then >= caps.from_at,
            caps.until_at.isnull() | (then < caps.until_at),
        ],
    )
    # A cap that is not there binds nothing: the other one is the lower.
    own, given = bound.cap_minor.coalesce(bound.grant_cap), bound.grant_cap.coalesce(bound.cap_minor)
    bound = bound.mutate(cap_minor=ibis.least(own, given))
    return bound.filter(bound.cap_minor.notnull())


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a listing, with every sale above its cap."""
    for listing_id, group in groupby(rows, key=lambda row: row["listing_id"]):
        members = list(group)
        first, trades = members[0], [row for row in members if row["trade_id"] is not None]
        over = sum(row["price_minor"] - row["cap_minor"] * row["quantity"] for row in trades)
        times = [row["at"] for row in members if row["at"] is not None] or [context.as_of]
        yield tell(
            "PRICE_CAP",
            context,
            zh="涉嫌超过最高限价",
            en="suspected price above the cap",
            severity=Severity.HIGH,
            window=(min(times), max(times)),
            subjects=(first["org_id"],),
            objects=(listing_id, *named(row["trade_id"] for row in trades)),
            statistic={
                "cap_minor": str(first["cap_minor"]),
                "list_price_minor": next(
                    (minor(row["price_minor"]) for row in members if row["trade_id"] is None), None
                ),
                "trades": len(trades),
                "overcharge_minor": str(over),
                "highest_over_bp": max(_over_bp(row) for row in members),
                "public_data": first["public_data"],
                "grant_id": first["grant_id"],
            },
            evidence=(first["listing_seq"], *(row["seq"] for row in trades)),
            innocent=(
                because(
                    "another-unit",
                    "限价与成交的计价单位不同",
                    "the cap is for another unit than the contract counts",
                ),
                because(
                    "old-cap",
                    "签约时限价不同",
                    "another cap was in force when the contract was made",
                ),
                because(
                    "reached",
                    "刚好等于限价",
                    "the price is exactly the cap, which is allowed",
                    Checked.RULED_OUT,
                ),
            ),
        )


def _over_bp(row: Row) -> int:
    due = row["cap_minor"] * row["quantity"]
    return whole(Fraction(10_000 * (row["price_minor"] - due), due)) if due else 0


RULE = Rule(
    rule_id="PRICE_CAP",
    needs={
        "listings": ("listing_id", "seller_id", "cap_minor"),
        "trades": ("trade_id", "listing_id", "amount_minor", "quantity", "agreed_at"),
    },
    uses=("grant_caps",),
    expression=expression,
    findings=findings,
)
