"""The register of assessors on a page for everybody; applications, for assessors and authorities."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import Response

from base.errors import NotFound
from registry.assessments import repository
from registry.assessments.rules import Trade
from registry.assessments.states import ASSESSOR_MOVES, ASSESSORS, AUTHORITIES, AssessorState
from registry.assessments.tables import AssessorRow
from web.pages.acting import attempt
from web.pages.assessing import digest, role_for
from web.pages.forms import Filled
from web.pages.naming import names_of
from web.pages.visiting import Visitor, VisitorDep

router = APIRouter()
_LISTED: Final = (AssessorState.REGISTERED, AssessorState.SUSPENDED)


@router.get("/security/assessors")
async def assessors(visitor: VisitorDep) -> Response:
    """Who is registered for what, until when; with it one's own application, or all for an authority."""
    return await _register(visitor, Filled())


async def _register(visitor: Visitor, filled: Filled) -> Response:
    async with visitor.node.database.read() as s:
        listed = await repository.assessors(s, states=_LISTED)
        waiting: list[AssessorRow] = []
        if visitor.may(AUTHORITIES):
            waiting = list(await repository.assessors(s, states=(AssessorState.APPLIED,)))
        elif visitor.org_id is not None and visitor.may(ASSESSORS):
            own = await repository.assessors_of(s, org_id=visitor.org_id)
            waiting = [one for one in own if one.status not in _LISTED]
        names = await names_of(s, (one.org_id for one in listed), (one.org_id for one in waiting))
    under_way = any(one.org_id == visitor.org_id for one in listed) or any(
        one.status is AssessorState.APPLIED for one in waiting
    )
    return visitor.render(
        "assessors.html",
        filled=filled,
        listed=listed,
        waiting=waiting,
        names=names,
        trades=visitor.options("assessor_trade", Trade),
        applies=visitor.may(ASSESSORS) and not under_way,
        may={one.assessor_id: _may(visitor, one) for one in (*listed, *waiting)},
    )


def _may(visitor: Visitor, row: AssessorRow) -> list[str]:
    found = []
    for (at, event), move in ASSESSOR_MOVES.items():
        decides = visitor.may(AUTHORITIES & move.roles)
        own = visitor.may(ASSESSORS & move.roles) and visitor.org_id == row.org_id
        if at is row.status and (decides or own):
            found.append(event.value.lower())
    return found


@router.post("/security/assessors")
async def apply(visitor: VisitorDep) -> Response:
    """Apply to be registered."""
    form = await visitor.form()
    return await attempt(
        visitor,
        form,
        act="assessor.apply",
        args={
            "trades": form.every("trades"),
            "staff": form.whole("staff"),
            "years": form.whole("years"),
            "certificate_sha256": digest(form, "certificate_sha256"),
        },
        role=role_for(visitor, "assessor.apply"),
        then="/security/assessors",
        again=lambda filled: _register(visitor, filled),
    )


@router.post("/security/assessors/{assessor_id}/{step}")
async def act_on(visitor: VisitorDep, assessor_id: str, step: str) -> Response:
    """One step of a registration."""
    form = await visitor.form()
    about = {"assessor_id": assessor_id}
    reason = about | {"reason": form.text("reason")}
    steps: Mapping[str, Mapping[str, Any]] = {
        "withdraw": about,
        "register": about,
        "refuse": reason,
        "suspend": reason,
        "resume": reason,
        "end": reason,
    }
    if step not in steps:
        raise NotFound("no such step")
    act = f"assessor.{step}"
    return await attempt(
        visitor,
        form,
        act=act,
        args=steps[step],
        action=f"{step}-{assessor_id}",
        role=role_for(visitor, act),
        then="/security/assessors",
        again=lambda filled: _register(visitor, filled),
    )
