"""The four kinds of delivery: how a right to receive data is exercised. Pure.

The file itself, a share of the table, an interface call by call, or questions that are answered where the
data lies. What was agreed is what is given: a right of one kind opens no other kind's door.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from market.delivery.errors import DeliveredOtherwise
from market.orders.handover import DeliveryMode


class DeliveryKind(StrEnum):
    """How what was sold reaches the buyer."""

    FILE = "FILE"
    SHARE = "SHARE"
    API = "API"
    QUERY = "QUERY"


_KINDS: Final[Mapping[DeliveryMode, DeliveryKind]] = {
    DeliveryMode.SHARE: DeliveryKind.SHARE,
    DeliveryMode.CREDENTIAL: DeliveryKind.API,
    DeliveryMode.SANDBOX: DeliveryKind.QUERY,
}


def kind_of(mode: DeliveryMode) -> DeliveryKind:
    """The kind that an agreed mode of delivery is; what no machine here hands over comes with its file."""
    return _KINDS.get(mode, DeliveryKind.FILE)


def require_kind(kind: DeliveryKind, asked: DeliveryKind) -> None:
    """Whether a right of this kind is exercised as asked. Raises DeliveredOtherwise."""
    if kind is not asked:
        raise DeliveredOtherwise(
            "this right is exercised by another kind of delivery", kind=kind.value, asked=asked.value
        )
