"""What a trade's tables repeat of the openings of its statements, emptied when an opening is erased.

Amounts, quantities and times stay: they are the books of a trade that was made, and not a copy of what was
said. A text that is gone says so (`ledger.erasure.ERASED`); a document that is gone is empty.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlmodel import col, delete, select, update

from base.db import ReadSession, WriteSession
from ledger.erasure import ERASED
from market.orders.states import OVER
from market.orders.tables import Contract, ContractPolicy, ContractRecipient, Offer, QuoteRow, Trade


@dataclass(frozen=True, slots=True)
class Business:
    """How trades stand: one that is not over, if there is one, and when the last was settled."""

    unfinished: str | None = None
    last_settled_at: datetime | None = None


async def business_on(s: ReadSession, *, listing_id: str) -> Business:
    """The trades of a listing."""
    return await _business(s, col(Trade.listing_id) == listing_id)


async def business_under(s: ReadSession, *, mandate_id: str, broker_id: str) -> Business:
    """The trades that a broker mediates under a mandate."""
    return await _business(s, (col(Trade.broker_id) == broker_id) & (col(Trade.mandate_id) == mandate_id))


async def forget_inquiry(s: WriteSession, *, trade_id: str) -> None:
    """The purpose and the scenario of an inquiry, and the contract that repeats them."""
    await _trade_texts(s, trade_id, purpose=ERASED, scenario=ERASED)
    await forget_contract(s, trade_id=trade_id)


async def forget_offer(s: WriteSession, *, trade_id: str, statement_id: str) -> None:
    """The terms of an offer in words and codes, and what trade, contract and policy took over from it.

    What a policy said is gone with it, so nothing more is given under it (`bounding.policy_of`).
    """
    of_it = (col(Offer.trade_id) == trade_id) & (col(Offer.statement_id) == statement_id)
    await s.exec(update(Offer).where(of_it).values(purpose=ERASED, territory=ERASED, scope=""))
    await _trade_texts(s, trade_id, purpose=ERASED)
    await forget_contract(s, trade_id=trade_id)
    of_trade = col(ContractPolicy.trade_id) == trade_id
    await s.exec(update(ContractPolicy).where(of_trade).values(document=""))
    await s.exec(delete(ContractRecipient).where(col(ContractRecipient.trade_id) == trade_id))


async def forget_quote(s: WriteSession, *, quote_id: str) -> None:
    """The document of a quote, and the facts that it was made from."""
    await s.exec(update(QuoteRow).where(col(QuoteRow.quote_id) == quote_id).values(document="", facts=""))


async def forget_contract(s: WriteSession, *, trade_id: str) -> None:
    """The contract's document and the opening that its parties signed for."""
    await s.exec(update(Contract).where(col(Contract.trade_id) == trade_id).values(document="", opening=""))


async def forget_contracts_on(s: WriteSession, *, listing_id: str) -> None:
    """The contracts over a listing's goods: each names what it is called."""
    trades = select(Trade.trade_id).where(Trade.listing_id == listing_id)
    of_it = col(Contract.trade_id).in_(trades)
    await s.exec(update(Contract).where(of_it).values(document="", opening=""))


async def _trade_texts(s: WriteSession, trade_id: str, **texts: str) -> None:
    await s.exec(update(Trade).where(col(Trade.trade_id) == trade_id).values(**texts))


async def _business(s: ReadSession, where: object) -> Business:
    running = (
        select(Trade.trade_id)
        .where(where, col(Trade.status).not_in(OVER))  # type: ignore[arg-type]  # a condition
        .limit(1)
    )
    settled = select(func.max(Trade.settled_at)).where(where)  # type: ignore[arg-type]  # a condition
    return Business((await s.exec(running)).first(), (await s.exec(settled)).one())
