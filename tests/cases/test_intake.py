"""Papers between authorities, mediation, what is late, what is pinned; on both databases."""

from datetime import date

import pytest

from base.errors import Malformed
from base.jobs import run_due
from cases import repository
from cases.clockwork import case_handlers
from cases.errors import (
    CaseDoneBefore,
    CaseIncomplete,
    CaseNotParty,
    CaseTooEarly,
    CaseTooLate,
    CaseWrongKind,
    CaseWrongRole,
    EvidenceNotSealed,
    OpeningUnderCase,
)
from cases.filing import Paper, consent, consent_as_reporter, receive_paper, tell_reporter, write_as_reporter
from cases.intake import (
    accept_complaint,
    assign_case,
    close_agreed,
    contest_jurisdiction,
    end_mediation,
    receive_case,
    report_clue,
    settle_jurisdiction,
    transfer_case,
    triage_case,
)
from cases.investigating import still_proven
from cases.reading import told_to
from cases.reporters import Reporter, cases_under, forget_reporter, messages, opened, read_reporter
from cases.rules import CaseState, Kind, Matter, Measure
from cases.service import extend_verification, issue_order
from ledger.publisher import Publisher
from ledger.reader import statements_of
from ledger.sequencer import create_log, seal_all
from tests.cases.opening import investigate, staff, verified
from tests.cases.test_decisions import by, later, says
from tests.cases.test_erasing import erase
from tests.cases.test_orders import FINDING
from tests.standstill import refused, untouched

MASTER = b"\x05" * 32


async def filed(scene, **facts):
    """A paper of the public; its code and its cases."""
    facts = {"about": (scene.seller.org_id,), "reporter": Reporter("张三", "138")} | facts
    house = scene.house.house
    async with scene.database.write() as s:
        return await receive_paper(s, house.exchange_act(), paper=Paper(**facts), master=MASTER)


async def waiting(scene, case_id):
    """What of a case has to come yet."""
    async with scene.database.read() as s:
        return {one.matter for one in await repository.deadlines_of(s, case_id=case_id) if one.met_at is None}


async def as_exchange(scene, verb, **facts):
    async with scene.database.write() as s:
        return await verb(s, scene.house.house.exchange_act(), **facts)


async def test_a_mixed_paper_is_split_and_the_end_of_the_mediation_does_not_end_the_clue(sqlite_scene):
    scene = sqlite_scene
    paper = await filed(scene, complaint="退款", report="对倒")
    complaint, report = paper.case_ids
    operator = scene.house.operator
    await operator.do(triage_case, case_id=complaint)
    await scene.authority.do(triage_case, case_id=report)
    assert await waiting(scene, complaint) == {"first_answer", "answer"}
    assert await waiting(scene, report) == {"verification"}  # the exchange's own days are no authority's
    async with refused(scene.database, CaseWrongKind):
        await scene.authority.do(accept_complaint, case_id=report)
    await operator.do(accept_complaint, case_id=complaint)
    assert await waiting(scene, complaint) == {"mediation"}
    clue = await operator.do(report_clue, case_id=complaint, text="还涉及价格")
    assert (clue.kind, clue.sibling_id, clue.subjects) == (Kind.REPORT, complaint, [scene.seller.org_id])
    await operator.do(end_mediation, case_id=complaint, reason="分歧过大")
    async with scene.database.read() as s:
        states = [
            (await repository.get_case(s, case_id=one)).status for one in (complaint, report, clue.case_id)
        ]
    assert states == [CaseState.CLOSED_NO_AGREEMENT, CaseState.TRIAGED, CaseState.RECEIVED]
    assert await waiting(scene, complaint) == {"mediation_telling"}


async def test_both_sides_consent_to_the_same_terms(sqlite_scene):
    scene = sqlite_scene
    paper = await filed(scene, complaint="退款")
    (case_id,) = paper.case_ids
    operator = scene.house.operator
    await operator.do(triage_case, case_id=case_id)
    await operator.do(accept_complaint, case_id=case_id)
    said = {"code": paper.code, "case_id": case_id, "master": MASTER}
    await as_exchange(scene, consent_as_reporter, terms="退一半", **said)

    async def agrees(s, act, *, case_id, party, terms):
        return await consent(s, act, case_id=case_id, terms=terms, speaker=party)

    async with refused(scene.database, CaseNotParty):
        await says(scene, agrees, scene.buyer, case_id=case_id, terms="退一半")
    await says(scene, agrees, scene.seller, case_id=case_id, terms="全退")
    async with refused(scene.database, CaseIncomplete):
        await operator.do(close_agreed, case_id=case_id)
    await says(scene, agrees, scene.seller, case_id=case_id, terms="退一半")
    assert (await operator.do(close_agreed, case_id=case_id)).status is CaseState.CLOSED_AGREED


async def test_an_old_dispute_is_not_taken_up_and_an_empty_paper_is_none(sqlite_scene):
    scene = sqlite_scene
    paper = await filed(scene, complaint="退款", acted_on=date(2020, 1, 1))
    operator = scene.house.operator
    await operator.do(triage_case, case_id=paper.case_ids[0])
    async with refused(scene.database, CaseTooLate):
        await operator.do(accept_complaint, case_id=paper.case_ids[0])
    for wrong in ({}, {"report": "x" * 9000}, {"report": "x", "about": ("org_nobody",)}):
        async with untouched(scene.database, Malformed):
            await filed(scene, **wrong)


async def test_two_authorities_differ_and_the_superior_rules(sqlite_scene):
    scene = sqlite_scene
    (case_id,) = (await filed(scene, report="出境")).case_ids
    await scene.samr.do(triage_case, case_id=case_id, matter=Matter.PRICE)
    async with refused(scene.database, CaseWrongRole):
        await scene.authority.do(transfer_case, case_id=case_id, authority="CAC", reason="出境")
    sent = {"authority": "DATA_AUTHORITY", "reason": "市场规则"}
    await scene.samr.do(transfer_case, case_id=case_id, **sent)
    async with refused(scene.database, CaseWrongRole):
        await scene.samr.do(receive_case, case_id=case_id)
    await scene.authority.do(contest_jurisdiction, case_id=case_id, reason="价格")
    ruled = {"case_id": case_id, "authority": "SAMR", "ruling": "指定管辖 1 号"}
    async with refused(scene.database, CaseTooEarly):
        await scene.samr.do(assign_case, **ruled)
    later(scene, 15)
    case = await scene.authority.do(assign_case, **ruled)
    assert (case.authority, case.status, case.received_at) == ("SAMR", CaseState.RECEIVED, scene.clock.now())
    await scene.samr.do(triage_case, case_id=case_id, matter=Matter.PRICE)
    await scene.samr.do(transfer_case, case_id=case_id, **sent)
    await scene.authority.do(contest_jurisdiction, case_id=case_id, reason="价格")
    settled = await scene.authority.do(settle_jurisdiction, case_id=case_id)
    assert settled.authority == "DATA_AUTHORITY"


async def test_who_reported_is_read_by_the_authority_alone_told_in_time_and_forgotten(scene):
    paper = await filed(scene, report="对倒", matter=Matter.UNFAIR_COMPETITION)
    (case_id,) = paper.case_ids
    await scene.samr.do(triage_case, case_id=case_id)
    await scene.samr.do(staff)
    found = await by(scene, "handler", read_reporter, case_id=case_id, master=MASTER)
    assert (found["name"], found["contact"]) == ("张三", "138")
    async with refused(scene.database, CaseWrongRole):
        await scene.authority.do(read_reporter, case_id=case_id, master=MASTER)
    await as_exchange(scene, write_as_reporter, code=paper.code, text="还有", master=MASTER)
    later(scene, 1)
    await scene.samr.do(tell_reporter, case_id=case_id, text="正在核查", master=MASTER)
    async with scene.database.read() as s:
        assert [one.text for one in await messages(s, case_id=case_id, master=MASTER)] == ["还有", "正在核查"]
        (case,) = await cases_under(s, code=paper.code.replace("-", " ").lower(), master=MASTER)
        kept = await repository.reporter_of(s, case_id=case_id)
        papers = str([(one.event, one.document) for one in await repository.papers_of(s, case_id=case_id)])
        public = str([one.payload for one in await statements_of(s, object_id=case_id)])
        assert opened(MASTER, kept)["name"] == "张三"
        assert await told_to(s, case=case, org_id=scene.seller.org_id) == []
    assert "张三" not in papers + public
    assert case.reporter_sha256 is not None
    assert case.reporter_sha256 in public
    assert not await as_exchange(scene, forget_reporter, case_id=case_id)  # it is open


async def run_jobs(scene):
    handlers = case_handlers(scene.house.house)
    while await run_due(scene.database, scene.clock.now(), handlers):
        pass


async def test_what_is_late_is_stated_once_and_stands_on_the_officer_s_page(sqlite_scene):
    scene = sqlite_scene
    case = await scene.samr.do(verified, finding=FINDING)
    await by(scene, "chief", extend_verification, case_id=case.case_id, reason="需要更多时间")
    async with refused(scene.database, CaseDoneBefore):
        await by(scene, "chief", extend_verification, case_id=case.case_id, reason="再来")
    later(scene, 30)
    await run_jobs(scene)
    async with scene.database.read() as s:
        assert await repository.overdue(s, authorities={"SAMR"}) == []  # the extension runs
    later(scene, 30)
    await run_jobs(scene)
    await run_jobs(scene)
    async with scene.database.read() as s:
        ((due, row),) = await repository.overdue(s, authorities={"SAMR"})
        said = [one.event for one in await statements_of(s, object_id=case.case_id)]
        assert await repository.overdue(s, authorities={"CAC"}) == []
    assert (due.matter, row.case_id, said.count("CSE.OVERDUE")) == ("verification", case.case_id, 1)


async def test_entries_are_pinned_with_proofs_and_their_openings_kept(scene, tmp_path):
    trade_id = scene.trades["BLOCKED"]
    case = await scene.samr.do(investigate, finding=FINDING | {"subjects": [scene.seller.org_id]})
    async with scene.database.write() as s:
        await create_log(s, origin=scene.house.log_key.name, at=scene.clock.now())
    await seal_all(scene.database, scene.clock)
    async with scene.database.read() as s:
        inquiry = next(
            one for one in await statements_of(s, object_id=trade_id) if one.event == "TRD.INQUIRE"
        )

    async def pin(s, act, seqs):
        return await issue_order(
            s,
            act,
            case_id=case.case_id,
            measure=Measure.FREEZE_EVIDENCE,
            object_id=case.case_id,
            reason_code="EVIDENCE",
            seqs=seqs,
        )

    async with refused(scene.database, EvidenceNotSealed):
        await scene.samr.do(pin, seqs=[inquiry.seq])
    await Publisher(scene.database, scene.clock, (scene.house.log_key,), tmp_path / "log").publish()
    await scene.samr.do(pin, seqs=[inquiry.seq])
    async with scene.database.read() as s:
        (pinned,) = await repository.evidence_of(s, case_id=case.case_id)
    assert (pinned.seq, still_proven(pinned)) == (inquiry.seq, True)
    pinned.leaf_sha256 = "0" * 64
    assert not still_proven(pinned)
    with pytest.raises(OpeningUnderCase):
        await erase(scene, inquiry)
