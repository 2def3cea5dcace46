"""AB7: dominance used through data, algorithm or technique: calls throttled, sellers demoted.

- throttled: of one product of a dominant undertaking a buyer's calls are refused five times as often as the
  other buyers', one in twenty at least (`throttling`, a gateway's report);
- demoted: a broker through whom half of all mediated sales go sends one seller's listings behind their
  neutral place, list by list (`ranking`; chance is that of `S20`, exact; three deviations).

The false discovery rate is kept over all buyers, and over all sellers. A screen.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import groupby
from math import sqrt
from typing import Any, Final

import ibis

from supervision.abuse import CITES, NEEDS, suspected
from supervision.brokerage import groups, mediated
from supervision.chance import at_least, beyond, unlikely
from supervision.context import Context, Row, Rule, Tables
from supervision.dominance import dominant
from supervision.finding import Checked, Finding, Market
from supervision.portable import total, wide
from supervision.rules.s20 import Shown, shown
from supervision.saying import because
from supervision.shares import whole
from supervision.trades import UNDONE, counted_sales, literal_time, moment

_Told = tuple[Row, dict[str, Any], Sequence[Row]]
_ORDER: Final = (
    *("kind", "category", "geo", "seller_group", "product"),
    *("list_id", "neutral_rank", "listing_id", "buyer_group"),
)
_ANYWHERE: Final = Market("", "")


def expression(tables: Tables, context: Context) -> Any:
    """Calls asked and refused by buyer, of the dominant's products; and the lists of dominant brokers."""
    none, text, time = ibis.null("int64"), ibis.null("string"), ibis.null("timestamp")
    by = dominant(tables, context).rename(seller_group="group")
    sold = counted_sales(tables, context).semi_join(by, ["category", "geo", "seller_group"])
    sold = sold.filter(sold.seller_group != sold.buyer_group)
    sold = sold.mutate(product=ibis.coalesce(sold.product_id, sold.listing_id, ""))
    days = tables["throttling"].select("trade_id", "day", "asked", "refused", t_seq="seq")
    days = days.filter(days.day <= ibis.literal(context.as_of.date(), type="date"), days.asked.notnull())
    calls = days.inner_join(sold, "trade_id")
    calls = calls.group_by("category", "geo", "seller_group", "seller_id", "product", "buyer_group").agg(
        asked=total(calls.asked),
        refused=total(calls.refused.fill_null(0)),
        at=calls.day.min().cast("timestamp"),
        seq=calls.t_seq.max(),
    )
    calls = calls.mutate(
        kind=ibis.literal("throttled"), list_id=text, listing_id=text, client_id=text, neutral_rank=none,
        sent_rank=none, sent_at=time,
    )  # fmt: skip
    lists = _lists(tables, context).mutate(
        category=text, geo=text, product=text, asked=wide(none), refused=wide(none), at=time
    )
    names = calls.columns
    both = ibis.union(calls.select(*names), lists.select(*names), distinct=False)
    return both.order_by(*_ORDER)


def _lists(tables: Tables, context: Context) -> Any:
    """The lists of brokers with half of the mediated sales; the listed seller stands as `buyer_group`."""
    half = context.rules.fraction("AML24-1", "share")
    deals = mediated(tables, context)
    deals = deals.filter(
        ~deals.status.isin(UNDONE), deals.made_at > literal_time(context.market_since), deals.amount_minor > 0
    )
    shares = deals.group_by("broker_group").agg(amount=total(deals.amount_minor))
    shares = shares.cross_join(deals.agg(total=total(deals.amount_minor)))
    large = shares.filter(shares.amount * half.denominator >= shares.total * half.numerator)
    ranking = tables["ranking"]
    ranking = ranking.filter(ranking.neutral_rank.notnull(), ranking.sent_at <= moment(context))
    ranking = ranking.filter(
        ibis.and_(*(ranking[name].notnull() for name in ("presentation_id", "listing_id", "seller_id")))
    )
    known = groups(tables)
    ranking = ranking.left_join(known.rename(k="org", k_group="group"), [("broker_id", "k")]).drop("k")
    ranking = ranking.left_join(known.rename(v="org", v_group="group"), [("seller_id", "v")]).drop("v")
    ranking = ranking.mutate(
        broker_group=ibis.coalesce(ranking.k_group, ranking.broker_id),
        listed_group=ibis.coalesce(ranking.v_group, ranking.seller_id),
    )
    ranking = ranking.semi_join(large, "broker_group")
    return ranking.select(
        *("listing_id", "client_id", "neutral_rank", "sent_rank", "sent_at", "seq"),
        kind=ibis.literal("demoted"),
        list_id="presentation_id",
        seller_group="broker_group",
        seller_id="broker_id",
        buyer_group="listed_group",
    )


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a throttled buyer, one a demoted seller."""
    for kind, group in groupby(rows, key=lambda row: row["kind"]):
        look = _throttled if kind == "throttled" else _demoted
        looked_at = look(group, context)
        for (row, statistic, evidence), chance, rate in unlikely(
            list(looked_at), context.rules.fraction("AB7", "false_discoveries_below")
        ):
            told = {
                "kind": kind,
                **statistic,
                "by_chance_bp": whole(10_000 * chance),
                "false_discovery_rate_bp": whole(10_000 * rate),
            }
            yield _finding(row, told, evidence, context)


def _throttled(rows: Iterator[Row], context: Context) -> Iterator[tuple[_Told | None, float]]:
    rules = context.rules
    cell = ("category", "geo", "seller_group", "product")
    for _, group in groupby(rows, key=lambda row: [row[name] for name in cell]):
        buyers = list(group)
        asked, refused = sum(row["asked"] for row in buyers), sum(row["refused"] for row in buyers)
        for row in buyers:
            others = asked - row["asked"]
            if row["asked"] < rules.whole("AB7", "calls_from") or others < rules.whole("AB7", "calls_from"):
                continue
            own, usual = Fraction(row["refused"], row["asked"]), Fraction(refused - row["refused"], others)
            odd = (
                own >= rules.fraction("AB7", "refused_from")
                and own >= rules.whole("AB7", "times_others") * usual
            )
            statistic = {
                "product": row["product"],
                "refused_bp": whole(10_000 * own),
                "refused_of_others_bp": whole(10_000 * usual),
                "calls": row["asked"],
            }
            # where nobody else was refused at all, one refusal more is taken for theirs
            chance = at_least(row["refused"], row["asked"], float(max(usual, Fraction(1, others))))
            yield ((row, statistic, buyers) if odd else None, chance)


def _demoted(rows: Iterator[Row], context: Context) -> Iterator[tuple[_Told | None, float]]:
    least = context.rules.whole("AB7", "lists_from")
    deviations = context.rules.whole("AB7", "deviations_from")
    for _, group in groupby(rows, key=lambda row: row["seller_group"]):
        lists = [list(part) for _, part in groupby(group, key=lambda row: row["list_id"])]
        for listed in sorted({row["buyer_group"] for rows_ in lists for row in rows_}):
            of_it = [
                one for rows_ in lists if (one := _of_seller(rows_, listed)) is not None and one.variance
            ]
            if len(of_it) < least:
                continue
            lost = -sum(one.gained for one in of_it)
            variance = sum((one.variance for one in of_it), Fraction(0))
            odd = lost > 0 and lost * lost >= deviations * deviations * variance
            first = next(row for rows_ in lists for row in rows_ if row["buyer_group"] == listed)
            shown_in = {one.presentation_id for one in of_it}
            evidence = [row for rows_ in lists for row in rows_ if row["list_id"] in shown_in]
            statistic = {
                "demoted": listed,
                "lists": len(of_it),
                "places_lost": lost,
                "chance_variance": str(variance),
            }
            yield ((first, statistic, evidence) if odd else None, beyond(lost / sqrt(variance)))


def _of_seller(rows: Sequence[Row], listed: str) -> Shown | None:
    known = {"seller_id": listed}
    return shown(
        [
            {**row, **known, "presentation_id": row["list_id"], "tied": row["buyer_group"] == listed}
            for row in rows
        ]
    )


def _finding(row: Row, statistic: dict[str, Any], evidence: Sequence[Row], context: Context) -> Finding:
    times = [at for one in evidence for at in (one["at"], one["sent_at"]) if at is not None]
    throttled = statistic["kind"] == "throttled"
    return suspected(
        "AB7",
        context,
        zh="利用技术手段限制交易相对人" if throttled else "利用排序降低他人曝光",
        en="technical means used against a buyer" if throttled else "a seller demoted by ranking",
        market=Market(row["category"], row["geo"]) if throttled else _ANYWHERE,
        window=(min(times), max(times)),
        subjects=(row["seller_id"],),
        objects=(row["buyer_group"], *(one["list_id"] for one in evidence)),
        statistic=statistic,
        evidence=(one["seq"] for one in evidence),
        innocent=(
            because("security", "安全或滥用防护", "security, or a guard against abuse"),
            because("quota", "已用尽配额", "the buyer had used up its quota"),
            because("chance", "偶然", "chance", Checked.RULED_OUT),
        ),
    )


RULE = Rule(
    rule_id="AB7",
    needs=NEEDS,
    uses=("flags", "throttling", "ranking"),
    cites=CITES,
    expression=expression,
    findings=findings,
)
