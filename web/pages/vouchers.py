"""Asset certificates on pages: the provider's and the user's desk, one certificate and its steps."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Query
from starlette.responses import Response

from base.db import ReadSession
from base.errors import NotFound
from ledger.reader import statements_of
from registry.rules import Level
from registry.vouchers import repository
from registry.vouchers.rules import Cause, SubjectKind
from registry.vouchers.states import (
    AUTHORITY,
    MEMBERS,
    PROVIDERS,
    VoucherEvent,
    VoucherState,
    allowed_to,
)
from registry.vouchers.tables import VoucherRow
from web.crossing import reads_abroad
from web.pages.acting import attempt
from web.pages.forms import Filled, Form
from web.pages.naming import names_of
from web.pages.visiting import SUPERVISORS, Visitor, VisitorDep
from web.pages.voucher_types import role_in, tenths_of
from web.voucher_forms import attempts_of, desk_of

router = APIRouter()
COURT: Final = frozenset({"COURT"})
WHO: Final = MEMBERS | AUTHORITY | COURT | SUPERVISORS
_PAGE: Final = 50
_E = VoucherEvent


@router.get("/registry/vouchers")
async def desk(visitor: VisitorDep, after: Annotated[str | None, Query(max_length=40)] = None) -> Response:
    """One's own certificates, as their provider or user; the provider's issuing key."""
    return await _desk(visitor, Filled(), after)


async def _desk(visitor: Visitor, filled: Filled, after: str | None = None) -> Response:
    visitor.require(WHO)
    mine = None if visitor.may(SUPERVISORS | COURT) else visitor.org_id
    async with visitor.node.database.read() as s:
        rows = await repository.vouchers(s, user_id=mine, provider_id=mine, after=after, limit=_PAGE)
        types = {row.type_id: row for row in await repository.types(s)}
        keys = await repository.issuers(s, org_id=visitor.org_id) if visitor.may(PROVIDERS) else []
        names = await names_of(s, *([row.subject_id, row.user_id, row.provider_id] for row in rows))
    return visitor.render(
        "vouchers.html",
        filled=filled,
        rows=rows,
        types=types,
        names=names,
        keys=keys,
        may_appoint=visitor.may(PROVIDERS),
        next_address=visitor.url("/registry/vouchers", after=rows[-1].voucher_id)
        if len(rows) == _PAGE
        else None,
    )


@router.post("/registry/vouchers/key")
async def appoint(visitor: VisitorDep) -> Response:
    """Appoint the key that signs one's certificates, as a provider."""
    form = await visitor.form()
    then = "/registry/vouchers"
    return await attempt(
        visitor,
        form,
        act="voucher.appoint_key",
        args={},
        role=role_in(visitor, PROVIDERS),
        then=then,
        again=lambda filled: _desk(visitor, filled),
    )


@router.get("/registry/vouchers/{voucher_id}")
async def voucher(visitor: VisitorDep, voucher_id: str) -> Response:
    """One certificate, for its subject, user and provider, and for who supervises."""
    return await shown(visitor, voucher_id, Filled())


async def shown(visitor: Visitor, voucher_id: str, filled: Filled) -> Response:
    """The page of a certificate with what this visitor can do. Raises NotFound for anybody else."""
    visitor.require(WHO)
    async with visitor.node.database.read() as s:
        row = await repository.get_voucher(s, voucher_id=voucher_id)
        own = {row.subject_id, row.user_id, row.provider_id}
        if visitor.org_id not in own and not visitor.may(SUPERVISORS | COURT):
            raise NotFound("no such asset certificate", voucher_id=voucher_id)
        kind = await repository.get_type(s, type_id=row.type_id)
        uses = await repository.uses_of(s, voucher_id=voucher_id)
        said = list(await statements_of(s, object_id=voucher_id))
        refused = attempts_of(said)
        names = await names_of(s, own, (one.org_id for one in refused))
        told = await _told(s, visitor, row)
    return visitor.render(
        "voucher.html",
        filled=filled,
        row=row,
        kind=kind,
        items={item["code"]: item for item in kind.items},
        told=told,
        uses=uses,
        refused=refused,
        said=[one for one in said if one.event != "REF.REFUSE"],
        names=names,
        speaks=speaks_for(row) == visitor.org_id,
        is_user=row.user_id == visitor.org_id,
        may=_may(visitor, row),
        purposes=visitor.options("voucher_purpose", kind.purposes),
        levels=visitor.options("level", [one for one in Level if one.value.startswith("general")]),
    )


def speaks_for(row: VoucherRow) -> str:
    """Who says what the subject says: itself, or for a person the provider."""
    return row.subject_id if row.subject_kind is SubjectKind.MEMBER else row.provider_id


async def _told(s: ReadSession, visitor: Visitor, row: VoucherRow) -> list[dict[str, Any]]:
    """What this visitor may read of the values: all, its subject; what was shown, its user. None abroad."""
    reader = visitor.org_id or ""
    if reader in {speaks_for(row), row.user_id} - {row.provider_id} and await reads_abroad(s, org_id=reader):
        return []
    if visitor.org_id == speaks_for(row) and row.sealed is not None:
        found: list[dict[str, Any]] = desk_of(visitor.node).open(row)["disclosures"]
        return found
    if visitor.org_id == row.user_id and row.sealed_presentation is not None:
        presented: list[dict[str, Any]] = orjson.loads(desk_of(visitor.node).open_presentation(row))[
            "disclosures"
        ]
        return presented
    return []


def _may(visitor: Visitor, row: VoucherRow) -> list[str]:
    """What this visitor can do here now; the buttons of an act are shown to nobody else."""
    subject, org_id = speaks_for(row), visitor.org_id
    whose: Mapping[VoucherEvent, set[str | None]] = {
        _E.DECLINE: {subject},
        _E.AUTHORISE: {subject},
        _E.STORE: {subject},
        _E.PRESENT: {subject} if row.sealed_holder is not None else set(),
        _E.CANCEL: {row.requested_by},
        _E.GENERATE: {row.provider_id},
        _E.SUPERSEDE: {row.provider_id},
        _E.VERIFY: {row.user_id} if row.sealed_presentation is not None else set(),
        _E.REVOKE: {subject}
        if row.status is VoucherState.EXHAUSTED
        else {subject, row.provider_id, *([org_id] if visitor.may(COURT) else [])},
    }
    return [event.value for event in allowed_to(row.status, visitor.roles) if org_id in whose.get(event, ())]


def _paper(form: Form) -> dict[str, Any]:
    paper = form.optional("document_sha256")
    return {"document_sha256": paper and paper.lower()}


def _authorised(form: Form) -> dict[str, Any]:
    wholes = {name: form.whole(name) for name in ("valid_days", "max_uses")}
    return {"items": form.every("items"), **wholes, **_paper(form)}


def _generated(form: Form) -> dict[str, Any]:
    """The items, each with the fields of its form under its code."""
    told = []
    for code in form.every("told"):
        one: dict[str, Any] = {"item": code}
        one |= {name: form.text(f"{code}.{name}") for name in ("source_department", "level")}
        one |= {name: form.optional(f"{code}.{name}") for name in ("low", "high", "value")}
        one["index"] = form.whole(f"{code}.index") if form.text(f"{code}.index") else None
        holds = form.text(f"{code}.holds")
        one["holds"] = holds == "yes" if holds else None
        told.append(one)
    return {
        "items": told,
        "data_sha256": form.text("data_sha256").lower(),
        "quality_tenths": tenths_of(form),
        "data_id": form.optional("data_id"),
    }


_Args = Callable[[Form], dict[str, Any]]
# The step in the address, the act it is, and how its form is read.
_STEPS: Final[Mapping[str, tuple[str, _Args]]] = {
    "decline": ("decline", _paper),
    "cancel": ("cancel", lambda _: {}),
    "authorise": ("authorise", _authorised),
    "generate": ("generate", _generated),
    "supersede": ("correct", lambda form: {**_generated(form), "reason": form.text("reason")}),
    "store": ("store", _paper),
    "present": ("present", lambda form: {"items": form.every("items"), **_paper(form)}),
    "verify": (
        "verify",
        lambda form: {"purpose": form.text("purpose"), "reference": form.text("reference")},
    ),
    "revoke": ("revoke", lambda form: {"reason": form.text("reason"), **_paper(form)}),
}


@router.post("/registry/vouchers/{voucher_id}/{step}")
async def act_on(visitor: VisitorDep, voucher_id: str, step: str) -> Response:
    """One step of a certificate, as whoever it belongs to."""
    form = await visitor.form()
    if step not in _STEPS:
        raise NotFound("no such step")
    name, read = _STEPS[step]
    args = {"voucher_id": voucher_id, **read(form)}
    fitting = MEMBERS
    if step in {"verify", "revoke"}:
        async with visitor.node.database.read() as s:
            row = await repository.get_voucher(s, voucher_id=voucher_id)
        if step == "verify":
            if row.user_id != visitor.org_id:
                raise NotFound("no such asset certificate", voucher_id=voucher_id)
            args["presentation"] = desk_of(visitor.node).open_presentation(row).decode()
        else:
            fitting = MEMBERS | COURT
            args["cause"] = cause_of(visitor, row).value
    then = f"/registry/vouchers/{voucher_id}"
    if step == "supersede":
        return await attempt(
            visitor,
            form,
            act="voucher.correct",
            args=args,
            action="SUPERSEDE",
            role=role_in(visitor, PROVIDERS),
            then=lambda made: f"/registry/vouchers/{made['voucher_id']}",
            again=lambda filled: shown(visitor, voucher_id, filled),
        )
    return await attempt(
        visitor,
        form,
        act=f"voucher.{name}",
        args=args,
        action=step.upper(),
        role=role_in(visitor, PROVIDERS if step == "generate" else fitting),
        then=then,
        again=lambda filled: shown(visitor, voucher_id, filled),
    )


def cause_of(visitor: Visitor, row: VoucherRow) -> Cause:
    """Why this visitor would revoke: each ends it for a reason of its own."""
    if visitor.may(COURT):
        return Cause.COURT
    return Cause.WITHDRAWN if visitor.org_id == row.subject_id else Cause.ERROR
