"""What a registrar owes: a report each year, word of a change, half a year's of leaving."""

from datetime import UTC, date, datetime, timedelta

import pytest

from registry.registration import answering, recognising
from registry.registration.errors import (
    RegistrarLeaving,
    RegistrarReported,
    RegistrarUnreported,
    RegistrarYearUnfit,
    RegistrationRequestUnknown,
    RegistrationWrongRole,
    ToldTooLate,
)
from registry.registration.seats import PaperKind, check_told, check_year, owed_by
from tests.identity.unmoved import statements
from tests.registry.registration.desk import NOW, Desk
from tests.standstill import refused

DOCUMENT = {"document_sha256": "7" * 64}
LAST = timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("kind", "first"), [(PaperKind.CHANGE, date(2026, 11, 23)), (PaperKind.LEAVE, date(2027, 5, 16))]
)
def test_a_day_too_near_is_told_too_late(kind, first):
    check_told(kind, first, NOW)
    with pytest.raises(ToldTooLate) as caught:
        check_told(kind, first - timedelta(days=1), NOW)
    assert caught.value.facts["earliest"] == first.isoformat()


def test_a_year_is_owed_in_the_next_and_only_one_that_is_over():
    at = datetime(2027, 2, 1, tzinfo=UTC)
    assert owed_by(PaperKind.REPORT, 2026, at).isoformat() == "2027-03-31T15:59:59.999000+00:00"
    assert owed_by(PaperKind.ASSESSMENT, 2026, at).isoformat() == "2027-04-30T15:59:59.999000+00:00"
    check_year(2026, recognised_at=NOW, at=at)
    for year in (2025, 2027):
        with pytest.raises(RegistrarYearUnfit):
            check_year(year, recognised_at=NOW, at=at)


async def said_of(desk: Desk, event: str) -> list[dict]:
    found = [one["predicate"] for one in await statements(desk.database)]
    return [one for one in found if one["event"] == event]


async def test_a_year_is_reported_on_and_assessed_once_and_what_is_late_is_stated(desk):
    await desk.registered()
    about = {"attempted": "RGR.REPORT", "year": 2026, **DOCUMENT}
    async with refused(desk.database, RegistrarYearUnfit):  # it is not over
        await desk.registrar.do(answering.report_year, **about)
    desk.clock.move_to(datetime(2027, 3, 31, 15, 59, 59, 999000, tzinfo=UTC))
    await desk.work()
    assert await said_of(desk, "RGR.OVERDUE") == []
    desk.clock.advance(LAST)
    await desk.work()
    (late,) = await said_of(desk, "RGR.OVERDUE")
    assert (late["what"], late["year"]) == ("REPORT", 2026)
    found = {"org_id": desk.registrar.org_id, "year": 2026, "passed": True, **DOCUMENT}
    async with refused(desk.database, RegistrarUnreported):
        await desk.authority.do(answering.assess_year, attempted="RGR.ASSESS", **found)
    async with refused(desk.database, RegistrationWrongRole):
        await desk.authority.do(answering.report_year, **about)
    paper = await desk.registrar.do(answering.report_year, **about)
    assert paper.figures == {"applied": 1, "registered": 1}
    async with refused(desk.database, RegistrarReported):
        await desk.registrar.do(answering.report_year, **about)
    await desk.authority.do(answering.assess_year, attempted="RGR.ASSESS", **found)
    (told,) = await said_of(desk, "RGR.REPORT")
    assert (told["applied"], told["registered"], told["late"]) == (1, 1, True)
    (told,) = await said_of(desk, "RGR.ASSESS")
    assert (told["passed"], told["late"]) == (True, False)
    desk.clock.move_to(datetime(2028, 4, 30, 16, 0, tzinfo=UTC))
    await desk.work()
    assert [(one["what"], one["year"]) for one in (await said_of(desk, "RGR.OVERDUE"))[1:]] == [
        ("REPORT", 2027),
        ("ASSESSMENT", 2027),
    ]


async def test_a_registrar_leaves_on_the_day_it_told_and_that_was_agreed_to(desk):
    left = {"attempted": "RGR.END", "org_id": desk.registrar.org_id, "reason_code": "LEFT"}
    tell = {"attempted": "RGR.TELL", "kind": PaperKind.LEAVE, "text": "业务调整", **DOCUMENT}
    async with refused(desk.database, RegistrarLeaving):  # nothing was told
        await desk.authority.do(recognising.end_recognition, **left)
    async with refused(desk.database, ToldTooLate):
        await desk.registrar.do(answering.tell_ahead, **tell, effective_on=date(2027, 5, 15))
    paper = await desk.registrar.do(answering.tell_ahead, **tell, effective_on=date(2027, 5, 17))
    assert paper.due_at.isoformat() == "2026-12-14T15:59:59.999000+00:00"
    async with refused(desk.database, RegistrarReported):
        await desk.registrar.do(answering.tell_ahead, **tell, effective_on=date(2027, 6, 1))
    desk.clock.move_to(paper.due_at + LAST)
    await desk.work()
    (late,) = await said_of(desk, "RGR.OVERDUE")
    assert (late["what"], late["paper_id"]) == ("LEAVE", paper.paper_id)
    decided = {"attempted": "RGR.DECIDE", "paper_id": paper.paper_id, "reason": "同意", "agreed": True}
    async with refused(desk.database, RegistrationWrongRole):
        await desk.registrar.do(answering.decide_leaving, **decided)
    await desk.authority.do(answering.decide_leaving, **decided)
    with pytest.raises(RegistrationRequestUnknown):
        await desk.authority.do(answering.decide_leaving, **decided)
    desk.clock.move_to(datetime(2027, 5, 16, 15, 0, tzinfo=UTC))
    async with refused(desk.database, RegistrarLeaving):  # the day before
        await desk.authority.do(recognising.end_recognition, **left)
    desk.clock.move_to(datetime(2027, 5, 16, 16, 0, tzinfo=UTC))
    ended = await desk.authority.do(recognising.end_recognition, **left)
    assert ended.ended_at == desk.clock.now()
