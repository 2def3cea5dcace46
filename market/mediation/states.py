"""The stages of a deal: the broker's own until there is a trade, the trade's from then on."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from market.mediation.errors import DealStageWrong
from market.orders.states import TradeState


class Stage(StrEnum):
    LEAD = "LEAD"
    MATCHED = "MATCHED"
    PROPOSED = "PROPOSED"
    NEGOTIATING = "NEGOTIATING"
    CONTRACTED = "CONTRACTED"
    SETTLED = "SETTLED"
    LOST = "LOST"


OWN: Final[Mapping[Stage, frozenset[Stage]]] = {
    Stage.LEAD: frozenset({Stage.MATCHED, Stage.PROPOSED, Stage.LOST}),
    Stage.MATCHED: frozenset({Stage.LEAD, Stage.PROPOSED, Stage.LOST}),
    Stage.PROPOSED: frozenset({Stage.LEAD, Stage.MATCHED, Stage.LOST}),
    Stage.LOST: frozenset({Stage.LEAD}),  # taken up again
}
"""Where a broker may move a deal that has no trade; the other stages come with the trade alone."""

_T = TradeState
OF_TRADE: Final[Mapping[TradeState, Stage]] = {
    **dict.fromkeys((_T.INQUIRED, _T.NEGOTIATING, _T.ACCEPTED, _T.CONTRACT_READY), Stage.NEGOTIATING),
    **dict.fromkeys(
        (
            *(_T.CONTRACTED, _T.FUNDED, _T.DELIVERING, _T.DELIVERY_SUSPENDED, _T.DELIVERED),
            *(_T.DISPUTED, _T.ACCEPTED_GOODS, _T.PARTIAL_SETTLE),
        ),
        Stage.CONTRACTED,
    ),
    **dict.fromkeys((_T.SETTLED, _T.FILED, _T.CERTIFIED, _T.CLOSED), Stage.SETTLED),
    **dict.fromkeys(
        (
            *(_T.REFUSED, _T.LAPSED, _T.BLOCKED, _T.CANCELLED),
            *(_T.REFUND_PENDING, _T.REFUNDED, _T.VOIDED),
        ),
        Stage.LOST,
    ),
}
"""The stage of a deal whose trade stands there; a frozen trade is where it was frozen."""


def stage_of_trade(status: TradeState, frozen_from: str | None) -> Stage:
    """The stage that a trade's state is."""
    return OF_TRADE[TradeState(frozen_from) if frozen_from is not None else status]


def may_move(stage: Stage, to: Stage, *, has_trade: bool) -> None:
    """Whether the broker may move a deal there. Raises DealStageWrong with `allowed`."""
    allowed = frozenset() if has_trade else OWN.get(stage, frozenset())
    if to not in allowed:
        raise DealStageWrong(
            "the trade decides" if has_trade else "the stage does not lead there",
            stage=stage.value,
            to=to.value,
            allowed=sorted(allowed),
        )
