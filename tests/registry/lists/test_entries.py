"""Systems, data entries and demands: kept by their agency, in versions, and linked to what stands."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlmodel import select

from base.jobs import JobRow
from registry.lists import cataloguing, demanding, entering, repository
from registry.lists.errors import (
    EntryChanged,
    EntryInUse,
    EntryListedBefore,
    EntryRetired,
    LinkBroken,
    ListMalformed,
    ListWrongRole,
)
from registry.lists.rules import BaseLibrary, DataField, DataKind, Demand, DemandState, Listed, ShareKind
from registry.rules import Level
from tests.registry.lists.office import ENTRY, NOW, SYSTEM
from tests.standstill import refused, untouched

DEMAND = Demand(name="营运车辆信息", purpose="违停核查", fields=("车牌号",))


async def test_an_entry_goes_from_version_to_version_and_keeps_what_it_said(office):
    system = await office.system()
    row = await office.entry(system_id=system.system_id)
    changed = replace(ENTRY, system_id=system.system_id, abstract="营运车辆的牌照与许可")
    about = {"data_id": row.data_id, "version": 1, "entry": changed}
    row = await office.transport.do(cataloguing.change_data, **about)
    assert (row.version, row.status) == (2, Listed.LISTED)
    async with refused(office.database, EntryChanged):
        await office.transport.do(cataloguing.change_data, **about)
    async with untouched(office.database, ListMalformed):
        await office.transport.do(cataloguing.change_data, **(about | {"version": 2}))
    async with office.database.read() as s:
        (before,) = await repository.versions_of(s, object_id=row.data_id)
    assert (before.version, before.content["abstract"]) == (1, ENTRY.abstract)
    said = await office.said_of(row.data_id)
    assert [(one["event"], one["version"], one["level"]) for one in said] == [
        ("DAT.ENTER", 1, "general-2"),
        ("DAT.CHANGE", 2, "general-2"),
    ]
    assert "道路" not in str(said)


async def test_an_agency_lists_a_thing_once_and_no_other_one_changes_it(office):
    row = await office.entry()
    async with refused(office.database, EntryListedBefore):
        await office.entry(name="道路运输车辆 基本信息")
    other = await office.entry(office.police)
    assert other.data_id != row.data_id
    async with refused(office.database, ListWrongRole):
        await office.police.do(cataloguing.change_data, data_id=row.data_id, version=1, entry=ENTRY)
    async with refused(office.database, ListWrongRole):
        await office.authority.do(cataloguing.enter_data, role="DATA_AUTHORITY", entry=ENTRY)


async def test_what_was_retired_comes_back_as_its_next_version(office):
    row = await office.entry()
    await office.transport.do(cataloguing.retire_data, data_id=row.data_id, reason="系统下线")
    async with refused(office.database, EntryRetired):
        await office.transport.do(cataloguing.change_data, data_id=row.data_id, version=1, entry=ENTRY)
    again = await office.entry()
    assert (again.data_id, again.version, again.status) == (row.data_id, 2, Listed.LISTED)


async def test_no_system_stands_above_itself_and_no_link_hangs_in_the_air(office):
    top = await office.system()
    low = await office.system(name="车辆子系统", parent_id=top.system_id)
    about = {"system_id": top.system_id, "version": 1}
    async with refused(office.database, LinkBroken):
        await office.transport.do(
            entering.change_system, **about, system=replace(SYSTEM, parent_id=low.system_id)
        )
    async with refused(office.database, LinkBroken):
        await office.transport.do(
            entering.change_system, **about, system=replace(SYSTEM, parent_id=top.system_id)
        )
    async with refused(office.database, LinkBroken):
        await office.system(office.police, parent_id=top.system_id)
    async with refused(office.database, LinkBroken):
        await office.entry(office.police, system_id=top.system_id)
    async with refused(office.database, LinkBroken):
        await office.entry(fields=(DataField(name="车牌号", item_id="itm_" + "0" * 26),))
    async with refused(office.database, EntryInUse):
        await office.transport.do(entering.retire_system, system_id=top.system_id, reason="下线")
    await office.transport.do(entering.retire_system, system_id=low.system_id, reason="下线")
    await office.transport.do(entering.retire_system, system_id=top.system_id, reason="下线")


async def test_an_entry_is_mounted_to_what_is_there_or_flagged(office):
    row = await office.entry()
    about = {"data_id": row.data_id}
    theirs = await office.file(office.police)
    async with refused(office.database, LinkBroken):
        await office.transport.do(cataloguing.mount, **about, file_id=theirs.file_id)
    async with untouched(office.database, ListMalformed):
        await office.transport.do(cataloguing.mount, **about, interface="javascript:alert(1)")
    async with untouched(office.database, ListMalformed):
        await office.transport.do(cataloguing.flag, **about, reason="迁移中", mount_by=date(2026, 11, 15))
    flagged = await office.transport.do(
        cataloguing.flag, **about, reason="迁移中", mount_by=date(2026, 12, 31)
    )
    assert (flagged.flag, flagged.mounted_at) == ("迁移中", None)
    mine = await office.file()
    mounted = await office.transport.do(cataloguing.mount, **about, file_id=mine.file_id)
    assert (mounted.flag, mounted.resource_sha256) == (None, "a" * 64)
    stream = await office.entry(name="卡口视频", kind=DataKind.VIDEO)
    assert stream.level is Level.GENERAL_3
    async with untouched(office.database, ListMalformed):
        await office.transport.do(cataloguing.mount, data_id=stream.data_id, file_id=mine.file_id)


async def test_a_raised_level_is_handed_on(office):
    row = await office.entry()
    said = replace(ENTRY, base_library=BaseLibrary.POPULATION)
    row = await office.transport.do(cataloguing.change_data, data_id=row.data_id, version=1, entry=said)
    assert row.level is Level.GENERAL_4
    async with office.database.read() as s:
        (job,) = (await s.exec(select(JobRow).where(JobRow.kind == cataloguing.LEVEL_RAISED_JOB))).all()
    assert job.payload == {"object_id": row.data_id, "level": "general-4", "before": "general-2"}


async def test_a_demand_is_met_by_an_entry_or_is_a_gap_with_owner_and_date(office):
    system = await office.system()
    entry = await office.entry(system_id=system.system_id)
    row = await office.police.do(demanding.enter_demand, demand=DEMAND)
    about = {"demand_id": row.demand_id}
    assert (row.status, row.data_id) == (DemandState.OPEN, None)
    async with refused(office.database, ListWrongRole):
        await office.housing.do(demanding.match, **about, data_id=entry.data_id)
    async with untouched(office.database, ListMalformed):
        await office.police.do(
            demanding.plan, **about, owner_id=office.transport.org_id, due_on=date(2026, 11, 1)
        )
    row = await office.authority.do(
        demanding.plan,
        role="DATA_AUTHORITY",
        **about,
        owner_id=office.transport.org_id,
        due_on=date(2026, 12, 1),
    )
    assert (row.owner_id, row.due_on, row.version) == (office.transport.org_id, date(2026, 12, 1), 2)
    row = await office.transport.do(demanding.match, **about, data_id=entry.data_id)
    assert (row.status, row.data_id) == (DemandState.MATCHED, entry.data_id)
    await office.transport.do(cataloguing.retire_data, data_id=entry.data_id, reason="停用")
    async with office.database.read() as s:
        row = await repository.demand(s, demand_id=row.demand_id)
    assert (row.status, row.data_id, row.owner_id) == (DemandState.OPEN, None, office.transport.org_id)
    async with refused(office.database, LinkBroken):
        await office.transport.do(demanding.match, **about, data_id=entry.data_id)
    assert [one["event"] for one in await office.said_of(row.demand_id)] == [
        "DEM.ENTER",
        "DEM.PLAN",
        "DEM.MATCH",
        "DEM.REOPEN",
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"share": ShareKind.NOT_SHARED, "share_reason": " "},
        {"region": "999999"},
        {"name": "。。。"},
        {"fields": (DataField(name="车牌号"), DataField(name="车牌 号"))},
    ],
)
async def test_an_entry_that_is_not_of_its_form_is_refused(office, changes):
    async with untouched(office.database, ListMalformed):
        await office.entry(**changes)


async def test_the_same_bytes_again_are_no_newer(office):
    entry = await office.entry()
    files = [await office.file(sha256=one * 64) for one in "aba"]
    seen = []
    for file in files:
        office.clock.advance(timedelta(days=100))
        row = await office.transport.do(cataloguing.mount, data_id=entry.data_id, file_id=file.file_id)
        seen.append((row.mounted_at - NOW).days)
        said = {"reason": "维护", "mount_by": date(2028, 1, 1)}
        await office.transport.do(cataloguing.flag, data_id=entry.data_id, **said)
    assert seen == [100, 200, 100]
