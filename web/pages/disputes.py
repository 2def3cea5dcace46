"""Disputes that are open and refunds that are overdue, for the exchange and its supervisors."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from market.disputes import repository
from web.pages.acting import attempt
from web.pages.forms import Filled
from web.pages.naming import names_of
from web.pages.visiting import OPERATOR, SUPERVISORS, Visitor, VisitorDep

router = APIRouter()
_PAGE: Final = 50


@router.get("/disputes")
async def disputes(
    visitor: VisitorDep, after: Annotated[str | None, Query(max_length=40)] = None
) -> Response:
    """Open disputes with their clocks, and what was to be paid back and was not in time."""
    return await _disputes(visitor, after, Filled())


async def _disputes(visitor: Visitor, after: str | None, filled: Filled) -> Response:
    visitor.require(SUPERVISORS)
    now = visitor.node.clock.now()
    async with visitor.node.database.read() as s:
        rows = await repository.open_disputes(s, after=after, limit=_PAGE)
        overdue = await repository.overdue_claims(s, now=now, limit=_PAGE)
        parties = [org for _, trade in rows for org in (trade.seller_id, trade.buyer_id)]
        names = await names_of(s, parties, (claim.debtor_id for claim in overdue))
    last = rows[-1][0].dispute_id if len(rows) == _PAGE else None
    return visitor.render(
        "disputes.html",
        filled=filled,
        rows=rows,
        overdue=overdue,
        names=names,
        now=now,
        may_recuse=visitor.may(OPERATOR),
        next_address=None if last is None else visitor.url("/disputes", after=last),
    )


@router.post("/disputes/recuse")
async def recuse(visitor: VisitorDep) -> Response:
    """Say that one is related to an organisation, as an officer of the exchange."""
    form = await visitor.form()
    return await attempt(
        visitor,
        form,
        act="dispute.recuse",
        args={"org_id": form.text("org_id")},
        role="EXCHANGE_OPERATOR",
        then="/disputes",
        again=lambda filled: _disputes(visitor, None, filled),
    )
