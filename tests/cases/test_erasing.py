"""Erasing an opening: on a legal ground, when nothing needs it; then it and every copy of it are gone."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlmodel import select

from base.errors import Malformed, Refusal
from base.idempotency import Answer as Remembered
from base.idempotency import AnswerErased, Call, recall, remember
from base.jobs import run_due
from cases.erasing import TOUCHED, erase_opening
from ledger.erasure import ERASED, SCRUB_JOB, NothingToErase, scrubbing
from ledger.errors import StatementUnknown
from ledger.reader import Statement, opening, statements_about, statements_of
from ledger.tables import OpeningRow
from market.listings.publishing import withdraw_listing
from market.orders.repository import get_contract, offers_of
from market.orders.service import inquire, refuse_trade
from market.orders.tables import QuoteRow
from tests.cases.opening import drop, investigate
from tests.cases.test_orders import FINDING
from tests.houses import Party
from tests.identity.unmoved import all_rows, nothing_moved, refused
from tests.market.trade.scene import Scene

SECRET = "purpose-that-nobody-must-read-again-7f3a"
LONG = SECRET + " and more words than fit one page of a database " * 400


async def said(scene: Scene, object_id: str, event: str) -> Statement:
    """The last statement of an event about an object."""
    async with scene.database.read() as s:
        return [one for one in await statements_of(s, object_id=object_id) if one.event == event][-1]


async def erase(scene: Scene, statement: Statement, who: Party | None = None, **facts: Any) -> Any:
    asked = {"basis": "PIPL-47-1", "reason": "the person asked for it"} | facts
    return await (who or scene.house.operator).do(
        erase_opening,
        attempted="OPN.ERASE",
        object_id=statement.statement_id,
        statement_id=statement.statement_id,
        **asked,
    )


async def refused_trade(scene: Scene, purpose: str = SECRET) -> str:
    """A trade that came to nothing, with a purpose of its own."""
    trade = await scene.buyer.do(
        inquire,
        role="BUYER",
        attempted="TRD.INQUIRE",
        object_id=scene.listing.listing_id,
        listing_id=scene.listing.listing_id,
        broker_id=scene.broker.org_id,
        purpose=purpose,
        scenario=f"scenario {purpose}",
        quantity=1,
    )
    await scene.seller.do(
        refuse_trade,
        attempted="TRD.REFUSE",
        object_id=trade.trade_id,
        trade_id=trade.trade_id,
        reason_code="CAPACITY",
    )
    return trade.trade_id


async def nonce_of(scene: Scene, statement: Statement) -> str:
    assert statement.opening_sha256 is not None
    async with scene.database.read() as s:
        document = await opening(s, sha256=statement.opening_sha256)
    assert document is not None
    return document["nonce"]


async def stored_text(scene: Scene) -> str:
    """Everything that any table holds."""
    return repr(await all_rows(scene.database))


async def scrubbed(scene: Scene) -> None:
    jobs = {SCRUB_JOB: scrubbing(scene.database, *TOUCHED)}
    assert await run_due(scene.database, scene.clock.now(), jobs) == 1


def bytes_on_disk(scene: Scene) -> bytes:
    """The database file and what stands beside it: the write-ahead log and its index."""
    path = Path(scene.database.url.removeprefix("sqlite+aiosqlite:///"))
    return b"".join(found.read_bytes() for found in sorted(path.parent.glob(f"{path.name}*")))


async def test_an_erased_opening_is_gone_from_every_table_and_its_commitment_stays(scene) -> None:
    trade_id = await refused_trade(scene)
    inquiry = await said(scene, trade_id, "TRD.INQUIRE")
    nonce = await nonce_of(scene, inquiry)
    answer = Remembered(201, "application/json", orjson.dumps({"purpose": SECRET, "nonce": nonce}))
    call = Call(actor_id="usr_1", key="k1", route="trade.inquire", input_sha256="0" * 64)
    other = Call(actor_id="usr_1", key="k2", route="trade.inquire", input_sha256="0" * 64)
    async with scene.database.write() as s:
        await remember(s, call, answer, now=scene.clock.now(), about=trade_id)
        await remember(
            s, other, Remembered(200, "text/plain", b"of another"), now=scene.clock.now(), about="x"
        )
    assert SECRET in await stored_text(scene)
    done = await erase(scene, inquiry)
    left = await stored_text(scene)
    assert nonce not in left
    assert SECRET not in left
    assert (done.answers, done.opening_sha256) == (1, inquiry.opening_sha256)
    async with scene.database.read() as s:
        assert await opening(s, sha256=inquiry.opening_sha256) is None
        with pytest.raises(AnswerErased):
            await recall(s, call)
        assert await recall(s, other) is not None
    again = await said(scene, trade_id, "TRD.INQUIRE")
    assert (again.envelope, again.opening_sha256) == (inquiry.envelope, inquiry.opening_sha256)
    assert (await scene.trade(trade_id)).purpose == ERASED


async def test_the_record_of_an_erasure_names_what_and_on_which_ground_and_keeps_the_words_apart(
    scene,
) -> None:
    inquiry = await said(scene, await refused_trade(scene), "TRD.INQUIRE")
    await erase(scene, inquiry)
    record = await said(scene, inquiry.statement_id, "OPN.ERASE")
    says = record.predicate
    assert {name: says[name] for name in ("statement_id", "envelope_sha256", "opening_sha256", "basis")} == {
        "statement_id": inquiry.statement_id,
        "envelope_sha256": inquiry.envelope_sha256,
        "opening_sha256": inquiry.opening_sha256,
        "basis": "PIPL-47-1",
    }
    assert (says["basis_list"], says["role"]) == ("opening-erasure/1", "EXCHANGE_OPERATOR")
    assert "the person" not in record.envelope.decode()
    async with scene.database.read() as s:
        words = await opening(s, sha256=record.opening_sha256)
    assert words is not None
    assert words["reason"] == "the person asked for it"
    with pytest.raises(Refusal) as caught:
        await erase(scene, record)
    assert caught.value.code == "kept-by-law"


@pytest.mark.parametrize("text", [SECRET, LONG], ids=["on-a-page", "over-many-pages"])
async def test_on_sqlite_not_a_byte_of_it_is_left_in_the_file_or_its_log(sqlite_scene, text) -> None:
    scene = sqlite_scene
    trade_id = await refused_trade(scene, text)
    inquiry = await said(scene, trade_id, "TRD.INQUIRE")
    nonce = (await nonce_of(scene, inquiry)).encode()
    before = bytes_on_disk(scene)
    assert nonce in before
    assert SECRET.encode() in before
    await erase(scene, inquiry)
    assert nonce in bytes_on_disk(scene)  # the log still holds the pages as they were
    await scrubbed(scene)
    left = bytes_on_disk(scene)
    assert nonce not in left
    assert SECRET.encode() not in left
    assert len(left) > 100_000


async def test_what_was_left_behind_is_cleared_by_a_job_on_each_database(scene) -> None:
    inquiry = await said(scene, await refused_trade(scene), "TRD.INQUIRE")
    await erase(scene, inquiry)
    await scrubbed(scene)
    async with scene.database.read() as s:
        assert (await s.get(OpeningRow, inquiry.opening_sha256)).document is None


@pytest.mark.parametrize("state", ["INQUIRED", "NEGOTIATING", "CONTRACTED", "DELIVERING", "FROZEN"])
async def test_what_an_unfinished_or_frozen_trade_needs_stays_on_any_ground(scene, state) -> None:
    inquiry = await said(scene, scene.trades[state], "TRD.INQUIRE")
    for who, facts in (
        (None, {}),
        (scene.authority, {"basis": "ORDER", "order_ref": "粤网信责改〔2026〕3号"}),
    ):
        async with refused(scene.database, _kind("opening-in-use")):
            await erase(scene, inquiry, who, **facts)


async def test_what_was_traded_stays_for_three_years_unless_it_is_ordered(scene) -> None:
    trade_id = scene.trades["SETTLED"]
    inquiry, contract = (
        await said(scene, trade_id, "TRD.INQUIRE"),
        await said(scene, trade_id, "TRD.CONTRACT"),
    )
    settled_at = (await scene.trade(trade_id)).settled_at
    with pytest.raises(Refusal) as caught:
        await erase(scene, inquiry)
    assert (caught.value.code, caught.value.facts["law"]) == ("retention-not-over", "电子商务法 art. 31")
    assert caught.value.facts["until"][:10] == f"{settled_at.year + 3}{settled_at:-%m-%d}"
    await erase(scene, contract, scene.authority, basis="ORDER", order_ref="粤网信责改〔2026〕3号")
    scene.clock.move_to(settled_at + timedelta(days=3 * 365 + 1))
    with pytest.raises(Refusal):  # a leap year lies between
        await erase(scene, inquiry)
    scene.clock.move_to(settled_at + timedelta(days=3 * 365 + 3))
    await erase(scene, inquiry)


async def test_a_contract_s_terms_go_once_for_all_who_signed_them(scene) -> None:
    trade_id = scene.trades["SETTLED"]
    async with scene.database.read() as s:
        signed = [one for one in await statements_of(s, object_id=trade_id) if one.event == "TRD.SIGN"]
        nonce = (await opening(s, sha256=signed[0].opening_sha256))["nonce"]
    assert len({one.opening_sha256 for one in signed}) == 1 < len(signed)
    order = {"basis": "ORDER", "order_ref": "X1"}
    await erase(scene, signed[0], scene.samr, **order)
    async with scene.database.read() as s:
        contract = await get_contract(s, trade_id=trade_id)
        assert (contract.document, contract.opening) == ("", "")
        assert await opening(s, sha256=signed[-1].opening_sha256) is None
    assert nonce not in await stored_text(scene)
    with pytest.raises(Refusal) as caught:
        await erase(scene, signed[-1], scene.samr, **order)
    assert caught.value.code == "opening-erased-before"
    trade = await scene.trade(trade_id)
    assert (trade.price_minor, trade.commission_minor) == (68_000_000, 1_360_000)


async def test_each_opening_of_a_trade_takes_the_copies_that_repeat_it(scene) -> None:
    trade_id = scene.trades["SETTLED"]
    trade = await scene.trade(trade_id)
    order = {"basis": "ORDER", "order_ref": "X1"}
    async with scene.database.read() as s:
        about = await statements_about(s, object_ids=[trade_id, trade.quote_id])
    for one in about:
        if one.event in {"TRD.OFFER", "QTE.QUOTE"}:
            await erase(scene, one, scene.samr, **order)
    async with scene.database.read() as s:
        (offer,) = await offers_of(s, trade_id=trade_id)
        quote = await s.get(QuoteRow, trade.quote_id)
    assert (offer.purpose, offer.territory, offer.price_minor) == (ERASED, ERASED, 68_000_000)
    assert (quote.document, quote.facts) == ("", "")


async def test_what_the_books_rest_on_and_what_is_not_there_is_not_erased(scene) -> None:
    trade_id = scene.trades["SETTLED"]
    paid = await said(scene, trade_id, "TRD.SETTLE")
    async with refused(scene.database, _kind("retention-not-over")):
        await erase(scene, paid, scene.authority, basis="ORDER", order_ref="X1")
    accepted = await said(scene, trade_id, "TRD.ACCEPT")
    async with nothing_moved(scene.database, NothingToErase):
        await erase(scene, accepted)
    missing = Statement("sta_0", "", "", "", "", scene.clock.now(), None, b"", None)
    async with nothing_moved(scene.database, StatementUnknown):
        await erase(scene, missing)


async def test_an_open_case_keeps_what_it_is_about_until_it_is_closed(scene) -> None:
    trade_id = await refused_trade(scene)
    inquiry = await said(scene, trade_id, "TRD.INQUIRE")
    case = await scene.samr.do(investigate, finding=FINDING | {"objects": [trade_id]})
    async with refused(scene.database, _kind("opening-under-case")):
        await erase(scene, inquiry)
    filed = await said(scene, case.case_id, "CSE.FILE")
    await scene.samr.do(drop, case_id=case.case_id)
    await erase(scene, inquiry)
    with pytest.raises(Refusal) as caught:
        await erase(scene, filed)
    assert caught.value.code == "kept-by-law"


async def test_a_ground_is_relied_on_by_whom_it_is_for(scene) -> None:
    inquiry = await said(scene, await refused_trade(scene), "TRD.INQUIRE")
    async with refused(scene.database, _kind("erasure-beyond-power")):
        await erase(scene, inquiry, basis="ORDER", order_ref="X1")
    async with refused(scene.database, _kind("erasure-beyond-power")):
        await erase(scene, inquiry, scene.samr, basis="PIPL-47-1")
    for facts in ({"basis": "JUDGMENT"}, {"basis": "BECAUSE"}):
        async with nothing_moved(scene.database, Malformed):
            await erase(scene, inquiry, **facts)


async def test_a_listing_s_texts_go_when_it_is_off_the_market_and_its_trades_are_over(scene) -> None:
    draft = await said(scene, scene.listing.listing_id, "LST.DRAFT")
    async with refused(scene.database, _kind("opening-in-use")):
        await erase(scene, draft)
    await scene.seller.do(
        withdraw_listing,
        attempted="LST.WITHDRAW",
        object_id=scene.listing.listing_id,
        listing_id=scene.listing.listing_id,
        reason_code="ENDED",
    )
    with pytest.raises(Refusal) as caught:  # trades of it are running
        await erase(scene, draft)
    assert caught.value.facts["needed_by"] == "trade"


async def test_members_and_mandates_keep_what_they_stand_on(scene) -> None:
    mandate = await said(scene, scene.mandate_id, "MND.SIGN")
    member = await said(scene, scene.stranger.org_id, "ORG.ADMIT")
    for statement, needed_by in ((mandate, "mandate"), (member, "member")):
        with pytest.raises(Refusal) as caught:
            await erase(scene, statement)
        assert (caught.value.code, caught.value.facts["needed_by"]) == ("opening-in-use", needed_by)


def _kind(code: str) -> type[Refusal]:
    from cases import errors

    return next(
        kind for kind in vars(errors).values() if isinstance(kind, type) and getattr(kind, "code", "") == code
    )


async def test_why_somebody_was_refused_can_be_erased_with_the_numbers_in_it(scene) -> None:
    with pytest.raises(Refusal):
        await scene.buyer.do(
            refuse_trade,
            attempted="TRD.REFUSE",
            object_id=scene.trades["REFUSED"],
            trade_id=scene.trades["REFUSED"],
            reason_code="CAPACITY",
        )
    refusal = await said(scene, scene.trades["REFUSED"], "REF.REFUSE")
    nonce = await nonce_of(scene, refusal)
    await erase(scene, refusal)
    async with scene.database.read() as s:
        rows = (await s.exec(select(OpeningRow).where(OpeningRow.document.is_(None)))).all()
    assert [row.sha256 for row in rows] == [refusal.opening_sha256]
    assert nonce not in await stored_text(scene)
