"""S26: first digits that no honest spread of amounts has (Benford's law; Nigrini's bands). An early warning.

Asked only where the law can hold: a seller with 500 sales and more whose largest is at least a thousand times
the smallest, and who has no price list (half of the amounts differ). The mean absolute deviation (MAD) of the
first digit above 0.015, or of the first two above 0.0022, is nonconforming; and, since a few hundred
amounts deviate so far by chance, the chi-square has to keep the false discovery rate over all sellers. (By
itself the chi-square would accuse every large seller.)
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import groupby
from math import log10
from typing import Any, Final

from supervision.chance import spread_above, unlikely
from supervision.context import Context, Row, Rule, Tables
from supervision.finding import Checked, Finding
from supervision.saying import because, tell
from supervision.shares import whole
from supervision.trades import counted_sales

_PARTS: Final = 10**9


def _benford(begin: int, end: int) -> Mapping[int, Fraction]:
    """The share of each leading number; the last takes what rounding leaves, so that they add up to one."""
    parts = {lead: round(log10(1 + 1 / lead) * _PARTS) for lead in range(begin, end - 1)}
    parts[end - 1] = _PARTS - sum(parts.values())
    return {lead: Fraction(part, _PARTS) for lead, part in parts.items()}


FIRST: Final = _benford(1, 10)
FIRST_TWO: Final = _benford(10, 100)


def expression(tables: Tables, context: Context) -> Any:
    """By seller and two leading digits how many sales, where amounts are many, wide and of many values."""
    whole_ = context.rules.whole
    sold = counted_sales(tables, context)
    sold = sold.filter(sold.seller_group != sold.buyer_group, sold.amount_minor > 9)  # noqa: PLR2004 - two digits
    sellers = sold.group_by("seller_group").agg(
        sales=sold.count(),
        least=sold.amount_minor.min(),
        most=sold.amount_minor.max(),
        first_at=sold.made_at.min(),
        last_at=sold.made_at.max(),
        seller_id=sold.seller_id.min(),
        seq=sold.seq.max(),
    )
    sellers = sellers.filter(
        sellers.sales >= whole_("S26", "sales_from"),
        sellers.most >= sellers.least * whole_("S26", "range_from"),
    )
    sold = sold.semi_join(sellers, "seller_group")
    varied = sold.group_by("seller_group").agg(values=sold.amount_minor.nunique())
    sellers = sellers.inner_join(varied, "seller_group")
    part = context.rules.fraction("S26", "distinct_from")
    sellers = sellers.filter(sellers["values"] * part.denominator >= sellers.sales * part.numerator)
    leads = sold.mutate(lead=sold.amount_minor.cast("string").substr(0, 2))
    leads = leads.group_by("seller_group", "lead").agg(count=leads.count())
    return leads.inner_join(sellers, "seller_group").order_by("seller_group", "lead")


def deviation(counts: Mapping[int, int], expected: Mapping[int, Fraction]) -> tuple[Fraction, Fraction]:
    """Mean absolute deviation and chi-square of counts, both exact."""
    total = sum(counts.values())
    apart = {lead: Fraction(counts.get(lead, 0), total) - share for lead, share in expected.items()}
    mad = sum((abs(one) for one in apart.values()), Fraction(0)) / len(expected)
    squares = sum((apart[lead] ** 2 / share for lead, share in expected.items()), Fraction(0)) * total
    return mad, squares


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a seller."""
    looked_at: list[tuple[tuple[Row, dict[str, Any]] | None, float]] = []
    for _, group in groupby(rows, key=lambda row: row["seller_group"]):
        leads = list(group)
        two = {int(row["lead"]): row["count"] for row in leads}
        one: Counter[int] = Counter()
        for lead, count in two.items():
            one[lead // 10] += count
        told, chances = {}, []
        for name, counts, expected in (("first_digit", one, FIRST), ("first_two_digits", two, FIRST_TWO)):
            mad, squares = deviation(counts, expected)
            told[f"{name}_mad_millionths"] = whole(10**6 * mad)
            told[f"{name}_chi_square_bp"] = whole(10_000 * squares)
            if mad > context.rules.fraction("S26", f"{name}_mad_above"):
                chances.append(spread_above(float(squares), len(expected) - 1))
        both = min(1.0, 2 * min(chances, default=1.0))
        looked_at.append(((leads[0], told) if chances else None, both))
    for (row, told), chance, rate in unlikely(
        looked_at, context.rules.fraction("S26", "false_discoveries_below")
    ):
        yield _finding(row, told, (chance, rate), context)


def _finding(row: Row, told: Mapping[str, Any], by: tuple[Fraction, Fraction], context: Context) -> Finding:
    return tell(
        "S26",
        context,
        zh="涉嫌金额数字分布异常（预警线索）",
        en="suspected made-up amounts: their digits; an early warning only",
        screen=True,
        window=(row["first_at"], row["last_at"]),
        subjects=(row["seller_id"], row["seller_group"]),
        statistic={
            "sales": row["sales"],
            "distinct_amounts": row["values"],
            **told,
            "by_chance_bp": whole(10_000 * by[0]),
            "false_discovery_rate_bp": whole(10_000 * by[1]),
        },
        evidence=(row["seq"],),
        innocent=(
            because("cap", "限价或最低收费", "a cap or a minimum fee"),
            because("list", "固定价目表", "a fixed price list", Checked.RULED_OUT),
            because("narrow", "金额跨度不足三个数量级", "amounts within three decades", Checked.RULED_OUT),
        ),
    )


RULE = Rule(
    rule_id="S26",
    needs={
        "trades": ("trade_id", "seller_id", "buyer_id", "amount_minor", "agreed_at"),
        "orgs": ("org_id", "controller_id"),
    },
    uses=("flags",),
    expression=expression,
    findings=findings,
)
