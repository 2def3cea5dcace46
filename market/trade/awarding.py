"""From the end of an auction to contracts that can be signed: each winner's trade goes on as any."""

from base.db import WriteSession
from ledger.recording import Act
from market.auctions import closing
from market.trade.accepting import prepare_contract


async def award_auction(s: WriteSession, act: Act, *, auction_id: str) -> bool:
    """Award an auction, and check and draw up what its winners sign; False where there is nothing to do.

    A winner whose trade fails a check is blocked, and named by it; nobody else's price or trade changes.
    """
    awarded = await closing.award_auction(s, act, auction_id=auction_id)
    if awarded is None:
        return False
    for trade in awarded.trades:
        await prepare_contract(s, act, trade)
    return True
