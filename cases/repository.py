"""What is asked about cases."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from sqlmodel import col, select

from base.clock import parse_rfc3339
from base.db import ReadSession, WriteSession, exclusive_lock
from cases.deadlines import APPEALING
from cases.errors import CaseUnknown
from cases.rules import CaseEvent, CaseState, Kind
from cases.states import HANDLERS, OPERATOR
from cases.tables import (
    Case,
    CaseDeadline,
    CaseEvidence,
    CaseFlag,
    CaseMessage,
    CaseOrder,
    CasePaper,
    CaseReporter,
)


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


async def cases_of_findings(s: ReadSession) -> dict[str, Case]:
    """The cases that findings of supervision have become, by the finding's id."""
    query = select(Case).where(col(Case.finding_id) != col(Case.case_id))
    return {case.finding_id: case for case in (await s.exec(query)).all()}


async def cases(
    s: ReadSession, *, after: str | None = None, limit: int = 50, ways: Collection[str] | None = None
) -> Sequence[Case]:
    """Cases, newest first, by keyset; with `ways` those whose decision was taken one of these ways."""
    query = select(Case).order_by(col(Case.case_id).desc()).limit(min(limit, 100))
    if ways is not None:
        said = col(CasePaper.document)["way"].as_string()
        taken = select(CasePaper.case_id).where(
            CasePaper.event == CaseEvent.APPEAL.value, said.in_(list(ways))
        )
        query = query.where(col(Case.case_id).in_(taken))
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


async def papers_of(s: ReadSession, *, case_id: str) -> Sequence[CasePaper]:
    """The file of a case, first to last."""
    query = select(CasePaper).where(CasePaper.case_id == case_id)
    return (await s.exec(query.order_by(col(CasePaper.number)))).all()


async def papers_on(s: ReadSession, *, case_id: str, event: CaseEvent) -> Sequence[CasePaper]:
    """The papers of one kind of step, first to last."""
    query = select(CasePaper).where(CasePaper.case_id == case_id, CasePaper.event == event.value)
    return (await s.exec(query.order_by(col(CasePaper.number)))).all()


async def last_paper(s: ReadSession, *, case_id: str, event: CaseEvent) -> CasePaper | None:
    """The newest paper of one kind of step."""
    found = await papers_on(s, case_id=case_id, event=event)
    return found[-1] if found else None


async def deadlines_of(s: ReadSession, *, case_id: str) -> Sequence[CaseDeadline]:
    """What has, or had, to be done in a case, and until when."""
    query = select(CaseDeadline).where(CaseDeadline.case_id == case_id)
    return (await s.exec(query.order_by(col(CaseDeadline.due_at), CaseDeadline.matter))).all()


async def overdue(
    s: ReadSession, *, authorities: Collection[str], limit: int = 100
) -> Sequence[tuple[CaseDeadline, Case]]:
    """What is late in the cases of these authorities, the longest first; papers nobody has yet are all's."""
    query = (
        select(CaseDeadline, Case)
        .join(Case, col(Case.case_id) == col(CaseDeadline.case_id))
        .where(
            col(CaseDeadline.overdue_at).is_not(None),
            col(CaseDeadline.met_at).is_(None),
            col(Case.authority).in_(list(authorities)) | col(Case.authority).is_(None),
        )
    )
    return (await s.exec(query.order_by(col(CaseDeadline.due_at)).limit(limit))).all()


async def evidence_of(s: ReadSession, *, case_id: str) -> Sequence[CaseEvidence]:
    """The entries that a case has pinned."""
    query = select(CaseEvidence).where(CaseEvidence.case_id == case_id)
    return (await s.exec(query.order_by(col(CaseEvidence.seq)))).all()


async def reporter_of(s: ReadSession, *, case_id: str) -> CaseReporter | None:
    """Who filed the paper, sealed; None where supervision did."""
    return await s.get(CaseReporter, case_id, populate_existing=True)


async def is_to_be_told(s: ReadSession, *, case_id: str, kind: Kind) -> bool:
    """A complainant is always told what comes of it, who reports where he or she has given a name."""
    reporter = await reporter_of(s, case_id=case_id)
    return reporter is not None and (reporter.named or kind is Kind.COMPLAINT)


async def filed_under(s: ReadSession, *, code_mark: str) -> Sequence[Case]:
    """The cases that a paper became."""
    query = select(Case).join(CaseReporter, col(CaseReporter.case_id) == col(Case.case_id))
    return (await s.exec(query.where(CaseReporter.code_mark == code_mark).order_by(Case.case_id))).all()


async def messages_of(s: ReadSession, *, case_id: str) -> Sequence[CaseMessage]:
    """What passed between who reported and the officer, first to last, sealed."""
    query = select(CaseMessage).where(CaseMessage.case_id == case_id)
    return (await s.exec(query.order_by(col(CaseMessage.at), CaseMessage.message_id))).all()


_TOLD: Final = (CaseEvent.PROPOSE_PENALTY, CaseEvent.INTERVIEW, CaseEvent.ACCEPT, CaseEvent.COMMITMENT)


async def known_to(s: ReadSession, *, org_id: str, limit: int = 50) -> Sequence[Case]:
    """The cases of which a party has been told, newest first: what was not told to it stays unknown."""
    told = select(CasePaper.case_id).where(col(CasePaper.event).in_([one.value for one in _TOLD]))
    query = select(Case).where(col(Case.case_id).in_(told)).order_by(col(Case.case_id).desc())
    rows = (await s.exec(query)).all()
    return [row for row in rows if org_id in row.subjects and await _told(s, row, org_id)][:limit]


async def _told(s: ReadSession, case: Case, org_id: str) -> bool:
    for event in _TOLD:
        for paper in await papers_on(s, case_id=case.case_id, event=event):
            if org_id in _addressed(paper, case):
                return True
    return False


def _addressed(paper: CasePaper, case: Case) -> Collection[str]:
    """Whom a paper has told of the case: a notice those whom it names, an interview whom it asks."""
    if paper.event == CaseEvent.ACCEPT:
        return case.subjects
    if paper.event == CaseEvent.PROPOSE_PENALTY:
        return [str(one["org_id"]) for one in paper.document["fines"]]
    return [str(paper.document.get("org_id"))]


async def is_told(s: ReadSession, *, case: Case, org_id: str) -> bool:
    """Whether a party knows of a case that is about it."""
    return org_id in case.subjects and await _told(s, case, org_id)


async def displayed(s: ReadSession, *, now: datetime, limit: int = 100) -> Sequence[tuple[Case, CasePaper]]:
    """The cases whose decision is on display, newest first, with what is published; also while appealed."""
    query = select(Case).where(col(Case.status).in_((CaseState.PUBLISHED, CaseState.APPEALED_PUBLISHED)))
    found = []
    for case in (await s.exec(query.order_by(col(Case.case_id).desc()).limit(limit))).all():
        paper = await last_paper(s, case_id=case.case_id, event=CaseEvent.PUBLISH)
        assert paper is not None
        if now <= display_until(paper):
            found.append((case, paper))
    return found


def display_until(published: CasePaper) -> datetime:
    """When the display of what was published ends."""
    return parse_rfc3339(published.document["display_until"])


async def withdrawn(s: ReadSession, *, now: datetime, limit: int = 100) -> Sequence[tuple[Case, CasePaper]]:
    """What was published and then changed or revoked on appeal, with the ruling's paper; newest first.

    As long as it would have been displayed: 行政处罚法 art. 48 wants the reason told.
    """
    published = select(CasePaper).where(CasePaper.event == CaseEvent.PUBLISH.value)
    found = []
    for paper in (await s.exec(published.order_by(col(CasePaper.at).desc()).limit(limit))).all():
        if now > display_until(paper):
            continue
        ruled = select(CasePaper).where(
            CasePaper.case_id == paper.case_id,
            col(CasePaper.number) > paper.number,
            col(CasePaper.event).in_((CaseEvent.CHANGE.value, CaseEvent.REVOKE.value)),
        )
        ruling = (await s.exec(ruled.order_by(col(CasePaper.number)).limit(1))).first()
        if ruling is not None:
            found.append((await get_case(s, case_id=paper.case_id), ruling))
    return found


async def appealed_to(s: ReadSession, *, case_id: str, ways: Collection[str]) -> bool:
    """Whether a case was ever taken this way."""
    appeals = await papers_on(s, case_id=case_id, event=CaseEvent.APPEAL)
    return any(paper.document["way"] in ways for paper in appeals)


def seen_by(roles: Collection[str]) -> set[str]:
    """The authorities whose overdue work is somebody's with these roles."""
    return set(roles) & (HANDLERS | {OPERATOR})


async def case_that_needs(
    s: ReadSession, *, objects: Collection[str], seq: int | None, now: datetime
) -> str | None:
    """An open case that is about one of these objects, or rests on the entry `seq`; None where none does.

    One whose decision can still be appealed is open. Open cases are few beside trades; they are read page by
    page.
    """
    appealable = select(CaseDeadline.case_id).where(
        col(CaseDeadline.matter).in_(APPEALING),
        col(CaseDeadline.met_at).is_(None),
        col(CaseDeadline.due_at) >= now,
    )
    is_open = col(Case.closed_at).is_(None) | col(Case.case_id).in_(appealable)
    flagged = select(CaseFlag.case_id).where(
        col(CaseFlag.trade_id).in_(objects), col(CaseFlag.cleared_at).is_(None)
    )
    pinned = (
        select(CaseEvidence.case_id)
        .join(Case, col(Case.case_id) == col(CaseEvidence.case_id))
        .where(CaseEvidence.seq == seq, is_open)
    )
    found = (await s.exec(flagged.limit(1))).first()
    if found is None and seq is not None:
        found = (await s.exec(pinned.limit(1))).first()
    after = ""
    while found is None:
        query = select(Case).where(is_open, col(Case.case_id) > after)
        page = (await s.exec(query.order_by(Case.case_id).limit(100))).all()
        if not page:
            return None
        for case in page:
            about = {*case.finding.get("objects", ()), *case.finding.get("subjects", ())}
            if about & set(objects) or (seq is not None and seq in case.finding.get("evidence_seqs", ())):
                return case.case_id
        after = page[-1].case_id
    return found
