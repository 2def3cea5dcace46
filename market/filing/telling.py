"""What a filing and a trade certificate tell of a trade, collected from where it is kept."""

from typing import Any, Final

from base.clock import rfc3339
from base.db import ReadSession
from identity.repository import get_organisation
from market.delivery.repository import entitlement_of
from market.filing.rules import Told
from market.orders import repository as trades
from market.orders.tables import Trade
from market.settlement.tables import Split

_MOMENTS: Final = ("contracted_at", "funded_at", "delivered_at", "accepted_at", "settled_at")


async def told_of(s: ReadSession, trade: Trade) -> Told:
    """Who, what, when, and the digests."""
    parties = []
    for role, org_id in (
        ("PROVIDER", trade.seller_id),
        ("BUYER", trade.buyer_id),
        ("BROKER", trade.commission_to),
    ):
        if org_id is not None:
            parties.append({"role": role, **await organisation_named(s, org_id)})
    contract = await trades.get_contract(s, trade_id=trade.trade_id)
    entitlement = await entitlement_of(s, trade_id=trade.trade_id)
    moments = {name: getattr(trade, name) for name in _MOMENTS}
    return Told(
        trade_id=trade.trade_id,
        listing_id=trade.listing_id,
        product_id=trade.product_id,
        category=trade.category,
        level=trade.level,
        parties=parties,
        contract_sha256=None if contract is None else contract.contract_sha256,
        file_sha256=None if entitlement is None else entitlement.sha256,
        moments={name: rfc3339(at) for name, at in moments.items() if at is not None},
        licence={
            "class": trade.licence_class,
            **(
                {}
                if entitlement is None
                else {"from": rfc3339(entitlement.granted_at), "until": rfc3339(entitlement.expires_at)}
            ),
        },
    )


async def organisation_named(s: ReadSession, org_id: str) -> dict[str, str]:
    """An organisation as its admission names it in public."""
    org = await get_organisation(s, org_id=org_id)
    assert org is not None
    return {"org_id": org_id, "name": org.name, "uscc": org.uscc}


async def amounts_of(s: ReadSession, trade: Trade) -> dict[str, str]:
    """Where every fen of the price went."""
    assert trade.price_minor is not None
    split: Any = await s.get(Split, trade.trade_id, populate_existing=True)
    commission, platform = trade.commission_minor or 0, trade.platform_fee_minor or 0
    parts = {
        "price_minor": trade.price_minor,
        "refund_minor": 0 if split is None else split.refund_minor,
        "seller_minor": trade.price_minor - commission - platform if split is None else split.seller_minor,
        "commission_minor": commission if split is None else split.commission_minor,
        "platform_fee_minor": platform if split is None else split.platform_fee_minor,
    }
    return {name: str(amount) for name, amount in parts.items()}
