"""Types of asset certificates on pages, for everybody: proposed, decided, and a certificate asked for."""

from typing import Any, Final

from fastapi import APIRouter
from starlette.responses import Response

from base.db import ReadSession
from base.errors import NotFound
from identity.repository import find_organisation
from registry.rules import Level
from registry.vouchers import repository
from registry.vouchers.rules import Mode, Scenario, SubjectKind
from registry.vouchers.states import AUTHORITY, MEMBERS, PROVIDERS, TypeState
from web.pages.acting import attempt
from web.pages.forms import Filled, Form
from web.pages.naming import names_of
from web.pages.visiting import Visitor, VisitorDep

router = APIRouter()
_PARTS: Final = 4
_TENTHS: Final = 10


def role_in(visitor: Visitor, fitting: frozenset[str]) -> str | None:
    """The role to act in: the first that fits, where somebody has several."""
    return next(iter(sorted(fitting & visitor.roles)), None)


def tenths_of(form: Form) -> Any:
    """A score out of a hundred, with one place, in tenths; what is no number stays what it is."""
    text = form.text("quality")
    whole, _, tenth = text.partition(".")
    wrong = not whole.isdecimal() or (tenth and not tenth.isdecimal()) or len(whole) > _PARTS
    return text if wrong or len(tenth) > 1 else int(whole) * _TENTHS + int(tenth or 0)


@router.get("/registry/vouchers/types")
async def types(visitor: VisitorDep) -> Response:
    """The types that are in force, for everybody; proposals, for whom they concern."""
    return await _types(visitor, Filled())


async def _types(visitor: Visitor, filled: Filled) -> Response:
    in_public = (TypeState.IN_FORCE, TypeState.REVOKED)
    async with visitor.node.database.read() as s:
        mine = visitor.org_id if visitor.may(PROVIDERS) else None
        decides = visitor.may(AUTHORITY)
        rows = await repository.types(s, states=() if decides else in_public, proposer_id=mine)
        names = await names_of(s, *([row.proposer_id, *row.issuers] for row in rows))
    return visitor.render(
        "voucher_types.html",
        filled=filled,
        rows=rows,
        names=names,
        may_propose=visitor.may(PROVIDERS),
        may_decide=decides,
        may_ask=visitor.may(MEMBERS),
        scenarios=visitor.options("voucher_scenario", Scenario),
        modes=visitor.options("voucher_mode", Mode),
        levels=visitor.options("level", [one for one in Level if one.value.startswith("general")]),
    )


@router.post("/registry/vouchers/types")
async def propose(visitor: VisitorDep) -> Response:
    """Propose a type; its items stand one a line: code | name | form | unit."""
    form = await visitor.form()
    plain = ("code", "name", "scenario", "mode", "max_level")
    args: dict[str, Any] = {name: form.text(name) for name in plain}
    args |= {name: form.whole(name) for name in ("max_months", "max_uses")}
    args |= {"purposes": form.text("purposes").split(), "issuers": form.text("issuers").split()}
    args |= {"items": [_item(line) for line in form.text("items").splitlines() if line.strip()]}
    args |= {"min_quality_tenths": tenths_of(form), "valid_days": form.whole("valid_days") or None}
    return await attempt(
        visitor,
        form,
        act="voucher.propose_type",
        args=args,
        role=role_in(visitor, PROVIDERS),
        then="/registry/vouchers/types",
        again=lambda filled: _types(visitor, filled),
    )


def _item(line: str) -> dict[str, str]:
    code, name, form, unit = [*(part.strip() for part in line.split("|")), "", "", ""][:_PARTS]
    return {"code": code, "name": name, "form": form.upper(), "unit": unit}


@router.get("/registry/vouchers/types/{type_id}/request")
async def ask(visitor: VisitorDep, type_id: str) -> Response:
    """The form that asks a subject for a certificate of a type."""
    return await _ask(visitor, type_id, Filled())


async def _ask(visitor: Visitor, type_id: str, filled: Filled) -> Response:
    visitor.require(MEMBERS)
    async with visitor.node.database.read() as s:
        kind = await repository.get_type(s, type_id=type_id)
        names = await names_of(s, kind.issuers)
    if kind.status is not TypeState.IN_FORCE:
        raise NotFound("no such type", type_id=type_id)
    return visitor.render(
        "voucher_request.html",
        filled=filled,
        kind=kind,
        providers=[(org_id, names[org_id]) for org_id in kind.issuers if org_id != visitor.org_id],
        purposes=visitor.options("voucher_purpose", kind.purposes),
    )


@router.post("/registry/vouchers/types/{type_id}/request")
async def request(visitor: VisitorDep, type_id: str) -> Response:
    """Ask a subject for a certificate; who asks is its user, or, where it names itself, its subject."""
    form = await visitor.form()
    visitor.require(MEMBERS)
    async with visitor.node.database.read() as s:
        subject, user = await _org(s, form.text("subject_id")), await _org(s, form.text("user_id"))
    plain = ("provider_id", "purpose", "reference", "period_from", "period_to")
    of_member = not _is_pseudonym(subject)
    args: dict[str, Any] = {
        "type_id": type_id,
        "subject_kind": (SubjectKind.MEMBER if of_member else SubjectKind.PERSON).value,
        "subject_id": subject or visitor.org_id,
        "user_id": user or visitor.org_id,
        **{name: form.text(name) for name in plain},
        "items": form.every("items"),
        "valid_days": form.whole("valid_days") or None,
        "max_uses": form.whole("max_uses"),
    }
    return await attempt(
        visitor,
        form,
        act="voucher.request",
        args=args,
        role=role_in(visitor, MEMBERS),
        then=lambda made: f"/registry/vouchers/{made['voucher_id']}",
        again=lambda filled: _ask(visitor, type_id, filled),
    )


async def _org(s: ReadSession, text: str) -> str:
    """An organisation's id, where its credit code was given; else what was given."""
    found = await find_organisation(s, uscc=text.upper()) if text else None
    return text if found is None else found.org_id


def _is_pseudonym(text: str) -> bool:
    return len(text) == 64 and not text.startswith("org_")  # noqa: PLR2004 - hex digits of a SHA-256


@router.post("/registry/vouchers/types/{type_id}/{step}")
async def decide(visitor: VisitorDep, type_id: str, step: str) -> Response:
    """Approve, refuse or revoke a type, as the data authority."""
    form = await visitor.form()
    if step not in {"approve", "refuse", "revoke"}:
        raise NotFound("no such step")
    args: dict[str, Any] = {"type_id": type_id, "reason": form.text("reason")}
    if step != "revoke":
        args["approve"] = step == "approve"
    return await attempt(
        visitor,
        form,
        act="voucher.revoke_type" if step == "revoke" else "voucher.decide_type",
        args=args,
        action=type_id,
        then="/registry/vouchers/types",
        again=lambda filled: _types(visitor, filled),
    )
