"""KEY, ROOT: the log's own keys are those that its entries tell, in `keys.json` and where they are pinned."""

from itertools import filterfalse

import orjson

from ledger.bundle import KEYS
from supervision.audit_case import Case, Check
from supervision.audit_entry import packed
from supervision.audit_report import Code
from supervision.audit_skim import told_alone
from supervision.audit_tile import Batch


def log_keys_are_as_told(case: Case) -> Check:
    """KEY: keys.json gives the windows that the entries tell. ROOT: each pinned key is one that they name.

    A pinned key of which the log knows nothing protects nobody: whoever stole a retired one could make a log
    in which it was never retired, and it would be signed by a pinned key. Comes after the statements about
    keys were judged, or judges those that a skimmed tile holds.
    """
    memory, listed = case.memory, [str(window.vkey) for window in case.windows]
    while (batch := (yield)) is not None:
        if not case.report.signatures_checked:
            _tell(case, batch)
        if batch.number == 0 and case.keys and memory.keyring.vkey not in listed:
            case.problem(Code.KEY, "keys.json does not hold the log key that the genesis names", seq=0)
    log = memory.keyring.log
    if not log.windows or memory.growth.frontier.size != case.size:
        return
    if log.closed_seq is not None and log.closed_seq != case.size - 1 and not case.report.signatures_checked:
        case.problem(Code.KEY, f"sealed after the log was closed at seq {log.closed_seq}", seq=case.size - 1)
    known = str(log.windows[0].vkey) in listed and not case.damaged(KEYS)
    if known and sorted(map(str, log.windows)) != sorted(map(str, case.windows)):
        case.problem(Code.KEY, "keys.json gives other windows than the log's entries do", path=KEYS)
    own = {window.vkey for window in log.windows}
    signed = not case.report.counts[Code.ROOT]  # by none of them: that is told already
    for key in filterfalse(own.__contains__, case.pinned if signed else ()):
        case.problem(Code.ROOT, f"the log does not know a pinned key: {key}")


def _tell(case: Case, batch: Batch) -> None:
    for said in batch.said:
        if said is not None:
            for why in told_alone(case.memory.keyring, said):
                case.problem(Code.KEY, why, seq=said.seq)
            case.memory.key_said.append((said.seq, orjson.dumps(packed(said))))
