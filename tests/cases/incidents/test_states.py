"""The tables of incidents, warnings and bulletins: what they take, and that the auditor holds the same."""

from pathlib import Path

import pytest

from cases.bulletins.drawing import DRAWING as BULLETIN_DRAWING
from cases.bulletins.states import MOVES as BULLETINS
from cases.incidents.drawing import DRAWING
from cases.incidents.errors import (
    IncidentWrongRole,
    IncidentWrongState,
    WarningWrongRole,
    WarningWrongState,
)
from cases.incidents.states import (
    MOVES,
    OVER,
    WARNING_MOVES,
    IncidentEvent,
    IncidentState,
    WarningEvent,
    WarningState,
    allowed_to,
    may_move,
    may_move_warning,
)
from supervision.audit_incidents import BULLETIN_MOVES, INCIDENT_MOVES
from supervision.audit_incidents import WARNING_MOVES as AUDITED_WARNINGS

ROOT = Path(__file__).resolve().parents[3]


def _as_audited(machine, moves):
    return {
        (at and at.value, f"{machine}.{event.value}"): (move.roles, str(move.to))
        for (at, event), move in moves.items()
    }


def test_the_auditor_holds_the_same_tables() -> None:
    assert _as_audited("INC", MOVES) == INCIDENT_MOVES
    assert _as_audited("WRN", WARNING_MOVES) == AUDITED_WARNINGS
    assert _as_audited("BUL", BULLETINS) == BULLETIN_MOVES


@pytest.mark.parametrize("state", [None, *IncidentState])
def test_an_incident_takes_what_the_table_says_and_nothing_else(state) -> None:
    for event in IncidentEvent:
        move = MOVES.get((state, event))
        if move is None:
            with pytest.raises(IncidentWrongState):
                may_move(state, event, "EXCHANGE_OPERATOR")
            continue
        for role in move.roles:
            assert may_move(state, event, role) == move.to
        with pytest.raises(IncidentWrongRole):
            may_move(state, event, "AUDITOR")


def test_nothing_leads_out_of_what_is_over_but_the_way_back_of_a_measure() -> None:
    for state in OVER:
        kept = {event for (at, event), move in MOVES.items() if at is state and move.to == state}
        led = {event for (at, event), move in MOVES.items() if at is state and move.to != state}
        assert led == set()
        assert IncidentEvent.LIFT in kept
    assert IncidentEvent.CLOSE in allowed_to(IncidentState.REVIEWED, {"CAC"})
    assert IncidentEvent.CLOSE not in allowed_to(IncidentState.REVIEWED, {"PROVIDER"})


def test_a_warning_is_the_exchanges_alone() -> None:
    for (at, event), move in WARNING_MOVES.items():
        assert may_move_warning(at, event, "EXCHANGE_OPERATOR") == move.to
        with pytest.raises(WarningWrongRole):
            may_move_warning(at, event, "PROVIDER")
    with pytest.raises(WarningWrongState):
        may_move_warning(WarningState.RAISED, WarningEvent.DISMISS, "EXCHANGE_OPERATOR")


@pytest.mark.parametrize("drawing", [DRAWING, BULLETIN_DRAWING])
def test_the_page_shows_what_the_code_says(drawing) -> None:
    page = (ROOT / drawing.page).read_text(encoding="utf-8")
    assert drawing.redraw(page) == page
