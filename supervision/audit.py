"""The offline audit of a bundle: recompute everything from its public bytes, with read-only hands.

It needs no database, no network and no secret, and answers the first bad entry and why
(`docs/ledger.md`, "What the audit answers"). `CHECKS` in `supervision.audit_checks` is all it asks.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from ledger.bundle import Bundle
from ledger.checkpoint import ED25519, VerifierKey
from ledger.errors import BundleFileBad, NoteInvalid
from supervision.audit_case import Case, Check, Row
from supervision.audit_checks import CHECKS, OF_STATEMENTS
from supervision.audit_reading import batches
from supervision.audit_report import Code, Problem, Report
from supervision.audit_tile import Batch


def audit(
    bundle: Path,
    vkeys: Sequence[VerifierKey] = (),
    *,
    last_checkpoint: bytes | None = None,
    rows: Iterable[Row] | None = None,
    signatures: bool = True,
) -> Report:
    """Audit a bundle (a folder or a zip) and report everything that is wrong with it.

    `vkeys` are the log's keys as the caller knows them from elsewhere; without any, the bundle's own
    are used and the report warns UNPINNED. `last_checkpoint` is a signed checkpoint seen earlier, which
    the log must still begin with. `rows` are trades of the exchange's database (`audit_rows`). With
    `signatures=False` entries, chain, tree, files and checkpoints are checked, and not what the
    statements say: no SIG, KEY, OPENING, DB_MISMATCH.

    Raises NoteInvalid when the given keys are not log keys of one origin; nothing else.
    """
    if any(key.kind != ED25519 or key.name != vkeys[0].name for key in vkeys):
        raise NoteInvalid("the pinned keys are Ed25519 keys of one log")
    try:
        opened = Bundle(bundle)
    except BundleFileBad as error:
        report = Report()
        report.add(Problem(Code.FILE, error.detail, path=error.path))
        return report
    with opened as files:
        case = Case(files, tuple(vkeys), last_checkpoint, rows)
        case.report.signatures_checked = signatures
        case.open()
        if case.head is not None or case.note is not None:
            _run(case, [check(case) for check in CHECKS if signatures or check not in OF_STATEMENTS])
        case.report.edition = case.edition or ""
    return case.report


def _run(case: Case, checks: list[Check]) -> None:
    """Hand every tile to every check, in the order of the list, and let each come to its end."""
    try:
        for check in checks:
            next(check)
        for batch in batches(case, deep=case.report.signatures_checked):
            case.report.entries += batch.found
            for check in checks:
                _send(check, batch)
        for check in checks:
            _send(check, None)
    finally:
        for check in checks:
            check.close()


def _send(check: Check, batch: Batch | None) -> None:
    try:
        check.send(batch)
    except StopIteration:
        check.close()
