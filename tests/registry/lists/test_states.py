"""Both tables of states: complete, drawn into the page, and held the same by the auditor."""

from pathlib import Path

import pytest

from registry.lists.drawing import DRAWING
from registry.lists.errors import ItemWrongState, ListWrongRole, ShareWrongState
from registry.lists.states import (
    ITEM_MOVES,
    SHARE_MOVES,
    ItemEvent,
    ItemState,
    ShareEvent,
    ShareState,
    move_item,
    move_share,
)
from supervision.audit_lists import ITEM_MOVES as ITEMS_AUDITED
from supervision.audit_lists import SHARE_MOVES as SHARES_AUDITED

PAGE = Path(__file__).resolve().parents[3] / "docs" / "lists.md"


def test_the_page_shows_the_tables_as_they_are():
    page = PAGE.read_text(encoding="utf-8")
    assert DRAWING.redraw(page) == page


def test_the_auditor_holds_the_same_steps():
    for prefix, moves, audited in (("ITM", ITEM_MOVES, ITEMS_AUDITED), ("SHR", SHARE_MOVES, SHARES_AUDITED)):
        said = {
            (at and at.value, f"{prefix}.{event.value}"): (move.roles, move.to.value)
            for (at, event), move in moves.items()
        }
        assert said == dict(audited)


@pytest.mark.parametrize("state", [None, *ItemState])
def test_an_item_takes_what_its_table_says_and_nothing_else(state):
    for event in ItemEvent:
        move = ITEM_MOVES.get((state, event))
        for role in ("PUBLIC_AGENCY", "DATA_AUTHORITY", "EXCHANGE_OPERATOR", "PROVIDER"):
            if move is not None and role in move.roles:
                assert move_item(state, event, role) is move.to
                continue
            with pytest.raises(ItemWrongState if move is None else ListWrongRole):
                move_item(state, event, role)


@pytest.mark.parametrize("state", [None, *ShareState])
def test_a_request_takes_what_its_table_says_and_nothing_else(state):
    for event in ShareEvent:
        move = SHARE_MOVES.get((state, event))
        for role in ("PUBLIC_AGENCY", "DATA_AUTHORITY", "EXCHANGE_OPERATOR", "PROVIDER"):
            if move is not None and role in move.roles:
                assert move_share(state, event, role) is move.to
                continue
            with pytest.raises(ShareWrongState if move is None else ListWrongRole):
                move_share(state, event, role)
