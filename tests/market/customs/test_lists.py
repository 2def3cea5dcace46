"""Files of hashes go when nobody needs them: counted, refused, replaced, withdrawn, of a past year."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from base.errors import DomainError
from base.files import FileDamaged, FileStore, StoredFile
from ledger.reader import statements_of
from market.customs import carrying, declaring
from market.customs.counting import Against, CustomsDesk, count_for
from market.customs.destroying import leftovers_of
from market.customs.errors import PersonsFileRefused
from market.customs.holding import Held
from market.customs.persons import Origin, origin_of, take_in
from market.customs.releasing import take_count
from market.customs.repository import lists_of
from market.customs.routing import Way
from market.customs.tables import DeclarationRow
from market.listings.repository import get_file
from market.listings.tables import Listing
from market.orders.repository import get_trade
from tests.market.customs.flows import flow
from tests.market.customs.post import MASTER, Post
from tests.market.delivery.funded import Deal


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


SALT = "0123456789abcdefXYZ"


def goods(numbers):
    """The goods of so many persons, some of them twice, and a row of nobody."""
    rows = [f"{n},x" for n in [*numbers, *numbers[:3]]] + ["NA,x"]
    return ("id_card,weather\n" + "\n".join(rows) + "\n").encode()


def named(numbers, *, column="id_card", salt=SALT):
    hashed = (hashlib.sha256(f"{SALT}{n}".encode()).hexdigest() for n in numbers)
    return f"# salt={salt} column={column}\n{chr(10).join(hashed)}\n".encode()


CASES = (
    (named(range(30)), None, {"listed": 30, "found": 30, "both": 30}),
    (named([*range(29), 99]), "list-contradicts-data+50", {"listed": 30, "found": 30, "both": 29}),
    (named(range(30), column="plate"), "list-not-held+50", None),
    (lines(range(30)), None, None),  # whoever keeps its salt for itself
)


async def test_a_list_that_says_what_it_was_made_of_is_held_against_the_data(sqlite_deal: Deal, tmp_path):
    house, seller = sqlite_deal.house, sqlite_deal.seller
    desk = CustomsDesk(FileStore(tmp_path / "kept", MASTER, house.clock), lambda: tmp_path, MASTER)
    here = Post(house, house.clock, seller, *[seller] * 5)
    file_id = await here.upload(desk.files, goods(range(30)))
    for raw, why, held in CASES:
        row = await here.declare(flow(30), persons_file_id=await here.upload(desk.files, raw))
        async with house.database.write() as s:
            trade = await get_trade(s, trade_id=sqlite_deal.trade_id)
            listing = await s.get(Listing, trade.listing_id)
            declared = await s.get(DeclarationRow, row.declaration_id)
            assert listing is not None
            assert declared is not None
            listing.file_id, declared.trade_id = file_id, trade.trade_id
            s.add_all([listing, declared])
        await here.work(desk)
        found = await here.row(row.declaration_id)
        assert [one for one in found.risk["reasons"] if one.startswith("list-")] == ([why] if why else [])
        assert found.risk.get("held") == held
        assert found.risk["looks"] or why is None
        assert SALT not in str(found)
    assert {one.name for one in tmp_path.iterdir()} == {"files", "kept"}, "nothing of the goods is left lying"


async def test_what_came_of_it_is_kept_where_it_has_to_be_counted_again(post: Post, desk):
    said = Against(asked=True, held=Held(9, 9, 8))
    rows = [
        await post.declare(flow(9), persons_file_id=await post.upload(desk.files, lines(range(9))))
        for _ in range(2)
    ]
    counted = [await count_for(desk, post.database, row.declaration_id, post.clock.now()) for row in rows]
    taken = []
    for row, one in zip(rows, counted, strict=True):
        async with post.database.write() as s:
            act = post.house.house.exchange_act()
            facts = {"declaration_id": row.declaration_id, "counted": replace(one, against=said)}
            taken.append(await take_count(s, act, **facts))
    assert taken == [True, False], "the second has not counted the first"
    await post.work(desk)
    for row in rows:
        risk = (await post.row(row.declaration_id)).risk
        assert ("list-contradicts-data+50" in risk["reasons"], risk["held"]["both"]) == (True, 8)


@pytest.mark.parametrize(
    ("held", "whole", "contradicts"),
    [
        ((30, 30, 30), True, False),
        ((20, 30, 20), True, True),  # the others go as well
        ((20, 30, 20), False, False),  # a part of it goes
        ((11, 30, 10), False, True),  # somebody else is named
        ((30, 30, 0), False, True),  # another salt
    ],
)
def test_a_list_contradicts_the_data_by_one_person(held, whole, contradicts):
    assert Held(*held).contradicts(whole=whole) is contradicts


@pytest.mark.parametrize("cut", [1, 30, 60])
def test_a_first_line_is_read_wherever_a_piece_ends(tmp_path, cut):
    raw = named(range(3))
    found = take_in([raw[:cut], raw[cut:]], tmp_path, b"k", into=tmp_path / "out")
    assert (found.persons, found.origin) == (3, Origin(SALT, "id_card"))


def test_what_the_first_line_says_is_its_salt_and_its_column_or_a_refusal(tmp_path):
    assert origin_of(f"# salt={SALT} column=身份证 号".encode()) == Origin(SALT, "身份证 号")
    for wrong in (
        "#",
        "# salt=short column=a",
        f"# salt={SALT}",
        f"# salt={SALT} column=",
        "# salt=" + "x" * 2000,
    ):
        with pytest.raises(PersonsFileRefused):
            take_in([f"{wrong}\n{'a' * 64}\n".encode()], tmp_path, b"k", into=tmp_path / "out")
    with pytest.raises(PersonsFileRefused):  # nowhere but at the beginning
        take_in([lines([1]) + named([2])], tmp_path, b"k", into=tmp_path / "out")
