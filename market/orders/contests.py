"""What is asked about contests of a reward, and the stop that an open one is to the contract's conclusion."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import or_
from sqlmodel import col, select

from base.db import ReadSession, WriteSession, exclusive_lock
from ledger.reader import opening, statements_about
from market.orders.errors import ContestUnknown, RewardContested
from market.orders.tables import RewardContest, Trade

MAX_PAGE: Final = 100
_WORDS: Final = {"RWD.CONTEST": "reasons", "RWD.ANSWER": "text", "RWD.DECIDE": "reasons"}


async def claim_contest(s: WriteSession, *, contest_id: str) -> RewardContest:
    """A contest, locked. Raises ContestUnknown."""
    query = exclusive_lock(select(RewardContest).where(RewardContest.contest_id == contest_id))
    row = (await s.exec(query.execution_options(populate_existing=True))).first()
    if row is None:
        raise ContestUnknown("no such contest", contest_id=contest_id)
    return row


async def contests_in(s: ReadSession, *, trade_id: str) -> Sequence[RewardContest]:
    """The contests in a trade, first to last."""
    query = select(RewardContest).where(RewardContest.trade_id == trade_id)
    return (await s.exec(query.order_by(RewardContest.contest_id))).all()


async def contests_of(
    s: ReadSession, *, org_id: str | None, after: str | None = None, limit: int = 50
) -> Sequence[RewardContest]:
    """Those of an organisation's trades or of its reward (or all), newest first, by keyset."""
    query = select(RewardContest).join(Trade, col(Trade.trade_id) == col(RewardContest.trade_id))
    if org_id is not None:
        parties = (col(Trade.seller_id), col(Trade.buyer_id), col(RewardContest.broker_id))
        query = query.where(or_(*(party == org_id for party in parties)))
    if after is not None:
        query = query.where(RewardContest.contest_id < after)
    in_order = query.order_by(col(RewardContest.contest_id).desc()).limit(min(limit, MAX_PAGE))
    return (await s.exec(in_order)).all()


async def words_of(s: ReadSession, *, contest_id: str) -> dict[str, str]:
    """What was said in a contest, by the event; what was erased is not there."""
    words = {}
    for one in await statements_about(s, object_ids=[contest_id], events=sorted(_WORDS)):
        kept = await opening(s, sha256=one.opening_sha256) if one.opening_sha256 else None
        if kept is not None:
            words[one.event] = str(kept[_WORDS[one.event]])
    return words


async def require_uncontested(s: ReadSession, trade: Trade, *, at: datetime) -> None:
    """That nobody waits for a decision on the trade's reward, while that has time. Raises RewardContested."""
    if trade.reward_to is None:
        return
    for one in await contests_in(s, trade_id=trade.trade_id):
        if one.decided_at is None and at <= one.due_at:
            raise RewardContested(
                "the reward is contested", trade_id=trade.trade_id, contest_id=one.contest_id
            )
