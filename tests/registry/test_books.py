"""A workbook is scanned like any table; what a scan cannot see of it is refused."""

from datetime import UTC, date, datetime
from random import Random

import openpyxl
import pytest

from registry.declared import Declared
from registry.errors import FileEmpty, FileNotTabular
from registry.measure import measure_file
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
        (([HEADER, [1, "a", "b", None]], [["藏起来"], ["440103"]]), FileNotTabular, "several-sheets"),
        (([HEADER, [1, "a", "=A2&B2", None]],), FileNotTabular, "formula"),
        (([HEADER, [1, "a", "b", "c", "d"], [1] * 5],), FileNotTabular, "ragged"),
        (([],), FileEmpty, None),
    ],
)
async def test_what_a_scan_cannot_see_of_a_workbook_is_refused(tmp_path, sheets, kind, reason):
    with pytest.raises(kind) as refused:
        await scanned(written(tmp_path / "book", *sheets, hidden=(1,)))
    assert refused.value.facts.get("reason") == reason


async def test_a_workbook_is_scanned_and_not_sold(tmp_path):
    path = written(tmp_path / "book", [HEADER, *people(valid=True)])
    with pytest.raises(FileNotTabular):
        await measure_file(path, Declared(), as_of=AS_OF)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(FileNotTabular):
        await scanned(path)
