"""UC3: a listing nearly the same as another undertaking's earlier one, and not made from it.

`sketches` hold a listing's MinHash: the least value of each of k hash functions over its sample, in their
order. Of two sketches of one length the share of equal places estimates how much of the samples is the same;
from nine tenths on (exactly) the later is found, unless `lineage` derives it, or the earlier is public.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from supervision.context import Context, Row, Rule, Tables, market_of
from supervision.derivation import made_from, offers
from supervision.finding import Checked, Finding
from supervision.saying import because, tell
from supervision.shares import whole
from supervision.trades import moment


def expression(tables: Tables, context: Context) -> Any:
    """Pairs of listings of different groups whose sketches are equal in so many places."""
    near = context.rules.fraction("UC3", "similar_from")
    sketches = tables["sketches"].select("listing_id", "minhash", sketch_seq="seq")
    sketches = sketches.mutate(places=sketches.minhash.length())
    offered = offers(tables)
    offered = offered.filter(offered.listed_at <= moment(context))
    known = sketches.inner_join(offered, "listing_id")
    places = known.select("listing_id", "seller_group", "places", "minhash")
    places = places.unnest("minhash", offset="place").filter(lambda t: t.minhash.notnull())
    other = places.select(
        other_id="listing_id",
        other_group="seller_group",
        other_places="places",
        minhash="minhash",
        place="place",
    )
    pairs = places.inner_join(other, ["minhash", "place"])
    pairs = pairs.filter(
        pairs.listing_id != pairs.other_id,
        pairs.seller_group != pairs.other_group,
        pairs.places == pairs.other_places,
    )
    alike = pairs.group_by("listing_id", "other_id", "places").agg(equal=pairs.count())
    alike = alike.filter(alike.equal * near.denominator >= alike.places * near.numerator)
    details = known.drop("minhash", "places")
    first = details.select(
        other_id="listing_id",
        other_product="product_id",
        other_seller="seller_id",
        other_public="public_data",
        other_at="listed_at",
        other_seq="seq",
    )
    alike = alike.inner_join(details, "listing_id").inner_join(first, "other_id")
    later = (alike.other_at < alike.listed_at) | (
        (alike.other_at == alike.listed_at) & (alike.other_id < alike.listing_id)
    )
    alike = alike.filter(later, ~alike.other_public)
    alike = alike.anti_join(made_from(tables), [("product_id", "made"), ("other_product", "source")])
    return alike.order_by("listing_id", "other_id")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a pair."""
    for row in rows:
        yield tell(
            "UC3",
            context,
            zh="涉嫌近似重复挂牌（线索）",
            en="suspected near-duplicate of another's listing, a clue only",
            screen=True,
            market=market_of(row),
            window=(row["other_at"], row["listed_at"]),
            subjects=(row["seller_id"],),
            objects=(row["listing_id"], row["other_id"]),
            statistic={
                "equal_places": row["equal"],
                "places": row["places"],
                "similarity_bp": whole(Fraction(10_000 * row["equal"], row["places"])),
                "earlier_seller": row["other_seller"],
            },
            evidence=(row["seq"], row["other_seq"], row["sketch_seq"]),
            innocent=(
                because("open-data", "均来自合法开放数据", "both come from lawful open data"),
                because("derived", "已声明来源", "a source that was declared", Checked.RULED_OUT),
                because("standard", "标准代码表等必然相同", "a code table that has to be the same"),
            ),
        )


RULE = Rule(
    rule_id="UC3",
    needs={
        "sketches": ("listing_id", "minhash"),
        "listings": ("listing_id", "product_id", "seller_id", "listed_at"),
    },
    uses=("orgs", "lineage"),
    expression=expression,
    findings=findings,
)
