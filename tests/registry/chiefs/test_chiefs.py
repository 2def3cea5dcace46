"""An agency's chief data officer: one stands at a time, the history stays, and only that person signs."""

import asyncio
import itertools
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from base.errors import Refusal
from base.jobs import run_due
from identity.errors import PersonNotIdentified
from identity.service import deactivate_person
from ledger.reader import statements_of
from market.trade.clockwork import handlers
from registry.chiefs import repository
from registry.chiefs.depending import require_chief
from registry.chiefs.drawing import DRAWING
from registry.chiefs.errors import (
    ChiefMalformed,
    ChiefSelfAppointed,
    ChiefWanted,
    ChiefWrongRole,
    ChiefWrongState,
)
from registry.chiefs.service import appoint_chief, end_chief
from registry.chiefs.states import MOVES, ChiefEnd, ChiefEvent, ChiefState, may_move
from registry.chiefs.tables import ChiefRow
from supervision.audit_registry import CHIEF_MOVES
from tests.houses import make_house
from tests.registry.chiefs.seats import by, enrolled, seat_chief

DAY = date(2026, 3, 2)


async def signs(house, agency, user_id, *, of=None) -> str:
    """What `require_chief` answers within an act of this person."""
    return await by(house, agency, user_id, require_chief, agency_id=of or agency.org_id)


async def rows(house) -> list[tuple[str, str, str | None]]:
    async with house.database.read() as s:
        found = (await s.exec(select(ChiefRow).order_by(ChiefRow.chief_id))).all()
    return [(row.user_id, row.status.value, row.ended_as and row.ended_as.value) for row in found]


@pytest.fixture
async def house(database, clock):
    return await make_house(database, clock)


async def test_who_is_appointed_signs_until_another_follows_and_the_history_stays(house, clock) -> None:
    agency = await house.admit("省交通运输厅", {"PUBLIC_AGENCY"})
    other = await house.admit("省教育厅", {"PUBLIC_AGENCY"})
    first = await seat_chief(house, agency)
    assert await signs(house, agency, first.user_id) == first.chief_id
    clerk = await enrolled(house, agency, "办事员")
    for party, user_id, of in [
        (agency, clerk, agency.org_id),  # a colleague
        (agency, None, agency.org_id),  # no person at all
        (agency, first.user_id, other.org_id),  # another agency's matter
        (other, first.user_id, agency.org_id),  # as another agency
    ]:
        with pytest.raises(ChiefWanted):
            await signs(house, party, user_id, of=of)
    clock.advance(timedelta(days=1))
    second = await seat_chief(house, agency)
    with pytest.raises(ChiefWanted):
        await signs(house, agency, first.user_id)
    assert await signs(house, agency, second.user_id) == second.chief_id
    assert await rows(house) == [
        (first.user_id, "ENDED", "REPLACED"),
        (second.user_id, "STANDING", None),
    ]
    async with house.database.read() as s:
        said = await statements_of(s, object_id=first.chief_id)
        then = await repository.chief_at(s, agency_id=agency.org_id, at=clock.now() - timedelta(hours=1))
    assert [one.event for one in said] == ["CDO.APPOINT", "CDO.END"]
    assert then is not None
    assert then.chief_id == first.chief_id
    public = str([one.payload for one in said])
    assert first.chief_id in public
    assert first.user_id not in public
    assert "数据官" not in public


async def test_a_chief_whose_login_is_closed_signs_nothing(house) -> None:
    agency = await house.admit("省交通运输厅", {"PUBLIC_AGENCY"})
    chief = await seat_chief(house, agency)
    await by(house, agency, None, deactivate_person, user_id=chief.user_id)
    with pytest.raises(ChiefWanted):
        await signs(house, agency, chief.user_id)


async def test_a_term_bites_before_the_clock_looks_and_is_ended_by_it(house, clock) -> None:
    agency = await house.admit("省交通运输厅", {"PUBLIC_AGENCY"})
    today = clock.now().date()
    chief = await seat_chief(house, agency, until=today + timedelta(days=2))
    clock.advance(timedelta(days=2))
    assert await signs(house, agency, chief.user_id) == chief.chief_id
    clock.advance(timedelta(days=1))
    with pytest.raises(ChiefWanted):
        await signs(house, agency, chief.user_id)
    assert await rows(house) == [(chief.user_id, "STANDING", None)]
    work = handlers(house.house, None, None)
    while await run_due(house.database, clock.now(), work):
        pass
    assert await rows(house) == [(chief.user_id, "ENDED", "TERM_OVER")]


async def test_what_is_no_appointment_is_refused_and_nothing_moves(house, clock) -> None:
    agency = await house.admit("省交通运输厅", {"PUBLIC_AGENCY"})
    firm = await house.admit("粤能数科", {"PROVIDER"})
    other = await house.admit("省教育厅", {"PUBLIC_AGENCY"})
    chief = await seat_chief(house, agency)
    before = await rows(house)
    today = clock.now().date()
    somebody = await enrolled(house, agency, "张三")
    nobody = await enrolled(house, agency, "无名", mark=False)
    stranger = await enrolled(house, other, "外人")
    said = {"document_sha256": "e" * 64, "appointed_on": today}
    wrong = [
        (agency, somebody, somebody, {}, ChiefSelfAppointed),
        (agency, None, nobody, {}, PersonNotIdentified),
        (agency, None, stranger, {}, ChiefWrongRole),
        (agency, None, "usr_none", {}, ChiefWrongRole),
        (firm, None, somebody, {}, ChiefWrongRole),
        (agency, None, somebody, {"appointed_on": today + timedelta(days=2)}, ChiefMalformed),
        (agency, None, somebody, {"until": today - timedelta(days=1)}, ChiefMalformed),
    ]
    for party, actor, user_id, more, error in wrong:
        with pytest.raises(error):
            await by(house, party, actor, appoint_chief, user_id=user_id, **(said | more))
    ended = {"chief_id": chief.chief_id, "reason": ChiefEnd.RESIGNED}
    with pytest.raises(ChiefWrongRole):
        await by(house, other, None, end_chief, **ended)
    with pytest.raises(ChiefMalformed):
        await by(house, agency, None, end_chief, **(ended | {"reason": ChiefEnd.REPLACED}))
    assert await rows(house) == before
    await by(house, agency, None, end_chief, **ended)
    with pytest.raises(ChiefWrongState):
        await by(house, agency, None, end_chief, **ended)
    assert await rows(house) == [(chief.user_id, "ENDED", "RESIGNED")]


def test_the_table_refuses_everything_else_and_the_auditor_holds_the_same():
    for state, event in itertools.product([None, *ChiefState], ChiefEvent):
        for role in ("PUBLIC_AGENCY", "EXCHANGE_OPERATOR", "PROVIDER"):
            move = MOVES.get((state, event))
            if move is not None and role in move.roles:
                assert may_move(state, event, role) is move.to
            else:
                with pytest.raises(Refusal):
                    may_move(state, event, role)
    ours = {
        (at and at.value, f"CDO.{event}"): (move.roles, move.to.value) for (at, event), move in MOVES.items()
    }
    assert ours == CHIEF_MOVES


def test_the_page_is_drawn_from_the_table():
    page = Path(DRAWING.page).read_text(encoding="utf-8")
    assert DRAWING.redraw(page) == page


@pytest.mark.postgresql
async def test_of_two_appointments_at_once_one_replaces_the_other(postgresql_database, clock) -> None:
    house = await make_house(postgresql_database, clock)
    agency = await house.admit("省交通运输厅", {"PUBLIC_AGENCY"})
    chiefs = await asyncio.gather(*(seat_chief(house, agency) for _ in range(4)))
    standing = [row for row in await rows(house) if row[1] == "STANDING"]
    assert len(standing) == 1
    assert len(await rows(house)) == 4
    (user_id, _, _) = standing[0]
    signed = 0
    for chief in chiefs:
        try:
            await signs(house, agency, chief.user_id)
        except ChiefWanted:
            continue
        signed += 1
        assert chief.user_id == user_id
    assert signed == 1
