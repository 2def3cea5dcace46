"""BR8: one file in the quotes of several undertakings through one broker (detector CO6).

The same bytes attached to the quotes of sellers that are apart, by the broker they share, are what a hub
that hands one client's prices to another leaves behind. That it was a price file is for a person to see.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

import ibis

from supervision.brokerage import groups
from supervision.context import Context, Row, Rule, Tables
from supervision.finding import (
    Checked,
    Confidence,
    Explanation,
    Finding,
    Severity,
    Window,
    Words,
    named,
    seqs,
)
from supervision.trades import moment

_ORDER: Final = ("broker_id", "attachment_sha256", "quoted_at", "quote_id")


def expression(tables: Tables, context: Context) -> Any:
    """The quotes that share a file and a broker with a quote of another undertaking."""
    quotes = tables["quotes"]
    quotes = quotes.mutate(attachment_sha256=quotes.attachment_sha256.lower())  # hex in either case
    quotes = quotes.mutate(file=quotes.attachment_sha256.nullif(""), by=quotes.broker_id.nullif(""))
    quotes = quotes.filter(quotes.file.notnull(), quotes.by.notnull(), quotes.quoted_at <= moment(context))
    quotes = quotes.left_join(groups(tables), [("seller_id", "org")])
    quotes = quotes.mutate(seller_group=ibis.coalesce(quotes.group, quotes.seller_id))
    shared = quotes.group_by("by", "file").agg(undertakings=quotes.seller_group.nunique())
    shared = shared.filter(shared.undertakings > 1)
    return quotes.semi_join(shared, ["by", "file"]).order_by(*_ORDER)


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding for each broker and file."""
    for (broker_id, file), members in groupby(
        rows, key=lambda row: (row["broker_id"], row["attachment_sha256"])
    ):
        quotes = list(members)
        sellers = named(row["seller_id"] for row in quotes)
        yield Finding(
            rule_id="BR8",
            rule_version=context.rules.version("BR8"),
            severity=Severity.HIGH,
            says=Words(
                zh="涉嫌在委托人之间传递未公开价格",
                en="suspected sharing of one client's confidential price with another",
            ),
            market=None,
            subjects=named((broker_id, *sellers)),
            objects=tuple(sorted(row["quote_id"] for row in quotes)),
            statistic={"detector": "CO6", "attachment_sha256": file, "sellers": list(sellers)},
            threshold=context.rules.threshold("BR8"),
            legal_basis=context.rules.legal_basis("BR8"),
            confidence=Confidence.HIGH,
            window=Window(quotes[0]["quoted_at"], quotes[-1]["quoted_at"]),
            evidence_seqs=seqs(row["seq"] for row in quotes),
            innocent_explanations=(
                Explanation(
                    "one-undertaking",
                    Words(zh="报价方受同一控制", en="the sellers are one undertaking"),
                    Checked.RULED_OUT,
                ),
                Explanation(
                    "public-paper",
                    Words(zh="公开的招标文件或表格", en="a public tender paper or form"),
                    Checked.OPEN,
                ),
            ),
        )


RULE = Rule(
    rule_id="BR8",
    needs={"quotes": ("quote_id", "seller_id", "broker_id", "quoted_at", "attachment_sha256")},
    uses=("orgs",),
    expression=expression,
    findings=findings,
)
