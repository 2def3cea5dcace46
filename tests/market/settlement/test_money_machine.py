"""Whatever happens in whatever order: Σ postings = 0, and money in = money out + held, to the fen."""

import asyncio
import shutil
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func
from sqlmodel import col, select

from base.calendar import add_working_days, at_shanghai, shanghai_day
from base.db import Database
from base.errors import Refusal
from base.signing import Envelope
from ledger.balances import totals
from ledger.batch import Command, write_batch
from ledger.sequencer import create_log
from ledger.tables import PostingBatchRow, PostingRow
from market.orders.deadlines import BANKS_OPEN
from market.orders.rules import TradeState
from market.orders.tables import Trade
from market.settlement.instructing import instruct, note_status
from market.settlement.tables import Instruction, InstructionState
from market.trade.freezing import freeze_trade, unfreeze_trade
from tests.databases import sqlite_url
from tests.houses import ORIGIN
from tests.market.settlement.bank_side import ESCROW
from tests.market.trade.scene import PRICE, Scene

HOLDS = {TradeState.FUNDED, TradeState.ACCEPTED_GOODS}


class Money(RuleBasedStateMachine):
    """Trades that wait for money or have it, a bank and a regulator. The model: what was paid in and out."""

    made: ClassVar[Scene]
    template: ClassVar[Path]
    copy: ClassVar[Path]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.ids: list[str] = []
        self.instructions: list[Instruction] = []
        self.messages: list[Envelope] = []

    @initialize()
    def open_the_market(self) -> None:
        shutil.copyfile(self.template, self.copy)
        self.database = Database(sqlite_url(self.copy))
        self.scene = self.made.on(self.database)
        self.ids = [name for state, name in self.scene.trades.items() if state.startswith("money")]
        booked = self.scene.bank.booked
        self.paid_in = sum(entry.amount_minor for entry in booked if entry.credit)
        self.paid_out = sum(entry.amount_minor for entry in booked if not entry.credit)
        self.orders = self.heard = 0
        self.look()

    def teardown(self) -> None:
        if self.ids:
            self.run(self.database.dispose())
            for path in self.copy.parent.glob(f"{self.copy.name}*"):
                path.unlink()
        self.runner.close()

    def run(self, act: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(act)

    def look(self) -> None:
        """What stands in the database now."""

        async def asked() -> None:
            async with self.database.read() as s:
                rows = (await s.exec(select(Trade).where(col(Trade.trade_id).in_(self.ids)))).all()
                query = select(Instruction).where(col(Instruction.trade_id).in_(self.ids))
                self.instructions = list((await s.exec(query.order_by(Instruction.message_id))).all())
                self.money = await totals(s)
            self.trades = {row.trade_id: row for row in rows}

        self.run(asked())

    def hear(self, message: Envelope) -> str:
        """What came of a message; nothing came of a refused one. Every other one goes through a batch."""
        self.heard += 1
        batch = Batch(self.scene) if self.heard % 2 else None
        try:
            return str(self.run(self.scene.hear(message, batch=batch))["outcome"])
        except Refusal:
            return "refused"

    @rule(data=st.data(), difference=st.sampled_from([0, 0, 0, -1, 1, PRICE]))
    def fund(self, data: st.DataObject, difference: int) -> None:
        trade = self.trades[data.draw(st.sampled_from(self.ids))]
        now = self.scene.clock.now()
        waits = trade.status is TradeState.CONTRACTED and now <= trade.fund_by
        message = self.scene.bank.credit(trade.trade_id, PRICE + difference, at=now)
        self.messages.append(message)
        assert self.hear(message) == ("funded" if waits and not difference else "refused")
        if waits and not difference:
            self.paid_in += PRICE
            for step in (self.scene.start_delivery, self.scene.confirm, self.scene.accept_goods):
                self.run(step(trade.trade_id))

    @rule()
    def give_instructions(self) -> None:
        """At the next opening of the banks; what is not due, or under way already, is not given."""
        now = self.scene.clock.now()
        self.scene.clock.move_to(at_shanghai(add_working_days(shanghai_day(now), 1), BANKS_OPEN))
        act = self.scene.house.house.exchange_act()

        async def given() -> set[str]:
            async with self.database.write() as s:
                found = [await instruct(s, act, trade_id=one, escrow=ESCROW) for one in self.ids]
            return {one.trade_id for one in found if one is not None}

        accepted = {t.trade_id for t in self.trades.values() if t.status is TradeState.ACCEPTED_GOODS}
        under_way = {one.trade_id for one in self.instructions if one.status is InstructionState.INSTRUCTED}
        assert self.run(given()) == accepted - under_way

    @precondition(lambda self: self.instructions)
    @rule(data=st.data(), delta_minor=st.sampled_from([0, 0, 0, 100, -1]))
    def pay(self, data: st.DataObject, delta_minor: int) -> None:
        """The bank tells of a payment, of the latest or of an earlier instruction, right or wrong."""
        instruction = data.draw(st.sampled_from(self.instructions))
        status = self.trades[instruction.trade_id].status
        message = self.scene.bank.debit_otherwise(
            instruction, at=self.scene.clock.now(), delta_minor=delta_minor
        )
        self.messages.append(message)
        came = self.hear(message)
        if instruction.status is InstructionState.REJECTED:  # money left that was not to, whatever the state
            assert came == "mismatch"
        elif status is not TradeState.ACCEPTED_GOODS:
            assert came == "refused"
        elif instruction.status is InstructionState.INSTRUCTED and not delta_minor:
            assert came == "settled"
            self.paid_out += PRICE
        else:
            assert came == "mismatch"

    @precondition(lambda self: self.instructions)
    @rule(data=st.data())
    def reject(self, data: st.DataObject) -> None:
        instruction = data.draw(st.sampled_from(self.instructions))
        report = self.scene.bank.report(instruction.xml, "AM04", at=self.scene.clock.now())

        async def noted() -> None:
            async with self.database.write() as s:
                act = self.scene.house.house.exchange_act()
                await note_status(s, act, message_id=instruction.message_id, envelope=report)

        self.run(noted())
        self.look()
        now = next(one for one in self.instructions if one.message_id == instruction.message_id)
        paid = instruction.status is InstructionState.PAID
        assert now.status is (InstructionState.PAID if paid else InstructionState.REJECTED)

    @precondition(lambda self: self.messages)
    @rule(data=st.data())
    def tell_again(self, data: st.DataObject) -> None:
        """A message that was decided moves nothing again.

        A debit that was refused is a fact, and is looked at anew.
        """
        before = self.money
        came = self.hear(data.draw(st.sampled_from(self.messages)))
        self.look()
        if self.money != before:
            assert came == "settled"
            self.paid_out += PRICE

    @rule(data=st.data())
    def freeze_or_lift(self, data: st.DataObject) -> None:
        trade = self.trades[data.draw(st.sampled_from(self.ids))]
        verb = unfreeze_trade if trade.status is TradeState.FROZEN else freeze_trade
        self.orders += 1
        order = {"trade_id": trade.trade_id, "order_id": f"ord_{self.orders}", "reason_code": "WT1"}
        try:
            self.run(self.scene.samr.do(verb, **order))
        except Refusal:
            under_way = {one.trade_id for one in self.instructions if one.status == "INSTRUCTED"}
            assert trade.status is TradeState.SETTLED or trade.trade_id in under_way

    @precondition(lambda self: self.ids)
    @invariant()
    def money_is_where_it_should_be(self) -> None:
        self.look()
        trades = self.trades.values()
        stands = {t.trade_id: TradeState(t.frozen_from) if t.frozen_from else t.status for t in trades}
        at_bank, on_trades = self.money
        assert at_bank + on_trades == 0
        assert at_bank == self.paid_in - self.paid_out
        self.run(self._check_books(stands))

    async def _check_books(self, stands: dict[str, TradeState]) -> None:
        async with self.database.read() as s:
            of = select(PostingRow.account, func.sum(PostingRow.amount_minor)).group_by(PostingRow.account)
            held = dict((await s.exec(of.where(col(PostingRow.booked)))).all())
            crooked = select(PostingRow.batch_id).group_by(PostingRow.batch_id, PostingRow.currency)
            assert (await s.exec(crooked.having(func.sum(PostingRow.amount_minor) != 0))).all() == []
            query = select(PostingBatchRow.resolves).where(col(PostingBatchRow.resolves).is_not(None))
            resolved = (await s.exec(query)).all()
        assert len(resolved) == len(set(resolved))
        for one in self.instructions:  # a reservation stands as long as its instruction does
            assert (one.batch_id in resolved) == (one.status is not InstructionState.INSTRUCTED)
        for trade_id, state in stands.items():
            assert -held.get(f"held:{trade_id}", 0) == (PRICE if state in HOLDS else 0)


class Batch:
    """A batch writer that writes what it is given at once."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    async def submit(self, command: Command) -> Any:
        (outcome,) = await write_batch(self._scene.database, self._scene.clock, [command])
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def test_money_in_is_money_out_and_held_in_every_order_of_events(market_for_money):
    Money.made, Money.template, Money.copy = market_for_money
    run_state_machine_as_test(
        Money,
        settings=settings(
            max_examples=10,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.fixture
async def market_for_money(sqlite_scene) -> tuple[Scene, Path, Path]:
    """A market with a contract that waits for its money and two trades to be paid, in a file to be copied."""
    for number, state in enumerate(
        (TradeState.CONTRACTED, TradeState.ACCEPTED_GOODS, TradeState.ACCEPTED_GOODS)
    ):
        sqlite_scene.trades[f"money-{number}"] = await sqlite_scene.walk(state)
    async with sqlite_scene.database.write() as s:
        await create_log(s, origin=ORIGIN, at=sqlite_scene.clock.now())
    await sqlite_scene.database.dispose()
    path = Path(sqlite_scene.database.url.partition("///")[2])
    return sqlite_scene, path, path.with_name("money.db")
