"""REDEV: an operating institution, or its house, offers what was made from its own delivered product.

The operator of public data processes it into products; who develops these further is another (实施规范 Art
14, 21; two-level market). `grant_products` say what is the operator's own; a listing of its group that was
made from one, within the steps of `supervision.derivation`, and is no product of that grant, is told.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import ibis

from supervision.brokerage import groups
from supervision.context import Context, Row, Rule, Tables, market_of
from supervision.derivation import made_from, offers
from supervision.finding import Checked, Finding, Severity
from supervision.saying import because, tell
from supervision.trades import moment


def expression(tables: Tables, context: Context) -> Any:
    """The listings of an operator's group that were made from a product of its grant."""
    grants = tables["grants"].select("grant_id", "operator_id")
    grants = grants.left_join(groups(tables), [("operator_id", "org")]).drop("org")
    grants = grants.mutate(operator_group=ibis.coalesce(grants.group, grants.operator_id)).drop("group")
    products = tables["grant_products"].select("grant_id", source="product_id", product_seq="seq")
    granted = products.select(granted="source", of_grant="grant_id")
    operated = products.inner_join(grants, "grant_id").select(
        "grant_id", "operator_id", "operator_group", "source", "product_seq"
    )
    offered = offers(tables)
    offered = offered.filter(offered.listed_at <= moment(context))
    found = offered.inner_join(made_from(tables), [("product_id", "made")]).drop("made")
    found = found.inner_join(operated, [("source", "source"), ("seller_group", "operator_group")])
    found = found.anti_join(granted, [("product_id", "granted"), ("grant_id", "of_grant")])
    return found.select(
        *("grant_id", "listing_id", "product_id", "source", "seller_id", "operator_id"),
        *("category", "geo", "listed_at", "seq", "product_seq"),
    ).order_by("grant_id", "listing_id", "source")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a grant and listing."""
    for (grant_id, listing_id), group in groupby(rows, key=lambda row: (row["grant_id"], row["listing_id"])):
        made = list(group)
        first = made[0]
        yield tell(
            "REDEV",
            context,
            zh="涉嫌对自身交付的公共数据产品再开发",
            en="suspected re-development of the operator's own delivered product",
            severity=Severity.HIGH,
            market=market_of(first),
            window=(first["listed_at"], first["listed_at"]),
            subjects=(first["seller_id"], first["operator_id"]),
            objects=(grant_id, listing_id, first["product_id"]),
            statistic={"made_from": sorted({row["source"] for row in made})},
            evidence=(number for row in made for number in (row["seq"], row["product_seq"])),
            innocent=(
                because("granted", "该产品已列入授权", "a product of the grant", Checked.RULED_OUT),
                because("lineage-wrong", "来源声明有误", "what it was made from was declared wrongly"),
            ),
        )


RULE = Rule(
    rule_id="REDEV",
    needs={
        "grant_products": ("grant_id", "product_id"),
        "grants": ("grant_id", "operator_id"),
        "lineage": ("product_id", "source_product_id"),
        "listings": ("listing_id", "product_id", "seller_id", "listed_at"),
    },
    uses=("orgs",),
    expression=expression,
    findings=findings,
)
