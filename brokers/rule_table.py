"""The numbers of the rules on brokers: `rule_table.csv` of this room, read by `base.rule_table`.

Which version decides is asked for a day: an application is measured by the rules in force on the day it came
in, a deadline by those of the day it begins.
"""

from collections.abc import Iterable
from datetime import datetime

from base import rule_table
from base.rule_table import RulesInForce, RuleValue

__all__ = ["RuleValue", "RulesInForce", "all_values", "in_force"]


def all_values() -> tuple[RuleValue, ...]:
    """Every line of the table. Raises ValueError where a line is not of its form."""
    return rule_table.table_of("brokers")


def in_force(at: datetime, values: Iterable[RuleValue] | None = None) -> RulesInForce:
    """The rules in force at a moment; the day is Shanghai's."""
    return RulesInForce(rule_table.in_force(at, all_values() if values is None else values))
