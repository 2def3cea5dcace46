"""A contract that is not funded ends, when nothing more can be on its way that was paid in time.

The bank's booking day counts, not the moment at which we hear of it. So a deadline that has passed ends
nothing at once: the bank is given time to ask about what it has received (it asks again for as long as it
hears no answer), and where days are compared its statement of the last day has to be in.
"""

from datetime import date, datetime, timedelta
from typing import Final

from sqlmodel import col, select

from base.calendar import at_shanghai, shanghai_day
from base.db import ReadSession, WriteSession
from ledger.recording import Act
from market.orders import repository as trades
from market.orders.rules import TradeState
from market.orders.signing import cancel_unfunded
from market.orders.tables import Trade
from market.settlement import repository
from market.settlement.doubts import UNKNOWN_ENTRY
from market.settlement.reconciling import RECONCILE_AT
from market.settlement.tables import BankMovement, ReconciledDay

HEARING: Final = timedelta(minutes=10)  # the bank asks again at least twice a minute


async def end_unfunded(s: WriteSession, act: Act, *, trade_id: str, again: bool) -> datetime | None:
    """End a contract whose money did not come in time (TRD.FUND_TIMEOUT), or say when to look again.

    `again`: it was looked at before, so the bank has had the time to ask. Looked at again later is also a
    contract of which the last day's statement is not in yet, or for which the bank shows a credit that nobody
    was asked about (a work item says so). None when nothing is left to do.
    """
    trade = await trades.claim_trade(s, trade_id=trade_id)
    if trade.status is not TradeState.CONTRACTED or trade.fund_by is None or act.now <= trade.fund_by:
        return None
    last = shanghai_day(trade.fund_by)
    if again and await _is_stated(s, last) and not await _is_shown(s, trade):
        await cancel_unfunded(s, act, trade_id=trade_id)
        return None
    return max(act.now, at_shanghai(last + timedelta(days=1), RECONCILE_AT)) + HEARING


async def _is_stated(s: ReadSession, day: date) -> bool:
    """Whether the bank's statement of a day is here; before the first movement no day is compared."""
    moved = await s.exec(select(BankMovement.entry_id).where(col(BankMovement.booked_on) <= day).limit(1))
    if moved.first() is None:
        return True
    stated = await s.exec(select(ReconciledDay).where(ReconciledDay.day == day).limit(1))
    return stated.first() is not None


async def _is_shown(s: ReadSession, trade: Trade) -> bool:
    """Whether a statement shows a credit for the trade that we were not asked about, not cleared up yet."""
    items = await repository.open_work_items_of(s, trade_id=trade.trade_id)
    return any(item.kind == UNKNOWN_ENTRY and int(item.facts.get("actual_minor", 0)) > 0 for item in items)
