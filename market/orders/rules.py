"""What decides about a trade's negotiation: whose turn it is, what an offer may say, how one refuses.

The states and moves are in `market.orders.states`, the clocks in `market.orders.deadlines`, the checks
before the contract in `market.orders.precheck`.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from market.orders.deadlines import Due, check_in_time, check_reached, due_in, resumed
from market.orders.errors import OfferMalformed, RefusalReasonMissing, TradeWrongRole
from market.orders.states import (
    Move,
    TradeEvent,
    TradeState,
    allowed_events,
    check_takeover,
    check_unfreeze,
    may_move,
)
from pricing.negotiated import Offer, Side, check_acceptance, check_offer

__all__ = [
    "Due",
    "Move",
    "Offer",
    "RefusalReason",
    "Side",
    "TradeEvent",
    "TradeState",
    "allowed_events",
    "check_acceptance",
    "check_in_time",
    "check_note",
    "check_reached",
    "check_refusal",
    "check_side",
    "check_takeover",
    "check_terms",
    "check_trade_offer",
    "check_unfreeze",
    "due_in",
    "may_move",
    "offer_event",
    "resumed",
    "side_of",
    "who_owes_answer",
]

MAX_QUANTITY: Final = 10**12
MAX_TERM_MONTHS: Final = 60
MAX_NOTE: Final = 500


class RefusalReason(StrEnum):
    """Why a provider refuses to deal. The rule AB3 counts refusals and weighs their reasons."""

    CAPACITY = "CAPACITY"
    SECURITY = "SECURITY"
    BUYER_NOT_QUALIFIED = "BUYER_NOT_QUALIFIED"
    BUYER_IN_BREACH = "BUYER_IN_BREACH"
    PURPOSE_NOT_ALLOWED = "PURPOSE_NOT_ALLOWED"
    RIGHTS_LIMITED = "RIGHTS_LIMITED"  # the provider's own source does not allow this
    LEVEL_OR_CHANNEL = "LEVEL_OR_CHANNEL"
    EXCLUSIVE_LICENCE = "EXCLUSIVE_LICENCE"  # licensed exclusively to another
    PRICE_NOT_AGREED = "PRICE_NOT_AGREED"
    TERMS_NOT_AGREED = "TERMS_NOT_AGREED"
    PRODUCT_ENDING = "PRODUCT_ENDING"
    INTERNAL_POLICY = "INTERNAL_POLICY"


def check_refusal(reason: str | None) -> RefusalReason:
    """The reason of a refusal, which is mandatory. Raises RefusalReasonMissing for none or an unknown one."""
    try:
        return RefusalReason(reason or "")
    except ValueError:
        raise RefusalReasonMissing(
            "a refusal names one of the known reasons",
            reason=reason or "",
            known=[known.value for known in RefusalReason],
        ) from None


def check_note(note: str | None) -> str | None:
    """What a refusal says beside its reason, trimmed; None for nothing. Raises OfferMalformed if too long."""
    said = (note or "").strip()
    if len(said) > MAX_NOTE:
        raise OfferMalformed(f"a note has up to {MAX_NOTE} characters", member="note", length=len(said))
    return said or None


def side_of(role: str, mandate_side: str | None = None) -> Side:
    """On whose side a role negotiates; a broker on its mandate's. Raises TradeWrongRole for the others."""
    name = mandate_side if role == "BROKER" else role
    try:
        return Side(name or "")
    except ValueError:
        raise TradeWrongRole(f"{role} does not negotiate", role=role) from None


def check_side(state: TradeState | None, event: TradeEvent, side: Side) -> None:
    """Refuse an act of the wrong side, which a broker's role alone does not tell; TradeWrongRole."""
    wanted = {
        (None, TradeEvent.INQUIRE): Side.BUYER,
        (TradeState.INQUIRED, TradeEvent.OFFER): Side.PROVIDER,
        (TradeState.INQUIRED, TradeEvent.COUNTER_OFFER): Side.BUYER,
        (TradeState.INQUIRED, TradeEvent.REFUSE): Side.PROVIDER,
        (TradeState.NEGOTIATING, TradeEvent.REFUSE): Side.PROVIDER,
    }.get((state, event), side)
    if side is not wanted:
        raise TradeWrongRole(
            f"{event} is an act of the {wanted} side", event=event.value, side=side.value, wanted=wanted.value
        )


def offer_event(state: TradeState, earlier: Sequence[Offer], side: Side) -> TradeEvent:
    """Which event an offer of this side is.

    The first is an OFFER of the provider, or a COUNTER_OFFER of the buyer to the list price; then an
    answer to the other side is a COUNTER_OFFER, and renewing one's own expired offer an OFFER.
    """
    if not earlier or state is TradeState.INQUIRED:
        return TradeEvent.OFFER if side is Side.PROVIDER else TradeEvent.COUNTER_OFFER
    return TradeEvent.OFFER if earlier[-1].side is side else TradeEvent.COUNTER_OFFER


def check_terms(*, quantity: int, term_months: int) -> None:
    """A positive quantity and a term of 1 to 60 months; raises OfferMalformed."""
    if not 0 < quantity <= MAX_QUANTITY:
        raise OfferMalformed("a quantity is positive and within the limit", quantity=str(quantity))
    if not 0 < term_months <= MAX_TERM_MONTHS:
        raise OfferMalformed("a term is 1 to 60 months", term_months=str(term_months))


def check_trade_offer(
    state: TradeState, earlier: Sequence[Offer], new: Offer, *, role: str, cap_minor: int | None
) -> TradeEvent:
    """The event of an offer that may be made now: state, role, side, turn, times, price and cap.

    `cap_minor` is the cap of public data, None for other data. Raises TradeWrongState,
    TradeWrongRole, OfferOutOfTurn, PriceAboveCap, PriceOutOfBounds, OfferTimesMalformed.
    """
    event = offer_event(state, earlier, new.side)
    may_move(state, event, role)
    if role != "BROKER" and side_of(role) is not new.side:
        raise TradeWrongRole("an offer is made on one's own side", role=role, side=new.side.value)
    check_offer(earlier, new, cap_minor=cap_minor)
    return event


def who_owes_answer(earlier: Sequence[Offer]) -> Side:
    """Whose silence a timeout is: the provider's after an inquiry, else the side that was asked last."""
    return earlier[-1].side.other if earlier else Side.PROVIDER
