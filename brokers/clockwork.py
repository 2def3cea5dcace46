"""What the durable scheduler does when something of a certificate or a mandate falls due."""

from collections.abc import Awaitable, Callable
from typing import Any

from base.db import WriteSession
from base.jobs import Handlers, Job, Transactional
from brokers.applying import APPLICATION_JOB, application_due
from brokers.certifying import EMERGENCY_JOB, EXPIRE_JOB, end_emergency, expire_certificate
from brokers.mandating import END_JOB, end_mandate
from brokers.reporting import ANNUAL_JOB, RECTIFY_JOB, miss_rectification, miss_report
from ledger.acts import House


def certificate_handlers(house: House) -> Handlers:
    """The clocks of applications, certificates and mandates, on this node."""

    def act(verb: Callable[..., Awaitable[Any]], *names: str) -> Transactional:
        async def carry_out(s: WriteSession, job: Job) -> None:
            await verb(s, house.exchange_act(), **{name: job.payload[name] for name in names})

        return carry_out

    return {
        EXPIRE_JOB: act(expire_certificate, "cert_id"),
        EMERGENCY_JOB: act(end_emergency, "cert_id", "since", "until"),
        APPLICATION_JOB: act(application_due, "cert_id", "state", "since"),
        ANNUAL_JOB: act(miss_report, "cert_id", "year"),
        END_JOB: act(end_mandate, "mandate_id"),
        RECTIFY_JOB: act(miss_rectification, "cert_id", "year"),
    }
