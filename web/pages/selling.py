"""Bringing data to the market: upload, draft, measure, submit; and one's own listings in every state."""

import hashlib
from typing import Any, Final

import orjson
from fastapi import APIRouter
from starlette.responses import Response

from base.db import ReadSession
from base.errors import DomainError, NotFound, Unauthenticated, Unavailable
from brokers.repository import mandates_of
from brokers.states import MandateState
from market.listings import repository
from market.listings.buyers import KIND_LABELS
from market.listings.categories import CATEGORY_LABELS, PRODUCT_TYPE_LABELS
from market.listings.conditions import PURPOSE_LABELS
from market.listings.plans import PLAN_LABELS
from market.listings.rules import ListingState
from market.trade.comparables import comparables_of
from registry.declared import ColumnType, Frequency
from registry.repository import latest_report
from registry.rules import Level, Source
from web.files import keep_upload, measure_listing
from web.pages.acting import attempt, caller_for
from web.pages.declaring import columns_text, declaration_of
from web.pages.forms import Filled, Form, Invalid, sent_back
from web.pages.guiding import guide_of
from web.pages.jobs import wanted, working_of
from web.pages.listing_parts import parts_of
from web.pages.multipart import upload_of
from web.pages.naming import names_of
from web.pages.planning import plan_of_form, planned
from web.pages.regions import REGIONS
from web.pages.sandboxing import MODES, sandbox_of_form, shown_terms
from web.pages.visiting import SELLERS, Visitor, VisitorDep
from web.watching import MEASURE
from web.working import Hand

router = APIRouter()
_ID: Final = 40
_LICENCES: Final = ("internal-use", "resale")
_DRAFT_TEXTS: Final = (
    "title",
    "description",
    "scenario",
    "category",
    "geo",
    "product_type",
    "licence_class",
    "licence_of_data",
    "unit",
    "level",
)


@router.get("/sell/new")
async def new(visitor: VisitorDep) -> Response:
    """The form of an upload."""
    return await _new(visitor, Filled(), visitor.request.query_params.get("product", "")[:_ID])


async def _new(visitor: Visitor, filled: Filled, product: str = "") -> Response:
    visitor.require(SELLERS)
    limit = visitor.node.settings.upload_limit_bytes
    return visitor.render("sell_new.html", filled=filled, limit_bytes=limit, product=product)


@router.post("/sell/new")
async def upload(visitor: VisitorDep) -> Response:
    """Keep a file: it is encrypted while it comes in."""
    visitor.require(SELLERS)
    form, product = Form({}), ""
    try:
        async with upload_of(visitor.request) as incoming:
            visitor.check(incoming.form.text("csrf"))
            product = incoming.form.text("product")[:_ID]
            caller = caller_for(visitor)
            kept = await keep_upload(
                caller, incoming.content, name=incoming.name, media_type=incoming.media_type
            )
    except (Unauthenticated, Unavailable):
        raise
    except DomainError as error:
        return await _new(visitor, sent_back("upload", form, error), product)
    return visitor.redirect(f"/sell/files/{kept.file_id}", product=product)


@router.get("/sell/files/{file_id}")
async def describe(visitor: VisitorDep, file_id: str) -> Response:
    """The form of a draft for an uploaded file."""
    return await _describe(visitor, file_id, Filled())


async def _describe(visitor: Visitor, file_id: str, filled: Filled) -> Response:
    session = visitor.require(SELLERS)
    async with visitor.node.database.read() as s:
        file = await repository.get_file(s, file_id=file_id, owner_id=session.actor.org_id)
        asked = filled.value("product_id", visitor.request.query_params.get("product", ""))[:_ID]
        was = await repository.newest_of(s, product_id=asked, org_id=session.actor.org_id)
        clients = await _clients(s, visitor)
        names = await names_of(s, clients)
    return visitor.render(
        "sell_draft.html",
        filled=filled,
        file=file,
        product_id=asked if was is not None else "",
        was={name: "" if was is None else str(getattr(was, name)) for name in _DRAFT_TEXTS},
        clients=[(org_id, names[org_id]) for org_id in clients],
        categories=visitor.labelled(CATEGORY_LABELS),
        types=visitor.labelled(PRODUCT_TYPE_LABELS),
        regions=visitor.labelled(REGIONS),
        levels=list(reversed(visitor.options("level", Level))),
        licences=visitor.options(
            "licence", dict.fromkeys([*_LICENCES, *([was.licence_class] if was else [])])
        ),
        purposes=visitor.labelled(PURPOSE_LABELS),
        kinds=visitor.labelled(KIND_LABELS),
        plans=visitor.labelled(PLAN_LABELS),
        sandbox_modes=[(mode.value, visitor.say(word)) for mode, word in MODES.items()],
    )


@router.post("/sell/files/{file_id}")
async def draft(visitor: VisitorDep, file_id: str) -> Response:
    """Draft a listing of the file."""
    form = await visitor.form()
    role = _role(visitor)
    try:
        plan, sandbox = plan_of_form(form), sandbox_of_form(form)
    except Invalid as error:
        return await _describe(visitor, file_id, sent_back("listing.draft", form, error))
    texts = {name: form.text(name) for name in _DRAFT_TEXTS}
    return await attempt(
        visitor,
        form,
        act="listing.draft",
        args=texts
        | {
            "file_id": file_id,
            "product_id": form.optional("product_id"),
            "quantity": form.whole("quantity"),
            "list_price_minor": form.fen("list_price_minor"),
            "public_data": form.flag("public_data"),
            "grant_id": form.optional("grant_id"),
            "cap_minor": form.fen("cap_minor"),
            "seller_id": form.optional("seller_id") if role == "BROKER" else None,
            "derived_from": form.text("derived_from").split(),
            "conditions": _conditions(form),
            "buyers": _buyers(form),
            "price_plan": plan,
            "sandbox": sandbox,
        },
        role=role,
        then=lambda listing: f"/sell/{listing['listing_id']}",
        again=lambda filled: _describe(visitor, file_id, filled),
    )


def _conditions(form: Form) -> dict[str, Any] | None:
    """The most that a licence may give, as the form says it; None where the form did not ask."""
    if not form.flag("conditions"):
        return None
    numbers = {name: form.whole(name) for name in ("max_term_months", "max_count", "delete_within_wd")}
    return {
        "purposes": form.every("purposes"),
        "territory": [place.strip() for place in form.text("places").split(",") if place.strip()],
        "derivative_allowed": form.flag("derivative_allowed"),
        "marking": [name.strip() for name in form.text("marking").split(",") if name.strip()],
    } | {name: number for name, number in numbers.items() if number is not None}


def _buyers(form: Form) -> dict[str, Any] | None:
    """Whom it is sold to, as the form says it; None for every admitted buyer."""
    places = [place.strip() for place in form.text("buyer_regions").split(",") if place.strip()]
    asked = {"kinds": form.every("buyer_kinds"), "regions": places, "min_grade": form.whole("min_grade")}
    return asked if any(asked.values()) else None


@router.get("/sell/{listing_id}")
async def manage(visitor: VisitorDep, listing_id: str) -> Response:
    """One's own listing: where it stands, and the next form."""
    return await _manage(visitor, listing_id, Filled())


async def _manage(visitor: Visitor, listing_id: str, filled: Filled) -> Response:
    session = visitor.require(SELLERS)
    async with visitor.node.database.read() as s:
        listing = await repository.get_listing_of(s, listing_id=listing_id, org_id=session.actor.org_id)
        file = await repository.get_file(s, file_id=listing.file_id)
        report = await latest_report(s, listing_id=listing_id, file_sha256=file.sha256)
        reviews = await repository.reviews_of(s, listing_id=listing_id)
        comparables = await comparables_of(s, listing, at=visitor.node.clock.now())
        plan = await repository.plan_of(s, listing_id=listing_id)
        sandbox = await repository.sandbox_of(s, listing_id=listing_id)
    document: dict[str, Any] | None = None if report is None else orjson.loads(report.report)
    return visitor.render(
        "sell_listing.html",
        filled=filled,
        listing=listing,
        parts=parts_of(listing, report),
        guide=guide_of(listing, comparables, visitor.request.query_params),
        file=file,
        report=report,
        document=document,
        declared={} if document is None else document["declared"],
        columns=columns_text(document),
        column_types=[kind.value for kind in ColumnType],
        frequencies=visitor.options("frequency", Frequency),
        sources=visitor.options("source", Source),
        reviews=reviews,
        plan=plan and planned(plan, listing),
        sandbox=shown_terms(sandbox),
        can_measure=listing.status is ListingState.DRAFT,
        can_submit=listing.status is ListingState.DRAFT and report is not None and report.passed,
        can_withdraw=listing.status is ListingState.LISTED and listing.seller_id == visitor.org_id,
    )


@router.post("/sell/{listing_id}/measure")
async def measure(visitor: VisitorDep, listing_id: str) -> Response:
    """Measure the file against its declaration."""
    form = await visitor.form()
    visitor.require(SELLERS)
    try:
        caller, declared = caller_for(visitor), declaration_of(form)

        async def measured(hand: Hand) -> dict[str, Any]:
            hand.at("measure")
            await measure_listing(caller, listing_id, declared)
            return {}

        asked = wanted(visitor, MEASURE, "measure", listing_id=listing_id)
        job_id = await working_of(visitor).attend(asked, measured)
    except (Unauthenticated, NotFound, Unavailable):
        raise
    except (DomainError, Invalid) as error:
        return await _manage(visitor, listing_id, sent_back("measure", form, error))
    return visitor.redirect(f"/jobs/{job_id}" if job_id else f"/sell/{listing_id}")


@router.post("/sell/{listing_id}/submit")
async def submit(visitor: VisitorDep, listing_id: str) -> Response:
    """Submit the draft with its materials; the exchange screens it at once."""
    form = await visitor.form()
    statement = form.text("source_statement")
    personal = {
        name: form.flag(f"personal_{name}")
        for name in ("contained", "consented", "separately_consented", "impact_assessed", "anonymised")
    } | {name: form.optional(name) for name in ("consent_id", "assessment_id")}
    flags = {
        name: form.flag(name)
        for name in (
            "others_consent",
            "substantially_changed",
            "state_secret",
            "ownership_disputed",
            "resale_barred",
            "minors_unconsented",
        )
    }
    return await attempt(
        visitor,
        form,
        act="listing.submit",
        args=flags
        | {
            "listing_id": listing_id,
            "source": form.text("source"),
            "source_statement_sha256": _digest_of(statement),
            "source_text": statement,
            "basis_ref": form.optional("basis_ref"),
            "public_registration_no": form.optional("public_registration_no"),
            "personal": personal,
        },
        role=_role(visitor),
        then=f"/sell/{listing_id}",
        again=lambda filled: _manage(visitor, listing_id, filled),
    )


@router.post("/sell/{listing_id}/withdraw")
async def withdraw(visitor: VisitorDep, listing_id: str) -> Response:
    """End the offer; trades under contract go on."""
    form = await visitor.form()
    return await attempt(
        visitor,
        form,
        act="listing.withdraw",
        args={"listing_id": listing_id, "reason_code": "PROVIDER_WITHDRAWS"},
        role="PROVIDER",
        then=f"/sell/{listing_id}",
        again=lambda filled: _manage(visitor, listing_id, filled),
    )


def _digest_of(statement: str) -> str | None:
    """The source statement's digest: a digest as it is, a text by its UTF-8 bytes; None for none."""
    if not statement:
        return None
    text = statement.lower()
    if len(text) == 64 and all(char in "0123456789abcdef" for char in text):  # noqa: PLR2004 - SHA-256 in hex
        return text
    return hashlib.sha256(statement.encode()).hexdigest()


async def _clients(s: ReadSession, visitor: Visitor) -> list[str]:
    """The providers whose mandate a broker holds."""
    if "PROVIDER" in visitor.roles or visitor.org_id is None:
        return []
    mandates = await mandates_of(s, org_id=visitor.org_id)
    return sorted(
        {
            mandate.client_id
            for mandate in mandates
            if mandate.broker_id == visitor.org_id
            and mandate.side == "PROVIDER"
            and mandate.status is MandateState.ACTIVE
        }
    )


def _role(visitor: Visitor) -> str:
    return "PROVIDER" if "PROVIDER" in visitor.roles else "BROKER"
