"""Nobody judges its own cause, no paper names whom it should not, and what nobody was told stays untold."""

from datetime import timedelta

import pytest
from sqlmodel import col, select

from base.jobs import JobRow
from cases import repository
from cases.appealing import appeal_decision
from cases.bargaining import accept_commitment, end_commitment, offer_commitment
from cases.errors import (
    CaseDoneBefore,
    CaseIncomplete,
    CaseNotParty,
    CaseSameOfficer,
    CaseUnknown,
    CaseWrongRole,
    CaseWrongState,
)
from cases.executing import execute_decision
from cases.filing import consent_as_reporter, write_note
from cases.intake import accept_complaint, refuse_paper, triage_case
from cases.moving import FORGET_JOB
from cases.ordering import propose_order
from cases.punishing import Decision, Ordered, decide_case, make_statement, request_hearing
from cases.reading import told_to
from cases.reporters import Reporter, opened, read_reporter
from cases.rules import Matter, Measure, Outcome
from cases.service import claim_ordering, issue_order
from ledger.reader import opening, statements_of
from tests.cases.opening import staff
from tests.cases.test_decisions import by, investigated, later, noticed, ordered, says, summoned
from tests.cases.test_intake import MASTER, as_exchange, filed
from tests.standstill import untouched


async def test_an_authority_does_nothing_in_a_case_about_itself(sqlite_scene):
    scene = sqlite_scene
    paper = await filed(scene, about=(scene.samr.org_id,), report="不作为", matter=Matter.PRICE)
    (case_id,) = paper.case_ids
    await scene.samr.do(staff)
    for verb, facts in (
        (triage_case, {}),
        (refuse_paper, {"reason_code": "NONE", "reasons": "-"}),
        (write_note, {"text": "-"}),
        (read_reporter, {"master": MASTER}),
        (propose_order, {"measure": Measure.FREEZE_TRADE, "object_id": "trd_1", "reason_code": "X"}),
    ):
        async with untouched(scene.database, CaseUnknown):
            await by(scene, "handler", verb, case_id=case_id, **facts)
    await scene.authority.do(triage_case, case_id=case_id, matter=Matter.MARKET_RULE)


async def test_the_log_does_not_tell_who_is_asked_to_an_interview(sqlite_scene):
    scene = sqlite_scene
    case_id = await investigated(scene)
    await summoned(scene, case_id, scene.broker)
    async with scene.database.read() as s:
        (order,) = await repository.orders_of(s, case_id=case_id)
        (issued,) = await statements_of(s, object_id=order.order_id)
        (asked,) = [one for one in await statements_of(s, object_id=case_id) if one.event == "CSE.INTERVIEW"]
        hidden = await opening(s, sha256=issued.opening_sha256)
    assert scene.broker.org_id not in str([issued.predicate, asked.predicate])
    assert hidden["object_of_order"] == scene.broker.org_id


async def test_whom_a_notice_does_not_name_learns_and_says_nothing(sqlite_scene):
    scene = sqlite_scene
    case_id = await noticed(scene)  # of two who are suspected, against the broker
    async with scene.database.read() as s:
        case = await repository.get_case(s, case_id=case_id)
        assert await repository.is_told(s, case=case, org_id=scene.broker.org_id)
        assert not await repository.is_told(s, case=case, org_id=scene.seller.org_id)
        assert await told_to(s, case=case, org_id=scene.seller.org_id) == []
        assert [one.event for one in await told_to(s, case=case, org_id=scene.broker.org_id)] == [
            "PROPOSE_PENALTY"
        ]
    for verb in (make_statement, request_hearing):
        with pytest.raises(CaseNotParty):
            await says(scene, verb, scene.seller, case_id=case_id, text="也听我说")


async def test_a_commitment_tells_the_other_suspect_nothing_and_ends_by_another_officer(sqlite_scene):
    scene = sqlite_scene
    case_id = await investigated(scene, rule="AB3", matter=Matter.ANTITRUST)
    await summoned(scene, case_id, scene.broker)
    await says(scene, offer_commitment, scene.broker, case_id=case_id, text="开放接口")
    until = scene.clock.now().replace(year=scene.clock.now().year + 1)
    await by(scene, "chief", accept_commitment, case_id=case_id, until=until)
    async with scene.database.read() as s:
        case = await repository.get_case(s, case_id=case_id)
        assert not await repository.is_told(s, case=case, org_id=scene.seller.org_id)
    with pytest.raises(CaseSameOfficer):
        await by(scene, "handler", end_commitment, case_id=case_id, kept=True, reasons="已履行")
    await by(scene, "chief", end_commitment, case_id=case_id, kept=True, reasons="已履行")


async def test_upon_no_penalty_nobody_is_struck_off_nothing_is_appealed_and_the_reporter_is_forgotten(
    sqlite_scene,
):
    scene = sqlite_scene
    case_id = await noticed(scene)
    later(scene, 9)
    none = Decision(outcome=Outcome.NONE, reasons="证据不足")
    await by(scene, "chief", decide_case, case_id=case_id, decision=none)
    with pytest.raises(CaseWrongState):
        await by(scene, "chief", claim_ordering, case_id=case_id, measure=Measure.DELIST_LISTING)
    with pytest.raises(CaseWrongState):
        await says(scene, appeal_decision, scene.broker, case_id=case_id, way="REVIEW", text="-")
    async with scene.database.read() as s:
        kinds = [
            job.kind
            for job in (await s.exec(select(JobRow).where(col(JobRow.key).startswith(case_id)))).all()
        ]
    assert FORGET_JOB in kinds


async def test_who_gives_no_name_is_kept_by_no_login(sqlite_scene):
    scene = sqlite_scene
    member = Reporter("", "微信 1", scene.buyer.org_id, "usr_1")
    (case_id,) = (await filed(scene, report="对倒", reporter=member)).case_ids
    async with scene.database.read() as s:
        kept = opened(MASTER, await repository.reporter_of(s, case_id=case_id))
    assert (kept["name"], kept["contact"], kept["org_id"], kept["user_id"]) == ("", "微信 1", None, None)


async def test_the_same_consent_is_stated_once(sqlite_scene):
    scene = sqlite_scene
    paper = await filed(scene, complaint="退款")
    (case_id,) = paper.case_ids
    await scene.house.operator.do(triage_case, case_id=case_id)
    await scene.house.operator.do(accept_complaint, case_id=case_id)
    said = {"code": paper.code, "case_id": case_id, "master": MASTER}
    await as_exchange(scene, consent_as_reporter, terms="退一半", **said)
    with pytest.raises(CaseDoneBefore):
        await as_exchange(scene, consent_as_reporter, terms="退一半", **said)
    await as_exchange(scene, consent_as_reporter, terms="全退", **said)


async def test_orders_are_of_the_authority_that_has_the_case_where_it_has_the_power(sqlite_scene):
    scene = sqlite_scene
    case_id = await investigated(scene)
    async with untouched(scene.database, CaseWrongRole), scene.database.write() as s:
        await claim_ordering(s, scene.authority.act(), case_id=case_id, measure=Measure.VOID_TRADE)


async def test_what_was_lifted_is_not_in_force_when_a_decision_is_executed(sqlite_scene):
    scene = sqlite_scene
    case_id, trade_id = await noticed(scene), scene.trades["FUNDED"]
    later(scene, 9)
    penalty = Decision(
        outcome=Outcome.PENALTY, measures=[Ordered(Measure.FREEZE_TRADE, trade_id)], reasons="-"
    )
    await by(scene, "chief", decide_case, case_id=case_id, decision=penalty)
    await ordered(scene, case_id)
    scene.clock.advance(timedelta(seconds=1))  # of one moment the ids would decide which came first
    lifting = {"measure": Measure.UNFREEZE_TRADE, "object_id": trade_id, "reason_code": "X_Y"}
    await by(scene, "chief", issue_order, case_id=case_id, **lifting)
    with pytest.raises(CaseIncomplete):
        await by(scene, "handler", execute_decision, case_id=case_id, payments={scene.broker.org_id: "1"})
