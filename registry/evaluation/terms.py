"""The numbers of the evaluation (`rule_table.csv`), as they are in force on a day; pure."""

from datetime import datetime

from base.calendar import deadline_after
from base.rule_table import RulesInForce, RuleValue, in_force, table_of

CITED = ("EVL-IND", "EVL-CALC", "EVL-GRADE")
"""The rules that a score rests on: frozen with its inputs."""


def rules_at(at: datetime) -> RulesInForce:
    """Every number in force on a day in Shanghai."""
    return RulesInForce(in_force(at, table_of("registry.evaluation")))


def term(rule_id: str, name: str, at: datetime) -> RuleValue:
    """One number as it is in force on a day. Raises KeyError where none was."""
    return rules_at(at).named(rule_id, name)


def due_after(name: str, at: datetime) -> datetime:
    """When a period of the procedure that begins at a moment is over."""
    return deadline_after(at, term("EVL-TIME", name, at).whole).at


def cited_at(at: datetime) -> dict[str, dict[str, str]]:
    """The numbers that a score rests on, as its inputs keep them: by rule and name, and which version."""
    rules = rules_at(at)
    return {
        rule_id: {one.name: one.value for one in rules.of(rule_id)}
        | {"version": max(one.version for one in rules.of(rule_id))}
        for rule_id in CITED
    }
