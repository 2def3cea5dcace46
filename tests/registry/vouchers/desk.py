"""A type in force and its people: a grid company, a factory, two banks, an agency with its chief, a court."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from base.clock import SimulatedClock
from base.db import Database
from base.jobs import run_due
from market.trade.clockwork import handlers
from registry.rules import Level
from registry.vouchers import approving, generating, holding, requesting, using
from registry.vouchers.desk import VoucherDesk
from registry.vouchers.generating import Goods
from registry.vouchers.repository import get_voucher
from registry.vouchers.rules import Form, Mode, Scenario, SubjectKind, Told, TypeItem, TypeTerms
from registry.vouchers.tables import VoucherRow, VoucherTypeRow
from tests.houses import Party, TestHouse, make_house
from tests.market.trade.scene import moved
from tests.registry.chiefs.seats import by, seat_chief

NOW: Final = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
PURPOSE, REFERENCE = "CREDIT_APPROVAL", "信贷审批 2026-LN-0815"
TERMS: Final = TypeTerms(
    code="ELEC-CREDIT",
    name="用电信用凭证（信贷）",
    scenario=Scenario.CREDIT,
    mode=Mode.RANGES,
    purposes=(PURPOSE,),
    items=(
        TypeItem("MONTHLY_USE", "月用电量区间", Form.RANGE, "kWh"),
        TypeItem("STABILITY", "用电稳定性指数", Form.INDEX),
    ),
    max_level=Level.GENERAL_3,
    min_quality_tenths=900,
    max_months=24,
    max_uses=25,
)


def told(item: str, *, level: Level = Level.GENERAL_3, **value: Any) -> Told:
    return Told(item=item, source_department="市场营销部", level=level, value=value)


TOLD: Final = (told("MONTHLY_USE", low="120000", high="140000"), told("STABILITY", index=981))
GOODS: Final = Goods(told=TOLD, data_sha256="d" * 64, quality_tenths=976)


@dataclass
class People:
    """`officer` is a person of the grid company, `chief` of the agency."""

    house: TestHouse
    clock: SimulatedClock
    grid: Party
    factory: Party
    bank: Party
    other: Party
    agency: Party
    authority: Party
    court: Party
    chief: str = ""
    type_id: str = ""

    @property
    def database(self) -> Database:
        return self.house.database

    @property
    def desk(self) -> VoucherDesk:
        return VoucherDesk(self.house.safe, "https://exchange.example")

    def on(self, database: Database) -> "People":
        clock = SimulatedClock(NOW)
        house = moved(self.house, database, clock)
        names = ("grid", "factory", "bank", "other", "agency", "authority", "court")
        return replace(
            self,
            house=house,
            clock=clock,
            **{name: replace(getattr(self, name), house=house.house) for name in names},
        )

    async def propose(self, terms: TypeTerms, *, who: Party | None = None, user: str = "usr_grid") -> Any:
        return await by(self.house, who or self.grid, user, approving.propose, terms=terms)

    async def request(self, who: Party | None = None, **changed: Any) -> VoucherRow:
        asked: dict[str, Any] = {
            "type_id": self.type_id,
            "subject_kind": SubjectKind.MEMBER,
            "subject_id": self.factory.org_id,
            "user_id": self.bank.org_id,
            "provider_id": self.grid.org_id,
            "purpose": PURPOSE,
            "reference": REFERENCE,
            "items": ("MONTHLY_USE", "STABILITY"),
            "period_from": "2024-08",
            "period_to": "2026-07",
            "max_uses": 3,
        } | changed
        return await (who or self.bank).do(requesting.request, attempted="CRT.REQUEST", **asked)

    async def say(self, who: Party, verb: Any, voucher_id: str, **more: Any) -> Any:
        """A verb of somebody on a certificate; the desk is there for those that need it."""
        wants = {requesting.authorise, generating.generate, generating.correct, holding.present}
        more |= {"desk": self.desk} if verb in wants else {}
        event = "CRT.VERIFY" if verb is using.verify else "CRT.ACT"
        return await who.do(verb, attempted=event, object_id=voucher_id, voucher_id=voucher_id, **more)

    async def generated(self, **asked: Any) -> str:
        voucher_id = (await self.request(**asked)).voucher_id
        await self.say(self.factory, requesting.authorise, voucher_id)
        await self.say(self.grid, generating.generate, voucher_id, goods=GOODS)
        return voucher_id

    async def shown(self, **asked: Any) -> tuple[str, str]:
        """A certificate that was presented to the bank, and the bytes that the bank has."""
        voucher_id = await self.generated(**asked)
        await self.say(self.factory, holding.store, voucher_id)
        return voucher_id, await self.present(voucher_id)

    async def present(self, voucher_id: str, **more: Any) -> str:
        row = await self.say(self.factory, holding.present, voucher_id, **more)
        return self.desk.open_presentation(row).decode()

    async def verify(self, voucher_id: str, presentation: str, **changed: Any) -> Any:
        who = changed.pop("who", self.bank)
        said = {"presentation": presentation, "purpose": PURPOSE, "reference": REFERENCE} | changed
        return await self.say(who, using.verify, voucher_id, **said)

    async def row(self, voucher_id: str) -> VoucherRow:
        async with self.database.read() as s:
            return await get_voucher(s, voucher_id=voucher_id)

    async def work(self) -> None:
        """Everything that is due happens."""
        while await run_due(self.database, self.clock.now(), handlers(self.house.house, None, None)):
            pass


async def make_people(database: Database) -> People:
    clock = SimulatedClock(NOW)
    house = await make_house(database, clock)
    seats = (
        ("南粤电网有限公司", "PROVIDER"),
        ("佛山禾禧金属制品厂", "BUYER"),
        ("岭南农商行", "BUYER"),
        ("珠江城商行", "BUYER"),
        ("省市场监管局", "PUBLIC_AGENCY"),
        ("省数据局", "DATA_AUTHORITY"),
        ("佛山法院", "COURT"),
    )
    people = People(house, clock, *[await house.admit(name, {role}) for name, role in seats])
    people.chief = (await seat_chief(house, people.agency)).user_id
    made: VoucherTypeRow = await people.propose(TERMS)
    people.type_id = made.type_id
    decided = {"type_id": made.type_id, "approve": True, "reason": ""}
    await people.authority.do(approving.decide, attempted="CTY.APPROVE", **decided)
    await people.grid.do(generating.appoint_key, attempted="CRT.APPOINT", desk=people.desk)
    return people
