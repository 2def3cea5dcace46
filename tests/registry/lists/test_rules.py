"""Names as compared, what an item repeats, least levels, circles, figures; deadlines of the regulation."""

from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.lists.errors import LinkBroken
from registry.lists.figures import ListFacts, census_share, figures_of, share_of, together
from registry.lists.rules import (
    BaseLibrary,
    DataField,
    DataKind,
    Item,
    Match,
    check_circle,
    entry_level,
    existing,
    key_of,
    known,
    normal,
)
from registry.lists.sharing_rules import due_after
from registry.rules import Level, rank
from tests.registry.lists.office import ENTRY

NEAR = Fraction(3, 5)


@pytest.mark.parametrize(
    ("one", "other"),
    [("车牌号", "车 牌-号"), ("ＩＤ号", "id号"), ("姓名（全称）", "姓名(全称)"), ("A_1", "a1")],
)
def test_width_case_and_punctuation_do_not_count(one, other):
    assert normal(one) == normal(other)
    assert key_of("", one) == key_of("", other)


@given(st.text(max_size=30))
def test_what_is_normal_stays_so(text):
    assert normal(normal(text)) == normal(text)


@given(st.text(min_size=1, max_size=12), st.text(min_size=1, max_size=12))
def test_an_item_repeats_itself_and_alike_is_mutual(one, other):
    def alike(a: str, b: str) -> list[tuple[Match, Fraction]]:
        said = Item(name=a, meaning="m")
        return [(how, much) for _, how, much in existing(said, [known("i", "", b, ())], near=NEAR)]

    if normal(one):
        assert alike(one, one) == [(Match.SAME, Fraction(1))]
    assert alike(one, other) == alike(other, one)


def test_the_same_stands_before_what_is_alike():
    dictionary = [
        known("itm_b", "", "机动车号牌号码", ()),
        known("itm_a", "DE1", "车牌", ("机动车号牌",)),
        known("itm_c", "", "身份证号", ()),
    ]
    found = existing(Item(name="机动车号牌", meaning="m"), dictionary, near=NEAR)
    assert found == [("itm_a", Match.SAME, Fraction(1)), ("itm_b", Match.NEAR, Fraction(4, 5))]
    by_code = existing(Item(name="号", meaning="m", code="de-1"), dictionary, near=NEAR)
    assert by_code == [("itm_a", Match.SAME, Fraction(1))]


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ({}, Level.GENERAL_2),
        ({"level": Level.IMPORTANT, "base_library": BaseLibrary.SPATIAL}, Level.IMPORTANT),
        ({"base_library": BaseLibrary.POPULATION}, Level.GENERAL_4),
        ({"base_library": BaseLibrary.LICENCE}, Level.GENERAL_4),
        ({"base_library": BaseLibrary.CREDIT}, Level.GENERAL_3),
        ({"kind": DataKind.VIDEO}, Level.GENERAL_3),
        ({"kind": DataKind.IOT}, Level.GENERAL_3),
        ({"fields": (DataField(name="姓名", personal=True),)}, Level.GENERAL_3),
    ],
)
def test_an_entry_is_not_talked_down(changes, level):
    assert entry_level(replace(ENTRY, **changes)) is level
    assert rank(entry_level(replace(ENTRY, **(changes | {"level": Level.CORE})))) == rank(Level.CORE)


def test_a_way_up_ends():
    parents = {"a": "b", "b": None, "c": "a"}
    check_circle("d", "c", parents)
    for parent in ("b", "c"):
        with pytest.raises(LinkBroken):
            check_circle("b", parent, parents)
    deep = {str(number): str(number + 1) for number in range(30)}
    with pytest.raises(LinkBroken):
        check_circle("x", "0", deep)


def test_figures_are_exact_and_nothing_is_divided_by_nothing():
    none = figures_of(ListFacts())
    assert (none.completeness, none.mounting, none.answered_in_time, none.open_gaps) == (None, None, None, 0)
    facts = ListFacts(
        systems=2,
        entries=3,
        entries_complete=2,
        mounted=1,
        flagged=1,
        answered_in_time=1,
        answered_late=1,
        unanswered=1,
        to_serve=4,
        served_in_time=3,
        gaps=2,
        gaps_late=1,
    )
    shown = figures_of(facts)
    assert (shown.completeness, shown.mounting, shown.accounted) == (
        Fraction(2, 3),
        Fraction(1, 3),
        Fraction(2, 3),
    )
    assert (shown.answered_in_time, shown.served_in_time) == (Fraction(1, 3), Fraction(3, 4))
    assert together([facts, facts]).entries == 6
    assert census_share(facts, said_systems=4, said_entries=2) == Fraction(3, 4)
    assert census_share(facts, said_systems=0, said_entries=0) is None
    with pytest.raises(ValueError, match="no part"):
        share_of(2, 1)


def test_the_deadlines_are_those_of_the_regulation():
    monday = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
    ends = {name: due_after(name, monday).date().isoformat() for name in ("answer", "serve", "correct")}
    assert ends == {"answer": "2026-11-30", "serve": "2026-12-14", "correct": "2026-11-30"}
