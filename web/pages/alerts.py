"""Early warnings on pages, and the open door through which anybody reports a weakness."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.responses import Response

from base.db import WriteSession
from base.errors import NotFound
from cases.incidents import intake, repository
from cases.incidents.errors import WeaknessCodeUnknown
from cases.incidents.intake import Severity
from cases.incidents.states import WARNING_MOVES, WarningEvent
from cases.reporters import Reporter
from ledger.acts import perform
from ledger.reader import statements_of
from ledger.recording import Act
from web.incident_forms import READERS_OF_WARNINGS, FollowForm, WeaknessForm
from web.pages.acting import attempt
from web.pages.forms import Filled, Form, sent_back
from web.pages.incidents import fact_choices, facts_in
from web.pages.visiting import OPERATOR, Visitor, VisitorDep
from web.proceedings import held_up

router = APIRouter()
_OF_OFFICERS: Final = (WarningEvent.ACKNOWLEDGE, WarningEvent.DISMISS, WarningEvent.ESCALATE)


@router.get("/incidents/weakness")
async def weakness(visitor: VisitorDep) -> Response:
    """The form with which anybody reports a weakness, and follows one up."""
    return _weakness(visitor, Filled())


def _weakness(visitor: Visitor, filled: Filled, **found: Any) -> Response:
    severities = visitor.options("weakness_severity", Severity)
    shown = {"code": "", "followed": None} | found
    return visitor.render("weakness.html", filled=filled, severities=severities, **shown)


@router.post("/incidents/weakness")
async def report_weakness(visitor: VisitorDep) -> Response:
    """Report a weakness; the code is shown once."""
    form = await visitor.form()
    held_up(visitor.request)
    names = ("severity", "text", "name", "contact")
    try:
        said = WeaknessForm.model_validate({name: form.text(name) for name in names})
    except ValidationError as error:
        return _weakness(visitor, sent_back("weakness", form, error))
    node = visitor.node

    async def taken(s: WriteSession, act: Act) -> intake.Reported:
        return await intake.report_weakness(
            s,
            act,
            severity=said.severity,
            text=said.text,
            reporter=Reporter(said.name, said.contact),
            master=node.safe.master,
        )

    exchange = node.house.exchange.actor.org_id
    made = await perform(
        node.house, node.house.exchange_act(), taken, attempted="WRN.RAISE", object_id=exchange
    )
    return _weakness(visitor, Filled(), code=made.code)


@router.post("/incidents/weakness/follow")
async def follow(visitor: VisitorDep) -> Response:
    """What came of a weakness that was reported under a code."""
    form = await visitor.form()
    held_up(visitor.request)
    try:
        said = FollowForm.model_validate({"code": form.text("code")})
        async with visitor.node.database.read() as s:
            found = await intake.follow_up(s, code=said.code, master=visitor.node.safe.master)
    except (ValidationError, WeaknessCodeUnknown) as error:
        return _weakness(visitor, sent_back("follow", form, error))
    return _weakness(visitor, Filled(), followed=found)


@router.get("/incidents/warnings/{warning_id}")
async def warning(visitor: VisitorDep, warning_id: str) -> Response:
    """One warning with its numbers, and what an officer does with it."""
    return await _one(visitor, warning_id, Filled())


async def _one(visitor: Visitor, warning_id: str, filled: Filled) -> Response:
    visitor.require(READERS_OF_WARNINGS)
    async with visitor.node.database.read() as s:
        row = await repository.get_warning(s, warning_id=warning_id)
        said = await statements_of(s, object_id=warning_id)
    may = [one.value for one in _OF_OFFICERS if (row.status, one) in WARNING_MOVES]
    return visitor.render(
        "warning.html",
        filled=filled,
        row=row,
        said=said,
        may=may if visitor.may(OPERATOR) else [],
        **fact_choices(visitor),
    )


def _asked(step: str, form: Form) -> Mapping[str, Any]:
    if step == "dismiss":
        return {"reason": form.text("reason")}
    if step == "escalate":
        named = {"title": form.text("title"), "text": form.text("text"), "org_id": form.optional("org_id")}
        return named | {"facts": facts_in(form)}
    return {}


@router.post("/incidents/warnings/{warning_id}/{step}")
async def act_on(visitor: VisitorDep, warning_id: str, step: str) -> Response:
    """One step of a warning, as an officer of the exchange."""
    form = await visitor.form()
    if step.upper() not in _OF_OFFICERS:
        raise NotFound("no such step")
    return await attempt(
        visitor,
        form,
        act=f"warning.{step}",
        args={"warning_id": warning_id, **_asked(step, form)},
        action=step.upper(),
        then=lambda made: (
            f"/incidents/{made['incident_id']}" if step == "escalate" else f"/incidents/warnings/{warning_id}"
        ),
        again=lambda filled: _one(visitor, warning_id, filled),
    )
