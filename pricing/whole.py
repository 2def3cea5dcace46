"""The whole price: what the buyer pays and where every fen of it goes (`rules.md` §2.7).

A price includes tax and fees. The buyer pays it and nothing more; the broker's commission and the
platform fee are taken from the provider's proceeds, which is the agreement that Civil Code Art 963
asks for (where nothing is agreed the parties would bear the commission equally).
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from base.errors import Malformed
from base.money import BASIS_POINTS, half_up, share_bp
from pricing.errors import PriceOutOfBounds
from pricing.facts import Facts
from pricing.quote import MAX_PRICE_MINOR, check_price

VAT_BP: Final = 600  # data and IT services, general taxpayer
PLATFORM_FEE_BP: Final = 100  # of the tax-inclusive price


@dataclass(frozen=True, slots=True)
class WholePrice:
    """One price in fen and its parts: net + vat = price = seller + commission + platform fee."""

    price_minor: int
    net_minor: int
    vat_minor: int
    commission_minor: int
    platform_fee_minor: int
    seller_minor: int

    def document(self) -> dict[str, Any]:
        """The JSON form: each fee with who bears it and who receives it."""
        return {
            "buyer_pays_minor": self.price_minor,
            "net_minor": self.net_minor,
            "vat_minor": self.vat_minor,
            "commission": {
                "amount_minor": self.commission_minor,
                "borne_by": "PROVIDER",
                "paid_to": "BROKER",
            },
            "platform_fee": {
                "amount_minor": self.platform_fee_minor,
                "borne_by": "PROVIDER",
                "paid_to": "EXCHANGE_OPERATOR",
            },
            "seller_receives_minor": self.seller_minor,
        }


def whole_price(
    price_minor: int, *, commission_bp: int, platform_bp: int, vat_bp: int = VAT_BP
) -> WholePrice:
    """Take a tax-inclusive price in fen apart; each fee half up, the remainder is the seller's.

    Raises PriceOutOfBounds, and Malformed for rates outside 0 to 10,000 or fees above the price.
    """
    check_price(price_minor)
    for rate in (commission_bp, platform_bp, vat_bp):
        if not 0 <= rate <= BASIS_POINTS:
            raise Malformed("a rate is 0 to 10000 basis points", rate=str(rate))
    net = half_up(Decimal(price_minor) * BASIS_POINTS / (BASIS_POINTS + vat_bp))
    commission = share_bp(price_minor, commission_bp)
    platform_fee = share_bp(price_minor, platform_bp)
    seller = price_minor - commission - platform_fee
    if seller < 0:
        raise Malformed("the fees are above the price", price_minor=str(price_minor))
    return WholePrice(
        price_minor=price_minor,
        net_minor=net,
        vat_minor=price_minor - net,
        commission_minor=commission,
        platform_fee_minor=platform_fee,
        seller_minor=seller,
    )


def price_for_seller(seller_minor: int, *, commission_bp: int, platform_bp: int) -> int:
    """The lowest price in fen that leaves the seller at least so much, once the fees are taken.

    Each fee is rounded by itself, so the seller's part is within a fen of the exact one; the first that
    fits is looked for in that narrow window. Raises PriceOutOfBounds where no price fits.
    """
    check_price(seller_minor)
    kept_bp = BASIS_POINTS - commission_bp - platform_bp
    first = max(1, -((1 - seller_minor) * BASIS_POINTS // kept_bp)) if kept_bp > 0 else MAX_PRICE_MINOR + 1
    for price in range(first, MAX_PRICE_MINOR + 1):
        whole = whole_price(price, commission_bp=commission_bp, platform_bp=platform_bp)
        if whole.seller_minor >= seller_minor:
            return price
    raise PriceOutOfBounds("no price leaves the seller so much", seller_minor=str(seller_minor))


def read_whole(facts: Facts, price_minor: int) -> dict[str, Any]:
    """The result `whole_price` for facts that name `commission_bp`, `platform_bp` or `vat_bp`.

    A mechanism may come to nothing to pay (`price_minor` 0): then no fee is due either.
    """
    if not facts.has_any("commission_bp", "platform_bp", "vat_bp"):
        return {}
    rates = {
        "commission_bp": facts.basis_points("commission_bp", 0),
        "platform_bp": facts.basis_points("platform_bp", PLATFORM_FEE_BP),
        "vat_bp": facts.basis_points("vat_bp", VAT_BP),
    }
    whole = whole_price(price_minor, **rates) if price_minor else WholePrice(0, 0, 0, 0, 0, 0)
    return {"whole_price": whole.document()}
