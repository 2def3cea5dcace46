"""From the application to the certificate, and every way in which it does not come to it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from identity.errors import PersonNotIdentified
from identity.tables import OrganisationRow
from registry.registration import applying, holding, recognising, reviewing
from registry.registration.errors import (
    OwnershipDispute,
    PublicRegistrationUnknown,
    RegistrarOwnData,
    RegistrarUnfit,
    RegistrarUnknown,
    RegistrationExtended,
    RegistrationMalformed,
    RegistrationObjectionsOpen,
    RegistrationSameOfficer,
    RegistrationTooEarly,
    RegistrationTooLate,
    RegistrationUnconfirmed,
    RegistrationWrongRole,
    RegistrationWrongState,
)
from registry.registration.repository import claims_of, get_registration
from registry.registration.rules import Claim, Kind, RefusalReason, RevocationReason
from registry.registration.states import RegistrationState
from registry.repository import rights_in
from registry.rules import Right, Source, SourceFacts
from tests.identity.unmoved import statements
from tests.registry.registration.desk import DECLARED, FIT, PUBLIC, Desk
from tests.standstill import refused

S = RegistrationState


async def said_of(desk: Desk, registration_id: str) -> list[dict]:
    said = [one["predicate"] for one in await statements(desk.database)]
    return [one for one in said if one["object"] == registration_id]


async def test_a_right_is_registered_after_a_notice_of_five_working_days(desk):
    row = await desk.registered()
    assert (row.status, row.number) == (S.REGISTERED, "SJ4412026110001")
    said = await said_of(desk, row.registration_id)
    assert [(one["event"], one.get("from"), one["to"]) for one in said] == [
        ("REG.APPLY", None, "SUBMITTED"),
        ("REG.ACCEPT", "SUBMITTED", "UNDER_REVIEW"),
        ("REG.PUBLISH", "UNDER_REVIEW", "PUBLIC_NOTICE"),
        ("REG.DEPOSIT_AND_ISSUE", "PUBLIC_NOTICE", "REGISTERED"),
    ]
    assert said[2]["notice_until"] == "2026-11-23T15:59:59.999Z"
    assert said[3]["valid_to"] == "2031-11-23T15:59:59.999Z"  # issued on the 24th in Shanghai
    async with desk.database.read() as s:
        rights = await rights_in(s, product_id=row.data_id)
    assert {(one.right, one.registration_id) for one in rights} == {
        (right, row.registration_id) for right in Right
    }


async def test_the_next_number_of_the_month_is_the_next(desk):
    await desk.registered()
    desk.clock.advance(timedelta(hours=1))
    other = replace(DECLARED, sample_sha256="e" * 64)
    second = await desk.registered(who=desk.rival, declaration=other)
    assert second.number == "SJ4412026120001"  # the notice ended in December
    third = await desk.registered(who=desk.partner, declaration=replace(DECLARED, sample_sha256="f" * 64))
    assert third.number == "SJ4412026120002"


async def test_silence_for_three_working_days_is_acceptance(desk):
    row = await desk.apply()
    desk.clock.move_to(row.due_at)
    await desk.work()
    assert await desk.state_of(row.registration_id) is S.SUBMITTED
    desk.clock.advance(timedelta(milliseconds=1))
    await desk.work()
    assert await desk.state_of(row.registration_id) is S.UNDER_REVIEW
    (accepted,) = [one for one in await said_of(desk, row.registration_id) if one["event"] == "REG.ACCEPT"]
    assert (accepted["role"], accepted["by_silence"]) == ("EXCHANGE_OPERATOR", True)


async def test_what_is_missing_is_told_once_and_brought_in_time_or_the_application_lapses(desk):
    row = await desk.apply()
    about = {"registration_id": row.registration_id}
    await desk.by("lin", applying.ask_supplement, **about, gaps=["来源证明不清"])
    claims = desk.all_rights(desk.applicant)
    again = {"declaration": replace(DECLARED, name="改名"), "claims": claims}
    row = await desk.applicant.do(applying.resubmit, **about, **again)
    assert (row.status, row.name) == (S.SUBMITTED, "改名")
    async with refused(desk.database, RegistrationWrongState):
        await desk.by("lin", applying.ask_supplement, **about, gaps=["再补"])
    second = await desk.apply(declaration=replace(DECLARED, sample_sha256="e" * 64))
    about = {"registration_id": second.registration_id}
    second = await desk.by("lin", applying.ask_supplement, **about, gaps=["样本不全"])
    desk.clock.move_to(second.due_at + timedelta(milliseconds=1))
    async with refused(desk.database, RegistrationTooLate):
        await desk.applicant.do(applying.resubmit, **about, **again)
    await desk.work()
    assert await desk.state_of(second.registration_id) is S.CLOSED


async def test_a_review_is_extended_once_and_what_is_late_is_stated(desk):
    row = await desk.apply()
    about = {"registration_id": row.registration_id}
    row = await desk.by("lin", applying.accept, **about)
    row = await desk.by("lin", reviewing.extend, **about, reason="需核实来源")
    assert row.due_at.isoformat() == "2026-12-14T15:59:59.999000+00:00"  # twenty working days
    async with refused(desk.database, RegistrationExtended):
        await desk.by("lin", reviewing.extend, **about, reason="还要")
    desk.clock.move_to(row.due_at + timedelta(milliseconds=1))
    await desk.work()
    said = await said_of(desk, row.registration_id)
    assert said[-1]["event"] == "REG.OVERDUE"
    assert await desk.state_of(row.registration_id) is S.UNDER_REVIEW


async def test_the_second_of_two_that_claim_the_same_data_is_blocked_as_an_ownership_dispute(desk):
    first = await desk.apply()
    desk.clock.advance(timedelta(seconds=1))
    second = await desk.apply(who=desk.rival)
    await desk.by("lin", applying.accept, registration_id=second.registration_id)
    async with refused(desk.database, OwnershipDispute) as caught:
        await desk.by("lin", reviewing.publish, registration_id=second.registration_id)
    assert caught.value.facts["earlier"] == first.registration_id
    about = {"registration_id": second.registration_id, "text": "与在先申请冲突"}
    row = await desk.by("lin", reviewing.refuse, **about, reason=RefusalReason.OWNERSHIP_DISPUTE)
    assert (row.status, row.reason_code) == (S.REFUSED, "OWNERSHIP_DISPUTE")


async def test_who_has_the_data_by_agreement_registers_beside_its_source(desk):
    await desk.registered()
    facts = SourceFacts(agreed=frozenset({Right.USE}))
    said = replace(DECLARED, source=Source.AGREEMENT, facts=facts)
    claims = [Claim(holder_id=desk.rival.org_id, right=Right.USE)]
    row = await desk.registered(who=desk.rival, declaration=said, claims=claims)
    assert row.status is S.REGISTERED


async def test_a_named_holder_confirms_before_the_notice(desk):
    row = await desk.apply(claims=desk.all_rights(desk.applicant, desk.partner))
    about = {"registration_id": row.registration_id}
    await desk.by("lin", applying.accept, **about)
    async with refused(desk.database, RegistrationUnconfirmed) as caught:
        await desk.by("lin", reviewing.publish, **about)
    assert caught.value.facts["waiting"] == [desk.partner.org_id]
    async with refused(desk.database, RegistrationWrongRole):
        await desk.rival.do(applying.confirm, **about)
    await desk.partner.do(applying.confirm, **about)
    async with refused(desk.database, RegistrationWrongRole):
        await desk.partner.do(applying.confirm, **about)
    await desk.by("lin", reviewing.publish, **about)
    async with desk.database.read() as s:
        holders = {one.holder_id for one in await claims_of(s, **about)}
    assert holders == {desk.applicant.org_id, desk.partner.org_id}


async def test_an_objection_in_time_and_by_name_stops_the_issue_until_another_officer_answers(desk):
    row = await desk.noticed()
    about = {"registration_id": row.registration_id}
    facts = {"text": "数据由我司采集", "evidence": ["9" * 64]}
    async with refused(desk.database, PersonNotIdentified):
        await desk.by("nobody", reviewing.object_to, **about, **facts)
    desk.clock.move_to(row.notice_until)
    objection = await desk.by("qiu", reviewing.object_to, **about, **facts)
    desk.clock.advance(timedelta(hours=1))
    async with refused(desk.database, RegistrationWrongState):
        await desk.by("lin", reviewing.issue, **about)
    named = {"objection_ids": [objection.objection_id], "answer": "证据不足"}
    async with refused(desk.database, RegistrationSameOfficer):
        await desk.by("lin", reviewing.dismiss, **about, **named)
    async with refused(desk.database, RegistrationObjectionsOpen):
        await desk.by("he", reviewing.dismiss, **about, objection_ids=["obj_x"], answer="证据不足")
    await desk.by("he", reviewing.dismiss, **about, **named)
    issued = await desk.by("lin", reviewing.issue, **about)
    assert issued.status is S.REGISTERED


async def test_an_objection_after_the_notice_or_without_evidence_is_refused(desk):
    row = await desk.noticed()
    about = {"registration_id": row.registration_id, "text": "数据由我司采集"}
    desk.clock.move_to(row.notice_until + timedelta(milliseconds=1))
    async with refused(desk.database, RegistrationTooLate):
        await desk.by("qiu", reviewing.object_to, **about, evidence=["9" * 64])


async def test_an_objection_that_is_found_right_ends_the_application(desk):
    row = await desk.noticed()
    about = {"registration_id": row.registration_id}
    objection = await desk.by("qiu", reviewing.object_to, **about, text="系我司数据", evidence=["9" * 64])
    found = {"objection_id": objection.objection_id, "answer": "异议成立"}
    row = await desk.by("he", reviewing.uphold, **about, **found)
    assert (row.status, row.reason_code) == (S.REFUSED, "OWNERSHIP_DISPUTE")


async def test_nothing_is_issued_while_the_notice_runs(desk):
    row = await desk.noticed()
    desk.clock.move_to(row.notice_until)
    async with refused(desk.database, RegistrationTooEarly):
        await desk.by("lin", reviewing.issue, registration_id=row.registration_id)


async def test_the_notice_withholds_what_it_is_asked_to_but_never_who_applies(desk):
    row = await desk.apply()
    about = {"registration_id": row.registration_id}
    await desk.by("lin", applying.accept, **about)
    with pytest.raises(RegistrationMalformed):
        await desk.by("lin", reviewing.publish, **about, withheld=["applicant"])
    await desk.by("lin", reviewing.publish, **about, withheld=["abstract"])
    said = (await said_of(desk, row.registration_id))[-1]
    assert "abstract" not in said
    assert (said["name"], said["withheld"]) == (DECLARED.name, ["abstract"])


async def test_a_registrar_registers_neither_its_own_data_nor_its_groups(desk):
    sister = await desk.house.admit("登记集团数据公司", {"PROVIDER"}, controller_id="登记集团")
    async with refused(desk.database, RegistrarOwnData):
        await desk.apply(who=sister)
    claims = [*desk.all_rights(desk.applicant), Claim(holder_id=sister.org_id, right=Right.USE)]
    async with refused(desk.database, RegistrarOwnData):
        await desk.apply(claims=claims)


async def test_only_a_registrar_that_is_recognised_registers(desk):
    other = await desk.house.admit("某登记公司", {"REGISTRAR"})
    seat = {"org_id": other.org_id, "agency": "1", "region": "44", "facts": FIT}
    async with refused(desk.database, RegistrarUnfit):
        await desk.authority.do(recognising.recognise, **seat)
    about = {"kind": Kind.PROPERTY_RIGHT, "declaration": DECLARED, "claims": desk.all_rights(desk.applicant)}
    async with refused(desk.database, RegistrarUnknown):
        await desk.applicant.do(applying.apply, **about, registrar_id=other.org_id)
    await desk.authority.do(recognising.recognise, **(seat | {"agency": "2"}))
    row = await desk.applicant.do(applying.apply, **about, registrar_id=other.org_id)
    async with refused(desk.database, RegistrationWrongRole):  # filed with the other one
        await desk.by("lin", applying.accept, registration_id=row.registration_id)
    ended = {"org_id": desk.registrar.org_id, "reason_code": "EXIT"}
    await desk.authority.do(recognising.end_recognition, **ended)
    async with refused(desk.database, RegistrarUnknown):
        await desk.apply()


async def test_a_registrar_that_leaves_hands_over_what_stands_and_what_is_under_way(desk):
    standing = await desk.registered()
    under_way = await desk.apply(declaration=replace(DECLARED, name="另一数据集", sample_sha256="c" * 64))
    next_one = await desk.house.admit("粤西登记中心", {"REGISTRAR"}, controller_id="粤西集团")
    known = {"org_id": next_one.org_id, "region": "44", "agency": "2", "facts": FIT}
    own = await desk.house.admit("自家登记中心", {"REGISTRAR"}, controller_id="自家集团")
    leaving = {"org_id": desk.registrar.org_id, "reason_code": "EXIT"}
    async with refused(desk.database, RegistrarUnknown):  # nobody whom the authority has not recognised
        await desk.authority.do(recognising.end_recognition, **leaving, successor_id=own.org_id)
    await desk.authority.do(recognising.recognise, **known)
    await desk.authority.do(recognising.end_recognition, **leaving, successor_id=next_one.org_id)
    async with desk.database.read() as s:
        for before in (standing, under_way):
            now = await get_registration(s, registration_id=before.registration_id)
            assert (now.status, now.number) == (before.status, before.number)
            assert now.registrar_id == next_one.org_id
    said = [one["predicate"] for one in await statements(desk.database)]
    (told,) = [one for one in said if one["object"] == desk.registrar.org_id and "successor_id" in str(one)]
    assert told["handed_over"] == 2
    async with refused(desk.database, RegistrationWrongRole):  # it was filed with the one that left
        await desk.by("lin", applying.accept, registration_id=under_way.registration_id)


async def test_a_registrar_whose_recognition_ended_does_nothing_and_is_handed_over_later(desk):
    standing = await desk.registered()
    own = await desk.apply(
        who=desk.rival,
        declaration=replace(DECLARED, name="另一数据集", sample_sha256="c" * 64),
        claims=desk.all_rights(desk.rival),
    )
    leaving = {"org_id": desk.registrar.org_id, "reason_code": "STRUCK_OFF"}
    await desk.authority.do(recognising.end_recognition, **leaving)
    wrong = {"reason": RevocationReason.FALSE_PROOF, "text": "报复"}
    async with refused(desk.database, RegistrarUnknown):
        await desk.by("lin", holding.revoke, registration_id=standing.registration_id, **wrong)
    async with refused(desk.database, RegistrarUnknown):
        await desk.by("lin", applying.accept, registration_id=own.registration_id)
    async with refused(desk.database, RegistrarUnknown):
        await desk.authority.do(recognising.end_recognition, **leaving)
    heirs = [
        await desk.house.admit("粤西登记中心", {"REGISTRAR"}, controller_id="粤西集团"),
        await desk.house.admit("粤北登记中心", {"REGISTRAR"}, controller_id="粤北集团"),
    ]
    for agency, heir in zip("23", heirs, strict=True):
        seat = {"org_id": heir.org_id, "region": "44", "agency": agency, "facts": FIT}
        await desk.authority.do(recognising.recognise, **seat)
    async with desk.database.write() as s:  # the first successor has come into the rival's group
        row = await s.get(OrganisationRow, desk.rival.org_id)
        row.controller_id = "粤西集团"
        s.add(row)
    for heir in heirs:
        await desk.authority.do(recognising.end_recognition, **leaving, successor_id=heir.org_id)
    async with desk.database.read() as s:
        found = [await get_registration(s, registration_id=one.registration_id) for one in (standing, own)]
    assert [one.registrar_id for one in found] == [heir.org_id for heir in heirs]
    said = [one["predicate"] for one in await statements(desk.database)]
    told = [one for one in said if one.get("object") == desk.registrar.org_id and "successor_id" in one]
    assert [(one["handed_over"], one["left"]) for one in told] == [(1, 1), (1, 0)]


async def test_a_product_of_authorised_data_waits_for_the_code_of_its_resource(desk):
    facts = SourceFacts(public_registration_no=" gs4412026120001")
    said = replace(DECLARED, source=Source.AUTHORISED_OPERATION, facts=facts, sample_sha256="e" * 64)
    async with refused(desk.database, PublicRegistrationUnknown):
        await desk.apply(declaration=said)
    public = await desk.registered(who=desk.agency, kind=Kind.PUBLIC_RESOURCE, declaration=PUBLIC)
    assert public.number == "GS4412026120001"
    desk.clock.advance(timedelta(hours=1))
    row = await desk.registered(declaration=said)
    assert row.number == "SJ4412026120001"
    assert row.valid_to == public.valid_to  # never beyond what it is made of


async def test_an_applicant_withdraws_and_nobody_else(desk):
    row = await desk.noticed()
    about = {"registration_id": row.registration_id}
    async with refused(desk.database, RegistrationWrongRole):
        await desk.rival.do(applying.withdraw, **about)
    await desk.applicant.do(applying.withdraw, **about)
    assert await desk.state_of(row.registration_id) is S.CLOSED


async def test_a_job_that_comes_late_or_twice_moves_nothing(desk):
    row = await desk.apply()
    await desk.by("lin", applying.accept, registration_id=row.registration_id)
    desk.clock.move_to(row.due_at + timedelta(days=1))
    await desk.work()  # the clock of SUBMITTED finds it UNDER_REVIEW
    async with desk.database.read() as s:
        found = await get_registration(s, registration_id=row.registration_id)
    assert found.status is S.UNDER_REVIEW
