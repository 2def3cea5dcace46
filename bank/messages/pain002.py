"""pain.002.001.10, customer payment status report: the bank's answer to an instruction."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bank.amounts import decimal_text
from bank.messages.pain001 import Instruction
from bank.messages.writing import Node, render, when

MESSAGE: Final = "pain.002.001.10"
ACCEPTED: Final = "ACSC"  # accepted, settlement completed: the money has moved
IN_PROCESS: Final = "ACSP"  # accepted, settlement in process: the exchange is asked about the credit first
REJECTED: Final = "RJCT"


@dataclass(frozen=True, slots=True)
class Reason:
    """An external status reason code, words, and the end-to-end id it is about (none: the group)."""

    code: str
    text: str
    end_to_end_id: str | None = None


def status_report(
    *,
    message_id: str,
    at: datetime,
    instruction: Instruction,
    reasons: tuple[Reason, ...],
    accepted: str = ACCEPTED,
) -> bytes:
    """The XML: `accepted` without reasons, RJCT with; all or nothing: every transaction has one status."""
    status = REJECTED if reasons else accepted
    group: list[Node] = [
        ("OrgnlMsgId", instruction.message_id),
        ("OrgnlMsgNmId", "pain.001.001.09"),
        ("OrgnlNbOfTxs", str(len(instruction.payouts))),
        ("OrgnlCtrlSum", decimal_text(instruction.total_minor)),
        ("GrpSts", status),
        *_stated(reason for reason in reasons if reason.end_to_end_id is None),
    ]
    transactions: list[Node] = [
        (
            "TxInfAndSts",
            [
                ("OrgnlEndToEndId", payout.end_to_end_id),
                ("TxSts", status),
                *_stated(reason for reason in reasons if reason.end_to_end_id == payout.end_to_end_id),
            ],
        )
        for payout in instruction.payouts
    ]
    return render(
        MESSAGE,
        (
            "CstmrPmtStsRpt",
            [
                ("GrpHdr", [("MsgId", message_id), ("CreDtTm", when(at))]),
                ("OrgnlGrpInfAndSts", group),
                (
                    "OrgnlPmtInfAndSts",
                    [
                        ("OrgnlPmtInfId", instruction.payment_id),
                        ("PmtInfSts", status),
                        *transactions,
                    ],
                ),
            ],
        ),
    )


def _stated(reasons: Iterable[Reason]) -> list[Node]:
    return [
        ("StsRsnInf", [("Rsn", [("Cd", reason.code)]), ("AddtlInf", reason.text[:105])]) for reason in reasons
    ]
