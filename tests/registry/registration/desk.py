"""A registrar's desk: two officers, who applies, who holds beside it, who objects, and a bank."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, Final

from base.clock import SimulatedClock
from base.db import Database, WriteSession
from base.jobs import run_due
from identity.service import enrol_person
from ledger.acts import perform
from ledger.recording import Act, Actor
from market.trade.clockwork import handlers
from registry.registration import applying, recognising, reviewing
from registry.registration.repository import get_registration
from registry.registration.rules import (
    Claim,
    Declaration,
    Form,
    Kind,
    Restriction,
    Update,
)
from registry.registration.seats import RegistrarFacts
from registry.registration.states import RegistrationState
from registry.registration.tables import RegistrationRow
from registry.rules import Right, Source, SourceFacts
from tests.houses import Party, TestHouse, make_house
from tests.market.trade.scene import moved
from tests.web.nodes import some_password

NOW: Final = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)  # a Monday
FIT: Final = RegistrarFacts(
    enterprise=True,
    paid_in_capital_minor=10_000_000_000,
    experience_years=2,
    staff_experience_years=3,
    mlps=3,
    clean_years=3,
)
DECLARED: Final = Declaration(
    name="2025年广东省工业企业月度用电指数数据集",
    abstract="按行业和县区汇总的月度用电指数，每格不少于十家企业",
    industry="D44",
    source=Source.SELF_COLLECTED,
    facts=SourceFacts(),
    region="440000",
    covers_from=date(2025, 1, 1),
    covers_to=date(2025, 12, 31),
    update=Update.MONTHLY,
    volume_rows=252_000,
    volume_bytes=18_000_000,
    form=Form.STRUCTURED,
    sample_sha256="a" * 64,
    source_proof_sha256="b" * 64,
    restriction=Restriction(regions=("CN",)),
)
PUBLIC: Final = replace(
    DECLARED,
    name="广东省企业登记公共数据资源",
    source=Source.PUBLIC_DUTY,
    scenario="普惠金融",
    risk_assessment_sha256="c" * 64,
    sample_sha256="d" * 64,
)
_PEOPLE: Final = {
    "lin": ("registrar", "a" * 64),
    "he": ("registrar", "b" * 64),
    "qiu": ("rival", "c" * 64),
    "nobody": ("rival", None),
}


@dataclass
class Desk:
    """`people` are user ids by name: lin and he are officers of the registrar, qiu is the rival's."""

    house: TestHouse
    clock: SimulatedClock
    registrar: Party
    authority: Party
    applicant: Party
    partner: Party
    rival: Party
    agency: Party
    people: dict[str, str] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        return self.house.database

    def on(self, database: Database) -> "Desk":
        clock = SimulatedClock(NOW)
        house = moved(self.house, database, clock)
        names = ("registrar", "authority", "applicant", "partner", "rival", "agency")
        parties = {name: replace(getattr(self, name), house=house.house) for name in names}
        return replace(self, house=house, clock=clock, **parties)

    async def by(self, name: str, verb: Any, /, **facts: Any) -> Any:
        """An act of one of the people, for the organisation that he or she belongs to."""
        party: Party = getattr(self, _PEOPLE[name][0])
        actor = Actor(party.org_id, party.actor.roles, self.people[name])

        async def bound(s: WriteSession, act: Act) -> Any:
            return await verb(s, act, **facts)

        (role,) = party.actor.roles
        act = self.house.house.act(actor, role, party.pen)
        return await perform(
            self.house.house, act, bound, attempted="REG.ACT", object_id=facts["registration_id"]
        )

    def all_rights(self, *parties: Party) -> list[Claim]:
        return [Claim(holder_id=party.org_id, right=right) for party in parties for right in Right]

    async def apply(
        self,
        *,
        who: Party | None = None,
        kind: Kind = Kind.PROPERTY_RIGHT,
        declaration: Declaration = DECLARED,
        claims: list[Claim] | None = None,
        **more: Any,
    ) -> RegistrationRow:
        who = who or self.applicant
        if claims is None:
            claims = self.all_rights(who) if kind is Kind.PROPERTY_RIGHT else []
        return await who.do(
            applying.apply,
            attempted="REG.APPLY",
            kind=kind,
            registrar_id=self.registrar.org_id,
            declaration=declaration,
            claims=claims,
            **more,
        )

    async def noticed(self, **changes: Any) -> RegistrationRow:
        """An application that lin has accepted, reviewed and put on notice."""
        row = await self.apply(**changes)
        await self.by("lin", applying.accept, registration_id=row.registration_id)
        return await self.by("lin", reviewing.publish, registration_id=row.registration_id)

    async def registered(self, **changes: Any) -> RegistrationRow:
        """A registration whose notice went by without an objection."""
        row = await self.noticed(**changes)
        assert row.notice_until is not None
        self.clock.move_to(row.notice_until.replace(hour=17))
        return await self.by("lin", reviewing.issue, registration_id=row.registration_id)

    async def state_of(self, registration_id: str) -> RegistrationState:
        async with self.database.read() as s:
            return (await get_registration(s, registration_id=registration_id)).status

    async def work(self) -> None:
        """Everything that is due happens."""
        while await run_due(self.database, self.clock.now(), handlers(self.house.house, None, None)):
            pass


async def make_desk(database: Database) -> Desk:
    clock = SimulatedClock(NOW)
    house = await make_house(database, clock)
    desk = Desk(
        house,
        clock,
        await house.admit("广东数据登记中心", {"REGISTRAR"}, controller_id="登记集团"),
        await house.admit("省政务服务和数据管理局", {"DATA_AUTHORITY"}),
        await house.admit("粤能数科", {"PROVIDER"}),
        await house.admit("湾区电网数据", {"PROVIDER"}),
        await house.admit("甲数科技", {"PROVIDER"}),
        await house.admit("省市场监管登记处", {"PUBLIC_AGENCY"}),
    )
    password = await some_password()
    for name, (party, mark) in _PEOPLE.items():
        said = {"login": f"desk-{name}", "name": name, "password": password}
        said |= {"mark": mark} if mark else {}
        org_id = getattr(desk, party).org_id
        person = await house.operator.do(enrol_person, org_id=org_id, **said)
        desk.people[name] = person.user_id
    await desk.authority.do(
        recognising.recognise,
        attempted="RGR.RECOGNISE",
        org_id=desk.registrar.org_id,
        region="44",
        agency="1",
        facts=FIT,
    )
    return desk
