"""Logs in a row: a log that goes on from another one is audited after it.

The parties' keys were registered in the earlier log, the exchange's key was valid there, and entry 0 of the
next one names the earlier one's last checkpoint. A statement of the earlier log is not sealed again.
"""

from array import array
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ledger.archive import Files
from ledger.bundle import Bundle
from ledger.checkpoint import VerifierKey
from ledger.errors import BundleFileBad, NoteInvalid
from ledger.tiles import ENTRIES, WIDTH, Tile
from supervision.audit import audit
from supervision.audit_case import Case
from supervision.audit_keys import Keyring
from supervision.audit_marks import same_marks, same_statement, signed_in
from supervision.audit_report import Code, Report
from supervision.audit_shelf import Absences, Shelf


@dataclass(slots=True)
class Handing:
    """What one log hands on to the next. `successor` is the key that a trusted one closed the log for.

    `trades` are where the trades of all logs so far stand, `before` the logs and how many entries each has.
    """

    keyring: Keyring | None = None
    successor: VerifierKey | None = None
    trades: Shelf = field(default_factory=Shelf)
    absences: Absences = field(default_factory=Absences)
    before: list[tuple[Path | Files, int]] = field(default_factory=list)
    marks: "array[int]" = field(default_factory=lambda: array("Q"))
    origins: set[str] = field(default_factory=set)

    def require_used(self, vkeys: Sequence[VerifierKey]) -> None:
        """Each pinned key was one of these logs': else a log under another name would go unpinned.

        Raises NoteInvalid.
        """
        for key in vkeys:
            if key.name not in self.origins:
                raise NoteInvalid("none of the logs is the one of this key", vkey=str(key))

    def begin(self, case: Case) -> None:
        """Let an audit begin with what the log before has left."""
        case.memory.trades, case.memory.lent = self.trades, True
        case.memory.absences = self.absences
        if self.keyring is not None:
            case.memory.keyring = self.keyring

    def end(self, case: Case) -> None:
        """Take what this log leaves to the next one."""
        known = len(self.marks)
        self.marks.extend(case.memory.marks)
        for earlier, later in same_marks(self.marks) if known else ():
            if earlier < known <= later and self._same(earlier, case, later - known):
                case.problem(Code.SIG, "this signed statement was sealed in a log before", seq=later - known)
        log = case.memory.keyring.log
        self.successor = log.successor if case.report.pinned and case.report.clean else None
        self.keyring = None if case.head is None else case.memory.keyring.go_on(case.head)

    def close(self) -> None:
        """Let go of what lies on disk."""
        self.trades.close()
        self.absences.close()

    def _same(self, mark: int, case: Case, seq: int) -> bool:
        """Whether a mark of an earlier log and an entry of this one are the same signed statement."""
        logs = iter(self.before)
        log, count = next(logs)
        while mark >= count:
            mark -= count
            log, count = next(logs)
        with Bundle(log) as opened:
            size, number = opened.head().size, mark // WIDTH
            tile = opened.tile(Tile(ENTRIES, number, min(WIDTH, size - number * WIDTH)))
        return same_statement(
            signed_in(tile, mark), signed_in(case.bundle.tile(case.entry_tile(seq // WIDTH)), seq)
        )


def audit_in_a_row(
    logs: Sequence[Path | Files], vkeys: Sequence[VerifierKey] = (), **options: Any
) -> list[Report]:
    """Audit logs in the order in which they went on from each other; a report each.

    `vkeys` may be of any of them; `options` are those of `audit` for the last log, but no state. Raises
    NoteInvalid for a key that is of none of them.
    """
    last = len(logs) - 1
    with closing(Handing()) as handing:
        reports = [
            audit_next(log, vkeys, handing, **(options if number == last else {}))
            for number, log in enumerate(logs)
        ]
    handing.require_used(vkeys)
    return reports


def audit_next(log: Path | Files, vkeys: Sequence[VerifierKey], handing: Handing, **options: Any) -> Report:
    """Audit a log with what the one before has left.

    It is pinned by a key of its own among the `vkeys`, or because a trusted key of the log before closed
    that one in its favour.
    """
    origin = claimed_origin(log)
    handing.origins.add(origin)
    pinned = [key for key in vkeys if key.name == origin]
    if handing.successor is not None and handing.successor.name == origin:
        pinned.append(handing.successor)
    report = audit(log, list(dict.fromkeys(pinned)), link=handing, **options)
    handing.before.append((log, len(handing.marks) - sum(count for _, count in handing.before)))
    return report


def claimed_origin(log: Path | Files) -> str:
    """The origin that a log's checkpoint claims: its keys decide whether that is believed."""
    try:
        with Bundle(log) as opened:
            return opened.head().origin
    except BundleFileBad:
        return ""
