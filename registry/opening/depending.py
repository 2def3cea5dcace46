"""What hangs on the open list: a raised level takes an entry out of the catalogue."""

from base.db import WriteSession
from base.errors import Refusal
from ledger.recording import Act
from registry.lists.repository import resting_on_entry
from registry.lists.rules import Listed
from registry.opening import listing, repository
from registry.opening.moving import check_open
from registry.opening.rules import SuspendReason
from registry.opening.states import STANDING


async def level_raised(s: WriteSession, act: Act, *, object_id: str) -> bool:
    """Suspend the entry of data whose level no longer goes through its channel (R09). False where none is.

    A targeted entry of data that was raised to general-4 stays: the channel takes that level.
    """
    live = await repository.live_entry_of(s, data_id=object_id)
    if live is None or live.status not in STANDING:
        return False
    row = await repository.claim_entry(s, open_id=live.open_id)
    data = await resting_on_entry(s, data_id=row.data_id)
    if row.status not in STANDING:
        return False
    try:
        await check_open(s, row, data, row.mode)
    except Refusal as refusal:
        reason = SuspendReason.LEVEL_RAISED
        text = f"the level was raised: {refusal.code}"
    else:
        if data.status is Listed.LISTED:
            return False
        reason, text = SuspendReason.DATA_RETIRED, "the data was retired from its list"
    await listing.suspend(s, act, open_id=row.open_id, reason=reason, text=text)
    return True
