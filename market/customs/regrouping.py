"""A member comes under another's control: what its new group has cleared is counted anew at once."""

from base.db import WriteSession
from identity.control import enter_controller
from identity.repository import Organisation
from ledger.recording import Act
from market.customs.counting import hold_group
from market.customs.standing import look_at_group


async def change_controller(
    s: WriteSession, act: Act, *, org_id: str, controller_id: str | None, reason: str
) -> Organisation:
    """`enter_controller`; past a threshold of the new group what lives too lightly is halted.

    What was declared in the old group keeps counting there as well (`repository.counted_in`).
    """
    member = await enter_controller(s, act, org_id=org_id, controller_id=controller_id, reason=reason)
    await hold_group(s, org_id=org_id)
    await look_at_group(s, act.as_exchange(), org_id=org_id)
    return member
