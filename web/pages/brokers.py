"""The public register of brokers: search, a broker's record, figures; for everyone, as of any day."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import Annotated, Final, Self
from urllib.parse import urlencode

from fastapi import APIRouter, Path
from starlette.datastructures import QueryParams
from starlette.responses import Response

from brokers.register import moment_of
from brokers.register_search import PUBLIC_STATES, Order, Wanted
from brokers.rules import BrokerType
from brokers.states import CertificateState
from market.listings.categories import CATEGORY_LABELS
from registry.rules import Level
from web.pages.acting import attempt
from web.pages.credentials import shown_credential
from web.pages.forms import Filled
from web.pages.visiting import Visitor, VisitorDep
from web.register import figures_on, lines_on, mediated_by_broker, record_on

router = APIRouter()
_PAGE: Final = 50
_LONGEST: Final = 100
_YES_NO: Final = {"yes": True, "no": False}
# What the data authority can do to a certificate in each state.
_DISCIPLINE: Final = {
    CertificateState.ACTIVE: ("suspend",),
    CertificateState.SUSPENDED: ("reinstate", "revoke"),
}
_KNOWN: Final[Mapping[str, Iterable[str]]] = {
    "broker_type": [one.value for one in BrokerType],
    "grade": ("1", "2", "3"),
    "sector": [one.value for one in CATEGORY_LABELS],
    "level": [one.value for one in Level],
    "cross_border": tuple(_YES_NO),
    "status": [one.value for one in PUBLIC_STATES],
    "in_force": tuple(_YES_NO),
    "order": [one.value for one in Order],
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the register's address asks for; what it does not understand is left out."""

    q: str = ""
    broker_type: str = ""
    grade: str = ""
    sector: str = ""
    level: str = ""
    cross_border: str = ""
    status: str = ""
    in_force: str = ""
    on: str = ""
    order: str = ""
    after: str = ""

    @classmethod
    def read(cls, query: QueryParams) -> Self:
        asked = {member.name: query.get(member.name, "").strip()[:_LONGEST] for member in fields(cls)}
        for name, known in _KNOWN.items():
            if asked[name] not in known:
                asked[name] = ""
        if _day(asked["on"]) is None:
            asked["on"] = ""
        return cls(**asked)

    @property
    def day(self) -> date | None:
        """The day that is asked for."""
        return _day(self.on)

    def wanted(self) -> Wanted:
        """As the register takes it."""
        return Wanted(
            text=self.q,
            broker_type=BrokerType(self.broker_type) if self.broker_type else None,
            grade=int(self.grade) if self.grade else None,
            sector=self.sector or None,
            level=Level(self.level) if self.level else None,
            cross_border=_YES_NO.get(self.cross_border),
            state=CertificateState(self.status) if self.status else None,
            in_force=_YES_NO.get(self.in_force),
            order=Order(self.order or Order.NUMBER),
        )

    def values(self, **changes: str) -> dict[str, str]:
        """As an address names it, without what is not asked for."""
        changed = replace(self, **changes)
        named = {member.name: getattr(changed, member.name) for member in fields(changed)}
        return {name: value for name, value in named.items() if value}

    def for_machines(self, **more: str) -> str:
        """The same question to the API."""
        told = self.values(after="") | more
        words = {name: _API.get(value, value) if name in _FLAGS else value for name, value in told.items()}
        return f"/api/v1/brokers?{urlencode(words)}" if words else "/api/v1/brokers"


_FLAGS: Final = frozenset({"cross_border", "in_force"})
_API: Final = {"yes": "true", "no": "false"}


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@router.get("/brokers")
async def register(visitor: VisitorDep) -> Response:
    """The register, for everyone: what is asked for, as of a day."""
    asked = Asked.read(visitor.request.query_params)
    at = moment_of(asked.day, now=visitor.node.clock.now())
    async with visitor.node.database.read() as s:
        page = await lines_on(s, asked.wanted(), at=at, after=asked.after or None, limit=_PAGE)
    return visitor.render(
        "brokers.html",
        asked=asked,
        filled=Filled(),
        search=Filled("search", {name: [value] for name, value in asked.values(after="").items()}),
        at=at,
        page=page,
        labels=CATEGORY_LABELS,
        choices=_choices(visitor),
        orders=[order.value for order in Order],
        next_address=visitor.url("/brokers", **asked.values(after=page.next_after or ""))
        if page.next_after
        else None,
    )


def _choices(visitor: Visitor) -> dict[str, list[tuple[str, str]]]:
    return {
        "broker_type": visitor.options("broker_type", _KNOWN["broker_type"]),
        "grade": [(grade, grade) for grade in _KNOWN["grade"]],
        "sector": visitor.labelled(CATEGORY_LABELS),
        "level": visitor.options("level", _KNOWN["level"]),
        "status": visitor.options("state", _KNOWN["status"]),
        "yes_no": [("yes", visitor.say("yes")), ("no", visitor.say("no"))],
        "order": visitor.options("register_order", _KNOWN["order"]),
    }


@router.get("/brokers/statistics")
async def figures(visitor: VisitorDep) -> Response:
    """The register in figures."""
    now = visitor.node.clock.now()
    at = moment_of(Asked.read(visitor.request.query_params).day, now=now)
    async with visitor.node.database.read() as s:
        found = await figures_on(s, at=at)
        mediated = await mediated_by_broker(s, at=now)
    return visitor.render("broker_statistics.html", found=found, mediated=mediated, at=at)


@router.get("/brokers/{no}")
async def record(visitor: VisitorDep, no: str) -> Response:
    """All that the register tells of one certificate; each step with its ledger entry and receipt."""
    return await _record(visitor, no, Filled())


async def _record(visitor: Visitor, no: str, filled: Filled) -> Response:
    now = visitor.node.clock.now()
    day = Asked.read(visitor.request.query_params).day
    at = moment_of(day, now=now)
    async with visitor.node.database.read() as s:
        found = await record_on(s, no=no, at=at, now=now)
        credential = await shown_credential(s, visitor.node, cert_id=found.standing.cert_id)
    return visitor.render(
        "broker.html",
        filled=filled,
        found=found,
        row=found.standing,
        history=found.holding.until(at),
        credential=credential if at == now else None,
        labels=CATEGORY_LABELS,
        day=day,
        at=at,
        discipline=_measures(visitor, found.standing.state, at=at, now=now),
    )


def _measures(visitor: Visitor, state: CertificateState, *, at: datetime, now: datetime) -> tuple[str, ...]:
    may = at == now and "DATA_AUTHORITY" in visitor.roles
    return _DISCIPLINE.get(state, ()) if may else ()


@router.post("/brokers/{cert_no}/{measure}")
async def discipline(
    visitor: VisitorDep,
    cert_no: str,
    measure: Annotated[str, Path(pattern="^(suspend|reinstate|revoke)$")],
) -> Response:
    """Suspend, reinstate or revoke a certificate, as the data authority."""
    form = await visitor.form()
    visitor.require({"DATA_AUTHORITY"})
    now = visitor.node.clock.now()
    async with visitor.node.database.read() as s:
        found = await record_on(s, no=cert_no, at=now, now=now)
    return await attempt(
        visitor,
        form,
        act=f"certificate.{measure}",
        args={"cert_id": found.standing.cert_id, "reason_code": form.text("reason_code")},
        role="DATA_AUTHORITY",
        action="discipline",
        then=f"/brokers/{cert_no}",
        again=lambda filled: _record(visitor, cert_no, filled),
    )
