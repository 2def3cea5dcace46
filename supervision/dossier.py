"""A finding with its evidence: every entry it cites, and the proof that it stands in the log.

What an officer hands to the accused, or to anybody: entries and proofs are public. `databourse receipt`
checks each proof by itself, this file checks them all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson

from base.canonical import canonical
from base.clock import parse_rfc3339, rfc3339
from ledger.bundle import CHECKPOINT, Bundle
from ledger.checkpoint import MAX_NOTE_BYTES, Receipt, verify_receipt
from ledger.tiles import ENTRIES, WIDTH, Tile, TileNodes, unpack_entries
from ledger.tree import inclusion_proof
from supervision.context import Mode
from supervision.errors import UnusableFindings
from supervision.finding import Finding
from supervision.report import Report, one_finding

FINDING: Final = "finding.json"
FORM: Final = "databourse/dossier/v1"
_MOST: Final = 16 * 1024 * 1024


@dataclass(frozen=True)
class Dossier:
    """A finding, from when and how it was looked at, and the entries that it cites with their receipts."""

    finding: Finding
    as_of: datetime
    mode: Mode
    entries: Mapping[int, bytes]
    receipts: Mapping[int, bytes]

    def files(self) -> dict[str, bytes]:
        """Every file of the dossier by its name."""
        head = {
            "form": FORM,
            "as_of": rfc3339(self.as_of),
            "mode": self.mode.value,
            "finding": self.finding.document(),
        }
        found = {FINDING: canonical(head) + b"\n"}
        for seq, entry in self.entries.items():
            found[f"{seq}.entry"] = entry
            found[f"{seq}.tlog-proof"] = self.receipts[seq]
        return found


def make_dossier(report: Report, finding_id: str, bundle: Bundle) -> Dossier:
    """A finding of a report with its evidence from the bundle, of either edition.

    Raises UnusableFindings where the report has no such finding, or it cites what the bundle has not;
    BundleFileBad.
    """
    finding = report.finding(finding_id)
    if finding is None:
        raise UnusableFindings("no such finding in the report", finding_id=finding_id)
    head, note = bundle.head(), bundle.read(CHECKPOINT, MAX_NOTE_BYTES)
    nodes = TileNodes(bundle.tile, head.size)
    entries, receipts = {}, {}
    for seq in finding.evidence_seqs:
        if not 0 <= seq < head.size:
            raise UnusableFindings("the finding cites an entry that the bundle has not", seq=seq)
        entries[seq] = _entry(bundle, seq, head.size)
        path = tuple(inclusion_proof(seq, head.size, nodes))
        receipts[seq] = Receipt(seq, path, note).text()
    return Dossier(finding, report.as_of, Mode(report.mode), entries, receipts)


def _entry(bundle: Bundle, seq: int, size: int) -> bytes:
    number = seq // WIDTH
    tile = bundle.tile(Tile(ENTRIES, number, min(WIDTH, size - number * WIDTH)))
    return list(unpack_entries(tile))[seq - number * WIDTH]


def read_dossier(folder: Path) -> Dossier:
    """A dossier as it was handed over; nothing of it is believed yet. Raises UnusableFindings, OSError."""
    try:
        head = orjson.loads(_read(folder / FINDING))
        if head["form"] != FORM:
            raise ValueError("another form")
        finding = one_finding(head["finding"])
        return Dossier(
            finding,
            parse_rfc3339(head["as_of"]),
            Mode(head["mode"]),
            {seq: _read(folder / f"{seq}.entry") for seq in finding.evidence_seqs},
            {seq: _read(folder / f"{seq}.tlog-proof") for seq in finding.evidence_seqs},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnusableFindings(f"not a dossier: {error!r}") from None


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_MOST)


def check_dossier(dossier: Dossier, bundle: Bundle) -> list[str]:
    """What is wrong with its evidence, against a bundle that was audited by itself: nothing, when all holds.

    Each receipt leads to a checkpoint signed by the log, and each entry is the bundle's own.
    """
    size = bundle.head().size
    keys = [window.vkey for window in bundle.keys().vkeys]
    wrong = []
    for seq, entry in dossier.entries.items():
        try:
            verify_receipt(dossier.receipts[seq], entry, keys)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it is said
            wrong.append(f"entry {seq}: {error}")
            continue
        if Receipt.parse(dossier.receipts[seq]).index != seq:
            wrong.append(f"entry {seq}: the receipt is another entry's")
        elif seq >= size or _entry(bundle, seq, size) != entry:
            wrong.append(f"entry {seq}: the bundle has another")
    return wrong


def summary(dossier: Dossier) -> dict[str, Any]:
    """What it is about, in a few words."""
    finding = dossier.finding
    return {"finding_id": finding.finding_id, "rule": finding.rule_id, "entries": len(dossier.entries)}
