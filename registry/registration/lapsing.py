"""Rights end one by one: one that is held until a day ends after it, and the others of a registration stand.

Only what is offered on a right to operate falls with it.
"""

from sqlmodel import col, select, update

from base.db import WriteSession
from base.jobs import enqueue
from ledger.recording import Act
from registry.doors import Said
from registry.ending import ENDED_JOB
from registry.registration import repository
from registry.registration.moving import step, tell_reference
from registry.registration.rules import has_ended
from registry.registration.states import STANDING, RegistrationEvent
from registry.registration.tables import ClaimRow, RegistrationRow
from registry.rules import Right, RightEnd
from registry.tables import RightsRow


async def end_rights(s: WriteSession, act: Act, *, registration_id: str, until: str) -> bool:
    """What the clock does after the last day of some rights of a registration (REG.END_RIGHT), one by one.

    False where the registration has ended, or ends with them.
    """
    row = await repository.claim_registration(s, registration_id=registration_id)
    over = row.valid_to is not None and act.now > row.valid_to
    if row.status not in STANDING or over or not has_ended(until, act.now):
        return False
    for claim in await repository.claims_of(s, registration_id=registration_id):
        if claim.until == until:
            await _end(s, act, row, claim)
    return True


async def _end(s: WriteSession, act: Act, row: RegistrationRow, claim: ClaimRow) -> None:
    public = {"holder_id": claim.holder_id, "right": claim.right, "until": claim.until}
    recorded = await step(s, act, RegistrationEvent.END_RIGHT, row, Said(public=public))
    mine = (
        col(RightsRow.registration_id) == row.registration_id,
        col(RightsRow.holder_id) == claim.holder_id,
        col(RightsRow.right) == Right(claim.right),
        col(RightsRow.ended_at).is_(None),
    )
    resting = (await s.exec(select(RightsRow.product_id).where(*mine))).all()
    ended = {"ended_as": RightEnd.EXPIRED.value, "ended_at": act.occurred_at}
    await s.exec(update(RightsRow).where(*mine).values(**ended))
    if claim.right != Right.OPERATE:  # what an offer rests on
        return
    for product_id in sorted(resting):
        payload = {"product_id": product_id, "holder_id": claim.holder_id}
        key = f"{recorded.statement_id} {product_id}"
        await enqueue(s, kind=ENDED_JOB, key=key, run_at=act.now, payload=payload)
    await tell_reference(s, act, row, recorded)
