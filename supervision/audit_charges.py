"""What uses cost under a metered plan, reckoned again from the contract's plan alone. Pure.

It is the auditor's own arithmetic: the exchange's is not asked (`pricing` is its room). A plan has a rate or
tiers of rates, in fen a unit with up to 12 decimals, and may have a least and a most in fen. The price of all
units so far is rounded up once; a charge is what that price has grown by.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from math import ceil
from typing import Any, Final

SIGN: Final = "TRD.SIGN"
USAGE: Final = "DLV.USAGE"
METERED: Final = "metered"
_MOST_FEN: Final = 10**13  # of any price
_MOST_UNITS: Final = 10**12
_STATED: Final = ("charge_minor", "charged_minor")
_DIGITS: Final = 19
_MOST_TIERS: Final = 1_000
_MOST_TEXT: Final = 40


def charges_in(event: str, opening: Mapping[str, Any]) -> dict[str, Any] | None:
    """What an opening says of charges: a signed contract its metered plan, and uses what they cost."""
    if event == SIGN:
        plan = opening.get("price_plan")
        return {"plan": plan} if type(plan) is dict and plan.get("method") == METERED else None
    if event == USAGE:
        return {name: opening.get(name) for name in ("units_so_far", *_STATED)}
    return None


def price_of(plan: Mapping[str, Any], units: int) -> int | None:
    """What so many units cost in fen, from the first one on; None for a plan that is none."""
    tiers = _tiers(plan)
    least, most = _fen(plan.get("commit_minor")), _fen(plan.get("cap_minor"))
    if tiers is None or "bad" in {least, most}:
        return None
    billed, below, exact = min(units, tiers[-1][0] or _MOST_UNITS, _MOST_UNITS), 0, Fraction(0)
    if billed == 0:
        return 0
    for up_to, rate in tiers:
        within = billed if up_to is None else min(billed, up_to)
        exact += max(0, within - below) * rate
        below = within
    return min(max(ceil(exact), int(least or 0)), _MOST_FEN if most is None else int(most), _MOST_FEN)


def wrong_charges(plan: Any, told: Mapping[str, Any], *, before: int, units: int) -> Sequence[str]:
    """What is wrong with what a statement says its uses cost, after so many units before."""
    wrong = []
    if told.get("units_so_far") != before + units:
        wrong.append(
            f"{told.get('units_so_far')} units are stated so far, and they add up to {before + units}"
        )
    stated = [told.get(name) for name in _STATED]
    if plan is None:  # a contract from before its plan was signed for in the opening, or without one
        return wrong
    earlier, now = price_of(plan, before), price_of(plan, before + units)
    if earlier is None or now is None:
        return [*wrong, "the contract's price plan is none"]
    due = [str(now - earlier), str(now)]
    if stated != due:
        wrong.append(
            f"{stated[0]} fen are charged, {stated[1]} in all, and by the plan they are {due[0]} and {due[1]}"
        )
    return wrong


def _tiers(plan: Mapping[str, Any]) -> list[tuple[int | None, Fraction]] | None:
    told = plan.get("tiers")
    if told is None:
        told = [{"up_to": None, "rate_minor": plan.get("rate_minor")}]
    if type(told) is not list or not 0 < len(told) <= _MOST_TIERS:
        return None
    tiers: list[tuple[int | None, Fraction]] = []
    for tier in told:
        up_to = tier.get("up_to") if type(tier) is dict else "none"
        rate = _rate(tier.get("rate_minor")) if type(tier) is dict else None
        if rate is None or not (up_to is None or (type(up_to) is int and up_to > 0)):
            return None
        tiers.append((up_to, rate))
    rise = all(one is not None and (other is None or one < other) for (one, _), (other, _) in pairwise(tiers))
    return tiers if rise else None


def _rate(text: Any) -> Fraction | None:
    plain = type(text) is str and len(text) <= _MOST_TEXT and text.isascii() and text[:1].isdigit()
    try:
        return Fraction(text) if plain and not set(text) - set("0123456789.") else None
    except ValueError:
        return None


def _fen(value: Any) -> int | str | None:
    """An amount of a plan; None where there is none."""
    if value is None:
        return None
    return value if type(value) is int and 0 <= value < 10**_DIGITS else "bad"
