"""What an agency states, sees and reasons, without a database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.errors import DomainError
from market.orders.states import TradeState
from market.procurement.errors import (
    ProcurementBasisMissing,
    ProcurementMalformed,
    ProcurementOverBudget,
    PurchaseDuplicate,
)
from market.procurement.rules import (
    Basis,
    Duplicate,
    Method,
    Outcome,
    Reason,
    Way,
    check_basis,
    check_purchase,
    check_seen,
    is_standing,
    outcome_of,
)

NOON = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)
BASIS = Basis(Method.SINGLE_SOURCE, "2026-数据-014", 70_000_000, "ba" * 32)


def other(number: int, *, way: Way | None = None, contracted: bool = True) -> Duplicate:
    return Duplicate(f"trd_{number}", "org_1", "市交通局", NOON, contracted, 68_000_000, None, way)


def test_a_basis_has_a_reference_and_a_budget() -> None:
    assert check_basis(replace(BASIS, budget_reference=" 14 ")).budget_reference == "14"
    for wrong in ({"budget_reference": " "}, {"budget_reference": "x" * 101}, {"budget_minor": 0}):
        with pytest.raises(ProcurementMalformed):
            check_basis(replace(BASIS, **wrong))


def test_an_agency_buys_on_a_basis_within_its_budget() -> None:
    check_purchase(BASIS, price_minor=70_000_000, buyer_id="org_2")
    with pytest.raises(ProcurementOverBudget):
        check_purchase(BASIS, price_minor=70_000_001, buyer_id="org_2")
    with pytest.raises(ProcurementBasisMissing):
        check_purchase(None, price_minor=1, buyer_id="org_2")


def test_where_another_licence_can_be_shared_it_is_not_said_that_none_can() -> None:
    check_seen([other(1)], seen=["trd_1"], reason=Reason.NOT_SHAREABLE)
    for way in Way:
        check_seen([other(1, way=way)], seen=["trd_1"], reason=Reason.SHARE_REFUSED)
        with pytest.raises(ProcurementMalformed):
            check_seen([other(1, way=way)], seen=["trd_1"], reason=Reason.NOT_SHAREABLE)


def test_what_is_not_contracted_is_told_to_the_buying_agency_alone() -> None:
    some = [other(1), other(2, contracted=False)]
    for own, told in ((True, ["trd_1", "trd_2"]), (False, ["trd_1"])):
        with pytest.raises(PurchaseDuplicate) as caught:
            check_seen(some, seen=[], reason=None, own=own)
        assert [one["trade_id"] for one in caught.value.facts["duplicates"]] == told
        assert caught.value.facts["unseen"] == 2


@given(
    there=st.sets(st.integers(1, 5)),
    seen=st.sets(st.integers(1, 5)),
    reason=st.none() | st.just(Reason.URGENT),
)
def test_it_goes_on_just_where_all_is_seen_and_reasoned(
    there: set[int], seen: set[int], reason: Reason | None
) -> None:
    try:
        check_seen([other(n) for n in there], seen=[f"trd_{n}" for n in seen], reason=reason)
        passed = True
    except DomainError:
        passed = False
    assert passed == (not there or (there <= seen and reason is not None))


def test_what_is_undone_or_over_is_no_duplicate() -> None:
    standing = {state for state in TradeState if is_standing(state, until=NOON, now=NOON)}
    gone = {"BLOCKED", "REFUSED", "LAPSED", "CANCELLED", "REFUND_PENDING", "REFUNDED", "VOIDED", "CLOSED"}
    assert {state.value for state in TradeState if state not in standing} == gone
    assert not is_standing(TradeState.CERTIFIED, until=NOON, now=NOON + timedelta(seconds=1))
    assert is_standing(TradeState.CERTIFIED, until=None, now=NOON)
    assert outcome_of(TradeState.CLOSED) is Outcome.ENDED
    assert outcome_of(TradeState.FROZEN) is Outcome.STANDING
    assert outcome_of(TradeState.VOIDED) is Outcome.VOIDED
