"""The open list at its desks: the agency's officer and its chief, who supervises, users who agree."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from base.calendar import shanghai_day
from base.errors import DomainError, NotFound, NotPermitted
from ledger.reader import statements_of
from market.listings.conditions import PURPOSE_LABELS
from registry.lists.repository import data_entries
from registry.opening import planning, repository
from registry.opening.checking import document_of
from registry.opening.rules import BY_EXCHANGE, Licence, Mode, NotOpenReason, SuspendReason
from registry.opening.states import (
    AGENCY,
    AUTHORITIES,
    USERS,
    AgreementState,
    OpenEvent,
    OpenState,
    allowed_to,
)
from registry.opening.tables import OpenEntryRow
from web.opening_checks import CHECKERS, run_check
from web.pages.acting import attempt, caller_for, gone_on
from web.pages.forms import Filled, Form, sent_back
from web.pages.naming import names_of
from web.pages.visiting import SUPERVISORS, Visitor, VisitorDep

router = APIRouter()
_PAGE: Final = 50
_E = OpenEvent
_SUPERVISING: Final = SUPERVISORS | AUTHORITIES
_WHO: Final = AGENCY | _SUPERVISING
_HIDDEN: Final = frozenset({_E.ACCESS, _E.USAGE, _E.RENEW, _E.TARGET, _E.AUTHORISE})
_TOP: Final = 20
_YEAR: Final = timedelta(days=365)


@router.get("/registry/open")
async def desk(
    visitor: VisitorDep,
    status: Annotated[str, Query(max_length=20)] = "",
    after: Annotated[str | None, Query(max_length=30)] = None,
) -> Response:
    """The agency's part of the open list with a form for a new entry; all of it, for who supervises."""
    return await _desk(visitor, Filled(), status=status, after=after)


async def _desk(visitor: Visitor, filled: Filled, *, status: str = "", after: str | None = None) -> Response:
    visitor.require(_WHO)
    states = [one for one in OpenState if one.value == status]
    whose = None if visitor.may(_SUPERVISING) else visitor.org_id
    async with visitor.node.database.read() as s:
        rows = await repository.entries(s, states=states, agency_id=whose, after=after, limit=_PAGE)
        names = await names_of(s, (row.agency_id for row, _ in rows))
        checks = await repository.checks(s, agency_id=whose, limit=5)
        data = []
        if visitor.may(AGENCY):
            listed = await data_entries(s, agency_id=visitor.org_id, limit=200)
            taken = {
                row.data_id
                for row, _ in await repository.entries(s, agency_id=visitor.org_id, limit=500)
                if row.status not in {OpenState.NOT_OPEN, OpenState.RETIRED}
            }
            data = [(one.data_id, one.name) for one in listed if one.data_id not in taken]
    return visitor.render(
        "open_desk.html",
        filled=filled,
        rows=rows,
        names=names,
        chosen=status,
        states=visitor.options("open_state", OpenState),
        checks=checks,
        data=data,
        may_propose=visitor.may(AGENCY),
        may_check=visitor.may(AGENCY | CHECKERS),
        next_address=visitor.url("/registry/open", status=status, after=rows[-1][0].open_id)
        if len(rows) == _PAGE
        else None,
        **_choices(visitor),
    )


def _choices(visitor: Visitor) -> dict[str, Any]:
    return {
        "modes": visitor.options("open_mode", Mode),
        "licences": visitor.options("open_licence", Licence),
        "refusals": visitor.options("open_refusal", NotOpenReason),
        "suspensions": visitor.options(
            "open_suspension", [one for one in SuspendReason if one not in BY_EXCHANGE]
        ),
        "purposes": visitor.labelled(PURPOSE_LABELS),
    }


@router.post("/registry/open")
async def propose(visitor: VisitorDep) -> Response:
    """Propose to open data of one's own list."""
    form = await visitor.form()
    risk = form.optional("risk_assessment_sha256")
    return await attempt(
        visitor,
        form,
        act="opening.propose",
        args={
            **{name: form.text(name) for name in ("data_id", "mode", "licence", "conditions", "law")},
            **{name: form.optional(name) for name in ("covers_from", "covers_to")},
            "risk_assessment_sha256": risk and risk.lower(),
        },
        role="PUBLIC_AGENCY",
        then=lambda made: f"/registry/open/{made['open_id']}",
        again=lambda filled: _desk(visitor, filled),
    )


@router.post("/registry/open/check")
async def check(visitor: VisitorDep) -> Response:
    """Check the open list against reality, now."""
    form = await visitor.form()
    try:
        answer = await run_check(caller_for(visitor, key=form.optional("idempotency_key")))
    except NotPermitted:
        raise
    except DomainError as error:
        return await _desk(visitor, sent_back("check", form, error))
    return gone_on(visitor, answer, lambda made: f"/registry/open/checks/{made['check_id']}")


@router.get("/registry/open/checks/{check_id}")
async def checked(visitor: VisitorDep, check_id: str) -> Response:
    """What a check found, entry by entry."""
    visitor.require(_WHO)
    async with visitor.node.database.read() as s:
        row = await repository.check_of(s, check_id=check_id)
        if not visitor.may(_SUPERVISING) and row.agency_id != visitor.org_id:
            raise NotFound("no such check of the open list", check_id=check_id)
        report = document_of(row)
        names = await names_of(s, (one["agency_id"] for one in report["entries"]))
    return visitor.render("open_check.html", row=row, report=report, names=names)


@router.get("/registry/open/plan")
async def plan(visitor: VisitorDep, agency: Annotated[str, Query(max_length=30)] = "") -> Response:
    """What an agency opens first, row by row with its reasons, and its plans with what is done of them."""
    return await _plan(visitor, Filled(), agency=agency)


async def _plan(visitor: Visitor, filled: Filled, *, agency: str = "") -> Response:
    visitor.require(_WHO)
    whose = agency if visitor.may(_SUPERVISING) and agency else visitor.org_id or ""
    now = visitor.node.clock.now()
    async with visitor.node.database.read() as s:
        rows = await planning.ranked(s, agency_id=whose, at=now)
        own = None if visitor.may(_SUPERVISING) and not agency else whose
        plans = await repository.plans(s, agency_id=own)
        done = {one.plan_id: await planning.done_of(s, one, until=now) for one in plans}
        names = await names_of(s, [whose], (one.agency_id for one in plans))
    return visitor.render(
        "open_plan.html",
        filled=filled,
        rows=rows[:_TOP],
        plans=plans,
        done=done,
        names=names,
        whose=whose,
        year=shanghai_day(now).year,
        may_publish=visitor.may(AGENCY),
        planned={one.year for one in plans if one.agency_id == visitor.org_id},
    )


@router.post("/registry/open/plan/{step}")
async def act_on_plan(visitor: VisitorDep, step: str) -> Response:
    """Publish a year's plan, or rank it anew, as the chief data officer."""
    form = await visitor.form()
    if step not in {"publish", "revise"}:
        raise NotFound("no such step")
    return await attempt(
        visitor,
        form,
        act=f"opening.{step}_plan",
        args={"year": form.whole("year"), "top": form.whole("top")},
        role="PUBLIC_AGENCY",
        then="/registry/open/plan",
        again=lambda filled: _plan(visitor, filled),
    )


@router.get("/registry/open/{open_id}")
async def one(visitor: VisitorDep, open_id: str) -> Response:
    """One entry of the open list, for its agency, who supervises, and users who agree on it."""
    return await _one(visitor, open_id, Filled())


async def _one(visitor: Visitor, open_id: str, filled: Filled) -> Response:
    visitor.require()
    async with visitor.node.database.read() as s:
        row, data = await repository.entry_with_data(s, open_id=open_id)
        users = await repository.users_of(s, open_id=open_id)
        agreements = await repository.agreements_of(s, open_id=open_id)
        inside = visitor.org_id == row.agency_id or visitor.may(_SUPERVISING)
        if not inside:
            users = [user for user in users if user.user_id == visitor.org_id]
            agreements = [agreed for agreed in agreements if agreed.user_id == visitor.org_id]
            if not users and not agreements:
                raise NotFound("no such entry of the open list", open_id=open_id)
        said = await statements_of(s, object_id=open_id)
        names = await names_of(
            s, [row.agency_id], (user.user_id for user in users), (agreed.user_id for agreed in agreements)
        )
    return visitor.render(
        "open_desk_entry.html",
        filled=filled,
        row=row,
        data=data,
        users=users,
        agreements=agreements,
        said=said,
        names=names,
        inside=inside,
        may=_may(visitor, row),
        mine=visitor.org_id == row.agency_id,
        now=visitor.node.clock.now(),
        offered=AgreementState.OFFERED,
        signed=AgreementState.SIGNED,
        purpose_names=dict(_choices(visitor)["purposes"]),
        in_a_year=shanghai_day(visitor.node.clock.now() + _YEAR).isoformat(),
        **_choices(visitor),
    )


def _may(visitor: Visitor, row: OpenEntryRow) -> list[str]:
    """What this visitor can do here now."""
    found = []
    for event in allowed_to(row.status, visitor.roles):
        authority = event is _E.RELEASE or (event is _E.SUSPEND and visitor.may(AUTHORITIES))
        if event in _HIDDEN - ({_E.TARGET, _E.AUTHORISE} if row.status is OpenState.REVIEWED else set()):
            continue
        if not authority and visitor.org_id != row.agency_id:
            continue
        if event is _E.RELEASE and row.held_by not in visitor.roles:
            continue
        if event in {_E.OPEN, _E.TARGET, _E.AUTHORISE} and event is not _OPENS[row.mode]:
            continue
        found.append(event.value)
    if row.status is OpenState.AUTHORISED and visitor.org_id == row.agency_id:
        found.append("OFFER")
    return found


_OPENS: Final = {Mode.OPEN: _E.OPEN, Mode.TARGETED: _E.TARGET, Mode.AUTHORISED: _E.AUTHORISE}
_Args = Callable[[Form], Mapping[str, Any]]


def _nothing(form: Form) -> Mapping[str, Any]:
    del form
    return {}


def _text(form: Form) -> Mapping[str, Any]:
    return {"text": form.text("text")}


def _day_end(form: Form, name: str) -> str | None:
    """A day as its last moment in Beijing; unreadable text as it is."""
    day = form.optional(name)
    return f"{day}T23:59:59+08:00" if day else None


# The step in the address, the act it is, and how its form is read.
_STEPS: Final[Mapping[str, tuple[str, _Args]]] = {
    "review": ("review", _nothing),
    **dict.fromkeys(("open", "target", "authorise"), ("publish", _nothing)),
    "refuse": (
        "refuse",
        lambda form: {name: form.text(name) for name in ("reason", "law", "text")},
    ),
    "suspend": ("suspend", lambda form: {name: form.text(name) for name in ("reason", "text")}),
    "release": ("release", _text),
    "retire": ("retire", _text),
    "name": (
        "name",
        lambda form: {
            "user_id": form.text("user_id"),
            "purposes": form.every("purposes"),
            "until": _day_end(form, "until"),
        },
    ),
    "unname": ("unname", lambda form: {"user_id": form.text("user_id"), "text": form.text("text")}),
    "offer": (
        "offer",
        lambda form: {
            "user_id": form.text("user_id"),
            "purposes": form.every("purposes"),
            "valid_from": form.text("valid_from"),
            "valid_to": _day_end(form, "valid_to"),
        },
    ),
}
_OF_AGREEMENTS: Final[Mapping[str, tuple[str, _Args]]] = {
    "sign": ("sign", lambda form: {"policy_sha256": form.text("policy_sha256")}),
    "decline": ("decline", _text),
    "end": ("end_agreement", _text),
}


@router.post("/registry/open/{open_id}/{step}")
async def act_on(visitor: VisitorDep, open_id: str, step: str) -> Response:
    """One step of an entry, or of an agreement on it, as whoever it belongs to."""
    form = await visitor.form()
    about: dict[str, Any] = {"open_id": open_id}
    role = next(iter(sorted(visitor.roles & (AGENCY if step != "release" else AUTHORITIES))), None)
    if step in _OF_AGREEMENTS:
        name, read = _OF_AGREEMENTS[step]
        about = {"agreement_id": form.text("agreement_id")}
        role = next(iter(sorted(visitor.roles & USERS)), None)
    elif step in _STEPS:
        name, read = _STEPS[step]
    else:
        raise NotFound("no such step")
    return await attempt(
        visitor,
        form,
        act=f"opening.{name}",
        args={**about, **read(form)},
        action=step.upper(),
        role=role,
        then=f"/registry/open/{open_id}",
        again=lambda filled: _one(visitor, open_id, filled),
    )
