"""Certificates and mandates move through one table each."""

import itertools
from collections import Counter
from pathlib import Path

import pytest

from brokers.drawing import DRAWING
from brokers.errors import CertificateWrongRole, CertificateWrongState, MandateWrongRole, MandateWrongState
from brokers.states import (
    CERTIFICATE_MOVES,
    MANDATE_MOVES,
    CertificateEvent,
    CertificateState,
    MandateEvent,
    MandateState,
    certificate_may_move,
    mandate_may_move,
)
from identity.rules import Role

FINAL_CERTIFICATES = {
    CertificateState.REFUSED,
    CertificateState.LAPSED,
    CertificateState.WITHDRAWN,
    CertificateState.REVOKED,
    CertificateState.EXPIRED,
    CertificateState.EXITED,
}
FINAL_MANDATES = {
    MandateState.FULFILLED,
    MandateState.REVOKED_BY_CLIENT,
    MandateState.EXPIRED,
    MandateState.TERMINATED_BY_CERT_LOSS,
    MandateState.TAKEN_OVER,
    MandateState.HANDED_OVER,
}


@pytest.mark.parametrize(
    ("state", "event", "role", "to"),
    [
        (None, "CERTIFY", "DATA_AUTHORITY", "ACTIVE"),
        ("ACTIVE", "SUSPEND", "DATA_AUTHORITY", "SUSPENDED"),
        ("ACTIVE", "SUSPEND", "EXCHANGE_OPERATOR", "SUSPENDED"),  # emergency
        ("SUSPENDED", "REINSTATE", "DATA_AUTHORITY", "ACTIVE"),
        ("SUSPENDED", "REVOKE", "DATA_AUTHORITY", "REVOKED"),
        ("ACTIVE", "EXPIRE", "EXCHANGE_OPERATOR", "EXPIRED"),
        ("RECTIFYING", "ANNUAL_PASS", "DATA_AUTHORITY", "ACTIVE"),
    ],
)
def test_a_certificate_moves_as_the_table_says(state, event, role, to):
    before = CertificateState(state) if state else None
    assert certificate_may_move(before, CertificateEvent(event), role) is CertificateState(to)


def test_every_other_certificate_event_is_refused_and_names_what_is_allowed():
    for state, event in itertools.product([None, *CertificateState], CertificateEvent):
        if (state, event) in CERTIFICATE_MOVES:
            continue
        with pytest.raises(CertificateWrongState) as refused:
            certificate_may_move(state, event, "DATA_AUTHORITY")
        assert refused.value.code == "certificate-wrong-state"
        assert refused.value.facts["allowed"] == sorted(e.value for s, e in CERTIFICATE_MOVES if s is state)


def test_the_exchange_does_not_reinstate_what_the_authority_suspended():
    with pytest.raises(CertificateWrongRole):
        certificate_may_move(CertificateState.SUSPENDED, CertificateEvent.REINSTATE, "EXCHANGE_OPERATOR")


@pytest.mark.parametrize(
    ("state", "event", "role", "to"),
    [
        (None, "SIGN", "PROVIDER", "SIGNED"),
        (None, "SIGN", "BUYER", "SIGNED"),
        ("SIGNED", "ACCEPT", "BROKER", "ACTIVE"),
        ("ACTIVE", "REVOKE", "PROVIDER", "REVOKED_BY_CLIENT"),
    ],
)
def test_a_mandate_moves_as_the_table_says(state, event, role, to):
    before = MandateState(state) if state else None
    assert mandate_may_move(before, MandateEvent(event), role) is MandateState(to)


def test_every_other_mandate_event_is_refused():
    for state, event in itertools.product([None, *MandateState], MandateEvent):
        if (state, event) not in MANDATE_MOVES:
            with pytest.raises(MandateWrongState):
                mandate_may_move(state, event, "BROKER")


def test_a_broker_signs_no_mandate_for_its_client():
    with pytest.raises(MandateWrongRole):
        mandate_may_move(None, MandateEvent.SIGN, "BROKER")
    with pytest.raises(MandateWrongRole):
        mandate_may_move(MandateState.SIGNED, MandateEvent.ACCEPT, "PROVIDER")


def test_every_role_of_the_tables_is_known_and_every_state_has_its_ways():
    moves = [*CERTIFICATE_MOVES.values(), *MANDATE_MOVES.values()]
    assert {role for move in moves for role in move.roles} <= set(Role)
    for moves_of, final in ((CERTIFICATE_MOVES, FINAL_CERTIFICATES), (MANDATE_MOVES, FINAL_MANDATES)):
        # However a mandate ended, its client may take over what was negotiated under it.
        starts = {state for state, event in moves_of if event is not MandateEvent.TAKE_OVER}
        ends = {move.to for move in moves_of.values()}
        assert ends - starts == final
        assert not final & starts


def test_the_page_shows_the_table_as_the_code_has_it():
    page = (Path(__file__).parents[2] / "docs" / "brokers.md").read_text(encoding="utf-8")
    assert DRAWING.redraw(page) == page
    rows = [line for line in DRAWING.table().splitlines()[2:] if line]
    assert sum(line.split("|")[1].count(",") + 1 for line in rows) == len(CERTIFICATE_MOVES)


def test_every_triple_of_state_event_and_role_is_taken_or_refused_with_what_is_allowed():
    taken = Counter()
    for state, event, role in itertools.product([None, *CertificateState], CertificateEvent, Role):
        move = CERTIFICATE_MOVES.get((state, event))
        if move is None:
            with pytest.raises(CertificateWrongState) as refused:
                certificate_may_move(state, event, role)
            assert refused.value.facts["state"] == str(state)
            assert refused.value.facts["event"] == event.value
            taken["wrong state"] += 1
        elif role in move.roles:
            assert certificate_may_move(state, event, role) is move.to
            taken["taken"] += 1
        else:
            with pytest.raises(CertificateWrongRole):
                certificate_may_move(state, event, role)
            taken["wrong role"] += 1
    assert sum(taken.values()) == 16 * len(CertificateEvent) * len(Role)
    assert taken["taken"] == sum(len(move.roles) for move in CERTIFICATE_MOVES.values())
