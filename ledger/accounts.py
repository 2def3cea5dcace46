"""The chart of accounts: memo accounts that mirror the escrow bank's. Assets positive, liabilities negative.

The platform never holds money. `escrow:<organisation>` is what an organisation has paid into the escrow
account less what it was paid out of it, `fee:platform` the same for the exchange's own fee; together they are
the house account `bank:escrow`, what the bank holds for all trades (a roll-up; books of before this chart
have legs of it). `held:<trade>` is what of it is owed on a trade, so the one side is always minus the other.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from base.money import MAX_MINOR
from ledger.errors import LegsUnbalanced

BANK_ESCROW: Final = "bank:escrow"
PLATFORM_FEE: Final = "fee:platform"
HELD: Final = "held:"
_ESCROW_OF: Final = "escrow:"


@dataclass(frozen=True, slots=True)
class Leg:
    """One account and a signed amount in fen."""

    account: str
    amount_minor: int
    currency: str = "CNY"


def bank_cash() -> str:
    """What the escrow bank holds: the roll-up of every account that is not held on a trade."""
    return BANK_ESCROW


def escrow_of(org_id: str) -> str:
    """What an organisation has paid into escrow less what it was paid out of it."""
    return f"{_ESCROW_OF}{org_id}"


def platform_fee() -> str:
    """What the exchange was paid out of escrow for itself, less what it gave back; below zero."""
    return PLATFORM_FEE


def every_trade() -> str:
    """What is owed on all trades together: the roll-up of every `held:<trade>`."""
    return HELD.rstrip(":")


def held(trade_id: str) -> str:
    """What of it is owed on one trade."""
    return f"{HELD}{trade_id}"


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
