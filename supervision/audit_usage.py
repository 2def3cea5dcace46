"""KEY, OPENING: the uses that the exchange states of a right follow one another, each in one statement.

What they cost is reckoned again from their units and the plan that the contract's parties signed for, to the
fen, wherever the openings of both are there.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from supervision.audit_case import Case
from supervision.audit_charges import USAGE, wrong_charges
from supervision.audit_entry import Sealed
from supervision.audit_report import Code

__all__ = ["USAGE", "judge_usage", "remember_plan"]
_KEPT_AS: Final = "usage/"  # no trade's id has a slash
_PLAN: Final = "metered/"


def remember_plan(case: Case, said: Sealed, told: Mapping[str, Any] | None) -> None:
    """By which plan a contract's uses are charged, as one of its parties signs for it."""
    known = case.memory.trades.get(f"{_PLAN}{said.object_id}")
    plan = told["plan"] if told is not None else None
    if plan is not None or known is not None:
        case.memory.trades.put(f"{_PLAN}{said.object_id}", {"plan": plan})


def judge_usage(case: Case, said: Sealed, told: Mapping[str, Any] | None) -> Iterator[tuple[Code, str]]:
    """What is wrong with a statement of uses, held against those before it; then it is remembered.

    `told` is what its opening says, None where that is not there.
    """
    predicate = said.predicate
    right, trade = said.text("entitlement_id"), said.text("trade_id")
    first, last, uses, units = (predicate.get(name) for name in ("first", "last", "uses", "units"))
    if right is None or trade != said.object_id or not _counts(first, last, uses, units):
        yield Code.KEY, "a statement of uses that does not say of which right and which uses it is"
        return
    assert type(units) is int
    known: dict[str, Any] | None = case.memory.trades.get(f"{_KEPT_AS}{right}")
    if known is None and not (case.memory.goes_on or first == 1):
        yield Code.KEY, f"the uses of {right} begin with {first}"
    if known is not None and known["trade"] != trade:
        yield Code.KEY, f"{right} is a right of {known['trade']}"
    if known is not None and first != known["last"] + 1:
        yield Code.KEY, f"uses up to {known['last']} of {right} are stated, and now those from {first} on"
    before = 0 if first == 1 and known is None else (known or {}).get("units")
    if before is None:
        before = _met_with(told, units)
    if told is not None and before is not None:
        plan = (case.memory.trades.get(f"{_PLAN}{trade}") or {}).get("plan")
        for why in wrong_charges(plan, told, before=before, units=units):
            yield Code.OPENING, why
    so_far = None if before is None else before + units
    case.memory.trades.put(f"{_KEPT_AS}{right}", {"trade": trade, "last": last, "units": so_far})


def _met_with(told: Mapping[str, Any] | None, units: int) -> int | None:
    """The units before, where the log before is not at hand: as the exchange says; None where it does not."""
    so_far = told.get("units_so_far") if told is not None else None
    return so_far - units if type(so_far) is int and so_far >= units else None


def _counts(first: object, last: object, uses: object, units: object) -> bool:
    return (
        type(first) is int
        and type(last) is int
        and type(uses) is int
        and 0 < first <= last
        and uses == last - first + 1
        and type(units) is int
        and units >= 0
    )
