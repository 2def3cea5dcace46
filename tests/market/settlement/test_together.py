"""Debits that come at once are settled set by set: the same rows as alone, and what is odd is left out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import orjson
import pytest
from sqlmodel import SQLModel, col, select, update

from base.jobs import JobRow
from base.rows import Plan
from ledger.batch import MOST, BatchWriter
from ledger.reader import opening
from ledger.recording import record
from ledger.sequencer import create_log, seal_all
from ledger.statement import Draft
from ledger.tables import (
    EntryRow,
    OpeningRow,
    PendingRow,
    PostingBatchRow,
    PostingRow,
    StatementRow,
)
from market.orders.errors import TradeWrongState
from market.orders.rules import TradeState
from market.orders.tables import Trade
from market.settlement import together
from market.settlement.errors import AccountNotOurs, BankMessageChanged, EntryKnown, SettlementNotInstructed
from market.settlement.tables import BankMessage, BankMovement, Instruction, InstructionState
from market.trade.freezing import freeze_trade
from tests.bench.stock import Due, Stock
from tests.houses import ORIGIN
from tests.market.settlement.bank_side import debit_entries
from tests.market.settlement.test_settling import T_PLUS_1
from tests.market.trade.scene import PRICE, Scene

OF_A_TRADE = (Trade, Instruction, PostingBatchRow, PostingRow, StatementRow, BankMessage, BankMovement)


@pytest.fixture
async def stock(scene: Scene) -> Stock:
    """Copies of a trade that waits for the bank's word."""
    scene.trades["INSTRUCTED"] = scene.trades["ACCEPTED_GOODS"]
    scene.clock.move_to(T_PLUS_1)
    await scene.run_jobs()
    async with scene.database.write() as s:
        await create_log(s, origin=ORIGIN, at=T_PLUS_1)
    await seal_all(scene.database, scene.clock)
    return Stock(scene)


@asynccontextmanager
async def writing(scene: Scene) -> AsyncIterator[BatchWriter]:
    batch = BatchWriter(scene.database, scene.clock)
    running = asyncio.create_task(batch.run())
    try:
        yield batch
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def told(scene: Scene, *messages: Any) -> list[Any]:
    """The bank tells all of this at once; what came of each."""
    async with writing(scene) as batch:
        heard = (scene.hear(message, batch=batch) for message in messages)
        return await asyncio.gather(*heard, return_exceptions=True)


def kinds(outcomes: list[Any]) -> list[str]:
    return [type(one).__name__ if isinstance(one, Exception) else one["outcome"] for one in outcomes]


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many commands of each batch went alone."""
    import ledger.batch

    seen: list[int] = []
    one = ledger.batch._one

    async def counted(*args: Any) -> Any:
        seen.append(1)
        return await one(*args)

    monkeypatch.setattr(ledger.batch, "_one", counted)
    return seen


async def test_debits_at_once_are_settled_together_and_sealed(
    scene: Scene, stock: Stock, alone: list[int]
) -> None:
    due = await stock.take(MOST + 6)
    money = await scene.totals()
    outcomes = await told(scene, *(one.notification for one in due))
    assert set(kinds(outcomes)) == {"settled"}
    assert alone == []
    assert await scene.totals() == (money[0] - PRICE * len(due), money[1] + PRICE * len(due))
    async with scene.database.read() as s:
        assert (await s.exec(select(PendingRow))).all() == []
        ids = [one.trade_id for one in due]
        trades = (await s.exec(select(Trade).where(col(Trade.trade_id).in_(ids)))).all()
        assert {(trade.status, trade.settled_at) for trade in trades} == {(TradeState.SETTLED, T_PLUS_1)}
        of_these = col(StatementRow.object_id).in_(ids) & (col(StatementRow.event) == "TRD.SETTLE")
        settled = select(StatementRow.statement_id).where(of_these)
        sealed = settled.join(EntryRow, col(EntryRow.statement_row) == col(StatementRow.id))
        answered = {one["statement_id"] for one in outcomes}
        assert answered == set((await s.exec(sealed)).all()) == set((await s.exec(settled)).all())


def plain(row: SQLModel, names: dict[str, str]) -> dict[str, Any]:
    """A row under names that are the same in both ways."""
    text = orjson.dumps(row.model_dump(mode="python"), default=repr).decode()
    for name, said in names.items():
        text = text.replace(name, said)
    return dict(orjson.loads(text))


async def left_behind(scene: Scene, due: Due) -> dict[str, Any]:
    """Every row of a settled trade, and what its statement says, without the ids of this trade."""
    names = {due.trade_id: "TRADE", due.instruction.message_id: "INS"}
    rows: dict[str, list[Any]] = {}
    async with scene.database.read() as s:
        for kind in OF_A_TRADE:
            query = select(kind)
            if hasattr(kind, "trade_id"):
                query = query.where(kind.trade_id == due.trade_id)
            elif hasattr(kind, "object_id"):
                query = query.where(kind.object_id == due.trade_id)
            else:
                continue
            rows[kind.__name__] = list((await s.exec(query)).all())
        batches = [row.batch_id for row in rows["PostingBatchRow"]]
        legs = select(PostingRow).where(col(PostingRow.batch_id).in_(batches))
        rows["PostingRow"] = list((await s.exec(legs)).all())
        messages = {row.message_id for row in rows["BankMovement"]}
        query = select(BankMessage).where(col(BankMessage.message_id).in_(messages))
        rows["BankMessage"] = list((await s.exec(query)).all())
        (said,) = rows["StatementRow"]
        private = await opening(s, sha256=said.opening_sha256)
        names |= {said.statement_id: "STA", said.opening_sha256: "OPE", said.envelope_sha256: "ENV"}
        kept = (await s.exec(select(OpeningRow).where(OpeningRow.sha256 == said.opening_sha256))).one()
        assert kept.document is not None
    for batch in rows["PostingBatchRow"]:
        names[batch.batch_id] = f"BATCH-{batch.kind}"
    for message in rows["BankMessage"]:
        names |= {message.message_id: "NTF", message.payload_sha256: "SHA"}
        message.envelope = b""
    for number, moved in enumerate(sorted(rows["BankMovement"], key=lambda row: row.end_to_end_id)):
        names[moved.entry_id] = f"PAY-{number}"
    instruction = rows["Instruction"][0]
    names[instruction.xml_sha256] = "XML"
    instruction.xml = b""
    rows.pop("StatementRow")
    left: dict[str, Any] = {
        name: sorted(({**plain(row, names), "id": 0} for row in found), key=repr)
        for name, found in rows.items()
    }
    assert private is not None
    left["opening"] = {name: value for name, value in private.items() if name != "nonce"}
    return left


async def test_what_is_settled_together_leaves_the_rows_that_it_leaves_alone(
    scene: Scene, stock: Stock
) -> None:
    one, *others = await stock.take(3)
    assert (await scene.hear(one.notification))["outcome"] == "settled"
    await seal_all(scene.database, scene.clock)
    assert set(kinds(await told(scene, *(due.notification for due in others)))) == {"settled"}
    expected = await left_behind(scene, one)
    assert {len(expected[name]) for name in ("Trade", "Instruction", "BankMessage")} == {1}
    assert [len(expected[name]) for name in ("PostingBatchRow", "PostingRow", "BankMovement")] == [3, 10, 3]
    for due in others:
        assert await left_behind(scene, due) == expected
    async with scene.database.read() as s:
        day = select(JobRow).where(JobRow.kind == "settlement.reconcile", JobRow.key == "2026-11-17")
        assert len((await s.exec(day)).all()) == 1


async def test_what_is_odd_is_left_out_and_decided_alone_and_its_neighbours_settle(
    scene: Scene, stock: Stock, alone: list[int]
) -> None:
    at = scene.clock.now()
    fine, odd, again, frozen, repeated, stray, foreign, last = await stock.take(8)
    await scene.hear(again.notification)
    stranger = replace_instruction(stray.instruction, message_id="ins_00000000000000000000000000")
    async with scene.database.write() as s:
        await s.exec(
            update(Trade)
            .where(col(Trade.trade_id) == frozen.trade_id)
            .values(status=TradeState.FROZEN, frozen_from="ACCEPTED_GOODS", frozen_by="SAMR", frozen_at=at)
        )
    outcomes = await told(
        scene,
        fine.notification,
        scene.bank.debit_otherwise(odd.instruction, at=at, delta_minor=100),
        scene.bank.debit(again.instruction, at=at),
        frozen.notification,
        repeated.notification,
        repeated.notification,
        scene.bank.debit(stranger, at=at),
        scene.bank.notification(debit_entries(foreign.instruction, on="2026-11-17"), at=at, escrow="CN20X"),
        last.notification,
    )
    assert kinds(outcomes) == [
        "settled",
        "mismatch",
        TradeWrongState.__name__,
        TradeWrongState.__name__,
        "settled",
        "settled",
        SettlementNotInstructed.__name__,
        AccountNotOurs.__name__,
        "settled",
    ]
    assert outcomes[4] == outcomes[5]
    assert sum(alone) == 6
    async with scene.database.read() as s:
        assert (await s.exec(select(PendingRow))).all() == []


def replace_instruction(instruction: Instruction, **changes: Any) -> Instruction:
    return Instruction(**{**instruction.model_dump(), **changes})


async def test_the_same_again_and_another_about_the_same_trade_at_once_are_decided_once(
    scene: Scene, stock: Stock
) -> None:
    """Whatever batch each of them comes into, and however these wait for each other."""
    due = await stock.take(6)
    at = scene.clock.now()
    odd = [scene.bank.debit_otherwise(one.instruction, at=at, delta_minor=1) for one in due]
    again = [one.notification for one in due]
    money = await scene.totals()
    outcomes = await told(scene, *again, *odd, *reversed(again), *again)
    assert set(kinds(outcomes[:6] + outcomes[12:])) == {"settled"}
    assert set(kinds(outcomes[6:12])) <= {"mismatch", TradeWrongState.__name__}
    assert {one["trade_id"] for one in outcomes[:6]} == {one.trade_id for one in due}
    assert outcomes[:6] == outcomes[18:] == list(reversed(outcomes[12:18]))
    assert await scene.totals() == (money[0] - PRICE * 6, money[1] + PRICE * 6)


async def test_a_reference_that_was_told_before_breaks_the_plan_and_not_its_neighbours(
    scene: Scene, stock: Stock
) -> None:
    at = scene.clock.now()
    known, first, second, third = await stock.take(4)
    await scene.hear(known.notification)
    async with scene.database.read() as s:
        told_before = (await s.exec(select(BankMovement))).first()
        messages = (await s.exec(select(BankMessage.message_id))).all()
    assert told_before is not None
    entries = debit_entries(second.instruction, on="2026-11-17")
    entries[0] = replace(entries[0], entry_id=told_before.entry_id)
    outcomes = await told(
        scene,
        first.notification,
        scene.bank.notification(entries, at=at),
        scene.bank.debit(third.instruction, at=at, message_id=messages[-1]),
    )
    assert kinds(outcomes) == ["settled", EntryKnown.__name__, BankMessageChanged.__name__]
    for due, state in ((first, "SETTLED"), (second, "ACCEPTED_GOODS"), (third, "ACCEPTED_GOODS")):
        assert (await scene.trade(due.trade_id)).status == state


@pytest.mark.parametrize("moved", [Trade, Instruction])
async def test_who_moved_on_meanwhile_breaks_the_plan_and_everybody_goes_alone(
    scene: Scene, stock: Stock, alone: list[int], monkeypatch: pytest.MonkeyPatch, moved: type[SQLModel]
) -> None:
    due = await stock.take(3)
    said = together.record_together

    def interrupted(s: Any, plan: Plan, *args: Any) -> Any:
        """Another state is what the plan finds: whoever has it moved on a moment before."""
        expected = {Trade: TradeState.FROZEN, Instruction: InstructionState.REJECTED}[moved]
        (at,) = [at for at, (what, *_) in enumerate(plan._sets) if what.table == moved.__tablename__]
        what, rows, each = plan._sets[at]
        rows = [(row[0], expected, *row[2:]) if n == 1 else row for n, row in enumerate(rows)]
        plan._sets[at] = (what, rows, each)
        return said(s, plan, *args)

    monkeypatch.setattr(together, "record_together", interrupted)
    outcomes = await told(scene, *(one.notification for one in due))
    assert kinds(outcomes) == ["settled"] * 3
    assert len(alone) == 3


async def test_what_waits_to_be_sealed_is_sealed_before_what_is_settled_together(
    scene: Scene, stock: Stock
) -> None:
    (due,) = await stock.take(1)
    async with scene.database.write() as s:
        note = Draft("TST.NOTE", due.trade_id, public={"number": 1})
        await record(s, scene.house.house.exchange_act(), note)
    await told(scene, due.notification)
    async with scene.database.read() as s:
        entries = select(StatementRow.event).join(
            EntryRow, col(EntryRow.statement_row) == col(StatementRow.id)
        )
        events = (await s.exec(entries.order_by(col(EntryRow.seq)))).all()
    assert list(events[-2:]) == ["TST.NOTE", "TRD.SETTLE"]


async def test_a_freeze_and_its_settlement_at_once_end_in_one_of_both(scene: Scene, stock: Stock) -> None:
    """Whoever comes second is refused: a settled trade is not frozen, a frozen one not settled."""
    due = await stock.take(6)
    async with writing(scene) as batch:
        settling = [scene.hear(one.notification, batch=batch) for one in due]
        freezing = [
            scene.samr.do(freeze_trade, trade_id=one.trade_id, order_id=f"ord_{n}", reason_code="WT1")
            for n, one in enumerate(due)
        ]
        outcomes = await asyncio.gather(*settling, *freezing, return_exceptions=True)
    for one, came, order in zip(due, outcomes[:6], outcomes[6:], strict=True):
        trade = await scene.trade(one.trade_id)
        assert isinstance(order, Exception)  # the instruction is with the bank, or the trade is settled
        assert (trade.status, came["outcome"]) == (TradeState.SETTLED, "settled")
