"""A declaration moves through one table, which the docs and the auditor have too."""

import itertools
from pathlib import Path

import pytest

from market.customs.drawing import DRAWING
from market.customs.errors import DeclarationWrongRole, DeclarationWrongState
from market.customs.states import MOVES, DeclarationEvent, DeclarationState, may_move
from supervision.audit_customs import DECLARATION_MOVES

ENDED = {"REJECTED", "REVOKED", "EXPIRED", "WITHDRAWN", "LAPSED"}


def test_every_event_that_is_not_in_the_table_is_refused_and_names_what_is_allowed():
    for state, event in itertools.product([None, *DeclarationState], DeclarationEvent):
        if (state, event) in MOVES:
            continue
        with pytest.raises(DeclarationWrongState) as refused:
            may_move(state, event, "CAC")
        assert refused.value.facts["allowed"] == sorted(e.value for s, e in MOVES if s is state)


def test_every_move_belongs_to_its_roles_and_leads_where_it_says():
    for (state, event), move in MOVES.items():
        for role in move.roles:
            assert may_move(state, event, role) is move.to
        with pytest.raises(DeclarationWrongRole):
            may_move(state, event, "AUDITOR")


def test_nothing_follows_what_has_ended_and_something_everything_else():
    begun = {state.value for state, _ in MOVES if state is not None}
    assert {state.value for state in DeclarationState} - begun == ENDED


def test_the_auditor_holds_the_same_table():
    ours = {
        (at and at.value, f"XBD.{event.value}"): (move.roles, move.to.value)
        for (at, event), move in MOVES.items()
    }
    assert ours == DECLARATION_MOVES


def test_the_page_is_drawn_from_the_table():
    page = Path(DRAWING.page).read_text(encoding="utf-8")
    assert DRAWING.redraw(page) == page
