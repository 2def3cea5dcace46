"""Acceptance tests by product type: exact comparisons, and every single difference is one."""

from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.canonical import canonical, sha256_hex
from market.delivery.acceptance import (
    MEMBERS,
    Call,
    DeliveredCopy,
    Facts,
    Promise,
    Quality,
    Verdict,
    judge_copy,
    judge_facts,
    outcome_of,
)
from market.listings.categories import ProductType
from market.orders.acceptance import AcceptanceTerms, agreed_acceptance
from registry.quality import Dimension, points
from tests.market.listings.goods import CLEAN, SPOILT, report_on

FULL = {dimension.value: "100.0" for dimension in Dimension}
SOLD = Quality("databourse-quality/1", (("county", "integer"), ("month", "month")), 120, FULL)
PROMISE = Promise(ProductType.DATASET, "ab" * 32, 4096, quality=SOLD)
CALLS, LATENCY_P95_MS = 10, 2_000
COPY = DeliveredCopy("ab" * 32, 4096, SOLD)


def failed(promise: Promise, copy: DeliveredCopy) -> list[str]:
    return [item.name for item in judge_copy(promise, copy) if item.verdict is Verdict.FAIL]


def of(product_type: ProductType, quantity: int = 1, **bounds: object) -> Promise:
    """Goods under the usual acceptance terms, and what more was agreed."""
    agreed = agreed_acceptance(AcceptanceTerms(bounds=bounds), product_type, quantity)
    return Promise(product_type, "ab" * 32, 4096, agreed.bounds)


def verdicts(promise: Promise, **facts: object) -> dict[str, str]:
    return {item.name: item.verdict.value for item in judge_facts(promise, Facts(**facts))}


def test_a_copy_that_is_what_was_sold_passes_each_item() -> None:
    items = judge_copy(PROMISE, COPY)
    assert [item.name for item in items] == [
        "file_sha256",
        "bytes",
        "method",
        "schema",
        "rows",
        *(dimension.value for dimension in Dimension),
    ]
    assert {item.verdict for item in items} == {Verdict.PASS}


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"file_sha256": "cd" * 32}, ["file_sha256"]),
        ({"bytes": 4095}, ["bytes"]),
        ({"quality": replace(SOLD, method="databourse-quality/2")}, ["method"]),
        ({"quality": replace(SOLD, rows=119)}, ["rows"]),
        ({"quality": replace(SOLD, rows=121)}, ["rows"]),
        ({"quality": replace(SOLD, schema=SOLD.schema[::-1])}, ["schema"]),
        ({"quality": replace(SOLD, schema=(("county", "text"), SOLD.schema[1]))}, ["schema"]),
        ({"quality": replace(SOLD, dimensions=FULL | {"accuracy": "99.9"})}, ["accuracy"]),
        ({"quality": replace(SOLD, dimensions={"accuracy": "100.0"})}, [d for d in FULL if d != "accuracy"]),
        ({"quality": None, "refused": "file-not-tabular"}, ["measured"]),
        ({"file_sha256": None, "bytes": None, "quality": None}, ["file_sha256", "bytes", "measured"]),
    ],
)
def test_every_single_difference_fails(change, names) -> None:
    assert failed(PROMISE, replace(COPY, **change)) == names


def test_better_than_promised_passes() -> None:
    modest = replace(PROMISE, quality=replace(SOLD, dimensions=FULL | {"accuracy": "71.2"}))
    assert failed(modest, COPY) == []


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_a_dimension_is_compared_by_its_exact_tenths(sold: int, found: int) -> None:
    promise = replace(PROMISE, quality=replace(SOLD, dimensions={"accuracy": points(sold)}))
    copy = replace(COPY, quality=replace(SOLD, dimensions={"accuracy": points(found)}))
    assert failed(promise, copy) == ([] if found >= sold else ["accuracy"])


def test_what_is_no_data_set_is_tested_by_its_bytes_alone() -> None:
    assert [item.name for item in judge_copy(of(ProductType.TOOL), COPY)] == ["file_sha256", "bytes"]


def test_real_reports_are_compared_as_they_are() -> None:
    clean, spoilt = Quality.of(report_on(CLEAN)), Quality.of(report_on(SPOILT))
    assert clean.rows == 120
    assert [name for name, _ in clean.schema] == ["county", "month", "index"]
    promise = replace(PROMISE, quality=clean)
    assert failed(promise, replace(COPY, quality=clean)) == []
    found = failed(promise, replace(COPY, quality=spoilt))
    assert {"schema", "rows", "completeness", "conformity"} <= set(found)


def test_every_type_has_its_facts_and_without_them_nothing_fails() -> None:
    assert MEMBERS.keys() == set(ProductType)
    assert set().union(*MEMBERS.values()) == set(Facts.__slots__)
    for kind in ProductType:
        assert {item.verdict for item in judge_facts(of(kind), Facts())} <= {Verdict.OPEN}, kind


@pytest.mark.parametrize(
    ("good", "bad", "latency_ms", "told"),
    [
        (CALLS, 0, LATENCY_P95_MS, ("PASS", "PASS", "PASS")),
        (CALLS - 1, 0, 1, ("FAIL", "PASS", "PASS")),
        (CALLS, 0, LATENCY_P95_MS + 1, ("PASS", "FAIL", "PASS")),
        (99, 1, 1, ("PASS", "PASS", "PASS")),
        (98, 1, 1, ("PASS", "PASS", "FAIL")),  # 98.98 %
    ],
)
def test_calls(good: int, bad: int, latency_ms: int, told: tuple[str, ...]) -> None:
    calls = [Call(ok=True, latency_ms=latency_ms)] * good + [Call(ok=False, latency_ms=latency_ms)] * bad
    assert tuple(verdicts(of(ProductType.API), calls=calls).values()) == told


def test_the_slowest_twentieth_of_the_calls_may_be_slow() -> None:
    calls = [Call(ok=True, latency_ms=10)] * 95 + [Call(ok=True, latency_ms=60_000)] * 5
    assert set(verdicts(of(ProductType.API), calls=calls).values()) == {"PASS"}
    assert verdicts(of(ProductType.API), calls=[*calls, calls[-1]])["latency_p95_ms"] == "FAIL"


@pytest.mark.parametrize(
    ("kind", "facts", "told"),
    [
        (ProductType.REPORT, {"scope": {"methods": True, "annex": False}}, ["FAIL", "PASS"]),
        (ProductType.SERVICE, {"milestones": {"labelled": True}}, ["PASS"]),
        (ProductType.TOOL, {"artefact_sha256": "ab" * 32}, ["PASS", "OPEN"]),
        (ProductType.TOOL, {"artefact_sha256": "cd" * 32}, ["FAIL", "OPEN"]),
        (
            ProductType.TOOL,
            {"test_result_sha256": "11" * 32, "declared_result_sha256": "11" * 32},
            ["OPEN", "PASS"],
        ),
        (
            ProductType.TOOL,
            {"test_result_sha256": "11" * 32, "declared_result_sha256": "12" * 32},
            ["OPEN", "FAIL"],
        ),
        (
            ProductType.PRIVACY,
            {
                "receipt_sha256": "11" * 32,
                "receipt_result_sha256": "22" * 32,
                "result_sha256": "22" * 32,
                "budget_micro": 1_000_000,
                "spent_micro": 1_000_000,
            },
            ["PASS", "PASS", "PASS", "PASS"],
        ),
        (
            ProductType.PRIVACY,
            {"budget_micro": 1_000_000, "spent_micro": 1_000_001},
            ["OPEN", "OPEN", "OPEN", "FAIL"],
        ),
        (ProductType.COMPUTE, {"card_hours_milli": 8_000}, ["PASS"]),
        (ProductType.COMPUTE, {"card_hours_milli": 7_999}, ["FAIL"]),
        (ProductType.CERT, {"verifications": [True, True]}, ["PASS"]),
        (ProductType.CERT, {"verifications": [True, False]}, ["FAIL"]),
    ],
)
def test_each_type_by_its_own_facts(kind, facts, told) -> None:
    assert list(verdicts(of(kind, quantity=8), **facts).values()) == told


DIGEST, OTHER = "11" * 32, "22" * 32


@pytest.mark.parametrize(
    ("kind", "bounds", "facts", "told"),
    [
        (
            ProductType.API,
            {"latency_p95_ms": 50},
            {"calls": [Call(True, 51)] * 10},
            {"latency_p95_ms": "FAIL"},
        ),
        (
            ProductType.API,
            {"successful_calls": 11},
            {"calls": [Call(True, 1)] * 10},
            {"successful_calls": "FAIL"},
        ),
        (
            ProductType.API,
            {"available_bp": 5_000},
            {"calls": [Call(True, 1), Call(False, 1)]},
            {"available_bp": "PASS"},
        ),
        (ProductType.API, {"measured_days": 7}, {"measured_days": 6}, {"measured_days": "FAIL"}),
        (ProductType.API, {"measured_days": 7}, {}, {"measured_days": "OPEN"}),
        (
            ProductType.TOOL,
            {"test_result_sha256": DIGEST},
            {"test_result_sha256": DIGEST},
            {"test_result_sha256": "PASS"},
        ),
        (
            ProductType.TOOL,  # what the contract names, whatever the buyer declares
            {"test_result_sha256": DIGEST},
            {"test_result_sha256": OTHER, "declared_result_sha256": OTHER},
            {"test_result_sha256": "FAIL"},
        ),
        (
            ProductType.TOOL,
            {"test_set_sha256": DIGEST},
            {"test_set_sha256": OTHER},
            {"test_set_sha256": "FAIL"},
        ),
        (ProductType.TOOL, {"score_micro": 900_000}, {"score_micro": 899_999}, {"score_micro": "FAIL"}),
        (
            ProductType.PRIVACY,
            {"spent_micro": 500_000},
            {"budget_micro": 10**6, "spent_micro": 500_001},
            {"spent_micro": "FAIL"},
        ),
        (ProductType.PRIVACY, {"tasks": 3}, {"tasks": 2}, {"tasks": "FAIL"}),
        (ProductType.PRIVACY, {"took_days": 2}, {"took_days": 3}, {"took_days": "FAIL"}),
        (
            ProductType.COMPUTE,
            {"card_hours_milli": 500},
            {"card_hours_milli": 500},
            {"card_hours_milli": "PASS"},
        ),
        (ProductType.COMPUTE, {"took_days": 30}, {"took_days": 31}, {"took_days": "FAIL"}),
    ],
)
def test_the_bounds_are_the_contracts(kind, bounds, facts, told) -> None:
    found = verdicts(of(kind, **bounds), **facts)
    assert {name: found[name] for name in told} == told


def test_the_report_is_canonical_and_names_what_failed() -> None:
    copy = replace(COPY, bytes=1, quality=replace(SOLD, rows=7))
    outcome = outcome_of({"trade_id": "trd_1"}, judge_copy(PROMISE, copy))
    document = orjson.loads(outcome.report)
    assert (outcome.passed, document["passed"], document["failed"]) == (False, False, ["bytes", "rows"])
    assert document["items"][1] == {"name": "bytes", "promised": 4096, "found": 1, "verdict": "FAIL"}
    assert (canonical(document), sha256_hex(outcome.report)) == (outcome.report, outcome.sha256)
    assert outcome_of({}, judge_copy(PROMISE, COPY)).passed
