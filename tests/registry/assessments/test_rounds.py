"""The catalogue's yearly round: what each department answers for, what is missing, what is late."""

from datetime import UTC, datetime, timedelta

from base.calendar import deadline_after
from registry.assessments import repository, rounds
from registry.assessments.errors import RoundIncomplete, SecurityWrongRole, SecurityWrongState
from registry.assessments.states import RoundState
from registry.assessments.tables import RoundRow
from registry.chiefs.errors import ChiefWanted
from registry.grading import cataloguing
from tests.registry.grading.bench import LOAD, NOW
from tests.standstill import refused

NEW_YEAR = datetime(2026, 12, 31, 16, tzinfo=UTC)  # midnight of 1 January in Shanghai


async def opened(room) -> tuple[RoundRow, list[str]]:
    """Three live entries of one sector, and this year's round of them."""
    names = ("甲", "乙", "丙")
    entries = [
        (await room.notified(name=f"{name}类调度数据", keywords=(f"{name}号调度",))).entry_id
        for name in names
    ]
    room.clock.advance(timedelta(minutes=1))
    (row,) = await room.of("cac", rounds.open_this_year)
    room.clock.advance(timedelta(minutes=1))
    return row, entries


async def test_each_entry_is_kept_changed_or_removed_and_the_chief_signs(room):
    row, (kept, changed, removed) = await opened(room)
    assert (row.sector, row.due_at) == ("D", deadline_after(NOW, 30).at)
    about = {"round_id": row.round_id}
    async with refused(room.database, SecurityWrongState):
        await room.of("cac", rounds.open_this_year)
    async with refused(room.database, ChiefWanted):
        await room.of("clerk", rounds.answer_round, **about, kept=[kept])
    async with refused(room.database, RoundIncomplete) as caught:
        await room.of("chief", rounds.answer_round, **about, kept=[kept])
    assert caught.value.facts["entries"] == sorted([changed, removed])
    await room.of("chief", cataloguing.ask_change, entry_id=changed, content=LOAD)
    await room.of("cac", cataloguing.enter_change, entry_id=changed)
    await room.of("chief", cataloguing.ask_change, entry_id=removed, content=None)  # asked, not yet entered
    async with refused(room.database, RoundIncomplete) as caught:  # what was changed is not kept
        await room.of("chief", rounds.answer_round, **about, kept=[kept, changed])
    assert caught.value.facts["entries"] == [changed]
    async with refused(room.database, SecurityWrongRole):
        await room.of("cac", rounds.answer_round, **about, kept=[kept])
    row = await room.of("chief", rounds.answer_round, **about, kept=[kept])
    assert row.status is RoundState.ANSWERED
    assert row.answers == {kept: "KEEP", changed: "CHANGE", removed: "REMOVE"}
    async with refused(room.database, SecurityWrongState):
        await room.of("chief", rounds.answer_round, **about, kept=[kept])


async def test_the_clock_opens_it_each_year_and_states_what_is_missing(sqlite_room):
    room = sqlite_room
    entry = await room.notified()
    await room.work()
    room.clock.move_to(NEW_YEAR)
    await room.work()
    async with room.database.read() as s:
        (row,) = await repository.rounds(s, year=2027)
        counts = await repository.catalogue_counts(s)
    assert counts == [(room.agency.org_id, "D", "CONFIRMED", 1)]
    room.clock.move_to(row.due_at + timedelta(seconds=1))
    await room.work()
    async with room.database.read() as s:
        row = await repository.got(s, RoundRow, row.round_id)
        assert [one.entry_id for one in await rounds.unanswered(s, row)] == [entry.entry_id]
    assert row.status is RoundState.OVERDUE
    row = await room.of("chief", rounds.answer_round, round_id=row.round_id, kept=[entry.entry_id])
    assert row.status is RoundState.ANSWERED
    assert await room.said_of(row.round_id) == ["ICR.OPEN", "ICR.OVERDUE", "ICR.ANSWER"]
