"""Public notice periods (公示): what is laid open for everyone before it takes effect, with the days left."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from base.db import ReadSession
from brokers.repository import applications
from brokers.states import CertificateState
from identity.repository import organisation_names
from registry.registration.repository import registrations
from registry.registration.states import RegistrationState
from web.pages.languages import N_
from web.pages.visiting import VisitorDep

router = APIRouter()
_PAGE: Final = 50
_DAY: Final = timedelta(days=1)
_ON_NOTICE: Final = (CertificateState.PUBLIC_NOTICE, CertificateState.OBJECTED)
_LAID_OPEN: Final = (RegistrationState.PUBLIC_NOTICE, RegistrationState.OBJECTED)
_CERTIFICATE: Final = N_("Certificate of a data broker")
_REGISTRATION: Final = N_("Registration of data")


@dataclass(frozen=True, slots=True)
class Notice:
    """Something on public notice: what, whose, its page in the visitor's language, until when."""

    kind: str
    name: str
    who: str
    path: str
    state: str
    until: datetime | None
    days_left: int


@router.get("/notices")
async def notices(visitor: VisitorDep) -> Response:
    """Everything that is on public notice now, what ends soonest first."""
    async with visitor.node.database.read() as s:
        found = await laid_open(s, now=visitor.node.clock.now())
    return visitor.render("notices.html", notices=found)


async def laid_open(s: ReadSession, *, now: datetime, limit: int = _PAGE) -> list[Notice]:
    """What is on public notice, what ends soonest first; an objection keeps it there."""
    brokers = await applications(s, states=_ON_NOTICE, limit=limit)
    data = await registrations(s, states=_LAID_OPEN, limit=limit)
    names = await organisation_names(
        s, org_ids={one.org_id for one in brokers} | {one.applicant_id for one in data}
    )
    found = [
        Notice(
            kind=_CERTIFICATE,
            name=names.get(one.org_id, one.org_id),
            who=names.get(one.org_id, one.org_id),
            path=f"/certificates/{one.cert_id}",
            state=one.status.value,
            until=one.notice_until,
            days_left=_days(one.notice_until, now),
        )
        for one in brokers
    ]
    found += [
        Notice(
            kind=_REGISTRATION,
            name=one.name,
            who=names.get(one.applicant_id, one.applicant_id),
            path=f"/registry/registrations/{one.registration_id}",
            state=one.status.value,
            until=one.notice_until,
            days_left=_days(one.notice_until, now),
        )
        for one in data
    ]
    return sorted(found, key=lambda one: (one.days_left, one.name))[:limit]


def _days(until: datetime | None, now: datetime) -> int:
    """Days that are left, the begun one counted."""
    return 0 if until is None or until <= now else -(-(until - now) // _DAY)
