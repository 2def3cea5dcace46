"""Counts of any table agree with a recount in plain Python, and the report is the same every time."""

import csv
import io
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.declared import MISSING_MARKERS, ColumnType, Declared
from registry.forms import dominant
from registry.quality import tenths_of
from tests.registry.samples import AS_OF, column, columns_of, measured_here, shortfalls_of

CELLS = st.one_of(
    st.sampled_from(
        ["", "NA", "0", "7", "-3", "1.5", "007", "2026-11-01", "2026-02-30", "true", "x", "=1+1"]
    ),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
)
TABLES = st.integers(2, 4).flatmap(
    lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=12)
)
SPACE = " \t\r\n"


def written(rows):
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow([f"c{i}" for i in range(len(rows[0]))])
    writer.writerows(rows)
    return out.getvalue().encode()


def measured_bytes(data, declared=Declared()):  # noqa: B008 - a frozen value
    with TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        path.write_bytes(data)
        return measured_here(path, declared, Path(folder) / "scratch")


@settings(max_examples=25, deadline=None)
@given(TABLES)
def test_any_table_is_counted_as_plain_python_counts_it(rows):
    report = measured_bytes(written(rows))
    twins = sum(count - 1 for count in Counter(tuple(row) for row in rows).values())
    assert report.document["table"]["rows"] == len(rows)
    assert report.document["table"]["duplicate_rows"] == twins
    for name, found in columns_of(report).items():
        cells = [row[int(name[1:])].strip(SPACE) for row in rows]
        values = [cell for cell in cells if cell not in MISSING_MARKERS]
        assert (found["present"], found["missing"]) == (len(values), len(cells) - len(values))
        assert found["distinct"] == len(set(values))
    assert all(0 <= tenths_of(score) <= 1000 for score in [report.score, *report.dimensions.values()])
    sample = [tuple(cell or None for cell in row) for row in rows]
    assert [tuple(cell or None for cell in row) for row in report.sample] == sample


@settings(max_examples=8, deadline=None)
@given(TABLES)
def test_the_same_file_gives_the_same_bytes(rows):
    data = written(rows)
    assert measured_bytes(data).canonical == measured_bytes(data).canonical


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        (["1", "-2", "+3", "0", "NA"], "integer"),
        (["1", "2.5"], "decimal"),
        (["1e5", ".5", "8.99E-05", "2."], "decimal"),
        (["007", "08"], "text"),  # codes, not numbers
        (["1,234", "2"], "text"),
        (["1e999", "1"], "text"),
        (["9" * 19, "1"], "text"),  # beyond 18 digits
        (["2026-02-28", "2024-02-29"], "date"),
        (["2026-02-30", "2026-01-01"], "text"),  # no such day
        (["2026-01-01", "2026-01-01 10:00", "2026-01-01T10:00:00.5Z"], "datetime"),
        (["2026-01-01T10:00:00+08:00"], "datetime"),
        (["2026-01", "2026-12"], "month"),
        (["TRUE", "no"], "boolean"),
        (["infinity", "epoch"], "text"),
        (["NaN", "inf"], "text"),
        (["NA", ""], "text"),
    ],
)
def test_forms_follow_their_grammar(cells, form):
    report = measured_bytes(written([[cell, "x"] for cell in cells]))
    assert columns_of(report)["c0"]["inferred_type"] == form


@pytest.mark.parametrize(
    ("rows", "form"),
    [
        ({"integer": 95, "text": 5}, ColumnType.INTEGER),
        ({"integer": 94, "text": 6}, ColumnType.TEXT),
        ({"integer": 60, "decimal": 35, "text": 5}, ColumnType.DECIMAL),
        ({"date": 99, "datetime": 1}, ColumnType.DATETIME),
        ({}, ColumnType.TEXT),
    ],
)
def test_a_column_has_the_form_of_nineteen_in_twenty(rows, form):
    assert dominant(rows) is form


def test_bounds_patterns_and_dirt_are_counted_by_rows():
    rows = [["5", "AB", "2026-01-01"], ["5", "AB", "2026-01-01"], ["50", "abc", "2025-12-31"]]
    rows += [["-1", "A\x07", "x"], ["NA", "\ufffd", "NA"]]
    declared = Declared(
        columns=(
            column("c0", "decimal", min="0.5", max="50"),
            column("c1", "text", pattern="[A-Z]+"),
            column("c2", "date", min="2026-01-01"),
        )
    )
    report = measured_bytes(written(rows), declared)
    names = ("wrong_type", "wrong_pattern", "out_of_range", "unreadable", "faulty")
    assert {name: tuple(c[n] for n in names) for name, c in columns_of(report).items()} == {
        "c0": (0, 0, 1, 0, 1),
        "c1": (0, 3, 0, 2, 3),
        "c2": (1, 0, 1, 0, 2),
    }
    assert ("unreadable-characters", "c1", 2) in shortfalls_of(report)


def test_extremes_are_by_value_and_written_as_they_stand():
    rows = [["9", "1.0", "2026-01-02"], ["10", "1.00", "2025-12-31T23:59:59Z"], ["-2", "-.5", "2026-01-01"]]
    columns = columns_of(measured_bytes(written(rows)))
    assert [(c["minimum"], c["maximum"]) for c in columns.values()] == [
        ("-2", "10"),
        ("-.5", "1.00"),
        ("2025-12-31T23:59:59Z", "2026-01-02"),
    ]


@pytest.mark.parametrize(
    ("left", "op", "right", "counted"),
    [
        ("a", "<", "b", (3, 2)),  # 9 < 10 as numbers
        ("a", ">=", "b", (3, 1)),
        ("a", "==", "a", (4, 4)),
        ("a", "!=", "b", (3, 2)),
        ("d", "<=", "t", (3, 2)),
        ("s", "<", "a", (4, 0)),  # as text
        ("a", "<", "nowhere", (0, 0)),
    ],
)
def test_rules_compare_what_is_there_by_its_form(left, op, right, counted):
    data = (
        b"a,b,d,t,s\n9,10,2026-01-01,2026-01-01T00:00:00Z,x\n5,5,2026-01-02,2026-01-01T23:00:00Z,x\n"
        b"1,NA,NA,2026-01-01T00:00:00Z,x\n-1,0.5,2026-01-01,2026-01-01T00:00:01Z,x\n"
    )
    declared = Declared.model_validate({"rules": [{"left": left, "op": op, "right": right}]})
    (rule,) = measured_bytes(data, declared).document["rules"]
    assert (rule["checked"], rule["passed"]) == counted


def test_declared_markers_are_missing_cells_in_columns_and_rules():
    declared = Declared.model_validate({"missing": ["-1"], "rules": [{"left": "a", "op": "<", "right": "b"}]})
    report = measured_bytes(b"a,b\n-1,5\n1,NA\n2,3\n", declared)
    assert {name: c["missing"] for name, c in columns_of(report).items()} == {"a": 1, "b": 0}
    empty = Declared(missing=())
    assert columns_of(measured_bytes(b"a,b\n,5\n1,\n", empty))["a"]["missing"] == 1  # no cell at all


@pytest.mark.parametrize(
    ("kind", "cells", "latest"),
    [
        ("year", ["2024", "2025"], "2026-01-01T00:00:00.000Z"),
        ("year", ["2025", "2026", "2027"], "2026-11-16T01:00:00.000Z"),  # the running year; 2027 is to come
        ("month", ["2026-09", "2026-10"], "2026-11-01T00:00:00.000Z"),
        ("date", ["2026-11-14", "2026-11-15"], "2026-11-16T00:00:00.000Z"),
        ("datetime", ["2026-11-15T23:00:00+08:00", "2026-11-16 02:00"], "2026-11-15T15:00:00.000Z"),
    ],
)
def test_a_period_ends_when_it_ends_and_the_future_does_not_count(kind, cells, latest):
    declared = Declared.model_validate(
        {
            "columns": [{"name": "c0", "type": kind, "meaning": "period"}],
            "period_column": "c0",
            "update_frequency": "daily",
        }
    )
    report = measured_bytes(written([[cell, "x"] for cell in cells]), declared)
    assert report.document["freshness"]["latest"] == latest
    assert columns_of(report)["c0"]["later_than_as_of"] == sum(cell >= "2026-11-16 01" for cell in cells)


def test_another_moment_changes_only_what_depends_on_it():
    data = written([["2026-11-01", "x"]])
    declared = Declared.model_validate({"update_frequency": "daily"})
    with TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        path.write_bytes(data)
        reports = [
            measured_here(path, declared, Path(folder) / str(day), datetime(2026, 11, day, tzinfo=UTC))
            for day in (3, 4)
        ]
    assert [r.dimensions["timeliness"] for r in reports] == ["100.0", "0.0"]
    assert reports[0].document["columns"] == reports[1].document["columns"]
    assert AS_OF.tzinfo is UTC
