"""What a named buyer looks for, published; answered by named sellers with their listings; and its end.

An answer is no offer: it has no price. The buyer inquires about the listing, and the trade begins there.
"""

from typing import Any, Final

from base.canonical import canonical
from base.clock import rfc3339
from base.db import ReadSession, WriteSession
from base.jobs import cancel, enqueue
from brokers.rules import Side
from brokers.service import require_certified, require_mandate
from identity.repository import lock_organisation
from identity.service import require_member
from ledger.recording import Act, record
from ledger.statement import Draft
from market.listings.service import require_listed
from market.listings.tables import Listing
from market.requests import repository
from market.requests.errors import AnsweredBefore, AnswerUnknown, RequestMalformed, RequestUnknown
from market.requests.rules import (
    MAX_NOTE,
    MOST_OPEN,
    RequestEvent,
    RequestState,
    Wanted,
    check_answerer,
    check_answers,
    check_open,
    check_wanted,
    may_move,
)
from market.requests.tables import DataRequest, RequestAnswer, RequestWishes
from market.requests.wishes import Wishes
from registry.rules import Level

EXPIRE_JOB: Final = "request.expire"


async def publish_request(s: WriteSession, act: Act, *, wanted: Wanted) -> DataRequest:
    """Publish what one looks for, as a buyer (REQ.PUBLISH). Its texts are for members and the public page.

    Raises RequestMalformed, TooManyRequests, RequestWrongRole, `member-not-active`.
    """
    status = may_move(None, RequestEvent.PUBLISH, act.role)
    check_wanted(wanted, now=act.now)
    await lock_organisation(s, org_id=act.actor.org_id, alone=True)  # its requests are counted one by one
    await require_member(s, org_id=act.actor.org_id)
    check_open(await repository.open_now(s, buyer_id=act.actor.org_id, most=MOST_OPEN))
    request = DataRequest(
        request_id=act.new_id("req"),
        buyer_id=act.actor.org_id,
        status=status,
        title=wanted.title,
        description=wanted.description,
        category=wanted.category,
        geo=wanted.geo,
        product_type=wanted.product_type,
        purpose=wanted.purpose,
        period=wanted.period,
        volume=wanted.volume,
        budget_min_minor=wanted.budget_min_minor,
        budget_max_minor=wanted.budget_max_minor,
        published_at=act.occurred_at,
        until=wanted.until,
    )
    s.add(request)
    await s.flush()
    if wanted.wishes is not None:
        document = canonical(wanted.wishes.document()).decode()
        s.add(RequestWishes(request_id=request.request_id, document=document))
    await record(s, act, _published(request, wanted.wishes))
    await enqueue(
        s,
        kind=EXPIRE_JOB,
        key=request.request_id,
        run_at=wanted.until,
        payload={"request_id": request.request_id},
    )
    return request


async def answer_request(
    s: WriteSession, act: Act, *, request_id: str, listing_id: str, note: str | None = None
) -> RequestAnswer:
    """Answer a request with a listing that is on offer (REQ.ANSWER), as its seller or the seller's broker.

    Raises RequestUnknown, RequestWrongState, RequestOver, TooManyRequests, NotYourListing, OwnRequest,
    AnsweredBefore, `listing-not-on-offer`, `member-not-active`, and for a broker what BR1 and BR2 raise.
    """
    request = await repository.claim_request(s, request_id=request_id)
    may_move(request.status, RequestEvent.ANSWER, act.role)
    check_answers(request.answers, until=request.until, now=act.now)
    said = _noted(note)
    listing = await require_listed(s, listing_id=listing_id, now=act.now)
    check_answerer(
        role=act.role, org_id=act.actor.org_id, seller_id=listing.seller_id, buyer_id=request.buyer_id
    )
    for org_id in dict.fromkeys((act.actor.org_id, listing.seller_id, request.buyer_id)):
        await require_member(s, org_id=org_id)
    mandate_id = await _mandated(s, act, listing)
    if await repository.answered_with(s, request_id=request_id, listing_id=listing_id) is not None:
        raise AnsweredBefore("this listing answers it already", listing_id=listing_id)
    number = request.answers + 1
    await repository.move(
        s, request=request, event=RequestEvent.ANSWER, role=act.role, values={"answers": number}
    )
    answer = RequestAnswer(
        request_id=request_id,
        answer_no=number,
        listing_id=listing_id,
        seller_id=listing.seller_id,
        broker_id=act.actor.org_id if act.role == "BROKER" else None,
        mandate_id=mandate_id,
        note=said,
        answered_at=act.occurred_at,
        statement_id="",
    )
    recorded = await record(s, act, _answered(request, answer))
    answer.statement_id = recorded.statement_id
    s.add(answer)
    await s.flush()
    return answer


async def fulfil_request(s: WriteSession, act: Act, *, request_id: str, answer_no: int) -> DataRequest:
    """Say which answer has what was looked for, as the buyer (REQ.FULFIL): the request is over.

    Raises RequestUnknown, RequestWrongState, AnswerUnknown.
    """
    request = await repository.claim_request_of(s, request_id=request_id, buyer_id=act.actor.org_id)
    may_move(request.status, RequestEvent.FULFIL, act.role)
    await require_member(s, org_id=request.buyer_id)
    answer = await repository.get_answer(s, request_id=request_id, answer_no=answer_no)
    said = {"answer_no": answer_no, "listing_id": answer.listing_id, "seller_id": answer.seller_id}
    return await _end(s, act, request, RequestEvent.FULFIL, values={"fulfilled_by": answer_no}, said=said)


async def withdraw_request(s: WriteSession, act: Act, *, request_id: str) -> DataRequest:
    """Take a request back, as its buyer (REQ.WITHDRAW). Raises RequestUnknown, RequestWrongState."""
    request = await repository.claim_request_of(s, request_id=request_id, buyer_id=act.actor.org_id)
    may_move(request.status, RequestEvent.WITHDRAW, act.role)
    await require_member(s, org_id=request.buyer_id)
    return await _end(s, act, request, RequestEvent.WITHDRAW)


async def expire_request(s: WriteSession, act: Act, *, request_id: str) -> bool:
    """The clock's end of a request (REQ.EXPIRE); False where it ended before."""
    request = await repository.claim_request(s, request_id=request_id)
    if request.status is not RequestState.OPEN or act.now < request.until:
        return False
    await _end(s, act, request, RequestEvent.EXPIRE)
    return True


async def require_answered(s: ReadSession, *, request_id: str, buyer_id: str, listing_id: str) -> None:
    """That a listing is an answer to a request of this buyer: an inquiry may then name the request.

    Raises RequestUnknown, AnswerUnknown.
    """
    request = await repository.get_request(s, request_id=request_id)
    if request.buyer_id != buyer_id:
        raise RequestUnknown("no such request of the buyer's", request_id=request_id)
    if await repository.answered_with(s, request_id=request_id, listing_id=listing_id) is None:
        raise AnswerUnknown("the request was not answered with this listing", listing_id=listing_id)


async def _mandated(s: WriteSession, act: Act, listing: Listing) -> str | None:
    """BR1 and BR2 where a broker answers; None where the seller does."""
    if act.role != "BROKER":
        return None
    broker = act.actor.org_id
    await require_certified(s, org_id=broker, at=act.now, sector=listing.category, level=Level(listing.level))
    mandate = await require_mandate(
        s,
        broker_id=broker,
        client_id=listing.seller_id,
        side=Side.PROVIDER,
        listing_id=listing.listing_id,
        at=act.now,
    )
    return mandate.mandate_id


async def _end(
    s: WriteSession,
    act: Act,
    request: DataRequest,
    event: RequestEvent,
    *,
    values: dict[str, Any] | None = None,
    said: dict[str, Any] | None = None,
) -> DataRequest:
    before = request.status
    ended = {"ended_at": act.occurred_at} | (values or {})
    await repository.move(s, request=request, event=event, role=act.role, values=ended)
    await record(
        s,
        act,
        Draft(
            f"REQ.{event.value}",
            request.request_id,
            public=_named(request) | (said or {}),
            before=before.value,
            after=request.status.value,
        ),
    )
    await cancel(s, kind=EXPIRE_JOB, key=request.request_id, now=act.now)
    return request


def _noted(note: str | None) -> str | None:
    said = (note or "").strip()
    if len(said) > MAX_NOTE:
        raise RequestMalformed(f"a note has up to {MAX_NOTE} characters", member="note", length=len(said))
    return said or None


def _named(request: DataRequest) -> dict[str, Any]:
    return {"request_id": request.request_id, "buyer_id": request.buyer_id}


def _published(request: DataRequest, wishes: Wishes | None) -> Draft:
    """Who looks in which market, for what use, until when; texts, wishes and budget are in the opening."""
    amounts = {"budget_min_minor": request.budget_min_minor, "budget_max_minor": request.budget_max_minor}
    return Draft(
        "REQ.PUBLISH",
        request.request_id,
        public=_named(request)
        | {
            "category": request.category.value,
            "geo": request.geo,
            "product_type": request.product_type.value if request.product_type else None,
            "purpose": request.purpose.value,
            "until": rfc3339(request.until),
        },
        opening={
            "title": request.title,
            "description": request.description,
            "period": request.period,
            "volume": request.volume,
        }
        | {name: str(amount) for name, amount in amounts.items() if amount is not None}
        | ({"wishes": wishes.document()} if wishes else {}),
        after=request.status.value,
    )


def _answered(request: DataRequest, answer: RequestAnswer) -> Draft:
    return Draft(
        "REQ.ANSWER",
        request.request_id,
        public=_named(request)
        | {
            "answer_no": answer.answer_no,
            "listing_id": answer.listing_id,
            "seller_id": answer.seller_id,
            "broker_id": answer.broker_id,
            "mandate_id": answer.mandate_id,
        },
        opening={"note": answer.note} if answer.note else None,
        before=RequestState.OPEN.value,
        after=RequestState.OPEN.value,
    )
