"""The three layers by hand and as properties; what is withheld, against linear algebra done otherwise."""

from fractions import Fraction
from itertools import pairwise, product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from supervision.statistics.confidential import Cell, Sum, determined, withheld
from supervision.statistics.layers import CLASSES, ITEMS, Line, Variant, by_class, in_fen, layers

ACTIVE, CAUTIOUS = Variant.ACTIVE, Variant.CAUTIOUS


def line(**changes):
    """10,000 on each of the seven items but 5,000 on storing: 65,000 in all."""
    spent = dict.fromkeys(ITEMS, 10_000) | {"storage": 5_000}
    values = {"org_id": "a", "year": 2025, "own_use_bp": 8_000, "staff_bp": 2_500, "useful_life": 4}
    return Line(**{**values, "spent_minor": spent, **changes})


def test_the_layers_of_one_unit_by_hand():
    told = layers([line()], year=2025)
    assert told.expenditure == 65_000
    assert (told.own_use, told.for_sale) == (52_000, 13_000)
    assert told.staff == 16_250
    # four capitalised items of 10,000, and storing in the active variant: 80 % of them for own use
    assert told.formation == {ACTIVE: 36_000, CAUTIOUS: 32_000}
    assert told.gdp_effect == {ACTIVE: 36_000, CAUTIOUS: 32_000}
    # a life of four years: a quarter of it is used up in the first
    assert told.consumption == {ACTIVE: 9_000, CAUTIOUS: 8_000}
    assert told.stock == {ACTIVE: 27_000, CAUTIOUS: 24_000}


def test_the_stock_goes_down_by_a_quarter_a_year_and_is_gone_after_the_fourth():
    left = [layers([line()], year=year).stock[CAUTIOUS] for year in range(2024, 2030)]
    assert left == [0, 24_000, 16_000, 8_000, 0, 0]
    used = [layers([line()], year=year).consumption[CAUTIOUS] for year in range(2024, 2030)]
    assert used == [0, 8_000, 8_000, 8_000, 8_000, 0]


@pytest.mark.parametrize(("life", "formed"), [(None, 0), (1, 0), (2, 32_000)])
def test_what_serves_for_no_more_than_a_year_is_no_capital(life, formed):
    assert layers([line(useful_life=life)], year=2025).formation[CAUTIOUS] == formed


def test_what_is_made_for_sale_is_capital_of_whoever_buys_it():
    seller = line(own_use_bp=0)
    nothing = dict.fromkeys(ITEMS, 0)
    buyer = line(org_id="b", own_use_bp=10_000, spent_minor=nothing | {"purchase": 65_000})
    told = layers([seller, buyer], year=2025)
    assert told.formation[CAUTIOUS] == 65_000


def test_a_non_market_producer_adds_what_its_data_wear_out_year_by_year():
    public = line(source="public")
    effects = [layers([public], year=year).gdp_effect[ACTIVE] for year in range(2025, 2030)]
    assert effects == [9_000, 9_000, 9_000, 9_000, 0]


LINES = st.builds(
    Line,
    org_id=st.sampled_from("abcd"),
    year=st.integers(2020, 2026),
    spent_minor=st.fixed_dictionaries({item: st.integers(0, 10**12) for item in ITEMS}),
    own_use_bp=st.integers(0, 10_000),
    staff_bp=st.integers(0, 10_000),
    useful_life=st.one_of(st.none(), st.integers(1, 50)),
    region=st.sampled_from(["440100", "440300", ""]),
    source=st.sampled_from(["public", "enterprise", "personal"]),
    cross_border=st.booleans(),
)


@settings(max_examples=25)
@given(st.lists(LINES, max_size=8), st.integers(2020, 2027))
def test_what_holds_of_all_answers(lines, year):
    told = layers(lines, year=year)
    assert told.own_use + told.for_sale == told.expenditure == sum(told.items.values())
    for of in (told.formation, told.consumption, told.stock, told.gdp_effect):
        assert of[ACTIVE] >= of[CAUTIOUS] >= 0
    assert told.formation[ACTIVE] <= told.own_use
    for name in CLASSES:
        classes = by_class(lines, name, year=year).values()
        for variant in Variant:
            for of in ("formation", "consumption", "stock", "gdp_effect"):
                parts = [getattr(one, of)[variant] for one in classes]
                assert sum(parts, Fraction(0)) == getattr(told, of)[variant]
        assert sum(one.expenditure for one in classes) == told.expenditure


@settings(max_examples=25)
@given(st.lists(LINES, max_size=6))
def test_perpetual_inventory_uses_up_what_was_formed_and_no_more(lines):
    years = range(2020, 2077)
    for variant in Variant:
        formed = sum(layers(lines, year=year).formation[variant] for year in years)
        used = sum(layers(lines, year=year).consumption[variant] for year in years)
        assert formed == used
        grown = [layers(lines, year=year) for year in range(2019, 2030)]
        for before, after in pairwise(grown):
            change = after.formation[variant] - after.consumption[variant]
            assert after.stock[variant] == before.stock[variant] + change


@given(st.lists(st.fractions(min_value=0, max_value=10**9, max_denominator=10_000), max_size=9))
def test_whole_fen_add_up_to_the_rounded_sum(values):
    shown = in_fen(values)
    total = sum(values, Fraction(0))
    assert abs(sum(shown) - total) <= Fraction(1, 2)
    assert all(abs(one - value) < 1 for one, value in zip(shown, values, strict=True))


# What is withheld -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "primary"),
    [
        (Cell(100, 3, 85), False),  # three units, and none has more than 85 %
        (Cell(100, 2, 50), True),
        (Cell(1000, 3, 851), True),
    ],
)
def test_a_cell_is_closed_below_three_units_and_above_85_per_cent(cell, primary):
    assert cell.is_primary is primary


def matrix(values, closed):
    """A table with both margins and its total; cells of nothing are not there."""
    names = {(f"r{i}", f"c{j}"): v for (i, j), v in values.items() if v}
    cells = {name: Cell(v, 2 if name in closed else 3, v // 2) for name, v in names.items()}
    sums = []
    for axis, letter in enumerate("rc"):
        for n in range(3):
            key = f"{letter}{n}"
            parts = tuple(name for name in names if name[axis] == key)
            if parts:
                margin = ("margin", key)
                cells[margin] = Cell(sum(names[p] for p in parts), 9, 1)
                sums.append(Sum(margin, parts))
    whole = ("total", "")
    cells[whole] = Cell(sum(names.values()), 9, 1)
    for letter in "rc":
        parts = tuple(name for name in cells if name[0] == "margin" and name[1][0] == letter)
        sums.append(Sum(whole, parts))
    return cells, sums


TABLES = st.fixed_dictionaries({(i, j): st.integers(0, 9) for i, j in product(range(3), range(3))})


def solutions(cells, sums, hidden):
    """All ways to fill the hidden cells with whole numbers that the published ones allow; brute force."""
    names = sorted(hidden)
    published = {name: cell.value for name, cell in cells.items() if name not in hidden}
    most = max((cell.value for cell in cells.values()), default=0)
    loose = [name for name in names if name[0] not in {"margin", "total"}]
    for guess in product(range(most + 1), repeat=len(loose)):
        filled = published | dict(zip(loose, guess, strict=True))
        for one in sums[:-2] + sums[-2:]:
            value = sum(filled[name] for name in one.parts)
            if filled.setdefault(one.total, value) != value:
                break
        else:
            yield filled


@settings(max_examples=40, deadline=None)
@given(TABLES, st.sets(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=4))
def test_no_closed_cell_follows_from_the_published_ones(values, which):
    assume(
        sum(value > 0 for value in values.values()) > 1
    )  # the only figure there is has nothing to hide behind
    cells, sums = matrix(values, {(f"r{i}", f"c{j}") for i, j in which})
    hidden = withheld(cells, sums)
    assert {name for name, cell in cells.items() if cell.is_primary} <= hidden
    for name in hidden:
        assert not _follows(name, cells, sums, hidden)


def _follows(name, cells, sums, hidden):
    """Whether the value of a hidden cell is the same in every solution: over fractions, by substitution."""
    order = sorted(hidden)
    rows = [
        [Fraction((n in one.parts) - (n == one.total)) for n in order]
        for one in sums
        if any(n in hidden for n in one.names)
    ]
    target = [Fraction(n == name) for n in order]
    return _rank([*rows, target]) == _rank(rows)


def _rank(rows):
    rows, rank = [list(row) for row in rows], 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((n for n in range(rank, len(rows)) if rows[n][column]), None)
        if pivot is None:
            continue
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        for n in range(rank + 1, len(rows)):
            factor = rows[n][column] / rows[rank][column]
            rows[n] = [a - factor * b for a, b in zip(rows[n], rows[rank], strict=True)]
        rank += 1
    return rank


def test_not_even_that_no_figure_is_negative_tells_a_closed_cell():
    values = {
        (0, 0): 1,
        (0, 1): 3,
        (0, 2): 2,
        (1, 0): 2,
        (1, 1): 2,
        (1, 2): 4,
        (2, 0): 5,
        (2, 1): 1,
        (2, 2): 1,
    }
    cells, sums = matrix(values, {("r0", "c0")})
    hidden = withheld(cells, sums)
    found = list(solutions(cells, sums, hidden))
    assert len(hidden) == 4  # a rectangle: the least that hides one cell of a table with margins
    for name in hidden:
        assert len({filled[name] for filled in found}) > 1


def test_one_closed_cell_without_its_guards_would_follow():
    cells, sums = matrix(dict.fromkeys(product(range(3), range(3)), 3), {("r0", "c0")})
    assert determined({("r0", "c0")}, sums) == {("r0", "c0")}
    assert not determined(withheld(cells, sums), sums)


def test_a_guard_is_no_smaller_than_what_it_has_to_hide_where_there_is_one():
    cells = {
        (n,): Cell(value, 2 if n == "closed" else 3, value // 2)
        for n, value in {"closed": 1000, "crumb": 1, "guard": 200, "large": 5000, "all": 6201}.items()
    }
    sums = [Sum(("all",), (("closed",), ("crumb",), ("guard",), ("large",)))]
    assert withheld(cells, sums) == {("closed",), ("guard",)}
