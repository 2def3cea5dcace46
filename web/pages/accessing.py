"""The access keys of a right on a page: issued, revoked, and how data tools are given what was bought."""

from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import Response

from base.db import ReadSession
from market.delivery.errors import EntitlementUnknown
from market.delivery.keys import get_key, keys_of, lives
from market.delivery.kinds import DeliveryKind
from market.delivery.meter.repository import uses_of
from market.delivery.repository import get_entitlement
from market.delivery.sharing.service import shared_name
from market.delivery.tables import Entitlement
from market.listings.conditions import PURPOSE_LABELS
from market.listings.repository import get_listing
from market.orders.bounding import is_recipient
from market.orders.repository import get_trade
from market.orders.tables import Trade
from web.pages.acting import attempt
from web.pages.delivering import declarable_for
from web.pages.forms import Filled
from web.pages.visiting import Visitor, VisitorDep

router = APIRouter()
_BUYER: Final = frozenset({"BUYER"})
_USES_SHOWN: Final = 20
_PROGRAM: Final = """pip install delta-sharing

import delta_sharing
frame = delta_sharing.load_as_pandas("{profile}.share#{name.share}.{name.schema}.{name.table}")"""


@router.get("/entitlements/{entitlement_id}/keys")
async def keys(visitor: VisitorDep, entitlement_id: str) -> Response:
    """One's keys to a right, what they open, and how it is loaded."""
    return await _shown(visitor, entitlement_id, Filled())


@router.post("/entitlements/{entitlement_id}/keys")
async def issue(visitor: VisitorDep, entitlement_id: str) -> Response:
    """Issue a key to a right."""
    form = await visitor.form()
    visitor.require(_BUYER)
    args = {
        "entitlement_id": entitlement_id,
        "purpose": form.optional("purpose"),
        "days": form.whole("days"),
    }
    return await attempt(
        visitor,
        form,
        act="entitlement.issue-key",
        args={name: value for name, value in args.items() if value is not None},
        then=f"/entitlements/{entitlement_id}/keys",
        again=lambda filled: _shown(visitor, entitlement_id, filled),
    )


@router.post("/keys/{key_id}/revoke")
async def revoke(visitor: VisitorDep, key_id: str) -> Response:
    """End a key."""
    form = await visitor.form()
    session = visitor.require(_BUYER)
    async with visitor.node.database.read() as s:
        key = await get_key(s, key_id=key_id, org_id=session.actor.org_id)
    return await attempt(
        visitor,
        form,
        act="entitlement.revoke-key",
        args={"key_id": key_id},
        then=f"/entitlements/{key.entitlement_id}/keys",
        again=lambda filled: _shown(visitor, key.entitlement_id, filled),
    )


async def _shown(visitor: Visitor, entitlement_id: str, filled: Filled) -> Response:
    session = visitor.require(_BUYER)
    org_id, now = session.actor.org_id, visitor.node.clock.now()
    async with visitor.node.database.read() as s:
        entitlement, trade = await _held(s, entitlement_id, org_id)
        rows = await keys_of(s, entitlement_id=entitlement_id, org_id=org_id)
        first = max(entitlement.used - _USES_SHOWN, 0)
        context: dict[str, Any] = {
            "entitlement": entitlement,
            "trade": trade,
            "title": (await get_listing(s, listing_id=trade.listing_id)).title,
            "name": await shared_name(s, trade),
            "declarable": await declarable_for(s, trade.trade_id, visitor.lang),
            "uses": await uses_of(
                s,
                entitlement_id=entitlement_id,
                after=first,
                taken_by=None if org_id == entitlement.buyer_id else org_id,
            ),
        }
    profile = next((row.key_id for row in rows if lives(row, now)), "profile")
    return visitor.render(
        "access.html",
        program=_PROGRAM.format(profile=profile, name=context["name"]),
        filled=filled,
        purposes=PURPOSE_LABELS,
        keys=[(row, lives(row, now)) for row in rows],
        is_share=entitlement.kind is DeliveryKind.SHARE,
        may_look_at_trade=org_id == entitlement.buyer_id,
        **context,
    )


async def _held(s: ReadSession, entitlement_id: str, org_id: str) -> tuple[Entitlement, Trade]:
    """A right that keys exercise, for its buyer and for named recipients. Raises EntitlementUnknown."""
    entitlement = await get_entitlement(s, entitlement_id=entitlement_id)
    mine = org_id == entitlement.buyer_id or await is_recipient(
        s, trade_id=entitlement.trade_id, org_id=org_id
    )
    if not mine or entitlement.kind is DeliveryKind.FILE:
        raise EntitlementUnknown("no such entitlement", entitlement_id=entitlement_id)
    return entitlement, await get_trade(s, trade_id=entitlement.trade_id)
