"""What outlasts a mandate: the contract that was agreed under it (Civil Code 963, 965).

A client that takes its mandate back after the deal is agreed, takes over or waits until its time is over,
walks around nobody: the contract keeps its broker and the commission, and is concluded without a new act of
the broker's. What was lost with the certificate is not agreed any more (`market.orders.taking_over`).
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from base.db import ReadSession
from brokers.states import MandateState
from brokers.tables import MandateRow
from ledger.reader import statements_about
from market.orders.states import TradeState
from market.orders.tables import Trade

_ENDS: Final = ("MND.REVOKE", "MND.EXPIRE", "MND.TERMINATE", "MND.TAKE_OVER", "MND.HAND_OVER", "MND.FULFIL")
_PASSED_ON: Final = frozenset({"MND.HAND_OVER", "MND.FULFIL"})


@dataclass(frozen=True, slots=True)
class End:
    """When a mandate ended first.

    `lost` with the certificate; `disabled` while it was suspended, or with it; `passed_on` to another broker,
    or with the one deal that it was for.
    """

    at: datetime
    lost: bool = False
    disabled: bool = False
    passed_on: bool = False


async def end_of(s: ReadSession, mandate: MandateRow, *, at: datetime) -> End | None:
    """The end of a mandate, by what was stated first or by its time; None while it runs.

    What is stated of one whose time was over says nothing more.
    """
    said = await statements_about(s, object_ids=[mandate.mandate_id], events=_ENDS)
    if not said:
        return None if at <= mandate.ends_at else End(mandate.ends_at)
    first = said[0]
    lost = first.event == "MND.TERMINATE"
    disabled = lost or first.predicate.get("from") == MandateState.FROZEN.value
    if first.occurred_at > mandate.ends_at:
        return End(mandate.ends_at, disabled=disabled)
    return End(first.occurred_at, lost=lost, disabled=disabled, passed_on=first.event in _PASSED_ON)


async def outlasts(s: ReadSession, trade: Trade, mandates: Collection[MandateRow], *, at: datetime) -> bool:
    """Whether a contract was agreed under one of these mandates, and that has ended before its conclusion."""
    if trade.status is not TradeState.CONTRACT_READY or trade.agreed_at is None:
        return False
    mandate = next((row for row in mandates if row.mandate_id == trade.mandate_id), None)
    if mandate is None:
        return False
    end = await end_of(s, mandate, at=at)
    return end is not None and not end.lost and trade.agreed_at <= end.at
