"""What two exact answers have as their difference is a group that is large enough, or is not told."""

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.delivery.sandbox.answering import Engine
from market.delivery.sandbox.differencing import withheld
from market.delivery.sandbox.forms import form_from
from market.delivery.sandbox.parsing import parse
from tests.market.delivery.asking import TERMS, plain, write_table

ROWS = ", ".join(
    f"('{county}', '2025-0{1 + n % 2}-01', {kwh}, '{n}', 'firm {at}-{n}')"
    for at, (county, many) in enumerate((("440104", 6), ("440106", 5), ("440305", 2)))
    for n, kwh in ((n, "NULL" if n > 3 else f"'{n}.25'") for n in range(many))
)
TOTAL = "select count(*) n, sum(kwh) s from data"
BY_COUNTY = "select county, count(*) n from data group by county"


@pytest.fixture
def engine(tmp_path):
    with write_table(tmp_path / "d.parquet", ROWS).open("rb") as file:
        yield Engine(file.fileno())


def told(engine, text, *earlier, **other):
    allowed = plain(**other)
    forms = [form_from(parse(one), allowed).document() for one in (text, *earlier)]
    answer = engine.answer(forms[0], allowed.document(), epsilon_micro=0, earlier=forms[1:])
    return answer["rows"], answer["withheld"]


def test_all_and_all_but_one_are_not_both_told(engine):
    but_one = f"{TOTAL} where name != 'firm 0-1'"
    assert told(engine, but_one) == ([[12, "14.25"]], 0)
    assert told(engine, but_one, TOTAL) == ([], 1)
    assert told(engine, TOTAL, but_one) == ([], 1)
    assert told(engine, f"{TOTAL} where county = '440104'", TOTAL)[1] == 0  # seven others
    swapped = [f"{TOTAL} where county = '440104' and firms != {n}" for n in (0, 1)]
    assert told(engine, swapped[0], swapped[1])[1] == 1
    assert told(engine, TOTAL, TOTAL) == ([[13, "15.50"]], 0)  # the same tells nothing more


def test_a_group_that_was_left_out_is_not_what_is_left_of_the_whole(engine):
    assert told(engine, BY_COUNTY) == ([["440104", 6], ["440106", 5]], 0)  # and one of two rows
    assert told(engine, TOTAL, BY_COUNTY) == ([], 1)
    assert told(engine, BY_COUNTY, TOTAL) == ([["440104", 6]], 1)  # the smaller one of the two goes too
    large = f"{TOTAL} where county in ('440104', '440106')"
    assert told(engine, large, BY_COUNTY)[1] == 0


def test_all_but_one_is_not_told_beside_groups_that_add_up_to_all(tmp_path):
    rows = ", ".join(
        f"('{county}', '2025-01-01', '{n}.25', '{n}', 'firm {county}-{n}')"
        for county in ("440104", "440106", "440305")
        for n in range(4)
    )
    with write_table(tmp_path / "a.parquet", rows).open("rb") as file:
        engine = Engine(file.fileno())
        but_one = f"{TOTAL} where name != 'firm 440106-3'"
        assert told(engine, but_one) == ([[11, "17.75"]], 0)
        assert told(engine, but_one, BY_COUNTY) == ([], 1)
        assert len(told(engine, BY_COUNTY, but_one)[0]) < 3
        assert told(engine, f"{TOTAL} where firms > 0", BY_COUNTY)[1] == 0  # three others


def test_a_sum_is_not_told_beside_one_of_few_values_more(engine):
    some = "select sum(kwh) from data where county = '440104' and firms < 4"
    more = "select sum(kwh) from data where county = '440104'"  # two rows more, and no value
    assert told(engine, more, some, min_group=2) == ([["7.00"]], 0)
    one = "select sum(kwh) from data where county = '440104' and firms != 3 and firms != 5"
    assert told(
        engine, "select sum(kwh) from data where county = '440104' and firms != 4", one, min_group=2
    ) == (
        [],
        1,
    )


def test_narrower_terms_of_a_later_contract_forget_nothing(engine):
    """What the former contract let a buyer ask is held against what the later one lets it ask."""
    former, but_one = plain(), f"{TOTAL} where name != 'firm 0-1'"
    asked = form_from(parse(but_one), former).document()
    named = [dict(one, filter=False, distinct=False) for one in TERMS["columns"]]
    for columns, kept_back in ((named, 1), (named[:-1], 1)):  # the name no more filtered by; gone altogether
        later = plain(columns=columns)
        form = form_from(parse(TOTAL), later).document()
        told_now = engine.answer(form, later.document(), epsilon_micro=0, earlier=[asked])
        assert (told_now["rows"], told_now["withheld"]) == ([], kept_back)


def test_what_is_counted_are_units(tmp_path):
    rows = ", ".join(f"('440104', '2025-01-01', '1', '{n}', 'firm {n % 4}')" for n in range(24))
    firm = {"unit_column": "name", "unit_rows": 10, "min_group": 2}
    with write_table(tmp_path / "u.parquet", rows).open("rb") as file:
        engine = Engine(file.fileno())
        three = "select count(*) from data where name != 'firm 0'"
        assert told(engine, three, **firm) == ([[18]], 0)
        assert told(engine, three, "select count(*) from data", **firm) == ([], 1)  # six rows of one firm
        assert told(engine, three, "select count(*) from data", min_group=2) == ([[18]], 0)
        two = "select count(*) from data where name in ('firm 1', 'firm 2')"
        assert told(engine, two, "select count(*) from data", **firm)[1] == 0


LEAST = 3
LABELS = (None, "a", "b", "c")
CELLS = [(new, old) for new in LABELS for old in LABELS]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from((0, 0, 0, 1, 2, 3, 4)), min_size=16, max_size=16), st.integers(0, 7))
def test_no_groups_added_up_leave_a_few_of_earlier_ones(sizes, shared):
    """Rows by their group in the new answer and in the old one, and their unit, if it has many."""
    units, rows = shared > 0, []
    for (new_label, old_label), many in zip(CELLS, sizes, strict=True):
        rows += [(new_label, old_label, (len(rows) + n) % (shared or 1000)) for n in range(many)]

    def of(members):
        return len({unit for *_, unit in members}) if units else len(members)

    def groups(side):
        labels = {row[side] for row in rows} - {None}
        found = {label: [(n, *row) for n, row in enumerate(rows) if row[side] == label] for label in labels}
        return {(label,): members for label, members in found.items() if of(members) >= LEAST}

    new, old = groups(0), groups(1)
    cells = Counter() if not units else {}
    for new_label, old_label, unit in set(rows) if units else rows:
        cell = ((new_label,) if new_label else None, (old_label,) if old_label else None)
        cells[cell] = cells.get(cell, 0) + (unit is not None)
    kept_back = withheld(new, old, cells, least=LEAST, units=units)
    assert kept_back <= new.keys()
    told_now = [set(members) for key, members in new.items() if key not in kept_back]
    known = [set(members) for members in old.values()]
    for some in _unions(told_now):
        for others in _unions(known):
            apart = max(of(some - others), of(others - some))
            assert not some or not others or apart == 0 or apart >= LEAST


def _unions(groups):
    """Whatever can be added up out of these groups."""
    for many in range(len(groups) + 1):
        yield from (set().union(*parts) for parts in combinations(groups, many))
