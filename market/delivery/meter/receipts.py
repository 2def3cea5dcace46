"""The receipt of one use: the same document for every kind of delivery. Pure.

Receipts are the leaves of a tree (RFC 9162 §2.1.1) whose root the exchange states when it rolls uses up
(DLV.USAGE): whoever holds a receipt and a path can prove that it was counted, once.
"""

from datetime import datetime
from typing import Any, Final, Protocol

from base.canonical import canonical
from base.clock import rfc3339
from ledger.tree import leaf_hash
from market.delivery.kinds import DeliveryKind

FORMAT: Final = "databourse-receipt/1"


class Used(Protocol):
    """A use as its receipt says it: a row, or what has just been written by sets."""

    @property
    def use_id(self) -> str: ...
    @property
    def entitlement_id(self) -> str: ...
    @property
    def number(self) -> int: ...
    @property
    def kind(self) -> DeliveryKind: ...
    @property
    def taken_by(self) -> str | None: ...
    @property
    def purpose(self) -> str | None: ...
    @property
    def recipient(self) -> str | None: ...
    @property
    def units(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    @property
    def request_sha256(self) -> str: ...
    @property
    def answer_sha256(self) -> str: ...
    @property
    def epsilon_micro(self) -> int: ...
    @property
    def used_at(self) -> datetime: ...


def receipt_of(use: Used, *, trade_id: str) -> dict[str, Any]:
    """What the exchange says of a use. Its id has 80 random bits: who has no receipt guesses no leaf."""
    return {
        "format": FORMAT,
        "use_id": use.use_id,
        "trade_id": trade_id,
        "entitlement_id": use.entitlement_id,
        "number": use.number,
        "kind": use.kind.value,
        "taken_by": use.taken_by,
        "purpose": use.purpose,
        "recipient": use.recipient,
        "units": use.units,
        "bytes": use.bytes,
        "request_sha256": use.request_sha256,
        "answer_sha256": use.answer_sha256,
        "epsilon_micro": use.epsilon_micro,
        "used_at": rfc3339(use.used_at),
    }


def leaf_of(use: Used, *, trade_id: str) -> bytes:
    """The hash of a receipt as a leaf."""
    return leaf_hash(canonical(receipt_of(use, trade_id=trade_id)))
