"""The range of a fine: the vectors of the law and of the scenarios, and what must always hold."""

import json
from datetime import date
from fractions import Fraction

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from base.errors import Malformed
from cases.errors import FineBeyondRange, NormNotForWhom, NormNotInForce
from cases.ladder import Whom, all_rows, codes
from cases.penalties import RELIEFS, Count, Offence, fine_range, known_circumstances, read_offence
from cli.fine import fine as command

app = typer.Typer()
app.command()(command)
DAY = date(2026, 11, 23)
YUAN = 100
M = 1_000_000 * YUAN
CODES = (
    "AML-56 AML-57 AML-58 AML-62 AML-63 DSL-45a DSL-45b DSL-46 DSL-47 DSL-48 PIPL-66a PIPL-66b REG-55 REG-56 "
    "REG-57 CSL-26 AUCL-13 AUCL-9 SZ-94 SZ-95 PRICE-4 PRICE-5 PRICE-9"
)


def count(code, *circumstances, act="act", sales=None, gains=None, deal=None):
    return Count(act, f"PN-{code}", frozenset(circumstances), sales, gains, deal)


def bounds(*counts, **facts):
    found = fine_range(Offence(facts.pop("on", DAY), counts, **facts))
    return found.low_minor, found.high_minor


def test_every_row_of_the_ladder_is_there_with_its_mark_and_each_norm_ends_in_a_tier_that_always_holds():
    assert {row.code for row in all_rows() if row.code.startswith("PN-")} == {
        f"PN-{one}" for one in CODES.split()
    }
    assert {row.source_status for row in all_rows()} == {"verified", "secondary", "unverified", "default"}
    for row in all_rows():
        alike = [r for r in all_rows() if (r.code, r.who, r.version) == (row.code, row.who, row.version)]
        assert not alike[-1].when
        assert all(one.when for one in alike[:-1])


@pytest.mark.parametrize(
    ("facts", "low", "high"),
    [
        # SC-3: an abuse by who sold for 120 million.
        (count("AML-57", sales=120 * M), 1_200_000 * YUAN, 12 * M),
        (count("AML-57", sales=22_663_914_500), 226_639_145, 2_266_391_450),
        (count("AML-57", "especially_serious", sales=120 * M), 2_400_000 * YUAN, 60 * M),
        (count("AML-56", sales=0), 0, 5 * M),
        (count("AML-56", "sales_unclear"), 0, 5 * M),
        (count("AML-56", "not_carried_out", sales=120 * M), 0, 3 * M),
        (count("AML-58", "anticompetitive", sales=120 * M), 0, 12 * M),
        (count("AML-58", sales=120 * M), 0, 5 * M),
        (count("AML-62", sales=120 * M), 0, 1_200_000 * YUAN),
        # SC-7: the handler, the seller of the data, the broker.
        (count("PIPL-66b", sales=120 * M), 0, 50 * M),
        (count("PIPL-66b", sales=2_000 * M), 0, 100 * M),
        (count("SZ-94", deal=720_000 * YUAN, gains=720_000 * YUAN), 200_000 * YUAN, M),
        (count("SZ-94", deal=9_999_99, gains=0), 50_000 * YUAN, 200_000 * YUAN),
        (count("SZ-94", deal=10_000_00, gains=0), 200_000 * YUAN, M),
        (count("SZ-95", "serious", sales=2_000 * M), 0, 50 * M),
        (count("DSL-47", gains=36_000 * YUAN), 100_000 * YUAN, M),
        (count("DSL-47", gains=99_999_99), 100_000 * YUAN, M),
        (count("DSL-47", gains=100_000_00), 100_000 * YUAN, M),
        (count("DSL-47", gains=500_000 * YUAN), 500_000 * YUAN, 5 * M),
        # SC-9: an overcharge of 1,152,000, up to five times.
        (count("PRICE-9", gains=1_152_000 * YUAN), 0, 5_760_000 * YUAN),
        (count("PRICE-9", gains=0), 50_000 * YUAN, 2 * M),
        (count("PRICE-9", "serious", gains=0), 500_000 * YUAN, 2 * M),
        (count("PRICE-9", "serious", gains=1_152_000 * YUAN), 0, 5_760_000 * YUAN),
        (count("PRICE-5", gains=0), 0, 5 * M),
        (count("PRICE-4", gains=0), 100_000 * YUAN, M),
        (count("DSL-45a", "large_leak"), 500_000 * YUAN, 2 * M),
        (count("DSL-45b"), 2 * M, 10 * M),
        (count("DSL-46", "serious"), M, 10 * M),
        (count("DSL-48", "serious"), M, 5 * M),
        (count("PIPL-66a"), 0, 0),
        (count("PIPL-66a", "refused"), 0, M),
        (count("REG-55"), 0, 0),
        (count("REG-55", "refused"), 0, M),
        (count("REG-57", "serious"), 500_000 * YUAN, 2 * M),
        (count("CSL-26"), 10_000 * YUAN, 50_000 * YUAN),
        (count("CSL-26", "main_function_lost"), 2 * M, 10 * M),
        (count("AUCL-9"), 0, M),
        (count("AUCL-13", "serious"), M, 5 * M),
    ],
)
def test_vectors_of_the_law(facts, low, high):
    assert bounds(facts) == (low, high)


def test_what_was_done_is_measured_by_the_law_of_its_day():
    assert bounds(count("AUCL-9"), on=date(2025, 10, 14)) == (200_000 * YUAN, M)
    assert bounds(count("AUCL-13", "serious"), on=date(2025, 10, 14)) == (500_000 * YUAN, 3 * M)
    with pytest.raises(NormNotInForce):
        bounds(count("CSL-26"), on=date(2025, 12, 31))


def test_persons_and_associations_have_rows_of_their_own():
    assert bounds(count("AML-56", sales=M), who=Whom.PERSON) == (0, M)
    assert bounds(count("AML-56", sales=M), who=Whom.ASSOCIATION) == (0, 3 * M)
    assert bounds(count("PIPL-66b"), who=Whom.PERSON) == (100_000 * YUAN, M)
    assert bounds(count("REG-55", "serious"), who=Whom.PERSON) == (10_000 * YUAN, 100_000 * YUAN)
    assert bounds(count("REG-55"), who=Whom.PERSON) == (0, 0)
    with pytest.raises(NormNotForWhom):
        bounds(count("AML-57", sales=M), who=Whom.PERSON)


def test_one_act_that_breaks_several_norms_is_fined_once_by_the_higher_and_several_acts_add_up():
    sold = count("SZ-94", deal=720_000 * YUAN, gains=720_000 * YUAN)
    grave = count("PIPL-66b", sales=120 * M, gains=720_000 * YUAN)
    found = fine_range(Offence(DAY, (sold, grave)))
    assert (found.low_minor, found.high_minor, found.confiscate_minor) == (0, 50 * M, 720_000 * YUAN)
    assert [one.taken for one in found.counts] == [False, True]
    assert "art. 29" in found.reasons[0]
    apart = count("SZ-94", act="another", deal=720_000 * YUAN, gains=10)
    assert bounds(grave, apart) == (200_000 * YUAN, 51 * M)
    assert fine_range(Offence(DAY, (grave, apart))).confiscate_minor == 720_000 * YUAN + 10


@pytest.mark.parametrize(
    ("relief", "low", "high", "confiscated"),
    [
        ("no_fault", 0, 0, 0),
        ("minor_corrected_no_harm", 0, 0, 0),
        ("first_minor", 0, 5 * M, 500_000 * YUAN),
        ("coerced", 0, 2_750_000 * YUAN, 500_000 * YUAN),
    ],
)
def test_relief(relief, low, high, confiscated):
    found = fine_range(Offence(DAY, (count("DSL-47", gains=500_000 * YUAN),), relief=frozenset({relief})))
    assert (found.low_minor, found.high_minor, found.confiscate_minor) == (low, high, confiscated)
    assert found.reasons


def test_leniency_by_the_order_in_line():
    cartel = count("AML-56", sales=100 * M)  # 1 to 10 million
    assert [bounds(cartel, leniency=n) for n in (0, 1, 2, 3)] == [
        (M, 10 * M),
        (0, 2 * M),
        (M // 2, 7 * M),
        (7 * M // 10, 8 * M),
    ]


def test_bounds_that_are_parts_of_a_fen_move_inwards():
    assert bounds(count("AML-57", sales=101)) == (2, 10)
    assert bounds(count("AML-57", sales=3)) == (0, 0)


def test_a_fine_outside_is_refused_to_the_fen():
    found = fine_range(Offence(DAY, (count("AML-57", sales=120 * M),)))
    found.check(found.low_minor)
    found.check(found.high_minor)
    for fine in (found.low_minor - 1, found.high_minor + 1):
        with pytest.raises(FineBeyondRange):
            found.check(fine)


@pytest.mark.parametrize(
    ("sales", "share_bp", "fine"),
    [
        (12_345, 100, 124),  # 123.45 fen lie below the least: up to it
        (12_345, 150, 185),  # 185.175: what is a part of a fen is let go
        (12_345, 1_000, 1_234),  # 1,234.5: never above the most
        (22_663_914_500, 200, 453_278_290),
    ],
)
def test_a_share_of_an_odd_sum_is_let_go_down_to_the_fen_but_never_below_the_least(sales, share_bp, fine):
    facts = {"on": "2026-11-23", "sales_minor": sales, "counts": [{"code": "PN-AML-57"}], "fine_bp": share_bp}
    offence, exact = read_offence(facts)
    found = fine_range(offence)
    assert found.whole(exact) == fine
    found.check(found.whole(exact))


@given(st.integers(1, 10**13), st.integers(0, 1_100))
def test_every_lawful_share_is_a_lawful_fine_and_no_other(sales, share_bp):
    found = fine_range(Offence(DAY, (count("AML-57", sales=sales),)))
    fine = found.whole(Fraction(sales * share_bp, 10_000))
    if 100 <= share_bp <= 1_000 and found.high_minor:
        found.check(fine)
    assert abs(fine - Fraction(sales * share_bp, 10_000)) < 1


AMOUNTS = st.integers(0, 10**13)


@given(st.sampled_from(codes()), st.data())
def test_more_sales_never_cost_less_and_relief_never_costs_more(code, data):
    known = sorted(known_circumstances(code))
    said = frozenset(data.draw(st.sets(st.sampled_from(known)))) if known else frozenset()
    gains, deal = data.draw(AMOUNTS), data.draw(AMOUNTS)
    less, more = sorted((data.draw(AMOUNTS) + 1, data.draw(AMOUNTS) + 1))

    def of(sales, **relief):
        return fine_range(Offence(DAY, (Count("act", code, said, sales, gains, deal),), **relief))

    few, many = of(less), of(more)
    assert 0 <= few.low_minor <= few.high_minor
    assert few.low_minor <= many.low_minor
    assert few.high_minor <= many.high_minor
    relief = frozenset(data.draw(st.sets(st.sampled_from(RELIEFS))))
    kept = of(more, relief=relief, leniency=data.draw(st.integers(0, 3)))
    assert 0 <= kept.low_minor <= kept.high_minor
    assert kept.low_minor <= many.low_minor
    assert kept.high_minor <= many.high_minor
    assert kept.confiscate_minor <= many.confiscate_minor


@pytest.mark.parametrize(
    "changes",
    [
        {"counts": []},
        {"counts": [{"code": "PN-AML-63"}]},
        {"counts": [{"code": "PN-AML-57"}]},
        {"counts": [{"code": "PN-AML-57", "sales_minor": -1}]},
        {"counts": [{"code": "PN-AML-57", "sales_minor": "1.5"}]},
        {"counts": [{"code": "PN-AML-57", "circumstances": ["seroius"]}]},
        {"counts": [{"code": "PN-AML-57"}], "sales_minor": 1, "leniency": 1},
        {"leniency": 4},
        {"who": "ANY"},
        {"relief": ["kindness"]},
        {"on": "23.11.2026"},
        {"surprise": 1},
        {"fine_bp": 1},
    ],
)
def test_facts_that_are_not_of_their_form_are_named(changes):
    facts = {"on": "2026-11-23", "counts": [{"code": "PN-AML-56", "sales_minor": 100}]} | changes
    with pytest.raises(Malformed):
        fine_range(read_offence(facts)[0])


def test_the_command_prints_the_range_and_refuses_what_lies_outside():
    facts = {"on": "2026-11-23", "sales_minor": 22_663_914_500, "counts": [{"code": "PN-AML-57"}]}

    def fine(document):
        text = document if isinstance(document, str) else json.dumps(document)
        return CliRunner().invoke(app, ["--facts", "-"], input=text)

    done = fine(facts | {"fine_bp": 200})
    assert (done.exit_code, json.loads(done.stdout)["fine_minor"]) == (0, "453278290")
    refused = fine(facts | {"fine_bp": 99})
    assert (refused.exit_code, refused.stderr.partition(":")[0]) == (1, "fine-beyond-range")
    assert [fine(one).exit_code for one in ("{", "[]", "{}")] == [2, 2, 2]
