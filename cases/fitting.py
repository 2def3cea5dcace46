"""Whether an order's object takes it now: asked when the order is proposed, and by its own act when it bites.

Without a lock and without an effect: what changes between the two officers, the second one's act refuses.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from base.db import ReadSession
from base.errors import NotFound
from brokers.repository import get_certificate
from brokers.rules import CertificateEvent, certificate_may_move
from cases.errors import OrderMalformed
from cases.investigating import check_entries, check_funds, check_interview
from cases.rules import Measure
from cases.tables import Case
from ledger.recording import Act
from market.listings.repository import get_listing
from market.listings.rules import ListingEvent
from market.listings.rules import may_move as listing_may_move
from market.orders.repository import get_trade
from market.orders.rules import TradeEvent, TradeState, check_takeover, may_move

_TRADES: Final[Mapping[Measure, TradeEvent]] = {
    Measure.FREEZE_TRADE: TradeEvent.FREEZE,
    Measure.FREEZE_FUNDS: TradeEvent.FREEZE,
    Measure.UNFREEZE_TRADE: TradeEvent.UNFREEZE,
    Measure.SUSPEND_DELIVERY: TradeEvent.SUSPEND,
    Measure.RESUME_DELIVERY: TradeEvent.RESUME,
    Measure.REFUND_TRADE: TradeEvent.POST_REFUND,
    Measure.VOID_TRADE: TradeEvent.VOID,
}
_CERTIFICATES: Final[Mapping[Measure, CertificateEvent]] = {
    Measure.SUSPEND_CERTIFICATE: CertificateEvent.SUSPEND,
    Measure.REINSTATE_CERTIFICATE: CertificateEvent.REINSTATE,
    Measure.REVOKE_CERTIFICATE: CertificateEvent.REVOKE,
}
_LISTINGS: Final[Mapping[Measure, ListingEvent]] = {
    Measure.SUSPEND_LISTING: ListingEvent.SUSPEND,
    Measure.RESUME_LISTING: ListingEvent.RESUME,
    Measure.DELIST_LISTING: ListingEvent.DELIST,
}


async def check_fits(
    s: ReadSession,
    act: Act,
    *,
    case: Case,
    measure: Measure,
    object_id: str,
    seqs: Sequence[int],
    held_at: datetime | None,
) -> None:
    """Whether what is to be ordered can be done to its object as it stands.

    Raises OrderMalformed, also where there is no such object, and the WrongState or WrongRole of a trade, a
    certificate or a listing.
    """
    if measure is Measure.INTERVIEW:
        check_interview(case, object_id, held_at, now=act.now)
        return
    if measure is Measure.FREEZE_EVIDENCE:
        check_entries(case, seqs)
        return
    try:
        await _check_moves(s, act, case, measure, object_id)
    except NotFound:
        raise OrderMalformed("there is nothing of this kind with this id", member="object_id") from None


async def _check_moves(s: ReadSession, act: Act, case: Case, measure: Measure, object_id: str) -> None:
    if measure in _TRADES:
        trade = await get_trade(s, trade_id=object_id)
        if measure is Measure.FREEZE_FUNDS:
            check_funds(case, trade)
        may_move(trade.status, _TRADES[measure], act.role)
        if _TRADES[measure] is TradeEvent.FREEZE and trade.status is TradeState.FROZEN:
            check_takeover(frozen_by=trade.frozen_by or act.role)
    elif measure in _CERTIFICATES:
        row = await get_certificate(s, cert_id=object_id)
        certificate_may_move(row.status, _CERTIFICATES[measure], act.role)
    else:
        listing = await get_listing(s, listing_id=object_id)
        listing_may_move(listing.status, _LISTINGS[measure], act.role)
