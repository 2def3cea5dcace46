"""Run every rule that the tables allow, and say which they do not allow."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from base.canonical import canonical
from base.clock import rfc3339
from supervision import measures
from supervision.context import Context, Mode, Rule
from supervision.duckdb import open_duckdb
from supervision.engine import Engine, Opening
from supervision.errors import UnusableEvidence
from supervision.finding import Finding
from supervision.incremental import remember
from supervision.intake import Source, strangers, take_in
from supervision.plan import Plan, make_plan
from supervision.rule_table import in_force
from supervision.rules import ALL
from supervision.sifting import is_a_moment

_EVERYWHERE: Final = ("orgs", "flags")


@dataclass(frozen=True, slots=True)
class Supervision:
    """What a run of the rules gave."""

    as_of: datetime
    mode: Mode
    tables: Mapping[str, Mapping[str, Any]]
    ignored_files: tuple[str, ...]
    rules_run: tuple[Mapping[str, Any], ...]
    rules_off: tuple[Mapping[str, Any], ...]
    statistics: Mapping[str, Any]
    findings: tuple[Finding, ...]
    looked_at: Mapping[str, int | None] = field(default_factory=dict)
    """With a state, by rule: how many trades were looked at, 0 where none had to be, None where all were."""

    def document(self) -> dict[str, Any]:
        """The content of `findings.json`, findings sorted by id."""
        documents = [finding.document() for finding in self.findings]
        return {
            "as_of": rfc3339(self.as_of),
            "mode": self.mode.value,
            "tables": dict(self.tables),
            "ignored_files": list(self.ignored_files),
            "rules_run": list(self.rules_run),
            "rules_off": list(self.rules_off),
            "statistics": dict(self.statistics),
            "findings": sorted(documents, key=lambda document: str(document["finding_id"])),
        }

    def encoded(self) -> bytes:
        """Canonical JSON (RFC 8785) and a newline: the same tables give the same bytes."""
        return canonical(self.document()) + b"\n"


def supervise(
    folder: Path,
    *,
    as_of: datetime | None = None,
    mode: Mode = Mode.TOP_K,
    opening: Opening = open_duckdb,
    state: Path | None = None,
) -> Supervision:
    """Run every rule on a folder of evidence tables. `as_of` defaults to the latest time in them.

    `opening` starts the engine; which one it is changes no byte, nor does a `state` (a folder) of what an
    earlier run found, which spares telling anew what has not changed. Reads the folder, keeps work files in a
    temporary one, and writes nothing else. Raises UnusableEvidence where a table cannot be read as what it
    claims to be.
    """
    with _opened(folder, ALL, opening, keys_held=state is not None) as (engine, sources):
        at = _looked_from(as_of, engine, sources)
        context = Context(as_of=at, rules=in_force(at), mode=mode)
        return _run(engine, sources, make_plan(context, dialect=engine.dialect), folder, state)


def carry_out(
    plan: Plan, folder: Path, *, opening: Opening = open_duckdb, state: Path | None = None
) -> Supervision:
    """Run a plan, made for the engine's dialect, on a folder of evidence tables; otherwise as `supervise`."""
    with _opened(folder, plan.rules, opening, keys_held=state is not None) as (engine, sources):
        return _run(engine, sources, plan, folder, state)


def _looked_from(as_of: datetime | None, engine: Engine, sources: Mapping[str, Source]) -> datetime:
    at = as_of or engine.latest_time()
    if at is None:
        raise UnusableEvidence("the tables hold no time: say from when to look (--as-of)")
    if not is_a_moment(at):
        odd = ", ".join(f"{name}.{column}" for name, one in sources.items() for column in one.read_otherwise)
        whose = "" if as_of else f", the latest in the tables ({odd}): say from when to look (--as-of)"
        raise UnusableEvidence(f"nothing can be looked at from {at.isoformat()}{whose}")
    return whole_millisecond(at)


def whole_millisecond(at: datetime) -> datetime:
    """The first whole millisecond not before `at`: what the report says is what the rules looked from."""
    return at + timedelta(microseconds=-at.microsecond % 1000)


@contextmanager
def _opened(
    folder: Path, rules: Iterable[Rule], opening: Opening = open_duckdb, *, keys_held: bool = False
) -> Iterator[tuple[Engine, Mapping[str, Source]]]:
    """The tables, their ids checked: where those of most rows `keys_held` before, by `remember`."""
    wanted = frozenset(_EVERYWHERE).union(*(rule.needs.keys() | set(rule.uses) for rule in rules))
    with tempfile.TemporaryDirectory(prefix="databourse-supervise-") as work:
        sources = take_in(folder, Path(work), wanted)
        with opening(sources, Path(work)) as engine:
            if not keys_held:
                engine.check_keys()
            yield engine, sources


def _run(
    engine: Engine, sources: Mapping[str, Source], plan: Plan, folder: Path, state: Path | None
) -> Supervision:
    context = plan.context
    run, off, findings = [], [], []
    memory = None if state is None else remember(state, engine, sources, plan)
    asked = engine if memory is None else memory
    for rule in plan.rules:
        reason = _off(rule, sources, context)
        if reason is not None:
            off.append({"rule_id": rule.rule_id, **reason})
            continue
        with _named(rule.rule_id):
            if memory is None:
                found = list(rule.findings(plan.rows(engine, rule.rule_id), context))
            else:
                found = memory.findings(rule)
        findings.extend(found)
        run.append(
            {
                "rule_id": rule.rule_id,
                "rule_version": context.rules.version(rule.rule_id),
                "findings": len(found),
                "without": sorted(table for table in rule.uses if table not in sources),
                "empty": sorted(
                    table
                    for table in (*rule.needs, *rule.uses)
                    if table in sources and sources[table].is_empty
                ),
            }
        )
    statistics = _statistics(asked, sources, plan)
    if memory is not None:
        memory.close()
    return Supervision(
        as_of=context.as_of,
        mode=context.mode,
        tables={name: source.document() for name, source in sorted(sources.items())},
        ignored_files=tuple(strangers(folder)),
        rules_run=tuple(run),
        rules_off=tuple(off),
        statistics=statistics,
        findings=tuple(findings),
        looked_at=memory.looked_at if memory else {},
    )


@contextmanager
def _named(rule_id: str) -> Iterator[None]:
    """Evidence that a rule stumbles over (a file that lies of itself) is refused, and the rule is named."""
    try:
        yield
    except UnusableEvidence as error:
        raise UnusableEvidence(f"{rule_id}: {error.detail}") from error
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise UnusableEvidence(f"{rule_id} cannot judge these tables: {error!r}") from error


def _off(rule: Rule, sources: Mapping[str, Source], context: Context) -> dict[str, Any] | None:
    """Why the rule cannot run: a table or a column that is not there, or no version in force that day."""
    missing = missing_of(rule.needs, sources)
    if missing is None and not rule.in_force(context):
        return {"missing_table": None, "reason": "no version of the rule is in force at as_of"}
    return missing


def missing_of(needs: Mapping[str, tuple[str, ...]], sources: Mapping[str, Source]) -> dict[str, Any] | None:
    """The first table or column that is needed and not there, as a report says it."""
    for table, columns in sorted(needs.items()):
        if table not in sources:
            return {"missing_table": table, "reason": f"the table {table} is not there"}
        for column in columns:
            if column not in sources[table].columns:
                reason = f"the table {table} has no column {column}"
                return {"missing_table": table, "missing_column": column, "reason": reason}
    return None


def _statistics(engine: Engine, sources: Mapping[str, Source], plan: Plan) -> dict[str, Any]:
    missing = missing_of(measures.NEEDS, sources)
    if missing is not None:
        return {"markets": None, "prices": None, "reason": missing["reason"]}
    context = plan.context
    with _named("the statistics"):
        return _told_of_markets(engine, plan, context)


def _told_of_markets(engine: Engine, plan: Plan, context: Context) -> dict[str, Any]:
    return {
        "window": {"from": rfc3339(context.market_since), "to": rfc3339(context.as_of)},
        "markets": list(measures.concentration(plan.rows(engine, "concentration"), context)),
        "prices": list(measures.prices(plan.rows(engine, "prices"))),
    }
