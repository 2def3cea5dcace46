"""A mandate ends while something is agreed under it: by its client's act, or by its time.

A client takes over from its broker, up to the contract that the broker cannot sign any more. What was agreed
keeps its broker; where only its signature was awaited the contract is concluded with the mandate's end.
"""

from base.db import WriteSession
from brokers import mandating
from brokers.repository import certificate_in_use, get_mandate
from brokers.tables import MandateRow
from ledger.recording import Act
from market.orders import taking_over
from market.orders.repository import claim_trade, ended_with_ready, ready_under
from market.orders.signing import conclude_signed
from market.orders.tables import Trade
from market.trade.accepting import draw_up_again


async def take_over(s: WriteSession, act: Act, *, mandate_id: str) -> MandateRow:
    """Take over what the broker negotiates, and what only its signature is missing from.

    Contracts that are not concluded are checked and drawn up anew without the broker (TRD.PRECHECK_PASS,
    or TRD.PRECHECK_FAIL) where it is not certified; whoever signed the former one signs again. Else they stay
    with it, and are concluded where both principals have signed (TRD.CONTRACT).

    Raises what `market.orders.taking_over.take_over` raises.
    """
    agreed = await _agreed(s, act, mandate_id)
    row, reached = await taking_over.take_over(s, act, mandate_id=mandate_id)
    for trade in reached:
        await draw_up_again(s, act.as_exchange(), trade)
    left = [trade for trade in agreed if trade.trade_id not in {one.trade_id for one in reached}]
    await conclude_signed(s, act.as_exchange(), trades=left)
    return row


async def revoke_mandate(s: WriteSession, act: Act, *, mandate_id: str) -> MandateRow:
    """Take a mandate back as its client (MND.REVOKE); what is agreed under it stands (Civil Code 965).

    Raises what `brokers.mandating.revoke_mandate` raises.
    """
    agreed = await _agreed(s, act, mandate_id)
    row = await mandating.revoke_mandate(s, act, mandate_id=mandate_id)
    await conclude_signed(s, act.as_exchange(), trades=agreed)
    return row


async def end_mandate(s: WriteSession, act: Act, *, mandate_id: str) -> bool:
    """The clock's end of a mandate (MND.EXPIRE); False where it ended before."""
    agreed = await _agreed(s, act, mandate_id)
    ended = await mandating.end_mandate(s, act, mandate_id=mandate_id)
    await conclude_signed(s, act, trades=agreed)
    return ended


async def conclude_left(s: WriteSession, act: Act) -> None:
    """Conclude what still waited for something else when its mandate ended: a listing, a reinstatement."""
    for mandate_id in await ended_with_ready(s, at=act.now):
        await conclude_signed(s, act, trades=await _agreed(s, act, mandate_id))


async def _agreed(s: WriteSession, act: Act, mandate_id: str) -> list[Trade]:
    """The contracts to be signed under a mandate, locked: trades, certificate, mandate in this order."""
    trades = [await claim_trade(s, trade_id=one) for one in await ready_under(s, mandate_id=mandate_id)]
    if trades:
        await certificate_in_use(
            s, org_id=(await get_mandate(s, mandate_id=mandate_id)).broker_id, at=act.now
        )
    return trades
