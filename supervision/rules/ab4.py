"""AB4: exclusive dealing (限定交易, 二选一) of a dominant undertaking: by its clauses, or by what buyers do.

- clauses: more than half of the market's buyers are bound, each by a clause of more than a year (or without
  an end) that keeps it from others. `clauses` have a kind or a text; a text is read by a fixed list of words.
- switched: three buyers and more, each of whom bought from it for less than four fifths before a turn of the
  month, buy from it for 19/20 and more in the two months after, which chance (its share of all trades) would
  hardly give; the false discovery rate is kept over markets and turns.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import ibis

from base.calendar import months_after
from base.clock import SHANGHAI
from supervision.abuse import CITES, NEEDS, suspected
from supervision.chance import at_least, unlikely
from supervision.context import Context, Row, Rule, Tables, market_of
from supervision.dominance import dominant
from supervision.finding import Checked, Finding
from supervision.portable import total, wide
from supervision.saying import because
from supervision.shares import whole
from supervision.trades import counted_sales

_MARKET: Final = ("category", "geo", "of_group")
_KINDS: Final = frozenset(
    {"exclusive", "exclusivity", "exclusive_dealing", "sole_source", "独家", "限定交易"}
)
_WORDS: Final = re.compile(
    r"独家(?:采购|购买|合作|使用|交易)|仅(?:可|能|得)?(?:向|从)(?:甲方|卖方|供方|本方)"
    r"|不得(?:向|从|与)?(?:任何)?(?:其他|第三|竞争)[^，。；]{0,12}(?:采购|购买|交易|合作)"
    r"|\b(?:exclusively|solely|only) (?:from|with) the (?:seller|provider|supplier)\b"
    r"|\bshall not (?:buy|purchase|obtain)\b[^.;]{0,40}\b(?:others?|third part(?:y|ies)|competitors?)\b",
    re.IGNORECASE,
)


def binding(kind: str | None, text: str | None) -> bool:
    """Whether a clause keeps the buyer from others, by its kind or its words."""
    return (kind or "").strip().lower() in _KINDS or bool(_WORDS.search(text or ""))


def expression(tables: Tables, context: Context) -> Any:
    """Clauses of the dominant's sales; and by buyer and month what was bought of it and of all."""
    by = dominant(tables, context).rename(of_group="group")
    sold = counted_sales(tables, context)
    sold = sold.inner_join(by, ["category", "geo"])
    sold = sold.filter(sold.buyer_group != sold.of_group, sold.seller_group != sold.buyer_group)
    buyers = sold.group_by(*_MARKET).agg(buyers=sold.buyer_group.nunique())
    own = sold.filter(sold.seller_group == sold.of_group)
    clauses = tables["clauses"].select(
        "clause_id", "trade_id", "kind", "text", "starts_at", "ends_at", c_seq="seq"
    )
    clauses = clauses.inner_join(own, "trade_id").inner_join(buyers, list(_MARKET))
    clauses = clauses.select(
        *(
            *_MARKET,
            "buyer_group",
            "seller_id",
            "clause_id",
            "trade_id",
            "kind",
            "text",
            "buyers",
            "c_seq",
            "seq",
        ),
        starts_at=ibis.coalesce(clauses.starts_at, clauses.made_at),
        ends_at=clauses.ends_at,
        month=ibis.literal(""),
        amount=wide(ibis.literal(0)),
        of_it=wide(ibis.literal(0)),
        trades=ibis.literal(0, type="int64"),
        its_trades=ibis.literal(0, type="int64"),
    )
    sold = sold.mutate(
        month=(sold.made_at + ibis.interval(hours=8)).strftime("%Y-%m"),
        its=sold.seller_group == sold.of_group,
    )
    months = sold.group_by(*_MARKET, "buyer_group", "month").agg(
        seller_id=sold.seller_id.max(where=sold.its),
        seq=sold.seq.max(where=sold.its),
        amount=total(sold.amount_minor),
        of_it=total(sold.amount_minor, where=sold.its).fill_null(0),
        trades=sold.count(),
        its_trades=sold.its.sum().cast("int64"),
    )
    text, time = ibis.null("string"), ibis.null("timestamp")
    months = months.mutate(
        clause_id=text, trade_id=text, kind=text, text=text, buyers=ibis.null("int64"), starts_at=time,
        ends_at=time, c_seq=ibis.null("int64"),
    )  # fmt: skip
    both = ibis.union(clauses, months.select(*clauses.columns), distinct=False)
    return both.order_by(*_MARKET, "month", "buyer_group", "starts_at", "clause_id")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a market, dominant undertaking and way."""
    looked_at: list[tuple[tuple[list[Row], datetime, int] | None, float]] = []
    for _, group in groupby(rows, key=itemgetter(*_MARKET)):
        members = list(group)
        clauses = [row for row in members if row["clause_id"] is not None and _binds(row, context)]
        bound = {row["buyer_group"] for row in clauses}
        half = context.rules.fraction("AB4", "bound_above")
        if clauses and len(bound) > half * clauses[0]["buyers"]:
            yield _by_clauses(clauses, len(bound), context)
        looked_at.extend(_switches([row for row in members if row["clause_id"] is None], context))
    for (switched, turn, eligible), chance, rate in unlikely(
        looked_at, context.rules.fraction("AB4", "false_discoveries_below")
    ):
        yield _by_switching(switched, turn, eligible, (chance, rate), context)


def _binds(row: Row, context: Context) -> bool:
    years = context.rules.whole("AB4", "lasting_above")
    lasting = row["ends_at"] is None or row["ends_at"] > months_after(row["starts_at"], 12 * years)
    return lasting and row["starts_at"] <= context.as_of and binding(row["kind"], row["text"])


def _switches(
    months: Sequence[Row], context: Context
) -> Iterator[tuple[tuple[list[Row], datetime, int] | None, float]]:
    """Of each turn of a month: who switched, and how likely so many would."""
    rules = context.rules
    below, reached = rules.fraction("AB4", "share_below"), rules.fraction("AB4", "share_from")
    share = Fraction(sum(row["its_trades"] for row in months), sum(row["trades"] for row in months) or 1)
    of_buyer: defaultdict[str, list[Row]] = defaultdict(list)
    for row in months:
        of_buyer[row["buyer_group"]].append(row)
    here = context.as_of.astimezone(SHANGHAI).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for turn in (months_after(here, -back) for back in range(2, 11)):
        name, end = f"{turn:%Y-%m}", f"{months_after(turn, 2):%Y-%m}"
        switched: list[Row] = []
        chances = []
        for buyer in sorted(of_buyer):
            before = [row for row in of_buyer[buyer] if row["month"] < name]
            after = [row for row in of_buyer[buyer] if name <= row["month"] < end]
            many = sum(row["trades"] for row in after)
            if sum(row["trades"] for row in before) < 2 or many < 2:  # noqa: PLR2004 - once is no habit
                continue
            chances.append(float(share) ** many)
            loose = sum(row["of_it"] for row in before) < below * sum(row["amount"] for row in before)
            if loose and sum(row["of_it"] for row in after) >= reached * sum(row["amount"] for row in after):
                switched.extend(after)
        many = len({row["buyer_group"] for row in switched})
        told = (switched, turn, len(chances)) if many >= rules.whole("AB4", "switched_from") else None
        if chances:
            yield told, at_least(many, len(chances), sum(chances) / len(chances))


def _by_clauses(clauses: Sequence[Row], bound: int, context: Context) -> Finding:
    return suspected(
        "AB4",
        context,
        zh="限定交易（排他条款）",
        en="exclusive dealing by clauses",
        market=market_of(clauses[0]),
        window=(min(row["starts_at"] for row in clauses), context.as_of),
        subjects=(row["seller_id"] for row in clauses),
        objects=(name for row in clauses for name in (row["clause_id"], row["trade_id"])),
        statistic={"kind": "clauses", "buyers_bound": bound, "buyers": clauses[0]["buyers"]},
        evidence=(number for row in clauses for number in (row["seq"], row["c_seq"])),
        innocent=(
            because("investment", "保护专项投资", "an investment for this buyer is protected"),
            because("secrecy", "保密需要", "secrecy needs it"),
            because("short", "一年以内", "a year or less", Checked.RULED_OUT),
        ),
    )


def _by_switching(
    switched: Sequence[Row],
    turn: datetime,
    eligible: int,
    by: tuple[Fraction, Fraction],
    context: Context,
) -> Finding:
    buyers = sorted({row["buyer_group"] for row in switched})
    end = min(months_after(turn, 2).astimezone(UTC), context.as_of)
    return suspected(
        "AB4",
        context,
        zh="限定交易（客户同时转为只与其交易）",
        en="exclusive dealing: buyers turn to it alone at once",
        market=market_of(switched[0]),
        window=(turn.astimezone(UTC), end),
        subjects=(row["seller_id"] for row in switched),
        objects=buyers,
        statistic={
            "kind": "switched",
            "turn": f"{turn:%Y-%m}",
            "buyers_switched": len(buyers),
            "buyers_looked_at": eligible,
            "by_chance_bp": whole(10_000 * by[0]),
            "false_discovery_rate_bp": whole(10_000 * by[1]),
        },
        evidence=(row["seq"] for row in switched),
        innocent=(
            because("better", "产品更优或更便宜", "it is simply better or cheaper"),
            because("season", "季节性采购", "seasonal buyers"),
            because("exit", "竞争者退出", "rivals left the market"),
        ),
    )


RULE = Rule(
    rule_id="AB4",
    needs=NEEDS,
    uses=("flags", "clauses"),
    cites=CITES,
    expression=expression,
    findings=findings,
)
