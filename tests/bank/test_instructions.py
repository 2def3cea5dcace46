"""The exchange's payment instructions: signed, judged, carried out all or nothing, once."""

import pytest

from base.signing import SigningKey
from tests.bank.customers import customer, fresh, get, held, instruct, post_bytes, reasons_of, status_of
from tests.bank.exchange import DETAILS, ENTRY
from tests.bank.process import until
from tests.bank.wire import Payout, opened, pain001, sealed


@pytest.fixture
def trade(bank, exchange):
    """A trade funded with 680 000.00."""
    trade = fresh()
    exchange.expected[trade] = "680000.00"
    assert customer(bank, 68_000_000).send(68_000_000, trade).json()["status"] == "booked"
    return trade


def fee_balance(bank):
    return held(bank)["fee"]


def split(bank, trade, seller, broker):
    """The test vector of the settlement rules: 680 000 = 659 600 + 13 600 + 6 800."""
    return [
        Payout(f"{trade}/S", "659600.00", seller.account),
        Payout(f"{trade}/B", "13600.00", broker.account),
        Payout(f"{trade}/P", "6800.00", bank.fee_account),
    ]


def test_an_instruction_pays_every_payee_and_is_notified_once(bank, exchange, trade):
    seller, broker, fees, before = customer(bank), customer(bank), fee_balance(bank), held(bank)
    message_id = fresh("msg")
    report = instruct(
        bank,
        exchange.key,
        split(bank, trade, seller, broker),
        "680000.00",
        message_id=message_id,
        reference=trade,
    )
    assert (status_of(report), reasons_of(report)) == ("ACSC", [])
    assert report.texts("CstmrPmtStsRpt/OrgnlPmtInfAndSts/TxInfAndSts/TxSts") == ["ACSC"] * 3
    assert (seller.balance(), broker.balance(), fee_balance(bank) - fees) == (65_960_000, 1_360_000, 680_000)
    assert before["escrow"] - held(bank)["escrow"] == 68_000_000

    until(lambda: len(exchange.ids(trade)) == 2, what="the debit notification")
    message = exchange.received[-1]
    assert message.texts(f"{ENTRY}/CdtDbtInd") == ["DBIT"] * 3
    assert message.texts(f"{ENTRY}/Amt") == ["659600.00", "13600.00", "6800.00"]
    assert message.texts(f"{DETAILS}/Refs/MsgId") == [message_id] * 3
    assert message.texts(f"{DETAILS}/Refs/EndToEndId") == [f"{trade}/S", f"{trade}/B", f"{trade}/P"]
    assert message.texts(f"{DETAILS}/RltdPties/CdtrAcct/Id/Othr/Id") == [
        seller.account,
        broker.account,
        bank.fee_account,
    ]


def test_the_same_message_again_gets_the_same_answer_and_pays_once(bank, exchange, trade):
    seller = customer(bank)
    xml = pain001(
        message_id=fresh("msg"),
        escrow=bank.escrow_account,
        payouts=[Payout(f"{trade}/S", "1.00", seller.account)],
        control_sum="1.00",
    )
    answers = [post_bytes(bank, "/instructions", sealed(xml, exchange.key)) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len({answer.content for answer in answers}) == 1
    assert seller.balance() == 100


def test_the_same_message_id_with_other_content_is_refused(bank, exchange, trade):
    seller, message_id = customer(bank), fresh("msg")
    instruct(
        bank, exchange.key, [Payout(f"{trade}/S", "1.00", seller.account)], "1.00", message_id=message_id
    )
    other = pain001(
        message_id=message_id,
        escrow=bank.escrow_account,
        payouts=[Payout(f"{trade}/B", "2.00", seller.account)],
        control_sum="2.00",
    )
    answer = post_bytes(bank, "/instructions", sealed(other, exchange.key))
    assert (answer.status_code, answer.json()["code"]) == (409, "message-id-reused")
    assert seller.balance() == 100


def test_an_end_to_end_id_is_paid_once(bank, exchange, trade):
    seller = customer(bank)
    payout = Payout(f"{trade}/S", "1.00", seller.account)
    assert status_of(instruct(bank, exchange.key, [payout], "1.00")) == "ACSC"
    assert reasons_of(instruct(bank, exchange.key, [payout], "1.00")) == ["DU04"]
    assert seller.balance() == 100


def test_insufficient_funds_reject_the_whole_instruction(bank, exchange, trade):
    seller, before = customer(bank), held(bank)
    above = f"{before['escrow'] // 100}.{before['escrow'] % 100:02d}"
    payouts = [Payout(f"{trade}/S", above, seller.account), Payout(f"{trade}/P", "0.01", bank.fee_account)]
    total_minor = before["escrow"] + 1
    report = instruct(bank, exchange.key, payouts, f"{total_minor // 100}.{total_minor % 100:02d}")
    assert (status_of(report), reasons_of(report)) == ("RJCT", ["AM04"])
    assert held(bank) == before
    assert seller.balance() == 0


def test_one_bad_payout_rejects_the_whole_instruction(bank, exchange, trade):
    seller, before = customer(bank), held(bank)
    payouts = [
        Payout(f"{trade}/S", "1.00", seller.account),
        Payout(f"{trade}/B", "1.00", "CN00DBSB999999999999"),
        Payout(f"{trade}/P", "1.00", bank.fee_account, currency="USD"),
    ]
    report = instruct(bank, exchange.key, payouts, "3.01", count=4)
    assert (status_of(report), reasons_of(report)) == ("RJCT", ["AM18", "AM10", "AC03", "AM03"])
    assert held(bank) == before
    assert len(exchange.ids(trade)) == 1


def test_a_rejected_instruction_stays_rejected_under_its_message_id(bank, exchange, trade):
    """Sameness is of the answer: what was refused once is not carried out behind the exchange's back."""
    seller = customer(bank)
    xml = pain001(
        message_id=fresh("msg"),
        escrow=bank.escrow_account,
        payouts=[Payout(f"{trade}/S", "1.00", seller.account)],
        control_sum="2.00",
    )
    first, again = (post_bytes(bank, "/instructions", sealed(xml, exchange.key)) for _ in range(2))
    assert first.content == again.content
    assert reasons_of(opened(again.json(), bank.key_b64)) == ["AM10"]


def wrongly_signed(xml, key):
    """Envelopes that the exchange did not make: name, body, status."""
    stranger = SigningKey.generate()
    right = sealed(xml, key)
    yield "another key", sealed(xml, stranger), 401
    yield (
        "another key under the exchange's keyid",
        sealed(xml, stranger).replace(stranger.keyid.encode(), key.keyid.encode()),
        401,
    )
    yield "another message type", sealed(xml, key, "pain.008.001.08"), 422
    yield "no envelope", xml, 422
    yield "not signed at all", right.split(b'"signatures"')[0] + b'"signatures":[]}', 422
    changed = sealed(xml.replace(b">1.00<", b">9.00<"), stranger)
    payload = changed.split(b'"payload":"')[1].split(b'"')[0]
    yield "changed after signing", right.replace(right.split(b'"payload":"')[1].split(b'"')[0], payload), 401


def test_what_the_exchange_did_not_sign_moves_nothing(bank, exchange, trade):
    seller, before = customer(bank), held(bank)
    xml = pain001(
        message_id=fresh("msg"),
        escrow=bank.escrow_account,
        payouts=[Payout(f"{trade}/S", "1.00", seller.account)],
        control_sum="1.00",
    )
    for name, body, status in wrongly_signed(xml, exchange.key):
        answer = post_bytes(bank, "/instructions", body)
        assert answer.status_code == status, (name, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
    assert held(bank) == before
    assert post_bytes(bank, "/instructions", sealed(xml, exchange.key)).status_code == 200
    assert seller.balance() == 100


def test_a_signed_message_with_a_document_type_is_refused(bank, exchange):
    xml = b'<!DOCTYPE Document [<!ENTITY x SYSTEM "file:///etc/hostname">]><Document>&x;</Document>'
    answer = post_bytes(bank, "/instructions", sealed(xml, exchange.key))
    assert (answer.status_code, answer.json()["code"]) == (422, "malformed")


@pytest.mark.parametrize("size", [600_000, 1_100_000], ids=["message", "body"])
def test_an_oversize_message_is_refused(bank, exchange, size):
    before = held(bank)
    answer = post_bytes(
        bank, "/instructions", sealed(b"<a>" + b" " * size + b"</a>", exchange.key)[: size * 2]
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")
    assert held(bank) == before


def test_a_body_without_a_stated_length_is_limited_too(bank):
    answer = post_bytes(bank, "/instructions", (b"x" * 65_536 for _ in range(40)))
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")


def test_the_key_is_public_and_its_file_is_not(bank):
    facts = get(bank, "/key").json()
    assert facts["public_key"] == bank.key_b64
    assert (facts["escrow_account"], facts["fee_account"]) == ("CN83DBSB000000000001", "CN56DBSB000000000002")
    data = bank.folder / "data"
    assert [
        (data / name).stat().st_mode & 0o777 for name in ("bank.key", "control.token", "bank.sqlite")
    ] == [0o600] * 3
