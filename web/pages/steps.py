"""What a party can do next in a trade, and whose turn it is. Pure: the acts themselves decide again."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from market.disputes.repository import Talks
from market.disputes.rules import Side
from market.orders.states import MOVES, TradeEvent, TradeState, allowed_events
from market.orders.tables import Offer, Trade
from web.pages.languages import N_


class Step(StrEnum):
    """A form or link of the trade room."""

    OFFER = "offer"
    ACCEPT = "accept"
    REFUSE = "refuse"
    SIGN = "sign"
    START_DELIVERY = "start-delivery"
    CONFIRM_RECEIPT = "confirm-receipt"
    ACCEPT_GOODS = "accept-goods"
    INVOICE = "invoice"
    RED_INVOICE = "red-invoice"
    DESTRUCTION = "destruction"
    CHECK_GOODS = "checks"
    DELIVERY_FAILED = "delivery-failed"
    SUSPEND_DELIVERY = "suspend-delivery"
    RESUME_DELIVERY = "resume-delivery"
    DISPUTE = "dispute"
    PROPOSE = "proposals"
    WITHDRAW_PROPOSAL = "withdraw-proposal"
    AGREE = "agree"
    VOTE = "votes"
    AWARD = "award"
    POST_REFUND = "post-refund"


_STEP_OF: Final = {
    TradeEvent.OFFER: Step.OFFER,
    TradeEvent.COUNTER_OFFER: Step.OFFER,
    TradeEvent.ACCEPT: Step.ACCEPT,
    TradeEvent.REFUSE: Step.REFUSE,
    TradeEvent.SIGN: Step.SIGN,
    TradeEvent.START_DELIVERY: Step.START_DELIVERY,
    TradeEvent.DELIVERED: Step.CONFIRM_RECEIPT,
    TradeEvent.ACCEPT_GOODS: Step.ACCEPT_GOODS,
    TradeEvent.INVOICE: Step.INVOICE,
    TradeEvent.DELIVERY_FAIL: Step.DELIVERY_FAILED,
}


@dataclass(frozen=True, slots=True)
class Part:
    """What somebody is in a trade: the role, and on whose side."""

    role: str
    side: str


_NOT_WAITED_FOR: Final = frozenset({Step.DELIVERY_FAILED, Step.DISPUTE})
"""What a party may do at any time, but is not waited for."""


def part_of(trade: Trade, org_id: str | None, roles: Collection[str]) -> Part | None:
    """The visitor's part in a trade; None for who only looks on."""
    if org_id == trade.seller_id and "PROVIDER" in roles:
        return Part("PROVIDER", "PROVIDER")
    if org_id == trade.buyer_id and "BUYER" in roles:
        return Part("BUYER", "BUYER")
    if org_id is not None and org_id == trade.broker_id and "BROKER" in roles:
        return Part("BROKER", trade.broker_side or "BUYER")
    return None


def open_steps(
    trade: Trade, part: Part | None, *, latest: Offer | None, has_signed: bool, now: datetime
) -> list[Step]:
    """What the part can do in the trade's state, in the order of the table of states."""
    if part is None:
        return []
    steps = [
        _STEP_OF[event]
        for event in allowed_events(trade.status)
        if event in _STEP_OF
        and part.role in MOVES[trade.status, event].roles
        and _fits(event, trade, part, latest=latest, has_signed=has_signed, now=now)
    ]
    return list(dict.fromkeys(steps))


def is_turn(
    trade: Trade,
    part: Part,
    *,
    latest: Offer | None,
    has_signed: bool,
    now: datetime,
    talks: Talks | None = None,
) -> bool:
    """Whether the trade waits for this part: not where it merely may act, or has made the last offer.

    `talks` are those of the trade's open dispute.
    """
    if trade.status is TradeState.DISPUTED:
        return talks is not None and _is_asked(talks, part, now)
    if trade.status is TradeState.CONTRACTED:  # paid at the bank, by no form of ours
        return part.role == "BUYER"
    if trade.status is TradeState.INQUIRED:  # the buyer's side may offer too, and is not waited for
        return part.side == "PROVIDER"
    standing = latest is not None and now <= latest.expires_at and latest.side == part.side
    if trade.status is TradeState.NEGOTIATING and standing:
        return False
    steps = open_steps(trade, part, latest=latest, has_signed=has_signed, now=now)
    return bool(set(steps) - _NOT_WAITED_FOR)


def _is_asked(talks: Talks, part: Part, now: datetime) -> bool:
    """Whether a dispute waits for this side: until the mediation ends, unless the other has to answer it."""
    if part.role not in {"BUYER", "PROVIDER"} or now > talks.mediate_by:
        return False
    return Side(part.role) not in talks.proposed or len(talks.proposed) > 1


def _fits(
    event: TradeEvent, trade: Trade, part: Part, *, latest: Offer | None, has_signed: bool, now: datetime
) -> bool:
    standing = latest is not None and now <= latest.expires_at
    mine = latest is not None and latest.side == part.side
    if trade.status is TradeState.INQUIRED and event in {TradeEvent.OFFER, TradeEvent.COUNTER_OFFER}:
        return (event is TradeEvent.OFFER) == (part.side == "PROVIDER")
    if event in {TradeEvent.OFFER, TradeEvent.COUNTER_OFFER}:
        return not (mine and standing)
    if event is TradeEvent.ACCEPT:
        return standing and not mine
    if event is TradeEvent.REFUSE:
        return part.side == "PROVIDER"
    if event is TradeEvent.DELIVERY_FAIL:
        return trade.deliver_by is not None and now > trade.deliver_by
    return not has_signed if event is TradeEvent.SIGN else True


_NEXT: Final = {
    TradeState.INQUIRED: N_("The provider answers with an offer, or refuses with its reason."),
    TradeState.NEGOTIATING: N_(
        "The side that was asked last accepts, answers with its own offer, or lets it lapse."
    ),
    TradeState.ACCEPTED: N_("The exchange checks certificate, mandate, price, level and route."),
    TradeState.CONTRACT_READY: N_("Every party signs the same contract."),
    TradeState.CONTRACTED: N_("The buyer pays the exact amount into escrow, with the reference."),
    TradeState.FUNDED: N_("The provider starts the delivery."),
    TradeState.DELIVERING: N_("The buyer downloads the file, or confirms that it came another way."),
    TradeState.DELIVERY_SUSPENDED: N_("The delivery goes on when its cause is cleared."),
    TradeState.DELIVERED: N_(
        "The buyer accepts the goods, or disputes them; at the deadline silence accepts them."
    ),
    TradeState.DISPUTED: N_("The sides agree, with the exchange's mediation, or its panel rules."),
    TradeState.ACCEPTED_GOODS: N_("The bank pays out on the next working day (T+1)."),
    TradeState.PARTIAL_SETTLE: N_("The bank pays both sides on the next working day (T+1)."),
    TradeState.SETTLED: N_("The provider issues the invoice; then the exchange files the trade."),
    TradeState.FILED: N_("The exchange issues the trade certificate."),
    TradeState.CERTIFIED: N_("The licence runs to its end."),
    TradeState.REFUND_PENDING: N_("The bank pays the buyer back."),
    TradeState.FROZEN: N_("The trade stands still until it is released."),
}


def next_words(trade: Trade) -> str | None:
    """What happens next, in words to be translated; None at the end."""
    return _NEXT.get(trade.status)


def deadline_of(trade: Trade, talks: Talks | None = None) -> datetime | None:
    """Until when, where a clock runs; `talks` are those of the trade's open dispute."""
    return {
        TradeState.DISPUTED: None if talks is None else talks.mediate_by,
        TradeState.INQUIRED: trade.answer_by,
        TradeState.NEGOTIATING: trade.answer_by,
        TradeState.CONTRACTED: trade.fund_by,
        TradeState.FUNDED: trade.deliver_by,
        TradeState.DELIVERING: trade.deliver_by,
        TradeState.DELIVERY_SUSPENDED: trade.deliver_by,
        TradeState.DELIVERED: trade.accept_by,
        TradeState.ACCEPTED_GOODS: trade.settle_at,
        TradeState.PARTIAL_SETTLE: trade.settle_at,
    }.get(trade.status)


def missing_signers(parties: Sequence[str], signed: Collection[str]) -> list[str]:
    """Who has not signed yet, in the contract's order."""
    return [org_id for org_id in parties if org_id not in signed]
