"""WT4: no consumption. A trade was accepted and nothing was ever used.

A file's delivery *is* its download, so downloads count from delivery on; calls and compute jobs before
acceptance are the acceptance test and count from acceptance on. Days are UTC days, both ends included.
The rule waits until the days have passed at `as_of`.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import ibis

from base.clock import rfc3339
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
from supervision.trades import UNDONE, literal_time, made, moment

HARDLY_USED: Final = "hardly_used"
"""What `hardly_used` is kept as, where it is kept (`supervision.kept`)."""
NOT_METERED: Final = ("SERVICE", "COMPUTE", "CERT")
"""Product types whose use is no call, download or compute job (`docs/supervision.md`)."""


def expression(tables: Tables, context: Context) -> Any:
    """The accepted trades that nobody used in time, with what was used later."""
    asked = hardly_used(tables, context)
    usage = _usage(tables, context)
    used = asked.inner_join(usage, "trade_id")
    downloaded = (used.downloads.fill_null(0) > 0) & (used.day >= used.got_on)
    called = (_others(used) > 0) & (used.day >= used.accepted_on)
    in_time = used.filter(downloaded | called, used.day <= used.until_on)
    later = used.filter(used.day > used.until_on).group_by("trade_id").agg(used_later=lambda t: t.count())
    idle = asked.anti_join(in_time, "trade_id")
    idle = made(tables, context, without=UNDONE).inner_join(idle, "trade_id")
    days = context.rules.whole("WT4", "idle")
    idle = idle.filter(idle.accepted_at <= literal_time(context.as_of - timedelta(days=days)))
    return idle.left_join(later, "trade_id").drop("trade_id_right").order_by("trade_id")


def hardly_used(tables: Tables, context: Context) -> Any:
    """The accepted trades, without those whose first download or first call lies in time: most of them.

    How long ago a trade was accepted is left to `expression`: what is kept changes with the trade alone.
    """
    if HARDLY_USED in tables:
        return tables[HARDLY_USED]
    days = context.rules.whole("WT4", "idle")
    trades = made(tables, context, without=UNDONE)
    trades = trades.filter(trades.accepted_at <= moment(context))
    listings = tables["listings"]
    unmetered = listings.filter(listings.product_type.fill_null("").upper().isin(NOT_METERED))
    trades = trades.select("trade_id", "listing_id", "delivered_at", "accepted_at")
    trades = trades.anti_join(unmetered, "listing_id")
    got_at = ibis.least(ibis.coalesce(trades.delivered_at, trades.accepted_at), trades.accepted_at)
    trades = trades.select(
        "trade_id",
        got_on=got_at.date(),
        accepted_on=trades.accepted_at.date(),
        until_on=(trades.accepted_at + ibis.interval(days=days)).date(),
    )
    usage = _usage(tables, context)
    first = usage.group_by(of="trade_id").agg(
        download=usage.day.min(where=usage.downloads.fill_null(0) > 0),
        call=usage.day.min(where=_others(usage) > 0),
    )
    told = trades.left_join(first, [("trade_id", "of")])
    downloaded = (told.download >= told.got_on) & (told.download <= told.until_on)
    called = (told.call >= told.accepted_on) & (told.call <= told.until_on)
    plain = downloaded.fill_null(False) | called.fill_null(False)
    return told.filter(~plain).select("trade_id", "got_on", "accepted_on", "until_on")


def _usage(tables: Tables, context: Context) -> Any:
    usage = tables["usage"].select("trade_id", "day", "calls", "downloads", "compute_jobs")
    return usage.filter(usage.day <= ibis.literal(context.as_of.date(), type="date"))


def _others(usage: Any) -> Any:
    return usage.calls.fill_null(0) + usage.compute_jobs.fill_null(0)


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a trade."""
    idle = timedelta(days=context.rules.whole("WT4", "idle"))
    for row in rows:
        yield Finding(
            rule_id="WT4",
            rule_version=context.rules.version("WT4"),
            severity=Severity.MEDIUM,
            says=Words(
                zh="涉嫌虚假交易（验收后无任何使用）",
                en="suspected sham trade: nothing was used after acceptance",
            ),
            market=market_of(row),
            subjects=named((row["seller_id"], row["buyer_id"])),
            objects=(row["trade_id"],),
            statistic={
                "calls": 0,
                "downloads": 0,
                "compute_jobs": 0,
                "delivered_at": None if row["delivered_at"] is None else rfc3339(row["delivered_at"]),
                "accepted_at": rfc3339(row["accepted_at"]),
            },
            threshold=context.rules.threshold("WT4"),
            legal_basis=context.rules.legal_basis("WT4"),
            confidence=Confidence.HIGH,
            window=Window(row["accepted_at"], row["accepted_at"] + idle),
            evidence_seqs=seqs((row["seq"],)),
            innocent_explanations=(
                Explanation(
                    "used-later",
                    Words(zh="期限之后才开始使用", en="use began only after the days had passed"),
                    Checked.APPLIES if row["used_later"] else Checked.RULED_OUT,
                    {"days_with_use": row["used_later"] or 0},
                ),
                Explanation(
                    "taken-back",
                    Words(zh="已退款或作废", en="refunded or void"),
                    Checked.RULED_OUT,
                    {"status": row["status"]},
                ),
                Explanation(
                    "outside-the-meter",
                    Words(
                        zh="通过场外渠道交付和使用", en="delivered and used by a way the meters do not see"
                    ),
                    Checked.OPEN,
                ),
            ),
        )


RULE = Rule(
    rule_id="WT4",
    needs={
        "trades": ("trade_id", "seller_id", "buyer_id", "accepted_at"),
        "usage": ("trade_id", "day", "calls", "downloads", "compute_jobs"),
    },
    uses=("listings",),
    expression=expression,
    findings=findings,
)
