"""The register of assessors: applied for, registered by an authority, suspended, ended; open to everybody.

An assessor never assesses its own group (`fitness`); what it concluded while registered stands.
"""

from base.calendar import months_after
from base.clock import rfc3339
from base.db import WriteSession
from identity.repository import lock_organisation
from identity.service import require_member
from ledger.recording import Act
from registry.assessments import repository
from registry.assessments.errors import ReviewerUnfit, SecurityWrongRole, SecurityWrongState
from registry.assessments.moving import begin, step, wind
from registry.assessments.rules import Qualification, Trade, check_qualified, check_text
from registry.assessments.states import ASSESSOR_MOVES, AssessorEvent, AssessorState, may_move
from registry.assessments.tables import AssessorRow
from registry.assessments.terms import number
from registry.doors import Said

_E = AssessorEvent
_S = AssessorState
_UNDER_WAY = (_S.APPLIED, _S.REGISTERED, _S.SUSPENDED)


async def apply_as_assessor(s: WriteSession, act: Act, *, qualification: Qualification) -> AssessorRow:
    """Apply to be registered (ASR.APPLY), as a third-party institution. Raises ReviewerUnfit.

    While an application or registration is under way there is no second one: SecurityWrongState.
    """
    may_move(ASSESSOR_MOVES, None, _E.APPLY, act.role)
    await require_member(s, org_id=act.actor.org_id)
    check_qualified(qualification, act.now)
    await lock_organisation(s, org_id=act.actor.org_id, alone=True)
    own = await repository.assessors_of(s, org_id=act.actor.org_id)
    if any(one.status in _UNDER_WAY for one in own):
        raise SecurityWrongState("one application or registration at a time", org_id=act.actor.org_id)
    row = AssessorRow(
        assessor_id=act.new_id("asr"),
        org_id=act.actor.org_id,
        status=_S.APPLIED,
        trades=sorted(one.value for one in qualification.trades),
        staff=qualification.staff,
        years=qualification.years,
        certificate_sha256=qualification.certificate_sha256,
        applied_at=act.occurred_at,
    )
    said = Said(
        public={"trades": row.trades},
        opening={"staff": row.staff, "years": row.years},
        subjects={"certificate": row.certificate_sha256},
    )
    await begin(s, act, row, _E.APPLY, said)
    return row


async def withdraw_application(s: WriteSession, act: Act, *, assessor_id: str) -> AssessorRow:
    """Take an application back (ASR.WITHDRAW)."""
    row = await repository.claim(s, AssessorRow, assessor_id)
    may_move(ASSESSOR_MOVES, row.status, _E.WITHDRAW, act.role)
    _check_own(act, row)
    await step(s, act, row, _E.WITHDRAW)
    return row


async def register_assessor(s: WriteSession, act: Act, *, assessor_id: str) -> AssessorRow:
    """Enter an assessor into the register for its period (ASR.REGISTER). Raises ReviewerUnfit."""
    row = await repository.claim(s, AssessorRow, assessor_id)
    may_move(ASSESSOR_MOVES, row.status, _E.REGISTER, act.role)
    _check_not_own(act, row)
    await require_member(s, org_id=row.org_id)
    trades = tuple(Trade(one) for one in row.trades)
    check_qualified(
        Qualification(
            trades=trades, staff=row.staff, years=row.years, certificate_sha256=row.certificate_sha256
        ),
        act.now,
    )
    until = months_after(act.now, number("ASSESSOR", "validity", act.now))
    said = Said(public={"trades": row.trades, "valid_until": rfc3339(until)})
    await step(s, act, row, _E.REGISTER, said, values={"registered_at": act.now, "valid_until": until})
    await wind(s, row.assessor_id, until)
    return row


async def refuse_assessor(s: WriteSession, act: Act, *, assessor_id: str, reason: str) -> AssessorRow:
    """Refuse an application with a reason (ASR.REFUSE)."""
    return await _decided(s, act, assessor_id, _E.REFUSE, reason)


async def suspend_assessor(s: WriteSession, act: Act, *, assessor_id: str, reason: str) -> AssessorRow:
    """Suspend an assessor (ASR.SUSPEND): it concludes nothing until it is resumed."""
    return await _decided(s, act, assessor_id, _E.SUSPEND, reason)


async def resume_assessor(s: WriteSession, act: Act, *, assessor_id: str, reason: str) -> AssessorRow:
    """Let a suspended assessor go on (ASR.RESUME)."""
    return await _decided(s, act, assessor_id, _E.RESUME, reason)


async def end_assessor(s: WriteSession, act: Act, *, assessor_id: str, reason: str) -> AssessorRow:
    """Take an assessor off the register (ASR.END), as itself or as an authority."""
    row = await repository.claim(s, AssessorRow, assessor_id)
    may_move(ASSESSOR_MOVES, row.status, _E.END, act.role)
    if act.role == "THIRD_PARTY":
        _check_own(act, row)
    said = Said(opening={"reason": check_text(reason)})
    await step(s, act, row, _E.END, said, values={"reason": reason.strip()})
    return row


async def fall_due(s: WriteSession, act: Act, *, assessor_id: str) -> bool:
    """The clock's ASR.EXPIRE; False where the registration is not over, or has ended."""
    row = await repository.claim(s, AssessorRow, assessor_id)
    over = row.valid_until is not None and act.now > row.valid_until
    if not over or row.status not in {_S.REGISTERED, _S.SUSPENDED}:
        return False
    await step(s, act, row, _E.EXPIRE)
    return True


async def _decided(
    s: WriteSession, act: Act, assessor_id: str, event: AssessorEvent, reason: str
) -> AssessorRow:
    row = await repository.claim(s, AssessorRow, assessor_id)
    may_move(ASSESSOR_MOVES, row.status, event, act.role)
    _check_not_own(act, row)
    said = Said(opening={"reason": check_text(reason)})
    await step(s, act, row, event, said, values={"reason": reason.strip()})
    return row


def _check_own(act: Act, row: AssessorRow) -> None:
    if row.org_id != act.actor.org_id:
        raise SecurityWrongRole("it is another's registration", assessor_id=row.assessor_id)


def _check_not_own(act: Act, row: AssessorRow) -> None:
    if row.org_id == act.actor.org_id:
        raise ReviewerUnfit("nobody decides on itself", reviewer_id=row.org_id)
