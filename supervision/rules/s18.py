"""S18: signs of wash trading in the crowd of a seller's trades (after Cong, Li, Tang and Yang 2023).

People like round sums; machines that trade with themselves do not care. So a seller whose amounts are round
more rarely than its market's, far beyond chance (binomial, the false discovery rate kept over all sellers),
and who trades five times as often with each partner as the middle seller does, is asked about. Money that its
group paid to its buyers outside any trade is told beside it. Where hardly any amount of the market is round
(or all are: a price list) nothing can be told. Digits are `S26`'s.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import groupby
from operator import itemgetter
from statistics import median
from typing import Any, Final

import ibis

from supervision.brokerage import groups
from supervision.chance import at_most, unlikely
from supervision.context import Context, Row, Rule, Tables, market_of
from supervision.finding import Checked, Finding
from supervision.portable import total
from supervision.saying import because, tell
from supervision.shares import whole
from supervision.trades import UNDONE, group_names, literal_time, made, moment

_MARKET: Final = ("category", "geo")


def expression(tables: Tables, context: Context) -> Any:
    """By market and seller: trades, round ones, partners, and buyers that it paid outside any trade.

    Partners are dear to count: null where the amounts of a market are too rarely round to tell anything.
    """
    unit = context.rules.whole("S18", "round_minor")
    trades = made(tables, context, without=UNDONE)
    trades = trades.filter(
        trades.made_at > literal_time(context.market_since),
        trades.amount_minor > 0,
        trades.seller_no != trades.buyer_no,
    )
    cell = (*_MARKET, "seller_no")
    sellers = trades.group_by(*cell).agg(
        trades=trades.count(),
        rounded=total((trades.amount_minor % unit == 0).cast("int64")).cast("int64"),
        seller_id=trades.seller_id.min(),
        first_at=trades.made_at.min(),
        last_at=trades.made_at.max(),
        seq=trades.seq.max(),
    )
    asked = trades.semi_join(_often_round(sellers, context), list(_MARKET))
    partners = asked.group_by(*cell).agg(partners=asked.buyer_no.nunique())
    payments = tables["payments"]
    payments = payments.filter(payments.trade_id.nullif("").isnull(), payments.paid_at <= moment(context))
    known = groups(tables)
    payments = payments.left_join(known.rename(p="org", payer="group"), [("payer_id", "p")]).drop("p")
    payments = payments.left_join(known.rename(q="org", payee="group"), [("payee_id", "q")]).drop("q")
    paid = payments.select(
        seller_group=ibis.coalesce(payments.payer, payments.payer_id),
        buyer_group=ibis.coalesce(payments.payee, payments.payee_id),
    ).distinct()
    names = group_names(tables, context)
    for side in ("seller", "buyer"):
        numbers = names.select(**{f"{side}_no": "no", "of": "group"})
        paid = paid.inner_join(numbers, [(f"{side}_group", "of")]).drop("of", f"{side}_group")
    funded = asked.semi_join(paid, ["seller_no", "buyer_no"])
    funded = funded.group_by(*cell).agg(funded=funded.buyer_no.nunique())
    for more in (partners, funded):
        sellers = sellers.left_join(more, list(cell)).drop(*(f"{name}_right" for name in cell))
    sellers = sellers.inner_join(names.rename(seller_group="group"), [("seller_no", "no")])
    sellers = sellers.drop("seller_no", "no")
    return sellers.mutate(funded=sellers.funded.fill_null(0)).order_by(*_MARKET, "seller_group")


def _often_round(sellers: Any, context: Context) -> Any:
    """The markets where the amounts of some seller's rivals are round often enough to tell anything."""
    rules = context.rules
    usual = rules.fraction("S18", "usual_from")
    markets = sellers.group_by(*_MARKET).agg(
        of_all=total(sellers.trades).cast("int64"), all_rounded=total(sellers.rounded).cast("int64")
    )
    of_market = sellers.inner_join(markets, list(_MARKET))
    others = of_market.of_all - of_market.trades
    told = of_market.filter(
        of_market.trades >= rules.whole("S18", "trades_from"),
        others > 0,
        (of_market.all_rounded - of_market.rounded) * usual.denominator >= others * usual.numerator,
    )
    return told.select(*_MARKET).distinct()


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a market and seller."""
    looked_at: list[tuple[tuple[Row, Fraction, Fraction] | None, float]] = []
    for _, group in groupby(rows, key=itemgetter(*_MARKET)):
        looked_at.extend(_looked_at(list(group), context))
    for (row, usual, middle), chance, rate in unlikely(
        looked_at, context.rules.fraction("S18", "false_discoveries_below")
    ):
        yield _finding(row, usual, middle, (chance, rate), context)


def _looked_at(
    sellers: Sequence[Row], context: Context
) -> Iterator[tuple[tuple[Row, Fraction, Fraction] | None, float]]:
    rules = context.rules
    trades, rounded = sum(row["trades"] for row in sellers), sum(row["rounded"] for row in sellers)
    counted = [row for row in sellers if row["partners"] is not None]  # all of a market, or nobody
    middle = Fraction(median(Fraction(row["trades"], row["partners"]) for row in counted) if counted else 0)
    for row in sellers:
        others = trades - row["trades"]
        if row["trades"] < rules.whole("S18", "trades_from") or not others:
            continue
        usual = Fraction(rounded - row["rounded"], others)
        can_tell = counted and rules.fraction("S18", "usual_from") <= usual < 1
        if can_tell and row["trades"] >= rules.whole("S18", "times_middle") * middle * row["partners"]:
            yield (row, usual, middle), at_most(row["rounded"], row["trades"], float(usual))
        else:
            yield None, 1


def _finding(
    row: Row, usual: Fraction, middle: Fraction, by: tuple[Fraction, Fraction], context: Context
) -> Finding:
    return tell(
        "S18",
        context,
        zh="涉嫌虚假交易（间接迹象，线索）",
        en="suspected wash trading by indirect signs, a clue only",
        screen=True,
        market=market_of(row),
        window=(row["first_at"], row["last_at"]),
        subjects=(row["seller_id"], row["seller_group"]),
        statistic={
            "trades": row["trades"],
            "round_bp": whole(Fraction(10_000 * row["rounded"], row["trades"])),
            "round_of_others_bp": whole(10_000 * usual),
            "partners": row["partners"],
            "trades_a_partner_bp": whole(Fraction(10_000 * row["trades"], row["partners"])),
            "middle_seller_bp": whole(10_000 * middle),
            "buyers_it_paid": row["funded"],
            "by_chance_bp": whole(10_000 * by[0]),
            "false_discovery_rate_bp": whole(10_000 * by[1]),
        },
        evidence=(row["seq"],),
        innocent=(
            because("metered", "按量计费，金额自然不整", "metered prices are never round"),
            because("regulars", "少数长期客户", "a few regular customers"),
            because("price-list", "公开价目", "a price list", Checked.RULED_OUT),
        ),
    )


RULE = Rule(
    rule_id="S18",
    needs={
        "trades": ("trade_id", "seller_id", "buyer_id", "amount_minor", "agreed_at"),
        "orgs": ("org_id", "controller_id"),
    },
    uses=("payments",),
    expression=expression,
    findings=findings,
)
