"""The quick reading of a debit's notification says what the tree of elements says, or nothing at all."""

import re
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.signing import SigningKey
from market.settlement.debits import read_debits
from market.settlement.errors import BankMessageMalformed
from market.settlement.messages import MAX_BYTES, read_notification
from tests.ledger.seeds import AT
from tests.market.settlement.bank_side import BankSide, credit_entry, debit_entries

BANK = BankSide(SigningKey.generate())
INSTRUCTION: Any = SimpleNamespace(
    message_id="ins_00000000000000000000000000",
    trade_id="trd_00000000000000000000000000",
    payouts=[
        {"end_to_end_id": f"trd_1/{part}", "amount_minor": amount, "account": f"CN20{part}"}
        for part, amount in (("S", "123456"), ("B", "7"), ("P", "10000000000001"))
    ],
)
TOLD = BANK.debit(INSTRUCTION, at=AT).payload


def slowly(xml: bytes) -> Any:
    try:
        return read_notification(xml)
    except BankMessageMalformed:
        return None


def test_what_the_bank_writes_about_a_debit_is_read_quickly_and_alike() -> None:
    read = read_debits(TOLD)
    assert read is not None
    assert read == read_notification(TOLD)
    assert [movement.signed_minor for movement in read.movements] == [-123456, -7, -10000000000001]


def test_what_is_no_debit_has_another_form() -> None:
    credit = BANK.notification([credit_entry("trd_1", 5, on="2026-11-17")], at=AT).payload
    mixed = [*debit_entries(INSTRUCTION, on="2026-11-17"), credit_entry("trd_1", 5, on="2026-11-17")]
    assert read_debits(credit) is None
    assert read_debits(BANK.notification(mixed, at=AT).payload) is None


@pytest.mark.parametrize(
    ("found", "instead"),
    [
        (b"<Sts><Cd>BOOK</Cd></Sts>", b"<Sts><Cd>PDNG</Cd></Sts>"),
        (b'<Amt Ccy="CNY">0.07', b'<Amt Ccy="USD">0.07'),
        (b"<Amt", b"<!-- --><Amt"),
        (b"DBIT", b"CRDT"),
        (b"2026-11-22", b"2026-02-30"),
        (b"trd_1/B", b"trd&#49;/B"),
        (b"trd_1/B", b" trd_1/B "),
        (b"trd_1/B", b""),
        (b"payee", b"pay\xff"),
        (b"payee", b"pay\x01"),
        (b"payee", "收款人".encode()),
        (b"<Document", b"<!DOCTYPE Document><Document"),
        (b"<Document", b"<?x y?><Document"),
        (b"</Document>", b"</Document> "),
        (b"</Document>", b"</Document><x/>"),
        (b"camt.054.001.08", b"camt.054.001.02"),
        (b"</Ntry>", b"</Ntry><Ntry></Ntry>"),
        (b"</AcctSvcrRef><BkTxCd>", b"</AcctSvcrRef><AcctSvcrRef>x</AcctSvcrRef><BkTxCd>"),
    ],
)
def test_whatever_is_otherwise_is_said_by_the_tree(found: bytes, instead: bytes) -> None:
    day = re.sub(rb"<Dt>[0-9-]{10}</Dt>", b"<Dt>2026-11-22</Dt>", TOLD)
    changed = day.replace(found, instead, 1)
    assert changed != day
    assert read_debits(changed) in (None, slowly(changed))


@given(st.integers(0, len(TOLD) - 1), st.binary(max_size=3), st.integers(0, 3))
def test_bytes_that_are_changed_are_never_read_otherwise(at: int, put: bytes, gone: int) -> None:
    changed = TOLD[:at] + put + TOLD[at + gone :]
    quick = read_debits(changed)
    assert quick is None or quick == slowly(changed)


def test_what_is_too_large_is_not_read() -> None:
    assert read_debits(TOLD + b" " * MAX_BYTES) is None
