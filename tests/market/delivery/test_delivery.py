"""From the funded trade to the accepted goods: who may, when, what is stated, what is left unmoved."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from base.clock import SimulatedClock
from base.errors import NotFound, Refusal
from base.jobs import JobRow, run_due
from ledger.tables import StatementRow
from market.customs.tables import CustomsDecision
from market.delivery.rules import EntitlementStatus, GoodsCheck
from market.delivery.service import (
    SILENT_ACCEPT_JOB,
    accept_goods,
    confirm_receipt,
    silent_accept,
    start_delivery,
)
from market.listings.publishing import suspend_listing, withdraw_listing
from market.orders.rules import TradeState
from registry.rules import Right
from registry.tables import RightsRow
from tests.houses import make_house
from tests.market.delivery.funded import Deal, make_deal
from tests.market.listings.goods import events, said

DEADLINE = datetime(2026, 11, 23, 15, 59, 59, 999_000, tzinfo=UTC)  # Monday, the fifth working day


async def test_the_provider_starts_the_delivery_and_the_buyer_has_a_right(deal):
    entitlement = await deal.start()
    assert (await deal.trade()).status is TradeState.DELIVERING
    assert (entitlement.buyer_id, entitlement.sha256, entitlement.bytes) == (
        deal.buyer.org_id,
        deal.file.sha256,
        deal.file.bytes,
    )
    assert (entitlement.max_downloads, entitlement.used, entitlement.status) == (
        3,
        0,
        EntitlementStatus.ACTIVE,
    )
    assert entitlement.expires_at == datetime(2027, 11, 16, 15, 59, 59, 999_000, tzinfo=UTC)
    public, opening = await said(deal.house.database, "TRD.START_DELIVERY", deal.trade_id)
    assert (public["entitlement_id"], public["file_sha256"]) == (
        entitlement.entitlement_id,
        deal.file.sha256,
    )
    assert (public["actor"], public["role"], public["from"], public["to"]) == (
        deal.seller.org_id,
        "PROVIDER",
        "FUNDED",
        "DELIVERING",
    )
    assert opening == {}
    assert await jobs(deal) == [("delivery.expire", entitlement.expires_at, "QUEUED")]


async def test_a_delivery_is_started_once(deal):
    await deal.start()
    await refused(deal, "trade-wrong-state", deal.start())


async def test_the_buyer_does_not_start_the_delivery_and_a_stranger_finds_no_trade(deal):
    await refused(deal, "not-a-party", deal.buyer.do(start_delivery, trade_id=deal.trade_id))
    stranger = await deal.house.admit("旁观数据", {"PROVIDER"})
    with pytest.raises(NotFound) as caught:
        await stranger.do(start_delivery, trade_id=deal.trade_id)
    assert caught.value.code == "trade-unknown"


async def test_what_is_suspended_is_not_delivered_and_what_is_withdrawn_is(deal):
    listing_id = deal.listing.listing_id
    await deal.seller.do(withdraw_listing, listing_id=listing_id)
    assert (await deal.start()).status is EntitlementStatus.ACTIVE


async def test_a_suspended_listing_is_not_delivered(deal):
    await deal.house.operator.do(
        suspend_listing, listing_id=deal.listing.listing_id, reason_code="registration-lost"
    )
    await refused(deal, "listing-not-deliverable", deal.start())


async def test_a_right_that_fell_is_not_delivered_on(deal):
    async with deal.house.database.write() as s:
        row = await s.get(RightsRow, (deal.listing.product_id, Right.OPERATE, deal.seller.org_id))
        await s.delete(row)
    await refused(deal, "right-not-held", deal.start())


async def test_what_customs_did_not_clear_is_not_delivered(deal):
    async with deal.house.database.write() as s:
        decision = (await s.exec(select(CustomsDecision))).one()
        decision.route = "REFUSED"
        s.add(decision)
    await refused(deal, "customs-route-not-open", deal.start())


async def test_the_buyer_confirms_what_came_another_way_and_no_byte_is_claimed(deal):
    await deal.start()
    trade = await deal.buyer.do(confirm_receipt, trade_id=deal.trade_id)
    assert (trade.status, trade.accept_by) == (TradeState.DELIVERED, DEADLINE)
    public, _ = await said(deal.house.database, "TRD.DELIVERED", deal.trade_id)
    assert (public["mode"], public["bytes"], public["actor"], public["role"]) == (
        "confirmed",
        0,
        deal.buyer.org_id,
        "BUYER",
    )
    assert "DLV.DOWNLOAD" not in await events(deal.house.database, deal.trade_id)
    assert await deal.downloads() == []


async def test_a_receipt_is_the_buyers_to_confirm_and_only_of_a_delivery_that_started(deal):
    confirm = {"trade_id": deal.trade_id}
    await refused(deal, "trade-wrong-state", deal.buyer.do(confirm_receipt, **confirm))
    await deal.start()
    await refused(deal, "not-a-party", deal.seller.do(confirm_receipt, **confirm))
    await deal.buyer.do(confirm_receipt, **confirm)
    deal.house.clock.advance(timedelta(hours=2))
    await refused(deal, "trade-wrong-state", deal.buyer.do(confirm_receipt, **confirm))


async def test_the_buyer_accepts_and_the_settlement_is_due_at_nine_on_the_next_working_day(deal):
    await delivered(deal)
    deal.house.clock.move_to(datetime(2026, 11, 20, 7, 30, tzinfo=UTC))  # Friday afternoon
    trade = await accept(deal)
    monday = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
    assert (trade.status, trade.accepted_at, trade.settle_at) == (
        TradeState.ACCEPTED_GOODS,
        deal.house.clock.now(),
        monday,
    )
    public, opening = await said(deal.house.database, "TRD.ACCEPT_GOODS", deal.trade_id)
    assert (public["actor"], public["from"], public["to"]) == (
        deal.buyer.org_id,
        "DELIVERED",
        "ACCEPTED_GOODS",
    )
    assert opening == {}
    assert (await jobs(deal))[2:] == [
        ("delivery.silent-accept", DEADLINE + timedelta(milliseconds=1), "CANCELLED"),
        ("settlement.instruct", monday, "QUEUED"),
    ]


async def test_the_buyers_own_check_goes_into_the_opening_of_its_acceptance(deal):
    await delivered(deal)
    check = GoodsCheck(deal.file.sha256, 120, deal.listing.report_sha256)
    await accept(deal, check=check)
    public, opening = await said(deal.house.database, "TRD.ACCEPT_GOODS", deal.trade_id)
    del opening["nonce"]
    assert opening == {
        "file_sha256": deal.file.sha256,
        "rows": 120,
        "report_sha256": deal.listing.report_sha256,
    }
    assert "rows" not in public


@pytest.mark.parametrize(
    "check",
    [GoodsCheck("0" * 64), GoodsCheck(report_sha256="0" * 64), GoodsCheck(rows=119)],
    ids=["digest", "report", "rows"],
)
async def test_goods_that_differ_are_not_accepted(deal, check):
    await delivered(deal)
    await refused(deal, "goods-differ", accept(deal, check=check))


async def test_goods_are_the_buyers_to_accept_once_and_only_when_delivered(deal):
    await refused(deal, "trade-wrong-state", accept(deal))
    await delivered(deal)
    await refused(deal, "not-a-party", deal.seller.do(accept_goods, trade_id=deal.trade_id))
    await accept(deal)
    deal.house.clock.advance(timedelta(hours=2))
    await refused(deal, "trade-wrong-state", accept(deal))


async def test_the_last_moment_of_the_window_is_in_time_and_the_next_is_not(deal):
    await delivered(deal)
    deal.house.clock.move_to(DEADLINE + timedelta(milliseconds=1))
    await refused(deal, "trade-deadline-passed", accept(deal))


async def test_acceptance_at_the_last_moment_of_the_window_is_in_time(deal):
    await delivered(deal)
    deal.house.clock.move_to(DEADLINE)
    assert (await accept(deal)).status is TradeState.ACCEPTED_GOODS


async def test_silence_accepts_when_the_window_is_over_and_not_before(deal):
    await delivered(deal)
    assert await fall_due(deal, DEADLINE) == 0
    assert (await deal.trade()).status is TradeState.DELIVERED
    assert await fall_due(deal, DEADLINE + timedelta(milliseconds=1)) == 1
    trade = await deal.trade()
    assert (trade.status, trade.settle_at) == (
        TradeState.ACCEPTED_GOODS,
        datetime(2026, 11, 25, 1, 0, tzinfo=UTC),  # accepted in the first moment of Tuesday
    )
    public, _ = await said(deal.house.database, "TRD.SILENT_ACCEPT", deal.trade_id)
    assert (public["actor"], public["role"]) == (deal.house.operator.org_id, "EXCHANGE_OPERATOR")
    assert [job[0] for job in await jobs(deal)][-1] == "settlement.instruct"


async def test_silence_that_was_overtaken_changes_nothing(deal):
    await delivered(deal)
    await accept(deal)
    deal.house.clock.move_to(DEADLINE + timedelta(days=1))
    async with deal.house.database.write() as s:
        assert not await silent_accept(s, deal.house.house.exchange_act(), trade_id=deal.trade_id)
    assert "TRD.SILENT_ACCEPT" not in await events(deal.house.database, deal.trade_id)


async def test_the_clock_accepts_nothing_within_the_window_whoever_asks_it(deal):
    await delivered(deal)
    deal.house.clock.move_to(DEADLINE)
    async with deal.house.database.write() as s:
        assert not await silent_accept(s, deal.house.house.exchange_act(), trade_id=deal.trade_id)
    assert (await deal.trade()).status is TradeState.DELIVERED


async def test_a_holiday_is_no_day_of_the_window_and_a_make_up_saturday_is(database, tmp_path):
    clock = SimulatedClock(datetime(2026, 9, 29, 2, 0, tzinfo=UTC))
    deal = await make_deal(await make_house(database, clock), tmp_path / "files")
    await deal.start()
    trade = await deal.buyer.do(confirm_receipt, trade_id=deal.trade_id)
    assert trade.accept_by == datetime(2026, 10, 12, 15, 59, 59, 999_000, tzinfo=UTC)


async def delivered(deal: Deal) -> None:
    await deal.start()
    await deal.take()


async def accept(deal: Deal, **facts):
    return await deal.buyer.do(
        accept_goods,
        attempted="TRD.ACCEPT_GOODS",
        object_id=deal.trade_id,
        trade_id=deal.trade_id,
        **facts,
    )


async def jobs(deal: Deal) -> list[tuple[str, datetime, str]]:
    async with deal.house.database.read() as s:
        rows = (await s.exec(select(JobRow).order_by(JobRow.kind))).all()
    return [(row.kind, row.run_at, row.status.value) for row in rows]


async def fall_due(deal: Deal, at: datetime) -> int:
    deal.house.clock.move_to(at)

    async def on_silence(s, job):
        await silent_accept(s, deal.house.house.exchange_act(), trade_id=job.payload["trade_id"])

    return await run_due(deal.house.database, deal.house.clock.now(), {SILENT_ACCEPT_JOB: on_silence})


async def refused(deal: Deal, code: str, promise) -> None:
    """The act is refused with this code: only the refusal is stated, trade, right and jobs stand."""
    before = await deal.trade(), await jobs(deal), await deal.downloads()
    async with deal.house.database.read() as s:
        count = len((await s.exec(select(StatementRow.id))).all())
    with pytest.raises(Refusal) as caught:
        await promise
    assert caught.value.code == code
    assert (await deal.trade(), await jobs(deal), await deal.downloads()) == before
    async with deal.house.database.read() as s:
        rows = (await s.exec(select(StatementRow.event).order_by(StatementRow.id))).all()
    assert rows[count:] == ["REF.REFUSE"]
