"""What is asked about asset certificates, their types, their issuers and their status lists."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement
from sqlmodel import col, func, or_, select

from base.db import ReadSession, WriteSession, exclusive_lock, share_lock
from registry.vouchers.errors import VoucherTypeUnknown, VoucherUnknown
from registry.vouchers.states import TAKEN_BACK, TypeState, VoucherState
from registry.vouchers.tables import VoucherIssuerRow, VoucherRow, VoucherTypeRow, VoucherUseRow


@dataclass(frozen=True, slots=True)
class Marked:
    """The places of a list whose bits are set, and when the last was."""

    places: frozenset[int]
    changed_at: datetime | None


async def get_type(s: ReadSession, *, type_id: str) -> VoucherTypeRow:
    """A type by id. Raises VoucherTypeUnknown."""
    row = await s.get(VoucherTypeRow, type_id, populate_existing=True)
    if row is None:
        raise VoucherTypeUnknown("no such type", type_id=type_id)
    return row


async def resting_on_type(s: ReadSession, *, type_id: str) -> VoucherTypeRow:
    """A type, share-locked for an act that depends on it. Raises VoucherTypeUnknown."""
    query = share_lock(select(VoucherTypeRow).where(VoucherTypeRow.type_id == type_id))
    row = (await s.exec(query.execution_options(populate_existing=True))).first()
    if row is None:
        raise VoucherTypeUnknown("no such type", type_id=type_id)
    return row


async def claim_type(s: WriteSession, *, type_id: str) -> VoucherTypeRow:
    """A type, locked against every act that rests on it. Raises VoucherTypeUnknown."""
    query = exclusive_lock(select(VoucherTypeRow).where(VoucherTypeRow.type_id == type_id))
    row = (await s.exec(query.execution_options(populate_existing=True))).first()
    if row is None:
        raise VoucherTypeUnknown("no such type", type_id=type_id)
    return row


async def types(
    s: ReadSession, *, states: Collection[TypeState] = (), proposer_id: str | None = None
) -> Sequence[VoucherTypeRow]:
    """Types, by code: those in these states, and those that one proposed."""
    query = select(VoucherTypeRow)
    shown: list[ColumnElement[bool]] = [col(VoucherTypeRow.status).in_(sorted(states))] if states else []
    if proposer_id is not None:
        shown.append(col(VoucherTypeRow.proposer_id) == proposer_id)
    if shown:
        query = query.where(or_(*shown))
    return (await s.exec(query.order_by(col(VoucherTypeRow.code)).limit(500))).all()


async def get_voucher(s: ReadSession, *, voucher_id: str) -> VoucherRow:
    """A certificate by id. Raises VoucherUnknown."""
    row = await s.get(VoucherRow, voucher_id, populate_existing=True)
    if row is None:
        raise VoucherUnknown("no such asset certificate", voucher_id=voucher_id)
    return row


async def claim_voucher(s: WriteSession, *, voucher_id: str) -> VoucherRow:
    """A certificate, locked: its uses are counted one after the other. Raises VoucherUnknown."""
    query = exclusive_lock(select(VoucherRow).where(VoucherRow.voucher_id == voucher_id))
    row = (await s.exec(query.execution_options(populate_existing=True))).first()
    if row is None:
        raise VoucherUnknown("no such asset certificate", voucher_id=voucher_id)
    return row


async def voucher_of_digest(s: ReadSession, *, sha256: str) -> VoucherRow | None:
    """The certificate whose credential, or presentation, has this digest."""
    named = (col(VoucherRow.credential_sha256) == sha256, col(VoucherRow.presentation_sha256) == sha256)
    return (await s.exec(select(VoucherRow).where(or_(*named)).limit(1))).first()


async def vouchers(
    s: ReadSession,
    *,
    subject_id: str | None = None,
    user_id: str | None = None,
    provider_id: str | None = None,
    states: Collection[VoucherState] = (),
    after: str | None = None,
    limit: int = 50,
) -> Sequence[VoucherRow]:
    """Certificates, newest first: of a subject, user or provider (of each that is named), in these states."""
    query = select(VoucherRow)
    named = (
        (VoucherRow.subject_id, subject_id),
        (VoucherRow.user_id, user_id),
        (VoucherRow.provider_id, provider_id),
    )
    whose = [col(column) == value for column, value in named if value is not None]
    if whose:
        query = query.where(or_(*whose))
    if states:
        query = query.where(col(VoucherRow.status).in_(sorted(states)))
    if after is not None:
        query = query.where(col(VoucherRow.voucher_id) < after)
    return (await s.exec(query.order_by(col(VoucherRow.voucher_id).desc()).limit(limit))).all()


async def uses_of(s: ReadSession, *, voucher_id: str) -> Sequence[VoucherUseRow]:
    """The uses that were counted, first to last."""
    query = select(VoucherUseRow).where(VoucherUseRow.voucher_id == voucher_id)
    return (await s.exec(query.order_by(col(VoucherUseRow.number)))).all()


async def issuer_in_office(s: ReadSession, *, org_id: str) -> VoucherIssuerRow | None:
    """The key that a provider signs certificates with now, share-locked."""
    query = select(VoucherIssuerRow).where(
        VoucherIssuerRow.org_id == org_id, col(VoucherIssuerRow.retired_at).is_(None)
    )
    newest = query.order_by(col(VoucherIssuerRow.number).desc()).limit(1)
    return (await s.exec(share_lock(newest).execution_options(populate_existing=True))).first()


async def issuers(s: ReadSession, *, org_id: str | None = None) -> Sequence[VoucherIssuerRow]:
    """All issuing keys, or one provider's, newest first."""
    query = select(VoucherIssuerRow)
    if org_id is not None:
        query = query.where(VoucherIssuerRow.org_id == org_id)
    return (await s.exec(query.order_by(col(VoucherIssuerRow.number).desc()).limit(10_000))).all()


async def get_issuer(s: ReadSession, *, number: int) -> VoucherIssuerRow | None:
    """An issuing key, by its number."""
    return (await s.exec(select(VoucherIssuerRow).where(VoucherIssuerRow.number == number))).first()


async def newest_issuer_number(s: ReadSession) -> int:
    """The last number that was given."""
    return (await s.exec(select(func.max(VoucherIssuerRow.number)))).one() or 0


async def places_taken(s: ReadSession, *, number: int) -> Collection[int]:
    """The places of a list that were ever given."""
    query = select(VoucherRow.place).where(VoucherRow.issuer_number == number)
    return {place for place in (await s.exec(query)).all() if place is not None}


async def marked(s: ReadSession, *, number: int) -> Marked:
    """What a list has to say at this moment, straight from the certificates: no copy that could lag."""
    gone = or_(
        col(VoucherRow.status).in_(sorted(TAKEN_BACK)), col(VoucherTypeRow.status) == TypeState.REVOKED
    )
    query = (
        select(VoucherRow.place, VoucherRow.ended_at, VoucherTypeRow.decided_at)
        .join(VoucherTypeRow, col(VoucherTypeRow.type_id) == col(VoucherRow.type_id))
        .where(VoucherRow.issuer_number == number, gone)
    )
    found = (await s.exec(query)).all()
    moments = [at for _, *ends in found for at in ends if at is not None]
    return Marked(frozenset(place for place, _, _ in found if place is not None), max(moments, default=None))
