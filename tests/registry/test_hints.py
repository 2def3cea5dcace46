"""Identifiers are recognised by form and check digit, and only enough of them make a hint."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.declared import Declared
from registry.hints import column_hints, place_hints
from registry.identifiers import identifiers, is_cn_id, passes_luhn
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
        (f"No.{CN_ID}", [(HintKind.CN_ID, CN_ID)]),
        (f"1.{CN_ID}张三", [(HintKind.CN_ID, CN_ID)]),  # the first of a list
        (f"{CN_ID}Tel", [(HintKind.CN_ID, CN_ID)]),
        ("110105 1949 1231 002x", [(HintKind.CN_ID, "110105 1949 1231 002x")]),
        ("1101 0519 4912 3100 2X", [(HintKind.CN_ID, "1101 0519 4912 3100 2X")]),
        ("110105–19491231–002Ⅹ", [(HintKind.CN_ID, "110105–19491231–002Ⅹ")]),
        ("见110105\u200b19491231002X", [(HintKind.CN_ID, "110105\u200b19491231002X")]),
        ("١١٠١٠٥19491231002X", [(HintKind.CN_ID, "١١٠١٠٥19491231002X")]),
        ("1101 0519 4912 3100 21", []),  # a wrong check character, in groups of four
        ("13812345678.0", [(HintKind.MOBILE, "13812345678")]),  # as a table of floats writes it
        ("No.13812345678", [(HintKind.MOBILE, "13812345678")]),
        ("138.1234.5678", [(HintKind.MOBILE, "138.1234.5678")]),
        (f"{CARD[:6]} {CARD[6:]}", [(HintKind.BANK_CARD, f"{CARD[:6]} {CARD[6:]}")]),
        ("9558801234567890128", [(HintKind.BANK_CARD, "9558801234567890128")]),
        ("3782 822463 10005", [(HintKind.BANK_CARD, "3782 822463 10005")]),
        ("6222021234567894 123", [(HintKind.BANK_CARD, "6222021234567894")]),  # and its code
        ("6222 0212 3456 7894 129", []),  # nineteen digits are not sixteen and three
        ("6228 4649 5441 8889 306", []),  # though its last fifteen digits would pass
        ("17633700000000004", []),  # a moment: nobody issues cards so
        ("a550e8400e29b41d4a716138123456789f0c", []),  # a hash
        ("550e8400-e29b-41d4-a716-13812345678a", []),
        ("粤A-12345", [(HintKind.PLATE, "粤A-12345")]),
        ("粤a12345", [(HintKind.PLATE, "粤a12345")]),
        ("粤B12345D", [(HintKind.PLATE, "粤B12345D")]),
        ("粤A123456", []),  # six figures are of no plate
        ("云SERVER", []),
        ("91440101MA5CNW6J7X", []),
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
    ("column", "value", "flagged"),
    [
        ("备注", "张三 13812345678 已到", True),
        ("备注", "138-1234-5678", True),
        ("联系方式", "13812345678", True),
        ("order_no", "13812345678", False),
        ("order_no", "DD13812345678", False),
    ],
)
def test_one_mobile_number_counts_where_something_says_that_it_is_one(column, value, flagged):
    assert column_hints(column, [(value, 1)], checked=10_000) == [
        Hint(HintKind.MOBILE, column, 1, 10_000, flagged)
    ]


def test_identity_numbers_without_a_check_digit_count_by_their_column():
    old = [(f"110105{year:02d}1231{n:03d}", 1) for n, year in enumerate(range(40, 60))]
    noughts = [(f"11010519{year:02d}12310{n % 10}00", 1) for n, year in enumerate(range(40, 60))]
    wrong = [(f"11010519{year:02d}1231{n:03d}Y"[:18], 1) for n, year in enumerate(range(40, 60))]
    for values in (old, noughts):
        assert column_hints("c", values, 20) == [Hint(HintKind.CN_ID, "c", 20, 20, flagged=True)]
        assert column_hints("c", values[:2], 2) == []
    assert column_hints("c", wrong, 20) == []
    imei = column_hints("imei", [(f"35{n:013d}", 1) for n in range(10**12, 10**12 + 50)], 50)
    assert [(hint.kind, hint.flagged) for hint in imei] == [(HintKind.BANK_CARD, False)]  # by chance


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ([("lat", 5, 5), ("lng", 4, 4)], ["lat", "lng"]),
        ([("start_latitude", 5, 5), ("start_longitude", 5, 5)], ["start_latitude", "start_longitude"]),
        ([("pickupLat", 5, 5), ("pickupLng", 5, 5)], ["pickupLat", "pickupLng"]),
        ([("纬度(度)", 4, 5), ("经度", 3, 5)], ["纬度(度)", "经度"]),  # one says 999, one says 无
        ([("lat", 2, 5), ("lng", 5, 5)], []),
        ([("lat", 0, 0), ("lng", 5, 5)], []),
        ([("flat", 5, 5), ("along", 5, 5)], []),
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
