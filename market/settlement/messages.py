"""The ISO 20022 messages as the exchange reads and writes them: bytes to values, values to bytes.

Read: camt.054.001.08 (notification), camt.053.001.08 (statement), pain.002.001.10 (status report).
Written: pain.001.001.09 (instruction). The element paths are in `docs/bank.md`. A message is bytes
from outside: no DTD, no entity, no network, bounded size, and every element that counts is required.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final

from lxml import etree

from base.clock import SHANGHAI, parse_rfc3339, rfc3339
from market.settlement.errors import BankMessageMalformed
from market.settlement.structure import check_structure

CURRENCY: Final = "CNY"
NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:"
NOTIFICATION: Final = "camt.054.001.08"
STATEMENT: Final = "camt.053.001.08"
STATUS_REPORT: Final = "pain.002.001.10"
INSTRUCTION: Final = "pain.001.001.09"
MAX_BYTES: Final = 512 * 1024
MAX_STATEMENT_BYTES: Final = 64 * 1024 * 1024  # a day of some fifty thousand entries
INITIATOR: Final = "Databourse"
ESCROW_HOLDER: Final = f"{INITIATOR} escrow"  # as the bank names whom the escrow account is held for
_AMOUNT: Final = re.compile(r"([0-9]{1,14})(?:\.([0-9]{1,2}))?")


@dataclass(frozen=True, slots=True)
class Movement:
    """One booked entry on the escrow account. `entry_id` is the bank's own reference."""

    entry_id: str
    credit: bool
    amount_minor: int
    booked_on: date
    end_to_end_id: str
    party_account: str
    reference: str | None
    instruction_id: str | None

    @property
    def signed_minor(self) -> int:
        """Into escrow positive, out of it negative."""
        return self.amount_minor if self.credit else -self.amount_minor


@dataclass(frozen=True, slots=True)
class Notification:
    """camt.054: what has just been booked on an account, or is about to be on our word (a credit)."""

    message_id: str
    account: str
    movements: tuple[Movement, ...]


@dataclass(frozen=True, slots=True)
class DayStatement:
    """camt.053: a day's truth, balances in fen. `until` is its end: of a running day, the bank's now."""

    message_id: str
    account: str
    day: date
    until: datetime
    opening_minor: int
    closing_minor: int
    movements: tuple[Movement, ...]


@dataclass(frozen=True, slots=True)
class StatusReport:
    """pain.002: what became of an instruction."""

    instruction_id: str
    accepted: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Payout:
    """One credit transfer out of escrow."""

    end_to_end_id: str
    amount_minor: int
    name: str
    account: str


def payload_type(message: str) -> str:
    """The DSSE payload type of a message."""
    return f"application/xml; message={message}"


def read_notification(xml: bytes) -> Notification:
    """Read a camt.054. Raises BankMessageMalformed."""
    root = _parse(xml, NOTIFICATION)
    body = _one(root, "BkToCstmrDbtCdtNtfctn")
    told = _one(body, "Ntfctn")
    return Notification(
        message_id=_text(body, "GrpHdr/MsgId"),
        account=_text(told, "Acct/Id/Othr/Id"),
        movements=tuple(_movement(entry) for entry in _all(told, "Ntry")),
    )


def read_statement(xml: bytes) -> DayStatement:
    """Read a camt.053. Raises BankMessageMalformed."""
    root = _parse(xml, STATEMENT, limit_bytes=MAX_STATEMENT_BYTES)
    body = _one(root, "BkToCstmrStmt")
    told = _one(body, "Stmt")
    balances = {_text(balance, "Tp/CdOrPrtry/Cd"): balance for balance in _all(told, "Bal")}
    if not {"OPBD", "CLBD"} <= set(balances):
        raise BankMessageMalformed("a statement has an opening and a closing balance")
    return DayStatement(
        message_id=_text(body, "GrpHdr/MsgId"),
        account=_text(told, "Acct/Id/Othr/Id"),
        until=_moment(_text(told, "FrToDt/ToDtTm")),
        day=_date(_text(balances["CLBD"], "Dt/Dt")),
        opening_minor=_signed(balances["OPBD"]),
        closing_minor=_signed(balances["CLBD"]),
        movements=tuple(_movement(entry) for entry in _all(told, "Ntry")),
    )


def read_status(xml: bytes) -> StatusReport:
    """Read a pain.002. Raises BankMessageMalformed."""
    group = _one(_one(_parse(xml, STATUS_REPORT), "CstmrPmtStsRpt"), "OrgnlGrpInfAndSts")
    status = _text(group, "GrpSts")
    if status not in {"ACSC", "ACSP", "ACCP", "RJCT"}:
        raise BankMessageMalformed("an unknown status", status=status)
    root = group.getparent()
    assert root is not None
    reasons = tuple((node.text or "") for node in root.iterfind(".//{*}StsRsnInf/{*}Rsn/{*}Cd") if node.text)
    return StatusReport(_text(group, "OrgnlMsgId"), status != "RJCT", reasons)


def write_instruction(
    *,
    message_id: str,
    at: datetime,
    debtor_account: str,
    reference: str,
    payouts: Sequence[Payout],
    debtor: str = ESCROW_HOLDER,
) -> bytes:
    """The pain.001 that pays, all or nothing: initiated by the exchange, debited from the holder's account.

    The debtor is the escrow account's holder, or the exchange itself for its own fee account.
    """
    total = _decimal(sum(payout.amount_minor for payout in payouts))
    count = str(len(payouts))
    root = etree.Element(f"{{{NAMESPACE}{INSTRUCTION}}}Document", nsmap={None: NAMESPACE + INSTRUCTION})
    body = _sub(root, "CstmrCdtTrfInitn")
    header = _sub(body, "GrpHdr")
    _sub(header, "MsgId", message_id)
    _sub(header, "CreDtTm", rfc3339(at))
    _sub(header, "NbOfTxs", count)
    _sub(header, "CtrlSum", total)
    _sub(_sub(header, "InitgPty"), "Nm", INITIATOR)
    payment = _sub(body, "PmtInf")
    _sub(payment, "PmtInfId", message_id)
    _sub(payment, "PmtMtd", "TRF")
    _sub(payment, "NbOfTxs", count)
    _sub(payment, "CtrlSum", total)
    _sub(_sub(payment, "ReqdExctnDt"), "Dt", at.astimezone(SHANGHAI).date().isoformat())
    _sub(_sub(payment, "Dbtr"), "Nm", debtor)
    _account(payment, "DbtrAcct", debtor_account)
    _sub(_sub(_sub(payment, "DbtrAgt"), "FinInstnId"), "Nm", "Escrow bank")
    for payout in payouts:
        transfer = _sub(payment, "CdtTrfTxInf")
        _sub(_sub(transfer, "PmtId"), "EndToEndId", payout.end_to_end_id)
        _sub(_sub(transfer, "Amt"), "InstdAmt", _decimal(payout.amount_minor)).set("Ccy", CURRENCY)
        _sub(_sub(transfer, "Cdtr"), "Nm", payout.name[:140])
        _account(transfer, "CdtrAcct", payout.account)
        _sub(_sub(_sub(_sub(transfer, "RmtInf"), "Strd"), "CdtrRefInf"), "Ref", reference)
    check_structure(root, INSTRUCTION)
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return written


def _parse(xml: bytes, message: str, *, limit_bytes: int = MAX_BYTES) -> etree._Element:
    if len(xml) > limit_bytes:
        raise BankMessageMalformed("the message is too large", limit_bytes=limit_bytes)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(xml, parser)
    except etree.XMLSyntaxError as error:
        raise BankMessageMalformed("not well-formed XML", reason=str(error)[:200]) from None
    if root.getroottree().docinfo.doctype:
        raise BankMessageMalformed("a message declares no document type")
    if root.tag != f"{{{NAMESPACE}{message}}}Document":
        raise BankMessageMalformed("another message was expected", expected=message)
    check_structure(root, message)
    return root


def _movement(entry: etree._Element) -> Movement:
    details = _one(entry, "NtryDtls/TxDtls")
    if _text(entry, "Sts/Cd") != "BOOK":
        raise BankMessageMalformed("an entry that is not booked")
    credit = _is_credit(entry)
    side = "Dbtr" if credit else "Cdtr"
    return Movement(
        entry_id=_text(entry, "AcctSvcrRef"),
        credit=credit,
        amount_minor=_amount(_one(entry, "Amt")),
        booked_on=_date(_text(entry, "BookgDt/Dt")),
        end_to_end_id=_text(details, "Refs/EndToEndId"),
        party_account=_text(details, f"RltdPties/{side}Acct/Id/Othr/Id"),
        reference=_maybe(details, "RmtInf/Strd/CdtrRefInf/Ref"),
        instruction_id=_maybe(details, "Refs/MsgId"),
    )


def _signed(balance: etree._Element) -> int:
    amount = _amount(_one(balance, "Amt"))
    return amount if _is_credit(balance) else -amount


def _is_credit(node: etree._Element) -> bool:
    indicator = _text(node, "CdtDbtInd")
    if indicator not in {"CRDT", "DBIT"}:
        raise BankMessageMalformed("neither credit nor debit", indicator=indicator[:40])
    return indicator == "CRDT"


def _amount(node: etree._Element) -> int:
    found = _AMOUNT.fullmatch(node.text or "")
    if found is None or node.get("Ccy") != CURRENCY:
        raise BankMessageMalformed("an amount is yuan with two decimals", amount=(node.text or "")[:40])
    whole, fen = found.groups()
    return int(whole) * 100 + int((fen or "").ljust(2, "0"))


def _decimal(minor: int) -> str:
    whole, fen = divmod(minor, 100)
    return f"{whole}.{fen:02d}"


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BankMessageMalformed("not a date", date=text[:40]) from None


def _moment(text: str) -> datetime:
    try:
        return parse_rfc3339(text)
    except ValueError:
        raise BankMessageMalformed("not a moment with its offset", moment=text[:40]) from None


def _all(parent: etree._Element, path: str) -> list[etree._Element]:
    """The elements at a path of names, all in the namespace of their parent."""
    found: list[etree._Element] = _finder(parent.tag.partition("}")[0], path)(parent)
    return found


@lru_cache(256)
def _finder(namespace: str, path: str) -> Callable[[etree._Element], Any]:
    """A compiled path: to walk from child to child took most of the time of reading a message."""
    steps = "/".join(f"n:{name}" for name in path.split("/"))
    finder: Callable[[etree._Element], Any] = etree.XPath(steps, namespaces={"n": namespace[1:]})
    return finder


def _one(parent: etree._Element, path: str) -> etree._Element:
    found = _all(parent, path)
    if len(found) != 1:
        raise BankMessageMalformed("an element is to be there once", path=path, times=len(found))
    return found[0]


def _text(parent: etree._Element, path: str) -> str:
    text = _maybe(parent, path)
    if not text:
        raise BankMessageMalformed("an element is empty", path=path)
    return text


def _maybe(parent: etree._Element, path: str) -> str | None:
    found = _all(parent, path)
    if len(found) > 1:
        raise BankMessageMalformed("an element is to be there once", path=path, times=len(found))
    return (found[0].text or "").strip() if found else None


def _sub(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    child = etree.SubElement(parent, f"{{{NAMESPACE}{INSTRUCTION}}}{name}")
    child.text = text
    return child


def _account(parent: etree._Element, name: str, number: str) -> None:
    _sub(_sub(_sub(_sub(parent, name), "Id"), "Othr"), "Id", number)
