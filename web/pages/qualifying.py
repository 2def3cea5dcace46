"""The way to a broker's certificate, on pages: apply, correct, vote, notice, object, issue; and its years."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from base.calendar import shanghai_day
from base.errors import NotFound
from brokers import repository
from brokers.applying import wanted_of
from brokers.qualifying import EvidenceKind, Procedure, missing
from brokers.rules import BrokerType
from brokers.states import APPLICATION, CertificateEvent, CertificateState, allowed_to
from ledger.reader import statements_of
from market.listings.categories import CATEGORY_LABELS
from registry.maturity.service import dcmm_of
from registry.rules import Level
from web.pages.acting import attempt
from web.pages.forms import Filled, Form
from web.pages.naming import names_of
from web.pages.printing import certificate as printed
from web.pages.printing import is_certificate_number
from web.pages.visiting import Visitor, VisitorDep

router = APIRouter()
_PAGE: Final = 50
_AUTHORITY: Final = frozenset({"DATA_AUTHORITY"})
_WHO: Final = frozenset({"DATA_AUTHORITY", "BROKER"})
_NOTICED: Final = (CertificateState.PUBLIC_NOTICE, CertificateState.OBJECTED)
_PARTS: Final = 4


@router.get("/certificate-notices")
async def notices(visitor: VisitorDep, after: Annotated[str | None, Query(max_length=40)] = None) -> Response:
    """Applications on public notice, for everyone."""
    return await _list(visitor, after, Filled(), states=_NOTICED, mine=False)


@router.get("/certificates")
async def certificates(
    visitor: VisitorDep, after: Annotated[str | None, Query(max_length=40)] = None
) -> Response:
    """One's own applications with the form of a new one; for the authority, all that are under way."""
    return await _own(visitor, after, Filled())


async def _own(visitor: Visitor, after: str | None, filled: Filled) -> Response:
    visitor.require(_WHO)
    states = APPLICATION if visitor.roles & _AUTHORITY else None
    return await _list(visitor, after, filled, states=states, mine=states is None)


async def _list(
    visitor: Visitor,
    after: str | None,
    filled: Filled,
    *,
    states: tuple[CertificateState, ...] | None,
    mine: bool,
) -> Response:
    async with visitor.node.database.read() as s:
        org_id = visitor.org_id if mine else None
        rows = await repository.applications(s, org_id=org_id, states=states, after=after, limit=_PAGE)
        names = await names_of(s, (row.org_id for row in rows))
    path = "/certificate-notices" if states is _NOTICED else "/certificates"
    return visitor.render(
        "qualifying.html",
        filled=filled,
        rows=rows,
        names=names,
        noticed=states is _NOTICED,
        mine=mine,
        next_address=visitor.url(path, after=rows[-1].cert_id) if len(rows) == _PAGE else None,
        **_choices(visitor),
    )


def _choices(visitor: Visitor) -> dict[str, Any]:
    return {
        "types": visitor.options("broker_type", BrokerType),
        "levels": visitor.options("level", Level),
        "kinds": visitor.options("evidence", EvidenceKind),
        "procedures": visitor.options("procedure", Procedure),
        "sectors": visitor.labelled(CATEGORY_LABELS),
    }


@router.post("/certificates")
async def apply(visitor: VisitorDep) -> Response:
    """Apply for a certificate, as a broker."""
    form = await visitor.form()
    return await attempt(
        visitor,
        form,
        act="certificate.apply",
        args={
            "broker_type": form.text("broker_type"),
            "grade": form.whole("grade"),
            "sectors": form.every("sectors"),
            "max_level": form.text("max_level"),
            "cross_border": form.flag("cross_border"),
            **_filing(form),
        },
        role="BROKER",
        then=lambda made: f"/certificates/{made['cert_id']}",
        again=lambda filled: _own(visitor, None, filled),
    )


@router.get("/certificates/{cert_id}")
async def certificate(visitor: VisitorDep, cert_id: str) -> Response:
    """One application and what became of it, for its applicant and the authority; on notice for everyone.

    With a certificate's number instead, the sheet to print.
    """
    if is_certificate_number(cert_id):
        return await printed(visitor, cert_id)
    return await _one(visitor, cert_id, Filled())


async def _one(visitor: Visitor, cert_id: str, filled: Filled) -> Response:
    async with visitor.node.database.read() as s:
        row = await repository.get_application(s, cert_id=cert_id)
        insider = row.org_id == visitor.org_id or bool(visitor.roles & _AUTHORITY)
        if not insider and row.status not in _NOTICED:
            raise NotFound("no such application", cert_id=cert_id)
        evidence = await repository.evidence_of(s, cert_id=cert_id) if insider else ()
        objections = await repository.objections_to(s, cert_id=cert_id)
        certified = row.status is CertificateState.ACTIVE
        held = await repository.get_certificate(s, cert_id=cert_id) if certified else None
        annuals = await repository.annuals_of(s, cert_id=cert_id) if insider else ()
        said = await statements_of(s, object_id=cert_id)
        votes = len(await repository.votes_of(s, cert_id=cert_id))
        dcmm = await dcmm_of(s, org_id=row.org_id, on=shanghai_day(visitor.node.clock.now()))
        names = await names_of(s, [row.org_id], (one.objector_id for one in objections))
    state = row.status if held is None else held.status
    shown = (EvidenceKind(one.kind) for one in evidence if one.event in {"APPLY", "CORRECT"})
    roles = visitor.roles if row.org_id == visitor.org_id else visitor.roles - {"BROKER"}
    return visitor.render(
        "qualification.html",
        dcmm=dcmm,
        filled=filled,
        row=row,
        held=held,
        state=state,
        insider=insider,
        evidence=evidence,
        gaps=missing(wanted_of(row), shown) if insider else [],
        objections=objections,
        open_objections=[one.objection_id for one in objections if one.upheld is None],
        annuals=annuals,
        said=said,
        votes=votes,
        may_be_tied=row.status in APPLICATION and bool(visitor.roles & _AUTHORITY),
        names=names,
        labels=CATEGORY_LABELS,
        may=[event.value for event in allowed_to(state, roles)],
        **_choices(visitor),
    )


def _filing(form: Form) -> dict[str, Any]:
    people = [line.partition("|") for line in form.text("practitioners").splitlines() if line.strip()]
    return {
        "claims": {
            "mainland": form.flag("mainland"),
            "paid_in_capital_minor": form.fen("paid_in_capital"),
            "dcmm": form.whole("dcmm"),
            "mlps": form.whole("mlps"),
            "practitioners": [{"name": name.strip(), "number": no.strip()} for name, _, no in people],
            "experience_years": form.whole("experience_years"),
            "clean_years": form.whole("clean_years"),
            "procedures": form.every("procedures"),
            "guarantee_minor": form.fen("guarantee"),
        },
        "evidence": _evidence(form),
    }


def _evidence(form: Form) -> list[dict[str, str]]:
    """One document a line: kind | name | date | SHA-256."""
    found = []
    for line in form.text("evidence").splitlines():
        if line.strip():
            parts = [*(part.strip() for part in line.split("|")), "", "", ""][:_PARTS]
            kind, name, dated_on, sha256 = parts
            found.append({"kind": kind, "name": name, "dated_on": dated_on, "sha256": sha256.lower()})
    return found


_Args = Callable[[Form], Mapping[str, Any]]
_YEAR: Final[_Args] = lambda form: {"year": form.whole("year")}  # noqa: E731 - one of a table of readers
_TIES: Final[_Args] = lambda form: {  # noqa: E731 - one of a table of readers
    "answer": form.text("answer"),
    "no_ties": form.flag("no_ties"),
}


def _nothing(form: Form) -> Mapping[str, Any]:
    del form
    return {}


def _reported(form: Form) -> dict[str, Any]:
    return {
        "kind": EvidenceKind.OTHER.value,
        "name": form.text("name"),
        "sha256": form.text("sha256").lower(),
        "dated_on": form.text("dated_on"),
    }


_READ: Final[Mapping[CertificateEvent, tuple[str, _Args]]] = {
    CertificateEvent.ASK_CORRECTION: ("ask_correction", lambda form: {"remarks": form.text("remarks")}),
    CertificateEvent.CORRECT: ("correct", lambda form: {**_filing(form), "note": form.text("note")}),
    CertificateEvent.WITHDRAW: ("withdraw", _nothing),
    CertificateEvent.REVIEW: ("review", _nothing),
    CertificateEvent.VOTE: (
        "vote",
        lambda form: {
            "approves": form.text("approves") == "yes",
            "reasons": form.text("reasons"),
            "no_ties": form.flag("no_ties"),
        },
    ),
    CertificateEvent.NOTICE: ("notice", _nothing),
    CertificateEvent.REFUSE: (
        "refuse",
        lambda form: {"reason_code": form.text("reason_code"), "reasons": form.text("reasons")},
    ),
    CertificateEvent.OBJECT: (
        "object",
        lambda form: {"text": form.text("text"), "evidence": _evidence(form)},
    ),
    CertificateEvent.UPHOLD: (
        "uphold",
        lambda form: {"objection_id": form.text("objection_id"), **_TIES(form)},
    ),
    CertificateEvent.DISMISS: (
        "dismiss",
        lambda form: {"objection_ids": form.every("objection_ids"), **_TIES(form)},
    ),
    CertificateEvent.CERTIFY: ("issue", lambda form: {"cert_no": form.text("cert_no")}),
    CertificateEvent.ANNUAL_REPORT: (
        "annual_report",
        lambda form: {**_YEAR(form), "report": _reported(form)},
    ),
    CertificateEvent.ANNUAL_PASS: ("annual_pass", _YEAR),
    CertificateEvent.RECTIFY: (
        "rectify",
        lambda form: {
            **_YEAR(form),
            "reason_code": form.text("reason_code"),
            "text": form.text("text"),
        },
    ),
    CertificateEvent.RECTIFIED: (
        "rectified",
        lambda form: {**_YEAR(form), "text": form.text("text"), "report": _reported(form)},
    ),
    CertificateEvent.ANNUAL_FAIL: (
        "annual_fail",
        lambda form: {**_YEAR(form), "reason_code": form.text("reason_code")},
    ),
    CertificateEvent.WARN: (
        "warn",
        lambda form: {"reason_code": form.text("reason_code"), "text": form.text("text")},
    ),
    CertificateEvent.CUT_SCOPE: (
        "cut_scope",
        lambda form: {
            "sectors": form.every("sectors"),
            "max_level": form.text("max_level"),
            "cross_border": form.flag("cross_border"),
            "reason_code": form.text("reason_code"),
        },
    ),
    CertificateEvent.RENEW: ("renew", _filing),
    CertificateEvent.EXIT_NOTICE: ("exit_notice", _nothing),
    CertificateEvent.EXIT: ("exit", lambda form: {"records": _reported(form)}),
}


@router.post("/certificates/{cert_id}/tie")
async def declare_tie(visitor: VisitorDep, cert_id: str) -> Response:
    """Say, as somebody of the authority, that one is related to the applicant."""
    form = await visitor.form()
    async with visitor.node.database.read() as s:
        row = await repository.get_application(s, cert_id=cert_id)
    return await attempt(
        visitor,
        form,
        act="panel.declare_tie",
        args={"org_id": row.org_id},
        role="DATA_AUTHORITY",
        then=f"/certificates/{cert_id}",
        again=lambda filled: _one(visitor, cert_id, filled),
    )


@router.post("/certificates/{cert_id}/{event}")
async def step(visitor: VisitorDep, cert_id: str, event: str) -> Response:
    """One step of an application or a certificate, as whoever it belongs to."""
    form = await visitor.form()
    found = next((one for one in _READ if one.value == event.upper()), None)
    if found is None:
        raise NotFound("no such step")
    name, read = _READ[found]
    return await attempt(
        visitor,
        form,
        act=f"certificate.{name}",
        args={"cert_id": cert_id, **read(form)},
        action=found.value,
        then=f"/certificates/{cert_id}",
        again=lambda filled: _one(visitor, cert_id, filled),
    )
