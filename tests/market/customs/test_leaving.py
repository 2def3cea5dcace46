"""What left is noted at the declaration it was booked at, also where it broke off."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from base.jobs import run_due
from market.customs import deciding
from market.customs.errors import CustomsRouteNotOpen, DeclaredVolumeExceeded
from market.customs.repository import egress_of
from market.delivery.access import Declared
from market.delivery.downloads import _count
from market.delivery.kinds import DeliveryKind
from market.delivery.sandbox.service import Asking, Wanted, begin_question, require_readable
from market.delivery.sandbox.tables import Question, QuestionStatus
from market.delivery.service import confirm_receipt
from market.orders.repository import get_trade
from market.trade.clockwork import handlers
from tests.market.customs.test_gate import as_kind, declared, moved_to, officer, row_of
from tests.market.delivery.funded import Deal
from tests.standstill import refused


async def left(deal: Deal, row) -> list[tuple[int, bool, bool]]:
    async with deal.house.database.read() as s:
        found = await egress_of(s, declaration_id=row.declaration_id)
    return sorted((one.bytes, one.whole, one.told is not None) for one in found)


async def test_a_download_that_breaks_off_is_noted_before_the_clearance_ends(deal: Deal):
    await moved_to(deal, deal.buyer, "810000")
    row = await declared(deal)
    await deal.start()
    await as_kind(deal, DeliveryKind.FILE)
    size = (await deal.entitlement()).bytes
    await deal.take(range_field=f"bytes=0-{size - 2}")
    assert await left(deal, row) == [(size - 1, False, False)]
    deal.house.clock.move_to((await row_of(deal, row)).valid_to + timedelta(seconds=1))
    while await run_due(deal.house.database, deal.house.clock.now(), handlers(deal.house.house, None, None)):
        pass
    assert (await row_of(deal, row)).status == "COMPLETED"  # not EXPIRED: something left
    assert await left(deal, row) == [(size - 1, False, True)]


async def test_a_halt_tells_what_has_left_and_what_follows_is_told_apart(deal: Deal):
    await moved_to(deal, deal.buyer, "810000")
    row = await declared(deal)
    await deal.start()
    await as_kind(deal, DeliveryKind.FILE)
    size = (await deal.entitlement()).bytes
    await deal.take(range_field="bytes=0-9")
    cac, about = await officer(deal), {"declaration_id": row.declaration_id}
    await cac.do(deciding.halt, reason_code="INCIDENT", reason="a leak", **about)
    assert await left(deal, row) == [(10, False, True)]
    await cac.do(deciding.resume, reason="mended", **about)
    await deal.take(range_field="bytes=10-")
    assert await left(deal, row) == [(10, False, True), (size - 10, True, True)]
    kept = await row_of(deal, row)
    assert (kept.sent_bytes, kept.sent_uses) == (size, 1)


async def test_what_did_not_leave_goes_back_where_it_was_booked(deal: Deal):
    await moved_to(deal, deal.buyer, "810000")
    async with deal.house.database.read() as s:
        product_id = (await get_trade(s, trade_id=deal.trade_id)).product_id
    first = await declared(deal, trade_id=None, product_id=product_id)
    await deal.start()
    await as_kind(deal, DeliveryKind.FILE)
    opened = await deal.open()
    size = (await row_of(deal, first)).sent_bytes
    assert size == (await deal.entitlement()).bytes
    second = await declared(deal)  # the trade's own, which would be asked first now
    await _count(deal.house.house, deal.buyer.actor, opened, sent_to=3)
    assert [(await row_of(deal, one)).sent_bytes for one in (first, second)] == [3, 0]
    assert await left(deal, first) == [(3, False, False)]


async def test_where_one_clearance_is_used_up_the_next_is_asked(deal: Deal):
    await moved_to(deal, deal.buyer, "810000")
    small = await declared(deal, volume_bytes=1, volume_uses=1)
    await deal.start()
    await as_kind(deal, DeliveryKind.FILE)
    async with refused(deal.house.database, DeclaredVolumeExceeded):
        await deal.open()
    other = await declared(deal)
    await deal.take()
    size = (await deal.entitlement()).bytes
    assert [(await row_of(deal, one)).sent_bytes for one in (small, other)] == [0, size]
    assert await left(deal, other) == [(size, True, True)]


async def test_a_receipt_is_not_confirmed_abroad_while_the_clearance_is_halted(deal: Deal):
    await moved_to(deal, deal.buyer, "810000")
    row = await declared(deal)
    await deal.start()
    cac = await officer(deal)
    await cac.do(deciding.halt, declaration_id=row.declaration_id, reason_code="INCIDENT", reason="a leak")
    async with refused(deal.house.database, CustomsRouteNotOpen):
        await deal.buyer.do(confirm_receipt, trade_id=deal.trade_id, object_id=deal.trade_id)


async def test_an_answer_kept_at_home_is_booked_once_when_it_is_read_abroad(deal: Deal):
    await deal.start()
    entitlement_id, now = await as_kind(deal, DeliveryKind.QUERY), deal.house.clock.now()
    async with deal.house.database.read() as s:
        trade = await get_trade(s, trade_id=deal.trade_id)
    kept = Question(
        query_id="qry_x",
        entitlement_id=entitlement_id,
        buyer_id=trade.buyer_id,
        product_id=trade.product_id,
        key="k0",
        asked_by=trade.buyer_id,
        recipient=trade.buyer_id,
        form="{}",
        form_sha256="f" * 64,
        nonce="n",
        query_sha256="1" * 64,
        algorithm_sha256="2" * 64,
        epsilon_micro=0,
        delta_pico=0,
        status=QuestionStatus.ANSWERED,
        asked_at=now,
        lapses_at=now + timedelta(hours=1),
        answer=b"answer",
        rows=1,
        answered_at=now,
        result_sha256="3" * 64,
        spent_micro=0,
        statement_id="sta_x",
    )
    async with deal.house.database.write() as s:
        s.add(kept)
    reading = {"org_id": trade.buyer_id, "declared": Declared(), "now": now, "query_id": "qry_x"}
    async with deal.house.database.read() as s:
        await require_readable(s, entitlement_id, **reading)
    await moved_to(deal, deal.buyer, "810000")
    row = await declared(deal)
    async with deal.house.database.read() as s:
        with pytest.raises(CustomsRouteNotOpen):
            await require_readable(s, entitlement_id, **reading)
    wanted = Wanted(Asking(key="k1", declared=Declared(), text="x"), SimpleNamespace(sha256="f" * 64), 0)

    async def again(s, act):
        return await begin_question(s, act, entitlement_id, wanted)

    for _ in range(3):
        told = await deal.buyer.do(again, attempted="DLV.QUERY", object_id=entitlement_id)
        assert told.answer == b"answer"
    after = await row_of(deal, row)
    assert (after.status, after.sent_bytes, after.sent_uses) == ("IN_TRANSIT", 6, 1)
    assert await left(deal, row) == [(6, False, True)]
    async with deal.house.database.read() as s:
        await require_readable(s, entitlement_id, **reading)
