"""KEY: the uses that the exchange states of a right follow one another, each in one statement."""

from collections.abc import Iterator
from typing import Any, Final

from supervision.audit_case import Case
from supervision.audit_entry import Sealed

USAGE: Final = "DLV.USAGE"
_KEPT_AS: Final = "usage/"  # no trade's id has a slash


def judge_usage(case: Case, said: Sealed) -> Iterator[str]:
    """What is wrong with a statement of uses, held against those before it; then it is remembered."""
    predicate = said.predicate
    right, trade = said.text("entitlement_id"), said.text("trade_id")
    first, last, uses = (predicate.get(name) for name in ("first", "last", "uses"))
    if right is None or trade != said.object_id or not _counts(first, last, uses):
        yield "a statement of uses that does not say of which right and which uses it is"
        return
    known: dict[str, Any] | None = case.memory.trades.get(f"{_KEPT_AS}{right}")
    if known is None and not (case.memory.goes_on or first == 1):
        yield f"the uses of {right} begin with {first}"
    if known is not None and known["trade"] != trade:
        yield f"{right} is a right of {known['trade']}"
    if known is not None and first != known["last"] + 1:
        yield f"uses up to {known['last']} of {right} are stated, and now those from {first} on"
    case.memory.trades.put(f"{_KEPT_AS}{right}", {"trade": trade, "last": last})


def _counts(first: object, last: object, uses: object) -> bool:
    return (
        type(first) is int
        and type(last) is int
        and type(uses) is int
        and 0 < first <= last
        and uses == last - first + 1
    )
