"""Whose turn it is, and what can be done: by state, part, and the offer on the table."""

from datetime import UTC, datetime, timedelta

import pytest

from market.disputes.repository import Talks
from market.disputes.rules import Side
from market.orders.states import TradeState
from market.orders.tables import Offer, Trade
from web.pages.steps import Part, Step, deadline_of, is_turn, next_words, open_steps, part_of

NOW = datetime(2026, 11, 16, 1, tzinfo=UTC)
PROVIDER, BUYER = Part("PROVIDER", "PROVIDER"), Part("BUYER", "BUYER")
BROKER_OF_PROVIDER = Part("BROKER", "PROVIDER")


def trade(status: TradeState) -> Trade:
    return Trade(
        trade_id="trd_x",
        status=status,
        seller_id="org_s",
        buyer_id="org_b",
        broker_id="org_k",
        broker_side="PROVIDER",
        answer_by=NOW + timedelta(days=1),
    )


def offer(side: str, *, expired: bool = False) -> Offer:
    return Offer(offer_no=1, side=side, expires_at=NOW + timedelta(days=-1 if expired else 1))


def test_a_buyer_may_say_that_a_delivery_has_failed_when_its_term_is_over() -> None:
    for status, others in (
        (TradeState.FUNDED, []),
        (TradeState.DELIVERING, [Step.CONFIRM_RECEIPT]),
        (TradeState.DELIVERY_SUSPENDED, []),
    ):
        late = trade(status)
        late.deliver_by = NOW
        for now, steps in ((NOW, others), (NOW + timedelta(seconds=1), [*others, Step.DELIVERY_FAILED])):
            found = open_steps(late, BUYER, latest=offer("PROVIDER"), has_signed=True, now=now)
            assert sorted(found) == sorted(steps)
        after = NOW + timedelta(days=1)
        assert Step.DELIVERY_FAILED not in open_steps(late, PROVIDER, latest=None, has_signed=True, now=after)


@pytest.mark.parametrize(
    ("status", "part", "latest", "signed", "steps"),
    [
        (TradeState.INQUIRED, PROVIDER, None, False, [Step.OFFER, Step.REFUSE]),
        (TradeState.INQUIRED, BROKER_OF_PROVIDER, None, False, [Step.OFFER, Step.REFUSE]),
        (TradeState.INQUIRED, BUYER, None, False, [Step.OFFER]),
        (TradeState.NEGOTIATING, PROVIDER, offer("BUYER"), False, [Step.OFFER, Step.REFUSE, Step.ACCEPT]),
        (TradeState.NEGOTIATING, PROVIDER, offer("PROVIDER"), False, [Step.REFUSE]),
        (TradeState.NEGOTIATING, BUYER, offer("PROVIDER"), False, [Step.OFFER, Step.ACCEPT]),
        (TradeState.NEGOTIATING, BUYER, offer("BUYER"), False, []),
        (TradeState.NEGOTIATING, BUYER, offer("BUYER", expired=True), False, [Step.OFFER]),
        (TradeState.NEGOTIATING, BUYER, offer("PROVIDER", expired=True), False, [Step.OFFER]),
        (TradeState.CONTRACT_READY, BUYER, offer("PROVIDER"), False, [Step.SIGN]),
        (TradeState.CONTRACT_READY, BUYER, offer("PROVIDER"), True, []),
        (TradeState.CONTRACTED, BUYER, offer("PROVIDER"), True, []),
        (TradeState.FUNDED, PROVIDER, offer("PROVIDER"), True, [Step.START_DELIVERY]),
        (TradeState.FUNDED, BROKER_OF_PROVIDER, offer("PROVIDER"), True, []),
        (TradeState.DELIVERING, BUYER, offer("PROVIDER"), True, [Step.CONFIRM_RECEIPT]),
        (TradeState.DELIVERED, BUYER, offer("PROVIDER"), True, [Step.ACCEPT_GOODS]),
        (TradeState.DELIVERED, PROVIDER, offer("PROVIDER"), True, []),
        (TradeState.SETTLED, BUYER, offer("PROVIDER"), True, []),
        (TradeState.FROZEN, PROVIDER, offer("BUYER"), True, []),
        (TradeState.INQUIRED, None, None, False, []),
    ],
)
def test_steps_follow_from_state_part_and_offer(status, part, latest, signed, steps) -> None:
    assert open_steps(trade(status), part, latest=latest, has_signed=signed, now=NOW) == steps


BOTH = frozenset({Side.BUYER, Side.PROVIDER})


@pytest.mark.parametrize(
    ("part", "proposed", "late_s", "turn"),
    [
        (BUYER, frozenset(), 0, True),
        (PROVIDER, frozenset({Side.BUYER}), 0, True),
        (BUYER, frozenset({Side.BUYER}), 0, False),
        (BUYER, BOTH, 0, True),
        (PROVIDER, frozenset({Side.BUYER}), 1, False),
        (BROKER_OF_PROVIDER, frozenset({Side.BUYER}), 0, False),
    ],
)
def test_a_dispute_waits_for_whoever_has_to_answer_until_the_mediation_ends(
    part: Part, proposed: frozenset[Side], late_s: int, *, turn: bool
) -> None:
    one, talks = trade(TradeState.DISPUTED), Talks(NOW, proposed)
    now = NOW + timedelta(seconds=late_s)
    assert is_turn(one, part, latest=None, has_signed=True, now=now, talks=talks) is turn
    assert deadline_of(one, talks) == NOW


def test_a_part_needs_the_organisation_and_the_role() -> None:
    one = trade(TradeState.INQUIRED)
    assert part_of(one, "org_s", {"PROVIDER"}) == PROVIDER
    assert part_of(one, "org_b", {"BUYER", "PROVIDER"}) == BUYER
    assert part_of(one, "org_k", {"BROKER"}) == BROKER_OF_PROVIDER
    assert part_of(one, "org_s", {"BUYER"}) is None
    assert part_of(one, "org_x", {"PROVIDER"}) is None
    assert part_of(one, None, {"AUDITOR"}) is None


def test_every_state_on_the_way_has_its_words_and_its_clock() -> None:
    for status in TradeState:
        ended = status in {
            TradeState.REFUSED,
            TradeState.LAPSED,
            TradeState.BLOCKED,
            TradeState.CANCELLED,
            TradeState.CLOSED,
            TradeState.REFUNDED,
            TradeState.VOIDED,
        }
        assert (next_words(trade(status)) is None) == ended, status
    assert deadline_of(trade(TradeState.NEGOTIATING)) == NOW + timedelta(days=1)
    assert deadline_of(trade(TradeState.FROZEN)) is None
