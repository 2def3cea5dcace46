"""A broker's conduct score and its band: points with their reasons, by the rule table. Pure.

It begins with the base and loses points for what was decided against the broker within the window, each
matter once, by what weighs most. Clients that were served give a few points back, never above the base. The
band (A to D) follows from the score; A and B have to be earned, and who was revoked is in D. What the
score means for renewal and review is in `docs/brokers.md`; it decides neither. The numbers are those of
`CND-SCORE` in `rule_table.csv`, by the version in force on the day the score is made for.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from base.calendar import months_after
from base.canonical import canonical
from base.clock import rfc3339
from brokers.conduct.record import Cite, Incident, Record, Standing, Statement, fold
from brokers.rule_table import RulesInForce, in_force

FORM: Final = "databourse/conduct/v1"
RULE: Final = "CND-SCORE"
REVOKED: Final = "revoked"
_SUSPENDING: Final = frozenset({"suspended", "report_missed", "rectify_missed", "annual_failed"})
_WHOLE_BP: Final = 10_000
BANDS: Final = ("A", "B", "C", "D")


@dataclass(frozen=True, slots=True)
class Item:
    """One reason: what it is, the points it gives or takes, and the entries where it stands."""

    kind: str
    points: int
    standing: Standing
    at: datetime | None
    cites: tuple[Cite, ...]

    @property
    def counts(self) -> bool:
        return self.standing is Standing.COUNTS


@dataclass(frozen=True, slots=True)
class Score:
    """The result, by the first `size` entries of a log.

    `held` says why the band is lower than the points alone would make it.
    """

    log: str
    size: int
    record: Record
    as_of: datetime
    since: datetime
    score: int
    band: str
    held: str | None
    items: tuple[Item, ...]
    rules: RulesInForce

    def published(self) -> bytes:
        """The published form, canonical: the same bytes from a database and from a bundle."""
        return canonical(self.document())

    def document(self) -> dict[str, Any]:
        """What is published. Cites without `log` are of this log, the others of a closed one before it."""
        mandates = self.record.mandates
        waits = mandates.waits
        certified = self.record.certified_at
        return {
            "form": FORM,
            "org_id": self.record.org_id,
            "log": self.log,
            "size": self.size,
            "as_of": rfc3339(self.as_of),
            "since": rfc3339(self.since),
            "certified_at": None if certified is None else rfc3339(certified),
            "score": self.score,
            "band": self.band,
            "held": self.held,
            "items": [
                {
                    "kind": item.kind,
                    "points": item.points,
                    "standing": item.standing.value,
                    "at": None if item.at is None else rfc3339(item.at),
                    "cites": [cite.document() for cite in item.cites],
                }
                for item in self.items
            ],
            "mandates": {
                "accepted": mandates.accepted,
                "running": mandates.running,
                "fulfilled": mandates.fulfilled,
                "unfulfilled": len(mandates.unfulfilled),
                "clients_served": len(mandates.served),
                "median_days_to_contract": waits[(len(waits) - 1) // 2] if waits else None,
            },
            "rules": {
                value.cited: {
                    "value": value.whole,
                    "unit": value.unit,
                    "legal_basis": value.legal_basis,
                    "source_status": value.source_status,
                }
                for value in self.rules.of(RULE)
            },
        }


def score_on(org_id: str, statements: Iterable[Statement], *, as_of: datetime, log: str, size: int) -> Score:
    """The conduct score of an organisation out of statements in ledger order, for a moment.

    Raises KeyError, TypeError or ValueError for a statement that is not of its form.
    """
    record, rules = fold(org_id, statements, until=as_of), in_force(as_of)
    since = months_after(as_of, -rules.whole(RULE, "window"))
    items = (*_against(record, since, rules), *_for(record, rules))
    base = rules.whole(RULE, "base")
    points = max(0, min(base, base + sum(item.points for item in items if item.counts)))
    band, held = _band(points, record, items, rules)
    return Score(log, size, record, as_of, since, points, band, held, items, rules)


def _against(record: Record, since: datetime, rules: RulesInForce) -> list[Item]:
    """What is held against the broker, oldest first. Of one matter the heaviest counts, or the first."""
    points = {one.kind: -rules.whole(RULE, one.kind) for one in record.incidents}
    standing = [_standing(one, record, since) for one in record.incidents]
    heaviest: dict[str, int] = {}
    for number, one in enumerate(record.incidents):
        if standing[number] is Standing.COUNTS:
            best = heaviest.setdefault(one.matter, number)
            if points[one.kind] < points[record.incidents[best].kind]:
                heaviest[one.matter] = number
    for number, one in enumerate(record.incidents):
        if standing[number] is Standing.COUNTS and heaviest[one.matter] != number:
            standing[number] = Standing.SAME_MATTER
    return [
        Item(one.kind, points[one.kind], standing[number], one.at, one.cites)
        for number, one in enumerate(record.incidents)
    ]


def _standing(one: Incident, record: Record, since: datetime) -> Standing:
    if one.at <= since:
        return Standing.TOO_OLD
    if one.case_id in record.dismissed:
        return Standing.NO_CASE
    if one.case_id is not None and one.case_id not in record.decided:
        return Standing.OPEN_CASE
    # A fault that an authority found stands although its trade was taken back for it.
    if one.kind == "dispute_lost" and one.trade_id in record.undone:
        return Standing.TRADE_UNDONE
    return Standing.COUNTS


def _for(record: Record, rules: RulesInForce) -> list[Item]:
    """What the mandates say: clients served, and too many mandates that came to nothing."""
    mandates, most = record.mandates, rules.whole(RULE, "served_most")
    gained = rules.whole(RULE, "client_served")
    first = sorted(mandates.served.values(), key=lambda one: (one.log is None, one.seq or 0))[:most]
    found = [Item("client_served", gained, Standing.COUNTS, None, (cite,)) for cite in first]
    ended = mandates.fulfilled + len(mandates.unfulfilled)
    few = mandates.fulfilled * _WHOLE_BP < ended * rules.whole(RULE, "fulfilled_share")
    if ended >= rules.whole(RULE, "mandates_from") and few:
        points = -rules.whole(RULE, "mandates_unfulfilled")
        found.append(Item("mandates_unfulfilled", points, Standing.COUNTS, None, mandates.unfulfilled))
    return found


def _band(points: int, record: Record, items: Iterable[Item], rules: RulesInForce) -> tuple[str, str | None]:
    reached = next(
        (band for band in BANDS[:-1] if points >= rules.whole(RULE, f"band_{band.lower()}")), BANDS[-1]
    )
    counted = {item.kind for item in items if item.counts}
    limits: Mapping[str, str] = {}
    if REVOKED in counted:
        limits = {"revoked": "D"}
    elif counted & _SUSPENDING:
        limits = {"suspended": "C"}
    elif len(record.mandates.served) < rules.whole(RULE, "a_clients_from"):
        limits = {"short-record": "B"}
    for why, best in limits.items():
        if BANDS.index(reached) < BANDS.index(best):
            return best, why
    return reached, None
