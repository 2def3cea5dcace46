"""A month's figures, gathered from a folder of evidence tables by any engine: numbers, no words."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import ibis

from base.calendar import at_shanghai, months_after
from supervision.context import Row
from supervision.dialects import as_sql
from supervision.duckdb import open_duckdb
from supervision.engine import Engine
from supervision.errors import UnusableEvidence
from supervision.intake import take_in
from supervision.measures import median_of
from supervision.plan import unbound_tables
from supervision.statistics import facts, registers
from supervision.statistics.facts import COUNTED, GROUPINGS, PARTS, Period
from supervision.statistics.layers import ITEMS, Line

NEEDED: Final = ("trades", "orgs", "payments")
OPTIONAL: Final = (
    "listings",
    "flags",
    "rights",
    "quality",
    "certificates",
    "certificate_events",
    "trade_events",
    "exports",
    "case_events",
    "survey_lines",
)
_QUERIES: Final = (
    facts.cells,
    facts.volumes,
    facts.standings,
    facts.mismatches,
    facts.medians,
    facts.waits,
    *registers.QUERIES,
)
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Count:
    """A cell: trades and their value (or a quantity), and who stands behind it on either side."""

    trades: int
    value: int
    sellers: int
    buyers: int
    largest_seller: int
    largest_buyer: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Settlements of one standing: what the trades say, and what the payments of their settlement say."""

    trades: int
    value: int
    paid_trades: int
    paid: Mapping[str, int]

    @property
    def total_paid(self) -> int:
        return sum(self.paid.values())


NOTHING: Final = Standing(0, 0, 0, dict.fromkeys(PARTS, 0))


@dataclass(frozen=True, slots=True)
class Median:
    """The exact median price of a unit in a sector."""

    sector: str
    unit: str
    trades: int
    price: Fraction


@dataclass(frozen=True, slots=True)
class Wait:
    """From contract to settlement, in seconds."""

    trades: int
    median_s: Fraction
    mean_s: Fraction


@dataclass(frozen=True)
class Figures:
    """Everything that was counted for a month. `registers` are rows by the name of their expression."""

    month: str
    period: Period
    without: tuple[str, ...]
    cells: Mapping[str, Mapping[Key, Count]]
    volumes: Mapping[str, Mapping[Key, Count]]
    standings: Mapping[str, Standing]
    mismatches: Sequence[Row]
    medians: Sequence[Median]
    wait: Wait | None
    registers: Mapping[str, Sequence[Row]]
    lines: Sequence[Line] = field(default=())

    @property
    def total(self) -> Count:
        return self.cells["total"].get(("", ""), Count(0, 0, 0, 0, 0, 0))

    def standing(self, name: str) -> Standing:
        return self.standings.get(name, NOTHING)


def month_of(text: str) -> Period:
    """The period of a month of Shanghai's calendar, `2026-05`. Raises ValueError."""
    first = datetime.strptime(text, "%Y-%m").date()  # noqa: DTZ007 - a day of Shanghai's calendar
    if f"{first:%Y-%m}" != text:
        raise ValueError(f"not a month: {text}")
    midnight = datetime.min.time()
    return Period(at_shanghai(first, midnight), at_shanghai(months_after(first, 1), midnight))


def gather(folder: Path, month: str) -> Figures:
    """The figures of a month from a folder of evidence tables. Raises UnusableEvidence, ValueError."""
    period = month_of(month)
    with TemporaryDirectory(prefix="databourse-statistics-") as work:
        sources = take_in(folder, Path(work), frozenset((*NEEDED, *OPTIONAL)))
        for name in NEEDED:
            if name not in sources:
                raise UnusableEvidence(
                    f"the table {name} is not there: nothing could be tied to it", table=name
                )
        with open_duckdb(sources, Path(work)) as engine:
            engine.check_keys()
            without = tuple(name for name in OPTIONAL if name not in sources)
            return figures(engine, month, period, without)


def figures(engine: Engine, month: str, period: Period, without: tuple[str, ...] = ()) -> Figures:
    """Ask an engine for everything."""
    kept, queries = _queries(period, engine.dialect)
    engine.keep(facts.SETTLED, kept)
    told = {name: list(engine.rows(sql)) for name, sql in queries.items()}
    return Figures(
        month=month,
        period=period,
        without=without,
        cells=_cells(told["cells"]),
        volumes=_cells(told["volumes"]),
        standings=_standings(told["standings"]),
        mismatches=told["mismatches"],
        medians=tuple(_medians(told["medians"])),
        wait=_wait(told["waits"]),
        registers={query.__name__: told[query.__name__] for query in registers.QUERIES},
        lines=tuple(_lines(told["answers"])),
    )


@lru_cache(maxsize=8)
def _queries(period: Period, dialect: str) -> tuple[str, Mapping[str, str]]:
    """The settled trades, which an engine is to keep, and every expression over them, as SQL of a dialect.

    Writing them takes as long as asking a small market.
    """
    tables = unbound_tables()
    settled = facts.settled(tables, period)
    over = tables | {facts.SETTLED: ibis.table(settled.schema(), name=facts.SETTLED)}
    written = {query.__name__: as_sql(query(over, period), dialect) for query in _QUERIES}
    return as_sql(settled, dialect), written


def _cells(rows: Iterable[Row]) -> dict[str, dict[Key, Count]]:
    found: dict[str, dict[Key, Count]] = {name: {} for name in GROUPINGS}
    for (grouping, a, b), pair in groupby(rows, key=lambda row: (row["grouping"], row["a"], row["b"])):
        sides = {row["side"]: row for row in pair}
        seller, buyer = sides["seller"], sides["buyer"]
        if seller["trades"] is None:  # the total of nothing
            continue
        found[grouping][a, b] = Count(
            trades=int(seller["trades"]),
            value=int(seller["value"]),
            sellers=int(seller["units"]),
            buyers=int(buyer["units"]),
            largest_seller=int(seller["largest"]),
            largest_buyer=int(buyer["largest"]),
        )
    return found


def _standings(rows: Iterable[Row]) -> dict[str, Standing]:
    return {
        row["standing"]: Standing(
            int(row["trades"]),
            int(row["value"]),
            int(row["paid_trades"]),
            {name: int(row[name]) for name in PARTS},
        )
        for row in rows
    }


def _medians(rows: Iterable[Row]) -> Iterator[Median]:
    for (sector, unit), group in groupby(rows, key=lambda row: (row["sector"], row["unit"])):
        middle = list(group)
        price = median_of(middle)
        if price is not None:
            yield Median(sector, unit, int(middle[0]["sold"]), price)


def _wait(rows: Sequence[Row]) -> Wait | None:
    if not rows:
        return None
    trades = int(rows[0]["trades"])
    wanted = {(trades - 1) // 2, trades // 2}
    middle = [int(row["waited_s"]) for row in rows if int(row["nth"]) in wanted]
    return Wait(trades, Fraction(sum(middle), len(middle)), Fraction(int(rows[0]["total_s"]), trades))


def _lines(rows: Iterable[Row]) -> Iterator[Line]:
    """The answers as the accounts take them; one whose opening is gone has no figures and is no line."""
    for row in rows:
        if row["line_no"] is None:
            continue
        words: dict[str, Any] = {
            name: row[name] or ""
            for name in ("region", "industry", "source", "form", "stage", "right", "level")
        }
        yield Line(
            org_id=row["org_id"],
            year=row["year"],
            spent_minor={item: row[f"{item}_minor"] or 0 for item in ITEMS},
            own_use_bp=row["own_use_bp"] or 0,
            staff_bp=row["staff_bp"] or 0,
            useful_life=row["useful_life_years"],
            on_exchange_minor=row["on_exchange_minor"] or 0,
            off_exchange_minor=row["off_exchange_minor"] or 0,
            cross_border=bool(row["cross_border"]),
            **words,
        )


def counted(told: Figures) -> Standing:
    """What counts, as trades and payments say it."""
    return told.standing(COUNTED)
