"""Answers that are not charged, and leave the mainland all the same: a body of a mistake is data too."""

from base.db import ReadSession, WriteSession
from ledger.acts import House, perform
from ledger.recording import Act
from market.customs.gate import places_abroad
from market.delivery.access import Declared, let_out_to
from market.delivery.gateway.counting import EVENT
from market.delivery.kinds import DeliveryKind
from market.delivery.repository import claim


def takers_of(by: str, declared: Declared) -> list[str]:
    """Who takes, and for whom."""
    return sorted({by, declared.recipient or by})


async def goes_abroad(s: ReadSession, by: str, declared: Declared) -> bool:
    """Whether an answer leaves the mainland, by who takes, for whom, and where the call comes from."""
    return any([await places_abroad(s, org_id=one, asks=True) for one in takers_of(by, declared)])


async def let_out_uncharged(
    house: House, act: Act, *, entitlement_id: str, declared: Declared, volume_bytes: int
) -> None:
    """Book an answer that is not charged. Raises CustomsRouteNotOpen, DeclaredVolumeExceeded: it stays."""

    async def booked(s: WriteSession, act: Act) -> None:
        trade, _ = await claim(s, entitlement_id=entitlement_id, moves_trade=False)
        takers = takers_of(act.actor.org_id, declared)
        await let_out_to(s, act, trade, takers=takers, kind=DeliveryKind.API, volume_bytes=volume_bytes)

    await perform(house, act, booked, attempted=EVENT, object_id=entitlement_id)
