"""Incidents on pages: the board of clocks that run, one incident with its file, and each of its steps."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from base.errors import NotFound
from cases.incidents import repository
from cases.incidents.rules import Kind, Measure, Receiver, ReportKind, Standing
from cases.incidents.seeing import reach_of
from cases.incidents.states import OPERATOR, OWNERS, WARNING_OPEN, IncidentEvent, allowed_to
from cases.incidents.tables import IncidentRow
from ledger.reader import statements_of
from registry.rules import Level
from web.acts import kind_of
from web.incident_forms import READERS_OF_WARNINGS
from web.pages.acting import attempt
from web.pages.forms import Filled, Form
from web.pages.naming import names_of
from web.pages.visiting import Visitor, VisitorDep

router = APIRouter()
_PAGE: Final = 50
_E = IncidentEvent
_Args = Callable[[Form], Mapping[str, Any]]
_OF_OTHERS: Final = frozenset({_E.RECEIVE, _E.FORWARD, _E.ORDER_NOTICE, _E.CLOSE, _E.MEASURE, _E.LIFT})
"""What somebody else than its owner and the exchange may do."""


@router.get("/incidents")
async def incidents(
    visitor: VisitorDep, after: Annotated[str | None, Query(max_length=40)] = None
) -> Response:
    """The board: clocks that run, warnings for who watches, incidents, the form of a new one."""
    return await _board(visitor, Filled(), after=after)


async def _board(visitor: Visitor, filled: Filled, *, after: str | None = None) -> Response:
    session = visitor.require(OWNERS)
    reach = reach_of(session.actor)
    watches = visitor.may(READERS_OF_WARNINGS)
    async with visitor.node.database.read() as s:
        rows = await repository.incidents(s, **reach.asked(), after=after, limit=_PAGE)
        org_id = None if reach.everything else visitor.org_id
        clocks = await repository.running(s, org_id=org_id, offices=reach.offices)
        warned = await repository.warnings(s, states=WARNING_OPEN) if watches else []
        names = await names_of(s, (row.org_id for row in rows))
    return visitor.render(
        "incidents.html",
        filled=filled,
        rows=rows,
        clocks=clocks,
        warned=warned,
        watches=watches,
        names=names,
        now=visitor.node.clock.now(),
        may_tell=visitor.may(OWNERS),
        next_address=visitor.url("/incidents", after=rows[-1].incident_id) if len(rows) == _PAGE else None,
        **fact_choices(visitor),
    )


def fact_choices(visitor: Visitor) -> dict[str, Any]:
    """The options of the form of what is known."""
    return {
        "kinds": visitor.options("incident_kind", Kind),
        "standings": visitor.options("incident_standing", Standing),
        "levels": visitor.options("level", Level),
    }


def facts_in(form: Form) -> dict[str, Any]:
    """What is known, as a form tells it; an empty number is none."""
    numbers = ("persons", "sensitive_persons", "outage_minutes", "partial_minutes")
    loss = form.fen("loss")
    return {
        "kind": form.text("kind"),
        **{name: value for name in numbers if (value := form.whole(name)) is not None},
        **({} if loss is None else {"loss_minor": loss}),
        "data_level": form.optional("data_level"),
        "standing": form.text("standing") or Standing.OTHER.value,
        "records_altered": form.flag("records_altered"),
        "public_harm": form.flag("public_harm"),
    }


def role_for(visitor: Visitor, act: str) -> str | None:
    """The role in which a member with several does an act that any of them may: the first by name."""
    fitting = sorted(kind_of(act).roles & visitor.roles)
    return fitting[0] if fitting else None


@router.post("/incidents")
async def detect(visitor: VisitorDep) -> Response:
    """Tell of an incident."""
    form = await visitor.form()
    return await attempt(
        visitor,
        form,
        act="incident.detect",
        args={
            "title": form.text("title"),
            "text": form.text("text"),
            "facts": facts_in(form),
            "org_id": form.optional("org_id"),
            "detected_at": form.moment("detected_at"),
        },
        role=role_for(visitor, "incident.detect"),
        then=lambda made: f"/incidents/{made['incident_id']}",
        again=lambda filled: _board(visitor, filled),
    )


@router.get("/incidents/{incident_id}")
async def incident(visitor: VisitorDep, incident_id: str) -> Response:
    """One incident: its file for whom it concerns."""
    return await _one(visitor, incident_id, Filled())


async def _one(visitor: Visitor, incident_id: str, filled: Filled) -> Response:
    session = visitor.require()
    about = {"incident_id": incident_id}
    async with visitor.node.database.read() as s:
        row = await repository.get_incident(s, incident_id=incident_id)
        if not await reach_of(session.actor).covers(s, row):
            raise NotFound("no such incident", incident_id=incident_id)
        duties = await repository.duties_of(s, **about)
        reports = await repository.reports_of(s, **about)
        measures = await repository.measures_of(s, **about)
        evidence = await repository.evidence_of(s, **about)
        said = await statements_of(s, object_id=incident_id)
        names = await names_of(s, [row.org_id])
    mine = [one for one in reports if one.receiver.value in visitor.roles]
    return visitor.render(
        "incident.html",
        filled=filled,
        row=row,
        duties=duties,
        reports=reports,
        mine=mine,
        waiting=[one for one in mine if one.received_at is None],
        measures=measures,
        standing=[one for one in measures if one.lifted_at is None],
        evidence=evidence,
        said=said,
        names=names,
        now=visitor.node.clock.now(),
        watches=visitor.may(READERS_OF_WARNINGS),
        may=_may(visitor, row),
        receivers=visitor.options("incident_receiver", Receiver),
        report_kinds=visitor.options("incident_report", ReportKind),
        orders=visitor.options("incident_measure", Measure),
        **fact_choices(visitor),
    )


def _may(visitor: Visitor, row: IncidentRow) -> list[str]:
    """What this visitor can do here now; the buttons of an act are shown to nobody else."""
    own = row.org_id == visitor.org_id or visitor.may({OPERATOR})
    found = allowed_to(row.status, visitor.roles)
    return [event.value for event in found if event is not _E.OVERDUE and (own or event in _OF_OTHERS)]


def _texts(*names: str) -> _Args:
    return lambda form: {name: form.text(name) for name in names}


def _reported(form: Form) -> Mapping[str, Any]:
    said = {name: form.text(name) for name in ("receiver", "text", "unknown")}
    return said | {"kind": form.text("report_kind")}


def _told(form: Form) -> Mapping[str, Any]:
    said = {name: form.text(name) for name in ("what", "harm", "measures", "contact")}
    return said | {"persons": form.whole("persons")}


def _proof(form: Form) -> Mapping[str, Any]:
    return {"sha256": form.text("sha256").lower(), "note": form.text("note")}


_STEPS: Final[Mapping[str, tuple[str, _Args]]] = {
    "grade": ("grade", lambda form: {"facts": facts_in(form)}),
    "regrade": ("regrade", lambda form: {"facts": facts_in(form), "reason": form.text("reason")}),
    "dismiss": ("dismiss", _texts("reason")),
    "evidence": ("evidence", _proof),
    "report": ("report", _reported),
    "receive": ("receive", _texts("report_id")),
    "forward": ("forward", _texts("report_id", "text")),
    "measure": ("measure", _texts("measure", "object_id", "reason")),
    "lift": ("lift", _texts("order_id", "reason")),
    "contain": ("contain", _texts("text")),
    "notify_subjects": ("notify_subjects", _told),
    "spare_subjects": ("spare_subjects", _texts("grounds")),
    "order_notice": ("order_notice", _texts("reason")),
    "eradicate": ("eradicate", _texts("text")),
    "review": ("review", _texts("cause", "course", "lessons", "actions")),
    "close": ("close", _texts("reason", "left")),
}


@router.post("/incidents/{incident_id}/{step}")
async def act_on(visitor: VisitorDep, incident_id: str, step: str) -> Response:
    """One step of an incident, as whoever it belongs to."""
    form = await visitor.form()
    if step not in _STEPS:
        raise NotFound("no such step")
    name, read = _STEPS[step]
    return await attempt(
        visitor,
        form,
        act=f"incident.{name}",
        args={"incident_id": incident_id, **read(form)},
        action=step.upper(),
        role=role_for(visitor, f"incident.{name}"),
        then=f"/incidents/{incident_id}",
        again=lambda filled: _one(visitor, incident_id, filled),
    )
