"""S20: a broker whose lists of matches put those it is tied to ahead of the neutral order (self-preference).

What a broker sends its client is stated with the neutral order it was taken from. A listing gains as many
places as it was sent ahead of its neutral one (what was not sent follows in the neutral order, so gains and
losses of a list add up to nothing). If a broker departs from the order for reasons that have nothing to do
with its ties, those gains fall on any listing alike: exchanging the labels gives the mean (nothing) and the
variance of what the tied ones gain, list by list, exactly. A screen: it says where to ask.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from itertools import groupby
from typing import Any, Final

import ibis

from supervision.brokerage import groups, with_side
from supervision.context import Context, Row, Rule, Tables
from supervision.finding import (
    Checked,
    Confidence,
    Explanation,
    Finding,
    RuleClass,
    Severity,
    Window,
    Words,
    named,
    seqs,
)
from supervision.trades import moment

_LIST: Final = ("broker_id", "presentation_id")
_ORDER: Final = (*_LIST, "neutral_rank", "listing_id")


@dataclass(frozen=True, slots=True)
class Shown:
    """One list: what its tied listings gained, and what chance would have them gain."""

    presentation_id: str
    gained: int
    variance: Fraction
    sellers: tuple[str, ...]
    client_id: str
    sent_at: datetime
    seq: int | None


def expression(tables: Tables, context: Context) -> Any:
    """The listings with a known place in a known list; `tied` where a tie to the seller is known."""
    ranking = tables["ranking"]
    ranking = ranking.filter(ranking.neutral_rank.notnull(), ranking.sent_at <= moment(context))
    ranking = ranking.filter(ibis.and_(*(ranking[name].notnull() for name in (*_LIST, "listing_id"))))
    pairs = ranking.select(*_LIST, "listing_id", "seller_id", "sent_at")
    tied = ibis.union(
        _mandated(tables, pairs), _controlled(tables, pairs), _held(tables, pairs, context), distinct=True
    )
    tied = tied.mutate(tied=ibis.literal(1, type="int64"))
    marked = ranking.left_join(tied, ["presentation_id", "listing_id"])
    marked = marked.select(*ranking.columns, tied=marked.tied.fill_null(0))
    return marked.order_by(*_ORDER)


def _mandated(tables: Tables, pairs: Any) -> Any:
    """The listings of sellers whose mandate the broker held when it sent the list."""
    mandates = with_side(tables)
    mandates = mandates.filter(mandates.mandated_side.fill_null("PROVIDER") == "PROVIDER")
    mandates = mandates.select(
        "signed_at",
        "ends_at",
        "revoked_at",
        by="broker_id",
        of="client_id",
        only=mandates.listing_id.nullif(""),
    )
    found = pairs.inner_join(mandates, [("broker_id", "by"), ("seller_id", "of")])
    found = found.filter(
        found.only.isnull() | (found.only == found.listing_id),
        found.signed_at <= found.sent_at,
        found.ends_at.isnull() | (found.ends_at >= found.sent_at),
        found.revoked_at.isnull() | (found.revoked_at >= found.sent_at),
    )
    return found.select("presentation_id", "listing_id")


def _controlled(tables: Tables, pairs: Any) -> Any:
    """The listings of sellers under the broker's own controller."""
    known = groups(tables)
    found = pairs.inner_join(known.select(b="org", b_group="group"), [("broker_id", "b")])
    found = found.inner_join(known.select(v="org", v_group="group"), [("seller_id", "v")])
    return found.filter(found.b_group == found.v_group).select("presentation_id", "listing_id")


def _held(tables: Tables, pairs: Any, context: Context) -> Any:
    """The listings of sellers in which the broker has a share, or the other way round, from 5 % on."""
    limit = context.rules.whole("BR4", "ownership") * 100
    holdings = tables["holdings"]
    part = (holdings.share * 1_000_000).round().cast("int64")
    holdings = holdings.filter(part >= limit)
    ties = ibis.union(
        holdings.select(x="holder_id", y="held_id"),
        holdings.select(x="held_id", y="holder_id"),
        distinct=True,
    )
    found = pairs.inner_join(ties, [("broker_id", "x"), ("seller_id", "y")])
    return found.select("presentation_id", "listing_id")


def findings(rows: Iterator[Row], context: Context) -> Iterator[Finding]:
    """One finding a broker, over all its lists."""
    least = context.rules.whole("S20", "lists_from")
    deviations = context.rules.whole("S20", "deviations_from")
    for broker_id, of_broker in groupby(rows, key=lambda row: str(row["broker_id"])):
        lists = [
            one
            for _, of_list in groupby(of_broker, key=lambda row: row["presentation_id"])
            if (one := shown(list(of_list))) is not None
        ]
        gained = sum(one.gained for one in lists)
        variance = sum((one.variance for one in lists), Fraction(0))
        counted = [one for one in lists if one.variance]
        if len(counted) < least or gained <= 0 or gained * gained < deviations * deviations * variance:
            continue
        yield _finding(broker_id, counted, gained, variance, context)


def shown(rows: Sequence[Row]) -> Shown | None:
    """A list with its gains; None where it has no tied listing, or nothing else."""
    sent = sorted((row for row in rows if row["sent_rank"] is not None), key=lambda row: row["sent_rank"])
    left = [row for row in rows if row["sent_rank"] is None]
    order = sorted(rows, key=lambda row: (row["neutral_rank"], row["listing_id"]))
    place = {row["listing_id"]: at for at, row in enumerate(order)}
    gains = {row["listing_id"]: place[row["listing_id"]] - at for at, row in enumerate((*sent, *left))}
    tied = [row for row in rows if row["tied"]]
    many, few = len(rows), len(tied)
    if few in {0, many}:
        return None
    squares = sum(gain * gain for gain in gains.values())
    first = rows[0]
    return Shown(
        presentation_id=first["presentation_id"],
        gained=sum(gains[row["listing_id"]] for row in tied),
        variance=Fraction(few * (many - few) * squares, many * (many - 1)),
        sellers=named(row["seller_id"] for row in tied if gains[row["listing_id"]] > 0),
        client_id=first["client_id"],
        sent_at=first["sent_at"],
        seq=first["seq"],
    )


def _finding(
    broker_id: str, lists: Sequence[Shown], gained: int, variance: Fraction, context: Context
) -> Finding:
    times = [one.sent_at for one in lists]
    return Finding(
        rule_id="S20",
        rule_version=context.rules.version("S20"),
        severity=Severity.MEDIUM,
        says=Words(
            zh="涉嫌在撮合推荐中自我优待",
            en="suspected self-preference in the matches a broker sends",
        ),
        market=None,
        subjects=named((broker_id, *(seller for one in lists for seller in one.sellers))),
        objects=tuple(sorted(one.presentation_id for one in lists)),
        statistic={
            "broker_id": broker_id,
            "lists": len(lists),
            "lists_in_favour": sum(one.gained > 0 for one in lists),
            "lists_against": sum(one.gained < 0 for one in lists),
            "places_gained": gained,
            "chance_variance": str(variance),
            "clients": len({one.client_id for one in lists}),
            "null_model": "exchangeable-labels",
        },
        threshold=context.rules.threshold("S20"),
        legal_basis=context.rules.legal_basis("S20"),
        confidence=Confidence.LOW
        if len(lists) < 2 * context.rules.whole("S20", "lists_from")
        else Confidence.HIGH,
        window=Window(min(times), max(times)),
        evidence_seqs=seqs(one.seq for one in lists),
        innocent_explanations=(
            Explanation(
                "neutral-order",
                Words(zh="中立排序本就靠前", en="the neutral order has them in front by itself"),
                Checked.RULED_OUT,
            ),
            Explanation(
                "client-asked",
                Words(zh="委托人要求", en="the client asked for these sellers; the reasons stated say why"),
                Checked.OPEN,
            ),
            Explanation(
                "unmeasured-merit",
                Words(zh="规则未计入的长处", en="a merit that the points do not know"),
                Checked.OPEN,
            ),
        ),
        rule_class=RuleClass.SCREEN,
    )


RULE = Rule(
    rule_id="S20",
    needs={
        "ranking": ("presentation_id", "broker_id", "listing_id", "seller_id", "neutral_rank", "sent_rank"),
        "mandates": ("broker_id", "client_id", "listing_id", "signed_at", "ends_at"),
    },
    uses=("orgs", "holdings"),
    expression=expression,
    findings=findings,
    cites=("BR4",),
)
