"""XB1: declarations that together, by group and calendar year, ask for a stricter route than they took.

The counters are cumulative since 1 January in Shanghai, of distinct persons by hash, sensitive ones apart
(CAC order 16, Arts 5, 7, 8). What one declaration must have is what the group's counter asks when it is made.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import ibis

from supervision.context import Context, Row, Rule, Tables
from supervision.exporting import ASSESSMENT, CONTRACT, EXEMPT, NEVER_MADE, PROHIBITED, ROUTES, declarations
from supervision.finding import Checked, Finding, Severity
from supervision.saying import because, tell


def expression(tables: Tables, context: Context) -> Any:
    """Declarations that count, in their order, each with how many persons it is the first to count.

    A person belongs to the first declaration of its group, year and kind that names it: the sums of these
    firsts are the numbers of distinct persons, and no list of persons leaves the engine.
    """
    made = declarations(tables, context)
    made = made.filter(~made.uncounted, ~made.status.isin(NEVER_MADE), made.took < PROHIBITED)
    made = _halves(made.filter((made.path != "") | (made.status != "DECLARED")))  # with a route
    made = made.mutate(
        year=made.counts_in.fill_null(
            (made.declared_at + ibis.interval(hours=8)).year().cast("int64"),
        ),
        sensitive=made.sensitive.fill_null(False),
        important=made.important.fill_null(False),
        declared_seq=made.seq.fill_null(2**62),
    )
    person = tables["export_persons"].select(named="declaration_id", person="person_hash").distinct()
    counted = made.select(
        "declaration_id", "exporter_group", "year", "sensitive", "declared_at", "declared_seq", "apart"
    )
    counted = counted.filter(~counted.apart).drop("apart")
    counted = counted.inner_join(person, [("declaration_id", "named")])
    nth = ibis.row_number().over(
        group_by=("exporter_group", "year", "sensitive", "person"),
        order_by=[counted.declared_at.asc(), counted.declared_seq.asc(), counted.declaration_id.asc()],
    )
    counted = counted.mutate(nth=nth)
    counted = counted.group_by("declaration_id").agg(
        fresh=(counted.nth == 0).sum().cast("int64"), hashed=counted.count()
    )
    made = made.left_join(counted, "declaration_id").drop("declaration_id_right")
    return made.select(
        *(
            "declaration_id",
            "exporter_id",
            "exporter_group",
            "recipient_id",
            "year",
            "sensitive",
            "important",
        ),
        *(
            "ciio",
            "took",
            "regional",
            "persons_declared",
            "told",
            "fresh",
            "hashed",
            "declared_at",
            "declared_seq",
            "seq",
        ),
    ).order_by("exporter_group", "year", "sensitive", "declared_at", "declared_seq", "declaration_id")


def _halves(made: Any) -> Any:
    """Each declaration that tells its sensitive persons apart as two: those, and the others (where any).

    `told` is how many of the kind the exchange counted in the group, lists against lists.
    """
    apart, sensitive = made.sensitive_persons.notnull(), made.sensitive_persons.fill_null(0)
    made = made.mutate(apart=apart, told=ibis.null("int64"))
    others = made.persons_declared.fill_null(0) - sensitive
    first = made.filter(~made.apart | (sensitive > 0))
    first = first.mutate(
        persons_declared=ibis.ifelse(first.apart, first.sensitive_persons, first.persons_declared),
        told=ibis.ifelse(first.apart, first.group_sensitive, first.told),
    )
    second = made.filter(made.apart, (others > 0) | (sensitive == 0))
    second = second.mutate(
        persons_declared=second.persons_declared - second.sensitive_persons,
        sensitive=ibis.literal(False),
        told=second.group_persons,
    )
    return first.union(second.select(*first.columns))


@dataclass
class _Count:
    """Distinct persons of one kind since 1 January, and the declarations they came from."""

    persons: int = 0
    rows: list[Row] = field(default_factory=list)

    def add(self, row: Row) -> None:
        most = self.persons + (row["fresh"] if row["hashed"] else row["persons_declared"] or 0)
        told = most if row["told"] is None else row["told"]
        self.persons = max(self.persons, min(most, told))
        self.rows.append(row)


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding for each counter and route that it asks for; one for each declaration too light alone."""
    for _, group in groupby(rows, key=lambda row: (row["exporter_group"], row["year"], row["sensitive"])):
        count = _Count()
        split: dict[int, tuple[list[Row], _Count]] = {}
        for row in group:
            count.add(row)
            alone = _Count(_persons(row), [row])
            due, due_alone = _due(count.persons, row, context), _due(alone.persons, row, context)
            if row["regional"] or row["took"] >= due:
                continue
            if row["took"] < due_alone:
                yield _finding("route-too-light", due_alone, [row], alone, context)
            else:
                light, _ = split.get(due, ([], count))
                split[due] = ([*light, row], _Count(count.persons, list(count.rows)))
        for due, (light, reached) in sorted(split.items()):
            yield _finding("splitting", due, light, reached, context)


def _persons(row: Row) -> int:
    return int(row["hashed"] or row["persons_declared"] or 0)


def _due(persons: int, row: Row, context: Context) -> int:
    """The route that so many persons of the declaration's kind ask for."""
    whole, kind = context.rules.whole, "_sensitive_from" if row["sensitive"] else "_from"
    if not _persons(row) and not row["important"]:
        return EXEMPT
    if row["important"] or row["ciio"] or persons >= whole("XB1", f"assessment{kind}"):
        return ASSESSMENT
    return CONTRACT if persons >= whole("XB1", f"contract{kind}") else EXEMPT


def _finding(kind: str, due: int, light: list[Row], count: _Count, context: Context) -> Finding:
    about = count.rows
    return tell(
        "XB1",
        context,
        zh="涉嫌拆分数量或走过轻的出境路径",
        en="suspected splitting of quantities, or too light a route across the border",
        severity=Severity.HIGH,
        window=(about[0]["declared_at"], light[-1]["declared_at"]),
        subjects=(row["exporter_id"] for row in about),
        objects=(row["declaration_id"] for row in about),
        statistic={
            "kind": kind,
            "controller_id": light[0]["exporter_group"],
            "year": light[0]["year"],
            "persons": count.persons,
            "sensitive": light[0]["sensitive"],
            "route_due": ROUTES[due],
            "too_light": [row["declaration_id"] for row in light],
            "routes_taken": sorted({ROUTES[row["took"]] for row in light}),
            "declarations_without_hashes": sum(not row["hashed"] for row in about),
        },
        evidence=(row["seq"] for row in about),
        innocent=(
            because(
                "same-persons",
                "同一自然人重复计算",
                "the same persons were counted twice",
                Checked.RULED_OUT if all(row["hashed"] for row in about) else Checked.OPEN,
            ),
            because("exempt-flow", "属于豁免情形", "an exempt flow that the declaration did not name"),
            because("year", "跨年度", "declarations of different years", Checked.RULED_OUT),
        ),
    )


RULE = Rule(
    rule_id="XB1",
    needs={
        "exports": ("declaration_id", "exporter_id", "declared_at", "sensitive", "persons_declared"),
        "orgs": ("org_id", "controller_id"),
    },
    uses=("export_persons",),
    expression=expression,
    findings=findings,
)
