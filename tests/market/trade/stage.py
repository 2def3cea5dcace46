"""Every event of a trade as its service causes it, and one trade in each of its states.

A stage plays inside one transaction: each try runs in a savepoint that is rolled back, so each finds a fresh
market. What the system alone does inside a verb (the prechecks, the contract's conclusion, a receipt of the
whole file) has no verb of its own, and is tried at the one door that every step goes through.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from base.db import WriteSession
from brokers.mandates.repository import terms_of
from brokers.rules import Side
from brokers.service import accept_mandate, sign_mandate
from ledger.recording import Act
from market.delivery import service as delivery
from market.delivery.repository import entitlement_of
from market.disputes import mediation, panel, refunds, voiding
from market.disputes.refunds import RefundTerms
from market.disputes.service import open_dispute
from market.filing.service import certify_trade, end_licence, file_trade, issue_invoice
from market.orders import repository as trades
from market.orders import service as orders
from market.orders.rules import TradeEvent, TradeState
from market.orders.service import make_offer, sign_contract
from market.settlement.messages import read_notification
from market.settlement.refunding import take_up
from market.settlement.repository import instructions_of
from market.settlement.service import receive_notification
from market.settlement.tables import Instruction, InstructionKind, InstructionState
from market.trade import failing, freezing, suspending
from market.trade.accepting import accept_offer
from tests.houses import Party
from tests.market.disputes.staging import AWARD, SHOWN, WHAT_IS_WRONG, court, dispute, void
from tests.market.filing.filing import terms as invoice_terms
from tests.market.settlement.bank_side import ESCROW
from tests.market.trade.scene import ENDS_AT, PRICE, Scene, terms

LATER: Final = timedelta(days=60)
YEARS: Final = timedelta(days=500)
Verb = Callable[["Stage", WriteSession, Act, str], Awaitable[Any]]
S, E = TradeState, TradeEvent


@dataclass
class Stage:
    """The scene, somebody for every role, and the serial numbers of what is said only once."""

    scene: Scene
    people: dict[str, Party]
    invoices: int = 0

    def act(self, role: str, *, later: timedelta = timedelta()) -> Act:
        """An act of whoever has the role, at the scene's moment or later."""
        act = self.people[role].act(role)
        return replace(act, occurred_at=act.occurred_at + later, now=act.now + later)

    def invoice_no(self) -> str:
        self.invoices += 1
        return f"2644200000009{self.invoices:07d}"


async def make_stage(scene: Scene) -> Stage:
    """Somebody for every role, and a trade for every state that the scene has none in."""
    house = scene.house
    people = {
        "PROVIDER": scene.seller,
        "BUYER": scene.buyer,
        "BROKER": scene.broker,
        "EXCHANGE_OPERATOR": house.operator,
        "DATA_AUTHORITY": scene.authority,
        "SAMR": scene.samr,
        "CAC": await house.admit("网信办", {"CAC"}),
        "ESCROW": await house.admit("存管银行", {"ESCROW"}),
        "AUDITOR": await house.admit("审计事务所", {"AUDITOR"}),
    }
    stage = Stage(scene, people)
    await _bring(stage)
    missing = set(TradeState) - {TradeState(name) for name in scene.trades}
    assert not missing, missing
    return stage


async def _bring(stage: Stage) -> None:
    scene, put = stage.scene, stage.scene.trades
    put["ACCEPTED"] = await scene.walk(S.NEGOTIATING)
    await scene.buyer.do(orders.accept_offer, trade_id=put["ACCEPTED"], offer_no=1)
    for state in ("DELIVERY_SUSPENDED", "FROZEN"):
        put[state] = await scene.walk(S.DELIVERING)
    put["VOIDED"] = await scene.walk(S.FUNDED)
    for state in ("DISPUTED", "PARTIAL_SETTLE", "REFUND_PENDING", "REFUNDED"):
        put[state] = await scene.walk(S.DELIVERED)
        await dispute(scene, put[state])
    operator = scene.house.operator
    await operator.do(
        suspending.suspend_delivery, trade_id=put["DELIVERY_SUSPENDED"], reason_code="CONSENT_WITHDRAWN"
    )
    await operator.do(
        freezing.freeze_trade, trade_id=put["FROZEN"], order_id="ord_f", reason_code="SUSPECTED_WASH"
    )
    await void(scene, put["VOIDED"])
    await court(scene, put["PARTIAL_SETTLE"], "PARTIAL", 1_000)
    await court(scene, put["REFUND_PENDING"], "REFUND")
    await court(scene, put["REFUNDED"], "REFUND")
    async with scene.database.write() as s:
        await _pay(stage, s, stage.act("EXCHANGE_OPERATOR", later=LATER), put["REFUNDED"])
    for state in ("FILED", "CERTIFIED", "CLOSED"):
        put[state] = await scene.walk(S.ACCEPTED_GOODS)
        async with scene.database.write() as s:
            await _pay(stage, s, stage.act("EXCHANGE_OPERATOR", later=LATER), put[state])
            await _invoice(stage, s, stage.act("PROVIDER"), put[state])
            await file_trade(s, stage.act("EXCHANGE_OPERATOR"), trade_id=put[state])
            if state != "FILED":
                await certify_trade(s, stage.act("EXCHANGE_OPERATOR"), trade_id=put[state])
            if state == "CLOSED":
                late = stage.act("EXCHANGE_OPERATOR", later=YEARS)
                assert await end_licence(s, late, trade_id=put[state])


async def _pay(stage: Stage, s: WriteSession, act: Act, trade_id: str) -> Any:
    """Instruct what is due, and let the bank report that it is paid."""
    await take_up(s, act, trade_id=trade_id, escrow=ESCROW)
    return await _hear_debit(stage, s, act, trade_id)


async def _hear_debit(stage: Stage, s: WriteSession, act: Act, trade_id: str) -> Any:
    instruction = (await instructions_of(s, trade_id=trade_id))[-1]
    envelope = stage.scene.bank.debit(instruction, at=act.now)
    return await _heard(s, act, envelope)


async def _heard(s: WriteSession, act: Act, envelope: Any) -> Any:
    told = read_notification(envelope.payload)
    return await receive_notification(s, act, envelope=envelope, notification=told, escrow=ESCROW)


async def _forged(s: WriteSession, act: Act, trade_id: str, kind: InstructionKind) -> None:
    """An instruction that such a trade never has, so that only its state stands in the bank's way."""
    s.add(
        Instruction(
            message_id=act.new_id("ins"),
            trade_id=trade_id,
            number=1000,
            kind=kind,
            status=InstructionState.INSTRUCTED,
            batch_id="bat_forged",
            payouts=[{"end_to_end_id": f"{trade_id}/S", "amount_minor": str(PRICE), "account": "CN1"}],
            xml=b"",
            xml_sha256="00" * 32,
            instructed_at=act.occurred_at + YEARS,
        )
    )
    await s.flush()


# -- each event, as its service causes it


async def _offer(_: Stage, s: WriteSession, act: Act, trade_id: str) -> Any:
    price = PRICE + 100 * len(await trades.offers_of(s, trade_id=trade_id))
    said = terms(price, expires_at=act.now + timedelta(days=5))
    return await make_offer(s, act, trade_id=trade_id, terms=said)


async def _accept(_: Stage, s: WriteSession, act: Act, trade_id: str) -> Any:
    offers = await trades.offers_of(s, trade_id=trade_id)
    return await accept_offer(s, act, trade_id=trade_id, offer_no=len(offers) or 1)


async def _fund(stage: Stage, s: WriteSession, act: Act, trade_id: str) -> Any:
    return await _heard(s, act, stage.scene.bank.credit(trade_id, PRICE, at=act.now))


async def _dispute(_: Stage, s: WriteSession, act: Act, trade_id: str) -> Any:
    return await open_dispute(
        s, act, trade_id=trade_id, ground="QUALITY", text=WHAT_IS_WRONG, evidence=[SHOWN]
    )


def _agree(outcome: str, event: TradeEvent) -> Verb:
    """A side agrees to the other's proposal; the exchange carries out a court's award, or states it."""

    async def agreed(stage: Stage, s: WriteSession, act: Act, trade_id: str) -> Any:
        if act.role == "EXCHANGE_OPERATOR":
            if event is E.SETTLE_AGREED:
                return await door(event)(stage, s, act, trade_id)
            return await _award(outcome)(stage, s, act, trade_id)
        other = stage.act("BUYER" if act.role == "PROVIDER" else "PROVIDER")
        trade = await trades.get_trade(s, trade_id=trade_id)
        if trade.status is S.DISPUTED and act.role in {"PROVIDER", "BUYER"}:
            amount = 1_000 if outcome == "PARTIAL" else None
            await mediation.propose(s, other, trade_id=trade_id, outcome=outcome, refund_minor=amount)
        return await mediation.agree(s, act, trade_id=trade_id, proposal_no=1)

    return agreed


def _award(outcome: str) -> Verb:
    async def awarded(_: Stage, s: WriteSession, act: Act, trade_id: str) -> Any:
        amount = 1_000 if outcome == "PARTIAL" else None
        act = replace(act, actor=replace(act.actor, user_id="usr_1"))  # an award is carried out by a person
        return await panel.execute_award(
            s, act, trade_id=trade_id, outcome=outcome, award_sha256=AWARD, refund_minor=amount
        )

    return awarded


def _paid(kind: InstructionKind) -> Verb:
    """The bank reports a payment; where the state has none to instruct, one is forged."""

    async def paid(stage: Stage, s: WriteSession, act: Act, trade_id: str) -> Any:
        due = await take_up(s, stage.act("EXCHANGE_OPERATOR", later=LATER), trade_id=trade_id, escrow=ESCROW)
        if due is None or (due.kind is InstructionKind.REFUND) != (kind is InstructionKind.REFUND):
            if due is not None:
                due.status = InstructionState.REJECTED
                s.add(due)
            await _forged(s, act, trade_id, kind)
        return await _hear_debit(stage, s, act, trade_id)

    return paid


async def _invoice(stage: Stage, s: WriteSession, act: Act, trade_id: str) -> Any:
    return await issue_invoice(s, act, trade_id=trade_id, terms=invoice_terms(invoice_no=stage.invoice_no()))


def door(event: TradeEvent) -> Verb:
    """The one door of a trade's state, where no verb of its own stands before it."""

    async def moved(_: Stage, s: WriteSession, act: Act, trade_id: str) -> Any:
        trade = await trades.claim_trade(s, trade_id=trade_id)
        return await trades.move(s, trade=trade, event=event, role=act.role)

    return moved


def _said(verb: Callable[..., Awaitable[Any]], **facts: Any) -> Verb:
    async def done(_: Stage, s: WriteSession, act: Act, trade_id: str) -> Any:
        return await verb(s, act, trade_id=trade_id, **facts)

    return done


async def _delivered(stage: Stage, s: WriteSession, act: Act, trade_id: str) -> Any:
    entitlement = await entitlement_of(s, trade_id=trade_id)
    if act.role != "EXCHANGE_OPERATOR":
        return await delivery.confirm_receipt(s, act, trade_id=trade_id)
    if entitlement is None:
        return await door(E.DELIVERED)(stage, s, act, trade_id)
    trade = await trades.claim_trade(s, trade_id=trade_id)
    return await delivery.state_delivered(s, act, trade, entitlement, delivery.Mode.DOWNLOAD)


async def _fail(_: Stage, s: WriteSession, act: Act, trade_id: str) -> Any:
    if act.role == "EXCHANGE_OPERATOR":
        return await failing.fail_late_delivery(s, act, trade_id=trade_id)
    return await failing.say_delivery_failed(s, act, trade_id=trade_id)


_ORDER: Final = {"order_id": "ord_9", "reason_code": "CLEARED"}
VERBS: Final[dict[TradeEvent, Verb]] = {
    E.OFFER: _offer,
    E.COUNTER_OFFER: _offer,
    E.REFUSE: _said(orders.refuse_trade, reason_code="CAPACITY"),
    E.TIMEOUT: _said(orders.time_out),
    E.ACCEPT: _accept,
    E.PRECHECK_PASS: door(E.PRECHECK_PASS),
    E.PRECHECK_FAIL: door(E.PRECHECK_FAIL),
    E.SIGN: _said(sign_contract),
    E.CONTRACT: door(E.CONTRACT),
    E.FUND: _fund,
    E.FUND_TIMEOUT: _said(orders.cancel_unfunded),
    E.START_DELIVERY: _said(delivery.start_delivery),
    E.SUSPEND: _said(suspending.suspend_delivery, **_ORDER),
    E.RESUME: _said(suspending.resume_delivery, **_ORDER),
    E.DELIVERED: _delivered,
    E.DELIVERY_FAIL: _fail,
    E.ACCEPT_GOODS: _said(delivery.accept_goods),
    E.SILENT_ACCEPT: _said(delivery.silent_accept),
    E.DISPUTE: _dispute,
    E.SETTLE_AGREED: _agree("ACCEPT", E.SETTLE_AGREED),
    E.RULE_FOR_SELLER: _award("ACCEPT"),
    E.RULE_FOR_BUYER: _award("REFUND"),
    E.PARTIAL: _agree("PARTIAL", E.PARTIAL),
    E.SETTLE: _paid(InstructionKind.SETTLE),
    E.INVOICE: _invoice,
    E.FILE: _said(file_trade),
    E.ISSUE_TRADE_CERT: _said(certify_trade),
    E.LICENCE_END: _said(end_licence),
    E.POST_REFUND: _said(
        refunds.refund_after_release, terms=RefundTerms(ground="QUALITY", fault=(), refund_minor=1_000)
    ),
    E.REFUND: _paid(InstructionKind.REFUND),
    E.FREEZE: _said(freezing.freeze_trade, **_ORDER),
    E.UNFREEZE: _said(freezing.unfreeze_trade, **_ORDER),
    E.VOID: _said(voiding.void_trade, **_ORDER),
}
BY_CLOCK: Final = frozenset(
    {E.TIMEOUT, E.FUND_TIMEOUT, E.SILENT_ACCEPT, E.FILE, E.ISSUE_TRADE_CERT, E.LICENCE_END}
)
"""What the clock alone does: overtaken, it answers False and does nothing (as DELIVERY_FAIL by the clock)."""
_AFTER: Final = {
    E.TIMEOUT: LATER,
    E.FUND_TIMEOUT: LATER,
    E.DELIVERY_FAIL: LATER,
    E.SILENT_ACCEPT: LATER,
    E.SETTLE: LATER,
    E.REFUND: LATER,
    E.LICENCE_END: YEARS,
}


def moment(event: TradeEvent) -> timedelta:
    """How much later than the scene's moment an event is due, where the clock decides."""
    return _AFTER.get(event, timedelta())


async def prepared(
    stage: Stage, s: WriteSession, state: TradeState, event: TradeEvent, role: str
) -> tuple[str, timedelta]:
    """What the guard of an allowed step asks for: the trade it is tried on, and when."""
    trade_id, when = stage.scene.trades[state.value], moment(event)
    if (state, event, role) == (S.INQUIRED, E.COUNTER_OFFER, "BROKER"):
        return await _by_buyers_broker(stage, s), when
    if state is S.NEGOTIATING and event is E.OFFER:
        if role == "BUYER":
            await _offer(stage, s, stage.act("BUYER"), trade_id)
        return trade_id, timedelta(days=6)  # one's own offer has expired
    if state is S.NEGOTIATING and event in {E.COUNTER_OFFER, E.ACCEPT} and role != "BUYER":
        await _offer(stage, s, stage.act("BUYER"), trade_id)
    if (state, event) == (S.ACCEPTED, E.PRECHECK_PASS):
        return trade_id, when
    if (state, event) == (S.SETTLED, E.FILE):
        await _invoice(stage, s, stage.act("PROVIDER"), trade_id)
    return trade_id, when


async def _by_buyers_broker(stage: Stage, s: WriteSession) -> str:
    """An inquiry whose broker acts for the buyer."""
    scene, broker = stage.scene, stage.people["BROKER"]
    signed = await sign_mandate(
        s,
        stage.act("BUYER"),
        broker_id=broker.org_id,
        side=Side.BUYER,
        listing_id=None,
        scope="negotiate",
        fee_bp=200,
        ends_at=ENDS_AT,
    )
    written = await terms_of(s, mandate_id=signed.mandate_id)
    assert written is not None
    named = {"mandate_id": signed.mandate_id, "document_sha256": written.document_sha256}
    await accept_mandate(s, stage.act("BROKER"), **named)
    trade = await orders.inquire(
        s,
        stage.act("BUYER"),
        listing_id=scene.listing.listing_id,
        purpose="内部建模",
        scenario="授信",
        quantity=1,
        broker_id=broker.org_id,
    )
    return trade.trade_id
