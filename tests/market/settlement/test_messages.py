"""The messages as the exchange reads them: what counts is required, once, and of its form."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from bank.messages import pain001, pain002
from base.errors import Malformed
from base.signing import SigningKey
from market.settlement.errors import BankMessageMalformed
from market.settlement.messages import (
    MAX_BYTES,
    Payout,
    read_notification,
    read_statement,
    read_status,
    write_instruction,
)
from tests.market.settlement.bank_side import ESCROW, PAYER, BankSide, credit_entry

AT = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
BANK = BankSide(SigningKey.generate())
CREDIT = BANK.credit("trd_1", 68_000_000, at=AT, message_id="ntf_1", entry_id="trf_1").payload
DAY = BANK.statement(
    date(2026, 11, 23),
    [
        credit_entry("trd_1", 68_000_000, on="2026-11-23", entry_id="trf_1"),
        replace(credit_entry("trd_1", 100, on="2026-11-23", entry_id="pay_1"), credit=False),
    ],
    opening_minor=5,
).payload
PAYOUTS = [
    Payout("trd_1/S", 65_960_000, "粤能数科 & <co>", PAYER),
    Payout("trd_1/P", 1, "Databourse", ESCROW.fee_account),
]


def instruction() -> bytes:
    return write_instruction(
        message_id="ins_1", at=AT, debtor_account=ESCROW.account, reference="trd_1", payouts=PAYOUTS
    )


def test_a_notification_is_read_to_the_fen():
    read = read_notification(CREDIT)
    assert (read.message_id, read.account) == ("ntf_1", ESCROW.account)
    (movement,) = read.movements
    assert movement.credit
    assert (movement.entry_id, movement.signed_minor, movement.booked_on) == (
        "trf_1",
        68_000_000,
        date(2026, 11, 23),
    )
    assert (movement.party_account, movement.reference, movement.instruction_id) == (PAYER, "trd_1", None)


def test_a_statement_is_read_with_its_balances_and_its_end():
    read = read_statement(DAY)
    assert (read.day, read.opening_minor, read.closing_minor) == (date(2026, 11, 23), 5, 67_999_905)
    assert [movement.signed_minor for movement in read.movements] == [68_000_000, -100]
    assert read.until == datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
    overdrawn = BANK.statement(date(2026, 11, 23), [], opening_minor=-7).payload
    assert read_statement(overdrawn).closing_minor == -7


def test_a_status_report_is_read_with_its_reasons():
    accepted = read_status(BANK.report(instruction(), at=AT).payload)
    assert (accepted.instruction_id, accepted.accepted, accepted.reasons) == ("ins_1", True, ())
    rejected = read_status(BANK.report(instruction(), "AM04", "MS03", at=AT).payload)
    assert (rejected.accepted, rejected.reasons) == (False, ("AM04", "MS03"))
    of_one = pain002.status_report(
        message_id="psr_1",
        at=AT,
        instruction=pain001.read(instruction()),
        reasons=(pain002.Reason("AC03", "no such account", "trd_1/S"),),
    )
    assert read_status(of_one).reasons == ("AC03",)


def test_the_bank_reads_what_is_written():
    read = pain001.read(instruction())
    assert (read.message_id, read.debtor_account, read.requested_on) == (
        "ins_1",
        ESCROW.account,
        date(2026, 11, 23),
    )
    assert (read.counts, read.control_sums_minor) == ((2, 2), (65_960_001, 65_960_001))
    assert [(p.end_to_end_id, p.amount_minor, p.creditor_account, p.reference) for p in read.payouts] == [
        ("trd_1/S", 65_960_000, PAYER, "trd_1"),
        ("trd_1/P", 1, ESCROW.fee_account, "trd_1"),
    ]
    assert instruction() == instruction()


BROKEN = {
    "not XML": (b"<Document", b"<Docum"),
    "another message": (b"camt.054.001.08", b"camt.054.001.09"),
    "another namespace": (b"urn:iso:std:iso:20022", b"urn:example"),
    "no message id": (b"<MsgId>ntf_1</MsgId>", b""),
    "an empty message id": (b"<MsgId>ntf_1</MsgId>", b"<MsgId/>"),
    "two message ids": (b"<MsgId>ntf_1</MsgId>", b"<MsgId>ntf_1</MsgId><MsgId>ntf_2</MsgId>"),
    "another currency": (b'Ccy="CNY"', b'Ccy="USD"'),
    "no currency": (b' Ccy="CNY"', b""),
    "three decimals": (b"680000.00", b"680000.000"),
    "an exponent": (b"680000.00", b"68e4"),
    "a sign": (b"680000.00", b"-680000.00"),
    "a comma": (b"680000.00", b"680000,00"),
    "full-width digits": (b"680000.00", "６80000.00".encode()),
    "an amount beyond 64 bits": (b"680000.00", b"123456789012345.00"),
    "neither credit nor debit": (b"CRDT", b"MORE"),
    "not booked yet": (b"<Cd>BOOK</Cd></Sts>", b"<Cd>PDNG</Cd></Sts>"),
    "a date that is none": (b"<Dt>2026-11-23</Dt>", b"<Dt>2026-11-31</Dt>"),
    "no reference of the bank": (b"<AcctSvcrRef>trf_1</AcctSvcrRef><BkTxCd>", b"<BkTxCd>"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_notification_that_is_not_of_its_form_is_refused(name):
    old, new = BROKEN[name]
    broken = CREDIT.replace(old, new)
    assert broken != CREDIT
    with pytest.raises(BankMessageMalformed):
        read_notification(broken)


@pytest.mark.parametrize(
    "prologue",
    [
        b'<!DOCTYPE Document [<!ENTITY x "680000.00">]>',
        b'<!DOCTYPE Document SYSTEM "http://127.0.0.1:1/x.dtd">',
    ],
)
def test_a_document_type_is_refused_in_any_encoding(prologue):
    declared = CREDIT.replace(b"?>\n", b"?>\n" + prologue, 1)
    assert prologue in declared
    wide = declared.decode().replace("encoding='UTF-8'", "encoding='UTF-16'").encode("utf-16")
    for message in (declared, wide):
        with pytest.raises(BankMessageMalformed):
            read_notification(message)


def test_a_comment_inside_an_amount_hides_nothing():
    hidden = CREDIT.replace(b"680000.00", b"68<!-- -->0000.00")
    with_instruction = CREDIT.replace(b"680000.00", b"680<?x?>000.00")
    for message in (hidden, with_instruction):
        assert read_notification(message).movements[0].amount_minor == 68_000_000


def test_a_message_above_the_limit_is_not_even_parsed():
    with pytest.raises(BankMessageMalformed) as caught:
        read_notification(b"<" * (MAX_BYTES + 1))
    assert caught.value.facts["limit_bytes"] == MAX_BYTES
    assert isinstance(caught.value, Malformed)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<Cd>CLBD</Cd>", b"<Cd>XXXX</Cd>"),
        (b"<ToDtTm>2026-11-23T16:00:00.000Z</ToDtTm>", b"<ToDtTm>2026-11-23T16:00:00</ToDtTm>"),
        (b"<ToDtTm>2026-11-23T16:00:00.000Z</ToDtTm>", b""),
        (b"<GrpHdr>", b"<GrpHeader>"),
    ],
)
def test_a_statement_without_its_balances_or_period_is_refused(old, new):
    broken = DAY.replace(old, new).replace(
        b"</GrpHdr>", b"</GrpHeader>" if b"Header" in new else b"</GrpHdr>"
    )
    assert broken != DAY
    with pytest.raises(BankMessageMalformed):
        read_statement(broken)


def test_an_unknown_status_is_no_acceptance():
    report = BANK.report(instruction(), at=AT).payload
    with pytest.raises(BankMessageMalformed):
        read_status(report.replace(b"<GrpSts>ACSC</GrpSts>", b"<GrpSts>MAYB</GrpSts>"))
