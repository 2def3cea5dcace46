"""What of an opening a party of a trade may see: of account numbers those of its own payments alone. Pure.

What a question to a sandbox said is the taker's: its seller is told its form elsewhere, as the terms have it.
The exchange and the supervisors see all of it. What is withheld cannot be tried out either: an opening with
something withheld comes without its nonce, and each leg of an instruction has a nonce of its own, so that a
party still verifies what it is told by the digest of the leg in the public statement.
"""

from collections.abc import Mapping
from typing import Any, Final

from market.orders.tables import Trade

WITHHELD: Final = "withheld"
_INSTRUCT: Final = "PAY.INSTRUCT"
_PAID_IN: Final = frozenset({"TRD.FUND", "PAY.CLAIM_PAID"})
_PAYER: Final = "payer_account"
_OWN: Final = ("account", "nonce")
_QUESTION: Final = "DLV.QUERY"
_ASKED: Final = ("query", "query_nonce", "purpose", "recipient", "taken_by")


def seen_by(
    org_id: str, trade: Trade, event: str, said: Mapping[str, Any], opened: Mapping[str, Any]
) -> dict[str, Any]:
    """The opening of a trade's statement as this party sees it; `said` is the statement's predicate."""
    if event == _INSTRUCT:
        return _legs(org_id, trade, opened)
    if event == _QUESTION and org_id not in {trade.buyer_id, opened.get("taken_by")}:
        return _without(opened, *_ASKED)
    if event in _PAID_IN and _payer(trade, event, said) != org_id:
        return _without(opened, _PAYER)
    return dict(opened)


def _legs(org_id: str, trade: Trade, opened: Mapping[str, Any]) -> dict[str, Any]:
    legs = [
        leg if _payee(trade, str(leg["end_to_end_id"])) == org_id else _without(leg, *_OWN, told=False)
        for leg in opened["legs"]
    ]
    if legs == opened["legs"]:
        return dict(opened)
    return {"legs": legs, WITHHELD: list(_OWN)}


def _payee(trade: Trade, end_to_end_id: str) -> str | None:
    """Whom a payment pays: the party that its id names by a letter behind the trade's (`…/S`, `…/R2`)."""
    name, _, seat = end_to_end_id.rpartition("/")
    seats = {"S": trade.seller_id, "B": trade.commission_to, "R": trade.buyer_id}
    return seats.get(seat[:1]) if name == trade.trade_id else None


def pays(trade: Trade, end_to_end_id: str, org_id: str) -> bool:
    """Whether a payment of a trade pays this organisation."""
    return _payee(trade, end_to_end_id) == org_id


def _payer(trade: Trade, event: str, said: Mapping[str, Any]) -> str | None:
    debtor: str | None = said.get("debtor_id")
    return trade.buyer_id if event == "TRD.FUND" else debtor


def _without(document: Mapping[str, Any], *names: str, told: bool = True) -> dict[str, Any]:
    withheld = {*names, "nonce"}
    left = {name: value for name, value in document.items() if name not in withheld}
    return left | ({WITHHELD: sorted(withheld & document.keys())} if told else {})
