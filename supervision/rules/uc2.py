"""UC2: the mark of one undertaking's product is found in what another offers, which was not made from it.

`watermarks` say which product carries a mark, `mark_hits` in which listing's data it was found. A listing of
the owner's own group, or of a product that `lineage` derives from the marked one (licensed? `S25` asks)
is none of this rule's business.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from supervision.context import Context, Row, Rule, Tables, market_of
from supervision.derivation import made_from, offers
from supervision.finding import Checked, Finding, Severity
from supervision.saying import because, tell
from supervision.trades import moment


def expression(tables: Tables, context: Context) -> Any:
    """Every mark found in a stranger's listing, with whose product it marks."""
    offered = offers(tables)
    owners = offered.select("product_id", owner_id="seller_id", owner_group="seller_group").distinct()
    marks = tables["watermarks"].select("mark_sha256", marked="product_id", mark_seq="seq")
    hits = tables["mark_hits"].select("mark_sha256", "listing_id", "found_at", hit_seq="seq")
    hits = hits.filter(hits.found_at <= moment(context)).inner_join(marks, "mark_sha256")
    hits = hits.inner_join(offered, "listing_id")
    hits = hits.inner_join(owners.rename(of_product="product_id"), [("marked", "of_product")])
    own = hits.filter(hits.owner_group == hits.seller_group).select("listing_id", "marked").distinct()
    hits = hits.anti_join(own, ["listing_id", "marked"])
    hits = hits.anti_join(made_from(tables), [("product_id", "made"), ("marked", "source")])
    hits = hits.select(
        *("listing_id", "marked", "mark_sha256", "found_at", "mark_seq", "hit_seq", "product_id"),
        *("seller_id", "owner_id", "category", "geo", "seq"),
    )
    return hits.order_by("listing_id", "marked", "found_at", "mark_sha256", "owner_id")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a listing and marked product."""
    for (listing_id, marked), group in groupby(rows, key=lambda row: (row["listing_id"], row["marked"])):
        hits = list(group)
        yield tell(
            "UC2",
            context,
            zh="涉嫌不正当获取他人数据（发现他人产品水印）",
            en="suspected improper use of another's data: its mark was found",
            severity=Severity.HIGH,
            market=market_of(hits[0]),
            window=(hits[0]["found_at"], hits[-1]["found_at"]),
            subjects=(hits[0]["seller_id"],),
            objects=(listing_id, marked),
            statistic={
                "marks": sorted({row["mark_sha256"] for row in hits}),
                "product_id": hits[0]["product_id"],
                "owners": sorted({row["owner_id"] for row in hits}),
            },
            evidence=(number for row in hits for number in (row["seq"], row["mark_seq"], row["hit_seq"])),
            innocent=(
                because("licensed", "已声明来源", "a source that was declared", Checked.RULED_OUT),
                because("common-source", "双方均取自同一公开来源", "both took it from one open source"),
            ),
        )


RULE = Rule(
    rule_id="UC2",
    needs={
        "watermarks": ("mark_sha256", "product_id"),
        "mark_hits": ("mark_sha256", "listing_id", "found_at"),
        "listings": ("listing_id", "product_id", "seller_id"),
    },
    uses=("orgs", "lineage"),
    expression=expression,
    findings=findings,
)
