"""The day's statement: balances that follow on each other, entries with references, one statement a day."""

from datetime import UTC, datetime, timedelta

import pytest

from base.clock import rfc3339
from base.signing import SigningKey
from tests.bank.customers import customer, fresh, get, held, instruct, post_bytes
from tests.bank.process import until
from tests.bank.wire import Payout, opened, pain001, sealed

MONDAY = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


@pytest.fixture
def bank(own_bank):
    own_bank.control("POST", "clock", {"at": rfc3339(MONDAY)})
    return own_bank


@pytest.fixture
def exchange(own_exchange):
    return own_exchange


def statement(bank, day):
    answer = get(bank, f"/statements/{day}")
    assert answer.status_code == 200, answer.text
    message = opened(answer.json(), bank.key_b64)
    assert message.name == "camt.053.001.08"
    return message


def balances(message):
    path = "BkToCstmrStmt/Stmt/Bal"
    return dict(zip(message.texts(f"{path}/Tp/CdOrPrtry/Cd"), message.texts(f"{path}/Amt"), strict=True))


def entries(message):
    return [
        tuple(
            entry.findtext("/".join(f"{{*}}{name}" for name in path.split("/")))
            for path in ("CdtDbtInd", "Amt", "BookgDt/Dt", "NtryDtls/TxDtls/Refs/EndToEndId")
        )
        for entry in message.root.findall("{*}BkToCstmrStmt/{*}Stmt/{*}Ntry")
    ]


def test_days_follow_on_each_other_and_a_closed_day_never_changes(bank, exchange):
    trade, seller = fresh(), customer(bank)
    exchange.expected[trade] = "680.00"
    buyer = customer(bank, 100_000)
    transfer_id = buyer.send(68_000, trade).json()["transfer_id"]
    running = statement(bank, "2026-11-23")
    assert balances(running) == {"OPBD": "0.00", "CLBD": "680.00"}
    assert running.text("BkToCstmrStmt/Stmt/FrToDt/ToDtTm") == rfc3339(MONDAY)

    tuesday = MONDAY + timedelta(days=1)
    instruct(
        bank,
        exchange.key,
        [Payout(f"{trade}/S", "659.60", seller.account)],
        "659.60",
        at=tuesday,
        reference=trade,
    )
    first = get(bank, "/statements/2026-11-23")
    monday = opened(first.json(), bank.key_b64)
    assert balances(monday) == {"OPBD": "0.00", "CLBD": "680.00"}
    assert monday.text("BkToCstmrStmt/Stmt/FrToDt/FrDtTm") == "2026-11-22T16:00:00.000Z"
    assert monday.text("BkToCstmrStmt/Stmt/FrToDt/ToDtTm") == "2026-11-23T16:00:00.000Z"
    assert entries(monday) == [("CRDT", "680.00", "2026-11-23", f"{trade}/F")]
    assert monday.text("BkToCstmrStmt/Stmt/Ntry/AcctSvcrRef") == transfer_id
    assert get(bank, "/statements/2026-11-23").content == first.content

    message = statement(bank, "2026-11-24")
    assert balances(message) == {"OPBD": "680.00", "CLBD": "20.40"}
    assert entries(message) == [("DBIT", "659.60", "2026-11-24", f"{trade}/S")]
    assert message.text("BkToCstmrStmt/Stmt/TxsSummry/TtlDbtNtries/Sum") == "659.60"
    until(lambda: len(exchange.ids(trade)) == 2, what="the debit notification")
    told = exchange.received[-1].text("BkToCstmrDbtCdtNtfctn/Ntfctn/Ntry/AcctSvcrRef")
    assert message.text("BkToCstmrStmt/Stmt/Ntry/AcctSvcrRef") == told


def test_what_was_returned_never_was_in_escrow(bank):
    customer(bank, 100).send(100, fresh())
    message = statement(bank, "2026-11-23")
    assert balances(message) == {"OPBD": "0.00", "CLBD": "0.00"}
    assert entries(message) == []


def test_money_booked_late_is_in_the_statement_of_its_booking_day_with_its_value_date(bank, exchange):
    trade, buyer = fresh(), customer(bank, 100)
    exchange.expected[trade] = "1.00"
    bank.control("POST", "faults", {"kind": "delay"})
    assert buyer.send(100, trade).json()["status"] == "pending"
    bank.control("POST", "clock", {"at": rfc3339(MONDAY + timedelta(days=1))})
    bank.control("POST", "flush")
    assert balances(statement(bank, "2026-11-23")) == {"OPBD": "0.00", "CLBD": "0.00"}
    tuesday = statement(bank, "2026-11-24")
    assert entries(tuesday) == [("CRDT", "1.00", "2026-11-24", f"{trade}/F")]
    assert tuesday.text("BkToCstmrStmt/Stmt/Ntry/ValDt/Dt") == "2026-11-23"


def test_only_a_day_that_has_begun_has_a_statement(bank):
    for day in ("2026-11-24", "9999-12-31", "1999-12-31", "0001-01-01"):
        answer = get(bank, f"/statements/{day}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert get(bank, "/statements/2026-02-30").status_code == 422


def test_the_simulated_clock_follows_the_messages_never_goes_back_and_survives_a_restart(bank, exchange):
    trade, seller = fresh(), customer(bank)
    exchange.expected[trade] = "1.00"
    customer(bank, 100).send(100, trade)
    later = MONDAY + timedelta(days=7)
    instruct(bank, exchange.key, [Payout(f"{trade}/S", "0.50", seller.account)], "0.50", at=later)
    instruct(bank, exchange.key, [Payout(f"{trade}/P", "0.50", seller.account)], "0.50", at=MONDAY)
    assert bank.control("POST", "clock", {"at": rfc3339(MONDAY)}) == {"now": rfc3339(later)}
    bank.kill()
    bank.restart()
    assert bank.control("POST", "clock", {"at": rfc3339(MONDAY)}) == {"now": rfc3339(later)}
    assert balances(statement(bank, "2026-11-30")) == {"OPBD": "1.00", "CLBD": "0.00"}
    assert held(bank)["escrow"] == 0


def test_a_message_nobody_verified_does_not_move_the_clock(bank):
    far = datetime(2150, 1, 1, tzinfo=UTC)
    xml = pain001(message_id="m", escrow=bank.escrow_account, payouts=[], control_sum="0.00", at=far)
    assert post_bytes(bank, "/instructions", sealed(xml, SigningKey.generate())).status_code == 401
    assert bank.control("POST", "clock", {"at": rfc3339(MONDAY)}) == {"now": rfc3339(MONDAY)}
