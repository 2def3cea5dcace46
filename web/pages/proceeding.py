"""The regulator's pages of cases: the list with what is late, a case with its file and next steps, letters.

What a step asks stands in `web.pages.case_steps`; its act is that of the API (`web.api.case_acts`).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from base.db import ReadSession
from base.errors import NotFound
from cases import repository
from cases.appealing import appeals_in
from cases.executing import held_against, not_ordered
from cases.investigating import still_proven
from cases.ladder import codes
from cases.next_steps import next_steps
from cases.ordering import orders_in
from cases.penalties import known_circumstances
from cases.reading import file_for, may_list, may_read, readable_case, reads_file, ways_of
from cases.reporters import messages
from cases.rules import ORDERING, POWERS, SPARING, Matter, Measure, Outcome, orderable
from cases.states import DESKS, HANDLERS, HEARERS, CaseEvent
from cases.tables import Case, CasePaper
from ledger.reader import statements_of
from market.disputes.rules import Fault
from web.pages import norms
from web.pages.acting import attempt, caller_for
from web.pages.case_steps import STEPS, Asked, args_of
from web.pages.forms import Filled, Form
from web.pages.naming import names_of
from web.pages.supervisor import READERS, as_authority
from web.pages.visiting import Visitor, VisitorDep
from web.proceedings import DeadlineView, reads_reporter, write_note

router = APIRouter()
_PAGE: Final = 50
_ACTORS: Final = DESKS | set(HEARERS.values())
_READERS: Final = READERS | set(HEARERS.values())
LETTERS: Final = frozenset(
    {"PROPOSE_PENALTY", "NOTIFY_HEARING", "DECIDE", "INTERVIEW", "CHANGE", "REVOKE", "UPHOLD"}
)


@router.get("/reg/cases")
async def cases(visitor: VisitorDep, after: Annotated[str | None, Query(max_length=40)] = None) -> Response:
    """Cases, newest first, and what is late in those of the visitor's authority."""
    session = visitor.require(_READERS)
    async with visitor.node.database.read() as s:
        rows = await repository.cases(s, after=after, limit=_PAGE, ways=ways_of(session.actor))
        late = await repository.overdue(s, authorities=repository.seen_by(visitor.roles))
        names = await names_of(s, (row.filed_by for row in rows), *(row.subjects for row in rows))
    shown = [row for row in rows if may_list(row, session.actor)]
    return visitor.render(
        "cases.html",
        rows=shown,
        names=names,
        late=[(due, row) for due, row in late if may_read(row, session.actor)],
        next_address=visitor.url("/reg/cases", after=rows[-1].case_id) if len(rows) == _PAGE else None,
    )


@router.get("/reg/cases/{case_id}")
async def case_room(visitor: VisitorDep, case_id: str) -> Response:
    """One case: what it is about, its file, times, evidence, orders, and the next forms."""
    return await _case(visitor, case_id, Filled())


async def _case(visitor: Visitor, case_id: str, filled: Filled, reporter: Any = None) -> Response:
    session = visitor.require(_READERS)
    now = visitor.node.clock.now()
    async with visitor.node.database.read() as s:
        case = await readable_case(s, case_id=case_id, actor=session.actor)
        whole = reads_file(case, session.actor)
        orders, proposals = await orders_in(s, case_id=case_id, whole=whole)
        said = await statements_of(s, object_id=case_id)
        papers = await file_for(s, case=case, actor=session.actor)
        own = case.authority in visitor.roles
        way = appeals_in(papers).way or ""
        steps = await next_steps(
            s, case=case, roles=visitor.roles & _ACTORS, user_id=session.actor.user_id, now=now
        )
        decided = await repository.last_paper(s, case_id=case_id, event=CaseEvent.DECIDE)
        punished = whole and decided is not None and decided.document["outcome"] not in SPARING
        names = await names_of(
            s,
            [case.filed_by],
            case.subjects,
            (one.org_id for one in said),
            (o.issued_by for o in orders),
            (o.proposed_by for o in proposals),
            (one.org_id for one in papers),
        )
        shown: dict[str, Any] = {
            "flags": await repository.flags_of(s, case_id=case_id),
            "deadlines": [
                DeadlineView.of(row, way) for row in await repository.deadlines_of(s, case_id=case_id)
            ],
            "evidence": [
                (e, still_proven(e)) for e in await repository.evidence_of(s, case_id=case_id) if whole
            ],
            "held": await held_against(s, case_id) if punished else [],
            "missing": await not_ordered(s, decided) if punished and decided is not None else [],
            "messages": await messages(s, case_id=case_id, master=visitor.node.safe.master) if own else [],
            "filed": await repository.reporter_of(s, case_id=case_id) if own else None,
        }
    measures = [m for m in Measure if POWERS[m] & visitor.roles and m in orderable(case.status)]
    return visitor.render(
        "case.html",
        filled=filled,
        case=case,
        finding=case.finding,
        orders=orders,
        proposals=proposals,
        papers=papers,
        said={one.statement_id: one for one in said},
        names=names,
        objects=[str(one) for one in case.finding.get("objects", [])],
        steps=[
            (event.value, [(one, _choices(visitor, case, one)) for one in STEPS[event][1]])
            for event in steps.own
            if event in STEPS
        ],
        waiting=[event.value for event in steps.of_others if event in STEPS],
        measures=visitor.options("measure", measures) if case.status in ORDERING else [],
        faults=visitor.options("fault", list(Fault)),
        letters=LETTERS,
        reporter=reporter,
        own=own,
        **shown,
    )


def _choices(visitor: Visitor, case: Case, asked: Asked) -> Any:
    makes: Mapping[str, Callable[[], Any]] = {
        "matter": lambda: visitor.options(
            "matter", [case.matter, *(m for m in Matter if m is not case.matter)]
        ),
        "authority": lambda: visitor.options("role", sorted(DESKS - {case.authority})),
        "outcome": lambda: visitor.options("case_outcome", list(Outcome)),
        "measure": lambda: visitor.options("measure", list(Measure)),
        "norm": lambda: norms.options(visitor),
        "circumstances": lambda: sorted({name for code in codes() for name in known_circumstances(code)}),
    }
    return makes[asked.of]() if asked.of in makes else None


@router.post("/reg/cases/{case_id}/steps/{event}")
async def take_step(visitor: VisitorDep, case_id: str, event: CaseEvent) -> Response:
    """Take a step, as the authority that has the case."""
    form = await visitor.form()
    if event not in STEPS:
        raise NotFound("no such step")
    act, _ = STEPS[event]
    return await attempt(
        visitor,
        form,
        act=act,
        action=event.value,
        args={"case_id": case_id, **args_of(event, form)},
        role=as_authority(visitor) or _hearer(visitor),
        then=f"/reg/cases/{case_id}",
        again=lambda filled: _case(visitor, case_id, filled),
    )


def _hearer(visitor: Visitor) -> str | None:
    """The role in which the visitor hears appeals."""
    return next(iter(sorted(visitor.roles & set(HEARERS.values()))), None)


@router.post("/reg/cases/{case_id}/notes")
async def note(visitor: VisitorDep, case_id: str) -> Response:
    """Write a note into the file."""
    form = await visitor.form()
    visitor.require(DESKS)
    await write_note(caller_for(visitor), case_id, form.text("text"))
    return visitor.redirect(f"/reg/cases/{case_id}")


@router.post("/reg/cases/{case_id}/reporter")
async def reporter(visitor: VisitorDep, case_id: str) -> Response:
    """Who filed it, shown once; the file says who has asked."""
    await visitor.form()
    visitor.require(DESKS)
    found = await reads_reporter(caller_for(visitor), case_id)
    return await _case(visitor, case_id, Filled(), reporter=found or {"name": "", "contact": ""})


@router.post("/reg/cases/{case_id}/orders")
async def order(visitor: VisitorDep, case_id: str) -> Response:
    """Propose an order, as the first of two officers."""
    form = await visitor.form()
    args: dict[str, Any] = {name: form.text(name) for name in ("measure", "object_id", "reason_code")}
    args |= {"refund_minor": form.fen("refund_minor"), "fault": form.every("fault")}
    args |= {"seqs": form.text("seqs").replace("#", " ").split(), "held_at": form.moment("held_at")}
    return await _order(visitor, form, case_id, "case.order", {"case_id": case_id, **args})


@router.post("/reg/cases/{case_id}/orders/{order_id}/confirm")
async def confirm_order(visitor: VisitorDep, case_id: str, order_id: str) -> Response:
    """Put a proposed order into force, as the second."""
    form = await visitor.form()
    return await _order(visitor, form, case_id, "case.confirm_order", {"order_id": order_id})


@router.post("/reg/cases/{case_id}/orders/{order_id}/withdraw")
async def withdraw_order(visitor: VisitorDep, case_id: str, order_id: str) -> Response:
    """Take a proposed order back, as who has proposed it."""
    form = await visitor.form()
    return await _order(visitor, form, case_id, "case.withdraw_order", {"order_id": order_id})


async def _order(visitor: Visitor, form: Form, case_id: str, act: str, args: dict[str, Any]) -> Response:
    return await attempt(
        visitor,
        form,
        act=act,
        args=args,
        role=as_authority(visitor),
        then=f"/reg/cases/{case_id}",
        again=lambda filled: _case(visitor, case_id, filled),
    )


@router.get("/reg/cases/{case_id}/letters/{number}")
async def letter(visitor: VisitorDep, case_id: str, number: int) -> Response:
    """A notice or a decision, to be printed."""
    session = visitor.require(HANDLERS | set(HEARERS.values()) | {"AUDITOR"})
    async with visitor.node.database.read() as s:
        case = await readable_case(s, case_id=case_id, actor=session.actor)
        papers = await file_for(s, case=case, actor=session.actor)
        names = await names_of(s, case.subjects, (one.org_id for one in papers))
        until = await times_of(s, case_id)
    return show_letter(visitor, case, papers, number, names, until=until)


async def times_of(s: ReadSession, case_id: str) -> dict[str, datetime]:
    """The last moment of each time limit of a case."""
    return {row.matter: row.due_at for row in await repository.deadlines_of(s, case_id=case_id)}


def show_letter(
    visitor: Visitor,
    case: Case,
    papers: Sequence[CasePaper],
    number: int,
    names: Mapping[str, str],
    *,
    until: Mapping[str, datetime],
) -> Response:
    """One paper of a file as a letter, with the last days of what can be done. Raises NotFound."""
    paper = next((one for one in papers if one.number == number and one.event in LETTERS), None)
    if paper is None:
        raise NotFound("no such letter", number=number)
    way = appeals_in([one for one in papers if one.number < number]).way
    return visitor.render(
        "letter.html", case=case, paper=paper, said=paper.document, names=names, way=way, until=until
    )
