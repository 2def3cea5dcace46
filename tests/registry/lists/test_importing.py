"""Lists as agencies have them: every good row in, each bad row named, by one signed statement."""

import csv
import zipfile
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import orjson
import pytest
from sqlalchemy import event
from sqlmodel import func, select

from base.files import StoredFile
from base.jobs import run_due
from registry.grading.clockwork import grading_handlers
from registry.grading.repository import grades_after
from registry.lists import importing, repository
from registry.lists.demanding import enter_demand, retire_demand
from registry.lists.entering import retire_system
from registry.lists.errors import ImportWrongState, LinkBroken, ListFileUnreadable, ListWrongRole
from registry.lists.exporting import csv_lines, rows_of
from registry.lists.headings import ListName, guarded, unguarded
from registry.lists.importing import enter_import, keep_import
from registry.lists.linking import link_rows, links_for
from registry.lists.reading import read_list, sort_rows
from registry.lists.rules import Demand, Listed, ShareKind
from registry.lists.tables import DataRow
from registry.rules import Level
from tests.identity.unmoved import statements
from tests.registry.lists.office import Office
from tests.standstill import refused

TODAY = date(2026, 11, 16)
HEADINGS = [
    "序号",
    "信息资源代码",
    "信息资源名称",
    "信息资源摘要",
    "资源格式",
    "行政区划代码",
    "更新周期",
    "共享类型",
    "共享条件",
    "所属系统",
    "主题分类",
    "信息项",
    "个人信息项",
    "数据级别",
]
GOOD = {
    "信息资源名称": "营运车辆",
    "信息资源代码": "JT001",
    "信息资源摘要": "营运车辆基本信息",
    "资源格式": "库表",
    "行政区划代码": "440000",
    "更新周期": "每日",
    "共享类型": "有条件共享",
    "共享条件": "依法履职",
    "所属系统": "道路运输管理系统",
    "主题分类": "交通",
    "信息项": "车牌号、车型",
    "数据级别": "二级",
}


def cells(**changes: str) -> list[str]:
    row = GOOD | changes
    return [row.get(heading, "") for heading in HEADINGS]


def write_csv(path: Path, rows: list[list[str]], encoding: str = "gb18030") -> Path:
    with path.open("w", encoding=encoding, newline="") as out:
        csv.writer(out).writerows([["省交通运输厅数据清单"], HEADINGS, *rows])
    return path


def sorted_in(folder: Path, path: Path, list_name: ListName = ListName.DATA) -> tuple[Any, list[str]]:
    found = sort_rows(path, list_name, name=path.name, on=TODAY, work=folder)
    return found, found.faults.read_text(encoding="utf-8").splitlines()


async def imported(office: Office, path: Path, list_name: ListName = ListName.DATA, **how: Any) -> Any:
    """A file read as the doors do, kept, and entered where `enter` is not False."""
    party = office.transport
    work = path.parent / f"{path.stem}-work"
    work.mkdir(exist_ok=True)
    found = sort_rows(path, list_name, name=path.name, on=TODAY, work=work)
    async with office.database.read() as s:
        links = await links_for(s, agency_id=party.org_id, list_name=list_name)
    ready = link_rows(found, list_name, links)
    file = await office.file(sha256="f" * 64, name=path.name)
    rows = StoredFile(party.act().new_id("fil"), ready.rows.stat().st_size, ready.sha256)
    kept = await party.do(
        keep_import,
        list_name=list_name,
        file=file,
        read=found,
        ready=ready,
        rows=rows if ready.good else None,
    )
    if how.get("enter", True):
        kept = await party.do(
            enter_import, attempted="LIM.ENTER", import_id=kept.import_id, lines=lines_of(ready.rows)
        )
    return kept, ready


async def lines_of(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as lines:
        for line in lines:
            yield line


async def test_a_file_goes_in_once_and_a_changed_row_makes_a_version(office, tmp_path):
    await office.system()
    rows = [
        cells(),
        cells(信息资源代码="JT002", 信息资源名称="驾驶员", 个人信息项="姓名", 信息项="姓名、证号"),
        cells(信息资源代码="JT003", 所属系统="没有的系统"),
        cells(信息资源代码="JT001"),
        cells(信息资源代码="JT004", 更新周期="偶尔"),
        [],
        cells(信息资源代码="JT005", 信息资源名称=""),
    ]
    kept, ready = await imported(office, write_csv(tmp_path / "a.csv", rows))
    assert (kept.good, kept.bad, kept.added, kept.changed, kept.unchanged) == (2, 4, 2, 0, 0)
    assert ready.faults == (
        (5, "所属系统", "names-nothing"),
        (6, "信息资源名称", "same-as-row-3"),
        (7, "更新周期", "unknown-word"),
        (9, "信息资源名称", "empty"),
    )
    async with office.database.read() as s:
        faults = await repository.faults_of(s, import_id=kept.import_id)
        entries = await repository.data_of(s, agency_id=office.transport.org_id)
    first, second = sorted(entries, key=lambda one: one.code)
    assert [(one.row, one.why) for one in faults] == [(row, why) for row, _, why in ready.faults]
    assert (first.code, first.level, first.share, first.version) == (
        "JT001",
        Level.GENERAL_2,
        ShareKind.CONDITIONAL,
        1,
    )
    assert (second.name, second.level) == ("驾驶员", Level.GENERAL_3)
    (said,) = await office.said_of(kept.import_id)
    assert (said["event"], said["good"], said["bad"], said["added"]) == ("LIM.ENTER", 2, 4, 2)
    again, _ = await imported(office, write_csv(tmp_path / "b.csv", rows, "utf-8-sig"))
    assert (again.added, again.changed, again.unchanged) == (0, 0, 2)
    rows[0] = cells(信息资源摘要="营运车辆基本信息和许可")
    once_more, ready = await imported(office, write_csv(tmp_path / "c.csv", rows, "utf-16"))
    assert (once_more.added, once_more.changed, once_more.unchanged) == (0, 1, 1)
    async with office.database.read() as s:
        row = await repository.data_entry(s, data_id=first.data_id)
        (before,) = await repository.versions_of(s, object_id=first.data_id)
    assert (row.version, row.import_id, before.import_id) == (2, once_more.import_id, kept.import_id)
    async with refused(office.database, ImportWrongState):
        await office.transport.do(
            enter_import, attempted="LIM.ENTER", import_id=kept.import_id, lines=lines_of(ready.rows)
        )
    async with refused(office.database, ListWrongRole):
        await office.police.do(
            enter_import, attempted="LIM.ENTER", import_id=kept.import_id, lines=lines_of(ready.rows)
        )


async def test_systems_stand_above_one_another_and_demands_name_what_meets_them(office, tmp_path):
    path = tmp_path / "systems.csv"
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows(
            [
                ["系统名称", "系统功能", "行政区划代码", "上级系统"],
                ["运政", "许可", "440000", ""],
                ["车辆", "车辆", "440000", "运政"],
                ["道路", "道路", "440000", "道路"],
                ["桥梁", "桥梁", "440000", "隧道"],
            ]
        )
    kept, ready = await imported(office, path, ListName.SYSTEMS)
    assert (kept.added, ready.faults) == (
        2,
        ((4, "上级系统", "names-nothing"), (5, "上级系统", "names-nothing")),
    )
    async with office.database.read() as s:
        systems = await repository.systems(s, agency_id=office.transport.org_id)
    low, top = sorted(systems, key=lambda one: one.parent_id is None)
    assert (low.name, low.parent_id, top.name) == ("车辆", top.system_id, "运政")
    circle = tmp_path / "circle.csv"
    with circle.open("w", encoding="utf-8", newline="") as out:
        rows = [["系统名称", "系统功能", "行政区划代码", "上级系统"], ["运政", "许可", "440000", "车辆"]]
        csv.writer(out).writerows(rows)
    kept, ready = await imported(office, circle, ListName.SYSTEMS, enter=False)
    assert (kept.good, ready.faults) == (0, ((2, "上级系统", "leads-in-a-circle"),))
    entry = await office.entry(office.police, code="GA01")
    demands = tmp_path / "demands.csv"
    with demands.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows(
            [
                ["需求名称", "应用场景", "数源部门", "对应资源代码", "责任部门", "完成时限"],
                ["车辆登记", "执法", "省公安厅", "GA01", "", ""],
                ["住房", "执法", "省住房城乡建设厅", "", "省住房城乡建设厅", "2026年12月31日"],
                ["房屋", "执法", "没有的厅", "", "", ""],
                ["过期", "执法", "", "", "省公安厅", "2020-01-01"],
            ]
        )
    kept, ready = await imported(office, demands, ListName.DEMANDS)
    assert [why for _, _, why in ready.faults] == ["names-nothing", "not-of-its-form"]
    async with office.database.read() as s:
        listed = await repository.demands(s, agency_id=office.transport.org_id)
    gap, met = sorted(listed, key=lambda one: one.status.value, reverse=True)
    assert (met.data_id, met.status.value) == (entry.data_id, "MATCHED")
    assert (gap.owner_id, gap.due_on) == (office.housing.org_id, date(2026, 12, 31))


async def test_a_link_that_fell_meanwhile_stops_the_whole_import(office, tmp_path):
    system = await office.system()
    kept, ready = await imported(office, write_csv(tmp_path / "a.csv", [cells()]), enter=False)
    await office.transport.do(retire_system, system_id=system.system_id, reason="下线")
    async with refused(office.database, LinkBroken):
        await office.transport.do(
            enter_import, attempted="LIM.ENTER", import_id=kept.import_id, lines=lines_of(ready.rows)
        )


def test_a_workbook_is_read_with_merged_cells_and_no_formula(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["省交通运输厅数据清单"])
    sheet.append(HEADINGS)
    sheet.append(cells())
    sheet.append(cells(信息资源代码="JT002", 所属系统="", 主题分类=""))
    sheet.append(cells(信息资源代码="JT003", 信息资源摘要="=1+1"))
    sheet.merge_cells("J3:J4")
    sheet.merge_cells("A1:N1")
    path = tmp_path / "list.xlsx"
    book.save(path)
    found, faults = sorted_in(tmp_path, path)
    assert (found.form, found.good, found.bad) == ("xlsx", 2, 1)
    assert faults == ['[5,"信息资源摘要","formula"]']
    assert found.rows.read_text(encoding="utf-8").count('"system":"道路运输管理系统"') == 2
    assert found.ignored == ("序号",)


QUOTES = {
    "never closed": ('"未闭合', ["[26,broken]"]),
    "in the middle": ('中"间"', []),
    "and more after it": ('"引号"后有字', []),
    "over two lines": ('"第一行\r\n第二行"', []),
}


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize("quote", sorted(QUOTES))
def test_a_broken_quote_costs_its_own_row_and_no_other(tmp_path, quote, encoding):
    cell, wrong = QUOTES[quote]
    rows = [[f"资源{n}", "摘要", "库表", "440100", "每月", "无条件共享"] for n in range(60)]
    rows[24][1] = cell
    found, faults = sorted_in(tmp_path, lined(tmp_path, rows, encoding))
    assert (found.good, found.bad) == (60 - len(wrong), len(wrong))
    assert [f"[{n},{why}]" for n, _, why in map(orjson.loads, faults)] == wrong


def test_two_broken_quotes_a_huge_cell_and_bytes_of_no_encoding_are_each_a_row(tmp_path):
    rows = [[f"资源{n}", "摘要", "库表", "440100", "每月", "无条件共享"] for n in range(60)]
    rows[10][1], rows[20][1], rows[30][1], rows[40][1] = '"甲', '"乙', "长" * 100_001, "坏字"
    path = lined(tmp_path, rows, "gb18030")
    path.write_bytes(path.read_bytes().replace("坏字".encode("gb18030"), b"\xff\xff\x80"))
    found, faults = sorted_in(tmp_path, path)
    assert found.good == 56
    assert [orjson.loads(one)[0] for one in faults] == [12, 22, 32, 42]


def lined(folder: Path, rows: list[list[str]], encoding: str) -> Path:
    """A file as it is typed, its quotes as they come; a heading that says nothing stands twice."""
    header = ["*信息资源名称(必填)", "信息资源摘要", "资源格式", "行政区划代码", "更新周期", "共享类型"]
    lines = [",".join([*row, "", ""]) for row in [header, *rows]]
    lines[0] = lines[0].removesuffix(",,") + ",备注,备注"
    path = folder / "list.csv"
    path.write_bytes("\r\n".join(lines).encode(encoding))
    return path


def test_the_list_of_a_workbook_is_the_visible_sheet_with_the_headings(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "填表说明"
    book.active.append(["请逐行填写"])
    hidden = book.create_sheet("旧表")
    hidden.sheet_state = "hidden"
    for sheet in (hidden, book.create_sheet("清单")):
        sheet.append(HEADINGS)
        sheet.append(cells())
    book.save(tmp_path / "list.xlsx")
    found, _ = sorted_in(tmp_path, tmp_path / "list.xlsx")
    assert (found.good, found.bad, found.ignored) == (1, 0, ("[填表说明]", "序号"))
    hidden.sheet_state = "visible"
    book.save(tmp_path / "list.xlsx")
    with pytest.raises(ListFileUnreadable) as refused:  # none of them is passed over
        sorted_in(tmp_path, tmp_path / "list.xlsx")
    assert refused.value.facts == {"sheets": ["旧表", "清单"]}


def packed(path: Path, **parts: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(name.replace("__", "/").replace("_xml", ".xml"), content)
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"PK\x03\x04rest"),
        ("a.xlsx", "信息资源名称,信息资源摘要\n".encode()),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        ("a.csv", b"\xff\x00\xfe,\x81"),
        ("a.csv", "信息资源名称,更新周期\n甲,每日\n".encode()),
        ("a.csv", "信息资源名称,信息资源名称\n甲,乙\n".encode()),
        ("a.exe", b"MZ"),
    ],
)
def test_a_file_that_is_no_list_or_lies_about_its_kind_is_refused(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ListFileUnreadable):
        sorted_in(tmp_path, path)


def test_a_bomb_and_a_document_type_are_refused_before_anything_is_opened(tmp_path):
    bomb = packed(tmp_path / "bomb.xlsx", xl__workbook_xml=b"<w/>", xl__sheet_xml=b"0" * 20_000_000)
    with pytest.raises(ListFileUnreadable, match="more is packed"):
        sorted_in(tmp_path, bomb)
    typed = packed(tmp_path / "typed.xlsx", xl__workbook_xml=b'<!DOCTYPE a [<!ENTITY b "c">]><w/>')
    with pytest.raises(ListFileUnreadable, match="document type"):
        sorted_in(tmp_path, typed)
    none = packed(tmp_path / "none.xlsx", other_xml=b"<w/>")
    with pytest.raises(ListFileUnreadable, match="no workbook"):
        sorted_in(tmp_path, none)


async def test_the_child_reads_under_limits_and_tells_what_it_refuses(tmp_path):
    path = write_csv(tmp_path / "a.csv", [cells(), cells(信息资源代码="")])
    found = await read_list(path, ListName.DATA, name="a.csv", on=TODAY, work=tmp_path)
    assert (found.good, found.bad, found.headings["update"]) == (2, 0, "更新周期")
    with pytest.raises(ListFileUnreadable) as caught:
        await read_list(path, ListName.SYSTEMS, name="a.csv", on=TODAY, work=tmp_path)
    assert caught.value.facts["missing"] == ["系统名称", "系统功能"]


def test_a_hundred_thousand_rows_of_which_every_tenth_is_broken(tmp_path):
    plain = [
        "信息资源代码",
        "信息资源名称",
        "信息资源摘要",
        "资源格式",
        "行政区划代码",
        "更新周期",
        "共享类型",
    ]
    path = tmp_path / "a.csv"
    with path.open("w", encoding="gb18030", newline="") as out:
        csv.writer(out).writerow(plain)
        csv.writer(out).writerows(
            [f"C{n:06d}", "营运车辆", "车辆", "库表", "440000", "每日" if n % 10 else "偶尔", "无条件"]
            for n in range(100_000)
        )
    found, faults = sorted_in(tmp_path, path)
    assert (found.good, found.bad, len(faults)) == (90_000, 10_000, 10_000)
    assert faults[:2] == ['[2,"更新周期","unknown-word"]', '[12,"更新周期","unknown-word"]']
    assert faults[-1] == '[99992,"更新周期","unknown-word"]'


async def test_rows_that_change_are_not_read_again_one_by_one(office, tmp_path):
    await office.system()
    counted = []
    for rows in (3, 40):
        for theme in ("交通", "运输"):
            said = [cells(信息资源代码=f"D{rows}-{number}", 主题分类=theme) for number in range(rows)]
            asked = []

            def count(*given, asked=asked):
                asked.append(given[2])

            engine = office.database.engine.sync_engine
            event.listen(engine, "before_cursor_execute", count)
            kept, _ = await imported(office, write_csv(tmp_path / "a.csv", said))
            event.remove(engine, "before_cursor_execute", count)
        assert kept.changed == rows
        counted.append(len(asked))
    assert counted[0] == counted[1]


@pytest.mark.parametrize("text", ["=1+1", "-甲", "+86", "@乙", "'丙", "'=丁", "''-戊", "己", ""])
def test_a_guard_of_an_export_is_taken_off_again(text):
    assert unguarded(guarded(text)) == text
    assert not guarded(text).startswith(("=", "+", "-", "@"))


async def test_what_was_exported_changes_nothing_and_names_nothing_retired(office, tmp_path):
    await office.system(name="-甲系统", purpose="=1+1", capability="'@x")
    gone = await office.transport.do(enter_demand, demand=Demand(name="旧", purpose="执法"))
    await office.transport.do(retire_demand, demand_id=gone.demand_id, reason="已废")
    async with office.database.read() as s:
        assert [one async for one in rows_of(s, list_name="demands")] == []
        rows = [one async for one in rows_of(s, list_name="systems")]
    path = tmp_path / "systems.csv"
    path.write_text(csv_lines("systems", rows, head=True), encoding="utf-8-sig")
    kept, _ = await imported(office, path, ListName.SYSTEMS)
    assert (kept.good, kept.added, kept.changed, kept.unchanged) == (1, 0, 0, 1)


async def test_rows_go_in_a_thousand_at_a_time(office, tmp_path):
    await office.system()
    rows = [cells(信息资源代码=f"C{number:06d}") for number in range(1_500)]
    assert len(rows) > importing.AT_ONCE
    kept, _ = await imported(office, write_csv(tmp_path / "a.csv", rows))
    assert (kept.added, kept.bad) == (1_500, 0)
    rows[1_200] = cells(信息资源代码="C001200", 主题分类="运输")
    kept, _ = await imported(office, write_csv(tmp_path / "b.csv", rows))
    assert (kept.added, kept.changed, kept.unchanged) == (0, 1, 1_499)
    async with office.database.read() as s:
        listed = select(func.count()).where(DataRow.status == Listed.LISTED)
        assert (await s.exec(listed)).one() == 1_500


async def test_what_an_import_makes_of_persons_or_of_a_base_library_is_looked_at(office, tmp_path):
    await office.system()
    rows = [
        cells(),
        cells(
            信息资源代码="JT002", 信息资源名称="驾驶员", 个人信息项="姓名", 信息项="姓名、证号", 数据级别=""
        ),
        cells(信息资源代码="JT003", 信息资源名称="道路视频", 资源格式="视频", 数据级别=""),
    ]
    kept, ready = await imported(office, write_csv(tmp_path / "a.csv", rows))
    assert (kept.added, ready.faults) == (3, ())
    async with office.database.read() as s:
        names = dict((await s.exec(select(DataRow.name, DataRow.data_id))).all())
        assert await grades_after(s, after="", limit=10) == []
    while await run_due(office.database, office.clock.now(), grading_handlers(office.house.house)):
        pass
    async with office.database.read() as s:
        known = {one.object_id: one.level for one in await grades_after(s, after="", limit=10)}
    assert known == {names["驾驶员"]: Level.GENERAL_3, names["道路视频"]: Level.GENERAL_4}
    told = [one for one in await statements(office.database) if one["predicate"]["object"] == kept.import_id]
    (said,) = told  # one statement for all, with the digest of their rows
    digests = {one["name"]: one["digest"]["sha256"] for one in said["subject"]}
    assert digests["rows"] == ready.sha256
