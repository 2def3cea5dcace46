"""What is asked about cases."""

from collections.abc import Collection, Sequence

from sqlmodel import col, select

from base.db import ReadSession, WriteSession, exclusive_lock
from cases.errors import CaseUnknown
from cases.rules import CaseState
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


async def case_that_needs(s: ReadSession, *, objects: Collection[str], seq: int | None) -> str | None:
    """An open case that is about one of these objects, or rests on the entry `seq`; None where none does.

    Open cases are few beside trades; they are read page by page.
    """
    flagged = select(CaseFlag.case_id).where(
        col(CaseFlag.trade_id).in_(objects), col(CaseFlag.cleared_at).is_(None)
    )
    found = (await s.exec(flagged.limit(1))).first()
    after = ""
    while found is None:
        query = select(Case).where(
            col(Case.status).in_([CaseState.RECEIVED, CaseState.INVESTIGATING]), col(Case.case_id) > after
        )
        page = (await s.exec(query.order_by(Case.case_id).limit(100))).all()
        if not page:
            return None
        for case in page:
            about = {*case.finding.get("objects", ()), *case.finding.get("subjects", ())}
            if about & set(objects) or (seq is not None and seq in case.finding.get("evidence_seqs", ())):
                return case.case_id
        after = page[-1].case_id
    return found
