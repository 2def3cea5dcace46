"""A desk of opening: the transport agency's officers, its files on disk, users, and the clock's hand."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final

from base.db import WriteSession
from base.files import FileStore
from base.jobs import run_due
from ledger.acts import perform
from ledger.recording import Act
from market.trade.clockwork import handlers
from registry.grading.scanning import record_scan
from registry.lists import cataloguing
from registry.lists.tables import DataRow
from registry.opening import agreeing, listing, renewing, repository, taking
from registry.opening.checking import Looked, look_over, record_check
from registry.opening.clockwork import checking_handlers, opening_handlers
from registry.opening.rules import Licence, Mode, Proposal, Use
from registry.opening.tables import AgreementRow, OpenCheckRow, OpenEntryRow
from registry.opening.taking import Taken
from registry.rules import Hint, Level
from tests.houses import Party
from tests.registry.chiefs.seats import by, enrolled
from tests.registry.lists.office import Office

MASTER: Final = bytes(range(32))
ROWS: Final = "站点,线路\n体育中心,B1\n".encode()
TO_ALL: Final = Proposal(
    mode=Mode.OPEN, licence=Licence.CC_BY, conditions="注明来源", law="广州市公共数据开放管理办法"
)
TARGETED: Final = Proposal(mode=Mode.TARGETED, licence=Licence.AGREEMENT, conditions="仅用于科研")
AUTHORISED: Final = Proposal(mode=Mode.AUTHORISED, licence=Licence.AGREEMENT)
_numbers = count(1)


@dataclass
class Desk:
    office: Office
    files: FileStore
    clerk: str

    @property
    def database(self):
        return self.office.database

    async def officer(self, verb: Any, /, **facts: Any) -> Any:
        """An act of the agency's officer, who is no chief."""
        return await by(self.office.house, self.office.transport, self.clerk, verb, **facts)

    async def chief(self, verb: Any, /, **facts: Any) -> Any:
        """An act of the chief data officer."""
        return await by(self.office.house, self.office.transport, self.office.chief.user_id, verb, **facts)

    async def data(self, content: bytes | None = ROWS, **changes: Any) -> DataRow:
        """A listed data entry, with a file mounted on it."""
        said = {"level": Level.GENERAL_1, "name": f"公交站点{next(_numbers)}"} | changes
        row = await self.office.entry(**said)
        return row if content is None else await self.mounted(row.data_id, content)

    async def mounted(self, data_id: str, content: bytes) -> DataRow:
        async def pieces() -> AsyncIterator[bytes]:
            yield content

        stored = await self.files.put(pieces(), limit_bytes=10**6)
        said = {"file_id": stored.file_id, "bytes": stored.bytes, "sha256": stored.sha256}
        file = await self.office.file(**said)
        return await self.office.transport.do(cataloguing.mount, data_id=data_id, file_id=file.file_id)

    async def scanned(self, data_id: str, sha256: str, hints: Sequence[Hint] = ()) -> bool:
        """The scan of a mounted file, as the door of grading records it; whether the entry was renewed."""
        house = self.office.house.house

        async def recorded(s: WriteSession, act: Act) -> bool:
            await renewing.claim(s, data_id=data_id)
            said = {"object_id": data_id, "file_sha256": sha256, "hints": hints, "fields": ["站点"]}
            await record_scan(s, act, **said)
            return await renewing.renew(s, act, data_id=data_id, file_sha256=sha256)

        act = house.exchange_act()
        return await perform(house, act, recorded, attempted="GRD.SCAN", object_id=data_id)

    async def proposed(self, data_id: str, proposal: Proposal = TO_ALL) -> str:
        row: OpenEntryRow = await self.officer(listing.propose, data_id=data_id, proposal=proposal)
        return row.open_id

    async def opened(self, proposal: Proposal = TO_ALL, content: bytes | None = ROWS, **changes: Any) -> str:
        """An entry that stands open."""
        open_id = await self.proposed((await self.data(content, **changes)).data_id, proposal)
        await self.chief(listing.review, open_id=open_id)
        await self.officer(listing.publish, open_id=open_id)
        return open_id

    async def agreed(self, open_id: str, user: Party, days: int = 30) -> AgreementRow:
        """An agreement that both have signed, from now on."""
        now = self.office.clock.now()
        term = {"valid_from": now, "valid_to": now + timedelta(days=days)}
        said = {"user_id": user.org_id, "purposes": [Use.RESEARCH], **term}
        row = await self.officer(agreeing.offer, open_id=open_id, **said)
        about = {"agreement_id": row.agreement_id, "policy_sha256": row.policy_sha256}
        return await user.do(agreeing.sign, **about)

    async def entry(self, open_id: str) -> OpenEntryRow:
        async with self.database.read() as s:
            return await repository.entry(s, open_id=open_id)

    async def look(self, open_id: str) -> Taken:
        async with self.database.read() as s:
            return await taking.look(s, open_id=open_id)

    async def take(self, user: Party, open_id: str, purpose: str | None = "RESEARCH") -> Taken:
        async def taken(s: WriteSession, act: Act) -> Taken:
            return await taking.take(s, act, open_id=open_id, purpose=purpose)

        house = self.office.house.house
        (role,) = user.actor.roles
        act = house.act(user.actor, role, house.exchange.pen)
        return await perform(house, act, taken, attempted="OPN.ACCESS", object_id=open_id)

    async def looked(self) -> list[Looked]:
        return await look_over(self.database, self.files, self.office.clock.now())

    async def check(self) -> OpenCheckRow:
        looked, house = await self.looked(), self.office.house.house

        async def recorded(s: WriteSession, act: Act) -> OpenCheckRow:
            return await record_check(s, act, looked=looked, at=self.office.clock.now())

        act = house.exchange_act()
        return await perform(house, act, recorded, attempted="OPC.CHECK", object_id="open-list")

    async def work(self) -> None:
        """Everything that is due happens: the market's jobs, the list's own, the check."""
        house = self.office.house.house
        work = {
            **handlers(house, None, None),
            **opening_handlers(house),
            **checking_handlers(house, self.files),
        }
        while await run_due(self.database, self.office.clock.now(), work):
            pass


async def make_desk(office: Office, folder: Path) -> Desk:
    clerk = await enrolled(office.house, office.transport, "办事员")
    return Desk(office, FileStore(folder, MASTER, office.clock), clerk)
