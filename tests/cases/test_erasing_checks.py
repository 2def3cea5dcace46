"""What an acceptance test found, and what a download was for, go with the openings that say so."""

from typing import Any

import orjson
import pytest
from sqlmodel import select

from base.canonical import canonical, sha256_hex
from base.errors import Refusal
from cases.erasing import TOUCHED, erase_opening
from ledger.reader import Statement, opening, statements_of
from market.delivery.acceptance import Facts
from market.delivery.checks import check_goods
from market.delivery.tables import AcceptanceCheck, Download
from market.disputes.voiding import void_trade
from market.listings.categories import ProductType
from tests.houses import Party, make_house
from tests.identity.unmoved import all_rows
from tests.market.delivery.funded import Deal, make_deal
from tests.market.trade.test_checking import checks, delivered, run, typed

SECRET = "wang-xiaoming-in-ward-7-of-table-3"


async def statement(deal: Deal, event: str, *, by: Party) -> Statement:
    async with deal.house.database.read() as s:
        about = await statements_of(s, object_id=deal.trade_id)
    return [one for one in about if one.event == event and one.org_id == by.org_id][-1]


async def erase(deal: Deal, said: Statement) -> Any:
    return await deal.house.operator.do(
        erase_opening,
        attempted="OPN.ERASE",
        object_id=said.statement_id,
        statement_id=said.statement_id,
        basis="CIVIL-1037",
        reason="the person who is named asked for it",
    )


async def opened(deal: Deal, said: Statement) -> dict[str, Any] | None:
    assert said.opening_sha256 is not None
    async with deal.house.database.read() as s:
        return await opening(s, sha256=said.opening_sha256)


@pytest.fixture
async def tested(database, clock, tmp_path) -> Deal:
    """A report was delivered and tested by exchange and buyer, who names a person; then all of it is void."""
    deal = await make_deal(await make_house(database, clock), tmp_path / "files")
    await typed(deal, ProductType.REPORT)
    await delivered(deal)
    await run(deal)
    facts = Facts(scope={SECRET: False})
    said = {"attempted": "DLV.CHECK", "object_id": deal.trade_id}
    await deal.buyer.do(check_goods, role="BUYER", trade_id=deal.trade_id, facts=facts, **said)
    return deal


async def over(deal: Deal) -> None:
    samr = await deal.house.admit("市场监督管理局", {"SAMR"})
    await samr.do(void_trade, trade_id=deal.trade_id, order_id="ord_1", reason_code="ILLEGAL_SOURCE")


async def test_the_report_of_a_test_goes_with_its_opening_and_its_outcome_stays(tested: Deal) -> None:
    buyers = await statement(tested, "DLV.CHECK", by=tested.buyer)
    ours = await statement(tested, "DLV.CHECK", by=tested.house.operator)
    with pytest.raises(Refusal) as caught:
        await erase(tested, buyers)
    assert caught.value.code == "opening-in-use"
    await over(tested)
    assert (await opened(tested, buyers))["items"][0]["name"] == f"scope: {SECRET}"
    assert SECRET in repr(await all_rows(tested.house.database))
    await erase(tested, buyers)
    assert await opened(tested, buyers) is None
    kept = {check.role: check for check in await checks(tested)}
    assert (kept["BUYER"].report, kept["BUYER"].passed) == (b"", False)
    assert kept["BUYER"].report_sha256 == buyers.predicate["report_sha256"]
    assert orjson.loads(kept["EXCHANGE_OPERATOR"].report)["failed"] == []
    assert await opened(tested, ours) is not None
    left = await all_rows(tested.house.database)
    assert [name for name, rows in left.items() if SECRET in repr(rows)] == []
    assert AcceptanceCheck.__tablename__ in TOUCHED


async def test_what_a_download_was_for_goes_too(tested: Deal) -> None:
    said = await statement(tested, "DLV.DOWNLOAD", by=tested.house.operator)
    async with tested.house.database.read() as s:
        (before,) = (await s.exec(select(Download))).all()
    assert (before.recipient, before.statement_id) == (tested.buyer.org_id, said.statement_id)
    await over(tested)
    await erase(tested, said)
    async with tested.house.database.read() as s:
        (after,) = (await s.exec(select(Download))).all()
    assert (after.purpose, after.recipient) == (None, None)
    assert (after.sent, after.sent_bytes) == (before.sent, before.sent_bytes)
    assert Download.__tablename__ in TOUCHED


async def test_the_digest_of_a_report_tells_nobody_what_failed(tested: Deal) -> None:
    """Everything in it is public but one tick: with a bare digest two tries would tell it."""
    (check,) = [one for one in await checks(tested) if one.role == "BUYER"]
    document = orjson.loads(check.report)
    assert len(document["nonce"]) == 64
    assert canonical(document) == check.report
    bare = {name: value for name, value in document.items() if name != "nonce"}
    assert check.report_sha256 == sha256_hex(check.report) != sha256_hex(canonical(bare))
    said = await statement(tested, "DLV.CHECK", by=tested.buyer)
    words = await opened(tested, said)
    assert words is not None
    assert words["nonce"] != document["nonce"]
    assert words["items"] == document["items"]
