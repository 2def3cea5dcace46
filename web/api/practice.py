"""A certificate in practice: the annual report and its review, warnings, cuts, renewal, exit."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final

from fastapi import APIRouter, Response
from pydantic import Field

from base.db import WriteSession
from base.errors import NotFound
from brokers import continuing, reporting, repository
from ledger.recording import Act
from market.orders.repository import running_of_broker
from registry.rules import Level
from web.acts import ActKind, Args, Asked, Id, ReasonCode, kind
from web.api.brokers import Sector
from web.api.certification_acts import AUTHORITY, CertArgs, EvidenceForm, FilingForm, Text
from web.deps import CallerDep, ReadDep, answers, respond
from web.node import Node
from web.views import CertificateView, View

router = APIRouter(tags=["certification"])
_BROKER: Final = frozenset({"BROKER"})
_Year = Field(ge=2000, le=2199)


class ReportForm(Asked):
    year: int = _Year
    report: EvidenceForm


class ReportArgs(CertArgs, ReportForm):
    pass


class RectifiedForm(ReportForm):
    text: Text


class RectifiedArgs(CertArgs, RectifiedForm):
    pass


class YearForm(Asked):
    year: int = _Year


class YearArgs(CertArgs, YearForm):
    pass


class FailForm(YearForm):
    reason_code: ReasonCode


class FailArgs(CertArgs, FailForm):
    pass


class RectifyForm(FailForm):
    text: Text


class RectifyArgs(CertArgs, RectifyForm):
    pass


class WarnForm(Asked):
    reason_code: ReasonCode
    text: Text


class WarnArgs(CertArgs, WarnForm):
    pass


class CutForm(Asked):
    sectors: list[Sector] = Field(min_length=1, max_length=30)
    max_level: Level
    cross_border: bool = False
    reason_code: ReasonCode


class CutArgs(CertArgs, CutForm):
    pass


class RenewArgs(CertArgs, FilingForm):
    pass


class LeaveForm(Asked):
    records: EvidenceForm = Field(description="The inventory of the records that were handed over")


class LeaveArgs(CertArgs, LeaveForm):
    pass


class AnnualView(View):
    year: int
    report_sha256: str
    dated_on: str
    filed_at: datetime
    late: bool
    result: str | None
    reason_code: str | None
    decided_at: datetime | None
    rectify_by: datetime | None
    rectified_at: datetime | None


async def _report(s: WriteSession, act: Act, args: ReportArgs, node: Node) -> Any:
    del node
    report = args.report.value()
    return await reporting.file_report(s, act, cert_id=args.cert_id, year=args.year, report=report)


async def _rectified(s: WriteSession, act: Act, args: RectifiedArgs, node: Node) -> Any:
    del node
    return await reporting.report_rectified(
        s, act, cert_id=args.cert_id, year=args.year, text=args.text, report=args.report.value()
    )


async def _renew(s: WriteSession, act: Act, args: RenewArgs, node: Node) -> Any:
    del node
    return await continuing.renew(s, act, cert_id=args.cert_id, filing=args.filing())


async def _leave(s: WriteSession, act: Act, args: LeaveArgs, node: Node) -> Any:
    del node
    trades = await running_of_broker(s, broker_id=act.actor.org_id)
    records = args.records.value()
    return await continuing.leave(s, act, cert_id=args.cert_id, records=records, trades=trades)


def _kind(name: str, args: type[Args], roles: frozenset[str], verb: Callable[..., Awaitable[Any]]) -> Any:
    """A kind of act on a certificate; a verb of `brokers` takes the members of its arguments as they are."""

    async def plain(s: WriteSession, act: Act, given: Any, node: Node) -> Any:
        del node
        return await verb(s, act, **dict(given))

    return kind(
        ActKind(
            name=f"certificate.{name}",
            event=f"BRK.{name.upper()}",
            args=args,
            roles=roles,
            verb=verb if verb.__module__ == __name__ else plain,
            answer=CertificateView.of,
            about=lambda given: given.cert_id,
        )
    )


REPORT = _kind("annual_report", ReportArgs, _BROKER, _report)
PASS = _kind("annual_pass", YearArgs, AUTHORITY, reporting.pass_review)
RECTIFY = _kind("rectify", RectifyArgs, AUTHORITY, reporting.ask_rectification)
RECTIFIED = _kind("rectified", RectifiedArgs, _BROKER, _rectified)
FAIL = _kind("annual_fail", FailArgs, AUTHORITY, reporting.fail_review)
WARN = _kind("warn", WarnArgs, AUTHORITY, continuing.warn)
CUT = _kind("cut_scope", CutArgs, AUTHORITY, continuing.cut_scope)
RENEW = _kind("renew", RenewArgs, _BROKER, _renew)
NOTICE = _kind("exit_notice", CertArgs, _BROKER, continuing.give_exit_notice)
EXIT = _kind("exit", LeaveArgs, _BROKER, _leave)


@router.get("/certificates/{cert_id}/annual-reports")
async def annual_reports(cert_id: Id, caller: CallerDep, s: ReadDep) -> list[AnnualView]:
    """The annual reports of a certificate and what came of them, for its broker and the data authority."""
    row = await repository.get_certificate(s, cert_id=cert_id)
    if row.org_id != caller.actor.org_id and not caller.actor.roles & AUTHORITY:
        raise NotFound("no such certificate", cert_id=cert_id)
    return [AnnualView.model_validate(one) for one in await repository.annuals_of(s, cert_id=cert_id)]


@router.post("/certificates/{cert_id}/annual-reports", **answers(REPORT, CertificateView))
async def file_report(cert_id: Id, caller: CallerDep, form: ReportForm) -> Response:
    """File the report on a year, as the broker, by 31 March of the next."""
    return respond(await caller.do(REPORT, ReportArgs(cert_id=cert_id, **dict(form))))


@router.post("/certificates/{cert_id}/annual-pass", **answers(PASS, CertificateView))
async def pass_review(cert_id: Id, caller: CallerDep, form: YearForm) -> Response:
    """Pass the review of a year, as the data authority."""
    return respond(await caller.do(PASS, YearArgs(cert_id=cert_id, **dict(form))))


@router.post("/certificates/{cert_id}/rectify", **answers(RECTIFY, CertificateView))
async def rectify(cert_id: Id, caller: CallerDep, form: RectifyForm) -> Response:
    """Say what is to be put right within thirty days, as the data authority."""
    return respond(await caller.do(RECTIFY, RectifyArgs(cert_id=cert_id, **dict(form))))


@router.post("/certificates/{cert_id}/rectified", **answers(RECTIFIED, CertificateView))
async def rectified(cert_id: Id, caller: CallerDep, form: RectifiedForm) -> Response:
    """Say what was put right, with its evidence, as the broker."""
    return respond(await caller.do(RECTIFIED, RectifiedArgs(cert_id=cert_id, **dict(form))))


@router.post("/certificates/{cert_id}/annual-fail", **answers(FAIL, CertificateView))
async def fail_review(cert_id: Id, caller: CallerDep, form: FailForm) -> Response:
    """Fail the review of a year: the certificate is suspended."""
    return respond(await caller.do(FAIL, FailArgs(cert_id=cert_id, **dict(form))))


@router.post("/certificates/{cert_id}/warn", **answers(WARN, CertificateView))
async def warn(cert_id: Id, caller: CallerDep, form: WarnForm) -> Response:
    """Warn a broker, as the data authority."""
    return respond(await caller.do(WARN, WarnArgs(cert_id=cert_id, **dict(form))))


@router.post("/certificates/{cert_id}/cut-scope", **answers(CUT, CertificateView))
async def cut_scope(cert_id: Id, caller: CallerDep, form: CutForm) -> Response:
    """Leave a certificate less scope than it has, from the next act on."""
    return respond(await caller.do(CUT, CutArgs(cert_id=cert_id, **dict(form))))


@router.post("/certificates/{cert_id}/renew", **answers(RENEW, CertificateView))
async def renew(cert_id: Id, caller: CallerDep, form: FilingForm) -> Response:
    """Renew a certificate, from six months to one day before its end, with claims and evidence of now."""
    return respond(await caller.do(RENEW, RenewArgs(cert_id=cert_id, **dict(form))))


@router.post("/certificates/{cert_id}/exit-notice", **answers(NOTICE, CertificateView))
async def exit_notice(cert_id: Id, caller: CallerDep) -> Response:
    """Say that one will leave in six months, as the broker."""
    return respond(await caller.do(NOTICE, CertArgs(cert_id=cert_id)))


@router.post("/certificates/{cert_id}/exit", **answers(EXIT, CertificateView))
async def leave(cert_id: Id, caller: CallerDep, form: LeaveForm) -> Response:
    """Leave, once the notice is over, nothing runs any more and the records are handed over."""
    return respond(await caller.do(EXIT, LeaveArgs(cert_id=cert_id, **dict(form))))
