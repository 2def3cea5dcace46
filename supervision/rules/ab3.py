"""AB3: a dominant undertaking refuses to deal, in words or by silence, while its own are served.

Buyers outside its group, none of them known not to qualify, that were refused, or left without an answer for
more than twenty working days; who bought from it after asking was served after all. Served beside them: an
affiliate, or one agent alone, by a sale or by an offer. What an operator makes of public data under a grant
is an input nobody else has: there fewer buyers are enough, and anyone served beside them.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final

import ibis

from base.calendar import add_working_days
from base.clock import SHANGHAI
from supervision.abuse import CITES, NEEDS, suspected
from supervision.brokerage import groups
from supervision.context import Context, Row, Rule, Tables, market_of
from supervision.dominance import dominant
from supervision.finding import Checked, Finding
from supervision.saying import because
from supervision.trades import counted_sales, moment

_OFFERED: Final = frozenset({"offered", "accepted", "granted"})


def expression(tables: Tables, context: Context) -> Any:
    """Requests to, and sales of, the presumed dominant in their markets, as `kind` tells."""
    by = dominant(tables, context).rename(seller_group="group")
    orgs = groups(tables)
    listings = tables["listings"]
    listings = listings.select(
        "listing_id",
        category=listings.category.fill_null(""),
        geo=listings.geo.fill_null(""),
        granted=listings.grant_id.notnull(),
    )
    listings = listings.semi_join(by, ["category", "geo"])
    asked = tables["requests"]
    asked = asked.filter(asked.asked_at <= moment(context), asked.buyer_qualified.fill_null(True))
    asked = asked.inner_join(listings, "listing_id")
    asked = asked.left_join(orgs.rename(s_org="org", s_group="group"), [("seller_id", "s_org")])
    asked = asked.left_join(orgs.rename(b_org="org", b_group="group"), [("buyer_id", "b_org")])
    asked = asked.mutate(
        seller_group=ibis.coalesce(asked.s_group, asked.seller_id),
        buyer_group=ibis.coalesce(asked.b_group, asked.buyer_id),
        outcome=asked.outcome.fill_null("").lower(),
        answered_at=ibis.ifelse(
            asked.answered_at <= moment(context), asked.answered_at, ibis.null("timestamp")
        ),
    )
    asked = asked.mutate(told=asked.buyer_qualified.notnull())
    names = ("category", "geo", "seller_group", "buyer_group", "seller_id", "buyer_id", "seq")
    requests = asked.select(
        *names,
        "answered_at",
        "outcome",
        "told",
        "granted",
        kind=ibis.literal("request"),
        id="request_id",
        at="asked_at",
    )
    sold = counted_sales(tables, context)
    sales = sold.select(
        *names,
        answered_at=ibis.null("timestamp"),
        outcome=ibis.literal(""),
        told=ibis.literal(value=True),
        granted=ibis.literal(value=False),
        kind=ibis.literal("sale"),
        id="trade_id",
        at="made_at",
    )
    both = ibis.union(requests, sales.select(*requests.columns), distinct=False)
    both = both.semi_join(by, ["category", "geo", "seller_group"])
    refused = requests.select("category", "geo", "seller_group").distinct()
    both = both.semi_join(refused, ["category", "geo", "seller_group"])
    return both.order_by("category", "geo", "seller_group", "at", "kind", "id")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a market and dominant undertaking: the widest window of refusals."""
    least = context.rules.whole("AB3", "buyers_from")
    fewer = context.rules.whole("AB3", "buyers_from_granted")
    within = timedelta(days=context.rules.whole("AB3", "within"))
    for _, group in groupby(rows, key=lambda row: (row["category"], row["geo"], row["seller_group"])):
        members = list(group)
        sales = [row for row in members if row["kind"] == "sale"]
        refused = [row for row in members if _refused(row, context) and not _served(row, sales)]
        together, granted = _most(refused, within), False
        if _buyers(together) < least:
            together, granted = _most([row for row in refused if row["granted"]], within), True
            if _buyers(together) < fewer:
                continue
        served = [*sales, *(row for row in members if row["outcome"] in _OFFERED)]
        affiliates = {row["buyer_id"] for row in served if row["buyer_group"] == row["seller_group"]}
        late = {row["id"] for row in together}
        strangers = {
            row["buyer_group"]
            for row in served
            if row["buyer_group"] != row["seller_group"] and row["id"] not in late
        }
        if affiliates or len(strangers) == 1 or (granted and strangers):
            yield _finding(together, affiliates, strangers, members, context)


def _buyers(rows: list[Row]) -> int:
    return len({row["buyer_group"] for row in rows})


def _refused(row: Row, context: Context) -> bool:
    if row["kind"] != "request" or row["buyer_group"] == row["seller_group"]:
        return False
    if row["outcome"] in {"refused", "lapsed"}:
        return True
    days = context.rules.whole("AB3", "silence_above")
    last = add_working_days(row["at"].astimezone(SHANGHAI).date(), days)
    answered: datetime = row["answered_at"] or context.as_of
    return answered.astimezone(SHANGHAI).date() > last


def _served(row: Row, sales: list[Row]) -> bool:
    return any(sale["buyer_group"] == row["buyer_group"] and sale["at"] >= row["at"] for sale in sales)


def _most(refused: list[Row], within: timedelta) -> list[Row]:
    """The refusals within the time that touch most buyers, the earliest such."""
    best: list[Row] = []
    for i, first in enumerate(refused):
        run = [row for row in refused[i:] if row["at"] - first["at"] <= within]
        if len({row["buyer_group"] for row in run}) > len({row["buyer_group"] for row in best}):
            best = run
    return best


def _finding(
    refused: list[Row], affiliates: set[str], strangers: set[str], members: list[Row], context: Context
) -> Finding:
    served = sorted(affiliates) if affiliates else sorted(strangers)
    qualified = {
        row["buyer_group"]
        for row in members
        if row["kind"] == "request" and refused[0]["at"] <= row["at"] <= refused[-1]["at"]
    }
    return suspected(
        "AB3",
        context,
        zh="拒绝交易",
        en="refusal to deal",
        market=market_of(refused[0]),
        window=(refused[0]["at"], refused[-1]["at"]),
        subjects=(row["seller_id"] for row in refused),
        objects=(row["id"] for row in refused),
        statistic={
            "buyers_refused": len({row["buyer_group"] for row in refused}),
            "refused": sum(row["outcome"] == "refused" for row in refused),
            "unanswered": sum(row["outcome"] != "refused" for row in refused),
            "asked": len(qualified),
            "served": served,
            "served_are": "affiliates" if affiliates else "one-agent" if len(strangers) == 1 else "others",
            "days": (refused[-1]["at"] - refused[0]["at"]).days,
        },
        evidence=(row["seq"] for row in refused),
        innocent=(
            because("capacity", "产能或安全原因", "capacity or security"),
            because("breach", "需方曾违约", "the buyers broke earlier contracts"),
            because(
                "unqualified",
                "需方不合格",
                "the buyers do not qualify",
                Checked.RULED_OUT if all(row["told"] for row in refused) else Checked.OPEN,
            ),
        ),
    )


RULE = Rule(
    rule_id="AB3",
    needs={
        **NEEDS,
        "requests": ("request_id", "listing_id", "seller_id", "buyer_id", "asked_at", "outcome"),
        "listings": ("listing_id", "category", "geo", "grant_id"),
    },
    uses=("flags",),
    cites=CITES,
    expression=expression,
    findings=findings,
)
