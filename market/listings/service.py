"""A listing's way to its review: the file kept, the draft, the submission with its automatic screen.

The exchange's three nos: no registration without a scenario (无场景不登记), no trade without registration
(无登记不交易), no listing without compliance (无合规不上架). What follows the review is in
`market.listings.publishing`. Every act that depends on the registry's rows (right, level) asks them again
under a share lock, so that their fall bites at once.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlmodel import select

from base.canonical import canonical
from base.db import WriteSession
from base.files import StoredFile
from brokers.rules import Side
from brokers.service import require_certified, require_mandate
from identity.service import insert, require_member
from ledger.recording import Act, record
from market.listings import repository
from market.listings.answerable import require_answerable
from market.listings.authorised import require_authorised, require_carried, require_grant
from market.listings.buyers import BuyerConditions
from market.listings.conditions import Conditions
from market.listings.errors import (
    FileListedBefore,
    ListingMalformed,
    ListingUnknown,
)
from market.listings.grading import (
    grade_listing,
    require_cited,
    require_compliant,
    require_sources,
    tell_drafted,
)
from market.listings.materials import Compliance, kept, materials_from, materials_of_kept
from market.listings.plans import PricePlan, list_price_of
from market.listings.rules import (
    Description,
    ListingEvent,
    Materials,
    check_description,
    check_listed,
    check_materials,
    check_price_basis,
    check_sources,
    may_move,
    negative_list_hits,
    parse_category,
    parse_product_type,
)
from market.listings.sandboxing import SandboxTerms
from market.listings.statements import drafted, step
from market.listings.tables import (
    Listing,
    ListingBuyers,
    ListingConditions,
    ListingFile,
    ListingPlan,
    ListingSandbox,
    Product,
)
from market.listings.words import folded
from pricing.quote import check_price
from registry.registration.depending import rest_on
from registry.repository import latest_report, right_held
from registry.rules import Channel, Level, Right
from registry.service import (
    register_rights_basis,
    require_channel,
    require_quality,
    require_right,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offering:
    """What a listing offers, and on which terms. Prices in fen, tax included; None while not decided.

    `cap_minor` is the government-guided cap of public data; `licence_of_data` says what may be done with
    the data in words, `licence_class` is its class (internal use, resale …). `derived_from` names what the
    data was made from: products of this exchange by id, other files by the hex SHA-256 of their bytes.
    `conditions` are the most that a licence may give; None: the widest that the exchange takes. `buyers`
    are those it is sold to; None: every admitted buyer. With a `plan` the list price is what the plan says
    of the quantity offered. `sandbox` is what may be asked where the table stays; None: nothing.
    """

    says: Description
    level: Level
    licence_of_data: str
    list_price_minor: int | None = None
    public_data: bool = False
    grant_id: str | None = None
    cap_minor: int | None = None
    derived_from: tuple[str, ...] = ()
    conditions: Conditions | None = None
    buyers: BuyerConditions | None = None
    plan: PricePlan | None = None
    sandbox: SandboxTerms | None = None


async def keep_file(
    s: WriteSession, act: Act, *, file: StoredFile, name: str, media_type: str
) -> ListingFile:
    """Remember an upload and whose it is. Nothing is stated: the draft that uses it will name its digest."""
    await require_member(s, org_id=act.actor.org_id)
    row = ListingFile(
        file_id=file.file_id,
        owner_id=act.actor.org_id,
        sha256=file.sha256,
        bytes=file.bytes,
        name=name[-200:],
        media_type=media_type,
        stored_at=act.now,
    )
    s.add(row)
    await s.flush()
    return row


async def draft_listing(
    s: WriteSession,
    act: Act,
    *,
    offering: Offering,
    file_id: str,
    seller_id: str | None = None,
    product_id: str | None = None,
) -> Listing:
    """Draft a listing of an uploaded file (LST.DRAFT), as the provider or its mandated broker.

    A broker names its client in `seller_id`. `product_id` offers a product that is known already. Raises
    ListingMalformed, ScenarioMissing, FileUnknown, FileListedBefore, `member-not-active`, and for a
    broker what BR1 and BR2 raise.
    """
    status = may_move(None, ListingEvent.DRAFT, act.role)
    says = offering.says
    check_description(says)
    check_sources(offering.derived_from)
    list_price = list_price_of(
        offering.plan,
        quantity=says.quantity,
        list_price_minor=offering.list_price_minor,
        public_data=offering.public_data,
    )
    for price in (list_price, offering.cap_minor):
        if price is not None:
            check_price(price)
    listing_id = act.new_id("lst")
    seller = seller_id if act.role == "BROKER" else act.actor.org_id
    if seller is None:
        raise ListingMalformed("a broker names the seller it acts for", member="seller_id")
    mandate_id = await _mandated(s, act, seller, listing_id, category=says.category, level=offering.level)
    member = await require_member(s, org_id=seller)
    file = await repository.get_file(s, file_id=file_id, owner_id=act.actor.org_id)
    about: dict[str, Any] = {"offering": offering, "product_id": product_id, "file_sha256": file.sha256}
    await require_authorised(s, member, **about, now=act.now)
    product = await _product(s, act, offering, seller, product_id)
    await require_sources(s, derived_from=offering.derived_from, product_id=product.product_id, file=file)
    listing = Listing(
        listing_id=listing_id,
        product_id=product.product_id,
        seller_id=seller,
        broker_id=act.actor.org_id if act.role == "BROKER" else None,
        mandate_id=mandate_id,
        file_id=file_id,
        title=says.title,
        description=says.description,
        status=status,
        category=parse_category(says.category),
        geo=says.geo,
        product_type=parse_product_type(says.product_type),
        level=offering.level,
        public_data=offering.public_data,
        grant_id=offering.grant_id,
        scenario=says.scenario,
        licence_of_data=offering.licence_of_data,
        licence_class=says.licence_class,
        unit=says.unit,
        quantity=says.quantity,
        list_price_minor=list_price,
        cap_minor=offering.cap_minor,
        search_text=folded(f"{says.title}\n{says.description}"),
        drafted_at=act.occurred_at,
    )
    taken = FileListedBefore("this file belongs to a listing already", file_id=file_id)
    if (await s.exec(select(Listing.listing_id).where(Listing.file_id == file_id))).first() is not None:
        raise taken
    await insert(s, listing, taken)
    for table, said in (
        (ListingConditions, offering.conditions),
        (ListingBuyers, offering.buyers),
        (ListingPlan, offering.plan),
        (ListingSandbox, offering.sandbox),
    ):
        if said is not None:
            s.add(table(listing_id=listing_id, document=canonical(said.document()).decode()))
    await s.flush()
    bounds = {
        "conditions": offering.conditions,
        "buyer_conditions": offering.buyers,
        "sandbox": offering.sandbox,
    }
    await record(
        s, act, drafted(listing, file, derived_from=offering.derived_from, bounds=bounds, plan=offering.plan)
    )
    await tell_drafted(s, act, listing, offering.derived_from)
    return listing


async def submit_listing(s: WriteSession, act: Act, *, listing_id: str, compliance: Compliance) -> Listing:
    """Submit a draft with its materials (LST.SUBMIT); the exchange screens it in the same transaction.

    The listing leaves in COMPLIANCE_REVIEW, or BLOCKED with its reasons. Raises ListingIncomplete,
    QualityTooLow, RightNotRegistrable, PriceBasisMissing, PriceAboveCap, ListingWrongState.
    """
    listing = await _of_submitter(s, act, listing_id)
    may_move(listing.status, ListingEvent.SUBMIT, act.role)
    await _mandated(s, act, listing.seller_id, listing_id, category=listing.category, level=listing.level)
    await require_member(s, org_id=listing.seller_id)
    file = await repository.get_file(s, file_id=listing.file_id)
    report = await latest_report(s, listing_id=listing_id, file_sha256=file.sha256)
    materials = materials_from(
        compliance,
        level=listing.level,
        public_data=listing.public_data,
        grant_id=listing.grant_id,
        quality_report_sha256=report.report_sha256 if report else None,
    )
    check_materials(materials)
    await require_answerable(s, listing_id=listing_id, report=report, personal=materials.personal)
    check_price_of(listing)
    await require_grant(s, listing, now=act.now)
    await require_quality(s, listing_id=listing_id, file_sha256=file.sha256)
    assert report is not None  # it passed
    await require_carried(s, listing, file_sha256=file.sha256, report=report.report)
    await _register(s, act, listing, compliance)
    await require_compliant(s, act, listing, compliance=compliance, materials=materials, row=report)
    before = listing.status
    await repository.move(
        s,
        listing=listing,
        event=ListingEvent.SUBMIT,
        role=act.role,
        values={
            "materials": kept(materials),
            "report_sha256": materials.quality_report_sha256,
            "submitter": act.actor.user_id or act.actor.org_id,
            "submitted_at": act.occurred_at,
            "review_round": listing.review_round + 1,
            "reasons": [],
        },
    )
    assert compliance.source_statement_sha256 is not None
    assert listing.report_sha256 is not None
    said = {
        "source": compliance.source.value,
        "rights": sorted(right.value for right in compliance.rights),
        "report_sha256": listing.report_sha256,
    }
    proofs = {"report": listing.report_sha256, "source-statement": compliance.source_statement_sha256}
    await record(s, act, step(listing, ListingEvent.SUBMIT, before, public=said, subjects=proofs))
    await screen_listing(s, act.as_exchange(), listing_id=listing_id)
    return listing


async def screen_listing(s: WriteSession, act: Act, *, listing_id: str) -> Listing:
    """The exchange's automatic screen: grade what the scan saw, and ask the negative list.

    LST.SCREEN_PASS or LST.SCREEN_FAIL; never a refusal, for both are states of the listing.
    """
    listing = await repository.claim_listing(s, listing_id=listing_id)
    row = await latest_report(s, listing_id=listing_id)
    assert row is not None
    materials = materials_of(listing)
    graded, loose = await grade_listing(s, act, listing, materials=materials, row=row)
    materials = replace(materials, level=graded.level)
    hits = [f"{hit.rule_id}-{hit.reason}" for hit in negative_list_hits(materials)]
    reasons = list(dict.fromkeys([*graded.reasons, *hits, *loose]))
    event = ListingEvent.SCREEN_FAIL if reasons else ListingEvent.SCREEN_PASS
    before = listing.status
    await repository.move(
        s,
        listing=listing,
        event=event,
        role=act.role,
        values={"level": graded.level, "materials": kept(materials), "reasons": reasons},
    )
    why: dict[str, Any] = {"reason_code": reasons[0], "reasons": reasons} if reasons else {}
    await record(s, act, step(listing, event, before, public={"level": graded.level.value} | why))
    return listing


async def require_listed(s: WriteSession, *, listing_id: str, now: datetime | None = None) -> Listing:
    """The listing, on offer, share-locked with the right and the level it rests on.

    `now` is the moment of the act, to which the days of a grant are held. Raises ListingUnknown,
    ListingNotListed, RightNotHeld, ChannelClosed.
    """
    listing = await repository.lock_listing(s, listing_id=listing_id)
    check_listed(listing.status, listing_id=listing_id)
    await require_basis(s, listing, now=now)
    return listing


async def require_basis(
    s: WriteSession, listing: Listing, *, now: datetime | None = None, recipients: Collection[str] = ()
) -> None:
    """What a listing rests on, share-locked: RightNotHeld, ChannelClosed; for grant and records more.

    `recipients` are those who would receive, where that is known already.
    """
    await require_grant(s, listing, now=now)
    await require_cited(s, listing, now=now, recipients=recipients)
    held = {"product_id": listing.product_id, "holder_id": listing.seller_id}
    await require_right(s, **held, right=Right.OPERATE, now=now)
    await require_channel(s, product_id=listing.product_id, channel=Channel.TRADE)


def materials_of(listing: Listing) -> Materials:
    """What was declared for the compliance of a listing that was submitted."""
    return materials_of_kept(listing.materials)


async def _mandated(
    s: WriteSession, act: Act, seller: str, listing_id: str, *, category: str, level: Level
) -> str | None:
    """BR1 and BR2 where a broker acts; None where the provider acts itself."""
    if act.role != "BROKER":
        return None
    broker = act.actor.org_id
    await require_certified(s, org_id=broker, at=act.now, sector=category, level=level)
    mandate = await require_mandate(
        s, broker_id=broker, client_id=seller, side=Side.PROVIDER, listing_id=listing_id, at=act.now
    )
    return mandate.mandate_id


async def _product(
    s: WriteSession, act: Act, offering: Offering, seller: str, product_id: str | None
) -> Product:
    says = offering.says
    if product_id is not None:
        product = await repository.get_product(s, product_id=product_id)
        if (product.category, product.product_type) != (says.category, says.product_type):
            raise ListingMalformed("a product keeps its category and type", product_id=product_id)
        return product
    product = Product(
        product_id=act.new_id("prd"),
        seller_id=seller,
        title=says.title,
        category=parse_category(says.category),
        product_type=parse_product_type(says.product_type),
        created_at=act.occurred_at,
    )
    s.add(product)
    await s.flush()
    return product


async def _of_submitter(s: WriteSession, act: Act, listing_id: str) -> Listing:
    """The listing, for who may act for its seller: to the others it does not exist."""
    listing = await repository.claim_listing(s, listing_id=listing_id)
    owner = listing.broker_id if act.role == "BROKER" else listing.seller_id
    if act.actor.org_id != owner:
        raise ListingUnknown("no such listing", listing_id=listing_id)
    return listing


async def _register(s: WriteSession, act: Act, listing: Listing, compliance: Compliance) -> None:
    """Register the claimed rights that are not registered yet; a submission after a return repeats none."""
    about: dict[str, Any] = {"product_id": listing.product_id, "holder_id": listing.seller_id}
    held = [right for right in compliance.rights if await right_held(s, **about, right=right)]
    claimed = compliance.rights - set(held)
    assert compliance.source_statement_sha256 is not None
    if claimed or not held:
        await register_rights_basis(
            s,
            act,
            **about,
            source=compliance.source,
            facts=compliance.source_facts,
            claimed=claimed,
            source_statement_sha256=compliance.source_statement_sha256,
        )
    await rest_on(s, act, **about, basis_ref=compliance.basis_ref)


def check_price_of(listing: Listing) -> None:
    """The price basis of a listing. Raises PriceBasisMissing, PriceAboveCap."""
    check_price_basis(
        list_price_minor=listing.list_price_minor,
        public_data=listing.public_data,
        cap_minor=listing.cap_minor,
    )
