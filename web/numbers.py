"""The numbers of law of the rooms that pages and API show, every version of each."""

from typing import Final

from base.rule_table import RuleValue, table_of

ROOMS: Final = (
    *("supervision", "brokers", "cases", "cases.bulletins", "cases.incidents"),
    *("market.customs", "market.quotes", "registry.assessments", "registry.duties"),
    *("registry.evaluation", "registry.grading", "registry.lists", "registry.opening"),
    *("registry.operation", "registry.registration", "registry.subjects", "registry.vouchers"),
)
"""Whose rule tables are shown: all that there are."""


def numbers(room: str) -> list[tuple[str, RuleValue]]:
    """Every number of a room's table, or of all (`room` empty), in order, with the table's name."""
    rows = [(name, one) for name in ROOMS if room in {"", name} for one in table_of(name)]
    return sorted(rows, key=lambda row: (row[0], row[1].rule_id, row[1].name, row[1].version))
