"""CO7: bids of several undertakings in one tender that came from one hand: one device, address, person.

`bid_traces` are digests of what a bid's envelope and papers tell of where they were made. Rivals that share
one in a tender (for an authorised operation, or for data) are asked about; whoever left the same trace on
the bids of very many undertakings is a service (a tender agency, a network's exit), and left out. Cover bids
among the same bidders are `CO2`'s, correlated ones `S12`'s, one file `CO6`'s.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import ibis

from supervision.brokerage import groups
from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Checked, Finding, Severity
from supervision.saying import because, tell
from supervision.trades import moment


def expression(tables: Tables, context: Context) -> Any:
    """The bids that share a trace with a bid of another undertaking in the same tender."""
    quotes = tables["quotes"].select("quote_id", "seller_id", "tender_id", "quoted_at", "seq")
    bids = tables["bids"]
    bids = bids.select(
        "seq", quote_id="bid_id", seller_id="bidder_id", tender_id="auction_id", quoted_at="committed_at"
    )
    quotes = ibis.union(quotes, bids.select(*quotes.columns), distinct=False)
    quotes = quotes.filter(quotes.tender_id.nullif("").notnull(), quotes.quoted_at <= moment(context))
    quotes = quotes.left_join(groups(tables), [("seller_id", "org")]).drop("org")
    quotes = quotes.mutate(seller_group=ibis.coalesce(quotes.group, quotes.seller_id))
    traces = tables["bid_traces"].select("quote_id", "kind", "value_sha256", trace_seq="seq")
    traces = traces.filter(traces.value_sha256.nullif("").notnull())
    left = traces.mutate(kind=traces.kind.fill_null("").lower()).inner_join(quotes, "quote_id")
    trace = ("kind", "value_sha256")
    known = left.group_by(*trace).agg(everywhere=left.seller_group.nunique())
    known = known.filter(known.everywhere < context.rules.whole("CO7", "service_from"))
    shared = left.group_by("tender_id", *trace).agg(undertakings=left.seller_group.nunique())
    shared = shared.filter(shared.undertakings >= context.rules.whole("CO7", "undertakings_from"))
    found = left.semi_join(known, list(trace)).semi_join(shared, ["tender_id", *trace])
    return found.order_by("tender_id", *trace, "quoted_at", "quote_id")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a tender, with every trace that was shared in it."""
    for tender_id, group in groupby(rows, key=lambda row: row["tender_id"]):
        bids = list(group)
        times = [row["quoted_at"] for row in bids]
        traces = sorted({(row["kind"], row["value_sha256"]) for row in bids})
        yield tell(
            "CO7",
            context,
            zh="涉嫌串通投标（不同投标人报价痕迹相同，线索）",
            en="suspected collusive bids: one hand left its trace on rivals' bids; a clue only",
            screen=True,
            severity=Severity.HIGH,
            window=(min(times), max(times)),
            subjects=(row["seller_id"] for row in bids),
            objects=(tender_id, *(row["quote_id"] for row in bids)),
            statistic={
                "traces": [{"kind": kind, "value_sha256": value} for kind, value in traces],
                "undertakings": len({row["seller_group"] for row in bids}),
            },
            evidence=(number for row in bids for number in (row["seq"], row["trace_seq"])),
            innocent=(
                because("shared-office", "共用办公场所或网络", "one office or network"),
                because("consortium", "公开的联合体投标", "a consortium that bids openly"),
                because("service", "代理机构或公用出口", "an agency or a common exit", Checked.RULED_OUT),
                because(
                    "one-undertaking", "受同一控制", "the bidders are one undertaking", Checked.RULED_OUT
                ),
            ),
        )


RULE = Rule(
    rule_id="CO7",
    needs={
        "quotes": ("quote_id", "seller_id", "tender_id", "quoted_at"),
        "bid_traces": ("quote_id", "kind", "value_sha256"),
    },
    uses=("orgs", "bids"),
    expression=expression,
    findings=findings,
)
