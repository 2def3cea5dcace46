"""What a run of the rules keeps for the next one, so that a day's new trades do not recompute the year.

A rule's findings are taken over where nothing changed that it reads. What falls apart by trades is asked anew
of the trades alone of which a row came, went, changed or has happened since, and of what lies together with
them (`supervision.apart`): findings about one trade each, what is kept for many rules, and the rows that a
rule judges. All else (shares of a market, rates of false discovery, loops, whatever asks how long ago) is
told anew, from what is kept. The report is the same, byte for byte, as without a state.

What is kept is believed only where its digests hold, and the code, the libraries, the rule table and the mode
are the same.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache, partial
from hashlib import sha256
from importlib import metadata, resources
from itertools import chain
from pathlib import Path
from typing import Any, Final

import orjson

from base.canonical import canonical
from base.clock import parse_rfc3339, rfc3339
from supervision.apart import KEPT_APART, NUMBERS, OF_TRADES, ROWS_APART, Apart, Asks
from supervision.by_parties import WORDS
from supervision.context import Context, Row, Rule
from supervision.dialects import as_sql
from supervision.duckdb import DuckdbEngine
from supervision.engine import Engine
from supervision.errors import UnusableEvidence
from supervision.finding import Finding
from supervision.intake import Source
from supervision.layers import Layer, next_layers, query_of, rows_of
from supervision.paid import TOLD
from supervision.plan import Plan, Queries
from supervision.portable import of_one_name
from supervision.report import one_finding
from supervision.row_groups import Told, key_column, key_hash, told_of
from supervision.schema import KEYS, TABLES
from supervision.state_files import StateFiles
from supervision.touched import Touched, touch
from supervision.trades import MADE

_EVERYWHERE: Final = frozenset({"trades", "orgs", "flags"})
_LIBRARIES: Final = (
    "duckdb",
    "ibis-framework",
    "pyarrow",
    "sqlglot",
    "networkx",
    "chinesecalendar",  # the working days that deadlines are counted in
)
_ROOMS: Final = ("supervision", "base")


class Memory(Engine):
    """An engine that makes what is kept from what the last run kept, and a rule's findings from its."""

    def __init__(
        self,
        engine: DuckdbEngine,
        files: StateFiles,
        anew: dict[str, Any],
        last: Mapping[str, Any] | None,
        plan: Plan,
    ) -> None:
        self.dialect, self.kept, self.empty = engine.dialect, engine.kept, engine.empty
        self._engine, self._files, self._anew, self._last, self._plan = engine, files, anew, last, plan
        self._contents: dict[str, list[Any]] = {}
        self._parts: Touched | None = None
        self.looked_at: dict[str, int | None] = {}
        """By rule and what is kept: how many trades were looked at, 0 where none had to be, None for all."""

    def look_at(self, known: frozenset[Asks], before: str | None) -> None:
        """It is known what changed: the rest of what was kept stands."""
        self._parts = Touched(self._engine, self._plan, known, before, partial(self._plan.ready, self))

    def batches(self, sql: str) -> Iterator[Any]:
        """The answer to a query, streamed."""
        return self._engine.batches(sql)

    def keep(self, name: str, sql: str) -> int:
        """As the engine does, from what the last run kept where that stands but for the touched trades."""
        apart = KEPT_APART.get(name)
        return self._keep(name, sql, self._plan.kept, apart) if apart else self._engine.keep(name, sql)

    def _keep(self, name: str, sql: str, queries: Queries, apart: Apart) -> int:
        inputs = self._beside(name, queries, apart)
        old = self._old(name, inputs, apart)
        self.looked_at[name] = None
        if old is not None and self._parts is not None:
            keys, part = self._parts.keys(apart), self._parts.answer(name, queries, apart)
            of_row = ", ".join(told for told, _ in apart.by)
            touched = f"hash({of_row}) IN (SELECT h FROM {keys})"  # noqa: S608 - our own names
            layers = next_layers(self._engine, name, old, touched, part)
            self._engine.show(name, f"({query_of(layers)})")
            self.looked_at[name] = self._parts.count(apart)
        else:
            self._plan.ready(self, queries.reads(name))
            self._engine.keep(name, sql)
            layers = [(self._engine.work / f"{name}.parquet", None)]
        files = [[None if path is None else self._files.take(path) for path in layer] for layer in layers]
        self._anew["kept"][name] = {"inputs": inputs, "layers": files}
        return rows_of(layers)

    def _old(self, name: str, inputs: Mapping[str, Any], apart: Apart) -> list[Layer] | None:
        told = self._last["kept"].get(name) if self._last else None
        if told is None or told["inputs"] != inputs or not (self._parts and self._parts.knows(apart)):
            return None
        return _layers(self._files, told)

    def _beside(self, name: str, queries: Queries, apart: Apart) -> dict[str, Any]:
        """The versions of what an answer reads as a whole."""
        follows = {MADE, *apart.of, "listings"}
        whole = queries.tables(name) - follows - (frozenset() if apart.numbered else frozenset(NUMBERS))
        return {table: self._version(table) for table in sorted(whole)}

    def _version(self, table: str) -> Any:
        """What tells one content of a table from another."""
        if table in TABLES:
            return self._anew["tables"].get(table, {}).get("version")
        if table not in self._contents:
            self._plan.ready(self, [table])
            sql = f'SELECT COUNT(*) AS n, SUM(CAST(hash(t) AS HUGEINT)) AS d FROM "{table}" AS t'  # noqa: S608
            (told,) = self._engine.rows(sql)
            self._contents[table] = [told["n"], str(told["d"] or 0)]
        return self._contents[table]

    def findings(self, rule: Rule) -> list[Finding]:
        """The findings of a rule on the tables of today."""
        inputs, context = self._inputs(rule), self._plan.context
        kept = self._kept(rule)
        if kept is not None and kept[0]["whole"] == inputs["whole"]:
            found, self.looked_at[rule.rule_id] = kept[1], 0
            if self._last and rule.rule_id in self._last["kept"]:
                self._stands(rule.rule_id, self._last["kept"][rule.rule_id])
        elif kept is not None and rule.apart and self._knows() and kept[0]["beside"] == inputs["beside"]:
            found = self._of_touched(rule, kept[1])
        elif rule.rule_id in ROWS_APART:
            found = list(rule.findings(self._rows(rule, ROWS_APART[rule.rule_id]), context))
        else:
            rows = self._plan.rows(self, rule.rule_id)
            found, self.looked_at[rule.rule_id] = list(rule.findings(rows, context)), None
        self._keep_findings(rule, inputs, found)
        return found

    def _inputs(self, rule: Rule) -> dict[str, Any]:
        """What the findings follow from: all of it, and what of it is beside the trades' own rows."""
        read = {*rule.needs, *rule.uses}
        whole = {name: self._version(name) for name in sorted(read | _EVERYWHERE)}
        inputs: dict[str, Any] = {"whole": [rfc3339(self._plan.context.as_of), whole], "beside": None}
        if rule.apart:
            others = {*(read - {*rule.apart, "orgs"}), *rule.beside}
            words = self._words() if "payments" in rule.apart else None
            inputs["beside"] = [{name: self._version(name) for name in sorted(others)}, words]
        return inputs

    def _words(self) -> list[Any]:
        """Which purposes payments know, and how they are read: rules ask whether the tables speak of them."""
        return [self._version(TOLD), self._version(WORDS)]

    def _kept(self, rule: Rule) -> tuple[dict[str, Any], list[Finding]] | None:
        told = self._last["rules"].get(rule.rule_id) if self._last else None
        if told is None:
            return None
        items = orjson.loads(self._files.read(told["file"]))
        return told["inputs"], [one_finding(item) for item in items]

    def _knows(self) -> bool:
        return self._parts is not None and self._parts.knows(Apart(of=()))

    def _of_touched(self, rule: Rule, kept: list[Finding]) -> list[Finding]:
        """The findings about other trades as they were, and those about the touched ones told anew."""
        queries, parts = self._plan.queries, self._parts
        assert parts is not None
        apart = Apart(of=(*rule.apart, *(queries.reads(rule.rule_id) & KEPT_APART.keys())))
        touched = parts.among(finding.objects[0] for finding in kept)
        found = [finding for finding in kept if finding.objects[0] not in touched]
        with self._engine.seeing(parts.schema(rule.rule_id, queries, apart)):
            found += rule.findings(self._engine.rows(queries[rule.rule_id]), self._plan.context)
        self.looked_at[rule.rule_id] = parts.count(apart)
        return found

    def _rows(self, rule: Rule, apart: Apart) -> Iterator[Row]:
        """What the rule judges, of which those of the touched trades alone are asked anew."""
        name, queries = rule.rule_id, self._plan.queries
        self._keep(name, queries[name], queries, apart)
        return self._engine.rows(as_sql(of_one_name(queries.expression(name), name), self.dialect))

    def _keep_findings(self, rule: Rule, inputs: dict[str, Any], found: list[Finding]) -> None:
        if rule.apart and any(len(finding.objects) != 1 for finding in found):
            inputs = inputs | {"beside": None}  # a row without its trade: nothing tells whose finding it is
        file = self._files.write(canonical([finding.document() for finding in found]))
        self._anew["rules"][rule.rule_id] = {"inputs": inputs, "file": file}

    def close(self) -> None:
        """Keep what this run found for the next. What nobody asked for stands where no trade was touched."""
        last = self._last["kept"] if self._last else {}
        for name, told in last.items():
            if self._parts and self._parts.nothing({**KEPT_APART, **ROWS_APART}[name].asks):
                self._stands(name, told)
        self._files.seal(self._anew)

    def _stands(self, name: str, told: Mapping[str, Any]) -> None:
        if name not in self._anew["kept"]:
            self._anew["kept"][name] = told
            for file in filter(None, chain.from_iterable(told["layers"])):
                self._files.hold(file)


def remember(folder: Path, engine: Engine, sources: Mapping[str, Source], plan: Plan) -> Memory:
    """Read the state of the last run and see what changed since."""
    if not isinstance(engine, DuckdbEngine):
        raise UnusableEvidence("a state is kept by the engine duckdb alone")
    files, context = StateFiles(folder), plan.context
    code = {"code": _code(), "law": _law(context)}
    last = files.last(code)
    before = last["tables"] if last else {}
    told = {name: told_of(engine, source, files, before.get(name)) for name, source in sources.items()}
    tables = {name: one.document for name, one in told.items()}
    anew = {**code, "as_of": rfc3339(context.as_of), "tables": tables, "kept": {}, "rules": {}}
    memory = Memory(engine, files, anew, last, plan)
    if last and not OF_TRADES & (before.keys() ^ sources.keys()):
        then = replace(context, as_of=parse_rfc3339(last["as_of"]))
        made = last["kept"].get(MADE)
        known = touch(engine, sources, told, (then, context))
        memory.look_at(known, query_of(_layers(files, made)) if made else None)
    engine.check_keys(dict(_may_be_twice(engine, told)))
    return memory


def _layers(files: StateFiles, told: Mapping[str, Any]) -> list[Layer]:
    return [(files.path(file), files.path(gone) if gone else None) for file, gone in told["layers"]]


def _may_be_twice(engine: DuckdbEngine, told: Mapping[str, Told]) -> Iterator[tuple[str, str]]:
    """Of which rows of a table an id may stand twice that did not in the last run's."""
    for name, key in KEYS.items():
        changed = told[name].changed if name in told else None
        if changed is not None and not len(changed):
            yield name, "false"
        elif changed is not None and key_column(name) == key:
            engine.fill(f"changed_{name}", changed)
            yield name, f"{key_hash(name)} IN (SELECT h FROM changed_{name})"  # noqa: S608 - our own names


def _law(context: Context) -> str:
    return sha256(repr((context.mode.value, context.rules.values)).encode()).hexdigest()


@cache
def _code() -> str:
    """A digest of the rules' source, of the rule table and of the libraries: another code tells anew."""
    digest = sha256()
    for name, content in _sources():
        digest.update(f"{name}\0{sha256(content).hexdigest()}\n".encode())
    for library in _LIBRARIES:
        digest.update(f"{library} {metadata.version(library)}\n".encode())
    return digest.hexdigest()


def _sources() -> Iterator[tuple[str, bytes]]:
    for room in _ROOMS:
        with resources.as_file(resources.files(room)) as folder:
            for path in sorted(folder.rglob("*")):
                if path.suffix in {".py", ".csv"}:
                    yield f"{room}/{path.relative_to(folder).as_posix()}", path.read_bytes()
