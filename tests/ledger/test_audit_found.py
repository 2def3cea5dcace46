"""A payment in doubt is decided by two officers; what the exchange states on one word alone is found."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger.bundle import Edition
from supervision.audit import audit
from supervision.audit_report import Report
from tests.ledger.audited import found
from tests.ledger.make_bundle import VKEY, Log, genesis, sha, trade
from tests.ledger.test_audit_trades import SETTLED

STATEMENT, OTHER = sha(b"camt.053"), sha(b"another camt.053")
ORDER = sha(b"pain.001")
KNOWN: dict[str, Any] = {
    "trade_id": "trd_0000",
    "listing_id": "lst_1",
    "seller_id": "org_seller",
    "buyer_id": "org_buyer",
    "broker_id": "org_broker",
}


def waiting() -> Log:
    """A trade that waits for its payment; the bank's statement of the day was compared."""
    log = Log()
    genesis(log)
    trade(log, 0)
    for seq in range(SETTLED, len(log.envelopes)):
        log.openings.pop(seq, None)
    del log.envelopes[SETTLED:]
    for digest in (STATEMENT, OTHER):
        facts = {"day": "2026-11-17", "statement_sha256": digest, "matched": False, "mismatches": 1}
        log.exchange("PAY.RECONCILE", "day/2026-11-17", **facts)
    return log


def word(log: Log, words: Any, officer: str | None = "usr_1", **changes: Any) -> int:
    said: dict[str, Any] = {
        "trade_id": "trd_0000",
        "instruction_sha256": ORDER,
        "found": "PAID",
        "day": "2026-11-17",
        "statement_sha256": STATEMENT,
        "items": [],
    }
    opening = {} if officer is None else {"opening": {"officer_id": officer, "note": "x"}}
    return log.exchange("PAY.ASCERTAIN", "trd_0000", words=words, **opening, **(said | changes))


def settled(log: Log, digest: str = STATEMENT, order: str = ORDER) -> int:
    moves = {"before": "ACCEPTED_GOODS", "after": "SETTLED", "instruction_sha256": order}
    return log.exchange("TRD.SETTLE", "trd_0000", **KNOWN, **moves, bank_message_sha256=digest)


def audited(log: Log, tmp_path: Path, edition: Edition = Edition.REGULATOR) -> Report:
    return audit(log.write(tmp_path / edition.value, edition=edition), [VKEY])


@pytest.mark.parametrize("edition", list(Edition))
def test_two_officers_who_find_it_paid_settle_it(tmp_path: Path, edition: Edition) -> None:
    log = waiting()
    word(log, 1, "usr_1")
    word(log, 2, "usr_2", items=["wrk_1"])
    settled(log)
    assert found(audited(log, tmp_path, edition)) == []


def test_what_the_bank_told_of_the_payment_needs_no_officer(tmp_path: Path) -> None:
    log = waiting()
    settled(log, sha(b"camt.054"))
    assert found(audited(log, tmp_path)) == []


def test_a_word_that_counted_no_longer_is_followed_by_two_that_do(tmp_path: Path) -> None:
    log = waiting()
    for officer, words in (("usr_1", 1), ("usr_2", 1), ("usr_1", 1), ("usr_3", 3)):
        word(log, words, officer)
    settled(log)
    assert found(audited(log, tmp_path)) == []


BAD: dict[str, Callable[[Log], None]] = {
    "no word before": lambda log: None,
    "the same officer": lambda log: void(word(log, 1, "usr_2")),
    "found otherwise": lambda log: void(word(log, 1, "usr_1", found="NOT_PAID")),
    "of another instruction": lambda log: void(word(log, 1, "usr_1", instruction_sha256=sha(b"another"))),
    "taken back": lambda log: void(word(log, 1, "usr_1"), word(log, 1, "usr_1", found="NOT_PAID")),
    "used up": lambda log: void(word(log, 1, "usr_1"), word(log, 2, "usr_3")),
}


def void(*_seqs: int) -> None:
    """What a lambda says, said for its effect."""


@pytest.mark.parametrize("before", list(BAD))
def test_a_decision_without_another_officer_s_word_is_found(tmp_path: Path, before: str) -> None:
    log = waiting()
    BAD[before](log)
    seq = word(log, 2, "usr_2")
    report = audited(log, tmp_path)
    assert found(report) == [("KEY", seq)]
    assert "officers" in report.problems[0].why


@pytest.mark.parametrize("words", [0, -1, None, "2", True])
def test_a_word_that_counts_nothing_is_found(tmp_path: Path, words: Any) -> None:
    log = waiting()
    seq = word(log, words)
    assert found(audited(log, tmp_path)) == [("KEY", seq)]


def test_one_word_answers_no_work_item(tmp_path: Path) -> None:
    log = waiting()
    seq = word(log, 1, items=["wrk_1"])
    assert found(audited(log, tmp_path)) == [("KEY", seq)]


@pytest.mark.parametrize("edition", list(Edition))
@pytest.mark.parametrize("said", [[], [("PAID", 1)], [("NOT_PAID", 1), ("NOT_PAID", 2)]])
def test_a_settlement_by_a_statement_without_two_words_is_found(
    tmp_path: Path, said: list[tuple[str, int]], edition: Edition
) -> None:
    log = waiting()
    for outcome, words in said:
        word(log, words, f"usr_{words}", found=outcome)
    seq = settled(log)
    assert found(audited(log, tmp_path, edition)) == [("KEY", seq)]


@pytest.mark.parametrize(("digest", "order"), [(OTHER, ORDER), (STATEMENT, sha(b"another"))])
def test_words_about_something_else_settle_nothing(tmp_path: Path, digest: str, order: str) -> None:
    log = waiting()
    word(log, 1, "usr_1")
    word(log, 2, "usr_2")
    seq = settled(log, digest, order)
    assert found(audited(log, tmp_path)) == [("KEY", seq)]
