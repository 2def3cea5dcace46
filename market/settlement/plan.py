"""How a settled price is split, to the fen (`rules.md` §2.7): pure, and the same everywhere.

The parts sum to the price: seller + broker + platform. Tax is inside the price, it is no part of its
own: the seller's invoice shows it.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from base.errors import Malformed
from brokers.commission import commission_on
from pricing.whole import PLATFORM_FEE_BP, VAT_BP, WholePrice, whole_price

Split: TypeAlias = WholePrice
PLATFORM_FEE_CAP_BP: Final = 500  # configurable up to this; listing fee 0, public welfare 0


class Payee(StrEnum):
    """Whom a leg of the payment instruction pays."""

    SELLER = "SELLER"
    BROKER = "BROKER"
    PLATFORM = "PLATFORM"


@dataclass(frozen=True, slots=True)
class Leg:
    """One payment out of escrow: what for, to whom, how many fen."""

    payee: Payee
    org_id: str
    amount_minor: int


def split(
    price_minor: int,
    commission_bp: int = 0,
    platform_bp: int = PLATFORM_FEE_BP,
    vat_bp: int = VAT_BP,
) -> Split:
    """Split a tax-inclusive price in fen; both fees are shares of it, rounded half up.

    The seller bears the fees and owns every remainder. Raises PriceOutOfBounds, CommissionAboveCap,
    and Malformed for a platform fee outside 0 to `PLATFORM_FEE_CAP_BP` or a tax rate outside 0 to 10,000.
    """
    commission_on(price_minor, commission_bp)
    if not 0 <= platform_bp <= PLATFORM_FEE_CAP_BP:
        raise Malformed("the platform fee is above its cap", rate_bp=platform_bp, cap_bp=PLATFORM_FEE_CAP_BP)
    return whole_price(price_minor, commission_bp=commission_bp, platform_bp=platform_bp, vat_bp=vat_bp)


def legs(parts: Split, *, seller_id: str, broker_id: str | None, operator_id: str) -> tuple[Leg, ...]:
    """The payments of a settlement, in a fixed order, without empty ones; they sum to the price.

    Raises Malformed if there is a commission and no broker to pay it to.
    """
    if parts.commission_minor and broker_id is None:
        raise Malformed("a commission without a broker", commission_minor=str(parts.commission_minor))
    planned = (
        Leg(Payee.SELLER, seller_id, parts.seller_minor),
        Leg(Payee.BROKER, broker_id or "", parts.commission_minor),
        Leg(Payee.PLATFORM, operator_id, parts.platform_fee_minor),
    )
    return tuple(leg for leg in planned if leg.amount_minor)
