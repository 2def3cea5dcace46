"""Entries are measured and checked against each other: bound to the mounted file, stated without a value."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from base.files import FileStore
from ledger.reader import statements_of
from registry.declared import Declared
from registry.lists.tables import DataRow, ListFileRow
from registry.measuring import service
from registry.measuring.errors import CrossCheckMalformed, EntryMovedOn, EntryNotMounted
from registry.measuring.repository import rates_of
from registry.measuring.service import MeasuringDesk
from registry.measuring.tables import CrossCheckRow
from registry.report import parse_report
from tests.houses import Party, TestHouse, make_house
from tests.registry.evaluation.agencies import entry
from tests.registry.measuring.test_comparing import LEFT, RIGHT


@dataclass
class Scene:
    house: TestHouse
    desk: MeasuringDesk
    left: str
    right: str
    own: str
    unmounted: str
    authority: Party

    async def check(self, left: str, right: str) -> CrossCheckRow:
        ids = {"left_id": left, "right_id": right, "asked_by": self.authority.org_id}
        return await service.cross_check(self.desk, **ids, key=["uscc"], columns=[])


async def _mounted(house: TestHouse, files: FileStore, party: Party, text: str) -> str:
    async def content():
        yield text.encode()

    kept = await files.put(content(), limit_bytes=10_000)
    row = ListFileRow(
        file_id=kept.file_id,
        owner_id=party.org_id,
        bytes=kept.bytes,
        sha256=kept.sha256,
        name="a.csv",
        media_type="text/csv",
        stored_at=house.clock.now(),
    )
    mounted = {"resource_file_id": kept.file_id, "resource_sha256": kept.sha256}
    made = entry(party.org_id, **mounted, mounted_at=house.clock.now())
    data_id = made.data_id
    async with house.database.write() as s:
        s.add(row)
        await s.flush()
        s.add(made)
    return data_id


@pytest.fixture
async def scene(database, clock, tmp_path: Path) -> Scene:
    house = await make_house(database, clock)
    files = FileStore(tmp_path / "files", bytes(32), clock)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    desk = MeasuringDesk(house.house, files, lambda: scratch, asyncio.Semaphore())
    one = await house.admit("省市场监管局", {"PUBLIC_AGENCY"})
    other = await house.admit("省税务局", {"PUBLIC_AGENCY"})
    bare = entry(one.org_id)
    bare_id = bare.data_id
    async with house.database.write() as s:
        s.add(bare)
    return Scene(
        house,
        desk,
        left=await _mounted(house, files, one, LEFT),
        right=await _mounted(house, files, other, RIGHT),
        own=await _mounted(house, files, one, RIGHT),
        unmounted=bare_id,
        authority=await house.admit("省政务服务和数据管理局", {"DATA_AUTHORITY"}),
    )


async def test_two_entries_are_checked_and_the_same_again_is_the_row_that_is_there(scene: Scene) -> None:
    row = await scene.check(scene.left, scene.right)
    assert row.rate == 7500
    again = await scene.check(scene.left, scene.right)
    assert (again.check_id, again.result) == (row.check_id, row.result)
    async with scene.house.database.read() as s:
        assert await rates_of(s, data_ids=[scene.left, scene.right, scene.own]) == {
            scene.left: 7500,
            scene.right: 7500,
        }
        (said,) = await statements_of(s, object_id=row.check_id)
    assert said.predicate["rate"] == 7500
    assert "粤能数科" not in str(said.payload)
    for left, right, error in [
        (scene.left, scene.own, CrossCheckMalformed),  # one holder's two files say nothing of each other
        (scene.left, scene.left, CrossCheckMalformed),
        (scene.unmounted, scene.right, EntryNotMounted),
    ]:
        with pytest.raises(error):
            await scene.check(left, right)
    async with scene.house.database.read() as s:
        assert len((await s.exec(select(CrossCheckRow))).all()) == 1


async def test_an_entry_is_measured_by_its_own_cycle_and_another_file_takes_the_report_nowhere(
    scene: Scene, clock
) -> None:
    row = await service.measure_entry(scene.desk, data_id=scene.left, declared=Declared())
    again = await service.measure_entry(scene.desk, data_id=scene.left, declared=Declared())
    assert (again.report_id, again.report) == (row.report_id, row.report)
    assert b'"update_frequency":"daily"' in row.report
    clock.move_to(datetime(2026, 11, 20, tzinfo=UTC) + timedelta(hours=1))
    async with scene.house.database.write() as s:
        found = await s.get(DataRow, scene.left)
        assert found is not None
        found.resource_sha256 = "0" * 64
        s.add(found)
    with pytest.raises(EntryNotMounted):
        await service.measure_entry(scene.desk, data_id=scene.left, declared=Declared())
    with pytest.raises(EntryMovedOn):
        await scene.house.operator.do(
            service.record_entry_report, data_id=scene.left, report=parse_report(row.report)
        )
