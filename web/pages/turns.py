"""What waits for the visitor in its trades: whose turn it is, what to do, and until when."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from base.db import ReadSession
from market.disputes.repository import talks_of
from market.filing.repository import invoiced_among
from market.listings.repository import titles_of
from market.orders.states import TradeState
from market.orders.tables import Trade
from market.orders.turns import running_of
from web.pages.steps import Part, deadline_of, is_turn, next_words, part_of
from web.pages.visiting import PARTIES, Visitor

_END: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A trade that waits for the visitor: what it is about, its part in it, what comes next, the deadline."""

    trade: Trade
    title: str
    part: Part
    words: str
    deadline: datetime | None


async def waiting_for(s: ReadSession, visitor: Visitor, *, limit: int = 50) -> list[Waiting]:
    """The visitor's trades in which it is its turn, the nearest deadline first."""
    org_id, now = visitor.org_id, visitor.node.clock.now()
    if org_id is None or not visitor.may(PARTIES):
        return []
    turns = await running_of(s, org_id=org_id, limit=limit)
    settled = [turn.trade.trade_id for turn in turns if turn.trade.status is TradeState.SETTLED]
    invoiced = await invoiced_among(s, trade_ids=settled)
    titles = await titles_of(s, listing_ids={turn.trade.listing_id for turn in turns})
    disputed = [turn.trade.trade_id for turn in turns if turn.trade.status is TradeState.DISPUTED]
    talks = await talks_of(s, trade_ids=disputed)
    found = []
    for turn in turns:
        part = part_of(turn.trade, org_id, visitor.roles)
        words = next_words(turn.trade)
        if part is None or words is None or turn.trade.trade_id in invoiced:
            continue
        said = talks.get(turn.trade.trade_id)
        if is_turn(turn.trade, part, latest=turn.latest, has_signed=turn.has_signed, now=now, talks=said):
            deadline = deadline_of(turn.trade, said)
            found.append(Waiting(turn.trade, titles[turn.trade.listing_id], part, words, deadline))
    return sorted(found, key=lambda one: (one.deadline or _END, one.trade.trade_id))
