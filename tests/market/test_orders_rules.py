"""A trade moves through one table; offers alternate; a refusal gives its reason."""

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.calendar import is_working_day, shanghai_day
from identity.rules import Role
from market.orders.drawing import DRAWING
from market.orders.errors import (
    DeadlineNotReached,
    DeadlinePassed,
    OfferMalformed,
    RefusalReasonMissing,
    TradeWrongRole,
    TradeWrongState,
)
from market.orders.rules import (
    Offer,
    RefusalReason,
    Side,
    TradeEvent,
    TradeState,
    allowed_events,
    check_in_time,
    check_reached,
    check_refusal,
    check_side,
    check_takeover,
    check_terms,
    check_trade_offer,
    check_unfreeze,
    due_in,
    may_move,
    offer_event,
    resumed,
    side_of,
    who_owes_answer,
)
from market.orders.states import MOVES, OVER
from pricing.errors import OfferOutOfTurn, PriceAboveCap

NOW = datetime(2026, 11, 16, 1, tzinfo=UTC)  # Monday, 09:00 in Shanghai
DAY = timedelta(days=1)

# The story of SC-1: who does what, and where the trade stands after it.
STORY = [
    ("INQUIRE", "BUYER", "INQUIRED"),
    ("OFFER", "BROKER", "NEGOTIATING"),
    ("COUNTER_OFFER", "BUYER", "NEGOTIATING"),
    ("COUNTER_OFFER", "BROKER", "NEGOTIATING"),
    ("ACCEPT", "BUYER", "ACCEPTED"),
    ("PRECHECK_PASS", "EXCHANGE_OPERATOR", "CONTRACT_READY"),
    ("SIGN", "PROVIDER", "CONTRACT_READY"),
    ("SIGN", "BUYER", "CONTRACT_READY"),
    ("SIGN", "BROKER", "CONTRACT_READY"),
    ("CONTRACT", "EXCHANGE_OPERATOR", "CONTRACTED"),
    ("FUND", "ESCROW", "FUNDED"),
    ("START_DELIVERY", "PROVIDER", "DELIVERING"),
    ("DELIVERED", "EXCHANGE_OPERATOR", "DELIVERED"),
    ("ACCEPT_GOODS", "BUYER", "ACCEPTED_GOODS"),
    ("SETTLE", "ESCROW", "SETTLED"),
    ("INVOICE", "PROVIDER", "SETTLED"),
    ("FILE", "EXCHANGE_OPERATOR", "FILED"),
    ("ISSUE_TRADE_CERT", "EXCHANGE_OPERATOR", "CERTIFIED"),
    ("LICENCE_END", "EXCHANGE_OPERATOR", "CLOSED"),
]


def offer(number, side, price=100, *, made=0, lasts=2):
    return Offer(number, side, price, NOW + made * DAY, NOW + (made + lasts) * DAY)


def test_the_whole_story_of_a_trade():
    state = None
    for event, role, after in STORY:
        state = may_move(state, TradeEvent(event), role)
        assert state is TradeState(after)
    assert allowed_events(state) == (TradeEvent.VOID,)


def test_every_state_and_event_outside_the_table_is_refused():
    refused = 0
    for state, event in itertools.product([None, *TradeState], TradeEvent):
        if (state, event) in MOVES:
            continue
        with pytest.raises(TradeWrongState):
            may_move(state, event, "EXCHANGE_OPERATOR")
        refused += 1
    assert refused == (len(TradeState) + 1) * len(TradeEvent) - len(MOVES)


def test_the_refusal_says_the_state_and_what_it_allows():
    with pytest.raises(TradeWrongState) as refused:
        may_move(TradeState.CLOSED, TradeEvent.SETTLE, "ESCROW")
    assert refused.value.code == "trade-wrong-state"
    assert refused.value.facts == {"state": "CLOSED", "event": "SETTLE", "allowed": ["VOID"]}
    with pytest.raises(TradeWrongState) as refused:
        may_move(TradeState.FUNDED, TradeEvent.FUND, "ESCROW")
    assert refused.value.facts["allowed"] == [
        "START_DELIVERY",
        "DELIVERY_FAIL",
        "FREEZE",
        "VOID",
    ]
    assert "START_DELIVERY" in refused.value.detail


def test_every_role_outside_the_row_is_refused():
    for (state, event), move in MOVES.items():
        for role in Role:
            if role in move.roles:
                assert may_move(state, event, role) is move.to
            else:
                with pytest.raises(TradeWrongRole):
                    may_move(state, event, role)
        assert move.roles <= set(Role)


def test_every_state_is_reached_and_only_outside_comes_to_those_that_are_over():
    reached = {move.to for move in MOVES.values()} - {None}
    assert reached == set(TradeState)
    outside = {"INVOICE", "FILE", "ISSUE_TRADE_CERT", "LICENCE_END", "POST_REFUND", "REFUND", "VOID"}
    assert {s for s in TradeState if {e.value for e in allowed_events(s)} <= outside} == OVER


@pytest.mark.parametrize("state", [state for state in TradeState if state not in OVER])
def test_a_trade_can_be_frozen_anywhere_before_its_end_and_nothing_else_happens_to_it(state):
    if state is TradeState.FROZEN:
        assert allowed_events(state) == (TradeEvent.UNFREEZE, TradeEvent.FREEZE, TradeEvent.VOID)
        assert may_move(state, TradeEvent.UNFREEZE, "SAMR") is None
    else:
        assert may_move(state, TradeEvent.FREEZE, "SAMR") is TradeState.FROZEN
        with pytest.raises(TradeWrongRole):
            may_move(state, TradeEvent.FREEZE, "PROVIDER")


@pytest.mark.parametrize("state", sorted(OVER))
def test_nothing_that_is_over_is_frozen(state):
    with pytest.raises(TradeWrongState):
        may_move(state, TradeEvent.FREEZE, "SAMR")


def test_only_an_authority_voids_and_a_void_contract_stays_void():
    for state in set(TradeState) - {TradeState.VOIDED}:
        assert may_move(state, TradeEvent.VOID, "SAMR") is TradeState.VOIDED
        for role in ("EXCHANGE_OPERATOR", "PROVIDER", "BUYER", "BROKER"):
            with pytest.raises(TradeWrongRole):
                may_move(state, TradeEvent.VOID, role)
    assert allowed_events(TradeState.VOIDED) == (TradeEvent.REFUND,)


def test_the_page_is_drawn_from_the_table():
    page = (Path(__file__).parents[2] / "docs" / "trade.md").read_text(encoding="utf-8")
    assert DRAWING.redraw(page) == page
    drawing = DRAWING.drawn()
    assert "DISPUTED --> PARTIAL_SETTLE: PARTIAL\n" in drawing
    assert "| SETTLED, FILED, CERTIFIED | POST_REFUND |" in drawing
    with pytest.raises(ValueError, match="no place"):
        DRAWING.redraw("# The trade")


def test_every_row_says_its_guard():
    assert [key for key, move in MOVES.items() if not move.guard] == []


def test_an_authority_takes_over_the_exchanges_freeze_and_nobody_an_authoritys():
    assert may_move(TradeState.FROZEN, TradeEvent.FREEZE, "SAMR") is TradeState.FROZEN
    with pytest.raises(TradeWrongRole):
        may_move(TradeState.FROZEN, TradeEvent.FREEZE, "EXCHANGE_OPERATOR")
    check_takeover(frozen_by="EXCHANGE_OPERATOR")
    with pytest.raises(TradeWrongState) as caught:
        check_takeover(frozen_by="SAMR")
    assert caught.value.facts["allowed"] == ["UNFREEZE"]


def test_the_exchange_does_not_lift_a_regulators_freeze():
    check_unfreeze(frozen_by="EXCHANGE_OPERATOR", role="EXCHANGE_OPERATOR")
    check_unfreeze(frozen_by="EXCHANGE_OPERATOR", role="SAMR")
    check_unfreeze(frozen_by="SAMR", role="DATA_AUTHORITY")
    with pytest.raises(TradeWrongRole):
        check_unfreeze(frozen_by="SAMR", role="EXCHANGE_OPERATOR")


@pytest.mark.parametrize(
    ("state", "by_call", "event", "at"),
    [
        (TradeState.INQUIRED, False, "TIMEOUT", datetime(2026, 12, 14, 15, 59, 59, 999_000, tzinfo=UTC)),
        (TradeState.NEGOTIATING, False, "TIMEOUT", datetime(2026, 12, 14, 15, 59, 59, 999_000, tzinfo=UTC)),
        (
            TradeState.CONTRACTED,
            False,
            "FUND_TIMEOUT",
            datetime(2026, 11, 19, 15, 59, 59, 999_000, tzinfo=UTC),
        ),
        (
            TradeState.DELIVERED,
            False,
            "SILENT_ACCEPT",
            datetime(2026, 11, 23, 15, 59, 59, 999_000, tzinfo=UTC),
        ),
        (
            TradeState.DELIVERED,
            True,
            "SILENT_ACCEPT",
            datetime(2026, 11, 30, 15, 59, 59, 999_000, tzinfo=UTC),
        ),
        (
            TradeState.FUNDED,
            False,
            "DELIVERY_FAIL",
            datetime(2026, 11, 23, 15, 59, 59, 999_000, tzinfo=UTC),
        ),
        (TradeState.ACCEPTED_GOODS, False, "SETTLE", datetime(2026, 11, 17, 1, tzinfo=UTC)),
        (TradeState.PARTIAL_SETTLE, False, "SETTLE", datetime(2026, 11, 17, 1, tzinfo=UTC)),
    ],
)
def test_each_clock_runs_in_working_days(state, by_call, event, at):
    due = due_in(state, NOW, acceptance_days=10 if by_call else 5)
    assert due.event is TradeEvent(event)
    assert due.deadline.at == at
    assert not due.deadline.provisional


def test_accepted_on_friday_settles_on_monday_at_nine():
    friday = datetime(2026, 11, 20, 8, tzinfo=UTC)
    assert due_in(TradeState.ACCEPTED_GOODS, friday).deadline.at == datetime(2026, 11, 23, 1, tzinfo=UTC)


def test_no_clock_runs_in_the_other_states():
    for state in set(TradeState) - {
        TradeState.INQUIRED,
        TradeState.NEGOTIATING,
        TradeState.CONTRACTED,
        TradeState.FUNDED,
        TradeState.DELIVERED,
        TradeState.ACCEPTED_GOODS,
        TradeState.PARTIAL_SETTLE,
    }:
        assert due_in(state, NOW) is None


def test_a_deadline_is_in_time_and_the_clock_acts_only_after_it():
    later = NOW + timedelta(milliseconds=1)
    check_in_time(NOW, NOW)
    with pytest.raises(DeadlinePassed):
        check_in_time(NOW, later)
    check_reached(TradeEvent.TIMEOUT, NOW, later)
    with pytest.raises(DeadlineNotReached):
        check_reached(TradeEvent.TIMEOUT, NOW, NOW)
    check_reached(TradeEvent.SETTLE, NOW, NOW)
    with pytest.raises(DeadlineNotReached):
        check_reached(TradeEvent.SETTLE, later, NOW)


def test_a_freeze_gives_the_lost_working_days_back():
    due = due_in(TradeState.CONTRACTED, NOW).deadline.at
    friday, tuesday = NOW + 4 * DAY, NOW + 8 * DAY
    assert resumed(due, frozen_at=friday, unfrozen_at=tuesday).at == datetime(
        2026, 11, 23, 15, 59, 59, 999_000, tzinfo=UTC
    )
    assert resumed(due, frozen_at=NOW, unfrozen_at=NOW).at == due
    settle = due_in(TradeState.ACCEPTED_GOODS, NOW).deadline.at
    assert resumed(settle, frozen_at=NOW, unfrozen_at=NOW + DAY).at == datetime(2026, 11, 18, 1, tzinfo=UTC)


@settings(deadline=None)
@given(
    since=st.integers(min_value=0, max_value=20 * 365 * 24).map(
        lambda h: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=h)
    ),
    state=st.sampled_from(list(TradeState)),
    days=st.integers(1, 30),
)
def test_every_deadline_falls_on_a_later_working_day(since, state, days):
    due = due_in(state, since, acceptance_days=days)
    if due is not None:
        assert is_working_day(shanghai_day(due.deadline.at))
        assert shanghai_day(due.deadline.at) > shanghai_day(since)


def test_a_refusal_names_one_of_the_known_reasons():
    assert check_refusal("CAPACITY") is RefusalReason.CAPACITY
    for missing in (None, "", "because"):
        with pytest.raises(RefusalReasonMissing) as refused:
            check_refusal(missing)
        assert refused.value.rule_id == "AB3"


def test_a_broker_negotiates_for_the_side_of_its_mandate():
    assert side_of("PROVIDER") is Side.PROVIDER
    assert side_of("BUYER", "PROVIDER") is Side.BUYER
    assert side_of("BROKER", "PROVIDER") is Side.PROVIDER
    assert side_of("BROKER", "BUYER") is Side.BUYER
    for role, mandate in (("BROKER", None), ("EXCHANGE_OPERATOR", None), ("SAMR", "BUYER")):
        with pytest.raises(TradeWrongRole):
            side_of(role, mandate)


def test_a_broker_does_not_refuse_for_the_buyer_nor_inquire_for_the_provider():
    check_side(TradeState.NEGOTIATING, TradeEvent.REFUSE, Side.PROVIDER)
    for state, event, side in (
        (None, TradeEvent.INQUIRE, Side.PROVIDER),
        (TradeState.INQUIRED, TradeEvent.REFUSE, Side.BUYER),
        (TradeState.NEGOTIATING, TradeEvent.REFUSE, Side.BUYER),
        (TradeState.INQUIRED, TradeEvent.OFFER, Side.BUYER),
        (TradeState.INQUIRED, TradeEvent.COUNTER_OFFER, Side.PROVIDER),
    ):
        with pytest.raises(TradeWrongRole):
            check_side(state, event, side)


def test_the_first_offer_is_the_providers_or_a_counter_to_the_list_price():
    assert offer_event(TradeState.INQUIRED, [], Side.PROVIDER) is TradeEvent.OFFER
    assert offer_event(TradeState.INQUIRED, [], Side.BUYER) is TradeEvent.COUNTER_OFFER
    opened = [offer(1, Side.PROVIDER)]
    assert offer_event(TradeState.NEGOTIATING, opened, Side.BUYER) is TradeEvent.COUNTER_OFFER
    assert offer_event(TradeState.NEGOTIATING, opened, Side.PROVIDER) is TradeEvent.OFFER


def test_an_offer_is_asked_state_role_side_turn_and_cap():
    first = offer(1, Side.PROVIDER)
    event = check_trade_offer(TradeState.INQUIRED, [], first, role="PROVIDER", cap_minor=100)
    assert event is TradeEvent.OFFER
    answer = offer(2, Side.BUYER, 90, made=1)
    event = check_trade_offer(TradeState.NEGOTIATING, [first], answer, role="BROKER", cap_minor=None)
    assert event is TradeEvent.COUNTER_OFFER
    with pytest.raises(PriceAboveCap):
        check_trade_offer(TradeState.INQUIRED, [], first, role="PROVIDER", cap_minor=99)
    with pytest.raises(OfferOutOfTurn):
        check_trade_offer(
            TradeState.NEGOTIATING,
            [first],
            offer(2, Side.PROVIDER, made=1),
            role="PROVIDER",
            cap_minor=None,
        )
    with pytest.raises(TradeWrongRole):
        check_trade_offer(TradeState.INQUIRED, [], first, role="BUYER", cap_minor=None)
    with pytest.raises(TradeWrongRole):  # a provider does not answer itself in the buyer's name
        check_trade_offer(TradeState.NEGOTIATING, [first], answer, role="PROVIDER", cap_minor=None)


@pytest.mark.parametrize("state", sorted(set(TradeState) - {TradeState.INQUIRED, TradeState.NEGOTIATING}))
def test_a_counter_offer_to_a_closed_negotiation_is_refused(state):
    opened = [offer(1, Side.PROVIDER)]
    with pytest.raises(TradeWrongState) as refused:
        check_trade_offer(state, opened, offer(2, Side.BUYER, made=1), role="BUYER", cap_minor=None)
    assert refused.value.facts["state"] == state.value


def test_silence_is_the_providers_until_it_has_offered():
    assert who_owes_answer([]) is Side.PROVIDER
    assert who_owes_answer([offer(1, Side.PROVIDER)]) is Side.BUYER
    assert who_owes_answer([offer(1, Side.PROVIDER), offer(2, Side.BUYER, made=1)]) is Side.PROVIDER


@pytest.mark.parametrize(("quantity", "months"), [(0, 12), (-1, 12), (10**12 + 1, 12), (1, 0), (1, 61)])
def test_terms_out_of_bounds_are_malformed(quantity, months):
    with pytest.raises(OfferMalformed):
        check_terms(quantity=quantity, term_months=months)
