"""The tables of states: what the auditor holds, what the page shows, what the numbers say."""

from pathlib import Path

import pytest

from base.rule_table import table_of
from registry.assessments.drawing import DRAWINGS
from registry.assessments.errors import AssessorTooOften, SecurityWrongRole, SecurityWrongState
from registry.assessments.rules import check_consecutive, parts_of
from registry.assessments.states import ITEM_MOVES, MACHINES, ItemEvent, ItemState, may_move
from supervision.audit_assessments import ASSESSMENT_MACHINES
from tests.registry.grading.bench import NOW


def test_the_auditor_holds_the_same_steps():
    for prefix, (name, moves) in MACHINES.items():
        ours = {
            (at.value if at else None, f"{prefix}.{event.value}"): (move.roles, move.to.value)
            for (at, event), move in moves.items()
        }
        assert ASSESSMENT_MACHINES[f"{prefix.lower()}_"] == (name, ours)


def test_the_page_shows_the_tables_as_they_are():
    page = Path("docs/assessments.md").read_text(encoding="utf-8")
    for drawing in DRAWINGS:
        assert drawing.redraw(page) == page


def test_what_is_lifted_is_read_no_more_and_the_clock_reads_nothing():
    for state in (ItemState.LIFTED, ItemState.EXPIRED):
        with pytest.raises(SecurityWrongState):
            may_move(ITEM_MOVES, state, ItemEvent.READ, "PROVIDER")
    with pytest.raises(SecurityWrongRole):
        may_move(ITEM_MOVES, ItemState.MARKED, ItemEvent.READ, "AUDITOR")


def test_the_numbers_are_those_of_the_law_and_each_names_its_source():
    table = {(one.rule_id, one.name): one for one in table_of("registry.assessments")}
    risk = {name: table["RISK", name].whole for name in ("report", "forward", "rectified", "consecutive")}
    assert risk == {"report": 20, "forward": 10, "rectified": 15, "consecutive": 3}
    assert table["RISK", "keep"].whole == 36
    assert all(one.legal_basis for one in table.values())


@pytest.mark.parametrize(
    "before", [[], ["a"], ["a", "a"], ["a", "a", "b"], ["b", "a", "a", "a"], ["a", None, "a"]]
)
def test_an_assessor_may_come_again_where_it_was_not_three_times_running(before):
    check_consecutive(before, "a", NOW)


def test_a_fourth_time_running_is_refused():
    with pytest.raises(AssessorTooOften):
        check_consecutive(["a", "a", "a"], "a", NOW)
    check_consecutive(["a", "a", "a"], "b", NOW)


def test_parts_are_trimmed_and_each_that_is_asked_for_is_there():
    assert parts_of({"risks": " 风险 "}, ("risks", "measures")) == {"risks": "风险", "measures": ""}
