"""M3: bills of events that count once, in any order, late ones in the next; to the fen, within the cap."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.clock import rfc3339
from base.errors import Malformed
from pricing.errors import BillingMalformed, MeterEventConflict, PriceOutOfBounds, QuantityOutOfBounds
from pricing.metered import metered_quote
from tests.pricing.facts import METERED, TIERS

START = datetime(2026, 10, 1, tzinfo=UTC)


def at(day):
    return rfc3339(START + timedelta(days=day))


@st.composite
def events(draw):
    """Events of 40 days, each received up to 20 days later, some told again."""
    made = []
    for number, (day, delay, quantity) in enumerate(
        draw(st.lists(st.tuples(st.integers(0, 39), st.integers(0, 20), st.integers(0, 50)), max_size=8))
    ):
        event = {
            "event_id": f"e{number}",
            "quantity": quantity,
            "at": at(day),
            "received_at": at(day + delay),
        }
        made.append(event)
        made += [event | {"received_at": at(day + delay + 3)}] * draw(st.integers(0, 2))
    return draw(st.permutations(made))


@st.composite
def bills(draw):
    days = sorted(draw(st.sets(st.integers(1, 45), min_size=1, max_size=4)))
    grace = draw(st.integers(0, 10))
    return [{"ends_at": at(day), "closes_at": at(day + grace)} for day in days]


def once(told):
    """Each event once, as it was first received."""
    return {one["event_id"]: one for one in sorted(told, key=lambda one: one["received_at"], reverse=True)}


PLANS = st.fixed_dictionaries(
    {
        "rate_minor": st.sampled_from(["0", "0.3", "1", "2.75"]),
        "prepaid_minor": st.integers(0, 100),
        "commit_minor": st.integers(0, 40),
        "cap_minor": st.integers(40, 90),
    }
)


def test_the_worked_bills_carry_the_fraction_of_a_fen_and_the_late_event():
    quote = metered_quote(METERED)
    first, second = quote.results["invoices"]
    assert (first["quantity"], first["usage_minor"]) == (7, 3)  # 2.1, rounded up
    assert (second["quantity"], second["late_quantity"], second["usage_minor"]) == (4, 4, 1)  # 3.3 in all: 4
    assert quote.total_minor == quote.results["usage_minor"] == 4
    assert [reason.code for reason in quote.reasons] == ["metered", "late-in-next"]


def test_one_bill_climbs_the_tiers():
    quote = metered_quote({"tiers": TIERS["tiers"], "quantity": 15_000})
    assert quote.total_minor == 60_000
    assert metered_quote({"rate_minor": 2, "events": []}).total_minor == 0


def test_commitment_cap_and_credit_in_their_order():
    facts = METERED | {"rate_minor": "10", "commit_minor": 50, "cap_minor": 60, "prepaid_minor": 80}
    quote = metered_quote(facts)
    first, second = quote.results["invoices"]
    assert first | {"quantity": 0} == {
        "quantity": 0,
        "late_quantity": 0,
        "usage_minor": 70,
        "topped_up_minor": 0,
        "waived_minor": 10,
        "charge_minor": 60,
        "prepaid_minor": 60,
        "due_minor": 0,
    }
    assert (second["topped_up_minor"], second["charge_minor"], second["prepaid_minor"]) == (10, 50, 20)
    assert quote.total_minor == 30
    assert quote.results["prepaid_left_minor"] == 0
    assert {reason.code for reason in quote.reasons} >= {"commitment", "cap-reached", "prepaid-used"}


@settings(deadline=None, max_examples=80)
@given(told=events(), due=bills(), plan=PLANS)
def test_bills_sum_to_their_events_to_the_fen(told, due, plan):
    results = metered_quote(plan | {"events": told, "bills": due}).results
    used = sum(one["quantity"] for one in once(told).values())
    billed = sum(invoice["quantity"] for invoice in results["invoices"])
    assert billed + results["unbilled_quantity"] == used
    exact = Fraction(plan["rate_minor"]) * billed
    assert results["usage_minor"] == -(-exact.numerator // exact.denominator)
    assert results["usage_minor"] == sum(invoice["usage_minor"] for invoice in results["invoices"])
    for invoice in results["invoices"]:
        assert plan["commit_minor"] <= invoice["charge_minor"] <= plan["cap_minor"]
        assert invoice["charge_minor"] == (
            invoice["usage_minor"] + invoice["topped_up_minor"] - invoice["waived_minor"]
        )
        assert invoice["topped_up_minor"] == 0 or invoice["waived_minor"] == 0
        assert invoice["due_minor"] == invoice["charge_minor"] - invoice["prepaid_minor"] >= 0
    credited = sum(invoice["prepaid_minor"] for invoice in results["invoices"])
    assert credited + results["prepaid_left_minor"] == plan["prepaid_minor"]
    assert results["prepaid_left_minor"] == 0 or results["total_minor"] == 0


@settings(deadline=None, max_examples=60)
@given(told=events(), due=bills(), plan=PLANS, data=st.data())
def test_neither_order_nor_telling_again_changes_a_bill(told, due, plan, data):
    results = metered_quote(plan | {"events": told, "bills": due}).results
    again = data.draw(st.permutations([*told, *told]))
    assert metered_quote(plan | {"events": again, "bills": due}).results == results
    plainly = list(once(told).values())
    assert metered_quote(plan | {"events": plainly, "bills": due}).results == results


@settings(deadline=None, max_examples=60)
@given(told=events(), due=bills(), plan=PLANS, late=st.integers(0, 30))
def test_a_closed_bill_never_changes_and_late_usage_is_in_the_next(told, due, plan, late):
    before = metered_quote(plan | {"events": told, "bills": due}).results
    closed = due[0]["closes_at"]
    event = {"event_id": "late", "quantity": 9, "at": at(0), "received_at": closed}
    after = metered_quote(plan | {"events": [*told, event], "bills": due}).results
    assert after["invoices"][0] == before["invoices"][0]
    if len(due) > 1 and due[1]["closes_at"] > closed:
        assert after["invoices"][1]["quantity"] == before["invoices"][1]["quantity"] + 9
        assert after["invoices"][1]["late_quantity"] == before["invoices"][1]["late_quantity"] + 9
    shorter = metered_quote(plan | {"events": told, "bills": due[:1]}).results
    assert shorter["invoices"][0] == before["invoices"][0]


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"events": [METERED["events"][0], METERED["events"][0] | {"quantity": 8}]}, MeterEventConflict),
        ({"events": [METERED["events"][0], METERED["events"][0] | {"at": at(9)}]}, MeterEventConflict),
        ({"events": [{"event_id": "e", "quantity": -1, "at": at(1)}]}, QuantityOutOfBounds),
        ({"events": [{"event_id": "e", "quantity": 10**13, "at": at(1)}]}, QuantityOutOfBounds),
        ({"events": [{"event_id": "e", "quantity": 1}]}, Malformed),
        ({"events": [{"quantity": 1, "at": at(1)}]}, Malformed),
        ({"bills": list(reversed(METERED["bills"]))}, BillingMalformed),
        ({"bills": [{"ends_at": at(9), "closes_at": at(8)}]}, BillingMalformed),
        ({"bills": [{"ends_at": at(1), "closes_at": at(9)}, {"ends_at": at(2)}]}, BillingMalformed),
        ({"commit_minor": 2, "cap_minor": 1}, BillingMalformed),
        ({"commit_minor": 10**13}, PriceOutOfBounds),
        ({"prepaid_minor": -1}, Malformed),
        ({"rate_minor": None}, Malformed),
        (
            {"rate_minor": "9" * 14, "events": [{"event_id": "e", "quantity": 10**12, "at": at(1)}]},
            PriceOutOfBounds,
        ),
    ],
)
def test_wrong_usage_gives_no_quote(changed, error):
    with pytest.raises(error) as refused:
        metered_quote(METERED | changed)
    assert type(refused.value) is error
