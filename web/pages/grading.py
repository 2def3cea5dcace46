"""Levels on pages: declare, decide beside the scan, history, records, and the important-data catalogue."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from base.errors import DomainError, NotFound
from base.ids import is_id
from ledger.reader import statements_of
from market.listings.conditions import PURPOSE_LABELS
from registry.grading import repository
from registry.grading.errors import GradingUnknown
from registry.grading.rules import Degree, Harmed, Reason
from registry.grading.states import (
    CATALOGUERS,
    CONFIRMERS,
    ENTRY_MOVES,
    HOLDERS,
    OFFICERS,
    EntryEvent,
    GradingState,
    MatchState,
)
from registry.grading.tables import GradingRow, ImportantRow
from registry.grading.templates import ANY, TEMPLATES
from registry.rules import Level
from web.grading import duties_owed, entries_told, scan_entry, visible_subject
from web.pages.acting import attempt, caller_for
from web.pages.forms import Filled, Form, sent_back
from web.pages.naming import names_of
from web.pages.reasons import level_reason
from web.pages.visiting import SUPERVISORS, Visitor, VisitorDep

router = APIRouter()
_PAGE: Final = 50
_WHO: Final = HOLDERS | OFFICERS | SUPERVISORS
_READERS: Final = CATALOGUERS | CONFIRMERS
_AUTHORITY: Final = frozenset({"DATA_AUTHORITY"})
_PARTS: Final = ("declared", "scanned", "decided", "inherited", "same_bytes", "matched")


@router.get("/registry/grading")
async def gradings(
    visitor: VisitorDep,
    status: Annotated[str, Query(max_length=40)] = "",
    object_id: Annotated[str, Query(max_length=40)] = "",
    after: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """One's own gradings and records; all gradings, for officers and who supervises."""
    org_id = visitor.require(_WHO).actor.org_id
    if object_id:
        return visitor.redirect(f"/registry/grading/{object_id.strip()}")
    states = [one for one in GradingState if one.value == status]
    own = None if visitor.may(SUPERVISORS) else org_id
    async with visitor.node.database.read() as s:
        rows = await repository.gradings(s, holder_id=own, states=states, after=after, limit=_PAGE)
        names = await names_of(s, (row.holder_id for row in rows))
        consents = await repository.consents_of(s, holder_id=org_id)
        assessments = await repository.assessments_of(s, holder_id=org_id)
    return visitor.render(
        "gradings.html",
        rows=rows,
        names=names,
        chosen=status,
        states=visitor.options("grading_state", GradingState),
        consents=consents,
        assessments=assessments,
        holder=visitor.may(HOLDERS),
        reader=visitor.may(_READERS),
        next_address=visitor.url("/registry/grading", status=status, after=rows[-1].grading_id)
        if len(rows) == _PAGE
        else None,
    )


@router.get("/registry/grading/{object_id}")
async def graded(visitor: VisitorDep, object_id: str) -> Response:
    """One object: what everybody says of its level, side by side, and what can be done about it."""
    return await _one(visitor, object_id, Filled())


async def _one(visitor: Visitor, object_id: str, filled: Filled) -> Response:
    session = visitor.require(_WHO)
    if not (is_id(object_id, "prd") or is_id(object_id, "dat")):
        raise NotFound("nothing is known of this", object_id=object_id)
    async with visitor.node.database.read() as s:
        subject = await visible_subject(s, session.actor, object_id)
        row = await repository.grade_of(s, object_id=object_id)
        history = await repository.gradings_of(s, object_id=object_id)
        matches = await repository.matches_of(s, object_id=object_id)
        told = await entries_told(s, session.actor, {one.entry_id for one in matches})
        duties = (await duties_owed(s, [object_id]))[object_id]
        said = await statements_of(s, object_id=object_id)
        names = await names_of(s, [subject.holder_id])
    under_way = next((one for one in history if one.status in _OPEN), None)
    return visitor.render(
        "grading.html",
        filled=filled,
        subject=subject,
        row=row,
        parts=[(name, getattr(row, name)) for name in _PARTS] if row else [],
        hints=row.hints if row else [],
        history=history,
        matches=matches,
        told=told,
        duties=duties,
        said=said,
        names=names,
        under_way=under_way,
        whys=[level_reason(visitor, one) for one in under_way.why] if under_way else [],
        mine=visitor.org_id == subject.holder_id and visitor.may(HOLDERS),
        decides=_decides(visitor, under_way, public=subject.public),
        confirms=under_way is not None
        and under_way.status is GradingState.TO_CONFIRM
        and visitor.may(_AUTHORITY),
        entry=is_id(object_id, "dat"),
        reader=visitor.may(_READERS),
        **_choices(visitor),
    )


_OPEN: Final = (GradingState.DECLARED, GradingState.TO_CONFIRM)


def _decides(visitor: Visitor, row: GradingRow | None, *, public: bool) -> bool:
    """Whether the open declaration is this visitor's to decide; what he or she declared is not."""
    if row is None or row.status is not GradingState.DECLARED or visitor.session is None:
        return False
    if row.declared_by == visitor.session.actor.user_id:
        return False
    own = visitor.may(CATALOGUERS) and visitor.org_id == row.holder_id
    return own or visitor.may(_AUTHORITY) or (not public and visitor.may({"EXCHANGE_OPERATOR"}))


def _choices(visitor: Visitor) -> dict[str, Any]:
    classes = {name: one for template in (ANY, *TEMPLATES.values()) for name, one in template.items()}
    return {
        "levels": visitor.options("level", Level),
        "harmed": visitor.options("harmed", Harmed),
        "degrees": visitor.options("degree", Degree),
        "reasons": visitor.options("grading_reason", Reason),
        "classes": visitor.labelled(classes),
        "purposes": visitor.labelled(PURPOSE_LABELS),
    }


def _declared(form: Form) -> dict[str, Any]:
    why = form.text("why")
    degrees = {harmed.value: form.text(f"harm_{harmed.value}") for harmed in Harmed}
    fields = []
    for line in form.text("fields").splitlines():
        if line.strip():
            name, level, flags = [*(part.strip() for part in line.split("|")), "", ""][:3]
            flagged = {"personal": "personal" in flags or "个人" in flags}
            flagged["sensitive"] = "sensitive" in flags or "敏感" in flags
            fields.append({"name": name, "level": level or form.text("level"), **flagged})
    return {
        "level": form.text("level"),
        "sector": form.text("sector").upper(),
        "data_class": form.text("data_class"),
        "reason": form.text("reason"),
        "grounds": [
            {"harmed": harmed, "degree": degree, "why": why} for harmed, degree in degrees.items() if degree
        ],
        "fields": fields,
        "persons": form.whole("persons") or 0,
        "sensitive_persons": form.whole("sensitive_persons") or 0,
        "joined": form.whole("joined") or 1,
        "file_sha256": _digest(form, "file_sha256"),
        "desensitised_sha256": _digest(form, "desensitised_sha256"),
    }


def _digest(form: Form, name: str) -> str | None:
    given = form.optional(name)
    return None if given is None else given.lower()


def _consents(form: Form) -> dict[str, Any]:
    return {
        "wording_sha256": form.text("wording_sha256").lower(),
        "subjects_root": form.text("subjects_root").lower(),
        "subjects": form.whole("subjects"),
        "separate": form.flag("separate"),
        "purposes": form.every("purposes"),
        "recipients": form.text("recipients").split(),
        "valid_from": form.moment("valid_from"),
        "valid_until": form.moment("valid_until"),
    }


@router.post("/registry/grading/{object_id}/{step}")
async def act_on(visitor: VisitorDep, object_id: str, step: str) -> Response:
    """One step about an object's level, or a record of it."""
    form = await visitor.form()
    if step == "scan":
        return await _scan(visitor, object_id, form)
    about = {"object_id": object_id}
    of_grading = {"grading_id": form.text("grading_id")}
    opinion = of_grading | {"opinion": form.text("opinion")}
    steps: Mapping[str, tuple[str, Mapping[str, Any]]] = {
        "declare": ("grading.declare", about | _declared(form)),
        "withdraw": ("grading.withdraw", of_grading),
        "return": ("grading.return", opinion),
        "decide": ("grading.decide", opinion | {"level": form.text("level")}),
        "confirm": ("grading.confirm", of_grading),
        "decline": ("grading.decline", opinion),
        "consents": ("consent.record", about | _consents(form)),
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
        then=f"/registry/grading/{object_id}",
        again=lambda filled: _one(visitor, object_id, filled),
    )


async def _scan(visitor: Visitor, object_id: str, form: Form) -> Response:
    try:
        await scan_entry(caller_for(visitor), object_id)
    except (NotFound, GradingUnknown):
        raise
    except DomainError as error:
        return await _one(visitor, object_id, sent_back("scan", form, error))
    return visitor.redirect(f"/registry/grading/{object_id}")


@router.get("/registry/important")
async def important(
    visitor: VisitorDep, after: Annotated[str | None, Query(max_length=40)] = None
) -> Response:
    """The important-data catalogue: one's own department's entries, or all for who confirms."""
    return await _catalogue(visitor, Filled(), after=after)


async def _catalogue(visitor: Visitor, filled: Filled, *, after: str | None = None) -> Response:
    visitor.require(_READERS)
    own = None if visitor.may(CONFIRMERS) else visitor.org_id
    async with visitor.node.database.read() as s:
        rows = await repository.entries(s, department_id=own, after=after, limit=_PAGE)
        names = await names_of(s, (row.department_id for row in rows))
    return visitor.render(
        "important.html",
        filled=filled,
        rows=rows,
        names=names,
        may_identify=visitor.may(CATALOGUERS),
        levels=visitor.options("level", (Level.IMPORTANT, Level.CORE)),
        next_address=visitor.url("/registry/important", after=rows[-1].entry_id)
        if len(rows) == _PAGE
        else None,
    )


def _content(form: Form) -> dict[str, Any]:
    lines = {
        name: [one.strip() for one in form.text(name).splitlines() if one.strip()]
        for name in ("objects", "digests", "keywords", "patterns")
    }
    plain = {name: form.text(name) for name in ("region", "name", "description", "level")}
    return plain | lines | {"sector": form.text("sector").upper()}


@router.post("/registry/important")
async def identify(visitor: VisitorDep) -> Response:
    """Identify data as important."""
    form = await visitor.form()
    return await attempt(
        visitor,
        form,
        act="important.identify",
        args=_content(form),
        then=lambda made: f"/registry/important/{made['entry_id']}",
        again=lambda filled: _catalogue(visitor, filled),
    )


@router.get("/registry/important/{entry_id}")
async def important_entry(visitor: VisitorDep, entry_id: str) -> Response:
    """An entry: what it says, what it covers and resembles, and its steps."""
    return await _entry(visitor, entry_id, Filled())


async def _entry(visitor: Visitor, entry_id: str, filled: Filled) -> Response:
    visitor.require(_READERS)
    async with visitor.node.database.read() as s:
        row = await repository.get_entry(s, entry_id=entry_id)
        if row.department_id != visitor.org_id and not visitor.may(CONFIRMERS):
            raise NotFound("no such entry", entry_id=entry_id)
        matches = await repository.matches_of(s, entry_id=entry_id)
        said = await statements_of(s, object_id=entry_id)
        names = await names_of(s, [row.department_id])
    return visitor.render(
        "important_entry.html",
        filled=filled,
        row=row,
        matches=matches,
        said=said,
        names=names,
        may=_may(visitor, row),
        confirmer=visitor.may(CONFIRMERS),
        undecided=MatchState.NEAR,
        levels=visitor.options("level", (Level.IMPORTANT, Level.CORE)),
    )


def _may(visitor: Visitor, row: ImportantRow) -> list[str]:
    """The steps that this visitor can take now."""
    found = []
    for (at, event), move in ENTRY_MOVES.items():
        if at is not row.status or not visitor.may(move.roles):
            continue
        if move.roles == CATALOGUERS and visitor.org_id != row.department_id:
            continue
        asked = None if row.asked is None else row.asked["what"]
        wanted = {EntryEvent.CHANGE: "CHANGE", EntryEvent.REMOVE: "REMOVE"}.get(EntryEvent(event))
        if wanted is not None and asked != wanted:
            continue
        if (event is EntryEvent.ASK) == (asked is not None) and event in {EntryEvent.ASK, EntryEvent.DECLINE}:
            continue
        found.append(event.value.lower())
    return found


@router.post("/registry/important/{entry_id}/{step}")
async def act_on_entry(visitor: VisitorDep, entry_id: str, step: str) -> Response:
    """One step of an entry, or a decision on what resembles it."""
    form = await visitor.form()
    about = {"entry_id": entry_id}
    reason = {"reason": form.text("reason")}
    content = None if form.flag("remove") else _content(form)
    steps: Mapping[str, tuple[str, Mapping[str, Any]]] = {
        "report": ("important.report", about),
        "send_back": ("important.return", about | reason),
        "confirm": ("important.confirm", about),
        "ask": ("important.ask", about | {"content": content}),
        "decline": ("important.decline", about | reason),
        "change": ("important.enter", about),
        "remove": ("important.enter", about),
        "match": (
            "important.match",
            reason | {"match_id": form.text("match_id"), "upheld": form.text("upheld") == "yes"},
        ),
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
        then=f"/registry/important/{entry_id}",
        again=lambda filled: _entry(visitor, entry_id, filled),
    )
