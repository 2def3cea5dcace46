"""Planted cases: a violation and its near-miss twin, one tick inside the law, by rule.

A planter adds the rows of one case to a market, everything of it named by the case's tag; what is found
is told apart by that tag. `python -m tests.detect` plants hundreds of each, the suite a few.
"""

import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from supervision.context import Context
from supervision.plan import make_plan
from supervision.rule_table import in_force
from supervision.rules import ALL
from supervision.runner import carry_out
from tests.supervision.tables import AS_OF, Market

PLANTERS: dict[str, Callable] = {}
FIRM = ("orgs", "flags", "trades")


def plants(rule_id, *tables, screen=False, way=None):
    """Register a planter `(market, tag, guilty, chance)` with the tables its rule needs.

    `way` names a second way in which a rule reads tables, of which other cases beside it would tell the rule
    another: it is measured in a market of its own, under `rule_id:way`.
    """

    def register(planter):
        name = f"{rule_id}:{way}" if way else rule_id
        assert name not in PLANTERS
        planter.rule_id = rule_id
        planter.tables = (*FIRM, *tables)
        planter.screen = screen
        planter.alone = way is not None
        PLANTERS[name] = planter
        return planter

    return register


@dataclass(frozen=True)
class Measured:
    """What a rule made of planted cases. An alert without a guilty tag is false."""

    rule: str
    guilty: int
    twins: int
    found: int
    alerts: int
    false_alerts: int

    @property
    def precision(self):
        return 1.0 if not self.alerts else (self.alerts - self.false_alerts) / self.alerts

    @property
    def recall(self):
        return self.found / self.guilty

    def document(self):
        return {
            "rule": self.rule,
            "precision": round(self.precision, 4),
            "recall": round(self.recall, 4),
            "planted": self.guilty,
            "twins": self.twins,
            "alerts": self.alerts,
        }


def plan_of(*rule_ids):
    """The plan of these rules alone, or of all."""
    rules = tuple(rule for rule in ALL if not rule_ids or rule.rule_id in rule_ids)
    return make_plan(Context(as_of=AS_OF, rules=in_force(AS_OF)), rules)


def plant(planted, market, tag, *, guilty, seed=1):
    """One case of a planter; its chance is its own, so that it is the same however many stand beside it."""
    for name in PLANTERS[planted].tables:
        market.rows[name]  # present even if it stays empty
    chance = random.Random(zlib.crc32(f"{seed}{planted}{tag}".encode()))
    PLANTERS[planted](market, tag, guilty, chance)


def measure(planted, folder, *, cases, seed=1):
    """Plant `cases` violations and as many twins, and run the one rule over all of them."""
    market = Market(*PLANTERS[planted].tables)
    tags = {guilty: {f"{'V' if guilty else 'N'}{n:04}" for n in range(cases)} for guilty in (True, False)}
    for guilty, named in tags.items():
        for tag in sorted(named):
            plant(planted, market, tag, guilty=guilty, seed=seed)
    result = carry_out(plan_of(PLANTERS[planted].rule_id), market.write(folder))
    assert not result.rules_off, result.rules_off
    found, false = set(), 0
    for finding in result.findings:
        told = {part for name in (*finding.objects, *finding.subjects) for part in name.split("-")}
        guilty = told & tags[True]
        found |= guilty
        false += not guilty or bool(told & tags[False])
    return Measured(planted, cases, cases, len(found), len(result.findings), false)
