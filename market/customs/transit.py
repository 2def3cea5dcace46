"""What leaves under a clearance: booked before it goes, told on the customs log afterwards.

What would exceed the volume declared is refused by the UPDATE that books it, so two at once never pass
together. The first departure is told at once (XBD.TRANSFER_LOGGED), the others at night and before a step
that ends or halts the clearance, each exactly once.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlmodel import col, update

from base.calendar import end_of_day_shanghai, shanghai_day
from base.clock import rfc3339
from base.db import WriteSession
from base.jobs import enqueue
from ledger.recording import Act
from market.customs import repository
from market.customs.errors import DeclaredVolumeExceeded
from market.customs.moving import Said, step
from market.customs.states import LIVE, DeclarationEvent, DeclarationState
from market.customs.tables import DeclarationRow, EgressRow

TELL_JOB: Final = "customs.tell"
MOST_TOLD: Final = 1_000


async def book(s: WriteSession, *, declaration_id: str, volume_bytes: int, uses: int, now: datetime) -> None:
    """Take volume of a clearance that lives now. Raises DeclaredVolumeExceeded, and nothing is taken."""
    fits = (
        col(DeclarationRow.declaration_id) == declaration_id,
        col(DeclarationRow.status).in_(LIVE),
        col(DeclarationRow.valid_to) >= now,
        col(DeclarationRow.sent_bytes) + volume_bytes <= col(DeclarationRow.volume_bytes),
        col(DeclarationRow.sent_uses) + uses <= col(DeclarationRow.volume_uses),
    )
    taken = await s.exec(
        update(DeclarationRow)
        .where(*fits)
        .values(
            sent_bytes=DeclarationRow.sent_bytes + volume_bytes,
            sent_uses=DeclarationRow.sent_uses + uses,
            sent_year=shanghai_day(now).year,
        )
        .execution_options(synchronize_session=False)
    )
    if taken.rowcount != 1:
        raise DeclaredVolumeExceeded("more than was declared would leave", declaration_id=declaration_id)


async def give_back(
    s: WriteSession, *, declaration_id: str, recipient_id: str, carried: str, volume_bytes: int
) -> None:
    """Return volume that was booked for a download and did not leave, to the declaration it was booked at.

    What the customs log tells already stays booked: the clearance was halted, or has ended.
    """
    await repository.claim_declaration(s, declaration_id=declaration_id)
    under_way = (
        col(EgressRow.carried) == carried,
        col(EgressRow.recipient_id) == recipient_id,
        col(EgressRow.declaration_id) == declaration_id,
        col(EgressRow.open).is_(True),
        col(EgressRow.bytes) >= volume_bytes,
    )
    less = {"bytes": EgressRow.bytes - volume_bytes}
    given = await s.exec(
        update(EgressRow).where(*under_way).values(less).execution_options(synchronize_session=False)
    )
    if given.rowcount == 1:
        that = col(DeclarationRow.declaration_id) == declaration_id
        await s.exec(
            update(DeclarationRow)
            .where(that, col(DeclarationRow.sent_bytes) >= volume_bytes)
            .values(sent_bytes=DeclarationRow.sent_bytes - volume_bytes)
            .execution_options(synchronize_session=False)
        )


async def keep_under_way(s: WriteSession, egress: EgressRow) -> None:
    """Keep what was booked for a download under way, beside what was before at the same declaration."""
    found = await repository.egress_carried(s, carried=egress.carried or "", recipient_id=egress.recipient_id)
    same = [one for one in found if one.open and one.declaration_id == egress.declaration_id]
    if same:
        same[0].bytes += egress.bytes
        egress = same[0]
    s.add(egress)
    await s.flush()


async def close_under_way(s: WriteSession, act: Act, *, carried: str, recipient_id: str, whole: bool) -> None:
    """A download has ended: what left of it is noted, at each declaration it went under."""
    for one in await repository.egress_carried(s, carried=carried, recipient_id=recipient_id):
        if not one.open:
            continue
        if one.bytes == 0 and not whole:
            await s.delete(one)
            await s.flush()
            continue
        one.open, one.whole, one.left_at = False, whole, act.now
        await note_egress(s, act, one)


async def note_egress(s: WriteSession, act: Act, egress: EgressRow) -> None:
    """Keep that something left; the first departure is told at once, the rest by the night's round."""
    s.add(egress)
    await s.flush()
    declaration_id = egress.declaration_id
    row = await repository.get_declaration(s, declaration_id=declaration_id)
    if row.status is DeclarationState.CLEARED:
        await tell_egress(s, act, await repository.claim_declaration(s, declaration_id=declaration_id))
    night = end_of_day_shanghai(shanghai_day(act.now))
    key, payload = f"{declaration_id} {night.isoformat()}", {"declaration_id": declaration_id}
    await enqueue(s, kind=TELL_JOB, key=key, run_at=night, payload=payload)


async def tell_egress(s: WriteSession, act: Act, row: DeclarationRow, *, ends: bool = False) -> bool:
    """State what left and is not told yet, recipient by recipient; the declaration is claimed.

    Where it is halted or ends, what left of a download under way is told with it.
    False where there was nothing, or where it is no longer live.
    """
    if row.status not in LIVE:
        return False
    waiting = await repository.untold(s, declaration_id=row.declaration_id, under_way=ends)
    told = False
    for few in _by_recipient(waiting):
        await _tell(s, act, row, few)
        told = True
    return told


async def _tell(s: WriteSession, act: Act, row: DeclarationRow, few: Sequence[EgressRow]) -> None:
    whole = any(one.whole for one in few)
    before = whole and await repository.told_whole(s, declaration_id=row.declaration_id)
    said = Said(
        public={
            "trade_id": few[0].trade_id,
            "received_by": few[0].recipient_id,
            "received_in": few[0].country,
            "channel": row.said["channel"],
            "kinds": sorted({one.kind for one in few}),
            "uses": len(few),
            "first_at": rfc3339(few[0].left_at),
            "last_at": rfc3339(few[-1].left_at),
        },
        opening={
            "bytes": str(sum(one.bytes for one in few)),
            # The first whole file carries all the persons that were declared, and another copy none that are
            # new; of single answers nobody knows how many.
            "persons": (0 if before else row.persons + row.sensitive_persons) if whole else None,
        },
    )
    recorded = await step(s, act.as_exchange(), DeclarationEvent.TRANSFER_LOGGED, row, said)
    await repository.mark_told(
        s, egress_ids=[one.egress_id for one in few], statement_id=recorded.statement_id
    )


def _by_recipient(waiting: Sequence[EgressRow]) -> list[list[EgressRow]]:
    found: dict[tuple[str, str], list[EgressRow]] = {}
    for one in waiting:
        found.setdefault((one.trade_id, one.recipient_id), []).append(one)
    return [few[at : at + MOST_TOLD] for few in found.values() for at in range(0, len(few), MOST_TOLD)]
