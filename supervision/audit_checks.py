"""The checks of an audit: each function one thing that must hold, all of them in one list (`CHECKS`).

A check is a coroutine. What stands before its first `yield` is asked when the audit opens; each `yield`
then receives the next tile of entries, and None after the last one. It reports through `case.problem`.
"""

import os
from binascii import hexlify
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import orjson

from base.errors import Malformed
from ledger.bundle import (
    CHECKPOINT,
    Edition,
    KeyWindow,
    openings_path,
)
from ledger.checkpoint import MAX_NOTE_BYTES, VerifierKey
from ledger.suites import can_verify, signature_holds
from ledger.tiles import WIDTH
from ledger.tree import HASH_BYTES
from supervision.audit_assessments import duties_of_security_hold
from supervision.audit_auctions import auctions_go_step_by_step
from supervision.audit_case import Case, Check
from supervision.audit_certificates import certificates_go_step_by_step
from supervision.audit_cosigned import witnesses_cosigned
from supervision.audit_entry import Sealed, packed
from supervision.audit_erased import openings_are_gone_where_erased
from supervision.audit_files import files_are_those_of_the_manifest
from supervision.audit_found import payments_in_doubt_are_found_by_two
from supervision.audit_keys import stated_public_keys
from supervision.audit_log_keys import open_in_window
from supervision.audit_log_told import log_keys_are_as_told
from supervision.audit_marks import Signed, repeated_marks, same_marks, same_statement, signed_in
from supervision.audit_proceedings import cases_go_step_by_step
from supervision.audit_report import Code
from supervision.audit_resuming import earlier_files_are_unchanged
from supervision.audit_rows import database_agrees
from supervision.audit_steps import registered_things_go_step_by_step
from supervision.audit_subjects import words_of_persons_hold
from supervision.audit_tile import (
    AT,
    Batch,
    Job,
    Pending,
    does_not_follow,
    not_held,
    tail_of,
    went_back,
)
from supervision.audit_trades import statements_are_for_their_speakers, trades_are_as_their_parties_said
from supervision.audit_tree import tree_is_of_the_entries

_AHEAD: Final = 4
_OF_KEYS: Final = ("KEY.", "LOG.")


def checkpoint_is_signed(case: Case) -> Check:
    """ROOT: the tree head is signed by every key of this log whose window it is, and of the manifest's size.

    A folder of tiles has no list of keys: there the windows are those that the entries turn out to give.
    """
    head = case.head
    here = head is not None and not case.damaged(CHECKPOINT)
    late = case.bundle.plain
    if head is not None and here:
        case.report.origin, case.report.size, case.report.root = head.origin, head.size, head.root.hex()
        if case.trusted and not late:
            _require_signed(case, case.led or case.pinned or case.trusted, case.windows)
        elif case.bundle.plain and head.size and not case.trusted:
            case.problem(Code.ROOT, "no key is known that could have signed the checkpoint")
        if case.note is not None and case.note.size != head.size:
            case.problem(
                Code.ROOT, f"the checkpoint is of size {head.size}, the manifest of {case.note.size}"
            )
    while (yield) is not None:
        pass
    if here and late and case.trusted:
        log = case.memory.keyring.log
        _require_signed(case, log.led_to(case.trusted), log.windows)


def entries_follow_each_other(case: Case) -> Check:
    """GAP, LINK: the first entry of a tile follows the last one of the tile before; see also `audit_tile`."""
    memory, node = case.memory, case.origin
    while (batch := (yield)) is not None:
        if batch.found == 0:
            continue
        at = batch.first[AT]
        if not batch.first.endswith(tail_of(node) % (memory.previous, batch.begin)):
            for problem in does_not_follow(batch.begin, batch.first, memory.previous.decode(), node):
                case.found(problem)
        elif at < memory.before:
            case.found(went_back(batch.begin))
        memory.previous = hexlify(batch.leaves[-HASH_BYTES:])
        memory.before = max(memory.before, batch.last_at)


def keys_could_say_it(case: Case) -> Check:
    """KEY: each signing key was valid then, of the acting organisation, and in that role."""
    memory = case.memory
    while (batch := (yield)) is not None:
        pending = iter(batch.pending)
        waiting = next(pending, None)
        for said in batch.said:
            if said is None:
                continue
            if not memory.heard(said):
                _judge(case, batch, said)
            while waiting is not None and waiting[0] == said.seq:
                _have_verified(case, batch, said, waiting)
                waiting = next(pending, None)


def _judge(case: Case, batch: Batch, said: Sealed) -> None:
    memory = case.memory
    wrong = list(memory.keyring.judge(said))
    for why in wrong:
        case.problem(Code.KEY, why, seq=said.seq)
        batch.blamed.add(said.seq)
    if said.event.startswith(_OF_KEYS):
        memory.key_said.append((said.seq, orjson.dumps(packed(said))))
        memory.voices.clear()
    elif not wrong:
        memory.hear(said)


def signatures_hold(case: Case) -> Check:
    """SIG: every signature is its key's over exactly this payload.

    Those of keys known before are verified with their tile, those of keys that came since here, in threads.
    """
    workers = os.cpu_count() or 1
    waiting: deque[Future[list[int]]] = deque()
    with ThreadPoolExecutor(workers) as pool:  # Ed25519 runs outside the interpreter's lock
        while (batch := (yield)) is not None:
            case.report.signatures += batch.signatures + len(batch.jobs)
            if batch.jobs:
                waiting.append(pool.submit(_bad_signatures, batch.jobs))
            if len(waiting) > workers * _AHEAD:
                _report_bad(case, waiting.popleft())
        for future in waiting:
            _report_bad(case, future)


def statements_are_sealed_once(case: Case) -> Check:
    """SIG: no signed statement is sealed a second time."""
    marks = case.memory.marks
    while (batch := (yield)) is not None:
        marks.frombytes(batch.marks)
    if case.earlier is not None:  # whatever looks like one is looked at by a whole audit
        if repeated_marks(marks, case.earlier.marks()):
            case.problem(Code.SIG, "a signed statement may be sealed a second time")
        return
    for earlier, later in same_marks(marks):
        if same_statement(_signed(case, earlier), _signed(case, later)):
            case.problem(Code.SIG, f"the same signed statement was sealed at seq {earlier}", seq=later)


def openings_fit(case: Case) -> Check:
    """OPENING: each opening is what its entry commits to (`audit_tile`), and the public edition has none."""
    while (batch := (yield)) is not None:
        case.report.openings += batch.openings
        case.report.openings_absent += len(batch.absent)
        if any(batch.opened):
            case.opened[batch.number] = batch.opened
        if any(batch.opened) and case.edition is Edition.PUBLIC:
            case.problem(Code.FILE, "openings in a public edition", path=openings_path(batch.number))


def _require_signed(case: Case, who: Sequence[VerifierKey], windows: Sequence[KeyWindow]) -> None:
    try:
        data = case.bundle.read(CHECKPOINT, MAX_NOTE_BYTES)
        open_in_window(data, who, windows, origin=case.origin)
    except Malformed as error:
        case.problem(Code.ROOT, f"{error.detail} ({'pinned' if case.pinned else 'keys.json'})")


def _have_verified(case: Case, batch: Batch, said: Sealed, waiting: Pending) -> None:
    """A signature whose key was not known to its tile: found in the keyring, or in the statement itself."""
    seq, keyid, message, sig = waiting
    public = case.memory.keyring.public_of(keyid)
    if public is not None:
        case.memory.learn(keyid, public)
    else:
        public = stated_public_keys(said).get(keyid)
    if public is not None and not can_verify(public):
        case.problem(Code.SIG, "an SM2 signature, and gmssl-pyx is not installed here", seq=seq)
    elif public is not None:
        batch.jobs.append((seq, public, message, sig))


def _bad_signatures(jobs: Sequence[Job]) -> list[int]:
    return [seq for seq, public, message, sig in jobs if not signature_holds(public, message, sig)]


def _report_bad(case: Case, future: Future[list[int]]) -> None:
    for seq in future.result():
        case.found(not_held(seq))


def _signed(case: Case, seq: int) -> Signed:
    return signed_in(case.bundle.tile(case.entry_tile(seq // WIDTH)), seq)


CHECKS: Final[tuple[Callable[[Case], Check], ...]] = (
    checkpoint_is_signed,
    entries_follow_each_other,
    keys_could_say_it,
    log_keys_are_as_told,
    signatures_hold,
    statements_are_sealed_once,
    openings_fit,
    openings_are_gone_where_erased,
    statements_are_for_their_speakers,
    trades_are_as_their_parties_said,
    certificates_go_step_by_step,
    auctions_go_step_by_step,
    cases_go_step_by_step,
    registered_things_go_step_by_step,
    duties_of_security_hold,
    words_of_persons_hold,
    payments_in_doubt_are_found_by_two,
    database_agrees,
    tree_is_of_the_entries,
    witnesses_cosigned,
    earlier_files_are_unchanged,
    files_are_those_of_the_manifest,
)
# These read what the statements say; an audit of checkpoint signatures alone leaves them out.
OF_STATEMENTS: Final = frozenset(
    {
        keys_could_say_it,
        signatures_hold,
        statements_are_sealed_once,
        openings_fit,
        openings_are_gone_where_erased,
        statements_are_for_their_speakers,
        trades_are_as_their_parties_said,
        certificates_go_step_by_step,
        auctions_go_step_by_step,
        cases_go_step_by_step,
        registered_things_go_step_by_step,
        duties_of_security_hold,
        words_of_persons_hold,
        payments_in_doubt_are_found_by_two,
        database_agrees,
    }
)
