"""What a review of the procedure asked for: who is asked, who is told, whose it is, and until when."""

import pytest

from base.errors import Malformed
from cases import repository
from cases.bargaining import accept_commitment, apply_for_leniency, end_commitment, offer_commitment
from cases.errors import CaseIncomplete, CaseTooLate, CaseUnknown, CaseWrongKind
from cases.filing import consent, consent_as_reporter
from cases.intake import accept_complaint, close_agreed, refuse_paper, transfer_case, triage_case
from cases.ordering import orders_in
from cases.punishing import Decision, Fine, decide_case, propose_penalty
from cases.reading import limits_for, may_read, may_say, reads_file, status_for, terms_of, told_to
from cases.rules import CaseEvent, CaseState, Kind, Matter, Outcome, authorities_for
from cases.service import extend_verification
from cases.tables import Case
from ledger.reader import statements_of
from ledger.recording import Actor, record
from ledger.statement import Draft
from tests.cases.opening import verified
from tests.cases.test_decisions import WASH, by, investigated, later, noticed, says, summoned
from tests.cases.test_erasing import erase
from tests.cases.test_intake import MASTER, as_exchange, filed
from tests.cases.test_orders import FINDING
from tests.standstill import refused, untouched


async def agrees(s, act, *, case_id, party, terms):
    return await consent(s, act, case_id=case_id, terms=terms, speaker=party)


async def test_a_mediation_ends_by_agreement_when_each_of_several_suspects_agrees(sqlite_scene):
    scene = sqlite_scene
    paper = await filed(scene, complaint="退款", about=(scene.seller.org_id, scene.broker.org_id))
    (case_id,) = paper.case_ids
    operator = scene.house.operator
    await operator.do(triage_case, case_id=case_id)
    await operator.do(accept_complaint, case_id=case_id)
    said = {"code": paper.code, "case_id": case_id, "master": MASTER}
    await as_exchange(scene, consent_as_reporter, terms="各退一半", **said)
    await says(scene, agrees, scene.seller, case_id=case_id, terms="各退一半")
    async with refused(scene.database, CaseIncomplete) as caught:
        await operator.do(close_agreed, case_id=case_id)
    assert caught.value.facts["waiting"] == [scene.broker.org_id]
    await says(scene, agrees, scene.broker, case_id=case_id, terms="各退一半")
    assert (await operator.do(close_agreed, case_id=case_id)).status is CaseState.CLOSED_AGREED


async def test_a_complaint_of_the_operator_is_the_data_authority_s_and_is_not_sent_back(sqlite_scene):
    scene = sqlite_scene
    operator = scene.house.operator
    (case_id,) = (await filed(scene, complaint="乱收费", about=(operator.org_id,))).case_ids
    async with untouched(scene.database, CaseUnknown):
        await operator.do(triage_case, case_id=case_id)
    async with untouched(scene.database, Malformed):
        await scene.authority.do(triage_case, case_id=case_id, authority="EXCHANGE_OPERATOR")
    case = await scene.authority.do(triage_case, case_id=case_id)
    assert case.authority == "DATA_AUTHORITY"
    async with untouched(scene.database, Malformed):
        await scene.authority.do(transfer_case, case_id=case_id, authority="EXCHANGE_OPERATOR", reason="-")
    assert (await scene.authority.do(accept_complaint, case_id=case_id)).status is CaseState.MEDIATING
    async with scene.database.read() as s:  # it is told as a party, and of that nothing but what parties are
        shown = await told_to(s, case=case, org_id=operator.org_id)
    assert [one.event for one in shown] == ["ACCEPT"]


@pytest.mark.parametrize(
    ("kind", "matter", "concerned", "found"),
    [
        (Kind.COMPLAINT, Matter.MARKET_RULE, ("EXCHANGE_OPERATOR",), ("DATA_AUTHORITY",)),
        (Kind.COMPLAINT, Matter.MARKET_RULE, ("EXCHANGE_OPERATOR", "DATA_AUTHORITY"), ("SAMR",)),
        (Kind.REPORT, Matter.PRICE, ("SAMR",), ("DATA_AUTHORITY",)),
        (Kind.REPORT, Matter.SECURITY, ("CAC",), ("PUBLIC_SECURITY",)),
        (Kind.REPORT, Matter.SECURITY, (), ("CAC", "PUBLIC_SECURITY")),
    ],
)
def test_whom_a_paper_is_about_does_not_get_it(kind, matter, concerned, found):
    assert authorities_for(kind, matter, concerned=concerned) == found


async def flags(scene, case_id):
    async with scene.database.read() as s:
        return [one.cleared_at is None for one in await repository.flags_of(s, case_id=case_id)]


async def test_flags_go_to_the_police_with_the_case_and_fall_when_nothing_comes_of_it_there(scene):
    case_id = await noticed(scene)
    later(scene, 9)
    moved = Decision(outcome=Outcome.TRANSFER, reasons="涉嫌犯罪")
    case = await by(scene, "chief", decide_case, case_id=case_id, decision=moved)
    assert (await flags(scene, case_id), await flags(scene, case.sibling_id)) == ([False], [True])
    police = await scene.house.admit("公安（测试）", ["PUBLIC_SECURITY"])
    await police.do(triage_case, case_id=case.sibling_id, matter=Matter.SECURITY, authority="PUBLIC_SECURITY")
    await police.do(refuse_paper, case_id=case.sibling_id, reason_code="NO_CRIME", reasons="未达立案标准")
    assert await flags(scene, case.sibling_id) == [False]
    async with scene.database.read() as s:
        told = [
            (one.event, one.predicate["case_id"])
            for one in await statements_of(s, object_id=scene.trades["FUNDED"])
            if one.event.startswith("FLG.")
        ]
    assert sorted(told) == sorted(
        (event, one) for one in (case_id, case.sibling_id) for event in ("FLG.CLEAR", "FLG.SET")
    )


@pytest.mark.parametrize("rule", ["AB3", "AML24-1", "AM1", "US23-1"])
async def test_leniency_is_for_monopoly_agreements_alone(sqlite_scene, rule):
    scene = sqlite_scene
    case_id = await investigated(scene, rule=rule, matter=Matter.ANTITRUST)
    await summoned(scene, case_id, scene.broker)
    async with refused(scene.database, CaseWrongKind):
        await says(scene, apply_for_leniency, scene.broker, case_id=case_id, text="我们先说")
    async with scene.database.read() as s:
        case = await repository.get_case(s, case_id=case_id)
        told = await told_to(s, case=case, org_id=scene.broker.org_id)
        may = await may_say(s, case=case, org_id=scene.broker.org_id, told=told, now=scene.clock.now())
    assert list(may) == [CaseEvent.OFFER_COMMITMENT]


async def test_a_verification_is_given_more_time_while_its_time_runs_alone(sqlite_scene):
    scene = sqlite_scene
    case = await scene.samr.do(verified, finding=FINDING)
    later(scene, 40)
    async with refused(scene.database, CaseTooLate):
        await by(scene, "chief", extend_verification, case_id=case.case_id, reason="忘了")


async def test_who_was_only_asked_to_an_interview_learns_nothing_of_the_others(sqlite_scene):
    scene = sqlite_scene
    case_id = await investigated(scene, rule="AB3", matter=Matter.ANTITRUST)
    for party in (scene.broker, scene.seller):
        await summoned(scene, case_id, party)
        later(scene, 1)
    await says(scene, offer_commitment, scene.broker, case_id=case_id, text="开放接口")
    until = scene.clock.now().replace(year=scene.clock.now().year + 1)
    await by(scene, "chief", accept_commitment, case_id=case_id, until=until)
    await by(scene, "chief", end_commitment, case_id=case_id, kept=False, reasons="未履行")
    async with scene.database.read() as s:
        case = await repository.get_case(s, case_id=case_id)
        of_broker, of_seller = [
            [one.event for one in await told_to(s, case=case, org_id=party.org_id)]
            for party in (scene.broker, scene.seller)
        ]
    assert of_broker == ["INTERVIEW", "OFFER_COMMITMENT", "COMMITMENT", "BROKEN"]
    assert of_seller == ["INTERVIEW"]


async def test_a_notice_to_another_is_told_by_no_state_no_time_and_no_form(sqlite_scene):
    scene = sqlite_scene
    case_id = await investigated(scene)
    await summoned(scene, case_id, scene.seller)
    await noticed_in(scene, case_id)
    async with scene.database.read() as s:
        case = await repository.get_case(s, case_id=case_id)
        seen = {}
        for name, party in (("broker", scene.broker), ("seller", scene.seller)):
            told = await told_to(s, case=case, org_id=party.org_id)
            may = await may_say(s, case=case, org_id=party.org_id, told=told, now=scene.clock.now())
            seen[name] = (status_for(case, told), limits_for(told), set(may))
    assert seen["seller"] == (CaseState.INVESTIGATING, frozenset(), set())
    assert seen["broker"] == (
        CaseState.PENALTY_NOTICE,
        frozenset({"hearing_request"}),
        {CaseEvent.STATEMENT, CaseEvent.REQUEST_HEARING},
    )


async def noticed_in(scene, case_id):
    fines = [Fine(scene.broker.org_id, WASH, 1)]
    said = {"case_id": case_id, "fines": fines, "evidence_seqs": [7], "reasons": "对倒"}
    await by(scene, "handler", propose_penalty, **said)


def a_case(*subjects, authority="SAMR", from_finding=False):
    finding_id = "fnd_1" if from_finding else "cse_1"
    return Case(
        case_id="cse_1", finding_id=finding_id, finding={"subjects": list(subjects)}, authority=authority
    )


@pytest.mark.parametrize(
    ("roles", "authority", "reads"),
    [
        ({"SAMR"}, "SAMR", True),
        ({"AUDITOR"}, "SAMR", True),
        ({"EXCHANGE_OPERATOR"}, "SAMR", False),
        ({"EXCHANGE_OPERATOR", "PUBLIC_AGENCY"}, "SAMR", False),  # a second office opens no file
        ({"EXCHANGE_OPERATOR"}, "EXCHANGE_OPERATOR", True),
        ({"EXCHANGE_OPERATOR"}, None, True),
        ({"BUYER"}, None, False),
        ({"COURT"}, "SAMR", False),
    ],
)
def test_who_reads_a_case_of_the_public(roles, authority, reads):
    assert may_read(a_case("org_b", authority=authority), Actor("org_a", frozenset(roles))) is reads
    assert not may_read(a_case("org_a", authority=authority), Actor("org_a", frozenset(roles)))


async def test_a_sketch_is_kept_while_what_it_was_made_of_is_on_offer(sqlite_scene):
    scene = sqlite_scene
    listing_id = scene.listing.listing_id
    async with scene.database.write() as s:
        act = scene.house.house.exchange_act()
        public = {"listing_id": listing_id}
        await record(s, act, Draft("REG.MEASURE", listing_id, public, {"minhash": ["0" * 16]}))
    async with scene.database.read() as s:
        said = [one for one in await statements_of(s, object_id=listing_id) if one.event == "REG.MEASURE"][-1]
    with pytest.raises(Exception, match="still needed") as caught:
        await erase(scene, said)
    assert caught.value.code == "opening-in-use"
    assert caught.value.facts["needed_by"] == "listing"


async def test_each_side_of_a_mediation_reads_the_claim_and_the_terms_of_the_other_and_no_name(sqlite_scene):
    scene = sqlite_scene
    paper = await filed(scene, complaint="张三要求退款")
    (case_id,) = paper.case_ids
    operator = scene.house.operator
    await operator.do(triage_case, case_id=case_id)
    await operator.do(accept_complaint, case_id=case_id, claim="要求退还半数价款")
    said = {"code": paper.code, "case_id": case_id, "master": MASTER}
    await as_exchange(scene, consent_as_reporter, terms="退一半", **said)
    await says(scene, agrees, scene.seller, case_id=case_id, terms="退三成")
    async with scene.database.read() as s:
        case = await repository.get_case(s, case_id=case_id)
        told = await told_to(s, case=case, org_id=scene.seller.org_id)
        of_both = [await terms_of(s, case_id=case_id, side=side) for side in ("REPORTER", "PARTY")]
    assert of_both == [["退一半"], ["退三成"]]
    assert [one.document.get("claim") for one in told if one.event == "ACCEPT"] == ["要求退还半数价款"]
    assert "张三" not in str([one.document for one in told])


@pytest.mark.parametrize(("roles", "seen"), [({"SAMR"}, 1), ({"EXCHANGE_OPERATOR"}, 0)])
async def test_whom_an_interview_asks_is_for_who_reads_the_file(sqlite_scene, roles, seen):
    scene = sqlite_scene
    case_id = await investigated(scene)
    await summoned(scene, case_id, scene.broker)
    async with scene.database.read() as s:
        case = await repository.get_case(s, case_id=case_id)
        whole = reads_file(case, Actor("org_x", frozenset(roles)))
        issued, _ = await orders_in(s, case_id=case_id, whole=whole)
    assert len(issued) == seen
