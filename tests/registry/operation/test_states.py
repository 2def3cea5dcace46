"""A grant moves through one table, which the docs and the auditor have too."""

import itertools
from pathlib import Path

import pytest

from registry.operation.drawing import DRAWING
from registry.operation.errors import GrantWrongRole, GrantWrongState
from registry.operation.states import HELD, LIVE, MOVES, GrantEvent, GrantState, may_move
from supervision.audit_operation import OPERATION_MOVES


def test_every_event_that_is_not_in_the_table_is_refused_and_names_what_is_allowed():
    for state, event in itertools.product([None, *GrantState], GrantEvent):
        if (state, event) in MOVES:
            continue
        with pytest.raises(GrantWrongState) as refused:
            may_move(state, event, "PUBLIC_AGENCY")
        assert refused.value.facts["allowed"] == sorted(e.value for s, e in MOVES if s is state)


def test_every_move_belongs_to_its_roles_and_leads_where_it_says():
    for (state, event), move in MOVES.items():
        for role in move.roles:
            assert may_move(state, event, role) is move.to
        for role in ("AUDITOR", "BROKER", "PROVIDER"):
            with pytest.raises(GrantWrongRole):
                may_move(state, event, role)


def test_what_has_ended_is_accounted_for_and_never_used_again():
    for state in (GrantState.TERMINATED, GrantState.EXPIRED):
        assert {event for at, event in MOVES if at is state} == {
            GrantEvent.DISCLOSE,
            GrantEvent.REPORT,
            GrantEvent.OVERDUE,
            GrantEvent.TELL_OUTCOME,
        }
    assert {at for at, event in MOVES if event is GrantEvent.USE} == set(LIVE)
    assert {at for at, event in MOVES if event is GrantEvent.EXPIRE} == set(HELD)


def test_the_auditor_holds_the_same_table():
    ours = {
        (at and at.value, f"AOG.{event.value}"): (move.roles, move.to.value)
        for (at, event), move in MOVES.items()
    }
    assert ours == OPERATION_MOVES


def test_the_page_is_drawn_from_the_table():
    page = Path(DRAWING.page).read_text(encoding="utf-8")
    assert DRAWING.redraw(page) == page
