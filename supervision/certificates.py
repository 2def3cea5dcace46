"""Was a broker's act under a certificate? The interval join behind BR1, as one expression.

Both ends of a validity belong to it. Between acts and certificate events precedence is time, then
ledger seq where two times are equal and both seqs are known. A revocation is for good.
"""

from datetime import datetime
from typing import Any, Final

import ibis

from supervision.context import Tables
from supervision.trades import literal_time

_OPENING: Final = ("certified", "reinstated")
_CLOSING: Final = ("suspended", "revoked", "expired", "exited")
_ANY_SECTOR: Final = "*"
_LEVELS: Final = (("core", 5), ("核心", 5), ("important", 4), ("重要", 4))
_ANY_RANK: Final = 9
_EVER: Final = literal_time(datetime(1000, 1, 1))  # noqa: DTZ001 - a literal of the engines' plain times
_NEVER: Final = literal_time(datetime(4000, 1, 1))  # noqa: DTZ001
_GRADE_LIMITS: Final = ((1, 4), (2, 2), (3, 1))
"""What a grade may handle at most (`BRK-QUAL`): important, general-3, general-2; general-1 has rank 0."""


def verdicts(tables: Tables, acts: Any) -> Any:
    """For each act and certificate of its broker: `cert_id`, `reason` (null: covered), `decided_by` (seq).

    `acts` has `act_id, broker_id, at, seq, category, level`. A broker without any certificate gets one
    row, with no certificate and the reason `none`.
    """
    certificates = tables["certificates"].rename(holder="org_id")
    events = _events(tables)
    certified = events.filter(events.what == "certified").select("cert_id").distinct()
    certified = certified.mutate(issued_here=True)
    cuts = events.filter(events.what == "scope_cut").group_by("cert_id").agg(cut_at=events.event_at.max())
    pairs = acts.left_join(certificates, [("broker_id", "holder")])
    pairs = pairs.left_join(_standing(pairs, events), ["act_id", "cert_id"]).drop(
        "act_id_right", "cert_id_right"
    )
    pairs = pairs.left_join(certified, "cert_id").drop("cert_id_right")
    pairs = pairs.left_join(cuts, "cert_id").drop("cert_id_right")
    return pairs.mutate(reason=_reason(pairs))


def uncovered(tables: Tables, acts: Any) -> Any:
    """The verdicts of the acts that no certificate of their broker covers."""
    judged = verdicts(tables, acts)
    judged = judged.mutate(covered=judged.reason.isnull().max().over(group_by="act_id"))
    return judged.filter(~judged.covered)


def not_plainly_covered(tables: Tables, acts: Any) -> Any:
    """The acts without those that some certificate covers beyond doubt: most of them, and cheap to see.

    Beyond doubt is a certificate for every sector, never revoked nor cut, between an event that opened it and
    the next, for a listing within its level. What is left is judged in full (`verdicts`).
    """
    listings = tables["listings"]
    levels = listings.select("listing_id", level_rank=_rank(listings.level).fill_null(0))
    acts = acts.left_join(levels, "listing_id").drop("listing_id_right")
    plain = _plain_windows(tables)
    acts = acts.mutate(level_rank=acts.level_rank.fill_null(0))
    acts = acts.anti_join(
        plain,
        [
            acts.broker_id == plain.holder,
            acts["at"] > plain.opened_at,
            acts["at"] < plain.closed_at,
            acts["at"] >= plain.valid_from,
            acts["at"] <= plain.valid_to,
            acts.level_rank <= plain.most_rank,
        ],
    )
    return acts.drop("level_rank")


def _plain_windows(tables: Tables) -> Any:
    """Certificates and the times in which nothing about them is in doubt."""
    events = _events(tables)
    doubtful = events.filter(events.what.isin(("revoked", "scope_cut"))).select("cert_id").distinct()
    told = events.filter(events.what.isin(_OPENING + _CLOSING), events.event_at.notnull())
    moments = told.group_by("cert_id", "event_at").agg(
        opens=(~told.what.isin(_CLOSING)).cast("int64").min(),
    )
    after = ibis.window(group_by="cert_id", order_by=moments.event_at.asc())
    moments = moments.mutate(closed_at=moments.event_at.lead(1).over(after))
    opened = moments.filter(moments.opens == 1).select("cert_id", "closed_at", opened_at="event_at")
    certificates = tables["certificates"].anti_join(doubtful, "cert_id")
    every = (certificates.sectors.length().fill_null(0) == 0) | certificates.sectors.contains(_ANY_SECTOR)
    certificates = certificates.filter(every, certificates.cert_id.notnull())
    certificates = certificates.select(
        "cert_id",
        holder="org_id",
        valid_from=certificates.valid_from.fill_null(_EVER),
        valid_to=certificates.valid_to.fill_null(_NEVER),
        most_rank=_limit(certificates).fill_null(_ANY_RANK),
    )
    windows = certificates.inner_join(opened, "cert_id")
    return windows.mutate(closed_at=windows.closed_at.fill_null(_NEVER))


def _limit(certificates: Any) -> Any:
    own = _rank(certificates.max_level)
    return ibis.least(own, ibis.coalesce(_grade_limit(certificates.grade), own))


def _events(tables: Tables) -> Any:
    events = tables["certificate_events"]
    return events.select("cert_id", what=events.event.lower(), event_at=events["at"], event_seq=events.seq)


def _standing(pairs: Any, events: Any) -> Any:
    """The last event that opened or closed the certificate before each act, and whether one revoked it."""
    asked = pairs.select("act_id", "cert_id", acted_at="at", acted_seq="seq")
    told = asked.inner_join(events, "cert_id")
    sequel = ibis.coalesce(told.event_seq > told.acted_seq, False)
    told = told.filter(
        told.what.isin(_OPENING + _CLOSING),
        (told.event_at < told.acted_at) | ((told.event_at == told.acted_at) & ~sequel),
    )
    latest_first = [
        told.event_at.desc(),
        told.event_seq.desc(nulls_first=False),
        told.what.isin(_CLOSING).desc(),
        told.what.asc(),
    ]
    told = told.mutate(
        nth=ibis.row_number().over(group_by=("act_id", "cert_id"), order_by=latest_first),
        revoked=(told.what == "revoked").max().over(group_by=("act_id", "cert_id")),
    )
    return told.filter(told.nth == 0).select(
        "act_id", "cert_id", "what", "event_at", "revoked", decided_by="event_seq"
    )


def _reason(pairs: Any) -> Any:
    judged_scope = pairs.cut_at.isnull() | (
        pairs["at"] >= pairs.cut_at
    )  # the row tells the scope after a cut
    limit = _limit(pairs)
    return ibis.cases(
        (pairs.cert_id.isnull(), "none"),
        (pairs["at"] < pairs.valid_from, "not-yet-valid"),
        (pairs["at"] > pairs.valid_to, "expired"),
        (pairs.revoked, "revoked"),
        (pairs.what == "suspended", "suspended"),
        (pairs.what == "expired", "expired"),
        (pairs.what == "exited", "exited"),
        (pairs.what.isnull() & pairs.issued_here.notnull(), "not-yet-certified"),
        (judged_scope & _outside_sector(pairs), "sector"),
        (judged_scope & (_rank(pairs.level) > limit), "level"),
        else_=ibis.null("string"),
    )


def _outside_sector(pairs: Any) -> Any:
    """A sector covers a category of that name and, as `transport`, the finer `transport/aviation`.

    Others write `transport.aviation`, `transport:aviation` or `transport>aviation`.
    """
    named = (pairs.sectors.length() > 0) & (pairs.category.fill_null("") != "")
    coarse = pairs.category.re_extract(r"^\s*([^/.:>]*[^/.:>\s])", 1)
    covered = pairs.sectors.contains(_ANY_SECTOR) | pairs.sectors.contains(pairs.category)
    return named & ~(covered | pairs.sectors.contains(coarse))


def _rank(level: Any) -> Any:
    """0 for general-1 up to 5 for core; null for what is no level."""
    text = level.lower()
    digit = text.re_extract(r"([1-4])", 1).nullif("").cast("int64") - 1
    return ibis.cases(*((text.contains(word), rank) for word, rank in _LEVELS), else_=digit)


def _grade_limit(grade: Any) -> Any:
    return ibis.cases(*((grade == number, rank) for number, rank in _GRADE_LIMITS), else_=ibis.null("int64"))
