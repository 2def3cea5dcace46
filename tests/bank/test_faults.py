"""Faults on demand: what each does to the money, to the messages and to the statement; and their cure."""

from datetime import UTC, datetime

import pytest

from base.clock import SHANGHAI
from tests.bank.customers import customer, fresh, get, held, instruct, post, reasons_of, status_of
from tests.bank.exchange import DETAILS, ENTRY
from tests.bank.process import start_bank, until
from tests.bank.wire import Payout, opened


def funded(bank, exchange, amount_minor=1_000_000):
    trade = fresh()
    exchange.expected[trade] = f"{amount_minor // 100}.00"
    assert customer(bank, amount_minor).send(amount_minor, trade).json()["status"] == "booked"
    return trade


def arm(bank, kind, trade, **more):
    bank.control("POST", "faults", {"kind": kind, "match": trade} | more)


def paid_by_statement(bank, trade):
    """The signed amounts that today's statement says were paid under the seller's end-to-end id."""
    today = get(bank, f"/statements/{today_of(bank)}").json()
    message = opened(today, bank.key_b64)
    return [
        (entry.findtext("{*}CdtDbtInd"), entry.findtext("{*}Amt"), entry.findtext("{*}RvslInd"))
        for entry in message.root.findall("{*}BkToCstmrStmt/{*}Stmt/{*}Ntry")
        if entry.findtext("{*}NtryDtls/{*}TxDtls/{*}Refs/{*}EndToEndId") == f"{trade}/S"
    ]


def today_of(bank):
    return datetime.now(UTC).astimezone(SHANGHAI).date().isoformat()


def debit_told(exchange, trade):
    until(lambda: len(exchange.ids(trade)) >= 2, what="the debit notification")
    message = next(
        m for m in reversed(exchange.received) if f"{trade}/S" in m.texts(f"{DETAILS}/Refs/EndToEndId")
    )
    return message.texts(f"{ENTRY}/Amt")


@pytest.mark.parametrize(("delta", "actual", "cure"), [(-100, "999.00", "DBIT"), (250, "1002.50", "CRDT")])
def test_wrong_amount_pays_wrongly_tells_rightly_and_shows_in_the_statement(
    bank, exchange, delta, actual, cure
):
    funded(bank, exchange)  # the pool that an overpayment eats into
    trade, seller = funded(bank, exchange), customer(bank)
    arm(bank, "wrong_amount", trade, delta_minor=delta)
    report = instruct(
        bank, exchange.key, [Payout(f"{trade}/S", "1000.00", seller.account)], "1000.00", reference=trade
    )
    assert status_of(report) == "ACSC"
    assert seller.balance() == 100_000 + delta
    assert debit_told(exchange, trade) == ["1000.00"]
    assert paid_by_statement(bank, trade) == [("DBIT", actual, None)]

    bank.control("POST", "corrections", {"end_to_end_id": f"{trade}/S"})
    assert seller.balance() == 100_000
    amount = f"{abs(delta) // 100}.{abs(delta) % 100:02d}"
    reversal = "true" if cure == "CRDT" else None
    assert paid_by_statement(bank, trade)[1:] == [(cure, amount, reversal)]
    held(bank)


def test_double_payment_pays_twice_tells_once_and_can_be_taken_back(bank, exchange):
    funded(bank, exchange)
    trade, seller = funded(bank, exchange), customer(bank)
    arm(bank, "double_payment", trade)
    instruct(
        bank, exchange.key, [Payout(f"{trade}/S", "1000.00", seller.account)], "1000.00", reference=trade
    )
    assert seller.balance() == 200_000
    assert debit_told(exchange, trade) == ["1000.00"]
    assert paid_by_statement(bank, trade) == [("DBIT", "1000.00", None)] * 2
    bank.control("POST", "corrections", {"end_to_end_id": f"{trade}/S"})
    assert seller.balance() == 100_000
    assert paid_by_statement(bank, trade)[2:] == [("CRDT", "1000.00", "true")]


def test_a_right_payment_is_not_corrected(bank, exchange):
    trade, seller = funded(bank, exchange), customer(bank)
    instruct(bank, exchange.key, [Payout(f"{trade}/S", "1.00", seller.account)], "1.00")
    headers = {"authorization": f"Bearer {bank.control_token}"}
    answer = post(bank, "/control/corrections", {"end_to_end_id": f"{trade}/S"}, headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing-to-correct")
    answer = post(bank, "/control/corrections", {"end_to_end_id": "unknown"}, headers)
    assert answer.status_code == 404
    assert seller.balance() == 100


def test_reject_rejects_once_and_moves_nothing(bank, exchange):
    trade, seller, before = funded(bank, exchange), customer(bank), held(bank)
    arm(bank, "reject", trade)
    payout = Payout(f"{trade}/S", "1.00", seller.account)
    report = instruct(bank, exchange.key, [payout], "1.00")
    assert (status_of(report), reasons_of(report)) == ("RJCT", ["MS03"])
    assert held(bank) == before
    assert status_of(instruct(bank, exchange.key, [payout], "1.00")) == "ACSC"
    assert seller.balance() == 100


def test_duplicate_notification_tells_the_same_message_twice(bank, exchange):
    trade, buyer = fresh(), customer(bank, 100)
    exchange.expected[trade] = "1.00"
    arm(bank, "duplicate_notification", trade)
    answer = buyer.send(100, trade).json()
    assert answer["status"] == "booked"
    assert exchange.ids(trade) == [answer["message_id"]] * 2
    assert buyer.balance() == 0


def test_delay_holds_a_notification_until_flush(bank, exchange):
    bank.control("POST", "flush")  # nothing of an earlier test is on its way
    trade, buyer = fresh(), customer(bank, 100)
    exchange.expected[trade] = "1.00"
    arm(bank, "delay", trade)
    answer = buyer.send(100, trade).json()
    assert (answer["status"], buyer.balance(), exchange.ids(trade)) == ("pending", 0, [])
    outbox = bank.control("GET", "outbox")
    assert [m["hold"] for m in outbox if m["about"] == answer["transfer_id"]] == ["delay"]
    assert bank.control("POST", "flush")["delivered"] == 1
    assert exchange.ids(trade) == [answer["message_id"]]
    assert buyer.transfer(answer["transfer_id"])["status"] == "booked"


def test_reorder_lets_the_next_message_go_first(bank, exchange):
    bank.control("POST", "flush")  # nothing of an earlier test is on its way
    first, second, buyer = fresh(), fresh(), customer(bank, 200)
    exchange.expected |= {first: "1.00", second: "1.00"}
    arm(bank, "reorder", first)
    held_back = buyer.send(100, first).json()
    assert (held_back["status"], exchange.ids(first)) == ("pending", [])
    assert buyer.send(100, second).json()["status"] == "booked"
    until(lambda: exchange.ids(first), what="the message held back")
    order = [
        reference for m in exchange.received for reference in m.texts(f"{DETAILS}/RmtInf/Strd/CdtrRefInf/Ref")
    ]
    assert order.index(second) < order.index(first)
    until(lambda: buyer.transfer(held_back["transfer_id"])["status"] == "booked", what="the booking")


def test_a_fault_strikes_as_often_as_it_was_armed_for_and_only_what_it_matches(bank, exchange):
    trade, other, seller = funded(bank, exchange), funded(bank, exchange), customer(bank)
    arm(bank, "reject", trade, times=2)
    pay = [Payout(f"{trade}/S", "1.00", seller.account)]
    assert (
        status_of(instruct(bank, exchange.key, [Payout(f"{other}/S", "1.00", seller.account)], "1.00"))
        == "ACSC"
    )
    assert [status_of(instruct(bank, exchange.key, pay, "1.00")) for _ in range(3)] == [
        "RJCT",
        "RJCT",
        "ACSC",
    ]
    assert all(fault["times_left"] == 0 for fault in bank.control("GET", "faults") if fault["match"] == trade)


def test_a_debit_the_exchange_refuses_stays_a_fact_and_is_told_again_on_flush(bank, exchange):
    bank.control("POST", "flush")  # nothing of an earlier test is on its way
    trade, seller = funded(bank, exchange), customer(bank)
    exchange.refuses_debits = True
    instruct(bank, exchange.key, [Payout(f"{trade}/S", "1.00", seller.account)], "1.00", reference=trade)
    until(
        lambda: [
            m for m in bank.control("GET", "outbox") if m["status"] == "refused" and m["kind"] == "debit"
        ],
        what="the refusal",
    )
    exchange.refuses_debits = False
    assert seller.balance() == 100
    assert bank.control("POST", "flush") == {"delivered": 1, "refused": 0, "waiting": 0}
    _, first, again = exchange.ids(trade)
    assert first == again


def test_control_asks_for_its_token(bank):
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Basic eDp5"}):
        answer = post(bank, "/control/faults", {"kind": "reject"}, headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert get(bank, "/control/outbox").status_code == 401


def test_the_machines_clock_cannot_be_set(bank):
    headers = {"authorization": f"Bearer {bank.control_token}"}
    answer = post(bank, "/control/clock", {"at": "2030-01-01T00:00:00Z"}, headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "clock-is-real")


def test_without_the_flag_there_is_no_control(exchange, tmp_path):
    bank = start_bank(tmp_path, exchange.url, exchange.key_b64, controllable=False)
    try:
        assert bank.control_token == ""
        for path in ("faults", "flush", "clock", "corrections"):
            assert post(bank, f"/control/{path}", {}).status_code == 404
        assert get(bank, "/control/outbox").status_code == 404
    finally:
        bank.stop()


def credits_by_statement(bank, trade):
    """The signed amounts that today's statement says came in under a trade's reference."""
    message = opened(get(bank, f"/statements/{today_of(bank)}").json(), bank.key_b64)
    return [
        (entry.findtext("{*}CdtDbtInd"), entry.findtext("{*}Amt"))
        for entry in message.root.findall("{*}BkToCstmrStmt/{*}Stmt/{*}Ntry")
        if entry.findtext("{*}NtryDtls/{*}TxDtls/{*}RmtInf/{*}Strd/{*}CdtrRefInf/{*}Ref") == trade
    ]


@pytest.mark.parametrize(
    ("fault", "off", "cure"),
    [
        ({"kind": "wrong_amount", "delta_minor": -100}, ("DBIT", "1.00"), ("CRDT", "1.00")),
        ({"kind": "wrong_amount", "delta_minor": 250}, ("CRDT", "2.50"), ("DBIT", "2.50")),
        ({"kind": "double_payment"}, ("CRDT", "1000.00"), ("DBIT", "1000.00")),
    ],
)
def test_a_wrong_credit_is_told_rightly_and_shows_in_the_statement(bank, exchange, fault, off, cure):
    trade = fresh()
    exchange.expected[trade] = "1000.00"
    arm(bank, trade=trade, on="credit", **fault)
    sent = customer(bank, 100_000).send(100_000, trade).json()
    assert sent["status"] == "booked"
    assert credits_by_statement(bank, trade) == [("CRDT", "1000.00"), off]
    bank.control("POST", "corrections", {"transfer_id": sent["transfer_id"]})
    assert credits_by_statement(bank, trade) == [("CRDT", "1000.00"), off, cure]
    held(bank)


def test_a_rejected_credit_goes_back_and_the_exchange_never_hears_of_it(bank, exchange):
    trade, payer = fresh(), customer(bank, 100_000)
    exchange.expected[trade] = "1000.00"
    arm(bank, "reject", trade, on="credit")
    answer = payer.send(100_000, trade).json()
    assert (answer["status"], answer["reason_code"]) == ("returned", "MS03")
    assert (payer.balance(), exchange.ids(trade)) == (100_000, [])
    assert payer.send(100_000, trade, end_to_end_id="again").json()["status"] == "booked"
    held(bank)


@pytest.mark.parametrize("on", ["credit", "debit"])
def test_a_wrong_notice_says_another_amount_than_was_moved(bank, exchange, on):
    trade, seller = fresh(), customer(bank)
    exchange.expected[trade] = "999.00" if on == "credit" else "1000.00"
    arm(bank, "wrong_notice", trade, on=on)
    assert customer(bank, 100_000).send(100_000, trade).json()["status"] == "booked"
    assert credits_by_statement(bank, trade) == [("CRDT", "1000.00")]
    payout = Payout(f"{trade}/S", "1000.00", seller.account)
    instruct(bank, exchange.key, [payout], "1000.00", reference=trade)
    assert debit_told(exchange, trade) == ["999.00" if on == "debit" else "1000.00"]
    assert (seller.balance(), paid_by_statement(bank, trade)) == (100_000, [("DBIT", "1000.00", None)])
    held(bank)


def test_faults_of_the_money_leave_credits_alone_unless_told_otherwise(bank, exchange):
    trade = fresh()
    exchange.expected[trade] = "1000.00"
    for kind in ("wrong_amount", "double_payment", "reject"):
        arm(bank, kind, trade)
    assert customer(bank, 100_000).send(100_000, trade).json()["status"] == "booked"
    assert credits_by_statement(bank, trade) == [("CRDT", "1000.00")]


def test_refunds_go_wrong_like_any_payout(bank, exchange):
    funded(bank, exchange)
    trade, buyer = funded(bank, exchange), customer(bank)
    arm(bank, "wrong_amount", f"{trade}/R")
    payout = Payout(f"{trade}/R", "1000.00", buyer.account)
    instruct(bank, exchange.key, [payout], "1000.00", reference=trade)
    assert buyer.balance() == 99_900
    bank.control("POST", "corrections", {"end_to_end_id": f"{trade}/R"})
    assert buyer.balance() == 100_000


def test_the_exchange_pays_into_escrow_out_of_its_own_account_when_it_says_yes(bank, exchange):
    trade, claim = funded(bank, exchange), fresh("clm")
    fee = Payout(f"{trade}/P", "68.00", bank.fee_account)
    instruct(bank, exchange.key, [fee], "68.00", reference=trade)
    before = held(bank)
    exchange.expected[claim] = "68.00"
    back = Payout(claim, "68.00", bank.escrow_account)
    report = instruct(bank, exchange.key, [back], "68.00", reference=claim, escrow=bank.fee_account)
    assert status_of(report) == "ACSP"
    until(lambda: held(bank)["escrow"] == before["escrow"] + 6800, what="the credit")
    again = instruct(bank, exchange.key, [back], "68.00", reference=claim, escrow=bank.fee_account)
    assert reasons_of(again) == ["DU04"]
    elsewhere = Payout(fresh("clm"), "1.00", customer(bank).account)
    refused = instruct(bank, exchange.key, [elsewhere], "1.00", escrow=bank.fee_account)
    assert reasons_of(refused) == ["AC03"]
    assert held(bank)["fee"] == before["fee"] - 6800
