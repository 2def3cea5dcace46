"""What the bank decides, over values."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank.errors import InsufficientFunds, Unbalanced
from bank.messages.pain001 import Instruction, Payout
from bank.rules import Leg, Standing, legs_between, objections, post, return_reason, wrong_amount

TODAY = date(2026, 11, 24)
STANDING = Standing(
    escrow_account="escrow",
    escrow_minor=100,
    payable=frozenset({"seller", "fees"}),
    paid=frozenset({"old/S"}),
    today=TODAY,
)
SELLER = Payout("trd/S", 97, "CNY", "seller", None)
FEES = Payout("trd/P", 3, "CNY", "fees", None)
INSTRUCTION = Instruction(
    message_id="msg",
    payment_id="msg",
    created_at=datetime(2026, 11, 24, 1, tzinfo=UTC),
    requested_on=TODAY,
    debtor_account="escrow",
    counts=(2, 2),
    control_sums_minor=(100,),
    payouts=(SELLER, FEES),
)


def codes(instruction, standing=STANDING):
    return [reason.code for reason in objections(instruction, standing)]


def test_a_right_instruction_meets_no_objection():
    assert codes(INSTRUCTION) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"debtor_account": "seller"}, ["AC02"]),
        ({"requested_on": date(2026, 11, 25)}, ["DT01"]),
        ({"counts": (2, 3)}, ["AM18"]),
        ({"control_sums_minor": (99,)}, ["AM10"]),
        ({"payouts": (SELLER, replace(FEES, currency="USD"))}, ["AM03"]),
        ({"payouts": (replace(SELLER, amount_minor=100), replace(FEES, amount_minor=0))}, ["AM01"]),
        ({"payouts": (SELLER, replace(FEES, creditor_account="nobody"))}, ["AC03"]),
        ({"payouts": (SELLER, replace(FEES, creditor_account="escrow"))}, ["AC03"]),
        ({"payouts": (SELLER, replace(FEES, end_to_end_id="old/S"))}, ["DU04"]),
        ({"payouts": (SELLER, replace(FEES, end_to_end_id="trd/S"))}, ["DU04"]),
    ],
)
def test_each_fault_of_an_instruction_has_its_code(change, expected):
    assert codes(replace(INSTRUCTION, **change)) == expected


def test_an_instruction_above_the_funds_is_rejected():
    assert codes(INSTRUCTION, replace(STANDING, escrow_minor=99)) == ["AM04"]


def test_a_past_execution_date_is_carried_out_now():
    assert codes(replace(INSTRUCTION, requested_on=date(2026, 11, 20))) == []


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        ({"code": "escrow-amount-mismatch"}, "AM09"),
        ({"code": "unknown-reference"}, "BE05"),
        ({"code": "wrong-state"}, "MS02"),
        ({"code": "wrong-amount", "reason_code": "RR04"}, "RR04"),
        ({"code": "wrong-amount", "reason_code": "<script>"}, "AM09"),
        ({}, "MS02"),
    ],
)
def test_a_return_has_a_reason_code(problem, code):
    assert return_reason(problem)[0] == code


@given(st.integers(1, 10**9), st.integers(-(10**9), 10**9).filter(bool))
def test_a_planted_wrong_amount_is_wrong_and_positive(instructed, delta):
    assert wrong_amount(instructed, delta) > 0
    assert wrong_amount(instructed, delta) != instructed


def test_a_movement_of_nothing_or_onto_itself_is_refused():
    for payer, payee, amount in (("a", "b", 0), ("a", "b", -1), ("a", "a", 1)):
        with pytest.raises(Unbalanced):
            legs_between(payer=payer, payee=payee, amount_minor=amount)


def test_legs_out_of_balance_are_refused():
    with pytest.raises(Unbalanced):
        post({"a": 10}, [Leg("a", -5), Leg("b", 4)], may_overdraw="world")


ACCOUNTS = st.sampled_from(["world", "a", "b", "escrow"])


@given(st.lists(st.tuples(ACCOUNTS, ACCOUNTS, st.integers(1, 1000)), max_size=60))
def test_the_books_sum_to_zero_and_nobody_but_the_world_owes(steps):
    balances = {}
    for payer, payee, amount in steps:
        if payer == payee:
            continue
        before = dict(balances)
        try:
            balances = post(
                balances, legs_between(payer=payer, payee=payee, amount_minor=amount), may_overdraw="world"
            )
        except InsufficientFunds:
            assert before.get(payer, 0) < amount
            assert balances == before
        assert sum(balances.values()) == 0
        assert all(held >= 0 for account, held in balances.items() if account != "world")
