"""A person's fallen consent stops what is under way: every right to receive what was sold on it stands still.

It stands still from the very transaction of the withdrawal, whatever kind of delivery it is: file, share,
interface, questions. Who has received is told by a job, and the listing leaves the offer. Once a record of
consents is shown to lack the person, an interface goes on, for it answers from the holder's present data; a
file that was sold goes on only where the person was never in it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlmodel import col, select, update

from base.db import ReadSession, WriteSession
from ledger.recording import Act
from market.customs.gate import places_abroad
from market.delivery.kinds import DeliveryKind
from market.delivery.rules import EntitlementStatus
from market.delivery.tables import Entitlement
from market.delivery.unconsented.holds import release
from market.delivery.unconsented.tables import ConsentHold
from market.listings.materials import materials_of_kept
from market.listings.publishing import suspend_listing
from market.listings.raised import CONSENT_WITHDRAWN, suspend_unconsented
from market.listings.rules import ListingState
from market.listings.tables import Listing
from market.orders.tables import ContractRecipient, Trade
from registry.grading.repository import consent_of
from registry.subjects.consenting import withdraw
from registry.subjects.entering import SubjectDesk
from registry.subjects.repository import get_given
from registry.subjects.rules import STOPS, ConsentKind
from registry.subjects.tables import GivenRow
from registry.subjects.telling import tell_receiver

_LIVE: Final = frozenset({EntitlementStatus.ACTIVE, EntitlementStatus.USED_UP})
_BATCH: Final = 500


async def withdraw_and_stop(
    s: WriteSession,
    act: Act,
    *,
    desk: SubjectDesk,
    subject_id: str,
    given_id: str,
    signature: str | None = None,
) -> GivenRow:
    """Take a person's consent back, and stop in the same transaction what rests on it.

    Raises what `consenting.withdraw` raises; then nothing has stopped.
    """
    given = await withdraw(s, act, desk=desk, subject_id=subject_id, given_id=given_id, signature=signature)
    await hold(s, given, at=act.occurred_at)
    return given


async def after_fall(s: WriteSession, act: Act, *, given_id: str) -> None:
    """The job behind a fallen consent: hold what is not held, take off offer, tell whoever has received."""
    given = await get_given(s, given_id=given_id)
    affected = await hold(s, given, at=act.occurred_at)
    if given.kind in STOPS and not given.recipients:
        for consent_id in sorted({one for _, one in await _listings(s, given) if one is not None}):
            about = {"object_id": given.object_id, "holder_id": given.holder_id}
            await suspend_unconsented(s, act, **about, consent_id=consent_id)
    if given.kind in STOPS and not given.recipients:
        await suspend_resellers(s, act, given)
    for trade_id, receivers in affected.items():
        for receiver_id in receivers:
            await tell_receiver(s, act, given_id=given_id, trade_id=trade_id, receiver_id=receiver_id)


async def suspend_resellers(s: WriteSession, act: Act, given: GivenRow) -> None:
    """What others offer of the very same product leaves the offer, and so stops, until the exchange looks.

    They hold it on records of their own, of which this consent says nothing.
    """
    query = select(Listing).where(
        Listing.product_id == given.object_id,
        Listing.seller_id != given.holder_id,
        Listing.status == ListingState.LISTED,
    )
    for listing in (await s.exec(query.order_by(col(Listing.listing_id)))).all():
        if _of_persons(listing):
            await suspend_listing(s, act, listing_id=listing.listing_id, reason_code=CONSENT_WITHDRAWN)


async def hold(s: WriteSession, given: GivenRow, *, at: datetime) -> dict[str, list[str]]:
    """Hold every right that carries a person whose consent has fallen; answers who received, by trade."""
    if given.kind not in STOPS and given.kind is not ConsentKind.EXPORT:
        return {}
    listing_ids = [listing_id for listing_id, _ in await _listings(s, given)]
    query = (
        select(Entitlement.entitlement_id, Entitlement.trade_id, Entitlement.buyer_id)
        .join(Trade, col(Trade.trade_id) == col(Entitlement.trade_id))
        .where(col(Trade.listing_id).in_(listing_ids))
    )
    rights = (await s.exec(query.order_by(col(Entitlement.trade_id)))).all()
    named = select(ContractRecipient.trade_id, ContractRecipient.org_id)
    named = named.where(col(ContractRecipient.trade_id).in_([trade_id for _, trade_id, _ in rights]))
    receivers: dict[str, list[str]] = {trade_id: [buyer_id] for _, trade_id, buyer_id in rights}
    for trade_id, org_id in (await s.exec(named)).all():
        receivers[trade_id].append(org_id)
    concerned = {
        trade_id: found for trade_id, orgs in receivers.items() if (found := await _concerned(s, given, orgs))
    }
    await _freeze(s, [one for one, trade_id, _ in rights if trade_id in concerned], given.given_id, at)
    return concerned


async def _concerned(s: ReadSession, given: GivenRow, orgs: Sequence[str]) -> list[str]:
    """Of those who receive under a contract, whom this consent let receive."""
    found = sorted({*orgs} & {*given.recipients}) if given.recipients else sorted({*orgs})
    if given.kind is not ConsentKind.EXPORT:
        return found
    return [org_id for org_id in found if await places_abroad(s, org_id=org_id, asks=False)]


async def _freeze(s: WriteSession, entitlement_ids: Sequence[str], given_id: str, at: datetime) -> None:
    held = select(ConsentHold.entitlement_id).where(ConsentHold.given_id == given_id)
    known = set((await s.exec(held)).all())
    fresh = [one for one in entitlement_ids if one not in known]
    for begin in range(0, len(fresh), _BATCH):
        part = fresh[begin : begin + _BATCH]
        s.add_all([ConsentHold(entitlement_id=one, given_id=given_id, held_at=at) for one in part])
        await s.flush()
        live = col(Entitlement.entitlement_id).in_(part), col(Entitlement.status).in_(_LIVE)
        await s.exec(update(Entitlement).where(*live).values(status=EntitlementStatus.FROZEN))


async def let_go_on(s: WriteSession, act: Act, *, given_id: str, consent_id: str) -> list[str]:
    """The job behind a settled withdrawal: let go on what carries the person no more; answers which trades.

    A right stays still while anybody else holds it, and while its trade is stopped.
    """
    del act
    record = await consent_of(s, consent_id=consent_id)
    assert record is not None
    query = (
        select(Entitlement)
        .join(ConsentHold, col(ConsentHold.entitlement_id) == col(Entitlement.entitlement_id))
        .where(ConsentHold.given_id == given_id)
    )
    freed = []
    for right in (await s.exec(query.order_by(col(Entitlement.trade_id)))).all():
        if right.kind is not DeliveryKind.API and record.recorded_at > right.granted_at:
            continue  # the very file was sold with the person in it
        await release(s, right, by=given_id)
        freed.append(right.trade_id)
    return freed


async def _listings(s: ReadSession, given: GivenRow) -> list[tuple[str, str | None]]:
    """The holder's listings of the object whose data are of persons, with the record each cites."""
    query = select(Listing).where(Listing.product_id == given.object_id, Listing.seller_id == given.holder_id)
    found = []
    for listing in (await s.exec(query.order_by(col(Listing.listing_id)))).all():
        if _of_persons(listing):
            personal = materials_of_kept(listing.materials).personal
            found.append((listing.listing_id, personal.consent_id))
    return found


def _of_persons(listing: Listing) -> bool:
    """Whether a listing says that its data are of persons, and not anonymous."""
    personal = materials_of_kept(listing.materials).personal if listing.materials else None
    return personal is not None and personal.contained and not personal.anonymised
