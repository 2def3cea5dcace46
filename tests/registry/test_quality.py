"""Scores from counts: exact, bounded, and recomputable from what is published."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.counts import Column, Profile, RuleCount
from registry.declared import ColumnType, Declared, DeclaredColumn, Frequency
from registry.quality import (
    WEIGHT_PERCENT,
    Dimension,
    assess,
    passes,
    points,
    tenths,
    tenths_of,
    weighted,
)
from tests.registry.samples import AS_OF, column

PERFECT = Declared(
    columns=(column("a", "integer"), column("b", "text")),
    update_frequency=Frequency.ONCE,
    period_to="2026-10-31",
)


def profile(**more):
    columns = tuple(
        Column(c.name, place, c, c.type, c.type, present=10, distinct=10)
        for place, c in enumerate(PERFECT.columns)
    )
    given = {"rows": 10, "ragged": 0, "duplicates": 0, "columns": columns, "rules": ()}
    return Profile(**{**given, "reads": 2, "reads_alike": 2, **more})


def scores(seen, declared=PERFECT):
    assessed = assess(seen, declared, AS_OF)
    return {dimension.value: points(score) for dimension, score in assessed.scores.items()}


def with_first(**more):
    seen = profile()
    return replace(seen, columns=(replace(seen.columns[0], **more), seen.columns[1]))


def test_nothing_wrong_is_one_hundred():
    assessed = assess(profile(), PERFECT, AS_OF)
    assert set(assessed.scores.values()) == {1000}
    assert (assessed.score, assessed.passed, assessed.shortfalls) == (1000, True, ())


def test_the_weights_are_the_rules_and_sum_to_a_hundred():
    assert list(WEIGHT_PERCENT.values()) == [15, 20, 25, 15, 15, 10]


@pytest.mark.parametrize(
    ("seen", "dimension", "score"),
    [
        (with_first(wrong_type=1, faulty=1), "conformity", "50.0"),
        (with_first(wrong_type=1, faulty=1), "accuracy", "95.0"),
        (with_first(declared=None), "conformity", "50.0"),
        (with_first(name=""), "conformity", "50.0"),
        (with_first(name="b"), "conformity", "0.0"),
        (with_first(declared=DeclaredColumn(name="a", type="integer", meaning=" ")), "conformity", "50.0"),
        (with_first(position=None, present=0, missing=10), "conformity", "50.0"),
        (with_first(present=7, missing=3), "completeness", "85.0"),
        (profile(ragged=2), "completeness", "83.3"),
        (profile(duplicates=3), "accuracy", "70.0"),
        (profile(duplicates=3, ragged=10), "consistency", "75.0"),
        (with_first(off_form=1), "consistency", "97.5"),
        (profile(rules=(RuleCount("a", "<", "b", known=True, checked=4, passed=1),)), "consistency", "75.0"),
        (profile(rules=(RuleCount("a", "<", "x", known=False, checked=0, passed=0),)), "consistency", "66.6"),
        (profile(reads_alike=1), "accessibility", "50.0"),
    ],
)
def test_each_defect_costs_its_dimension_exactly(seen, dimension, score):
    assert scores(seen)[dimension] == score


def optional(declared, *names):
    """The same declaration with these columns optional."""
    changed = tuple(c.model_copy(update={"required": c.name not in names}) for c in declared.columns)
    return declared.model_copy(update={"columns": changed})


@pytest.mark.parametrize(("names", "score"), [("", "50.0"), ("a", "100.0"), ("ab", "50.0")])
def test_optional_cells_do_not_count_unless_all_are_optional(names, score):
    declared = optional(PERFECT, *names)
    empty, full = with_first(present=0, missing=10).columns
    a, b = declared.columns
    seen = profile(columns=(replace(empty, declared=a), replace(full, declared=b)))
    assert scores(seen, declared)["completeness"] == score


def test_records_that_were_promised_and_are_not_there_cost_completeness():
    assert scores(profile(), PERFECT.model_copy(update={"expected_rows": 16}))["completeness"] == "62.5"
    assert scores(profile(), PERFECT.model_copy(update={"expected_rows": 5}))["completeness"] == "100.0"


def test_scores_are_rounded_down_so_that_a_hundred_means_perfect():
    assert points(tenths(Fraction(999_999, 1_000_000))) == "99.9"
    assert points(tenths(Fraction(1))) == "100.0"


def test_passing_needs_seventy_in_all_and_sixty_in_each():
    even = dict.fromkeys(Dimension, 700)
    assert passes(even)
    assert not passes({**even, Dimension.ACCESSIBILITY: 699})
    high = dict.fromkeys(Dimension, 1000)
    assert passes({**high, Dimension.CONFORMITY: 600})
    assert not passes({**high, Dimension.CONFORMITY: 599})


@given(st.fixed_dictionaries({dimension: st.integers(0, 1000) for dimension in Dimension}))
def test_the_whole_is_recomputed_from_the_published_six(six):
    whole = sum(Fraction(WEIGHT_PERCENT[d], 100) * Fraction(six[d]) for d in Dimension)
    assert weighted(six) == whole.__floor__()
    assert min(six.values()) <= weighted(six) <= max(six.values())


@given(st.integers(0, 1000))
def test_points_and_tenths_are_each_others_reverse(score):
    assert tenths_of(points(score)) == score


@pytest.mark.parametrize("text", ["", "1", "1.", ".5", "100.1", "01.0", "1.00", "-1.0", "1e1", "٣.٠"])
def test_what_is_no_score_is_refused(text):
    with pytest.raises(ValueError, match=r"not a score|invalid literal"):
        tenths_of(text)


@given(st.data())
def test_scores_stay_within_bounds_for_any_counts(data):
    rows = data.draw(st.integers(1, 1000))
    columns = []
    for place in range(data.draw(st.integers(1, 4))):
        present = data.draw(st.integers(0, rows))
        faults = st.integers(0, present)
        columns.append(
            Column(
                data.draw(st.sampled_from(["a", "b", ""])),
                place,
                data.draw(st.sampled_from([None, *PERFECT.columns])),
                ColumnType.TEXT,
                ColumnType.TEXT,
                present=present,
                missing=rows - present,
                wrong_type=data.draw(faults),
                faulty=data.draw(faults),
                off_form=data.draw(faults),
            )
        )
    checked = data.draw(st.integers(0, rows))
    rule = RuleCount("a", "<", "b", known=True, checked=checked, passed=data.draw(st.integers(0, checked)))
    seen = profile(
        rows=rows,
        ragged=data.draw(st.integers(0, rows)),
        duplicates=data.draw(st.integers(0, rows - 1)),
        columns=tuple(columns),
        rules=(rule,),
    )
    assessed = assess(seen, PERFECT, AS_OF)
    assert all(0 <= score <= 1000 for score in assessed.scores.values())
    perfect = [d for d in Dimension if assessed.scores[d] == 1000]
    blamed = {shortfall.dimension for shortfall in assessed.shortfalls}
    assert set(Dimension) - set(perfect) - {Dimension.ACCURACY} <= blamed
