"""Derive the evidence tables from ledger entries: once through the log, then trade by trade."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from base.canonical import canonical
from base.clock import rfc3339
from supervision.errors import UnusableLedger
from supervision.evidence.asked import asked_of
from supervision.evidence.auctions import bids_of
from supervision.evidence.clocked import Clocked
from supervision.evidence.counted import Counted
from supervision.evidence.crossing import Crossing
from supervision.evidence.facts import EntryWithOpening, Fact, read_facts, time, whole
from supervision.evidence.granted import Granted
from supervision.evidence.register import Register
from supervision.evidence.spill import Spill
from supervision.evidence.stories import TableRow, rows_of
from supervision.evidence.telling import FILE, SKETCH, Told, hits_of, sketch_of
from supervision.evidence.vouchers import VOUCHER, uses_of, voucher_of
from supervision.evidence.writer import SUMMARY, Form, TableWriter, written_whole

AUCTION: Final = "AUC."
NOTICES: Final = ("CND.REPORT", "CND.CHANGE")


@dataclass
class Derived:
    """What a derivation gave: entries read, openings that were not there (erased), rows by table."""

    entries: int = 0
    openings_missing: int = 0
    latest: datetime | None = None
    rows: Mapping[str, int] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        return {
            "entries": self.entries,
            "openings_missing": self.openings_missing,
            "latest_occurred_at": rfc3339(self.latest) if self.latest else None,
            "rows": dict(self.rows),
        }


def derive(entries: Iterable[EntryWithOpening], out: Path, form: Form = Form.PARQUET) -> Derived:
    """Write the evidence tables of `entries` (seq, entry, opening) into the folder `out`.

    Memory grows with members and their accounts, certificates, mandates, interests, listings and customs
    declarations, not with trades or entries.
    Either all tables are written or `out` stays as it was. Raises UnusableLedger naming the seq of an
    entry that is not of the form agreed, UnusableEvidence if `out` is not ours to write.
    """
    derived = Derived()
    register = Register()
    counted, told, granted = Counted(register.listings), Told(register.files), Granted()
    crossing, clocked = Crossing(), Clocked()
    with (
        written_whole(out) as work,
        tempfile.TemporaryDirectory(prefix="databourse-evidence-") as aside,
        Spill(Path(aside)) as spill,
    ):
        writer = TableWriter(work, form)
        with _blamed_on(None):
            for fact in read_facts(entries):
                with _blamed_on(fact.seq):
                    _take(fact, register, writer)
                    clocked.take(fact)
                    _lay_aside(fact, spill)
                    taken = counted.take(fact), told.take(fact), granted.take(fact), crossing.take(fact)
                    for table, row in chain(*taken, asked_of(fact, register.listings)):
                        writer.add(table, row)
                _note(fact, derived)
            kept = (register, counted, granted, crossing, clocked)
            for table, row in chain.from_iterable(one.rows() for one in kept):
                writer.add(table, row)
            for about, facts in spill.stories():
                with _blamed_on(facts[0].seq):
                    for table, row in _rows_of(about, facts, register):
                        writer.add(table, row)
            writer.close()
        derived.rows = writer.rows
        (work / SUMMARY).write_bytes(canonical(derived.document()) + b"\n")
    return derived


def _note(fact: Fact, derived: Derived) -> None:
    derived.entries += 1
    derived.openings_missing += fact.opening_missing
    derived.latest = fact.at if derived.latest is None else max(derived.latest, fact.at)


def _take(fact: Fact, register: Register, writer: TableWriter) -> None:
    register.take(fact)
    said, opened = fact.said, fact.opened
    if fact.event == "REF.REFUSE":
        writer.add(
            "refusals",
            {
                **{name: opened.get(name, said.get(name)) for name in ("code", "rule_id", "attempted")},
                "object_id": opened.get("object", fact.object_id),
                "actor": said.get("refused"),
                "at": fact.at,
                "seq": fact.seq,
            },
        )
    elif fact.event.startswith("CND."):
        _of_conduct(fact, register, writer)
    elif fact.event == "MED.SEND":
        for ranked in _ranked(fact, register):
            writer.add("ranking", ranked)
    elif fact.event == "PAY.MISMATCH":
        writer.add(
            "payment_mismatches",
            {
                **{name: said.get(name) for name in ("trade_id", "kind", "bank_message_sha256")},
                "expected_minor": whole(opened.get("expected_minor")),
                "actual_minor": whole(opened.get("actual_minor")),
                "at": fact.at,
                "seq": fact.seq,
            },
        )


def _lay_aside(fact: Fact, spill: Spill) -> None:
    """Under the trade, the auction and the file that a fact is about."""
    said = fact.said
    trade_id = said.get("trade_id")
    if fact.event.startswith(AUCTION):
        spill.put(fact.object_id, fact)
    elif fact.event.startswith(("TRD.", "QTE.", "DLV.", "FLG.")) and trade_id is not None:
        spill.put(trade_id, fact)
    voucher_id = voucher_of(fact)
    if voucher_id is not None:
        spill.put(voucher_id, fact)
    if fact.event == "REG.MEASURE":
        spill.put(f"{SKETCH}{said['listing_id']}", fact)
    elif fact.event == "DLV.MARK":
        spill.put(f"{FILE}{said['file_sha256']}", fact)
    elif fact.event == "LST.DRAFT" and isinstance(said.get("file"), Mapping):
        spill.put(f"{FILE}{said['file'].get('sha256')}", fact)


def _rows_of(about: str, facts: list[Fact], register: Register) -> Iterator[TableRow]:
    """What was laid aside together, as rows."""
    if about.startswith(FILE):
        return hits_of(facts)
    if about.startswith(VOUCHER):
        return uses_of(facts)
    if about.startswith(SKETCH):
        return sketch_of(facts)
    if facts[0].event.startswith(AUCTION):
        return bids_of(facts)
    return rows_of(about, facts, register.listings, register.operator_id)


def _of_conduct(fact: Fact, register: Register, writer: TableWriter) -> None:
    """What brokers tell and record, and what parties consent to."""
    said, opened = fact.said, fact.opened
    if fact.event in NOTICES:
        told = {**opened, **said}  # of a suspicion the opening says whom it is about
        writer.add(
            "notices",
            {
                "notice_id": told.get("notice_id"),
                "org_id": told.get("broker_id") or fact.actor,
                "kind": str(told.get("kind")).lower(),
                "object_id": told.get("about"),
                **{name: time(told.get(name)) for name in ("noticed_at", "takes_effect_at")},
                "told_at": fact.at,
                "seq": fact.seq,
            },
        )
    elif fact.event == "CND.CHECK":
        checked = {name: said.get(name) for name in ("trade_id", "broker_id")}
        writer.add(
            "source_checks",
            {**checked, "at": fact.at, "keep_until": time(said.get("keep_until")), "seq": fact.seq},
        )
    elif fact.event == "CND.CONSENT":
        given = {name: said.get(name) for name in ("trade_id", "broker_id", "org_id")}
        given |= {"at": fact.at, "seq": fact.seq}
        for interest_id in said["interests"]:
            writer.add("conflict_consents", {**given, **register.interests.get(interest_id, {})})


def _ranked(fact: Fact, register: Register) -> Iterator[Mapping[str, Any]]:
    """Each listing of the neutral order, and of what was sent, with its place in both; places begin with 1.

    What was sent is in the opening (of before: in public); where that is gone there is nothing.
    """
    said = fact.said
    names = ("presentation_id", "broker_id", "client_id", "request_id", "rule_version")
    told = {**fact.opened, **said}
    listings = told.get("listings", ()) if fact.opening_missing else told["listings"]
    sent = {listing_id: place for place, listing_id in enumerate(listings, 1)}
    neutral = {
        listing_id: (place, points)
        for place, (listing_id, points) in enumerate(fact.opened.get("order", ()), 1)
    }
    for listing_id in {**neutral, **sent}:
        place, points = neutral.get(listing_id, (None, None))
        yield {
            **{name: said.get(name) for name in names},
            "listing_id": listing_id,
            "seller_id": register.listings.get(listing_id, {}).get("seller_id"),
            "neutral_rank": place,
            "sent_rank": sent.get(listing_id),
            "points": points,
            "sent_at": fact.at,
            "seq": fact.seq,
        }


@contextmanager
def _blamed_on(seq: int | None) -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, pa.ArrowException) as error:
        where = {} if seq is None else {"seq": seq}
        raise UnusableLedger(f"a statement is not of its form: {error!r}", **where) from error
