"""How long the law wants an opening kept, and who may rely on which ground: by its numbers alone."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.errors import Malformed
from cases.errors import ErasureBeyondPower, KeptByLaw, OpeningInUse, OpeningUnderCase, RetentionNotOver
from cases.retention import (
    BASES,
    Keeping,
    Standing,
    bases_for,
    basis_of,
    check_erasable,
    check_power,
    keeping_of,
    kept_until,
)
from web.pages.words import EVENTS

DONE = datetime(2024, 2, 29, 9, 30, tzinfo=UTC)
MOMENTS = st.timedeltas(timedelta(0), timedelta(days=120 * 365)).map(lambda later: DONE + later)
REQUEST, ORDER = basis_of("PIPL-47-1"), basis_of("ORDER")


def standing(event: str = "TRD.OFFER", **facts: object) -> Standing:
    return Standing(event=event, said_at=DONE, **facts)  # type: ignore[arg-type]


def test_three_years_from_the_completion_and_a_leap_day_ends_on_the_twenty_eighth() -> None:
    until = kept_until(standing(completed_at=DONE))
    assert until == datetime(2027, 2, 28, 9, 30, tzinfo=UTC)
    with pytest.raises(RetentionNotOver) as caught:
        check_erasable(standing(completed_at=DONE), REQUEST, now=until)
    assert caught.value.facts == {"law": "电子商务法 art. 31", "until": "2027-02-28T09:30:00.000Z"}
    check_erasable(standing(completed_at=DONE), REQUEST, now=until + timedelta(milliseconds=1))


def test_what_was_never_completed_is_kept_for_no_time() -> None:
    assert kept_until(standing()) is None
    check_erasable(standing(), REQUEST, now=DONE)


@given(MOMENTS, st.timedeltas(timedelta(0), timedelta(days=40 * 365)), st.sampled_from(list(BASES.values())))
def test_books_are_kept_for_thirty_years_whatever_is_ordered(said_at, later, basis) -> None:
    one = Standing(event="TRD.SETTLE", said_at=said_at, completed_at=said_at)
    until = kept_until(one)
    assert until is not None
    assert until.year == said_at.year + 30
    if said_at + later <= until:
        with pytest.raises(RetentionNotOver):
            check_erasable(one, basis, now=said_at + later)
    else:
        check_erasable(one, basis, now=said_at + later)


def test_an_order_outweighs_the_term_of_a_transaction_and_nothing_that_is_still_needed() -> None:
    check_erasable(standing(completed_at=DONE), ORDER, now=DONE)
    for facts, refusal in (
        ({"in_use": "trade"}, OpeningInUse),
        ({"under_case": "cse_1"}, OpeningUnderCase),
        ({"in_use": "trade", "under_case": "cse_1"}, OpeningInUse),
    ):
        with pytest.raises(refusal):
            check_erasable(standing(**facts), ORDER, now=DONE)
    for event in ("CSE.FILE", "OPN.ERASE"):
        with pytest.raises(KeptByLaw):
            check_erasable(standing(event), ORDER, now=DONE)


def test_every_event_of_the_ledger_has_its_keeping() -> None:
    kept = {event: keeping_of(event) for event in EVENTS}
    assert {event for event, keeping in kept.items() if keeping is Keeping.BOOKS} == {
        "TRD.FUND",
        "TRD.SETTLE",
        "TRD.REFUND",
        "ACC.STATEMENT",
        "PAY.ACCOUNT",
        "PAY.ASCERTAIN",
        "PAY.CLAIM",
        "PAY.CLAIM_PAID",
        "PAY.EXPIRE",
        "PAY.INSTRUCT",
        "PAY.MISMATCH",
        "PAY.RECONCILE",
        "PAY.REQUEUE",
        "PAY.RESOLVE",
    }
    assert {kept[event] for event in EVENTS if event.startswith(("LST.", "QTE.", "MND.", "DLV."))} == {
        Keeping.TRANSACTION
    }
    assert kept["REF.REFUSE"] is kept["ORG.ADMIT"] is Keeping.NOTHING


def test_requests_are_the_operator_s_and_orders_the_authorities() -> None:
    for basis in BASES.values():
        for role in ("EXCHANGE_OPERATOR", "SAMR", "CAC", "DATA_AUTHORITY", "BUYER", "AUDITOR"):
            if role in basis.roles:
                check_power(basis, role=role, order_ref="X1")
            else:
                with pytest.raises(ErasureBeyondPower):
                    check_power(basis, role=role, order_ref="X1")
    assert [basis.code for basis in bases_for(frozenset({"CAC"}))] == ["ORDER"]
    assert "ORDER" not in [basis.code for basis in bases_for(frozenset({"EXCHANGE_OPERATOR"}))]
    assert bases_for(frozenset({"BUYER", "AUDITOR"})) == []


@pytest.mark.parametrize("order_ref", [None, ""])
def test_an_order_or_a_judgment_is_named_by_its_number(order_ref) -> None:
    for code, role in (("ORDER", "CAC"), ("JUDGMENT", "EXCHANGE_OPERATOR")):
        with pytest.raises(Malformed):
            check_power(basis_of(code), role=role, order_ref=order_ref)
    check_power(REQUEST, role="EXCHANGE_OPERATOR", order_ref=order_ref)
    with pytest.raises(Malformed):
        basis_of("PIPL-47")
