"""What is asked about data requests, and the one door through which a request's status moves."""

from collections.abc import Sequence
from typing import Any, Final

import orjson
from sqlmodel import col, select, update

from base.db import ReadSession, WriteSession, exclusive_lock
from market.listings.categories import Category
from market.requests.errors import AnswerUnknown, RequestMovedOn, RequestUnknown
from market.requests.states import RequestEvent, RequestState, may_move
from market.requests.tables import DataRequest, RequestAnswer, RequestWishes
from market.requests.wishes import Wishes, wishes_from

MAX_PAGE: Final = 100


async def get_request(s: ReadSession, *, request_id: str) -> DataRequest:
    """The request as it is now. Raises RequestUnknown."""
    return _known(await s.get(DataRequest, request_id, populate_existing=True), request_id)


async def wishes_in(s: ReadSession, *, request_id: str) -> Wishes:
    """What more a request asks of the data; nothing where it does not say."""
    row = await s.get(RequestWishes, request_id)
    return Wishes() if row is None else wishes_from(orjson.loads(row.document))


async def claim_request(s: WriteSession, *, request_id: str) -> DataRequest:
    """The request, locked against everyone else who would move or answer it. Raises RequestUnknown."""
    query = exclusive_lock(select(DataRequest).where(DataRequest.request_id == request_id))
    found = (await s.exec(query, execution_options={"populate_existing": True})).first()
    return _known(found, request_id)


async def claim_request_of(s: WriteSession, *, request_id: str, buyer_id: str) -> DataRequest:
    """`claim_request` for its buyer; to anyone else it is not theirs to move. Raises RequestUnknown."""
    request = await claim_request(s, request_id=request_id)
    if request.buyer_id != buyer_id:
        raise RequestUnknown("no such request of yours", request_id=request_id)
    return request


def _known(request: DataRequest | None, request_id: str) -> DataRequest:
    if request is None:
        raise RequestUnknown("no such request", request_id=request_id)
    return request


async def move(
    s: WriteSession,
    *,
    request: DataRequest,
    event: RequestEvent,
    role: str,
    values: dict[str, Any] | None = None,
) -> DataRequest:
    """Move a request's status by an event of a role, and write `values` in the same UPDATE.

    Raises RequestWrongState or RequestWrongRole by the table of states, RequestMovedOn for the loser of two.
    """
    target = may_move(request.status, event, role)
    claimed = await s.exec(
        update(DataRequest)
        .where(
            col(DataRequest.request_id) == request.request_id,
            col(DataRequest.status) == request.status,
            col(DataRequest.answers) == request.answers,
        )
        .values(status=target, **(values or {}))
    )
    if claimed.rowcount != 1:
        raise RequestMovedOn("the request has moved on", request_id=request.request_id)
    await s.refresh(request)
    return request


async def open_now(s: ReadSession, *, buyer_id: str, most: int) -> int:
    """How many requests a buyer has open, counted up to `most`."""
    query = select(DataRequest.request_id).where(
        DataRequest.buyer_id == buyer_id, DataRequest.status == RequestState.OPEN
    )
    return len((await s.exec(query.limit(most))).all())


async def requests_page(
    s: ReadSession,
    *,
    status: RequestState | None = RequestState.OPEN,
    category: Category | None = None,
    buyer_id: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Sequence[DataRequest]:
    """Requests, newest first, by keyset: `after` is the last request id seen."""
    query = select(DataRequest).order_by(col(DataRequest.request_id).desc()).limit(min(limit, MAX_PAGE))
    if status is not None:
        query = query.where(DataRequest.status == status)
    if category is not None:
        query = query.where(DataRequest.category == category)
    if buyer_id is not None:
        query = query.where(DataRequest.buyer_id == buyer_id)
    if after is not None:
        query = query.where(col(DataRequest.request_id) < after)
    return (await s.exec(query)).all()


async def answers_of(s: ReadSession, *, request_id: str) -> Sequence[RequestAnswer]:
    """The answers of a request, first to last; there are few (`rules.MOST_ANSWERS`)."""
    query = select(RequestAnswer).where(RequestAnswer.request_id == request_id)
    return (await s.exec(query.order_by(col(RequestAnswer.answer_no)))).all()


async def get_answer(s: ReadSession, *, request_id: str, answer_no: int) -> RequestAnswer:
    """One answer. Raises AnswerUnknown."""
    answer = await s.get(RequestAnswer, (request_id, answer_no))
    if answer is None:
        raise AnswerUnknown("no such answer", request_id=request_id, answer_no=answer_no)
    return answer


async def answered_with(s: ReadSession, *, request_id: str, listing_id: str) -> RequestAnswer | None:
    """The answer that a listing is, where it is one."""
    query = select(RequestAnswer).where(
        RequestAnswer.request_id == request_id, RequestAnswer.listing_id == listing_id
    )
    return (await s.exec(query)).first()


async def budget_is_told(
    s: ReadSession, request: DataRequest, org_id: str | None, *, supervises: bool
) -> bool:
    """Whether somebody is told a budget: the buyer, named sellers and brokers who answered, supervisors."""
    if supervises or org_id == request.buyer_id:
        return True
    found = await answers_of(s, request_id=request.request_id)
    return org_id is not None and any(org_id in {one.seller_id, one.broker_id} for one in found)
