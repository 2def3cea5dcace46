"""How and until when the goods of a trade are handed over: the delivery terms of an offer. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from market.listings.categories import ProductType
from market.orders.deadlines import DELIVER_WORKING_DAYS
from market.orders.errors import DeliveryModeNotAllowed, OfferMalformed
from market.orders.parts import WHOLE, View

MAX_DELIVERY_DAYS: Final = 60


class DeliveryMode(StrEnum):
    """Kinds of delivery (`rules.md` §2.3.5)."""

    DOWNLOAD = "download"  # the file, through the exchange's gate
    SHARE = "share"  # the table, read by data tools (Delta Sharing)
    CREDENTIAL = "credential"  # access and a quota
    MILESTONE = "milestone"
    SANDBOX = "sandbox"  # a task where the data lies; its result alone leaves
    LEASE = "lease"
    VERIFICATION = "verification"


# Every product has a file, so each can be delivered by it; its type's own kinds come first.
_OWN: Final[Mapping[ProductType, tuple[DeliveryMode, ...]]] = {
    ProductType.DATASET: (
        DeliveryMode.DOWNLOAD,
        DeliveryMode.SHARE,
        DeliveryMode.CREDENTIAL,
        DeliveryMode.SANDBOX,
    ),
    ProductType.API: (DeliveryMode.CREDENTIAL,),
    ProductType.REPORT: (DeliveryMode.DOWNLOAD,),
    ProductType.SERVICE: (DeliveryMode.MILESTONE,),
    ProductType.TOOL: (DeliveryMode.DOWNLOAD,),
    ProductType.PRIVACY: (DeliveryMode.SANDBOX,),
    ProductType.COMPUTE: (DeliveryMode.LEASE,),
    ProductType.CERT: (DeliveryMode.VERIFICATION,),
}


@dataclass(frozen=True, slots=True)
class Handover:
    """Which kind of delivery, within how many working days after the escrow is funded.

    No mode is the usual one of the product's type. `part` is what of a table is shared.
    """

    mode: DeliveryMode | None = None
    days: int = DELIVER_WORKING_DAYS
    part: View = WHOLE

    def document(self) -> dict[str, Any]:
        """As an offer's opening says it."""
        part = {} if self.part.whole else {"part": self.part.document()}
        return {"mode": self.mode.value if self.mode else None, "days": self.days, **part}


def marks_its_file(mode: str | None, product_type: ProductType) -> bool:
    """Whether a buyer is handed a table as a file, which can be a marked copy."""
    return product_type is ProductType.DATASET and mode in {None, DeliveryMode.DOWNLOAD.value}


def modes_of(product_type: ProductType) -> tuple[DeliveryMode, ...]:
    """The kinds of delivery a type of product allows, the usual one first."""
    return tuple(dict.fromkeys((*_OWN[product_type], DeliveryMode.DOWNLOAD)))


def agreed_handover(handover: Handover | None, product_type: ProductType) -> Handover:
    """What an offer says of the delivery, with the usual kind and term where it leaves them open.

    Raises OfferMalformed for a term out of bounds or a part of what is not shared, DeliveryModeNotAllowed for
    another type's kind.
    """
    allowed = modes_of(product_type)
    said = handover or Handover()
    mode = said.mode or allowed[0]
    if type(said.days) is not int or not 1 <= said.days <= MAX_DELIVERY_DAYS:
        raise OfferMalformed(
            f"a delivery takes 1 to {MAX_DELIVERY_DAYS} working days", member="delivery_days"
        )
    if mode not in allowed:
        raise DeliveryModeNotAllowed(
            "this type of product is not delivered so",
            mode=mode.value,
            product_type=product_type.value,
            allowed=[one.value for one in allowed],
        )
    if not said.part.whole and mode is not DeliveryMode.SHARE:
        raise OfferMalformed("a part of a table is let out by a share of it", member="part")
    return Handover(mode, said.days, said.part)
