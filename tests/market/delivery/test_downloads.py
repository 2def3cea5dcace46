"""Downloads: one use for one taking of the whole file, however it comes; a refusal moves nothing."""

import asyncio
from datetime import timedelta

import pytest

from base.errors import NotFound, Refusal
from base.files import FileDamaged
from ledger.acts import perform
from market.delivery import downloads
from market.delivery.downloads import download_act, open_download, open_stream
from market.delivery.rules import DownloadStatus, EntitlementStatus, Span
from market.delivery.service import (
    confirm_receipt,
    expire_entitlement,
    freeze_entitlement,
    revoke_entitlement,
    unfreeze_entitlement,
)
from market.listings.publishing import suspend_listing
from market.orders import repository as trades
from market.orders.rules import TradeState
from tests.market.delivery.funded import SECRET_ROWS, Deal
from tests.market.listings.goods import events, said

SIZE = len(SECRET_ROWS)


async def test_a_whole_download_delivers_the_trade_and_the_exchange_states_the_receipt(deal):
    entitlement = await deal.start()
    assert await deal.take() == SECRET_ROWS
    assert (await events(deal.house.database, deal.trade_id))[-3:] == [
        "TRD.START_DELIVERY",
        "DLV.DOWNLOAD",
        "TRD.DELIVERED",
    ]
    receipt, opening = await said(deal.house.database, "DLV.DOWNLOAD", deal.trade_id)
    assert (receipt["entitlement_id"], receipt["file_sha256"], receipt["complete"]) == (
        entitlement.entitlement_id,
        deal.file.sha256,
        True,
    )
    assert (receipt["actor"], receipt["role"]) == (deal.house.operator.org_id, "EXCHANGE_OPERATOR")
    assert opening["bytes"] == SIZE
    delivered, _ = await said(deal.house.database, "TRD.DELIVERED", deal.trade_id)
    assert (delivered["mode"], delivered["bytes"], delivered["file_sha256"]) == (
        "download",
        SIZE,
        deal.file.sha256,
    )
    assert (delivered["from"], delivered["to"]) == ("DELIVERING", "DELIVERED")
    assert (delivered["seller_id"], delivered["buyer_id"]) == (deal.seller.org_id, deal.buyer.org_id)
    trade = await deal.trade()
    assert (trade.status, trade.delivered_at) == (TradeState.DELIVERED, deal.house.clock.now())
    (download,) = await deal.downloads()
    assert (download.status, download.sent, download.sent_bytes) == (
        DownloadStatus.COMPLETE,
        f"0-{SIZE}",
        SIZE,
    )
    after = await deal.entitlement()
    assert (after.used, after.status) == (1, EntitlementStatus.ACTIVE)


async def test_what_is_opened_names_the_file_and_its_strong_tag(deal):
    await deal.start()
    opened = await deal.open(range_field="bytes=10-19")
    assert (opened.name, opened.media_type) == ("goods.csv", "text/csv")
    assert opened.etag == f'"{deal.file.sha256}"'
    assert (opened.reply.span, opened.reply.partial, opened.reply.content_range) == (
        Span(10, 20),
        True,
        f"bytes 10-19/{SIZE}",
    )


async def test_a_download_in_ranges_out_of_order_and_overlapping_is_one(deal):
    await deal.start()
    third = SIZE // 3
    last = await deal.take(range_field=f"bytes={2 * third}-")
    first = await deal.take(range_field=f"bytes=0-{third}")
    assert (await deal.trade()).status is TradeState.DELIVERING
    assert (await deal.entitlement()).used == 0
    middle = await deal.take(range_field=f"bytes={third - 10}-{2 * third + 10}")
    assert first[: third - 10] + middle + last[11:] == SECRET_ROWS
    assert (await deal.trade()).status is TradeState.DELIVERED
    assert (await deal.entitlement()).used == 1
    (download,) = await deal.downloads()
    assert download.status is DownloadStatus.COMPLETE
    assert (await events(deal.house.database, deal.trade_id)).count("DLV.DOWNLOAD") == 1


async def test_a_client_that_goes_away_resumes_where_it_stopped_and_pays_no_second_use(large_deal):
    deal = large_deal
    await deal.start()
    got = await deal.take(upto=1)
    assert len(got) == 512 * 1024
    (download,) = await deal.downloads()
    # What was handed out last may not have arrived: it is not counted, and asked for again.
    assert (download.sent, download.sent_bytes) == ("", 0)
    rest = await deal.take(range_field=f"bytes={len(got)}-", if_range=f'"{deal.file.sha256}"')
    again = await deal.take(range_field=f"bytes=0-{len(got) - 1}")
    assert again == got
    assert len(got) + len(rest) == deal.file.bytes
    assert [download.status for download in await deal.downloads()] == [DownloadStatus.COMPLETE]
    assert (await deal.entitlement()).used == 1


async def test_every_piece_that_was_followed_by_another_counts_as_sent(large_deal):
    deal = large_deal
    await deal.start()
    await deal.take(upto=2)
    (download,) = await deal.downloads()
    assert (download.sent, download.sent_bytes) == (f"0-{512 * 1024}", 512 * 1024)


async def test_the_receipt_is_committed_before_the_last_bytes_leave(large_deal):
    deal = large_deal
    await deal.start()
    opened = await deal.open()
    stream = await open_stream(deal.house.house, deal.files, deal.buyer.actor, opened)
    await anext(stream)
    await anext(stream)
    assert (await deal.trade()).status is TradeState.DELIVERING
    last = await anext(stream)
    assert len(last) == 100
    assert (await deal.trade()).status is TradeState.DELIVERED
    await stream.aclose()
    assert (await deal.entitlement()).used == 1


async def test_four_ranges_side_by_side_are_one_download(large_deal):
    deal = large_deal
    await deal.start()
    quarter = deal.file.bytes // 4 + 1
    parts = await asyncio.gather(
        *(deal.take(range_field=f"bytes={n * quarter}-{(n + 1) * quarter - 1}") for n in range(4))
    )
    assert sum(map(len, parts)) == deal.file.bytes
    (download,) = await deal.downloads()
    assert (download.status, download.sent_bytes) == (DownloadStatus.COMPLETE, deal.file.bytes)
    assert (await events(deal.house.database, deal.trade_id)).count("TRD.DELIVERED") == 1


async def test_a_download_after_the_delivery_is_a_use_and_no_second_delivery(deal):
    await deal.start()
    await deal.take()
    await deal.take()
    assert (await events(deal.house.database, deal.trade_id))[-3:] == [
        "DLV.DOWNLOAD",
        "TRD.DELIVERED",
        "DLV.DOWNLOAD",
    ]
    assert (await deal.entitlement()).used == 2


async def test_a_right_is_used_up_after_three_downloads(deal):
    await deal.start()
    for _ in range(3):
        assert await deal.take() == SECRET_ROWS
    after = await deal.entitlement()
    assert (after.used, after.status) == (3, EntitlementStatus.USED_UP)
    refusal = await refused(deal, "entitlement-used-up")
    assert refusal.facts == {"used": 3, "max_downloads": 3}
    await refused(deal, "entitlement-used-up", range_field="bytes=5-")


async def test_an_endless_almost_whole_download_is_a_use_as_well(deal):
    await deal.start()
    almost = f"bytes=0-{SIZE - 2}"
    for _ in range(2):
        await deal.take(range_field=almost)
    assert (await deal.entitlement()).used == 0
    await deal.take(range_field=almost)
    assert (await deal.entitlement()).used == 1
    spent, fresh = sorted(await deal.downloads(), key=lambda download: download.status == "OPEN")
    assert (spent.status, spent.sent_bytes) == (DownloadStatus.SPENT, 2 * (SIZE - 1))
    assert (fresh.status, fresh.sent_bytes) == (DownloadStatus.OPEN, SIZE - 1)
    receipt, opening = await said(deal.house.database, "DLV.DOWNLOAD", deal.trade_id)
    assert (receipt["complete"], opening["bytes"]) == (False, 2 * (SIZE - 1))
    assert (await deal.trade()).status is TradeState.DELIVERING
    for _ in range(3):
        await deal.take(range_field=almost)
    assert (await deal.entitlement()).used == 2
    await refused(deal, "entitlement-used-up", range_field=almost)


async def test_requests_side_by_side_reserve_their_bytes(deal):
    await deal.start()
    for _ in range(6):
        await deal.open()  # each reserves the whole file: two fit one download, three downloads the right
    await refused(deal, "entitlement-used-up")


async def test_a_range_outside_the_file_opens_no_download(deal):
    await deal.start()
    opened = await deal.open(range_field=f"bytes={SIZE}-")
    assert (opened.reply.span, opened.download_id) == (None, None)
    assert opened.reply.content_range == f"bytes */{SIZE}"
    assert await deal.downloads() == []


async def test_a_foreign_right_is_refused(deal):
    await deal.start()
    stranger = await deal.house.admit("旁观数据", {"BUYER"})
    await refused(deal, "entitlement-foreign", party=stranger)
    await refused(deal, "entitlement-foreign", party=deal.seller)


async def test_an_expired_right_is_refused_before_and_after_the_clock_has_noticed(deal):
    entitlement = await deal.start()
    assert entitlement.expires_at.isoformat() == "2027-11-16T15:59:59.999000+00:00"
    deal.house.clock.move_to(entitlement.expires_at - timedelta(milliseconds=1))
    await deal.open()
    deal.house.clock.move_to(entitlement.expires_at)
    await refused(deal, "entitlement-expired")
    for expected in (True, False):
        async with deal.house.database.write() as s:
            moved = await expire_entitlement(
                s, entitlement_id=entitlement.entitlement_id, now=deal.house.clock.now()
            )
        assert moved is expected
    assert (await deal.entitlement()).status is EntitlementStatus.EXPIRED
    deal.house.clock.advance(timedelta(hours=2))
    await refused(deal, "entitlement-expired")


async def test_a_right_does_not_expire_before_its_time(deal):
    entitlement = await deal.start()
    async with deal.house.database.write() as s:
        assert not await expire_entitlement(
            s, entitlement_id=entitlement.entitlement_id, now=entitlement.expires_at - timedelta(seconds=1)
        )
    assert (await deal.entitlement()).status is EntitlementStatus.ACTIVE


async def test_a_revoked_right_is_refused(deal):
    await deal.start()
    async with deal.house.database.write() as s:
        await revoke_entitlement(s, trade_id=deal.trade_id)
    await refused(deal, "entitlement-revoked")


async def test_a_frozen_right_is_refused_until_it_is_unfrozen(deal):
    await deal.start()
    async with deal.house.database.write() as s:
        await freeze_entitlement(s, trade_id=deal.trade_id)
    await refused(deal, "delivery-suspended")
    async with deal.house.database.write() as s:
        await unfreeze_entitlement(s, trade_id=deal.trade_id)
    assert await deal.take() == SECRET_ROWS


async def test_no_right_no_standing(deal):
    async with deal.house.database.write() as s:
        assert await freeze_entitlement(s, trade_id=deal.trade_id) is None
        assert await revoke_entitlement(s, trade_id=deal.trade_id) is None
    await deal.start()
    async with deal.house.database.write() as s:
        assert await unfreeze_entitlement(s, trade_id=deal.trade_id) is None


async def test_a_frozen_trade_delivers_nothing(deal):
    await deal.start()
    await freeze(deal)
    await refused(deal, "delivery-suspended")


async def test_a_freeze_in_the_middle_of_a_download_keeps_the_last_bytes_back(large_deal):
    deal = large_deal
    await deal.start()
    opened = await deal.open()
    stream = await open_stream(deal.house.house, deal.files, deal.buyer.actor, opened)
    await anext(stream)
    await anext(stream)
    await freeze(deal)
    with pytest.raises(Refusal) as caught:
        await anext(stream)
    assert caught.value.code == "delivery-suspended"
    assert (await deal.trade()).status is TradeState.FROZEN
    assert (await deal.entitlement()).used == 0
    (download,) = await deal.downloads()
    assert (download.status, download.sent, download.sent_bytes) == (
        DownloadStatus.OPEN,
        f"0-{2 * 512 * 1024}",
        2 * 512 * 1024,
    )
    assert "DLV.DOWNLOAD" not in await events(deal.house.database, deal.trade_id)


@pytest.mark.parametrize("bound", ["ASK_EVERY_BYTES", "ASK_EVERY_S"])
async def test_what_is_stopped_sends_no_more_than_a_stream_goes_unasked(large_deal, monkeypatch, bound):
    deal = large_deal
    monkeypatch.setattr(downloads, bound, {"ASK_EVERY_BYTES": 512 * 1024, "ASK_EVERY_S": 0.0}[bound])
    await deal.start()
    opened = await deal.open()
    stream = await open_stream(deal.house.house, deal.files, deal.buyer.actor, opened)
    assert len(await anext(stream)) == 512 * 1024
    await deal.house.operator.do(
        suspend_listing, listing_id=deal.listing.listing_id, reason_code="CONSENT_WITHDRAWN"
    )
    with pytest.raises(Refusal) as caught:
        await anext(stream)
    assert caught.value.code == "listing-not-deliverable"
    (download,) = await deal.downloads()
    assert (download.status, download.sent) == (DownloadStatus.OPEN, f"0-{512 * 1024}")


async def test_a_damaged_file_is_not_begun_and_counts_nothing(deal):
    await deal.start()
    deal.files.path(deal.file.file_id).write_bytes(b"")
    with pytest.raises(FileDamaged):
        await deal.take()
    (download,) = await deal.downloads()
    assert (download.status, download.sent_bytes) == (DownloadStatus.OPEN, 0)
    assert (await deal.trade()).status is TradeState.DELIVERING


async def test_an_unknown_right_is_not_found(deal):
    async def bound(s, act):
        return await open_download(s, act, entitlement_id="ent_none")

    act = download_act(deal.house.house, deal.buyer.actor)
    with pytest.raises(NotFound) as caught:
        await perform(deal.house.house, act, bound, attempted="DLV.DOWNLOAD", object_id="ent_none")
    assert caught.value.code == "entitlement-unknown"


async def test_a_download_begun_before_the_receipt_was_confirmed_still_counts_its_use(deal):
    await deal.start()
    opened = await deal.open()
    await deal.buyer.do(confirm_receipt, trade_id=deal.trade_id)
    stream = await open_stream(deal.house.house, deal.files, deal.buyer.actor, opened)
    assert b"".join([chunk async for chunk in stream]) == SECRET_ROWS
    assert (await deal.entitlement()).used == 1
    assert (await events(deal.house.database, deal.trade_id)).count("TRD.DELIVERED") == 1


async def freeze(deal: Deal) -> None:
    async with deal.house.database.write() as s:
        trade = await trades.get_trade(s, trade_id=deal.trade_id)
        await trades.freeze(s, trade=trade, role="SAMR", at=deal.house.clock.now())


async def refused(deal: Deal, code: str, **asked):
    """The request is refused with this code, recorded once, and neither right, trade nor download moved."""
    before = await deal.entitlement(), await deal.trade(), await deal.downloads()
    refusals = await events(deal.house.database, before[0].entitlement_id)
    with pytest.raises(Refusal) as caught:
        await deal.open(**asked)
    assert caught.value.code == code
    assert (await deal.entitlement(), await deal.trade(), await deal.downloads()) == before
    came = (await events(deal.house.database, before[0].entitlement_id))[len(refusals) :]
    assert came in ([], ["REF.REFUSE"])  # the same refusal within an hour is counted, not stated again
    assert refusals + came
    return caught.value
