"""Work that waits for a person: said what came of it, once; a rejected payment is made again, once."""

from datetime import UTC, datetime, timedelta

import pytest

from ledger.reader import opening, statements_of
from market.orders.rules import TradeState
from market.settlement.errors import (
    NothingToPayAgain,
    PaymentInDoubt,
    PaymentUnderWay,
    WorkItemClosed,
    WorkItemUnknown,
    WorkWrongRole,
)
from market.settlement.mending import Resolution, close_work_item, pay_again
from market.settlement.repository import claims_of, instructions_of, open_work_items
from market.settlement.tables import InstructionKind, InstructionState, WorkItem
from tests.houses import Party
from tests.market.settlement.bank_side import Mood
from tests.market.settlement.going_back import claim_back
from tests.market.trade.scene import PRICE, Scene, both
from tests.market.trade.test_freezing import freeze, unfreeze
from tests.standstill import refused, untouched

T_PLUS_1 = datetime(2026, 11, 17, 1, 0, tzinfo=UTC)


@pytest.fixture
async def rejected(scene) -> str:
    """A trade whose payment the bank has rejected."""
    scene.bank.mood = Mood.REJECTS
    await scene.run_jobs(T_PLUS_1)
    scene.bank.mood = Mood.PAYS
    return scene.trades["ACCEPTED_GOODS"]


async def work(scene: Scene) -> list[WorkItem]:
    async with scene.database.read() as s:
        return list(await open_work_items(s))


async def close(scene: Scene, item_id: str, who: Party | None = None, note: str = "looked into") -> WorkItem:
    return await (who or scene.house.operator).do(
        close_work_item,
        attempted="PAY.RESOLVE",
        object_id=item_id,
        item_id=item_id,
        resolution=Resolution.EXPLAINED,
        note=note,
    )


async def again(scene: Scene, trade_id: str, who: Party | None = None):
    return await (who or scene.house.operator).do(
        pay_again, attempted="PAY.REQUEUE", object_id=trade_id, trade_id=trade_id
    )


async def test_a_work_item_is_closed_once_with_what_came_of_it(scene, rejected):
    (item,) = await work(scene)
    scene.clock.advance(timedelta(hours=1))
    closed = await close(scene, item.item_id, note="银行系统维护")
    assert closed.closed_at == scene.clock.now()
    assert await work(scene) == []
    async with scene.database.read() as s:
        (said,) = await statements_of(s, object_id=item.item_id)
        private = await opening(s, sha256=said.opening_sha256)
    assert (said.event, said.org_id, said.predicate["role"]) == (
        "PAY.RESOLVE",
        scene.house.operator.org_id,
        "EXCHANGE_OPERATOR",
    )
    assert {name: said.predicate[name] for name in ("item_id", "trade_id", "kind", "resolution")} == {
        "item_id": item.item_id,
        "trade_id": rejected,
        "kind": "instruction-rejected",
        "resolution": "EXPLAINED",
    }
    assert private["note"] == "银行系统维护"
    async with refused(scene.database, WorkItemClosed):
        await close(scene, item.item_id)
    assert await scene.held(rejected) > 0  # closing moves no money


async def test_of_two_who_close_at_once_one_does(scene, rejected):
    (item,) = await work(scene)
    answers = await both(close(scene, item.item_id), close(scene, item.item_id))
    assert [type(answer) for answer in answers].count(WorkItem) == 1
    assert [type(answer) for answer in answers].count(WorkItemClosed) == 1


async def test_only_the_exchange_closes_and_pays_again(scene, rejected):
    (item,) = await work(scene)
    async with refused(scene.database, WorkWrongRole):
        await close(scene, item.item_id, scene.seller)
    async with refused(scene.database, WorkWrongRole):
        await again(scene, rejected, scene.samr)
    async with untouched(scene.database, WorkItemUnknown):
        await close(scene, "wrk_unknown")


async def test_a_rejected_payment_is_made_again_on_the_operators_word(scene, rejected):
    (item,) = await work(scene)
    scene.clock.advance(timedelta(hours=2))
    await again(scene, rejected)
    assert await work(scene) == []
    async with scene.database.read() as s:
        said = [one for one in await statements_of(s, object_id=rejected) if one.event == "PAY.REQUEUE"]
        first = (await instructions_of(s, trade_id=rejected))[0]
    assert [one.predicate["items"] for one in said] == [[item.item_id]]
    assert said[0].predicate["instruction_sha256"] == first.xml_sha256
    await scene.run_jobs()
    async with scene.database.read() as s:
        states = [one.status for one in await instructions_of(s, trade_id=rejected)]
    assert states == [InstructionState.REJECTED, InstructionState.INSTRUCTED]
    async with refused(scene.database, PaymentUnderWay):
        await again(scene, rejected)
    assert (await scene.settle(rejected))["outcome"] == "settled"
    assert await scene.held(rejected) == 0
    async with refused(scene.database, NothingToPayAgain):
        await again(scene, rejected)


async def test_asked_for_twice_it_is_instructed_once(scene, rejected):
    await again(scene, rejected)
    scene.clock.advance(timedelta(seconds=1))
    await again(scene, rejected)
    await scene.run_jobs()
    async with scene.database.read() as s:
        assert len(await instructions_of(s, trade_id=rejected)) == 2


async def test_what_is_instructed_again_and_again_within_one_moment_keeps_its_order(scene, rejected):
    scene.bank.mood = Mood.REJECTS
    for _ in range(5):
        await again(scene, rejected)
        await scene.run_jobs()
    scene.bank.mood = Mood.PAYS
    await again(scene, rejected)
    await scene.run_jobs()
    async with scene.database.read() as s:
        given = await instructions_of(s, trade_id=rejected)
        said = [one for one in await statements_of(s, object_id=rejected) if one.event == "PAY.INSTRUCT"]
    assert len({one.instructed_at for one in given}) == 1
    assert [one.status for one in given] == [InstructionState.REJECTED] * 6 + [InstructionState.INSTRUCTED]
    assert [one.number for one in given] == [1, 2, 3, 4, 5, 6, 7]
    stated = [one.predicate["instruction_sha256"] for one in said]
    assert stated == [one.xml_sha256 for one in given]


async def test_what_the_bank_contradicts_itself_about_is_not_paid_again(scene, rejected):
    await scene.hear(scene.bank.debit(await scene.instruction(rejected), at=T_PLUS_1))
    async with refused(scene.database, PaymentInDoubt):
        await again(scene, rejected)
    doubtful = next(item for item in await work(scene) if item.kind == "paid-after-rejection")
    await close(scene, doubtful.item_id)
    await again(scene, rejected)
    assert await work(scene) == []


async def test_what_was_let_go_is_not_paid_again_by_itself_after_a_freeze(scene, rejected):
    first = await scene.instruction(rejected)
    assert (await scene.hear(scene.bank.debit(first, at=T_PLUS_1)))["outcome"] == "mismatch"
    await freeze(scene, rejected, scene.samr)
    await unfreeze(scene, rejected, scene.samr)
    await scene.run_jobs()
    assert (await scene.instruction(rejected)).message_id == first.message_id
    for item in await work(scene):
        await close(scene, item.item_id)
    await again(scene, rejected)
    await scene.run_jobs()
    assert (await scene.instruction(rejected)).message_id != first.message_id


@pytest.mark.parametrize("state", [TradeState.ACCEPTED_GOODS, TradeState.SETTLED, TradeState.FUNDED])
async def test_a_trade_without_a_rejected_payment_is_not_paid_again(scene, state):
    async with refused(scene.database, NothingToPayAgain):
        await again(scene, scene.trades[state.value])


async def test_a_frozen_trade_is_not_paid_again(scene, rejected):
    await freeze(scene, rejected)
    async with refused(scene.database, NothingToPayAgain):
        await again(scene, rejected)


async def test_what_waited_for_a_person_goes_on_when_the_difference_is_cleared_up(scene):
    """All claims were paid while an old contradiction was open: nothing else would take the refund up."""
    trade_id = scene.trades["ACCEPTED_GOODS"]
    await scene.run_jobs(T_PLUS_1)
    odd = scene.bank.debit_otherwise(await scene.instruction(trade_id), at=scene.clock.now(), delta_minor=1)
    assert (await scene.hear(odd))["outcome"] == "mismatch"
    assert (await scene.settle(trade_id))["outcome"] == "settled"
    await claim_back(scene, trade_id, PRICE, T_PLUS_1 + timedelta(days=20))
    async with scene.database.read() as s:
        claims = await claims_of(s, trade_id=trade_id)
    await scene.run_jobs()
    for claim in claims:
        await scene.fund(claim.claim_id, claim.amount_minor)
    await scene.run_jobs()
    assert (await scene.instruction(trade_id)).kind is InstructionKind.FEE_BACK  # the refund waits
    (item,) = [one for one in await work(scene) if one.trade_id == trade_id]
    scene.clock.advance(timedelta(minutes=1))
    await close(scene, item.item_id)
    await scene.run_jobs()
    assert (await scene.instruction(trade_id)).kind is InstructionKind.REFUND
    assert (await scene.settle(trade_id))["outcome"] == "refunded"


async def test_what_was_let_go_is_not_paid_again_because_its_work_item_is_closed(scene, rejected):
    (item,) = await work(scene)
    await close(scene, item.item_id)
    scene.clock.advance(timedelta(minutes=1))
    await scene.run_jobs()
    async with scene.database.read() as s:
        given = await instructions_of(s, trade_id=rejected)
    assert [one.status for one in given] == [InstructionState.REJECTED]
