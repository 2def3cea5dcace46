"""Registration on pages: apply, confirm, review, notice, object, issue, and what becomes of it."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import ValidationError
from starlette.responses import Response

from base.errors import NotFound
from ledger.reader import statements_of
from registry.registration import repository
from registry.registration.rules import (
    PUBLIC_SOURCES,
    Kind,
    NoteKind,
    RefusalReason,
    RevocationReason,
    Update,
    Wish,
)
from registry.registration.rules import (
    Form as DataForm,
)
from registry.registration.states import (
    HOLDERS,
    PUBLIC,
    RegistrationEvent,
    RegistrationState,
    allowed_to,
)
from registry.registration.tables import RegistrationRow
from registry.rules import Right, Source
from web.pages.acting import attempt
from web.pages.forms import Filled, Form, sent_back
from web.pages.naming import names_of
from web.pages.visiting import SUPERVISORS, Visitor, VisitorDep
from web.registration_forms import DeclarationForm

router = APIRouter()
_PAGE: Final = 50
_REGISTRAR: Final = frozenset({"REGISTRAR"})
_AGENCY: Final = frozenset({"PUBLIC_AGENCY"})
_WHO: Final = HOLDERS | _REGISTRAR | SUPERVISORS
_E = RegistrationEvent
_LINES: Final = 3


@router.get("/registry/registrations")
async def registrations(
    visitor: VisitorDep,
    status: Annotated[str, Query(max_length=40)] = "",
    after: Annotated[str | None, Query(max_length=40)] = None,
    kind: Annotated[Kind | None, Query()] = None,
) -> Response:
    """One's own registrations with the form of a new one; the registrar's desk; all, for who supervises.

    `kind` is what the form of a new one asks for; an agency's is a public resource unless it says otherwise.
    """
    own = Kind.PUBLIC_RESOURCE if visitor.may(_AGENCY) else Kind.PROPERTY_RIGHT
    return await _list(visitor, Filled(), status=status, after=after, kind=kind or own)


async def _list(
    visitor: Visitor, filled: Filled, *, kind: str, status: str = "", after: str | None = None
) -> Response:
    visitor.require(_WHO)
    states = [one for one in RegistrationState if one.value == status]
    whose = {"registrar_id": visitor.org_id} if visitor.may(_REGISTRAR) else {"org_id": visitor.org_id}
    async with visitor.node.database.read() as s:
        rows = await repository.registrations(
            s, states=states, after=after, limit=_PAGE, **({} if visitor.may(SUPERVISORS) else whose)
        )
        seats = [one for one in await repository.registrars(s) if one.ended_at is None]
        names = await names_of(s, (row.applicant_id for row in rows), (one.org_id for one in seats))
    return visitor.render(
        "registrations.html",
        filled=filled,
        rows=rows,
        names=names,
        chosen=status,
        kind=kind,
        states=visitor.options("state", RegistrationState),
        may_apply=visitor.may(HOLDERS),
        registrars=[(one.org_id, names[one.org_id]) for one in seats],
        next_address=visitor.url("/registry/registrations", status=status, after=rows[-1].registration_id)
        if len(rows) == _PAGE
        else None,
        **_choices(visitor),
    )


def _choices(visitor: Visitor) -> dict[str, Any]:
    return {
        "kinds": visitor.options("registration_kind", Kind),
        "updates": visitor.options("registration_update", Update),
        "forms": visitor.options("registration_form", DataForm),
        "sources": visitor.options("source", Source),
        "public_sources": visitor.options("source", sorted(PUBLIC_SOURCES, reverse=True)),
        "rights": visitor.options("right", Right),
        "refusals": visitor.options("registration_refusal", RefusalReason),
        "revocations": visitor.options("registration_revocation", RevocationReason),
        "noted": visitor.options("registration_note", NoteKind),
        "wished": visitor.options("registration_wish", Wish),
    }


@router.post("/registry/registrations")
async def apply(visitor: VisitorDep) -> Response:
    """Apply for a registration."""
    form = await visitor.form()
    try:
        said = DeclarationForm.model_validate(_declared(form))
    except ValidationError as error:
        return await _list(visitor, sent_back("registration.apply", form, error), kind=form.text("kind"))
    return await attempt(
        visitor,
        form,
        act="registration.apply",
        args={
            "kind": form.text("kind"),
            "registrar_id": form.text("registrar_id"),
            "data_id": form.optional("data_id"),
            "declaration": said,
            "claims": _claims(visitor, form),
        },
        then=lambda made: f"/registry/registrations/{made['registration_id']}",
        again=lambda filled: _list(visitor, filled, kind=form.text("kind")),
    )


def _declared(form: Form) -> dict[str, Any]:
    plain = (
        "name",
        "abstract",
        "industry",
        "source",
        "region",
        "covers_from",
        "covers_to",
        "update",
        "form",
        "scenario",
    )
    declared: dict[str, Any] = {name: form.text(name) for name in plain}
    declared |= {name: form.whole(name) for name in ("volume_rows", "volume_bytes")}
    declared |= {name: form.text(name).lower() for name in ("sample_sha256", "source_proof_sha256")}
    risk = form.optional("risk_assessment_sha256")
    return declared | {
        "risk_assessment_sha256": risk and risk.lower(),
        "public_registration_no": form.optional("public_registration_no"),
        "term_ends": form.optional("term_ends"),
        "agreed_rights": form.every("agreed_rights"),
        "others_consent": form.flag("others_consent"),
        "substitutes_source": not form.flag("no_substitute"),
        "substantially_changed": form.flag("substantially_changed"),
        "restriction": {
            "qualification": form.text("qualification"),
            "resale": form.flag("resale"),
            "export": form.flag("export"),
        },
    }


def _claims(visitor: Visitor, form: Form) -> list[dict[str, Any]]:
    """One's own rights as ticked; others' one a line: id of the organisation | right | limits."""
    found: list[dict[str, Any]] = [
        {"holder_id": visitor.org_id, "right": right} for right in form.every("claimed")
    ]
    for line in form.text("others").splitlines():
        if line.strip():
            holder, right, limits = [*(part.strip() for part in line.split("|")), "", ""][:_LINES]
            found.append({"holder_id": holder, "right": right.upper(), "limits": limits})
    return found


@router.get("/registry/registrations/{registration_id}")
async def registration(visitor: VisitorDep, registration_id: str) -> Response:
    """One registration: its file for whom it concerns, its notice for everyone."""
    return await _one(visitor, registration_id, Filled())


async def _one(visitor: Visitor, registration_id: str, filled: Filled) -> Response:
    async with visitor.node.database.read() as s:
        row = await repository.get_registration(s, registration_id=registration_id)
        about = {"registration_id": registration_id}
        claims = await repository.claims_of(s, **about)
        objections = await repository.objections_to(s, **about)
        wishes = await repository.wishes_of(s, **about)
        notes = await repository.notes_of(s, **about)
        said = await statements_of(s, object_id=registration_id)
        holders = {one.holder_id for one in claims}
        asked = {org_id for wish in wishes if wish.done is None for org_id in wish.must_agree}
        concerned = {row.applicant_id, row.registrar_id, *holders, *asked}
        insider = visitor.org_id in concerned or visitor.may(SUPERVISORS)
        if not insider and row.status not in PUBLIC:
            raise NotFound("no such registration", registration_id=registration_id)
        awaited = {one for wish in wishes for one in wish.must_agree}
        names = await names_of(
            s,
            [row.applicant_id, row.registrar_id],
            holders,
            (one.objector_id for one in objections),
            awaited,
        )
    return visitor.render(
        "registration.html",
        filled=filled,
        row=row,
        shown={name: row.declaration[name] for name in ("abstract",) if insider or name not in row.withheld},
        claims=claims,
        objections=objections,
        open_objections=[one.objection_id for one in objections if one.upheld is None],
        wishes=wishes,
        open_wishes=[one for one in wishes if one.done is None],
        notes=notes,
        standing=[one for one in notes if one.released_at is None],
        said=said,
        insider=insider,
        names=names,
        may=_may(visitor, row, holders, {one.holder_id for one in claims if one.confirmed_at is None}),
        **_choices(visitor),
    )


def _may(visitor: Visitor, row: RegistrationRow, holders: set[str], waiting: set[str]) -> list[str]:
    """What this visitor can do here now; the buttons of an act are shown to nobody else."""
    if visitor.session is None:
        return []
    org_id, found = visitor.org_id, []
    for event in allowed_to(row.status, visitor.roles):
        if event in _OF_REGISTRAR and org_id != row.registrar_id:
            continue
        if event in _OF_APPLICANT and org_id != row.applicant_id:
            continue
        if event is _E.CONFIRM and org_id not in waiting:
            continue
        if event is _E.ASK and org_id not in (holders or {row.applicant_id}):
            continue
        found.append(event.value)
    return found


_OF_REGISTRAR: Final = frozenset(
    {
        _E.ACCEPT,
        _E.SUPPLEMENT,
        _E.EXTEND,
        _E.REFUSE,
        _E.PUBLISH,
        _E.UPHOLD,
        _E.DISMISS,
        _E.DEPOSIT_AND_ISSUE,
        _E.DECLINE,
        _E.CHANGE,
        _E.ANNOTATE,
        _E.RELEASE,
        _E.RESOLVE_KEEP,
        _E.REVOKE,
    }
)
_OF_APPLICANT: Final = frozenset({_E.RESUBMIT, _E.WITHDRAW})
_Args = Callable[[Form], Mapping[str, Any]]


def _nothing(form: Form) -> Mapping[str, Any]:
    del form
    return {}


def _objection(form: Form) -> Mapping[str, Any]:
    return {"text": form.text("text"), "evidence": form.text("evidence").lower().split()}


def _noted(form: Form) -> Mapping[str, Any]:
    return {
        "kind": form.text("kind"),
        "text": form.text("text"),
        "document_sha256": form.text("document_sha256").lower(),
        **{name: form.optional(name) for name in ("holder_id", "right", "creditor_id")},
    }


def _wished(form: Form) -> Mapping[str, Any]:
    changes = {name: form.optional(name) for name in ("name", "abstract")}
    return {
        "wish": form.text("wish"),
        "changes": {name: value for name, value in changes.items() if value},
        "taker_id": form.optional("taker_id"),
    }


def _resolved(form: Form) -> Mapping[str, Any]:
    ruling = form.optional("ruling_sha256")
    return {
        "objection_ids": form.every("objection_ids"),
        "keep": form.text("keep") == "yes",
        "answer": form.text("answer"),
        "ruling_sha256": ruling and ruling.lower(),
    }


# The step in the address, the act it is, and how its form is read.
_STEPS: Final[Mapping[str, tuple[str, _Args]]] = {
    "confirm": ("confirm", _nothing),
    "accept": ("accept", _nothing),
    "supplement": (
        "supplement",
        lambda form: {"gaps": [line for line in form.text("gaps").splitlines() if line.strip()]},
    ),
    "withdraw": ("withdraw", _nothing),
    "extend": ("extend", lambda form: {"reason": form.text("reason")}),
    "refuse": ("refuse", lambda form: {"reason": form.text("reason"), "text": form.text("text")}),
    "publish": ("publish", lambda form: {"withheld": form.every("withheld")}),
    "object": ("object", _objection),
    "object_late": ("object", _objection),
    "uphold": (
        "uphold",
        lambda form: {"objection_id": form.text("objection_id"), "answer": form.text("answer")},
    ),
    "dismiss": (
        "dismiss",
        lambda form: {"objection_ids": form.every("objection_ids"), "answer": form.text("answer")},
    ),
    "deposit_and_issue": ("issue", _nothing),
    "ask": ("ask", _wished),
    "agree": ("agree", lambda form: {"wish_id": form.text("wish_id")}),
    "decline": ("decline", lambda form: {"wish_id": form.text("wish_id"), "reason": form.text("reason")}),
    "change": ("grant", lambda form: {"wish_id": form.text("wish_id")}),
    "annotate": ("note", _noted),
    "release": (
        "release",
        lambda form: {
            "note_id": form.text("note_id"),
            "document_sha256": form.text("document_sha256").lower(),
        },
    ),
    "resolve_keep": ("resolve", _resolved),
    "revoke": ("revoke", lambda form: {"reason": form.text("reason"), "text": form.text("text")}),
}


@router.post("/registry/registrations/{registration_id}/{step}")
async def act_on(visitor: VisitorDep, registration_id: str, step: str) -> Response:
    """One step of a registration, as whoever it belongs to."""
    form = await visitor.form()
    if step not in {*_STEPS, "resubmit"}:
        raise NotFound("no such step")
    about = {"registration_id": registration_id}
    if step == "resubmit":
        try:
            said = DeclarationForm.model_validate(_declared(form))
        except ValidationError as error:
            return await _one(visitor, registration_id, sent_back("RESUBMIT", form, error))
        name, args = "resubmit", {"declaration": said, "claims": _claims(visitor, form)}
    else:
        name, read = _STEPS[step]
        args = dict(read(form))
    return await attempt(
        visitor,
        form,
        act=f"registration.{name}",
        args={**about, **args},
        action=step.upper(),
        then=f"/registry/registrations/{registration_id}",
        again=lambda filled: _one(visitor, registration_id, filled),
    )
