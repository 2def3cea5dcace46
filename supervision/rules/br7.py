"""BR7: a commission above the cap or above what the mandates state, below nothing, or paid without success.

The cap is the rule table's, or that of `fee_caps` for the scope `broker` or for the trade's category. A
commission that a mandate states is rounded half up, so half a fen more than that is no excess, of the cap
either; without such a mandate nothing above the cap is. A rebate is money a party or a broker moves between
them beside the contract.
"""

from collections.abc import Iterator
from functools import reduce
from operator import or_
from typing import Any, Final

import ibis

from supervision.brokerage import covering, mediated, on_trade
from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Checked, Explanation, Finding, Words, minor
from supervision.paid import odd_money, payments_with_brokers
from supervision.portable import total

SUSPECTS: Final = "suspect_commissions"
"""What `suspects` are kept as, where they are kept (`supervision.kept`)."""
_SCOPES: Final = ("broker", "brokers", "brokerage", "commission", "broker_commission")
_BP: Final = 10_000
_EXACT: Final = "decimal(38, 0)"
_REASONS: Final = ("negative", "above_cap", "above_mandate", "before_success", "rebate")


def expression(tables: Tables, context: Context) -> Any:
    """The trades with a commission that does not hold, and each reason for that."""
    trades = suspects(tables, context)
    mandates = covering(tables, trades)
    fees = mandates.group_by("trade_id", "of_side").agg(
        fee=mandates.fee_bp.max(), unknown=mandates.fee_bp.isnull().cast("int64").max()
    )
    fees = fees.group_by("trade_id").agg(mandated_bp=total(fees.fee), unknown=fees.unknown.max())
    fees = fees.mutate(mandated_bp=ibis.ifelse(fees.unknown == 1, ibis.null("int64"), fees.mandated_bp))
    trades = trades.left_join(fees, "trade_id").drop("trade_id_right", "unknown")
    trades = trades.mutate(above_mandate=_above(trades, trades.mandated_bp, rounding=_BP // 2))
    stated = (trades.mandated_bp <= trades.cap_bp) & ~trades.above_mandate
    trades = trades.mutate(above_cap=trades.above_cap & ~ibis.coalesce(stated, False))
    broken = [trades[name].fill_null(False) for name in _REASONS]
    return trades.filter(reduce(or_, broken)).order_by("trade_id")


def suspects(tables: Tables, context: Context) -> Any:
    """The trades of which some reason holds already, or whose commission may be above their mandates."""
    if SUSPECTS in tables:
        return tables[SUSPECTS]
    trades = mediated(tables, context)
    trades = _with_payments(tables, trades, context)
    trades = _with_caps(tables, trades, context.rules.whole("BR7", "cap"))
    return _suspect(tables, trades)


def _above(trades: Any, part_bp: Any, *, rounding: int = 0) -> Any:
    """Whether the commission is above such a part of the price, by more than a part of a fen."""
    taken, amount = (trades[name].cast(_EXACT) for name in ("commission_minor", "amount_minor"))
    return taken * _BP > amount * part_bp + rounding


def _suspect(tables: Tables, trades: Any) -> Any:
    """The trades of which some reason holds, or whose commission is above the least fee of their broker's."""
    mandates = tables["mandates"].filter(tables["mandates"].fee_bp.notnull())
    least = mandates.group_by(of_broker=mandates.broker_id).agg(least_bp=mandates.fee_bp.min())
    trades = trades.left_join(least, [("broker_id", "of_broker")])
    trades = trades.mutate(
        negative=trades.commission_minor < 0,
        above_cap=_above(trades, trades.cap_bp),
        over_least=_above(trades, trades.least_bp),
    )
    names = (*(name for name in _REASONS if name != "above_mandate"), "over_least")
    suspect = trades.filter(reduce(or_, [trades[name].fill_null(False) for name in names]))
    return suspect.drop("of_broker", "least_bp", "over_least")


def _with_caps(tables: Tables, trades: Any, default_bp: int) -> Any:
    caps = tables["fee_caps"]
    caps = caps.filter(caps.max_bp.notnull()).group_by("scope").agg(bp=caps.max_bp.min())
    general = caps.filter(caps.scope.lower().isin(_SCOPES)).agg(general_bp=lambda t: t.bp.min())
    special = caps.select(of_category="scope", special_bp="bp")
    trades = trades.cross_join(general).left_join(special, [("category", "of_category")])
    cap = ibis.coalesce(trades.special_bp, trades.general_bp, default_bp)
    return trades.mutate(cap_bp=cap).drop("of_category", "special_bp", "general_bp")


def _with_payments(tables: Tables, trades: Any, context: Context) -> Any:
    """Whether a commission was paid before the trade was settled, and money went from broker to party."""
    odd = odd_money(tables, context).filter(lambda t: t.known & (t.commissions > 0))
    trades = trades.left_join(odd.select("commission_at", "commissions", of="trade_id"), [("trade_id", "of")])
    early = trades.settled_at.isnull() | (trades.commission_at < trades.settled_at)
    trades = trades.mutate(before_success=(trades.commissions > 0) & early).drop("of")
    told = payments_with_brokers(tables, context)
    told = trades.select("trade_id", "seller_id", "buyer_id", "broker_id").inner_join(told, "trade_id")
    to_party = (told.payee_id == told.seller_id) | (told.payee_id == told.buyer_id)
    back = told.filter((told.payer_id == told.broker_id) & to_party).select(back="trade_id").distinct()
    trades = trades.left_join(back, [("trade_id", "back")])
    return trades.mutate(rebate=trades.back.notnull()).drop("back", "commission_at", "commissions")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a trade, with every reason."""
    for row in rows:
        yield on_trade(
            "BR7",
            row,
            context,
            says=Words(zh="涉嫌佣金超限或未如实约定", en="suspected commission beyond what may be taken"),
            statistic={
                "reasons": [name.replace("_", "-") for name in _REASONS if row[name]],
                "amount_minor": minor(row["amount_minor"]),
                "commission_minor": minor(row["commission_minor"]),
                "cap_bp": row["cap_bp"],
                "mandated_bp": row["mandated_bp"],
            },
            innocent=(
                Explanation(
                    "rounding",
                    Words(zh="四舍五入差额", en="a difference of rounding"),
                    Checked.RULED_OUT,
                ),
                Explanation(
                    "agreed-expenses",
                    Words(zh="约定的必要费用", en="agreed expenses, which are owed without success too"),
                    Checked.OPEN if row["before_success"] or row["rebate"] else Checked.RULED_OUT,
                ),
            ),
        )


RULE = Rule(
    rule_id="BR7",
    needs={"trades": ("trade_id", "broker_id", "agreed_at", "amount_minor", "commission_minor")},
    uses=("orgs", "mandates", "fee_caps", "payments"),
    apart=("trades", "payments"),
    expression=expression,
    findings=findings,
)
