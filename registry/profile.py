"""Counting: SQL over one column of the scratch table at a time, distinct values before rows.

Each distinct value is classified once and weighted by its rows. Every aggregate is independent of order
and every comparison is of typed values, so the same file always gives the same counts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import duckdb

from registry import hints, identifiers
from registry.counts import Column, RuleCount
from registry.declared import NUMERIC, TEMPORAL, ColumnType, Comparison, CrossRule, Declared, DeclaredColumn
from registry.errors import DeclarationBroken
from registry.forms import UNREADABLE, accepts, conforming, dominant, kind_of, typed
from registry.rules import Hint, HintKind

_CANDIDATES: Final = 200_000
_PIECE: Final = 10_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


class Census:
    """Counts the columns, rules and duplicates of the table `t(c0, c1, …)`."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        header: Sequence[str],
        declared: Declared,
        as_of: datetime,
    ) -> None:
        self._connection = connection
        self._header = header
        self._declared = declared
        self._missing = list(declared.missing)
        self._as_of = as_of
        self.hints: list[Hint] = []
        self._around: list[Hint] = []
        self._places: list[tuple[str, int, int]] = []

    def columns(self, rows: int) -> tuple[Column, ...]:
        """Every column of the file, then those that are declared and absent. Fills `hints` on the way.

        The extremes of a column that shows personal identifiers are left out: they would be published.
        """
        found = [self._column(position, name) for position, name in enumerate(self._header)]
        personal = {hint.column for hint in self.hints}
        self._beside()
        self.hints += hints.place_hints(self._places)
        self.hints += self._around + self._alone(rows)
        shown = [replace(c, minimum=None, maximum=None) if c.name in personal else c for c in found]
        absent = [
            Column(d.name, None, d, ColumnType.TEXT, d.type, missing=rows)
            for d in self._declared.columns
            if d.name not in self._header
        ]
        return tuple(shown + absent)

    def duplicates(self) -> int:
        """Rows that are exact copies of another row: hashes find the candidates, whole rows decide."""
        cells = ", ".join(f"c{i}" for i in range(len(self._header)))
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE twins AS SELECT hash({cells}) AS h FROM t"  # noqa: S608 - own names
            " GROUP BY h HAVING count(*) > 1"
        )
        (extra,) = self._one(
            "SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM t"  # noqa: S608 - own names
            f" WHERE hash({cells}) IN (SELECT h FROM twins) GROUP BY {cells})"
        )
        return int(extra)

    def rule(self, rule: CrossRule, columns: Sequence[Column]) -> RuleCount:
        """How often a cross-field rule could be asked, and held. Values of unlike forms compare as text."""
        by_name = {column.name: column for column in columns if column.position is not None}
        left, right = by_name.get(rule.left), by_name.get(rule.right)
        if left is None or right is None:
            return RuleCount(rule.left, rule.op.value, rule.right, known=False, checked=0, passed=0)
        one, two = _common(left.form, right.form)
        op = {Comparison.EQ: "=", Comparison.NE: "<>"}.get(rule.op, rule.op.value)
        checked, passed = self._one(
            f"""WITH p AS (SELECT {_trim(left.position)} AS a, {_trim(right.position)} AS b, count(*) AS n
                FROM t GROUP BY 1, 2),
            q AS (SELECT a, b, n, {kind_of("a")} AS ka, {kind_of("b")} AS kb FROM p),
            x AS (SELECT n, CASE WHEN {accepts(one, "a", "ka")} THEN {typed(one, "a") or "a"} END AS l,
                CASE WHEN {accepts(two, "b", "kb")} THEN {typed(two, "b") or "b"} END AS r FROM q)
            SELECT {_rows("true")}, {_rows(f"l {op} r")} FROM x
            WHERE l IS NOT NULL AND r IS NOT NULL""",  # noqa: S608 - own names and operators
            missing=self._missing,
        )
        return RuleCount(
            rule.left, rule.op.value, rule.right, known=True, checked=int(checked), passed=int(passed)
        )

    def _column(self, position: int, name: str) -> Column:
        self._connection.execute(
            f"""CREATE OR REPLACE TEMP TABLE k AS SELECT v, n, {kind_of("v")} AS kind FROM
            (SELECT {_trim(position)} AS v, count(*) AS n FROM t GROUP BY 1)""",  # noqa: S608 - own names
            {"missing": self._missing},
        )
        kinds = self._connection.execute("SELECT kind, sum(n), count(*) FROM k GROUP BY kind").fetchall()
        rows = {kind: int(n) for kind, n, _ in kinds}
        missing = rows.pop("missing", 0)
        present = sum(rows.values())
        declared = self._declared.column(name)
        inferred = dominant(rows)
        form = declared.type if declared else inferred
        self._hint(name, present)
        return self._judge(
            Column(
                name=name,
                position=position,
                declared=declared,
                inferred=inferred,
                form=form,
                present=present,
                missing=missing,
                distinct=sum(values for kind, _, values in kinds if kind != "missing"),
                off_form=0 if form is ColumnType.TEXT else present - conforming(inferred, rows),
            )
        )

    def _hint(self, name: str, present: int) -> None:
        """Look for identifiers, places, diagnoses and biometrics in the values of `k`."""
        self._identifiers(name, present)
        self._place(name, present)
        categories = self._connection.execute(
            """SELECT upper(v[1:3]), sum(n), coalesce(sum(n) FILTER (WHERE v[4:4] = '.'), 0) FROM k
            WHERE kind <> 'missing' AND regexp_full_match(v, $diagnosis) GROUP BY 1""",
            {"diagnosis": hints.DIAGNOSIS},
        ).fetchall()
        counts = [(int(n), int(dotted)) for one, n, dotted in categories if hints.is_icd_category(one)]
        coded, dotted = sum(n for n, _ in counts), sum(n for _, n in counts)
        self._around += hints.health_hints(name, coded=coded, dotted=dotted, checked=present)
        self.hints += hints.biometric_hints(name, checked=present)

    def _identifiers(self, name: str, present: int) -> None:
        """Look at the values of `k` that could hold an identifier, also at those that are said to be none.

        Whatever has the form of an identity number is looked at; of what has another's form so many values,
        in the order of their digests, and what is found among them stands for all.
        """
        self._connection.execute(
            """CREATE OR REPLACE TEMP TABLE c AS SELECT v AS w, n, regexp_matches(v, $identity) AS identity
            FROM k WHERE regexp_matches(v, $candidate)""",
            {"candidate": identifiers.CANDIDATE, "identity": identifiers.IDENTITY},
        )
        found = hints.column_hints(name, self._pieces("WHERE identity"), present)
        identities = [hint for hint in found if hint.kind is HintKind.CN_ID]
        (candidates,) = self._one("SELECT coalesce(sum(n), 0) FROM c")
        looked = self._pieces(f"ORDER BY md5(w), w LIMIT {_CANDIDATES}")
        others = hints.column_hints(name, looked, present, of=int(candidates))
        old = [hint for hint in others if hint.kind is HintKind.CN_ID]
        self.hints += identities or old
        self.hints += [hint for hint in others if hint.kind is not HintKind.CN_ID]

    def _place(self, name: str, present: int) -> None:
        """A column of latitudes or longitudes by its name, or of both in one cell by their form."""
        bound = hints.place_bound(name)
        (degrees, pairs) = self._one(
            """SELECT coalesce(sum(n) FILTER (WHERE abs(TRY_CAST(v AS DOUBLE)) <= $bound), 0),
            coalesce(sum(n) FILTER (WHERE regexp_matches(v, $place)), 0) FROM k WHERE kind <> 'missing'""",
            bound=bound or 0,
            place=hints.PLACE,
        )
        if bound is not None:
            self._places.append((name, int(degrees), present))
        self._around += hints.pair_hints(name, pairs=int(pairs), checked=present)

    def _beside(self) -> None:
        """Look for identifiers in what stands in no column: they count under the name BESIDE."""
        self._connection.execute(
            "CREATE OR REPLACE TEMP TABLE k AS SELECT v, count(*) AS n FROM beside WHERE v <> '' GROUP BY 1"
        )
        (texts,) = self._one("SELECT coalesce(sum(n), 0) FROM k")
        self._identifiers(hints.BESIDE, int(texts))

    def _pieces(self, which: str) -> Iterator[tuple[str, int]]:
        """Candidate values with their rows, a piece at a time."""
        cursor = self._connection.execute(f"SELECT w, n FROM c {which}")  # noqa: S608 - own names
        while rows := cursor.fetchmany(_PIECE):
            yield from ((value, int(count)) for value, count in rows)

    def _alone(self, rows: int) -> list[Hint]:
        """Whether columns that are of people single some of them out: fewer than five rows alike."""
        named = hints.singling_out(self._header)
        if not named:
            return []
        places = [f"c{place}" for place, name in enumerate(self._header) if name in named]
        cells, some = ", ".join(places), " OR ".join(f"{cell} <> ''" for cell in places)
        (alone,) = self._one(
            f"SELECT coalesce(sum(n), 0) FROM (SELECT count(*) AS n FROM t WHERE {some} GROUP BY {cells})"  # noqa: S608 - own names
            f" WHERE n < {hints.K}"
        )
        return hints.quasi_hints(named, alone=int(alone), rows=rows)

    def _judge(self, column: Column) -> Column:
        """Count the faults and find the extremes of the values in `k`, judged by the column's form."""
        declared, form, temporal = column.declared, column.form, column.form in TEMPORAL
        given: dict[str, Any] = _bounds(declared)
        beyond = [f"x {'<' if key == 'low' else '>'} {typed(form, '$' + key)}" for key in given]
        unlike = "false"
        if declared and declared.pattern:
            unlike, given["pattern"] = "NOT regexp_full_match(v, $pattern)", declared.pattern
        if temporal:
            given["as_of"] = (self._as_of - _EPOCH) // _MILLISECOND
        value = typed(form, "v") or "NULL::BIGINT"
        good = accepts(form, "v", "kind")
        try:
            found = self._one(
                f"""WITH a AS (SELECT v, n, {good} AS good, {unlike} AS unlike,
                regexp_matches(v, '{UNREADABLE}') AS dirty, CASE WHEN {good} THEN {value} END AS x
                FROM k WHERE kind <> 'missing'),
            b AS (SELECT *, coalesce({" OR ".join(beyond) or "false"}, false) AS far,
                CASE WHEN x IS NOT NULL THEN {{'x': x, 'v': v}} END AS extreme,
                {"epoch_ms(x)" if temporal else "NULL::BIGINT"} AS moment FROM a)
            SELECT {_rows("NOT good")}, {_rows("unlike")}, {_rows("far")}, {_rows("dirty")},
                {_rows("NOT good OR unlike OR far OR dirty")}, struct_extract(min(extreme), 'v'),
                struct_extract(max(extreme), 'v'),
                {"max(moment) FILTER (WHERE moment <= $as_of)" if temporal else "NULL"},
                {_rows("moment > $as_of") if temporal else "0"}, min(length(v)), max(length(v)) FROM b""",  # noqa: S608 - own names
                **given,
            )
        except duckdb.InvalidInputException:
            if not (declared and declared.pattern):
                raise
            raise DeclarationBroken("a pattern is not RE2", column=column.name) from None
        wrong_type, wrong_pattern, far, dirty, faulty, low, high, latest, later, shortest, longest = found
        return replace(
            column,
            wrong_type=int(wrong_type),
            wrong_pattern=int(wrong_pattern),
            out_of_range=int(far),
            unreadable=int(dirty),
            faulty=int(faulty),
            minimum=low,
            maximum=high,
            latest=None if latest is None else self._end(form, _EPOCH + latest * _MILLISECOND),
            later=int(later),
            shortest=shortest,
            longest=longest,
        )

    def _end(self, form: ColumnType, start: datetime) -> datetime:
        """When the period that begins at `start` ends; one still running has reached `as_of`."""
        end = start
        if form is ColumnType.YEAR:
            end = start.replace(year=start.year + 1)
        elif form is ColumnType.MONTH:
            end = (start + timedelta(days=31)).replace(day=1)
        elif form is ColumnType.DATE:
            end = start + timedelta(days=1)
        return min(end, self._as_of)

    def _one(self, sql: str, **values: Any) -> tuple[Any, ...]:
        row = self._connection.execute(sql, values or None).fetchone()
        assert row is not None  # an aggregate always answers
        return row


def _rows(condition: str) -> str:
    return f"coalesce(sum(n) FILTER (WHERE {condition}), 0)"


def _bounds(declared: DeclaredColumn | None) -> dict[str, str]:
    bounds = {"low": declared.min, "high": declared.max} if declared else {}
    return {key: bound for key, bound in bounds.items() if bound is not None}


def _trim(position: int | None) -> str:
    return f"trim(c{position}, ' \t\r\n')"


def _common(left: ColumnType, right: ColumnType) -> tuple[ColumnType, ColumnType]:
    """How the two sides of a rule are read: both as numbers, both as times, or both as text."""
    if {left, right} <= NUMERIC:
        return ColumnType.DECIMAL, ColumnType.DECIMAL
    return (left, right) if {left, right} <= TEMPORAL else (ColumnType.TEXT, ColumnType.TEXT)
