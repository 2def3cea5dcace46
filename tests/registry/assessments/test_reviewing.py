"""Impact assessments and security reviews: who writes, who reviews, what they carry, how they fall."""

from datetime import date, timedelta

import pytest
from sqlmodel import select

from base.jobs import JobRow
from registry.assessments import assessing, repository, reviewing
from registry.assessments.errors import (
    AssessmentMalformed,
    ReviewerUnfit,
    SecurityWrongRole,
    SecurityWrongState,
)
from registry.assessments.rules import AssessmentKind, Finding, Outcome, Use
from registry.grading.depending import require_reviewed
from registry.grading.errors import AssessmentMissing, GradingWrongState
from registry.grading.falling import ASSESSMENT_LOST_JOB
from registry.grading.raising import set_parts
from registry.grading.scanning import take_others
from registry.grading.states import AssessmentState
from registry.grading.tables import AssessmentRow
from registry.rules import Level
from tests.registry.assessments.room import ENCRYPT, WRITTEN
from tests.registry.grading.bench import NOW, PRODUCT
from tests.standstill import refused, untouched

PIPIA, REVIEW = AssessmentKind.PIPIA, AssessmentKind.SECURITY_REVIEW
S = AssessmentState


async def short(room, use="LISTING", **facts):
    """What is missing for a use of the product: kind and why; None where nothing is."""
    about = {"object_id": PRODUCT, "holder_id": room.provider.org_id, "now": room.clock.now()} | facts
    async with room.database.read() as s:
        try:
            await require_reviewed(s, use=use, **about)
        except AssessmentMissing as missing:
            return missing.facts["kind"], missing.facts["why"]
    return None


async def now_of(room, row) -> AssessmentRow:
    async with room.database.read() as s:
        return await repository.got(s, AssessmentRow, row.assessment_id)


async def test_a_listing_needs_both_and_each_goes_its_own_way_to_a_reviewer(room):
    await room.product()
    assert await short(room) == ("PIPIA", "none")
    made = await room.passed()
    assert (made.status, made.outcome, made.reviewed_by) == (S.STANDING, "PASS", room.reviewer)
    assert made.keep_until >= NOW + timedelta(days=3 * 365)
    assert await short(room) == ("SECURITY_REVIEW", "none")
    row = await room.begun(REVIEW)
    about = {"assessment_id": row.assessment_id}
    async with refused(room.database, ReviewerUnfit):  # not on the register
        await room.of("provider", reviewing.submit, **about, reviewer_id=room.assessor.org_id)
    async with refused(room.database, ReviewerUnfit):  # a security review is another organisation's
        await room.of("provider", reviewing.submit, **about, reviewer_id=room.provider.org_id)
    await room.registered()
    await room.of("provider", reviewing.submit, **about, reviewer_id=room.assessor.org_id)
    assert await short(room) == ("SECURITY_REVIEW", "none")  # handed in is not passed
    await room.conclude(row, Outcome.PASS)
    assert await short(room) is None
    assert await short(room, holder_id=room.other.org_id) == ("PIPIA", "none")
    assert await room.said_of(row.assessment_id) == ["PIA.BEGIN", "PIA.SUBMIT", "PIA.PASS"]


async def test_who_wrote_it_does_not_review_it_and_nobody_but_its_reviewer_does(sqlite_room):
    room = sqlite_room
    await room.product()
    row = await room.handed()
    about = {"assessment_id": row.assessment_id, "outcome": Outcome.PASS, "opinion": "可"}
    async with refused(room.database, ReviewerUnfit):
        await room.of("provider", reviewing.conclude, **about)
    async with refused(room.database, SecurityWrongRole):
        await room.of("cac", reviewing.conclude, **about)
    async with refused(room.database, SecurityWrongRole):
        await room.of("assessor", reviewing.conclude, **about)
    back = {"assessment_id": row.assessment_id, "reason": "必要性未写明"}
    await room.of("reviewer", reviewing.send_back, **back)
    # Whoever revises has written it too: neither is its reviewer any longer.
    again = {"contents": WRITTEN[PIPIA], "file_sha256": "b" * 64}
    await room.of("reviewer", reviewing.revise, assessment_id=row.assessment_id, **again)
    to = {"assessment_id": row.assessment_id, "reviewer_id": room.provider.org_id}
    second = await room.of("provider", reviewing.submit, **to)
    assert second.report_sha256 != row.report_sha256  # the file is in it
    for who in ("reviewer", "provider"):
        async with refused(room.database, ReviewerUnfit):
            await room.of(who, reviewing.conclude, **about)
    await room.of("provider", reviewing.withdraw, assessment_id=row.assessment_id)
    last = await room.begun()
    await room.of("provider", reviewing.submit, assessment_id=last.assessment_id, reviewer_id=room.cac.org_id)
    about["assessment_id"] = last.assessment_id
    assert (await room.of("cac", reviewing.conclude, **about)).status is S.STANDING


async def test_a_part_that_is_missing_is_named_and_nothing_is_handed_in(sqlite_room):
    room = sqlite_room
    await room.product()
    row = await room.begun(contents=WRITTEN[PIPIA] | {"necessity": " "})
    async with untouched(room.database, AssessmentMalformed) as caught:
        await room.of(
            "provider", reviewing.submit, assessment_id=row.assessment_id, reviewer_id=room.provider.org_id
        )
    assert caught.value.facts["fields"] == ["necessity"]
    async with untouched(room.database, AssessmentMalformed):
        await room.begun(contents={"gossip": "x"})
    async with refused(room.database, SecurityWrongRole):
        await room.of(
            "clerk",
            reviewing.begin_assessment,
            object_id=PRODUCT,
            kind=PIPIA,
            uses=(Use.LISTING,),
            contents={},
        )


async def test_an_overdue_finding_blocks_until_it_is_closed(room):
    await room.product()
    await room.registered()
    await room.passed(REVIEW)
    row = await room.conclude(
        await room.handed(), Outcome.WITH_MEASURES, findings=(ENCRYPT, Finding("缩短留存", date(2027, 1, 4)))
    )
    assert (row.status, row.findings) == (S.STANDING, 2)
    assert await short(room) is None
    room.clock.move_to(row.due_at)
    assert await short(room) is None  # the last moment belongs to it
    room.clock.advance(timedelta(milliseconds=1))
    assert await short(room) == ("PIPIA", "finding-overdue")  # before any job has run
    await room.work()
    assert (await now_of(room, row)).status is S.SUSPENDED
    assert await short(room) == ("PIPIA", "none")
    finding = {"assessment_id": row.assessment_id, "no": 1}
    async with refused(room.database, SecurityWrongState):  # nothing was handed in
        await room.of("reviewer", reviewing.answer_finding, **finding, closed=True, reason="好")
    remedied = {"text": "已改为一次性链接", "evidence_sha256": "e" * 64}
    await room.of("provider", reviewing.remedy, **finding, **remedied)
    async with refused(room.database, ReviewerUnfit):  # who wrote it closes nothing
        await room.of("provider", reviewing.answer_finding, **finding, closed=True, reason="好")
    await room.of("reviewer", reviewing.answer_finding, **finding, closed=False, reason="证据不足")
    await room.of("provider", reviewing.remedy, **finding, **remedied)
    row = await room.of("reviewer", reviewing.answer_finding, **finding, closed=True, reason="已整改")
    assert (row.status, row.due_at) == (S.STANDING, (await found(room, row))[1].due_at)
    assert await short(room) is None
    second = {"assessment_id": row.assessment_id, "no": 2}
    assert (await room.said_of(row.assessment_id))[-5:] == [
        "PIA.SUSPEND",
        "PIA.REMEDY",
        "PIA.REOPEN",
        "PIA.REMEDY",
        "PIA.RESUME",
    ]
    await room.of("reviewer", reviewing.remedy, **second, **remedied)
    async with refused(room.database, ReviewerUnfit):  # nor does who remedied it
        await room.of("reviewer", reviewing.answer_finding, **second, closed=True, reason="好")


async def found(room, row):
    async with room.database.read() as s:
        return await repository.findings_of(s, assessment_id=row.assessment_id)


async def test_it_falls_when_its_time_is_over_its_file_changes_or_it_is_taken_back(sqlite_room):
    room = sqlite_room
    await room.product()
    await room.registered()
    await room.passed(REVIEW)
    bound = await room.passed(file_sha256="a" * 64)
    assert await short(room) is None
    assert await short(room, file_sha256="b" * 64) == ("PIPIA", "another-file")
    # What was reviewed before there was a file is not of the first one that comes: it is made anew.
    assert await short(room, file_sha256="a" * 64) == ("SECURITY_REVIEW", "no-file")

    async def mounted(s, act, sha256):
        about = {"object_id": PRODUCT, "holder_id": room.provider.org_id, "cause": "scan"}
        await set_parts(s, act, **about, file_sha256=sha256)

    await room.of("operator", mounted, sha256="a" * 64)
    assert await short(room) == ("SECURITY_REVIEW", "no-file")  # also where nobody names the file
    again = await room.passed(REVIEW)
    assert again.file_sha256 == "a" * 64  # now it is known
    assert await short(room) is None
    about = {"object_id": PRODUCT, "file_sha256": "c" * 64, "hints": ()}
    levels = {"said": Level.GENERAL_2, "known": Level.GENERAL_2}
    await room.of("other", take_others, holder_id=room.other.org_id, **about, **levels)
    assert await short(room) is None  # a reseller's file ends nothing of ours
    await room.of("operator", mounted, sha256="a" * 64)
    await room.of("operator", mounted, sha256="b" * 64)
    assert (await now_of(room, bound)).status is S.ENDED
    assert await short(room) == ("PIPIA", "none")
    async with room.database.read() as s:
        jobs = (await s.exec(select(JobRow).where(JobRow.kind == ASSESSMENT_LOST_JOB))).all()
    assert {one.payload["object_id"] for one in jobs} == {PRODUCT}
    assert len(jobs) == 3  # the one review that named no file as well: there was one
    taken = await room.passed()
    ended = await room.of("provider", reviewing.end, assessment_id=taken.assessment_id, reason="停用")
    assert ended.status is S.ENDED
    revoked = await room.passed()
    about = {"assessment_id": revoked.assessment_id, "reason": "材料不实"}
    async with refused(room.database, SecurityWrongRole):
        await room.of("assessor", reviewing.revoke, **about)
    assert (await room.of("cac", reviewing.revoke, **about)).status is S.ENDED
    last = await room.passed()
    room.clock.move_to(last.valid_until + timedelta(seconds=1))
    await room.work()
    assert (await now_of(room, last)).status is S.ENDED
    async with refused(room.database, GradingWrongState):
        await room.of("provider", reviewing.end, assessment_id=last.assessment_id, reason="再次")


async def test_it_carries_the_purposes_and_the_recipients_it_was_made_for_and_no_others(sqlite_room):
    room = sqlite_room
    await room.product()
    await room.registered()
    whole = {"purposes": ["RISK_CONTROL"], "recipients": ["org_buyer"]}
    for less, missing in (
        ({"purposes": []}, ["purposes"]),
        ({"recipients": []}, ["recipients"]),
        ({"recipients": [], "uses": (Use.EXPORT,)}, ["recipients"]),
    ):
        row = await room.begun(**whole | less)
        async with untouched(room.database, AssessmentMalformed) as caught:
            about = {"assessment_id": row.assessment_id, "reviewer_id": room.provider.org_id}
            await room.of("provider", reviewing.submit, **about)
        assert caught.value.facts["fields"] == missing
    async with untouched(room.database, AssessmentMalformed):
        await room.begun(recipients=[str(number) for number in range(51)])
    await room.passed(REVIEW, uses=(Use.LISTING,), purposes=["RESEARCH", "RISK_CONTROL"], recipients=[])
    made = await room.passed(uses=(Use.LISTING,), purposes=["RISK_CONTROL"], recipients=[])
    other = await room.begun(recipients=["org_other"])
    assert (made.purposes, made.recipients, other.purposes) == (["RISK_CONTROL"], [], ["RISK_CONTROL"])
    assert await short(room, purposes={"RISK_CONTROL"}, recipients={"org_anybody"}) is None
    assert await short(room, purposes={"RISK_CONTROL", "RESEARCH"}) == ("PIPIA", "another-purpose")
    await room.passed(REVIEW, recipients=["org_buyer"])
    await room.passed(recipients=["org_buyer", "Aster Research Ltd"])
    assert await short(room, "EXPORT", recipients={"org_buyer"}) is None
    lacking = await short(room, "EXPORT", recipients={"Aster Research Ltd"})
    assert lacking is not None
    assert lacking[0] == "SECURITY_REVIEW"


async def test_one_made_for_listing_carries_no_export(sqlite_room):
    room = sqlite_room
    await room.product()
    await room.registered()
    await room.passed(uses=(Use.LISTING,))
    await room.passed(REVIEW)
    assert await short(room) is None
    assert await short(room, "EXPORT") == ("PIPIA", "another-use")
    failed = await room.conclude(await room.handed(uses=(Use.EXPORT,)), Outcome.FAIL)
    assert (failed.status, failed.valid_until) == (S.FAILED, None)
    assert await short(room, "EXPORT") == ("PIPIA", "another-use")


@pytest.mark.parametrize(
    "wrong",
    [
        {"outcome": Outcome.PASS, "findings": (ENCRYPT,)},
        {"outcome": Outcome.WITH_MEASURES},
        {"outcome": Outcome.WITH_MEASURES, "findings": (Finding("x", date(2026, 11, 15)),)},
        {"outcome": Outcome.WITH_MEASURES, "findings": (Finding("x", date(2027, 5, 16)),)},
        {"outcome": Outcome.PASS, "valid_until": NOW},
        {"outcome": Outcome.PASS, "valid_until": NOW + timedelta(days=366)},
    ],
)
async def test_conclusions_without_form_are_refused(sqlite_room, wrong):
    await sqlite_room.product()
    row = await sqlite_room.handed()
    async with untouched(sqlite_room.database, AssessmentMalformed):
        await sqlite_room.conclude(row, **wrong)


async def test_a_suspended_assessor_concludes_nothing(sqlite_room):
    room = sqlite_room
    await room.product()
    assessor = await room.registered()
    row = await room.handed(REVIEW)
    reason = {"assessor_id": assessor.assessor_id, "reason": "抽查不合格"}
    await room.of("cac", assessing.suspend_assessor, **reason)
    async with refused(room.database, ReviewerUnfit):
        await room.conclude(row, Outcome.PASS)
    await room.of("cac", assessing.resume_assessor, **reason)
    row = await room.conclude(row, Outcome.WITH_MEASURES, findings=(ENCRYPT,))
    assert row.status is S.STANDING
    await room.of("cac", assessing.end_assessor, **reason)
    finding = {"assessment_id": row.assessment_id, "no": 1}
    await room.of("provider", reviewing.remedy, **finding, text="已改", evidence_sha256="e" * 64)
    room.clock.move_to(row.due_at + timedelta(seconds=1))
    await room.work()
    async with refused(room.database, ReviewerUnfit):  # struck off, it closes nothing either
        await room.of("assessor", reviewing.answer_finding, **finding, closed=True, reason="好")
    async with refused(room.database, SecurityWrongRole):
        await room.of("other", reviewing.answer_finding, **finding, closed=True, reason="好")
    row = await room.of("cac", reviewing.answer_finding, **finding, closed=True, reason="已核")
    assert row.status is S.STANDING
