"""Each record of a data subject moves through one table, which the page and the auditor have too."""

import itertools
from pathlib import Path

import pytest

from registry.subjects.drawing import DRAWINGS
from registry.subjects.errors import SubjectWrongRole, SubjectWrongState
from registry.subjects.states import (
    MACHINES,
    AskedEvent,
    AskedState,
    DeletionEvent,
    DeletionState,
    GivenEvent,
    GivenState,
    TieEvent,
    TieState,
    WordingEvent,
    WordingState,
    may_move,
)
from registry.subjects.terms import all_terms
from supervision.audit_subjects import SUBJECT_MACHINES

OF = {
    "SBT": (TieState, TieEvent),
    "SCW": (WordingState, WordingEvent),
    "SGC": (GivenState, GivenEvent),
    "SDD": (DeletionState, DeletionEvent),
    "SRQ": (AskedState, AskedEvent),
}


@pytest.mark.parametrize("machine", MACHINES)
def test_what_is_not_in_the_table_is_refused_and_what_is_belongs_to_its_roles(machine):
    moves = MACHINES[machine][1]
    states, events = OF[machine]
    for state, event in itertools.product([None, *states], events):
        move = moves.get((state, event))
        if move is None:
            with pytest.raises(SubjectWrongState) as refused:
                may_move(moves, state, event, "EXCHANGE_OPERATOR")
            assert refused.value.facts["allowed"] == [other.value for at, other in moves if at is state]
            continue
        assert {may_move(moves, state, event, role) for role in move.roles} == {move.to}
        with pytest.raises(SubjectWrongRole):
            may_move(moves, state, event, "AUDITOR")


def test_the_auditor_holds_the_same_tables():
    for (name, (_, theirs)), (machine, (_, ours)) in zip(
        SUBJECT_MACHINES.items(), MACHINES.items(), strict=True
    ):
        assert name == f"{machine.lower()}_"
        assert theirs == {
            (at and at.value, f"{machine}.{event.value}"): (move.roles, move.to.value)
            for (at, event), move in ours.items()
        }


def test_the_page_is_drawn_from_the_tables():
    page = Path("docs/subjects.md").read_text(encoding="utf-8")
    for drawing in DRAWINGS:
        assert drawing.redraw(page) == page


def test_no_number_is_said_to_be_law_that_was_not_read():
    assert {(one.rule_id, one.name): (one.whole, one.unit, one.source_status) for one in all_terms()} == {
        ("SUB-TIE", "invitation"): (30, "days", "default"),
        **{("SUB-ASK", name): (30, "days", "unverified") for name in ("ACCESS", "COPY", "EXPLAIN", "PORT")},
        **{("SUB-ASK", name): (15, "wd", "unverified") for name in ("CORRECT", "DELETE")},
        ("SUB-ASK", "RESTRICT"): (15, "wd", "default"),
        ("SUB-WDR", "new_version"): (15, "wd", "default"),
        ("SUB-WDR", "deletion"): (10, "wd", "default"),
    }
