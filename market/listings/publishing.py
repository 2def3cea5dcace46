"""From the compliance review to the offer, and off it again."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from base.db import WriteSession
from identity.repository import get_person, logins_of
from identity.service import require_identified, require_member, require_unbound
from ledger.recording import Act, record
from market.listings import catalogue, repository
from market.listings.errors import (
    JointReviewNeeded,
    ListingMalformed,
    ListingUnknown,
    ReviewedBefore,
    ReviewerIsSubmitter,
)
from market.listings.grading import require_compared, take_level
from market.listings.moving import tell_moved
from market.listings.rules import (
    ListingEvent,
    Reviewer,
    check_lift,
    check_review,
    may_move,
)
from market.listings.service import check_price_of, require_basis
from market.listings.statements import step
from market.listings.tables import Decision, Listing, Review
from registry.contributions.repository import resting_on_reference
from registry.repository import classification_of
from registry.rules import wants_joint_review
from registry.service import require_quality

REGISTRATION_LOST: Final = "REGISTRATION_LOST"
GRANT_LOST: Final = "GRANT_LOST"


async def review_listing(
    s: WriteSession,
    act: Act,
    *,
    listing_id: str,
    decision: Decision,
    reason_code: str | None = None,
    note: str | None = None,
) -> Listing:
    """One member's decision in the compliance review (LST.APPROVE, LST.RETURN, LST.REJECT).

    Where three have to approve together, the first two approvals leave the listing where it is; it is then
    on record who they are, and natural persons count, not logins. Raises ReviewerIsSubmitter, ReviewedBefore,
    PersonNotIdentified, PersonsBound, ListingWrongState, ListingWrongRole.
    """
    listing = await repository.claim_listing(s, listing_id=listing_id)
    event = ListingEvent(decision.value)
    may_move(listing.status, event, act.role)
    if decision is not Decision.APPROVE and not reason_code:
        raise ListingMalformed("a return or rejection names its reason", member="reason_code")
    reviewer = Reviewer(act.actor.user_id or act.actor.org_id, act.actor.org_id)
    earlier = await repository.reviews_of(s, listing_id=listing_id, review_round=listing.review_round)
    await _require_another(s, listing, reviewer, earlier)
    if decision is Decision.APPROVE and wants_joint_review(listing.level, public_data=listing.public_data):
        await require_identified(s, user_id=act.actor.user_id)
        await require_unbound(s, user_id=act.actor.user_id, others=[one.reviewer for one in earlier])
    reviewers = [Reviewer(review.reviewer, review.reviewer_org) for review in earlier] + [reviewer]
    decides = _enough(listing, reviewers) or decision is not Decision.APPROVE
    before = listing.status
    if decides:
        reasons = [reason_code] if reason_code else []
        await repository.move(s, listing=listing, event=event, role=act.role, values={"reasons": reasons})
    said: dict[str, Any] = {"reviews": len(reviewers)} | ({"reason_code": reason_code} if reason_code else {})
    opening = {"note": note} if note else None
    recorded = await record(s, act, step(listing, event, before, public=said, opening=opening))
    s.add(
        Review(
            review_id=act.new_id("rev"),
            listing_id=listing_id,
            review_round=listing.review_round,
            number=len(reviewers),
            reviewer=reviewer.user_id,
            reviewer_org=reviewer.org_id,
            decision=decision,
            reason_code=reason_code,
            note=note,
            statement_id=recorded.statement_id,
            reviewed_at=act.occurred_at,
        )
    )
    await s.flush()
    return listing


async def publish_listing(s: WriteSession, act: Act, *, listing_id: str) -> Listing:
    """Put an approved listing on offer (LST.LIST). Its price basis and the registry are asked again.

    Raises PriceBasisMissing, PriceAboveCap, QualityTooLow, RightNotHeld, ChannelClosed,
    `member-not-active`, ListingWrongState, ListingWrongRole.
    """
    listing = await repository.claim_listing(s, listing_id=listing_id)
    may_move(listing.status, ListingEvent.LIST, act.role)
    await _require_fit(s, act, listing)
    return await _put_on_offer(s, act, listing, ListingEvent.LIST, {})


async def suspend_listing(
    s: WriteSession,
    act: Act,
    *,
    listing_id: str,
    reason_code: str,
    case_id: str | None = None,
    order_id: str | None = None,
) -> Listing:
    """Take a listing off offer until its cause is cleared (LST.SUSPEND): no act on it is sealed after this.

    By the operator, a regulator, or the system it runs. Raises ListingWrongState, ListingWrongRole.
    """
    listing = await repository.claim_listing(s, listing_id=listing_id)
    values = {"suspended_by": act.role, "reasons": [reason_code]}
    said = _ordered(reason_code, case_id, order_id)
    await _take_off_offer(s, act, listing, ListingEvent.SUSPEND, values=values, said=said)
    await tell_moved(s, act, listing)
    return listing


def _ordered(reason_code: str, case_id: str | None, order_id: str | None) -> dict[str, str]:
    """Why an offer is stopped or goes on: the case, or the order of an incident, that it rests on."""
    named = {"case_id": case_id, "order_id": order_id}
    return {"reason_code": reason_code} | {name: one for name, one in named.items() if one}


async def suspend_dependents(s: WriteSession, act: Act, *, product_id: str, holder_id: str) -> list[str]:
    """Take off offer what rests on a right that has ended, as the exchange; answers which listings.

    What was withdrawn is off offer already: the deliveries that go on of it are looked at.
    """
    for listing in await repository.withdrawn_of(s, product_id=product_id, seller_id=holder_id):
        await tell_moved(s, act, listing)
    fallen = await repository.on_offer_of(s, product_id=product_id, seller_id=holder_id)
    for listing_id in fallen:
        await suspend_listing(s, act, listing_id=listing_id, reason_code=REGISTRATION_LOST)
    return fallen


async def suspend_of_grant(s: WriteSession, act: Act, *, grant_id: str) -> list[str]:
    """Take off offer what rests on a grant that carries nothing any more; answers which listings.

    What was withdrawn is off offer already: the deliveries that go on of it are looked at.
    """
    fallen = await repository.on_offer_under(s, grant_id=grant_id)
    for listing in await repository.withdrawn_under(s, grant_id=grant_id):
        await tell_moved(s, act, listing)
    for listing_id in fallen:
        await suspend_listing(s, act, listing_id=listing_id, reason_code=GRANT_LOST)
    return fallen + await suspend_joint(s, act, reference=grant_id)


async def suspend_joint(s: WriteSession, act: Act, *, reference: str) -> list[str]:
    """Take off offer the joint products to which a contributor gives on a registration or grant that fell."""
    fallen = []
    for product_id, holder_id in await resting_on_reference(s, reference=reference):
        fallen += await suspend_dependents(s, act, product_id=product_id, holder_id=holder_id)
    return fallen


async def resume_listing(
    s: WriteSession,
    act: Act,
    *,
    listing_id: str,
    reason_code: str,
    case_id: str | None = None,
    order_id: str | None = None,
) -> Listing:
    """Put a suspended listing back on offer (LST.RESUME), by the authority that suspended it.

    The exchange lifts no regulator's suspension. Raises what publishing raises.
    """
    listing = await repository.claim_listing(s, listing_id=listing_id)
    may_move(listing.status, ListingEvent.RESUME, act.role)
    assert listing.suspended_by is not None
    check_lift(suspended_by=listing.suspended_by, role=act.role)
    await _require_fit(s, act, listing)
    said = _ordered(reason_code, case_id, order_id)
    await take_level(s, product_id=listing.product_id)
    await _put_on_offer(s, act, listing, ListingEvent.RESUME, said)
    await tell_moved(s, act, listing)
    return listing


async def delist_listing(
    s: WriteSession, act: Act, *, listing_id: str, reason_code: str, case_id: str | None = None
) -> Listing:
    """End a suspended listing for good, by the authority that suspended it (LST.DELIST).

    Raises ListingWrongState, ListingWrongRole.
    """
    listing = await repository.claim_listing(s, listing_id=listing_id)
    may_move(listing.status, ListingEvent.DELIST, act.role)
    assert listing.suspended_by is not None
    check_lift(suspended_by=listing.suspended_by, role=act.role)
    said = {"reason_code": reason_code} | ({"case_id": case_id} if case_id else {})
    await _take_off_offer(s, act, listing, ListingEvent.DELIST, values={"reasons": [reason_code]}, said=said)
    await tell_moved(s, act, listing)
    return listing


async def withdraw_listing(
    s: WriteSession, act: Act, *, listing_id: str, reason_code: str | None = None
) -> Listing:
    """The provider's end of an offer (LST.WITHDRAW). Trades under contract go on, licences stay valid."""
    listing = await repository.claim_listing(s, listing_id=listing_id)
    if act.actor.org_id != listing.seller_id:
        raise ListingUnknown("no such listing", listing_id=listing_id)
    values = {"delisted_at": act.occurred_at}
    said = {"reason_code": reason_code} if reason_code else {}
    return await _take_off_offer(s, act, listing, ListingEvent.WITHDRAW, values=values, said=said)


async def _require_another(
    s: WriteSession, listing: Listing, reviewer: Reviewer, earlier: Sequence[Review]
) -> None:
    """A natural person decides once, and never on what he or she has submitted, under whatever login.

    Raises ReviewedBefore, ReviewerIsSubmitter.
    """
    person = await get_person(s, user_id=reviewer.user_id)
    logins = [] if person is None else await logins_of(s, person=person)
    own = {reviewer.user_id, *(one.user_id for one in logins)}
    if own & {review.reviewer for review in earlier}:
        raise ReviewedBefore(
            "each member decides once", listing_id=listing.listing_id, reviewer=reviewer.user_id
        )
    submitter = _submitter(listing)
    if submitter.user_id in own or submitter.org_id in {one.org_id for one in logins}:
        raise ReviewerIsSubmitter("nobody reviews their own submission", reviewer=reviewer.user_id)


def _submitter(listing: Listing) -> Reviewer:
    assert listing.submitter is not None
    return Reviewer(listing.submitter, listing.broker_id or listing.seller_id)


def _enough(listing: Listing, reviewers: list[Reviewer]) -> bool:
    """Whether enough members have approved. Raises ReviewerIsSubmitter."""
    try:
        check_review(
            submitter=_submitter(listing),
            reviewers=reviewers,
            level=listing.level,
            public_data=listing.public_data,
        )
    except JointReviewNeeded:
        return False
    return True


async def _require_reviewed(s: WriteSession, listing: Listing) -> None:
    """The members that the product's present level asks for have approved. Raises JointReviewNeeded."""
    graded = await classification_of(s, product_id=listing.product_id)
    level = listing.level if graded is None else graded.level
    if not wants_joint_review(level, public_data=False):
        return  # the review itself saw to it
    reviews = await repository.reviews_of(s, listing_id=listing.listing_id, review_round=listing.review_round)
    approved = [
        Reviewer(one.reviewer, one.reviewer_org) for one in reviews if one.decision is Decision.APPROVE
    ]
    check_review(
        submitter=_submitter(listing), reviewers=approved, level=level, public_data=listing.public_data
    )


async def _require_fit(s: WriteSession, act: Act, listing: Listing) -> None:
    """What must hold when a listing goes on offer."""
    await require_member(s, org_id=listing.seller_id)
    check_price_of(listing)
    await require_basis(s, listing, now=act.now)
    await require_compared(s, listing)
    await _require_reviewed(s, listing)
    file = await repository.get_file(s, file_id=listing.file_id)
    await require_quality(s, listing_id=listing.listing_id, file_sha256=file.sha256)


async def _put_on_offer(
    s: WriteSession, act: Act, listing: Listing, event: ListingEvent, said: Mapping[str, Any]
) -> Listing:
    before = listing.status
    values: dict[str, Any] = {"suspended_by": None, "reasons": []}
    if listing.listed_at is None:
        values["listed_at"] = act.occurred_at
    await repository.move(s, listing=listing, event=event, role=act.role, values=values)
    await catalogue.enter(s, listing)
    await record(s, act, step(listing, event, before, public=said))
    return listing


async def _take_off_offer(
    s: WriteSession,
    act: Act,
    listing: Listing,
    event: ListingEvent,
    *,
    values: dict[str, Any],
    said: Mapping[str, Any],
) -> Listing:
    before = listing.status
    await repository.move(s, listing=listing, event=event, role=act.role, values=values)
    await catalogue.leave(s, listing)
    await record(s, act, step(listing, event, before, public=said))
    return listing
