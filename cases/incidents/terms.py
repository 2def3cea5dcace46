"""The numbers of incidents and warnings (`rule_table.csv`), as they are in force on a day; pure."""

from datetime import datetime, timedelta

from base.rule_table import RulesInForce, RuleValue, in_force, table_of

_UNITS = {"minutes": "minutes", "hours": "hours", "days": "days"}


def all_terms() -> tuple[RuleValue, ...]:
    """Every line of the table."""
    return table_of("cases.incidents")


def rules_at(at: datetime) -> RulesInForce:
    """Every number in force on a day in Shanghai."""
    return RulesInForce(in_force(at, all_terms()))


def term(rule_id: str, name: str, at: datetime) -> RuleValue:
    """One number as it is in force on a day. Raises KeyError where none was."""
    return rules_at(at).named(rule_id, name)


def span_of(value: RuleValue) -> timedelta:
    """A time of the table, by the clock: no working days, no holidays. Raises KeyError for another unit."""
    return timedelta(**{_UNITS[value.unit]: value.whole})
