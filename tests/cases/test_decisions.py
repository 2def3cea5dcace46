"""From an investigation to a published decision: two persons at each turn, and the party's right to speak."""

from datetime import timedelta

import pytest

from base.clock import rfc3339
from brokers.conduct.repository import source_check_of
from cases import repository
from cases.appealing import appeal_decision
from cases.bargaining import accept_commitment, apply_for_leniency, end_commitment, offer_commitment
from cases.erasing import erase_opening
from cases.errors import (
    CaseIncomplete,
    CaseNotParty,
    CaseSameOfficer,
    CaseTooEarly,
    CaseTooLate,
    CaseWrongKind,
    CaseWrongRole,
    CaseWrongState,
    DecisionBeyondFinding,
    EvidenceNotPinned,
    FineBeyondRange,
    OpeningInUse,
    RetentionNotOver,
)
from cases.executing import end_display, execute_decision, publish_decision
from cases.moving import Speaker
from cases.punishing import (
    Decision,
    Fine,
    Ordered,
    decide_case,
    make_statement,
    notify_hearing,
    propose_penalty,
    request_hearing,
)
from cases.rules import CaseEvent, CaseState, Matter, Measure, Outcome
from cases.service import file_case, issue_order, open_case
from cases.states import PARTY
from cases.tables import Case, CaseEvidence
from identity.errors import PersonNotIdentified, PersonsBound
from ledger.acts import perform
from ledger.erasure import ERASED
from ledger.reader import opening, statements_of
from ledger.recording import Actor
from market.disputes.voiding import void_trade
from tests.cases.bench import bench
from tests.cases.opening import staff, verified
from tests.cases.test_orders import FINDING
from tests.houses import officer
from tests.standstill import refused, untouched

WASH = {"on": "2026-11-01", "counts": [{"code": "PN-AUCL-9"}]}
MILLION = 100_000_000


async def by(scene, user_id, verb, **facts):
    """An officer of SAMR; `handler` and `chief` are those of `opening.staff`."""
    user_id = f"usr_{user_id}_samr" if user_id in {"handler", "chief"} else user_id
    actor = Actor(scene.samr.org_id, scene.samr.actor.roles, user_id)
    act = scene.house.house.act(actor, "SAMR", scene.samr.pen)

    async def bound(s, act):
        return await verb(s, act, **facts)

    return await perform(scene.house.house, act, bound, attempted="CSE.DECIDE", object_id=facts["case_id"])


async def says(scene, verb, party, **facts):
    """A party's word, which the exchange states."""
    house = scene.house.house

    async def bound(s, act):
        return await verb(s, act, party=Speaker(PARTY, party.org_id), **facts)

    return await perform(
        house, house.exchange_act(), bound, attempted="CSE.STATEMENT", object_id=facts["case_id"]
    )


async def investigated(scene, *subjects, rule="WT1", matter=None):
    """An open investigation with one pinned entry, in which the parties know of it or not yet."""
    finding = FINDING | {"rule_id": rule, "objects": [scene.trades["FUNDED"]]}
    finding |= {"subjects": [one.org_id for one in subjects or (scene.broker, scene.seller)]}
    case = await scene.samr.do(verified, finding=finding)
    await by(scene, "chief", open_case, case_id=case.case_id)
    async with scene.database.write() as s:
        s.add(
            CaseEvidence(
                case_id=case.case_id,
                seq=7,
                order_id="ord_1",
                leaf_sha256="0" * 64,
                tree_size=8,
                root_sha256="0" * 64,
                proof=[],
                pinned_at=scene.clock.now(),
            )
        )
        if matter is not None:
            row = await s.get(Case, case.case_id)
            row.matter = matter
            s.add(row)
        for user_id, number, maker in (
            ("usr_again", 91, None),
            ("usr_made", 93, "usr_handler_samr"),
            ("usr_other", 94, None),
            ("usr_nobody", None, None),
        ):
            row = officer(scene.samr.org_id, number or 95, scene.clock)
            row.user_id = row.login = user_id
            row.enrolled_by, row.roles = maker, '["SAMR"]'
            row.mark = None if number is None else row.mark
            s.add(row)
    return case.case_id


async def noticed(scene, *fines, seqs=(7,), **facts):
    case_id = await investigated(scene, **facts)
    fines = fines or (Fine(scene.broker.org_id, WASH, MILLION // 2),)
    await by(
        scene, "handler", propose_penalty, case_id=case_id, fines=fines, evidence_seqs=seqs, reasons="对倒"
    )
    return case_id


def later(scene, days):
    scene.clock.advance(timedelta(days=days))


async def events(scene, case_id):
    async with scene.database.read() as s:
        return [one.event.removeprefix("CSE.") for one in await statements_of(s, object_id=case_id)]


async def test_a_penalty_from_notice_to_the_end_of_its_display(scene):
    case_id = await noticed(scene)
    penalty = Decision(
        outcome=Outcome.PENALTY,
        measures=[Ordered(Measure.FREEZE_TRADE, scene.trades["FUNDED"])],
        reasons="事实清楚",
    )
    async with refused(scene.database, CaseTooEarly):  # the party's five days
        await by(scene, "chief", decide_case, case_id=case_id, decision=penalty)
    await says(scene, make_statement, scene.broker, case_id=case_id, text="并非对倒")
    await says(scene, request_hearing, scene.broker, case_id=case_id, text="请求听证")
    async with refused(scene.database, CaseNotParty):
        await says(scene, make_statement, scene.buyer, case_id=case_id, text="与我有关")
    at = scene.clock.now()
    hearing = {"held_at": at + timedelta(days=10), "place": "一号厅"}
    async with refused(scene.database, CaseTooEarly):  # seven working days before
        await by(scene, "handler", notify_hearing, case_id=case_id, **hearing | {"held_at": at})
    later(scene, 9)
    async with refused(scene.database, CaseTooLate):
        await says(scene, make_statement, scene.broker, case_id=case_id, text="还有话说")
    async with refused(scene.database, CaseTooEarly):  # the hearing was not held
        await by(scene, "chief", decide_case, case_id=case_id, decision=penalty)
    await by(
        scene, "handler", notify_hearing, case_id=case_id, **hearing | {"held_at": at + timedelta(days=21)}
    )
    later(scene, 13)
    case = await by(scene, "chief", decide_case, case_id=case_id, decision=penalty)
    assert (case.status, case.closed_at) == (CaseState.DECIDED, None)
    async with scene.database.read() as s:
        assert scene.broker.org_id not in str(
            [one.predicate for one in await statements_of(s, object_id=case_id)]
        )
    paid = {scene.broker.org_id: "电子回单 1"}
    async with refused(scene.database, CaseIncomplete) as caught:
        await by(scene, "handler", execute_decision, case_id=case_id, payments={})
    assert caught.value.facts["unpaid"] == [scene.broker.org_id]
    async with refused(scene.database, CaseIncomplete):  # the measure was not ordered
        await by(scene, "handler", execute_decision, case_id=case_id, payments=paid)
    await ordered(scene, case_id)
    await by(scene, "handler", execute_decision, case_id=case_id, payments=paid)
    case = await by(scene, "handler", publish_decision, case_id=case_id)
    async with scene.database.read() as s:
        (*_, said) = await statements_of(s, object_id=case_id)
        shown = await repository.displayed(s, now=scene.clock.now())
        assert [row.case_id for row, _ in shown] == [case_id]
    assert (said.event, said.predicate["org_ids"], said.predicate["outcome"]) == (
        "CSE.PUBLISH",
        [scene.broker.org_id],
        "PENALTY",
    )
    assert said.predicate["fines"] == {scene.broker.org_id: str(MILLION // 2)}
    later(scene, 1100)
    async with scene.database.write() as s:
        act = scene.house.house.exchange_act()
        assert await end_display(s, act, case_id=case_id)
        assert not await end_display(s, act, case_id=case_id)
    assert (await events(scene, case_id))[-1] == "EXPIRE_DISPLAY"


async def ordered(scene, case_id):
    async def order(s, act):
        return await issue_order(
            s,
            act,
            case_id=case_id,
            measure=Measure.FREEZE_TRADE,
            object_id=scene.trades["FUNDED"],
            reason_code="X_Y",
        )

    await scene.samr.do(order)


async def test_who_handled_it_does_not_decide(sqlite_scene):
    scene = sqlite_scene
    case_id = await noticed(scene)
    later(scene, 9)
    none = Decision(outcome=Outcome.NONE, reasons="-")
    for who, error in (
        ("handler", CaseSameOfficer),
        ("usr_again", CaseSameOfficer),
        ("usr_made", PersonsBound),
        ("usr_nobody", PersonNotIdentified),
        (None, PersonNotIdentified),
    ):
        async with refused(scene.database, error):
            await by(scene, who, decide_case, case_id=case_id, decision=none)


async def test_who_verifies_does_not_open_and_a_case_nobody_verified_is_not_opened(sqlite_scene):
    scene = sqlite_scene
    case = await scene.samr.do(file_case, finding=FINDING)
    await scene.samr.do(staff)
    async with refused(scene.database, CaseWrongState):
        await by(scene, "chief", open_case, case_id=case.case_id)
    case = await scene.samr.do(verified, finding=FINDING | {"finding_id": "fnd_" + "1" * 64})
    async with refused(scene.database, CaseSameOfficer):
        await by(scene, "handler", open_case, case_id=case.case_id)
    async with refused(scene.database, CaseWrongRole):
        await scene.authority.do(open_case, case_id=case.case_id)


async def test_a_notice_holds_to_the_case_its_evidence_and_the_ladder(sqlite_scene):
    scene = sqlite_scene
    case_id = await investigated(scene)
    for party, much, seqs, error in (
        (scene.broker, MILLION + 1, [7], FineBeyondRange),
        (scene.buyer, MILLION, [7], DecisionBeyondFinding),
        (scene.broker, MILLION, [8], EvidenceNotPinned),
        (scene.broker, MILLION, [], EvidenceNotPinned),
    ):
        said = {"fines": [Fine(party.org_id, WASH, much)], "evidence_seqs": seqs, "reasons": "对倒"}
        async with (untouched if error is DecisionBeyondFinding else refused)(scene.database, error):
            await by(scene, "handler", propose_penalty, case_id=case_id, **said)


async def test_no_penalty_lifts_the_flags_and_is_not_executed(sqlite_scene):
    scene = sqlite_scene
    case_id = await noticed(scene)
    later(scene, 9)
    none = Decision(outcome=Outcome.NONE, reasons="证据不足")
    case = await by(scene, "chief", decide_case, case_id=case_id, decision=none)
    assert case.closed_at is not None
    async with scene.database.read() as s:
        (flag,) = await repository.flags_of(s, case_id=case_id)
        assert flag.cleared_at is not None
    async with refused(scene.database, CaseWrongState):
        await by(scene, "handler", execute_decision, case_id=case_id, payments={})


async def test_what_was_found_too_late_is_not_punished(sqlite_scene):
    scene = sqlite_scene
    case_id = await investigated(scene)
    async with scene.database.write() as s:
        row = await s.get(Case, case_id)
        row.acted_on = (scene.clock.now().date() - timedelta(days=800)).isoformat()
        s.add(row)
    fines = [Fine(scene.broker.org_id, WASH, 1)]
    async with refused(scene.database, CaseTooLate):
        await by(
            scene, "handler", propose_penalty, case_id=case_id, fines=fines, evidence_seqs=[7], reasons="-"
        )


async def test_a_crime_is_handed_to_public_security(sqlite_scene):
    scene = sqlite_scene
    case_id = await noticed(scene)
    later(scene, 9)
    moved = Decision(outcome=Outcome.TRANSFER, reasons="涉嫌犯罪")
    case = await by(scene, "chief", decide_case, case_id=case_id, decision=moved)
    async with scene.database.read() as s:
        other = await repository.get_case(s, case_id=case.sibling_id)
    assert (other.authority, other.sibling_id, other.status) == (
        "PUBLIC_SECURITY",
        case_id,
        CaseState.RECEIVED,
    )
    assert other.subjects == case.subjects


async def test_an_appeal_changes_within_the_range(sqlite_scene):
    scene = sqlite_scene
    case_id = await noticed(scene)
    later(scene, 9)
    await by(
        scene, "chief", decide_case, case_id=case_id, decision=Decision(outcome=Outcome.PENALTY, reasons="-")
    )
    async with refused(scene.database, CaseNotParty):
        await says(scene, appeal_decision, scene.buyer, case_id=case_id, way="REVIEW", text="-")
    await says(scene, appeal_decision, scene.broker, case_id=case_id, way="REVIEW", text="过重")
    body = await bench(scene, "REVIEW")
    async with refused(scene.database, FineBeyondRange):
        await body.rules(case_id, CaseEvent.CHANGE, fines={scene.broker.org_id: MILLION * 9})
    await body.rules(case_id, CaseEvent.CHANGE, fines={scene.broker.org_id: 5})
    await by(scene, "handler", execute_decision, case_id=case_id, payments={scene.broker.org_id: "1"})
    await by(scene, "handler", publish_decision, case_id=case_id)
    async with scene.database.read() as s:
        (*_, said) = await statements_of(s, object_id=case_id)
    assert said.predicate["fines"] == {scene.broker.org_id: "5"}


async def test_an_appeal_comes_in_time_or_not_at_all_and_what_is_revoked_flags_nothing(sqlite_scene):
    scene = sqlite_scene
    case_id = await noticed(scene)
    later(scene, 9)
    await by(
        scene, "chief", decide_case, case_id=case_id, decision=Decision(outcome=Outcome.PENALTY, reasons="-")
    )
    later(scene, 61)
    async with refused(scene.database, CaseTooLate):
        await says(scene, appeal_decision, scene.broker, case_id=case_id, way="REVIEW", text="-")
    await says(scene, appeal_decision, scene.broker, case_id=case_id, way="LAWSUIT", text="-")
    court = await bench(scene, "LAWSUIT")
    case = await court.rules(case_id, CaseEvent.REVOKE, ruling="（2027）粤01行初1号")
    assert (case.status, case.closed_at is None) == (CaseState.REVOKED, False)
    async with scene.database.read() as s:
        assert all(one.cleared_at for one in await repository.flags_of(s, case_id=case_id))


async def summoned(scene, case_id, party):
    async def order(s, act):
        return await issue_order(
            s,
            act,
            case_id=case_id,
            measure=Measure.INTERVIEW,
            object_id=party.org_id,
            reason_code="EXPLAIN",
            held_at=act.now + timedelta(days=3),
        )

    await scene.samr.do(order)


async def test_a_commitment_is_antitrust_s_offered_by_who_was_told_and_suspends(sqlite_scene):
    scene = sqlite_scene
    wash = await investigated(scene)
    await summoned(scene, wash, scene.broker)
    async with refused(scene.database, CaseWrongKind):
        await says(scene, offer_commitment, scene.broker, case_id=wash, text="不再如此")
    finding = {"finding_id": "fnd_" + "2" * 64, "rule_id": "AB3"}
    abuse = FINDING | finding | {"subjects": [scene.seller.org_id]}
    case = await scene.samr.do(verified, finding=abuse)
    await by(scene, "chief", open_case, case_id=case.case_id)
    async with scene.database.write() as s:
        row = await s.get(Case, case.case_id)
        row.matter = Matter.ANTITRUST
        s.add(row)
    until = {"case_id": case.case_id, "until": scene.clock.now() + timedelta(days=90)}
    async with refused(scene.database, CaseNotParty):  # nobody has told it
        await says(scene, offer_commitment, scene.seller, case_id=case.case_id, text="开放接口")
    await summoned(scene, case.case_id, scene.seller)
    async with refused(scene.database, CaseIncomplete):
        await by(scene, "chief", accept_commitment, **until)
    await says(scene, offer_commitment, scene.seller, case_id=case.case_id, text="开放接口")
    async with refused(scene.database, CaseSameOfficer):
        await by(scene, "handler", accept_commitment, **until)
    await by(scene, "chief", accept_commitment, **until)
    broken = await by(scene, "chief", end_commitment, case_id=case.case_id, kept=False, reasons="未履行")
    assert broken.status is CaseState.INVESTIGATING
    await by(scene, "chief", accept_commitment, **until)
    kept = await by(scene, "chief", end_commitment, case_id=case.case_id, kept=True, reasons="已履行")
    assert kept.status is CaseState.CLOSED_COMMITMENT


async def test_leniency_is_by_the_place_in_line(sqlite_scene):
    scene = sqlite_scene
    case_id = await investigated(scene, rule="CO6", matter=Matter.ANTITRUST)
    for party in (scene.broker, scene.seller):
        await summoned(scene, case_id, party)
    await says(scene, apply_for_leniency, scene.seller, case_id=case_id, text="我们交换了报价")
    await says(scene, apply_for_leniency, scene.broker, case_id=case_id, text="我们也是")
    facts = {"on": "2026-11-01", "sales_minor": 100 * MILLION, "counts": [{"code": "PN-AML-56"}]}
    fines = [Fine(scene.broker.org_id, facts | {"leniency": 1}, 0)]
    said = {"case_id": case_id, "evidence_seqs": [7], "reasons": "垄断协议"}
    async with refused(scene.database, CaseIncomplete):  # the second in line is not the first
        await by(scene, "handler", propose_penalty, fines=fines, **said)
    fines = [
        Fine(scene.broker.org_id, facts | {"leniency": 2}, 7 * MILLION),
        Fine(scene.seller.org_id, facts | {"leniency": 1}, 0),
    ]
    await by(scene, "handler", propose_penalty, fines=fines, **said)
    async with scene.database.read() as s:
        notice = await repository.last_paper(s, case_id=case_id, event=CaseEvent.PROPOSE_PENALTY)
        (told,) = [
            one for one in await statements_of(s, object_id=case_id) if one.event == "CSE.PROPOSE_PENALTY"
        ]
        words = await opening(s, sha256=told.opening_sha256)
    assert [(one["low_minor"], one["high_minor"]) for one in notice.document["fines"]] == [
        (str(MILLION // 2), str(7 * MILLION)),
        ("0", str(2 * MILLION)),
    ]
    assert words["fines"][1]["rules"] == ["PN-AML-56@1.carried_out", "LENIENCY-1@1.first"]
    assert scene.broker.org_id not in str(told.predicate)
    assert rfc3339(scene.clock.now()) == told.predicate["occurred_at"]


async def test_what_a_broker_checked_is_kept_for_twenty_years_except_by_judgment(scene):
    trade_id = scene.trades["CONTRACT_READY"]
    async with scene.database.read() as s:
        (said,) = [one for one in await statements_of(s, object_id=trade_id) if one.event == "CND.CHECK"]

    async def erase(**facts):
        asked = {"statement_id": said.statement_id, "basis": "PIPL-47-1", "reason": "不再需要"} | facts
        return await scene.house.operator.do(erase_opening, object_id=said.statement_id, **asked)

    with pytest.raises(OpeningInUse):  # its trade is not over
        await erase()
    await scene.samr.do(void_trade, trade_id=trade_id, order_id="ord_1", reason_code="ILLEGAL_SOURCE")
    async with refused(scene.database, RetentionNotOver) as caught:
        await erase()
    assert caught.value.facts["until"].startswith("2046-")
    assert caught.value.facts["law"] == "数据安全法 art. 33"
    await erase(basis="JUDGMENT", order_ref="（2027）粤01民终1号")
    async with scene.database.read() as s:
        row = await source_check_of(s, trade_id=trade_id, broker_id=scene.broker.org_id)
        assert await opening(s, sha256=said.opening_sha256) is None
    assert row is not None
    assert row.documents == [ERASED]
    assert len(row.source_sha256) == 64  # the contract rests on it
