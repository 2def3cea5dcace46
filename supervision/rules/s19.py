"""S19: a broker that buys, at a better price, what its client has asked for and not yet got (front-running).

An order runs from the buyer's request (`requests`, of the trade's id) until the contract that the broker
mediates. Counted are the orders during which the broker's own group bought the same product cheaper by the
unit. How many there would be by chance follows from how often the group buys that product in a year, and how
long the orders ran; the false discovery rate is kept over all brokers that buy what they broker. A screen.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import groupby
from typing import Any, Final

from supervision.brokerage import mediated
from supervision.chance import at_least, unlikely
from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Checked, Finding
from supervision.rules.br5 import own_trades
from supervision.saying import because, tell
from supervision.shares import whole
from supervision.trades import UNDONE

_YEAR: Final = 365 * 24 * 3600


def expression(tables: Tables, context: Context) -> Any:
    """The orders of brokers whose group buys for itself what it brokers, each with such purchases."""
    own = own_trades(tables, context)
    bought = own.filter(~own.status.isin(UNDONE), own.amount_minor > 0, own.quantity.fill_null(1) > 0)
    bought = bought.select(
        "trade_id",
        "seq",
        own_product=bought.product_id,
        own_group=bought.buyer_group,
        own_at=bought.made_at,
        own_amount=bought.amount_minor,
        own_quantity=bought.quantity.fill_null(1),
    )
    orders = mediated(tables, context)
    orders = orders.filter(orders.amount_minor > 0, orders.broker_group != orders.buyer_group)
    buying = bought.semi_join(orders.select("broker_group").distinct(), [("own_group", "broker_group")])
    buying = buying.select("own_group", "own_product").distinct()
    buying = buying.semi_join(orders, [("own_group", "broker_group"), ("own_product", "product_id")])
    orders = orders.semi_join(
        buying, [("broker_group", "own_group")]
    )  # who buys nothing that it brokers is out
    asked = tables["requests"].select("request_id", "asked_at")
    orders = orders.inner_join(asked, [("trade_id", "request_id")])
    orders = orders.filter(orders.asked_at < orders.made_at)
    sizes = tables["trades"].select(of="trade_id", quantity="quantity")
    orders = orders.inner_join(sizes, [("trade_id", "of")])
    own = bought.inner_join(
        orders.select("broker_group", "product_id").distinct(),
        [("own_group", "broker_group"), ("own_product", "product_id")],
    )
    own = own.select(
        "own_group", "own_product", "own_at", "own_amount", "own_quantity", own_id="trade_id", own_seq="seq"
    )
    orders = orders.semi_join(own, [("broker_group", "own_group")])
    orders = orders.select(
        *("trade_id", "broker_id", "broker_group", "product_id"),
        *("amount_minor", "made_at", "asked_at", "seq"),
        quantity=orders.quantity.fill_null(1),
    )
    pairs = orders.left_join(own, [("broker_group", "own_group"), ("product_id", "own_product")])
    return pairs.order_by("broker_group", "trade_id", "own_at", "own_id")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a broker's group."""
    least = context.rules.whole("S19", "orders_from")
    looked_at: list[tuple[tuple[list[Row], int] | None, float]] = []
    for _, group in groupby(rows, key=lambda row: row["broker_group"]):
        pairs = list(group)
        orders = [list(part) for _, part in groupby(pairs, key=lambda row: row["trade_id"])]
        ahead = [row for of_order in orders if (row := _ahead(of_order)) is not None]
        expected = sum(
            min(len(of_order) * (of_order[0]["made_at"] - of_order[0]["asked_at"]).total_seconds() / _YEAR, 1)
            for of_order in orders
            if of_order[0]["own_id"] is not None
        )
        chance = at_least(len(ahead), len(orders), expected / len(orders))
        looked_at.append(((ahead, len(orders)) if len(ahead) >= least else None, chance))
    for (ahead, orders_), by_chance, rate in unlikely(
        looked_at, context.rules.fraction("S19", "false_discoveries_below")
    ):
        yield _finding(ahead, orders_, (by_chance, rate), context)


def _ahead(of_order: Sequence[Row]) -> Row | None:
    """The group's first purchase of the product while the order ran, at a lower unit price."""
    for row in of_order:
        if row["own_id"] is None or not row["asked_at"] < row["own_at"] < row["made_at"]:
            continue
        if row["own_amount"] * row["quantity"] < row["amount_minor"] * row["own_quantity"]:
            return row
    return None


def _finding(ahead: Sequence[Row], orders: int, by: tuple[Fraction, Fraction], context: Context) -> Finding:
    return tell(
        "S19",
        context,
        zh="涉嫌经纪人抢先交易（线索）",
        en="suspected front-running by a broker, a clue only",
        screen=True,
        window=(min(row["asked_at"] for row in ahead), max(row["made_at"] for row in ahead)),
        subjects=(row["broker_id"] for row in ahead),
        objects=(trade_id for row in ahead for trade_id in (row["trade_id"], row["own_id"])),
        statistic={
            "orders": orders,
            "orders_run_ahead_of": len(ahead),
            "by_chance_bp": whole(10_000 * by[0]),
            "false_discovery_rate_bp": whole(10_000 * by[1]),
        },
        evidence=(number for row in ahead for number in (row["seq"], row["own_seq"])),
        innocent=(
            because("standing-order", "既有长期采购安排", "a standing arrangement of its own"),
            because("other-office", "隔离的独立部门", "another office behind a wall"),
            because("chance", "偶然", "chance", Checked.RULED_OUT),
        ),
    )


RULE = Rule(
    rule_id="S19",
    needs={
        "trades": (
            "trade_id",
            "product_id",
            "seller_id",
            "buyer_id",
            "broker_id",
            "amount_minor",
            "agreed_at",
        ),
        "requests": ("request_id", "asked_at"),
    },
    uses=("orgs",),
    expression=expression,
    findings=findings,
)
