"""OPENING: an opening that is not there was erased by the ledger's own word, and one that was erased is gone.

Asked of the regulator edition, which else has every opening: a hidden one would take its amounts out of
sight. The word (`OPN.ERASE`) comes later than the statement, perhaps only in the log that goes on from it.
"""

from typing import Final

from base.errors import Malformed
from ledger.bundle import Edition
from ledger.tiles import WIDTH
from supervision.audit_case import Case, Check
from supervision.audit_entry import read_entry
from supervision.audit_report import Code, Problem

ERASE: Final = "OPN.ERASE"
_UNEXPLAINED: Final = "its opening is not there, and no OPN.ERASE says that it was erased"


def openings_are_gone_where_erased(case: Case) -> Check:
    """OPENING: every absent opening was erased, and no erased one is there."""
    absences = case.memory.absences
    present: list[tuple[int, str]] = []
    while (batch := (yield)) is not None:
        if case.edition is not Edition.REGULATOR:
            continue
        if batch.absent:
            absences.miss(case.origin, batch.absent)
        for said in batch.said:
            if said is None or said.event != ERASE:
                continue
            digest, seq = said.text("opening_sha256"), said.predicate.get("seq")
            if digest is not None and not absences.explain(digest) and type(seq) is int:
                present.append((seq, digest))
    for seq, digest in present:
        if case.earlier is not None and seq < case.earlier.size:  # a whole audit knows whether it is gone
            case.problem(Code.OPENING, "erased since the last audit", seq=seq)
        elif _is_there(case, seq, digest):
            case.problem(Code.OPENING, "it is there, and an OPN.ERASE says that it was erased", seq=seq)
    _tell(case)


def _tell(case: Case) -> None:
    """What is left is wrong; of a closed log the next one may still say that it was erased."""
    left = 0
    for origin, seq in case.memory.absences.left():
        if case.memory.keyring.log.closed_seq is not None:
            left += 1
        elif origin == case.origin:
            case.problem(Code.OPENING, _UNEXPLAINED, seq=seq)
        else:
            case.problem(Code.OPENING, f"{origin} seq {seq}: {_UNEXPLAINED}")
    if left:
        why = f"{left} openings are not there; the log that goes on from this one may say why (--after)"
        case.report.warnings.append(Problem(Code.OPENING, why))


def _is_there(case: Case, seq: int, digest: str) -> bool:
    """Whether the entry commits to this opening (it may be another log's number), and has it."""
    opened = int.from_bytes(case.opened.get(seq // WIDTH, b""))
    try:
        return bool(opened >> seq % WIDTH & 1) and read_entry(case.entry(seq)).opening_sha256 == digest
    except Malformed:
        return False
