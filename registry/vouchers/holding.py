"""The subject's wallet: it takes a certificate in, shows it to its user, and takes its word back.

A provider that finds an error, and a court, end a certificate too. The clock ends it after its last day.
"""

from collections.abc import Sequence

from base.canonical import canonical, sha256_hex
from base.clock import parse_rfc3339, rfc3339
from base.credential.proof import secure
from base.credential.verdicts import NotAccepted
from base.db import WriteSession
from ledger.recording import Act
from registry.doors import Said
from registry.vouchers import repository
from registry.vouchers.desk import VoucherDesk
from registry.vouchers.document import presentation, urn
from registry.vouchers.errors import (
    VoucherBeyondType,
    VoucherExpired,
    VoucherForged,
    VoucherMalformed,
    VoucherWrongRole,
    VoucherWrongState,
)
from registry.vouchers.moving import LATE, check_in_force, check_provider, check_subject, end, step
from registry.vouchers.rules import Cause
from registry.vouchers.states import LIVE, VoucherEvent, VoucherState, may_move
from registry.vouchers.tables import VoucherRow
from registry.vouchers.verifying import Asked, Presented, check_asked, presented

_E = VoucherEvent


async def store(
    s: WriteSession, act: Act, *, voucher_id: str, document_sha256: str | None = None
) -> VoucherRow:
    """Take a certificate into the wallet, as its subject (CRT.STORE)."""
    row = await repository.claim_voucher(s, voucher_id=voucher_id)
    may_move(row.status, _E.STORE, act.role)
    check_subject(act, row, document_sha256)
    subjects = {"credential": row.credential_sha256 or ""} | _paper(document_sha256)
    await step(s, act, _E.STORE, row, Said(subjects=subjects))
    return row


async def present(
    s: WriteSession,
    act: Act,
    *,
    voucher_id: str,
    desk: VoucherDesk,
    items: Sequence[str] | None = None,
    signed: str | None = None,
    document_sha256: str | None = None,
) -> VoucherRow:
    """Show a certificate to its user, as its subject (CRT.PRESENT): all of its items, or those named.

    It answers the challenge that stands, and another stands from then on: what was shown before counts no
    more. A wallet that is kept here signs itself; a subject with a key of its own brings the `signed`
    presentation.
    Raises VoucherForged, VoucherBeyondType, VoucherExpired, VoucherMalformed, VoucherTypeRevoked.
    """
    row = await repository.claim_voucher(s, voucher_id=voucher_id)
    may_move(row.status, _E.PRESENT, act.role)
    check_subject(act, row, document_sha256)
    if act.now > row.due_at:
        raise VoucherExpired("the certificate has expired", until=rfc3339(row.due_at))
    check_in_force(await repository.resting_on_type(s, type_id=row.type_id))
    if (signed is None) == (row.sealed_holder is None):
        raise VoucherMalformed("the wallet signs, or the subject's own key does", fields=["signed"])
    raw = _signed_here(act, row, desk, items) if signed is None else signed.encode()
    shown = read_presentation(row, raw)
    try:
        asked = Asked(row.user_id, row.purpose, row.reference, row.challenge)
        check_asked(shown, asked)
    except NotAccepted as no:
        raise VoucherForged(no.detail, verdict=no.verdict.value) from None
    digest = sha256_hex(raw)
    values = {
        "presented_at": act.now,
        "presentation_sha256": digest,
        "challenge": act.nonce(),
        "sealed_presentation": desk.seal_presentation(voucher_id, raw),
    }
    opening = {"shown": [str(one["item"]) for one in shown.disclosures]}
    subjects = {"presentation": digest} | _paper(document_sha256)
    await step(s, act, _E.PRESENT, row, Said(opening=opening, subjects=subjects), values=values)
    return row


def _signed_here(act: Act, row: VoucherRow, desk: VoucherDesk, items: Sequence[str] | None) -> bytes:
    whole = desk.open(row)
    shown = [one for one in whole["disclosures"] if items is None or one["item"] in items]
    if items is not None and {one["item"] for one in shown} != set(items):
        raise VoucherBeyondType("shown is what the certificate has", items=sorted(row.items))
    unsecured = presentation(whole["credential"], shown, holder_did=row.holder_did or "")
    key, domain = desk.holder_key(row), urn(row.user_id)
    return canonical(secure(unsecured, key, created=act.occurred_at, challenge=row.challenge, domain=domain))


def read_presentation(row: VoucherRow, raw: bytes) -> Presented:
    """A presentation of this very certificate, whose proofs hold. Raises VoucherForged."""
    try:
        shown = presented(raw)
    except NotAccepted as no:
        raise VoucherForged(no.detail, verdict=no.verdict.value) from None
    if row.credential_sha256 is None or shown.credential_sha256 != row.credential_sha256:
        raise VoucherForged("another certificate than the one it is said to be", verdict="another")
    return shown


async def revoke(
    s: WriteSession,
    act: Act,
    *,
    voucher_id: str,
    cause: Cause,
    reason: str,
    document_sha256: str | None = None,
) -> VoucherRow:
    """End a certificate before its time (CRT.REVOKE): its next verification fails.

    WITHDRAWN is the subject's word, also of one that is used up; ERROR the provider's, COURT a court's with
    the digest of its order. Raises VoucherWrongRole, VoucherWrongState.
    """
    row = await repository.claim_voucher(s, voucher_id=voucher_id)
    may_move(row.status, _E.REVOKE, act.role)
    if row.status is VoucherState.EXHAUSTED and cause is not Cause.WITHDRAWN:
        raise VoucherWrongState("it is used up: its subject alone can withdraw it", voucher_id=voucher_id)
    if cause is Cause.COURT:
        if act.role != "COURT" or document_sha256 is None:
            raise VoucherWrongRole("a court orders it, and brings its order's digest", voucher_id=voucher_id)
    elif act.role == "COURT":
        raise VoucherWrongRole("a court's order is a court's", voucher_id=voucher_id)
    elif cause is Cause.ERROR:
        check_provider(act, row)
    else:
        check_subject(act, row, document_sha256)
    said = Said(public={"cause": cause.value}, opening={"reason": reason}, subjects=_paper(document_sha256))
    await end(s, act, _E.REVOKE, row, said, values={"cause": cause, "reason": reason})
    return row


async def fall_due(s: WriteSession, act: Act, *, voucher_id: str, at: str) -> bool:
    """What the clock does when a request has lapsed or a certificate is over (CRT.EXPIRE).

    Of one that is used up, what its user was shown is forgotten; that is no step. False where it has moved
    on, or has another end by now.
    """
    row = await repository.claim_voucher(s, voucher_id=voucher_id)
    over = act.now >= parse_rfc3339(at) + LATE
    if rfc3339(row.due_at) != at or not over:
        return False
    if row.status is VoucherState.EXHAUSTED:
        row.sealed_presentation = None
        s.add(row)
        await s.flush()
        return True
    if row.status not in LIVE:
        return False
    await end(s, act, _E.EXPIRE, row)
    return True


def _paper(document_sha256: str | None) -> dict[str, str]:
    return {} if document_sha256 is None else {"document": document_sha256}
