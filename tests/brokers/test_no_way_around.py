"""What a panel, a review or a suspension has begun is not got rid of by another way through the states."""

from datetime import date, timedelta
from typing import Any

from brokers import applying, continuing, reporting
from brokers.certifying import certify, reinstate_certificate, revoke_certificate, suspend_certificate
from brokers.errors import (
    ApplicationUnderWay,
    BrokerBarred,
    CertificateOverlaps,
    EmergencyRepeated,
    NotPutRight,
)
from brokers.repository import get_certificate
from brokers.rules import CertificateState
from tests.brokers.office import SCOPE
from tests.brokers.test_practice import LAST_OF_MARCH, as_broker, file, report, state_of
from tests.identity.unmoved import statements
from tests.standstill import refused


async def enter_directly(office: Any) -> Any:
    async def entered(s: Any, act: Any, *, cert_id: str, **said: Any) -> Any:
        del cert_id
        return await certify(s, act, **said)

    now = office.clock.now()
    return await office.as_person(
        "zhao",
        entered,
        cert_id="x",
        org_id=office.broker.org_id,
        cert_no="GD-DB-M-2-2026-0009",
        scope=SCOPE,
        valid_from=now,
        valid_to=now + timedelta(days=1000),
    )


async def test_who_withdraws_before_a_panels_no_is_not_entered_by_one_officer(office):
    row = await office.apply()
    await office.as_person("chen", applying.review, cert_id=row.cert_id)
    for name in ("chen", "li", "wang"):
        await office.vote(row.cert_id, name, approves=False)
    await as_broker(office, applying.withdraw, row.cert_id)
    async with refused(office.database, ApplicationUnderWay):
        await enter_directly(office)
    office.clock.advance(timedelta(seconds=1))
    assert (await office.certified()).status.value == "ACTIVE"  # a panel may still pass it


async def test_an_application_that_lapsed_was_decided_here_too(office):
    row = await office.apply(evidence=())
    await office.as_person("chen", applying.ask_correction, cert_id=row.cert_id, remarks="材料不全")
    office.clock.advance(timedelta(days=30))
    await office.work()
    async with refused(office.database, ApplicationUnderWay):
        await enter_directly(office)


async def suspend_as_exchange(office: Any, cert_id: str) -> Any:
    return await office.house.operator.do(
        suspend_certificate,
        role="EXCHANGE_OPERATOR",
        attempted="BRK.SUSPEND",
        object_id=cert_id,
        cert_id=cert_id,
        reason_code="WT1",
    )


async def rectifying(office: Any) -> str:
    """A certificate whose broker has thirty days from 31 March on."""
    cert_id: str = (await office.certified()).cert_id
    office.clock.move_to(LAST_OF_MARCH)
    await file(office, cert_id)
    asked = {"cert_id": cert_id, "year": 2027, "reason_code": "RECORDS", "text": "补齐来源审查记录"}
    await office.as_person("chen", reporting.ask_rectification, **asked)
    await suspend_as_exchange(office, cert_id)
    return cert_id


async def test_an_emergency_ends_where_it_began_and_the_thirty_days_go_on(office):
    cert_id = await rectifying(office)
    office.clock.advance(timedelta(days=20))
    await office.work()
    assert await state_of(office, cert_id) is CertificateState.RECTIFYING
    async with refused(office.database, NotPutRight):
        await office.as_person("chen", reporting.pass_review, cert_id=cert_id, year=2027)
    office.clock.advance(timedelta(days=10, milliseconds=1))
    await office.work()
    assert await state_of(office, cert_id) is CertificateState.SUSPENDED
    assert [one["predicate"]["to"] for one in await statements(office.database, "BRK.RECTIFY_MISS")] == [
        "SUSPENDED"
    ]


async def test_what_is_due_while_suspended_is_stated_then_and_no_emergencys_end_undoes_it(office):
    cert_id = await rectifying(office)
    await office.as_person("chen", suspend_certificate, cert_id=cert_id, reason_code="WT1")  # taken over
    office.clock.advance(timedelta(days=30, milliseconds=1))
    await office.work()
    assert len(await statements(office.database, "BRK.RECTIFY_MISS")) == 1
    await office.as_person("chen", reinstate_certificate, cert_id=cert_id, reason_code="CLEARED")
    assert await state_of(office, cert_id) is CertificateState.ACTIVE  # that review is over


async def test_who_is_suspended_puts_right_in_time_and_is_rectifying_afterwards(office):
    cert_id = await rectifying(office)
    await office.as_person("chen", suspend_certificate, cert_id=cert_id, reason_code="WT1")
    office.clock.advance(timedelta(days=25))
    done = {"year": 2027, "text": "已补齐", "report": report(date(2028, 4, 20), sha256="6b" * 32)}
    await as_broker(office, reporting.report_rectified, cert_id, **done)
    office.clock.advance(timedelta(days=25))
    await office.work()
    await office.as_person("chen", reinstate_certificate, cert_id=cert_id, reason_code="CLEARED")
    assert await state_of(office, cert_id) is CertificateState.RECTIFYING
    await office.as_person("chen", reporting.pass_review, cert_id=cert_id, year=2027)
    assert await state_of(office, cert_id) is CertificateState.ACTIVE


async def test_a_report_that_is_missing_on_1_april_keeps_who_is_suspended_by_then(office):
    cert_id = (await office.certified()).cert_id
    office.clock.move_to(LAST_OF_MARCH - timedelta(days=2))
    await suspend_as_exchange(office, cert_id)
    office.clock.advance(timedelta(days=3))
    await office.work()
    office.clock.advance(timedelta(days=40))
    await office.work()
    assert await state_of(office, cert_id) is CertificateState.SUSPENDED
    (said,) = await statements(office.database, "BRK.MISS_REPORT")
    assert (said["predicate"]["from"], said["predicate"]["year"]) == ("SUSPENDED", 2027)
    assert not await statements(office.database, "BRK.EMERGENCY_OVER")


async def test_who_was_leaving_is_leaving_after_an_emergency(office):
    cert_id = (await office.certified()).cert_id
    given = await as_broker(office, continuing.give_exit_notice, cert_id)
    await suspend_as_exchange(office, cert_id)
    office.clock.advance(timedelta(days=30))
    await office.work()
    async with office.database.read() as s:
        row = await get_certificate(s, cert_id=cert_id)
    assert (row.status, row.exits_at) == (CertificateState.EXITING, given.exits_at)


async def test_a_second_emergency_waits_sixty_days_or_for_the_authority(office):
    cert_id = (await office.certified()).cert_id
    await suspend_as_exchange(office, cert_id)
    office.clock.advance(timedelta(days=25))
    await office.work()
    assert await state_of(office, cert_id) is CertificateState.ACTIVE
    async with refused(office.database, EmergencyRepeated):
        await suspend_as_exchange(office, cert_id)
    for verb in (suspend_certificate, reinstate_certificate):
        await office.as_person("chen", verb, cert_id=cert_id, reason_code="WT1")
        office.clock.advance(timedelta(seconds=1))
    assert (await suspend_as_exchange(office, cert_id)).status is CertificateState.SUSPENDED


async def test_the_end_of_validity_saves_nobody_from_revocation_and_bar(office):
    row = await office.certified()
    office.clock.move_to(row.valid_to - timedelta(minutes=1))
    await office.as_person("chen", suspend_certificate, cert_id=row.cert_id, reason_code="WT1")
    office.clock.move_to(row.valid_to + timedelta(days=2))
    await office.work()
    assert await state_of(office, row.cert_id) is CertificateState.SUSPENDED
    async with refused(office.database, CertificateOverlaps):
        await office.apply(evidence=())
    await office.as_person("chen", revoke_certificate, cert_id=row.cert_id, reason_code="WT1")
    async with refused(office.database, BrokerBarred):
        await office.apply(evidence=())


async def test_who_is_reinstated_after_the_end_has_expired(office):
    row = await office.certified()
    office.clock.move_to(row.valid_to - timedelta(minutes=1))
    await office.as_person("chen", suspend_certificate, cert_id=row.cert_id, reason_code="WT1")
    office.clock.move_to(row.valid_to + timedelta(days=2))
    await office.work()
    await office.as_person("chen", reinstate_certificate, cert_id=row.cert_id, reason_code="CLEARED")
    assert await state_of(office, row.cert_id) is CertificateState.EXPIRED
    (said,) = await statements(office.database, "BRK.EXPIRE")
    assert said["predicate"]["role"] == "EXCHANGE_OPERATOR"
    assert (await office.apply(evidence=())).status is CertificateState.APPLIED


async def test_an_emergency_that_ends_after_the_end_ends_the_certificate_too(office):
    row = await office.certified()
    office.clock.move_to(row.valid_to - timedelta(minutes=1))
    await suspend_as_exchange(office, row.cert_id)
    office.clock.advance(timedelta(days=30))
    await office.work()
    assert await state_of(office, row.cert_id) is CertificateState.EXPIRED
