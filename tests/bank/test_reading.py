"""Hostile and wrong XML: each a refusal, none read."""

import pytest

from bank.messages.pain001 import read
from bank.messages.reading import MAX_BYTES
from base.errors import Malformed, TooLarge
from tests.bank.wire import Payout, pain001

ESCROW = "CN83DBSB000000000001"
PAYEE = "CN72DBSB000000000005"


def good(**changes):
    stated = {
        "message_id": "msg-1",
        "escrow": ESCROW,
        "payouts": [Payout("trd_1/S", "659600.00", PAYEE), Payout("trd_1/B", "13600.00", PAYEE)],
        "control_sum": "673200.00",
    }
    return pain001(**(stated | changes))


def test_an_instruction_is_read_exactly():
    instruction = read(good())
    assert instruction.message_id == "msg-1"
    assert instruction.debtor_account == ESCROW
    assert instruction.total_minor == 67_320_000
    assert instruction.control_sums_minor == (67_320_000,)
    assert instruction.counts == (2,)
    assert [
        (p.end_to_end_id, p.amount_minor, p.creditor_account, p.reference) for p in instruction.payouts
    ] == [
        ("trd_1/S", 65_960_000, PAYEE, "trade-1"),
        ("trd_1/B", 1_360_000, PAYEE, "trade-1"),
    ]


EXTERNAL = b'<?xml version="1.0"?><!DOCTYPE Document [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
LAUGHS = b'<?xml version="1.0"?><!DOCTYPE Document [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
PARAMETER = b'<?xml version="1.0"?><!DOCTYPE Document SYSTEM "http://127.0.0.1:9/x.dtd">'


@pytest.mark.parametrize(
    "start", [EXTERNAL, LAUGHS, PARAMETER], ids=["xxe", "billion-laughs", "external-dtd"]
)
def test_a_document_type_is_refused(start):
    body = good().split(b"?>", 1)[1].replace(b"msg-1", b"&b;" if start is LAUGHS else b"&x;")
    with pytest.raises(Malformed, match="never read"):
        read(start + body)


def test_an_undeclared_entity_is_refused():
    with pytest.raises(Malformed, match="not well-formed"):
        read(good().replace(b"msg-1", b"&x;"))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_another_encoding_cannot_hide_a_document_type(encoding):
    hidden = (EXTERNAL + good().split(b"?>", 1)[1]).decode().encode(encoding)
    with pytest.raises(Malformed):
        read(hidden)


def test_a_claim_of_another_encoding_is_refused():
    with pytest.raises(Malformed, match="UTF-8"):
        read(good().replace(b'encoding="UTF-8"', b'encoding="UTF-7"'))


def test_a_message_above_the_limit_is_refused_before_it_is_parsed():
    with pytest.raises(TooLarge):
        read(good() + b" " * MAX_BYTES)


def test_deep_nesting_is_refused():
    with pytest.raises(Malformed):
        read(b"<a>" * 5000 + b"</a>" * 5000)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"659600.00", b"6<!-- -->59600.00"),
        (b"<PmtMtd>", b"<?x y?><PmtMtd>"),
        (b"<PmtMtd>TRF", b"<PmtMtd>CHK"),
        (b"<PmtMtd>TRF</PmtMtd>", b"<PmtMtd>TRF</PmtMtd><Extra/>"),
        (b"<MsgId>msg-1</MsgId>", b""),
        (b"<MsgId>msg-1</MsgId>", b"<MsgId>" + b"m" * 36 + b"</MsgId>"),
        (b"<MsgId>msg-1</MsgId>", b"<MsgId> msg-1</MsgId>"),
        (b"<EndToEndId>trd_1/S</EndToEndId>", b"<EndToEndId></EndToEndId>"),
        (b"pain.001.001.09", b"pain.001.001.03"),
        (b'Ccy="CNY"', b""),
        (b">659600.00<", b">659600.001<"),
        (b">659600.00<", b">-659600.00<"),
        (b">659600.00<", b">6e5<"),
        (b"<PmtInfId>", b"text<PmtInfId>"),
        (b"<Dbtr>", b'<Dbtr xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Party">'),
        (b"<Dbtr>", b'<Dbtr id="1">'),
        (b"Z</CreDtTm>", b"</CreDtTm>"),
        (b"<CreDtTm>2", b"<CreDtTm>9"),
        (b"</Document>", b""),
        (b"</Document>", b"</Document><Document/>"),
    ],
)
def test_what_deviates_from_the_schema_is_refused(old, new):
    assert old in good()
    with pytest.raises(Malformed):
        read(good().replace(old, new))


@pytest.mark.parametrize("payload", [b"", b"\x00", b"{}", b"\xff\xfe", b"<Document/>"])
def test_what_is_no_message_is_refused(payload):
    with pytest.raises(Malformed):
        read(payload)
