"""The data authority's office: people who decide, a broker who applies, a member who objects."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, Final

from base.clock import SimulatedClock
from base.db import Database, WriteSession
from base.jobs import run_due
from brokers import applying, noticing, panel
from brokers.applying import Filing
from brokers.certifying import CertificateScope
from brokers.clockwork import certificate_handlers
from brokers.qualifying import Claims, Evidence, EvidenceKind, Practitioner, Procedure, required
from brokers.rules import BrokerType
from brokers.tables import ApplicationRow, CertificateRow, ObjectionRow
from identity.service import enrol_person
from ledger.acts import perform
from ledger.recording import Act, Actor
from registry.rules import Level
from tests.houses import Party, TestHouse, make_house
from tests.market.trade.scene import moved
from tests.web.nodes import some_password

NOW: Final = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)  # a Monday
TODAY: Final = date(2026, 11, 16)
SCOPE: Final = CertificateScope(
    broker_type=BrokerType.MANDATE, grade=2, sectors=("energy", "transport"), max_level=Level.GENERAL_2
)
CLAIMS: Final = Claims(
    mainland=True,
    paid_in_capital_minor=2_000_000_000,
    dcmm=3,
    mlps=3,
    practitioners=tuple(Practitioner(f"从业人员{n}", f"GDP-{n:04d}") for n in range(5)),
    experience_years=2,
    clean_years=3,
    procedures=frozenset(Procedure),
    guarantee_minor=200_000_000,
)
REASONS: Final = "材料齐备，条件符合"
_MARKS: Final = {"chen": "a" * 64, "li": "b" * 64, "wang": "c" * 64, "wang2": "c" * 64, "zhao": "d" * 64}


def shown(kinds: Iterable[EvidenceKind] | None = None, *, dated_on: date = TODAY) -> tuple[Evidence, ...]:
    """One document of each kind; of all that a grade-2 broker on mandate needs."""
    wanted = required(BrokerType.MANDATE, 2, cross_border=False) if kinds is None else kinds
    return tuple(
        Evidence(kind, f"{kind.value.lower()}.pdf", f"{number:064x}", dated_on)
        for number, kind in enumerate(sorted(wanted), 1)
    )


def filing(**changes: Any) -> Filing:
    evidence = changes.pop("evidence", None)
    return Filing(claims=replace(CLAIMS, **changes), evidence=shown() if evidence is None else evidence)


@dataclass
class Office:
    """`people` are user ids by name; wang and wang2 are two logins of one person."""

    house: TestHouse
    clock: SimulatedClock
    authority: Party
    broker: Party
    other: Party
    people: dict[str, str] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        return self.house.database

    def on(self, database: Database) -> "Office":
        clock = SimulatedClock(NOW)
        house = moved(self.house, database, clock)
        names = ("authority", "broker", "other")
        parties = {name: replace(getattr(self, name), house=house.house) for name in names}
        return replace(self, house=house, clock=clock, **parties)

    async def as_person(self, name: str | None, verb: Any, /, **facts: Any) -> Any:
        """An act of the authority by one of its people."""
        party = self.authority
        actor = Actor(party.org_id, party.actor.roles, None if name is None else self.people[name])

        async def bound(s: WriteSession, act: Act) -> Any:
            return await verb(s, act, **facts)

        act = self.house.house.act(actor, "DATA_AUTHORITY", party.pen)
        object_id = facts.get("cert_id") or facts["org_id"]
        return await perform(self.house.house, act, bound, attempted="BRK.VOTE", object_id=object_id)

    async def apply(
        self, *, scope: CertificateScope = SCOPE, who: Party | None = None, **changes: Any
    ) -> ApplicationRow:
        who = who or self.broker
        return await who.do(
            applying.apply, role="BROKER", attempted="BRK.APPLY", scope=scope, filing=filing(**changes)
        )

    async def vote(
        self, cert_id: str, name: str | None, *, approves: bool = True, no_ties: bool = True
    ) -> Any:
        return await self.as_person(
            name, panel.vote, cert_id=cert_id, approves=approves, reasons=REASONS, no_ties=no_ties
        )

    async def to_notice(self, **changes: Any) -> ApplicationRow:
        """An application that three have voted for and that is on public notice."""
        row = await self.apply(**changes)
        await self.as_person("chen", applying.review, cert_id=row.cert_id)
        for name in ("chen", "li", "wang"):
            await self.vote(row.cert_id, name)
        return await self.as_person("chen", panel.publish_notice, cert_id=row.cert_id)

    async def issue(self, cert_id: str, cert_no: str = "GD-DB-M-2-2026-0001") -> CertificateRow:
        return await self.as_person("chen", noticing.issue, cert_id=cert_id, cert_no=cert_no)

    async def certified(self, **changes: Any) -> CertificateRow:
        row = await self.to_notice(**changes)
        assert row.notice_until is not None
        self.clock.move_to(row.notice_until.replace(hour=17))
        return await self.issue(row.cert_id)

    async def object_to(self, cert_id: str, who: Party | None = None) -> ObjectionRow:
        evidence = [Evidence(EvidenceKind.OTHER, "举报材料.pdf", "ef" * 32, TODAY)]
        return await (who or self.other).do(
            noticing.object_to,
            attempted="BRK.OBJECT",
            object_id=cert_id,
            cert_id=cert_id,
            text="注册资本未实缴",
            evidence=evidence,
        )

    async def work(self) -> None:
        """Everything that is due happens."""
        while await run_due(self.database, self.clock.now(), certificate_handlers(self.house.house)):
            pass


async def make_office(database: Database) -> Office:
    clock = SimulatedClock(NOW)
    house = await make_house(database, clock)
    office = Office(
        house,
        clock,
        await house.admit("省政务服务和数据管理局", {"DATA_AUTHORITY"}),
        await house.admit("珠江数据经纪", {"BROKER"}, controller_id="珠江控股"),
        await house.admit("湾区普惠银行", {"BUYER"}),
    )
    password = await some_password()
    for name, mark in _MARKS.items():
        said = {"login": f"office-{name}", "name": name.rstrip("2"), "password": password, "mark": mark}
        person = await house.operator.do(enrol_person, org_id=office.authority.org_id, **said)
        office.people[name] = person.user_id
    person = await house.operator.do(
        enrol_person, org_id=office.authority.org_id, login="office-who", name="who", password=password
    )
    office.people["unknown"] = person.user_id
    return office
