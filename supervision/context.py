"""What every rule is given beside the tables, and what a rule is."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from base.calendar import months_after
from supervision.finding import Confidence, Finding, Market
from supervision.rule_table import RulesInForce

Tables = Mapping[str, Any]  # name → ibis table, bound to no engine
Row = Mapping[str, Any]


class Mode(StrEnum):
    """Which sets AML24-2 and AML24-3 test: the largest k undertakings, or any k of them."""

    TOP_K = "top_k"
    ANY_SET = "any_set"


@dataclass(frozen=True, slots=True)
class Context:
    """The moment the rules look from, and the rule table of that day. Nothing later than `as_of` counts."""

    as_of: datetime
    rules: RulesInForce
    mode: Mode = Mode.TOP_K

    @property
    def market_since(self) -> datetime:
        """The start of the trailing window of a relevant market; this very moment is outside it."""
        return months_after(self.as_of, -self.rules.whole("MARKET", "window"))

    def confidence(self, *, trades: int, buyers: int) -> Confidence:
        """Low for a thin market. Few sellers are no reason: that is what a monopoly looks like."""
        thin = trades < self.rules.whole("MARKET", "thin_trades_below")
        thin = thin or buyers < self.rules.whole("MARKET", "thin_buyers_below")
        return Confidence.LOW if thin else Confidence.HIGH


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """A rule: one expression over the tables, and how its rows become findings.

    `needs` are the tables and columns without which it cannot run, `uses` tables it can do without.
    `cites` are the other entries of the rule table it needs. `findings` gets the rows in the expression's own
    order. `apart` are the tables whose rows belong to a trade each (`trade_id`), of a rule whose every
    finding is about one trade, its only object, and follows from that trade's rows in them, from other tables
    as a whole, and from `as_of` only in what has happened by then: a day's new trades leave the findings
    about others as they are (`supervision.incremental`). `beside` is what is kept (`supervision.kept`) that
    such a rule reads as a whole: the groups of its trades it has in their own rows.
    """

    rule_id: str
    needs: Mapping[str, tuple[str, ...]]
    expression: Callable[[Tables, Context], Any]
    findings: Callable[[Iterator[Row], Context], Iterator[Finding]]
    uses: tuple[str, ...] = ()
    cites: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()

    def in_force(self, context: Context) -> bool:
        """Whether the rule table of that day has a version of the rule and of what it cites."""
        return all(rule_id in context.rules for rule_id in (self.rule_id, *self.cites))


def market_of(row: Row) -> Market:
    """The relevant market a row names."""
    return Market(category=row["category"], geo=row["geo"])
