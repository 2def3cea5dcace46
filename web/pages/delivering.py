"""A trade's delivery on its page: the right to receive, the downloads, and the forms up to the acceptance."""

from collections.abc import Mapping
from typing import Any, Final

from base.db import ReadSession
from market.delivery.repository import downloads_of, entitlement_of
from market.delivery.rules import EntitlementStatus
from market.listings.repository import get_file
from market.orders.tables import Trade
from web.pages.forms import Form
from web.pages.room import Room, Taken
from web.pages.steps import Step


async def shown(s: ReadSession, room: Room) -> Mapping[str, Any]:
    """The entitlement of the trade, once there is one, and how often it was used."""
    entitlement = await entitlement_of(s, trade_id=room.trade.trade_id)
    return {
        "entitlement": entitlement,
        "downloads": await downloads_of(s, entitlement_id=entitlement.entitlement_id) if entitlement else (),
        "file": await get_file(s, file_id=room.listing.file_id),
        "may_download": entitlement is not None
        and entitlement.buyer_id == room.visitor.org_id
        and entitlement.status is EntitlementStatus.ACTIVE,
    }


def _accept_goods(form: Form, _: Trade) -> dict[str, Any]:
    return {"file_sha256": form.optional("file_sha256"), "rows": form.whole("rows"), "report_sha256": None}


TAKEN: Final[Mapping[Step, Taken]] = {
    Step.START_DELIVERY: Taken("trade.start-delivery"),
    Step.CONFIRM_RECEIPT: Taken("trade.confirm-receipt"),
    Step.ACCEPT_GOODS: Taken("trade.accept-goods", _accept_goods),
}
