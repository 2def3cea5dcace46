"""The meter of a right: its uses and their receipts, for its buyer, its seller and who used it."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from base.db import ReadSession
from market.delivery.errors import EntitlementUnknown
from market.delivery.meter.receipts import receipt_of
from market.delivery.meter.repository import MAX_PAGE, get_use, uses_of
from market.delivery.meter.tables import Use
from market.delivery.repository import get_entitlement
from market.delivery.tables import Entitlement
from market.orders.bounding import is_recipient
from market.orders.repository import get_trade
from web.acts import Id
from web.deps import CallerDep, ReadDep
from web.views import View

router = APIRouter(tags=["entitlements"])
Number = Annotated[int, Path(ge=1, le=10**9)]


class UseView(View):
    use_id: str
    number: int
    kind: str
    units: int
    bytes: int
    epsilon_micro: int
    used_at: datetime
    usage_id: str | None

    @classmethod
    def of(cls, row: Use) -> "UseView":
        return cls.model_validate(row)


async def of_party(s: ReadSession, *, entitlement_id: str, org_id: str) -> Entitlement:
    """A right as its buyer or its seller looks at it. Raises EntitlementUnknown."""
    entitlement = await get_entitlement(s, entitlement_id=entitlement_id)
    trade = await get_trade(s, trade_id=entitlement.trade_id)
    if org_id not in {trade.buyer_id, trade.seller_id}:
        raise EntitlementUnknown("no such entitlement", entitlement_id=entitlement_id)
    return entitlement


async def taken_by(s: ReadSession, *, entitlement_id: str, org_id: str) -> str | None:
    """Whose uses alone one may look at: None for a party, a named recipient for itself.

    Raises EntitlementUnknown.
    """
    entitlement = await get_entitlement(s, entitlement_id=entitlement_id)
    if await is_recipient(s, trade_id=entitlement.trade_id, org_id=org_id):
        return org_id
    await of_party(s, entitlement_id=entitlement_id, org_id=org_id)
    return None


async def use_seen(s: ReadSession, *, entitlement_id: str, number: int, org_id: str) -> Use:
    """One use that one may look at. Raises EntitlementUnknown and UseUnknown."""
    only = await taken_by(s, entitlement_id=entitlement_id, org_id=org_id)
    return await get_use(s, entitlement_id=entitlement_id, number=number, taken_by=only)


@router.get("/entitlements/{entitlement_id}/uses")
async def uses(
    entitlement_id: Id,
    caller: CallerDep,
    s: ReadDep,
    after: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
) -> list[UseView]:
    """The uses of a right, first to last, from a number on; a named recipient sees its own."""
    only = await taken_by(s, entitlement_id=entitlement_id, org_id=caller.actor.org_id)
    rows = await uses_of(s, entitlement_id=entitlement_id, after=after, limit=limit, taken_by=only)
    return [UseView.of(row) for row in rows]


@router.get("/entitlements/{entitlement_id}/uses/{number}/receipt")
async def receipt(entitlement_id: Id, number: Number, caller: CallerDep, s: ReadDep) -> dict[str, Any]:
    """The receipt of one use, the leaf that its usage statement commits to."""
    use = await use_seen(s, entitlement_id=entitlement_id, number=number, org_id=caller.actor.org_id)
    entitlement = await get_entitlement(s, entitlement_id=entitlement_id)
    return receipt_of(use, trade_id=entitlement.trade_id)
