"""The yearly risk assessment on pages: of who handles important data, of assessors, of the authority."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import Response

from base.errors import NotFound
from ledger.reader import statements_of
from registry.assessments import repository
from registry.assessments.rules import RISK_CONTENTS, Trade
from registry.assessments.seeing import OVERSEEING
from registry.assessments.states import AUTHORITIES, RISK_MOVES, AssessorState, RiskEvent
from registry.assessments.tables import RiskRow
from web.pages.acting import attempt
from web.pages.assessing import MEMBERS, After, digest, parts_in, role_for
from web.pages.forms import Filled
from web.pages.naming import names_of
from web.pages.visiting import Visitor, VisitorDep
from web.securing import visible_risk

router = APIRouter()
_OF_CLOCK: Final = frozenset({RiskEvent.OVERDUE, RiskEvent.LAPSE})
_BY_ASSESSOR: Final = frozenset({RiskEvent.COMPLETE})


@router.get("/security/risks")
async def risks(visitor: VisitorDep, after: After = None) -> Response:
    """Yearly risk assessments: one's own and those one makes; all, for who oversees."""
    return await _risks(visitor, Filled(), after=after)


async def _risks(visitor: Visitor, filled: Filled, *, after: str | None = None) -> Response:
    session = visitor.require(MEMBERS)
    own = None if visitor.may(OVERSEEING) else session.actor.org_id
    async with visitor.node.database.read() as s:
        rows = await repository.risks(s, org_id=own, after=after)
        names = await names_of(
            s, (one.handler_id for one in rows), (one.assessor_id for one in rows if one.assessor_id)
        )
    return visitor.render(
        "risks.html",
        filled=filled,
        rows=rows,
        names=names,
        plans=visitor.may(AUTHORITIES),
        next_address=visitor.url("/security/risks", after=rows[-1].risk_id)
        if len(rows) == repository.PAGE
        else None,
    )


@router.post("/security/risks")
async def plan(visitor: VisitorDep) -> Response:
    """Plan this year's assessment of a handler."""
    form = await visitor.form()
    return await attempt(
        visitor,
        form,
        act="risk.plan",
        args={"handler_id": form.text("handler_id")},
        role=role_for(visitor, "risk.plan"),
        then=lambda made: f"/security/risks/{made['risk_id']}",
        again=lambda filled: _risks(visitor, filled),
    )


@router.get("/security/risks/{risk_id}")
async def risk(visitor: VisitorDep, risk_id: str) -> Response:
    """A yearly assessment: its report, what was ordered, its steps."""
    return await _risk(visitor, risk_id, Filled())


async def _risk(visitor: Visitor, risk_id: str, filled: Filled) -> Response:
    session = visitor.require(MEMBERS)
    async with visitor.node.database.read() as s:
        row = await visible_risk(s, session.actor, risk_id)
        said = await statements_of(s, object_id=risk_id)
        fit = await repository.assessors(s, states=(AssessorState.REGISTERED,))
        names = await names_of(
            s, [row.handler_id], (one.org_id for one in fit), [row.assessor_id] if row.assessor_id else []
        )
    return visitor.render(
        "risk.html",
        filled=filled,
        row=row,
        said=said,
        names=names,
        parts=visitor.options("security_part", RISK_CONTENTS),
        assessors=[(one.org_id, names[one.org_id]) for one in fit if Trade.RISK in one.trades],
        may=_may_risk(visitor, row),
    )


def _may_risk(visitor: Visitor, row: RiskRow) -> list[str]:
    """The steps that this visitor can take now."""
    done = {
        RiskEvent.COMPLETE: row.completed_at,
        RiskEvent.FORWARD: row.forwarded_at,
        RiskEvent.FINISH: row.finished_at,
    }
    wants = {RiskEvent.REPORT: row.completed_at, RiskEvent.RECTIFY: row.finished_at}
    found = []
    for (at, name), move in RISK_MOVES.items():
        event = RiskEvent(name)
        if at is not row.status or not visitor.may(move.roles) or event in _OF_CLOCK:
            continue
        if move.roles != AUTHORITIES:
            mine = row.assessor_id if event in _BY_ASSESSOR else row.handler_id
            if visitor.org_id != mine:
                continue
        if done.get(event) is not None or (event in wants and wants[event] is None):
            continue
        if event is RiskEvent.ARCHIVE and not row.forwarded_at:
            continue
        found.append(event.value.lower())
    return found


@router.post("/security/risks/{risk_id}/{step}")
async def act_on_risk(visitor: VisitorDep, risk_id: str, step: str) -> Response:
    """One step of a yearly assessment."""
    form = await visitor.form()
    about = {"risk_id": risk_id}
    ordered = about | {"text": form.text("text"), "by": form.text("by")}
    steps: Mapping[str, tuple[str, Mapping[str, Any]]] = {
        "start": ("risk.start", about | {"assessor_id": form.optional("assessor_id")}),
        "complete": ("risk.complete", about | {"report": parts_in(form, RISK_CONTENTS)}),
        "report": ("risk.report", about),
        "forward": ("risk.forward", about | {"recipient": form.text("recipient")}),
        "order": ("risk.order", ordered),
        "send_back": ("risk.return", ordered),
        "finish": ("risk.finish", about),
        "rectify": (
            "risk.rectify",
            about | {"text": form.text("text"), "evidence_sha256": digest(form, "evidence_sha256")},
        ),
        "archive": ("risk.archive", about),
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
        then=f"/security/risks/{risk_id}",
        again=lambda filled: _risk(visitor, risk_id, filled),
    )
