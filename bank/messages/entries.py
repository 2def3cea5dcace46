"""The entry (`Ntry`) that camt.053 and camt.054 share."""

from dataclasses import dataclass
from typing import Final

from bank.messages.writing import Fen, Node, account

CREDIT: Final = "CRDT"
DEBIT: Final = "DBIT"


@dataclass(frozen=True, slots=True)
class Entry:
    """One movement on the escrow account, as the exchange is told of it."""

    entry_id: str  # the bank's own reference, the same in camt.054 and camt.053
    credit: bool  # into escrow
    amount_minor: int
    booked_on: str
    valued_on: str
    end_to_end_id: str
    party_name: str
    party_account: str
    reference: str | None = None
    message_id: str | None = None  # of the pain.001 that caused it
    reversal: bool = False  # takes back an earlier entry, whole or in part


def entry_node(entry: Entry) -> Node:
    """`Ntry` with one `TxDtls`; every element path is described in `docs/bank.md`."""
    indicator = CREDIT if entry.credit else DEBIT
    reversal: list[Node] = [("RvslInd", "true")] if entry.reversal else []
    return (
        "Ntry",
        [
            ("NtryRef", entry.entry_id),
            ("Amt", Fen(entry.amount_minor)),
            ("CdtDbtInd", indicator),
            *reversal,
            ("Sts", [("Cd", "BOOK")]),
            ("BookgDt", [("Dt", entry.booked_on)]),
            ("ValDt", [("Dt", entry.valued_on)]),
            ("AcctSvcrRef", entry.entry_id),
            ("BkTxCd", _code(entry)),
            ("NtryDtls", [("TxDtls", _details(entry, indicator))]),
        ],
    )


def _code(entry: Entry) -> list[Node]:
    """Payments, received or issued credit transfer, booked within the bank."""
    family = "RCDT" if entry.credit else "ICDT"
    return [("Domn", [("Cd", "PMNT"), ("Fmly", [("Cd", family), ("SubFmlyCd", "BOOK")])])]


def _details(entry: Entry, indicator: str) -> list[Node]:
    message: list[Node] = [("MsgId", entry.message_id)] if entry.message_id else []
    side = "Dbtr" if entry.credit else "Cdtr"
    remittance: list[Node] = []
    if entry.reference:
        kind: Node = ("Tp", [("CdOrPrtry", [("Cd", "SCOR")])])
        remittance = [("RmtInf", [("Strd", [("CdtrRefInf", [kind, ("Ref", entry.reference)])])])]
    return [
        ("Refs", [*message, ("AcctSvcrRef", entry.entry_id), ("EndToEndId", entry.end_to_end_id)]),
        ("Amt", Fen(entry.amount_minor)),
        ("CdtDbtInd", indicator),
        (
            "RltdPties",
            [
                (side, [("Pty", [("Nm", entry.party_name)])]),
                (f"{side}Acct", account(entry.party_account)),
            ],
        ),
        *remittance,
    ]
