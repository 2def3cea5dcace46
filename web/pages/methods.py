"""How what the pages say is computed, for everybody, with the very numbers of the rule tables of the day."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from base.calendar import shanghai_day
from brokers import rule_table as of_brokers
from market.trade.comparables import DIGITS, LEAST_SELLERS, WINDOW_MONTHS
from pricing.guide import LEAST_COMPARABLES
from registry.quality import METHOD, METHOD_VERSION, PASS_DIMENSION, PASS_SCORE, STANDARD, WEIGHT_PERCENT
from supervision.rule_table import RuleValue, in_force
from web.pages.visiting import VisitorDep

router = APIRouter()
_PAGE: Final = 60


@router.get("/about/method")
async def method(visitor: VisitorDep) -> Response:
    """Concentration, prices, quality, guide price, conduct score: the method, and every number in it."""
    now = visitor.node.clock.now()
    rules = in_force(now)
    return visitor.render(
        "method.html",
        rules=rules,
        weights=WEIGHT_PERCENT,
        pass_score=PASS_SCORE,
        pass_dimension=PASS_DIMENSION,
        standard=STANDARD,
        quality_method=f"{METHOD}/{METHOD_VERSION}",
        least=LEAST_COMPARABLES,
        sellers=LEAST_SELLERS,
        months=WINDOW_MONTHS,
        digits=DIGITS,
    )


@router.get("/about/rules")
async def rules(
    visitor: VisitorDep,
    rule: Annotated[str, Query(max_length=20)] = "",
    after: Annotated[int, Query(ge=0, le=100_000)] = 0,
) -> Response:
    """The numbers of the rule tables in force today: of one rule, or all of them in turn."""
    now = visitor.node.clock.now()
    day = shanghai_day(now)
    brokers = [one for one in of_brokers.all_values() if one.in_force(day)]
    every: list[RuleValue | of_brokers.RuleValue] = [*in_force(now).values, *brokers]
    every.sort(key=lambda one: (one.rule_id, one.name))
    found = [one for one in every if rule in {"", one.rule_id}]
    more = len(found) > after + _PAGE
    return visitor.render(
        "rules.html",
        rule=rule,
        rules=sorted({one.rule_id for one in every}),
        values=found[after : after + _PAGE],
        next_address=visitor.url("/about/rules", rule=rule, after=after + _PAGE) if more else None,
    )
