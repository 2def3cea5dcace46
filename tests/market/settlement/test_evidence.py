"""What the bank's statements show of one instruction: added up by payment and account, over all days."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank.amounts import account_number
from market.settlement.errors import StatementContradicts, StatementMissing
from market.settlement.evidence import Told, require_every_day, shown
from market.settlement.messages import Movement
from market.settlement.tables import Found

INSTRUCTION = "ins_1"
D1, D2 = date(2026, 11, 17), date(2026, 11, 18)
PAYOUTS = [
    {"end_to_end_id": "trd_1/S", "amount_minor": "900", "account": account_number(11)},
    {"end_to_end_id": "trd_1/P", "amount_minor": "100", "account": account_number(12)},
]


def paid(number: int = 0, *, minor: int | None = None, **changes: object) -> Movement:
    """The bank has paid one of the two."""
    payout = PAYOUTS[number]
    made = Movement(
        entry_id=f"pay_{number}",
        credit=False,
        amount_minor=int(payout["amount_minor"]) if minor is None else minor,
        booked_on=D1,
        end_to_end_id=payout["end_to_end_id"],
        party_account=payout["account"],
        reference="trd_1",
        instruction_id=INSTRUCTION,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def told(*movements: Movement, day: date = D1, sha256: str = "a") -> Told:
    return Told(day, sha256, movements)


def see(*statements: Told) -> Found:
    return shown(INSTRUCTION, PAYOUTS, statements).found


STRANGE = paid(entry_id="pay_9", instruction_id="ins_2")
BACK = paid(credit=True)


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        ((), Found.NOT_PAID),
        ((told(),), Found.NOT_PAID),
        ((told(STRANGE),), Found.NOT_PAID),
        ((told(paid(), paid(1)),), Found.PAID),
        ((told(paid(), paid(1), STRANGE),), Found.PAID),
        ((told(paid()), told(paid(1), day=D2)), Found.PAID),
        ((told(paid(instruction_id=None), paid(1)),), Found.PAID),  # a bank that names the payment alone
        ((told(paid()),), Found.OTHERWISE),
        ((told(paid(minor=899), paid(1)),), Found.OTHERWISE),
        ((told(paid(minor=899), paid(1)), told(paid(minor=1), day=D2)), Found.PAID),
        ((told(paid(party_account=account_number(98)), paid(1)),), Found.OTHERWISE),
        ((told(paid(), paid(entry_id="pay_2"), paid(1)),), Found.OTHERWISE),  # twice
        ((told(paid(), paid(entry_id="pay_2"), paid(1)), told(BACK, day=D2)), Found.PAID),
        ((told(paid()), told(BACK, day=D2)), Found.NOT_PAID),
        ((told(paid(end_to_end_id="trd_1/X"), paid(1)),), Found.OTHERWISE),
    ],
)
def test_what_counts_is_what_was_paid_in_the_end(statements, found):
    assert see(*statements) is found
    assert see(*reversed(statements)) is found


def test_the_entries_are_summed_by_the_banks_reference_on_their_first_day():
    seen = shown(INSTRUCTION, PAYOUTS, [told(paid(minor=899), paid(1)), told(paid(minor=1), day=D2)])
    assert [(one.entry_id, one.signed_minor, one.booked_on) for one in seen.entries] == [
        ("pay_0", -900, D1),
        ("pay_1", -100, D1),
    ]


def test_two_statements_of_a_day_may_differ_in_everything_but_this():
    assert see(told(paid(), paid(1)), told(paid(1), paid(), STRANGE, sha256="b")) is Found.PAID
    with pytest.raises(StatementContradicts) as caught:
        see(told(paid(), paid(1)), told(sha256="b"))
    assert caught.value.facts == {"day": D1.isoformat()}


def test_no_day_between_may_be_missing():
    require_every_day([told(), told(day=D2)], since=D1, until=D2)
    with pytest.raises(StatementMissing) as caught:
        require_every_day([told(), told(day=D2 + timedelta(days=1))], since=D1, until=D2 + timedelta(days=1))
    assert caught.value.facts == {"days": [D2.isoformat()]}


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(1, 900), st.booleans(), st.booleans())))
def test_it_is_paid_exactly_where_the_sums_are_those_that_were_asked_for(booked):
    entries = [
        (paid(number, minor=minor, credit=credit, entry_id=f"pay_{at}"), D2 if later else D1)
        for at, (number, minor, credit, later) in enumerate(booked)
    ]
    found = see(*(told(*(entry for entry, on in entries if on == day), day=day) for day in (D1, D2)))
    sums = [sum(entry.signed_minor for entry, _ in entries if entry.end_to_end_id.endswith(s)) for s in "SP"]
    expected = {(0, 0): Found.NOT_PAID, (-900, -100): Found.PAID}.get((sums[0], sums[1]), Found.OTHERWISE)
    assert found is expected
