"""BR3: a mediated contract before which its broker did not record the check of source and parties.

The record (`CND.CHECK`) is that broker's, on this trade, before the contract, and says that the papers are
kept for twenty years from then. Whether the papers are true, only who sees them can tell.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

import ibis

from base.calendar import months_after
from base.clock import rfc3339
from supervision.brokerage import mediated, on_trade
from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Checked, Explanation, Finding, Words
from supervision.trades import moment

_ORDER: Final = ("trade_id", "checked_at", "check_seq", "keep_until")
_MONTHS: Final = 12


def expression(tables: Tables, context: Context) -> Any:
    """The mediated trades, each with every record of its broker, or with none."""
    trades = mediated(tables, context)
    # What was concluded without its broker's signature, after the mandate, is no act of the broker's.
    trades = trades.filter(trades.broker_signed.fill_null(True))
    checks = tables["source_checks"]
    checks = checks.filter(checks["at"] <= moment(context)).select(
        "keep_until", checked="trade_id", by="broker_id", checked_at="at", check_seq="seq"
    )
    trades = _without_a_good_one(trades, checks, context)
    rows = trades.left_join(checks, [("trade_id", "checked"), ("broker_id", "by")])
    return rows.drop("checked", "by").order_by(*_ORDER)


def _without_a_good_one(trades: Any, checks: Any, context: Context) -> Any:
    """The trades of which no record is both earlier and kept for long enough: the others are judged here."""
    kept = ibis.interval(months=_MONTHS * context.rules.whole("BR3", "keep"))
    good = checks.filter(checks.keep_until >= checks.checked_at + kept).select("checked", "by", "checked_at")
    return trades.anti_join(
        good,
        [
            trades.trade_id == good.checked,
            trades.broker_id == good.by,
            trades.made_at > good.checked_at,
        ],
    )


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a trade of which no record will do."""
    for _, members in groupby(rows, key=lambda row: row["trade_id"]):
        known = list(members)
        reasons = [_reason(row, context) for row in known]
        if all(reasons):
            yield _finding(known, sorted({reason for reason in reasons if reason}), context)


def _reason(row: Row, context: Context) -> str | None:
    """Why a record will not do; None where it does. At equal times the ledger's order decides."""
    at, seq = row["checked_at"], row["check_seq"]
    if at is None:
        return "missing"
    later = at == row["made_at"] and None not in {seq, row["seq"]} and seq > row["seq"]
    if at > row["made_at"] or later:
        return "after-contract"
    years = context.rules.whole("BR3", "keep")
    kept = row["keep_until"]
    return "kept-too-short" if kept is None or kept < months_after(at, _MONTHS * years) else None


def _finding(rows: list[Row], reasons: list[str], context: Context) -> Finding:
    trade = rows[0]
    return on_trade(
        "BR3",
        trade,
        context,
        says=Words(
            zh="涉嫌签约前未核验数据来源与双方身份",
            en="suspected contract without a check of source and parties",
        ),
        statistic={
            "broker_id": trade["broker_id"],
            "made_at": rfc3339(trade["made_at"]),
            "reasons": reasons,
        },
        evidence=[row["check_seq"] for row in rows],
        innocent=(
            Explanation(
                "checked-off-the-ledger",
                Words(zh="已在链下核验但未记录", en="checked, and never put on the ledger"),
                Checked.OPEN,
            ),
        ),
    )


RULE = Rule(
    rule_id="BR3",
    needs={
        "trades": ("trade_id", "seller_id", "buyer_id", "broker_id", "agreed_at"),
        "source_checks": ("trade_id", "broker_id", "at", "keep_until"),
    },
    uses=("orgs",),
    apart=("trades", "source_checks"),
    expression=expression,
    findings=findings,
)
