"""The whole trade as a machine of rules: several trades, every party, a hostile bank, a clock that jumps.

Each rule is one act of somebody, allowed or not, done on the exchange and in the model (`driving.py`); after
each all that must hold is looked at. A rule prefers the trades in which its act is allowed, or little would
ever happen, and tries the others too.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from datetime import timedelta
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from base.calendar import shanghai_day
from cases.rules import Measure
from market.disputes import mediation, panel, refunds, service, voiding
from market.disputes.refunds import RefundTerms
from market.disputes.rules import Fault
from market.filing.service import issue_invoice
from market.orders.service import refuse_trade
from market.settlement.mending import pay_again
from market.settlement.tables import Found
from market.trade import failing, freezing, suspending
from pricing.whole import whole_price
from tests.houses import Party
from tests.market.disputes.staging import AWARD, SHOWN, as_officer
from tests.market.filing.filing import terms as invoice_terms
from tests.market.settlement.whole.bank import A_LITTLE, Letter, Trick
from tests.market.settlement.whole.driving import World, reproducible
from tests.market.settlement.whole.kept import (
    AUTHORITY,
    EXCHANGE,
    OVER,
    OWING,
    RELEASED,
    TALKING,
    UNDELIVERED,
    Trade,
)

PRICES = (68_000_000, 100_003, 333, 50)
MOST_TRADES = 7
LAST_DAY = timedelta(days=200)  # mandates end some time
DAY = timedelta(days=1)
ENDS = {"ACCEPT": 0, "REFUND": None}
WALK = ("INQUIRED", "NEGOTIATING", "CONTRACT_READY", "CONTRACTED", "FUNDED", "DELIVERING", "DELIVERED")


class WholeTrade(RuleBasedStateMachine):
    """`opened` gives a fresh copy of the market with its model, `closed` ends it: audits and removes it."""

    opened: ClassVar[Callable[[], Awaitable[World]]]
    closed: ClassVar[Callable[..., Awaitable[None]]]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = ExitStack()
        self.world: World | None = None

    @initialize(audited=st.sampled_from([True, False, False]))
    def open_the_market(self, *, audited: bool) -> None:
        self.audited = audited
        self.stack.enter_context(reproducible(1))
        self.world = self.run(type(self).opened())
        self.began = self.scene.clock.now()
        self.numbers = 0

    def teardown(self) -> None:
        try:
            if self.world is not None:
                self.run(type(self).closed(self.world, audited=self.audited))
        finally:
            self.stack.close()
            self.runner.close()

    def run(self, work: Awaitable[Any]) -> Any:
        return self.runner.run(work)  # type: ignore[arg-type]

    @property
    def w(self) -> World:
        assert self.world is not None
        return self.world

    @property
    def scene(self) -> Any:
        return self.w.scene

    def number(self) -> int:
        self.numbers += 1
        return self.numbers

    def one_of(self, data: st.DataObject, *states: str, where: Callable[[Trade], Any] | None = None) -> Trade:
        """A trade, and mostly one in which the act is allowed."""
        everything = list(self.w.trades.values())
        fitting = [one for one in everything if one.state in states and (where is None or where(one))]
        if fitting and data.draw(st.integers(0, 7)):
            return data.draw(st.sampled_from(fitting))
        return data.draw(st.sampled_from(everything))

    def both(self, ours: Awaitable[Any], theirs: Callable[[], None]) -> Any:
        return self.run(self.w.both(ours, theirs))

    def act(self, who: Party, verb: Any, trade: Trade, theirs: Callable[[], None], **facts: Any) -> Any:
        said = {"role": facts.pop("role", None), "attempted": "TRD.TRIED", "object_id": trade.trade_id}
        return self.both(who.do(verb, **said, trade_id=trade.trade_id, **facts), theirs)

    # -- negotiation and contract

    @precondition(lambda self: len(self.w.trades) < MOST_TRADES)
    @rule(upto=st.sampled_from(WALK), price=st.sampled_from(PRICES))
    def begin(self, upto: str, price: int) -> None:
        """A new trade, by good faith on all sides brought to a state."""
        self.run(walk(self.w, upto, price))

    @rule(
        data=st.data(),
        who=st.sampled_from(["seller", "buyer", "broker"]),
        price=st.sampled_from(PRICES),
        days=st.sampled_from([1, 5, 40]),
    )
    def offer(self, data: st.DataObject, who: str, price: int, days: int) -> None:
        trade = self.one_of(data, *TALKING)
        self.run(self.w.offer(trade, getattr(self.scene, who), price, days * DAY))

    @rule(data=st.data(), who=st.sampled_from(["seller", "buyer", "broker"]))
    def accept(self, data: st.DataObject, who: str) -> None:
        trade = self.one_of(data, "NEGOTIATING")
        side = "BUYER" if who == "buyer" else "PROVIDER"
        ours = self.scene.accept(trade.trade_id, getattr(self.scene, who), len(trade.offers) or 1)
        self.both(ours, lambda: self.w.model.accept(trade, side))

    @rule(data=st.data(), who=st.sampled_from(["seller", "broker"]))
    def refuse(self, data: st.DataObject, who: str) -> None:
        trade = self.one_of(data, *TALKING)
        theirs = lambda: self.w.model.refuse(trade)  # noqa: E731
        self.act(getattr(self.scene, who), refuse_trade, trade, theirs, reason_code="CAPACITY")

    @rule(data=st.data(), who=st.sampled_from(["seller", "buyer", "broker"]))
    def sign(self, data: st.DataObject, who: str) -> None:
        trade = self.one_of(data, "CONTRACT_READY", where=lambda one: who not in one.signed)
        party = getattr(self.scene, who)
        self.both(self.scene.sign(trade.trade_id, party), lambda: self.w.model.sign(trade, who))

    # -- delivery and acceptance

    @rule(data=st.data())
    def start_delivery(self, data: st.DataObject) -> None:
        self.run(self.w.start_delivery(self.one_of(data, "FUNDED")))

    @rule(data=st.data())
    def confirm(self, data: st.DataObject) -> None:
        trade = self.one_of(data, "DELIVERING")
        self.both(self.scene.confirm(trade.trade_id), lambda: self.w.model.confirm(trade))

    @rule(
        data=st.data(),
        who=st.sampled_from(["buyer", "buyer", "buyer", "stranger"]),
        purpose=st.sampled_from(["INTERNAL_USE", "INTERNAL_USE", "INTERNAL_USE", "MARKETING"]),
    )
    def download(self, data: st.DataObject, who: str, purpose: str) -> None:
        """The file is taken, whoever asks for it and in whatever state."""
        began = lambda one: one.licence_end is not None  # noqa: E731
        states = {one.state for one in self.w.trades.values()}
        trade = self.one_of(data, *(states if data.draw(st.booleans()) else {"DELIVERING"}), where=began)
        self.run(self.w.download(trade, getattr(self.scene, who), purpose))

    @rule(data=st.data())
    def accept_goods(self, data: st.DataObject) -> None:
        trade = self.one_of(data, "DELIVERED")
        self.both(self.scene.accept_goods(trade.trade_id), lambda: self.w.model.accept_goods(trade))

    @rule(data=st.data(), by=st.sampled_from([AUTHORITY, EXCHANGE]), stop=st.booleans())
    def suspend_or_resume(self, data: st.DataObject, by: str, *, stop: bool) -> None:
        trade = self.one_of(data, "DELIVERING" if stop else "DELIVERY_SUSPENDED")
        verb = suspending.suspend_delivery if stop else suspending.resume_delivery
        theirs = self.w.model.suspend if stop else self.w.model.resume
        self.act(self.officer(by), verb, trade, lambda: theirs(trade, by), reason_code="CONSENT_WITHDRAWN")

    def officer(self, by: str) -> Party:
        party: Party = self.scene.samr if by == AUTHORITY else self.scene.house.operator
        return party

    @rule(data=st.data())
    def delivery_failed(self, data: st.DataObject) -> None:
        late = lambda one: one.deliver_by and self.scene.clock.now() > one.deliver_by  # noqa: E731
        trade = self.one_of(data, *UNDELIVERED, where=late)
        theirs = lambda: self.w.model.delivery_failed(trade)  # noqa: E731
        self.act(self.scene.buyer, failing.say_delivery_failed, trade, theirs)

    # -- disputes

    @rule(data=st.data(), who=st.sampled_from(["seller", "buyer"]))
    def dispute(self, data: st.DataObject, who: str) -> None:
        trade = self.one_of(data, "DELIVERED")
        theirs = lambda: self.w.model.dispute(trade)  # noqa: E731
        facts = {"ground": "QUALITY", "text": "三个字段为空", "evidence": [SHOWN]}
        self.act(getattr(self.scene, who), service.open_dispute, trade, theirs, **facts)

    def award(self, data: st.DataObject, trade: Trade) -> tuple[str, int | None]:
        """An outcome and what goes back by it; now and then more than there is."""
        outcome = data.draw(st.sampled_from(["ACCEPT", "PARTIAL", "PARTIAL", "REFUND"]))
        if outcome != "PARTIAL":
            return outcome, ENDS[outcome]
        price = trade.price or 100
        return outcome, data.draw(st.sampled_from([1, price // 3, price // 2, price - 1, price]))

    def said_of(self, outcome: str, back: int | None) -> dict[str, Any]:
        return {"outcome": outcome, "refund_minor": back if outcome == "PARTIAL" else None}

    @rule(data=st.data(), who=st.sampled_from(["seller", "buyer"]))
    def propose(self, data: st.DataObject, who: str) -> None:
        trade = self.one_of(data, "DISPUTED")
        outcome, back = self.award(data, trade)
        theirs = lambda: self.w.model.propose(trade, who, back)  # noqa: E731
        self.act(getattr(self.scene, who), mediation.propose, trade, theirs, **self.said_of(outcome, back))

    @precondition(lambda self: any(one.proposals for one in self.w.trades.values()))
    @rule(data=st.data(), who=st.sampled_from(["seller", "buyer"]))
    def agree(self, data: st.DataObject, who: str) -> None:
        trade = self.one_of(data, "DISPUTED", where=lambda one: one.proposals)
        number = data.draw(st.integers(max(1, len(trade.proposals) - 1), len(trade.proposals) + 1))
        theirs = lambda: self.w.model.agree(trade, who, number)  # noqa: E731
        self.act(getattr(self.scene, who), mediation.agree, trade, theirs, proposal_no=number)

    @rule(data=st.data(), who=st.sampled_from(["usr_1", "usr_2", "usr_3"]))
    def vote(self, data: st.DataObject, who: str) -> None:
        trade = self.one_of(data, "DISPUTED", where=lambda one: who not in one.votes)
        outcome, back = self.award(data, trade)
        said = {"trade_id": trade.trade_id, "reasons": "抽样复核属实", **self.said_of(outcome, back)}
        ours = as_officer(self.scene, who, panel.vote, **said)
        self.both(ours, lambda: self.w.model.vote(trade, who, back))

    @rule(data=st.data())
    def court(self, data: st.DataObject) -> None:
        trade = self.one_of(data, "DISPUTED")
        outcome, back = self.award(data, trade)
        said = {"trade_id": trade.trade_id, "award_sha256": AWARD, **self.said_of(outcome, back)}
        ours = as_officer(self.scene, "usr_1", panel.execute_award, **said)
        self.both(ours, lambda: self.w.model.court(trade, back))

    # -- orders

    @rule(data=st.data(), by=st.sampled_from([AUTHORITY, EXCHANGE]))
    def freeze(self, data: st.DataObject, by: str) -> None:
        going_on = {one.state for one in self.w.trades.values()} - OVER
        trade = self.one_of(data, *going_on)
        order = {"order_id": f"ord_{self.number()}", "reason_code": "WT1"}
        theirs = lambda: self.w.model.freeze(trade, by)  # noqa: E731
        self.act(self.officer(by), freezing.freeze_trade, trade, theirs, **order)

    @precondition(lambda self: any(one.state == "FROZEN" for one in self.w.trades.values()))
    @rule(data=st.data(), by=st.sampled_from([AUTHORITY, AUTHORITY, EXCHANGE]))
    def unfreeze(self, data: st.DataObject, by: str) -> None:
        trade = self.one_of(data, "FROZEN")
        order = {"order_id": f"ord_{self.number()}", "reason_code": "CLEARED"}
        theirs = lambda: self.w.model.unfreeze(trade, by)  # noqa: E731
        self.act(self.officer(by), freezing.unfreeze_trade, trade, theirs, **order)

    @rule(data=st.data(), lift=st.booleans(), second=st.sampled_from(["usr_two", "usr_two", "usr_one"]))
    def order_in_a_case(self, data: st.DataObject, second: str, *, lift: bool) -> None:
        """An authority's order in an investigation: two officers, and the trade stands still, or goes on."""
        going_on = {one.state for one in self.w.trades.values()} - OVER
        trade = self.one_of(data, *({"FROZEN"} if lift else going_on))
        measure = Measure.UNFREEZE_TRADE if lift else Measure.FREEZE_TRADE
        done = self.w.model.unfreeze if lift else self.w.model.freeze
        self.run(self.w.order(trade, measure, second, lambda: done(trade, AUTHORITY)))

    @rule(data=st.data(), meant=st.integers(0, 5))
    def void(self, data: st.DataObject, meant: int) -> None:
        """Seldom of a trade that goes on: nothing could become of it any more."""
        if meant:
            trade = self.one_of(data, "VOIDED")
        else:
            trade = self.one_of(data, *(one.state for one in self.w.trades.values() if one.price))
        if trade.state != "VOIDED" and meant:
            return
        order = {"order_id": "ord_void", "reason_code": "ILLEGAL_CONTRACT", "case_id": "cse_1"}
        ours = self.scene.samr.do(
            voiding.void_trade,
            attempted="TRD.VOID",
            object_id=trade.trade_id,
            trade_id=trade.trade_id,
            **order,
        )
        self.run(self.w.claiming(trade, ours, lambda named: self.w.model.void(trade, named)))

    # -- after the release

    @rule(data=st.data())
    def invoice(self, data: st.DataObject) -> None:
        trade = self.one_of(data, "SETTLED", where=lambda one: not one.invoiced)
        whole = whole_price(max(trade.price - trade.back, 1), commission_bp=0, platform_bp=0)
        issued_on = shanghai_day(self.scene.clock.now())
        terms = invoice_terms(
            invoice_no=f"{issued_on.year % 100}44200000{self.number():010d}",
            issued_on=issued_on,
            net_minor=whole.net_minor,
            vat_minor=whole.vat_minor,
        )
        theirs = lambda: self.w.model.invoice(trade)  # noqa: E731
        self.act(self.scene.seller, issue_invoice, trade, theirs, terms=terms)

    @rule(data=st.data(), by=st.sampled_from([AUTHORITY, EXCHANGE]), fault=st.sampled_from([None, *Fault]))
    def post_refund(self, data: st.DataObject, by: str, fault: Fault | None) -> None:
        trade = self.one_of(data, *RELEASED)
        out = sum(trade.released.values()) or 100
        back = data.draw(st.sampled_from([1, out // 2 or 1, out, out, out + 1]))
        returning = {"BROKER", "PLATFORM"} if fault in {Fault.SELLER, Fault.BROKER} else set()
        returning |= {"PLATFORM"} if fault is Fault.PLATFORM else set()
        terms = RefundTerms(ground="QUALITY", refund_minor=back, fault=() if fault is None else (fault,))
        ours = self.officer(by).do(
            refunds.refund_after_release,
            attempted="TRD.POST_REFUND",
            object_id=trade.trade_id,
            trade_id=trade.trade_id,
            terms=terms,
        )
        model = self.w.model
        self.run(self.w.claiming(trade, ours, lambda named: model.post_refund(trade, back, returning, named)))

    @precondition(lambda self: any(one.payments for one in self.w.trades.values()))
    @rule(data=st.data())
    def pay_again(self, data: st.DataObject) -> None:
        stuck = lambda one: one.payments and one.payments[-1].status in {"REJECTED", "EXPIRED"}  # noqa: E731
        trade = self.one_of(data, *OWING, where=stuck)
        self.act(self.scene.house.operator, pay_again, trade, lambda: self.w.model.pay_again(trade))

    @precondition(lambda self: any(self.w.explained()))
    @rule(data=st.data())
    def resolve(self, data: st.DataObject) -> None:
        """A person has looked into a difference, and says the truth."""
        trade, kind = data.draw(st.sampled_from(list(self.w.explained())))
        self.run(self.w.resolve(trade, kind))

    @precondition(lambda self: any(self.w.undecided()))
    @rule(
        data=st.data(),
        officers=st.sampled_from([("usr_1", "usr_2"), ("usr_2", "usr_3"), ("usr_1",), ("usr_1", "usr_1")]),
        rightly=st.integers(0, 5),
    )
    def ascertain(self, data: st.DataObject, officers: tuple[str, ...], rightly: int) -> None:
        """Officers say what the bank's statements show of a payment, or that they show something else."""
        doubts = self.run(self.w.in_doubt())
        if not doubts:
            return
        doubt = data.draw(st.sampled_from(doubts))
        shown = doubt.shown if rightly and doubt.shown is not Found.OTHERWISE else None
        found = shown or data.draw(st.sampled_from([Found.PAID, Found.NOT_PAID]))
        for officer in officers:
            self.run(self.w.ascertain(doubt, officer, found))

    # -- the bank

    @rule(data=st.data(), difference=st.sampled_from([0, 0, 0, 0, -1, 1]))
    def pay_in(self, data: st.DataObject, difference: int) -> None:
        """The buyer's transfer, exact or not, by the right name or by another."""
        trade = self.one_of(data, "CONTRACTED")
        wrong = not data.draw(st.integers(0, 9))
        letter = self.w.bank.transfer(
            None if wrong else trade.trade_id, max((trade.price or 50) + difference, 1)
        )
        if data.draw(st.booleans()):
            self.run(self.w.deliver(letter))

    @precondition(lambda self: any(one.claims for one in self.w.trades.values()))
    @rule(data=st.data(), difference=st.sampled_from([0, 0, 0, 0, -1, 1]))
    def pay_claim(self, data: st.DataObject, difference: int) -> None:
        """Who was paid pays back; of the platform the bank tells by itself, and here once too often."""
        claims = [(name, one) for trade in self.w.trades.values() for name, one in trade.claims.items()]
        open_ones = [(name, one) for name, one in claims if not one.paid and one.payee != "PLATFORM"]
        name, claim = data.draw(st.sampled_from(open_ones or claims))
        letter = self.w.bank.transfer(name, max(claim.amount + difference, 1))
        self.run(self.w.deliver(letter))

    @precondition(lambda self: self._post())
    @rule(data=st.data(), lost=st.integers(0, 9))
    def deliver(self, data: st.DataObject, lost: int) -> None:
        """Some letter that waits, in any order; the bank may not hear the answer."""
        letter = data.draw(st.sampled_from(self._post()))
        self.run(self.w.deliver(letter, lost=not lost))

    def _post(self) -> list[Letter]:
        return [letter for letter in self.w.bank.letters if not letter.answered]

    @precondition(lambda self: self.w.bank.letters)
    @rule(data=st.data())
    def tell_again(self, data: st.DataObject) -> None:
        self.run(self.w.deliver(data.draw(st.sampled_from(self.w.bank.letters))))

    @precondition(lambda self: any(not one.credit for one in self.w.bank.letters))
    @rule(data=st.data())
    def tell_by_another_name(self, data: st.DataObject) -> None:
        """The same payment in a letter of another id; sometimes with new references, as of a second one."""
        letter = data.draw(st.sampled_from([one for one in self.w.bank.letters if not one.credit]))
        entries = self.w.bank.retold(letter, anew=data.draw(st.booleans()))
        self.run(self.w.deliver(entries))

    @precondition(lambda self: self.w.instructions)
    @rule(data=st.data(), meant=st.integers(0, 3))
    def reject(self, data: st.DataObject, meant: int) -> None:
        """A rejection comes by itself: late, a second time, or of what the bank has paid."""
        if not meant:
            self.run(self.w.reject(data.draw(st.sampled_from(sorted(self.w.instructions)))))

    @precondition(lambda self: not self.w.bank.tricks)
    @rule(trick=st.sampled_from(list(Trick)))
    def play_a_trick(self, trick: Trick) -> None:
        """On the next instruction."""
        self.w.bank.tricks.append(trick)

    @precondition(lambda self: self.w.bank.true)
    @rule(data=st.data(), amount=st.sampled_from([-A_LITTLE, A_LITTLE]))
    def book_wrongly(self, data: st.DataObject, amount: int) -> None:
        """Something under an old reference, or what puts right an earlier wrong."""
        bank = self.w.bank
        amount = -bank.planted if bank.planted and data.draw(st.booleans()) else amount
        if bank.balance + amount >= 0:
            bank.plant(data.draw(st.sampled_from(bank.true)), amount)

    # -- the clock

    @precondition(lambda self: self.scene.clock.now() < self.began + LAST_DAY)
    @rule(
        data=st.data(),
        how=st.sampled_from(["due", "due", "hour", "day", "week", "month"]),
        works=st.integers(0, 4),
    )
    def time_passes(self, data: st.DataObject, how: str, works: int) -> None:
        """To just before, at or after something falls due, or by so much; mostly with somebody at work."""
        now = self.scene.clock.now()
        ahead = sorted({one.at for one in self.w.model.agenda if one.at > now})[:4]
        if how == "due" and ahead:
            moment = data.draw(st.sampled_from(ahead)) + timedelta(milliseconds=data.draw(st.integers(-2, 1)))
            by = max(moment - now, timedelta())
        else:
            by = {"hour": DAY / 24, "day": DAY, "week": 7 * DAY, "month": 31 * DAY}.get(how, DAY)
        self.w.pass_time(by)
        if works:
            self.run(self.w.run_jobs())

    @precondition(lambda self: self.scene.clock.now() < self.began + LAST_DAY)
    @rule()
    def an_ordinary_day(self) -> None:
        """Everybody is at work, and the post is delivered."""
        self.w.pass_time(DAY)
        self.run(self.w.run_jobs())
        for letter in self._post():
            self.run(self.w.deliver(letter))
        self.run(self.w.run_jobs())

    @rule()
    def the_bank_goes_or_comes_back(self) -> None:
        self.w.bank.away = not self.w.bank.away

    @precondition(lambda self: any(self._owed()))
    @rule(data=st.data())
    def pay_all_claims(self, data: st.DataObject) -> None:
        """Everybody who was paid out of a trade pays back what it owes."""
        self.run(self.w.pay_claims(data.draw(st.sampled_from(list(self._owed())))))

    def _owed(self) -> Any:
        for trade in self.w.trades.values():
            if any(not one.paid and one.payee != "PLATFORM" for one in trade.claims.values()):
                yield trade

    @rule()
    def work(self) -> None:
        self.run(self.w.run_jobs())

    @rule()
    def start_again(self) -> None:
        self.run(self.w.restart())

    @precondition(lambda self: self.world is not None)
    @invariant()
    def all_agree(self) -> None:
        self.run(self.w.check())


async def walk(world: World, upto: str, price: int) -> str:
    """A new trade, brought to a state by acts of good faith; answers its id."""
    scene, model = world.scene, world.model
    trade_id = await world.inquire()
    trade = world.trades[trade_id]

    async def paid() -> None:
        await world.deliver(world.bank.transfer(trade_id, price))

    steps: list[tuple[str, Callable[[], Awaitable[Any]]]] = [
        ("INQUIRED", lambda: world.offer(trade, scene.seller, price, 5 * DAY)),
        (
            "NEGOTIATING",
            lambda: world.both(scene.accept(trade_id, scene.buyer, 1), lambda: model.accept(trade, "BUYER")),
        ),
        ("CONTRACT_READY", lambda: signed(world, trade)),
        ("CONTRACTED", paid),
        ("FUNDED", lambda: world.start_delivery(trade)),
        ("DELIVERING", lambda: world.both(scene.confirm(trade_id), lambda: model.confirm(trade))),
        ("DELIVERED", lambda: world.both(scene.accept_goods(trade_id), lambda: model.accept_goods(trade))),
    ]
    for state, step in steps:
        if trade.state == upto:
            break
        assert trade.state == state
        await step()
    return trade_id


async def signed(world: World, trade: Trade) -> None:
    for who in ("seller", "buyer", "broker"):
        ours = world.scene.sign(trade.trade_id, getattr(world.scene, who))
        await world.both(ours, lambda who=who: world.model.sign(trade, who))  # type: ignore[misc]
