"""The table of states as the services keep it: what it allows works, all else is refused and moves nothing.

Each try runs against one trade in each state, in a savepoint that is rolled back.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from base.db import WriteSession
from base.errors import DomainError
from ledger.recording import recorded_in
from market.delivery.errors import DeliveryWrongState
from market.orders import repository as trades
from market.orders.errors import NotAParty, TradeUnknown, TradeWrongRole, TradeWrongState
from market.orders.rules import TradeEvent, TradeState, allowed_events
from market.orders.states import MOVES, may_move
from market.settlement.errors import EscrowFundedBefore, FundingFrozen
from tests.copies import Copies
from tests.market.trade.scene import Scene
from tests.market.trade.stage import BY_CLOCK, VERBS, Stage, make_stage, moment, prepared

ROLES = (
    "PROVIDER",
    "BUYER",
    "BROKER",
    "EXCHANGE_OPERATOR",
    "ESCROW",
    "DATA_AUTHORITY",
    "SAMR",
    "CAC",
    "AUDITOR",
)
PAID_BEFORE = (EscrowFundedBefore, FundingFrozen)  # the bank's own words for a payment that nobody waits for
OFFERS = {TradeEvent.OFFER, TradeEvent.COUNTER_OFFER}
FOREIGN = (TradeWrongRole, NotAParty, TradeUnknown)


class Undone(Exception):
    """Leaves nothing of what a test has tried."""


@pytest.fixture
async def stage(scenery: Copies[Scene], sqlite_template: Path) -> AsyncIterator[Stage]:
    async with scenery.on_sqlite(sqlite_template) as (database, made):
        yield await make_stage(made.on(database))


def rightful(event: TradeEvent) -> list[str]:
    """The roles that may cause an event in some state."""
    return sorted({role for (_, other), move in MOVES.items() if other is event for role in move.roles})


def roles_of(state: TradeState, event: TradeEvent) -> set[str]:
    """Who may cause an event; which of the two an offer is, the negotiation says."""
    alike = OFFERS if event in OFFERS else {event}
    return {role for one in alike if (state, one) in MOVES for role in MOVES[state, one].roles}


def cases(state: TradeState, *, allowed: bool) -> Iterator[TradeEvent]:
    for event in VERBS:
        if ((state, event) in MOVES) == allowed:
            yield event


async def changes(s: WriteSession) -> int:
    """How many rows this connection has written so far."""
    return int((await s.exec(text("SELECT total_changes()"))).scalar_one())


async def tried(stage: Stage, s: WriteSession, state: TradeState, event: TradeEvent, role: str) -> object:
    """What an event answers in a state to a role, or the error it raises; nothing of it stays."""
    trade_id = stage.scene.trades[state.value]
    savepoint = await s.begin_nested()
    forges = event in {TradeEvent.SETTLE, TradeEvent.REFUND}
    before = await changes(s)
    try:
        return await VERBS[event](stage, s, stage.act(role, later=moment(event)), trade_id)
    except DomainError as error:
        assert forges or await changes(s) == before, (state, event, role)
        return error
    finally:
        await savepoint.rollback()
        s.expunge_all()


def told(state: TradeState, event: TradeEvent, error: object) -> None:
    """The refusal names the state, the event and what is allowed instead."""
    assert isinstance(error, TradeWrongState), (state, event, error)
    assert error.facts["state"] == state.value, (state, event, error.facts)
    assert error.facts["allowed"] == [one.value for one in allowed_events(state)]


BEGINNINGS = {TradeEvent.INQUIRE, TradeEvent.AWARD}  # by verbs of their own, of trades that are not there yet


def test_every_event_of_the_table_is_tried() -> None:
    assert set(VERBS) == set(TradeEvent) - BEGINNINGS
    assert {role for move in MOVES.values() for role in move.roles} <= set(ROLES)


def test_the_table_itself_takes_each_triple_or_refuses_it() -> None:
    taken: Counter[str] = Counter()
    for state in (None, *TradeState):
        for event in TradeEvent:
            for role in ROLES:
                move = MOVES.get((state, event))
                if move is None:
                    with pytest.raises(TradeWrongState):
                        may_move(state, event, role)
                    taken["wrong state"] += 1
                elif role not in move.roles:
                    with pytest.raises(TradeWrongRole):
                        may_move(state, event, role)
                    taken["wrong role"] += 1
                else:
                    assert may_move(state, event, role) is move.to
                    taken["taken"] += 1
    assert sum(taken.values()) == 25 * 35 * 9
    assert taken["taken"] == sum(len(move.roles) for move in MOVES.values())


async def test_the_services_keep_the_table(stage: Stage) -> None:
    """One stage for all: to set it takes longer than to play on it."""
    await what_the_table_allows_works_for_each_of_its_roles(stage)
    await what_a_state_does_not_take_is_refused_to_those_whose_event_it_is(stage)
    await what_belongs_to_another_role_is_refused_to_everybody_else(stage)


async def what_the_table_allows_works_for_each_of_its_roles(stage: Stage) -> None:
    done: Counter[TradeEvent] = Counter()
    with pytest.raises(Undone):
        async with stage.scene.database.write() as s:
            for state in TradeState:
                for event in cases(state, allowed=True):
                    for role in sorted(MOVES[state, event].roles):
                        await _works(stage, s, state, event, role)
                        done[event] += 1
            raise Undone
    assert set(done) == set(VERBS)
    begun = sum(len(MOVES[None, event].roles) for event in BEGINNINGS)
    assert done.total() == sum(len(move.roles) for move in MOVES.values()) - begun


async def _works(stage: Stage, s: WriteSession, state: TradeState, event: TradeEvent, role: str) -> None:
    savepoint = await s.begin_nested()
    trade_id, when = await prepared(stage, s, state, event, role)
    said = len(recorded_in(s))
    answer = await VERBS[event](stage, s, stage.act(role, later=when), trade_id)
    assert answer is not False, (state, event, role)
    trade = await trades.get_trade(s, trade_id=trade_id)
    to = MOVES[state, event].to or TradeState.DELIVERING  # where the frozen trade was
    if event is TradeEvent.ACCEPT:
        to = TradeState.CONTRACT_READY  # the prechecks follow in the same transaction
    assert trade.status is to, (state, event, role)
    assert len(recorded_in(s)) > said or event in _STATED_BY_ITS_VERB, (state, event, role)
    await savepoint.rollback()
    s.expunge_all()


_STATED_BY_ITS_VERB = {
    TradeEvent.PRECHECK_PASS,
    TradeEvent.PRECHECK_FAIL,
    TradeEvent.CONTRACT,
    TradeEvent.SETTLE_AGREED,
    TradeEvent.DELIVERED,
}


async def what_a_state_does_not_take_is_refused_to_those_whose_event_it_is(stage: Stage) -> None:
    count = 0
    with pytest.raises(Undone):
        async with stage.scene.database.write() as s:
            for state in TradeState:
                for event in cases(state, allowed=False):
                    for role in rightful(event):
                        _refused(state, event, await tried(stage, s, state, event, role))
                        count += 1
            raise Undone
    assert count > 1_000


def _refused(state: TradeState, event: TradeEvent, answer: object) -> None:
    if event in BY_CLOCK or answer is False:
        assert answer is False, (state, event, answer)
    elif event is TradeEvent.FUND and isinstance(answer, PAID_BEFORE):
        assert state is TradeState.FROZEN or "funded" in str(answer)
    else:
        told(state, event, answer)


async def what_belongs_to_another_role_is_refused_to_everybody_else(stage: Stage) -> None:
    with pytest.raises(Undone):
        async with stage.scene.database.write() as s:
            for state in TradeState:
                for event in cases(state, allowed=True):
                    if event in BY_CLOCK:
                        continue
                    for role in sorted(set(ROLES) - roles_of(state, event)):
                        answer = await tried(stage, s, state, event, role)
                        assert isinstance(answer, FOREIGN), (state, event, role, answer)
            raise Undone


@pytest.mark.soak
async def test_every_other_triple_is_refused(stage: Stage) -> None:
    with pytest.raises(Undone):
        async with stage.scene.database.write() as s:
            for state in TradeState:
                for event in cases(state, allowed=False):
                    for role in ROLES:
                        answer = await tried(stage, s, state, event, role)
                        if not isinstance(answer, (*FOREIGN, DeliveryWrongState)):
                            _refused(state, event, answer)
            raise Undone
