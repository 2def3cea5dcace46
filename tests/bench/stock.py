"""Trades to settle: one brought to its instruction by the services, then as many copies as are wanted.

A copy is the same rows under other ids. What is measured is what happens to them afterwards.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlmodel import SQLModel

from bank.amounts import account_number
from base.canonical import sha256_hex
from base.clock import SimulatedClock
from base.db import Database
from base.ids import Seed
from base.rows import Insert, Plan
from base.signing import Envelope, SigningKey
from brokers.rules import Side
from ledger.sequencer import create_log, seal_all
from ledger.tables import PostingBatchRow, PostingRow
from market.orders.rules import TradeState
from market.orders.tables import Trade
from market.settlement.payees import set_payee_account
from market.settlement.tables import Instruction
from tests.houses import ORIGIN, make_house
from tests.market.listings.goods import listed
from tests.market.settlement.bank_side import BankSide
from tests.market.trade.scene import EARLIER, Scene, certified

_KINDS: Final = (Trade, PostingRow, PostingBatchRow, Instruction)
_TABLES: Final = tuple(SQLModel.metadata.tables[str(kind.__tablename__)] for kind in _KINDS)
# A posting's own number is the database's to give.
_COPIES: Final = tuple(
    Insert(kind, *(column.name for column in table.columns if column.name != "id"))
    for kind, table in zip(_KINDS, _TABLES, strict=True)
)
_BATCHES: Final = SQLModel.metadata.tables[str(PostingBatchRow.__tablename__)]
_CHUNK: Final = 500
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Due:
    """A trade whose payees the bank has paid, and the bank's signed notification of it."""

    trade_id: str
    instruction: Instruction
    notification: Envelope


async def furnish(database: Database) -> Scene:
    """A house, its people, a listing, and two trades: one settled, one instructed (`INSTRUCTED`)."""
    clock = SimulatedClock(EARLIER)
    house = await make_house(database, clock)
    async with database.write() as s:
        await create_log(s, origin=ORIGIN, at=clock.now())
    seller = await house.admit("粤能数科", {"PROVIDER"})
    buyer = await house.admit("湾区普惠银行", {"BUYER"})
    broker = await house.admit("珠江数据经纪", {"BROKER"})
    authority = await house.admit("省政务服务和数据管理局", {"DATA_AUTHORITY"})
    scene = Scene(
        house=house,
        clock=clock,
        seller=seller,
        buyer=buyer,
        broker=broker,
        authority=authority,
        samr=authority,
        stranger=buyer,
        bank=BankSide(SigningKey.generate()),
        listing=await listed(house, seller),
        cert_id=(await certified(authority, broker)).cert_id,
        mandate_id="",
    )
    scene.mandate_id = await scene.mandate(seller, Side.PROVIDER)
    for number, party in enumerate((seller, broker), start=11):
        await party.do(
            set_payee_account,
            attempted="PAY.ACCOUNT",
            account=account_number(number),
            holder=party.organisation.name,
        )
    settled = await scene.walk(TradeState.ACCEPTED_GOODS)
    scene.trades["INSTRUCTED"] = await scene.walk(TradeState.ACCEPTED_GOODS)
    await scene.run_jobs(EARLIER + timedelta(days=1))
    await scene.settle(settled)
    scene.trades["SETTLED"] = settled
    await seal_all(database, clock)
    clock.run()  # as a node's does: of ids of one moment every one falls on another page of its index
    return scene


class Stock:
    """Copies of the instructed trade, made by the hundred."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._seed = Seed()
        self._template: dict[str, Rows] = {}

    async def template(self) -> dict[str, Rows]:
        """The rows of the instructed trade, by table."""
        if not self._template:
            trade_id = self.scene.trades["INSTRUCTED"]
            async with self.scene.database.read() as s:
                connection = await s.connection()
                batches = select(_BATCHES.c.batch_id).where(_BATCHES.c.object_id == trade_id)
                for table in _TABLES:
                    where = (
                        table.c.batch_id.in_(batches)
                        if table.name == PostingRow.__tablename__
                        else table.c.get("trade_id", table.c.get("object_id")) == trade_id
                    )
                    found = await connection.execute(select(table).where(where))
                    self._template[table.name] = [dict(row) for row in found.mappings()]
        return self._template

    async def take(self, count: int) -> list[Due]:
        """So many new trades, instructed, and what the bank says about each."""
        made: list[Due] = []
        while len(made) < count:
            made += await self._copy(min(_CHUNK, count - len(made)))
        return made

    async def _copy(self, count: int) -> list[Due]:
        template, clock = await self.template(), self.scene.clock
        old_trade = self.scene.trades["INSTRUCTED"]
        (said,) = template[Instruction.__tablename__]
        rows: dict[str, list[dict[str, Any]]] = {table.name: [] for table in _TABLES}
        due = []
        for _ in range(count):
            at = clock.now()
            names = {
                old_trade: self._seed.new_id("trd", at),
                said["message_id"]: self._seed.new_id("ins", at),
            }
            for batch in template[PostingBatchRow.__tablename__]:
                names[batch["batch_id"]] = self._seed.new_id("bat", at)
            for name, kept in template.items():
                rows[name] += [_renamed(row, names) for row in kept]
            due.append(self._due(rows[Instruction.__tablename__][-1]))
        async with self.scene.database.write_rows() as s:
            plan = Plan()
            for table, what in zip(_TABLES, _COPIES, strict=True):
                plan.add(what, [tuple(row[name] for name in what.names) for row in rows[table.name]])
            await plan.carry_out(s)
        return due

    def _due(self, row: Mapping[str, Any]) -> Due:
        instruction = Instruction(**row)
        told = self.scene.bank.debit(instruction, at=self.scene.clock.now())
        self.scene.bank.told.clear()
        return Due(instruction.trade_id, instruction, told)


def _renamed(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The same row with other ids; a posting's own number is the database's to give."""
    made = {name: _in(value, names) for name, value in row.items() if name != "id"}
    if "xml" in made:
        made["xml_sha256"] = sha256_hex(made["xml"])
    return made


def _in(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, bytes):
        for old, new in names.items():
            value = value.replace(old.encode(), new.encode())
    elif isinstance(value, str) and type(value) is str:
        for old, new in names.items():
            value = value.replace(old, new)
    elif isinstance(value, dict):
        value = {key: _in(part, names) for key, part in value.items()}
    elif isinstance(value, list):
        value = [_in(part, names) for part in value]
    return value
