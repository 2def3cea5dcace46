"""Messages have the structure that ISO publishes, whoever writes them; what has another is not believed."""

from datetime import UTC, date, datetime

import pytest
from lxml import etree

from bank.accounts import ESCROW_HOLDER as AT_THE_BANK
from bank.amounts import account_number
from bank.messages import camt053, camt054, pain001, pain002
from bank.messages.entries import Entry
from market.settlement.errors import BankMessageMalformed
from market.settlement.messages import (
    ESCROW_HOLDER,
    INITIATOR,
    INSTRUCTION,
    Payout,
    read_notification,
    read_statement,
    read_status,
    write_instruction,
)
from market.settlement.structure import STRUCTURES, check_structure

AT = datetime(2026, 11, 17, 1, 0, tzinfo=UTC)
CREDIT = Entry(
    "trf_1", True, 100, "2026-11-17", "2026-11-17", "e1", "买方", account_number(10), reference="trd_1"
)
DEBIT = Entry(
    *("pay_1", False, 100, "2026-11-17", "2026-11-17", "trd_1/S", "卖方", account_number(11)),
    reference="trd_1",
    message_id="ins_1",
)
INSTRUCTED = write_instruction(
    message_id="ins_1",
    at=AT,
    debtor_account=account_number(1),
    reference="trd_1",
    payouts=[Payout("trd_1/S", 100, "卖方", account_number(11))],
)
REASONS = (pain002.Reason("AM04", "too little"), pain002.Reason("AC03", "unknown", "trd_1/S"))
DAY = camt053.Day(date(2026, 11, 17), AT, AT, 5, (CREDIT, DEBIT))
WRITTEN = {
    "camt.054.001.08": camt054.notification(
        message_id="m", at=AT, escrow=account_number(1), entries=[CREDIT, DEBIT]
    ),
    "camt.053.001.08": camt053.statement(message_id="m", at=AT, escrow=account_number(1), day=DAY),
    "pain.002.001.10": pain002.status_report(
        message_id="m", at=AT, instruction=pain001.read(INSTRUCTED), reasons=REASONS
    ),
    "pain.001.001.09": INSTRUCTED,
}
READERS = {
    "camt.054.001.08": read_notification,
    "camt.053.001.08": read_statement,
    "pain.002.001.10": read_status,
    "pain.001.001.09": lambda xml: check_structure(etree.fromstring(xml), INSTRUCTION),
}


def test_the_versions_are_those_that_are_spoken():
    assert STRUCTURES.keys() == WRITTEN.keys()


@pytest.mark.parametrize("message", WRITTEN)
def test_every_element_that_is_written_stands_in_the_published_structure(message):
    """Not one is passed over: the tables name all of what we write."""
    known = STRUCTURES[message]
    for element in etree.fromstring(WRITTEN[message]).iter():
        parent = element.getparent()
        name = etree.QName(element).localname
        above = etree.QName(parent).localname if parent is not None else ""
        order = known.get(f"{above}/{name}") or known.get(name)
        children = {etree.QName(child).localname for child in element}
        assert children <= {one.rstrip("!") for one in order or ()}, (name, children)
    READERS[message](WRITTEN[message])


@pytest.mark.parametrize("message", WRITTEN)
def test_elements_out_of_order_or_missing_are_not_believed(message):
    known, tried = STRUCTURES[message], 0
    for at, element in enumerate(etree.fromstring(WRITTEN[message]).iter()):
        name = etree.QName(element).localname
        order = known.get(name, ())
        if len(element) > 1 and element[0].tag != element[1].tag and len(order) > 1:
            swapped = etree.fromstring(WRITTEN[message])
            other = list(swapped.iter())[at]
            other.insert(0, other[1])
            with pytest.raises(BankMessageMalformed):
                READERS[message](etree.tostring(swapped))
            tried += 1
        for child in element:
            if f"{etree.QName(child).localname}!" in order:
                cut = etree.fromstring(WRITTEN[message])
                other = list(cut.iter())[at]
                for found in other.findall(child.tag):
                    other.remove(found)
                with pytest.raises(BankMessageMalformed):
                    READERS[message](etree.tostring(cut))
                tried += 1
    assert tried > 5


def test_the_exchange_initiates_and_the_holder_of_the_escrow_account_is_debited():
    root = etree.fromstring(INSTRUCTED)
    assert root.findtext("{*}CstmrCdtTrfInitn/{*}GrpHdr/{*}InitgPty/{*}Nm") == INITIATOR
    assert root.findtext("{*}CstmrCdtTrfInitn/{*}PmtInf/{*}Dbtr/{*}Nm") == ESCROW_HOLDER
    assert AT_THE_BANK == ESCROW_HOLDER
