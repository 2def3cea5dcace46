"""A refund after the release: who was paid pays back into escrow, and the buyer is paid from there.

By the exchange, by a court's award that it carries out, or by an authority's order. The licence ends at once.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from base.calendar import deadline_after
from base.db import WriteSession
from ledger.recording import Act, record
from ledger.statement import Draft
from market.disputes.errors import DisputeMalformed, NothingReleased
from market.disputes.rules import (
    CLAIM_WORKING_DAYS,
    REFUNDABLE,
    Fault,
    check_digest,
    check_refund,
    outstanding,
    parse_ground,
    returning,
    unused_refund,
)
from market.disputes.tables import LateRefund
from market.disputes.undoing import end_licence
from market.orders import repository as trades
from market.orders.statements import named
from market.orders.states import TradeEvent, may_move
from market.orders.tables import Trade
from market.settlement.claims import open_claims
from market.settlement.instructing import require_nothing_under_way
from market.settlement.plan import Payee, owed_back
from market.settlement.refunding import released
from market.settlement.repository import claims_of

_EVERYBODY: Final = frozenset({Payee.BROKER, Payee.PLATFORM})


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundTerms:
    """Why and how much goes back after the release, and whose fault that is.

    Either `refund_minor` fen, or the part of what was paid that fits the `used` of `bought` units of quota.
    """

    ground: str
    fault: Collection[Fault] = ()
    refund_minor: int | None = None
    bought: int | None = None
    used: int | None = None


async def refund_after_release(
    s: WriteSession,
    act: Act,
    *,
    trade_id: str,
    terms: RefundTerms,
    order_id: str | None = None,
    award_sha256: str | None = None,
) -> LateRefund:
    """Have a settled trade paid back, wholly or in part (TRD.POST_REFUND): SETTLED to REFUND_PENDING.

    Claims are made on those that were paid, by the fault: the seller owes what is refunded; where the seller
    or the broker is at fault, broker and platform return their pro-rata fees; the platform also where it is
    itself. The licence is revoked. `order_id` is the authority's order, `award_sha256` the court's award.
    Raises TradeWrongState, TradeWrongRole, PaymentUnderWay, NothingReleased, RefundBeyondPaid,
    DisputeMalformed.
    """
    trade = await trades.claim_trade(s, trade_id=trade_id)
    may_move(trade.status, TradeEvent.POST_REFUND, act.role)
    await require_nothing_under_way(s, trade_id=trade_id)
    ground = parse_ground(terms.ground, among=REFUNDABLE)
    paid = await _paid(s, trade_id)
    refund_minor = _amount(terms, sum(paid.values()))
    check_refund(refund_minor, outstanding_minor=sum(paid.values()))
    award = None if award_sha256 is None else check_digest(award_sha256)
    fault = sorted({one.value for one in terms.fault})
    before = trade.status
    await trades.move(s, trade=trade, event=TradeEvent.POST_REFUND, role=act.role)
    said: dict[str, Any] = {"ground": ground.value, "order_id": order_id, "fault": fault}
    quota = {} if terms.bought is None else {"bought": terms.bought, "used": terms.used}
    recorded = await record(
        s,
        act,
        Draft(
            "TRD.POST_REFUND",
            trade_id,
            public=named(trade) | said | ({"award_sha256": award} if award else {}),
            opening={"refund_minor": str(refund_minor)} | quota,
            subjects={"award": award} if award else {},
            before=before.value,
            after=trade.status.value,
        ),
    )
    refund = LateRefund(
        trade_id=trade_id,
        ground=ground,
        refund_minor=refund_minor,
        fault=fault,
        order_id=order_id,
        award_sha256=award,
        decided_at=act.occurred_at,
        statement_id=recorded.statement_id,
    )
    s.add(refund)
    await s.flush()
    system = act.as_exchange()
    owed = owed_back(paid, refund_minor, returning=frozenset(map(Payee, returning(terms.fault))))
    await open_claims(s, system, trade=trade, owed=owed, due_at=_due(act))
    await end_licence(s, system, trade=trade)
    return refund


async def claim_everything_back(s: WriteSession, act: Act, *, trade: Trade) -> None:
    """Claim back all that was paid out of a void contract and is not claimed yet, from whoever had it.

    What was received under a void contract is returned (民法典 Art 157). Nothing where nothing is out.
    """
    paid = await _paid(s, trade.trade_id, required=False)
    if paid:
        owed = owed_back(paid, sum(paid.values()), returning=_EVERYBODY)
        await open_claims(s, act, trade=trade, owed=owed, due_at=_due(act))


async def _paid(s: WriteSession, trade_id: str, *, required: bool = True) -> Mapping[Payee, int]:
    """What each that was paid out of a trade has of it still, in fen. Raises NothingReleased."""
    had = await released(s, trade_id=trade_id)
    claimed: dict[str, int] = {}
    for claim in await claims_of(s, trade_id=trade_id):
        claimed[claim.payee] = claimed.get(claim.payee, 0) + claim.amount_minor
    rest = outstanding({payee.value: amount for payee, amount in had.items()}, claimed)
    if required and not rest:
        raise NothingReleased("nothing was paid out of this trade", trade_id=trade_id)
    return {Payee(payee): amount for payee, amount in rest.items()}


def _amount(terms: RefundTerms, paid_minor: int) -> int:
    if (terms.bought is None) != (terms.used is None) or (terms.bought is None) == (
        terms.refund_minor is None
    ):
        raise DisputeMalformed("name the amount, or the quota that was bought and used")
    if terms.refund_minor is not None:
        return terms.refund_minor
    assert terms.bought is not None
    assert terms.used is not None
    return unused_refund(paid_minor, bought=terms.bought, used=terms.used)


def _due(act: Act) -> datetime:
    return deadline_after(act.now, CLAIM_WORKING_DAYS).at
