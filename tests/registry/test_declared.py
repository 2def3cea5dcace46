"""Declarations check themselves, and travel as JSON."""

import pytest

from registry.declared import ColumnType, Declared, Frequency, declared_from
from registry.errors import DeclarationBroken
from tests.registry.samples import flights_declared


def test_a_declaration_survives_its_json():
    declared = flights_declared()
    assert declared_from(declared.document()) == declared
    assert declared_from({}) == Declared()


def test_defaults_ask_for_every_cell_and_name_the_usual_markers():
    declared = declared_from({"columns": [{"name": "a", "type": "integer"}]})
    (column,) = declared.columns
    assert (column.type, column.required, column.meaning) == (ColumnType.INTEGER, True, "")
    assert declared.missing == ("", "NA", "N/A", "NULL", "null", "NaN", "nan", "\\N")
    assert declared.update_frequency is None
    assert Frequency("once") is Frequency.ONCE


@pytest.mark.parametrize(
    ("document", "at"),
    [
        ([], ""),
        ({"colums": []}, "colums"),
        ({"columns": [{"name": "a", "type": "float"}]}, "columns.0.type"),
        ({"columns": [{"name": "", "type": "text"}]}, "columns.0.name"),
        ({"columns": [{"name": "a", "type": "text", "min": "1"}]}, "columns.0"),
        ({"columns": [{"name": "a", "type": "integer", "min": "1.5"}]}, "columns.0"),
        ({"columns": [{"name": "a", "type": "integer", "min": "10", "max": "9"}]}, "columns.0"),
        ({"columns": [{"name": "a", "type": "date", "min": "2026-02-30"}]}, "columns.0"),
        ({"columns": [{"name": "a", "type": "decimal", "max": "1 OR 1=1"}]}, "columns.0"),
        ({"columns": [{"name": "a", "type": "text"}] * 2}, ""),
        ({"columns": [{"name": "a", "type": "text"}], "period_column": "a"}, ""),
        ({"period_from": "2026-02-01", "period_to": "2026-01-01"}, ""),
        ({"rules": [{"left": "a", "op": "; DROP", "right": "b"}]}, "rules.0.op"),
        ({"update_frequency": "now and then"}, "update_frequency"),
        ({"expected_rows": 0}, "expected_rows"),
        ({"allowed_delay_days": 1.5}, "allowed_delay_days"),
    ],
)
def test_a_broken_declaration_is_refused_and_says_where(document, at):
    with pytest.raises(DeclarationBroken) as refused:
        declared_from(document)
    assert refused.value.code == "declaration-broken"
    assert [problem["at"] for problem in refused.value.facts["problems"]] == [at]


def test_numbers_are_in_order_by_value_not_by_text():
    document = {"columns": [{"name": "a", "type": "decimal", "min": "9", "max": "10.5"}]}
    assert declared_from(document).columns[0].max == "10.5"
