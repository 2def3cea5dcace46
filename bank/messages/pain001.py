"""pain.001.001.09, customer credit transfer initiation: the exchange's payment instruction."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Final

from lxml import etree

from bank.amounts import minor_units
from bank.messages.reading import Schema, element_at, elements_at, parse, required_text, text_at
from base.clock import SHANGHAI, parse_rfc3339
from base.errors import Malformed

MESSAGE: Final = "pain.001.001.09"


@dataclass(frozen=True, slots=True)
class Payout:
    """One credit transfer out of escrow."""

    end_to_end_id: str
    amount_minor: int
    currency: str
    creditor_account: str
    reference: str | None


@dataclass(frozen=True, slots=True)
class Instruction:
    """What the exchange instructs: one debtor account, one day, several payouts, all or nothing."""

    message_id: str
    payment_id: str
    created_at: datetime
    requested_on: date
    debtor_account: str
    counts: tuple[int, ...]  # every NbOfTxs that was stated
    control_sums_minor: tuple[int, ...]  # every CtrlSum that was stated
    payouts: tuple[Payout, ...]

    @property
    def total_minor(self) -> int:
        return sum(payout.amount_minor for payout in self.payouts)


def read(payload: bytes) -> Instruction:
    """The instruction in the XML. Raises TooLarge or Malformed; what it means is judged elsewhere."""
    root = parse(payload, _schema())
    header = _one(root, "CstmrCdtTrfInitn/GrpHdr")
    payment = _one(root, "CstmrCdtTrfInitn/PmtInf")
    stated = (header, payment)
    try:
        return Instruction(
            message_id=required_text(header, "MsgId"),
            payment_id=required_text(payment, "PmtInfId"),
            created_at=parse_rfc3339(required_text(header, "CreDtTm")),
            requested_on=_requested_on(payment),
            debtor_account=_account(payment, "DbtrAcct"),
            counts=tuple(int(text) for part in stated if (text := text_at(part, "NbOfTxs"))),
            control_sums_minor=tuple(
                minor_units(text) for part in stated if (text := text_at(part, "CtrlSum"))
            ),
            payouts=tuple(_payout(item) for item in elements_at(payment, "CdtTrfTxInf")),
        )
    except (ValueError, OverflowError) as error:  # the schema knows years that Python does not
        raise Malformed("not a time", reason=str(error)) from None


@cache
def _schema() -> Schema:
    return Schema(MESSAGE)


def _one(root: etree._Element, path: str) -> etree._Element:
    found = element_at(root, path)
    if found is None:
        raise Malformed("an element is missing", path=path)
    return found


def _requested_on(payment: etree._Element) -> date:
    on = text_at(payment, "ReqdExctnDt/Dt")
    if on is not None:
        return date.fromisoformat(on)
    return parse_rfc3339(required_text(payment, "ReqdExctnDt/DtTm")).astimezone(SHANGHAI).date()


def _account(parent: etree._Element, name: str) -> str:
    return text_at(parent, f"{name}/Id/IBAN") or required_text(parent, f"{name}/Id/Othr/Id")


def _payout(item: etree._Element) -> Payout:
    amount = _one(item, "Amt/InstdAmt")
    return Payout(
        end_to_end_id=required_text(item, "PmtId/EndToEndId"),
        amount_minor=minor_units(amount.text or ""),
        currency=str(amount.get("Ccy")),
        creditor_account=_account(item, "CdtrAcct"),
        reference=text_at(item, "RmtInf/Strd/CdtrRefInf/Ref"),
    )
