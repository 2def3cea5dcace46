"""What an operator could state of uses that were never made, or twice: the auditor finds it."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from market.delivery.meter import charges
from market.listings.plans import plan_from
from supervision.audit import audit
from supervision.audit_charges import price_of
from tests.ledger.audited import found
from tests.ledger.make_bundle import VKEY, Log, genesis, key, trade

RIGHT = {"entitlement_id": "ent_1", "trade_id": "trd_0000", "kind": "API", "root": "ab" * 32, "units": 3}


def stated(log: Log, *ranges: tuple[Any, Any], **changes: Any) -> None:
    for first, last in ranges:
        told = RIGHT | {"first": first, "last": last, "uses": last - first + 1} | changes
        log.exchange("DLV.USAGE", "trd_0000", **told)


def audited(tmp_path: Path, *ranges: tuple[Any, Any], **changes: Any) -> Any:
    log = Log()
    genesis(log)
    trade(log, 0)
    stated(log, *ranges, **changes)
    return audit(log.write(tmp_path / "b"), [VKEY])


def test_uses_that_follow_one_another_are_clean(tmp_path: Path) -> None:
    assert audited(tmp_path, (1, 3), (4, 4), (5, 1000)).clean


@pytest.mark.parametrize(
    ("ranges", "changes", "why"),
    [
        ([(2, 3)], {}, "the uses of ent_1 begin with 2"),
        ([(1, 3), (5, 6)], {}, "uses up to 3 of ent_1 are stated, and now those from 5 on"),
        ([(1, 3), (3, 6)], {}, "uses up to 3 of ent_1 are stated, and now those from 3 on"),
        ([(1, 3), (1, 3)], {}, "uses up to 3 of ent_1 are stated, and now those from 1 on"),
        ([(1, 3)], {"uses": 4}, "does not say of which right"),
        ([(1, 3)], {"trade_id": "trd_0001"}, "does not say of which right"),
        ([(1, 3)], {"first": "1"}, "does not say of which right"),
    ],
)
def test_a_gap_an_overlap_or_a_wrong_count_is_a_problem(tmp_path: Path, ranges, changes, why: str) -> None:
    report = audited(tmp_path, *ranges, **changes)
    assert [(code, seq is not None) for code, seq, *_ in found(report)] == [("KEY", True)]
    assert why in report.problems[0].why


def test_a_right_is_of_one_trade(tmp_path: Path) -> None:
    log = Log()
    genesis(log)
    trade(log, 0)
    trade(log, 1)
    stated(log, (1, 3))
    told = RIGHT | {"trade_id": "trd_0001", "first": 4, "last": 4, "uses": 1}
    log.exchange("DLV.USAGE", "trd_0001", **told)
    report = audit(log.write(tmp_path / "b"), [VKEY])
    assert "ent_1 is a right of trd_0000" in report.problems[0].why


PLAN = {
    "method": "metered",
    "tiers": [{"up_to": 10, "rate_minor": "3.25"}, {"up_to": None, "rate_minor": "0.333333333333"}],
    "commit_minor": 20,
    "cap_minor": 40,
}
COST = {0: 0, 3: 20, 12: 34, 100: 40}  # 3 × 3.25 is below the least; 32.5 and two thirds, up; the most


def charged(tmp_path: Path, *bills: tuple[int, int, int, int], plan: Any = PLAN) -> list[tuple[str, str]]:
    """A trade whose parties signed for a plan; its uses so far, and what the exchange says they cost."""
    log = Log()
    genesis(log)
    trade(log, 0)
    parties = {"trade_id": "trd_0000", "parties": ["org_seller"], "contract_sha256": "ab" * 32}
    signed = {"amount_minor": "1"} | ({} if plan is None else {"price_plan": plan})
    log.say("TRD.SIGN", "trd_0000", key("org_seller"), actor=None, **parties, opening=signed)
    before = 0
    for so_far, told, charge, sum_ in bills:
        cost = {} if charge is None else {"charge_minor": str(charge), "charged_minor": str(sum_)}
        numbers = {"first": before + 1, "last": so_far, "uses": so_far - before, "units": so_far - before}
        log.exchange("DLV.USAGE", "trd_0000", **RIGHT | numbers, opening={"units_so_far": told, **cost})
        before = so_far
    report = audit(log.write(tmp_path / "b"), [VKEY])
    return [(one.code.value, one.why) for one in report.problems if "TRD.SIGN" not in one.why]


def test_charges_by_the_plan_that_was_signed_for_are_clean(tmp_path: Path) -> None:
    assert charged(tmp_path, (3, 3, 20, 20), (12, 12, 14, 34), (100, 100, 6, 40), (101, 101, 0, 40)) == []
    assert {units: price_of(PLAN, units) for units in COST} == COST


@pytest.mark.parametrize(
    ("bills", "plan", "why"),
    [
        ([(3, 3, 21, 21)], PLAN, "21 fen are charged, 21 in all, and by the plan they are 20 and 20"),
        ([(3, 3, 20, 20), (12, 12, 34, 34)], PLAN, "34 fen are charged, 34 in all"),  # the first ones again
        ([(3, 3, 20, 20), (12, 12, 14, 33)], PLAN, "14 fen are charged, 33 in all"),
        ([(3, 3, None, None)], PLAN, "None fen are charged"),
        ([(3, 4, 20, 20)], PLAN, "4 units are stated so far, and they add up to 3"),
        ([(3, 3, 3, 3)], {"method": "metered", "rate_minor": "1/3"}, "the contract's price plan is none"),
    ],
)
def test_a_charge_that_is_a_fen_wrong_is_a_problem(tmp_path: Path, bills: Any, plan: Any, why: str) -> None:
    ((code, said),) = charged(tmp_path, *bills, plan=plan)
    assert code == "OPENING"
    assert why in said


def test_without_a_signed_plan_the_units_alone_are_added_up(tmp_path: Path) -> None:
    assert charged(tmp_path, (3, 3, 7, 7), plan=None) == []
    assert charged(tmp_path / "2", (3, 3, 7, 7), plan={"method": "tiers"}) == []


RATES = st.decimals(0, 10**6, places=6).map(str)


@given(
    rates=st.lists(RATES, min_size=1, max_size=4),
    steps=st.lists(st.integers(1, 50), min_size=4, max_size=4),
    commit=st.integers(0, 1_000),
    more=st.one_of(st.none(), st.integers(1, 10**6)),
    units=st.integers(0, 400),
)
@example(rates=["1000000"], steps=[0] * 4, commit=0, more=None, units=10**12)
def test_the_auditors_arithmetic_and_the_exchanges_agree(rates, steps, commit, more, units) -> None:
    """Two that were written apart."""
    ends = [sum(steps[: n + 1]) for n in range(len(rates))]
    tiers = [{"up_to": end, "rate_minor": rate} for end, rate in zip(ends, rates, strict=True)]
    if steps[0] % 2 == 0:
        tiers[-1]["up_to"] = None
    document = {"method": "metered", "tiers": tiers, "commit_minor": commit}
    if more is not None:
        document["cap_minor"] = commit + more
    assert price_of(document, units) == charges.price_of(plan_from(document), units)
