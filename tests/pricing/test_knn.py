"""M12: exact values of rows, equal to the definition, in any order of rows."""

from fractions import Fraction
from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.errors import Malformed
from pricing.errors import TooMuchToPrice
from pricing.knn import knn_quote, knn_shapley
from tests.pricing.facts import KNN

LABELS = st.sampled_from(["x", "y", 1])
CELLS = st.integers(-9, 9) | st.decimals(-9, 9, places=2).map(str)
# Rows at unlike distances from every test row here: the first cells are unlike powers.
ROWS = st.lists(st.tuples(st.integers(0, 12), LABELS), min_size=1, max_size=6, unique_by=lambda row: row[0])


def facts(rows, tests, k):
    return {
        "train": [[3**place, 0] for place, _ in rows],
        "labels": [label for _, label in rows],
        "test": [[0, str(far)] for far, _ in tests],
        "test_labels": [label for _, label in tests],
        "k": k,
    }


def by_coalitions(rows, label, k):
    """The definition, with what a set is worth told by its nearest rows."""
    size = len(rows)

    def worth(some):
        nearest = sorted(some, key=lambda i: rows[i][0])[:k]
        return Fraction(sum(rows[i][1] == label for i in nearest), k)

    values = []
    for i in range(size):
        rest = [j for j in range(size) if j != i]
        gains = (
            (worth((*some, i)) - worth(some)) / (size * comb(size - 1, count))
            for count in range(size)
            for some in combinations(rest, count)
        )
        values.append(sum(gains))
    return values


@settings(deadline=None, max_examples=30)
@given(rows=ROWS, tests=st.lists(st.tuples(CELLS, LABELS), min_size=1, max_size=3), k=st.integers(1, 8))
def test_the_values_are_the_definition_and_sum_to_the_soft_accuracy(rows, tests, k):
    results = knn_quote(facts(rows, tests, k)).results
    each = [by_coalitions(rows, label, k) for _, label in tests]
    for i, value in enumerate(results["values"]):
        assert abs(Fraction(value) - sum(values[i] for values in each) / len(tests)) < Fraction(1, 10**11)
    nearest = sorted(rows)[:k]
    right = sum(Fraction(sum(label == wanted for _, label in nearest), k) for _, wanted in tests)
    assert abs(Fraction(results["soft_accuracy"]) - right / len(tests)) < Fraction(1, 10**11)


TIED = st.lists(st.tuples(st.integers(-1, 1), st.integers(-1, 1), LABELS), min_size=1, max_size=12)


@settings(deadline=None, max_examples=30)
@given(rows=TIED, data=st.data(), k=st.integers(1, 5))
def test_rows_at_one_distance_are_sorted_by_content_so_no_order_of_rows_matters(rows, data, k):
    turned = data.draw(st.permutations(range(len(rows))))

    def values(order):
        told = {"train": [list(rows[i][:2]) for i in order], "labels": [rows[i][2] for i in order]}
        asked = {"test": [[0, 0], ["0.5", 1]], "test_labels": ["x", 1], "k": k}
        found = knn_quote(told | asked).results["values"]
        return dict(zip(order, found, strict=True))

    base = values(range(len(rows)))
    assert values(turned) == base
    for i, j in combinations(range(len(rows)), 2):
        if rows[i] == rows[j]:
            assert base[i] == base[j]  # symmetry: copies are worth the same


def test_texts_and_numbers_are_unlike_labels_and_decimals_are_exact():
    told = {"train": [["0.3"], ["-0.1"]], "labels": ["1", 1], "test": [["0.1"]], "test_labels": [1], "k": 1}
    # Both rows are exactly 0.2 away: no binary fraction decides, but the content.
    values = knn_quote(told).results["values"]
    turned = knn_quote(told | {"train": [["-0.1"], ["0.3"]], "labels": [1, "1"]}).results["values"]
    assert values == turned[::-1]
    assert sorted(values) in (["0.5", "0.5"], ["-0.5", "0.5"], ["0", "1"])


def test_a_scale_of_distance_changes_nothing():
    rng = np.random.default_rng(7)
    train, test = rng.integers(-99, 99, (60, 3)).astype(float), rng.integers(-99, 99, (4, 3)).astype(float)
    labels, wanted = rng.integers(0, 3, 60).tolist(), rng.integers(0, 3, 4).tolist()
    base = knn_shapley(train, labels, test, wanted, k=5)
    assert knn_shapley(train * 4, labels, test * 4, wanted, k=5).tolist() == base.tolist()
    named = knn_shapley(train, [f"l{x}" for x in labels], test, [f"l{x}" for x in wanted], k=5)
    assert named.tolist() == base.tolist()


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"train": []}, Malformed),
        ({"labels": ["a", 1]}, Malformed),
        ({"labels": ["a", 1, None]}, Malformed),
        ({"labels": ["a", 1, True]}, Malformed),
        ({"test": [[0, 1]]}, Malformed),
        ({"test": [[]]}, Malformed),
        ({"train": [[0], ["1e5"], [2]]}, Malformed),
        ({"train": [[0], ["NaN"], [2]]}, Malformed),
        ({"k": 0}, Malformed),
        ({"k": -1}, Malformed),
        ({"test": [[0]] * 9_000_000, "test_labels": ["a"]}, TooMuchToPrice),
    ],
)
def test_rows_that_are_none_are_refused(changed, error):
    with pytest.raises(error):
        knn_quote({**KNN, **changed})
