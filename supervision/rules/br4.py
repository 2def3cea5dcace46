"""BR4: a broker with an interest in a party of the trade it mediates that was not consented to in writing.

An interest is a share of 5 % and more, either way, or one ultimate controller. Shares are added up over the
holder's whole group, with what it holds through others. A trade is in order where every client whose mandate
covers it consented in it, or where both parties have consented to the share, each in its mandate or, once it
was disclosed, in the trade.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

import ibis

from base.clock import rfc3339
from supervision.brokerage import covering, mediated, on_trade
from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Checked, Explanation, Finding, Words
from supervision.holdings import held_by_groups

INTERESTS: Final = "interests_of_brokers"
"""What `interests_of_brokers` is kept as, where it is kept (`supervision.kept`)."""
_ORDER: Final = ("trade_id", "party_id", "kind")
_CONTROL: Final = "common-control"
_PARTIES: Final = 2


def expression(tables: Tables, context: Context) -> Any:
    """The trades with an interest nobody consented to, one row for each interest."""
    trades = mediated(tables, context)
    interests = interests_of_brokers(tables, context)
    mandates = covering(tables, trades.semi_join(interests, "trade_id"))
    spoken = mandates.group_by("trade_id").agg(
        said=mandates.conflict_disclosed.fill_null(False).cast("int64").min(),
        unknown=mandates.erased.cast("int64").max(),
        mandate_seq=mandates.mandate_seq.min(),
    )
    interests = interests.left_join(spoken, "trade_id").drop("trade_id_right")
    silent = (interests.said.fill_null(0) == 0) & (interests.unknown.fill_null(0) == 0)
    agreed = _agreed(tables, interests, mandates)
    return interests.filter(silent).anti_join(agreed, _ORDER).order_by(*_ORDER)


def interests_of_brokers(tables: Tables, context: Context) -> Any:
    """The mediated trades with each interest of the broker in a party, or of a party in it."""
    if INTERESTS in tables:
        return tables[INTERESTS]
    trades = mediated(tables, context)
    held = _held(tables, context)
    own = held.select(holder="holder_group", held="held_id", held_bp="share_bp")
    found = []
    for side in ("seller", "buyer"):
        parties = trades.mutate(party_id=trades[f"{side}_id"], party_group=trades[f"{side}_group"])
        controlled = parties.filter(parties.party_group == parties.broker_group)
        holding = parties.inner_join(own, [("broker_group", "holder"), ("party_id", "held")])
        being_held = parties.inner_join(own, [("party_group", "holder"), ("broker_id", "held")])
        found += [
            controlled.mutate(kind=ibis.literal(_CONTROL), held_bp=ibis.null("int64")),
            holding.mutate(kind=ibis.literal("broker-holds-party")).drop("holder", "held"),
            being_held.mutate(kind=ibis.literal("party-holds-broker")).drop("holder", "held"),
        ]
    return ibis.union(*found, distinct=True)


def _agreed(tables: Tables, interests: Any, mandates: Any) -> Any:
    """The shares to which both parties of the trade had consented when it was made."""
    shares = interests.filter(interests.kind != _CONTROL)
    mandated = mandates.filter(mandates.conflict_disclosed).select("trade_id", by="client_id")
    consents = tables["conflict_consents"]
    consents = consents.filter(consents.kind == "OWNERSHIP")
    consents = consents.select(
        "trade_id", of_broker="broker_id", interest_in="party_id", by="org_id", consented_at="at"
    )
    written = shares.inner_join(
        consents,
        [("trade_id", "trade_id"), ("broker_id", "of_broker"), ("party_id", "interest_in")],
    )
    written = written.filter(written.consented_at <= written.made_at)
    told = [
        one.filter((one.by == one.seller_id) | (one.by == one.buyer_id)).select(*_ORDER, "by")
        for one in (written, shares.inner_join(mandated, "trade_id"))
    ]
    both = ibis.union(*told, distinct=True).group_by(_ORDER).agg(parties=lambda t: t.by.nunique())
    return both.filter(both.parties == _PARTIES)


def _held(tables: Tables, context: Context) -> Any:
    """What each group holds of each organisation, straight or through others, from the limit on."""
    limit_bp = context.rules.whole("BR4", "ownership")
    held = held_by_groups(tables, context)
    # millionths, rounded half up: a share of exactly 5 % counts however it is written
    held = held.mutate(total=(held.parts / 1_000).round().cast("int64"))
    held = held.filter(held.total >= limit_bp * 100)
    return held.select("holder_group", "held_id", share_bp=(held.total / 100).floor().cast("int64"))


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a trade, with every interest."""
    for _, members in groupby(rows, key=lambda row: row["trade_id"]):
        yield _finding(list(members), context)


def _finding(rows: list[Row], context: Context) -> Finding:
    trade = rows[0]
    return on_trade(
        "BR4",
        trade,
        context,
        says=Words(zh="涉嫌未披露利益冲突", en="suspected undisclosed conflict of interest"),
        subjects=[row["party_id"] for row in rows],
        statistic={
            "broker_id": trade["broker_id"],
            "interests": [
                {"party_id": row["party_id"], "kind": row["kind"], "share_bp": row["held_bp"]} for row in rows
            ],
            "made_at": rfc3339(trade["made_at"]),
        },
        evidence=(trade["mandate_seq"],),
        innocent=(
            Explanation(
                "consented",
                Words(zh="已书面同意", en="the parties consented in writing"),
                Checked.RULED_OUT,
            ),
            Explanation(
                "holding-came-later",
                Words(zh="持股形成于交易之后", en="the share was acquired after the trade"),
                Checked.OPEN,  # the table of holdings has no dates
            ),
        ),
    )


RULE = Rule(
    rule_id="BR4",
    needs={
        "trades": ("trade_id", "seller_id", "buyer_id", "broker_id", "agreed_at"),
        "orgs": ("org_id", "controller_id"),
        "mandates": ("mandate_id", "broker_id", "client_id", "signed_at", "ends_at", "conflict_disclosed"),
    },
    uses=("holdings", "conflict_consents"),
    expression=expression,
    findings=findings,
)
