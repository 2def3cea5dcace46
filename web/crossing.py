"""What is shown to somebody without a sale stays in the mainland: its doors have no customs of their own.

A confidential file, a file that is open to named users alone or shared between agencies, and what a
certificate shows reach nobody who sits, receives, or asks from abroad. Whoever is to have it there declares
it and sells it, where a clearance opens the gate (`market.customs.gate`). What is open to everybody is
published, and is no matter of customs.
"""

from base.db import ReadSession, WriteSession
from ledger.acts import House, perform
from ledger.recording import Act, Actor
from market.customs.errors import CustomsRouteNotOpen
from market.customs.gate import places_abroad


async def require_at_home(s: ReadSession, *, org_id: str, object_id: str) -> None:
    """That who reads this sits, receives and asks within the mainland. Raises CustomsRouteNotOpen."""
    places = await places_abroad(s, org_id=org_id, asks=True)
    if places:
        raise CustomsRouteNotOpen(
            "this leaves the mainland by no other way than a delivery that customs has cleared",
            object_id=object_id,
            country=places[0],
        )


async def reads_abroad(s: ReadSession, *, org_id: str) -> bool:
    """Whether a member sits, receives, or asks from abroad."""
    return bool(await places_abroad(s, org_id=org_id, asks=True))


async def read_at_home(house: House, actor: Actor, *, attempted: str, object_id: str) -> None:
    """`require_at_home` of something that is no act to read; its refusal is recorded all the same."""

    async def asked(s: WriteSession, act: Act) -> None:
        await require_at_home(s, org_id=act.actor.org_id, object_id=object_id)

    act = house.act(actor, min(actor.roles), house.exchange.pen)
    await perform(house, act, asked, attempted=attempted, object_id=object_id)
