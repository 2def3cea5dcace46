"""A bank that is killed at any moment: what was answered stands, what was begun goes on, nothing twice."""

import os
import random
import threading

import httpx
import pytest

from tests.bank.customers import customer, fresh, held, instruct, post_bytes, status_of
from tests.bank.exchange import message_id
from tests.bank.process import until
from tests.bank.wire import Payout, opened, pain001, sealed
from tests.forks import forks


def test_killed_after_the_exchange_accepted_the_credit_is_booked_once_at_the_next_start(
    own_bank, own_exchange
):
    bank, exchange = own_bank, own_exchange
    buyer, trade = customer(bank, 100), fresh()
    exchange.expected[trade] = "1.00"
    exchange.before_answer = lambda _: bank.kill()  # the exchange has decided; the bank will never hear it
    with pytest.raises(httpx.TransportError):
        buyer.send(100, trade)
    exchange.before_answer = lambda _: None
    bank.restart()
    until(lambda: held(bank)["escrow"] == 100, what="the booking")
    first, again = exchange.ids(trade)
    assert first == again
    assert buyer.send(100, trade).json()["status"] == "booked"
    assert (buyer.balance(), held(bank)["transit"]) == (0, 0)


def test_killed_before_the_notification_left_it_is_told_after_the_next_start(own_bank, own_exchange):
    bank, exchange = own_bank, own_exchange
    trade, seller = fresh(), customer(bank)
    exchange.expected[trade] = "1.00"
    customer(bank, 100).send(100, trade)
    exchange.down = True
    xml = pain001(
        message_id="msg-1",
        escrow=bank.escrow_account,
        payouts=[Payout(f"{trade}/S", "1.00", seller.account)],
        control_sum="1.00",
        reference=trade,
    )
    answer = post_bytes(bank, "/instructions", sealed(xml, exchange.key))
    assert status_of(opened(answer.json(), bank.key_b64)) == "ACSC"
    bank.kill()
    exchange.down = False
    bank.restart()
    until(lambda: len(exchange.ids(trade)) == 2, what="the debit notification")
    assert post_bytes(bank, "/instructions", sealed(xml, exchange.key)).content == answer.content
    assert (seller.balance(), held(bank)["escrow"]) == (100, 0)
    assert bank.control("POST", "flush")["waiting"] == 0
    assert len(exchange.ids(trade)) == 2


def test_killed_anywhere_again_and_again_no_answered_transfer_or_payout_is_lost_or_doubled(
    own_bank, own_exchange
):
    bank, exchange, chance = own_bank, own_exchange, random.Random(20261123)
    buyer, seller = customer(bank, 1_000_000), customer(bank)
    booked, paid = [], []

    def trade_until_killed():
        try:
            while True:
                trade = fresh()
                exchange.expected[trade] = "3.00"
                if buyer.send(300, trade).json()["status"] == "booked":
                    booked.append(trade)
                payout = Payout(f"{trade}/S", "2.00", seller.account)
                if status_of(instruct(bank, exchange.key, [payout], "2.00", reference=trade)) == "ACSC":
                    paid.append(trade)
        except httpx.TransportError:
            return

    for _ in range(4):
        enough = len(exchange.received) + chance.randint(3, 25)
        worker = threading.Thread(target=trade_until_killed)
        worker.start()
        until(lambda enough=enough: len(exchange.received) >= enough, what="some trades")
        bank.kill()
        worker.join()
        bank.restart()
    bank.control("POST", "flush")

    money = held(bank)
    funded = {message for message, status in exchange.decided.items() if status == 204}
    assert len(booked) >= 4
    assert money["transit"] == 0
    assert seller.balance() >= 200 * len(paid)
    assert seller.balance() <= 200 * (len(paid) + 4)  # carried out and not answered: once a kill at most
    assert 1_000_000 - buyer.balance() == money["escrow"] + seller.balance()
    assert 1_000_000 - buyer.balance() >= 300 * len(booked)
    assert {message_id(message) for message in exchange.received} == funded
    assert len(funded) == (1_000_000 - buyer.balance()) // 300 + seller.balance() // 200


def test_a_second_bank_on_the_same_folder_does_not_start(bank):
    second = forks().run([*bank.command, "--port", "0"], os.environ)
    assert second.returncode == 2
    assert "another bank runs" in second.stderr


def test_the_key_stays_the_same_over_restarts(own_bank):
    before = own_bank.key_b64
    own_bank.stop()
    own_bank.restart()
    assert own_bank.key_b64 == before
