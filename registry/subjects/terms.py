"""The numbers of the data subjects' desk (`rule_table.csv`), as they are in force on a day; pure."""

from datetime import datetime, timedelta

from base.calendar import deadline_after, end_of_day_shanghai, shanghai_day
from base.rule_table import RulesInForce, RuleValue, in_force, table_of


def all_terms() -> tuple[RuleValue, ...]:
    """Every line of the table."""
    return table_of("registry.subjects")


def due_after(at: datetime, rule_id: str, name: str) -> datetime:
    """The last moment of a time limit that begins now: working days, or days, to the end in Shanghai."""
    value = RulesInForce(in_force(at, all_terms())).named(rule_id, name)
    if value.unit == "wd":
        return deadline_after(at, value.whole).at
    return end_of_day_shanghai(shanghai_day(at) + timedelta(days=value.whole))
