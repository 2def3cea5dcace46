"""KEY: what became of a payment in doubt two officers have found, and nothing is paid on one word.

`PAY.ASCERTAIN` says how many have said so. A word that decides comes after another officer's that says the
same of the same instruction; a settlement or refund that cites a bank's daily statement, and not what the
bank told of the payment, comes after words that decided so, by that statement. Officers are told apart by
the openings, where these are there.
"""

from collections.abc import Iterator
from typing import Any, Final

from supervision.audit_case import Case, Check
from supervision.audit_entry import Sealed
from supervision.audit_money import REFUND, SETTLE
from supervision.audit_moves import OPERATOR
from supervision.audit_report import Code
from supervision.audit_tile import ASCERTAIN

OFFICERS: Final = 2
_RECONCILE: Final = "PAY.RECONCILE"
_RELEASES: Final = frozenset({SETTLE, REFUND})
_EVENTS: Final = _RELEASES | {ASCERTAIN, _RECONCILE}
_PAID: Final = "PAID"
_STATEMENT: Final = "bank-statement/"
_FOUND: Final = "found/"

Words = list[list[str | None]]  # [found, officer or None], in their order


def payments_in_doubt_are_found_by_two(case: Case) -> Check:
    """KEY: a decision about a payment has two words, of two officers; see the module."""
    while (batch := (yield)) is not None:
        for said in batch.said:
            if said is None or said.event not in _EVENTS or _no_word(said):
                continue
            if said.event == _RECONCILE:
                _keep_statement(case, said)
                continue
            officer = batch.officers.get(said.seq)
            found = _say(case, said, officer) if said.event == ASCERTAIN else _release(case, said)
            for why in found:
                if not _unsure(case) and said.seq not in batch.blamed:
                    case.problem(Code.KEY, why, seq=said.seq)


def _no_word(said: Sealed) -> bool:
    """Whether somebody else than the exchange says it: `audit_trades` tells that, and nobody has found it."""
    return said.event == ASCERTAIN and said.predicate.get("role") != OPERATOR


def _unsure(case: Case) -> bool:
    """Whether words may be missing here: damaged, or said in an earlier log that was not audited."""
    return case.memory.goes_on or case.torn


def _keep_statement(case: Case, said: Sealed) -> None:
    digest = said.text("statement_sha256")
    if digest is not None:
        case.memory.trades.put(_STATEMENT + digest, True)


def _record(case: Case, said: Sealed) -> tuple[str, dict[str, Any]]:
    """What was found of the instruction that is named, by its trade: the words, and how they decided."""
    key = f"{_FOUND}{said.object_id}/{said.text('instruction_sha256')}"
    kept: dict[str, Any] | None = case.memory.trades.get(key)
    return key, kept or {"words": [], "decided": None}


def _say(case: Case, said: Sealed, officer: str | None) -> Iterator[str]:
    key, record = _record(case, said)
    found, count = said.text("found"), said.predicate.get("words")
    words: Words = record["words"]
    others = [word for word in words if word[0] == found and (officer is None or word[1] != officer)]
    decides = type(count) is int and count >= OFFICERS
    if type(count) is not int or count < 1:
        yield "a word about a payment that does not say how many have said so"
    elif len(others) + 1 < count:
        yield f"{count} officers are said to have found it {found}, and {len(others) + 1} have said so"
    elif not decides and said.predicate.get("items"):
        yield "one officer's word answers a work item"
    if decides:
        record = {"words": [], "decided": [found, said.text("statement_sha256")]}
    else:  # an officer's newest word stands
        kept = [word for word in words if officer is None or word[1] != officer]
        record["words"] = [*kept, [found, officer]]
    case.memory.trades.put(key, record)
    _keep_statement(case, said)


def _release(case: Case, said: Sealed) -> Iterator[str]:
    digest = said.text("bank_message_sha256")
    if digest is None or case.memory.trades.get(_STATEMENT + digest) is None:
        return
    key, record = _record(case, said)
    if record["decided"] != [_PAID, digest]:
        yield "pays by a bank's statement in which two officers have not found it"
        return
    case.memory.trades.put(key, record | {"decided": None})  # they said so once
