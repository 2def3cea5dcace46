"""From the funded trade to the accepted goods: the right to receive, the receipt, the acceptance.

What is downloaded is counted in `market.delivery.downloads`.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlmodel import col, delete

from base.db import WriteSession
from base.jobs import cancel, enqueue
from identity.service import require_member
from ledger.recording import Act, record
from ledger.statement import Draft
from market.customs.gate import require_clearance
from market.customs.service import require_cleared
from market.delivery import repository
from market.delivery.errors import DeliveryWrongState, GoodsDiffer, ListingNotDeliverable
from market.delivery.kinds import DeliveryKind, kind_of
from market.delivery.marking.copying import ask_for_copy
from market.delivery.marking.repository import mark_of, require_made
from market.delivery.nightly import begin_rounds
from market.delivery.rules import (
    MAX_DOWNLOADS,
    EntitlementStatus,
    GoodsCheck,
    Mode,
    require_same_goods,
    require_usable,
)
from market.delivery.tables import DeliveryStop, Entitlement
from market.delivery.unconsented.holds import is_held, require_not_held, require_not_stopped
from market.listings import repository as listings
from market.listings.authorised import require_grant
from market.listings.rules import ListingState
from market.listings.service import require_basis
from market.listings.tables import Listing
from market.orders import repository as trades
from market.orders.agreed import agreed_on
from market.orders.bounding import policy_of, receivers_of
from market.orders.errors import NotAParty
from market.orders.rules import TradeEvent, TradeState, check_in_time, due_in, may_move
from market.orders.scope import licence_end
from market.orders.service import named
from market.orders.statements import terms_of
from market.orders.tables import Offer, Trade
from market.orders.waiting import DELIVERY_FAIL_JOB
from registry.service import bound_report, require_not_revoked

SILENT_ACCEPT_JOB: Final = "delivery.silent-accept"
EXPIRE_JOB: Final = "delivery.expire"
CHECK_JOB: Final = "delivery.check"  # `market.trade.checking` makes the test
SETTLEMENT_JOB: Final = "settlement.instruct"  # `market.settlement` handles it; siblings know no more
_LATE: Final = timedelta(milliseconds=1)
_LIVE: Final = frozenset({EntitlementStatus.ACTIVE, EntitlementStatus.USED_UP})
_DELIVERABLE: Final = frozenset({ListingState.LISTED, ListingState.DELISTED})  # running licences stay valid


async def start_delivery(s: WriteSession, act: Act, *, trade_id: str) -> Entitlement:
    """Open the delivery of a funded trade (TRD.START_DELIVERY): the buyer may now receive the file.

    The provider's act, within the contract's term of delivery. Raises NotAParty, TradeWrongState,
    DeadlinePassed, `member-not-active`, ListingNotDeliverable, CustomsRouteNotOpen, RightNotHeld,
    ChannelClosed, and what `bounding.policy_of` raises.
    """
    trade = await _of_party(s, act, trade_id, "PROVIDER")
    may_move(trade.status, TradeEvent.START_DELIVERY, act.role)
    _check_delivery_in_time(trade, act)
    await require_member(s, org_id=trade.seller_id)
    await require_member(s, org_id=trade.buyer_id)
    await require_cleared(s, trade=trade, act=act)
    await require_not_stopped(s, product_id=trade.product_id)
    listing = await require_deliverable(s, trade, now=act.now)
    offer = await trades.latest_offer(s, trade_id=trade_id)
    assert offer is not None
    file = await listings.get_file(s, file_id=listing.file_id)
    policy = await policy_of(s, trade_id=trade_id)
    term_end = licence_end(act.occurred_at, offer.term_months)
    before = trade.status
    await trades.move(s, trade=trade, event=TradeEvent.START_DELIVERY, role=act.role)
    entitlement = Entitlement(
        entitlement_id=act.new_id("ent"),
        trade_id=trade_id,
        buyer_id=trade.buyer_id,
        kind=_agreed_kind(offer),
        file_id=file.file_id,
        sha256=file.sha256,
        bytes=file.bytes,
        part=offer.delivery_part or "",
        status=EntitlementStatus.ACTIVE,
        max_downloads=(policy and policy.most_uses) or MAX_DOWNLOADS,
        granted_at=act.occurred_at,
        expires_at=min(term_end, (policy and policy.ends_by) or term_end),
    )
    s.add(entitlement)
    await s.flush()
    await ask_for_copy(s, act, entitlement)
    await record(
        s,
        act,
        Draft(
            "TRD.START_DELIVERY",
            trade_id,
            public=named(trade) | {"entitlement_id": entitlement.entitlement_id, "file_sha256": file.sha256},
            subjects={"file": file.sha256},
            before=before.value,
            after=trade.status.value,
        ),
    )
    await enqueue(
        s,
        kind=EXPIRE_JOB,
        key=entitlement.entitlement_id,
        run_at=entitlement.expires_at,
        payload={"entitlement_id": entitlement.entitlement_id},
    )
    if entitlement.kind is not DeliveryKind.FILE:
        await begin_rounds(s, now=act.now)
    return entitlement


def _agreed_kind(offer: Offer) -> DeliveryKind:
    delivery = terms_of(offer).delivery
    assert delivery is not None
    assert delivery.mode is not None
    return kind_of(delivery.mode)


async def confirm_receipt(s: WriteSession, act: Act, *, trade_id: str) -> Trade:
    """The buyer's word that the goods have arrived, without a download here (TRD.DELIVERED, `confirmed`).

    Raises NotAParty, TradeWrongState, DeadlinePassed, CopyBeingMade, CustomsRouteNotOpen, and what ends a
    right to receive (`require_usable`).
    """
    trade = await _of_party(s, act, trade_id, "BUYER")
    may_move(trade.status, TradeEvent.DELIVERED, act.role)
    _check_delivery_in_time(trade, act)
    entitlement = await _entitlement(s, trade)
    _, entitlement = await repository.claim(s, entitlement_id=entitlement.entitlement_id, moves_trade=True)
    require_usable(repository.right_of(trade, entitlement), org_id=act.actor.org_id, now=act.now)
    await require_clearance(s, trade=trade, recipient_id=trade.buyer_id, now=act.now)
    await require_made(s, entitlement_id=entitlement.entitlement_id)
    return await state_delivered(s, act, trade, entitlement, Mode.CONFIRMED)


async def state_delivered(
    s: WriteSession, act: Act, trade: Trade, entitlement: Entitlement, mode: Mode
) -> Trade:
    """Move a trade to DELIVERED, state it, and set the acceptance window and the exchange's test going."""
    agreed = await agreed_on(s, trade)
    assert agreed.within_wd is not None
    due = due_in(TradeState.DELIVERED, act.occurred_at, acceptance_days=agreed.within_wd)
    assert due is not None
    before = trade.status
    await trades.move(
        s,
        trade=trade,
        event=TradeEvent.DELIVERED,
        role=act.role,
        values={"delivered_at": act.occurred_at, "accept_by": due.deadline.at},
    )
    await record(
        s,
        act,
        Draft(
            "TRD.DELIVERED",
            trade.trade_id,
            public=named(trade)
            | {
                "entitlement_id": entitlement.entitlement_id,
                "mode": mode.value,
                "file_sha256": entitlement.sha256,
                "bytes": entitlement.bytes if mode is Mode.DOWNLOAD else 0,
            },
            subjects={"file": entitlement.sha256},
            before=before.value,
            after=trade.status.value,
        ),
    )
    await enqueue(
        s,
        kind=SILENT_ACCEPT_JOB,
        key=trade.trade_id,
        run_at=due.deadline.at + _LATE,
        payload={"trade_id": trade.trade_id},
    )
    await enqueue(s, kind=CHECK_JOB, key=trade.trade_id, run_at=act.now, payload={"trade_id": trade.trade_id})
    await cancel(s, kind=DELIVERY_FAIL_JOB, key=trade.trade_id, now=act.now)
    return trade


async def accept_goods(s: WriteSession, act: Act, *, trade_id: str, check: GoodsCheck | None = None) -> Trade:
    """The buyer accepts what came (TRD.ACCEPT_GOODS), if it likes with what its own tools measured.

    Raises NotAParty, TradeWrongState, DeadlinePassed when silence has accepted already, and
    GoodsDiffer when the check, or the last test it has stated, contradicts what was sold: that is a dispute,
    no acceptance.
    """
    trade = await _of_party(s, act, trade_id, "BUYER")
    may_move(trade.status, TradeEvent.ACCEPT_GOODS, act.role)
    assert trade.accept_by is not None
    check_in_time(trade.accept_by, act.now)
    checked = check or GoodsCheck()
    require_same_goods(checked, await _sold(s, trade))
    stated = await repository.check_by(s, trade_id=trade_id, role=act.role)
    if stated is not None and not stated.passed:
        raise GoodsDiffer("the last test you have stated failed", check_id=stated.check_id)
    await _accept(s, act, trade, TradeEvent.ACCEPT_GOODS, checked)
    await cancel(s, kind=SILENT_ACCEPT_JOB, key=trade_id, now=act.now)
    return trade


async def silent_accept(s: WriteSession, act: Act, *, trade_id: str) -> bool:
    """The clock's acceptance of what nobody objected to (TRD.SILENT_ACCEPT); False when it was overtaken."""
    trade = await trades.claim_trade(s, trade_id=trade_id)
    if trade.status is not TradeState.DELIVERED or trade.accept_by is None or act.now <= trade.accept_by:
        return False
    await _accept(s, act, trade, TradeEvent.SILENT_ACCEPT, GoodsCheck())
    return True


async def _accept(s: WriteSession, act: Act, trade: Trade, event: TradeEvent, checked: GoodsCheck) -> None:
    due = due_in(TradeState.ACCEPTED_GOODS, act.occurred_at)
    assert due is not None
    before = trade.status
    await trades.move(
        s,
        trade=trade,
        event=event,
        role=act.role,
        values={"accepted_at": act.occurred_at, "settle_at": due.deadline.at},
    )
    await record(
        s,
        act,
        Draft(
            f"TRD.{event.value}",
            trade.trade_id,
            public=named(trade),
            opening=checked.document() or None,
            before=before.value,
            after=trade.status.value,
        ),
    )
    await enqueue(
        s,
        kind=SETTLEMENT_JOB,
        key=trade.trade_id,
        run_at=due.deadline.at,
        payload={"trade_id": trade.trade_id},
    )


async def revoke_entitlement(s: WriteSession, *, trade_id: str) -> Entitlement | None:
    """End the right to receive a trade's file for good; the caller's own statement says on what ground.

    None where no delivery has started.
    """
    return await _stand(s, trade_id, EntitlementStatus.REVOKED, frozenset(EntitlementStatus))


async def freeze_entitlement(s: WriteSession, *, trade_id: str) -> Entitlement | None:
    """Stop a right to receive until it is unfrozen, also after the settlement; stated by the caller.

    One whose uses are made is stopped too, for what was used is given again while it stands. None where
    there is no live right.
    """
    return await _stand(s, trade_id, EntitlementStatus.FROZEN, _LIVE)


async def unfreeze_entitlement(s: WriteSession, *, trade_id: str) -> Entitlement | None:
    """Let a frozen right to receive live again; stated by the caller. None where none is frozen."""
    return await _stand(s, trade_id, EntitlementStatus.ACTIVE, frozenset({EntitlementStatus.FROZEN}))


async def _stand(
    s: WriteSession, trade_id: str, status: EntitlementStatus, froms: frozenset[EntitlementStatus]
) -> Entitlement | None:
    found = await repository.entitlement_of(s, trade_id=trade_id)
    if found is None:
        return None
    _, entitlement = await repository.claim(s, entitlement_id=found.entitlement_id, moves_trade=False)
    if entitlement.status not in froms:
        return None
    if status in _LIVE and await is_held(s, entitlement_id=entitlement.entitlement_id):
        return None  # a person's fallen consent stops it too, or an incident's order
    spent = entitlement.used == entitlement.max_downloads
    entitlement.status = EntitlementStatus.USED_UP if spent and status in _LIVE else status
    s.add(entitlement)
    await s.flush()
    return entitlement


async def end_stop(s: WriteSession, *, trade_id: str) -> None:
    """Forget that a delivery was suspended: it goes on, or is over. The trade is locked by the caller."""
    await s.exec(delete(DeliveryStop).where(col(DeliveryStop.trade_id) == trade_id))


async def expire_entitlement(s: WriteSession, *, entitlement_id: str, now: datetime) -> bool:
    """The clock's end of a right to receive; False when it had ended otherwise."""
    _, entitlement = await repository.claim(s, entitlement_id=entitlement_id, moves_trade=False)
    if entitlement.status is not EntitlementStatus.ACTIVE or now < entitlement.expires_at:
        return False
    entitlement.status = EntitlementStatus.EXPIRED
    s.add(entitlement)
    await s.flush()
    return True


def _check_delivery_in_time(trade: Trade, act: Act) -> None:
    """A delivery fails at its deadline, also while the clock's job has not run yet."""
    if trade.deliver_by is not None:
        check_in_time(trade.deliver_by, act.now)


async def _of_party(s: WriteSession, act: Act, trade_id: str, role: str) -> Trade:
    """The trade, locked, for the party that has this role in it. Raises TradeUnknown, NotAParty."""
    trade = await trades.claim_trade_of(s, trade_id=trade_id, org_id=act.actor.org_id)
    party = trade.seller_id if role == "PROVIDER" else trade.buyer_id
    if act.role != role or act.actor.org_id != party:
        raise NotAParty(f"this is an act of the trade's {role}", role=act.role)
    return trade


async def require_deliverable(s: WriteSession, trade: Trade, *, now: datetime) -> Listing:
    """What a delivery rests on, share-locked: the listing, its registered right, its level's channel.

    Raises ListingNotDeliverable, RightNotHeld, ChannelClosed, ConsentMissing.
    """
    listing = await _require_not_suspended(s, trade)
    await require_basis(s, listing, now=now, recipients=await receivers_of(s, trade))
    await require_not_held(s, trade_id=trade.trade_id)
    return listing


async def require_outgoing(s: WriteSession, trade: Trade, *, now: datetime) -> None:
    """What must hold while bytes of a trade leave: nothing of what is suspended goes out.

    While the first delivery is under way its whole basis is asked, afterwards only the listing and the grant
    it is sold under, which a withdrawn listing needs as well, whose right may not be found wrong either.
    Raises what `require_deliverable` raises.
    """
    if trade.status is TradeState.DELIVERING:
        await require_deliverable(s, trade, now=now)
    else:
        listing = await _require_not_suspended(s, trade)
        await require_grant(s, listing, now=now)
        if listing.status is ListingState.DELISTED:  # a suspension no longer tells what befell its right
            await require_not_revoked(s, product_id=listing.product_id, holder_id=listing.seller_id)


async def _require_not_suspended(s: WriteSession, trade: Trade) -> Listing:
    listing = await listings.lock_listing(s, listing_id=trade.listing_id)
    check_deliverable(listing.listing_id, listing.status)
    return listing


def check_deliverable(listing_id: str, status: ListingState) -> None:
    """Raise ListingNotDeliverable for a listing of which nothing goes out now."""
    if status not in _DELIVERABLE:
        raise ListingNotDeliverable(
            "what was sold may not be delivered now", listing_id=listing_id, status=status.value
        )


async def _entitlement(s: WriteSession, trade: Trade) -> Entitlement:
    entitlement = await repository.entitlement_of(s, trade_id=trade.trade_id)
    if entitlement is None:
        raise DeliveryWrongState("the delivery has not started", trade_id=trade.trade_id)
    return entitlement


async def _sold(s: WriteSession, trade: Trade) -> GoodsCheck:
    entitlement = await _entitlement(s, trade)
    listing = await listings.get_listing(s, listing_id=trade.listing_id)
    report = await bound_report(s, listing_id=listing.listing_id, report_sha256=listing.report_sha256)
    mark = await mark_of(s, entitlement_id=entitlement.entitlement_id)
    measured = report.sha256 if mark is None else mark.report_sha256 or report.sha256
    return GoodsCheck(entitlement.sha256, report.rows, measured)
