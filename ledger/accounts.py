"""The chart of accounts: memo accounts that mirror the escrow bank's. Assets positive, liabilities negative.

The platform never holds money: `bank:escrow` is what the bank says it holds for all trades, and
`held:<trade>` is what of it is owed on a trade, so the one is always minus the sum of the others.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from base.money import MAX_MINOR
from ledger.errors import LegsUnbalanced

BANK_ESCROW: Final = "bank:escrow"
_HELD: Final = "held:"


@dataclass(frozen=True, slots=True)
class Leg:
    """One account and a signed amount in fen."""

    account: str
    amount_minor: int
    currency: str = "CNY"


def bank_cash() -> str:
    """What the escrow bank holds."""
    return BANK_ESCROW


def held(trade_id: str) -> str:
    """What of it is owed on one trade."""
    return f"{_HELD}{trade_id}"


def check_legs(legs: Iterable[Leg]) -> tuple[Leg, ...]:
    """The legs, if there are at least two, none is zero and they sum to zero per currency.

    Raises LegsUnbalanced.
    """
    kept = tuple(legs)
    sums: dict[str, int] = defaultdict(int)
    for leg in kept:
        if leg.amount_minor == 0 or abs(leg.amount_minor) > MAX_MINOR:
            raise LegsUnbalanced("a leg is a non-zero 64-bit amount", account=leg.account)
        sums[leg.currency] += leg.amount_minor
    off = {currency: str(total) for currency, total in sums.items() if total}
    if len(kept) <= 1 or off:
        raise LegsUnbalanced("the legs do not sum to zero", sums=off)
    return kept
