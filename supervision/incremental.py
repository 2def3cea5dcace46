"""What a run of the rules keeps for the next one, so that a day's new trades do not recompute the year.

A rule's findings are taken over where nothing changed that it reads. A rule whose findings fall apart by
trades (`Rule.apart`) looks at those trades alone of which a row came, went, changed or has happened since;
the others (shares of a market, rates of false discovery, loops, whatever asks how long ago) are told anew.
The report is the same, byte for byte, as without a state.

Rows are compared by sums of 64-bit hashes of them, which no order changes: enough to see what changed, no
proof against whoever makes the tables. What is kept is believed only where its digests hold, and the
code, the engine and the rule table are the same.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from importlib import metadata, resources
from pathlib import Path
from typing import Any, Final

import ibis
import orjson

from base.canonical import canonical
from base.clock import rfc3339
from supervision.context import Context, Rule
from supervision.dialects import as_sql
from supervision.duckdb import DuckdbEngine
from supervision.errors import UnusableEvidence
from supervision.finding import Finding
from supervision.intake import Source
from supervision.kept import with_kept
from supervision.plan import Plan, unbound_tables
from supervision.portable import in_one_order
from supervision.report import one_finding
from supervision.schema import TABLES, Kind
from supervision.state_files import StateFiles
from supervision.trades import ALL_PAYMENTS, MADE, PURPOSES, REFUND

_KEY: Final = "trade_id"
_OF_THE_MADE: Final = (
    "trade_id",
    "made_at",
    "status",
    "seller_group",
    "buyer_group",
    "broker_group",
    "category",
    "geo",
)
"""What a made trade has beside its own row, which is looked at as such."""
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


@dataclass(slots=True)
class Memory:
    """The last run's findings and digests beside this run's."""

    engine: DuckdbEngine
    files: StateFiles
    anew: dict[str, Any]
    last: Mapping[str, Any] | None
    looked_at: dict[str, int | None] = field(default_factory=dict)
    """By rule how many trades were looked at: 0 where all was taken over, None where all was told anew."""

    def findings(self, rule: Rule, plan: Plan) -> list[Finding]:
        """The findings of a rule on the tables of today."""
        inputs = self._inputs(rule, plan.context)
        kept = self._kept(rule)
        found = None
        if kept is not None and kept[0]["whole"] == inputs["whole"]:
            found, self.looked_at[rule.rule_id] = kept[1], 0
        elif kept is not None and rule.apart and kept[0]["beside"] == inputs["beside"]:
            found = self._of_changed(rule, plan, kept[1])
        if found is None:
            rows = plan.rows(self.engine, rule.rule_id)
            found, self.looked_at[rule.rule_id] = list(rule.findings(rows, plan.context)), None
        self._keep(rule, inputs, found)
        return found

    def _inputs(self, rule: Rule, context: Context) -> dict[str, Any]:
        """What the findings follow from: all of it, and what of it is beside the trades' own rows."""
        read = {*rule.needs, *rule.uses}
        tables = self.anew["tables"]
        law = sha256(repr((rule.rule_id, context.rules.values)).encode()).hexdigest()
        whole = {name: tables.get(name) for name in sorted(read | _EVERYWHERE)}
        others = {*(read - {*rule.apart, "orgs"}), *rule.beside}
        beside = {name: tables.get(name) for name in sorted(others)}
        words = self.anew["words"] if "payments" in rule.apart else None
        return {
            "whole": [rfc3339(context.as_of), context.mode.value, law, whole],
            "beside": [context.mode.value, law, beside, words] if rule.apart else None,
        }

    def _kept(self, rule: Rule) -> tuple[dict[str, Any], list[Finding]] | None:
        told = self.last["rules"].get(rule.rule_id) if self.last else None
        if told is None:
            return None
        items = orjson.loads(self.files.read(told["file"]))
        return told["inputs"], [one_finding(item) for item in items]

    def _of_changed(self, rule: Rule, plan: Plan, kept: list[Finding]) -> list[Finding] | None:
        changed = self._changed(rule)
        names = {row[_KEY] for row in self.engine.rows(f'SELECT "{_KEY}" FROM "{changed}"')}  # noqa: S608 - our own
        if "" in names:  # a row that names no trade
            return None
        self.looked_at[rule.rule_id] = len(names)
        found = [finding for finding in kept if finding.objects[0] not in names]
        if names:
            rows = self.engine.rows(_query_of(rule, plan, changed))
            found.extend(rule.findings(rows, plan.context))
        return found

    def _changed(self, rule: Rule) -> str:
        """A table of the trades of which the digest of some row that this rule reads is another."""
        name = "changed_" + "_".join(rule.apart)
        if name not in self.anew["changed"]:
            assert self.last is not None
            pairs = [
                (self.files.path(self.last["trades"][table]), self.files.path(self.anew["trades"][table]))
                for table in _with_made(rule.apart)
            ]
            self.engine.keep(name, " UNION ".join(_differing(old, new) for old, new in pairs))
            self.anew["changed"].add(name)
        return name

    def _keep(self, rule: Rule, inputs: dict[str, Any], found: list[Finding]) -> None:
        if rule.apart and any(len(finding.objects) != 1 for finding in found):
            inputs = inputs | {"beside": None}  # a row without its trade: nothing tells whose finding it is
        file = self.files.write(canonical([finding.document() for finding in found]))
        self.anew["rules"][rule.rule_id] = {"inputs": inputs, "file": file}

    def close(self) -> None:
        """Keep what this run found for the next."""
        self.files.seal({name: value for name, value in self.anew.items() if name != "changed"})


def remember(folder: Path, engine: Any, sources: Mapping[str, Source], plan: Plan) -> Memory:
    """Read the state of the last run and take today's digests. Asked when what is kept (`made`) is made."""
    if not isinstance(engine, DuckdbEngine):
        raise UnusableEvidence("a state is kept by the engine duckdb alone")
    beside = {name for rule in plan.rules for name in rule.beside}
    plan.ready(engine, [MADE, *beside])
    code = _code()
    files = StateFiles(folder)
    last = files.last(code)
    anew: dict[str, Any] = {"code": code, "rules": {}, "tables": {}, "trades": {}, "changed": set()}
    apart = {table for rule in plan.rules for table in rule.apart}
    for name in sorted({*sources, *_with_made(apart), *beside}):
        columns = {MADE: None}.get(name, TABLES.get(name))
        row = _row_hash(name, columns, plan.context)
        if name in _with_made(apart):
            path = engine.work / f"digests_{name}.parquet"
            engine.write(_by_trade(name, row), path)
            anew["trades"][name] = files.take(path)
            total = f"SELECT COUNT(*) AS n, SUM(digest) AS d FROM read_parquet('{path}')"  # noqa: S608
        else:
            total = f'SELECT COUNT(*) AS n, SUM(CAST({row} AS HUGEINT)) AS d FROM "{name}" AS t'  # noqa: S608
        (told,) = engine.rows(total)
        present = sorted(sources[name].columns) if name in sources else []
        anew["tables"][name] = [told["n"], str(told["d"] or 0), present]
    anew["words"] = _words(engine, plan.context)
    return Memory(engine, files, anew, last)


def _with_made(tables: Iterable[str]) -> list[str]:
    """A rule that reads trades may read them with their groups."""
    return sorted({*tables, *({MADE} if "trades" in tables else ())})


def _row_hash(name: str, columns: Any, context: Context) -> str:
    """A hash of a row and of which of its moments have passed."""
    times = [c for c, kind in (columns or {}).items() if kind in {Kind.TIME, Kind.DAY}]
    if name == MADE:
        times = ["made_at", "delivered_at", "accepted_at", "settled_at"]
    at = context.as_of.replace(tzinfo=None)
    passed = "".join(f", \"{column}\" <= TIMESTAMP '{at}'" for column in times)
    if name == MADE:  # numbers are of one run
        return f"hash({', '.join(_OF_THE_MADE)}{passed})"
    return f"hash(t{passed})"


def _by_trade(name: str, row: str) -> str:
    return (
        f'SELECT COALESCE("{_KEY}", \'\') AS "{_KEY}", '  # noqa: S608 - names of our own schema
        f'CAST(SUM(CAST({row} AS HUGEINT)) AS DECIMAL(38, 0)) AS digest FROM "{name}" AS t GROUP BY 1'
    )


def _differing(old: Path, new: Path) -> str:
    return (
        f'SELECT COALESCE(o."{_KEY}", n."{_KEY}") AS "{_KEY}" FROM read_parquet(\'{old}\') AS o '  # noqa: S608
        f'FULL JOIN read_parquet(\'{new}\') AS n ON o."{_KEY}" = n."{_KEY}" '
        "WHERE o.digest IS DISTINCT FROM n.digest"
    )


def _words(engine: DuckdbEngine, context: Context) -> list[Any]:
    """Which purposes payments know, at all and by now: rules ask whether the tables speak of them."""
    known = ", ".join(f"'{purpose}'" for purpose in (*PURPOSES, REFUND))
    at = context.as_of.replace(tzinfo=None)
    sql = (
        f"SELECT DISTINCT purpose, COALESCE(paid_at <= TIMESTAMP '{at}', false) AS paid "  # noqa: S608
        f"FROM payments WHERE purpose IN ({known})"
    )
    return sorted([row["purpose"], row["paid"]] for row in engine.rows(sql))


def _query_of(rule: Rule, plan: Plan, changed: str) -> str:
    """The rule's query over the rows of some trades alone."""
    tables = dict(unbound_tables())
    whole = tables["payments"]
    keys = ibis.table({_KEY: "string"}, name=changed)
    tables[MADE] = with_kept(tables, plan.context)[0][MADE]
    for name in _with_made(rule.apart):
        tables[name] = tables[name].semi_join(keys, _KEY)
    tables[ALL_PAYMENTS] = whole
    return as_sql(in_one_order(rule.expression(tables, plan.context)), "duckdb")


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
