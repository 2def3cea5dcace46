"""Whoever received data of a person who has withdrawn is told, deletes, and confirms by its own signature.

What is told is an entry under a key of this notice alone: who has the person's pseudonym in its data finds it
(HMAC-SHA256), and nobody else learns one.
"""

from base.clock import rfc3339
from base.db import WriteSession
from ledger.recording import Act
from registry.doors import Said
from registry.subjects import repository
from registry.subjects.errors import SubjectMalformed, SubjectRecordUnknown
from registry.subjects.moving import begin, step, wind
from registry.subjects.rules import listed_entry
from registry.subjects.states import DeletionEvent, DeletionState
from registry.subjects.tables import DeletionRow
from registry.subjects.terms import due_after

MAX_ROWS = 10**9


async def tell_receiver(
    s: WriteSession, act: Act, *, given_id: str, trade_id: str, receiver_id: str
) -> DeletionRow | None:
    """Tell one receiver under one contract (SDD.TELL), as the exchange; None where it was told before."""
    told = await repository.deletions(s, trade_id=trade_id, given_ids=[given_id], receiver_id=receiver_id)
    if told:
        return None
    given = await repository.get_given(s, given_id=given_id)
    tie = await repository.get_tie(s, tie_id=given.tie_id)
    key, due = act.nonce(), due_after(act.now, "SUB-WDR", "deletion")
    row = DeletionRow(
        deletion_id=act.new_id("sdd"),
        given_id=given_id,
        holder_id=given.holder_id,
        receiver_id=receiver_id,
        object_id=given.object_id,
        trade_id=trade_id,
        entry_key=key,
        entry=listed_entry(key, tie.pseudonym),
        status=DeletionState.TOLD,
        told_at=act.occurred_at,
        due_at=due,
    )
    said = Said(public={"confirm_by": rfc3339(due)}, subjects={"entry": row.entry})
    await begin(s, act, row, DeletionEvent.TELL, said)
    await wind(s, row.deletion_id, due)
    return row


async def confirm_deletion(
    s: WriteSession, act: Act, *, deletion_id: str, rows_deleted: int, proof_sha256: str
) -> DeletionRow:
    """Confirm that the person's rows are deleted, as who was told (SDD.CONFIRM); none may have been there.

    `proof_sha256` is the digest of the receiver's own record of it. Raises SubjectRecordUnknown.
    """
    row = await repository.claim_deletion(s, deletion_id=deletion_id)
    if act.actor.org_id != row.receiver_id:
        raise SubjectRecordUnknown("no such record")
    if not 0 <= rows_deleted <= MAX_ROWS:
        raise SubjectMalformed("how many rows went", fields=["rows_deleted"])
    values = {
        "confirmed_at": act.occurred_at,
        "rows_deleted": rows_deleted,
        "proof_sha256": proof_sha256,
    }
    said = Said(opening={"rows_deleted": rows_deleted}, subjects={"proof": proof_sha256})
    await step(s, act, row, DeletionEvent.CONFIRM, said, values=values)
    return row


async def fall_due(s: WriteSession, act: Act, *, deletion_id: str) -> bool:
    """The clock: nobody has confirmed in time (SDD.OVERDUE)."""
    row = await repository.claim_deletion(s, deletion_id=deletion_id)
    if row.status is not DeletionState.TOLD or act.now <= row.due_at:
        return False
    await step(s, act, row, DeletionEvent.OVERDUE)
    return True
