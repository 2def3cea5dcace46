"""A client takes over from its broker, up to the contract that the broker cannot sign any more."""

from base.db import WriteSession
from brokers.tables import MandateRow
from ledger.recording import Act
from market.orders import taking_over
from market.trade.accepting import draw_up_again


async def take_over(s: WriteSession, act: Act, *, mandate_id: str) -> MandateRow:
    """Take over what the broker negotiates, and what only its signature is missing from.

    Contracts that are not concluded are checked and drawn up anew without the broker (TRD.PRECHECK_PASS,
    or TRD.PRECHECK_FAIL); whoever signed the former one signs again.

    Raises what `market.orders.taking_over.take_over` raises.
    """
    row, agreed = await taking_over.take_over(s, act, mandate_id=mandate_id)
    for trade in agreed:
        await draw_up_again(s, act.as_exchange(), trade)
    return row
