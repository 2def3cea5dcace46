"""Every step of every state by everybody: what the table allows works, all else is refused."""

import itertools
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from cases.bargaining import knows_leniency, offers_commitment
from cases.deadlines import MEETS, SILENT, all_terms, is_limited, is_stale, term
from cases.drawing import DRAWING
from cases.errors import CaseWrongRole, CaseWrongState
from cases.rules import POWERS, Kind, Matter, Measure, authorities_for, matter_of, orderable
from cases.states import (
    APPEALED,
    APPEALS,
    DESKS,
    FINAL,
    HEARERS,
    MOVES,
    PARTY,
    REPORTER,
    CaseEvent,
    CaseState,
    events_for,
    may_move,
)
from identity.rules import Role
from supervision.rules import ALL

EVERYBODY = sorted({role.value for role in Role} | {PARTY, REPORTER})
ROOT = Path(__file__).resolve().parents[2]
MONDAY = datetime(2026, 11, 23, 2, tzinfo=UTC)


def test_every_state_event_and_role():
    told = {"moved": 0, "state": 0, "role": 0}
    for state, event, role in itertools.product([None, *CaseState], CaseEvent, EVERYBODY):
        move = MOVES.get((state, event))
        if move is None:
            with pytest.raises(CaseWrongState) as refused:
                may_move(state, event, role)
            assert refused.value.facts["allowed"] == sorted(e.value for s, e in MOVES if s is state)
            told["state"] += 1
        elif role not in move.roles:
            with pytest.raises(CaseWrongRole):
                may_move(state, event, role)
            told["role"] += 1
        else:
            assert may_move(state, event, role) is move.to
            told["moved"] += 1
    assert told["moved"] == sum(len(move.roles) for move in MOVES.values())
    assert sum(told.values()) == (len(CaseState) + 1) * len(CaseEvent) * len(EVERYBODY)


def test_every_state_is_reached_and_left_unless_it_is_final():
    reached = {move.to for (at, _), move in MOVES.items() if at is not move.to}
    assert reached == set(CaseState)
    assert {event for _, event in MOVES} == set(CaseEvent)
    still = {CaseEvent.TELL, CaseEvent.OVERDUE}
    left = {at for (at, event), move in MOVES.items() if event not in still}
    assert set(CaseState) - left == FINAL


def test_nobody_but_an_authority_the_operator_and_those_concerned_takes_a_step():
    hearers = set(HEARERS.values())
    assert {role for move in MOVES.values() for role in move.roles} == DESKS | hearers | {PARTY, REPORTER}
    rulings = {event for (_, event), move in MOVES.items() if move.roles & hearers}
    assert rulings == {CaseEvent.UPHOLD, CaseEvent.CHANGE, CaseEvent.REVOKE}
    for state in (*APPEALS, *APPEALED):  # however quickly it was executed
        assert events_for(state, [PARTY]) == [CaseEvent.APPEAL]
    # Nobody's statement names a party or who reported.
    assert all(move.speakers <= DESKS | hearers for move in MOVES.values())


@pytest.mark.parametrize(
    ("kind", "matter", "authority"),
    [
        (Kind.REPORT, Matter.ANTITRUST, "SAMR"),
        (Kind.REPORT, Matter.PRICE, "SAMR"),
        (Kind.REPORT, Matter.UNFAIR_COMPETITION, "SAMR"),
        (Kind.COMPLAINT, Matter.PERSONAL_INFORMATION, "CAC"),
        (Kind.REPORT, Matter.EXPORT, "CAC"),
        (Kind.REPORT, Matter.SECURITY, "CAC"),
        (Kind.REPORT, Matter.MARKET_RULE, "DATA_AUTHORITY"),
        (Kind.COMPLAINT, Matter.MARKET_RULE, "EXCHANGE_OPERATOR"),
    ],
)
def test_a_matter_is_routed(kind, matter, authority):
    assert authorities_for(kind, matter)[0] == authority


def test_security_is_public_security_s_too_and_findings_have_their_matters():
    assert authorities_for(Kind.REPORT, Matter.SECURITY) == ("CAC", "PUBLIC_SECURITY")
    found = {rule: matter_of(rule) for rule in ("WT2", "AML24-1", "CO6", "PRICE_CAP", "XB1", "BR11", "S24")}
    assert list(found.values()) == [
        Matter.UNFAIR_COMPETITION,
        Matter.ANTITRUST,
        Matter.ANTITRUST,
        Matter.PRICE,
        Matter.EXPORT,
        Matter.MARKET_RULE,
        Matter.MARKET_RULE,
    ]


def test_a_screen_has_the_matter_of_the_rules_beside_it():
    found = {
        rule.rule_id: matter_of(rule.rule_id) for rule in ALL if rule.rule_id.startswith(("S", "F", "O"))
    }
    assert {rule for rule, matter in found.items() if matter is Matter.ANTITRUST} == {
        *("S4", "S9", "S10", "S11", "S12", "S13", "S14")
    }
    assert {rule for rule, matter in found.items() if matter is Matter.UNFAIR_COMPETITION} == {
        *("S16", "S17", "S18")
    }
    assert (found["FAIR_PRICE"], found["S22"], found["OVERDUE"]) == (
        Matter.PRICE,
        Matter.EXPORT,
        Matter.SECURITY,
    )
    assert found["S30"] is found["S21"] is found["SCOPE"] is Matter.MARKET_RULE


def test_what_a_party_can_offer_follows_from_what_is_suspected():
    suspected = {
        rule.rule_id: SimpleNamespace(matter=matter_of(rule.rule_id), rule_id=rule.rule_id) for rule in ALL
    }
    commits = {name for name, case in suspected.items() if offers_commitment(case)}
    tells = {name for name, case in suspected.items() if knows_leniency(case)}
    assert tells - commits == {name for name in suspected if name.startswith("CO")} | {
        *("S10", "S11", "S12", "S13", "S14")
    }
    assert tells & commits == {"S9"}  # vertical: prices of resale
    assert {"AB3", "S4", "AML24-1"} <= commits - tells
    assert not {"WT1", "S16", "PRICE_CAP", "FAIR_PRICE", "S30"} & (commits | tells)


def test_what_can_be_ordered_follows_the_state():
    assert Measure.FREEZE_EVIDENCE in orderable(CaseState.INVESTIGATING)
    assert Measure.REVOKE_CERTIFICATE not in orderable(CaseState.INVESTIGATING)
    assert Measure.REVOKE_CERTIFICATE in orderable(CaseState.DECIDED)
    assert Measure.INTERVIEW not in orderable(CaseState.DECIDED)
    assert not orderable(CaseState.VERIFYING)
    assert set(POWERS) == set(Measure)


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("triage", "2026-11-24T15:59"),
        ("first_answer", "2026-11-26T15:59"),
        ("answer", "2026-12-02T15:59"),
        ("verification", "2026-12-14T15:59"),
        ("telling", "2026-11-30T15:59"),
        ("hearing_request", "2026-11-30T15:59"),
        ("decision", "2027-02-21T15:59"),
        ("review", "2027-01-22T15:59"),
        ("lawsuit", "2027-05-23T15:59"),
        ("publication", "2026-12-21T15:59"),
        ("display_minor", "2027-02-23T15:59"),
        ("display", "2029-11-23T15:59"),
    ],
)
def test_time_limits_end_with_their_last_day_in_shanghai(name, last):
    assert term(name, MONDAY).after(MONDAY).isoformat()[:16] == last


def test_what_was_found_too_late_is_not_punished_and_an_old_dispute_not_mediated():
    done = date(2024, 11, 23)
    assert not is_limited(done, MONDAY, grave=False)
    assert is_limited(date(2024, 11, 22), MONDAY, grave=False)
    assert not is_limited(date(2024, 11, 22), MONDAY, grave=True)
    assert is_limited(date(2021, 11, 22), MONDAY, grave=True)
    assert not is_stale(date(2023, 11, 23), MONDAY)
    assert is_stale(date(2023, 11, 22), MONDAY)


def test_every_time_that_is_met_or_silent_is_one_that_runs():
    named = {one.name for one in all_terms()} | {"receipt", "commitment", "ruling"}
    assert {matter for met in MEETS.values() for matter in met} | SILENT <= named


def test_the_page_shows_the_table_of_the_code():
    page = (ROOT / "docs" / "cases.md").read_text(encoding="utf-8")
    assert DRAWING.redraw(page) == page
    rows = DRAWING.table().splitlines()[2:]
    assert sum(line.split("|")[1].count(",") + 1 for line in rows) == len(MOVES)
