"""The states of an auction (`AUC`): one table."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from market.auctions.errors import AuctionWrongRole, AuctionWrongState


class AuctionState(StrEnum):
    OPEN = "OPEN"  # commitments are taken
    CLOSED = "CLOSED"  # what was committed to is revealed
    AWARDED = "AWARDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class AuctionEvent(StrEnum):
    OPEN = "OPEN"
    COMMIT = "COMMIT"
    CANCEL = "CANCEL"
    CLOSE = "CLOSE"
    REVEAL = "REVEAL"
    REVEAL_RESERVE = "REVEAL_RESERVE"
    AWARD = "AWARD"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Move:
    """Who may cause the event, where it leads, under what guard and when, in words.

    The ledger statement of an event is `AUC.<event>`.
    """

    roles: frozenset[str]
    to: AuctionState
    guard: str
    within: str


_SELLER: Final = frozenset({"PROVIDER"})
_BIDDER: Final = frozenset({"BUYER", "BROKER"})
_SYSTEM: Final = frozenset({"EXCHANGE_OPERATOR"})
_S, _E = AuctionState, AuctionEvent
MOVES: Final[Mapping[tuple[AuctionState | None, AuctionEvent], Move]] = {
    (None, _E.OPEN): Move(_SELLER, _S.OPEN, "a listing of one's own on offer, in no other auction", ""),
    (_S.OPEN, _E.COMMIT): Move(
        _BIDDER, _S.OPEN, "not of the seller's group; one bid of an undertaking", "until the close"
    ),
    (_S.OPEN, _E.CANCEL): Move(_SELLER, _S.CANCELLED, "nobody has committed", "until the close"),
    (_S.OPEN, _E.CLOSE): Move(_SYSTEM, _S.CLOSED, "there are commitments", "at the close"),
    (_S.OPEN, _E.FAIL): Move(_SYSTEM, _S.FAILED, "nobody has committed", "at the close"),
    (_S.CLOSED, _E.REVEAL): Move(
        _BIDDER, _S.CLOSED, "price and nonce open the commitment; once", "until the end of revealing"
    ),
    (_S.CLOSED, _E.REVEAL_RESERVE): Move(
        _SELLER, _S.CLOSED, "reserve and nonce open its commitment; once", "until the end of revealing"
    ),
    (_S.CLOSED, _E.AWARD): Move(_SYSTEM, _S.AWARDED, "the mechanism has a winner", "after revealing"),
    (_S.CLOSED, _E.FAIL): Move(
        _SYSTEM, _S.FAILED, "the mechanism has none; a known reason", "after revealing"
    ),
}
RUNNING: Final = (_S.OPEN, _S.CLOSED)


class FailReason(StrEnum):
    """Why an auction ended without an award."""

    NO_BIDS = "no-bids"
    NOTHING_REVEALED = "nothing-revealed"
    SEED_NOT_PUBLISHED = "seed-not-published"
    RESERVE_NOT_REVEALED = "reserve-not-revealed"
    RESERVE_NOT_MET = "reserve-not-met"
    ONE_SIDED = "auction-one-sided"
    NOBODY_REACHES = "nobody-reaches-the-price"
    LISTING_NOT_ON_OFFER = "listing-not-on-offer"


def may_move(state: AuctionState | None, event: AuctionEvent, role: str) -> AuctionState:
    """Where the event leads. Raises AuctionWrongState (with what is allowed) and AuctionWrongRole."""
    move = MOVES.get((state, event))
    if move is None:
        raise AuctionWrongState(
            f"{event} is not possible in {state}",
            event=event.value,
            state=state.value if state else None,
            allowed=sorted(known.value for at, known in MOVES if at is state),
        )
    if role not in move.roles:
        raise AuctionWrongRole(
            f"{event} belongs to another role", event=event.value, role=role, roles=sorted(move.roles)
        )
    return move.to
