"""Listings, from the draft to the withdrawal. What is on offer is in the catalogue."""

from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import Field

from base.db import WriteSession
from ledger.recording import Act
from market.listings import publishing, service
from market.listings.buyers import HIGHEST_GRADE, LOWEST_GRADE, ROLES, BuyerKind, buyers_from
from market.listings.categories import Category, ProductType
from market.listings.conditions import (
    MAX_COLUMN_CHARS,
    MAX_COUNT,
    MAX_DELETE_WD,
    MAX_MARKED,
    MAX_PLACES,
    MAX_RECIPIENTS,
    MAX_TERM_MONTHS,
    Purpose,
    conditions_from,
)
from market.listings.materials import Compliance
from market.listings.plans import PlanMethod, plan_from
from market.listings.rules import MAX_QUANTITY, MOST_SOURCES, Description
from market.listings.sandboxing import sandbox_from
from market.listings.tables import Decision
from pricing.ladder import MOST_TIERS
from registry.rules import Level, PersonalData, Right, Source, SourceFacts
from web.acts import ActKind, AmountMinor, Args, Asked, Count, Id, ReasonCode, Sha256, kind
from web.api.sandboxes import SandboxForm
from web.deps import CallerDep, answers, respond
from web.node import Node
from web.views import ListingView

router = APIRouter(tags=["listings"])
Rate = Annotated[str, Field(pattern=r"^[0-9]{1,14}(\.[0-9]{1,12})?$")]
_LISTERS = frozenset({"PROVIDER", "BROKER"})
_OPERATOR = frozenset({"EXCHANGE_OPERATOR"})
_SUSPENDERS = frozenset({"EXCHANGE_OPERATOR", "DATA_AUTHORITY", "SAMR", "CAC"})


class ConditionsForm(Asked):
    """The most that a licence may give; what is left out is as wide as the exchange takes."""

    purposes: list[Purpose] = Field(default_factory=lambda: list(Purpose), min_length=1)
    territory: list[Annotated[str, Field(max_length=6)]] = Field(default_factory=list, max_length=MAX_PLACES)
    max_term_months: int = Field(default=MAX_TERM_MONTHS, ge=1, le=MAX_TERM_MONTHS)
    max_recipients: int = Field(default=MAX_RECIPIENTS, ge=0, le=MAX_RECIPIENTS)
    max_count: int = Field(default=MAX_COUNT, ge=1, le=MAX_COUNT)
    delete_within_wd: int = Field(default=MAX_DELETE_WD, ge=1, le=MAX_DELETE_WD)
    derivative_allowed: bool = True
    marking: list[Annotated[str, Field(min_length=1, max_length=MAX_COLUMN_CHARS)]] = Field(
        default_factory=list,
        max_length=MAX_MARKED,
        description="Numeric columns that tolerate one unit in the last place: there copies are marked",
    )


class BuyersForm(Asked):
    """Whom the product is sold to; what is empty is not asked. Everybody sees it."""

    kinds: list[BuyerKind] = Field(default_factory=list, max_length=len(BuyerKind))
    roles: list[Annotated[str, Field(max_length=30)]] = Field(default_factory=list, max_length=len(ROLES))
    regions: list[Annotated[str, Field(max_length=6)]] = Field(default_factory=list, max_length=MAX_PLACES)
    min_grade: int | None = Field(default=None, ge=HIGHEST_GRADE, le=LOWEST_GRADE)


class TierForm(Asked):
    """One tier: up to its last unit (null: open), at so many fen a unit."""

    up_to: int | None = Field(ge=1, le=MAX_QUANTITY)
    rate_minor: Rate


class PlanForm(Asked):
    """How the price follows from the quantity; which terms a method takes stands in docs/pricing.md."""

    method: PlanMethod
    tiers: list[TierForm] | None = Field(default=None, min_length=1, max_length=MOST_TIERS)
    rate_minor: Rate | None = None
    fee_minor: AmountMinor | None = None
    commit_minor: AmountMinor | None = None
    cap_minor: AmountMinor | None = None


class DraftArgs(Args):
    file_id: Id
    title: str = Field(max_length=200)
    description: str = Field(max_length=4000)
    scenario: str = Field(max_length=4000)
    category: Category
    geo: str = Field(default="CN", max_length=6)
    product_type: ProductType = ProductType.DATASET
    licence_class: str = Field(max_length=60)
    licence_of_data: str = Field(max_length=200)
    unit: str = Field(max_length=60)
    quantity: Count
    level: Level
    list_price_minor: AmountMinor | None = None
    public_data: bool = False
    grant_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$")
    cap_minor: AmountMinor | None = None
    seller_id: Id | None = None
    product_id: Id | None = None
    derived_from: list[Id | Sha256] = Field(default_factory=list, max_length=MOST_SOURCES)
    conditions: ConditionsForm | None = None
    buyers: BuyersForm | None = None
    price_plan: PlanForm | None = None
    sandbox: SandboxForm | None = None


async def _draft(s: WriteSession, act: Act, args: DraftArgs, node: Node) -> Any:
    del node
    says = Description(
        title=args.title,
        description=args.description,
        scenario=args.scenario,
        category=args.category.value,
        geo=args.geo,
        product_type=args.product_type.value,
        licence_class=args.licence_class,
        unit=args.unit,
        quantity=args.quantity,
    )
    offering = service.Offering(
        says=says,
        level=args.level,
        licence_of_data=args.licence_of_data,
        list_price_minor=args.list_price_minor,
        public_data=args.public_data,
        grant_id=args.grant_id,
        cap_minor=args.cap_minor,
        derived_from=tuple(args.derived_from),
        conditions=None if args.conditions is None else conditions_from(args.conditions.model_dump()),
        buyers=None if args.buyers is None else buyers_from(args.buyers.model_dump(mode="json")),
        plan=None if args.price_plan is None else plan_from(args.price_plan.model_dump(mode="json")),
        sandbox=None if args.sandbox is None else sandbox_from(args.sandbox.model_dump(mode="json")),
    )
    return await service.draft_listing(
        s,
        act,
        offering=offering,
        file_id=args.file_id,
        seller_id=args.seller_id,
        product_id=args.product_id,
    )


DRAFT = kind(
    ActKind(
        name="listing.draft",
        event="LST.DRAFT",
        args=DraftArgs,
        roles=_LISTERS,
        verb=_draft,
        answer=ListingView.of,
        about=lambda args: args.file_id,
        status=201,
    )
)


class PersonalForm(Asked):
    contained: bool = False
    consented: bool = False
    separately_consented: bool = False
    impact_assessed: bool = False
    anonymised: bool = False
    consent_id: Id | None = None
    assessment_id: Id | None = None


class SubmitForm(Asked):
    source: Source
    source_statement_sha256: Sha256 | None = None
    source_text: str = Field(default="", max_length=2000)
    basis_ref: str | None = Field(default=None, max_length=200)
    agreed: list[Right] = Field(default_factory=list, max_length=3)
    others_consent: bool = False
    substitutes_source: bool = True
    substantially_changed: bool = False
    public_registration_no: str | None = Field(default=None, max_length=40)
    rights: list[Right] = Field(default_factory=lambda: [Right.OPERATE], max_length=3)
    personal: PersonalForm = PersonalForm()
    state_secret: bool = False
    ownership_disputed: bool = False
    resale_barred: bool = False
    minors_unconsented: bool = False


class SubmitArgs(Args, SubmitForm):
    listing_id: Id


async def _submit(s: WriteSession, act: Act, args: SubmitArgs, node: Node) -> Any:
    del node
    compliance = Compliance(
        source=args.source,
        source_statement_sha256=args.source_statement_sha256,
        source_text=args.source_text,
        basis_ref=args.basis_ref,
        source_facts=SourceFacts(
            agreed=frozenset(args.agreed),
            others_consent=args.others_consent,
            substitutes_source=args.substitutes_source,
            substantially_changed=args.substantially_changed,
            public_registration_no=args.public_registration_no,
        ),
        rights=frozenset(args.rights),
        personal=PersonalData(**args.personal.model_dump()),
        state_secret=args.state_secret,
        ownership_disputed=args.ownership_disputed,
        resale_barred=args.resale_barred,
        minors_unconsented=args.minors_unconsented,
    )
    return await service.submit_listing(s, act, listing_id=args.listing_id, compliance=compliance)


SUBMIT = kind(
    ActKind(
        name="listing.submit",
        event="LST.SUBMIT",
        args=SubmitArgs,
        roles=_LISTERS,
        verb=_submit,
        answer=ListingView.of,
        about=lambda args: args.listing_id,
    )
)


class ReviewForm(Asked):
    decision: Decision
    reason_code: ReasonCode | None = None
    note: str | None = Field(default=None, max_length=1000)


class ReviewArgs(Args, ReviewForm):
    listing_id: Id


async def _review(s: WriteSession, act: Act, args: ReviewArgs, node: Node) -> Any:
    del node
    return await publishing.review_listing(s, act, **dict(args))


REVIEW = kind(
    ActKind(
        name="listing.review",
        event="LST.APPROVE",
        args=ReviewArgs,
        roles=_OPERATOR,
        verb=_review,
        answer=ListingView.of,
        about=lambda args: args.listing_id,
    )
)


class ListingArgs(Args):
    listing_id: Id


async def _publish(s: WriteSession, act: Act, args: ListingArgs, node: Node) -> Any:
    del node
    return await publishing.publish_listing(s, act, listing_id=args.listing_id)


PUBLISH = kind(
    ActKind(
        name="listing.publish",
        event="LST.LIST",
        args=ListingArgs,
        roles=_OPERATOR,
        verb=_publish,
        answer=ListingView.of,
        about=lambda args: args.listing_id,
    )
)


class ReasonForm(Asked):
    reason_code: ReasonCode
    case_id: Id | None = None


class ReasonArgs(Args, ReasonForm):
    listing_id: Id


async def _suspend(s: WriteSession, act: Act, args: ReasonArgs, node: Node) -> Any:
    del node
    return await publishing.suspend_listing(s, act, **args.model_dump())


async def _resume(s: WriteSession, act: Act, args: ReasonArgs, node: Node) -> Any:
    del node
    return await publishing.resume_listing(s, act, **args.model_dump())


async def _withdraw(s: WriteSession, act: Act, args: ReasonArgs, node: Node) -> Any:
    del node
    return await publishing.withdraw_listing(s, act, listing_id=args.listing_id, reason_code=args.reason_code)


STOPS = {
    name: kind(
        ActKind(
            name=f"listing.{name}",
            event=f"LST.{name.upper()}",
            args=ReasonArgs,
            roles=roles,
            verb=verb,
            answer=ListingView.of,
            about=lambda args: args.listing_id,
        )
    )
    for name, roles, verb in (
        ("suspend", _SUSPENDERS, _suspend),
        ("resume", _SUSPENDERS, _resume),
        ("withdraw", _LISTERS, _withdraw),
    )
}


@router.post("/listings", **answers(DRAFT, ListingView))
async def draft(caller: CallerDep, args: DraftArgs) -> Response:
    """Draft a listing of an uploaded file."""
    return respond(await caller.do(DRAFT, args))


@router.post("/listings/{listing_id}/submit", **answers(SUBMIT, ListingView))
async def submit(listing_id: Id, caller: CallerDep, form: SubmitForm) -> Response:
    """Submit a draft with its materials; the exchange screens it at once."""
    return respond(await caller.do(SUBMIT, SubmitArgs(listing_id=listing_id, **form.model_dump())))


@router.post("/listings/{listing_id}/review", **answers(REVIEW, ListingView))
async def review(listing_id: Id, caller: CallerDep, form: ReviewForm) -> Response:
    """Approve, return or reject a listing, as a reviewer who did not submit it."""
    return respond(await caller.do(REVIEW, ReviewArgs(listing_id=listing_id, **form.model_dump())))


@router.post("/listings/{listing_id}/publish", **answers(PUBLISH, ListingView))
async def publish(listing_id: Id, caller: CallerDep) -> Response:
    """Put an approved listing on offer."""
    return respond(await caller.do(PUBLISH, ListingArgs(listing_id=listing_id)))


@router.post("/listings/{listing_id}/suspend", **answers(STOPS["suspend"], ListingView))
async def suspend(listing_id: Id, caller: CallerDep, form: ReasonForm) -> Response:
    """Take a listing off offer until its cause is cleared."""
    return respond(await caller.do(STOPS["suspend"], ReasonArgs(listing_id=listing_id, **form.model_dump())))


@router.post("/listings/{listing_id}/resume", **answers(STOPS["resume"], ListingView))
async def resume(listing_id: Id, caller: CallerDep, form: ReasonForm) -> Response:
    """Put a suspended listing back on offer."""
    return respond(await caller.do(STOPS["resume"], ReasonArgs(listing_id=listing_id, **form.model_dump())))


@router.post("/listings/{listing_id}/withdraw", **answers(STOPS["withdraw"], ListingView))
async def withdraw(listing_id: Id, caller: CallerDep, form: ReasonForm) -> Response:
    """End an offer, as its provider; trades under contract go on."""
    return respond(await caller.do(STOPS["withdraw"], ReasonArgs(listing_id=listing_id, **form.model_dump())))
