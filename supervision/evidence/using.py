"""How what was sold is used, and by what terms: the rows that one trade's facts make of that."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date
from typing import Any, Final

from base.calendar import months_after
from supervision.evidence.facts import Fact, whole

TableRow = tuple[str, Mapping[str, Any]]
_TAKEN: Final = frozenset({"DLV.DOWNLOAD", "DLV.RELEASE_KEY"})  # a copy is in somebody's hands
_COUNTS: Final[Mapping[str, str]] = {"API": "calls", "SHARE": "downloads", "QUERY": "compute_jobs"}
_OFFERS: Final = frozenset({"TRD.OFFER", "TRD.COUNTER_OFFER", "TRD.AWARD"})


def usage_of(trade_id: str, facts: Iterable[Fact]) -> Iterator[TableRow]:
    """What was used, by UTC day: copies taken, calls, questions that were answered.

    A delivery by download with no download recorded apart is one itself. A statement of metered uses whose
    opening is gone, or from before it told the days, counts on the day of the statement.
    """
    days: dict[date, dict[str, Any]] = {}
    downloaded = False
    for fact in facts:
        finished = fact.event in _TAKEN and fact.said.get("complete", True) is True
        delivered = fact.event == "TRD.DELIVERED" and fact.said.get("mode") == "download" and not downloaded
        if finished or delivered:
            downloaded = True
            row = _day(days, trade_id, fact, fact.at.astimezone(UTC).date())
            row["downloads"] += 1
            row["bytes"] += whole(fact.opened.get("bytes", fact.said.get("bytes"))) or 0
        elif fact.event == "DLV.USAGE":
            _metered(days, trade_id, fact)
    for row in days.values():
        yield "usage", row


def _metered(days: dict[date, dict[str, Any]], trade_id: str, fact: Fact) -> None:
    column = _COUNTS.get(str(fact.said.get("kind")), "calls")
    told = fact.opened.get("days")
    if not told:
        uses = whole(fact.said.get("uses")) or 0
        told = [{"day": fact.at.astimezone(UTC).date().isoformat(), "uses": uses}]
    for one in told:
        row = _day(days, trade_id, fact, date.fromisoformat(one["day"]))
        row[column] += whole(one["uses"]) or 0
        row["bytes"] += whole(one.get("bytes")) or 0


def _day(days: dict[date, dict[str, Any]], trade_id: str, fact: Fact, day: date) -> dict[str, Any]:
    counts = dict.fromkeys(("calls", "downloads", "compute_jobs", "bytes"), 0)
    return days.setdefault(day, {"trade_id": trade_id, "day": day, **counts, "seq": fact.seq})


def access_of(trade_id: str, facts: Iterable[Fact]) -> Iterator[TableRow]:
    """Who took a copy, and for whom. One that does not say who was taken by the buyer."""
    buyer_id: str | None = None
    for fact in facts:
        if fact.event == "TRD.CONTRACT":
            buyer_id = fact.said.get("buyer_id")
        elif fact.event in _TAKEN:
            opened = fact.opened
            yield (
                "access",
                {
                    "trade_id": trade_id,
                    "entitlement_id": fact.said.get("entitlement_id"),
                    "org_id": opened.get("taken_by") or (None if fact.opening_missing else buyer_id),
                    "recipient_id": opened.get("recipient"),
                    "purpose": opened.get("purpose"),
                    "at": fact.at,
                    "bytes": whole(opened.get("bytes")),
                    "seq": fact.seq,
                },
            )


def clauses_of(trade_id: str, facts: Iterable[Fact], licence_of_data: str | None) -> Iterator[TableRow]:
    """The terms in words that a contract bears, each for the licence's term; the term itself is one of them.

    What it is for, in which scenario, under which class of licence and by which words of the provider's.
    What an erased opening said is not there.
    """
    words: dict[str, Any] = {"licence_of_data": licence_of_data}
    months: int | None = None
    for fact in facts:
        if fact.event in {"TRD.INQUIRE", *_OFFERS}:
            words |= {name: fact.opened[name] for name in ("purpose", "scenario") if name in fact.opened}
        if fact.event in _OFFERS:
            months = whole(fact.opened.get("term_months"))
        elif fact.event == "TRD.CONTRACT":
            words["licence_class"] = fact.opened.get("licence_class")
            term = {
                "starts_at": fact.at,
                "ends_at": None if months is None else months_after(fact.at, months),
            }
            said = {name: text for name, text in words.items() if text}
            if months is not None:
                said["term"] = None
            for kind in sorted(said):
                row = {"clause_id": f"{trade_id}:{kind}", "trade_id": trade_id, "kind": kind}
                yield "clauses", row | term | {"text": said[kind], "seq": fact.seq}
            return
