"""The numbers of asset certificates (`rule_table.csv`), as they are in force on a day; pure."""

from datetime import datetime

from base.rule_table import RulesInForce, RuleValue, in_force, table_of


def all_terms() -> tuple[RuleValue, ...]:
    """Every line of the table."""
    return table_of("registry.vouchers")


def term(name: str, at: datetime) -> int:
    """A number as it is in force on a day in Shanghai. Raises KeyError where none was."""
    return RulesInForce(in_force(at, all_terms())).whole("CRT-TERM", name)
