"""UC1: data fetched in a way its licence is hardly meant for: too fast, too broad, or one key after another.

- rate: a day's calls at ten times the middle day of that very trade, and a thousand at least;
- breadth: one group takes twenty products of one seller within a day;
- sequence (where a gateway reports `retrievals`): nine tenths of a day's calls follow on the key before and
  hardly a key is asked twice.

More calls than were bought are `S24`'s. A screen: a launch, a back-up or a migration look alike.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import groupby
from typing import Any, Final

import ibis

from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Checked, Finding
from supervision.portable import medians, total, wide
from supervision.saying import because, tell
from supervision.trades import made, moment

_OF: Final = ("trade_id", "product_id", "seller_id", "buyer_id", "seller_group", "buyer_group")
_NAMES: Final = (*_OF, "kind", "at", "calls", "usual", "seq")


def expression(tables: Tables, context: Context) -> Any:
    """Odd days of trades, and the copies taken by groups that took many products of one seller."""
    trades = made(tables, context)
    trades = trades.mutate(product_id=ibis.coalesce(trades.product_id, trades.listing_id))
    trades = trades.select(*_OF, "buyer_no", "seller_no")
    return ibis.union(
        _fast(tables, trades, context),
        _broad(tables, trades, context),
        _in_sequence(tables, trades, context),
        distinct=False,
    ).order_by("kind", "buyer_group", "seller_group", "trade_id", "at", "product_id", "seq")


def _until(context: Context) -> Any:
    return ibis.literal(context.as_of.date(), type="date")


def _fast(tables: Tables, trades: Any, context: Context) -> Any:
    whole = context.rules.whole
    usage = tables["usage"]
    usage = usage.filter(usage.day <= _until(context))
    calls = usage.calls.fill_null(0) + usage.downloads.fill_null(0)
    many = usage.group_by("trade_id").agg(rows=usage.count(), calls=total(calls))
    many = many.filter(many.rows >= whole("UC1", "days_from"), many.calls >= whole("UC1", "calls_from"))
    usage = usage.semi_join(many, "trade_id")
    days = usage.group_by("trade_id", "day").agg(
        calls=total(usage.calls.fill_null(0) + usage.downloads.fill_null(0)),
        seq=usage.seq.max(),
    )
    often = days.group_by("trade_id").agg(days=days.count(), most=days.calls.max())
    often = often.filter(often.days >= whole("UC1", "days_from"), often.most >= whole("UC1", "calls_from"))
    days = days.semi_join(often, "trade_id")
    usual = medians(days, ("trade_id",), "calls").select("trade_id", usual="median")
    days = days.inner_join(usual, "trade_id")
    days = days.filter(
        days.calls >= whole("UC1", "calls_from"), days.calls >= days.usual * whole("UC1", "times_median")
    )
    return _told(days.inner_join(trades, "trade_id"), "rate")


def _in_sequence(tables: Tables, trades: Any, context: Context) -> Any:
    part = context.rules.fraction("UC1", "in_sequence_from")
    days = tables["retrievals"]
    days = days.filter(
        days.day <= _until(context),
        days.calls >= context.rules.whole("UC1", "calls_from"),
        days.in_sequence * part.denominator >= days.calls * part.numerator,
        days.distinct_keys * part.denominator >= days.calls * part.numerator,
    )
    days = days.mutate(usual=days.in_sequence.cast("float64"))
    return _told(days.inner_join(trades, "trade_id"), "sequence")


def _told(days: Any, kind: str) -> Any:
    days = days.mutate(
        kind=ibis.literal(kind),
        at=days.day.cast("timestamp"),
        calls=wide(days.calls),
        usual=days.usual.floor().cast("int64"),
    )
    return days.select(*_NAMES)


def _broad(tables: Tables, trades: Any, context: Context) -> Any:
    pairs = trades.group_by("buyer_no", "seller_no").agg(trades=trades.count())
    pairs = pairs.filter(pairs.trades >= context.rules.whole("UC1", "products_from"))
    trades = trades.semi_join(pairs, ["buyer_no", "seller_no"])
    taken = tables["access"].select("trade_id", taken_at="at", seq="seq")
    taken = taken.filter(taken.taken_at <= moment(context)).inner_join(trades, "trade_id")
    taken = taken.filter(taken.seller_group != taken.buyer_group)
    pair = ("buyer_group", "seller_group")
    many = taken.group_by(*pair).agg(products=taken.product_id.nunique())
    many = many.filter(many.products >= context.rules.whole("UC1", "products_from"))
    taken = taken.semi_join(many, list(pair))
    none = ibis.null("int64")
    taken = taken.mutate(kind=ibis.literal("breadth"), at=taken.taken_at, calls=wide(none), usual=none)
    return taken.select(*_NAMES)


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a trade and kind; of breadth one a buyer and seller."""
    for kind, group in groupby(rows, key=lambda row: row["kind"]):
        if kind == "breadth":
            for _, of_pair in groupby(group, key=lambda row: (row["buyer_group"], row["seller_group"])):
                yield from _breadth(list(of_pair), context)
            continue
        for _, of_trade in groupby(group, key=lambda row: row["trade_id"]):
            days = list(of_trade)
            worst = max(days, key=lambda row: (row["calls"], row["at"]))
            statistic = {
                "kind": kind,
                "days": len(days),
                "calls": worst["calls"],
                ("in_sequence" if kind == "sequence" else "middle_day"): worst["usual"],
            }
            last = datetime.combine(days[-1]["at"].date(), time.max.replace(microsecond=0), UTC)
            yield _finding(days, (days[0]["at"], min(last, context.as_of)), statistic, context)


def _breadth(taken: Sequence[Row], context: Context) -> Iterator[Finding]:
    """The day within which most products were taken."""
    within = timedelta(hours=context.rules.whole("UC1", "within"))
    ordered = sorted(taken, key=lambda row: (row["at"], row["trade_id"]))
    best: Sequence[Row] = ()
    most, begin = 0, 0
    for end, row in enumerate(ordered, start=1):
        while row["at"] - ordered[begin]["at"] > within:
            begin += 1
        products = len({one["product_id"] for one in ordered[begin:end]})
        if products > most:
            most, best = products, ordered[begin:end]
    if most >= context.rules.whole("UC1", "products_from"):
        yield _finding(best, (best[0]["at"], best[-1]["at"]), {"kind": "breadth", "products": most}, context)


def _finding(
    rows: Sequence[Row], window: tuple[datetime, datetime], statistic: Any, context: Context
) -> Finding:
    return tell(
        "UC1",
        context,
        zh="涉嫌异常抓取数据（线索）",
        en="suspected scraping: data fetched in an unusual way; a clue only",
        screen=True,
        window=window,
        subjects=(row["buyer_id"] for row in rows),
        objects=(row["trade_id"] for row in rows),
        statistic=statistic,
        evidence=(row["seq"] for row in rows),
        innocent=(
            because("launch", "上线、迁移或备份", "a launch, a migration or a back-up"),
            because("over-use", "超出购买量", "more than was bought (S24 would say)", Checked.OPEN),
            because("catalogue", "合同约定整库交付", "the contract is for the whole catalogue"),
        ),
    )


RULE = Rule(
    rule_id="UC1",
    needs={
        "trades": ("trade_id", "product_id", "seller_id", "buyer_id", "agreed_at"),
        "usage": ("trade_id", "day", "calls"),
    },
    uses=("orgs", "access", "retrievals"),
    expression=expression,
    findings=findings,
)
