"""BR6: a broker with mandates of both sides of a trade, and a client that did not consent to that."""

from collections.abc import Iterator
from typing import Any

from base.clock import rfc3339
from supervision.brokerage import covering, mediated, on_trade, with_a_buyers_mandate
from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Checked, Explanation, Finding, Words


def expression(tables: Tables, context: Context) -> Any:
    """The trades mandated from both sides, with what each side consented to."""
    trades = with_a_buyers_mandate(tables, mediated(tables, context))
    mandates = covering(tables, trades)
    consent = (mandates.dual_consent.fill_null(False) | mandates.erased).cast("int64")
    sides = mandates.group_by("trade_id", "of_side").agg(
        consent=consent.max(), mandate_id=mandates.mandate_id.min(), mandate_seq=mandates.mandate_seq.min()
    )
    sold, bought = (
        sides.filter(sides.of_side == side).select(
            "trade_id",
            **{f"{prefix}_{name}": sides[name] for name in ("consent", "mandate_id", "mandate_seq")},
        )
        for side, prefix in (("PROVIDER", "sell"), ("BUYER", "buy"))
    )
    both = trades.inner_join(sold, "trade_id")
    both = both.inner_join(bought, "trade_id")
    return both.filter((both.sell_consent == 0) | (both.buy_consent == 0)).order_by("trade_id")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a trade."""
    for row in rows:
        missing = [
            row[party]
            for party, consent in (("seller_id", "sell_consent"), ("buyer_id", "buy_consent"))
            if row[consent] == 0
        ]
        yield on_trade(
            "BR6",
            row,
            context,
            says=Words(
                zh="涉嫌未经双方书面同意的双方代理",
                en="suspected dual representation without both clients' consent",
            ),
            statistic={
                "mandates": [row["sell_mandate_id"], row["buy_mandate_id"]],
                "without_consent": missing,
                "made_at": rfc3339(row["made_at"]),
            },
            evidence=(row["sell_mandate_seq"], row["buy_mandate_seq"]),
            innocent=(
                Explanation(
                    "another-mandate",
                    Words(zh="另一份委托载明同意", en="another mandate of the client holds the consent"),
                    Checked.RULED_OUT,
                ),
                Explanation(
                    "ended-before",
                    Words(zh="一方委托此前已终止", en="one of the mandates had ended before the trade"),
                    Checked.RULED_OUT,
                ),
            ),
        )


RULE = Rule(
    rule_id="BR6",
    needs={
        "trades": ("trade_id", "seller_id", "buyer_id", "broker_id", "agreed_at"),
        "mandates": ("mandate_id", "broker_id", "client_id", "signed_at", "ends_at", "dual_consent"),
    },
    uses=("orgs",),
    apart=("trades",),
    expression=expression,
    findings=findings,
)
