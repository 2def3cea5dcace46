"""WT6: accepted before it can have been looked at, or traded more often than it was seen.

A large file, or one that nobody had fetched at all by the day of acceptance, accepted within minutes of its
delivery. What is no file (calls, services) can be accepted at once, and so can a small one. A file is as
large as its listing says, and where that says nothing, as a download of one day fetched. Whether a listing
had more trades than views is asked of every type.
"""

from collections.abc import Iterator
from typing import Any

import ibis

from base.clock import rfc3339
from supervision.context import Context, Row, Rule, Tables, market_of
from supervision.finding import Checked, Finding, Severity, minor
from supervision.portable import total, wide
from supervision.rules.wt4 import NOT_METERED
from supervision.saying import because, tell
from supervision.steps import hasty_trades
from supervision.trades import UNDONE, made, moment

NOT_A_FILE = (*NOT_METERED, "API", "STREAM", "MODEL")
_NAMES = (
    *("kind", "trade_id", "listing_id", "seller_id", "buyer_id", "category", "geo", "made_at"),
    *("delivered_at", "accepted_at", "bytes", "amount_minor", "trades", "views", "seq"),
)


def expression(tables: Tables, context: Context) -> Any:
    """Trades accepted too quickly; and the trades of listings with more trades than views."""
    trades = made(tables, context, without=UNDONE)
    return ibis.union(
        _quick(tables, context),
        _unseen(tables, trades, context),
        distinct=False,
    ).order_by("kind", "listing_id", "made_at", "trade_id")


def _quick(tables: Tables, context: Context) -> Any:
    seconds, large = (context.rules.whole("WT6", name) for name in ("accepted_below", "large_from"))
    as_of, today = moment(context), ibis.literal(context.as_of.date(), type="date")
    trades = hasty_trades(tables, context)
    quick = trades.filter(
        ~trades.status.isin(UNDONE),
        trades.accepted_at <= as_of,
        trades.accepted_at >= trades.delivered_at,
        trades.accepted_at < trades.delivered_at + ibis.interval(seconds=seconds),
    )
    usage = tables["usage"].select("trade_id", "day", "downloads", "bytes", "calls")
    usage = usage.filter(usage.day <= today)
    quick = _files(tables, quick)
    used = quick.select("trade_id", "accepted_at").inner_join(usage, "trade_id")
    each = ibis.greatest(used.downloads.fill_null(1), 1)
    used = used.group_by("trade_id").agg(
        fetched_bytes=(used.bytes / each).floor().cast("int64").max(),
        fetched=(
            (used.downloads.fill_null(0) + used.calls.fill_null(0) > 0)
            & (used.day <= used.accepted_at.date())
        ).max(),
    )
    quick = quick.left_join(used, "trade_id").drop("trade_id_right")
    quick = quick.mutate(bytes=ibis.coalesce(quick.file_bytes.nullif(0), quick.fetched_bytes))
    quick = quick.filter((quick.bytes >= large) | ~quick.fetched.fill_null(False))
    none = ibis.null("int64")
    return quick.mutate(kind=ibis.literal("accepted-at-once"), trades=none, views=wide(none)).select(*_NAMES)


def _files(tables: Tables, rows: Any) -> Any:
    """The rows whose listing is a file's, or unknown."""
    kinds = tables["listings"].select("listing_id", "product_type", file_bytes="bytes")
    rows = rows.left_join(kinds, "listing_id").drop("listing_id_right")
    return rows.filter(~rows.product_type.fill_null("").upper().isin(NOT_A_FILE)).drop("product_type")


def _unseen(tables: Tables, trades: Any, context: Context) -> Any:
    least = context.rules.whole("WT6", "trades_from")
    ratio = context.rules.fraction("WT6", "views_a_trade")
    views = tables["listing_views"]
    views = views.filter(views.day <= ibis.literal(context.as_of.date(), type="date"))
    seen = views.group_by("listing_id").agg(views=total(views.views))
    sold = trades.group_by("listing_id").agg(trades=trades.count())
    many = sold.inner_join(seen, "listing_id")
    many = many.filter(many.trades >= least, many.views * ratio.denominator < many.trades * ratio.numerator)
    unseen = trades.inner_join(many, "listing_id")
    return unseen.mutate(kind=ibis.literal("unseen"), bytes=ibis.null("int64")).select(*_NAMES)


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a quick trade, one a listing that nobody looked at."""
    unseen: dict[str, list[Row]] = {}
    for row in rows:
        if row["kind"] == "unseen":
            unseen.setdefault(row["listing_id"], []).append(row)
            continue
        statistic = {
            "kind": row["kind"],
            "delivered_at": rfc3339(row["delivered_at"]),
            "accepted_at": rfc3339(row["accepted_at"]),
            "seconds": int((row["accepted_at"] - row["delivered_at"]).total_seconds()),
            "bytes": minor(row["bytes"]),
        }
        yield _finding([row], (row["delivered_at"], row["accepted_at"]), statistic, context)
    for members in unseen.values():
        statistic = {"kind": "unseen", "trades": members[0]["trades"], "views": members[0]["views"]}
        yield _finding(members, (members[0]["made_at"], members[-1]["made_at"]), statistic, context)


def _finding(rows: list[Row], window: Any, statistic: dict[str, Any], context: Context) -> Finding:
    return tell(
        "WT6",
        context,
        zh="涉嫌虚假交易（未经查看即验收或成交）",
        en="suspected sham trade: accepted or bought without a look",
        market=market_of(rows[0]),
        severity=Severity.MEDIUM,
        window=window,
        subjects=(org for row in rows for org in (row["seller_id"], row["buyer_id"])),
        objects=(row["trade_id"] for row in rows),
        statistic=statistic,
        evidence=(row["seq"] for row in rows),
        innocent=(
            because("automatic-check", "自动校验验收", "an automatic check accepts by hash and row count"),
            because(
                "small-file",
                "文件很小",
                "a small file",
                Checked.OPEN if rows[0]["bytes"] is None else Checked.RULED_OUT,
            ),
            because("known-product", "续购已知产品", "a product the buyer knows from before"),
        ),
    )


RULE = Rule(
    rule_id="WT6",
    needs={
        "trades": ("trade_id", "listing_id", "agreed_at", "delivered_at", "accepted_at"),
        "usage": ("trade_id", "day", "downloads"),
    },
    uses=("listings", "listing_views"),
    expression=expression,
    findings=findings,
)
