"""BR2: a mediated trade that no written mandate of either party covers at the moment it was made.

The mandate must be that broker's, for this listing or for all of the client's side, signed on the ledger
before, with an end that had not come and a fee.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

import ibis

from base.clock import rfc3339
from supervision.brokerage import mediated, on_trade, spoken_mandates
from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Checked, Explanation, Finding, Words, named

UNMANDATED: Final = "unmandated_trades"
"""What `unmandated` is kept as, where it is kept (`supervision.kept`)."""
_ORDER: Final = ("trade_id", "mandate_id", "reason")


def expression(tables: Tables, context: Context) -> Any:
    """The trades without a covering mandate, one row for each mandate of a party that fails to cover."""
    bare = unmandated(tables, context)
    failing = _spoken(tables, bare).select(
        "trade_id", "mandate_id", "client_id", "reason", "signed_at", "ends_at", "mandate_seq"
    )
    return bare.left_join(failing, "trade_id").drop("trade_id_right").order_by(*_ORDER)


def unmandated(tables: Tables, context: Context) -> Any:
    """The mediated trades that no mandate covers: mostly none."""
    if UNMANDATED in tables:
        return tables[UNMANDATED]
    trades = mediated(tables, context)
    spoken = _spoken(tables, trades)
    return trades.anti_join(spoken.filter(spoken.reason.isnull()).select("trade_id").distinct(), "trade_id")


def _spoken(tables: Tables, trades: Any) -> Any:
    spoken = spoken_mandates(tables, trades)
    without_fee = spoken.fee_bp.isnull() & ~spoken.erased
    return spoken.mutate(reason=ibis.coalesce(spoken.reason, ibis.cases((without_fee, "no-fee"))))


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a trade, with every mandate that was looked at."""
    for _, members in groupby(rows, key=lambda row: row["trade_id"]):
        yield _finding(list(members), context)


def _finding(rows: list[Row], context: Context) -> Finding:
    trade = rows[0]
    looked_at = [_mandate(row) for row in rows if row["mandate_id"] is not None]
    return on_trade(
        "BR2",
        trade,
        context,
        says=Words(
            zh="涉嫌无有效书面委托从事经纪行为", en="suspected brokerage without a written mandate in force"
        ),
        statistic={
            "seller_id": trade["seller_id"],
            "buyer_id": trade["buyer_id"],
            "made_at": rfc3339(trade["made_at"]),
            "mandates": looked_at,
        },
        evidence=[row["mandate_seq"] for row in rows],
        innocent=(
            Explanation(
                "mandate-of-the-other-party",
                Words(zh="另一方已委托", en="the other party had given a mandate"),
                Checked.RULED_OUT,
                {"parties": list(named((trade["seller_id"], trade["buyer_id"])))},
            ),
            Explanation(
                "signed-off-the-ledger",
                Words(
                    zh="链下另有更早签署的委托书",
                    en="a paper signed earlier that was never put on the ledger",
                ),
                Checked.RULED_OUT,  # the ledger's time counts, not a document's date
            ),
        ),
    )


def _mandate(row: Row) -> dict[str, Any]:
    return {
        "mandate_id": row["mandate_id"],
        "client_id": row["client_id"],
        "reason": row["reason"],
        "signed_at": None if row["signed_at"] is None else rfc3339(row["signed_at"]),
        "ends_at": None if row["ends_at"] is None else rfc3339(row["ends_at"]),
        "seq": row["mandate_seq"],
    }


RULE = Rule(
    rule_id="BR2",
    needs={
        "trades": ("trade_id", "seller_id", "buyer_id", "broker_id", "agreed_at"),
        "mandates": ("mandate_id", "broker_id", "client_id", "signed_at", "ends_at", "fee_bp"),
    },
    uses=("orgs",),
    apart=("trades",),
    expression=expression,
    findings=findings,
)
