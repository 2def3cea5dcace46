"""A bought file as an encrypted package, on a page: the package ahead, the key when the data is wanted."""

import orjson
from fastapi import APIRouter
from pydantic import ValidationError
from starlette.responses import Response

from base.db import ReadSession
from base.errors import DomainError, NotFound, Unauthenticated, Unavailable
from market.delivery.errors import EntitlementUnknown, PackageUnknown
from market.delivery.kinds import DeliveryKind
from market.delivery.packages.service import package_of
from market.delivery.repository import get_entitlement
from market.delivery.tables import Entitlement
from market.listings.repository import get_listing
from market.orders.bounding import is_recipient
from market.orders.repository import get_trade
from web.packages import ReleaseForm, release
from web.pages.acting import caller_for, refused_by
from web.pages.delivering import declarable_for
from web.pages.forms import Filled, fresh_key, sent_back
from web.pages.visiting import Visitor, VisitorDep

router = APIRouter()
_BUYER = frozenset({"BUYER"})
_ACTION = "package.release-key"
_PROGRAM = "cat {right}.key {right}.package | age -d -i identity.txt"
_PAGES_OF_THEIR_OWN = (Unauthenticated, NotFound, Unavailable)


@router.get("/entitlements/{entitlement_id}/package")
async def package(visitor: VisitorDep, entitlement_id: str) -> Response:
    """The package and the form that has its key released."""
    return await _shown(visitor, entitlement_id, Filled())


@router.post("/entitlements/{entitlement_id}/package")
async def released(visitor: VisitorDep, entitlement_id: str) -> Response:
    """Release the key for an age key: the answer is the key's file, to be put before the package."""
    form = await visitor.form()
    visitor.require(_BUYER)
    caller = caller_for(visitor, key=form.optional("idempotency_key") or fresh_key())
    said = {"age_recipient": form.text("age_recipient"), "purpose": form.optional("purpose")}
    try:
        answer = await release(caller, entitlement_id, ReleaseForm.model_validate(said))
    except (DomainError, ValidationError) as error:
        if isinstance(error, _PAGES_OF_THEIR_OWN) and not isinstance(error, PackageUnknown):
            raise
        return await _shown(visitor, entitlement_id, sent_back(_ACTION, form, error))
    if refused := refused_by(answer, _ACTION, form):
        return await _shown(visitor, entitlement_id, refused)
    return Response(
        orjson.loads(answer.body)["header"],
        media_type="application/octet-stream",
        headers={
            "content-disposition": f'attachment; filename="{entitlement_id}.key"',
            "cache-control": "no-store",
        },
    )


async def _shown(visitor: Visitor, entitlement_id: str, filled: Filled) -> Response:
    session = visitor.require(_BUYER)
    async with visitor.node.database.read() as s:
        entitlement = await _held(s, entitlement_id, session.actor.org_id)
        trade = await get_trade(s, trade_id=entitlement.trade_id)
        title = (await get_listing(s, listing_id=trade.listing_id)).title
        declarable = await declarable_for(s, trade.trade_id, visitor.lang)
        made = await package_of(s, entitlement_id=entitlement_id)
    return visitor.render(
        "package.html",
        filled=filled,
        program=_PROGRAM.format(right=entitlement_id),
        entitlement=entitlement,
        trade=trade,
        title=title,
        declarable=declarable,
        made=made,
        may_look_at_trade=session.actor.org_id == entitlement.buyer_id,
    )


async def _held(s: ReadSession, entitlement_id: str, org_id: str) -> Entitlement:
    """A right to a file, for its buyer and for named recipients. Raises EntitlementUnknown."""
    entitlement = await get_entitlement(s, entitlement_id=entitlement_id)
    mine = org_id == entitlement.buyer_id or await is_recipient(
        s, trade_id=entitlement.trade_id, org_id=org_id
    )
    if not mine or entitlement.kind is not DeliveryKind.FILE:
        raise EntitlementUnknown("no such entitlement", entitlement_id=entitlement_id)
    return entitlement
