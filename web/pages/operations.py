"""The operator's pages: what waits for a person, what came of it, and the review of listings."""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import Response

from base.jobs import backlog, dead_jobs, next_due
from ledger.reader import tree_head, witnessing
from market.listings import repository
from market.listings.categories import CATEGORY_LABELS
from market.listings.rules import ListingState
from market.settlement.ascertaining import in_doubt
from market.settlement.doubts import PAYABLE_AGAIN
from market.settlement.repository import open_work_items, reconciled_days
from market.settlement.work import FACTS, FactSort
from registry.repository import latest_report
from web.pages.acting import attempt
from web.pages.duties import RESOLUTIONS
from web.pages.forms import Filled, Form
from web.pages.naming import names_of
from web.pages.planning import planned
from web.pages.visiting import OPERATOR, Visitor, VisitorDep

router = APIRouter()
_PAGE: Final = 50
_ITEMS: Final = 100
_FEW: Final = 5
"""So many work items stand open on the page; more are folded by kind."""
_DOUBTS: Final = 20  # of each, the bank's statements since its instruction are read


@router.get("/ops")
async def overview(visitor: VisitorDep) -> Response:
    """Work items, reconciled days, the ledger's head, jobs that were given up."""
    return await _overview(visitor, Filled())


def members_in(facts: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The ids of the organisations that the facts of work items name."""
    return (value for told in facts for name, value in told.items() if FACTS.get(name) is FactSort.MEMBER)


async def _overview(visitor: Visitor, filled: Filled) -> Response:
    visitor.require(OPERATOR)
    async with visitor.node.database.read() as s:
        items = await open_work_items(s, limit=_ITEMS, newest_first=True)
        doubts = await in_doubt(s, limit=_DOUBTS)
        days = await reconciled_days(s, limit=_PAGE)
        head = await tree_head(s)
        seen = await witnessing(s)
        dead = await dead_jobs(s, limit=_PAGE)
        due = await next_due(s)
        jobs = await backlog(s, now=visitor.node.clock.now())
        waiting = await repository.listings_of(s, status=ListingState.COMPLIANCE_REVIEW, limit=_PAGE)
        names = await names_of(s, members_in(item.facts for item in items))
    return visitor.render(
        "ops.html",
        dialect=visitor.node.database.dialect,
        free_bytes=shutil.disk_usage(visitor.node.settings.data_dir).free,
        names=names,
        sorts=FACTS,
        filled=filled,
        kinds=[
            (kind, [item for item in items if item.kind == kind])
            for kind in dict.fromkeys(item.kind for item in items)
        ],
        few=len(items) <= _FEW,
        doubts=doubts,
        findable=visitor.options("found", ("PAID", "NOT_PAID")),
        resolutions=visitor.options("resolution", RESOLUTIONS),
        payable_again=PAYABLE_AGAIN,
        days=days,
        head=head,
        seen=seen,
        dead=dead,
        due=due,
        jobs=jobs,
        waiting=len(waiting),
        has_bank=visitor.node.bank is not None,
    )


@router.post("/ops/items/{item_id}/close")
async def close(visitor: VisitorDep, item_id: str) -> Response:
    """Say what came of a work item."""
    form = await visitor.form()
    args = {"item_id": item_id, "resolution": form.text("resolution"), "note": form.text("note")}
    return await _attempt(visitor, form, "work.close", args, action=item_id)


@router.post("/ops/trades/{trade_id}/pay-again")
async def pay_again(visitor: VisitorDep, trade_id: str) -> Response:
    """Have a payment that was let go instructed anew."""
    return await _attempt(visitor, await visitor.form(), "trade.pay-again", {"trade_id": trade_id})


@router.post("/ops/payments/{instruction_id}/ascertain")
async def ascertain(visitor: VisitorDep, instruction_id: str) -> Response:
    """Say what the bank's statements show of a payment in doubt."""
    form = await visitor.form()
    args = {name: form.text(name) for name in ("found", "statement_sha256", "note")}
    return await _attempt(
        visitor,
        form,
        "payment.ascertain",
        args | {"instruction_id": instruction_id},
        action=instruction_id,
    )


@router.post("/ops/jobs/retry")
async def retry(visitor: VisitorDep) -> Response:
    """Have a job that was given up tried again."""
    form = await visitor.form()
    args = {"kind": form.text("kind"), "key": form.text("key")}
    return await _attempt(visitor, form, "job.retry", args)


async def _attempt(
    visitor: Visitor, form: Form, act: str, args: Mapping[str, Any], *, action: str | None = None
) -> Response:
    return await attempt(
        visitor,
        form,
        act=act,
        args=args,
        role="EXCHANGE_OPERATOR",
        action=action,
        then="/ops",
        again=lambda filled: _overview(visitor, filled),
    )


@router.get("/ops/reviews")
async def reviews(visitor: VisitorDep) -> Response:
    """Listings that wait for a review, and approved ones that wait to be put on offer."""
    visitor.require(OPERATOR)
    async with visitor.node.database.read() as s:
        waiting = await repository.listings_of(s, status=ListingState.COMPLIANCE_REVIEW, limit=_PAGE)
        approved = await repository.listings_of(s, status=ListingState.APPROVED, limit=_PAGE)
        names = await names_of(s, (listing.seller_id for listing in [*waiting, *approved]))
    return visitor.render(
        "reviews.html", waiting=waiting, approved=approved, names=names, labels=CATEGORY_LABELS
    )


@router.get("/ops/reviews/{listing_id}")
async def review(visitor: VisitorDep, listing_id: str) -> Response:
    """One listing with what it was submitted with."""
    return await _review(visitor, listing_id, Filled())


async def _review(visitor: Visitor, listing_id: str, filled: Filled) -> Response:
    visitor.require(OPERATOR)
    async with visitor.node.database.read() as s:
        listing = await repository.get_listing(s, listing_id=listing_id)
        file = await repository.get_file(s, file_id=listing.file_id)
        report = await latest_report(s, listing_id=listing_id)
        earlier = await repository.reviews_of(s, listing_id=listing_id)
        plan = await repository.plan_of(s, listing_id=listing_id)
        names = await names_of(s, [listing.seller_id, listing.broker_id])
    return visitor.render(
        "review.html",
        filled=filled,
        listing=listing,
        file=file,
        report=report,
        earlier=earlier,
        plan=plan and planned(plan, listing),
        names=names,
        category=CATEGORY_LABELS[listing.category],
        can_review=listing.status is ListingState.COMPLIANCE_REVIEW,
        can_publish=listing.status is ListingState.APPROVED,
    )


@router.post("/ops/reviews/{listing_id}/decide")
async def decide(visitor: VisitorDep, listing_id: str) -> Response:
    """Approve, return or reject."""
    form = await visitor.form()
    return await attempt(
        visitor,
        form,
        act="listing.review",
        args={
            "listing_id": listing_id,
            "decision": form.text("decision"),
            "reason_code": form.optional("reason_code"),
            "note": form.optional("note"),
        },
        role="EXCHANGE_OPERATOR",
        then=f"/ops/reviews/{listing_id}",
        again=lambda filled: _review(visitor, listing_id, filled),
    )


@router.post("/ops/reviews/{listing_id}/publish")
async def publish(visitor: VisitorDep, listing_id: str) -> Response:
    """Put an approved listing on offer."""
    form = await visitor.form()
    return await attempt(
        visitor,
        form,
        act="listing.publish",
        args={"listing_id": listing_id},
        role="EXCHANGE_OPERATOR",
        then="/ops/reviews",
        again=lambda filled: _review(visitor, listing_id, filled),
    )
