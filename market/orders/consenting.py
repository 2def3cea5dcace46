"""A party of a trade consents in writing to the conflicts that the trade's broker has disclosed (BR4)."""

from typing import Final

from base.db import WriteSession
from brokers.conduct.errors import NothingToConsentTo
from brokers.conduct.service import consent_to_conflict
from brokers.conduct.tables import ConflictConsentRow
from ledger.recording import Act
from market.orders.errors import NotAParty, TradeMovedOn
from market.orders.repository import claim_trade_of
from market.orders.states import TradeState

OPEN: Final = (TradeState.INQUIRED, TradeState.NEGOTIATING)


async def consent_in_trade(s: WriteSession, act: Act, *, trade_id: str) -> ConflictConsentRow:
    """Consent to every interest the broker has disclosed in a party of this trade, before it is agreed.

    Raises TradeUnknown, NotAParty, TradeMovedOn, NothingToConsentTo, `member-not-active`.
    """
    trade = await claim_trade_of(s, trade_id=trade_id, org_id=act.actor.org_id)
    own = {"PROVIDER": trade.seller_id, "BUYER": trade.buyer_id}.get(act.role)
    if own != act.actor.org_id:
        raise NotAParty("seller and buyer consent, each for itself", role=act.role)
    if trade.broker_id is None:
        raise NothingToConsentTo("the trade has no broker", trade_id=trade_id)
    if trade.status not in OPEN:
        raise TradeMovedOn("the trade is agreed, or over", trade_id=trade_id, status=trade.status.value)
    parties = (trade.seller_id, trade.buyer_id)
    return await consent_to_conflict(s, act, trade_id=trade_id, broker_id=trade.broker_id, parties=parties)
