"""What an operator could state of a trade that its parties never said: the auditor finds it."""

import base64
from pathlib import Path
from typing import Any

import orjson
import pytest

from market.orders.states import MOVES
from supervision.audit import audit
from supervision.audit_report import Report
from supervision.audit_trades import SPEAKERS
from tests.ledger.audited import found
from tests.ledger.make_bundle import VKEY, Log, dsse, genesis, jcs, key, sha, trade

INQUIRED, SIGNED, CONTRACTED, FUNDED, SETTLED = 9, 12, 15, 16, 17
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


def test_who_may_say_what_is_what_the_market_s_own_table_says() -> None:
    table: dict[str, set[str]] = {}
    for (_, event), move in MOVES.items():
        table.setdefault(f"TRD.{event.value}", set()).update(move.roles)
    assert table == SPEAKERS


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
    restated(log, CONTRACTED + 9, signatures=named)
    assert found(audited(log, tmp_path)) == [("SIG", CONTRACTED + 9)]


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
    log.party("org_buyer", "TRD.INQUIRE", "trd_0000", **KNOWN)
    seq = log.exchange(event, "trd_0000", **KNOWN)
    assert found(audited(log, tmp_path)) == [("KEY", seq)]


def test_another_member_does_not_speak_in_a_party_s_seat(tmp_path: Path) -> None:
    log = Log()
    genesis(log)
    log.register("org_straw", ["BUYER"], key("org_straw"), key("exchange"))
    log.party("org_buyer", "TRD.INQUIRE", "trd_0000", **KNOWN)
    straw: dict[str, Any] = {"actor": "org_straw", "role": "BUYER"}
    mine = KNOWN | {"buyer_id": "org_straw"}
    honest = log.say("TRD.ACCEPT_GOODS", "trd_0000", key("org_straw"), **straw, **KNOWN)
    renamed = log.say("TRD.ACCEPT", "trd_0000", key("org_straw"), **straw, **mine)
    assert found(audited(log, tmp_path)) == [("KEY", honest), ("KEY", renamed), ("KEY", renamed)]
