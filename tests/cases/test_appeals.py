"""A decision is appealed wherever it stands, in time, to who has not decided; meanwhile it is executed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cases import repository
from cases.appealing import (
    LAWSUIT,
    REVIEW,
    Appeals,
    appeal_decision,
    changed_fines,
    check_way,
    end_appeal,
    ways_open,
)
from cases.errors import (
    CaseDoneBefore,
    CaseNotParty,
    CaseSameOfficer,
    CaseTooLate,
    CaseWrongRole,
    CaseWrongState,
    DecisionBeyondFinding,
    FineBeyondRange,
)
from cases.executing import end_display, execute_decision, held_against, publish_decision
from cases.punishing import Decision, Fine, decide_case
from cases.rules import CaseEvent, CaseState, Measure, Outcome, orderable
from identity.tables import PersonRow
from ledger.reader import statements_of
from tests.cases.bench import bench
from tests.cases.test_decisions import MILLION, WASH, by, events, later, noticed, says
from tests.standstill import refused, untouched

PENALTY = Decision(outcome=Outcome.PENALTY, reasons="事实清楚")
WARNING = Decision(outcome=Outcome.WARNING, reasons="情节轻微")


async def decided(scene, decision=PENALTY, **facts):
    case_id = await noticed(scene, **facts)
    later(scene, 9)
    await by(scene, "chief", decide_case, case_id=case_id, decision=decision)
    return case_id


async def executed(scene, decision=PENALTY):
    case_id = await decided(scene, decision)
    await executes(scene, case_id)
    return case_id


async def executes(scene, case_id):
    return await by(
        scene, "handler", execute_decision, case_id=case_id, payments={scene.broker.org_id: "回单 1"}
    )


async def appeals(scene, case_id, way=REVIEW, party=None):
    return await says(
        scene, appeal_decision, party or scene.broker, case_id=case_id, way=way, text="处罚过重"
    )


async def status(scene, case_id):
    async with scene.database.read() as s:
        return (await repository.get_case(s, case_id=case_id)).status


async def shown(scene):
    async with scene.database.read() as s:
        now = scene.clock.now()
        there = [case.case_id for case, _ in await repository.displayed(s, now=now)]
        gone = [(case.case_id, ruling.event) for case, ruling in await repository.withdrawn(s, now=now)]
    return there, gone


async def test_executing_a_decision_at_once_takes_nobody_the_appeal(scene):
    case_id = await executed(scene)
    later(scene, 59)
    await appeals(scene, case_id)
    assert await status(scene, case_id) is CaseState.APPEALED_EXECUTED
    body = await bench(scene, REVIEW)
    case = await body.rules(case_id, CaseEvent.UPHOLD)
    assert case.status is CaseState.EXECUTED
    assert case.closed_at is not None


async def test_a_published_decision_is_appealed_stays_on_display_and_is_withdrawn_when_it_is_revoked(
    sqlite_scene,
):
    scene = sqlite_scene
    case_id = await executed(scene)
    await by(scene, "handler", publish_decision, case_id=case_id)
    later(scene, 70)  # a review comes too late, a court does not
    async with refused(scene.database, CaseTooLate):
        await appeals(scene, case_id)
    case = await appeals(scene, case_id, LAWSUIT)
    assert (case.status, case.closed_at) == (CaseState.APPEALED_PUBLISHED, None)
    assert await shown(scene) == ([case_id], [])
    court = await bench(scene, LAWSUIT)
    case = await court.rules(case_id, CaseEvent.REVOKE, ruling="（2027）粤01行初1号")
    assert case.status is CaseState.REVOKED
    assert await shown(scene) == ([], [(case_id, "REVOKE")])
    async with scene.database.read() as s:
        assert all(one.cleared_at for one in await repository.flags_of(s, case_id=case_id))
        assert await ways_open(s, case=case, org_id=scene.broker.org_id, now=scene.clock.now()) == {}


async def test_an_appeal_does_not_stop_execution_and_what_is_changed_is_executed_and_published_anew(
    sqlite_scene,
):
    scene = sqlite_scene
    case_id = await decided(scene)
    await appeals(scene, case_id)
    assert (await executes(scene, case_id)).status is CaseState.APPEALED_EXECUTED
    case = await by(scene, "handler", publish_decision, case_id=case_id)
    assert case.status is CaseState.APPEALED_PUBLISHED
    async with scene.database.read() as s:
        until = (await statements_of(s, object_id=case_id))[-1].predicate["display_until"]
    body = await bench(scene, REVIEW)
    case = await body.rules(case_id, CaseEvent.CHANGE, fines={scene.broker.org_id: 5})
    assert case.status is CaseState.CHANGED
    assert await shown(scene) == ([], [(case_id, "CHANGE")])
    await executes(scene, case_id)
    later(scene, 1)
    await by(scene, "handler", publish_decision, case_id=case_id)
    async with scene.database.read() as s:
        *_, said = await statements_of(s, object_id=case_id)
    assert said.predicate["fines"] == {scene.broker.org_id: "5"}
    assert (await shown(scene))[0] == [case_id]
    assert said.predicate["display_until"] == until


async def test_a_warning_is_taken_to_court_after_its_display_and_the_display_does_not_come_back(sqlite_scene):
    scene = sqlite_scene
    case_id = await executed(scene, WARNING)
    await by(scene, "handler", publish_decision, case_id=case_id)
    async with scene.database.write() as s:  # not before its time
        assert not await end_display(s, scene.house.house.exchange_act(), case_id=case_id)
    later(scene, 100)
    async with scene.database.write() as s:
        assert await end_display(s, scene.house.house.exchange_act(), case_id=case_id)
    await appeals(scene, case_id, LAWSUIT)
    assert await shown(scene) == ([], [])
    court = await bench(scene, LAWSUIT)
    await court.rules(case_id, CaseEvent.UPHOLD)
    assert await status(scene, case_id) is CaseState.PUBLISHED
    assert await shown(scene) == ([], [])
    later(scene, 1)
    async with scene.database.write() as s:
        assert await end_display(s, scene.house.house.exchange_act(), case_id=case_id)
    later(scene, 90)
    async with refused(scene.database, CaseDoneBefore):  # a court rules once
        await appeals(scene, case_id, LAWSUIT)


async def test_what_is_changed_after_its_display_is_not_displayed_again(sqlite_scene):
    scene = sqlite_scene
    case_id = await executed(scene, WARNING)
    await by(scene, "handler", publish_decision, case_id=case_id)
    later(scene, 100)
    await appeals(scene, case_id, LAWSUIT)
    await (await bench(scene, LAWSUIT)).rules(case_id, CaseEvent.CHANGE)
    await executes(scene, case_id)
    await by(scene, "handler", publish_decision, case_id=case_id)
    assert await shown(scene) == ([], [])
    async with scene.database.write() as s:
        assert await end_display(s, scene.house.house.exchange_act(), case_id=case_id)


async def test_who_decided_does_not_rule_nor_does_who_hears_another_way(sqlite_scene):
    scene = sqlite_scene
    case_id = await decided(scene)
    await appeals(scene, case_id)
    ruling = {"case_id": case_id, "event": CaseEvent.UPHOLD, "ruling": "-", "fines": {}}
    async with refused(scene.database, CaseWrongRole):
        await by(scene, "usr_other", end_appeal, **ruling)
    review, court = await bench(scene, REVIEW), await bench(scene, LAWSUIT)
    async with refused(scene.database, CaseWrongRole):
        await court.rules(case_id, CaseEvent.UPHOLD)
    async with scene.database.write() as s:  # the chief has changed sides
        chief = await s.get(PersonRow, "usr_chief_samr")
        row = await s.get(PersonRow, review.user_id)
        kept, row.mark = row.mark, chief.mark
        s.add(row)
    async with refused(scene.database, CaseSameOfficer):
        await review.rules(case_id, CaseEvent.UPHOLD)
    async with scene.database.write() as s:
        row = await s.get(PersonRow, review.user_id)
        row.mark = kept
        s.add(row)
    await review.rules(case_id, CaseEvent.UPHOLD)
    assert await status(scene, case_id) is CaseState.UPHELD


async def test_after_a_review_a_court_is_asked_within_fifteen_days_and_not_meanwhile(sqlite_scene):
    scene = sqlite_scene
    case_id = await decided(scene)
    later(scene, 60)
    await appeals(scene, case_id)
    async with refused(scene.database, CaseWrongState):
        await appeals(scene, case_id, LAWSUIT)
    async with refused(scene.database, CaseDoneBefore):
        await appeals(scene, case_id)
    review = await bench(scene, REVIEW)
    later(scene, 150)  # the six months are over
    await review.rules(case_id, CaseEvent.UPHOLD)
    async with refused(scene.database, CaseDoneBefore):
        await appeals(scene, case_id)
    later(scene, 15)
    case = await appeals(scene, case_id, LAWSUIT)
    assert case.status is CaseState.APPEALED
    assert [one for one in await events(scene, case_id) if one in {"APPEAL", "UPHOLD"}] == [
        "APPEAL",
        "UPHOLD",
        "APPEAL",
    ]


async def test_fifteen_days_and_six_months_are_over_at_their_end(sqlite_scene):
    scene = sqlite_scene
    case_id = await decided(scene)
    await appeals(scene, case_id)
    review = await bench(scene, REVIEW)
    later(scene, 190)
    await review.rules(case_id, CaseEvent.UPHOLD)
    later(scene, 16)
    async with refused(scene.database, CaseTooLate):
        await appeals(scene, case_id, LAWSUIT)


async def test_another_party_joins_and_one_ruling_ends_both(sqlite_scene):
    scene = sqlite_scene
    fines = [Fine(one.org_id, WASH, MILLION // 2) for one in (scene.broker, scene.seller)]
    case_id = await noticed(scene, *fines)
    later(scene, 9)
    await by(scene, "chief", decide_case, case_id=case_id, decision=PENALTY)
    await appeals(scene, case_id)
    async with refused(scene.database, CaseNotParty):
        await appeals(scene, case_id, party=scene.buyer)
    await appeals(scene, case_id, party=scene.seller)
    async with scene.database.read() as s:
        case = await repository.get_case(s, case_id=case_id)
        assert await ways_open(s, case=case, org_id=scene.seller.org_id, now=scene.clock.now()) == {}
    await (await bench(scene, REVIEW)).rules(case_id, CaseEvent.UPHOLD)
    async with scene.database.read() as s:
        case = await repository.get_case(s, case_id=case_id)
        ways = await ways_open(s, case=case, org_id=scene.seller.org_id, now=scene.clock.now())
    assert list(ways) == [LAWSUIT]


async def both_decided(scene, fines=None):
    """A decision against the broker and the seller, of whom the notice asked half a million each."""
    noted = [Fine(one.org_id, WASH, MILLION // 2) for one in (scene.broker, scene.seller)]
    case_id = await noticed(scene, *noted)
    later(scene, 9)
    decision = replace(PENALTY, fines=fines or {})
    await by(scene, "chief", decide_case, case_id=case_id, decision=decision)
    return case_id


async def test_a_ruling_ends_the_way_of_who_asked_for_it_alone_and_gives_fifteen_days_and_no_more(
    sqlite_scene,
):
    scene = sqlite_scene
    case_id = await both_decided(scene)
    review = await bench(scene, REVIEW)
    await appeals(scene, case_id)
    await review.rules(case_id, CaseEvent.UPHOLD)
    later(scene, 16)  # long before the six months are over
    async with refused(scene.database, CaseTooLate):
        await appeals(scene, case_id, LAWSUIT)
    async with scene.database.read() as s:
        case = await repository.get_case(s, case_id=case_id)
        now = scene.clock.now()
        assert await ways_open(s, case=case, org_id=scene.broker.org_id, now=now) == {}
        ways = await ways_open(s, case=case, org_id=scene.seller.org_id, now=now)
    assert list(ways) == [REVIEW, LAWSUIT]
    assert ways[LAWSUIT] - now > timedelta(days=150)
    await appeals(scene, case_id, party=scene.seller)
    await review.rules(case_id, CaseEvent.UPHOLD)
    await appeals(scene, case_id, LAWSUIT, party=scene.seller)


async def test_the_ruling_that_another_party_gets_later_gives_no_more_days(sqlite_scene):
    scene = sqlite_scene
    case_id = await both_decided(scene)
    review = await bench(scene, REVIEW)
    await appeals(scene, case_id)
    await review.rules(case_id, CaseEvent.UPHOLD)
    later(scene, 10)
    await appeals(scene, case_id, party=scene.seller)
    await review.rules(case_id, CaseEvent.UPHOLD)
    later(scene, 6)  # the sixteenth day of the first ruling, the sixth of the second
    async with refused(scene.database, CaseTooLate):
        await appeals(scene, case_id, LAWSUIT)
    later(scene, 9)
    await appeals(scene, case_id, LAWSUIT, party=scene.seller)


async def test_a_change_begins_at_what_is_held_and_raises_nobodys_fine(sqlite_scene):
    scene = sqlite_scene
    broker, seller = scene.broker.org_id, scene.seller.org_id
    case_id = await both_decided(scene, fines={broker: 500, seller: 300})
    await appeals(scene, case_id)
    review = await bench(scene, REVIEW)
    for fines in ({broker: 501}, {broker: 100, seller: 301}, {broker: -1}):
        async with refused(scene.database, FineBeyondRange):
            await review.rules(case_id, CaseEvent.CHANGE, fines=fines)
    async with untouched(scene.database, DecisionBeyondFinding):
        await review.rules(case_id, CaseEvent.CHANGE, fines={scene.buyer.org_id: 1})
    await review.rules(case_id, CaseEvent.CHANGE, fines={broker: 100})
    assert await sums(scene, case_id) == {broker: "100", seller: "300"}
    await appeals(scene, case_id, LAWSUIT)
    court = await bench(scene, LAWSUIT)
    async with refused(scene.database, FineBeyondRange):  # what the review has left is held
        await court.rules(case_id, CaseEvent.CHANGE, fines={broker: 101})
    await court.rules(case_id, CaseEvent.CHANGE, fines={seller: 200})
    assert await sums(scene, case_id) == {broker: "100", seller: "200"}


async def sums(scene, case_id):
    async with scene.database.read() as s:
        return {one["org_id"]: one["fine_minor"] for one in await held_against(s, case_id)}


def test_a_warning_gets_no_fine_by_a_change_and_what_is_taken_away_stays():
    held = [{"org_id": "a", "fine_minor": "0", "confiscate_minor": "7"}]
    proposed = [{"org_id": "a", "low_minor": "50"}]
    assert changed_fines(held, {}, proposed) == held
    with pytest.raises(FineBeyondRange):
        changed_fines(held, {"a": 50}, proposed)


async def test_who_hears_it_is_late_after_sixty_days(sqlite_scene):
    scene = sqlite_scene
    case_id = await decided(scene)
    await appeals(scene, case_id)
    async with scene.database.read() as s:
        (due,) = [one for one in await repository.deadlines_of(s, case_id=case_id) if one.matter == "ruling"]
    assert due.due_at - scene.clock.now() > timedelta(days=60)
    assert due.due_at - scene.clock.now() < timedelta(days=61)


async def test_evidence_is_kept_while_an_executed_decision_can_be_appealed(sqlite_scene):
    scene = sqlite_scene
    case_id = await executed(scene)
    async with scene.database.read() as s:
        case = await repository.get_case(s, case_id=case_id)
        assert case.closed_at is not None
        about = {"objects": [scene.trades["FUNDED"]], "seq": 7}
        assert await repository.case_that_needs(s, **about, now=scene.clock.now()) == case_id
        rows = await repository.flags_of(s, case_id=case_id)
    async with scene.database.write() as s:
        for row in rows:
            row.cleared_at = scene.clock.now()
            await s.merge(row)
    later(scene, 170)
    async with scene.database.read() as s:
        assert await repository.case_that_needs(s, **about, now=scene.clock.now()) == case_id
    later(scene, 30)
    async with scene.database.read() as s:
        assert await repository.case_that_needs(s, **about, now=scene.clock.now()) is None


def test_what_is_appealed_is_still_ordered_and_what_is_over_is_only_let_go():
    assert Measure.REVOKE_CERTIFICATE in orderable(CaseState.APPEALED)
    lifts = {
        Measure.UNFREEZE_TRADE,
        Measure.REINSTATE_CERTIFICATE,
        Measure.RESUME_LISTING,
        Measure.RESUME_DELIVERY,
    }
    for state in (CaseState.REVOKED, CaseState.CLOSED_NO_CASE, CaseState.APPEALED_PUBLISHED):
        assert orderable(state) == lifts
    assert not orderable(CaseState.REFUSED)


@pytest.mark.parametrize(
    ("gone", "way", "error"),
    [
        (Appeals(), REVIEW, None),
        (Appeals(), LAWSUIT, None),
        (Appeals(((REVIEW, "b"),)), REVIEW, None),
        (Appeals(((REVIEW, "a"),)), REVIEW, CaseDoneBefore),
        (Appeals(((REVIEW, "b"),)), LAWSUIT, CaseWrongState),
        (Appeals(((LAWSUIT, "b"),)), REVIEW, CaseWrongState),
        (Appeals(ended=frozenset({(REVIEW, "a")})), LAWSUIT, None),
        (Appeals(ended=frozenset({(REVIEW, "a")})), REVIEW, CaseDoneBefore),
        (Appeals(ended=frozenset({(LAWSUIT, "a")})), REVIEW, CaseWrongState),
        (Appeals(ended=frozenset({(LAWSUIT, "a")})), LAWSUIT, CaseDoneBefore),
        (Appeals(ended=frozenset({(REVIEW, "b")})), REVIEW, None),
        (Appeals(ended=frozenset({(LAWSUIT, "b")})), REVIEW, None),
        (Appeals(ended=frozenset({(LAWSUIT, "b")})), LAWSUIT, None),
    ],
)
def test_the_ways_of_an_appeal(gone, way, error):
    if error is None:
        check_way(gone, way, "a")
    else:
        with pytest.raises(error):
            check_way(gone, way, "a")
