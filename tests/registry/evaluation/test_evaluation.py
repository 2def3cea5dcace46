"""An agency is evaluated: its chief reports, records give the score, an objection is answered by another."""

import itertools
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlmodel import col, select

from base.errors import Refusal
from base.jobs import run_due
from identity.errors import PersonNotIdentified
from ledger.reader import statements_of
from market.trade.clockwork import handlers
from registry.chiefs.errors import ChiefWanted
from registry.evaluation import service
from registry.evaluation.drawing import DRAWING
from registry.evaluation.errors import (
    EvaluationMalformed,
    EvaluationSameOfficer,
    EvaluationsOpen,
    EvaluationTooEarly,
    EvaluationTooLate,
    EvaluationWrongRole,
    EvaluationWrongState,
)
from registry.evaluation.repository import frozen
from registry.evaluation.rules import compute, result_of
from registry.evaluation.states import MOVES, EvaluationEvent, EvaluationState, may_move
from registry.evaluation.tables import EvaluationRow, FrozenRow
from registry.lists.counting import facts_of
from registry.lists.tables import DataRow, ShareRow
from supervision.audit_registry import EVALUATION_MOVES
from tests.houses import make_house
from tests.registry.chiefs.seats import by, enrolled
from tests.registry.evaluation.agencies import YEAR, Scene, furnish, make_scene

DOCUMENT = {"text": "统计口径有误", "document_sha256": "e" * 64}


@pytest.fixture
async def scene(database, clock) -> Scene:
    return await make_scene(await make_house(database, clock))


async def work(scene: Scene) -> None:
    kinds = handlers(scene.house.house, None, None)
    while await run_due(scene.house.database, scene.house.clock.now(), kinds):
        pass


async def events(scene: Scene, row: EvaluationRow) -> list[tuple[str, dict[str, Any]]]:
    async with scene.house.database.read() as s:
        said = await statements_of(s, object_id=row.evaluation_id)
    return [(one.event, one.predicate) for one in said]


async def test_the_whole_course_and_every_figure_leads_to_its_records(scene: Scene, clock) -> None:
    async with scene.house.database.write() as s:
        ids = await furnish(s, scene.agency.org_id, scene.other.org_id)
    row = await scene.scored()
    assert row.status is EvaluationState.SCORED
    async with scene.house.database.read() as s:
        kept = await frozen(s, evaluation_id=row.evaluation_id, version=1)
        counted = await facts_of(
            s,
            agency_id=scene.agency.org_id,
            since=clock.now() - timedelta(days=685),
            until=clock.now() - timedelta(days=320),
        )
    assert kept is not None
    groups = {
        name: one and {group: (said["count"], said["ids"]) for group, said in one["groups"].items()}
        for name, one in orjson.loads(kept.inputs)["indicators"].items()
    }
    assert groups["LISTS"]["incomplete"] == (1, [ids["incomplete"]])
    assert groups["LISTS"]["outdated"] == (1, [ids["outdated"]])
    assert groups["MOUNTING"]["flagged"] == (1, [ids["outdated"]])
    assert groups["MOUNTING"]["unmounted"] == (1, [ids["incomplete"]])
    assert groups["SHARING"] == {
        "in_time": (1, [ids["in_time"]]),
        "late": (1, [ids["late"]]),
        "unanswered": (1, [ids["silent"]]),
    }
    assert groups["CONFLICTS"] == {"settled": (1, [ids["settled"]]), "conflict": (1, [ids["conflict"]])}
    assert groups["QUALITY"]["stale"] == (1, [ids["stale"]])
    assert groups["QUALITY"]["measured"] == (1, [ids["good"]])
    assert groups["QUALITY"]["unmeasured"] == (1, [ids["stale"]])
    assert groups["GRADING"]["graded"] == (1, [ids["good"]])
    assert groups["OPENING"] == {"met": (0, []), "late": (0, []), "missed": (0, [])}
    assert groups["INCIDENTS"] is None
    # The lists' own figures count the same.
    lists = groups["LISTS"]
    assert lists["complete"][0] == counted.entries_complete
    assert lists["complete"][0] + lists["incomplete"][0] == counted.entries
    assert (groups["MOUNTING"]["mounted"][0], groups["MOUNTING"]["flagged"][0]) == (
        counted.mounted,
        counted.flagged,
    )
    assert groups["CONFLICTS"]["conflict"][0] == counted.conflicts
    assert groups["CONFLICTS"]["settled"][0] + groups["CONFLICTS"]["conflict"][0] == counted.items + (
        counted.conflicts
    )
    assert (counted.answered_in_time, counted.answered_late, counted.unanswered) == (1, 1, 1)
    result = result_of(kept.inputs)
    assert (row.score, row.grade, row.version) == (result["score"], result["grade"], 1)
    assert compute(kept.inputs) == kept.result
    said = await events(scene, row)
    assert [event for event, _ in said] == ["EVL.OPEN", "EVL.SELF_REPORT", "EVL.SCORE"]
    assert said[1][1]["chief_id"] == scene.chief.chief_id
    assert said[2][1]["score"] == row.score


async def test_what_is_taken_at_once_pads_nothing(scene: Scene) -> None:
    async with scene.house.database.write() as s:
        ids = await furnish(s, scene.agency.org_id, scene.other.org_id)
        row = await s.get(ShareRow, ids["in_time"])
        assert row is not None
        row.answer_by = None
        s.add(row)
    evaluated = await scene.scored()
    async with scene.house.database.read() as s:
        kept = await frozen(s, evaluation_id=evaluated.evaluation_id, version=1)
    assert kept is not None
    groups = orjson.loads(kept.inputs)["indicators"]["SHARING"]["groups"]
    assert {name: one["count"] for name, one in groups.items()} == {"in_time": 0, "late": 1, "unanswered": 1}


async def test_an_objection_that_is_right_has_the_records_collected_anew(scene: Scene, clock) -> None:
    async with scene.house.database.write() as s:
        ids = await furnish(s, scene.agency.org_id, scene.other.org_id)
    row = await scene.scored()
    objected = await scene.signed(service.object_to, evaluation_id=row.evaluation_id, **DOCUMENT)
    assert objected.status is EvaluationState.OBJECTED
    with pytest.raises(EvaluationSameOfficer):
        await scene.officer(service.answer, evaluation_id=row.evaluation_id, text="维持", upheld=False)
    async with scene.house.database.write() as s:  # the agency has put its list in order meanwhile
        broken = (await s.exec(select(DataRow).where(col(DataRow.data_id) == ids["outdated"]))).one()
        broken.changed_at = clock.now()
        s.add(broken)
    final = await scene.officer(
        service.answer, who=scene.he, evaluation_id=row.evaluation_id, text="重新采集", upheld=True
    )
    assert (final.status, final.version) == (EvaluationState.FINAL, 2)
    async with scene.house.database.read() as s:
        both = (await s.exec(select(FrozenRow).order_by(col(FrozenRow.version)))).all()
    assert [one.version for one in both] == [1, 2]
    before = (await events(scene, row))[2][1]
    assert before["score"] == result_of(both[0].inputs)["score"]  # what was said before stays as it was
    assert result_of(both[1].inputs)["score"] > result_of(both[0].inputs)["score"]


async def test_a_period_is_published_as_a_whole_and_silence_accepts(scene: Scene, clock) -> None:
    rows = await scene.opened()
    mine, theirs = rows[scene.agency.org_id], rows[scene.other.org_id]
    said = {"text": "自评", "document_sha256": "d" * 64}
    await scene.signed(service.self_report, evaluation_id=mine.evaluation_id, **said)
    await scene.officer(service.score, evaluation_id=mine.evaluation_id)
    with pytest.raises(EvaluationTooEarly):  # it still has time for its report
        await scene.officer(service.score, evaluation_id=theirs.evaluation_id)
    with pytest.raises(EvaluationsOpen):
        await scene.officer(service.publish_period, period_id=mine.period_id)
    clock.advance(timedelta(days=40))
    await work(scene)
    assert (await scene.fresh(mine)).status is EvaluationState.FINAL
    assert (await scene.fresh(theirs)).status is EvaluationState.OPEN
    with pytest.raises(EvaluationWrongState):
        await scene.signed(service.object_to, evaluation_id=mine.evaluation_id, **DOCUMENT)
    await scene.officer(service.score, evaluation_id=theirs.evaluation_id)
    clock.advance(timedelta(days=30))
    await work(scene)
    await scene.officer(service.publish_period, period_id=mine.period_id)
    assert {(await scene.fresh(one)).status for one in (mine, theirs)} == {EvaluationState.PUBLISHED}
    late = [event for event, _ in await events(scene, theirs)]
    assert late == ["EVL.OPEN", "EVL.OVERDUE", "EVL.SCORE", "EVL.FINALISE", "EVL.PUBLISH"]
    with pytest.raises(EvaluationsOpen):
        await scene.officer(service.publish_period, period_id=mine.period_id)


async def test_what_is_not_ones_to_do_is_refused_and_nothing_moves(scene: Scene, clock) -> None:
    firm = await scene.house.admit("粤能数科", {"PROVIDER"})
    future = YEAR | {"covers_to": date(2026, 12, 31)}
    ids = [scene.agency.org_id]
    for facts, error in [
        ({"agency_ids": ids, **future}, EvaluationTooEarly),
        ({"agency_ids": ids, **YEAR, "covers_to": date(2024, 1, 1)}, EvaluationMalformed),
        ({"agency_ids": [], **YEAR}, EvaluationMalformed),
        ({"agency_ids": [firm.org_id], **YEAR}, EvaluationMalformed),
        ({"agency_ids": [scene.authority.org_id], **YEAR}, EvaluationMalformed),
    ]:
        with pytest.raises(error):
            await scene.officer(service.open_period, name="2025", **facts)
    with pytest.raises(EvaluationWrongRole):
        await by(scene.house, scene.agency, None, service.open_period, name="2025", agency_ids=ids, **YEAR)
    row = (await scene.opened())[scene.agency.org_id]
    about = {"evaluation_id": row.evaluation_id}
    clerk = await enrolled(scene.house, scene.agency, "办事员")
    nobody = await enrolled(scene.house, scene.authority, "无名", mark=False)
    said = {"text": "自评", "document_sha256": "d" * 64}
    with pytest.raises(ChiefWanted):
        await by(scene.house, scene.agency, clerk, service.self_report, **about, **said)
    with pytest.raises(EvaluationWrongRole):
        await by(scene.house, scene.other, None, service.self_report, **about, **said)
    assert await scene.fresh(row) == row
    await scene.signed(service.self_report, **about, **said)
    with pytest.raises(EvaluationWrongState):
        await scene.signed(service.self_report, **about, **said)
    with pytest.raises(PersonNotIdentified):
        await scene.officer(service.score, who=nobody, **about)
    async with scene.house.database.read() as s:
        assert (await s.exec(select(FrozenRow))).all() == []
    await scene.officer(service.score, **about)
    with pytest.raises(ChiefWanted):
        await by(scene.house, scene.agency, clerk, service.object_to, **about, **DOCUMENT)
    clock.advance(timedelta(days=20))
    with pytest.raises(EvaluationTooLate):  # the deadline bites before any clock has looked
        await scene.signed(service.object_to, **about, **DOCUMENT)
    assert (await scene.fresh(row)).status is EvaluationState.SCORED


def test_the_table_refuses_everything_else_and_the_auditor_holds_the_same():
    for state, event in itertools.product([None, *EvaluationState], EvaluationEvent):
        for role in ("PUBLIC_AGENCY", "DATA_AUTHORITY", "EXCHANGE_OPERATOR", "PROVIDER"):
            move = MOVES.get((state, event))
            if move is not None and role in move.roles:
                assert may_move(state, event, role) is move.to
            else:
                with pytest.raises(Refusal):
                    may_move(state, event, role)
    ours = {
        (at and at.value, f"EVL.{event}"): (move.roles, move.to.value) for (at, event), move in MOVES.items()
    }
    assert ours == EVALUATION_MOVES


def test_the_page_is_drawn_from_the_table():
    page = Path(DRAWING.page).read_text(encoding="utf-8")
    assert DRAWING.redraw(page) == page
