"""What becomes of a registration, and of what rests on it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import select

from base.jobs import JobRow
from registry.ending import ENDED_JOB, cancel_right, revoke_right
from registry.errors import RightNotHeld, RightOfRegistration
from registry.registration import applying, holding, noting, reviewing
from registry.registration.depending import rest_on
from registry.registration.errors import (
    ObjectionRepeated,
    RegistrationAsked,
    RegistrationBlocked,
    RegistrationLapsed,
    RegistrationMalformed,
    RegistrationObjectionsOpen,
    RegistrationRequestUnknown,
    RegistrationSameOfficer,
    RegistrationTooEarly,
    RegistrationTooLate,
    RegistrationUnconfirmed,
    RegistrationWrongRole,
)
from registry.registration.repository import claims_of, get_registration
from registry.registration.rules import Claim, NoteKind, RevocationReason, Wish
from registry.registration.states import RegistrationState
from registry.repository import rights_in
from registry.rules import Right, Source, SourceFacts
from registry.service import register_rights_basis, require_right
from tests.registry.registration.desk import DECLARED, Desk
from tests.standstill import refused

S = RegistrationState
PLEDGE = {
    "kind": NoteKind.PLEDGE,
    "text": "质押给湾区银行",
    "document_sha256": "7" * 64,
    "right": Right.OPERATE,
}


async def stands(desk: Desk, row, holder=None) -> None:
    async with desk.database.read() as s:
        holder_id = (holder or desk.applicant).org_id
        about = {"product_id": row.data_id, "holder_id": holder_id, "right": Right.OPERATE}
        await require_right(s, **about, now=desk.clock.now())


async def asked(desk: Desk, row, wish: Wish, **more):
    about = {"registration_id": row.registration_id}
    return about | {"wish_id": (await desk.applicant.do(holding.ask, **about, wish=wish, **more)).wish_id}


async def test_a_late_objection_suspends_what_rests_on_it_until_another_officer_has_decided(desk):
    row = await desk.registered()
    await stands(desk, row)
    about = {"registration_id": row.registration_id}
    objection = await desk.by("qiu", reviewing.object_to, **about, text="侵犯我司权益", evidence=["9" * 64])
    assert objection.tell_by.isoformat() == "2026-12-01T15:59:59.999000+00:00"
    with pytest.raises(RegistrationLapsed) as caught:
        await stands(desk, row)
    assert caught.value.facts["status"] == "DISPUTED"
    named = {"objection_ids": [objection.objection_id], "answer": "异议不成立"}
    async with refused(desk.database, RegistrationSameOfficer):
        await desk.by("lin", holding.resolve, **about, **named, keep=True)
    async with refused(desk.database, RegistrationObjectionsOpen):
        await desk.by("he", holding.resolve, **about, objection_ids=[], answer="无", keep=True)
    await desk.by("he", holding.resolve, **about, **named, keep=True)
    await stands(desk, row)


async def test_a_dispute_that_is_lost_cancels_the_registration_for_good(desk):
    row = await desk.registered()
    about = {"registration_id": row.registration_id}
    objection = await desk.by("qiu", reviewing.object_to, **about, text="法院判决", evidence=["9" * 64])
    ruling = {"objection_ids": [objection.objection_id], "answer": "依判决注销", "ruling_sha256": "8" * 64}
    row = await desk.by("he", holding.resolve, **about, **ruling, keep=False)
    assert row.status is S.CANCELLED
    with pytest.raises(RegistrationLapsed):
        await stands(desk, row)


async def test_it_expires_on_its_last_moment_and_takes_its_rights_with_it(desk):
    row = await desk.registered()
    desk.clock.move_to(row.valid_to)
    await desk.work()
    assert await desk.state_of(row.registration_id) is S.REGISTERED
    await stands(desk, row)
    desk.clock.advance(timedelta(milliseconds=1))
    with pytest.raises(RegistrationLapsed):  # at once, though the clock has not said it yet
        await stands(desk, row)
    await desk.work()
    assert await desk.state_of(row.registration_id) is S.EXPIRED
    with pytest.raises(RegistrationLapsed):
        await stands(desk, row)


async def test_a_renewal_is_asked_for_in_its_window_and_moves_the_end_by_as_long_again(desk):
    row = await desk.registered()
    async with refused(desk.database, RegistrationTooEarly):
        await asked(desk, row, Wish.RENEW)
    desk.clock.move_to(row.valid_to - timedelta(days=30))
    about = await asked(desk, row, Wish.RENEW)
    row = await desk.by("lin", holding.grant, **about)
    assert row.valid_to.isoformat() == "2036-11-23T15:59:59.999000+00:00"
    desk.clock.move_to(row.valid_to - timedelta(days=365))
    await desk.work()  # the old end has come and gone
    assert await desk.state_of(row.registration_id) is S.REGISTERED


async def test_a_pledged_right_is_not_transferred_before_its_release(desk):
    row = await desk.registered()
    about = {"registration_id": row.registration_id}
    pledge = PLEDGE | {"holder_id": desk.applicant.org_id, "creditor_id": desk.rival.org_id}
    noted = await desk.by("lin", noting.note, **about, **pledge)
    async with refused(desk.database, RegistrationBlocked) as caught:
        await asked(desk, row, Wish.TRANSFER, taker_id=desk.partner.org_id)
    assert caught.value.facts["notes"] == ["PLEDGE"]
    async with refused(desk.database, RegistrationBlocked):
        await asked(desk, row, Wish.CANCEL)
    await desk.by("lin", noting.release, **about, note_id=noted.note_id, document_sha256="6" * 64)
    await asked(desk, row, Wish.TRANSFER, taker_id=desk.partner.org_id)


async def test_a_pledge_that_comes_between_request_and_entry_blocks_too(desk):
    row = await desk.registered()
    wished = await asked(desk, row, Wish.TRANSFER, taker_id=desk.partner.org_id)
    await desk.partner.do(holding.agree, **wished)
    order = {"kind": NoteKind.PRESERVATION, "text": "法院保全", "document_sha256": "5" * 64}
    await desk.by("lin", noting.note, registration_id=row.registration_id, **order)
    async with refused(desk.database, RegistrationBlocked):
        await desk.by("lin", holding.grant, **wished)


async def test_a_transfer_gives_all_to_who_agreed_and_ends_what_the_giver_offered(desk):
    row = await desk.registered()
    wished = await asked(desk, row, Wish.TRANSFER, taker_id=desk.partner.org_id, proof_sha256="4" * 64)
    async with refused(desk.database, RegistrationUnconfirmed) as caught:
        await desk.by("lin", holding.grant, **wished)
    assert caught.value.facts["waiting"] == [desk.partner.org_id]
    async with refused(desk.database, RegistrationWrongRole):
        await desk.rival.do(holding.agree, **wished)
    await desk.partner.do(holding.agree, **wished)
    await desk.by("lin", holding.grant, **wished)
    async with desk.database.read() as s:
        claims = await claims_of(s, registration_id=row.registration_id)
    assert {one.holder_id for one in claims} == {desk.partner.org_id}
    await stands(desk, row, desk.partner)
    with pytest.raises(RightNotHeld):
        await stands(desk, row)


async def test_a_change_needs_the_other_holders_and_touches_no_right_nor_source(desk):
    row = await desk.noticed()
    desk.clock.move_to(row.notice_until + timedelta(hours=1))
    row = await desk.by("lin", reviewing.issue, registration_id=row.registration_id)
    for changes in ({"source": "DERIVED"}, {"name": "名" * 41}, {"update": "NOW"}, {"volume_rows": -1}):
        with pytest.raises(RegistrationMalformed):
            await asked(desk, row, Wish.CHANGE, changes=changes)
    wished = await asked(desk, row, Wish.CHANGE, changes={"name": "新名", "volume_rows": 300_000})
    await desk.by("lin", holding.grant, **wished)
    async with desk.database.read() as s:
        row = await get_registration(s, registration_id=row.registration_id)
    assert (row.name, row.declaration["volume_rows"]) == ("新名", 300_000)


async def test_a_registrar_declines_with_a_reason_and_a_request_is_decided_once(desk):
    row = await desk.registered()
    wished = await asked(desk, row, Wish.CANCEL)
    declined = await desk.by("lin", holding.decline, **wished, reason="仍有在履行合同")
    assert declined.done is False
    with pytest.raises(RegistrationRequestUnknown):
        await desk.by("lin", holding.grant, **wished)


async def test_a_stranger_asks_for_nothing_and_another_registrar_revokes_nothing(desk):
    row = await desk.registered()
    about = {"registration_id": row.registration_id}
    async with refused(desk.database, RegistrationWrongRole):
        await desk.rival.do(holding.ask, **about, wish=Wish.CANCEL)
    revoked = {"reason": RevocationReason.FALSE_PROOF, "text": "伪造来源证明"}
    async with refused(desk.database, RegistrationWrongRole):
        await desk.authority.do(holding.revoke, **about, **revoked)
    row = await desk.by("lin", holding.revoke, **about, **revoked)
    assert (row.status, row.reason_code) == (S.REVOKED, "FALSE_PROOF")
    with pytest.raises(RegistrationLapsed):
        await stands(desk, row)


async def test_two_transfers_asked_at_once_are_one_and_the_giver_cancels_nothing_afterwards(desk):
    row = await desk.registered()
    first = await asked(desk, row, Wish.TRANSFER, taker_id=desk.partner.org_id)
    async with refused(desk.database, RegistrationAsked):
        await asked(desk, row, Wish.TRANSFER, taker_id=desk.rival.org_id)
    given_up = await asked(desk, row, Wish.CANCEL)
    await desk.partner.do(holding.agree, **first)
    await desk.by("lin", holding.grant, **first)
    with pytest.raises(RegistrationRequestUnknown):  # the giver's other requests went with the transfer
        await desk.by("lin", holding.grant, **given_up)
    assert await desk.state_of(row.registration_id) is S.REGISTERED


async def test_a_right_of_a_registration_is_not_given_up_past_its_registrar_nor_entered_beside_it(desk):
    row = await desk.registered()
    about = {"product_id": row.data_id, "right": Right.OPERATE, "reason_code": "EXIT"}
    async with refused(desk.database, RightOfRegistration):
        await desk.applicant.do(cancel_right, attempted="REG.CANCEL", **about)
    wished = await asked(desk, row, Wish.TRANSFER, taker_id=desk.partner.org_id)
    await desk.partner.do(holding.agree, **wished)
    await desk.by("lin", holding.grant, **wished)
    entered = {"source": Source.SELF_COLLECTED, "facts": SourceFacts(), "claimed": frozenset({Right.OPERATE})}
    async with refused(desk.database, RightOfRegistration):
        await desk.applicant.do(
            register_rights_basis,
            attempted="LST.SUBMIT",
            product_id=row.data_id,
            holder_id=desk.applicant.org_id,
            source_statement_sha256="ab" * 32,
            **entered,
        )


async def test_a_revoked_right_does_not_come_back_with_anothers_transfer(desk):
    row = await desk.apply(claims=desk.all_rights(desk.applicant, desk.partner))
    about = {"registration_id": row.registration_id}
    await desk.partner.do(applying.confirm, **about)
    await desk.by("lin", applying.accept, **about)
    row = await desk.by("lin", reviewing.publish, **about)
    desk.clock.move_to(row.notice_until + timedelta(hours=1))
    row = await desk.by("lin", reviewing.issue, **about)
    revoked = {"product_id": row.data_id, "holder_id": desk.partner.org_id, "right": Right.OPERATE}
    await desk.house.operator.do(revoke_right, attempted="REG.REVOKE", **revoked, reason_code="FALSE_PROOF")
    wished = await asked(desk, row, Wish.TRANSFER, taker_id=desk.rival.org_id)
    await desk.rival.do(holding.agree, **wished)
    await desk.by("lin", holding.grant, **wished)
    await stands(desk, row, desk.rival)
    with pytest.raises(RightNotHeld):
        await stands(desk, row, desk.partner)


def until(party, right, day=None) -> Claim:
    return Claim(holder_id=party.org_id, right=right, until=day)


async def rights_of(desk: Desk, row) -> dict[tuple[str, str], str | None]:
    async with desk.database.read() as s:
        return {
            (one.holder_id, one.right.value): one.ended_as
            for one in await rights_in(s, product_id=row.data_id)
        }


async def jobs_that_suspend(desk: Desk) -> list[dict]:
    async with desk.database.read() as s:
        return list(await s.exec(select(JobRow.payload).where(JobRow.kind == ENDED_JOB)))


async def test_it_ends_with_the_last_of_its_rights_and_is_not_renewed_beyond(desk):
    claims = [
        until(desk.applicant, Right.OPERATE, date(2027, 6, 30)),
        until(desk.applicant, Right.HOLD, date(2027, 12, 31)),
    ]
    row = await desk.registered(claims=claims)
    assert row.valid_to.isoformat() == "2027-12-31T15:59:59.999000+00:00"
    desk.clock.move_to(row.valid_to - timedelta(days=30))
    wished = await asked(desk, row, Wish.RENEW)
    async with refused(desk.database, RegistrationTooLate):
        await desk.by("lin", holding.grant, **wished)
    desk.clock.move_to(row.valid_to + timedelta(milliseconds=1))
    await desk.work()
    assert await desk.state_of(row.registration_id) is S.EXPIRED


async def test_rights_end_one_by_one_and_only_the_right_to_operate_takes_offers_with_it(desk):
    used, sold = date(2027, 6, 30), date(2027, 9, 30)
    claims = [
        until(desk.applicant, Right.HOLD),
        until(desk.applicant, Right.USE, used),
        until(desk.applicant, Right.OPERATE, sold),
    ]
    row = await desk.registered(claims=claims)
    about = {"registration_id": row.registration_id}
    assert row.valid_to.year == 2031  # the right to hold has no end of its own
    desk.clock.move_to(datetime(2027, 6, 30, 15, 59, 59, 999000, tzinfo=UTC))
    await desk.work()
    mine = desk.applicant.org_id
    every = {(mine, "HOLD"): None, (mine, "USE"): None, (mine, "OPERATE"): None}
    assert await rights_of(desk, row) == every  # its last moment belongs to it
    desk.clock.advance(timedelta(milliseconds=1))
    await desk.work()
    assert await rights_of(desk, row) == every | {(mine, "USE"): "EXPIRED"}
    assert await jobs_that_suspend(desk) == []
    await stands(desk, row)
    with pytest.raises(RegistrationMalformed):  # what has ended is not pledged
        pledge = PLEDGE | {"right": Right.USE, "holder_id": mine, "creditor_id": desk.rival.org_id}
        await desk.by("lin", noting.note, **about, **pledge)
    desk.clock.move_to(datetime(2027, 9, 30, 16, 0, tzinfo=UTC))
    await desk.work()
    assert await rights_of(desk, row) == every | {(mine, "USE"): "EXPIRED", (mine, "OPERATE"): "EXPIRED"}
    assert await jobs_that_suspend(desk) == [{"product_id": row.data_id, "holder_id": mine}]
    with pytest.raises(RightNotHeld):
        await stands(desk, row)
    assert await desk.state_of(row.registration_id) is S.REGISTERED
    cited = {"product_id": "prd_" + "0" * 26, "holder_id": mine, "basis_ref": row.number}
    async with refused(desk.database, RegistrationLapsed):
        await desk.applicant.do(rest_on, attempted="LST.SUBMIT", **cited)


async def test_what_has_ended_is_handed_to_nobody_and_its_holder_asks_for_nothing(desk):
    claims = [
        until(desk.applicant, Right.HOLD, date(2027, 6, 30)),
        until(desk.applicant, Right.OPERATE, date(2028, 6, 30)),
        until(desk.partner, Right.OPERATE, date(2028, 3, 31)),
        until(desk.rival, Right.USE, date(2027, 6, 30)),
    ]
    row = await desk.apply(claims=claims)
    about = {"registration_id": row.registration_id}
    await desk.partner.do(applying.confirm, **about)
    await desk.rival.do(applying.confirm, **about)
    await desk.by("lin", applying.accept, **about)
    row = await desk.by("lin", reviewing.publish, **about)
    desk.clock.move_to(row.notice_until + timedelta(hours=1))
    row = await desk.by("lin", reviewing.issue, **about)
    assert row.valid_to.isoformat() == "2028-06-30T15:59:59.999000+00:00"
    desk.clock.move_to(datetime(2027, 6, 30, 16, 0, tzinfo=UTC))
    await desk.work()
    async with refused(desk.database, RegistrationWrongRole):
        await desk.rival.do(holding.ask, **about, wish=Wish.CANCEL)
    wished = await asked(desk, row, Wish.TRANSFER, taker_id=desk.partner.org_id)
    await desk.partner.do(holding.agree, **wished)
    await desk.by("lin", holding.grant, **wished)
    async with desk.database.read() as s:
        kept = {(one.holder_id, one.right, one.until) for one in await claims_of(s, **about)}
    assert kept == {
        (desk.applicant.org_id, "HOLD", "2027-06-30"),
        (desk.partner.org_id, "OPERATE", "2028-06-30"),  # the longer of the two terms
        (desk.rival.org_id, "USE", "2027-06-30"),
    }
    desk.clock.move_to(datetime(2028, 3, 31, 16, 0, tzinfo=UTC))
    await desk.work()
    await stands(desk, row, desk.partner)


async def test_nothing_is_issued_when_all_that_was_claimed_has_ended(desk):
    row = await desk.noticed(claims=[until(desk.applicant, Right.OPERATE, date(2026, 12, 31))])
    desk.clock.move_to(datetime(2027, 1, 4, 1, 0, tzinfo=UTC))
    async with refused(desk.database, RegistrationTooLate):
        await desk.by("lin", reviewing.issue, registration_id=row.registration_id)


async def test_another_certificate_of_the_holder_is_no_way_round_a_disputed_one(desk):
    one = await desk.registered()
    other = await desk.registered(declaration=replace(DECLARED, sample_sha256="e" * 64))
    await desk.by(
        "qiu",
        reviewing.object_to,
        registration_id=one.registration_id,
        text="侵犯我司权益",
        evidence=["9" * 64],
    )
    about = {"product_id": one.data_id, "holder_id": desk.applicant.org_id, "basis_ref": other.number}
    async with refused(desk.database, RegistrationLapsed):
        await desk.applicant.do(rest_on, attempted="LST.SUBMIT", **about)


async def test_a_member_objects_once_at_a_time_and_never_again_on_the_same_evidence(desk):
    row = await desk.registered()
    about = {"registration_id": row.registration_id}
    said = {"text": "侵犯我司权益", "evidence": ["9" * 64]}
    objection = await desk.by("qiu", reviewing.object_to, **about, **said)
    async with refused(desk.database, ObjectionRepeated):
        await desk.by("qiu", reviewing.object_to, **about, text="另有理由", evidence=["8" * 64])
    named = {"objection_ids": [objection.objection_id], "answer": "异议不成立"}
    await desk.by("he", holding.resolve, **about, **named, keep=True)
    async with refused(desk.database, ObjectionRepeated):
        await desk.by("qiu", reviewing.object_to, **about, **said)
    assert await desk.state_of(row.registration_id) is S.REGISTERED
