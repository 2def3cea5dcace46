"""What a broker may earn: a disclosed share of the tax-inclusive price (BR7)."""

from typing import Final

from base.errors import Malformed
from base.money import share_bp
from brokers.errors import CommissionAboveCap

CAP_BP: Final = 500  # BR7: 5 % of the tax-inclusive price, the project's default cap
DEFAULT_BP: Final = 200  # 2 %


def check_commission(rate_bp: int) -> None:
    """Refuse a rate above the cap with CommissionAboveCap; a negative one is Malformed."""
    if rate_bp < 0:
        raise Malformed("a commission is not negative", rate_bp=rate_bp)
    if rate_bp > CAP_BP:
        raise CommissionAboveCap("the commission is above the cap", rate_bp=rate_bp, cap_bp=CAP_BP)


def commission_on(price_minor: int, rate_bp: int = DEFAULT_BP) -> int:
    """The commission in fen on a tax-inclusive price in fen, rounded half up.

    Raises CommissionAboveCap, and Malformed for a negative rate or price.
    """
    check_commission(rate_bp)
    if price_minor < 0:
        raise Malformed("a price is not negative", price_minor=str(price_minor))
    return share_bp(price_minor, rate_bp)
