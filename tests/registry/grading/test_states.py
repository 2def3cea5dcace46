"""The tables of states: who may, what the auditor holds, what the page shows."""

from pathlib import Path

import pytest

from registry.grading.drawing import redraw
from registry.grading.errors import GradingWrongRole, GradingWrongState
from registry.grading.states import (
    ENTRY_MOVES,
    GRADING_MOVES,
    MACHINES,
    EntryEvent,
    EntryState,
    GradingEvent,
    GradingState,
    may_move,
)
from supervision.audit_grading import GRADING_MACHINES


def test_the_auditor_holds_the_same_steps():
    for prefix, (name, moves) in MACHINES.items():
        ours = {
            (at.value if at else None, f"{prefix}.{event.value}"): (move.roles, move.to.value)
            for (at, event), move in moves.items()
        }
        assert GRADING_MACHINES[f"{prefix.lower()}_"] == (name, ours)


def test_the_page_shows_the_tables_as_they_are():
    page = Path("docs/grading.md").read_text(encoding="utf-8")
    assert redraw(page) == page


def test_a_removed_entry_takes_nothing_more():
    for event in EntryEvent:
        with pytest.raises(GradingWrongState):
            may_move(ENTRY_MOVES, EntryState.REMOVED, event, "CAC")


def test_the_authority_alone_confirms_a_level():
    to = may_move(GRADING_MOVES, GradingState.TO_CONFIRM, GradingEvent.CONFIRM, "DATA_AUTHORITY")
    assert to is GradingState.IN_FORCE
    for role in ("PUBLIC_AGENCY", "EXCHANGE_OPERATOR", "CAC", "PROVIDER"):
        with pytest.raises(GradingWrongRole):
            may_move(GRADING_MOVES, GradingState.TO_CONFIRM, GradingEvent.CONFIRM, role)
