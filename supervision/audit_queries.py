"""KEY: what questions to a sandbox have cost adds up, is within the terms, and was approved where they ask.

The terms are those of the listing's draft, which its seller signed; what is spent is added up here again.
"""

from collections.abc import Iterator
from typing import Any, Final

from supervision.audit_case import Case
from supervision.audit_entry import Sealed

DRAFT: Final = "LST.DRAFT"
APPROVE: Final = "DLV.APPROVE_ALGORITHM"
QUERY: Final = "DLV.QUERY"
OF_QUERIES: Final = frozenset({DRAFT, APPROVE, QUERY})
_TERMS: Final = "asked/"  # no trade's id has a slash
_SPENT: Final = "privacy/"
_APPROVED: Final = "approved/"
_PRICE: Final = ("epsilon_micro", "spent_micro", "budget_micro", "delta_pico")


def judge_queries(case: Case, said: Sealed) -> Iterator[str]:
    """What is wrong with a question that was answered; terms and approvals are remembered."""
    if said.event == DRAFT:
        _remember_terms(case, said)
    elif said.event == APPROVE:
        kept = {"seller": said.text("seller_id"), "trade": said.object_id}
        case.memory.trades.put(_approval(said), kept)
    else:
        yield from _judge(case, said)


def _remember_terms(case: Case, said: Sealed) -> None:
    terms = said.predicate.get("sandbox")
    if not isinstance(terms, dict):
        return
    kept = {name: terms.get(name) for name in ("epsilon_query_micro", "epsilon_total_micro", "delta_pico")}
    kept |= {"approval": terms.get("approval") is True, "most": terms.get("max_queries")}
    kept |= {"product": said.text("product_id"), "seller": said.text("seller_id")}
    case.memory.trades.put(f"{_TERMS}{said.object_id}", kept)


def _approval(said: Sealed) -> str:
    return f"{_APPROVED}{said.text('entitlement_id')}/{said.text('algorithm_sha256')}"


def _judge(case: Case, said: Sealed) -> Iterator[str]:
    buyer, product, listing = (said.text(name) for name in ("buyer_id", "product_id", "listing_id"))
    price = [said.predicate.get(name) for name in _PRICE]
    if None in {buyer, product, listing} or not all(type(one) is int and one >= 0 for one in price):
        yield "a question that does not say whose it is and what it cost"
        return
    epsilon, spent, budget, delta = price
    assert type(epsilon) is int
    assert type(spent) is int
    key = f"{_SPENT}{buyer}/{product}"
    known: dict[str, Any] | None = case.memory.trades.get(key)
    so_far, asked = (known["spent"], known["asked"]) if known else (0, 0)
    if known is None and case.memory.goes_on:
        so_far = max(0, spent - epsilon)  # what came before was not audited
    terms: dict[str, Any] | None = case.memory.trades.get(f"{_TERMS}{listing}")
    if spent != so_far + epsilon:
        yield f"{spent} is stated as spent, and the questions add up to {so_far + epsilon}"
    if terms is None and not case.memory.goes_on:
        yield f"{listing} has no terms by which questions are answered"
    if terms is not None:
        yield from _within(
            terms, said, spent=so_far + epsilon, asked=asked + 1, price=(epsilon, budget, delta)
        )
        if terms["approval"] and case.memory.trades.get(_approval(said)) != {
            "seller": terms["seller"],
            "trade": said.object_id,
        }:
            yield "the seller has not approved what was run"
    case.memory.trades.put(key, {"spent": max(spent, so_far + epsilon), "asked": asked + 1})


def _within(
    terms: dict[str, Any], said: Sealed, *, spent: int, asked: int, price: tuple[Any, Any, Any]
) -> Iterator[str]:
    epsilon, budget, delta = price
    if terms["product"] != said.text("product_id"):
        yield "the listing is another product's"
    if budget != terms["epsilon_total_micro"]:
        yield f"{budget} is stated as the budget, and the terms give {terms['epsilon_total_micro']}"
    if spent > terms["epsilon_total_micro"]:
        yield f"{spent} is spent of a budget of {terms['epsilon_total_micro']}"
    if epsilon > terms["epsilon_query_micro"] or delta not in {0, terms["delta_pico"]}:
        yield "the question cost more than the terms let one cost"
    if asked > terms["most"]:
        yield f"{asked} questions are answered where the terms give {terms['most']}"
