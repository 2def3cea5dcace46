"""S24: steps of a trade out of their order: what the process asks, step by step, in the ledger's times."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

import ibis

from base.clock import rfc3339
from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Checked, Finding, Severity
from supervision.paid import odd_money, purposes_told
from supervision.portable import total, wide
from supervision.saying import because, tell
from supervision.steps import hasty_trades
from supervision.trades import made, moment

_NAMES = ("trade_id", "seller_id", "buyer_id", "kind", "first_at", "second_at", "bought", "used", "seq")
_OF_CALLS: Final = (
    r"^(?:PER|API|每)*([0-9]{0,9})(K|THOUSAND|千|万)?(?:API)?(?:CALLS?|REQUESTS?|次|次调用|次请求|次查询)$"
)
_TIMES: Final = (("", 1), ("万", 10_000))
_THOUSAND: Final = 1000


def expression(tables: Tables, context: Context) -> Any:
    """Every broken step, one row each: what should have come first, and what came."""
    trades = made(tables, context)
    grace = ibis.interval(seconds=context.rules.whole("S24", "grace"))
    now = moment(context)
    pairs = (
        ("delivered-before-contract", "made_at", "delivered_at"),
        ("accepted-before-delivery", "delivered_at", "accepted_at"),
        ("settled-before-acceptance", "accepted_at", "settled_at"),
    )
    odd = hasty_trades(tables, context)
    broken = [
        _row(odd.filter(odd[later] <= now, odd[later] + grace < odd[earlier]), kind, earlier, later)
        for kind, earlier, later in pairs
    ]
    skipped = (
        ("accepted-undelivered", odd.delivered_at.isnull(), "accepted_at"),
        ("settled-unaccepted", odd.accepted_at.isnull() & odd.delivered_at.isnull(), "settled_at"),
    )
    broken += [
        _row(odd.filter(absent, odd[later] <= now), kind, later, later) for kind, absent, later in skipped
    ]
    return ibis.union(
        *broken,
        _uncontracted(tables, now),
        _unfunded(tables, trades, context, grace),
        _unfunded_by_parties(tables, trades, context, grace),
        _overused(tables, trades, context),
    ).order_by("trade_id", "kind", "second_at")


def _row(rows: Any, kind: str, earlier: str, later: str) -> Any:
    return rows.select(
        *("trade_id", "seller_id", "buyer_id"),
        kind=ibis.literal(kind),
        first_at=rows[earlier],
        second_at=rows[later],
        bought=ibis.null("int64"),
        used=wide(ibis.null("int64")),
        seq=rows.seq,
    ).select(*_NAMES)


def _uncontracted(tables: Tables, now: Any) -> Any:
    """Deliveries of what was never contracted."""
    steps = tables["trade_events"]
    steps = steps.filter(steps.event == "TRD.DELIVERED", steps["at"] <= now)
    steps = steps.anti_join(tables["trades"], "trade_id")
    steps = steps.mutate(seller_id=steps.actor, buyer_id=ibis.null("string"))
    return _row(steps, "delivered-without-contract", "at", "at")


def _unfunded(tables: Tables, trades: Any, context: Context, grace: Any) -> Any:
    """Deliveries before the money came in, where the payments of some trade say what `escrow_in` is."""
    odd = odd_money(tables, context).filter(lambda t: t.known)
    known = purposes_told(tables, context)
    spoken = known.filter(known.purpose == "escrow_in", known.told > 0).select("told")
    due = trades.filter(trades.delivered_at <= moment(context), trades.amount_minor > 0)
    due = due.inner_join(odd.select(of="trade_id", paid_at="escrow_at"), [("trade_id", "of")])
    due = due.cross_join(spoken)
    late = due.paid_at.isnull() | (due.delivered_at + grace < due.paid_at)
    return _row(due.filter(late), "delivered-unfunded", "paid_at", "delivered_at")


def _unfunded_by_parties(tables: Tables, trades: Any, context: Context, grace: Any) -> Any:
    """The same where no payment says `escrow_in`: what the buyer paid to whom paid the seller."""
    told = purposes_told(tables, context)
    silent = told.agg(spoken=told.told.sum(where=told.purpose == "escrow_in").fill_null(0))
    due = trades.filter(trades.delivered_at <= moment(context), trades.amount_minor > 0)
    due = due.cross_join(silent.filter(silent.spoken == 0))  # of nobody, mostly: then no payment is read
    of_due = due.select("trade_id", "seller_id", "buyer_id")
    paid = tables["payments"].select("payer_id", "payee_id", "paid_at", of="trade_id")
    paid = of_due.inner_join(paid, [("trade_id", "of")])
    money_in = paid.filter(paid.payer_id == paid.buyer_id, paid.payee_id != paid.seller_id)
    out = paid.filter(paid.payee_id == paid.seller_id).select(kept_trade="trade_id", keeper="payer_id")
    first = money_in.semi_join(out, [("trade_id", "kept_trade"), ("payee_id", "keeper")])
    first = first.group_by("trade_id").agg(first_paid=first.paid_at.min())
    due = due.inner_join(first, "trade_id")
    late = due.filter(due.delivered_at + grace < due.first_paid)
    return _row(late, "delivered-unfunded", "first_paid", "delivered_at")


def _overused(tables: Tables, trades: Any, context: Context) -> Any:
    """More calls than were bought, where the unit is calls."""
    trades = trades.mutate(bought=trades.quantity * _calls_in(trades.unit))
    trades = trades.filter(trades.bought > 0)
    usage = tables["usage"]
    usage = usage.filter(usage.day <= ibis.literal(context.as_of.date(), type="date"))
    usage = usage.semi_join(trades, "trade_id")
    used = usage.group_by("trade_id").agg(used=total(usage.calls))
    over = trades.inner_join(used, "trade_id")
    over = over.filter(over.used > over.bought)
    return over.mutate(
        kind=ibis.literal("over-use"), first_at=over.made_at, second_at=ibis.null("timestamp")
    ).select(*_NAMES)


def _calls_in(unit: Any) -> Any:
    """How many calls a unit is; 0 where it is none of calls (`1,000 calls`, `API_CALL`, `千次`)."""
    word = unit.fill_null("").upper().re_replace(r"[\s_,./()-]+", "")
    number = word.re_extract(_OF_CALLS, 1).nullif("").cast("int64").fill_null(1)
    times = word.re_extract(_OF_CALLS, 2)
    size = ibis.cases(*((times == name, by) for name, by in _TIMES), else_=_THOUSAND)
    return ibis.ifelse(word.re_search(_OF_CALLS), number * size.cast("int64"), 0).cast("int64")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a trade."""
    for trade_id, group in groupby(rows, key=lambda row: row["trade_id"]):
        members = list(group)
        times = [at for row in members for at in (row["first_at"], row["second_at"]) if at is not None]
        times = times or [context.as_of]
        yield tell(
            "S24",
            context,
            zh="涉嫌交易步骤失序",
            en="suspected breach of the order of a trade's steps",
            severity=Severity.HIGH,
            window=(min(times), max(times)),
            subjects=(org for row in members for org in (row["seller_id"], row["buyer_id"])),
            objects=(trade_id,),
            statistic={"breaches": [_document(row) for row in members]},
            evidence=(row["seq"] for row in members),
            innocent=(
                because("late-record", "补录", "the step was recorded late"),
                because("clock-skew", "时钟误差", "clocks differ by seconds", Checked.RULED_OUT),
            ),
        )


def _document(row: Row) -> dict[str, Any]:
    if row["kind"] == "over-use":
        return {"kind": row["kind"], "bought": row["bought"], "used": row["used"]}
    times = {name: None if row[name] is None else rfc3339(row[name]) for name in ("first_at", "second_at")}
    return {"kind": row["kind"], **times}


RULE = Rule(
    rule_id="S24",
    needs={"trades": ("trade_id", "seller_id", "agreed_at", "delivered_at", "accepted_at", "settled_at")},
    uses=("trade_events", "payments", "usage"),
    apart=("trades", "trade_events", "payments", "usage"),
    expression=expression,
    findings=findings,
)
