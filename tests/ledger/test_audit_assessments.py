"""What an exchange could state of reviews, assessors and confidential items that never was."""

from pathlib import Path
from typing import Any

import pytest

from supervision.audit import audit
from tests.ledger.audited import found
from tests.ledger.make_bundle import VKEY, Log, genesis

BEGIN = 9
"""The seq of the first statement behind the genesis."""
ITEM = "cfi_1"


def begun() -> Log:
    log = Log()
    genesis(log)
    return log


def problems(log: Log, tmp_path: Path) -> list[tuple[int | None, str]]:
    report = audit(log.write(tmp_path / "b"), [VKEY])
    assert {code for code, _ in found(report)} <= {"KEY"}
    return [(one.seq, one.why) for one in report.problems]


def marked(log: Log, **changes: Any) -> None:
    facts = {"item_sha256": "a" * 64, "readers": ["org_buyer"], "after": "MARKED"} | changes
    log.party("org_seller", "CFI.MARK", ITEM, **facts)


def read(log: Log, who: str, no: int, previous: str, access: str) -> None:
    facts = {"no": no, "previous": previous * 64, "access_sha256": access * 64}
    log.party(who, "CFI.READ", ITEM, before="MARKED", after="MARKED", **facts)


def test_accesses_that_follow_each_other_are_found_right(tmp_path: Path) -> None:
    log = begun()
    marked(log)
    read(log, "org_buyer", 1, "a", "b")
    read(log, "org_seller", 2, "b", "c")
    log.party("org_seller", "CFI.ADMIT", ITEM, reader_id="org_broker", before="MARKED", after="MARKED")
    read(log, "org_broker", 3, "c", "d")
    assert problems(log, tmp_path) == []


@pytest.mark.parametrize(
    ("who", "no", "previous", "why"),
    [
        ("org_buyer", 3, "b", "access 3 to a confidential item follows access 1"),
        ("org_buyer", 1, "b", "access 1 to a confidential item follows access 1"),
        ("org_buyer", 2, "f", "access 2 to a confidential item does not follow the one before"),
        ("org_broker", 2, "b", "access 2 to a confidential item is of somebody who was not admitted"),
    ],
)
def test_an_access_that_is_missing_cut_or_not_admitted_is_found(
    tmp_path: Path, who, no, previous, why
) -> None:
    log = begun()
    marked(log)
    read(log, "org_buyer", 1, "a", "b")
    read(log, who, no, previous, "c")
    assert problems(log, tmp_path) == [(BEGIN + 2, why)]


def test_an_access_after_the_reader_was_excluded_is_found(tmp_path: Path) -> None:
    log = begun()
    marked(log)
    log.party("org_seller", "CFI.EXCLUDE", ITEM, reader_id="org_buyer", before="MARKED", after="MARKED")
    read(log, "org_buyer", 1, "a", "b")
    why = "access 1 to a confidential item is of somebody who was not admitted"
    assert problems(log, tmp_path) == [(BEGIN + 2, why)]


def concluded(log: Log, **changes: Any) -> None:
    for event, before, after in (("BEGIN", None, "DRAFT"), ("SUBMIT", "DRAFT", "SUBMITTED")):
        steps = {} if before is None else {"before": before}
        log.party("org_seller", f"PIA.{event}", "pia_1", after=after, **steps)
    facts = {"kind": "SECURITY_REVIEW", "holder_id": "org_seller", "reviewer_id": "org_authority"}
    who = changes.pop("who", "org_authority")
    log.party(who, "PIA.PASS", "pia_1", before="SUBMITTED", after="STANDING", **(facts | changes))


def test_a_review_is_concluded_by_another_organisation_and_by_who_it_was_handed_to(tmp_path: Path) -> None:
    good, own, strange = begun(), begun(), begun()
    concluded(good)
    assert problems(good, tmp_path / "good") == []
    concluded(own, who="org_seller", reviewer_id="org_seller")
    assert problems(own, tmp_path / "own") == [
        (BEGIN + 2, "a security review is concluded by who holds the data")
    ]
    concluded(strange, reviewer_id="org_buyer")
    assert problems(strange, tmp_path / "strange") == [
        (BEGIN + 2, "an assessment is concluded by another one than it was handed to")
    ]


@pytest.mark.parametrize(("times", "wrong"), [(3, []), (4, [BEGIN + 7])])
def test_the_fourth_assessment_in_a_row_is_found(tmp_path: Path, times, wrong) -> None:
    log = begun()
    for number in range(times):
        risk_id = f"rka_{number}"
        log.exchange("RKA.PLAN", risk_id, handler_id="org_seller", after="PLANNED")
        facts = {"handler_id": "org_seller", "assessor_id": "org_buyer"}
        log.party("org_seller", "RKA.START", risk_id, before="PLANNED", after="RUNNING", **facts)
    assert [seq for seq, _ in problems(log, tmp_path)] == wrong


def test_a_step_that_the_table_does_not_have_is_found(tmp_path: Path) -> None:
    log = begun()
    log.exchange("RKA.PLAN", "rka_1", handler_id="org_seller", after="PLANNED")
    due = {"due_at": FORWARDED_BY}
    log.party("org_seller", "RKA.REPORT", "rka_1", before="PLANNED", after="REPORTED", **due)
    assert problems(log, tmp_path) == [
        (BEGIN + 1, "a risk assessment that is PLANNED does not take RKA.REPORT")
    ]


def staged(log: Log, *steps: tuple[str, str, str, dict[str, Any]]) -> None:
    """A yearly assessment of the seller's, by the seller itself, on to where the steps lead."""
    log.exchange("RKA.PLAN", "rka_1", handler_id="org_seller", after="PLANNED")
    begun = {"handler_id": "org_seller", "assessor_id": "org_seller"}
    log.party("org_seller", "RKA.START", "rka_1", before="PLANNED", after="RUNNING", **begun)
    state = "RUNNING"
    for who, event, to, facts in steps:
        log.party(who, f"RKA.{event}", "rka_1", before=state, after=to, handler_id="org_seller", **facts)
        state = to


IN_TIME = "2026-12-14T15:59:59.999Z"  # 20 working days of 16 November
FORWARDED_BY = "2026-11-30T15:59:59.999Z"  # 10


def test_deadlines_of_the_law_are_found_right(tmp_path: Path) -> None:
    log = begun()
    staged(
        log,
        ("org_seller", "COMPLETE", "RUNNING", {"due_at": IN_TIME}),
        ("org_seller", "REPORT", "REPORTED", {"due_at": FORWARDED_BY, "late": False}),
        ("org_authority", "FORWARD", "REPORTED", {"late": False}),
    )
    assert problems(log, tmp_path) == []


@pytest.mark.parametrize(
    ("due", "late", "why"),
    [
        ("2027-12-14T15:59:59.999Z", False, "RKA.COMPLETE gives another deadline than 20 working days"),
        (IN_TIME, True, "RKA.REPORT says of itself that it was late"),
    ],
)
def test_another_deadline_or_a_false_word_of_lateness_is_found(tmp_path: Path, due, late, why) -> None:
    log = begun()
    staged(
        log,
        ("org_seller", "COMPLETE", "RUNNING", {"due_at": due}),
        ("org_seller", "REPORT", "REPORTED", {"due_at": FORWARDED_BY, "late": late}),
    )
    assert [said for _, said in problems(log, tmp_path)] == [why]


def test_a_report_long_after_its_day_that_says_in_time_is_found(tmp_path: Path) -> None:
    log = begun()
    late = {"due_at": "2027-01-15T15:59:59.999Z", "late": False, "occurred_at": "2026-12-31T01:00:00.000Z"}
    staged(
        log,
        ("org_seller", "COMPLETE", "RUNNING", {"due_at": IN_TIME}),
        ("org_seller", "REPORT", "REPORTED", late),
    )
    assert "RKA.REPORT says of itself that it was in time" in [said for _, said in problems(log, tmp_path)]


def test_an_access_after_the_term_and_an_answer_of_a_stranger_are_found(tmp_path: Path) -> None:
    log = begun()
    marked(log, until="2026-11-01T00:00:00.000Z")
    read(log, "org_buyer", 1, "a", "b")
    assert problems(log, tmp_path / "over") == [
        (BEGIN + 1, "access 1 to a confidential item is after its term")
    ]
    log = begun()
    for event, before, after, facts in (
        ("BEGIN", None, "DRAFT", {}),
        ("SUBMIT", "DRAFT", "SUBMITTED", {"reviewer_id": "org_authority"}),
    ):
        steps = {} if before is None else {"before": before}
        log.party("org_seller", f"PIA.{event}", "pia_1", after=after, **steps, **facts)
    passed = {"kind": "PIPIA", "holder_id": "org_seller", "reviewer_id": "org_authority"}
    log.party("org_authority", "PIA.MEASURES", "pia_1", before="SUBMITTED", after="STANDING", **passed)
    stays = {"before": "STANDING", "after": "STANDING"}
    log.party("org_seller", "PIA.CLOSE", "pia_1", **stays)
    assert problems(log, tmp_path / "strange") == [
        (BEGIN + 3, "a finding is answered by another one than reviewed it")
    ]
