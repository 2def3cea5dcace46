"""The measurement of real files, in the real child process."""

import gzip
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import duckdb
import pytest

from base.canonical import canonical
from registry.declared import Declared, declared_from
from registry.errors import MeasureTimeout
from registry.measure import measure_file, remeasure
from registry.report import Report
from tests.registry.samples import (
    AS_OF,
    bokeh,
    column,
    columns_of,
    nyc,
    shortfalls_of,
)

TINY = """id,city,low,high,day
1,广州,10,20,2026-11-10
2,深圳,30,25,2026-11-11
3,NA,5,9,2026-11-12
3,NA,5,9,2026-11-12
x4,佛山,7,800,2026-11-13
9,珠海
"""


def tiny_declared() -> Declared:
    return declared_from(
        {
            "columns": [
                {"name": "id", "type": "integer", "meaning": "number"},
                {"name": "city", "type": "text", "meaning": "city"},
                {"name": "low", "type": "integer", "meaning": "least"},
                {"name": "high", "type": "integer", "meaning": "most", "max": "100"},
                {"name": "day", "type": "date", "meaning": "day of measuring"},
            ],
            "rules": [{"left": "low", "op": "<=", "right": "high"}],
            "update_frequency": "daily",
        }
    )


async def test_a_tiny_file_scores_what_the_hand_computes(tmp_path):
    path = tmp_path / "tiny.csv"
    path.write_text(TINY, encoding="utf-8")
    report = await measure_file(path, tiny_declared(), as_of=datetime(2026, 11, 15, 12, tzinfo=UTC))
    assert report.dimensions == {
        "conformity": "80.0",  # 4 of 5 fields: `id` holds x4
        "completeness": "76.6",  # 23 of 25 cells, times 5 of 6 records: 0.7666…, rounded down
        "accuracy": "71.3",  # 1 − 2/23 (x4 and 800) − 1/5 (one duplicate)
        "consistency": "87.7",  # mean of 5/6 (row width), 1 (forms), 4/5 (low <= high)
        "timeliness": "50.0",  # 13 November ends 12 h after its due time; 24 h are allowed
        "accessibility": "100.0",
    }
    assert report.score == "75.8"  # .15·80 + .20·76.6 + .25·71.3 + .15·87.7 + .15·50 + .10·100
    assert not report.passed  # one dimension is below 60
    assert shortfalls_of(report) == [
        ("wrong-type", "id", 1),
        ("required-missing", "city", 2),
        ("out-of-range", "high", 1),
        ("rows-missing", None, 1),
        ("duplicate-rows", None, 1),
        ("rows-ragged", None, 1),
        ("rule-broken", "low <= high", 1),
        ("stale", "day", 43_200),
    ]


async def test_the_report_of_method_1_has_these_bytes_for_ever(tmp_path):
    path = tmp_path / "tiny.csv"
    path.write_text(TINY, encoding="utf-8")
    report = await measure_file(path, tiny_declared(), as_of=datetime(2026, 11, 15, 12, tzinfo=UTC))
    assert report.method == "databourse-quality/1"
    assert report.sha256 == "c3f8ae71db93e654dfe4b813bc522325253a7db9d7b884a3344603bf278703e8"


def test_the_flights_of_2013_are_measured_whole(by_hand, flights):
    report = by_hand.report
    columns = columns_of(report)
    assert report.file_sha256 == sha256(flights.read_bytes()).hexdigest()
    assert report.document["table"] == {
        "rows": 336_776,
        "columns": 19,
        "ragged_rows": 0,
        "duplicate_rows": 0,
        "cells": 6_398_744,
        "missing_cells": 46_595,
        "reads": 2,
        "reads_alike": 2,
    }
    assert columns["dep_time"]["missing"] == 8_255  # cancelled
    assert (columns["dep_delay"]["minimum"], columns["dep_delay"]["maximum"]) == ("-43", "1301")
    assert (columns["tailnum"]["distinct"], columns["carrier"]["distinct"]) == (4_043, 16)
    assert columns["time_hour"]["inferred_type"] == "datetime"
    assert columns["time_hour"]["maximum"] == "2014-01-01T04:00:00Z"  # local 31 December, 23:00
    counted = [(rule["left"], rule["checked"], rule["passed"]) for rule in report.document["rules"]]
    assert counted == [("air_time", 327_346, 327_346), ("sched_dep_time", 336_776, 330_698)]
    assert shortfalls_of(report) == [("rule-broken", "sched_dep_time < sched_arr_time", 6_078)]
    assert report.dimensions == {
        "conformity": "100.0",
        "completeness": "100.0",
        "accuracy": "100.0",
        "consistency": "99.5",
        "timeliness": "100.0",
        "accessibility": "100.0",
    }
    assert report.hints == ()
    assert report.passed


async def test_the_server_measures_the_same_bytes_as_a_buyer_by_hand(by_hand, flights):
    again = await remeasure(flights, by_hand.report)
    assert (again.equal, again.differing) == (True, ())
    assert again.report.sha256 == by_hand.report.sha256
    assert again.report.sample[0][:4] == ("2013", "1", "1", "517")
    assert len(again.report.sample) == 20


def test_measuring_the_flights_takes_less_than_300_megabytes(by_hand):
    assert by_hand.peak_kib < 300 * 1024


async def test_a_buyer_who_measures_other_bytes_sees_which_dimensions_differ(tmp_path):
    path = tmp_path / "tiny.csv"
    path.write_text(TINY, encoding="utf-8")
    bound = await measure_file(path, tiny_declared(), as_of=datetime(2026, 11, 15, 12, tzinfo=UTC))
    path.write_text(TINY.replace("2,深圳,30,25", "2,深圳,20,25"), encoding="utf-8")
    again = await remeasure(path, bound)
    assert not again.equal
    assert again.differing == ("consistency", "columns", "file", "rules", "score", "shortfalls")


async def test_a_report_of_another_method_is_a_difference(tmp_path):
    path = tmp_path / "tiny.csv"
    path.write_text(TINY, encoding="utf-8")
    bound = await measure_file(path, tiny_declared(), as_of=AS_OF)
    older = {**bound.document, "method": {**bound.document["method"], "version": "0"}}
    again = await remeasure(path, Report(canonical(older)))
    assert (again.equal, again.differing) == (False, ("method",))


async def test_csv_gzip_and_parquet_of_the_same_table_score_alike(tmp_path):
    plain = nyc("airlines.csv")
    packed, parquet = tmp_path / "airlines.csv.gz", tmp_path / "airlines.parquet"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    with duckdb.connect() as connection:
        connection.execute(f"COPY (FROM read_csv('{plain}')) TO '{parquet}'")
    declared = Declared(
        columns=(column("carrier", "text", pattern="[A-Z0-9]{2}"), column("name", "text")),
        update_frequency="once",
        period_to="2013-12-31",
    )
    reports = [await measure_file(path, declared, as_of=AS_OF) for path in (plain, packed, parquet)]
    assert [r.document["file"]["format"] for r in reports] == ["csv", "csv.gz", "parquet"]
    assert [r.score for r in reports] == ["100.0"] * 3
    assert reports[0].document["columns"] == reports[1].document["columns"] == reports[2].document["columns"]
    assert reports[0].sample == reports[1].sample == reports[2].sample


@pytest.mark.parametrize(
    ("name", "rows", "columns", "duplicates", "missing"),
    [
        ("penguins.csv", 344, 7, 0, 19),
        ("iris.csv", 150, 5, 1, 0),
        ("titanic_all.csv", 1313, 5, 0, 557),  # names with commas in quotes
        ("SampleSuperstore.csv.gz", 9994, 13, 17, 0),
        ("auto-mpg2.csv", 234, 12, 0, 0),  # the first column has no name
    ],
)
async def test_real_files_of_other_sectors_are_counted_exactly(name, rows, columns, duplicates, missing):
    table = (await measure_file(bokeh(name), Declared(), as_of=AS_OF)).document["table"]
    assert (table["rows"], table["columns"]) == (rows, columns)
    assert (table["duplicate_rows"], table["missing_cells"]) == (duplicates, missing)


async def test_an_undeclared_file_is_measured_and_does_not_pass():
    report = await measure_file(bokeh("iris.csv"), Declared(), as_of=AS_OF)
    assert (report.dimensions["conformity"], report.dimensions["timeliness"]) == ("0.0", "0.0")
    assert not report.passed
    assert ("column-undeclared", "species", 1) in shortfalls_of(report)
    assert ("frequency-undeclared", None, 0) in shortfalls_of(report)


async def test_the_newest_moment_of_real_data_is_found():
    declared = Declared(update_frequency="daily", period_column="time (UTC)")
    path = bokeh("sea_surface_temperature.csv.gz")
    newest = datetime(2017, 3, 22, tzinfo=UTC)
    report = await measure_file(path, declared, as_of=newest + timedelta(days=1))
    assert report.document["freshness"]["latest"] == "2017-03-22T00:00:00.000Z"
    assert report.dimensions["timeliness"] == "100.0"
    late = await measure_file(path, declared, as_of=newest + timedelta(days=1, hours=6))
    assert late.dimensions["timeliness"] == "75.0"


async def test_a_measurement_that_takes_too_long_is_stopped(flights):
    with pytest.raises(MeasureTimeout) as stopped:
        await measure_file(flights, Declared(), as_of=AS_OF, timeout_s=0.01)
    assert stopped.value.code == "measure-timeout"


async def test_the_child_gets_no_secret_and_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    before = set(Path(tmp_path).iterdir())
    await measure_file(nyc("airlines.csv"), Declared(), as_of=AS_OF)
    assert set(Path(tmp_path).iterdir()) == before
