"""What the clock does to the trades of the model: every job that is due, in its order."""

from collections.abc import Callable
from datetime import datetime, time, timedelta

from base.calendar import at_shanghai, shanghai_day
from tests.market.settlement.whole.kept import (
    EXCHANGE,
    GIVEN_UP,
    TALKING,
    UNDELIVERED,
    Answers,
    Due,
    Payment,
    Trade,
    end_of,
    opening,
    pro_rata,
)
from tests.market.settlement.whole.model import Model

A_MINUTE, AN_HOUR = timedelta(minutes=1), timedelta(hours=1)


class Clockwork:
    """One run of everything that is due in a model; `books.py` compares and knows the days."""

    def __init__(
        self,
        model: Model,
        answers: Answers,
        reconcile: Callable[[str], None],
        stated: Callable[[str], bool],
    ) -> None:
        self.model, self.answers, self.reconcile, self.stated = model, answers, reconcile, stated

    def run(self) -> None:
        model = self.model
        while due := [one for one in model.agenda if one.at <= model.now]:
            first = min(due)
            model.agenda.remove(first)
            self._do(first)

    def _do(self, job: Due) -> None:
        kind, model = job.kind, self.model
        if kind == "settlement.reconcile":
            self.reconcile(job.about)
        elif kind in {"settlement.claim-due", "settlement.fee-back"}:
            trade = next(one for one in model.trades.values() if job.about in one.claims)
            (self._claim_due if kind.endswith("due") else self._fee_back)(trade, job.about)
        elif kind == "trade.fund-timeout":
            self._unfunded(job)
        elif kind == "settlement.send":
            trade_id, _, number = job.about.partition("#")
            self._send(model.trades[trade_id], int(number), job)
        else:
            self._of_trade(kind, model.trades[job.about], job)

    def _unfunded(self, job: Due) -> None:
        """The bank may still be asking about what was paid in time; its statement of the last day counts."""
        trade_id, _, asked = job.about.partition("#")
        trade, model = self.model.trades[trade_id], self.model
        if trade.state != "CONTRACTED" or trade.fund_by is None or model.now <= trade.fund_by:
            return
        last = shanghai_day(trade.fund_by)
        if asked and self.stated(last.isoformat()):
            trade.state = "CANCELLED"
            return
        stated_at = at_shanghai(last + timedelta(days=1), time(1))
        again = max(model.now, stated_at) + 10 * A_MINUTE
        model.due(again, "trade.fund-timeout", f"{trade_id}#{int(asked or 0) + 1}")

    def _of_trade(self, kind: str, trade: Trade, job: Due) -> None:
        model, now = self.model, self.model.now

        def late(deadline: datetime | None, *states: str) -> bool:
            return trade.state in states and deadline is not None and now > deadline

        if kind == "trade.timeout" and late(trade.answer_by, *TALKING):
            trade.state = "LAPSED"
        elif kind == "trade.delivery-fail" and late(trade.deliver_by, *UNDELIVERED):
            model.fail(trade)
        elif kind == "delivery.silent-accept" and late(trade.accept_by, "DELIVERED"):
            model.accepted(trade)
        elif kind == "trade.freeze-over":
            self._freeze_over(trade)
        elif kind == "settlement.instruct":
            self._instruct(trade)
        elif kind == "settlement.expire":
            self._expire(trade, job.at)
        else:
            self._after_settlement(kind, trade)

    def _freeze_over(self, trade: Trade) -> None:
        if trade.state != "FROZEN" or trade.frozen_by != EXCHANGE or trade.frozen_at is None:
            return
        if self.model.now > end_of(trade.frozen_at, 10):
            self.model.unfreeze(trade, EXCHANGE)

    def _after_settlement(self, kind: str, trade: Trade) -> None:
        if kind == "filing.file" and trade.state == "SETTLED":
            trade.state = "FILED"
            self.model.due(self.model.now, "filing.certify", trade.trade_id)
        elif kind == "filing.certify" and trade.state == "FILED":
            trade.state = "CERTIFIED"
            self._licence_over(trade)
        elif kind == "delivery.expire":
            self._licence_over(trade)

    def _licence_over(self, trade: Trade) -> None:
        if (
            trade.state == "CERTIFIED"
            and trade.licence_end is not None
            and self.model.now >= trade.licence_end
        ):
            trade.state = "CLOSED"

    def _instruct(self, trade: Trade) -> None:
        """Whatever is due by the trade's state, unless a payment is under way, or waits for a person."""
        if trade.under_way is not None or trade.waits_for_a_person:
            return
        name, (commission, fee) = trade.trade_id, trade.shares
        if trade.state == "ACCEPTED_GOODS":
            if trade.settle_at is None or self.model.now < trade.settle_at:
                return
            seller = trade.price - commission - fee
            parts = [(f"{name}/S", seller), (f"{name}/B", commission), (f"{name}/P", fee)]
            self._issue(trade, "SETTLE", parts)
        elif trade.state == "PARTIAL_SETTLE":
            if trade.release_at is None or self.model.now < trade.release_at:
                return
            weights = {"S": trade.price - commission - fee, "B": commission, "P": fee}
            shares = pro_rata(trade.price - trade.back, weights) | {"R": trade.back}
            self._issue(trade, "SPLIT", [(f"{name}/{suffix}", amount) for suffix, amount in shares.items()])
        elif trade.state in {"REFUND_PENDING", "VOIDED"} and trade.held:
            if any(not one.paid for one in trade.claims.values()):
                return
            paid = {e2e for one in trade.payments if one.status == "PAID" for e2e, _ in one.parts}
            number = 1
            while (e2e := f"{name}/R{number if number > 1 else ''}") in paid:
                number += 1
            self._issue(trade, "REFUND", [(e2e, trade.held)])

    def _issue(self, trade: Trade, kind: str, parts: list[tuple[str, int]]) -> None:
        model = self.model
        expires_at = opening(model.now, 3)
        parts = [(name, amount) for name, amount in parts if amount]
        trade.payments.append(Payment(kind, parts, model.now, expires_at=expires_at))
        model.due(model.now, "settlement.send", f"{trade.trade_id}#{len(trade.payments) - 1}")
        model.due(expires_at, "settlement.expire", trade.trade_id)

    def _fee_back(self, trade: Trade, claim_id: str) -> None:
        claim, given = trade.claims[claim_id], trade.fees(claim_id)
        if claim.paid or any(one.status not in GIVEN_UP for one in given):
            return
        name = f"{claim_id}/{len(given) + 1}" if given else claim_id
        self._issue(trade, "FEE_BACK", [(name, claim.amount)])

    def _send(self, trade: Trade, number: int, job: Due) -> None:
        model, payment = self.model, trade.payments[number]
        if payment.status != "INSTRUCTED":
            return
        answered = self.answers(trade, number)
        payment.asked += 1
        assert len(answered) >= payment.asked, (trade.trade_id, number, "was not sent")
        answer = answered[payment.asked - 1]
        if answer == "nothing":
            again = model.now + min(A_MINUTE * 2 ** (payment.asked - 1), AN_HOUR)
            model.number += 1
            model.agenda.append(Due(again, again, job.kind, model.number, job.about))
        elif answer == "rejected":
            model.rejected(trade, payment)
        else:
            payment.answered = True

    def _expire(self, trade: Trade, moment: datetime) -> None:
        for payment in trade.payments:
            due = payment.expires_at is not None and payment.expires_at <= moment
            if payment.status != "INSTRUCTED" or not due:
                continue
            total = payment.total
            if payment.kind == "FEE_BACK":
                payment.status = "EXPIRED"
                self.model.fee_not_back(trade, payment.parts[0][0].partition("/")[0])
            elif payment.answered:
                payment.expires_at = None
                self.model.differs("payment-unconfirmed", trade, total, 0, payment=payment)
            else:
                payment.status = "EXPIRED"
                self.model.differs("instruction-expired", trade, total, 0, payment=payment)

    def _claim_due(self, trade: Trade, claim_id: str) -> None:
        claim = trade.claims[claim_id]
        if not claim.paid:
            self.model.differs("claim-overdue", trade, claim.amount, 0)
