"""The states of a trade (`TRD`), from its inquiry or award to the end of its licence: one table.

`states.md` §3.4. What the rows do not say of themselves: a provider may also refuse or stay silent before
its first offer, since that silence is what the rule on refusal to deal (AB3) counts; a delivery that never
begins fails like one that never ends; money that a void contract left in escrow is refunded from VOIDED.
The exchange's role stands for the system: it states what the clock, the meter and the bank report. The
deadlines are in `market.orders.deadlines`; `docs/trade.md` is drawn from here (`market.orders.drawing`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from market.orders.errors import TradeWrongRole, TradeWrongState


class TradeState(StrEnum):
    INQUIRED = "INQUIRED"
    NEGOTIATING = "NEGOTIATING"
    REFUSED = "REFUSED"
    LAPSED = "LAPSED"
    ACCEPTED = "ACCEPTED"
    BLOCKED = "BLOCKED"
    CONTRACT_READY = "CONTRACT_READY"
    CONTRACTED = "CONTRACTED"
    CANCELLED = "CANCELLED"
    FUNDED = "FUNDED"
    DELIVERING = "DELIVERING"
    DELIVERY_SUSPENDED = "DELIVERY_SUSPENDED"
    DELIVERED = "DELIVERED"
    DISPUTED = "DISPUTED"
    ACCEPTED_GOODS = "ACCEPTED_GOODS"
    PARTIAL_SETTLE = "PARTIAL_SETTLE"
    SETTLED = "SETTLED"
    FILED = "FILED"
    CERTIFIED = "CERTIFIED"
    CLOSED = "CLOSED"
    REFUND_PENDING = "REFUND_PENDING"
    REFUNDED = "REFUNDED"
    FROZEN = "FROZEN"
    VOIDED = "VOIDED"


class TradeEvent(StrEnum):
    INQUIRE = "INQUIRE"
    AWARD = "AWARD"
    OFFER = "OFFER"
    COUNTER_OFFER = "COUNTER_OFFER"
    REFUSE = "REFUSE"
    TIMEOUT = "TIMEOUT"
    ACCEPT = "ACCEPT"
    PRECHECK_PASS = "PRECHECK_PASS"  # noqa: S105 - the name of an event
    PRECHECK_FAIL = "PRECHECK_FAIL"
    SIGN = "SIGN"
    CONTRACT = "CONTRACT"
    FUND = "FUND"
    FUND_TIMEOUT = "FUND_TIMEOUT"
    START_DELIVERY = "START_DELIVERY"
    SUSPEND = "SUSPEND"
    RESUME = "RESUME"
    DELIVERED = "DELIVERED"
    DELIVERY_FAIL = "DELIVERY_FAIL"
    ACCEPT_GOODS = "ACCEPT_GOODS"
    SILENT_ACCEPT = "SILENT_ACCEPT"
    DISPUTE = "DISPUTE"
    SETTLE_AGREED = "SETTLE_AGREED"
    RULE_FOR_SELLER = "RULE_FOR_SELLER"
    RULE_FOR_BUYER = "RULE_FOR_BUYER"
    PARTIAL = "PARTIAL"
    SETTLE = "SETTLE"
    INVOICE = "INVOICE"
    FILE = "FILE"
    ISSUE_TRADE_CERT = "ISSUE_TRADE_CERT"
    LICENCE_END = "LICENCE_END"
    POST_REFUND = "POST_REFUND"
    REFUND = "REFUND"
    FREEZE = "FREEZE"
    UNFREEZE = "UNFREEZE"
    VOID = "VOID"


@dataclass(frozen=True, slots=True)
class Move:
    """Who may cause the event, where it leads, and under what guard and until when, in words.

    `to` None is the state the trade was frozen in. The ledger statement of an event is `TRD.<event>`.
    """

    roles: frozenset[str]
    to: TradeState | None
    guard: str = ""
    within: str = ""


_SYSTEM: Final = frozenset({"EXCHANGE_OPERATOR"})
_BANK: Final = frozenset({"ESCROW", "EXCHANGE_OPERATOR"})  # the exchange states what the bank reports
_BUYER: Final = frozenset({"BUYER"})
_PROVIDER: Final = frozenset({"PROVIDER"})
_PROVIDER_SIDE: Final = frozenset({"PROVIDER", "BROKER"})
_BUYER_SIDE: Final = frozenset({"BUYER", "BROKER"})
_PARTIES: Final = frozenset({"PROVIDER", "BUYER", "BROKER"})
_TWO_SIDES: Final = frozenset({"PROVIDER", "BUYER"})
_AUTHORITIES: Final = frozenset({"DATA_AUTHORITY", "SAMR", "CAC"})
_MAY_FREEZE: Final = _AUTHORITIES | _SYSTEM

_S = TradeState
_E = TradeEvent
_ANSWER: Final = "20 working days"
_STEPS: Final[Mapping[tuple[TradeState | None, TradeEvent], Move]] = {
    (None, _E.INQUIRE): Move(_BUYER_SIDE, _S.INQUIRED, "buyer admitted; the listing's conditions are met"),
    # What was sold by auction was never negotiated (`market.auctions`).
    (None, _E.AWARD): Move(_SYSTEM, _S.ACCEPTED, "the buyer has won an auction of the listing", "at its end"),
    # The list price is the provider's standing invitation: a buyer may begin by countering it.
    (_S.INQUIRED, _E.OFFER): Move(
        _PROVIDER_SIDE, _S.NEGOTIATING, "price within the cap; usage policy attached", _ANSWER
    ),
    (_S.INQUIRED, _E.COUNTER_OFFER): Move(
        _BUYER_SIDE, _S.NEGOTIATING, "price within the cap; usage policy attached", _ANSWER
    ),
    (_S.INQUIRED, _E.REFUSE): Move(_PROVIDER_SIDE, _S.REFUSED, "a known reason code", _ANSWER),
    (_S.INQUIRED, _E.TIMEOUT): Move(_SYSTEM, _S.LAPSED, "nobody answered", f"after {_ANSWER}"),
    # OFFER renews one's own expired offer, COUNTER_OFFER answers the other side's.
    (_S.NEGOTIATING, _E.OFFER): Move(_PARTIES, _S.NEGOTIATING, "one's own offer has expired", _ANSWER),
    (_S.NEGOTIATING, _E.COUNTER_OFFER): Move(
        _PARTIES, _S.NEGOTIATING, "the other side's offer stands; price within the cap", _ANSWER
    ),
    (_S.NEGOTIATING, _E.REFUSE): Move(_PROVIDER_SIDE, _S.REFUSED, "a known reason code", _ANSWER),
    (_S.NEGOTIATING, _E.TIMEOUT): Move(_SYSTEM, _S.LAPSED, "nobody answered", f"after {_ANSWER}"),
    (_S.NEGOTIATING, _E.ACCEPT): Move(
        _PARTIES, _S.ACCEPTED, "the other side's latest offer stands", "until the offer expires"
    ),
    (_S.ACCEPTED, _E.PRECHECK_PASS): Move(_SYSTEM, _S.CONTRACT_READY, "every check passes", "at once"),
    (_S.ACCEPTED, _E.PRECHECK_FAIL): Move(_SYSTEM, _S.BLOCKED, "a check fails", "at once"),
    # Each party's signature leaves the trade where it is; CONTRACT follows when all have signed.
    (_S.CONTRACT_READY, _E.SIGN): Move(_PARTIES, _S.CONTRACT_READY, "the same document; each party once"),
    # The checks and the document again, without a broker that the client has taken over from.
    (_S.CONTRACT_READY, _E.PRECHECK_PASS): Move(
        _SYSTEM, _S.CONTRACT_READY, "the client took over: every check passes without the broker", "at once"
    ),
    (_S.CONTRACT_READY, _E.PRECHECK_FAIL): Move(
        _SYSTEM, _S.BLOCKED, "the client took over: a check fails", "at once"
    ),
    (_S.CONTRACT_READY, _E.CONTRACT): Move(_SYSTEM, _S.CONTRACTED, "all parties have signed", "at once"),
    (_S.CONTRACTED, _E.FUND): Move(_BANK, _S.FUNDED, "the exact amount has come in", "3 working days"),
    (_S.CONTRACTED, _E.FUND_TIMEOUT): Move(_SYSTEM, _S.CANCELLED, "not funded", "after 3 working days"),
    (_S.FUNDED, _E.START_DELIVERY): Move(
        _PROVIDER,
        _S.DELIVERING,
        "customs cleared; the listing is deliverable",
        "the contract's delivery term",
    ),
    (_S.FUNDED, _E.DELIVERY_FAIL): Move(
        _BUYER | _SYSTEM, _S.REFUND_PENDING, "not begun in time", "after the delivery term"
    ),
    (_S.DELIVERING, _E.SUSPEND): Move(
        _MAY_FREEZE, _S.DELIVERY_SUSPENDED, "consent withdrawn, an order, or a defect of the right"
    ),
    (_S.DELIVERY_SUSPENDED, _E.RESUME): Move(_MAY_FREEZE, _S.DELIVERING, "the cause is cleared"),
    (_S.DELIVERING, _E.DELIVERED): Move(
        _BUYER | _SYSTEM, _S.DELIVERED, "receipt hash or meter, or the buyer's word", "the delivery term"
    ),
    (_S.DELIVERING, _E.DELIVERY_FAIL): Move(
        _BUYER | _SYSTEM, _S.REFUND_PENDING, "not delivered in time", "after the delivery term"
    ),
    (_S.DELIVERY_SUSPENDED, _E.DELIVERY_FAIL): Move(
        _BUYER | _SYSTEM, _S.REFUND_PENDING, "not delivered in time", "after the delivery term"
    ),
    (_S.DELIVERED, _E.ACCEPT_GOODS): Move(
        _BUYER,
        _S.ACCEPTED_GOODS,
        "the goods are what was sold",
        "the contract's window; usually 5 working days, 10 by call or over time",
    ),
    (_S.DELIVERED, _E.SILENT_ACCEPT): Move(
        _SYSTEM, _S.ACCEPTED_GOODS, "nobody objected", "after the acceptance window"
    ),
    (_S.DELIVERED, _E.DISPUTE): Move(
        _TWO_SIDES | _SYSTEM,
        _S.DISPUTED,
        "a ground and its evidence; or an acceptance test failed",
        "the window",
    ),
    (_S.DISPUTED, _E.SETTLE_AGREED): Move(
        _TWO_SIDES | _SYSTEM, _S.ACCEPTED_GOODS, "both sides agreed", "20 working days of mediation"
    ),
    (_S.DISPUTED, _E.RULE_FOR_SELLER): Move(_SYSTEM, _S.ACCEPTED_GOODS, "ruling of the panel, or an award"),
    (_S.DISPUTED, _E.RULE_FOR_BUYER): Move(
        _SYSTEM, _S.REFUND_PENDING, "ruling of the panel, an award, or all given back by agreement"
    ),
    (_S.DISPUTED, _E.PARTIAL): Move(
        _TWO_SIDES | _SYSTEM, _S.PARTIAL_SETTLE, "part of the price goes back, by agreement, ruling or award"
    ),
    (_S.ACCEPTED_GOODS, _E.SETTLE): Move(
        _BANK, _S.SETTLED, "the bank paid exactly what was instructed", "the next working day (T+1)"
    ),
    (_S.PARTIAL_SETTLE, _E.SETTLE): Move(
        _BANK, _S.SETTLED, "the bank paid exactly what was instructed", "the next working day (T+1)"
    ),
    (_S.SETTLED, _E.INVOICE): Move(_PROVIDER, _S.SETTLED, "an invoice number; once", "within the month"),
    (_S.SETTLED, _E.FILE): Move(_SYSTEM, _S.FILED, "the invoice is there", "5 working days"),
    (_S.FILED, _E.ISSUE_TRADE_CERT): Move(_SYSTEM, _S.CERTIFIED, "a filing number"),
    (_S.CERTIFIED, _E.LICENCE_END): Move(
        _SYSTEM, _S.CLOSED, "the licence is over", "proof of destruction within 10 working days"
    ),
    **{
        (state, _E.POST_REFUND): Move(_MAY_FREEZE, _S.REFUND_PENDING, "a ground of refund")
        for state in (_S.SETTLED, _S.FILED, _S.CERTIFIED)
    },
    (_S.REFUND_PENDING, _E.REFUND): Move(
        _BANK, _S.REFUNDED, "the bank paid exactly what was instructed; the licence is revoked"
    ),
    (_S.VOIDED, _E.REFUND): Move(_BANK, _S.VOIDED, "the bank paid back what was held"),
    (_S.FROZEN, _E.UNFREEZE): Move(_MAY_FREEZE, None, "a signed order; the exchange only its own freeze"),
}
DONE: Final = frozenset({_S.SETTLED, _S.FILED, _S.CERTIFIED, _S.CLOSED, _S.REFUNDED, _S.VOIDED})
"""The contract is performed or undone: nothing of it is open between the parties but its licence."""
OVER: Final = DONE | {_S.REFUSED, _S.LAPSED, _S.BLOCKED, _S.CANCELLED}
"""Nothing is owed any more; what still can happen comes from outside (invoice, filing, a later refund)."""
NOTHING_CAME_OF_IT: Final = frozenset(
    {_S.REFUSED, _S.LAPSED, _S.BLOCKED, _S.CANCELLED, _S.REFUNDED, _S.VOIDED}
)
MOVES: Final[Mapping[tuple[TradeState | None, TradeEvent], Move]] = {
    **_STEPS,
    **{
        (state, _E.FREEZE): Move(
            _MAY_FREEZE, _S.FROZEN, "a signed order; no payment under way", "10 working days for the exchange"
        )
        for state in TradeState
        if state not in OVER and state is not _S.FROZEN
    },
    (_S.FROZEN, _E.FREEZE): Move(_AUTHORITIES, _S.FROZEN, "an authority takes over the exchange's freeze"),
    **{
        (state, _E.VOID): Move(_AUTHORITIES, _S.VOIDED, "a decision or judgment; no payment under way")
        for state in TradeState
        if state is not _S.VOIDED
    },
}


def allowed_events(state: TradeState | None) -> tuple[TradeEvent, ...]:
    """What a state takes, in the order of the table."""
    return tuple(event for at, event in MOVES if at == state)


def may_move(state: TradeState | None, event: TradeEvent, role: str) -> TradeState | None:
    """The state an event of this role leads to; None for UNFREEZE, which leads back.

    `state` None is the state before the inquiry. Raises TradeWrongState, which says the state and what
    it allows, or TradeWrongRole.
    """
    move = MOVES.get((state, event))
    if move is None:
        allowed = [other.value for other in allowed_events(state)]
        raise TradeWrongState(
            f"a trade that is {state or 'not there yet'} does not take {event}: "
            f"it takes {', '.join(allowed) or 'nothing more'}",
            state=str(state),
            event=event.value,
            allowed=allowed,
        )
    if role not in move.roles:
        raise TradeWrongRole(
            f"{event} is not an act of {role}", role=role, event=event.value, roles=sorted(move.roles)
        )
    return move.to


def check_takeover(*, frozen_by: str) -> None:
    """An authority takes over the exchange's freeze, which then no longer ends by itself.

    Raises TradeWrongState where an authority's stands already.
    """
    if frozen_by not in _SYSTEM:
        raise TradeWrongState(
            "an authority's freeze stands already",
            state=TradeState.FROZEN.value,
            event=TradeEvent.FREEZE.value,
            allowed=[TradeEvent.UNFREEZE.value],
        )


def check_unfreeze(*, frozen_by: str, role: str) -> None:
    """The exchange may lift its own freeze and no regulator's; raises TradeWrongRole."""
    if role == "EXCHANGE_OPERATOR" and frozen_by != "EXCHANGE_OPERATOR":
        raise TradeWrongRole("a regulator's freeze is lifted by a regulator", role=role, frozen_by=frozen_by)
