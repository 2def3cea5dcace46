"""PI_NOT_ANONYMISED: data offered as anonymised in which the exchange's screen saw persons (PIPL 73(4)).

The screen blocks such a listing (`NL4-not-anonymised`); that it was offered is the finding, and it weighs
more where the product was sold, before or after.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

import ibis

from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Finding, Severity, minor
from supervision.saying import because, tell
from supervision.trades import made, moment

CODE: Final = "NL4-not-anonymised"
_NAMES: Final = ("product", "listing_id", "org_id", "trade_id", "amount_minor", "at", "seq")


def expression(tables: Tables, context: Context) -> Any:
    """The screens that saw it, and the trades of what they saw it in, by product."""
    seen = tables["screenings"]
    seen = seen.filter(seen["at"] <= moment(context))
    seen = seen.mutate(reason=seen.reasons.unnest(), product=ibis.coalesce(seen.product_id, seen.listing_id))
    seen = seen.filter(seen.reason == CODE, seen["product"].notnull())
    seen = seen.select(
        "product",
        "listing_id",
        "at",
        "seq",
        org_id="seller_id",
        trade_id=ibis.null("string"),
        amount_minor=ibis.null("int64"),
    ).distinct()
    sold = made(tables, context)
    sold = sold.select(
        "listing_id",
        "trade_id",
        "amount_minor",
        "seq",
        product=ibis.coalesce(sold.product_id, sold.listing_id),
        org_id="seller_id",
        at="made_at",
    ).semi_join(seen, "product")
    both = ibis.union(seen.select(*_NAMES), sold.select(*_NAMES), distinct=False)
    return both.order_by("product", "at", "trade_id", "listing_id", "seq")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a product."""
    least = context.rules.whole("PI_NOT_ANONYMISED", "screens_from")
    for product, group in groupby(rows, key=lambda row: row["product"]):
        members = list(group)
        seen = [row for row in members if row["trade_id"] is None]
        sold = [row for row in members if row["trade_id"] is not None]
        if len(seen) < least:
            continue
        yield tell(
            "PI_NOT_ANONYMISED",
            context,
            zh="涉嫌以“已匿名化”名义提供可识别个人的数据" + ("并已成交" if sold else "（上架前已拦截）"),
            en="suspected offer of personal data as anonymised, "
            + ("of which some was sold" if sold else "stopped before it was listed"),
            severity=Severity.HIGH if sold else Severity.MEDIUM,
            window=(members[0]["at"], members[-1]["at"]),
            subjects=(row["org_id"] for row in members),
            objects=(product, *(row["trade_id"] or row["listing_id"] for row in members)),
            statistic={
                "screens": len(seen),
                "trades": len(sold),
                "amount_minor": minor(sum(row["amount_minor"] or 0 for row in sold)),
            },
            evidence=(row["seq"] for row in members),
            innocent=(
                because("chance-alike", "形似个人信息的其他编码", "other codes that look like identifiers"),
                because("remedied", "已重新匿名化并复核", "anonymised anew since, and reviewed"),
            ),
        )


RULE = Rule(
    rule_id="PI_NOT_ANONYMISED",
    needs={"screenings": ("listing_id", "seller_id", "at", "reasons")},
    uses=("trades",),
    expression=expression,
    findings=findings,
)
