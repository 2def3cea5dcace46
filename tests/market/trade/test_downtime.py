"""The clock of trades when nobody was there: a process that was down over a holiday catches up, once.

What falls due is counted in China's working days, make-up days among them; what comes late comes in the order
in which it was due, and to the same end as if the process had never been away.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func
from sqlmodel import col, select

from base.clock import SimulatedClock
from base.db import Database
from base.jobs import JobRow, JobStatus, run_due
from ledger.tables import StatementRow
from market.orders.rules import TradeState
from market.settlement.lapsing import HEARING
from market.settlement.tables import Instruction, InstructionState
from market.trade.clockwork import handlers
from market.trade.freezing import freeze_trade
from tests.market.settlement.bank_side import ESCROW
from tests.market.trade.scene import Scene

LAST = (15, 59, 59, 999_000)  # the last millisecond of a day in Shanghai


@dataclass(frozen=True)
class Holiday:
    """When trades stood where, when the process was there again, and what of it is due when."""

    name: str
    start: datetime
    back: datetime
    settle_at: datetime
    fund_by: datetime
    five_days: datetime  # the delivery and the acceptance of a file
    thaws: datetime  # the exchange's own freeze ends
    paid_after: datetime  # T+1 of what silence accepted when the process was back


HOLIDAYS = [
    Holiday(
        # Thursday; the 13th, Saturday the 14th, the 24th, … are worked, the 15th to the 23rd are not
        name="Spring Festival",
        start=datetime(2026, 2, 12, 2, tzinfo=UTC),
        back=datetime(2026, 3, 5, 2, tzinfo=UTC),
        settle_at=datetime(2026, 2, 13, 1, tzinfo=UTC),
        fund_by=datetime(2026, 2, 24, *LAST, tzinfo=UTC),
        five_days=datetime(2026, 2, 26, *LAST, tzinfo=UTC),
        thaws=datetime(2026, 3, 4, *LAST, tzinfo=UTC),  # Saturday the 28th is worked
        paid_after=datetime(2026, 3, 6, 1, tzinfo=UTC),
    ),
    Holiday(
        # Tuesday; 1 to 7 October are not worked, Saturday the 10th is
        name="National Day",
        start=datetime(2026, 9, 29, 2, tzinfo=UTC),
        back=datetime(2026, 10, 20, 2, tzinfo=UTC),
        settle_at=datetime(2026, 9, 30, 1, tzinfo=UTC),
        fund_by=datetime(2026, 10, 9, *LAST, tzinfo=UTC),
        five_days=datetime(2026, 10, 12, *LAST, tzinfo=UTC),
        thaws=datetime(2026, 10, 19, *LAST, tzinfo=UTC),
        paid_after=datetime(2026, 10, 21, 1, tzinfo=UTC),
    ),
]
UNDELIVERED = ("DELIVERING", "FUNDED")
HORIZON = timedelta(days=55)  # then the last of it is over


async def stand(scene: Scene, holiday: Holiday) -> Scene:
    """The market at the holiday's eve, with one trade in each state in which a clock runs."""
    there = replace(scene, clock=SimulatedClock(holiday.start)).on(scene.database)
    there.trades.clear()
    for state in ("INQUIRED", "CONTRACTED", "FUNDED", "DELIVERING", "DELIVERED", "ACCEPTED_GOODS"):
        there.trades[state] = await there.walk(TradeState(state))
    there.trades["FROZEN"] = await there.walk(TradeState.DELIVERED)
    await there.house.operator.do(
        freeze_trade,
        role="EXCHANGE_OPERATOR",
        attempted="TRD.FREEZE",
        object_id=there.trades["FROZEN"],
        trade_id=there.trades["FROZEN"],
        order_id="ord_frozen",
        reason_code="SUSPECTED_WASH",
    )
    return there


async def pay_what_is_instructed(scene: Scene) -> None:
    """The bank pays at once."""
    async with scene.database.read() as s:
        query = select(Instruction).where(Instruction.status == InstructionState.INSTRUCTED)
        waiting = (await s.exec(query.order_by(col(Instruction.message_id)))).all()
    for one in waiting:
        await scene.hear(scene.bank.debit(one, at=scene.clock.now()))


async def go_on(scene: Scene, until: datetime) -> None:
    """The process is there: it does everything at its very moment."""
    kinds = list(handlers(scene.house.house, scene.bank.client(scene.house.exchange_key), ESCROW))
    next_due = select(func.min(JobRow.due_at)).where(
        JobRow.status == JobStatus.QUEUED, col(JobRow.kind).in_(kinds)
    )
    while True:
        await scene.run_jobs()
        await pay_what_is_instructed(scene)
        async with scene.database.read() as s:
            due = (await s.exec(next_due)).one()
        if due is None or due > until:
            break
        scene.clock.move_to(due)
    await scene.run_jobs(until)


async def told_since(scene: Scene, row: int) -> list[tuple[str, str]]:
    """What was stated after a row of the ledger's queue, in order: the event, and of which trade."""
    states = {trade_id: state for state, trade_id in scene.trades.items()}
    async with scene.database.read() as s:
        query = select(StatementRow.event, StatementRow.object_id).where(col(StatementRow.id) > row)
        found = (await s.exec(query.order_by(col(StatementRow.id)))).all()
    return [(event, states[about]) for event, about in found if about in states]


async def last_row(scene: Scene) -> int:
    async with scene.database.read() as s:
        query = select(StatementRow.id).order_by(col(StatementRow.id).desc()).limit(1)
        return (await s.exec(query)).one() or 0


@pytest.mark.parametrize("holiday", HOLIDAYS, ids=lambda one: one.name)
async def test_a_process_that_was_down_over_a_holiday_catches_up_in_order_and_once(scene, holiday):
    there = await stand(scene, holiday)
    trades = {state: await there.trade(trade_id) for state, trade_id in there.trades.items()}
    assert trades["CONTRACTED"].fund_by == holiday.fund_by
    assert trades["FUNDED"].deliver_by == trades["DELIVERING"].deliver_by == holiday.five_days
    assert trades["DELIVERED"].accept_by == holiday.five_days
    assert trades["ACCEPTED_GOODS"].settle_at == holiday.settle_at
    before = await last_row(there)

    there.clock.move_to(holiday.back)  # three weeks in which nobody ran anything
    await there.run_jobs()
    caught_up = await told_since(there, before)
    at_one_moment = [
        ("TRD.SILENT_ACCEPT", "DELIVERED"),
        *[("TRD.DELIVERY_FAIL", state) for state in UNDELIVERED],
    ]
    assert caught_up == [
        ("PAY.INSTRUCT", "ACCEPTED_GOODS"),
        *sorted(at_one_moment, key=caught_up.index),
        ("TRD.UNFREEZE", "FROZEN"),
        *sorted([("PAY.INSTRUCT", state) for state in UNDELIVERED], key=caught_up.index),  # what goes back
    ]
    assert (await there.trade(there.trades["DELIVERED"])).settle_at == holiday.paid_after

    again = await last_row(there)
    await there.run_jobs(holiday.back + HEARING - timedelta(seconds=1))
    assert await told_since(there, again) == []
    for _ in range(2):  # what the bank received in time it has asked about by now
        await there.run_jobs(holiday.back + HEARING)
    assert await told_since(there, again) == [("TRD.FUND_TIMEOUT", "CONTRACTED")]
    async with there.database.read() as s:
        assert (await s.exec(select(JobRow.key).where(JobRow.status == JobStatus.DEAD))).all() == []


@pytest.mark.parametrize("holiday", HOLIDAYS, ids=lambda one: one.name)
async def test_it_ends_as_if_the_process_had_never_been_away(sqlite_scene, scenery, sqlite_template, holiday):
    async with scenery.on_sqlite(sqlite_template) as (database, made):
        ends = []
        for copy, away in ((sqlite_scene, False), (made.on(database), True)):
            scene = await stand(copy, holiday)
            before = await last_row(scene)
            if away:
                scene.clock.move_to(holiday.back)
            await go_on(scene, holiday.start + HORIZON)
            states = {name: (await scene.trade(trade_id)).status for name, trade_id in scene.trades.items()}
            ends.append((states, Counter(await told_since(scene, before))))
        assert ends[0] == ends[1]
    states, said = ends[0]
    assert states == {
        "INQUIRED": TradeState.LAPSED,
        "CONTRACTED": TradeState.CANCELLED,
        "FUNDED": TradeState.REFUNDED,
        "DELIVERING": TradeState.REFUNDED,
        "DELIVERED": TradeState.SETTLED,
        "ACCEPTED_GOODS": TradeState.SETTLED,
        "FROZEN": TradeState.SETTLED,
    }
    assert set(said.values()) == {1, 2}
    assert {one for one, times in said.items() if times == 2} == {  # its invoice, and the filing without it
        ("FIL.OVERDUE", state) for state in ("DELIVERED", "ACCEPTED_GOODS", "FROZEN")
    }


async def test_two_processes_that_catch_up_side_by_side_do_everything_once(scene):
    holiday = HOLIDAYS[0]
    there = await stand(scene, holiday)
    before = await last_row(there)
    there.clock.move_to(holiday.back)
    other = Database(there.database.url)
    try:
        bank = there.bank.client(there.house.exchange_key)
        house = there.house.house
        kinds = list(handlers(house, bank, ESCROW))
        work = [
            run_due(database, there.clock.now(), handlers(replace(house, database=database), bank, ESCROW))
            for database in (there.database, other)
        ]
        await asyncio.gather(*work)
        await there.run_jobs(holiday.back + HEARING)
    finally:
        await other.dispose()
    said = Counter(await told_since(there, before))
    assert said == Counter(
        [
            ("PAY.INSTRUCT", "ACCEPTED_GOODS"),
            ("TRD.FUND_TIMEOUT", "CONTRACTED"),
            ("TRD.SILENT_ACCEPT", "DELIVERED"),
            ("TRD.UNFREEZE", "FROZEN"),
            *[("TRD.DELIVERY_FAIL", state) for state in UNDELIVERED],
            *[("PAY.INSTRUCT", state) for state in UNDELIVERED],
        ]
    )
    async with there.database.read() as s:
        query = select(JobRow.status).where(
            col(JobRow.due_at) <= there.clock.now(), col(JobRow.kind).in_(kinds)
        )
        assert set((await s.exec(query)).all()) <= {JobStatus.DONE, JobStatus.CANCELLED}
