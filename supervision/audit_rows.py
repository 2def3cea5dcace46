"""DB_MISMATCH: what the database says of its trades against what the ledger's statements say.

The rows are handed in; this room knows no database. A row is a mapping with `trade_id` and any of
`status`, `listing_id`, `seller_id`, `buyer_id`, `broker_id`, `amount_minor`, `price_minor`,
`commission_minor`, `platform_fee_minor`. Amounts stand in openings, so they are compared only where the
bundle carries them.
"""

from collections.abc import Mapping
from typing import Final

from supervision.audit_case import Case, Check
from supervision.audit_entry import Sealed
from supervision.audit_report import Code

_PREFIX: Final = "TRD."
_SETTLES: Final = frozenset({"TRD.SETTLE", "TRD.REFUND"})  # of a divided price: parts of the contract's
_PUBLIC: Final = ("listing_id", "seller_id", "buyer_id", "broker_id")
_AMOUNTS: Final = ("amount_minor", "price_minor", "commission_minor", "platform_fee_minor")

Stated = dict[str, tuple[str | None, int]]  # what a trade is, by name: the value and the seq that says it


def database_agrees(case: Case) -> Check:
    """DB_MISMATCH: state, parties and amounts of every trade are those that the ledger's statements give."""
    trades: dict[str, Stated] = {}
    while (batch := (yield)) is not None:
        for said in batch.said if case.rows is not None else ():
            if said is not None and said.event.startswith(_PREFIX):
                _tell(trades, said, batch.amounts.get(said.seq, {}))
    for row in case.rows or ():
        trade_id = str(row["trade_id"])
        stated = trades.pop(trade_id, None)
        if stated is None:
            case.problem(Code.DB_MISMATCH, f"{trade_id} is in the database and not on the ledger")
            continue
        for name, (value, seq) in stated.items():
            found = row.get(name, value)
            if (None if found is None else str(found)) != value:
                case.problem(
                    Code.DB_MISMATCH, f"{trade_id} {name}: database {found}, ledger {value}", seq=seq
                )
    for trade_id, stated in trades.items():
        seq = max(seq for _, seq in stated.values())
        case.problem(Code.DB_MISMATCH, f"{trade_id} is on the ledger and not in the database", seq=seq)


def _tell(trades: dict[str, Stated], said: Sealed, amounts: Mapping[str, str]) -> None:
    """Let one statement add to what its trade is; the last word on each thing counts."""
    trade = trades.setdefault(said.text("trade_id") or said.object_id, {})
    if said.text("to") is not None:
        trade["status"] = said.text("to"), said.seq
    for name in _PUBLIC:
        if name in said.predicate:
            trade[name] = said.text(name), said.seq
    for name in _AMOUNTS if said.event not in _SETTLES else ():
        if name in amounts:
            trade[name] = amounts[name], said.seq
