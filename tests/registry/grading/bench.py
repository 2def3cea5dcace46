"""A desk of grading: an agency with a clerk, an officer and a chief, authorities, a provider's product."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from base.clock import SimulatedClock
from base.db import Database, WriteSession
from base.jobs import run_due
from ledger.recording import Act
from registry.grading import cataloguing, declaring, repository
from registry.grading.cataloguing import Content
from registry.grading.clockwork import grading_handlers
from registry.grading.declaring import Declared
from registry.grading.depending import level_of
from registry.grading.describing import note_draft
from registry.grading.rules import Degree, Ground, Harmed
from registry.grading.tables import GradingRow, ImportantRow
from registry.lists import cataloguing as lists
from registry.lists.rules import DataEntry, DataField, DataKind, ShareKind
from registry.lists.tables import DataRow
from registry.registration.rules import Update
from registry.rules import Level
from tests.houses import Party, TestHouse, make_house
from tests.identity.unmoved import statements
from tests.market.trade.scene import moved
from tests.registry.chiefs.seats import by, enrolled, seat_chief

NOW: Final = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)  # a Monday
PRODUCT: Final = "prd_01jcw000000000000000000000"
MADE_OF_IT: Final = "prd_01jcw000000000000000000001"
ENTRY: Final = DataEntry(
    name="工业企业用电负荷数据",
    abstract="规模以上工业企业分时用电负荷",
    kind=DataKind.TABLE,
    region="440000",
    update=Update.DAILY,
    level=Level.GENERAL_2,
    share=ShareKind.CONDITIONAL,
    share_reason="依法履职需要",
    theme="能源",
    fields=(DataField(name="企业代码", type="text"), DataField(name="负荷", type="decimal")),
)
SAID: Final = Declared(level=Level.GENERAL_2, sector="D44", data_class="production")
LOAD: Final = Content(
    region="440000",
    sector="D44",
    name="电网调度运行数据",
    description="省级电网调度运行的实时数据",
    keywords=("电网调度", "负荷"),
    patterns=("负荷", "节点"),
)


def harm(harmed: Harmed, degree: Degree) -> Ground:
    return Ground(harmed, degree, "泄露后的影响")


@dataclass
class Bench:
    """`clerk`, `officer` and `chief` are people of the agency; each other party has one who acts."""

    house: TestHouse
    clock: SimulatedClock
    agency: Party
    authority: Party
    cac: Party
    provider: Party
    clerk: str
    officer: str
    chief: str
    people: dict[str, str]

    @property
    def database(self) -> Database:
        return self.house.database

    def on(self, database: Database) -> "Bench":
        clock = SimulatedClock(NOW)
        house = moved(self.house, database, clock)
        names = ("agency", "authority", "cac", "provider")
        parties = {name: replace(getattr(self, name), house=house.house) for name in names}
        return replace(self, house=house, clock=clock, **parties)

    async def of(self, name: str, verb: Any, /, **facts: Any) -> Any:
        """An act of a person of the agency, or of the one who acts for another party."""
        own = {"clerk": self.clerk, "officer": self.officer, "chief": self.chief}
        if name in own:
            return await by(self.house, self.agency, own[name], verb, **facts)
        party = self.house.operator if name == "operator" else getattr(self, name)
        return await by(self.house, party, self.people[name], verb, **facts)

    async def entry(self, **changes: Any) -> DataRow:
        return await self.of("clerk", lists.enter_data, entry=replace(ENTRY, **changes))

    async def declared(self, object_id: str, *, who: str = "clerk", **changes: Any) -> GradingRow:
        said = replace(SAID, **changes)
        return await self.of(who, declaring.declare, object_id=object_id, declared=said)

    async def decide(self, row: GradingRow, level: Level, *, who: str = "officer") -> GradingRow:
        about = {"grading_id": row.grading_id, "level": level, "opinion": "按矩阵与扫描结果"}
        return await self.of(who, declaring.decide, **about)

    async def graded(self, object_id: str, level: Level, **changes: Any) -> GradingRow:
        """A level in force, of a general kind."""
        row = await self.declared(object_id, **({"level": level} | changes))
        return await self.decide(row, level)

    async def notified(self, **changes: Any) -> ImportantRow:
        """An entry of the catalogue that the authority has confirmed."""
        row = await self.of("clerk", cataloguing.identify, content=replace(LOAD, **changes))
        await self.of("chief", cataloguing.report, entry_id=row.entry_id)
        return await self.of("cac", cataloguing.confirm_entry, entry_id=row.entry_id)

    async def product(self, object_id: str = PRODUCT, **changes: Any) -> str:
        """A product as a draft of the provider's makes it known."""
        said: dict[str, Any] = {
            "holder_id": self.provider.org_id,
            "level": Level.GENERAL_2,
            "words": "工业用电指数",
            "sector": "D",
            "sources": (),
        }

        async def drafted(s: WriteSession, act: Act) -> None:
            await note_draft(s, act, object_id=object_id, **(said | changes))

        await self.provider.do(drafted)
        return object_id

    async def level(self, object_id: str) -> Level:
        async with self.database.read() as s:
            return await level_of(s, object_id=object_id)

    async def grading(self, row: GradingRow) -> GradingRow:
        async with self.database.read() as s:
            return await repository.get_grading(s, grading_id=row.grading_id)

    async def work(self) -> None:
        """Everything that is due happens."""
        while await run_due(self.database, self.clock.now(), grading_handlers(self.house.house)):
            pass

    async def said_of(self, object_id: str) -> list[str]:
        said = await statements(self.database)
        kinds = [one["predicateType"] for one in said if one["predicate"]["object"] == object_id]
        return [kind.split(":")[-2] for kind in kinds]


async def make_bench(database: Database) -> Bench:
    clock = SimulatedClock(NOW)
    house = await make_house(database, clock)
    agency = await house.admit("省能源数据主管部门", {"PUBLIC_AGENCY"})
    authority = await house.admit("省政务服务和数据管理局", {"DATA_AUTHORITY"})
    cac = await house.admit("省委网信办", {"CAC"})
    provider = await house.admit("粤能数科", {"PROVIDER"})
    clerk, officer = [await enrolled(house, agency, name) for name in ("填报人", "定级员")]
    chief = await seat_chief(house, agency)
    people = {
        name: await enrolled(house, party, name)
        for name, party in (("authority", authority), ("cac", cac), ("provider", provider))
    }
    people["operator"] = await enrolled(house, house.operator, "分级岗")
    return Bench(house, clock, agency, authority, cac, provider, clerk, officer, chief.user_id, people)
