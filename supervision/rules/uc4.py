"""UC4: a rival's text runs another down in words that state a fact (AUCL Art 12, business disparagement).

`texts` are public: comments, comparisons, announcements. Read are those about an organisation (or its
listing) by a group that sells in one of its categories. Words of a fixed list count, unless the same clause
denies them; whether what is said is true, people find out. A screen.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

import ibis

from supervision.brokerage import groups
from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Finding
from supervision.saying import because, tell
from supervision.trades import moment

_WORDS: Final = re.compile(
    r"(骗子|骗局|诈骗|假数据|数据造假|造假|伪造|盗版|盗取|窃取|抄袭|非法数据|来源非法|跑路|垃圾数据|别买|不要买"
    r"|\b(?:fake|fraud(?:ulent)?|scam|stolen|counterfeit|pirated|worthless)\b"
    r"|\b(?:illegally obtained|do not buy|don't buy)\b)",
    re.IGNORECASE,
)
_DENIED: Final = re.compile(
    r"(?:不是|并非|没有|从未|绝无|未发现|\bnot\b|\bno\b|\bnever\b|n't\b)[^,;.。，；！!?？]{0,12}$",
    re.IGNORECASE,
)


def expression(tables: Tables, context: Context) -> Any:
    """The texts by groups that sell in a category of whom they are about."""
    known = groups(tables)
    listings = tables["listings"].select("listing_id", "seller_id", "category")
    listings = listings.left_join(known, [("seller_id", "org")]).drop("org")
    listings = listings.select(
        "listing_id", "category", selling=ibis.coalesce(listings.group, listings.seller_id)
    )
    selling = listings.select("selling", "category").distinct()
    of_listing = listings.select("listing_id", target="selling")
    texts = tables["texts"].filter(tables["texts"].written_at <= moment(context))
    texts = texts.left_join(known.rename(by="org", by_group="group"), [("author_id", "by")]).drop("by")
    texts = texts.left_join(known.rename(on="org", on_group="group"), [("about_id", "on")]).drop("on")
    texts = texts.left_join(of_listing, [("about_id", "listing_id")]).drop("listing_id")
    texts = texts.mutate(
        author_group=ibis.coalesce(texts.by_group, texts.author_id),
        about_group=ibis.coalesce(texts.target, texts.on_group, texts.about_id),
    )
    texts = texts.filter(texts.author_group != texts.about_group, texts.text.notnull())
    rivals = texts.inner_join(selling, [("author_group", "selling")]).drop("selling")
    rivals = rivals.semi_join(selling.rename(of="selling"), [("about_group", "of"), "category"])
    rivals = rivals.group_by(
        "text_id", "author_id", "about_id", "about_group", "text", "written_at", "seq"
    ).agg(category=rivals.category.min())
    return rivals.order_by("text_id")


def claims(text: str) -> list[str]:
    """The words of the list that the text states and does not deny."""
    return sorted(
        {found[0].lower() for found in _WORDS.finditer(text) if not _DENIED.search(text[: found.start()])}
    )


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a text."""
    least = context.rules.whole("UC4", "claims_from")
    for row in rows:
        said = claims(row["text"])
        if len(said) < least:
            continue
        yield tell(
            "UC4",
            context,
            zh="涉嫌商业诋毁（竞争者言论，线索）",
            en="suspected disparagement by a rival, a clue only",
            screen=True,
            window=(row["written_at"], row["written_at"]),
            subjects=(row["author_id"],),
            objects=(row["text_id"], row["about_id"]),
            statistic={"words": said, "about": row["about_group"], "category": row["category"]},
            evidence=(row["seq"],),
            innocent=(
                because("true", "内容属实", "what is said is true"),
                because("quotation", "引用他人", "it quotes somebody else"),
            ),
        )


RULE = Rule(
    rule_id="UC4",
    needs={
        "texts": ("text_id", "author_id", "about_id", "text", "written_at"),
        "listings": ("listing_id", "seller_id", "category"),
    },
    uses=("orgs",),
    expression=expression,
    findings=findings,
)
