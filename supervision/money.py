"""Money outside of prices: what WT3 and S17 follow home. Pure, over the payments between groups.

Loose is a payment that is no part of a trade's price, its fees or its refund, and does not go through its
escrow. A way home is a chain of
payments in time order, each keeping most of the one before.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from supervision.brokerage import groups
from supervision.by_parties import escrows
from supervision.context import Context, Tables
from supervision.trades import PURPOSES, REFUND, moment

ESCROW: Final = "ESCROW"


@dataclass(frozen=True, slots=True, order=True)
class Transfer:
    """Money from one group to another at a moment (microseconds); `of_trade` for the price of a trade."""

    at: int
    payment_id: str
    payer: str
    payee: str
    amount: int
    of_trade: bool = False


def loose_payments(tables: Tables, context: Context, trades: Any) -> Any:
    """Loose payments between groups: `payer` and `payee` are groups, `payer_id` and `payee_id` members.

    `trades` are trades with their groups: a payment from buyer to seller under the trade's id is its price.
    """
    payments = tables["payments"]
    structural = payments.purpose.fill_null("").isin((*PURPOSES, REFUND))
    payments = payments.filter(payments.paid_at <= moment(context), payments.amount_minor > 0, ~structural)
    payments = payments.filter(payments.payer_id.upper() != ESCROW, payments.payee_id.upper() != ESCROW)
    orgs = groups(tables)
    payments = payments.left_join(orgs.rename(p_org="org", p_group="group"), [("payer_id", "p_org")])
    payments = payments.left_join(orgs.rename(r_org="org", r_group="group"), [("payee_id", "r_org")])
    payments = payments.mutate(
        payer=payments.p_group.fill_null(payments.payer_id),
        payee=payments.r_group.fill_null(payments.payee_id),
    )
    payments = payments.filter(payments.payer != payments.payee)
    payments = _without_escrows(tables, payments)
    payments = payments.filter(payments.payment_id.nullif("").notnull())  # what has no id cannot be cited
    prices = trades.select(priced="trade_id", payer="buyer_group", payee="seller_group")
    prices = prices.semi_join(payments.select(of="trade_id").distinct(), [("priced", "of")])
    payments = payments.anti_join(prices, [("trade_id", "priced"), ("payer", "payer"), ("payee", "payee")])
    return payments.select(
        "payment_id", "payer", "payee", "payer_id", "payee_id", "amount_minor", "paid_at", "seq"
    )


def _without_escrows(tables: Tables, payments: Any) -> Any:
    """Without what a buyer's group paid into its trade's escrow of another name, and what went on from there.

    What the seller pays into it, and what it pays back, is none of the price.
    """
    keepers = escrows(tables, payments)
    payments = payments.anti_join(
        keepers, [("trade_id", "kept_trade"), ("payee", "keeper"), ("payer", "of_buyer")]
    )
    keepers = keepers.view()
    return payments.anti_join(
        keepers,
        [
            payments.trade_id == keepers.kept_trade,
            payments.payer == keepers.keeper,
            payments.payee != keepers.of_buyer,
        ],
    )


class Ways:
    """Transfers by payer, in time order, and the ways through them."""

    def __init__(self, transfers: Iterable[Transfer], keeps: Fraction) -> None:
        by_payer: defaultdict[str, list[Transfer]] = defaultdict(list)
        for transfer in sorted(transfers):
            by_payer[transfer.payer].append(transfer)
        self._by_payer: Mapping[str, Sequence[Transfer]] = by_payer
        self._times = {payer: [t.at for t in sent] for payer, sent in by_payer.items()}
        self._keeps = keeps

    def onward(self, party: str, since: int, until: int) -> Iterator[Transfer]:
        """What a party paid in this time, both ends included."""
        sent = self._by_payer.get(party, ())
        for transfer in sent[bisect_left(self._times.get(party, []), since) :]:
            if transfer.at > until:
                return
            yield transfer

    def home(self, origin: str, first: Transfer, until: int, hops: int) -> Iterator[tuple[Transfer, ...]]:
        """Chains of at most `hops` transfers that begin with `first` and end with `origin`."""
        stack: list[tuple[Transfer, ...]] = [(first,)]
        while stack:
            path = stack.pop()
            last = path[-1]
            if last.payee == origin:
                yield path
                continue
            if len(path) == hops:
                continue
            seen = {transfer.payer for transfer in path} | {last.payee}
            for following in self.onward(last.payee, last.at, until):
                if following.payment_id == last.payment_id or (
                    following.payee in seen and following.payee != origin
                ):
                    continue
                if self._kept(last.amount, following.amount):
                    stack.append((*path, following))

    def _kept(self, before: int, after: int) -> bool:
        share = self._keeps
        least = after * share.denominator >= before * share.numerator
        return least and before * share.denominator >= after * share.numerator
