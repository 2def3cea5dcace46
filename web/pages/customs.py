"""Customs on pages: an exporter declares and follows; officers take up, decide, halt, and revoke."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import ValidationError
from starlette.responses import Response

from base.errors import NotFound
from ledger.reader import statements_of
from market.customs import repository
from market.customs.deciding import may_take_over
from market.customs.declared import Channel, ContractKind, Ground, Kind, Mode
from market.customs.proving import DocumentKind
from market.customs.reading import declaration_from
from market.customs.routing import Way
from market.customs.states import (
    EXPORTERS,
    LOOKED_AT,
    OFFICER,
    DeclarationEvent,
    DeclarationState,
    allowed_to,
)
from market.customs.tables import DeclarationRow
from market.customs.terms import term
from registry.rules import Level
from web.customs_forms import FlowForm, ShownForm
from web.pages.acting import attempt
from web.pages.forms import Filled, Form, sent_back
from web.pages.languages import N_
from web.pages.naming import names_of
from web.pages.reasons import customs_reason, law, risks
from web.pages.visiting import Visitor, VisitorDep

router = APIRouter()
_PAGE: Final = 50
LOOKERS: Final = OFFICER | {"AUDITOR"}
_MEMBERS: Final = EXPORTERS | {"BUYER", "BROKER"}
WHO: Final = _MEMBERS | LOOKERS
_E = DeclarationEvent


@router.get("/customs")
async def customs(
    visitor: VisitorDep,
    status: Annotated[str, Query(max_length=40)] = "",
    after: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """One's own declarations; for officers what waits for them, by risk, and all the others."""
    return await _list(visitor, Filled(), status=status, after=after)


async def _list(visitor: Visitor, filled: Filled, *, status: str = "", after: str | None = None) -> Response:
    visitor.require(WHO)
    looks = visitor.may(LOOKERS)
    own = {} if looks else {"exporter_id": visitor.org_id}
    states = [one for one in DeclarationState if one.value == status]
    async with visitor.node.database.read() as s:
        rows = await repository.declarations(s, states=states, after=after, limit=_PAGE, **own)
        waiting = await repository.declarations(s, states=LOOKED_AT, limit=_PAGE) if looks else []
        places = await repository.places_of(s, org_id=visitor.org_id or "")
        names = await names_of(s, (row.exporter_id for row in (*rows, *waiting)))
    return visitor.render(
        "customs.html",
        filled=filled,
        rows=rows,
        waiting=sorted(waiting, key=lambda row: (-int(row.risk.get("points", 0)), row.declaration_id)),
        looks=looks,
        names=names,
        chosen=status,
        states=visitor.options("customs_state", DeclarationState),
        may_declare=visitor.may(EXPORTERS),
        places=places,
        next_address=visitor.url("/customs", status=status, after=rows[-1].declaration_id)
        if len(rows) == _PAGE
        else None,
    )


_OF_OFFICERS: Final = (
    "INCIDENT",
    "OVERRUN",
    "ONWARD_TRANSFER",
    "UNDECLARED_FIELDS",
    "DOCUMENT_ENDED",
    "OTHER",
)


def choices(visitor: Visitor) -> dict[str, Any]:
    """The options of every choice in the forms of customs."""
    return {
        "kinds": visitor.options("customs_kind", Kind),
        "grounds": visitor.options("customs_ground", Ground),
        "contracts": visitor.options("customs_contract", ContractKind),
        "modes": visitor.options("customs_mode", Mode),
        "channels": visitor.options("customs_channel", Channel),
        "levels": visitor.options("level", Level),
        "documents_of": visitor.options("customs_document", DocumentKind),
        "halting": visitor.options("customs_reason", _OF_OFFICERS),
        "stricter": visitor.options(
            "customs_way", [way for way in Way if not way.exempt and way is not Way.MANUAL]
        ),
    }


@router.get("/customs/declare")
async def declaring(
    visitor: VisitorDep,
    trade: Annotated[str, Query(max_length=40)] = "",
    persons: Annotated[str, Query(max_length=40)] = "",
    sensitive: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """The form of a declaration, in five steps: about a trade, with lists that were just brought."""
    return form_of(visitor, Filled(), trade=trade, files=(persons, sensitive))


def form_of(
    visitor: Visitor, filled: Filled, *, trade: str = "", again: str = "", files: tuple[str, str] = ("", "")
) -> Response:
    """The form of a declaration; `again` is the one that is declared anew."""
    visitor.require(EXPORTERS)
    return visitor.render(
        "customs_declare.html", filled=filled, trade=trade, again=again, files=files, **choices(visitor)
    )


@router.post("/customs/declare")
async def declare(visitor: VisitorDep) -> Response:
    """Declare a flow over the border, or again what was returned."""
    form = await visitor.form()
    before = form.optional("again")

    async def again(filled: Filled) -> Response:
        return form_of(visitor, filled, again=before or "")

    try:
        said = FlowForm.model_validate(_flow(form))
    except ValidationError as error:
        return await again(sent_back("customs.declare", form, error))
    files = {name: form.optional(name) for name in ("persons_file_id", "sensitive_file_id")}
    return await attempt(
        visitor,
        form,
        act="customs.declare" if before is None else "customs.redeclare",
        args={"declaration": said, **files, **({} if before is None else {"declaration_id": before})},
        action="customs.declare",
        then=lambda made: f"/customs/{made['declaration_id']}",
        again=again,
    )


def _flow(form: Form) -> dict[str, Any]:
    plain = ("purpose", "necessity", "level", "mode", "channel", "storage_place", "industry", "scenario")
    said: dict[str, Any] = {name: form.text(name) for name in plain}
    said |= {name: form.text(name) for name in ("kind", "ground", "period_from", "period_to")}
    numbers = ("persons", "sensitive_persons", "retention_months")
    said |= {name: 0 if form.whole(name) is None else form.whole(name) for name in numbers}
    said |= {name: form.whole(name) for name in ("volume_bytes", "volume_uses")}
    said |= {
        name: form.optional(name)
        for name in ("contract_kind", "zone", "zone_number", "trade_id", "product_id")
    }
    recipient = {name: form.text(f"recipient_{name}") for name in ("name", "country", "contact")}
    research = {name: form.text(f"research_{name}") for name in ("project", "ethics_no")}
    participants = [line.strip() for line in form.text("research_participants").splitlines() if line.strip()]
    ethics = form.text("research_ethics_sha256").lower()
    return said | {
        "recipient": recipient
        | {"affiliation": form.text("recipient_affiliation"), "org_id": form.optional("recipient_org_id")},
        "fields": [_field(line) for line in form.text("fields").splitlines() if line.strip()],
        "onward": form.text("onward").upper().split(),
        "state_secret": form.flag("state_secret"),
        "request_authority": form.text("request_authority"),
        "attachments": _digests(form.text("attachments")),
        "research": research | {"ethics_sha256": ethics, "participants": participants}
        if research["project"]
        else None,
    }


def _field(line: str) -> dict[str, Any]:
    """`name | personal or sensitive | level`, the last two if they apply."""
    name, how, level = [*(part.strip() for part in line.split("|")), "", ""][:3]
    found: dict[str, Any] = {"name": name, "personal": how in {"personal", "sensitive"}}
    found["sensitive"] = how == "sensitive"
    return found | ({"level": level} if level else {})


def _digests(text: str) -> dict[str, str]:
    """`name sha256`, one a line."""
    pairs = (line.split() for line in text.splitlines() if line.strip())
    return {parts[0].lower(): parts[-1].lower() for parts in pairs}


@router.post("/customs/endpoint")
async def endpoint(visitor: VisitorDep) -> Response:
    """Say where one's systems receive."""
    form = await visitor.form()
    roles = sorted(visitor.roles - {"AUDITOR"})
    return await attempt(
        visitor,
        form,
        act="customs.endpoint",
        args={"region": form.text("region").upper()},
        role=roles[0] if len(roles) > 1 else None,
        then="/customs",
        again=lambda filled: _list(visitor, filled),
    )


@router.get("/customs/{declaration_id}")
async def declaration(visitor: VisitorDep, declaration_id: str) -> Response:
    """One declaration: what was said, which rules were asked, what left; risk and counters for officers."""
    return await _one(visitor, declaration_id, Filled())


async def _one(visitor: Visitor, declaration_id: str, filled: Filled) -> Response:
    visitor.require(WHO)
    async with visitor.node.database.read() as s:
        row = await repository.get_declaration(s, declaration_id=declaration_id)
        looks = visitor.may(LOOKERS)
        if not looks and visitor.org_id != row.exporter_id:
            raise NotFound("no such declaration", declaration_id=declaration_id)
        left = await repository.egress_of(s, declaration_id=declaration_id)
        number = str(row.evidence.get("number", ""))
        paper = await repository.document_numbered(s, number=number) if number else None
        said = await statements_of(s, object_id=declaration_id)
        names = await names_of(
            s,
            [row.exporter_id, *([row.recipient_id] if row.recipient_id else [])],
            (one.recipient_id for one in left),
        )
    return visitor.render(
        "customs_declaration.html",
        filled=filled,
        row=row,
        flow=declaration_from(row.said),
        left=left,
        said=said,
        names=names,
        looks=looks,
        mine=visitor.org_id == row.exporter_id and visitor.may(EXPORTERS),
        paper=paper,
        trace=[
            (one, customs_reason(visitor, one["reason"]), law(visitor, one["legal_basis"]))
            for one in row.trace or ()
        ],
        risks=risks(visitor, (row.risk or {}).get("reasons", ())) if looks else [],
        meters=_meters(row, visitor.node.clock.now()) if looks else (),
        may=_may(visitor, row),
        **choices(visitor),
    )


def _meters(row: DeclarationRow, now: datetime) -> list[tuple[str, int, int]]:
    """The group's counters against the thresholds of the law: which, how many, and from how many on."""
    persons, sensitive = (int(row.counts.get(name, 0)) for name in ("persons", "sensitive"))
    return [
        (
            N_("Standard contract or certification from"),
            persons,
            term("XBD-COUNT", "contract_from", now).whole,
        ),
        (N_("Security assessment from"), persons, term("XBD-COUNT", "assessment_from", now).whole),
        (
            N_("Security assessment from, sensitive"),
            sensitive,
            term("XBD-COUNT", "assessment_from_sensitive", now).whole,
        ),
    ]


_OF_EXPORTER: Final = frozenset(
    {_E.ATTACH_EVIDENCE, _E.SUBMIT_ASSESSMENT, _E.COMPLETE, _E.RENEW, _E.WITHDRAW}
)
_TAKEN_UP: Final = frozenset({_E.UNTAKE, _E.CLEAR, _E.RETURN, _E.REROUTE, _E.PASS, _E.FAIL})
_CARRIED: Final = frozenset({Way.GBA_STANDARD_CONTRACT, Way.CONTRACT_OR_CERTIFICATION, Way.MANUAL})


def _may(visitor: Visitor, row: DeclarationRow) -> list[str]:
    """What this visitor can do here now; the buttons of an act are shown to nobody else."""
    session = visitor.session
    assert session is not None
    officer = session.actor.user_id or session.actor.org_id
    now = visitor.node.clock.now()
    found = []
    for event in allowed_to(row.status, visitor.roles):
        mine = visitor.org_id == row.exporter_id
        if event in _OF_EXPORTER and not mine:
            continue
        if event is _E.ATTACH_EVIDENCE and row.way not in _CARRIED:
            continue
        if event is _E.SUBMIT_ASSESSMENT and row.way is not Way.ASSESSMENT:
            continue
        if event is _E.RENEW and (row.way is None or row.way.exempt):
            continue
        if event is _E.TAKE and (
            row.taken_by == officer or not (row.taken_by is None or may_take_over(row, now))
        ):
            continue
        if (event in _TAKEN_UP or (event is _E.REJECT and row.status in LOOKED_AT)) and (
            row.taken_by != officer
        ):
            continue
        if event in _STEPS:
            found.append(event.value)
    return found


_Args = Callable[[Form], Mapping[str, Any]]


def _nothing(form: Form) -> Mapping[str, Any]:
    del form
    return {}


def _why(form: Form) -> Mapping[str, Any]:
    return {"reason": form.text("reason")}


def _coded(form: Form) -> Mapping[str, Any]:
    return {"reason": form.text("reason"), "reason_code": form.text("reason_code").upper()}


def _shown(form: Form) -> Mapping[str, Any]:
    return {
        "shown": ShownForm.model_validate(
            {
                "kind": form.text("kind"),
                "number": form.text("number"),
                "sha256": form.text("sha256").lower(),
                "attached": _digests(form.text("attached")),
                "pipia_on": form.optional("pipia_on"),
            }
        )
    }


# The event, the act it is, and how its form is read.
_STEPS: Final[Mapping[str, tuple[str, _Args]]] = {
    _E.ATTACH_EVIDENCE: ("attach", _shown),
    _E.SUBMIT_ASSESSMENT: ("submit", lambda form: {"attached": _digests(form.text("attached"))}),
    _E.RENEW: ("renew", lambda form: {**_shown(form), "to": form.text("to")}),
    _E.COMPLETE: ("complete", _nothing),
    _E.WITHDRAW: ("withdraw", _why),
    _E.TAKE: ("take", _nothing),
    _E.UNTAKE: ("untake", _nothing),
    _E.SCAN: ("scan", _nothing),
    _E.CLEAR: ("clear", _why),
    _E.RETURN: ("return", _why),
    _E.REJECT: ("reject", _coded),
    _E.REROUTE: ("reroute", lambda form: {**_why(form), "way": form.text("way")}),
    _E.PASS: ("pass", lambda form: {"number": form.text("number")}),
    _E.FAIL: ("fail", _why),
    _E.HALT: ("halt", _coded),
    _E.RESUME: ("resume", _why),
    _E.REVOKE: ("revoke", _coded),
}


@router.post("/customs/{declaration_id}/{step}")
async def do_step(visitor: VisitorDep, declaration_id: str, step: str) -> Response:
    """A step of the exporter's or of customs."""
    form = await visitor.form()
    event = step.upper()
    if event not in _STEPS:
        raise NotFound("no such step", step=step[:40])
    name, read = _STEPS[event]
    try:
        args = read(form)
    except ValidationError as error:
        return await _one(visitor, declaration_id, sent_back(event, form, error))
    return await attempt(
        visitor,
        form,
        act=f"customs.{name}",
        args={"declaration_id": declaration_id, **args},
        action=event,
        then=f"/customs/{declaration_id}",
        again=lambda filled: _one(visitor, declaration_id, filled),
    )
