"""What an operator could state of a trade that its parties never said: the auditor finds it."""

import base64
import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from brokers.states import CERTIFICATE_MOVES, MANDATE_MOVES
from cases.retention import ERASERS
from cases.states import MOVES as CASES
from ledger.rotation import EVENTS, GENESIS
from market.auctions.states import MOVES as AUCTIONS
from market.listings.states import MOVES as LISTINGS
from market.orders.states import MOVES as MARKET
from market.orders.states import OVER as MARKET_OVER
from supervision.audit import audit
from supervision.audit_keys import REGISTER, REVOKE
from supervision.audit_moves import CASE_MOVES, OVER, SPEAKERS, TRADE_SPEAKERS
from supervision.audit_moves import MOVES as STEPS
from supervision.audit_report import Report
from tests.ledger.audited import found
from tests.ledger.make_bundle import OPERATOR, VKEY, Log, dsse, genesis, jcs, key, sha, trade

INQUIRED, ACCEPTED, SIGNED, CONTRACTED, FUNDED, SETTLED, LENGTH = 9, 11, 13, 16, 17, 21, 13
KNOWN: dict[str, Any] = {"trade_id": "trd_0000", "seller_id": "org_seller", "buyer_id": "org_buyer"}


def one_trade() -> Log:
    log = Log()
    genesis(log)
    trade(log, 0)
    return log


def restated(log: Log, seq: int, **changes: Any) -> None:
    """The exchange says it otherwise, with its own good signature."""
    statement = orjson.loads(base64.b64decode(log.envelopes[seq]["payload"]))
    statement["predicate"] |= changes
    if "opening" in changes:
        statement["subject"][0]["digest"] = changes["opening"]
    log.envelopes[seq] = dsse(jcs(statement), key("exchange"))


def reopened(log: Log, seq: int, **changes: str) -> None:
    """Another opening, and a statement that commits to it."""
    log.openings[seq] = jcs(orjson.loads(log.openings[seq]) | changes)
    restated(log, seq, opening={"sha256": sha(log.openings[seq])})


def audited(log: Log, tmp_path: Path) -> Report:
    return audit(log.write(tmp_path / "b"), [VKEY])


def test_the_steps_of_a_trade_are_those_of_the_market_s_own_table() -> None:
    table = {
        (at and at.value, f"TRD.{event.value}"): (move.roles, move.to and move.to.value)
        for (at, event), move in MARKET.items()
    }
    assert table == STEPS
    assert {state.value for state in MARKET_OVER} == OVER


def test_who_may_say_what_else_is_what_the_rooms_own_tables_say() -> None:
    tables = {"BRK": CERTIFICATE_MOVES, "MND": MANDATE_MOVES, "LST": LISTINGS, "CSE": CASES, "AUC": AUCTIONS}
    for machine, moves in tables.items():
        said: dict[str, set[str]] = {}
        for (_, event), move in moves.items():
            speakers = getattr(move, "speakers", move.roles)  # of a case the exchange states some steps
            said.setdefault(f"{machine}.{event.value}", set()).update(speakers)
        ours = {event: roles for event, roles in SPEAKERS.items() if event.startswith(machine)}
        assert ours == {event: said[event] for event in ours}


def test_the_steps_of_a_case_are_those_of_the_room_s_own_table() -> None:
    table = {
        (at and at.value, f"CSE.{event.value}"): (move.speakers, move.to.value)
        for (at, event), move in CASES.items()
    }
    assert table == CASE_MOVES


def test_every_event_of_the_vocabulary_has_its_speakers() -> None:
    page = (Path(__file__).parents[2] / "docs" / "ledger.md").read_text(encoding="utf-8")
    rows = page.partition("### Vocabulary")[2].partition("\n### ")[0]
    events = set(
        re.findall(r"`([A-Z]{3}\.[A-Z_]+)`", " ".join(re.findall(r"^\| (`.*?) \|", rows, re.MULTILINE)))
    )
    of_keys = {event for event in events if event.startswith(("KEY.", "LOG."))}
    assert of_keys == {REGISTER, REVOKE, GENESIS, *EVENTS}
    assert events - of_keys == SPEAKERS.keys() | TRADE_SPEAKERS.keys()
    assert SPEAKERS["OPN.ERASE"] == ERASERS


def test_an_honest_trade_is_clean(tmp_path: Path) -> None:
    assert audited(one_trade(), tmp_path).clean


@pytest.mark.parametrize("dropped", [0, 1, 2])
def test_a_contract_that_a_party_has_not_signed_is_found(tmp_path: Path, dropped: int) -> None:
    log = one_trade()
    named = [sha(jcs(log.envelopes[SIGNED + at])) for at in range(3) if at != dropped]
    restated(log, CONTRACTED, signatures=named)
    report = audited(log, tmp_path)
    assert found(report) == [("SIG", CONTRACTED)]
    assert "not every party" in report.problems[0].why


@pytest.mark.parametrize(
    "changes", [{"signatures": None}, {"signatures": ["0" * 64] * 3}, {"signatures": [1, 2, 3]}]
)
def test_a_contract_that_names_no_such_signatures_is_found(tmp_path: Path, changes: dict[str, Any]) -> None:
    log = one_trade()
    restated(log, CONTRACTED, **changes)
    assert found(audited(log, tmp_path)) == [("SIG", CONTRACTED)]


def test_signatures_over_another_contract_are_none_of_this_one(tmp_path: Path) -> None:
    log = one_trade()
    restated(log, CONTRACTED, contract_sha256=sha(b"another contract"))
    assert found(audited(log, tmp_path)) == [("SIG", CONTRACTED)]


def test_the_signatures_of_another_trade_do_not_conclude_this_one(tmp_path: Path) -> None:
    log = one_trade()
    trade(log, 1)
    named = [sha(jcs(log.envelopes[SIGNED + at])) for at in range(3)]
    restated(log, CONTRACTED + LENGTH, signatures=named)
    assert found(audited(log, tmp_path)) == [("SIG", CONTRACTED + LENGTH)]


@pytest.mark.parametrize("seq", [CONTRACTED, FUNDED, SETTLED])
def test_an_amount_that_nobody_signed_for_is_found(tmp_path: Path, seq: int) -> None:
    log = one_trade()
    reopened(log, seq, amount_minor="67999999")
    report = audited(log, tmp_path)
    assert found(report) == [("OPENING", seq)]
    assert "amount_minor" in report.problems[0].why


def test_fees_that_leave_the_seller_less_than_signed_for_are_found(tmp_path: Path) -> None:
    log = one_trade()
    reopened(log, SETTLED, seller_minor="1")
    assert found(audited(log, tmp_path)) == [("OPENING", SETTLED)]


@pytest.mark.parametrize("event", ["TRD.ACCEPT", "TRD.ACCEPT_GOODS", "TRD.START_DELIVERY", "TRD.SURPRISE"])
def test_the_exchange_does_not_speak_for_a_party(tmp_path: Path, event: str) -> None:
    log = Log()
    genesis(log)
    log.party("org_buyer", "TRD.INQUIRE", "trd_0000", **KNOWN, after="INQUIRED")
    seq = log.exchange(event, "trd_0000", **KNOWN)
    assert found(audited(log, tmp_path)) == [("KEY", seq)]


def test_another_member_does_not_speak_in_a_party_s_seat(tmp_path: Path) -> None:
    log = Log()
    genesis(log)
    log.register("org_straw", ["BUYER"], key("org_straw"), key("exchange"))
    log.party("org_buyer", "TRD.INQUIRE", "trd_0000", **KNOWN, after="INQUIRED")
    straw: dict[str, Any] = {"actor": "org_straw", "role": "BUYER"}
    mine = KNOWN | {"buyer_id": "org_straw"}
    honest = log.say("TRD.ACCEPT_GOODS", "trd_0000", key("org_straw"), **straw, **KNOWN)
    renamed = log.say("TRD.ACCEPT", "trd_0000", key("org_straw"), **straw, **mine)
    assert found(audited(log, tmp_path)) == [("KEY", honest), ("KEY", renamed), ("KEY", renamed)]


# --- the order of the steps


def stepped(log: Log, seq: int, changes: dict[str, Any]) -> None:
    """Whoever signed a step says it otherwise."""
    statement = orjson.loads(base64.b64decode(log.envelopes[seq]["payload"]))
    actor = statement["predicate"]["actor"]
    statement["predicate"] |= changes
    log.envelopes[seq] = dsse(jcs(statement), key("exchange" if actor == OPERATOR else actor))


@pytest.mark.parametrize(
    ("seq", "changes", "why"),
    [
        (INQUIRED, {"to": "NEGOTIATING"}, "leads from None to INQUIRED"),
        (ACCEPTED, {"from": "INQUIRED"}, "leads from NEGOTIATING to ACCEPTED"),
        (ACCEPTED, {"to": "CONTRACT_READY"}, "leads from NEGOTIATING to ACCEPTED"),
        (FUNDED, {"to": "DELIVERING"}, "leads from CONTRACTED to FUNDED"),
        (SETTLED, {"from": "DELIVERED"}, "leads from ACCEPTED_GOODS to SETTLED"),
        (SETTLED, {"from": None, "to": None}, "leads from ACCEPTED_GOODS to SETTLED"),
    ],
)
def test_a_step_that_says_other_states_is_found(tmp_path: Path, seq: int, changes, why: str) -> None:
    log = one_trade()
    stepped(log, seq, changes)
    report = audited(log, tmp_path)
    assert report.problems[0].seq == seq
    assert why in report.problems[0].why


@pytest.mark.parametrize("seq", range(INQUIRED, SETTLED))
def test_a_step_that_never_was_is_found_at_the_next_one(tmp_path: Path, seq: int) -> None:
    log = one_trade()
    del log.envelopes[seq]
    log.openings = {}
    report = audited(log, tmp_path)
    signed = SIGNED <= seq < CONTRACTED
    assert found(report)[0] == (("SIG", CONTRACTED - 1) if signed else ("KEY", seq))


def test_a_trade_that_is_over_takes_no_further_step_and_is_not_begun_again(tmp_path: Path) -> None:
    log = one_trade()
    again = log.party(
        "org_buyer", "TRD.INQUIRE", "trd_0000", **KNOWN, broker_id="org_broker", after="INQUIRED"
    )
    moves = {"before": "SETTLED", "after": "FROZEN"}
    frozen = log.exchange("TRD.FREEZE", "trd_0000", **KNOWN, **moves)
    assert found(audited(log, tmp_path)) == [("KEY", again), ("KEY", frozen)]


def freezes(*steps: tuple[str, str, str, str]) -> Log:
    """A trade that was inquired about, and what the exchange (x) and an authority (a) do to it."""
    log = Log()
    genesis(log)
    log.party("org_buyer", "TRD.INQUIRE", "trd_0000", **KNOWN, after="INQUIRED")
    for who, event, before, after in steps:
        moves = {"before": before, "after": after, "order_id": "ord_1", "case_id": None, "reason_code": "X"}
        if who == "x":
            log.exchange(f"TRD.{event}", "trd_0000", **KNOWN, **moves)
        else:
            log.party("org_authority", f"TRD.{event}", "trd_0000", **KNOWN, **moves)
    return log


FREEZE, TAKE_OVER = ("FREEZE", "INQUIRED", "FROZEN"), ("FREEZE", "FROZEN", "FROZEN")
LIFT = ("UNFREEZE", "FROZEN", "INQUIRED")


@pytest.mark.parametrize(
    ("steps", "wrong"),
    [
        ([("x", *FREEZE), ("x", *LIFT)], []),
        ([("x", *FREEZE), ("a", *LIFT)], []),
        ([("a", *FREEZE), ("a", *LIFT), ("x", *FREEZE)], []),
        ([("x", *FREEZE), ("a", *TAKE_OVER), ("a", *LIFT)], []),
        ([("a", *FREEZE), ("x", *LIFT)], [11]),
        ([("x", *FREEZE), ("a", *TAKE_OVER), ("x", *LIFT)], [12]),
        ([("x", *FREEZE), ("x", *TAKE_OVER)], [11]),
        ([("a", *FREEZE), ("a", *TAKE_OVER)], [11]),
        ([("x", *FREEZE), ("x", "UNFREEZE", "FROZEN", "CONTRACTED")], [11]),
        ([("x", *LIFT)], [10]),
    ],
)
def test_who_lifts_a_freeze_and_where_the_trade_then_is(tmp_path: Path, steps, wrong: list[int]) -> None:
    assert found(audited(freezes(*steps), tmp_path)) == [("KEY", seq) for seq in wrong]


def test_a_log_that_goes_on_from_another_knows_trades_from_there(tmp_path: Path) -> None:
    """What began in an earlier log is met in the middle, and goes on in order from there."""
    log = Log()
    genesis(log)
    facts = {"entitlement_id": "ent_1", "file_sha256": sha(b"f")}
    moves = {"before": "FUNDED", "after": "DELIVERING"}
    seq = log.party("org_seller", "TRD.START_DELIVERY", "trd_0000", **KNOWN, **facts, **moves)
    assert found(audited(log, tmp_path / "alone")) == [("KEY", seq)]
    stepped(log, 0, {"previous": {"origin": "databourse.example/log0", "size": 1, "root": "00" * 32}})
    log.party(
        "org_buyer", "TRD.ACCEPT_GOODS", "trd_0000", **KNOWN, before="DELIVERED", after="ACCEPTED_GOODS"
    )
    report = audited(log, tmp_path / "following")
    assert [problem.why for problem in report.problems if problem.seq == seq] == []
    assert ("KEY", seq + 1) in found(report)


# --- who says what of other things


@pytest.mark.parametrize(
    ("who", "event", "facts"),
    [
        ("org_seller", "BRK.CERTIFY", {}),
        ("org_buyer", "LST.DRAFT", {"seller_id": "org_buyer"}),
        ("org_seller", "LST.DRAFT", {"seller_id": "org_other"}),
        ("org_broker", "LST.DRAFT", {"broker_id": "org_other"}),
        ("org_seller", "LST.APPROVE", {}),
        ("org_broker", "LST.WITHDRAW", {}),
        ("org_broker", "MND.SIGN", {"client_id": "org_broker", "side": "BROKER"}),
        ("org_seller", "MND.SIGN", {"client_id": "org_buyer", "side": "PROVIDER"}),
        ("org_seller", "MND.SIGN", {"client_id": "org_seller", "side": "BUYER"}),
        ("org_seller", "MND.ACCEPT", {"broker_id": "org_seller"}),
        ("org_broker", "MND.ACCEPT", {"broker_id": "org_other"}),
        ("org_buyer", "PAY.ACCOUNT", {"org_id": "org_seller"}),
        ("org_buyer", "PAY.INSTRUCT", {}),
        ("org_authority", "PAY.RECONCILE", {}),
        ("org_seller", "ORG.ADMIT", {}),
        ("org_seller", "REF.REFUSE", {}),
        ("org_buyer", "OPN.ERASE", {}),
        ("org_authority", "FED.CHECKPOINT", {}),
        ("org_authority", "PAY.RESOLVE", {}),
        ("org_seller", "PAY.REQUEUE", {}),
        ("org_authority", "PAY.ASCERTAIN", {}),
        ("org_seller", "JOB.RETRY", {}),
    ],
)
def test_what_is_not_for_them_to_say_is_found(tmp_path: Path, who: str, event: str, facts) -> None:
    log = Log()
    genesis(log)
    seq = log.party(who, event, "obj", **facts)
    assert found(audited(log, tmp_path)) == [("KEY", seq)]


def test_what_is_for_them_to_say_is_clean(tmp_path: Path) -> None:
    log = Log()
    genesis(log)
    log.party("org_authority", "BRK.CERTIFY", "cert_1", after="ACTIVE")
    log.party("org_seller", "LST.DRAFT", "lst_1", seller_id="org_seller")
    log.party("org_broker", "LST.DRAFT", "lst_2", seller_id="org_seller", broker_id="org_broker")
    log.party("org_seller", "MND.SIGN", "mnd_1", client_id="org_seller", side="PROVIDER")
    log.party("org_broker", "MND.ACCEPT", "mnd_1", broker_id="org_broker")
    log.party("org_buyer", "PAY.ACCOUNT", "org_buyer", org_id="org_buyer")
    log.party("org_authority", "LST.SUSPEND", "lst_1")
    assert audited(log, tmp_path).clean


def test_another_member_with_the_operator_s_role_is_not_the_exchange(tmp_path: Path) -> None:
    log = Log()
    genesis(log)
    log.register("org_second", ["EXCHANGE_OPERATOR"], key("org_second"), key("exchange"))
    seq = log.say("LST.APPROVE", "lst_1", key("org_second"), actor="org_second", role="EXCHANGE_OPERATOR")
    assert ("KEY", seq) in found(audited(log, tmp_path))
