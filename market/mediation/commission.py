"""What a broker has earned in a period: the same postings as its account, of the trades it mediated alone.

A reward is owed on success only (Civil Code 963, 964): nothing before a trade is settled, and what of it is
refunded goes back. Agreed expenses stand apart: they are between broker and client, and no money of theirs
passes through escrow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import or_
from sqlmodel import col, select

from base.db import ReadSession
from market.mediation import repository
from market.mediation.rules import expenses_owed
from market.mediation.states import OF_TRADE, Stage, stage_of_trade
from market.mediation.tables import Deal
from market.orders.tables import Trade
from market.settlement.accounts import commission_of, statement_of_account

MOST_SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class Expense:
    """Expenses that a client agreed to, and what of them it owes: nothing where a contract came about."""

    deal_id: str
    client_id: str | None
    agreed_minor: int
    owed_minor: int


@dataclass(frozen=True, slots=True)
class Reward:
    """`document` is a statement of account that can be signed; `pending` contracts earn nothing yet."""

    document: dict[str, Any]
    deals: dict[str, str]
    pending: Sequence[Trade]
    expenses: Sequence[Expense]

    @property
    def earned_minor(self) -> int:
        return int(self.document["paid_out_minor"])

    @property
    def returned_minor(self) -> int:
        return int(self.document["paid_in_minor"])


async def reward_of(s: ReadSession, *, broker_id: str, since: date, until: date, now: datetime) -> Reward:
    """The commission of some days in Shanghai, both included. Raises PeriodMalformed, PeriodTooLong."""
    account = commission_of(broker_id)
    document = await statement_of_account(s, account=account, since=since, until=until, now=now)
    trades = sorted({line["trade_id"] for line in document["lines"]})
    return Reward(
        document=document,
        deals=await repository.deals_of_trades(s, broker_id=broker_id, trade_ids=trades),
        pending=await _pending(s, broker_id),
        expenses=await _expenses(s, broker_id),
    )


async def _pending(s: ReadSession, broker_id: str) -> list[Trade]:
    """The contracts under which nothing is earned yet, oldest first."""
    waiting = [state for state, stage in OF_TRADE.items() if stage is Stage.CONTRACTED]
    query = select(Trade).where(
        or_(col(Trade.broker_id) == broker_id, col(Trade.reward_to) == broker_id),
        col(Trade.status).in_([*waiting, "FROZEN"]),
        col(Trade.commission_minor) > 0,
    )
    found = (await s.exec(query.order_by(col(Trade.trade_id)).limit(MOST_SHOWN))).all()
    return [one for one in found if stage_of_trade(one.status, one.frozen_from) is Stage.CONTRACTED]


async def _expenses(s: ReadSession, broker_id: str) -> list[Expense]:
    query = select(Deal).where(Deal.broker_id == broker_id, col(Deal.expenses_agreed_at).is_not(None))
    found = []
    for deal in (await s.exec(query.order_by(col(Deal.deal_id).desc()).limit(MOST_SHOWN))).all():
        assert deal.expenses_minor is not None  # it was agreed
        found.append(Expense(deal.deal_id, deal.client_id, deal.expenses_minor, await owed_on(s, deal)))
    return found


async def owed_on(s: ReadSession, deal: Deal) -> int:
    """What the client owes of a deal's expenses now, in fen."""
    return expenses_owed(
        deal.expenses_minor,
        agreed=deal.expenses_agreed_at is not None,
        stage=repository.stage_of(deal, await repository.trade_of(s, deal)),
        contracted=await repository.contract_came_about(s, deal),
    )
