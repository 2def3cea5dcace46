"""A certificate and its type move through one table each, which the docs and the auditor have too."""

import itertools
from pathlib import Path

import pytest

from registry.vouchers.drawing import DRAWING
from registry.vouchers.errors import VoucherWrongRole, VoucherWrongState
from registry.vouchers.states import (
    ENDED,
    MOVES,
    TYPE_MOVES,
    TypeState,
    VoucherEvent,
    VoucherState,
    may_move,
    may_move_type,
)
from registry.vouchers.terms import all_terms
from supervision.audit_registry import MACHINES, REGISTRY_SPEAKERS


def test_every_event_that_is_not_in_the_table_is_refused_and_names_what_is_allowed():
    for state, event in itertools.product([None, *VoucherState], VoucherEvent):
        if (state, event) in MOVES:
            continue
        with pytest.raises(VoucherWrongState) as refused:
            may_move(state, event, "PROVIDER")
        assert refused.value.facts["allowed"] == sorted(e.value for s, e in MOVES if s is state)


def test_every_move_belongs_to_its_roles_and_leads_where_it_says():
    for (state, event), move in MOVES.items():
        for role in move.roles:
            assert may_move(state, event, role) is move.to
        with pytest.raises(VoucherWrongRole):
            may_move(state, event, "AUDITOR")
    for (at, what), move in TYPE_MOVES.items():
        assert {may_move_type(at, what, role) for role in move.roles} == {move.to}
        with pytest.raises(VoucherWrongRole):
            may_move_type(at, what, "AUDITOR")


def test_nothing_follows_what_has_ended_and_something_everything_else():
    begun = {state for state, _ in MOVES if state is not None}
    assert set(VoucherState) - begun == set(ENDED) - {VoucherState.EXHAUSTED}
    assert [event for state, event in MOVES if state is VoucherState.EXHAUSTED] == [VoucherEvent.REVOKE]
    assert set(TypeState) - {at for at, _ in TYPE_MOVES} == {TypeState.REFUSED, TypeState.REVOKED}


def test_the_auditor_holds_the_same_tables():
    for prefix, event_prefix, moves in (("vch_", "CRT", MOVES), ("cty_", "CTY", TYPE_MOVES)):
        ours = {
            (at and at.value, f"{event_prefix}.{event.value}"): (move.roles, move.to.value)
            for (at, event), move in moves.items()
        }
        assert MACHINES[prefix][1] == ours
    assert REGISTRY_SPEAKERS["CRT.APPOINT"] == {"PROVIDER", "PUBLIC_AGENCY", "OPERATING_INSTITUTION"}


def test_the_page_is_drawn_from_the_table():
    page = Path(DRAWING.page).read_text(encoding="utf-8")
    assert DRAWING.redraw(page) == page


def test_every_number_says_how_far_it_is_to_be_trusted():
    assert {(one.name, one.whole, one.source_status) for one in all_terms()} == {
        ("validity", 90, "default"),
        ("validity_most", 366, "default"),
        ("uses_most", 100, "default"),
        ("period_most", 120, "default"),
        ("request", 30, "default"),
    }
