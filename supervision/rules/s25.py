"""S25: a break in a product's origin: made from another's product without having bought it, or not for that.

For each step of `lineage` whose source another group offers on this market (public data apart): the maker's
group had a contract for the source, not undone, before the product was first offered; and one of those
contracts has a licence class that does not keep the data in the house. An unknown class is taken
as allowing it. Near-duplicates under another owner are `UC3`'s and `UC2`'s.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

import ibis

from supervision.context import Context, Row, Rule, Tables, market_of
from supervision.derivation import offers
from supervision.finding import Checked, Finding, Severity
from supervision.saying import because, tell
from supervision.trades import UNDONE, made, moment

_KEEPS_IN_HOUSE: Final = ("internal", "own-use", "own_use", "evaluation", "trial", "内部", "自用", "试用")


def expression(tables: Tables, context: Context) -> Any:
    """Each product with a strange source that was not bought, or bought for the house alone."""
    offered = offers(tables)
    offered = offered.filter(offered.listed_at <= moment(context))
    place = ibis.row_number().over(
        group_by="product_id", order_by=[offered.listed_at.asc(), offered.listing_id.asc()]
    )
    first = offered.mutate(place=place).filter(lambda t: t.place == 0)
    public = offered.filter(offered.public_data).select("product_id").distinct()
    owners = offered.select("product_id", owner_group="seller_group").distinct()
    lineage = tables["lineage"].select(made="product_id", source="source_product_id", line_seq="seq")
    steps = lineage.filter(lineage.made != lineage.source).inner_join(first, [("made", "product_id")])
    known = offered.select(source="product_id", source_seller="seller_id").group_by("source")
    steps = steps.inner_join(known.agg(source_seller=lambda t: t.source_seller.min()), "source")
    steps = steps.anti_join(public, [("source", "product_id")])
    steps = steps.anti_join(owners, [("source", "product_id"), ("seller_group", "owner_group")])
    bought = made(tables, context, without=UNDONE)
    licence = bought.licence_class.fill_null("").lower()
    house = ibis.or_(*(licence.contains(word) for word in _KEEPS_IN_HOUSE))
    bought = bought.select(bought_product="product_id", by="buyer_group", bought_at="made_at", house=house)
    had = steps.select("made", "source", "seller_group", "listed_at").inner_join(
        bought, [("source", "bought_product"), ("seller_group", "by")]
    )
    had = had.filter(had.bought_at <= had.listed_at)
    had = had.group_by("made", "source").agg(contracts=had.count(), free=(~had.house).sum().cast("int64"))
    steps = steps.left_join(had, ["made", "source"]).drop("made_right", "source_right")
    steps = steps.filter(steps.free.fill_null(0) == 0)
    steps = steps.mutate(contracts=steps.contracts.fill_null(0))
    return steps.drop("place", "free").order_by("made", "source", "line_seq")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a product and source."""
    for (made_, source), group in groupby(rows, key=lambda row: (row["made"], row["source"])):
        members = list(group)
        row = members[0]
        yield tell(
            "S25",
            context,
            zh="涉嫌来源链断裂（加工产品缺少来源授权）",
            en="suspected break of origin: made from another's product without a licence for it",
            severity=Severity.HIGH,
            market=market_of(row),
            window=(row["listed_at"], row["listed_at"]),
            subjects=(row["seller_id"],),
            objects=(row["listing_id"], made_, source),
            statistic={
                "kind": "licence-keeps-in-house" if row["contracts"] else "never-bought",
                "contracts": row["contracts"],
                "source_seller": row["source_seller"],
            },
            evidence=(row["seq"], *(one["line_seq"] for one in members)),
            innocent=(
                because("public", "公共数据", "public data", Checked.RULED_OUT),
                because("elsewhere", "在场外取得授权", "a licence got outside this market"),
            ),
        )


RULE = Rule(
    rule_id="S25",
    needs={
        "lineage": ("product_id", "source_product_id"),
        "listings": ("listing_id", "product_id", "seller_id", "listed_at"),
        "trades": ("trade_id", "product_id", "buyer_id", "licence_class", "agreed_at"),
    },
    uses=("orgs",),
    expression=expression,
    findings=findings,
)
