"""A user verifies what was presented to it, for a purpose: counted once each, or refused with the reason.

Asked first is what the papers say (proof, user, purpose), then what has become of the certificate: so a copy
that leaked tells nobody else whether it still stands. Every refusal is on the ledger.
"""

from sqlmodel import col, update

from base.canonical import sha256_hex
from base.clock import rfc3339
from base.credential.verdicts import NotAccepted, Verdict
from base.db import WriteSession
from ledger.recording import Act
from registry.doors import Said
from registry.grading.depending import level_of
from registry.rules import rank
from registry.vouchers import repository
from registry.vouchers.errors import (
    AuthorisationWithdrawn,
    VoucherExhausted,
    VoucherExpired,
    VoucherForged,
    VoucherLevelTooHigh,
    VoucherPurposeMismatch,
    VoucherRevoked,
    VoucherSuperseded,
    VoucherUserMismatch,
)
from registry.vouchers.holding import read_presentation
from registry.vouchers.moving import check_in_force, step
from registry.vouchers.rules import Cause
from registry.vouchers.states import VoucherEvent, VoucherState, may_move
from registry.vouchers.tables import VoucherRow, VoucherTypeRow, VoucherUseRow
from registry.vouchers.verifying import Asked, check_asked

_E = VoucherEvent
_S = VoucherState


async def verify(
    s: WriteSession, act: Act, *, voucher_id: str, presentation: str, purpose: str, reference: str
) -> VoucherUseRow:
    """Make one use of a certificate, as the user to whom it was presented (CRT.VERIFY).

    It is the presentation that was shown last, byte by byte: the one that the ledger names. `reference` says
    in the user's words what it is for: those that the subject authorised. Raises VoucherForged,
    VoucherUserMismatch, VoucherPurposeMismatch, AuthorisationWithdrawn, VoucherRevoked, VoucherSuperseded,
    VoucherExhausted, VoucherExpired, VoucherTypeRevoked, VoucherLevelTooHigh.
    """
    row = await repository.claim_voucher(s, voucher_id=voucher_id)
    shown = read_presentation(row, presentation.encode())
    if act.actor.org_id != row.user_id:
        raise VoucherUserMismatch("presented to another user", voucher_id=voucher_id)
    if (purpose, reference.strip()) != (row.purpose, row.reference):
        raise VoucherPurposeMismatch(
            "the subject authorised another purpose",
            voucher_id=voucher_id,
            authorised=row.purpose,
            asked=purpose,
        )
    try:
        check_asked(shown, Asked(row.user_id, row.purpose, row.reference))
    except NotAccepted as no:
        if no.verdict is Verdict.USER_OTHER:
            raise VoucherUserMismatch(no.detail, voucher_id=voucher_id) from None
        raise VoucherForged(no.detail, verdict=no.verdict.value) from None
    check_stands(row)
    if sha256_hex(presentation.encode()) != row.presentation_sha256:
        raise VoucherForged("not what was shown last", verdict=Verdict.CHALLENGE_OTHER.value)
    kind = await repository.resting_on_type(s, type_id=row.type_id)
    check_in_force(kind)
    await _check_level(s, row, kind)
    if act.now > row.due_at:
        raise VoucherExpired("it has expired", voucher_id=voucher_id, until=rfc3339(row.due_at))
    may_move(row.status, _E.VERIFY, act.role)
    return await _use(s, act, row)


async def _use(s: WriteSession, act: Act, row: VoucherRow) -> VoucherUseRow:
    """Count a use in the UPDATE that finds one left; after the last the exchange states that it was."""
    left = (col(VoucherRow.voucher_id) == row.voucher_id, col(VoucherRow.used) < col(VoucherRow.max_uses))
    counted = await s.exec(update(VoucherRow).where(*left).values(used=VoucherRow.used + 1))
    if counted.rowcount != 1:
        raise VoucherExhausted("no use is left", voucher_id=row.voucher_id, uses=row.max_uses)
    await s.refresh(row)
    number, most = row.used, row.max_uses
    subjects = {"presentation": row.presentation_sha256 or ""}
    said = Said(public={"use": number, "of": most, "purpose": row.purpose}, subjects=subjects)
    recorded = await step(s, act, _E.VERIFY, row, said)
    use = VoucherUseRow(
        voucher_id=row.voucher_id,
        number=number,
        user_id=act.actor.org_id,
        used_at=act.occurred_at,
        statement_id=recorded.statement_id,
    )
    s.add(use)
    await s.flush()
    if number == most:
        ended = {"ended_at": act.now, "sealed_holder": None}
        await step(s, act.as_exchange(), _E.EXHAUST, row, Said(public={"uses": most}), values=ended)
    return use


def check_stands(row: VoucherRow) -> None:
    """What has become of a certificate does not forbid its use. Raises the refusal of its end."""
    facts = {"voucher_id": row.voucher_id}
    if row.status is _S.REVOKED and row.cause is Cause.WITHDRAWN:
        raise AuthorisationWithdrawn("the subject has withdrawn its authorisation", **facts)
    if row.status is _S.REVOKED:
        raise VoucherRevoked("it was revoked", **facts, cause=row.cause.value if row.cause else "")
    if row.status is _S.SUPERSEDED:
        raise VoucherSuperseded("a newer one stands in its place", **facts, replaced_by=row.replaced_by)
    if row.status is _S.EXHAUSTED:
        raise VoucherExhausted("no use is left", **facts, uses=row.max_uses)
    if row.status is _S.EXPIRED:
        raise VoucherExpired("it has expired", **facts)


async def _check_level(s: WriteSession, row: VoucherRow, kind: VoucherTypeRow) -> None:
    """Data that was raised above the type's level since is told no more. Raises VoucherLevelTooHigh."""
    if row.data_id is None:
        return
    level = await level_of(s, object_id=row.data_id)
    if rank(level) > rank(kind.max_level):
        raise VoucherLevelTooHigh("the data was graded higher since", level=level.value)
