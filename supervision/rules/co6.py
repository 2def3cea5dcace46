"""CO6: a hub hands one file to rivals: the same bytes in bids of several undertakings in one tender.

What BR8 says of a broker, this says of the bids; the buyer's own paper is an open explanation.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import ibis

from supervision.brokerage import groups
from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Checked, Finding, named
from supervision.saying import because, tell
from supervision.trades import moment


def expression(tables: Tables, context: Context) -> Any:
    """The quotes that share a file with a quote of another undertaking in the same tender."""
    quotes = tables["quotes"].select(
        "quote_id", "seller_id", "broker_id", "tender_id", "quoted_at", "attachment_sha256", "seq"
    )
    quotes = quotes.mutate(attachment_sha256=quotes.attachment_sha256.lower())  # hex in either case
    quotes = quotes.filter(
        quotes.attachment_sha256.nullif("").notnull(),
        quotes.tender_id.nullif("").notnull(),
        quotes.quoted_at <= moment(context),
    )
    quotes = quotes.left_join(groups(tables), [("seller_id", "org")]).drop("org")
    quotes = quotes.mutate(seller_group=ibis.coalesce(quotes.group, quotes.seller_id))
    cell = ("tender_id", "attachment_sha256")
    shared = quotes.group_by(*cell).agg(undertakings=quotes.seller_group.nunique())
    shared = shared.filter(shared.undertakings > 1)
    return quotes.semi_join(shared, list(cell)).order_by(*cell, "quoted_at", "quote_id")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding for each tender and file."""
    for (tender_id, file), group in groupby(
        rows, key=lambda row: (row["tender_id"], row["attachment_sha256"])
    ):
        quotes = list(group)
        yield tell(
            "CO6",
            context,
            zh="涉嫌轴辐协议（竞争者报价附有同一文件，线索）",
            en="suspected hub and spokes: rivals' bids carry one file; a clue only",
            screen=True,
            window=(quotes[0]["quoted_at"], quotes[-1]["quoted_at"]),
            subjects=(org for row in quotes for org in (row["seller_id"], row["broker_id"])),
            objects=(tender_id, *(row["quote_id"] for row in quotes)),
            statistic={
                "attachment_sha256": file,
                "undertakings": len({row["seller_group"] for row in quotes}),
                "brokers": list(named(row["broker_id"] for row in quotes)),
            },
            evidence=(row["seq"] for row in quotes),
            innocent=(
                because("public-paper", "公开的招标文件或表格", "a public tender paper or form"),
                because(
                    "one-undertaking",
                    "报价方受同一控制",
                    "the sellers are one undertaking",
                    Checked.RULED_OUT,
                ),
            ),
        )


RULE = Rule(
    rule_id="CO6",
    needs={"quotes": ("quote_id", "seller_id", "tender_id", "quoted_at", "attachment_sha256")},
    uses=("orgs",),
    expression=expression,
    findings=findings,
)
