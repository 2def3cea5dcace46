"""The numbers of supervision's rules: `rule_table.csv` of this room, read by `base.rule_table`.

Here a rule is in force in one version as a whole: a finding cites it.
"""

from collections.abc import Iterable
from datetime import date, datetime

from base import rule_table
from base.rule_table import STATUSES, RuleValue

__all__ = ["STATUSES", "RuleValue", "RulesInForce", "all_values", "in_force"]


class RulesInForce(rule_table.RulesInForce):
    """The rules of one day, each in one version. Raises ValueError where there are two."""

    def __init__(self, values: Iterable[RuleValue]) -> None:
        super().__init__(values)
        versions: dict[str, str] = {}
        for value in self.values:
            if versions.setdefault(value.rule_id, value.version) != value.version:
                raise ValueError(f"two versions of {value.rule_id}.{value.name} are in force at once")

    def version(self, rule_id: str) -> str:
        return self._first(rule_id).version

    def since(self, rule_id: str) -> date | None:
        """The first day of the version in force; None where it has none."""
        return self._first(rule_id).effective_from

    def legal_basis(self, rule_id: str) -> str:
        """The sources of the rule's numbers, each once."""
        return "；".join(dict.fromkeys(value.legal_basis for value in self.of(rule_id)))

    def threshold(self, *rule_ids: str) -> dict[str, dict[str, str]]:
        """The numbers of these rules as a finding cites them, under names like `AML24-X@2.share_below`."""
        return {
            value.cited: {"value": value.value, "unit": value.unit, "source_status": value.source_status}
            for rule_id in rule_ids
            for value in self.of(rule_id)
        }

    def _first(self, rule_id: str) -> RuleValue:
        if rule_id not in self:
            raise KeyError(rule_id)
        return self.of(rule_id)[0]


def all_values() -> tuple[RuleValue, ...]:
    """Every line of the table. Raises ValueError where a line is not of its form."""
    return rule_table.table_of("supervision")


def in_force(at: datetime, values: Iterable[RuleValue] | None = None) -> RulesInForce:
    """The rules in force at a time; the day is Shanghai's."""
    return RulesInForce(rule_table.in_force(at, all_values() if values is None else values))
