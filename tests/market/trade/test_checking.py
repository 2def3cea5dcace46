"""The exchange's own acceptance test reads what was delivered; what differs is disputed by itself."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from base.canonical import sha256_hex
from base.db import Database, WriteSession
from base.files import FileDamaged
from base.jobs import Job, JobRow, JobStatus, run_due
from ledger.recording import Act
from market.delivery.acceptance import DeliveredCopy, Facts, Quality
from market.delivery.checks import check_goods
from market.delivery.errors import FactsForeign
from market.delivery.kinds import DeliveryKind
from market.delivery.repository import checks_of
from market.delivery.service import CHECK_JOB, accept_goods, silent_accept
from market.delivery.tables import AcceptanceCheck, Entitlement
from market.disputes.repository import dispute_of
from market.disputes.rules import Ground, Side
from market.listings.categories import ProductType
from market.listings.tables import Listing
from market.orders.errors import DeadlinePassed, TradeUnknown, TradeWrongState
from market.orders.rules import TradeState
from market.trade.checking import GoodsDesk, check_copy
from market.trade.clockwork import handlers
from market.trade.freezing import freeze_trade, unfreeze_trade
from registry.measure import remeasure
from tests.databases import on_sqlite
from tests.houses import Party, make_house
from tests.market.conftest import copied_deal
from tests.market.delivery.funded import Deal, chunks, make_deal, set_file
from tests.market.listings.goods import CLEAN, events, report_on, said
from tests.standstill import refused

WINDOW = datetime(2026, 11, 23, 15, 59, 59, 999_000, tzinfo=UTC)


FEWER = CLEAN[: CLEAN.rstrip().rindex("\n") + 1]


@pytest.fixture
async def sqlite_database(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Database]:
    """For what does not depend on the kind of database."""
    async with on_sqlite(sqlite_template, tmp_path / "databourse.db") as database:
        yield database


@pytest.fixture
async def deal(request, deals) -> AsyncIterator[Deal]:
    async with copied_deal(deals, request, "sqlite") as deal:
        yield deal


@pytest.fixture
async def short_deal(deal) -> Deal:
    """What is in the store has a row less than what was measured."""
    await put(deal, FEWER.encode())
    return deal


async def run(deal: Deal, at: datetime | None = None) -> None:
    """Do what is due, with the files at hand."""
    if at is not None:
        deal.house.clock.move_to(at)
    scratch = deal.files.path(deal.file.file_id).parent
    desk = GoodsDesk(deal.files, lambda: scratch, asyncio.Semaphore(1))
    due = handlers(deal.house.house, None, None, desk)
    await run_due(deal.house.database, deal.house.clock.now(), due)


async def delivered(deal: Deal) -> None:
    await deal.start()
    await deal.take()


async def checks(deal: Deal) -> list[AcceptanceCheck]:
    async with deal.house.database.read() as s:
        return list(await checks_of(s, trade_id=deal.trade_id))


async def put(deal: Deal, raw: bytes) -> None:
    """Let the store have other bytes under the listing that was measured."""
    deal.file = await deal.files.put(chunks(raw), limit_bytes=2**20)
    async with deal.house.database.write() as s:
        await set_file(s, deal.listing, deal.file)


async def order(deal: Deal, verb: Any, order_id: str) -> None:
    samr = await deal.house.admit(f"市场监督管理局{order_id}", {"SAMR"})
    await samr.do(verb, trade_id=deal.trade_id, order_id=order_id, reason_code="CLEARED")


async def test_after_a_delivery_the_copy_is_tested_by_itself_and_the_report_kept(database, clock, tmp_path):
    deal = await make_deal(await make_house(database, clock), tmp_path / "files")
    await delivered(deal)
    assert await checks(deal) == []
    await run(deal)
    (check,) = await checks(deal)
    document = orjson.loads(check.report)
    assert (check.passed, document["passed"], document["failed"]) == (True, True, [])
    assert (check.role, check.made_by) == ("EXCHANGE_OPERATOR", deal.house.operator.org_id)
    found = {item["name"]: (item["promised"], item["found"]) for item in document["items"]}
    assert found["file_sha256"] == (deal.file.sha256, deal.file.sha256)
    assert found["bytes"] == (deal.file.bytes, deal.file.bytes)
    assert found["rows"] == (120, 120)
    assert found["schema"][0] == found["schema"][1] == "county:integer,month:month,index:decimal"
    assert all(one == other for one, other in found.values())
    assert {item["verdict"] for item in document["items"]} == {"PASS"}
    public, _ = await said(deal.house.database, "DLV.CHECK", deal.trade_id)
    entitlement = await deal.entitlement()
    assert {name: public[name] for name in ("trade_id", "entitlement_id", "buyer_id", "product_type")} == {
        "trade_id": deal.trade_id,
        "entitlement_id": entitlement.entitlement_id,
        "buyer_id": deal.buyer.org_id,
        "product_type": "DATASET",
    }
    assert (public["report_sha256"], public["passed"]) == (sha256_hex(check.report), True)
    assert (await deal.trade()).status is TradeState.DELIVERED
    await run(deal, WINDOW)
    assert len(await checks(deal)) == 1
    await run(deal, WINDOW + timedelta(milliseconds=1))
    assert (await deal.trade()).status is TradeState.ACCEPTED_GOODS


@pytest.mark.parametrize(
    ("raw", "failed", "ground"),
    [
        (FEWER, "rows", Ground.ROWS),
        (CLEAN.replace("index", "idx", 1), "schema", Ground.SCHEMA),
        (CLEAN.replace(",101.1\n", ",\n", 1), "completeness", Ground.QUALITY),
    ],
)
async def test_a_mismatch_opens_a_dispute_by_itself(deal, raw, failed, ground):
    """The listing's report is that of another table than the one that was delivered."""
    await put(deal, raw.encode())
    await delivered(deal)
    await run(deal)
    (check,) = await checks(deal)
    assert not check.passed
    assert failed in orjson.loads(check.report)["failed"]
    assert (await deal.trade()).status is TradeState.DISPUTED
    async with deal.house.database.read() as s:
        dispute = await dispute_of(s, trade_id=deal.trade_id)
    assert (dispute.side, dispute.ground, dispute.opened_by) == (
        Side.EXCHANGE,
        ground,
        deal.house.operator.org_id,
    )
    assert dispute.evidence == [{"name": "acceptance-report", "sha256": check.report_sha256}]
    assert (await events(deal.house.database, deal.trade_id))[-2:] == ["DLV.CHECK", "TRD.DISPUTE"]
    await run(deal, WINDOW + timedelta(days=1))
    assert (await deal.trade()).status is TradeState.DISPUTED


async def test_a_copy_that_cannot_be_read_any_more_is_tried_again_and_then_disputed(deal):
    await delivered(deal)
    path = deal.files.path(deal.file.file_id)
    raw = path.read_bytes()
    path.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    await run(deal)
    assert await checks(deal) == []
    for _ in range(2):
        await run(deal, deal.house.clock.now() + timedelta(minutes=1))
    (check,) = await checks(deal)
    assert orjson.loads(check.report)["failed"] == ["file_sha256", "bytes", "measured"]
    async with deal.house.database.read() as s:
        assert (await dispute_of(s, trade_id=deal.trade_id)).ground is Ground.DIGEST


async def test_a_store_that_is_back_in_time_is_no_mismatch(deal):
    await delivered(deal)
    path = deal.files.path(deal.file.file_id)
    raw = path.read_bytes()
    path.unlink()
    await run(deal)
    path.write_bytes(raw)
    await run(deal, deal.house.clock.now() + timedelta(minutes=1))
    (check,) = await checks(deal)
    assert check.passed


async def test_bytes_that_are_no_table_fail_the_test(sqlite_database, clock, tmp_path):
    deal = await make_deal(
        await make_house(sqlite_database, clock), tmp_path / "files", raw=b"\xff\xfe\x00broken"
    )
    await delivered(deal)
    await run(deal)
    (check,) = await checks(deal)
    assert orjson.loads(check.report)["failed"] == ["measured"]
    assert (await deal.trade()).status is TradeState.DISPUTED


async def test_what_was_frozen_is_disputed_when_it_is_released(short_deal):
    deal = short_deal
    await delivered(deal)
    await order(deal, freeze_trade, "ord_1")
    await run(deal)
    assert [check.passed for check in await checks(deal)] == [False]
    assert (await deal.trade()).status is TradeState.FROZEN
    deal.house.clock.move_to(WINDOW - timedelta(minutes=1))
    await order(deal, unfreeze_trade, "ord_2")
    await run(deal)
    assert (await deal.trade()).status is TradeState.DISPUTED


async def test_silence_waits_for_a_test_that_a_standstill_has_kept_back(short_deal):
    deal = short_deal
    await delivered(deal)
    quick = handlers(deal.house.house, None, None, None)
    desk = GoodsDesk(deal.files, Path, asyncio.Semaphore(1))
    with_files = {
        kind: one for kind, one in handlers(deal.house.house, None, None, desk).items() if kind != CHECK_JOB
    }
    deal.house.clock.move_to(WINDOW + timedelta(days=1))
    await run_due(deal.house.database, deal.house.clock.now(), with_files)
    assert (await deal.trade()).status is TradeState.DELIVERED
    await run(deal, deal.house.clock.now() + timedelta(hours=2))
    assert (await deal.trade()).status is TradeState.DISPUTED
    async with deal.house.database.read() as s:
        job = await s.get(JobRow, (CHECK_JOB, deal.trade_id))
    assert job.status is JobStatus.DONE
    assert CHECK_JOB not in quick


async def test_a_trade_that_was_accepted_before_is_tested_and_stays_accepted(short_deal):
    deal = short_deal
    await delivered(deal)
    await deal.buyer.do(accept_goods, trade_id=deal.trade_id)
    await run(deal)
    assert [check.passed for check in await checks(deal)] == [False]
    assert (await deal.trade()).status is TradeState.ACCEPTED_GOODS


async def test_equal_bytes_are_measured_once_and_every_copy_is_digested(deal, monkeypatch):
    scratch = deal.files.path(deal.file.file_id).parent
    desk = GoodsDesk(deal.files, lambda: scratch, asyncio.Semaphore(1))
    await delivered(deal)
    due = handlers(deal.house.house, None, None, desk)
    job = Job(CHECK_JOB, deal.trade_id, {"trade_id": deal.trade_id}, WINDOW, WINDOW, 1)
    first = await due[CHECK_JOB].call(job)
    assert first.quality is not None
    monkeypatch.setattr("market.trade.checking.remeasure", None)  # nothing is left that could measure
    assert await due[CHECK_JOB].call(job) == first
    deal.files.path(deal.file.file_id).unlink()
    with pytest.raises(FileDamaged):
        await due[CHECK_JOB].call(job)


async def typed(deal: Deal, kind: ProductType) -> None:
    async with deal.house.database.write() as s:
        listing = await s.get(Listing, deal.listing.listing_id)
        listing.product_type = kind
        s.add(listing)


async def check(deal: Deal, facts: Facts, who: Party | None = None) -> AcceptanceCheck:
    return await (who or deal.buyer).do(
        check_goods,
        role="BUYER",
        attempted="DLV.CHECK",
        object_id=deal.trade_id,
        trade_id=deal.trade_id,
        facts=facts,
    )


async def test_a_buyer_states_what_it_found_and_neither_accepts_nor_disputes_by_that(deal):
    await typed(deal, ProductType.SERVICE)
    await delivered(deal)
    await run(deal)
    signed = await check(deal, Facts(milestones={"清洗": True, "标注": False}))
    assert (signed.passed, signed.role, signed.made_by) == (False, "BUYER", deal.buyer.org_id)
    public, _ = await said(deal.house.database, "DLV.CHECK", deal.trade_id)
    assert (public["role"], public["passed"], public["product_type"]) == ("BUYER", False, "SERVICE")
    assert (await deal.trade()).status is TradeState.DELIVERED
    ours, theirs = sorted(await checks(deal), key=lambda one: one.role, reverse=True)
    assert [item["verdict"] for item in orjson.loads(ours.report)["items"]] == ["PASS", "PASS", "OPEN"]
    assert orjson.loads(theirs.report)["failed"] == ["milestone: 标注"]


async def measured(deal: Deal, tmp_path: Path, raw: bytes) -> Facts:
    """What a buyer's own tools say of a copy."""
    path = tmp_path / "mine.csv"
    path.write_bytes(raw)
    report = (await remeasure(path, report_on(CLEAN))).report
    copy = DeliveredCopy(sha256_hex(raw), len(raw), Quality.of(report))
    return Facts(delivered=copy)


async def buyers(scene: Any, facts: Facts) -> AcceptanceCheck:
    return await scene.buyer.do(
        check_copy,
        role="BUYER",
        attempted="DLV.CHECK",
        object_id=scene.trade_id,
        trade_id=scene.trade_id,
        facts=facts,
    )


async def test_a_buyers_own_test_of_the_same_copy_accepts_and_disputes_nothing(deal, tmp_path):
    await delivered(deal)
    signed = await buyers(deal, await measured(deal, tmp_path, CLEAN.encode()))
    assert (signed.passed, signed.role) == (True, "BUYER")
    assert {item["name"] for item in orjson.loads(signed.report)["items"]} >= {"schema", "rows", "accuracy"}
    assert (await deal.trade()).status is TradeState.DELIVERED


@pytest.mark.parametrize(("raw", "ground"), [(FEWER, Ground.DIGEST), (CLEAN, Ground.QUALITY)])
async def test_a_copy_that_fails_its_buyers_test_is_disputed_by_that(deal, tmp_path, raw, ground):
    """By its bytes; or by its quality alone, of which the exchange has found nothing."""
    await delivered(deal)
    facts = await measured(deal, tmp_path, raw.encode())
    if raw == CLEAN:
        worse = replace(
            facts.delivered.quality, dimensions=dict.fromkeys(Quality.of(report_on(CLEAN)).dimensions, "1.0")
        )
        facts = Facts(delivered=replace(facts.delivered, quality=worse))
    signed = await buyers(deal, facts)
    assert not signed.passed
    assert (await deal.trade()).status is TradeState.DISPUTED
    async with deal.house.database.read() as s:
        dispute = await dispute_of(s, trade_id=deal.trade_id)
    assert (dispute.side, dispute.ground) == (Side.EXCHANGE, ground)
    assert dispute.text.startswith("the buyer's test of the delivered copy failed: ")
    assert dispute.evidence == [{"name": "acceptance-report", "sha256": signed.report_sha256}]
    await run(deal)  # the exchange's own test comes later, passes, and ends nothing
    assert [one.passed for one in await checks(deal) if one.role != "BUYER"] == [True]
    assert (await deal.trade()).status is TradeState.DISPUTED


async def test_what_is_no_file_is_not_tested_as_one(deal, tmp_path):
    await delivered(deal)
    async with deal.house.database.write() as s:
        right = await s.get(Entitlement, (await deal.entitlement()).entitlement_id)
        right.kind = DeliveryKind.SHARE
        s.add(right)
    with pytest.raises(FactsForeign):
        await buyers(deal, await measured(deal, tmp_path, FEWER.encode()))


async def test_a_product_is_tested_by_the_facts_of_its_type_in_the_window_by_its_buyer(deal):
    await delivered(deal)
    for facts in (Facts(), Facts(milestones={"清洗": True})):
        with pytest.raises(FactsForeign):
            await check(deal, facts)
    await typed(deal, ProductType.SERVICE)
    with pytest.raises(FactsForeign):
        await check(deal, Facts(milestones={"清洗": True}, card_hours_milli=1))
    stranger = await deal.house.admit("旁观数据", {"BUYER"})
    with pytest.raises(TradeUnknown):
        await check(deal, Facts(milestones={"清洗": True}), stranger)
    deal.house.clock.move_to(datetime(2026, 12, 1, tzinfo=UTC))
    async with refused(deal.house.database, DeadlinePassed):
        await check(deal, Facts(milestones={"清洗": True}))
    await deal.house.operator.do(_overdue, trade_id=deal.trade_id)
    async with refused(deal.house.database, TradeWrongState):
        await check(deal, Facts(milestones={"清洗": True}))


async def _overdue(s: WriteSession, act: Act, *, trade_id: str) -> bool:
    return await silent_accept(s, act, trade_id=trade_id)
