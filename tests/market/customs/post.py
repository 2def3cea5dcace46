"""The customs post: an exporter with two affiliates, a recipient in Hong Kong, officers of the authority."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from base.clock import SimulatedClock
from base.db import Database, WriteSession
from base.files import FileStore
from base.jobs import run_due
from identity.service import enrol_person
from ledger.acts import perform
from ledger.reader import statements_of
from ledger.recording import Act, Actor
from market.customs import deciding, declaring, entering
from market.customs.counting import CustomsDesk
from market.customs.declared import Declaration, Recipient
from market.customs.repository import get_declaration
from market.customs.tables import DeclarationRow
from market.listings.tables import ListingFile
from market.trade.clockwork import handlers
from tests.houses import Party, TestHouse, make_house, moved, some_uscc
from tests.market.customs.flows import NOW, document, flow
from tests.web.nodes import some_password

MASTER: Final = bytes(range(32))


@dataclass
class Post:
    """`people` are user ids by name: mei and tao are officers of the authority."""

    house: TestHouse
    clock: SimulatedClock
    exporter: Party
    affiliate: Party
    third: Party
    stranger: Party
    recipient: Party
    cac: Party
    people: dict[str, str] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        return self.house.database

    def on(self, database: Database) -> "Post":
        clock = SimulatedClock(NOW)
        house = moved(self.house, database, clock)
        names = ("exporter", "affiliate", "third", "stranger", "recipient", "cac")
        parties = {name: replace(getattr(self, name), house=house.house) for name in names}
        return replace(self, house=house, clock=clock, **parties)

    async def by(self, name: str, verb: Any, /, **facts: Any) -> Any:
        """An act of one of the officers."""
        actor = Actor(self.cac.org_id, self.cac.actor.roles, self.people[name])

        async def bound(s: WriteSession, act: Act) -> Any:
            return await verb(s, act, **facts)

        act = self.house.house.act(actor, "CAC", self.cac.pen)
        object_id = facts.get("declaration_id", self.cac.org_id)
        return await perform(self.house.house, act, bound, attempted="XBD.ACT", object_id=object_id)

    def to_recipient(self, said: Declaration, **changes: Any) -> Declaration:
        """The flow, to the member in Hong Kong."""
        recipient = Recipient(
            name="香港金融", country="HK", contact="dpo@hk.example", org_id=self.recipient.org_id
        )
        return replace(said, recipient=recipient, storage_place="HK", **changes)

    async def declare(self, said: Declaration | None = None, *, who: Party | None = None, **more: Any) -> Any:
        return await (who or self.exporter).do(
            declaring.declare, attempted="XBD.DECLARE", declaration=said or flow(), **more
        )

    async def cleared(self, said: Declaration, *, who: Party | None = None) -> DeclarationRow:
        """A declaration that is exempt, or that mei has looked at and cleared."""
        row = await self.declare(said, who=who)
        return await self.looked_at(row.declaration_id)

    async def looked_at(self, declaration_id: str) -> DeclarationRow:
        """A declaration that mei has cleared, where its lot (one in twenty) or its risk held it."""
        if (await self.row(declaration_id)).status == "UNDER_CHECK":
            await self.by("mei", deciding.take, declaration_id=declaration_id)
            await self.by("mei", deciding.clear, declaration_id=declaration_id, reason="checked")
        return await self.row(declaration_id)

    async def enter(self, **changes: Any) -> Any:
        """A document on the authority's register, the exporter's unless it says otherwise."""
        return await self.by(
            "mei", entering.enter_document, document=document(self.exporter.org_id, **changes)
        )

    async def row(self, declaration_id: str) -> DeclarationRow:
        async with self.database.read() as s:
            return await get_declaration(s, declaration_id=declaration_id)

    async def said(self, declaration_id: str) -> list[str]:
        """The events of a declaration, in order."""
        async with self.database.read() as s:
            return [one.event for one in await statements_of(s, object_id=declaration_id)]

    async def upload(self, files: FileStore, raw: bytes, *, who: Party | None = None) -> str:
        """A file of the exporter's."""

        async def pieces():
            yield raw

        stored = await files.put(pieces(), limit_bytes=2**30)
        async with self.database.write() as s:
            s.add(
                ListingFile(
                    file_id=stored.file_id,
                    owner_id=(who or self.exporter).org_id,
                    sha256=stored.sha256,
                    bytes=stored.bytes,
                    name="persons.txt",
                    media_type="text/plain",
                    stored_at=self.clock.now(),
                )
            )
        return stored.file_id

    async def work(self, desk: CustomsDesk | None = None, *, later: timedelta = timedelta()) -> None:
        """Everything that is due happens."""
        self.clock.advance(later)
        work = handlers(self.house.house, None, None, customs=desk)
        while await run_due(self.database, self.clock.now(), work):
            pass


async def make_post(database: Database) -> Post:
    clock = SimulatedClock(NOW)
    house = await make_house(database, clock)
    post = Post(
        house,
        clock,
        await house.admit("粤能数科", {"PROVIDER"}, controller_id="粤能集团"),
        await house.admit("粤能云", {"PROVIDER"}, controller_id="粤能集团"),
        await house.admit("粤能支付", {"PROVIDER"}, controller_id="粤能集团"),
        await house.admit("湾区电网数据", {"PROVIDER"}),
        await house.admit("香港金融", {"BUYER"}, uscc=some_uscc(region="810000")),
        await house.admit("省网信办", {"CAC"}),
    )
    password = await some_password()
    for name, mark in (("mei", "a" * 64), ("tao", "b" * 64)):
        person = await house.operator.do(
            enrol_person,
            org_id=post.cac.org_id,
            login=f"post-{name}",
            name=name,
            password=password,
            mark=mark,
        )
        post.people[name] = person.user_id
    return post
