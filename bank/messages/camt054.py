"""camt.054.001.08, bank-to-customer debit/credit notification."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from bank.messages.entries import Entry, entry_node
from bank.messages.writing import BANK_NAME, Node, account, render, when

MESSAGE: Final = "camt.054.001.08"


def notification(*, message_id: str, at: datetime, escrow: str, entries: Sequence[Entry]) -> bytes:
    """The XML: one notification on the escrow account, with one entry for a credit or one a payout."""
    told: list[Node] = [entry_node(entry) for entry in entries]
    servicer: Node = ("Svcr", [("FinInstnId", [("Nm", BANK_NAME)])])
    return render(
        MESSAGE,
        (
            "BkToCstmrDbtCdtNtfctn",
            [
                ("GrpHdr", [("MsgId", message_id), ("CreDtTm", when(at))]),
                (
                    "Ntfctn",
                    [
                        ("Id", message_id),
                        ("CreDtTm", when(at)),
                        ("Acct", [*account(escrow), servicer]),
                        *told,
                    ],
                ),
            ],
        ),
    )
