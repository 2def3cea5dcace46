"""What a catalogue page may show of a file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.declared import Declared
from registry.preview import MAX_CELL_CHARS, MAX_ROWS, form_of, mask_cell, masked
from registry.rules import Level
from tests.registry.samples import bokeh, measured_here

PEOPLE = "name,phone,note\n张三,13812345678,粤A12345 来访\n李四,13912345678,身份证11010519491231002X。\n"


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        (None, None),
        ("", ""),
        ("plain", "plain"),
        ("=1+1", "=1+1"),
        ("two\nlines\t\x07", "two·lines··"),
        ("\u202eevil", "·evil"),
        ("call 13812345678 or 6222021234567890128!", "call 138**** or 622****!"),
        ("身份证11010519491231002X,粤A12345", "身份证110****,粤A1****"),
        ("x" * 61, "x" * 59 + "…"),
        ("x" * 60, "x" * 60),
    ],
)
def test_a_cell_is_masked_printable_and_cut(cell, shown):
    assert mask_cell(cell, personal=False, only_form=False) == shown


def test_a_personal_column_shows_three_characters_and_a_high_level_only_the_form():
    assert mask_cell("13812345678", personal=True, only_form=False) == "138****"
    assert mask_cell(" ", personal=True, only_form=False) == " "
    assert mask_cell("N14228, 张三 ABC", personal=True, only_form=True) == "X99999, 某某 XXX"


@given(st.text(max_size=200), st.booleans(), st.booleans())
def test_no_cell_is_long_or_unprintable(cell, personal, only_form):
    shown = mask_cell(cell, personal=personal, only_form=only_form)
    assert len(shown) <= MAX_CELL_CHARS
    assert shown.isprintable()


@given(st.text(max_size=50))
def test_the_form_keeps_no_letter_and_no_digit(cell):
    assert {c for c in form_of(cell) if c.isalnum() and not c.isnumeric()} <= {"x", "X", "某"}
    assert {c for c in form_of(cell) if c.isdecimal()} <= {"9"}


def test_at_most_twenty_rows_of_a_real_file_are_shown(tmp_path):
    preview = masked(measured_here(bokeh("penguins.csv"), Declared(), tmp_path / "s"), Level.GENERAL_1)
    assert preview.header[:2] == ("species", "island")
    assert len(preview.rows) == MAX_ROWS
    assert preview.rows[0] == ("Adelie", "Torgersen", "39.1", "18.7", "181", "3750", "MALE")
    assert preview.rows[3][2:] == (None,) * 5
    assert preview.document()["rows"][0][0] == "Adelie"


def test_personal_columns_of_a_file_are_masked_whole(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text(PEOPLE, encoding="utf-8")
    report = measured_here(path, Declared(), tmp_path / "s")
    assert masked(report, Level.GENERAL_2).rows == (
        ("张三", "138****", "粤A1****"),
        ("李四", "139****", "身份证****"),
    )
    assert masked(report, Level.GENERAL_3).rows[0] == ("某某", "99999999999", "某X99999 某某")
