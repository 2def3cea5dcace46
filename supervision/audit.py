"""The audit of a log, from outside: recompute everything from its public bytes, with read-only hands.

It needs no database and no secret, and answers the first bad entry and why (`docs/ledger.md`, "What the
audit answers"). `CHECKS` in `supervision.audit_checks` is all it asks.
"""

from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Protocol

from ledger.archive import Files
from ledger.bundle import Bundle
from ledger.checkpoint import ED25519, VerifierKey
from ledger.errors import BundleFileBad, NoteInvalid
from ledger.tiles import WIDTH
from ledger.witness_policy import Policy
from supervision.audit_case import Case, Check, Progress, Row
from supervision.audit_checks import CHECKS, OF_STATEMENTS
from supervision.audit_reading import batches
from supervision.audit_report import Code, Problem, Report
from supervision.audit_state import Earlier, Mark, earlier, keep, mark
from supervision.audit_tile import Batch
from supervision.errors import StateUnfit


class Link(Protocol):
    """What one log leaves to the next one."""

    def begin(self, case: Case) -> None: ...

    def end(self, case: Case) -> None: ...


def audit(
    bundle: Path | Files,
    vkeys: Sequence[VerifierKey] = (),
    *,
    last_checkpoint: bytes | None = None,
    rows: Iterable[Row] | None = None,
    policy: Policy | None = None,
    signatures: bool = True,
    state: Path | None = None,
    only_new: bool = False,
    progress: Progress | None = None,
    link: Link | None = None,
) -> Report:
    """Audit a bundle (a folder or a zip), or tiles as a node publishes them, and report all that is wrong.

    `vkeys` are the log's keys as the caller knows them from elsewhere; without any, the bundle's own
    are used and the report warns UNPINNED. `last_checkpoint` is a signed checkpoint seen earlier, which
    the log must still begin with. `rows` are trades of the exchange's database (`audit_rows`). The witnesses
    of a `policy` must have cosigned the last checkpoint in its quorum (COSIG). With
    `signatures=False` the ends of entries, chain, tree, files, checkpoints and the log's own keys are
    checked, and not what else the statements say: no SIG, OPENING, DB_MISMATCH (`Report.left_out`).

    `state` is a file in which a clean audit keeps what the next one needs to read only what is new, and
    which is used where there is one. Anything wrong, or asked otherwise than then, and all is read anew, so
    the answer is that of a whole audit; the log must begin with the tree that was found clean in any case.
    With `only_new` files from before are not even hashed again. `progress` is told how many entries of how
    many are done. `link` hands on what a log leaves to the one that goes on from it (`audit_row`); it goes
    without a state.

    Raises NoteInvalid when the given keys are not log keys of one origin, StateUnfit for a state file that
    is none of this log, OSError where the state cannot be kept; nothing else.
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

        def fresh() -> Case:
            case = Case(
                files, tuple(vkeys), last_checkpoint, rows, policy, progress=progress, only_new=only_new
            )
            case.report.signatures_checked = signatures
            if link is not None:
                link.begin(case)
            case.open()
            return case

        case = fresh()
        before = None if state is None else earlier(state, case)
        if before is not None and _may_go_on(case, before):
            if _goes_on(case, before, state):
                return case.report
            case = fresh()
        if before is not None:
            case.seen.append(before.seen)
        _audited(case, None, state)
        if link is not None:
            link.end(case)
        return case.report


def _may_go_on(case: Case, before: Earlier) -> bool:
    """Whether an audit can begin where the earlier one came to. Trades of a database need all statements."""
    return before.fits and case.rows is None and before.size <= case.size and case.head is not None


def _goes_on(case: Case, before: Earlier, state: Path | None) -> bool:
    """Audit what is new. False where anything is wrong: then the answer is that of a whole audit."""
    try:
        before.begin(case)
    except StateUnfit:
        case.memory.close()
        return False
    case.seen.append(before.seen)
    _audited(case, before, state)
    return case.report.clean


def _audited(case: Case, before: Earlier | None, state: Path | None) -> None:
    """Ask everything, and keep the state of what was found clean."""
    signatures = case.report.signatures_checked
    with closing(case.memory):
        if case.head is not None or case.note is not None:
            checks = [check(case) for check in CHECKS if signatures or check not in OF_STATEMENTS]
            reached = _run(case, checks, marked=state is not None)
            if state is not None and reached is not None and case.report.clean:
                keep(state, case, reached, before)
    case.report.edition = case.edition or ("tiles" if case.bundle.plain else "")


def _run(case: Case, checks: list[Check], *, marked: bool) -> Mark | None:
    """Hand every tile to every check, in the order of the list, and let each come to its end."""
    reached = None
    try:
        for check in checks:
            next(check)
        for batch in batches(case, deep=case.report.signatures_checked):
            if marked and reached is None and batch.width < WIDTH:
                reached = mark(case)
            case.report.entries += batch.found
            for check in checks:
                _send(check, batch)
            if case.progress is not None:
                case.progress(case.report.entries, case.size)
        if marked and reached is None:
            reached = mark(case)
        for check in checks:
            _send(check, None)
    finally:
        for check in checks:
            check.close()
    return reached


def _send(check: Check, batch: Batch | None) -> None:
    try:
        check.send(batch)
    except StopIteration:
        check.close()
