"""Identifiers are recognised by form and check digit, and only enough of them make a hint."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.declared import Declared
from registry.hints import column_hints, identifiers, is_cn_id, passes_luhn, place_hints
from registry.rules import Hint, HintKind
from tests.registry.samples import bokeh, columns_of, measured_here

CN_ID = "11010519491231002X"  # the example of GB 11643
CARD = "6222021234567890128"


def kinds(cell):
    return [(kind, cell[start:end]) for kind, start, end in identifiers(cell)]


def test_the_examples_of_the_standards_hold():
    assert is_cn_id(CN_ID)
    assert is_cn_id(CN_ID.lower())
    assert passes_luhn("79927398713")
    assert passes_luhn(CARD)


@pytest.mark.parametrize(
    "text",
    [
        "110105194912310021",
        "11010519490231002X",
        "01010519491231002X",
        "1101051949123100",
        "11010519491231002X1",
    ],
)
def test_a_wrong_check_character_date_or_length_is_no_identity_number(text):
    assert not is_cn_id(text)


@given(st.text("0123456789", min_size=17, max_size=17))
def test_at_most_one_check_character_fits_a_body(body):
    assert sum(is_cn_id(body + check) for check in "0123456789X") <= 1


@given(st.text("0123456789", min_size=1, max_size=18))
def test_exactly_one_luhn_digit_fits_a_body(body):
    assert sum(passes_luhn(body + digit) for digit in "0123456789") == 1


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        (CN_ID, [(HintKind.CN_ID, CN_ID)]),
        (f"身份证{CN_ID},电话13812345678", [(HintKind.CN_ID, CN_ID), (HintKind.MOBILE, "13812345678")]),
        ("+86 138-1234-5678", [(HintKind.MOBILE, "+86 138-1234-5678")]),
        ("call 19912345678.", [(HintKind.MOBILE, "19912345678")]),
        (CARD, [(HintKind.BANK_CARD, CARD)]),
        ("6222 0212 3456 7890 128", [(HintKind.BANK_CARD, "6222 0212 3456 7890 128")]),
        ("6222021234567890129", []),  # Luhn does not hold
        ("粤A12345", [(HintKind.PLATE, "粤A12345")]),
        ("京AD12345 停放", [(HintKind.PLATE, "京AD12345")]),
        ("12812345678", []),  # no such network
        ("113.13812345678", []),  # a fraction
        ("13812345678.5", []),  # a measure
        ("2013-01-01T10:00:00Z", []),
        ("138123456789", []),  # twelve digits
        ("", []),
    ],
)
def test_identifiers_are_found_where_they_stand(cell, found):
    assert kinds(cell) == found


def test_one_identity_number_is_enough_and_a_rare_number_is_not():
    values = [(CN_ID, 1), ("13812345678", 9), ("粤A12345", 10)]
    assert column_hints("c", values, checked=1000) == [
        Hint(HintKind.CN_ID, "c", 1, 1000, flagged=True),
        Hint(HintKind.MOBILE, "c", 9, 1000, flagged=False),
        Hint(HintKind.PLATE, "c", 10, 1000, flagged=True),
    ]


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ([("lat", "-90", "90", 5), ("lng", "-180.0", "180", 4)], ["lat", "lng"]),
        (
            [("start_latitude", "1", "2", 5), ("start_longitude", "1", "2", 5)],
            ["start_latitude", "start_longitude"],
        ),
        ([("纬度", "22.1", "23.9", 5), ("经度", "113.0", "114.2", 5)], ["纬度", "经度"]),
        ([("lat", "-91", "90", 5), ("lng", "0", "1", 5)], []),
        ([("lat", None, None, 0), ("lng", "0", "1", 5)], []),
        ([("flat", "1", "2", 5), ("along", "1", "2", 5)], []),
        ([("lat", "2013-01-01", "2013-01-02", 5), ("lon", "1", "2", 5)], []),
    ],
)
def test_places_are_pairs_by_name_and_range(columns, found):
    assert [hint.column for hint in place_hints(columns)] == found


def test_real_coordinates_are_a_place_and_nothing_personal(tmp_path):
    report = measured_here(bokeh("world_cities.csv.gz"), Declared(), tmp_path / "scratch")
    assert [(h.kind, h.column, h.rows) for h in report.hints] == [
        (HintKind.GPS_PAIR, "lat", 45_065),
        (HintKind.GPS_PAIR, "lng", 45_065),
    ]
    assert columns_of(report)["lat"]["maximum"] is not None


def test_extremes_of_a_personal_column_are_not_published(tmp_path):
    path = tmp_path / "people.csv"
    rows = "".join(f"{n},1381234{n:04d},{n * 10}\n" for n in range(1, 201))
    path.write_text("n,phone,amount\n" + rows)
    report = measured_here(path, Declared(), tmp_path / "scratch")
    assert [(h.kind, h.column, h.rows, h.flagged) for h in report.hints] == [
        (HintKind.MOBILE, "phone", 200, True)
    ]
    columns = columns_of(report)
    assert (columns["phone"]["minimum"], columns["phone"]["maximum"]) == (None, None)
    assert (columns["amount"]["minimum"], columns["amount"]["maximum"]) == ("10", "2000")
    assert b"1381234" not in report.canonical
