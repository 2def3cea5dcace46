"""What stood and what happened besides trades: listings, rights, quality, certificates, exports, cases."""

from typing import Any, Final

import ibis

from supervision.context import Tables
from supervision.statistics.facts import COUNTED, Period, settled

TRADE_CERTIFICATE: Final = "TRD.ISSUE_TRADE_CERT"
_OPENS: Final = ("certified", "reinstated")
_ENDS: Final = ("suspended", "revoked", "expired", "exited")


def listings(tables: Tables, period: Period) -> Any:
    """Listings by category, whether of public data, and whether free: on offer at the end, and new."""
    rows = _on_offer(tables, period)
    free = rows.list_price_minor.fill_null(-1) == 0
    rows = rows.mutate(
        category=rows.category.fill_null(""),
        public_data=rows.public_data.fill_null(False),
        free=free,
        is_new=period.holds(rows.listed_at),
    )
    return (
        rows.group_by("category", "public_data", "free")
        .agg(on_offer=rows.stands.sum().cast("int64"), entered=rows.is_new.sum().cast("int64"))
        .order_by("category", "public_data", "free")
    )


def _on_offer(tables: Tables, period: Period) -> Any:
    rows = tables["listings"]
    rows = rows.filter(rows.listed_at.notnull(), period.over(rows.listed_at))
    stands = rows.delisted_at.isnull() | ~period.over(rows.delisted_at)
    return rows.mutate(stands=stands.fill_null(True))


def rights(tables: Tables, period: Period) -> Any:
    """Registered rights by kind: standing at the end, entered and ended in the period."""
    rows = tables["rights"]
    rows = rows.filter(period.over(rows.entered_at))
    standing = rows.ended_at.isnull() | ~period.over(rows.ended_at)
    entered, ended = period.holds(rows.entered_at), period.holds(rows.ended_at)
    return (
        rows.group_by("right")
        .agg(
            standing=standing.fill_null(True).cast("int64").sum(),
            entered=entered.cast("int64").sum(),
            ended=ended.fill_null(False).cast("int64").sum(),
        )
        .order_by("right")
    )


def quality(tables: Tables, period: Period) -> Any:
    """Of the newest measure of each listing on offer at the end: how many, and their sum in tenths."""
    rows = tables["quality"]
    rows = rows.filter(period.over(rows.measured_at), rows.score_tenths.notnull())
    newest = [rows.measured_at.desc(), rows.seq.desc()]
    rows = rows.mutate(nth=ibis.row_number().over(group_by="listing_id", order_by=newest))
    offers = _on_offer(tables, period)
    offers = offers.filter(offers.stands).select("listing_id")
    rows = rows.filter(rows.nth == 0).semi_join(offers, "listing_id")
    tenths = rows.score_tenths.sum().fill_null(0).cast("int64")
    return rows.aggregate(listings=rows.count(), tenths=tenths)


def certificates(tables: Tables, period: Period) -> Any:
    """Certificates of brokers: what happened to them in the period, by event."""
    rows = tables["certificate_events"]
    rows = rows.filter(period.holds(rows.at))
    return rows.group_by("event").agg(times=rows.count()).order_by("event")


def certificates_standing(tables: Tables, period: Period) -> Any:
    """How many certificates were in force at the end, and how many of a broker with a counted trade."""
    events = tables["certificate_events"]
    events = events.filter(period.over(events.at), events.event.isin((*_OPENS, *_ENDS)))
    newest = [events.at.desc(), events.seq.desc()]
    events = events.mutate(nth=ibis.row_number().over(group_by="cert_id", order_by=newest))
    last = events.filter(events.nth == 0, events.event.isin(_OPENS)).select("cert_id")
    rows = tables["certificates"]
    rows = rows.filter(period.over(rows.valid_from), ~period.over(rows.valid_to)).semi_join(last, "cert_id")
    trades = settled(tables, period)
    brokers = trades.filter(trades.standing == COUNTED).select("broker_id").distinct()
    used = rows.left_join(brokers, rows.org_id == brokers.broker_id)
    return used.aggregate(in_force=used.cert_id.count(), used=used.broker_id.count())


def trade_certificates(tables: Tables, period: Period) -> Any:
    """How many trade certificates the exchange issued in the period."""
    rows = tables["trade_events"]
    rows = rows.filter(rows.event == TRADE_CERTIFICATE, period.holds(rows.at))
    return rows.aggregate(issued=rows.count())


def exports(tables: Tables, period: Period) -> Any:
    """Declarations of the period by route: how many, and of how many persons."""
    rows = tables["exports"]
    rows = rows.filter(period.holds(rows.declared_at))
    return (
        rows.group_by(route=rows.route.fill_null(""))
        .agg(declarations=rows.count(), persons=rows.persons_declared.sum().fill_null(0).cast("int64"))
        .order_by("route")
    )


def cases(tables: Tables, period: Period) -> Any:
    """What happened in cases in the period, by event."""
    rows = tables["case_events"]
    rows = rows.filter(period.holds(rows.at))
    return rows.group_by("event").agg(times=rows.count()).order_by("event")


def answers(tables: Tables, period: Period) -> Any:
    """The lines of the newest answer of each unit to each year's survey, as known at the end."""
    rows = tables["survey_lines"]
    rows = rows.filter(period.over(rows.answered_at))
    place = ibis.rank().over(group_by=("org_id", "year"), order_by=rows.seq.desc())
    rows = rows.mutate(place=place)
    return rows.filter(rows.place == 0).drop("place").order_by("year", "org_id", "survey_id", "line_no")


QUERIES: Final = (
    listings,
    rights,
    quality,
    certificates,
    certificates_standing,
    trade_certificates,
    exports,
    cases,
    answers,
)
