"""A workbook is scanned like any table, all of it; what a scan cannot see of it is refused."""

import zipfile
from datetime import UTC, date, datetime
from random import Random

import openpyxl
import pytest
from openpyxl.comments import Comment

from registry.child import measure as measure_here
from registry.declared import Declared
from registry.errors import FileEmpty, FileNotTabular
from registry.hints import BESIDE
from registry.measure import measure_file
from registry.report import parse_report
from registry.rules import HintKind, Level, graded
from tests.registry.test_scan import card, identity

AS_OF = datetime(2026, 11, 16, tzinfo=UTC)
HEADER = ["编号", "证件", "卡号", "日期"]


def written(path, *sheets, hidden=()):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets):
        sheet = book.create_sheet(f"表{number}")
        sheet.sheet_state = "hidden" if number in hidden else "visible"
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def people(*, valid: bool) -> list[list[object]]:
    random = Random(7)
    return [
        [n, identity(random, valid=valid), card(random, valid=valid), date(2026, 1, 1 + n % 28)]
        for n in range(60)
    ]


def scanned_here(path):
    scratch = path.parent / "scratch"
    scratch.mkdir()
    canonical, _, _ = measure_here(path, Declared(), AS_OF, scratch, books=True)
    return parse_report(canonical).hints


async def scanned(path):
    return await measure_file(path, Declared(), as_of=AS_OF, books=True)


async def test_planted_identifiers_in_a_workbook_are_all_seen_and_look_alikes_raise_no_alarm(tmp_path):
    report = await scanned(written(tmp_path / "a", [HEADER, *people(valid=True), [], [1, "", "", None]], []))
    found = {(one.kind, one.column, one.rows) for one in report.hints if one.flagged}
    assert found >= {(HintKind.CN_ID, "证件", 60), (HintKind.BANK_CARD, "卡号", 60)}
    assert graded(Level.GENERAL_1, report.hints) is Level.GENERAL_4
    alike = await scanned(written(tmp_path / "b", [HEADER, *people(valid=False)]))
    assert {one.kind for one in alike.hints} & {HintKind.CN_ID, HintKind.BANK_CARD} == set()
    assert graded(Level.GENERAL_1, alike.hints) is Level.GENERAL_1


@pytest.mark.parametrize(
    ("sheets", "kind", "reason"),
    [
        (([HEADER, [1, "a", "=A2&B2", None]],), FileNotTabular, "formula"),
        (([],), FileEmpty, None),
    ],
)
def test_what_a_scan_cannot_see_of_a_workbook_is_refused(tmp_path, sheets, kind, reason):
    with pytest.raises(kind) as refused:
        scanned_here(written(tmp_path / "book", *sheets))
    assert refused.value.facts.get("reason") == reason


def test_a_picture_in_a_workbook_is_refused(tmp_path):
    path = written(tmp_path / "book", [HEADER, *people(valid=True)])
    with zipfile.ZipFile(path, "a") as package:
        package.writestr("xl/media/image1.png", b"\x89PNG")
    with pytest.raises(FileNotTabular) as refused:
        scanned_here(path)
    assert refused.value.facts == {"reason": "xlsx-part", "part": "xl/media/image1.png"}


def test_hidden_sheets_titles_comments_footers_and_numbers_in_the_dress_of_dates_are_seen(tmp_path):
    random = Random(3)
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["某局登记表"])
    sheet.merge_cells("A1:D1")
    sheet.append(["填报单位:某局", None, "2026-01-01", None])
    sheet.append(["编号", "电话", "出生日期", "邮编"])
    for n in range(20):
        sheet.append([n, 13812345600 + n, date(1990, 1, 1 + n), "510000"])
        sheet.cell(n + 4, 2).number_format = "yyyy-mm-dd"
    sheet.cell(4, 1).comment = Comment(f"见 {identity(random)}", "某")
    sheet.oddFooter.center.text = "制表 13812345678"
    sheet.append([20, None, None, None, "粤A12345"])
    hidden = book.create_sheet("隐")
    hidden.sheet_state = "veryHidden"
    hidden.append(["甲", "证件"])
    for n in range(30):
        hidden.append([n, identity(random)])
    book.save(tmp_path / "book.xlsx")
    found = scanned_here(tmp_path / "book.xlsx")
    assert {(one.kind, one.column, one.rows, one.flagged) for one in found} == {
        (HintKind.MOBILE, "电话", 20, True),
        (HintKind.CN_ID, "证件", 30, True),
        (HintKind.CN_ID, BESIDE, 1, True),
        (HintKind.MOBILE, BESIDE, 1, True),
        (HintKind.PLATE, BESIDE, 1, True),
        (HintKind.QUASI, "出生日期", 20, True),
        (HintKind.QUASI, "邮编", 20, True),
    }


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "utf-8-sig"])
def test_a_list_in_the_encoding_of_an_agency_is_scanned(tmp_path, encoding):
    random = Random(4)
    rows = "".join(f"{n},身份证{identity(random)}\r\n" for n in range(20))
    (tmp_path / "list").write_bytes(("某局登记表\r\n编号,备注\r\n" + rows).encode(encoding))
    assert [(one.kind, one.column, one.rows) for one in scanned_here(tmp_path / "list")] == [
        (HintKind.CN_ID, "备注", 20)
    ]


async def test_a_workbook_is_scanned_and_not_sold(tmp_path):
    path = written(tmp_path / "book", [HEADER, *people(valid=True)])
    with pytest.raises(FileNotTabular):
        await measure_file(path, Declared(), as_of=AS_OF)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(FileNotTabular):
        await scanned(path)
