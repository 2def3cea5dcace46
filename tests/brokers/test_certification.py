"""How a broker comes to its certificate, and every way in which it does not."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from brokers import applying, noticing, panel
from brokers.certifying import CertificateScope, certify, revoke_certificate, suspend_certificate
from brokers.errors import (
    ApplicationIncomplete,
    ApplicationUnderWay,
    BrokerBarred,
    BrokerRoleMissing,
    CertificateBeyondGrade,
    CertificateOverlaps,
    CertificateWrongState,
    CorrectionAskedBefore,
    DeadlineOver,
    EmergencyRepeated,
    EvidencePostdated,
    EvidenceRedated,
    EvidenceTooOld,
    NotQualified,
    NotYourCertificate,
    ObjectionsDiffer,
    PanelDecidedOtherwise,
    PanelNotComplete,
    PanelTie,
    PanelVotedBefore,
    TooEarly,
)
from brokers.qualifying import EvidenceKind
from brokers.repository import evidence_of, get_application, get_certificate, history_of, objections_to
from brokers.rules import BrokerType, CertificateState
from identity.errors import PersonNotIdentified, PersonsBound
from identity.service import enrol_person
from registry.rules import Level
from tests.brokers.office import CLAIMS, NOW, SCOPE, TODAY, Office, filing, shown
from tests.identity.unmoved import statements
from tests.standstill import refused
from tests.web.nodes import some_password

K = EvidenceKind


async def state_of(office: Office, cert_id: str) -> CertificateState:
    async with office.database.read() as s:
        return (await get_application(s, cert_id=cert_id)).status


async def test_an_applicant_is_certified_by_three_persons_after_a_notice_of_five_working_days(office):
    certificate = await office.certified()
    assert certificate.valid_from == office.clock.now()
    assert certificate.valid_to.year == certificate.valid_from.year + 3
    said = [s["predicate"] for s in await statements(office.database)]
    said = [one for one in said if one["event"].startswith("BRK.")]
    assert [(one["event"], one.get("from"), one["to"]) for one in said] == [
        ("BRK.APPLY", None, "APPLIED"),
        ("BRK.REVIEW", "APPLIED", "UNDER_REVIEW"),
        ("BRK.VOTE", "UNDER_REVIEW", "UNDER_REVIEW"),
        ("BRK.VOTE", "UNDER_REVIEW", "UNDER_REVIEW"),
        ("BRK.VOTE", "UNDER_REVIEW", "UNDER_REVIEW"),
        ("BRK.NOTICE", "UNDER_REVIEW", "PUBLIC_NOTICE"),
        ("BRK.CERTIFY", "PUBLIC_NOTICE", "ACTIVE"),
    ]
    assert {one["object"] for one in said} == {certificate.cert_id}
    assert said[5]["notice_until"] == "2026-11-23T15:59:59.999Z"  # five working days after 16 November
    assert "BRK-QUAL.2@1.dcmm" in said[5]["rules"]
    assert "chen" not in str(said)  # who voted, and how, is in the openings alone
    async with office.database.read() as s:
        assert [one.event for one in await history_of(s, cert_id=certificate.cert_id)] == ["CERTIFY"]
    assert await state_of(office, certificate.cert_id) is CertificateState.ACTIVE


@pytest.mark.parametrize(
    ("changes", "rule", "wanted", "said"),
    [
        (
            {"paid_in_capital_minor": 1_999_999_999},
            "BRK-QUAL.2@1.paid_in_capital",
            "2000000000",
            "1999999999",
        ),
        ({"dcmm": 2}, "BRK-QUAL.2@1.dcmm", "3", "2"),
        ({"mlps": 2}, "BRK-QUAL.2@1.mlps", "3", "2"),
        ({"practitioners": CLAIMS.practitioners[:4]}, "BRK-QUAL.2@1.practitioners", "5", "4"),
        ({"experience_years": 1}, "BRK-QUAL.2@1.experience", "2", "1"),
        ({"clean_years": 2}, "BRK-QUAL.2@1.clean", "3", "2"),
        ({"guarantee_minor": 199_999_999}, "BRK-QUAL.2@1.guarantee", "200000000", "199999999"),
        ({"mainland": False}, "BRK-QUAL.mainland", "yes", "no"),
        ({"procedures": frozenset()}, "BRK-QUAL.procedures", None, None),
    ],
)
async def test_no_vote_replaces_a_number(office, changes, rule, wanted, said):
    row = await office.apply(**changes)
    await office.as_person("chen", applying.review, cert_id=row.cert_id)
    for name in ("chen", "li", "wang"):
        await office.vote(row.cert_id, name)
    async with refused(office.database, NotQualified) as caught:
        await office.as_person("chen", panel.publish_notice, cert_id=row.cert_id)
    (unmet,) = caught.value.facts["unmet"]
    assert unmet["rule"] == rule
    if wanted is not None:
        assert (unmet["wanted"], unmet["said"]) == (wanted, said)


async def test_a_panel_is_three_natural_persons_each_once_and_none_with_a_tie(office):
    row = await office.apply()
    await office.as_person("chen", applying.review, cert_id=row.cert_id)
    await office.vote(row.cert_id, "wang")
    async with refused(office.database, PanelVotedBefore):
        await office.vote(row.cert_id, "wang2")  # another login, the same person
    async with refused(office.database, PersonNotIdentified):
        await office.vote(row.cert_id, "unknown")
    async with refused(office.database, PersonNotIdentified):
        await office.vote(row.cert_id, None)
    async with refused(office.database, PanelTie):
        await office.vote(row.cert_id, "chen", no_ties=False)
    await office.as_person("li", panel.declare_tie, org_id=office.broker.org_id)
    async with refused(office.database, PanelTie):
        await office.vote(row.cert_id, "li")
    await office.vote(row.cert_id, "chen")
    async with refused(office.database, PanelNotComplete):
        await office.as_person("chen", panel.publish_notice, cert_id=row.cert_id)
    await office.vote(row.cert_id, "zhao")
    await office.as_person("chen", panel.publish_notice, cert_id=row.cert_id)
    assert await state_of(office, row.cert_id) is CertificateState.PUBLIC_NOTICE


async def test_an_applicant_unseats_nobody_by_enrolling_namesakes(office):
    said = {"login": "namesake", "name": "chen", "password": await some_password()}
    await office.broker.do(enrol_person, role="BROKER", org_id=office.broker.org_id, **said)
    row = await office.apply()
    await office.as_person("chen", applying.review, cert_id=row.cert_id)
    await office.vote(row.cert_id, "chen")


async def test_nobody_of_the_panel_votes_beside_a_login_that_he_or_she_has_made(office):
    said = {"login": "made", "name": "made", "password": await some_password(), "mark": "e" * 64}
    made = await office.as_person("chen", enrol_person, org_id=office.authority.org_id, **said)
    office.people["made"] = made.user_id
    row = await office.apply()
    await office.as_person("chen", applying.review, cert_id=row.cert_id)
    await office.vote(row.cert_id, "chen")
    async with refused(office.database, PersonsBound):
        await office.vote(row.cert_id, "made")


async def test_the_majority_decides_and_an_even_panel_has_not_decided(office):
    row = await office.apply()
    await office.as_person("chen", applying.review, cert_id=row.cert_id)
    said = {"cert_id": row.cert_id, "reason_code": "NOT_QUALIFIED", "reasons": "经验不足"}
    for name, approves in (("chen", False), ("li", True), ("wang", False)):
        await office.vote(row.cert_id, name, approves=approves)
    async with refused(office.database, PanelDecidedOtherwise):
        await office.as_person("chen", panel.publish_notice, cert_id=row.cert_id)
    await office.vote(row.cert_id, "zhao", approves=True)
    for verb, more in ((panel.publish_notice, {"cert_id": row.cert_id}), (panel.refuse_application, said)):
        async with refused(office.database, PanelNotComplete):
            await office.as_person("chen", verb, **more)


async def test_a_refused_applicant_is_refused_by_the_panel_and_not_entered_past_it(office):
    row = await office.apply()
    await office.as_person("chen", applying.review, cert_id=row.cert_id)
    for name in ("chen", "li", "wang"):
        await office.vote(row.cert_id, name, approves=False)
    said = {"cert_id": row.cert_id, "reason_code": "NOT_QUALIFIED", "reasons": "经验不足"}
    await office.as_person("chen", panel.refuse_application, **said)
    assert await state_of(office, row.cert_id) is CertificateState.REFUSED
    entered = {
        "org_id": office.broker.org_id,
        "cert_no": "GD-DB-M-2-0009",
        "scope": SCOPE,
        "valid_from": NOW,
        "valid_to": NOW + timedelta(days=900),
    }
    async with refused(office.database, ApplicationUnderWay):
        await office.as_person("chen", certify, **entered)


async def test_what_is_missing_is_told_once_and_corrected_within_ten_working_days(office):
    few = tuple(piece for piece in shown() if piece.kind is not K.DCMM)
    row = await office.apply(evidence=few)
    async with refused(office.database, ApplicationIncomplete) as caught:
        await office.as_person("chen", applying.review, cert_id=row.cert_id)
    assert caught.value.facts["missing"] == ["DCMM"]
    told = await office.as_person("chen", applying.ask_correction, cert_id=row.cert_id)
    assert told.gaps == {"missing": ["DCMM"], "remarks": ""}
    assert told.due_at.isoformat() == "2026-11-30T15:59:59.999000+00:00"
    more = filing(evidence=(replace(shown([K.DCMM])[0], sha256="99" * 32),))
    said = {"cert_id": row.cert_id, "filing": more, "note": "补交证书"}
    async with refused(office.database, NotYourCertificate):
        await office.other.do(applying.correct, object_id=row.cert_id, **said)
    await office.broker.do(applying.correct, object_id=row.cert_id, **said)
    async with refused(office.database, CorrectionAskedBefore):
        await office.as_person("chen", applying.ask_correction, cert_id=row.cert_id, remarks="再补")
    await office.as_person("chen", applying.review, cert_id=row.cert_id)
    assert await state_of(office, row.cert_id) is CertificateState.UNDER_REVIEW


async def test_what_is_not_corrected_in_time_lapses_and_a_date_on_paper_changes_nothing(office):
    row = await office.apply(evidence=())
    told = await office.as_person("chen", applying.ask_correction, cert_id=row.cert_id)
    office.clock.move_to(told.due_at + timedelta(milliseconds=1))
    said = {"cert_id": row.cert_id, "filing": filing(), "note": "材料日期在期限之内"}
    async with refused(office.database, DeadlineOver):
        await office.broker.do(applying.correct, object_id=row.cert_id, **said)
    await office.work()
    await office.work()
    assert await state_of(office, row.cert_id) is CertificateState.LAPSED
    assert len(await statements(office.database, "BRK.LAPSE")) == 1
    office.clock.advance(timedelta(days=1))
    again = await office.apply()  # who lapsed may apply anew
    assert again.status is CertificateState.APPLIED


async def test_what_is_not_decided_in_twenty_working_days_is_stated_once(office):
    row = await office.apply()
    office.clock.move_to(row.due_at)
    await office.work()
    assert await statements(office.database, "BRK.OVERDUE") == []
    office.clock.advance(timedelta(days=40))
    await office.work()
    await office.work()
    (said,) = await statements(office.database, "BRK.OVERDUE")
    assert (said["predicate"]["from"], said["predicate"]["to"]) == ("APPLIED", "APPLIED")
    assert said["predicate"]["due_at"] == "2026-12-14T15:59:59.999Z"
    await office.as_person("chen", applying.review, cert_id=row.cert_id)  # late, and still to be done


async def test_the_ledgers_day_beats_the_date_a_document_bears(office):
    tomorrow = shown(dated_on=TODAY + timedelta(days=1))
    async with refused(office.database, EvidencePostdated):
        await office.apply(evidence=tomorrow)
    old = (*shown()[1:], replace(shown([K.CAPITAL])[0], dated_on=date(2024, 11, 15)))
    async with refused(office.database, EvidenceTooOld):
        await office.apply(evidence=old)
    few = tuple(piece for piece in shown() if piece.kind is not K.GUARANTEE)
    row = await office.apply(evidence=few)
    await office.as_person("chen", applying.ask_correction, cert_id=row.cert_id)
    office.clock.advance(timedelta(days=1))
    redated = replace(few[0], dated_on=TODAY - timedelta(days=30))
    said = {"cert_id": row.cert_id, "note": "补交"}
    async with refused(office.database, EvidenceRedated):
        await office.broker.do(
            applying.correct, object_id=row.cert_id, filing=filing(evidence=(redated,)), **said
        )
    back = replace(shown([K.GUARANTEE])[0], sha256="77" * 32, dated_on=TODAY - timedelta(days=3))
    await office.broker.do(applying.correct, object_id=row.cert_id, filing=filing(evidence=(back,)), **said)
    async with office.database.read() as s:
        marked = [one for one in await evidence_of(s, cert_id=row.cert_id) if one.back_dated]
    assert [(one.kind, one.event) for one in marked] == [("GUARANTEE", "CORRECT")]


async def test_objections_are_by_name_with_evidence_within_the_notice_and_decided_together(office):
    row = await office.to_notice()
    async with refused(office.database, TooEarly):
        await office.issue(row.cert_id)
    first = await office.object_to(row.cert_id)
    assert await state_of(office, row.cert_id) is CertificateState.OBJECTED
    second = await office.object_to(row.cert_id, office.house.operator)
    async with refused(office.database, CertificateWrongState):
        await office.issue(row.cert_id)
    said = {"cert_id": row.cert_id, "answer": "已核实实缴", "no_ties": True}
    async with refused(office.database, ObjectionsDiffer):  # the second one nobody has read
        await office.as_person("li", noticing.dismiss, objection_ids=[first.objection_id], **said)
    both = [first.objection_id, second.objection_id]
    async with refused(office.database, PanelTie):
        await office.as_person("li", noticing.dismiss, objection_ids=both, **(said | {"no_ties": False}))
    await office.as_person("li", noticing.dismiss, objection_ids=both, **said)
    async with office.database.read() as s:
        assert [one.upheld for one in await objections_to(s, cert_id=row.cert_id)] == [False, False]
    office.clock.move_to(row.notice_until + timedelta(milliseconds=1))
    async with refused(office.database, DeadlineOver):
        await office.object_to(row.cert_id)
    assert (await office.issue(row.cert_id)).status is CertificateState.ACTIVE


async def test_an_objection_that_is_right_ends_the_application(office):
    row = await office.to_notice()
    objection = await office.object_to(row.cert_id)
    said = {"cert_id": row.cert_id, "answer": "出资不实", "no_ties": True}
    await office.as_person("li", noticing.uphold, objection_id=objection.objection_id, **said)
    assert await state_of(office, row.cert_id) is CertificateState.REFUSED
    async with refused(office.database, CertificateWrongState):
        await office.issue(row.cert_id)


async def test_one_application_at_a_time_and_none_beside_a_certificate_or_beyond_a_grade(office):
    async with refused(office.database, CertificateBeyondGrade):
        await office.apply(scope=replace(SCOPE, max_level=Level.IMPORTANT))
    broad = CertificateScope(
        broker_type=BrokerType.DATA, grade=2, sectors=("*",), max_level=Level.GENERAL_1, cross_border=True
    )
    async with refused(office.database, CertificateBeyondGrade):
        await office.apply(scope=broad)
    row = await office.apply()
    async with refused(office.database, ApplicationUnderWay):
        await office.apply()
    await office.broker.do(applying.withdraw, object_id=row.cert_id, cert_id=row.cert_id)
    office.clock.advance(timedelta(seconds=1))
    await office.certified()
    async with refused(office.database, CertificateOverlaps):
        await office.apply()
    async with refused(office.database, BrokerRoleMissing):
        await office.house.operator.do(
            _as_broker, object_id="x", role="EXCHANGE_OPERATOR", scope=SCOPE, filing=filing()
        )


async def _as_broker(s, act, **said):
    return await applying.apply(s, replace(act, role="BROKER"), **said)


async def test_a_revocation_bars_who_shares_the_controller_under_whatever_name(office):
    certificate = await office.certified()
    said = {"cert_id": certificate.cert_id, "reason_code": "FRAUD"}
    await office.as_person("chen", suspend_certificate, **said)
    revoked = await office.as_person("chen", revoke_certificate, **said)
    assert revoked.barred_until.year == office.clock.now().year + 3
    sister = await office.house.admit("新名数据经纪", {"BROKER"}, controller_id="珠江控股")
    child = await office.house.admit("子公司数据经纪", {"BROKER"}, controller_id=office.broker.org_id)
    for who in (office.broker, sister, child):
        async with refused(office.database, BrokerBarred) as caught:
            await office.apply(who=who)
        assert caught.value.facts["cert_id"] == certificate.cert_id
    stranger = await office.house.admit("无关数据经纪", {"BROKER"}, controller_id="另一控股")
    assert (await office.apply(who=stranger)).status is CertificateState.APPLIED
    office.clock.move_to(revoked.barred_until)
    assert (await office.apply(who=sister, evidence=())).status is CertificateState.APPLIED


async def test_the_exchanges_suspension_ends_by_itself_unless_the_authority_takes_it_over(office):
    certificate = await office.certified()
    said = {"cert_id": certificate.cert_id, "object_id": certificate.cert_id, "reason_code": "WT1"}
    operator = office.house.operator
    suspended = await operator.do(suspend_certificate, role="EXCHANGE_OPERATOR", **said)
    until = suspended.emergency_until
    office.clock.move_to(until)
    await office.work()
    async with office.database.read() as s:
        assert (await get_certificate(s, cert_id=certificate.cert_id)).status is CertificateState.SUSPENDED
    office.clock.advance(timedelta(milliseconds=1))
    await office.work()
    async with office.database.read() as s:
        assert (await get_certificate(s, cert_id=certificate.cert_id)).status is CertificateState.ACTIVE
    office.clock.advance(timedelta(days=60))
    async with refused(office.database, EmergencyRepeated):
        await operator.do(suspend_certificate, role="EXCHANGE_OPERATOR", **said)
    office.clock.advance(timedelta(milliseconds=1))
    suspended = await operator.do(suspend_certificate, role="EXCHANGE_OPERATOR", **said)
    takes = {"cert_id": certificate.cert_id, "reason_code": "WT1"}
    taken = await office.as_person("chen", suspend_certificate, **takes)
    assert taken.emergency_until is None
    async with refused(office.database, CertificateWrongState):
        await office.as_person("chen", suspend_certificate, **takes)
    office.clock.move_to(suspended.emergency_until or until + timedelta(days=60))
    office.clock.advance(timedelta(days=30))
    await office.work()
    async with office.database.read() as s:
        assert (await get_certificate(s, cert_id=certificate.cert_id)).status is CertificateState.SUSPENDED
    assert len(await statements(office.database, "BRK.EMERGENCY_OVER")) == 1


async def test_a_tie_that_is_declared_after_the_vote_takes_the_vote_out_of_the_count(office):
    row = await office.apply()
    await office.as_person("chen", applying.review, cert_id=row.cert_id)
    for name in ("chen", "li", "wang"):
        await office.vote(row.cert_id, name)
    await office.as_person("chen", panel.declare_tie, org_id=office.broker.org_id)
    async with refused(office.database, PanelNotComplete):
        await office.as_person("li", panel.publish_notice, cert_id=row.cert_id)
    await office.vote(row.cert_id, "zhao")
    await office.as_person("li", panel.publish_notice, cert_id=row.cert_id)
    (said,) = await statements(office.database, "BRK.NOTICE")
    assert said["predicate"]["votes"] == 3
