"""After the release those who were paid pay back, by the fault; a void contract is undone from anywhere."""

from datetime import UTC, datetime, timedelta

import pytest

from market.delivery.rules import EntitlementStatus
from market.disputes import repository
from market.disputes.errors import DisputeMalformed, RefundBeyondPaid
from market.disputes.rules import Basis, DisputeState, Fault
from market.orders.errors import TradeWrongRole, TradeWrongState
from market.orders.states import TradeState
from market.settlement.errors import EscrowAmountMismatch, PaymentInDoubt, PaymentUnderWay
from market.settlement.mending import Resolution, close_work_item
from market.settlement.repository import open_work_items_of
from market.settlement.tables import Found
from tests.market.disputes.staging import (
    AWARD,
    claims,
    disputed,
    found,
    pay_back,
    post_refund,
    queued,
    right,
    said,
    void,
    work,
)
from tests.market.settlement.bank_side import Mood
from tests.market.settlement.test_ascertaining import AFTER, both
from tests.market.trade.scene import COMMISSION, PLATFORM_FEE, PRICE, SELLER_PART, Scene
from tests.standstill import refused, untouched

T_PLUS_1 = datetime(2026, 11, 17, 1, 0, tzinfo=UTC)
EXPIRES = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
DUE = datetime(2026, 11, 30, 15, 59, 59, 999000, tzinfo=UTC)  # 10 working days after 16 November


async def owed(scene: Scene, trade_id: str) -> dict[str, int]:
    return {claim.payee: claim.amount_minor for claim in await claims(scene, trade_id)}


async def test_a_refund_after_the_release_comes_from_those_who_were_paid(scene):
    trade_id = scene.trades["SETTLED"]
    refund = await post_refund(scene, trade_id, refund_minor=34_000_000, fault=[Fault.SELLER])
    assert (refund.refund_minor, refund.fault, refund.order_id) == (34_000_000, ["SELLER"], None)
    assert (await scene.trade(trade_id)).status is TradeState.REFUND_PENDING
    assert await owed(scene, trade_id) == {
        "SELLER": SELLER_PART // 2,
        "BROKER": COMMISSION // 2,
        "PLATFORM": PLATFORM_FEE // 2,
    }
    assert {claim.due_at for claim in await claims(scene, trade_id)} == {DUE}
    predicate, opening = await said(scene, trade_id, "TRD.POST_REFUND")
    assert (predicate["from"], predicate["to"], predicate["ground"], predicate["fault"]) == (
        "SETTLED",
        "REFUND_PENDING",
        "QUALITY",
        ["SELLER"],
    )
    assert opening["refund_minor"] == "34000000"
    assert await right(scene, trade_id) is EntitlementStatus.REVOKED
    await scene.run_jobs(scene.clock.now())
    assert (await said(scene, trade_id, "FIL.DESTRUCTION_ASKED"))[0]["org_id"] == scene.buyer.org_id
    with pytest.raises(EscrowAmountMismatch):
        await pay_back(scene, trade_id, 1)
    await pay_back(scene, trade_id)
    assert await scene.held(trade_id) == 34_000_000
    await scene.run_jobs(scene.clock.now())
    await scene.settle(trade_id)
    assert (await scene.trade(trade_id)).status is TradeState.REFUNDED
    assert (await said(scene, trade_id, "TRD.REFUND"))[1]["amount_minor"] == "34000000"
    assert await scene.held(trade_id) == 0
    assert sum(await scene.totals()) == 0


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ((), {"SELLER": PRICE}),
        ((Fault.PLATFORM,), {"SELLER": PRICE - PLATFORM_FEE, "PLATFORM": PLATFORM_FEE}),
        ((Fault.BROKER,), {"SELLER": SELLER_PART, "BROKER": COMMISSION, "PLATFORM": PLATFORM_FEE}),
    ],
)
async def test_who_owes_depends_on_the_fault_and_the_sum_does_not(sqlite_scene, fault, expected):
    trade_id = sqlite_scene.trades["SETTLED"]
    await post_refund(sqlite_scene, trade_id, refund_minor=PRICE, fault=fault)
    assert await owed(sqlite_scene, trade_id) == expected
    assert sum(expected.values()) == PRICE


async def test_unused_quota_goes_back_pro_rata(sqlite_scene):
    trade_id = sqlite_scene.trades["SETTLED"]
    refund = await post_refund(
        sqlite_scene, trade_id, ground="UNUSED_QUOTA", bought=100_000, used=37_500, award_sha256=AWARD
    )
    assert refund.refund_minor == 42_500_000
    predicate, opening = await said(sqlite_scene, trade_id, "TRD.POST_REFUND")
    assert predicate["award_sha256"] == AWARD
    assert (opening["bought"], opening["used"], opening["refund_minor"]) == (100_000, 37_500, "42500000")


async def test_a_refund_that_may_not_be_is_refused_and_nothing_moves(sqlite_scene):
    scene = sqlite_scene
    settled = scene.trades["SETTLED"]
    async with refused(scene.database, RefundBeyondPaid):
        await post_refund(scene, settled, refund_minor=PRICE + 1)
    for terms in (
        {"refund_minor": 0},
        {},
        {"refund_minor": 5, "bought": 5, "used": 1},
        {"bought": 5},
        {"bought": 5, "used": 6},
        {"refund_minor": 5, "ground": "PAYMENT"},
        {"refund_minor": 5, "award_sha256": "none"},
    ):
        async with untouched(scene.database, DisputeMalformed):
            await post_refund(scene, settled, **terms)
    for state in ("FUNDED", "DELIVERED", "ACCEPTED_GOODS", "CANCELLED"):
        async with refused(scene.database, TradeWrongState):
            await post_refund(scene, scene.trades[state], refund_minor=5)
    async with refused(scene.database, TradeWrongRole):
        await post_refund(scene, settled, scene.seller, refund_minor=5)
    await post_refund(scene, settled, scene.samr, refund_minor=5, order_id="ord_1")
    async with refused(scene.database, TradeWrongState):
        await post_refund(scene, settled, refund_minor=5)


async def test_a_claim_that_is_not_paid_in_time_waits_for_a_person(sqlite_scene):
    scene, trade_id = sqlite_scene, sqlite_scene.trades["SETTLED"]
    await post_refund(scene, trade_id, refund_minor=1000)
    await scene.run_jobs(DUE + timedelta(milliseconds=1))
    assert await work(scene, trade_id) == ["claim-overdue"]
    await pay_back(scene, trade_id)  # late is better than never
    await scene.run_jobs(scene.clock.now())
    await scene.settle(trade_id)
    assert (await scene.trade(trade_id)).status is TradeState.REFUNDED


@pytest.mark.parametrize("state", ["FUNDED", "DELIVERING", "DELIVERED", "ACCEPTED_GOODS"])
async def test_a_void_contract_gives_back_what_escrow_holds(sqlite_scene, state):
    scene = sqlite_scene
    trade_id = scene.trades[state]
    trade = await void(scene, trade_id)
    assert trade.status is TradeState.VOIDED
    predicate, _ = await said(scene, trade_id, "TRD.VOID")
    assert [predicate[name] for name in ("from", "to", "order_id", "case_id", "reason_code")] == [
        state,
        "VOIDED",
        "ord_void",
        "cse_1",
        "ILLEGAL_CONTRACT",
    ]
    if state != "FUNDED":
        assert await right(scene, trade_id) is EntitlementStatus.REVOKED
    waiting = await queued(scene, trade_id)
    assert waiting - {"delivery.check"} == {"settlement.instruct", "filing.require-destruction"}
    await scene.run_jobs(scene.clock.now())
    await scene.settle(trade_id)
    assert (await scene.trade(trade_id)).status is TradeState.VOIDED
    assert (await said(scene, trade_id, "TRD.REFUND"))[1]["amount_minor"] == str(PRICE)
    assert await scene.held(trade_id) == 0
    assert sum(await scene.totals()) == 0
    async with refused(scene.database, TradeWrongState):
        await void(scene, trade_id)


@pytest.mark.parametrize("state", ["INQUIRED", "CONTRACTED", "REFUSED", "BLOCKED"])
async def test_a_contract_nobody_paid_for_is_void_and_no_money_moves(sqlite_scene, state):
    trade_id = sqlite_scene.trades[state]
    assert (await void(sqlite_scene, trade_id)).status is TradeState.VOIDED
    await sqlite_scene.run_jobs(sqlite_scene.clock.now() + timedelta(days=1))
    assert (await sqlite_scene.trade(trade_id)).status is TradeState.VOIDED
    assert await claims(sqlite_scene, trade_id) == []
    assert await sqlite_scene.held(trade_id) == 0


async def test_a_frozen_trade_is_made_void_and_thaws_no_more(sqlite_scene):
    scene, trade_id = sqlite_scene, sqlite_scene.trades["FROZEN"]
    trade = await void(scene, trade_id)
    assert (trade.status, trade.frozen_from, trade.frozen_by) == (TradeState.VOIDED, None, None)
    await scene.run_jobs(scene.clock.now())
    await scene.settle(trade_id)
    assert await scene.held(trade_id) == 0


async def test_a_void_contract_ends_its_dispute(sqlite_scene):
    scene = sqlite_scene
    trade_id = await disputed(scene)
    await void(scene, trade_id)
    ended = await found(scene, trade_id)
    assert (ended.status, ended.basis, ended.outcome) == (DisputeState.ENDED, Basis.VOID, None)
    async with scene.database.read() as s:
        assert list(await repository.open_disputes(s)) == []


async def test_nothing_is_void_while_the_bank_pays(sqlite_scene):
    scene = sqlite_scene
    trade_id = scene.trades["ACCEPTED_GOODS"]
    await scene.run_jobs(T_PLUS_1)
    async with refused(scene.database, PaymentUnderWay):
        await void(scene, trade_id)
    await scene.settle(trade_id)
    assert (await void(scene, trade_id)).status is TradeState.VOIDED


async def test_what_was_released_is_claimed_back_from_everybody_and_once(scene):
    trade_id = scene.trades["SETTLED"]
    await post_refund(scene, trade_id, refund_minor=8_000_000)
    await void(scene, trade_id)
    per_payee: dict[str, int] = {}
    for claim in await claims(scene, trade_id):
        per_payee[claim.payee] = per_payee.get(claim.payee, 0) + claim.amount_minor
    assert per_payee == {"SELLER": SELLER_PART, "BROKER": COMMISSION, "PLATFORM": PLATFORM_FEE}
    await pay_back(scene, trade_id)
    await scene.run_jobs(scene.clock.now())
    await scene.settle(trade_id)
    assert (await scene.trade(trade_id)).status is TradeState.VOIDED
    assert (await said(scene, trade_id, "TRD.REFUND"))[1]["amount_minor"] == str(PRICE)
    assert await scene.held(trade_id) == 0


async def test_a_buyer_who_has_the_whole_price_back_gets_no_more_of_a_void_contract(sqlite_scene):
    trade_id = sqlite_scene.trades["SETTLED"]
    await post_refund(sqlite_scene, trade_id, refund_minor=PRICE)  # nobody else's fault: the seller gives all
    await pay_back(sqlite_scene, trade_id)
    await sqlite_scene.run_jobs(sqlite_scene.clock.now())
    await sqlite_scene.settle(trade_id)
    before = await claims(sqlite_scene, trade_id)
    assert (await void(sqlite_scene, trade_id)).status is TradeState.VOIDED
    assert await claims(sqlite_scene, trade_id) == before


async def test_nothing_is_void_while_nobody_knows_whether_the_bank_has_paid(sqlite_scene):
    scene = sqlite_scene
    trade_id = scene.trades["ACCEPTED_GOODS"]
    scene.bank.mood = Mood.IS_DOWN
    await scene.run_jobs(T_PLUS_1)
    await scene.run_jobs(EXPIRES)
    async with refused(scene.database, PaymentInDoubt):
        await void(scene, trade_id)
    assert (await scene.trade(trade_id)).status is TradeState.ACCEPTED_GOODS
    async with scene.database.read() as s:
        (item,) = await open_work_items_of(s, trade_id=trade_id)
    assert item.kind == "instruction-expired"
    said = {"resolution": Resolution.EXPLAINED, "note": "银行书面确认未付款"}
    async with refused(scene.database, PaymentInDoubt):  # one officer's word decides nothing
        await scene.house.operator.do(
            close_work_item, attempted="PAY.RESOLVE", object_id=item.item_id, item_id=item.item_id, **said
        )
    scene.bank.mood = Mood.PAYS
    await scene.run_jobs(AFTER)
    await both(scene, trade_id, Found.NOT_PAID)
    assert (await void(scene, trade_id)).status is TradeState.VOIDED


async def test_only_an_authority_makes_a_contract_void(sqlite_scene):
    scene = sqlite_scene
    for who in (scene.buyer, scene.house.operator):
        async with refused(scene.database, TradeWrongRole):
            await void(scene, scene.trades["FUNDED"], who)
