"""The core that asks a rule of an ODRL policy: what is left open, what is part of what, how bounds join."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.orders.odrl import (
    INCLUDED_IN,
    Constraint,
    DutyState,
    Joined,
    Operand,
    Request,
    Rule,
    World,
    ask,
    includes,
)
from tests.market.orders.odrl_suite import main, outcomes

READS = Request(by="alice", action="read", target="x")
YES, NO = Constraint("holds", "eq", True), Constraint("holds", "eq", False)
WORLD = World(holds=lambda one: one.right)


def active(rule: Rule, request: Request = READS, world: World = WORLD) -> bool:
    return ask(rule, request, world).active


@pytest.mark.parametrize(
    ("rule", "covered"),
    [
        (Rule(), True),
        (Rule(action="use"), True),
        (Rule(action="transfer"), False),
        (Rule(action="read", assignee="alice", target="x"), True),
        (Rule(action="read", assignee="bob", target="x"), False),
        (Rule(action="read", assignee="alice", target="y"), False),
        (Rule(action="write", assignee="alice", target="x"), False),
        (Rule(assignee="friends"), True),
        (Rule(assignee="strangers"), False),
        (Rule(target="papers", assignee="friends"), True),
    ],
)
def test_what_a_rule_names_it_asks_and_what_it_leaves_out_it_leaves_open(rule, covered):
    world = World(
        holds=WORLD.holds,
        members={
            "friends": frozenset({"alice"}),
            "papers": frozenset({"x"}),
            "strangers": frozenset({"bob"}),
        },
    )
    assert ask(rule, READS, world).covers is covered
    assert active(rule, world=world) is covered


@pytest.mark.parametrize(
    ("whole", "parts", "others"),
    [
        ("use", ("use", "read", "print", "extract", "write"), ("sell", "give", "transfer", "unheard-of")),
        ("transfer", ("transfer", "sell", "give"), ("use", "read")),
        ("present", ("display", "play", "print"), ("use", "read")),
        ("read", ("read",), ("use", "print")),
    ],
)
def test_an_action_covers_itself_and_its_parts_and_never_the_whole_it_is_of(whole, parts, others):
    assert all(includes(whole, part) for part in parts)
    assert not any(includes(whole, other) for other in others)


def test_every_action_of_the_vocabulary_ends_in_use_or_transfer():
    assert {action for action, whole in INCLUDED_IN.items() if whole is None} == {"use", "transfer"}
    for action in INCLUDED_IN:
        assert includes("use", action) != includes("transfer", action)


@pytest.mark.parametrize(
    ("operand", "parts", "holds"),
    [
        (Operand.AND, (YES, YES), True),
        (Operand.AND, (YES, NO), False),
        (Operand.AND_SEQUENCE, (NO, YES), False),
        (Operand.OR, (NO, YES), True),
        (Operand.OR, (NO, NO), False),
        (Operand.XONE, (YES, NO, NO), True),
        (Operand.XONE, (YES, YES, NO), False),
        (Operand.XONE, (NO, NO), False),
        (Operand.AND, (YES, Joined(Operand.OR, (NO, Joined(Operand.XONE, (YES, NO))))), True),
    ],
)
def test_bounds_join_as_their_operand_says(operand, parts, holds):
    bound = Joined(operand, parts)
    answer = ask(Rule(constraints=(bound,)), READS, WORLD)
    assert answer.active is holds
    assert answer.failed == (() if holds else (bound,))


@pytest.mark.parametrize(
    ("state", "permitted"),
    [(DutyState.NOT_SET, True), (DutyState.FULFILLED, True), (DutyState.VIOLATED, False)],
)
def test_only_a_violated_duty_ends_its_permission(state, permitted):
    answer = ask(Rule(duties=("pay",)), READS, World(holds=WORLD.holds, duties={"pay": state}))
    assert answer.active is permitted
    assert answer.violated == (() if permitted else ("pay",))
    assert active(Rule(duties=("pay",)))  # a duty that nobody reported is not set


@given(st.lists(st.booleans(), max_size=6), st.lists(st.booleans(), max_size=6))
def test_another_bound_never_lets_more_be(first, second):
    bounds = tuple(Constraint("holds", "eq", one) for one in first)
    more = tuple(Constraint("holds", "eq", one) for one in second)
    assert active(Rule(constraints=bounds)) >= active(Rule(constraints=(*bounds, *more)))
    assert active(Rule(constraints=bounds)) is all(first)


PREFIXES = """
@prefix odrl: <http://www.w3.org/ns/odrl/2/> .
@prefix ex: <http://example.org/> .
@prefix told: <https://w3id.org/force/compliance-report#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix dct: <http://purl.org/dc/terms/> .
@prefix now: <http://example.com/request/> .
"""
POLICY = """
ex:policy a odrl:Set ; odrl:permission ex:rule .
ex:rule a odrl:Permission ; odrl:assignee ex:team ; odrl:action odrl:use ; odrl:target ex:table ;
    odrl:constraint [ odrl:and [ odrl:leftOperand odrl:dateTime ; odrl:operator odrl:lt ;
        odrl:rightOperand "2026-12-01T00:00:00Z"^^xsd:dateTime ] ] .
ex:asked a odrl:Request ; odrl:permission
    [ odrl:assignee ex:li ; odrl:action odrl:read ; odrl:target ex:table ] .
ex:world a ex:Sotw . now:currentTime dct:issued "{at}"^^xsd:dateTime . ex:li odrl:partOf ex:team .
"""
CASE = """
ex:case a ex:TestCase ; ex:policy ex:policy ; ex:request ex:asked ; ex:sotw ex:world ;
    ex:expectedReport ex:report .
ex:report a told:PolicyReport ; told:ruleReport ex:said .
ex:said a told:PermissionReport ; told:rule ex:rule ; told:activationState told:{state} ; told:premiseReport
    [ a told:PartyReport ; told:satisfactionState told:Satisfied ],
    [ a told:ConstraintReport ; told:satisfactionState told:{bound} ] .
"""


@pytest.mark.parametrize(
    ("at", "told", "differ"),
    [
        ("2026-11-30T23:59:59Z", ("Active", "Satisfied"), 0),
        ("2026-12-01T00:00:00Z", ("Inactive", "Unsatisfied"), 0),
        ("2026-12-01T00:00:00Z", ("Active", "Satisfied"), 1),
        ("2026-11-30T23:59:59Z", ("Active", "Unsatisfied"), 1),
    ],
)
def test_a_public_suite_is_read_and_a_wrong_expectation_is_told(tmp_path: Path, capsys, at, told, differ):
    state, bound = told
    (tmp_path / "policy.ttl").write_text(PREFIXES + POLICY.format(at=at))
    (tmp_path / "case.ttl").write_text(PREFIXES + CASE.format(state=state, bound=bound))
    assert len(list(outcomes(tmp_path))) == 1
    assert main(tmp_path) == differ
    assert f"1 rules asked, {differ} differ" in capsys.readouterr().out


def test_a_folder_without_a_case_is_no_success(tmp_path: Path):
    assert main(tmp_path) == 1
