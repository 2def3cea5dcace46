"""WT7: fake reviews. The seller's own group praises the seller, or reviews come in a burst."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import groupby
from typing import Any

import ibis

from supervision.brokerage import groups
from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Checked, Finding
from supervision.saying import because, tell
from supervision.trades import moment


def expression(tables: Tables, context: Context) -> Any:
    """Reviews by listing and time, with the groups of the seller and of whoever wrote them."""
    reviews = tables["reviews"]
    reviews = reviews.filter(reviews.written_at <= moment(context))
    listings = tables["listings"].select("listing_id", "seller_id")
    orgs = groups(tables)
    reviews = reviews.inner_join(listings, "listing_id")
    reviews = reviews.left_join(orgs.rename(s_org="org", s_group="group"), [("seller_id", "s_org")])
    reviews = reviews.left_join(orgs.rename(r_org="org", r_group="group"), [("reviewer_id", "r_org")])
    reviews = reviews.mutate(
        own=ibis.coalesce(reviews.s_group, reviews.seller_id)
        == ibis.coalesce(reviews.r_group, reviews.reviewer_id)
    )
    return reviews.select(
        "review_id", "listing_id", "seller_id", "reviewer_id", "written_at", "own", "seq"
    ).order_by("listing_id", "written_at", "review_id")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding for a listing's own reviews, and one for each burst."""
    burst = context.rules.whole("WT7", "burst_from")
    within = timedelta(hours=context.rules.whole("WT7", "within"))
    for _, group in groupby(rows, key=lambda row: row["listing_id"]):
        members = list(group)
        own = [row for row in members if row["own"]]
        if own:
            yield _finding(own, "affiliate", context)
        for together in _bursts(members, burst, within):
            yield _finding(together, "burst", context)


def _bursts(members: list[Row], least: int, within: timedelta) -> Iterator[list[Row]]:
    """Reviews of which `least` in a row came within the time; overlapping runs are one."""
    flagged: set[int] = set()
    for i in range(len(members) - least + 1):
        if members[i + least - 1]["written_at"] - members[i]["written_at"] <= within:
            flagged.update(range(i, i + least))
    run: list[Row] = []
    for i, row in enumerate(members):
        if i in flagged:
            run.append(row)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _finding(rows: list[Row], kind: str, context: Context) -> Finding:
    return tell(
        "WT7",
        context,
        zh="涉嫌虚假评价",
        en="suspected fake reviews",
        window=(rows[0]["written_at"], rows[-1]["written_at"]),
        subjects=(rows[0]["seller_id"], *(row["reviewer_id"] for row in rows)),
        objects=(rows[0]["listing_id"], *(row["review_id"] for row in rows)),
        statistic={"kind": kind, "reviews": len(rows)},
        evidence=(row["seq"] for row in rows),
        innocent=(
            because(
                "own-use",
                "关联方真实使用后评价",
                "an affiliate that really uses the product",
                Checked.OPEN if kind == "affiliate" else Checked.RULED_OUT,
            ),
            because(
                "campaign",
                "产品发布或集中回访",
                "a launch, or the seller asked its buyers on one day",
                Checked.OPEN if kind == "burst" else Checked.RULED_OUT,
            ),
        ),
    )


RULE = Rule(
    rule_id="WT7",
    needs={
        "reviews": ("review_id", "listing_id", "reviewer_id", "written_at"),
        "listings": ("listing_id", "seller_id"),
        "orgs": ("org_id", "controller_id"),
    },
    expression=expression,
    findings=findings,
)
