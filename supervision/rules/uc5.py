"""UC5: the market's own rules turned against a seller: returns after use, or floods of empty inquiries.

- returns: one group had five trades and more with one seller's group taken back within thirty days after it
  had used the data, and at least half of all its trades with that seller;
- flood: one group asked one seller's group twenty times within a day, and none of it became a contract.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any, Final

import ibis

from supervision.brokerage import groups
from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Checked, Finding
from supervision.saying import because, tell
from supervision.trades import made, moment

ASKED: Final = "empty_inquiries"
"""What `empty_inquiries` is kept as, where it is kept (`supervision.kept`)."""
_BACK: Final = ("REFUND_PENDING", "REFUNDED")
_PAIR: Final = ("buyer_group", "seller_group")
_NAMES: Final = ("kind", *_PAIR, "buyer_id", "seller_id", "id", "at", "all_between", "seq")


def expression(tables: Tables, context: Context) -> Any:
    """Trades taken back after use, and inquiries that came to nothing, of pairs that have enough of them."""
    trades = made(tables, context)
    trades = trades.filter(trades.seller_group != trades.buyer_group)
    returned = trades.filter(trades.status.isin(_BACK))
    usage = tables["usage"]
    usage = usage.filter(usage.day <= ibis.literal(context.as_of.date(), type="date"))
    used = usage.filter(
        usage.calls.fill_null(0) + usage.downloads.fill_null(0) + usage.compute_jobs.fill_null(0) > 0
    )
    returned = returned.semi_join(used, "trade_id")
    returned = returned.select(*_PAIR, "buyer_id", "seller_id", "seq", id="trade_id", at="made_at")
    returned = _often(returned, context.rules.whole("UC5", "returns_from"))
    between = trades.semi_join(returned, list(_PAIR)).group_by(*_PAIR).agg(all_between=lambda t: t.count())
    returned = returned.inner_join(between, list(_PAIR)).mutate(kind=ibis.literal("returns"))
    asked = empty_inquiries(tables, context)
    known = groups(tables)
    asked = asked.left_join(known.rename(s_org="org", s_group="group"), [("seller_id", "s_org")])
    asked = asked.left_join(known.rename(b_org="org", b_group="group"), [("buyer_id", "b_org")])
    asked = asked.mutate(
        buyer_group=ibis.coalesce(asked.b_group, asked.buyer_id),
        seller_group=ibis.coalesce(asked.s_group, asked.seller_id),
    )
    asked = asked.select(*_PAIR, "buyer_id", "seller_id", "seq", id="request_id", at="asked_at")
    asked = _often(asked, context.rules.whole("UC5", "inquiries_from"))
    asked = asked.mutate(kind=ibis.literal("flood"), all_between=ibis.null("int64"))
    both = ibis.union(returned.select(*_NAMES), asked.select(*_NAMES), distinct=False)
    return both.order_by("kind", *_PAIR, "at", "id")


def empty_inquiries(tables: Tables, context: Context) -> Any:
    """The requests of which no trade came between two groups."""
    if ASKED in tables:
        return tables[ASKED]
    trades = made(tables, context)
    trades = trades.filter(trades.seller_group != trades.buyer_group)
    asked = tables["requests"].select("request_id", "seller_id", "buyer_id", "asked_at", "seq")
    return asked.filter(asked.asked_at <= moment(context)).anti_join(trades, [("request_id", "trade_id")])


def _often(rows: Any, least: int) -> Any:
    many = rows.group_by(*_PAIR).agg(many=rows.count())
    return rows.semi_join(many.filter(many.many >= least), list(_PAIR))


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a pair and kind: the time with most of them."""
    rules = context.rules
    limits = {
        "returns": (timedelta(days=rules.whole("UC5", "returns_within")), rules.whole("UC5", "returns_from")),
        "flood": (timedelta(hours=rules.whole("UC5", "flood_within")), rules.whole("UC5", "inquiries_from")),
    }
    for (kind, *_), group in groupby(rows, key=lambda row: (row["kind"], *(row[name] for name in _PAIR))):
        members = list(group)
        together = _most(members, limits[kind][0])
        if len(together) < limits[kind][1]:
            continue
        part = rules.fraction("UC5", "returned_from")
        if kind == "returns" and len(members) < part * members[0]["all_between"]:
            continue
        yield _finding(kind, together, context)


def _most(members: Sequence[Row], within: timedelta) -> Sequence[Row]:
    best: Sequence[Row] = ()
    begin = 0
    for end, row in enumerate(members, start=1):
        while row["at"] - members[begin]["at"] > within:
            begin += 1
        if end - begin > len(best):
            best = members[begin:end]
    return best


def _finding(kind: str, rows: Sequence[Row], context: Context) -> Finding:
    return tell(
        "UC5",
        context,
        zh="涉嫌滥用平台规则（恶意退货或虚假询价，线索）",
        en="suspected abuse of the market's rules: returns after use, or empty inquiries; a clue only",
        screen=True,
        window=(rows[0]["at"], rows[-1]["at"]),
        subjects=(row["buyer_id"] for row in rows),
        objects=(row["id"] for row in rows),
        statistic={
            "kind": kind,
            "times": len(rows),
            "seller": rows[0]["seller_group"],
            "trades_between_them": rows[0]["all_between"],
        },
        evidence=(row["seq"] for row in rows),
        innocent=(
            because("defect", "产品确有质量问题", "the product was defective"),
            because("unused", "未使用即退", "taken back unused", Checked.RULED_OUT)
            if kind == "returns"
            else because("many-products", "产品众多，逐一询价", "many products, each asked about"),
        ),
    )


RULE = Rule(
    rule_id="UC5",
    needs={
        "trades": ("trade_id", "seller_id", "buyer_id", "status", "agreed_at"),
        "usage": ("trade_id", "day"),
    },
    uses=("orgs", "requests"),
    expression=expression,
    findings=findings,
)
