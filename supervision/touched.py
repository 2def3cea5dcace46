"""The trades of which something changed and what lies together with them: to ask in the place of all."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from supervision.apart import KEPT_APART, OF_TRADES, Apart, Asks, times_that_turn
from supervision.context import Context
from supervision.duckdb import DuckdbEngine, a_file
from supervision.intake import Source
from supervision.plan import Plan, Queries
from supervision.row_groups import Told, key_column, key_hash
from supervision.schema import Kind
from supervision.trades import MADE

_PART_AT_MOST: Final = 4
"""Where more than one trade in so many is touched, all is told anew: it takes no longer."""
_NAMED_BY: Final = {"listings": ("listing_id",), "orgs": ("seller_id", "buyer_id", "broker_id")}
_By = tuple[tuple[str, ...], Asks]
_BY_A_TRADE: Final[_By] = (("trade_id",), Asks.TOUCHED)
_OF_ONE: Final[Mapping[_By, str]] = {
    _BY_A_TRADE: Asks.TOUCHED,
    (("listing_id",), Asks.LISTINGS): Asks.LISTINGS,
}


def touch(
    engine: DuckdbEngine,
    sources: Mapping[str, Source],
    told: Mapping[str, Told],
    turned: tuple[Context, Context],
) -> frozenset[Asks]:
    """Make the tables of the keys of what is asked anew: those of which is known what, and that it is little.

    Touched is a trade of which some row came or went, whose listing's or party's row did, or of which a time
    has passed since. `turned` are the moments of the last run and of this one.
    """
    made = set()
    trades = _touched_trades(engine, sources, told, turned)
    if trades is not None:
        made.add(Asks.TOUCHED)
        engine.fill(Asks.TOUCHED, trades)
    listings = [told[name].changed for name in ("quotes", "listings") if name in told]
    if "quotes" in told and all(changed is not None for changed in listings):
        made.add(Asks.LISTINGS)
        queries = [*_passed(sources, turned, {"quotes"}), *_turned(sources, turned, Asks.LISTINGS)]
        engine.fill(Asks.LISTINGS, _all_of(*listings, *_asked(engine, sources, queries)))
    return frozenset(made)


def _touched_trades(
    engine: DuckdbEngine,
    sources: Mapping[str, Source],
    told: Mapping[str, Told],
    turned: tuple[Context, Context],
) -> Any:
    beside = [name for name in ("listings", "orgs") if name in told]
    changed = {name: told[name].changed for name in (*beside, *sorted(OF_TRADES & told.keys()))}
    if "trades" not in told or any(keys is None for keys in changed.values()):
        return None
    queries = [*_passed(sources, turned, OF_TRADES), *_turned(sources, turned, Asks.TOUCHED)]
    for name in beside:
        if len(changed[name]):
            engine.fill(f"changed_{name}", changed[name])
            there = [column for column in _NAMED_BY[name] if column in sources["trades"].columns]
            keys = f"SELECT h FROM changed_{name}"  # noqa: S608 - our own names
            within = (f"hash(COALESCE({column}, '')) IN ({keys})" for column in there)
            queries.append(("trades", " OR ".join(within)))
    found = (keys for name, keys in changed.items() if name not in beside)
    keys = _all_of(*found, *_asked(engine, sources, queries))
    return keys if len(keys) * _PART_AT_MOST <= sources["trades"].rows else None


def _all_of(*keys: Any) -> Any:
    import numpy as np  # noqa: PLC0415 - loaded where a state is kept

    return np.unique(np.concatenate([np.empty(0, np.uint64), *keys]))


def _asked(
    engine: DuckdbEngine, sources: Mapping[str, Source], queries: Iterable[tuple[str, str]]
) -> list[Any]:
    """The keys of the rows of which a condition is true: asked of the file, whose heads tell most of it."""
    found = []
    for table, within in queries:
        key = key_hash(table) if key_column(table) in sources[table].columns else "hash('')"
        sql = f"SELECT {key} AS h FROM {a_file(sources[table].path)} WHERE {within}"  # noqa: S608
        found.append(engine.numbers(sql)[0])
    return found


def _passed(
    sources: Mapping[str, Source], turned: tuple[Context, Context], tables: AbstractSet[str]
) -> Iterator[tuple[str, str]]:
    """Tables, and which of their rows tell of a time that lies between the moments of two runs."""
    begin, end = sorted(one.as_of for one in turned)
    for name in sorted(tables & sources.keys()):
        for column, kind in sources[name].columns.items():
            if kind in {Kind.TIME, Kind.DAY} and begin != end:
                yield name, _between(column, begin, end, kind)


def _turned(
    sources: Mapping[str, Source], turned: tuple[Context, Context], asks: Asks
) -> Iterator[tuple[str, str]]:
    """A table, and which of its rows tell of a time that lies between what it was held against and is now."""
    (name, last), (_, now) = (times_that_turn(one, asks) for one in turned)
    for column in sorted(last.keys() & sources[name].columns.keys()):
        begin, end = sorted((last[column], now[column]))
        if begin != end:
            yield name, _between(column, begin, end, Kind.TIME)


def _between(column: str, begin: datetime, end: datetime, kind: Kind) -> str:
    if kind is Kind.DAY:
        return f"\"{column}\" BETWEEN DATE '{begin.date()}' AND DATE '{end.date()}'"
    return f"\"{column}\" BETWEEN TIMESTAMPTZ '{begin}' AND TIMESTAMPTZ '{end}'"


class Touched:
    """Answers over the touched trades alone, and over what lies together with them.

    `known` is what `touch` made, `before` asks for `made` of the last run, `ready` keeps what is kept of all.
    """

    def __init__(
        self,
        engine: DuckdbEngine,
        plan: Plan,
        known: frozenset[Asks],
        before: str | None,
        ready: Callable[[Iterable[str]], None],
    ) -> None:
        self._engine, self._plan, self._before, self._ready = engine, plan, before, ready
        self._known, self._keys = known, dict(_OF_ONE)
        self._parts: dict[tuple[str, _By], Path] = {}
        self._schemas: dict[tuple[_By, frozenset[str]], str] = {}
        self._written = 0

    def knows(self, apart: Apart) -> bool:
        """Whether it can be told what lies together: for more than a trade alone what was before must be."""
        return apart.asks in self._known and (_by(apart) in self._keys or self._before is not None)

    def nothing(self, asks: Asks) -> bool:
        """Whether it is known that nothing is to be asked anew."""
        return asks in self._known and not list(self._engine.rows(f"SELECT 1 FROM {asks} LIMIT 1"))  # noqa: S608

    def count(self, apart: Apart) -> int:
        """How many trades are asked of what falls apart so."""
        by = _by(apart)
        of = f'"{self._keys[by]}"' if by in _OF_ONE else f"({self._together(by)})"
        (row,) = self._engine.rows(f"SELECT COUNT(*) AS n FROM {of}")  # noqa: S608
        return int(row["n"])

    def among(self, trades: Iterable[str]) -> frozenset[str]:
        """Which of these trades are touched."""
        ids = pa.table({"id": pa.array(trades, pa.string())})
        sql = f"SELECT id FROM ids WHERE hash(id) IN (SELECT h FROM {Asks.TOUCHED})"  # noqa: S608
        return frozenset(self._engine.numbers(sql, ids=ids)[0])

    def keys(self, apart: Apart) -> str:
        """The table of the keys (`h`) of what is asked anew."""
        return self._keys_of(_by(apart))

    def _keys_of(self, by: _By) -> str:
        if by not in self._keys:
            assert self._before is not None
            touched = f"SELECT h FROM {Asks.TOUCHED}"  # noqa: S608 - our own names
            went = f"SELECT * FROM ({self._before}) WHERE hash(trade_id) IN ({touched})"  # noqa: S608
            came = f"SELECT * FROM {a_file(self._part(MADE, _BY_A_TRADE))}"  # noqa: S608
            sql = f"SELECT DISTINCT hash({', '.join(by[0])}) AS h FROM ({went} UNION ALL BY NAME {came})"  # noqa: S608
            self._keys[by] = name = f"keys_{len(self._keys)}"
            self._engine.show(name, a_file(self._write(sql)))
        return self._keys[by]

    def answer(self, name: str, queries: Queries, apart: Apart) -> Path:
        """The answer to a query over these trades alone."""
        asked = (name, _by(apart))
        if asked not in self._parts:
            schema = self.schema(name, queries, apart)
            with self._engine.seeing(schema):
                self._parts[asked] = self._write(queries[name])
        return self._parts[asked]

    def schema(self, name: str, queries: Queries, apart: Apart) -> str:
        """The name of the schema that has these trades alone, with all that the query asks made ready."""
        by, within = _by(apart), frozenset({*apart.of, MADE} & queries.tables(name))
        self._ready(sorted(queries.reads(name) - within))
        if (by, within) not in self._schemas:
            files = within if by in _OF_ONE else within - {MADE}
            parts = {table: self._part(table, by) for table in sorted(files)}
            self._schemas[by, within] = schema = f"part_{len(self._schemas)}"
            self._engine.open_schema(schema)
            for table, path in parts.items():
                self._engine.show(table, a_file(path), schema)
            for table in within - parts.keys():
                self._engine.show(table, f"({self._together(by)})", schema)
        return self._schemas[by, within]

    def _part(self, table: str, by: _By) -> Path:
        """A table's rows of these trades."""
        if (table, by) in self._parts:
            return self._parts[table, by]
        if by in _OF_ONE and table in KEPT_APART:
            return self.answer(table, self._plan.kept, KEPT_APART[table])
        keys = self._keys_of(by)
        if by not in _OF_ONE:
            within = f"trade_id IN (SELECT trade_id FROM ({self._together(by)}))"  # noqa: S608
        else:
            within, key = f"{key_hash(table)} IN (SELECT h FROM {keys})", key_column(table)  # noqa: S608
            if not self._asks_strays(keys):  # by ids a file is read where they can be
                within = f'"{key}" IN (SELECT DISTINCT "{key}" FROM "{table}" WHERE {within})'  # noqa: S608
        self._parts[table, by] = path = self._write(f'SELECT * FROM "{table}" WHERE {within}')  # noqa: S608
        return path

    def _together(self, by: _By) -> str:
        """The trades that lie together with the touched ones."""
        self._ready([MADE])
        return (
            f"SELECT * FROM main.{MADE} WHERE hash({', '.join(by[0])}) IN (SELECT h FROM {self._keys_of(by)})"  # noqa: S608
        )

    def _asks_strays(self, keys: str) -> bool:
        """Whether rows of no trade are among what is asked anew."""
        return bool(list(self._engine.rows(f"SELECT 1 FROM {keys} WHERE h = hash('')")))  # noqa: S608

    def _write(self, sql: str) -> Path:
        self._written += 1
        path = self._engine.work / f"touched_{self._written}.parquet"
        self._engine.write(sql, path)
        return path


def _by(apart: Apart) -> _By:
    return tuple(of_made for _, of_made in apart.by), apart.asks
