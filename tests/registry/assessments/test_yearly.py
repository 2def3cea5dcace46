"""The yearly risk assessment: who must, by when, by whom, what is late, what is kept."""

from datetime import UTC, date, datetime, timedelta

import pytest

from base.calendar import deadline_after
from identity.tables import OrganisationRow
from registry.assessments import assessing, repository, yearly
from registry.assessments.errors import (
    AssessmentMalformed,
    AssessorTooOften,
    ReviewerUnfit,
    SecurityWrongRole,
    SecurityWrongState,
)
from registry.assessments.rules import Qualification, Trade
from registry.assessments.states import RiskState
from registry.assessments.tables import RiskRow
from registry.grading import declaring
from registry.grading.rules import Amounts
from registry.rules import Level
from tests.registry.assessments.room import FIT, REPORT
from tests.registry.grading.bench import NOW, PRODUCT
from tests.standstill import refused, untouched

S = RiskState
END_OF_YEAR = datetime(2026, 12, 31, 15, 59, 59, 999_000, UTC)


async def planned(room, year=2026) -> dict[str, RiskRow]:
    """Each handler's assessment of a year, by its id."""
    async with room.database.read() as s:
        return {one.handler_id: one for one in await repository.risks(s) if one.year == year}


async def own(room, *, complete: bool = True) -> RiskRow:
    """The department's, begun by itself, and completed."""
    await room.notified()
    await room.work()
    row = (await planned(room))[room.agency.org_id]
    await room.of("clerk", yearly.start, risk_id=row.risk_id, assessor_id=None)
    if complete:
        row = await room.of("clerk", yearly.complete, risk_id=row.risk_id, report=REPORT)
    return row


async def test_departments_and_holders_of_what_is_important_are_planned_once_a_year(room):
    await room.product()
    entry = await room.notified(objects=(PRODUCT,))
    await room.work()
    found = await planned(room)
    assert set(found) == {room.agency.org_id, room.provider.org_id}
    row = found[room.provider.org_id]
    assert (row.status, row.entries, row.due_at) == (S.PLANNED, [entry.entry_id], END_OF_YEAR)
    await room.notified(name="又一项", keywords=("变电站",))
    await room.work()
    assert len(await planned(room)) == 2
    room.clock.move_to(datetime(2026, 12, 31, 16, tzinfo=UTC))  # midnight of 1 January in Shanghai
    await room.work()
    assert set(await planned(room, 2027)) == set(found)
    assert {one.overdue_at is not None for one in (await planned(room)).values()} == {True}
    said = await room.said_of(row.risk_id)
    assert said == ["RKA.PLAN", "RKA.OVERDUE"]


async def test_it_is_reported_forwarded_rectified_and_archived_each_in_its_time(room):
    row = await own(room)
    about = {"risk_id": row.risk_id}
    assert row.due_at == deadline_after(NOW, 20).at
    async with refused(room.database, SecurityWrongRole):
        await room.of("provider", yearly.report, **about)
    row = await room.of("clerk", yearly.report, **about)
    assert (row.status, row.forward_by, row.due_at) == (S.REPORTED, deadline_after(NOW, 10).at, None)
    row = await room.of("cac", yearly.order, **about, text="补充应急预案", by=date(2026, 12, 16))
    assert (row.status, row.forward_by) == (S.RECTIFYING, deadline_after(NOW, 10).at)
    async with refused(room.database, SecurityWrongState):
        await room.of("clerk", yearly.rectify, **about, text="已补充", evidence_sha256="e" * 64)
    row = await room.of("clerk", yearly.finish, **about)
    assert row.due_at == deadline_after(NOW, 15).at
    row = await room.of("clerk", yearly.rectify, **about, text="已补充", evidence_sha256="e" * 64)
    assert (row.status, row.due_at) == (S.RECTIFIED, None)
    async with refused(room.database, SecurityWrongState):  # it is forwarded first, ordered or not
        await room.of("cac", yearly.archive, **about)
    await room.of("cac", yearly.forward, **about, recipient="省公安厅")
    row = await room.of("cac", yearly.archive, **about)
    assert (row.status, row.keep_until) == (S.ARCHIVED, datetime(2029, 11, 16, 1, tzinfo=UTC))
    assert await room.said_of(row.risk_id) == [
        f"RKA.{event}"
        for event in (
            "PLAN",
            "START",
            "COMPLETE",
            "REPORT",
            "ORDER",
            "FINISH",
            "RECTIFY",
            "FORWARD",
            "ARCHIVE",
        )
    ]


async def test_who_holds_data_of_ten_million_persons_is_planned_when_its_level_is_decided(sqlite_room):
    room = sqlite_room
    entry = await room.entry()
    row = await room.declared(entry.data_id, level=Level.IMPORTANT, amounts=Amounts(persons=10_000_000))
    await room.decide(row, Level.IMPORTANT)
    await room.work()
    assert await planned(room) == {}  # proposed, not in force
    await room.of("authority", declaring.confirm, grading_id=row.grading_id)
    await room.work()
    assert set(await planned(room)) == {room.agency.org_id}


async def test_no_authority_decides_on_its_own_group_s_assessment(sqlite_room):
    room = sqlite_room
    row = await own(room)
    await room.of("clerk", yearly.report, risk_id=row.risk_id)
    async with room.database.write() as s:
        (await s.get(OrganisationRow, room.agency.org_id)).controller_id = room.cac.org_id
    async with refused(room.database, SecurityWrongRole):
        await room.of("cac", yearly.forward, risk_id=row.risk_id, recipient="省公安厅")
    await room.of("authority", yearly.forward, risk_id=row.risk_id, recipient="省公安厅")


async def test_what_is_late_is_stated_once_a_stage_and_can_still_be_done(sqlite_room):
    room = sqlite_room
    row = await own(room)
    room.clock.move_to(row.due_at)
    await room.work()
    assert (await planned(room))[room.agency.org_id].overdue_at is None
    room.clock.advance(timedelta(seconds=1))
    await room.work()
    await room.work()
    assert (await planned(room))[room.agency.org_id].overdue_at is not None
    row = await room.of("clerk", yearly.report, risk_id=row.risk_id)
    assert (row.status, row.overdue_at) == (S.REPORTED, None)
    ahead = {"text": "整改", "by": date(2027, 4, 1)}  # an order does not stop the clock of the forwarding
    await room.of("cac", yearly.order, risk_id=row.risk_id, **ahead)
    room.clock.move_to(row.forward_by + timedelta(seconds=1))
    await room.work()
    await room.work()
    assert (await room.said_of(row.risk_id))[3:] == [
        "RKA.OVERDUE",
        "RKA.REPORT",
        "RKA.ORDER",
        "RKA.OVERDUE",
    ]


async def test_an_assessor_is_registered_of_another_group_and_not_a_fourth_time_running(sqlite_room):
    room = sqlite_room
    await room.notified()
    await room.work()
    row = (await planned(room))[room.agency.org_id]
    by = {"risk_id": row.risk_id, "assessor_id": room.assessor.org_id}
    async with refused(room.database, ReviewerUnfit):
        await room.of("clerk", yearly.start, **by)
    await room.registered()
    async with room.database.write() as s:
        for year in (2023, 2024, 2025):
            kept = {"handler_id": room.agency.org_id, "assessor_id": room.assessor.org_id}
            status = {"status": S.ARCHIVED, "entries": [], "planned_at": NOW}
            s.add(RiskRow(risk_id=f"rka_of_{year}", year=year, **kept, **status))
    async with refused(room.database, AssessorTooOften):
        await room.of("clerk", yearly.start, **by)
    async with room.database.write() as s:
        (await s.get(RiskRow, "rka_of_2024")).status = S.PLANNED
    async with refused(room.database, SecurityWrongState):  # no year is begun before the one before it
        await room.of("clerk", yearly.start, **by)
    async with room.database.write() as s:
        kept = await s.get(RiskRow, "rka_of_2024")
        kept.assessor_id, kept.status = room.agency.org_id, S.ARCHIVED
    row = await room.of("clerk", yearly.start, **by)
    async with refused(room.database, SecurityWrongRole):
        await room.of("clerk", yearly.complete, risk_id=row.risk_id, report=REPORT)
    async with untouched(room.database, AssessmentMalformed) as caught:
        report = REPORT | {"incidents": ""}
        await room.of("assessor", yearly.complete, risk_id=row.risk_id, report=report)
    assert caught.value.facts["fields"] == ["incidents"]
    row = await room.of("assessor", yearly.complete, risk_id=row.risk_id, report=REPORT)
    assert (row.status, row.report_sha256 is not None) == (S.RUNNING, True)
    async with refused(room.database, SecurityWrongState):
        await room.of("assessor", yearly.complete, risk_id=row.risk_id, report=REPORT)


async def test_the_register_takes_who_is_qualified_once_and_lets_it_go_in_time(sqlite_room):
    room = sqlite_room
    few = Qualification(trades=(Trade.RISK,), staff=4, years=1, certificate_sha256="9" * 64)
    async with refused(room.database, ReviewerUnfit) as caught:
        await room.of("assessor", assessing.apply_as_assessor, qualification=few)
    assert caught.value.facts["short"] == ["staff", "years"]
    row = await room.registered()
    assert row.valid_until == datetime(2029, 11, 16, 1, tzinfo=UTC)
    async with refused(room.database, SecurityWrongState):
        await room.of("assessor", assessing.apply_as_assessor, qualification=FIT)
    async with refused(room.database, SecurityWrongRole):
        await room.of("other", assessing.end_assessor, assessor_id=row.assessor_id, reason="停业")
    room.clock.move_to(row.valid_until + timedelta(seconds=1))
    await room.work()
    async with room.database.read() as s:
        assert (await repository.assessors(s))[0].status == "ENDED"
    assert (await room.registered()).status == "REGISTERED"  # anew


@pytest.mark.parametrize("by", [date(2026, 11, 16), date(2027, 5, 16)])
async def test_an_order_has_a_day_ahead_and_not_too_far(sqlite_room, by):
    row = await own(sqlite_room)
    await sqlite_room.of("clerk", yearly.report, risk_id=row.risk_id)
    async with untouched(sqlite_room.database, AssessmentMalformed):
        await sqlite_room.of("cac", yearly.order, risk_id=row.risk_id, text="整改", by=by)
