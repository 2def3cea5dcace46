"""Matching as pages: how the order comes about, what fits a request or a listing, what a broker sent."""

from typing import Any, Final

import orjson
from fastapi import APIRouter
from starlette.responses import Response

from market.listings.repository import get_listing
from market.mediation import repository, service
from market.mediation.finding import find_requests
from market.mediation.matching import MUSTS, POINTS, VERSION
from market.mediation.rules import MOST_READ, MOST_SENT
from market.requests.rules import RequestState
from web.pages.acting import attempt
from web.pages.forms import Filled
from web.pages.naming import names_of
from web.pages.visiting import PARTIES, SUPERVISORS, Visitor, VisitorDep

router = APIRouter()
_BROKER: Final = frozenset({"BROKER"})


@router.get("/matching")
async def rules(visitor: VisitorDep) -> Response:
    """Every rule of the order, its points, and what one was sent or sent oneself."""
    sent: Any = ()
    names: Any = {}
    if visitor.may(PARTIES | SUPERVISORS):
        org_id = None if visitor.may(SUPERVISORS) else visitor.org_id
        async with visitor.node.database.read() as s:
            sent = await repository.presentations_of(s, org_id=org_id, limit=30)
            names = await names_of(s, (row.broker_id for row in sent), (row.client_id for row in sent))
    return visitor.render(
        "matching.html",
        version=VERSION,
        musts=MUSTS,
        points=POINTS,
        compared=MOST_READ,
        sent=sent,
        names=names,
    )


@router.get("/matching/listings/{listing_id}")
async def requests_for(visitor: VisitorDep, listing_id: str) -> Response:
    """The open requests that a listing fits, each with its reasons."""
    async with visitor.node.database.read() as s:
        found = await find_requests(s, listing_id=listing_id, at=visitor.node.clock.now())
        listing = await get_listing(s, listing_id=listing_id)
        names = await names_of(s, (request.buyer_id for request, _ in found))
    return visitor.render("matching_requests.html", listing=listing, found=found, names=names)


@router.get("/matching/{presentation_id}")
async def presentation(visitor: VisitorDep, presentation_id: str) -> Response:
    """What a broker sent, beside the neutral order it was taken from."""
    visitor.require(PARTIES | SUPERVISORS)
    org_id = None if visitor.may(SUPERVISORS) else visitor.org_id
    async with visitor.node.database.read() as s:
        row = await repository.get_presentation(s, presentation_id=presentation_id, org_id=org_id)
        order = [] if row.document is None else orjson.loads(row.document)["matches"]
        known = {one["listing_id"]: one for one in order}
        listings = {one: await get_listing(s, listing_id=one) for one in row.listing_ids}
        names = await names_of(
            s, (row.broker_id, row.client_id), (one.seller_id for one in listings.values())
        )
    return visitor.render(
        "presentation.html",
        row=row,
        places={one["listing_id"]: place for place, one in enumerate(order, 1)},
        known=known,
        listings=listings,
        names=names,
        compared=len(order),
    )


@router.get("/requests/{request_id}/matches")
async def matches(visitor: VisitorDep, request_id: str) -> Response:
    """What fits a request, in the one order, each with its reasons."""
    return await _matches(visitor, request_id, Filled())


async def _matches(visitor: Visitor, request_id: str, filled: Filled) -> Response:
    now = visitor.node.clock.now()
    async with visitor.node.database.read() as s:
        found = await service.matches_for(
            s,
            request_id=request_id,
            org_id=visitor.org_id,
            supervises=visitor.may(SUPERVISORS),
            at=now,
        )
        request = found.request
        names = await names_of(s, (one.seller_id for one in found.listings.values()))
        may_send = (
            visitor.may(_BROKER)
            and request.status is RequestState.OPEN
            and visitor.org_id is not None
            and await service.may_match_for(s, broker_id=visitor.org_id, request=request, at=now)
        )
    return visitor.render(
        "matches.html",
        filled=filled,
        request=request,
        found=found,
        listings=found.listings,
        names=names,
        may_send=may_send,
        places=[(str(n), str(n)) for n in range(1, min(len(found.order), MOST_SENT) + 1)],
    )


@router.post("/requests/{request_id}/matches")
async def send(visitor: VisitorDep, request_id: str) -> Response:
    """Send what is chosen, in the order of the places that are given."""
    form = await visitor.form()
    places = [
        (int(place), name.removeprefix("place-"))
        for name in form.fields
        if name.startswith("place-") and (place := form.text(name)).isascii() and place.isdecimal()
    ]
    return await attempt(
        visitor,
        form,
        act="matches.send",
        args={
            "request_id": request_id,
            "listing_ids": [listing_id for _, listing_id in sorted(places)],
            "reason": form.optional("reason"),
        },
        role="BROKER",
        then=lambda done: f"/matching/{done['presentation_id']}",
        again=lambda filled: _matches(visitor, request_id, filled),
    )
