"""A trade in small: which acts it takes, what the clock does to it, and what becomes of its money. Pure.

Written from `states.md` §3.4 and `docs/trade.md`, and on purpose without the market's own code: what both
say is compared after every step (`machine.py`). Only the calendar of working days is shared.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from base.calendar import shanghai_day, working_days_between
from tests.market.settlement.whole.kept import (
    CONTRADICTIONS,
    DEADLINES,
    DOUBTS,
    DOWNLOADS,
    EXCHANGE,
    FEE_NOT_BACK,
    GIVEN_UP,
    LET_GO,
    MILLISECOND,
    OVER,
    OWING,
    RELEASED,
    STOPPED,
    TAKEN_BACK,
    TALKING,
    UNDELIVERED,
    Claim,
    Due,
    Item,
    Offer,
    Payment,
    Proposal,
    Refused,
    Stop,
    Told,
    Trade,
    end_of,
    later,
    opening,
    pro_rata,
)


@dataclass
class Acts:
    """All trades, what falls due in them, and every difference that the exchange has to state."""

    now: datetime
    trades: dict[str, Trade] = field(default_factory=dict)
    agenda: list[Due] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    number: int = 0

    # -- helpers

    def due(self, at: datetime, kind: str, about: str, *, main: bool = False) -> None:
        self.number += 1
        self.agenda.append(Due(at, at, kind, self.number, about, main))

    def differs(
        self,
        kind: str,
        trade: Trade | None,
        expected: int | None = None,
        actual: int | None = None,
        *,
        claim_id: str | None = None,
        payment: Payment | None = None,
        entry_id: str | None = None,
    ) -> None:
        self.told.append(Told(kind, trade and trade.trade_id, expected, actual))
        if trade is not None:
            number = None if payment is None else trade.number_of(payment)
            trade.items.append(Item(kind, claim_id, number, entry_id))

    def open_items(self) -> Counter[tuple[str, str]]:
        return Counter((one.trade_id, item.kind) for one in self.trades.values() for item in one.items)

    @staticmethod
    def only(trade: Trade, *states: str) -> None:
        if trade.state not in states:
            raise Refused("trade-wrong-state")

    def in_time(self, deadline: datetime | None) -> None:
        if deadline is not None and self.now > deadline:
            raise Refused("trade-deadline-passed")

    # -- negotiation and contract

    def inquire(self, trade_id: str) -> None:
        answer_by = end_of(self.now, 20)
        self.trades[trade_id] = Trade(trade_id, answer_by)
        self.due(answer_by + MILLISECOND, "trade.timeout", trade_id)

    def offer(self, trade: Trade, side: str, price: int, expires_at: datetime) -> None:
        self.only(trade, *TALKING)
        self.in_time(trade.answer_by)
        if trade.offers and trade.offers[-1].side == side and self.now <= trade.offers[-1].expires_at:
            raise Refused("offer-out-of-turn")
        trade.offers.append(Offer(side, price, expires_at))
        trade.state, trade.answer_by = "NEGOTIATING", end_of(self.now, 20)
        self.due(trade.answer_by + MILLISECOND, "trade.timeout", trade.trade_id)

    def refuse(self, trade: Trade) -> None:
        self.only(trade, *TALKING)
        self.in_time(trade.answer_by)
        trade.state = "REFUSED"

    def accept(self, trade: Trade, side: str) -> None:
        self.only(trade, "NEGOTIATING")
        self.in_time(trade.answer_by)
        latest = trade.offers[-1]
        if latest.side == side:
            raise Refused("offer-is-own")
        if self.now > latest.expires_at:
            raise Refused("offer-expired")
        trade.state, trade.price = "CONTRACT_READY", latest.price

    def sign(self, trade: Trade, who: str) -> None:
        self.only(trade, "CONTRACT_READY")
        if who in trade.signed:
            raise Refused("contract-signed-before")
        trade.signed.add(who)
        if len(trade.signed) == 3:
            trade.state, trade.fund_by = "CONTRACTED", end_of(self.now, 3)
            self.due(trade.fund_by + MILLISECOND, "trade.fund-timeout", trade.trade_id)

    # -- delivery and acceptance

    def start_delivery(self, trade: Trade, licence_end: datetime) -> None:
        self.only(trade, "FUNDED")
        self.in_time(trade.deliver_by)
        trade.state, trade.licence_end = "DELIVERING", licence_end
        self.due(licence_end, "delivery.expire", trade.trade_id)

    def suspend(self, trade: Trade, by: str) -> None:
        self.only(trade, "DELIVERING")
        trade.state, trade.stop = "DELIVERY_SUSPENDED", Stop(by, self.now)

    def resume(self, trade: Trade, by: str) -> None:
        self.only(trade, "DELIVERY_SUSPENDED")
        assert trade.stop is not None
        assert trade.deliver_by is not None
        if by == EXCHANGE and trade.stop.by != EXCHANGE:
            raise Refused("trade-wrong-role")
        self.in_time(trade.deliver_by)
        lost = working_days_between(shanghai_day(trade.stop.since), shanghai_day(self.now))
        trade.deliver_by = later(trade.deliver_by, max(lost - trade.stop.given, 0))
        trade.state, trade.stop = "DELIVERING", None
        self.due(trade.deliver_by + MILLISECOND, "trade.delivery-fail", trade.trade_id)

    def confirm(self, trade: Trade) -> None:
        self.only(trade, "DELIVERING")
        self.in_time(trade.deliver_by)
        assert trade.licence_end is not None
        if self.now >= trade.licence_end:
            raise Refused("entitlement-expired")
        self._delivered(trade)

    def _delivered(self, trade: Trade) -> None:
        trade.state, trade.accept_by = "DELIVERED", end_of(self.now, 5)
        self.due(trade.accept_by + MILLISECOND, "delivery.silent-accept", trade.trade_id)

    def download(self, trade: Trade, *, for_another_purpose: bool, by_the_buyer: bool) -> None:
        """Somebody takes the whole file; the first time is the delivery."""
        assert trade.licence_end is not None
        if not by_the_buyer:
            raise Refused("entitlement-foreign")
        if (trade.stood or trade.state) in TAKEN_BACK:
            raise Refused("entitlement-revoked")
        if trade.state in STOPPED:
            raise Refused("delivery-suspended")
        if self.now >= trade.licence_end:
            raise Refused("entitlement-expired")
        if trade.state == "DELIVERING":
            self.in_time(trade.deliver_by)
        if trade.used >= DOWNLOADS:
            raise Refused("entitlement-used-up")
        if for_another_purpose:
            raise Refused("policy-purpose")
        trade.used += 1
        if trade.state == "DELIVERING":
            self._delivered(trade)

    def delivery_failed(self, trade: Trade) -> None:
        self.only(trade, *UNDELIVERED)
        assert trade.deliver_by is not None
        if self.now <= trade.deliver_by:
            raise Refused("trade-deadline-not-reached")
        self.fail(trade)

    def fail(self, trade: Trade) -> None:
        trade.state, trade.stop = "REFUND_PENDING", None
        self.due(self.now, "settlement.instruct", trade.trade_id)

    def accept_goods(self, trade: Trade) -> None:
        self.only(trade, "DELIVERED")
        self.in_time(trade.accept_by)
        self.accepted(trade)

    def accepted(self, trade: Trade) -> None:
        trade.state, trade.settle_at = "ACCEPTED_GOODS", opening(self.now, 1)
        self.due(trade.settle_at, "settlement.instruct", trade.trade_id, main=True)

    # -- disputes

    def dispute(self, trade: Trade) -> None:
        self.only(trade, "DELIVERED")
        self.in_time(trade.accept_by)
        trade.state, trade.mediate_by = "DISPUTED", end_of(self.now, 20)

    def propose(self, trade: Trade, side: str, back: int | None) -> None:
        """What goes back of the price: None all of it."""
        self.only(trade, "DISPUTED")
        self.in_time(trade.mediate_by)
        for one in trade.proposals:
            one.open = one.open and one.side != side
        trade.proposals.append(Proposal(side, self._award(trade, back)))

    def _award(self, trade: Trade, back: int | None) -> int:
        if back is not None and back >= trade.price:
            raise Refused("refund-beyond-paid")
        return trade.price if back is None else back

    def agree(self, trade: Trade, side: str, number: int) -> None:
        self.only(trade, "DISPUTED")
        if number > len(trade.proposals):
            raise Refused("proposal-unknown")
        proposal = trade.proposals[number - 1]
        if not proposal.open:
            raise Refused("proposal-not-open")
        if proposal.side == side:
            raise Refused("proposal-is-own")
        self.in_time(trade.mediate_by)
        self._end(trade, proposal.back)

    def vote(self, trade: Trade, officer: str, back: int | None) -> None:
        self.only(trade, "DISPUTED")
        award = self._award(trade, back)
        if officer in trade.votes:
            raise Refused("voted-before")
        trade.votes[officer] = award
        if len(trade.votes) == 3:
            self._end(trade, sorted(trade.votes.values())[1])

    def court(self, trade: Trade, back: int | None) -> None:
        self.only(trade, "DISPUTED")
        self._end(trade, self._award(trade, back))

    def _end(self, trade: Trade, back: int) -> None:
        if back == trade.price:
            self.fail(trade)
            return
        trade.settle_at = opening(self.now, 1)
        trade.state = "PARTIAL_SETTLE" if back else "ACCEPTED_GOODS"
        if back:
            trade.back, trade.release_at = back, trade.settle_at
        self.due(trade.settle_at, "settlement.instruct", trade.trade_id)

    # -- orders

    def freeze(self, trade: Trade, by: str) -> None:
        if trade.state == "FROZEN":
            if by == EXCHANGE:
                raise Refused("trade-wrong-role")
            if trade.frozen_by != EXCHANGE:
                raise Refused("trade-wrong-state")
            trade.frozen_by = by
            return
        if trade.state in OVER:
            raise Refused("trade-wrong-state")
        if trade.under_way is not None:
            raise Refused("payment-under-way")
        trade.stood, trade.state, trade.frozen_by, trade.frozen_at = trade.state, "FROZEN", by, self.now
        if by == EXCHANGE:
            self.due(end_of(self.now, 10) + MILLISECOND, "trade.freeze-over", trade.trade_id)

    def unfreeze(self, trade: Trade, by: str) -> None:
        self.only(trade, "FROZEN")
        if by == EXCHANGE and trade.frozen_by != EXCHANGE:
            raise Refused("trade-wrong-role")
        at, state = trade.frozen_at, trade.stood
        assert at is not None
        assert state is not None
        trade.state, trade.stood, trade.frozen_by, trade.frozen_at = state, None, None, None
        lost = working_days_between(shanghai_day(at), shanghai_day(self.now))
        for name in DEADLINES:
            self._give_back(trade, name, at, lost)
        if state == "DELIVERY_SUSPENDED" and trade.stop is not None and (trade.deliver_by or at) >= at:
            trade.stop.given += lost
        if state == "DISPUTED":
            self._give_back(trade, "mediate_by", at, lost)
        self._goes_on(trade)

    def _give_back(self, trade: Trade, name: str, since: datetime, lost: int) -> None:
        deadline = getattr(trade, name)
        if deadline is None or deadline < since:
            return
        moved = later(deadline, lost)
        if moved <= self.now:
            moved = self.now if name == "settle_at" else end_of(self.now, 1)
        setattr(trade, name, moved)

    def _goes_on(self, trade: Trade) -> None:
        """The clock's next event, anew."""
        kind, at = {
            **dict.fromkeys(TALKING, ("trade.timeout", trade.answer_by)),
            **dict.fromkeys(UNDELIVERED, ("trade.delivery-fail", trade.deliver_by)),
            "CONTRACTED": ("trade.fund-timeout", trade.fund_by),
            "DELIVERED": ("delivery.silent-accept", trade.accept_by),
            "ACCEPTED_GOODS": ("settlement.instruct", trade.settle_at),
            "REFUND_PENDING": ("settlement.instruct", self.now),
            "PARTIAL_SETTLE": ("settlement.instruct", self.now),
        }.get(trade.state, ("", None))
        if at is not None:
            self.due(at if kind == "settlement.instruct" else at + MILLISECOND, kind, trade.trade_id)

    def void(self, trade: Trade, claim_ids: Callable[[], Iterator[tuple[str, str]]]) -> None:
        if trade.state == "VOIDED":
            raise Refused("trade-wrong-state")
        if trade.under_way is not None:
            raise Refused("payment-under-way")
        if DOUBTS & trade.kinds or any(trade.undecided(payment) for payment in trade.payments):
            raise Refused("payment-in-doubt")
        trade.state, trade.stood, trade.frozen_by, trade.frozen_at = "VOIDED", None, None, None
        trade.stop = None
        self.agenda = [one for one in self.agenda if not (one.main and one.about == trade.trade_id)]
        had = self._still_had(trade)
        if had:
            self._claim(trade, had, sum(had.values()), {"BROKER", "PLATFORM"}, claim_ids)
        self.due(self.now, "settlement.instruct", trade.trade_id)

    # -- after the release

    def invoice(self, trade: Trade) -> None:
        self.only(trade, "SETTLED")
        if trade.invoiced:
            raise Refused("invoice-there-already")
        trade.invoiced = True
        self.due(self.now, "filing.file", trade.trade_id)

    def post_refund(
        self,
        trade: Trade,
        back: int,
        returning: set[str],
        claim_ids: Callable[[], Iterator[tuple[str, str]]],
    ) -> None:
        self.only(trade, *RELEASED)
        had = self._still_had(trade)
        if not had:
            raise Refused("nothing-released")
        if back > sum(had.values()):
            raise Refused("refund-beyond-paid")
        trade.state = "REFUND_PENDING"
        self._claim(trade, had, back, returning, claim_ids)

    def _still_had(self, trade: Trade) -> dict[str, int]:
        """What each was paid and did not give back, in all no more than was paid and not claimed."""
        rest = dict(trade.released)
        for claim in trade.claims.values():
            rest[claim.payee] = rest.get(claim.payee, 0) - claim.amount
        short = -sum(amount for amount in rest.values() if amount < 0)
        left = {}
        for payee, amount in rest.items():
            given = min(max(amount, 0), short)
            short -= given
            if amount > given:
                left[payee] = amount - given
        return left

    def _claim(
        self,
        trade: Trade,
        had: dict[str, int],
        back: int,
        returning: set[str],
        claim_ids: Callable[[], Iterator[tuple[str, str]]],
    ) -> None:
        shares = pro_rata(back, had)
        owed = {payee: shares[payee] for payee in had if payee in returning and shares[payee]}
        seller = back - sum(owed.values())
        owed = ({"SELLER": seller} if seller else {}) | owed
        named = dict(claim_ids())
        assert sorted(named) == sorted(owed), (named, owed)
        due_at = end_of(self.now, 10)
        for payee, amount in owed.items():
            trade.claims[named[payee]] = Claim(payee, amount, due_at)
            self.due(due_at, "settlement.claim-due", named[payee])
            if payee == "PLATFORM":
                self.due(self.now, "settlement.fee-back", named[payee])

    def pay_again(self, trade: Trade) -> None:
        """What was let go is instructed again: the last payment out of escrow, and fees that did not come."""
        if trade.state not in OWING or not trade.payments:
            raise Refused("nothing-to-pay-again")
        fees = trade.fees_not_back
        again = trade.last_out is not None and trade.last_out.status in GIVEN_UP
        if not again and not fees:
            under_way = any(one.status == "INSTRUCTED" for one in trade.payments)
            raise Refused("payment-under-way" if under_way else "nothing-to-pay-again")
        if CONTRADICTIONS & trade.kinds:
            raise Refused("payment-in-doubt")
        trade.items = [item for item in trade.items if item.kind not in LET_GO | {FEE_NOT_BACK}]
        for claim_id in fees:
            self.due(self.now, "settlement.fee-back", claim_id)
        if again:
            waits = trade.settle_at if trade.state == "ACCEPTED_GOODS" else None
            self.due(max(waits or self.now, self.now), "settlement.instruct", trade.trade_id)

    def resolve(self, trade: Trade, closed: Item, payment: Payment | None) -> None:
        """A difference is cleared up: what waited for it goes on, but for what was let go.

        Whether a payment has left that the bank may have made is not for one person to say.
        """
        kind = closed.kind
        if kind in DOUBTS and payment is not None and trade.undecided(payment):
            raise Refused("payment-in-doubt")
        trade.items.remove(closed)
        let_go = trade.last_out is not None and trade.last_out.status in GIVEN_UP
        if kind in DOUBTS | LET_GO | {FEE_NOT_BACK} and not let_go:
            self.due(self.now, "settlement.instruct", trade.trade_id)
