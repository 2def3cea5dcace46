"""S30D: the day's sums. Payments by purpose that belong to no trade: no trade's own sums (S30) show them.

A payment that names a trade belongs to one, whatever it calls itself; one that names none is only known by
its purpose, for people pay each other for much else.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

import ibis

from base.clock import SHANGHAI
from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Checked, Finding, Severity
from supervision.paid import odd_money
from supervision.saying import because, tell
from supervision.trades import PURPOSES, REFUND, moment

_KNOWN: Final = (*PURPOSES, REFUND)
_OTHER: Final = "other"


def expression(tables: Tables, context: Context) -> Any:
    """Payments for what only trades are paid for, whose trade is not there, by Shanghai day."""
    payments = tables["payments"]
    payments = payments.filter(payments.paid_at <= moment(context), payments.amount_minor.fill_null(0) != 0)
    unknown = odd_money(tables, context).filter(lambda t: t.known.isnull())
    unknown = unknown.filter(unknown.of != "")
    no_trade = payments.filter(payments.trade_id.nullif("").isnull(), payments.purpose.isin(_KNOWN))
    orphans = payments.semi_join(unknown.select("of"), [("trade_id", "of")]).union(no_trade)
    day = (orphans.paid_at + ibis.interval(hours=8)).date()
    return orphans.mutate(day=day).order_by("day", "paid_at", "payment_id")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a day."""
    above = context.rules.whole("S30D", "difference_above")
    for day, group in groupby(rows, key=lambda row: row["day"]):
        members = list(group)
        sums = {
            purpose: sum(row["amount_minor"] for row in members if _called(row) == purpose)
            for purpose in (*_KNOWN, _OTHER)
        }
        if not any(abs(total) > above for total in sums.values()):
            continue
        yield tell(
            "S30D",
            context,
            zh="涉嫌结算不符（当日支付没有对应交易）",
            en="suspected settlement mismatch: payments of a day without their trades",
            severity=Severity.HIGH,
            window=(members[0]["paid_at"], members[-1]["paid_at"]),
            subjects=(org for row in members for org in (row["payer_id"], row["payee_id"])),
            objects=(row["payment_id"] for row in members),
            statistic={
                "day": day.isoformat(),
                "zone": str(SHANGHAI),
                "sums_minor": {purpose: str(total) for purpose, total in sums.items() if total},
            },
            evidence=(row["seq"] for row in members),
            innocent=(
                because("trade-elsewhere", "交易登记在别处", "the trade is on record elsewhere"),
                because("rounding", "汇率或取整差异", "rounding or currency differences", Checked.RULED_OUT),
            ),
        )


def _called(row: Row) -> str:
    return row["purpose"] if row["purpose"] in _KNOWN else _OTHER


RULE = Rule(
    rule_id="S30D",
    needs={
        "trades": ("trade_id", "agreed_at"),
        "payments": ("payment_id", "trade_id", "amount_minor", "paid_at", "purpose"),
    },
    expression=expression,
    findings=findings,
)
