"""How a price is split, and given back, to the fen (`rules.md` §2.7): pure, and the same everywhere.

The parts sum to the price: seller + broker + platform, and the buyer where part of it goes back. Tax is
inside the price, it is no part of its own: the seller's invoice shows it. What is split pro rata is split
by the largest remainder: every part is within one fen of its exact share, and no order changes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from base.errors import Malformed
from base.money import allot
from brokers.commission import commission_on
from pricing.whole import PLATFORM_FEE_BP, VAT_BP, WholePrice, whole_price

Split: TypeAlias = WholePrice
PLATFORM_FEE_CAP_BP: Final = 500  # configurable up to this; listing fee 0, public welfare 0


class Payee(StrEnum):
    """Whom a leg of the payment instruction pays."""

    SELLER = "SELLER"
    BROKER = "BROKER"
    PLATFORM = "PLATFORM"
    BUYER = "BUYER"  # gets back what is refunded


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


@dataclass(frozen=True, slots=True)
class Divided:
    """A price of which part goes back, in fen: refund + seller + commission + platform fee = price."""

    refund_minor: int
    seller_minor: int
    commission_minor: int
    platform_fee_minor: int


def shares(total_minor: int, weights: Mapping[Payee, int]) -> dict[Payee, int]:
    """Split fen by weights with the largest-remainder rule; of equal remainders the larger weight's is first.

    The shares sum to `total_minor`, each is within one fen of its exact share, and the order in which the
    weights are named changes nothing. Raises Malformed for negative or all-zero weights.
    """
    order = sorted(weights, key=lambda payee: (-weights[payee], list(Payee).index(payee)))
    parts = allot(total_minor, [weights[payee] for payee in order])
    return dict(zip(order, parts, strict=True))


def divided(price_minor: int, commission_minor: int, platform_fee_minor: int, refund_minor: int) -> Divided:
    """A price of which `refund_minor` goes back to the buyer; the rest is split as the contract splits it.

    Both fees shrink with the price, pro rata. Raises Malformed unless something goes back and something is
    left: 0 < refund < price.
    """
    if not 0 < refund_minor < price_minor:
        raise Malformed(
            "part of the price goes back: more than nothing, less than all of it",
            refund_minor=str(refund_minor),
            price_minor=str(price_minor),
        )
    kept = shares(
        price_minor - refund_minor,
        {
            Payee.SELLER: price_minor - commission_minor - platform_fee_minor,
            Payee.BROKER: commission_minor,
            Payee.PLATFORM: platform_fee_minor,
        },
    )
    return Divided(refund_minor, kept[Payee.SELLER], kept[Payee.BROKER], kept[Payee.PLATFORM])


def owed_back(
    released: Mapping[Payee, int], refund_minor: int, *, returning: frozenset[Payee]
) -> dict[Payee, int]:
    """Who of those that were paid owes how many fen of a refund after release; who owes nothing is left out.

    `released` is what seller, broker and platform were paid. Those of broker and platform that are
    `returning` owe their pro-rata share of the refund; the seller, who bore the fees, owes everything else.
    Raises Malformed unless 0 < refund <= what was released, and for a returning part that is no fee.
    """
    limit = sum(released.values())
    if not returning <= {Payee.BROKER, Payee.PLATFORM}:
        raise Malformed("fees are returned by broker and platform", returning=sorted(returning))
    if not 0 < refund_minor <= limit:
        raise Malformed(
            "a refund is more than nothing and no more than was released",
            refund_minor=str(refund_minor),
            released_minor=str(limit),
        )
    pro_rata = shares(refund_minor, released)
    owed = {payee: amount for payee, amount in pro_rata.items() if payee in returning and amount}
    rest = refund_minor - sum(owed.values())
    return ({Payee.SELLER: rest} if rest else {}) | owed


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
