"""Who offers a product, and what it was made from: what the rules of origin share (UC2, UC3, S25)."""

from typing import Any, Final

import ibis

from supervision.brokerage import groups
from supervision.context import Tables

STEPS: Final = 3
"""A product counts as made from another through so many steps of the table `lineage`."""


def offers(tables: Tables) -> Any:
    """Listings with a product, its seller's group, and when it was first offered; `product_id` may repeat."""
    listings = tables["listings"].select(
        "listing_id", "product_id", "seller_id", "category", "geo", "public_data", "listed_at", "seq"
    )
    listings = listings.filter(listings.product_id.nullif("").notnull())
    listings = listings.left_join(groups(tables), [("seller_id", "org")]).drop("org")
    return listings.mutate(
        seller_group=ibis.coalesce(listings.group, listings.seller_id),
        category=listings.category.fill_null(""),
        geo=listings.geo.fill_null(""),
        public_data=listings.public_data.fill_null(False),
    ).drop("group")


def made_from(tables: Tables) -> Any:
    """Pairs `made`, `source`: a product and each product it was made from, within `STEPS` steps."""
    lineage = tables["lineage"].select(made="product_id", source="source_product_id")
    step = lineage.filter(lineage.made != lineage.source).distinct()
    reached, last = [step], step
    for _ in range(STEPS - 1):
        onward = step.select(between="made", origin="source")
        last = last.inner_join(onward, [("source", "between")]).select("made", source="origin").distinct()
        reached.append(last)
    return ibis.union(*reached, distinct=True)
