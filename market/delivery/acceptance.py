"""Acceptance tests by product type (`rules.md` §2.3.5): what was promised, what was found, item by item.

Pure. A file of any type is tested by its digest and length. A data set is further measured again, as its
bound report says: schema, rows, and each of the six dimensions not below the promise. What no machine of the
exchange can see (calls, milestones, a test run, a task in a sandbox, card-hours, verifications) is tested
over the facts that are given, by the bounds of the contract (`market.orders.acceptance`); an item without
facts is OPEN, and fails nothing.

Every number is whole or a decimal string, and compared exactly.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, TypeAlias

from base.canonical import canonical, sha256_hex
from market.listings.categories import ProductType
from market.orders.acceptance import Bound
from registry.quality import tenths_of
from registry.report import Report

FORMAT: Final = "databourse-acceptance/1"
Value: TypeAlias = str | int | bool | None

_BP: Final = 10_000


class Verdict(StrEnum):
    """OPEN: nobody has given the facts."""

    PASS = "PASS"  # noqa: S105 - a verdict
    FAIL = "FAIL"
    OPEN = "OPEN"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that was promised, and what was found."""

    name: str
    promised: Value
    found: Value
    verdict: Verdict

    def document(self) -> dict[str, Value]:
        return {
            "name": self.name,
            "promised": self.promised,
            "found": self.found,
            "verdict": self.verdict.value,
        }


@dataclass(frozen=True, slots=True)
class Quality:
    """What a quality report says of a table, as far as it can be promised."""

    method: str
    schema: tuple[tuple[str, str], ...]  # names and types of the columns, in order
    rows: int
    dimensions: Mapping[str, str]  # decimal strings, in tenths of a point

    @classmethod
    def of(cls, report: Report) -> "Quality":
        columns = [column for column in report.document["columns"] if column["position"] is not None]
        schema = tuple((str(column["name"]), str(column["inferred_type"])) for column in columns)
        return cls(report.method, schema, report.rows, report.dimensions)


@dataclass(frozen=True, slots=True)
class Promise:
    """What was sold: the file by its digest, its measured quality, the contract's bounds by their names."""

    product_type: ProductType
    file_sha256: str
    bytes: int
    bounds: Mapping[str, Bound] = field(default_factory=dict)
    quality: Quality | None = None

    def holds(self, name: str, found: int | None, *, least: bool) -> list["Item"]:
        """What was found against a bound, where the contract has that bound."""
        bound = self.bounds.get(name)
        return [_bounded(name, bound, found, least=least)] if isinstance(bound, int) else []

    def digest(self, name: str) -> str | None:
        """A digest that the contract names."""
        bound = self.bounds.get(name)
        return bound if isinstance(bound, str) else None


@dataclass(frozen=True, slots=True)
class DeliveredCopy:
    """The delivered copy as it was read. `refused` is why it could not be read or measured as a table."""

    file_sha256: str | None
    bytes: int | None
    quality: Quality | None = None
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    ok: bool
    latency_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was found of a product that is not judged by its bytes alone; each type has its own members."""

    calls: Sequence[Call] | None = None  # API
    scope: Mapping[str, bool] | None = None  # REPORT: each item of its scope, and whether it is there
    milestones: Mapping[str, bool] | None = None  # SERVICE: each one, and whether it is signed off
    artefact_sha256: str | None = None  # TOOL: what ran
    test_result_sha256: str | None = None  # TOOL: what came out of the test set
    declared_result_sha256: str | None = None  # TOOL: what was to come out, where the contract does not say
    test_set_sha256: str | None = None  # TOOL: on what it ran
    score_micro: int | None = None  # TOOL: millionths of the metric
    receipt_sha256: str | None = None  # PRIVACY: the task's receipt
    receipt_result_sha256: str | None = None  # PRIVACY: the result, as the receipt has it
    result_sha256: str | None = None  # PRIVACY: the result that came out
    budget_micro: int | None = None  # PRIVACY: millionths of epsilon, where the contract does not say
    spent_micro: int | None = None
    tasks: int | None = None  # PRIVACY: how many have their receipt
    card_hours_milli: int | None = None  # COMPUTE: thousandths of an hour of one card
    measured_days: int | None = None  # API: over how many days the calls were made
    took_days: int | None = None  # PRIVACY, COMPUTE: after how many days all of it was there
    verifications: Sequence[bool] | None = None  # CERT: each verification's signature
    delivered: DeliveredCopy | None = None  # DATASET: the copy, as the buyer's own tools measured it

    def given(self) -> frozenset[str]:
        """The members that are there."""
        return frozenset(name for name in self.__slots__ if getattr(self, name) is not None)


MEMBERS: Final[Mapping[ProductType, frozenset[str]]] = {
    ProductType.DATASET: frozenset({"delivered"}),
    ProductType.API: frozenset({"calls", "measured_days"}),
    ProductType.REPORT: frozenset({"scope"}),
    ProductType.SERVICE: frozenset({"milestones"}),
    ProductType.TOOL: frozenset(
        {
            "artefact_sha256",
            "test_set_sha256",
            "test_result_sha256",
            "declared_result_sha256",
            "score_micro",
        }
    ),
    ProductType.PRIVACY: frozenset(
        {
            "receipt_sha256",
            "receipt_result_sha256",
            "result_sha256",
            "budget_micro",
            "spent_micro",
            "tasks",
            "took_days",
        }
    ),
    ProductType.COMPUTE: frozenset({"card_hours_milli", "took_days"}),
    ProductType.CERT: frozenset({"verifications"}),
}


def judge_copy(promise: Promise, copy: DeliveredCopy) -> list[Item]:
    """The delivered bytes against what was sold."""
    items = [
        _same("file_sha256", promise.file_sha256, copy.file_sha256 or copy.refused),
        _same("bytes", promise.bytes, copy.bytes),
    ]
    if promise.quality is None:
        return items
    if copy.quality is None:
        found = copy.refused or "not measured"
        return [*items, Item("measured", promise.quality.method, found, Verdict.FAIL)]
    return items + _quality(promise.quality, copy.quality)


def _quality(sold: Quality, found: Quality) -> list[Item]:
    schema = [",".join(f"{name}:{kind}" for name, kind in one.schema) for one in (sold, found)]
    return [
        _same("method", sold.method, found.method),
        _same("schema", schema[0], schema[1]),
        _same("rows", sold.rows, found.rows),
        *(
            _judged(name, score, found.dimensions.get(name), _not_below(score, found.dimensions.get(name)))
            for name, score in sold.dimensions.items()
        ),
    ]


def _not_below(sold: str, found: str | None) -> bool:
    return found is not None and tenths_of(found) >= tenths_of(sold)


def _calls(promise: Promise, facts: Facts) -> list[Item]:
    good, p95, available = None, None, None
    if facts.calls:
        good = sum(call.ok for call in facts.calls)
        latencies = sorted(call.latency_ms for call in facts.calls)
        p95 = latencies[-(-len(latencies) * 95 // 100) - 1]  # nearest rank
        available = good * _BP // len(facts.calls)
    return [
        *promise.holds("successful_calls", good, least=True),
        *promise.holds("latency_p95_ms", p95, least=False),
        *promise.holds("available_bp", available, least=True),
        *promise.holds("measured_days", facts.measured_days, least=True),
    ]


def decisive(promise: Promise, facts: Facts) -> Facts:
    """The calls that were measured, once they are as many, over as many days, as the contract judges by.

    Until then nobody has missed a level of service: it is the buyer who calls, or does not.
    """
    calls, days = promise.bounds.get("successful_calls"), promise.bounds.get("measured_days")
    few = isinstance(calls, int) and len(facts.calls or ()) < calls
    short = isinstance(days, int) and (facts.measured_days or 0) < days
    return Facts() if few or short or not facts.calls else facts


def _ticked(name: str, ticks: Mapping[str, bool] | None) -> list[Item]:
    if not ticks:
        return [Item(name, True, None, Verdict.OPEN)]
    return [_same(f"{name}: {one}", True, there) for one, there in sorted(ticks.items())]


def _scope(_: Promise, facts: Facts) -> list[Item]:
    return _ticked("scope", facts.scope)


def _milestones(_: Promise, facts: Facts) -> list[Item]:
    return _ticked("milestone", facts.milestones)


def _run(promise: Promise, facts: Facts) -> list[Item]:
    """The contract names the test set and what has to come out; where it does not, the buyer may."""
    test_set, result = promise.digest("test_set_sha256"), promise.digest("test_result_sha256")
    return [
        _known("artefact_sha256", promise.file_sha256, facts.artefact_sha256),
        *([_known("test_set_sha256", test_set, facts.test_set_sha256)] if test_set else []),
        _known("test_result_sha256", result or facts.declared_result_sha256, facts.test_result_sha256),
        *promise.holds("score_micro", facts.score_micro, least=True),
    ]


def _lease(promise: Promise, facts: Facts) -> list[Item]:
    return [
        *promise.holds("card_hours_milli", facts.card_hours_milli, least=True),
        *promise.holds("took_days", facts.took_days, least=False),
    ]


def _task(promise: Promise, facts: Facts) -> list[Item]:
    said, budget = facts.receipt_sha256, promise.bounds.get("spent_micro", facts.budget_micro)
    receipts = facts.tasks if facts.tasks is not None or said is None else 1
    return [
        Item("receipt_sha256", "a receipt", said, Verdict.OPEN if said is None else Verdict.PASS),
        *promise.holds("tasks", receipts, least=True),
        _known("result_sha256", facts.receipt_result_sha256, facts.result_sha256),
        _bounded("spent_micro", budget if isinstance(budget, int) else None, facts.spent_micro, least=False),
        *promise.holds("took_days", facts.took_days, least=False),
    ]


def _verified(_: Promise, facts: Facts) -> list[Item]:
    signatures = facts.verifications
    if not signatures:
        return [Item("valid_signatures", None, None, Verdict.OPEN)]
    return [_same("valid_signatures", len(signatures), sum(signatures))]


_BY_TYPE: Final[Mapping[ProductType, Callable[[Promise, Facts], list[Item]]]] = {
    ProductType.API: _calls,
    ProductType.REPORT: _scope,
    ProductType.SERVICE: _milestones,
    ProductType.TOOL: _run,
    ProductType.PRIVACY: _task,
    ProductType.COMPUTE: _lease,
    ProductType.CERT: _verified,
}


def judge_facts(promise: Promise, facts: Facts) -> list[Item]:
    """What was found of a product by its type's own facts; those that nobody has given are OPEN."""
    if facts.delivered is not None:
        return judge_copy(promise, facts.delivered)
    judge = _BY_TYPE.get(promise.product_type)
    return [] if judge is None else judge(promise, facts)


def _judged(name: str, promised: Value, found: Value, holds: bool) -> Item:  # noqa: FBT001 - a verdict's reason
    return Item(name, promised, found, Verdict.PASS if holds else Verdict.FAIL)


def _same(name: str, promised: Value, found: Value) -> Item:
    return _judged(name, promised, found, promised == found)


def _known(name: str, promised: Value, found: Value) -> Item:
    """OPEN until both sides of the comparison are known."""
    if promised is None or found is None:
        return Item(name, promised, found, Verdict.OPEN)
    return _same(name, promised, found)


def _bounded(name: str, bound: int | None, found: int | None, *, least: bool) -> Item:
    if bound is None or found is None:
        return Item(name, bound, found, Verdict.OPEN)
    return _judged(name, bound, found, found >= bound if least else found <= bound)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A whole test: its items, and its report as canonical bytes."""

    items: tuple[Item, ...]
    report: bytes

    @property
    def passed(self) -> bool:
        """Nothing that was tested failed."""
        return all(item.verdict is not Verdict.FAIL for item in self.items)

    @property
    def sha256(self) -> str:
        """What the ledger names the report by."""
        return sha256_hex(self.report)


def outcome_of(head: Mapping[str, Any], items: Iterable[Item]) -> Outcome:
    """The outcome of a test; `head` says of which trade and goods, by whom, and when."""
    tested = tuple(items)
    failed = [item.name for item in tested if item.verdict is Verdict.FAIL]
    document = {
        "format": FORMAT,
        **head,
        "items": [item.document() for item in tested],
        "passed": not failed,
        "failed": failed,
    }
    return Outcome(tested, canonical(document))
