"""What of the rules' work falls apart by trades, so that a day's new ones leave the rest as it was.

The answer to a query may fall apart by what its rows say: each row follows from the trades that say the same
(`by`), from other tables' rows of these trades (`of`), and from other tables as a whole. What changed is then
asked again alone, over those trades alone; every other row stands (`supervision.incremental`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from supervision import brokerage, monthly, paid, steps, trades
from supervision.context import Context
from supervision.rules import br2, br4, br7, fair_price, s4, s30, uc5, wt4

_A_TRADE: Final = (("trade_id", "trade_id"),)
_TO_SHANGHAI: Final = "made_at + INTERVAL 8 HOUR"


class Asks(StrEnum):
    """What is asked anew, by the name of the table of its keys."""

    TOUCHED = "touched_trades"
    """Trades of which something changed or has happened since, or that left the market's window."""
    LISTINGS = "touched_listings"
    """Listings of which a quote came, went, changed or left the window, or which changed themselves."""


@dataclass(frozen=True, slots=True)
class Apart:
    """How an answer falls apart.

    `by` are expressions (of SQL) over the answer, each with that over `made` which says the same. `of` are
    the tables of which only the rows of these trades are read: evidence or what is kept, `made` always among
    them. Of `Asks.LISTINGS` it is the listings' rows.
    """

    of: tuple[str, ...]
    by: tuple[tuple[str, str], ...] = _A_TRADE
    asks: Asks = Asks.TOUCHED
    numbered: bool = False
    """Whether the answer holds numbers of groups, products or terms: these must be the same."""


NUMBERS: Final = (trades.PARTIES, trades.PRODUCTS, trades.TERMS)
KEPT_APART: Final[Mapping[str, Apart]] = MappingProxyType(
    {
        trades.MADE: Apart(of=("trades", "flags"), numbered=True),
        brokerage.MEDIATED: Apart(of=()),
        paid.ODD: Apart(of=("payments",), by=(("COALESCE(trade_id, \"of\", '')", "trade_id"),)),
        paid.WITH_BROKERS: Apart(of=("payments",)),
        br7.SUSPECTS: Apart(of=(brokerage.MEDIATED, paid.ODD, paid.WITH_BROKERS)),
        br2.UNMANDATED: Apart(of=(brokerage.MEDIATED,)),
        br4.INTERESTS: Apart(of=(brokerage.MEDIATED,)),
        s30.DIFFERING: Apart(of=(paid.ODD, "payments")),
        wt4.HARDLY_USED: Apart(of=("usage",)),
        steps.HASTY: Apart(of=()),
        s4.PAID: Apart(
            of=(),
            by=(("product_no", "product_no"), ("week", f"date_trunc('week', {_TO_SHANGHAI})")),
            numbered=True,
        ),
        fair_price.COMPARABLE: Apart(of=(), numbered=True),
        uc5.ASKED: Apart(of=("requests",), by=(("COALESCE(request_id, '')", "trade_id"),)),
        monthly.MONTHS: Apart(
            of=(),
            by=(("seller_id", "seller_id"), ("month", f"strftime({_TO_SHANGHAI}, '%Y-%m')")),
        ),
    }
)
"""What is kept (`supervision.kept`). `payments_with_brokers` reads who is a broker of all trades, but of a
trade only its own broker's payments are asked."""
ROWS_APART: Final[Mapping[str, Apart]] = MappingProxyType(
    {
        "CO3": Apart(of=("quotes",), by=(("listing_id", "listing_id"),), asks=Asks.LISTINGS),
        "S9": Apart(of=(), by=(("product_id", "product_id"),)),
        "S27": Apart(
            of=(),
            by=(
                ("category", "category"),
                ("geo", "geo"),
                ("unit", "COALESCE(unit, '')"),
                ("day", f"CAST({_TO_SHANGHAI} AS DATE)"),
            ),
        ),
        "UC1": Apart(
            of=("usage", "access", "retrievals"),
            by=tuple((name, name) for name in ("buyer_group", "seller_group")),
        ),
    }
)
"""The rows that rules judge, by rule id; what is judged of all of them together is judged of all."""
OF_TRADES: Final = frozenset(
    {"trades", "flags", "payments", "usage", "access", "retrievals", "trade_events", "source_checks"}
    | {"requests"}
)
"""The tables whose rows belong to a trade each, wherever something falls apart by trades."""


def times_that_turn(context: Context, asks: Asks) -> tuple[str, Mapping[str, datetime]]:
    """A table, and what the rules hold its times against, beside `as_of` itself."""
    match asks:
        case Asks.LISTINGS:
            return "quotes", {"quoted_at": context.market_since}
        case Asks.TOUCHED:
            return "trades", {"agreed_at": context.market_since, "contract_dated_at": context.market_since}
