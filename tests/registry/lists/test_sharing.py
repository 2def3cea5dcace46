"""Share requests: answered in ten working days, served in twenty, and what happens where they are not."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from registry.chiefs.errors import ChiefWanted
from registry.lists import cataloguing, repository, sharing
from registry.lists.counting import facts_of
from registry.lists.errors import ListMalformed, ListWrongRole, ShareAsked, ShareClosed, ShareWrongState
from registry.lists.figures import figures_of
from registry.lists.handing import handed
from registry.lists.rules import DataField, ShareKind
from registry.lists.sharing_rules import RefusalGround, ShareType
from registry.lists.states import ShareState
from registry.rules import Level
from tests.registry.chiefs.seats import by
from tests.registry.lists.office import ENTRY, NOW
from tests.standstill import refused, untouched

S = ShareState
NO = {"ground": RefusalGround.BEYOND_DUTY, "reason": "与职责无关"}


async def figures(office, party):
    async with office.database.read() as s:
        facts = await facts_of(s, agency_id=party.org_id, since=NOW, until=datetime(2027, 6, 1, tzinfo=UTC))
    return facts, figures_of(facts)


async def test_a_request_is_granted_and_served_in_time(office):
    entry = await office.entry()
    row = await office.asked(entry.data_id, fields=["车牌号"])
    assert row.status is S.SUBMITTED
    assert row.answer_by == datetime(2026, 11, 30, 15, 59, 59, 999000, tzinfo=UTC)
    about = {"share_id": row.share_id}
    async with refused(office.database, ShareAsked):
        await office.asked(entry.data_id)
    async with refused(office.database, ListWrongRole):
        await office.housing.do(sharing.grant, **about)
    office.clock.move_to(row.answer_by)
    row = await office.transport.do(sharing.grant, **about, answer="同意")
    assert (row.status, row.late_answer) == (S.ANSWERED_GRANT, False)
    assert row.serve_by == datetime(2026, 12, 28, 15, 59, 59, 999000, tzinfo=UTC)
    async with refused(office.database, ShareClosed):
        await office.transport.do(sharing.serve, **about)
    await office.transport.do(cataloguing.mount, data_id=entry.data_id, interface="https://api.example/v")
    await office.transport.do(sharing.serve, **about)
    async with refused(office.database, ListWrongRole):
        await office.transport.do(sharing.close, **about)
    row = await office.police.do(sharing.close, **about)
    assert row.status is S.CLOSED
    facts, shares = await figures(office, office.transport)
    assert (facts.asked, facts.answered_in_time, facts.to_serve, facts.served_in_time) == (1, 1, 1, 1)
    assert (shares.answered_in_time, shares.served_in_time) == (1, 1)
    said = await office.said_of(row.share_id)
    assert [one["event"] for one in said] == ["SHR.SUBMIT", "SHR.GRANT", "SHR.SERVE", "SHR.CLOSE"]
    assert "违停" not in str(said)


async def test_silence_is_overdue_goes_up_and_counts_against_the_provider(office):
    entry = await office.entry()
    row = await office.asked(entry.data_id)
    office.clock.move_to(row.answer_by)
    await office.work()
    assert (await office.share(row.share_id)).status is S.SUBMITTED
    office.clock.move_to(datetime(2026, 11, 30, 16, 0, tzinfo=UTC))
    await office.work()
    row = await office.share(row.share_id)
    assert (row.status, row.late_answer) == (S.OVERDUE, True)
    office.clock.move_to(row.due_at.replace(day=row.due_at.day + 1))
    await office.work()
    row = await office.share(row.share_id)
    assert row.status is S.ESCALATED
    facts, shares = await figures(office, office.transport)
    assert (facts.unanswered, shares.answered_in_time) == (1, 0)
    row = await office.authority.do(sharing.grant, role="DATA_AUTHORITY", share_id=row.share_id)
    assert (row.status, row.late_answer) == (S.ANSWERED_GRANT, True)
    office.clock.move_to(row.serve_by.replace(year=2027, month=3))
    await office.work()
    row = await office.share(row.share_id)
    assert (row.status, row.late_service) == (S.ANSWERED_GRANT, True)
    facts, shares = await figures(office, office.transport)
    assert (facts.answered_late, facts.unanswered, facts.served_late) == (1, 0, 1)
    assert (shares.answered_in_time, shares.served_in_time) == (0, 0)
    assert [one["event"] for one in await office.said_of(row.share_id)] == [
        "SHR.SUBMIT",
        "SHR.OVERDUE",
        "SHR.ESCALATE",
        "SHR.GRANT",
        "SHR.LATE",
    ]


async def test_a_refusal_is_signed_by_the_chief_data_officer_and_can_be_contested_once(office):
    entry = await office.entry()
    row = await office.asked(entry.data_id)
    about = {"share_id": row.share_id}
    async with refused(office.database, ChiefWanted):
        await office.transport.do(sharing.refuse, **about, **NO)
    asked = {**about, "ground": RefusalGround.CORRECT_AS_IS, "reason": "无误"}
    async with untouched(office.database, ListMalformed):
        await by(office.house, office.transport, office.chief.user_id, sharing.refuse, **asked)
    row = await by(office.house, office.transport, office.chief.user_id, sharing.refuse, **about, **NO)
    assert (row.status, row.chief_id) == (S.ANSWERED_REFUSE, office.chief.chief_id)
    await office.police.do(sharing.contest, **about, grounds="法定职责需要")
    async with refused(office.database, ListWrongRole):
        await office.transport.do(sharing.refuse, **about, **NO)
    await office.authority.do(sharing.refuse, role="DATA_AUTHORITY", **about, **NO)
    async with refused(office.database, ShareWrongState):
        await office.police.do(sharing.contest, **about, grounds="再次")
    said = await office.said_of(row.share_id)
    assert [(one["event"], one["to"]) for one in said][1:] == [
        ("SHR.REFUSE", "ANSWERED_REFUSE"),
        ("SHR.CONTEST", "ESCALATED"),
        ("SHR.REFUSE", "ANSWERED_REFUSE"),
    ]
    assert said[1]["chief_id"] == office.chief.chief_id


async def test_unconditional_data_is_had_at_once_and_what_is_not_shared_is_not_asked(office):
    entry = await office.entry(share=ShareKind.UNCONDITIONAL, share_reason="")
    mine = await office.file()
    await office.transport.do(cataloguing.mount, data_id=entry.data_id, file_id=mine.file_id)
    row = await office.asked(entry.data_id)
    assert (row.status, row.answer_by) == (S.ANSWERED_GRANT, None)
    office.clock.move_to(row.serve_by.replace(year=2027, month=1))
    await office.work()
    row = await office.share(row.share_id)
    assert (row.status, row.late_service, row.served_sha256) == (S.SERVED, False, "a" * 64)
    correction = await office.asked(entry.data_id, kind=ShareType.CORRECTION)
    assert correction.status is S.SUBMITTED
    closed = await office.entry(name="不共享", share=ShareKind.NOT_SHARED, share_reason="保密法第十三条")
    async with refused(office.database, ShareClosed):
        await office.asked(closed.data_id)
    async with untouched(office.database, ListMalformed):
        await office.asked(entry.data_id, office.transport)
    back = await office.asked(entry.data_id, office.housing, kind=ShareType.BACKFLOW)
    async with refused(office.database, ListWrongRole):
        await office.police.do(sharing.withdraw, share_id=back.share_id)
    assert (await office.housing.do(sharing.withdraw, share_id=back.share_id)).status is S.CLOSED


async def test_of_the_same_asked_at_once_one_is_kept(office):
    entry = await office.entry()
    asking = (office.asked(entry.data_id) for _ in range(4))
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert sum(isinstance(one, ShareAsked) for one in found) == 3
    async with office.database.read() as s:
        assert len(await repository.shares(s, data_id=entry.data_id)) == 1


async def test_the_clock_serves_no_correction_and_nothing_that_could_not_be_had(office):
    mine = await office.file()
    entry = await office.entry()
    named = await office.entry(name="营运车辆")
    drawn = await office.file(name="车辆.pdf", media_type="application/pdf")
    for one, file in ((entry, mine), (named, drawn)):
        await office.transport.do(cataloguing.mount, data_id=one.data_id, file_id=file.file_id)
    rows = [
        await office.asked(entry.data_id, kind=ShareType.CORRECTION),
        await office.asked(entry.data_id, fields=["车型"]),
        await office.asked(named.data_id, fields=["车型"]),
    ]
    for one in rows:
        granted = await office.transport.do(sharing.grant, share_id=one.share_id)
    office.clock.move_to(granted.serve_by.replace(year=2027, month=1))
    await office.work()
    after = [await office.share(one.share_id) for one in rows]
    assert [(one.status, one.late_service) for one in after] == [
        (S.ANSWERED_GRANT, True),
        (S.SERVED, False),
        (S.ANSWERED_GRANT, True),
    ]


async def test_all_is_what_the_entry_had_when_it_was_granted(office):
    entry = await office.entry()
    mine = await office.file()
    await office.transport.do(cataloguing.mount, data_id=entry.data_id, file_id=mine.file_id)
    row = await office.asked(entry.data_id)
    await office.transport.do(sharing.grant, share_id=row.share_id)
    columns = []
    for fields in (ENTRY.fields[:1], (*ENTRY.fields, DataField(name="身份证"))):
        async with office.database.read() as s:
            row = await repository.share(s, share_id=row.share_id)
            columns.append((await handed(s, row=row, level=Level.GENERAL_2)).columns)
            version = (await repository.data_entry(s, data_id=entry.data_id)).version
        office.clock.advance(timedelta(minutes=1))
        said = {"version": version, "entry": replace(ENTRY, fields=fields)}
        await office.transport.do(cataloguing.change_data, data_id=entry.data_id, **said)
    async with office.database.read() as s:
        columns.append((await handed(s, row=row, level=Level.GENERAL_2)).columns)
    assert columns == [(), (), ("车牌号", "车型")]
