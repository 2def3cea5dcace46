"""One number, one source: proposals, claims, conflicts and their decision; and the detector of duplicates."""

from fractions import Fraction

from registry.lists import sourcing
from registry.lists.errors import (
    EntryInUse,
    ItemClaimed,
    ItemExists,
    ItemOwnCase,
    ItemWrongState,
    LinkBroken,
    ListWrongRole,
)
from registry.lists.repository import claims_of, item
from registry.lists.rules import DataField, Item, Match
from registry.lists.states import ItemState
from tests.registry.lists.office import ITEM, NOW
from tests.standstill import refused

S = ItemState


async def test_a_second_source_opens_a_conflict_that_neither_of_the_two_decides(office):
    row = await office.item()
    await office.claimed(office.police, row.item_id)
    about = {"item_id": row.item_id}
    async with refused(office.database, ItemClaimed):
        await office.claimed(office.police, row.item_id)
    async with refused(office.database, ItemOwnCase):
        await office.police.do(sourcing.confirm, **about)
    row = await office.authority.do(sourcing.confirm, role="DATA_AUTHORITY", **about)
    assert (row.status, row.source_id) == (S.CONFIRMED, office.police.org_id)
    row = await office.claimed(office.authority, row.item_id, role="PUBLIC_AGENCY", function="号牌数据")
    assert (row.status, row.rival_id) == (S.CONFLICT, office.authority.org_id)
    decide = {"source_id": office.police.org_id, "reason": "车辆登记职责在公安"}
    async with refused(office.database, ItemOwnCase):
        await office.authority.do(sourcing.resolve, role="DATA_AUTHORITY", **about, **decide)
    async with refused(office.database, ListWrongRole):
        await office.police.do(sourcing.resolve, **about, **decide)
    async with refused(office.database, ItemWrongState):
        await office.claimed(office.transport, row.item_id)
    office.clock.move_to(row.decide_by.replace(month=12))
    await office.work()
    async with refused(office.database, LinkBroken):
        await office.ministry.do(sourcing.resolve, **about, source_id=office.housing.org_id, reason="第三方")
    row = await office.ministry.do(sourcing.resolve, **about, **decide)
    assert (row.status, row.source_id, row.rival_id) == (S.RESOLVED, office.police.org_id, None)
    async with office.database.read() as s:
        claims = await claims_of(s, item_id=row.item_id)
    assert {one.agency_id: one.won for one in claims} == {
        office.police.org_id: True,
        office.authority.org_id: False,
    }
    said = await office.said_of(row.item_id)
    assert [(one["event"], one["to"]) for one in said] == [
        ("ITM.PROPOSE", "PROPOSED"),
        ("ITM.CLAIM", "SOURCE_ASSIGNED"),
        ("ITM.CONFIRM", "CONFIRMED"),
        ("ITM.DISPUTE", "CONFLICT"),
        ("ITM.OVERDUE", "CONFLICT"),
        ("ITM.RESOLVE", "RESOLVED"),
    ]


async def test_what_exists_is_had_from_its_source_and_not_collected_again(office):
    row = await office.item()
    await office.claimed(office.police, row.item_id)
    async with refused(office.database, ItemExists) as caught:
        await office.item(office.transport, name="车辆 号牌", code="", synonyms=())
    found = caught.value.facts
    assert (found["item_id"], found["match"], found["source_id"]) == (
        row.item_id,
        "SAME",
        office.police.org_id,
    )
    near = Item(name="机动车号牌号码", meaning="号牌")
    async with office.database.read() as s:
        ((hit, how, alike),) = await sourcing.matches(s, item=near, at=NOW)
    assert (hit.item_id, how, alike) == (row.item_id, Match.NEAR, Fraction(2, 3))
    async with refused(office.database, ItemExists):
        await office.transport.do(sourcing.propose, item=near)
    other = await office.transport.do(sourcing.propose, item=near, differs_from=[row.item_id])
    assert other.status is S.PROPOSED
    other = await office.transport.do(sourcing.propose, item=Item(name="驾驶证号", meaning="驾驶证档案编号"))
    assert other.status is S.PROPOSED


async def test_an_assigned_source_confirms_itself_and_a_held_item_is_not_retired(office):
    row = await office.item()
    about = {"item_id": row.item_id}
    said = {"agency_id": office.police.org_id, "function": "车辆登记", "basis": "法"}
    await office.authority.do(sourcing.assign, role="DATA_AUTHORITY", **about, **said)
    async with refused(office.database, ListWrongRole):
        await office.authority.do(sourcing.confirm, role="DATA_AUTHORITY", **about)
    async with refused(office.database, ListWrongRole):
        await office.housing.do(sourcing.confirm, **about)
    await office.police.do(sourcing.confirm, **about)
    entry = await office.entry(fields=(DataField(name="车牌号", item_id=row.item_id),))
    retire = {**about, "reason": "合并"}
    async with refused(office.database, EntryInUse) as caught:
        await office.authority.do(sourcing.retire_item, role="DATA_AUTHORITY", **retire)
    assert caught.value.facts["entry"] == entry.data_id
    async with office.database.read() as s:
        assert (await item(s, item_id=row.item_id)).status is S.CONFIRMED
    changed = await office.authority.do(
        sourcing.change_item, role="DATA_AUTHORITY", **about, item=ITEM, differs_from=[]
    )
    assert changed.status is S.CONFIRMED
