"""One reader for the rule tables of all rooms: exact numbers, known marks, the day of Shanghai."""

from datetime import UTC, date, datetime
from fractions import Fraction
from importlib import resources

import pytest

from base.rule_table import STATUSES, RulesInForce, in_force, read, table_of

HEAD = "rule_id,version,name,value,unit,legal_basis,effective_from,effective_to,source_status\n"
ROOMS = ("brokers", "supervision", "cases")


@pytest.mark.parametrize("room", ROOMS)
def test_the_table_of_every_room_is_read_with_its_marks(room):
    rows = table_of(room)
    assert rows is table_of(room)
    assert {row.source_status for row in rows} <= STATUSES
    assert all(row.legal_basis for row in rows)
    RulesInForce(in_force(datetime(2026, 11, 23, tzinfo=UTC), rows))


def test_every_table_of_the_form_is_one_that_is_read():
    found = {
        room
        for room in ("identity", "registry", "pricing", "market", "brokers", "supervision", "cases")
        if resources.files(room).joinpath("rule_table.csv").is_file()
    }
    assert found == set(ROOMS)


def test_a_number_is_exact_and_in_force_from_day_to_day():
    (old, new) = read(HEAD + "A,1,x,2/3,share,law,,2024-01-01,default\nA,2,x,7,wd,law,2024-01-01,,verified\n")
    assert (old.fraction, old.effective_from, old.cited) == (Fraction(2, 3), None, "A@1.x")
    assert new.whole == 7
    last = datetime(2023, 12, 31, 15, 59, tzinfo=UTC)  # 23:59 in Shanghai
    assert in_force(last, [old, new]) == [old]
    assert in_force(datetime(2023, 12, 31, 16, tzinfo=UTC), [old, new]) == [new]
    assert new.in_force(date(2024, 1, 1))
    with pytest.raises(ValueError, match="in force at once"):
        RulesInForce([old, new])


@pytest.mark.parametrize(
    "line", ["A,1,x,seven,wd,law,,,default", "A,1,x,7,wd,law,,,sure", "A,1,x,7,wd,law,x,,default"]
)
def test_a_line_that_is_not_of_its_form_is_refused(line):
    with pytest.raises(ValueError, match=r"."):
        read(HEAD + line)
