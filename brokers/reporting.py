"""The broker's year (BR14): its report by 31 March, the authority's review, what is to be put right.

A report is on the year before. Who is certified when three whole months of a year are not left any more
reports on the next one first. What the ledger has after 31 March is late, whatever date the report bears, and
the clock has suspended the certificate on 1 April.
"""

from datetime import date, datetime, timedelta
from typing import Final

from sqlmodel import col, update

from base.calendar import end_of_day_shanghai, shanghai_day, whole_months_left
from base.clock import rfc3339
from base.db import WriteSession
from base.errors import Malformed
from base.jobs import enqueue
from brokers import repository
from brokers.errors import AnnualReportFiled, AnnualReportMissing, DeadlineOver, NotPutRight
from brokers.moving import LATE, Said, check_own, moments, step
from brokers.qualifying import Evidence, check_text
from brokers.rule_table import in_force
from brokers.states import IN_BEING, CertificateEvent, CertificateState, certificate_may_move
from brokers.tables import AnnualRow, CertificateRow
from ledger.recording import Act

ANNUAL_JOB: Final = "brokers.annual-report-due"
RECTIFY_JOB: Final = "brokers.rectification-due"


def report_due(year: int) -> datetime:
    """The last moment of the report on a year: the end of 31 March of the next one, in Shanghai."""
    return _due(year, "report")


def review_due(year: int) -> datetime:
    """The last moment of the review of a year: the end of 30 April of the next one."""
    return _due(year, "review")


def _due(year: int, what: str) -> datetime:
    rules = in_force(end_of_day_shanghai(date(year + 1, 1, 1)))
    day = date(year + 1, rules.whole("BR14", f"{what}_month"), rules.whole("BR14", f"{what}_day"))
    return end_of_day_shanghai(day)


def first_year(certified_at: datetime) -> int:
    """The first year to report on: that of the certificate, or the next where too little of it was left."""
    day, rules = shanghai_day(certified_at), in_force(certified_at)
    return day.year if whole_months_left(day) >= rules.whole("BR14", "first_months") else day.year + 1


async def wind_year(s: WriteSession, row: CertificateRow, *, year: int) -> None:
    """Have the clock look for the report on a year when its time is over."""
    due_at = report_due(year)
    if due_at >= row.valid_to:
        return
    payload = {"cert_id": row.cert_id, "year": year}
    await enqueue(s, kind=ANNUAL_JOB, key=f"{row.cert_id} {year}", run_at=due_at + LATE, payload=payload)


async def file_report(
    s: WriteSession, act: Act, *, cert_id: str, year: int, report: Evidence
) -> CertificateRow:
    """File the report on a year (BRK.ANNUAL_REPORT), as the broker; once. Late ones are marked as late.

    Raises NotYourCertificate, CertificateWrongState, AnnualReportFiled, and what evidence raises; Malformed
    for a year that is not over, or in which the certificate was not there.
    """
    row = await repository.claim_certificate(s, cert_id=cert_id)
    check_own(act, row.org_id)
    certificate_may_move(row.status, CertificateEvent.ANNUAL_REPORT, act.role)
    if not shanghai_day(row.valid_from).year <= year < shanghai_day(act.now).year:
        raise Malformed("a report is on a year that is over and that the certificate has seen", year=year)
    if await repository.annual_of(s, cert_id=cert_id, year=year) is not None:
        raise AnnualReportFiled("the report on this year is there", cert_id=cert_id, year=year)
    due_at = report_due(year)
    late = act.now > due_at
    said = Said(
        public={"year": year, "late": late} | moments(due_at=due_at, review_by=review_due(year)),
        evidence=(report,),
    )
    recorded = await step(s, act, CertificateEvent.ANNUAL_REPORT, row, said)
    s.add(
        AnnualRow(
            cert_id=cert_id,
            year=year,
            report_sha256=report.sha256,
            dated_on=report.dated_on.isoformat(),
            filed_at=act.now,
            late=late,
            statement_id=recorded.statement_id,
        )
    )
    await s.flush()
    return row


async def pass_review(s: WriteSession, act: Act, *, cert_id: str, year: int) -> CertificateRow:
    """Pass the review of a year, at once or after what was to be put right is (BRK.ANNUAL_PASS).

    Raises AnnualReportMissing, NotPutRight, CertificateWrongState.
    """
    row = await repository.claim_certificate(s, cert_id=cert_id)
    certificate_may_move(row.status, CertificateEvent.ANNUAL_PASS, act.role)
    annual = await _reviewable(s, row, year)
    if row.status is CertificateState.RECTIFYING and annual.rectified_at is None:
        raise NotPutRight("the broker has not said what it put right", cert_id=cert_id, year=year)
    await step(s, act, CertificateEvent.ANNUAL_PASS, row, Said(public={"year": year}))
    await _decided(s, act, annual, result="PASS")
    return row


async def ask_rectification(
    s: WriteSession, act: Act, *, cert_id: str, year: int, reason_code: str, text: str
) -> CertificateRow:
    """Say what is to be put right within thirty days (BRK.RECTIFY); the broker goes on working meanwhile."""
    row = await repository.claim_certificate(s, cert_id=cert_id)
    certificate_may_move(row.status, CertificateEvent.RECTIFY, act.role)
    check_text(text)
    annual = await _reviewable(s, row, year)
    days = in_force(act.now).whole("BR14", "rectify")
    by = end_of_day_shanghai(shanghai_day(act.now) + timedelta(days=days))
    said = Said(public={"year": year} | moments(rectify_by=by), opening={"text": text})
    await step(s, act, CertificateEvent.RECTIFY, row, said, reason_code=reason_code)
    await _decided(s, act, annual, result="RECTIFY", reason_code=reason_code, rectify_by=by)
    payload = {"cert_id": cert_id, "year": year}
    key = f"{cert_id} {year} {rfc3339(by)}"
    await enqueue(s, kind=RECTIFY_JOB, key=key, run_at=by + LATE, payload=payload)
    return row


async def report_rectified(
    s: WriteSession, act: Act, *, cert_id: str, year: int, text: str, report: Evidence
) -> CertificateRow:
    """Say what was put right, with its evidence (BRK.RECTIFIED), as the broker. Raises DeadlineOver."""
    row = await repository.claim_certificate(s, cert_id=cert_id)
    check_own(act, row.org_id)
    certificate_may_move(row.status, CertificateEvent.RECTIFIED, act.role)
    check_text(text)
    annual = await repository.annual_of(s, cert_id=cert_id, year=year)
    if annual is None or annual.result != "RECTIFY" or annual.rectify_by is None:
        raise AnnualReportMissing("nothing of this year is to be put right", cert_id=cert_id, year=year)
    if act.now > annual.rectify_by:
        raise DeadlineOver("the thirty days are over", cert_id=cert_id, rectify_by=rfc3339(annual.rectify_by))
    said = Said(public={"year": year}, opening={"text": text}, evidence=(report,), asked_at=annual.decided_at)
    await step(s, act, CertificateEvent.RECTIFIED, row, said)
    await s.exec(
        update(AnnualRow)
        .where(col(AnnualRow.cert_id) == cert_id, col(AnnualRow.year) == year)
        .values(rectified_at=act.now)
    )
    return row


async def fail_review(
    s: WriteSession, act: Act, *, cert_id: str, year: int, reason_code: str
) -> CertificateRow:
    """Fail the review of a year (BRK.ANNUAL_FAIL): it suspends. Raises AnnualReportMissing."""
    row = await repository.claim_certificate(s, cert_id=cert_id)
    certificate_may_move(row.status, CertificateEvent.ANNUAL_FAIL, act.role)
    annual = await _reviewable(s, row, year)
    await step(
        s,
        act,
        CertificateEvent.ANNUAL_FAIL,
        row,
        Said(public={"year": year}),
        reason_code=reason_code,
        values={"emergency_until": None},
    )
    await _decided(s, act, annual, result="FAIL", reason_code=reason_code)
    return row


async def miss_report(s: WriteSession, act: Act, *, cert_id: str, year: int) -> bool:
    """The clock on 1 April: without a report in time the certificate is suspended (BRK.MISS_REPORT).

    One that is suspended stays so for this too, whatever becomes of its emergency. False where nothing is
    to do; the next year is looked at when its time comes.
    """
    row = await repository.claim_certificate(s, cert_id=cert_id)
    if act.now <= report_due(year):
        return False
    await wind_year(s, row, year=year + 1)
    annual = await repository.annual_of(s, cert_id=cert_id, year=year)
    in_time = annual is not None and not annual.late
    if in_time or row.status not in IN_BEING or act.now > row.valid_to:
        return False
    said = Said(public={"year": year} | moments(due_at=report_due(year)))
    values = {"emergency_until": None}
    await step(s, act, CertificateEvent.MISS_REPORT, row, said, values=values)
    return True


async def miss_rectification(s: WriteSession, act: Act, *, cert_id: str, year: int) -> bool:
    """The clock after the thirty days: without a word of the broker's it suspends (BRK.RECTIFY_MISS).

    The days go on while the certificate is suspended for something else, and so does this.
    False where nothing is to do.
    """
    row = await repository.claim_certificate(s, cert_id=cert_id)
    annual = await repository.annual_of(s, cert_id=cert_id, year=year)
    rectifying = CertificateState.RECTIFYING in {row.status, row.suspended_from}
    if not rectifying or annual is None or annual.rectify_by is None:
        return False
    if annual.rectified_at is not None or act.now <= annual.rectify_by:
        return False
    said = Said(public={"year": year} | moments(rectify_by=annual.rectify_by))
    await step(s, act, CertificateEvent.RECTIFY_MISS, row, said, values={"emergency_until": None})
    return True


async def _reviewable(s: WriteSession, row: CertificateRow, year: int) -> AnnualRow:
    annual = await repository.annual_of(s, cert_id=row.cert_id, year=year)
    open_results = {None, "RECTIFY"}
    if annual is None or annual.result not in open_results:
        raise AnnualReportMissing("no report on this year waits", cert_id=row.cert_id, year=year)
    return annual


async def _decided(
    s: WriteSession,
    act: Act,
    annual: AnnualRow,
    *,
    result: str,
    reason_code: str | None = None,
    rectify_by: datetime | None = None,
) -> None:
    await s.exec(
        update(AnnualRow)
        .where(col(AnnualRow.cert_id) == annual.cert_id, col(AnnualRow.year) == annual.year)
        .values(result=result, reason_code=reason_code, decided_at=act.now, rectify_by=rectify_by)
    )
    await s.refresh(annual)
