"""A customer's transfer into escrow: asked of the exchange first, then booked, returned or pending."""

import pytest

from tests.bank.customers import customer, fresh, get, held, post
from tests.bank.exchange import DETAILS, ENTRY
from tests.bank.process import until


def test_an_accepted_transfer_is_booked_to_escrow(bank, exchange):
    buyer, trade = customer(bank, 100_000, holder="Buyer & Söhne <数据>"), fresh()
    exchange.expected[trade] = "680.00"
    before = held(bank)
    answer = buyer.send(68_000, trade)
    assert (answer.status_code, answer.json()["status"]) == (200, "booked")
    assert buyer.balance() == 32_000
    after = held(bank)
    assert after["escrow"] - before["escrow"] == 68_000
    assert after["transit"] == 0

    (message,) = [
        message
        for message in exchange.received
        if trade in message.texts(f"{DETAILS}/RmtInf/Strd/CdtrRefInf/Ref")
    ]
    assert message.name == "camt.054.001.08"
    assert message.text("BkToCstmrDbtCdtNtfctn/Ntfctn/Acct/Id/Othr/Id") == bank.escrow_account
    assert message.text(f"{ENTRY}/Amt") == "680.00"
    assert message.text(f"{ENTRY}/CdtDbtInd") == "CRDT"
    assert message.text(f"{ENTRY}/AcctSvcrRef") == answer.json()["transfer_id"]
    assert message.text(f"{DETAILS}/Refs/EndToEndId") == f"{trade}/F"
    assert message.text(f"{DETAILS}/RltdPties/Dbtr/Pty/Nm") == "Buyer & Söhne <数据>"
    assert message.text(f"{DETAILS}/RltdPties/DbtrAcct/Id/Othr/Id") == buyer.account


@pytest.mark.parametrize("amount_minor", [67_999, 68_001])
def test_a_wrong_amount_is_returned_to_the_sender(bank, exchange, amount_minor):
    buyer, trade = customer(bank, 100_000), fresh()
    exchange.expected[trade] = "680.00"
    before = held(bank)
    answer = buyer.send(amount_minor, trade).json()
    assert (answer["status"], answer["reason_code"], answer["reason"]) == ("returned", "AM09", "wrong-amount")
    assert buyer.balance() == 100_000
    assert held(bank) == before


def test_an_unknown_reference_is_returned_to_the_sender(bank):
    buyer = customer(bank, 100)
    answer = buyer.send(100, fresh()).json()
    assert (answer["status"], answer["reason_code"]) == ("returned", "BE05")
    assert buyer.balance() == 100


def test_while_the_exchange_is_down_a_transfer_is_pending_and_is_asked_again_under_the_same_id(
    bank, exchange
):
    buyer, trade = customer(bank, 100), fresh()
    exchange.expected[trade] = "1.00"
    exchange.down = True
    answer = buyer.send(100, trade)
    exchange.down = False
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    until(lambda: buyer.transfer(answer.json()["transfer_id"])["status"] == "booked", what="the courier")
    assert exchange.ids(trade) == [answer.json()["message_id"]]
    assert buyer.balance() == 0


def test_money_of_a_pending_transfer_cannot_be_sent_twice(bank, exchange):
    buyer, first, second = customer(bank, 100), fresh(), fresh()
    exchange.expected |= {first: "1.00", second: "1.00"}
    exchange.down = True
    assert buyer.send(100, first).json()["status"] == "pending"
    refused = buyer.send(100, second)
    exchange.down = False
    assert (refused.status_code, refused.json()["code"]) == (409, "insufficient-funds")
    assert bank.control("POST", "flush")["waiting"] == 0
    assert exchange.ids(second) == []


def test_the_same_order_again_is_the_same_transfer(bank, exchange):
    buyer, trade = customer(bank, 300), fresh()
    exchange.expected[trade] = "1.00"
    first = buyer.send(100, trade)
    again = buyer.send(100, trade)
    assert again.json() == first.json()
    assert buyer.balance() == 200
    assert len(exchange.ids(trade)) == 1
    other = buyer.send(101, trade)
    assert (other.status_code, other.json()["code"]) == (409, "end-to-end-id-reused")
    assert buyer.balance() == 200


def test_a_transfer_without_the_accounts_token_moves_nothing(bank, exchange):
    buyer, other, trade = customer(bank, 100), customer(bank, 100), fresh()
    exchange.expected[trade] = "1.00"
    stranger = type(buyer)(bank, buyer.account, other.token)
    nobody = type(buyer)(bank, "CN00DBSB999999999999", other.token)
    house = type(buyer)(bank, bank.escrow_account, other.token)
    for who in (stranger, nobody, house):
        answer = who.send(100, trade)
        assert (answer.status_code, answer.json()["code"]) == (401, "wrong-token")
    form = {
        "from_account": buyer.account,
        "to": "escrow",
        "amount_minor": 1,
        "reference": "r",
        "end_to_end_id": "e",
    }
    assert post(bank, "/transfers", form).status_code == 401
    assert get(bank, f"/accounts/{buyer.account}").status_code == 401
    assert buyer.balance() == 100
    assert exchange.ids(trade) == []


def test_another_customers_transfer_is_not_shown(bank, exchange):
    buyer, other, trade = customer(bank, 100), customer(bank), fresh()
    exchange.expected[trade] = "1.00"
    transfer_id = buyer.send(100, trade).json()["transfer_id"]
    assert other.transfer(transfer_id)["code"] == "wrong-token"


def test_money_goes_to_escrow_only(bank):
    buyer, friend = customer(bank, 100), customer(bank)
    answer = buyer.send(100, fresh(), to=friend.account)
    assert (answer.status_code, answer.json()["code"]) == (409, "not-to-escrow")
    assert (buyer.balance(), friend.balance()) == (100, 0)


@pytest.mark.parametrize(
    "change",
    [
        {"amount_minor": 0},
        {"amount_minor": -1},
        {"amount_minor": 1.5},
        {"amount_minor": "100"},
        {"amount_minor": 10**13 + 1},
        {"reference": "r" * 36},
        {"reference": ""},
        {"reference": " r"},
        {"reference": "数据"},
        {"end_to_end_id": "e\n"},
        {"surprise": 1},
        {"to": None},
    ],
)
def test_a_malformed_order_moves_nothing(bank, change):
    buyer = customer(bank, 100)
    answer = buyer.send(100, fresh(), **change)
    assert (answer.status_code, answer.json()["code"]) == (422, "malformed")
    assert answer.headers["content-type"] == "application/problem+json"
    assert buyer.balance() == 100
