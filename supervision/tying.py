"""What a dominant undertaking never sells alone: the table expression behind AB5's second kind.

A basket is what one buyer bought of one seller on one day (Shanghai). `wanted` is bound to `tied` where
nearly all baskets with the one hold the other too. How usual baskets of several products are in the market
is what the rivals' baskets say: without some of those nothing says what is usual, and nothing is told.
"""

from typing import Any, Final

import ibis

from supervision.abuse import dominants_sales, rivals_sales
from supervision.context import Context, Tables

OWN: Final = ("category", "geo", "seller_group")
_BASKET: Final = (*OWN, "buyer_group", "day")


def tied_sales(tables: Tables, context: Context, sold: Any) -> Any:
    """The dominant's sales of what it hardly sells alone, beside the pair they are of.

    Columns: those of a sale, `wanted`, `tied`, `baskets` with the wanted, `both`, `buyers`, and of the
    rivals `others` (baskets) and `several` (those of several products); `pairs` were looked at.
    """
    rules = context.rules
    share = rules.fraction("AB5", "tied_share")
    own = _dated(dominants_sales(tables, context, sold))
    items = own.select(*_BASKET, "of_product").distinct()
    wanted = items.group_by(*OWN, "of_product").agg(baskets=items.count(), buyers=items.buyer_group.nunique())
    wanted = wanted.filter(
        wanted.baskets >= rules.whole("AB5", "baskets_from"),
        wanted.buyers >= rules.whole("AB5", "buyers_from"),
    ).rename(wanted="of_product")
    beside = items.rename(tied="of_product")
    pairs = items.inner_join(beside, list(_BASKET))
    pairs = pairs.filter(pairs.of_product != pairs.tied)
    pairs = pairs.group_by(*OWN, "tied", wanted=pairs.of_product).agg(both=pairs.count())
    pairs = pairs.inner_join(wanted, [*OWN, "wanted"])
    pairs = pairs.mutate(pairs=pairs.count().over(group_by=OWN))
    pairs = pairs.filter(pairs.both * share.denominator >= pairs.baskets * share.numerator)
    others = _baskets_of_rivals(tables, context, sold)
    pairs = pairs.left_join(others, list(OWN)).drop(*(f"{name}_right" for name in OWN))
    pairs = pairs.mutate(others=pairs.others.fill_null(0), several=pairs.several.fill_null(0))
    pairs = pairs.filter(pairs.others >= rules.whole("AB5", "orders_from"))
    of_wanted = own.mutate(wanted=own.of_product)
    return of_wanted.inner_join(pairs, [*OWN, "wanted"])


def _baskets_of_rivals(tables: Tables, context: Context, sold: Any) -> Any:
    rivals = _dated(rivals_sales(tables, context, sold))
    baskets = rivals.group_by("category", "geo", "of_group", "seller_group", "buyer_group", "day").agg(
        products=rivals.of_product.nunique()
    )
    return baskets.group_by("category", "geo", seller_group=baskets.of_group).agg(
        others=baskets.count(), several=(baskets.products > 1).sum().cast("int64")
    )


def _dated(sold: Any) -> Any:
    sold = sold.mutate(
        of_product=ibis.coalesce(sold.product_id, sold.listing_id),
        day=(sold.made_at + ibis.interval(hours=8)).strftime("%Y-%m-%d"),
    )
    return sold.filter(sold.of_product.notnull())
