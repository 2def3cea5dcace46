"""Files of hashes go when nobody needs them: counted, refused, replaced, withdrawn, of a past year."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from base.errors import DomainError
from base.files import FileDamaged, FileStore, StoredFile
from ledger.reader import statements_of
from market.customs import carrying, declaring
from market.customs.counting import CustomsDesk, count_for
from market.customs.destroying import leftovers_of
from market.customs.repository import lists_of
from market.customs.routing import Way
from market.listings.repository import get_file
from tests.market.customs.flows import flow
from tests.market.customs.post import MASTER, Post


def lines(numbers):
    hashed = (hashlib.sha256(f"group:{n}".encode()).hexdigest() for n in numbers)
    return ("\n".join(hashed) + "\n").encode()


@pytest.fixture
def desk(post: Post, tmp_path):
    return CustomsDesk(FileStore(tmp_path / "files", MASTER, post.clock), lambda: tmp_path, MASTER)


def resting(desk):
    return sorted(path.name for path in desk.files.home.folder.glob("*/fil_*"))


async def gone(post, row):
    """What of a declaration was destroyed, and what the ledger says of it."""
    async with post.database.read() as s:
        noted = await leftovers_of(s, declaration_id=row.declaration_id)
        told = [
            (one.event, one.predicate["form"], one.predicate["reason_code"])
            for left in noted
            for one in await statements_of(s, object_id=left.file_id)
        ]
    assert all(one.destroyed_at for one in noted)
    return sorted(told)


async def kept(post, row):
    async with post.database.read() as s:
        return [one.file_id for one in await lists_of(s, declaration_ids=[row.declaration_id])]


async def test_what_was_handed_in_goes_once_it_is_counted_and_the_keyed_list_stays(post: Post, desk):
    raw = await post.upload(desk.files, lines(range(40)))
    row = await post.declare(flow(40), persons_file_id=raw)
    await post.work(desk)
    assert (await post.row(row.declaration_id)).counts["persons"] == 40
    assert resting(desk) == await kept(post, row)
    assert await gone(post, row) == [("XBR.DESTROY", "RAW", "COUNTED")]
    async with post.database.read() as s:
        with pytest.raises(DomainError):
            await get_file(s, file_id=raw)
    with pytest.raises(DomainError):  # and nobody declares with it again
        await post.declare(flow(40), persons_file_id=raw)


async def test_a_list_that_is_refused_or_withdrawn_or_replaced_leaves_nothing(post: Post, desk):
    row = await post.declare(flow(9), persons_file_id=await post.upload(desk.files, lines(range(8))))
    await post.work(desk)
    assert (await post.row(row.declaration_id)).reason_code == "PERSONS_FILE"
    assert resting(desk) == []
    raw = await post.upload(desk.files, lines(range(9)))
    again = {"declaration_id": row.declaration_id, "declaration": flow(9)}
    await post.exporter.do(declaring.redeclare, persons_file_id=raw, **again)
    other = await post.upload(desk.files, lines(range(9)))
    await post.exporter.do(declaring.redeclare, persons_file_id=other, **again)  # before it was counted
    await post.exporter.do(declaring.redeclare, persons_file_id=other, **again)  # the same once more
    await post.work(desk)
    assert resting(desk) == await kept(post, row)
    flowing = await post.declare(flow(0, 3), sensitive_file_id=await post.upload(desk.files, lines(range(3))))
    await post.work(desk)
    assert len(resting(desk)) == 2
    await post.exporter.do(carrying.withdraw, declaration_id=flowing.declaration_id, reason="not sold")
    await post.work(desk)
    assert resting(desk) == await kept(post, row)
    assert await gone(post, flowing) == [
        ("XBR.DESTROY", "KEYED", "WITHDRAWN"),
        ("XBR.DESTROY", "RAW", "COUNTED"),
    ]


async def test_a_file_that_waits_for_another_count_stays_until_then(post: Post, desk):
    raw = await post.upload(desk.files, lines(range(5)))
    first = await post.declare(flow(5), persons_file_id=raw)
    second = await post.declare(flow(5), persons_file_id=raw)
    await post.work(desk)
    counts = [(await post.row(one.declaration_id)).counts["persons"] for one in (first, second)]
    assert sorted(counts) == [5, 10]  # until it is counted, the other list counts in full
    assert sorted(resting(desk)) == sorted(await kept(post, first) + await kept(post, second))


async def test_what_a_crash_has_left_goes_within_the_hour(post: Post, desk):
    raw = await post.upload(desk.files, lines(range(6)))
    row = await post.declare(flow(6), persons_file_id=raw)
    counted = await count_for(desk, post.database, row.declaration_id, post.clock.now())
    left = counted.own[0][1].file_id  # and the process is killed before it says so
    await post.work(desk)
    assert (await post.row(row.declaration_id)).counts["persons"] == 6
    assert left in resting(desk)
    await post.work(desk, later=timedelta(hours=1, seconds=1))
    assert resting(desk) == await kept(post, row)
    assert ("XBR.DESTROY", "KEYED", "NOT_TAKEN_IN") in await gone(post, row)


async def test_a_list_goes_with_the_last_year_it_counts_in(post: Post, desk):
    row = await post.declare(flow(7), persons_file_id=await post.upload(desk.files, lines(range(7))))
    await post.work(desk)
    assert (await post.looked_at(row.declaration_id)).status == "CLEARED"
    assert len(resting(desk)) == 1
    post.clock.move_to(datetime(2026, 12, 31, 15, 59, 59, tzinfo=UTC))
    await post.work(desk)
    assert len(resting(desk)) == 1
    post.clock.move_to(datetime(2027, 1, 1, 16, 0, 0, tzinfo=UTC))
    await post.work(desk)
    assert resting(desk) == []
    assert ("XBR.DESTROY", "KEYED", "YEAR_OVER") in await gone(post, row)


async def test_what_only_lists_of_the_same_persons_keep_from_a_contract_an_officer_looks_at(post: Post, desk):
    await post.declare(flow(99_990), who=post.affiliate)
    looked = []
    for _ in range(2):  # the very hashes again, of whoever is in the other data
        row = await post.declare(flow(7), persons_file_id=await post.upload(desk.files, lines(range(7))))
        await post.work(desk)
        row = await post.row(row.declaration_id)
        assert (row.way, row.counts["persons"]) == (Way.EXEMPT_SMALL, 99_997)
        looked.append("spared-by-lists+50" in row.risk["reasons"])
    assert looked == [False, True]
    assert row.status == "UNDER_CHECK"


async def test_a_list_that_cannot_be_read_is_the_exporters_to_hand_in_again(post: Post, desk):
    raw = await post.upload(desk.files, lines(range(6)))
    row = await post.declare(flow(6), persons_file_id=raw)
    desk.files.path(raw).write_bytes(b"no file of ours" * 20)
    with pytest.raises(FileDamaged):
        await desk.files.check(StoredFile(raw, 6, "0" * 64))
    await post.work(desk)
    assert "damaged" in (await post.row(row.declaration_id)).note
    assert resting(desk) == []
