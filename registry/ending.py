"""A registered right ends: revoked by the registrar, or cancelled by its holder (`states.md` §3.1).

Every act that rests on a right share-locks it and asks whether it stands, so the fall bites at the very next
act. The listings that depend on it are suspended by a job: the registry knows no listing.
"""

from typing import Final

from base.db import WriteSession
from base.jobs import enqueue
from ledger.recording import Act, record
from ledger.statement import Draft
from registry import repository
from registry.errors import RightNotHeld, RightNotYours, RightOfRegistration
from registry.rules import Right, RightEnd
from registry.tables import RightsRow

ENDED_JOB: Final = "registry.right-ended"
REFERENCE_FELL_JOB: Final = "registry.reference-fell"
"""A registration, or a right in it, carries nothing any more: joint products may cite its number."""
REGISTRARS: Final = frozenset({"REGISTRAR", "EXCHANGE_OPERATOR"})
_EVENTS: Final = {RightEnd.REVOKED: "REG.REVOKE", RightEnd.CANCELLED: "REG.CANCEL"}


async def revoke_right(
    s: WriteSession, act: Act, *, product_id: str, holder_id: str, right: Right, reason_code: str
) -> RightsRow:
    """Revoke another's registered right for a reason (REG.REVOKE), as the registrar. For good.

    Raises RightNotYours, RightNotHeld.
    """
    if act.role not in REGISTRARS or act.actor.org_id == holder_id:
        raise RightNotYours("a registrar revokes what others hold", role=act.role)
    about = {"product_id": product_id, "holder_id": holder_id, "reason_code": reason_code}
    return await _end(s, act, RightEnd.REVOKED, right=right, **about)


async def cancel_right(
    s: WriteSession, act: Act, *, product_id: str, right: Right, reason_code: str
) -> RightsRow:
    """Give up one's own registered right (REG.CANCEL); it may be registered anew.

    Raises RightNotHeld; RightOfRegistration where a registrar has registered it: pledges stand there.
    """
    about = {"product_id": product_id, "holder_id": act.actor.org_id, "reason_code": reason_code}
    return await _end(s, act, RightEnd.CANCELLED, right=right, **about)


async def _end(
    s: WriteSession,
    act: Act,
    end: RightEnd,
    *,
    product_id: str,
    holder_id: str,
    right: Right,
    reason_code: str,
) -> RightsRow:
    row = await repository.right_entered(s, product_id=product_id, holder_id=holder_id, right=right)
    if row is None or row.ended_at is not None:
        raise RightNotHeld("no registered basis for this right", product=product_id, right=right.value)
    if end is RightEnd.CANCELLED and row.registration_id is not None:
        raise RightOfRegistration("ask its registrar", registration_id=row.registration_id)
    row.ended_as, row.ended_at = end.value, act.occurred_at
    s.add(row)
    await s.flush()
    public = {
        "product_id": product_id,
        "holder_id": holder_id,
        "right": right.value,
        "reason_code": reason_code,
    }
    recorded = await record(
        s, act, Draft(_EVENTS[end], product_id, public=public, before="REGISTERED", after=end.value)
    )
    if right is Right.OPERATE:  # what an offer rests on
        payload = {"product_id": product_id, "holder_id": holder_id}
        await enqueue(s, kind=ENDED_JOB, key=recorded.statement_id, run_at=act.now, payload=payload)
    return row
