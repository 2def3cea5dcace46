"""The model: the acts of `acts.py`, and what becomes of a trade when the bank tells of money. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from bank.messages.entries import Entry
from base.calendar import shanghai_day
from tests.market.settlement.whole.acts import Acts
from tests.market.settlement.whole.kept import (
    CONTRADICTIONS,
    DOUBTS,
    FEE_NOT_BACK,
    GIVEN_UP,
    LET_GO,
    MILLISECOND,
    NOT_MADE,
    Item,
    Payment,
    Refused,
    Trade,
    end_of,
)


@dataclass(frozen=True)
class Seen:
    """What the bank has booked of a payment: its entries by reference, and whether one was heard of."""

    found: str
    entries: Mapping[str, tuple[str, int, str]]  # end-to-end id, signed fen, the first day
    known: bool


_NAMES = {"S": "SELLER", "B": "BROKER", "P": "PLATFORM"}


@dataclass
class Model(Acts):
    """Trades, what falls due in them, and every difference that the exchange has to state."""

    def credit(self, entry: Entry, *, known: bool) -> str:
        """Money comes in under a reference; `known` is an entry that was told before."""
        reference, amount = entry.reference or "", entry.amount_minor
        for trade in self.trades.values():
            if reference in trade.claims:
                return self._claim_paid(trade, reference, entry, known=known)
        trade_named = self.trades.get(reference)
        if trade_named is None:
            raise Refused("payment-unknown")
        trade = trade_named
        if trade.state == "FROZEN":
            raise Refused("trade-frozen")
        if trade.funded:
            raise Refused("escrow-funded-already")
        self.only(trade, "CONTRACTED")
        if amount != trade.price:
            raise Refused("escrow-amount-mismatch")
        assert trade.fund_by is not None
        if self.now > trade.fund_by and entry.booked_on > shanghai_day(trade.fund_by).isoformat():
            raise Refused("funding-late")
        if known:
            raise Refused("bank-entry-known-already")
        trade.state, trade.funded, trade.held = "FUNDED", True, amount
        trade.deliver_by = end_of(self.now, 5)
        self.due(trade.deliver_by + MILLISECOND, "trade.delivery-fail", trade.trade_id)
        return "funded"

    def _claim_paid(self, trade: Trade, claim_id: str, entry: Entry, *, known: bool) -> str:
        claim = trade.claims[claim_id]
        try:
            if claim.paid:
                raise Refused("claim-paid-already")
            if entry.amount_minor != claim.amount:
                raise Refused("escrow-amount-mismatch")
            if known:
                raise Refused("bank-entry-known-already")
        except Refused:
            self._fee_returned(trade, claim_id, entry)
            raise
        claim.paid = True
        trade.held += claim.amount
        given = trade.fees(claim_id)
        named = [one for one in given if one.parts[0][0] == entry.end_to_end_id]
        for payment in named or [one for one in given if one.status == "INSTRUCTED"]:
            payment.status = "PAID"
        trade.items = [item for item in trade.items if item != Item(FEE_NOT_BACK, claim_id)]
        if all(one.paid for one in trade.claims.values()):
            self.due(self.now, "settlement.instruct", trade.trade_id)
        return "claim-paid"

    def _fee_returned(self, trade: Trade, claim_id: str, entry: Entry) -> None:
        for payment in trade.fees(claim_id):
            if payment.parts[0][0] == entry.end_to_end_id and payment.status == "INSTRUCTED":
                payment.status = "REJECTED"
                self.fee_not_back(trade, claim_id)

    def fee_not_back(self, trade: Trade, claim_id: str) -> None:
        claim = trade.claims[claim_id]
        if not claim.paid:
            self.differs(FEE_NOT_BACK, trade, claim.amount, 0, claim_id=claim_id)

    def rejected(self, trade: Trade, payment: Payment) -> None:
        """The bank rejects a payment: news while it is with it, a contradiction of what it has paid."""
        if payment.status == "PAID":
            self.differs("rejected-after-payment", trade, payment=payment)
            return
        if payment.status == "INSTRUCTED":
            payment.answered = True
            self.differs("instruction-rejected", trade, payment=payment)
        payment.status = "NOT_PAID" if payment.status == "NOT_PAID" else "REJECTED"

    def debit(self, trade: Trade, payment: Payment, parts: list[tuple[str, int]], *, known: int) -> str:
        """The bank has paid out, by that payment's name and so much; so many of its entries are known."""
        exact = sorted(parts) == sorted(payment.parts)
        if payment.status == "PAID" and known == len(parts) and exact:
            return "known"
        takes = payment.takes
        if not takes:
            raise Refused("settlement-not-instructed")
        odd = self._oddity(trade, payment, takes, exact=exact)
        told, total = sum(amount for _, amount in parts), payment.total
        if odd is None or payment.status not in GIVEN_UP:
            self.only(trade, *takes)
        if odd is None and payment.status == "PAID":
            odd = "paid-twice"
        if known:
            raise Refused("bank-entry-known-already")
        if odd is not None:
            self.differs(odd, trade, total, told, payment=payment)
            return "mismatch"
        return self._paid_out(trade, payment)

    def _paid_out(self, trade: Trade, payment: Payment) -> str:
        """What a payment does that the bank has made as instructed."""
        if payment.status != "INSTRUCTED" and trade.under_way is not None:
            raise Refused("payments-cross")
        self.only(trade, *payment.takes)
        if trade.held < payment.total:
            raise Refused("held-too-little")
        payment.status = "PAID"
        trade.held -= payment.total
        if payment.kind == "REFUND":
            trade.state = "VOIDED" if trade.state == "VOIDED" else "REFUNDED"
            return "refunded"
        trade.state = "SETTLED"
        by_suffix = {name.rpartition("/")[2]: amount for name, amount in payment.parts}
        trade.released = {name: by_suffix[suffix] for suffix, name in _NAMES.items() if suffix in by_suffix}
        return "settled"

    def ascertain(self, trade: Trade, payment: Payment, officer: str, found: str, seen: Seen) -> bool:
        """An officer says what the bank's statements show of a payment; the second who does decides it."""
        about = [item for item in trade.items if item.payment in {None, trade.number_of(payment)}]
        self._is_in_doubt(trade, payment, found, about)
        if seen.found != found:
            raise Refused("bank-statement-contradicts")
        if found == "PAID" and seen.known:
            raise Refused("bank-entry-known-already")
        if payment.words.get(officer) == found:
            raise Refused("said-before")
        if found not in payment.words.values():
            payment.words[officer] = found
            return False
        closed = [
            item
            for item in trade.items
            if (item.kind in DOUBTS and item in about)
            or (found == "PAID" and item.kind in LET_GO)
            or (item.kind == "unknown-entry" and item.entry_id in seen.entries)
        ]
        if found == "PAID":
            self._paid_out(trade, payment)
        for item in closed:
            trade.items.remove(item)
        payment.words = {}
        if found == "NOT_PAID":
            payment.status, payment.expires_at = "NOT_PAID", None
            if trade.last_out is payment:
                self.differs(NOT_MADE, trade, payment.total, 0, payment=payment)
        return True

    @staticmethod
    def _is_in_doubt(trade: Trade, payment: Payment, found: str, about: list[Item]) -> None:
        contradicted = any(item.kind in CONTRADICTIONS for item in about)
        open_question = payment.status in {"INSTRUCTED", "EXPIRED"} or contradicted
        made = payment.status == "PAID" or (found == "PAID" and trade.paid_already(payment))
        if made or (not open_question and found == "NOT_PAID"):
            raise Refused("nothing-in-doubt")

    @staticmethod
    def _oddity(trade: Trade, payment: Payment, takes: tuple[str, ...], *, exact: bool) -> str | None:
        """What keeps a payment from counting: another one than instructed, or one that was given up."""
        if payment.status == "NOT_PAID":
            return "paid-after-all"
        if payment.status == "REJECTED":
            return "paid-after-rejection"
        if not exact:
            return "paid-otherwise"
        if payment.status == "EXPIRED" and trade.state != "FROZEN":
            waits = trade.state in takes and not trade.paid_already(payment)
            return None if waits and trade.held >= payment.total else "paid-after-all"
        return None
