"""What the bank has paid once releases nothing again, whatever has come into escrow since."""

from datetime import timedelta

import pytest

from ledger.reader import statements_of
from market.orders.rules import TradeState
from market.settlement.errors import NothingInDoubt
from market.settlement.repository import instructions_of
from market.settlement.service import release
from market.settlement.tables import Found, Instruction, InstructionState
from tests.market.disputes.staging import claims, pay_back, post_refund, void, work
from tests.market.settlement.bank_side import Mood, debit_entries
from tests.market.settlement.test_ascertaining import again, find_of, shanghai
from tests.market.trade.scene import Scene
from tests.standstill import refused, untouched

BACK = 10_000_000


async def refund_asked_for(scene: Scene) -> str:
    """A settled trade of which the seller has paid a part back."""
    trade_id = scene.trades["SETTLED"]
    await post_refund(scene, trade_id, refund_minor=BACK, fault=())
    await pay_back(scene, trade_id)
    return trade_id


async def money_comes_in(scene: Scene, trade_id: str) -> None:
    """The contract becomes void, and the seller pays back the rest of what it had: others still owe."""
    await void(scene, trade_id)
    claim = next(
        one for one in await claims(scene, trade_id) if one.status == "OPEN" and one.payee == "SELLER"
    )
    await scene.hear(scene.bank.credit(claim.claim_id, claim.amount_minor, at=scene.clock.now()))
    assert await scene.held(trade_id) > BACK


async def refunds(scene: Scene, trade_id: str) -> int:
    async with scene.database.read() as s:
        return [one.event for one in await statements_of(s, object_id=trade_id)].count("TRD.REFUND")


async def state(scene: Scene, trade_id: str) -> tuple[TradeState, int, tuple[int, int], int]:
    status, held = (await scene.trade(trade_id)).status, await scene.held(trade_id)
    return status, held, await scene.totals(), await refunds(scene, trade_id)


async def test_a_refund_that_was_paid_is_not_released_again_out_of_the_next_claim(scene):
    trade_id = await refund_asked_for(scene)
    await scene.run_jobs()
    refund = await scene.instruction(trade_id)
    await scene.settle(trade_id)
    await money_comes_in(scene, trade_id)
    before = await state(scene, trade_id)
    told = await scene.hear(scene.bank.debit(refund, at=scene.clock.now()))
    assert told == {"outcome": "mismatch", "trade_id": trade_id}
    assert await state(scene, trade_id) == before
    assert "paid-twice" in await work(scene, trade_id)


async def twin_of_a_paid_refund(scene: Scene) -> tuple[str, Instruction]:
    """A refund that the bank never answered, and paid when it was instructed again, under the same name."""
    trade_id = await refund_asked_for(scene)
    scene.bank.mood = Mood.IS_DOWN
    await scene.run_jobs()
    first = await scene.instruction(trade_id)
    await scene.run_jobs(first.expires_at)
    scene.bank.mood = Mood.PAYS
    await again(scene, trade_id)
    await scene.run_jobs()
    await scene.settle(trade_id)
    await money_comes_in(scene, trade_id)
    return trade_id, first


async def test_the_late_debit_of_a_twin_releases_nothing(scene):
    trade_id, first = await twin_of_a_paid_refund(scene)
    before = await state(scene, trade_id)
    told = await scene.hear(scene.bank.debit(first, at=scene.clock.now()))
    assert told == {"outcome": "mismatch", "trade_id": trade_id}
    assert await state(scene, trade_id) == before
    assert "paid-after-all" in await work(scene, trade_id)


async def test_a_twin_is_not_found_paid_in_the_statements_either(sqlite_scene):
    scene = sqlite_scene
    trade_id, first = await twin_of_a_paid_refund(scene)
    scene.bank.booked += debit_entries(first, on=(day := shanghai(scene)).isoformat())
    await scene.run_jobs(scene.clock.now() + timedelta(days=1))
    before = await state(scene, trade_id)
    async with refused(scene.database, NothingInDoubt):
        await find_of(scene, first, Found.PAID, day=day)
    assert await state(scene, trade_id) == before


@pytest.mark.parametrize("which", [InstructionState.EXPIRED, InstructionState.PAID])
async def test_nothing_is_released_by_what_was_paid_whoever_asks(sqlite_scene, which):
    scene = sqlite_scene
    trade_id, first = await twin_of_a_paid_refund(scene)
    one = first if which is InstructionState.EXPIRED else await refund_paid(scene, trade_id)
    trade, act = await scene.trade(trade_id), scene.house.house.exchange_act()
    async with untouched(scene.database, NothingInDoubt), scene.database.write() as s:
        found = await s.get(Instruction, one.message_id)
        assert found is not None
        assert found.status is which
        await release(s, act, trade=trade, instruction=found, digest="ab" * 32)


async def refund_paid(scene: Scene, trade_id: str) -> Instruction:
    async with scene.database.read() as s:
        given = await instructions_of(s, trade_id=trade_id)
    return next(one for one in given if one.kind == "REFUND" and one.status is InstructionState.PAID)
