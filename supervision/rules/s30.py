"""S30: a settlement mismatch. Contract amount = money in = money out = shares and fees, to the fen.

Where part of the price went back to the buyer, the rest is due as the contract splits the whole: pro rata, by
the largest remainder.

Judged are settled trades, with the purposes that our own evidence uses (`docs/supervision.md`). Payments that
do not know `escrow_in`, or have another word for a part that is due, are read by who paid whom
(`supervision.by_parties`).
"""

from collections.abc import Iterator
from typing import Any, Final

import ibis

from base.money import allot
from supervision.by_parties import settled_trades, settlement_words, sums_by_parties
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
from supervision.paid import odd_money
from supervision.portable import total, wide
from supervision.trades import PURPOSES, REFUND, moment

DIFFERING: Final = "differing_settlements"
"""What `differing` is kept as, where it is kept (`supervision.kept`)."""
_OF_A_TRADE: Final = (
    *("trade_id", "seller_id", "buyer_id", "broker_id", "category", "geo"),
    *("amount_minor", "made_at", "settled_at", "status", "seq"),
)


def differing(tables: Tables, context: Context) -> Any:
    """Settled trades whose payments of some purpose differ from the contract, with both sides' sums."""
    if DIFFERING in tables:
        return tables[DIFFERING]
    words = settlement_words(tables, context)
    settled = settled_trades(tables, context)
    trades = odd_money(tables, context).filter(lambda t: t.known)
    worded = words.filter(~words.by_parties).select("spoken_other", "spoken_refund")
    trades = _with_refunds(tables, context, trades.cross_join(worded), settled)
    trades = trades.mutate(
        by_parties=ibis.literal(value=False),
        **{f"due_{purpose}": wide(trades[f"due_{purpose}"]) for purpose in PURPOSES},
    )
    others = sums_by_parties(tables, context, settled, words)
    others = others.mutate(paid_refund=wide(ibis.literal(0)), by_parties=ibis.literal(value=True))
    trades = ibis.union(trades.select(*others.columns), others, distinct=False)
    allowed = context.rules.whole("S30", "difference_above")
    differs = [(trades[f"paid_{purpose}"] - trades[f"due_{purpose}"]).abs() > allowed for purpose in PURPOSES]
    in_part = trades.paid_refund > 0  # what is due then is for whole numbers to say
    trades = trades.filter(differs[0] | differs[1] | differs[2] | differs[3] | in_part)
    return settled.select(*_OF_A_TRADE).inner_join(trades, "trade_id")


def _with_refunds(tables: Tables, context: Context, trades: Any, settled: Any) -> Any:
    """Where no payment says `refund`: what the buyer got in other words from whoever took its money."""
    silent = (trades.spoken_refund == 0) & (trades.spoken_other > 0)
    asked = trades.filter(silent).select(asked="trade_id")  # of nobody, mostly: then no payment is read
    asked = settled.select("trade_id", "buyer_id").inner_join(asked, [("trade_id", "asked")])
    payments = tables["payments"].select(
        "payer_id", "payee_id", "purpose", "paid_at", of="trade_id", moved="amount_minor"
    )
    payments = payments.filter(payments.paid_at <= moment(context)).inner_join(asked, [("of", "trade_id")])
    took = payments.filter(payments.purpose == "escrow_in").select("of", took=payments.payee_id.fill_null(""))
    itself = ibis.coalesce(payments.payer_id == payments.buyer_id, False)
    back = payments.filter(payments.payee_id == payments.buyer_id, ~itself)
    back = back.semi_join(took, [back.of == took.of, back.payer_id.fill_null("") == took.took])
    back = back.group_by(back_of="of").agg(back=total(back.moved))
    trades = trades.left_join(back, [("trade_id", "back_of")])
    return trades.mutate(paid_refund=wide(trades.paid_refund) + wide(trades.back.fill_null(0)))


def expression(tables: Tables, context: Context) -> Any:
    """The differing trades, with the payments that say so."""
    trades = differing(tables, context)
    worded = trades.select(of_trade="trade_id", worded=~trades.by_parties)
    cited = tables["payments"].select("trade_id", "purpose", "paid_at", "seq")
    cited = cited.inner_join(worded, [("trade_id", "of_trade")])
    counted = ~cited.worded | cited.purpose.isin((*PURPOSES, REFUND))
    cited = cited.filter(counted, cited.paid_at <= moment(context))
    cited = cited.group_by("trade_id").agg(payment_seqs=cited.seq.collect())
    return trades.left_join(cited, "trade_id").drop("trade_id_right").order_by("trade_id")


def _due(row: Row) -> dict[str, int]:
    """What was due of a trade, by purpose, in fen; where part of the price went back, of the rest."""
    due = {purpose: int(row[f"due_{purpose}"]) for purpose in PURPOSES}
    back, parts = int(row["paid_refund"]), sorted(PURPOSES[1:], key=lambda name: -due[name])
    weights = [due[purpose] for purpose in parts]
    if not 0 < back < due["escrow_in"] or min(weights) < 0 or not sum(weights):
        return due
    return due | dict(zip(parts, allot(due["escrow_in"] - back, weights), strict=True))


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a trade."""
    allowed = context.rules.whole("S30", "difference_above")
    for row in rows:
        due, paid = _due(row), {purpose: int(row[f"paid_{purpose}"]) for purpose in PURPOSES}
        if all(abs(paid[purpose] - due[purpose]) <= allowed for purpose in PURPOSES):
            continue
        sums = {
            purpose: {"due_minor": str(due[purpose]), "paid_minor": str(paid[purpose])}
            for purpose in PURPOSES
        }
        if row["paid_refund"]:
            sums[REFUND] = {"paid_minor": str(row["paid_refund"])}
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
            statistic={
                "amount_minor": str(row["amount_minor"]),
                "read_by": "parties" if row["by_parties"] else "purposes",
                "sums": sums,
            },
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
        "payments": ("trade_id", "amount_minor", "paid_at"),
    },
    apart=("trades", "payments"),
    expression=expression,
    findings=findings,
)
