"""The sketch of a table: what is nearly the same looks nearly the same."""

import random
from hashlib import md5

import pytest

from registry.declared import Declared
from registry.sketching import LEAST_ROWS, PLACES, is_sketch, keyed, sketch
from tests.registry.samples import measured_here

ROWS = [f"{n},{n * 7919 % 1000},{chr(65 + n % 26)}" for n in range(400)]


GOLDEN = ("000b40acf7f0b8fe", "00029cd00bbd3d0b")


def digests(rows):
    return [md5(row.encode(), usedforsecurity=False).hexdigest() for row in rows]


def alike(one, other):
    return sum(a == b for a, b in zip(one, other, strict=True))


def test_the_sketch_is_a_golden_one():
    """Sketches are kept on the ledger: another way to make them is another form."""
    assert sketch(digests(ROWS))[:2] == GOLDEN
    assert is_sketch(sketch(digests(ROWS)))


@pytest.mark.parametrize(
    ("shared", "least", "most"), [(1.0, 64, 64), (0.95, 52, 64), (0.5, 8, 40), (0.0, 0, 3)]
)
def test_equal_places_are_about_the_share_of_equal_rows(shared, least, most):
    kept = int(len(ROWS) * shared)
    other = ROWS[:kept] + [f"{row}!" for row in ROWS[kept:]]
    assert least <= alike(sketch(digests(ROWS)), sketch(digests(other))) <= most


def test_order_and_repetition_change_nothing_and_few_rows_have_none():
    mixed = random.Random(1).sample(ROWS, len(ROWS)) + ROWS[:50]
    assert sketch(digests(mixed)) == sketch(digests(ROWS))
    assert sketch(digests(ROWS[: LEAST_ROWS - 1] * 9)) == ()
    assert len(sketch(digests(ROWS[:LEAST_ROWS]))) == PLACES


@pytest.mark.parametrize("wrong", [["0" * 16], ["0" * 15] * 64, [0] * 64, ["0" * 16] * 65, ["G" * 16] * 64])
def test_what_the_child_says_is_checked(wrong):
    assert not is_sketch(wrong)
    assert is_sketch([])


def test_a_measured_file_has_one_whatever_the_order_of_its_rows_and_columns(tmp_path):
    turned = [",".join(reversed(row.split(","))) for row in reversed(ROWS)]
    seen = []
    for name, head, rows in (("a", "n,m,c", ROWS), ("b", "c,m,n", turned), ("d", "n,m,c", ROWS[:9])):
        path = tmp_path / f"{name}.csv"
        path.write_text("\n".join([head, *rows, ""]))
        seen.append(measured_here(path, Declared(), tmp_path / name).sketch)
    assert seen[0] == seen[1]
    assert (len(seen[0]), seen[2]) == (PLACES, ())


def test_what_is_stated_compares_as_the_sketch_does_and_is_another_nodes_to_nobody():
    one, other = (sketch(digests(rows)) for rows in (ROWS, ROWS[:-20]))
    stated = keyed(one, b"k" * 32)
    assert is_sketch(stated)
    assert alike(stated, keyed(other, b"k" * 32)) == alike(one, other)
    assert not set(stated) & set(one)
    assert not set(stated) & set(keyed(one, b"j" * 32))
    assert len(set(keyed([one[0]] * PLACES, b"k" * 32))) == PLACES  # equal numbers in two places tell nothing
