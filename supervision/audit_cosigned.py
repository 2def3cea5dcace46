"""COSIG: cosignatures of known witnesses hold, and enough of them stand under the head for a policy."""

from typing import Final

from base.errors import Malformed
from ledger.bundle import CHECKPOINT
from ledger.checkpoint import COSIGNATURE, MAX_NOTE_BYTES, Note, Verified, VerifierKey
from supervision.audit_case import Case, Check
from supervision.audit_report import Code, Quorum

_TOO_FEW: Final = "too few witnesses of the policy have cosigned the last checkpoint: its quorum is {}"


def witnesses_cosigned(case: Case) -> Check:
    """COSIG: every cosignature of a witness in keys.json or the policy holds; the head's are a quorum."""
    named = case.keys.witnesses if case.keys else ()
    trusted = case.policy.vkeys if case.policy else ()
    witnesses = list(dict.fromkeys(key for key in (*named, *trusted) if key.kind == COSIGNATURE))
    head: list[Verified] = []
    for path in (CHECKPOINT, *case.bundle.kept().values()) if witnesses else ():
        held = _holding(case, path, witnesses)
        case.report.cosignatures += len(held)
        head += held if path == CHECKPOINT else ()
    if case.policy is not None:
        by = [one.name for one in case.policy.witnesses if one.vkey in {found.key for found in head}]
        case.report.quorum = Quorum(case.policy.quorum, case.policy.satisfied(head), tuple(by))
        if not case.report.quorum.met:
            case.problem(Code.COSIG, _TOO_FEW.format(case.policy.quorum), path=CHECKPOINT)
    yield


def _holding(case: Case, path: str, witnesses: list[VerifierKey]) -> list[Verified]:
    """The cosignatures of these witnesses on a checkpoint; one that does not hold is reported."""
    names = {(key.name, key.key_id) for key in witnesses}
    try:
        note = Note.parse(case.bundle.read(path, MAX_NOTE_BYTES))
    except Malformed:
        return []  # reported with the files and the anchors
    if case.damaged(path) or not any((line.name, line.key_id) in names for line in note.signatures):
        return []
    try:
        return note.verify(witnesses)
    except Malformed as error:
        case.problem(Code.COSIG, error.detail, path=path)
        return []
