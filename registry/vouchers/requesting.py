"""A certificate is asked for by its user or its subject, and authorised by its subject alone.

What the subject authorises is its own statement (`CRT.AUTHORISE`): who may use it, for what, which items of
which months, until when, how often. It may give less than was asked, never more.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from base.calendar import end_of_day_shanghai, shanghai_day
from base.clock import rfc3339
from base.credential.multikey import did_key, public_of
from base.db import WriteSession
from base.signing import SigningKey
from identity.service import require_member
from ledger.recording import Act
from registry.doors import Said
from registry.vouchers import repository
from registry.vouchers.desk import VoucherDesk
from registry.vouchers.errors import (
    VoucherBeyondType,
    VoucherExpired,
    VoucherMalformed,
    VoucherOwnWord,
    VoucherWrongRole,
)
from registry.vouchers.moving import begin, check_in_force, check_subject, end, step
from registry.vouchers.rules import MAX_REFERENCE, SubjectKind, Wish, check_narrower, check_wish
from registry.vouchers.states import VoucherEvent, VoucherState, may_move
from registry.vouchers.tables import VoucherRow, VoucherTypeRow
from registry.vouchers.terms import term

_E = VoucherEvent


async def request(
    s: WriteSession,
    act: Act,
    *,
    type_id: str,
    subject_kind: SubjectKind,
    subject_id: str,
    user_id: str,
    provider_id: str,
    purpose: str,
    reference: str,
    items: Sequence[str],
    period_from: str,
    period_to: str,
    valid_days: int | None = None,
    max_uses: int = 1,
) -> VoucherRow:
    """Ask for a certificate, as its user or its subject; of a person also its provider (CRT.REQUEST).

    Raises VoucherTypeRevoked, VoucherBeyondType, VoucherOwnWord, VoucherWrongRole, VoucherMalformed,
    `member-not-active`.
    """
    may_move(None, _E.REQUEST, act.role)
    kind = await repository.resting_on_type(s, type_id=type_id)
    check_in_force(kind)
    wish = Wish(
        items=tuple(items),
        period_from=period_from,
        period_to=period_to,
        valid_days=kind.valid_days if valid_days is None else valid_days,
        max_uses=max_uses,
    )
    _check_within(kind, wish, purpose, act.now)
    if not 1 <= len(reference.strip()) <= MAX_REFERENCE:
        raise VoucherMalformed("say what it is for", fields=["reference"])
    if provider_id not in kind.issuers:
        raise VoucherBeyondType("this provider makes no certificates of the type", fields=["provider_id"])
    if len({subject_id, user_id, provider_id}) < 3:  # noqa: PLR2004 - the three
        raise VoucherOwnWord("subject, provider and user are three")
    may_ask = {user_id, subject_id if subject_kind is SubjectKind.MEMBER else provider_id}
    if act.actor.org_id not in may_ask:
        raise VoucherWrongRole("the user or the subject asks")
    members = {user_id, provider_id} | ({subject_id} if subject_kind is SubjectKind.MEMBER else set())
    for org_id in sorted(members):
        await require_member(s, org_id=org_id)
    row = VoucherRow(
        voucher_id=act.new_id("vch"),
        type_id=type_id,
        subject_kind=subject_kind,
        subject_id=subject_id,
        user_id=user_id,
        provider_id=provider_id,
        requested_by=act.actor.org_id,
        purpose=purpose,
        reference=reference.strip(),
        items=list(wish.items),
        period_from=wish.period_from,
        period_to=wish.period_to,
        valid_days=wish.valid_days,
        max_uses=wish.max_uses,
        challenge=act.nonce(),
        status=VoucherState.REQUESTED,
        requested_at=act.occurred_at,
        due_at=_last_moment(act.now, term("request", act.now)),
    )
    s.add(row)
    await s.flush()
    await begin(s, act, _E.REQUEST, row, _said(row, answer_by=rfc3339(row.due_at)))
    return row


async def decline(
    s: WriteSession, act: Act, *, voucher_id: str, document_sha256: str | None = None
) -> VoucherRow:
    """Say no to a request, as its subject (CRT.DECLINE)."""
    row = await repository.claim_voucher(s, voucher_id=voucher_id)
    may_move(row.status, _E.DECLINE, act.role)
    check_subject(act, row, document_sha256)
    await end(s, act, _E.DECLINE, row, Said(subjects=_paper(document_sha256)))
    return row


async def cancel(s: WriteSession, act: Act, *, voucher_id: str) -> VoucherRow:
    """Take a request back, as who asked (CRT.CANCEL)."""
    row = await repository.claim_voucher(s, voucher_id=voucher_id)
    may_move(row.status, _E.CANCEL, act.role)
    if act.actor.org_id != row.requested_by:
        raise VoucherWrongRole("another has asked", voucher_id=voucher_id)
    await end(s, act, _E.CANCEL, row)
    return row


async def authorise(
    s: WriteSession,
    act: Act,
    *,
    voucher_id: str,
    desk: VoucherDesk,
    items: Sequence[str] | None = None,
    period_from: str | None = None,
    period_to: str | None = None,
    valid_days: int | None = None,
    max_uses: int | None = None,
    holder_did: str | None = None,
    document_sha256: str | None = None,
) -> VoucherRow:
    """Say yes, to what was asked or to less, as the subject (CRT.AUTHORISE).

    `holder_did` is a key of the subject's own that is to sign presentations; without one a wallet's key is
    made and kept sealed here. Of a person the provider brings `document_sha256`, the digest of its paper.
    Raises VoucherBeyondType, VoucherTypeRevoked, VoucherExpired, VoucherMalformed.
    """
    row = await repository.claim_voucher(s, voucher_id=voucher_id)
    may_move(row.status, _E.AUTHORISE, act.role)
    check_subject(act, row, document_sha256)
    if act.now > row.due_at:
        raise VoucherExpired("the request has lapsed", until=rfc3339(row.due_at))
    kind = await repository.resting_on_type(s, type_id=row.type_id)
    check_in_force(kind)
    asked = _wish_of(row)
    given = Wish(
        items=asked.items if items is None else tuple(items),
        period_from=period_from or asked.period_from,
        period_to=period_to or asked.period_to,
        valid_days=asked.valid_days if valid_days is None else valid_days,
        max_uses=asked.max_uses if max_uses is None else max_uses,
    )
    _check_within(kind, given, row.purpose, act.now)
    check_narrower(given, asked)
    key = None if holder_did else SigningKey.from_bytes(bytes.fromhex(act.nonce()))
    if holder_did is not None:
        public_of(holder_did)
    ends = _last_moment(act.now, given.valid_days)
    values = {
        "items": list(given.items),
        "period_from": given.period_from,
        "period_to": given.period_to,
        "valid_days": given.valid_days,
        "max_uses": given.max_uses,
        "holder_did": holder_did if key is None else did_key(key.public),
        "holder_keyid": None if key is None else key.keyid,
        "sealed_holder": None if key is None else desk.safe.seal_key(key),
        "authorised_at": act.occurred_at,
        "due_at": ends,
    }
    opening = {
        "reference": row.reference,
        "items": list(given.items),
        "period": [given.period_from, given.period_to],
    }
    public = {
        "purpose": row.purpose,
        "holder": values["holder_did"],
        "valid_until": rfc3339(ends),
        "max_uses": given.max_uses,
    }
    said = Said(public=public, opening=opening, subjects=_paper(document_sha256))
    recorded = await step(s, act, _E.AUTHORISE, row, said, values=values)
    row.authorisation_sha256 = recorded.digest
    await s.flush()
    return row


def _wish_of(row: VoucherRow) -> Wish:
    return Wish(
        items=tuple(row.items),
        period_from=row.period_from,
        period_to=row.period_to,
        valid_days=row.valid_days,
        max_uses=row.max_uses,
    )


def _check_within(kind: VoucherTypeRow, wish: Wish, purpose: str, at: datetime) -> None:
    check_wish(
        wish,
        purpose=purpose,
        allowed=kind.purposes,
        items=[item["code"] for item in kind.items],
        most={
            "months": kind.max_months,
            "valid_days": kind.valid_days,
            "max_uses": kind.max_uses,
        },
        on=shanghai_day(at),
    )


def _last_moment(at: datetime, days: int) -> datetime:
    """The end of the day in Shanghai that many days after."""
    return end_of_day_shanghai(shanghai_day(at) + timedelta(days=days))


def _paper(document_sha256: str | None) -> dict[str, str]:
    return {} if document_sha256 is None else {"document": document_sha256}


def _said(row: VoucherRow, *, answer_by: str) -> Said:
    public = {"purpose": row.purpose, "max_uses": row.max_uses, "answer_by": answer_by}
    opening = {
        "reference": row.reference,
        "items": row.items,
        "period": [row.period_from, row.period_to],
        "valid_days": row.valid_days,
    }
    return Said(public=public, opening=opening)
