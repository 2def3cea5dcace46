"""S16: a wash ring by what is left over. Trades of one product among the same parties that cancel out.

A screen: market makers and corrections cancel out too. Every contiguous segment is tested
(`supervision.segments`), so neither the order of the rows nor an honest neighbour changes what is found.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, Final

from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Checked, Finding, Market, minor
from supervision.rules import wt2
from supervision.saying import because, tell
from supervision.segments import Sale, Segment, cancelling
from supervision.trades import UNDONE

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def expression(tables: Tables, context: Context) -> Any:
    """Sales by product among parties whose groups both sell and buy it: no others cancel out.

    These are among the legs of `WT2`, of each product's own family.
    """
    trades = wt2.legs(tables, context)
    trades = trades.filter(
        trades.family == trades["product"], ~trades.status.isin(UNDONE), trades.amount_minor > 0
    )
    return trades.order_by("product", "made_at", "trade_id")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding for each united segment of a product."""
    hours = [context.rules.whole("S16", name) for name in ("window_1", "window_2", "window_3")]
    windows = [timedelta(hours=hour) // _MICROSECOND for hour in hours]
    tolerance = context.rules.fraction("S16", "left_over")
    for product, group in groupby(rows, key=lambda row: row["product"]):
        by_id = {row["trade_id"]: row for row in group}
        for segment in cancelling(map(_sale, by_id.values()), windows[-1], tolerance):
            window = next(hour for hour, width in zip(hours, windows, strict=True) if segment.span <= width)
            yield _finding(product, segment, [by_id[name] for name in segment.trades], window, context)


def _sale(row: Row) -> Sale:
    at = (row["made_at"] - _EPOCH) // _MICROSECOND
    return Sale(at, row["trade_id"], row["seller_id"], row["buyer_id"], row["amount_minor"])


def _finding(product: str, segment: Segment, rows: list[Row], hours: int, context: Context) -> Finding:
    times = [row["made_at"] for row in rows]
    return tell(
        "S16",
        context,
        zh="涉嫌对敲（同一产品交易相互抵消，线索）",
        en="suspected wash ring: trades of one product cancel out; a clue only",
        screen=True,
        market=min(Market(row["category"], row["geo"]) for row in rows),
        window=(min(times), max(times)),
        subjects=segment.parties,
        objects=segment.trades,
        statistic={
            "product": product,
            "trades": len(rows),
            "window_hours": hours,
            "turnover_minor": minor(sum(row["amount_minor"] for row in rows)),
        },
        evidence=(row["seq"] for row in rows),
        innocent=(
            because("refund", "退货或退款", "a return or refund, not a sale", Checked.RULED_OUT),
            because("market-maker", "做市或双向合作", "somebody stands ready on both sides"),
            because("correction", "更正或续期", "a correction, or a licence renewed in turn"),
        ),
    )


RULE = Rule(
    rule_id="S16",
    needs={"trades": ("trade_id", "product_id", "seller_id", "buyer_id", "amount_minor", "agreed_at")},
    expression=expression,
    findings=findings,
)
