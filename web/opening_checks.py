"""A check of the open list against reality, the same to the API's callers and to the pages."""

from typing import Final

from base.db import WriteSession
from base.idempotency import Answer
from ledger.recording import Act
from registry.opening.checking import EVENT, look_over, record_check
from registry.opening.tables import OpenCheckRow
from web.deps import Caller
from web.opening_forms import OpenCheckView

CHECKERS: Final = frozenset({"DATA_AUTHORITY", "CAC", "EXCHANGE_OPERATOR"})
AGENCY: Final = frozenset({"PUBLIC_AGENCY"})


async def run_check(caller: Caller) -> Answer:
    """Look the list over, an agency its own part, and record what was found, as the exchange."""
    caller.require(*CHECKERS, *AGENCY)
    node, now = caller.node, caller.node.clock.now()
    own = None if caller.actor.roles & CHECKERS else caller.actor.org_id
    async with node.measuring:
        looked = await look_over(node.database, node.files, now, agency_id=own)

    async def recorded(s: WriteSession, act: Act) -> OpenCheckRow:
        return await record_check(s, act, looked=looked, at=now, agency_id=own)

    return await caller.perform(
        recorded,
        OpenCheckView.of,
        route="open-checks",
        args={},
        act=node.house.exchange_act(),
        attempted=EVENT,
        object_id=own or caller.actor.org_id,
    )
