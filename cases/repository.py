"""What is asked about cases."""

from collections.abc import Sequence

from sqlmodel import col, select

from base.db import ReadSession, WriteSession, exclusive_lock
from cases.errors import CaseUnknown
from cases.tables import Case, CaseFlag, CaseOrder


async def get_case(s: ReadSession, *, case_id: str) -> Case:
    """A case by id. Raises CaseUnknown."""
    row = await s.get(Case, case_id, populate_existing=True)
    if row is None:
        raise CaseUnknown("no such case", case_id=case_id)
    return row


async def claim_case(s: WriteSession, *, case_id: str) -> Case:
    """A case, locked until the transaction ends. Raises CaseUnknown."""
    query = exclusive_lock(select(Case).where(Case.case_id == case_id))
    row = (await s.exec(query.execution_options(populate_existing=True))).first()
    if row is None:
        raise CaseUnknown("no such case", case_id=case_id)
    return row


async def case_of_finding(s: ReadSession, *, finding_id: str) -> Case | None:
    """The case a finding has become, if it has."""
    return (await s.exec(select(Case).where(Case.finding_id == finding_id))).first()


async def cases(s: ReadSession, *, after: str | None = None, limit: int = 50) -> Sequence[Case]:
    """Cases, newest first, by keyset."""
    query = select(Case).order_by(col(Case.case_id).desc()).limit(min(limit, 100))
    if after is not None:
        query = query.where(col(Case.case_id) < after)
    return (await s.exec(query)).all()


async def orders_of(s: ReadSession, *, case_id: str) -> Sequence[CaseOrder]:
    """The orders issued in a case, first to last."""
    query = select(CaseOrder).where(CaseOrder.case_id == case_id)
    return (await s.exec(query.order_by(col(CaseOrder.issued_at), CaseOrder.order_id))).all()


async def flags_of(s: ReadSession, *, case_id: str) -> Sequence[CaseFlag]:
    """The trades a case flags."""
    return (await s.exec(select(CaseFlag).where(CaseFlag.case_id == case_id))).all()
