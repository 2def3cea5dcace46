"""A registration moves through one table, which the docs and the auditor have too."""

import itertools
from pathlib import Path

import pytest

from registry.registration.drawing import DRAWING
from registry.registration.errors import RegistrationWrongRole, RegistrationWrongState
from registry.registration.states import MOVES, RegistrationEvent, RegistrationState, may_move
from supervision.audit_registry import REGISTRATION_MOVES

ENDED = {"REFUSED", "CLOSED", "EXPIRED", "CANCELLED", "REVOKED"}


def test_every_event_that_is_not_in_the_table_is_refused_and_names_what_is_allowed():
    for state, event in itertools.product([None, *RegistrationState], RegistrationEvent):
        if (state, event) in MOVES:
            continue
        with pytest.raises(RegistrationWrongState) as refused:
            may_move(state, event, "REGISTRAR")
        assert refused.value.facts["allowed"] == sorted(e.value for s, e in MOVES if s is state)


def test_every_move_belongs_to_its_roles_and_leads_where_it_says():
    for (state, event), move in MOVES.items():
        for role in move.roles:
            assert may_move(state, event, role) is move.to
        with pytest.raises(RegistrationWrongRole):
            may_move(state, event, "AUDITOR")


def test_nothing_follows_what_has_ended_and_something_everything_else():
    begun = {state.value for state, _ in MOVES if state is not None}
    assert {state.value for state in RegistrationState} - begun == ENDED


def test_the_auditor_holds_the_same_table():
    ours = {
        (at and at.value, f"REG.{event.value}"): (move.roles, move.to.value)
        for (at, event), move in MOVES.items()
    }
    assert ours == REGISTRATION_MOVES


def test_the_page_is_drawn_from_the_table():
    page = Path(DRAWING.page).read_text(encoding="utf-8")
    assert DRAWING.redraw(page) == page
