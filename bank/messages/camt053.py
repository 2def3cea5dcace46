"""camt.053.001.08, bank-to-customer statement: the truth of the books for one day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from bank.amounts import decimal_text
from bank.messages.entries import CREDIT, DEBIT, Entry, entry_node
from bank.messages.writing import BANK_NAME, Fen, Node, account, render, when

MESSAGE: Final = "camt.053.001.08"


@dataclass(frozen=True, slots=True)
class Day:
    """What a statement says: the period, the opening balance, every entry in booking order."""

    on: date
    starts_at: datetime
    ends_at: datetime
    opening_minor: int
    entries: tuple[Entry, ...]

    @property
    def closing_minor(self) -> int:
        return self.opening_minor + sum(
            entry.amount_minor if entry.credit else -entry.amount_minor for entry in self.entries
        )


def statement(*, message_id: str, at: datetime, escrow: str, day: Day) -> bytes:
    """The XML of the escrow account's statement."""
    told: list[Node] = [entry_node(entry) for entry in day.entries]
    date_text = day.on.isoformat()
    servicer: Node = ("Svcr", [("FinInstnId", [("Nm", BANK_NAME)])])
    return render(
        MESSAGE,
        (
            "BkToCstmrStmt",
            [
                ("GrpHdr", [("MsgId", message_id), ("CreDtTm", when(at))]),
                (
                    "Stmt",
                    [
                        ("Id", f"STMT-{date_text}"),
                        ("CreDtTm", when(at)),
                        ("FrToDt", [("FrDtTm", when(day.starts_at)), ("ToDtTm", when(day.ends_at))]),
                        ("Acct", [*account(escrow), servicer]),
                        _balance("OPBD", day.opening_minor, date_text),
                        _balance("CLBD", day.closing_minor, date_text),
                        ("TxsSummry", _summary(day.entries)),
                        *told,
                    ],
                ),
            ],
        ),
    )


def _balance(code: str, minor: int, on: str) -> Node:
    return (
        "Bal",
        [
            ("Tp", [("CdOrPrtry", [("Cd", code)])]),
            ("Amt", Fen(abs(minor))),
            ("CdtDbtInd", CREDIT if minor >= 0 else DEBIT),
            ("Dt", [("Dt", on)]),
        ],
    )


def _summary(entries: Sequence[Entry]) -> list[Node]:
    sides: list[Node] = []
    for name, credit in (("TtlCdtNtries", True), ("TtlDbtNtries", False)):
        amounts = [entry.amount_minor for entry in entries if entry.credit is credit]
        sides.append((name, [("NbOfNtries", str(len(amounts))), ("Sum", decimal_text(sum(amounts)))]))
    return sides
