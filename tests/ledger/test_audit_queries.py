"""What an operator could state of questions to a sandbox: the auditor adds up for itself, and finds it."""

from pathlib import Path
from typing import Any

import pytest

from supervision.audit import audit
from tests.ledger.audited import found
from tests.ledger.make_bundle import VKEY, Log, genesis, trade

TERMS = {"epsilon_query_micro": 10, "epsilon_total_micro": 25, "delta_pico": 5, "max_queries": 4}
ASKED: dict[str, Any] = {
    "trade_id": "trd_0000",
    "entitlement_id": "ent_1",
    "buyer_id": "org_buyer",
    "product_id": "prd_1",
    "listing_id": "lst_1",
    "query_sha256": "ab" * 32,
    "algorithm_sha256": "cd" * 32,
    "budget_micro": 25,
    "delta_pico": 0,
    "result_sha256": "ef" * 32,
    "rows": 1,
    "complete": True,
}


def begun(**terms: Any) -> Log:
    log = Log()
    genesis(log)
    drafted = {"listing_id": "lst_1", "seller_id": "org_seller", "product_id": "prd_1", "broker_id": None}
    log.party("org_seller", "LST.DRAFT", "lst_1", **drafted, sandbox=TERMS | {"approval": False} | terms)
    trade(log, 0)
    return log


def why(tmp_path: Path, log: Log) -> list[str]:
    report = audit(log.write(tmp_path / "b"), [VKEY])
    assert {code for code, *_ in found(report)} <= {"KEY"}
    return [problem.why for problem in report.problems]


def asked(log: Log, *prices: tuple[int, int], **changes: Any) -> Log:
    for epsilon, spent in prices:
        told = ASKED | {"epsilon_micro": epsilon, "spent_micro": spent} | changes
        log.exchange("DLV.QUERY", "trd_0000", **told)
    return log


def test_questions_that_add_up_within_their_terms_are_clean(tmp_path: Path) -> None:
    log = asked(begun(), (10, 10), (5, 15))
    asked(log, (10, 10), buyer_id="org_other")  # another buyer has a budget of its own
    assert why(tmp_path, asked(log, (10, 25), delta_pico=5)) == []


@pytest.mark.parametrize(
    ("prices", "changes", "said"),
    [
        ([(10, 10), (10, 10)], {}, ["10 is stated as spent, and the questions add up to 20"]),
        ([(10, 9)], {}, ["9 is stated as spent, and the questions add up to 10"]),
        ([(10, 10), (10, 20), (10, 30)], {}, ["30 is spent of a budget of 25"]),
        (
            [(10, 10), (10, 20), (10, 25)],
            {},
            ["25 is stated as spent, and the questions add up to 30", "30 is spent of a budget of 25"],
        ),
        ([(11, 11)], {}, ["the question cost more than the terms let one cost"]),
        ([(1, 1)], {"delta_pico": 6}, ["the question cost more than the terms let one cost"]),
        ([(1, 1)], {"budget_micro": 99}, ["99 is stated as the budget, and the terms give 25"]),
        ([(1, n) for n in range(1, 6)], {}, ["5 questions are answered where the terms give 4"]),
        ([(1, 1)], {"listing_id": "lst_9"}, ["lst_9 has no terms by which questions are answered"]),
        ([(1, 1)], {"product_id": "prd_9"}, ["the listing is another product's"]),
        ([(1, 1)], {"buyer_id": None}, ["a question that does not say whose it is and what it cost"]),
        ([(-1, 1)], {}, ["a question that does not say whose it is and what it cost"]),
    ],
)
def test_what_does_not_add_up_or_goes_beyond_the_terms_is_a_problem(tmp_path, prices, changes, said) -> None:
    assert why(tmp_path, asked(begun(), *prices, **changes)) == said


def test_what_the_seller_has_not_approved_is_a_problem_where_the_terms_ask_for_it(tmp_path: Path) -> None:
    log = begun(approval=True)
    approved = {name: ASKED[name] for name in ("trade_id", "entitlement_id", "algorithm_sha256")}
    log.party("org_seller", "DLV.APPROVE_ALGORITHM", "trd_0000", **approved, seller_id="org_seller")
    asked(log, (1, 1))
    assert why(tmp_path, asked(log, (1, 2), algorithm_sha256="12" * 32)) == [
        "the seller has not approved what was run"
    ]
