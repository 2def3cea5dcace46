"""Duties of security on pages: assessments and reviews, yearly risk assessments, catalogue rounds, duties."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from base.db import ReadSession
from base.errors import NotFound
from identity.groups import members_of
from identity.rosters import organisations_in_role
from ledger.reader import statements_of
from market.listings.conditions import PURPOSE_LABELS
from registry.assessments import repository
from registry.assessments.rules import CONTENTS, AssessmentKind, Outcome, Use
from registry.assessments.seeing import OVERSEEING
from registry.assessments.states import (
    ASSESSORS,
    AUTHORITIES,
    OPEN_RISKS,
    SUPERVISING,
    AssessorState,
    RoundState,
)
from registry.grading.states import ASSESSMENT_MOVES, HOLDERS, REVIEWERS, AssessmentEvent
from registry.grading.states import AssessmentState as State
from registry.grading.tables import AssessmentRow
from web.acts import kind_of
from web.pages.acting import attempt
from web.pages.forms import Filled, Form
from web.pages.naming import names_of
from web.pages.visiting import Visitor, VisitorDep
from web.securing import duties_by_level, visible_assessment

router = APIRouter()
MEMBERS: Final = HOLDERS | REVIEWERS | ASSESSORS | OVERSEEING | {"BUYER", "BROKER"}
After = Annotated[str | None, Query(max_length=40)]
_BY_REVIEWER: Final = frozenset({"return", "pass", "close", "reopen", "revoke"})
_PIA_STEPS: Final[Mapping[AssessmentEvent, str]] = {
    AssessmentEvent.REVISE: "revise",
    AssessmentEvent.SUBMIT: "submit",
    AssessmentEvent.WITHDRAW: "withdraw",
    AssessmentEvent.RETURN: "return",
    AssessmentEvent.PASS: "pass",
    AssessmentEvent.REMEDY: "remedy",
    AssessmentEvent.CLOSE: "close",
    AssessmentEvent.REVOKE: "revoke",
    AssessmentEvent.END: "end",
}


def role_for(visitor: Visitor, act: str) -> str | None:
    """The role in which this visitor does an act: the first that fits, None where none does."""
    return min(kind_of(act).roles & visitor.roles, default=None)


def digest(form: Form, name: str) -> str | None:
    """A SHA-256 as it was typed, in small letters."""
    given = form.optional(name)
    return None if given is None else given.lower()


@router.get("/security")
async def home(visitor: VisitorDep) -> Response:
    """What waits for one: assessments to write or review, yearly assessments, rounds that are open."""
    session = visitor.require(MEMBERS)
    org_id = session.actor.org_id
    oversees = visitor.may(OVERSEEING)
    async with visitor.node.database.read() as s:
        assessments = await repository.assessments_with(s, org_id=org_id)
        risks = await repository.risks(s, org_id=None if oversees else org_id, states=OPEN_RISKS)
        department = None if oversees else org_id
        open_rounds = await repository.rounds(
            s, department_id=department, states=(RoundState.OPEN, RoundState.OVERDUE)
        )
        names = await names_of(
            s, (one.handler_id for one in risks), (one.department_id for one in open_rounds)
        )
    return visitor.render(
        "security.html",
        assessments=[one for one in assessments if one.status in _WAITING],
        risks=risks,
        rounds=open_rounds,
        names=names,
        holder=visitor.may(HOLDERS),
        oversees=oversees,
        plans=visitor.may(AUTHORITIES),
    )


_WAITING: Final = (State.DRAFT, State.SUBMITTED, State.RETURNED, State.SUSPENDED)


@router.get("/security/duties")
async def duties(visitor: VisitorDep, after: After = None) -> Response:
    """Each level with its controls, and where they are there."""
    session = visitor.require(MEMBERS)
    own = None if visitor.may(OVERSEEING) else session.actor.org_id
    async with visitor.node.database.read() as s:
        levels = await duties_by_level(s, holder_id=own, after=after or "")
    return visitor.render("security_duties.html", levels=levels)


@router.get("/security/assessments")
async def assessments(visitor: VisitorDep, after: After = None) -> Response:
    """One's own assessments, and those handed to one."""
    session = visitor.require(MEMBERS)
    async with visitor.node.database.read() as s:
        rows = await repository.assessments_with(s, org_id=session.actor.org_id, after=after)
        names = await names_of(s, (one.holder_id for one in rows))
    return visitor.render(
        "assessments.html",
        rows=rows,
        names=names,
        holder=visitor.may(HOLDERS),
        next_address=visitor.url("/security/assessments", after=rows[-1].assessment_id)
        if len(rows) == repository.PAGE
        else None,
    )


@router.get("/security/assessments/new")
async def new(
    visitor: VisitorDep,
    object_id: Annotated[str, Query(max_length=40)] = "",
    kind: Annotated[str, Query(max_length=20)] = "PIPIA",
) -> Response:
    """The form of an assessment of one's own object."""
    return _new(visitor, Filled(), object_id=object_id, kind=kind)


def _new(visitor: Visitor, filled: Filled, *, object_id: str, kind: str) -> Response:
    visitor.require(HOLDERS)
    chosen = AssessmentKind(kind) if kind in set(AssessmentKind) else AssessmentKind.PIPIA
    return visitor.render(
        "assessment_new.html",
        filled=filled,
        object_id=object_id,
        kind=chosen.value,
        kinds=visitor.options("assessment_kind", AssessmentKind),
        uses=visitor.options("assessment_use", Use),
        purposes=visitor.labelled(PURPOSE_LABELS),
        parts=visitor.options("security_part", CONTENTS[chosen]),
    )


def _made_for(form: Form) -> dict[str, Any]:
    return {
        "purposes": form.every("purposes"),
        "recipients": [line.strip() for line in form.text("recipients").splitlines() if line.strip()],
        "file_sha256": digest(form, "file_sha256"),
    }


def parts_in(form: Form, names: tuple[str, ...]) -> dict[str, str]:
    """The parts of an assessment or a report, by their names."""
    return {name: form.text(name) for name in names}


@router.post("/security/assessments")
async def begin(visitor: VisitorDep) -> Response:
    """Begin an assessment."""
    form = await visitor.form()
    kind = form.text("kind")
    names = CONTENTS[AssessmentKind(kind)] if kind in set(AssessmentKind) else ()

    async def again(filled: Filled) -> Response:
        return _new(visitor, filled, object_id=form.text("object_id"), kind=kind)

    return await attempt(
        visitor,
        form,
        act="assessment.begin",
        args={
            "object_id": form.text("object_id"),
            "kind": kind,
            "uses": form.every("uses"),
            "contents": parts_in(form, names),
            **_made_for(form),
        },
        role=role_for(visitor, "assessment.begin"),
        then=lambda made: f"/security/assessments/{made['assessment_id']}",
        again=again,
    )


@router.get("/security/assessments/{assessment_id}")
async def assessment(visitor: VisitorDep, assessment_id: str) -> Response:
    """An assessment: its parts, its findings, its steps."""
    return await _assessment(visitor, assessment_id, Filled())


async def _assessment(visitor: Visitor, assessment_id: str, filled: Filled) -> Response:
    session = visitor.require(MEMBERS)
    async with visitor.node.database.read() as s:
        row = await visible_assessment(s, session.actor, assessment_id)
        findings = await repository.findings_of(s, assessment_id=assessment_id)
        said = await statements_of(s, object_id=assessment_id)
        fit = await _fit(s, row, visitor.node.clock.now())
        names = await names_of(s, [row.holder_id], fit, [row.reviewer_id] if row.reviewer_id else [])
    reviewers = [(org_id, names[org_id]) for org_id in fit]
    if row.kind == AssessmentKind.PIPIA:
        reviewers = [(row.holder_id, names[row.holder_id]), *reviewers]
    return visitor.render(
        "assessment.html",
        filled=filled,
        row=row,
        findings=findings,
        said=said,
        names=names,
        parts=[(name, row.contents.get(name, "")) for name in CONTENTS[AssessmentKind(row.kind)]],
        labels=dict(visitor.options("security_part", CONTENTS[AssessmentKind(row.kind)])),
        reviewers=reviewers,
        purposes=visitor.labelled(PURPOSE_LABELS),
        outcomes=visitor.options("assessment_outcome", Outcome),
        may=_may(visitor, row),
    )


async def _fit(s: ReadSession, row: AssessmentRow, now: datetime) -> list[str]:
    """Who may review it: registered assessors and authorities, of another group than its holder's."""
    group = await members_of(s, org_id=row.holder_id)
    listed = await repository.assessors(s, states=(AssessorState.REGISTERED,))
    fit = [
        one.org_id for one in listed if row.kind in one.trades and one.valid_until and now <= one.valid_until
    ]
    for role in sorted(SUPERVISING):
        fit += [one.org_id for one in await organisations_in_role(s, role=role)]
    return [one for one in dict.fromkeys(fit) if one not in group]


def _may(visitor: Visitor, row: AssessmentRow) -> list[str]:
    """The steps that this visitor can take now, in the order of the table."""
    found = []
    for (at, event), move in ASSESSMENT_MOVES.items():
        step = _PIA_STEPS.get(AssessmentEvent(event))
        if at is not row.status or step is None or not visitor.may(move.roles):
            continue
        if step in _BY_REVIEWER:
            mine = visitor.org_id == row.reviewer_id and (
                visitor.org_id != row.holder_id or visitor.user_id not in row.writers
            )
            mine = mine or (step == "revoke" and visitor.may(SUPERVISING))
        else:
            mine = visitor.org_id == row.holder_id
        if mine and step not in found:
            found.append(step)
    return found


@router.post("/security/assessments/{assessment_id}/{step}")
async def act_on(visitor: VisitorDep, assessment_id: str, step: str) -> Response:
    """One step of an assessment."""
    form = await visitor.form()
    about = {"assessment_id": assessment_id}
    reason = about | {"reason": form.text("reason")}
    finding = about | {"no": form.whole("no")}
    contents = {name: form.text(name) for kind in CONTENTS.values() for name in kind if form.text(name)}
    steps: Mapping[str, tuple[str, Mapping[str, Any]]] = {
        "revise": ("assessment.revise", about | {"contents": contents, **_made_for(form)}),
        "submit": ("assessment.submit", about | {"reviewer_id": form.text("reviewer_id")}),
        "withdraw": ("assessment.withdraw", about),
        "return": ("assessment.return", reason),
        "pass": (
            "assessment.conclude",
            about
            | {
                "outcome": form.text("outcome"),
                "opinion": form.text("opinion"),
                "findings": findings_in(form.text("findings")),
            },
        ),
        "remedy": (
            "assessment.remedy",
            finding | {"text": form.text("text"), "evidence_sha256": digest(form, "evidence_sha256")},
        ),
        "close": (
            "assessment.finding",
            finding | {"closed": form.text("closed") == "yes", "reason": form.text("reason")},
        ),
        "end": ("assessment.end", reason),
        "revoke": ("assessment.revoke", reason),
    }
    if step not in steps:
        raise NotFound("no such step")
    act, args = steps[step]
    return await attempt(
        visitor,
        form,
        act=act,
        args=args,
        action=step,
        role=role_for(visitor, act),
        then=f"/security/assessments/{assessment_id}",
        again=lambda filled: _assessment(visitor, assessment_id, filled),
    )


def findings_in(text: str) -> list[dict[str, str]]:
    """Findings as they are typed: one a line, the last day after a bar."""
    lines = [line.rpartition("|") for line in text.splitlines() if line.strip()]
    return [{"text": said.strip(), "due_on": day.strip()} for said, _, day in lines]
