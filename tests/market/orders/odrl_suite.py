"""Ask our ODRL core the cases of a public test suite: `python -m tests.market.orders.odrl_suite FOLDER`.

The folder holds Turtle: policies, requests, states of the world, and test cases whose expected compliance
report says of each rule whether it is active and which of its premises are satisfied (in the vocabulary
w3id.org/force). Nothing of a suite is kept here. Prints a line for each case that differs, and the count.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from rdflib import RDF, Graph, Namespace
from rdflib.namespace import DCTERMS, ODRL2

from market.orders.odrl import (
    ORDERED,
    Answer,
    Constraint,
    DutyState,
    Joined,
    Operand,
    Request,
    Rule,
    World,
    ask,
)

REPORT = Namespace("https://w3id.org/force/compliance-report#")
ASKED = Namespace("https://w3id.org/force/sotw#")
CASE = Namespace("http://example.org/")
NOW = Namespace("http://example.com/request/")["currentTime"]
PREMISES = {
    REPORT.TargetReport: lambda answer: answer.target,
    REPORT.PartyReport: lambda answer: answer.party,
    REPORT.ActionReport: lambda answer: answer.action,
    REPORT.ConstraintReport: lambda answer: not answer.failed,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One rule of one case: what the suite expects of it and what we say."""

    case: str
    expected: tuple[bool, ...]
    told: tuple[bool, ...]


def outcomes(folder: Path) -> Iterator[Outcome]:
    """Every rule of every case below the folder."""
    files = sorted(folder.rglob("*.ttl"))
    stood_in: dict[Any, Graph] = {}  # each file keeps to itself: two policies may name two constraints alike
    cases = []
    for path in files:
        graph = Graph().parse(path)
        if (None, RDF.type, CASE.TestCase) in graph:
            cases.append((path.stem, graph))
        else:
            stood_in |= dict.fromkeys(graph.subjects(RDF.type), graph)
    for name, graph in cases:
        (case,) = graph.subjects(RDF.type, CASE.TestCase)
        world = _world(stood_in[graph.value(case, CASE.sotw)])
        asked, policy = graph.value(case, CASE.request), graph.value(case, CASE.policy)
        request = _request(stood_in[asked], asked)
        report = graph.value(case, CASE.expectedReport)
        for rule in graph.objects(report, REPORT.ruleReport):
            answer = ask(_rule(stood_in[policy], graph.value(rule, REPORT.rule)), request, world)
            yield Outcome(name, *_compared(graph, rule, answer))


def _compared(graph: Graph, rule: Any, answer: Answer) -> tuple[tuple[bool, ...], tuple[bool, ...]]:
    expected = [graph.value(rule, REPORT.activationState) == REPORT.Active]
    told = [answer.active]
    for premise in graph.objects(rule, REPORT.premiseReport):
        of_kind = PREMISES.get(graph.value(premise, RDF.type))
        if of_kind is not None:
            expected.append(graph.value(premise, REPORT.satisfactionState) == REPORT.Satisfied)
            told.append(of_kind(answer))
    return tuple(expected), tuple(told)


def _request(graph: Graph, said: Any) -> Request:
    node = graph.value(said, ODRL2.permission)
    by, action, target = (
        (graph.value(said, ASKED[name]) for name in ("requestingParty", "requestedAction", "requestedTarget"))
        if node is None
        else (graph.value(node, name) for name in (ODRL2.assignee, ODRL2.action, ODRL2.target))
    )
    return Request(by=str(by), action=_name(action), target=str(target))


def _rule(graph: Graph, said: Any) -> Rule:
    action, target, assignee = (
        graph.value(said, name) for name in (ODRL2.action, ODRL2.target, ODRL2.assignee)
    )
    return Rule(
        action=None if action is None else _name(action),
        target=None if target is None else str(target),
        assignee=None if assignee is None else str(assignee),
        constraints=tuple(_bound(graph, one) for one in graph.objects(said, ODRL2.constraint)),
        duties=tuple(str(one) for one in graph.objects(said, ODRL2.duty)),
    )


def _bound(graph: Graph, said: Any) -> Constraint | Joined:
    for operand in Operand:
        parts = list(graph.objects(said, ODRL2[operand.value]))
        if parts:
            return Joined(operand, tuple(_bound(graph, one) for one in parts))
    left, operator, right = (
        graph.value(said, name) for name in (ODRL2.leftOperand, ODRL2.operator, ODRL2.rightOperand)
    )
    return Constraint(_name(left), _name(operator), right.toPython())


def _world(graph: Graph) -> World:
    members: dict[str, frozenset[str]] = {}
    for member, whole in graph.subject_objects(ODRL2.partOf):
        members[str(whole)] = members.get(str(whole), frozenset()) | {str(member)}
    states = {REPORT.Performed: DutyState.FULFILLED, REPORT.Unperformed: DutyState.VIOLATED}
    duties = {
        str(graph.value(duty, REPORT.rule)): states.get(
            graph.value(duty, REPORT.performanceState), DutyState.NOT_SET
        )
        for duty in graph.subjects(RDF.type, REPORT.DutyReport)
    }
    now = graph.value(NOW, DCTERMS.issued).toPython()
    return World(holds=partial(_holds, now), members=members, duties=duties)


def _holds(now: datetime, constraint: Constraint) -> bool:
    if constraint.left != "dateTime":
        raise ValueError(f"the world does not tell {constraint.left}")
    return ORDERED[constraint.operator](now, constraint.right)


def _name(iri: Any) -> str:
    return str(iri).removeprefix(str(ODRL2))


def main(folder: Path) -> int:
    """Say what differs; 0 where nothing does and something was asked."""
    asked = list(outcomes(folder))
    wrong = [one for one in asked if one.expected != one.told]
    lines = [f"{one.case}: expected {one.expected}, told {one.told}" for one in wrong]
    sys.stdout.write("\n".join([*lines, f"{len(asked)} rules asked, {len(wrong)} differ"]) + "\n")
    return 0 if asked and not wrong else 1


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
