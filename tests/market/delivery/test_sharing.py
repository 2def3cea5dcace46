"""The table share below the wire: who may read what, what one question costs, and which address is ours."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from base.errors import Malformed
from base.files import StoredFile
from ledger.acts import perform
from market.delivery.access import Declared
from market.delivery.errors import AccessKeyRefused, EntitlementRevoked, EntitlementUsedUp
from market.delivery.keys import issue_key
from market.delivery.kinds import DeliveryKind
from market.delivery.meter.service import use_act
from market.delivery.meter.tables import Use
from market.delivery.rules import EntitlementStatus
from market.delivery.service import revoke_entitlement
from market.delivery.sharing.actions import schema_string
from market.delivery.sharing.asking import Query, query_from, windows
from market.delivery.sharing.errors import SharedUrlRefused, VersionUnknown
from market.delivery.sharing.naming import SharedName, page, slug
from market.delivery.sharing.service import EVENT, count_query, fetched_by, shared_by
from market.delivery.sharing.signing import LIFE, SKEW, Grant, check, signed
from market.delivery.tables import AccessKey
from market.delivery.tabling.tables import TableFile
from market.delivery.tabling.view import Shape
from market.delivery.tabular import stored
from market.orders.rules import TradeState
from market.orders.tables import Offer
from tests.market.delivery.funded import MASTER_KEY, Deal
from tests.market.delivery.test_keys import revoked
from tests.standstill import refused

NOW = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
GRANT = Grant("use_1", "key_1", "ent_1", "ab" * 32)


async def shared(deal: Deal) -> AccessKey:
    """The deal's delivery begun as a share, and a key to it."""
    async with deal.house.database.write() as s:
        offer = (await s.exec(select(Offer))).one()
        offer.delivery_mode = "share"
        s.add(offer)
    entitlement = await deal.start()
    assert entitlement.kind is DeliveryKind.SHARE
    about = {"entitlement_id": entitlement.entitlement_id, "declared": Declared(), "days": 30}
    key: AccessKey = await deal.buyer.do(
        issue_key, attempted="DLV.ISSUE_KEY", object_id=entitlement.entitlement_id, **about
    )
    return key


async def tabled(deal: Deal) -> StoredFile:
    """The table of the deal's file, as one that was made of it is remembered."""
    row = TableFile(
        made_of=deal.file.sha256, file_id="fil_table", bytes=100, sha256="ab" * 32, rows=1, columns="[]"
    )
    async with deal.house.database.write() as s:
        s.add(row)
    return stored(row)


async def ask(deal: Deal, key: AccessKey, table: StoredFile, query: Query) -> Use:
    house = deal.house.house
    async with house.database.read() as s:
        found = await shared_by(s, key, now=house.clock.now())

    async def counted(s: Any, act: Any) -> Any:
        return await count_query(s, act, shared=found, query=query, table=table)

    act = use_act(house, found.actor)
    return (await perform(house, act, counted, attempted=EVENT, object_id=key.entitlement_id)).use


async def fetch(deal: Deal, use: Use, key: AccessKey, path: str) -> StoredFile:
    stamp, tag = path.split("/")[2:4]
    async with deal.house.database.read() as s:
        about = {"use_id": use.use_id, "key_id": key.key_id, "stamp": stamp, "tag": tag}
        return (await fetched_by(s, master=MASTER_KEY, now=deal.house.clock.now(), **about)).table


async def test_of_many_that_ask_the_same_at_once_one_use_is_counted(deal: Deal) -> None:
    key = await shared(deal)
    table = await tabled(deal)
    assert (await deal.trade()).status is TradeState.DELIVERING
    uses = await asyncio.gather(*(ask(deal, key, table, Query(limit=n)) for n in (None, 1, 2)))
    assert len({use.use_id for use in uses}) == 1
    assert (await deal.entitlement()).used == 1
    assert (await deal.trade()).status is TradeState.DELIVERED
    for number in (2, 3):
        assert (await ask(deal, key, table, Query(("a > 1",) * number))).number == number
    assert (await deal.entitlement()).status is EntitlementStatus.USED_UP
    async with refused(deal.house.database, EntitlementUsedUp):
        await ask(deal, key, table, Query(("another",)))
    assert (await ask(deal, key, table, Query())).number == 1


async def test_what_was_given_out_ends_with_the_right(deal: Deal) -> None:
    key = await shared(deal)
    table = await tabled(deal)
    use = await ask(deal, key, table, Query())
    grant = Grant(use.use_id, key.key_id, key.entitlement_id, table.sha256)
    path, ends = signed(MASTER_KEY, grant, now=deal.house.clock.now())
    assert await fetch(deal, use, key, path) == table
    deal.house.clock.move_to(ends - timedelta(seconds=1))
    assert await fetch(deal, use, key, path) == table
    async with deal.house.database.write() as s:
        await revoke_entitlement(s, trade_id=deal.trade_id)
    with pytest.raises(EntitlementRevoked):
        await fetch(deal, use, key, path)
    with pytest.raises(EntitlementRevoked):
        await ask(deal, key, table, Query())
    deal.house.clock.move_to(ends)
    with pytest.raises(SharedUrlRefused):
        await fetch(deal, use, key, path)


async def test_a_key_that_was_revoked_while_the_table_was_made_counts_nothing(deal: Deal) -> None:
    key = await shared(deal)
    table = await tabled(deal)
    await revoked(deal, key)
    with pytest.raises(AccessKeyRefused):
        await ask(deal, key, table, Query())
    assert (await deal.entitlement()).used == 0


def opens(path: str, *, now: datetime, grant: Grant = GRANT, master: bytes = MASTER_KEY) -> bool:
    stamp, tag = path.split("/")[2:4]
    try:
        check(master, grant, stamp=stamp, tag=tag, now=now)
    except SharedUrlRefused:
        return False
    return True


def test_an_address_is_good_for_what_it_was_made_for_and_no_longer():
    path, ends = signed(MASTER_KEY, GRANT, now=NOW)
    assert ends == NOW + LIFE
    assert [opens(path, now=at) for at in (NOW, ends - timedelta(seconds=1), ends)] == [True, True, False]
    others = [
        Grant("use_2", "key_1", "ent_1", "ab" * 32),
        Grant("use_1", "key_2", "ent_1", "ab" * 32),
        Grant("use_1", "key_1", "ent_2", "ab" * 32),
        Grant("use_1", "key_1", "ent_1", "cd" * 32),
    ]
    assert not any(opens(path, now=NOW, grant=other) for other in others)
    assert not opens(path, now=NOW, master=bytes(32))


def test_a_clock_that_runs_ahead_gives_out_nothing_that_lives_longer():
    """Signed by a node ahead of ours: by a little it is good, by much it is not until its time comes."""
    assert opens(signed(MASTER_KEY, GRANT, now=NOW + SKEW)[0], now=NOW)
    ahead = signed(MASTER_KEY, GRANT, now=NOW + SKEW + timedelta(seconds=1))[0]
    assert not opens(ahead, now=NOW)
    assert opens(ahead, now=NOW + SKEW)
    behind = signed(MASTER_KEY, GRANT, now=NOW - LIFE)[0]
    assert not opens(behind, now=NOW)


@pytest.mark.parametrize("stamp", ["", "-1", "1e9", "٣", "0", "9" * 13, "1794909900 ", "01"])
def test_a_stamp_that_is_none_is_refused(stamp):
    with pytest.raises(SharedUrlRefused):
        check(MASTER_KEY, GRANT, stamp=stamp, tag="00", now=NOW)


def test_names_are_of_any_script_and_of_no_sign_that_a_client_takes_for_its_own():
    assert (
        slug("2025年 广东省/工业企业·用电指数(月度)v1.2 #3") == "2025年-广东省-工业企业-用电指数-月度-v1-2-3"
    )
    assert (slug("..."), slug("x" * 300), slug("a_b")) == ("table", "x" * 100, "a_b")
    name = SharedName("粤能数科", "trd_1", "Index")
    assert name.has("粤能数科", "TRD_1", "INDEX")
    assert not name.has("粤能数科", "trd_1", "")


def test_pages_go_on_where_the_last_ended():
    items, token = page("abcde", max_results="2", page_token=None)
    assert (items, token) == ("ab", "after-2")
    assert page("abcde", max_results="0", page_token=token) == ("", "after-2")
    assert page("abcde", max_results="3", page_token=token) == ("cde", None)
    assert page("abcde", max_results=None, page_token="after-99") == ("", None)
    for wrong in ({"max_results": "-1", "page_token": None}, {"max_results": None, "page_token": "2"}):
        with pytest.raises(Malformed):
            page("abcde", **wrong)


def test_what_a_query_asks_is_read_and_its_hints_decide_what_is_the_same_question():
    said = b'{"predicateHints": ["a = 1"], "limitHint": 3, "jsonPredicateHints": null, "more": {}}'
    query = query_from(said, since=NOW)
    assert query == Query(("a = 1",), None, 3)
    who = {"table_sha256": "ab" * 32, "by": "org_1", "purpose": None, "recipient": "org_1"}
    asked = query.request_sha256(**who)
    assert asked == Query(("a = 1",)).request_sha256(**who)  # a limit asks nothing else
    others = [Query(("a = 2",)), Query(("a = 1",), "{}"), Query()]
    assert asked not in {other.request_sha256(**who) for other in others}
    for change in ({"by": "org_2"}, {"purpose": "RESEARCH"}, {"table_sha256": "cd" * 32}):
        assert asked != query.request_sha256(**who | change)
    assert query_from(b"", since=NOW) == Query()
    assert query_from(b'{"timestamp": "2026-11-16T09:00:00+08:00"}', since=NOW).historic
    with pytest.raises(VersionUnknown):
        query_from(b'{"timestamp": "2026-11-16T08:59:59+08:00"}', since=NOW)
    with pytest.raises(Malformed):
        query_from(b'{"limitHint": true}', since=NOW)
    assert windows(NOW + LIFE)[1] == windows(NOW)[0]


def test_a_schema_has_the_types_that_clients_know():
    shape = Shape(1, (("a", "DECIMAL(9,2)"), ("b", "TIMESTAMP WITH TIME ZONE"), ("c", "HUGEINT")))
    assert [kind in schema_string(shape) for kind in ('"decimal(9,2)"', '"timestamp"', '"string"')] == [
        True
    ] * 3
