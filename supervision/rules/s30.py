"""S30: a settlement mismatch. Contract amount = money in = money out = shares and fees, to the fen.

Judged are settled trades, with the purposes that our own evidence uses (`docs/supervision.md`); a report
from elsewhere that knows none of these words says nothing about this rule, and finds nothing.
"""

from collections.abc import Iterator
from typing import Any, Final

from supervision.context import Context, Row, Rule, Tables, market_of
from supervision.finding import (
    Checked,
    Confidence,
    Explanation,
    Finding,
    Severity,
    Window,
    Words,
    named,
    seqs,
)
from supervision.trades import UNDONE, made, moment

PURPOSES: Final = ("escrow_in", "seller_share", "commission", "platform_fee")


def expression(tables: Tables, context: Context) -> Any:
    """Settled trades whose payments of some purpose differ from the contract, with both sides' sums."""
    payments = tables["payments"]
    payments = payments.filter(payments.purpose.isin(PURPOSES), payments.paid_at <= moment(context))
    spoken = payments.agg(spoken=payments.count())
    paid = payments.group_by("trade_id").agg(
        **{
            f"paid_{purpose}": payments.amount_minor.sum(where=payments.purpose == purpose).cast("int64")
            for purpose in PURPOSES
        },
        payment_seqs=payments.seq.collect(),
    )
    trades = made(tables, context, without=UNDONE)
    trades = trades.filter(trades.settled_at <= moment(context), trades.amount_minor.notnull())
    trades = trades.left_join(paid, "trade_id").drop("trade_id_right")
    trades = trades.cross_join(spoken).filter(lambda t: t.spoken > 0)
    trades = trades.mutate(
        due_escrow_in=trades.amount_minor,
        due_commission=trades.commission_minor.fill_null(0),
        due_platform_fee=trades.platform_fee_minor.fill_null(0),
        **{f"paid_{purpose}": trades[f"paid_{purpose}"].fill_null(0) for purpose in PURPOSES},
    )
    trades = trades.mutate(
        due_seller_share=trades.amount_minor - trades.due_commission - trades.due_platform_fee
    )
    allowed = context.rules.whole("S30", "difference_above")
    differs = [(trades[f"paid_{purpose}"] - trades[f"due_{purpose}"]).abs() > allowed for purpose in PURPOSES]
    return trades.filter(differs[0] | differs[1] | differs[2] | differs[3]).order_by("trade_id")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a trade."""
    for row in rows:
        sums = {
            purpose: {"due_minor": str(row[f"due_{purpose}"]), "paid_minor": str(row[f"paid_{purpose}"])}
            for purpose in PURPOSES
        }
        yield Finding(
            rule_id="S30",
            rule_version=context.rules.version("S30"),
            severity=Severity.HIGH,
            says=Words(
                zh="涉嫌结算不符（合同金额与支付不一致）",
                en="suspected settlement mismatch: contract and payments differ",
            ),
            market=market_of(row),
            subjects=named((row["seller_id"], row["buyer_id"], row["broker_id"])),
            objects=(row["trade_id"],),
            statistic={"amount_minor": str(row["amount_minor"]), "sums": sums},
            threshold=context.rules.threshold("S30"),
            legal_basis=context.rules.legal_basis("S30"),
            confidence=Confidence.HIGH,
            window=Window(row["made_at"], row["settled_at"]),
            evidence_seqs=seqs((row["seq"], *(row["payment_seqs"] or ()))),
            innocent_explanations=(
                Explanation(
                    "refund",
                    Words(zh="已退款或作废", en="refunded or void"),
                    Checked.RULED_OUT,
                    {"status": row["status"]},
                ),
                Explanation(
                    "rounding",
                    Words(zh="汇率或取整差异", en="rounding or currency differences"),
                    Checked.RULED_OUT,  # whole fen of one currency on both sides
                ),
            ),
        )


RULE = Rule(
    rule_id="S30",
    needs={
        "trades": ("trade_id", "seller_id", "amount_minor", "settled_at", "agreed_at"),
        "payments": ("trade_id", "amount_minor", "paid_at", "purpose"),
    },
    expression=expression,
    findings=findings,
)
