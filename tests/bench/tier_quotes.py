"""What a price costs: a quote by tiers against no more than the validation of its facts.

The floor is the stack's own validator, compiled: a strict pydantic model of the facts, with the forms and
bounds of every value, without the order of the tiers, a price, a reason or a digest.
"""

import time
from collections.abc import Callable
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from pricing.facts import MAX_QUANTITY
from pricing.ladder import MOST_TIERS
from pricing.tiers import tiers_quote
from tests.bench.ground import Ground
from tests.bench.measuring import Broken, Measured, in_turns

_TIERS: Final = 10
_FEW: Final = 3
_AT_ONCE: Final = 500
_STRICT: Final = ConfigDict(extra="forbid", strict=True)


class _Tier(BaseModel):
    model_config = _STRICT
    up_to: Annotated[int, Field(ge=1, le=MAX_QUANTITY)] | None
    rate_minor: Annotated[str, Field(pattern=r"^[0-9]{1,14}(\.[0-9]{1,12})?$")]


class _Facts(BaseModel):
    model_config = _STRICT
    tiers: Annotated[list[_Tier], Field(min_length=1, max_length=MOST_TIERS)]
    quantity: Annotated[int, Field(ge=0, le=MAX_QUANTITY)]


def facts_of(tiers: int) -> dict[str, Any]:
    """So many tiers of a thousand units, each cheaper than the one before; the quantity lies in the last."""
    ladder = [{"up_to": 1_000 * n, "rate_minor": f"{2 * (tiers - n)}.25"} for n in range(1, tiers)]
    return {"tiers": [*ladder, {"up_to": None, "rate_minor": "0.25"}], "quantity": 1_000 * tiers}


async def tiers(ground: Ground) -> Measured:
    """Quotes of ten tiers a second of processor time, against validations of the same facts."""
    facts = facts_of(_TIERS)
    _check(facts)
    seconds = ground.budget.side_s
    ours, floor = await in_turns(
        lambda: _rate(lambda: tiers_quote(facts), seconds),
        lambda: _rate(lambda: _Facts.model_validate(facts), seconds),
    )
    few = facts_of(_FEW)
    a, b = await in_turns(
        lambda: _rate(lambda: tiers_quote(few), seconds),
        lambda: _rate(lambda: _Facts.model_validate(few), seconds),
    )
    return Measured(
        ours,
        floor,
        f"1/s, quotes of {_TIERS} tiers against strict validation of their facts",
        beside=(
            {
                "name": "tiers_few",
                "tiers": _FEW,
                "ours": round(a),
                "floor": round(b),
                "ratio": round(a / b, 2),
            },
        ),
    )


def _check(facts: dict[str, Any]) -> None:
    """The quote is right and the floor validates the same facts. Raises Broken."""
    told = _Facts.model_validate(facts)
    rates = [2 * (_TIERS - n) + 0.25 for n in range(1, _TIERS)]
    if tiers_quote(facts).total_minor != sum(rates) * 1_000 + 250 or told.quantity != facts["quantity"]:
        raise Broken("a quote by tiers is not the sum of its tiers")


async def _rate(work: Callable[[], object], seconds: float) -> float:
    """How often a second, for so long."""
    done, began = 0, time.process_time()
    while (used := time.process_time() - began) < seconds:
        for _ in range(_AT_ONCE):
            work()
        done += _AT_ONCE
    return done / used
