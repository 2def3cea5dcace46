"""A certificate through its years: report, review, what is put right, cuts, renewal, exit, and the clock."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from base.errors import Malformed
from brokers import continuing, reporting
from brokers.certifying import suspend_certificate
from brokers.errors import (
    AnnualReportFiled,
    AnnualReportMissing,
    ApplicationIncomplete,
    CertificateWrongState,
    DeadlineOver,
    EvidencePostdated,
    HandOverOpen,
    NotPutRight,
    NotQualified,
    NotYourCertificate,
    RenewalWindowClosed,
    ScopeNotCut,
    TooEarly,
)
from brokers.qualifying import Evidence, EvidenceKind
from brokers.reporting import first_year
from brokers.repository import annual_of, get_certificate
from brokers.rules import CertificateState
from brokers.tables import CertificateRow
from registry.rules import Level
from tests.brokers.office import Office, filing, shown
from tests.identity.unmoved import statements
from tests.standstill import refused, untouched

LAST_OF_MARCH = datetime(2028, 3, 31, 15, 59, 59, 999_000, tzinfo=UTC)  # certified in November 2026
A_MOMENT = timedelta(milliseconds=1)


def report(day: date, *, sha256: str = "5a" * 32) -> Evidence:
    return Evidence(EvidenceKind.OTHER, "年度报告.pdf", sha256, day)


async def as_broker(office: Office, verb: Any, cert_id: str, **said: Any) -> CertificateRow:
    return await office.broker.do(verb, role="BROKER", object_id=cert_id, cert_id=cert_id, **said)


async def file(office: Office, cert_id: str, year: int = 2027, day: date | None = None) -> CertificateRow:
    day = day or (office.clock.now() - timedelta(days=1)).date()
    return await as_broker(office, reporting.file_report, cert_id, year=year, report=report(day))


async def state_of(office: Office, cert_id: str) -> CertificateState:
    async with office.database.read() as s:
        return (await get_certificate(s, cert_id=cert_id)).status


@pytest.mark.parametrize(
    ("certified", "year"),
    [
        (datetime(2026, 9, 30, tzinfo=UTC), 2026),
        (datetime(2026, 10, 1, tzinfo=UTC), 2026),  # October, November and December are whole
        (datetime(2026, 10, 1, 15, 59, tzinfo=UTC), 2026),
        (datetime(2026, 10, 1, 16, 0, tzinfo=UTC), 2027),  # it is the second in Shanghai
    ],
)
def test_who_has_no_three_months_of_a_year_reports_on_the_next_one_first(certified, year):
    assert first_year(certified) == year


async def test_a_report_by_31_march_and_its_review_leave_the_certificate_in_force(office):
    cert_id = (await office.certified()).cert_id
    async with untouched(office.database, Malformed):
        await file(office, cert_id)  # the year is not over
    office.clock.move_to(LAST_OF_MARCH)
    async with refused(office.database, NotYourCertificate):
        await office.other.do(
            reporting.file_report,
            object_id=cert_id,
            cert_id=cert_id,
            year=2027,
            report=report(date(2028, 3, 1)),
        )
    async with refused(office.database, AnnualReportMissing):
        await office.as_person("chen", reporting.pass_review, cert_id=cert_id, year=2027)
    async with refused(office.database, EvidencePostdated):
        await file(office, cert_id, day=date(2028, 4, 1))
    await file(office, cert_id)
    async with refused(office.database, AnnualReportFiled):
        await file(office, cert_id)
    office.clock.advance(A_MOMENT)
    await office.work()
    assert await state_of(office, cert_id) is CertificateState.ACTIVE
    await office.as_person("chen", reporting.pass_review, cert_id=cert_id, year=2027)
    async with refused(office.database, AnnualReportMissing):  # decided once
        await office.as_person("chen", reporting.fail_review, cert_id=cert_id, year=2027, reason_code="X")
    (said,) = await statements(office.database, "BRK.ANNUAL_REPORT")
    assert said["predicate"]["late"] is False
    assert said["predicate"]["review_by"] == "2028-04-30T15:59:59.999Z"


async def test_without_a_report_the_clock_suspends_on_1_april_and_a_date_on_paper_does_not_help(office):
    cert_id = (await office.certified()).cert_id
    office.clock.move_to(LAST_OF_MARCH)
    await office.work()
    assert await state_of(office, cert_id) is CertificateState.ACTIVE
    office.clock.advance(A_MOMENT)
    await file(office, cert_id, day=date(2028, 3, 30))  # the ledger has it on 1 April
    await office.work()
    await office.work()
    assert await state_of(office, cert_id) is CertificateState.SUSPENDED
    assert len(await statements(office.database, "BRK.MISS_REPORT")) == 1
    (said,) = await statements(office.database, "BRK.ANNUAL_REPORT")
    assert said["predicate"]["late"] is True


async def test_a_node_that_was_down_for_a_year_and_a_half_states_what_fell_due_once(office):
    cert_id = (await office.certified()).cert_id
    office.clock.move_to(LAST_OF_MARCH + timedelta(days=600))  # the second report is missing too
    await office.work()
    await office.work()
    assert await state_of(office, cert_id) is CertificateState.SUSPENDED
    missed = await statements(office.database, "BRK.MISS_REPORT")
    assert [said["predicate"]["year"] for said in missed] == [2027, 2028]
    office.clock.move_to(datetime(2029, 12, 31, tzinfo=UTC))
    await office.work()
    assert await state_of(office, cert_id) is CertificateState.SUSPENDED  # the authority has to decide


async def test_what_is_to_be_put_right_is_put_right_in_thirty_days_or_suspends(office):
    cert_id = (await office.certified()).cert_id
    office.clock.move_to(LAST_OF_MARCH)
    await file(office, cert_id)
    asked = {"cert_id": cert_id, "year": 2027, "reason_code": "RECORDS", "text": "补齐来源审查记录"}
    await office.as_person("chen", reporting.ask_rectification, **asked)
    assert await state_of(office, cert_id) is CertificateState.RECTIFYING
    async with refused(office.database, NotPutRight):
        await office.as_person("chen", reporting.pass_review, cert_id=cert_id, year=2027)
    async with office.database.read() as s:
        annual = await annual_of(s, cert_id=cert_id, year=2027)
    assert annual is not None
    assert annual.rectify_by == LAST_OF_MARCH + timedelta(days=30)
    office.clock.move_to(annual.rectify_by)
    done = {"year": 2027, "text": "已补齐", "report": report(date(2028, 4, 20), sha256="6b" * 32)}
    await as_broker(office, reporting.report_rectified, cert_id, **done)
    office.clock.advance(timedelta(days=5))
    await office.work()
    assert await state_of(office, cert_id) is CertificateState.RECTIFYING  # it waits for the authority
    await office.as_person("chen", reporting.pass_review, cert_id=cert_id, year=2027)
    assert await state_of(office, cert_id) is CertificateState.ACTIVE


async def test_who_says_nothing_in_thirty_days_is_suspended(office):
    cert_id = (await office.certified()).cert_id
    office.clock.move_to(LAST_OF_MARCH)
    await file(office, cert_id)
    asked = {"cert_id": cert_id, "year": 2027, "reason_code": "RECORDS", "text": "补齐来源审查记录"}
    await office.as_person("chen", reporting.ask_rectification, **asked)
    office.clock.move_to(LAST_OF_MARCH + timedelta(days=30) + A_MOMENT)
    done = {"year": 2027, "text": "已补齐", "report": report(date(2028, 4, 20), sha256="6b" * 32)}
    async with refused(office.database, DeadlineOver):
        await as_broker(office, reporting.report_rectified, cert_id, **done)
    await office.work()
    assert await state_of(office, cert_id) is CertificateState.SUSPENDED
    assert len(await statements(office.database, "BRK.RECTIFY_MISS")) == 1


async def test_a_failed_review_suspends(office):
    cert_id = (await office.certified()).cert_id
    office.clock.move_to(LAST_OF_MARCH)
    await file(office, cert_id)
    failed = {"cert_id": cert_id, "year": 2027, "reason_code": "ANNUAL_FAIL"}
    await office.as_person("chen", reporting.fail_review, **failed)
    assert await state_of(office, cert_id) is CertificateState.SUSPENDED


async def test_a_cut_leaves_less_and_something_from_the_next_act_on(office):
    cert_id = (await office.certified()).cert_id
    whole = {"sectors": ["energy", "transport"], "max_level": Level.GENERAL_2, "cross_border": False}
    said = {"cert_id": cert_id, "reason_code": "SCOPE"}
    for wrong in (
        whole,
        whole | {"sectors": []},
        whole | {"sectors": ["health"]},
        whole | {"sectors": ["energy"], "max_level": Level.GENERAL_3},
        whole | {"sectors": ["energy"], "cross_border": True},
    ):
        async with refused(office.database, ScopeNotCut):
            await office.as_person("chen", continuing.cut_scope, **said, **wrong)
    await office.as_person("chen", continuing.warn, **said, text="请遵守业务范围")
    cut = await office.as_person("chen", continuing.cut_scope, **said, **(whole | {"sectors": ["energy"]}))
    assert (cut.sectors, cut.status) == (["energy"], CertificateState.ACTIVE)
    (stated,) = await statements(office.database, "BRK.CUT_SCOPE")
    assert stated["predicate"]["sectors"] == ["energy"]


async def test_a_certificate_is_renewed_in_its_window_by_todays_numbers(office):
    certificate = await office.certified()
    cert_id, end = certificate.cert_id, certificate.valid_to  # 24 November 2029, 01:00 in Shanghai
    now = datetime(2029, 5, 23, 15, 59, 59, 999_000, tzinfo=UTC)
    office.clock.move_to(now)
    fresh = filing(evidence=shown(dated_on=date(2029, 5, 1)))
    fresh = replace(fresh, evidence=tuple(replace(p, sha256=p.sha256[:-2] + "ff") for p in fresh.evidence))
    async with refused(office.database, RenewalWindowClosed):
        await as_broker(office, continuing.renew, cert_id, filing=fresh)
    office.clock.advance(A_MOMENT)
    weak = replace(fresh, claims=replace(fresh.claims, dcmm=2))
    async with refused(office.database, NotQualified):
        await as_broker(office, continuing.renew, cert_id, filing=weak)
    async with refused(office.database, ApplicationIncomplete):
        await as_broker(office, continuing.renew, cert_id, filing=replace(fresh, evidence=()))
    renewed = await as_broker(office, continuing.renew, cert_id, filing=fresh)
    assert renewed.valid_to == end.replace(year=end.year + 3)
    async with refused(office.database, RenewalWindowClosed):
        await as_broker(office, continuing.renew, cert_id, filing=fresh)
    office.clock.move_to(end + A_MOMENT)
    async with office.database.read() as s:
        assert (await get_certificate(s, cert_id=cert_id)).valid_to > office.clock.now()
    (said,) = await statements(office.database, "BRK.RENEW")
    assert said["predicate"]["valid_to"].startswith("2032-11-2")


async def test_no_renewal_on_the_last_day_and_none_while_suspended(office):
    certificate = await office.certified()
    cert_id = certificate.cert_id
    fresh = filing(evidence=shown(dated_on=date(2029, 11, 1)))
    office.clock.move_to(certificate.valid_to - timedelta(minutes=30))
    async with refused(office.database, RenewalWindowClosed):
        await as_broker(office, continuing.renew, cert_id, filing=fresh)
    office.clock.move_to(certificate.valid_to - timedelta(days=5))
    await office.as_person("chen", suspend_certificate, cert_id=cert_id, reason_code="WT1")
    async with refused(office.database, CertificateWrongState):
        await as_broker(office, continuing.renew, cert_id, filing=fresh)


async def test_a_broker_leaves_after_six_months_when_nothing_runs_any_more(office):
    cert_id = (await office.certified()).cert_id
    given = await as_broker(office, continuing.give_exit_notice, cert_id)
    assert given.status is CertificateState.EXITING
    assert given.exits_at is not None
    records = report(date(2027, 5, 1), sha256="7c" * 32)
    office.clock.move_to(given.exits_at)
    async with refused(office.database, TooEarly):
        await as_broker(office, continuing.leave, cert_id, records=records, trades=[])
    office.clock.advance(A_MOMENT)
    async with refused(office.database, HandOverOpen) as caught:
        await as_broker(office, continuing.leave, cert_id, records=records, trades=["trd_1"])
    assert caught.value.facts["trades"] == ["trd_1"]
    left = await as_broker(office, continuing.leave, cert_id, records=records, trades=[])
    assert left.status is CertificateState.EXITED
    await office.work()
    assert await state_of(office, cert_id) is CertificateState.EXITED
    assert (await office.apply(evidence=())).status is CertificateState.APPLIED  # may come back
