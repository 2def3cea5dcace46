"""Fen to the messages' decimals and back, and account numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank.amounts import account_number, decimal_text, is_account_number, minor_units
from base.errors import Malformed


@pytest.mark.parametrize(
    ("minor", "text"), [(0, "0.00"), (1, "0.01"), (10, "0.10"), (100, "1.00"), (65_960_000, "659600.00")]
)
def test_fen_are_written_with_two_decimals(minor, text):
    assert decimal_text(minor) == text
    assert minor_units(text) == minor


@given(st.integers(min_value=0, max_value=10**17))
def test_what_is_written_is_read_back_exactly(minor):
    assert minor_units(decimal_text(minor)) == minor


@pytest.mark.parametrize(("text", "minor"), [("680000", 68_000_000), ("0.5", 50), ("00.07", 7)])
def test_shorter_forms_are_read_exactly(text, minor):
    assert minor_units(text) == minor


@pytest.mark.parametrize(
    "text", ["", "1.", ".5", "1.005", "-1.00", "+1", "1e3", " 1", "1,00", "١٢", "NaN", "1" * 17]
)
def test_anything_else_is_no_amount(text):
    with pytest.raises(Malformed):
        minor_units(text)


def test_a_negative_amount_is_not_written():
    with pytest.raises(Malformed):
        decimal_text(-1)


@given(st.integers(min_value=1, max_value=10**12 - 1))
def test_every_account_number_has_valid_check_digits(serial):
    assert is_account_number(account_number(serial))


def test_a_swapped_digit_breaks_the_check_digits():
    assert account_number(1) == "CN83DBSB000000000001"
    assert not is_account_number("CN83DBSB000000000010")
    assert not is_account_number("CN38DBSB000000000001")
