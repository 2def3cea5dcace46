"""Agencies with lists: transport with a chief data officer, police and housing, the data authority."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from base.clock import SimulatedClock
from base.db import Database
from base.jobs import run_due
from ledger.recording import Act
from registry.lists import cataloguing, entering, repository, sharing, sourcing
from registry.lists.clockwork import list_handlers
from registry.lists.rules import (
    DataEntry,
    DataField,
    DataKind,
    Item,
    ShareKind,
    SystemEntry,
)
from registry.lists.sharing_rules import ShareType
from registry.lists.tables import DataRow, ItemRow, ListFileRow, ShareRow, SystemRow
from registry.registration.rules import Update
from registry.rules import Level
from tests.houses import Party, TestHouse, make_house
from tests.identity.unmoved import statements
from tests.market.trade.scene import moved
from tests.registry.chiefs.seats import Chief, seat_chief

NOW: Final = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)  # a Monday
SYSTEM: Final = SystemEntry(name="道路运输管理系统", purpose="道路运输许可与车辆管理", region="440000")
ENTRY: Final = DataEntry(
    name="道路运输车辆基本信息",
    abstract="营运车辆的牌照、车型与许可",
    kind=DataKind.TABLE,
    region="440000",
    update=Update.DAILY,
    level=Level.GENERAL_2,
    share=ShareKind.CONDITIONAL,
    share_reason="依法履职需要",
    theme="交通",
    fields=(DataField(name="车牌号", type="text"), DataField(name="车型", type="text")),
)
ITEM: Final = Item(name="车牌号", meaning="机动车号牌号码", code="DE00307", synonyms=("号牌号码", "车辆号牌"))


@dataclass
class Office:
    house: TestHouse
    clock: SimulatedClock
    authority: Party
    ministry: Party
    transport: Party
    police: Party
    housing: Party
    chief: Chief

    @property
    def database(self) -> Database:
        return self.house.database

    def on(self, database: Database) -> "Office":
        clock = SimulatedClock(NOW)
        house = moved(self.house, database, clock)
        names = ("authority", "ministry", "transport", "police", "housing")
        parties = {name: replace(getattr(self, name), house=house.house) for name in names}
        return replace(self, house=house, clock=clock, **parties)

    async def system(self, who: Party | None = None, **changes: Any) -> SystemRow:
        said = replace(SYSTEM, **changes)
        return await (who or self.transport).do(entering.enter_system, system=said)

    async def entry(self, who: Party | None = None, **changes: Any) -> DataRow:
        said = replace(ENTRY, **changes)
        return await (who or self.transport).do(cataloguing.enter_data, entry=said)

    async def item(self, who: Party | None = None, **changes: Any) -> ItemRow:
        return await (who or self.housing).do(sourcing.propose, item=replace(ITEM, **changes))

    async def claimed(self, who: Party, item_id: str, **more: Any) -> ItemRow:
        said = {"function": "机动车登记", "basis": "道路交通安全法第八条"} | more
        return await who.do(sourcing.claim, item_id=item_id, **said)

    async def asked(self, data_id: str, who: Party | None = None, **more: Any) -> ShareRow:
        said: dict[str, Any] = {"kind": ShareType.SHARE, "purpose": "违停核查", "basis": "道路交通安全法"}
        return await (who or self.police).do(sharing.ask, data_id=data_id, **(said | more))

    async def file(self, who: Party | None = None, **more: Any) -> ListFileRow:
        """A file as the doors keep it; its bytes are nowhere."""
        party = who or self.transport
        said: dict[str, Any] = {
            "file_id": Act.new_id(party.act(), "fil"),
            "owner_id": party.org_id,
            "bytes": 10,
            "sha256": "a" * 64,
            "name": "车辆.csv",
            "media_type": "text/csv",
            "stored_at": self.clock.now(),
        }
        row = ListFileRow(**(said | more))
        async with self.database.write() as s:
            s.add(row)
        return row

    async def share(self, share_id: str) -> ShareRow:
        async with self.database.read() as s:
            return await repository.share(s, share_id=share_id)

    async def said_of(self, object_id: str) -> list[dict[str, Any]]:
        said = [one["predicate"] for one in await statements(self.database)]
        return [one for one in said if one["object"] == object_id]

    async def work(self) -> None:
        """Everything of the lists that is due happens."""
        while await run_due(self.database, self.clock.now(), list_handlers(self.house.house)):
            pass


async def make_office(database: Database) -> Office:
    clock = SimulatedClock(NOW)
    house = await make_house(database, clock)
    transport = await house.admit("省交通运输厅", {"PUBLIC_AGENCY"})
    return Office(
        house,
        clock,
        await house.admit("省政务服务和数据管理局", {"DATA_AUTHORITY", "PUBLIC_AGENCY"}),
        await house.admit("国家数据局", {"DATA_AUTHORITY"}),
        transport,
        await house.admit("省公安厅", {"PUBLIC_AGENCY"}),
        await house.admit("省住房城乡建设厅", {"PUBLIC_AGENCY"}),
        await seat_chief(house, transport),
    )
