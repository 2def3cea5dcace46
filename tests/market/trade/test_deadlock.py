"""A party's act and a due job that lock trade and job row in both orders: the act is done again, once.

Two real connections of PostgreSQL. Whom the database takes back is not left to chance: the one that waits
first does not look for deadlocks in this hour, so the other one, which comes when it waits, finds it.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from base.db import WriteSession
from base.errors import Busy
from brokers.mandates.repository import terms_of
from brokers.mandating import accept_mandate, sign_mandate
from brokers.repository import certificate_in_use, lock_mandate
from brokers.rules import Side
from identity.repository import lock_organisation
from ledger.acts import TRIES, Once, perform
from ledger.recording import Act
from market.delivery.service import SILENT_ACCEPT_JOB, accept_goods, silent_accept
from market.orders.errors import TradeWrongState
from market.orders.repository import claim_trade
from market.orders.states import TradeState
from market.orders.tables import Trade
from tests.copies import Copies
from tests.market.trade.scene import ENDS_AT, Scene
from tests.postgres import Server
from tests.standstill import told, untouched

pytestmark = pytest.mark.postgresql
LATE = timedelta(milliseconds=1)


@pytest.fixture
async def scene(scenery: Copies[Scene], postgres: Server) -> AsyncIterator[Scene]:
    async with scenery.on_postgresql(postgres) as (database, made):
        yield made.on(database)


class Kept(Once):
    """What an idempotent caller would have remembered."""

    def __init__(self) -> None:
        self.said: list[str] = []

    async def after(self, s: WriteSession, result: object) -> None:
        self.said.append("done")

    async def refused(self, s: WriteSession, refusal: Exception) -> None:
        self.said.append("refused")


class Knot:
    """A due job that holds its row and wants the trade, and an act that holds the trade and wants the row."""

    def __init__(self, scene: Scene, *, job_acts: bool) -> None:
        self.scene, self.trade_id, self.job_acts = scene, scene.trades["DELIVERED"], job_acts
        self.holds, self.may_want = asyncio.Event(), asyncio.Event()
        self.pid, self.ids = 0, list[str]()

    async def job(self) -> None:
        """What the runner does: the row of the job first, then the trade."""
        async with self.scene.database.write() as s:
            connection = await s.connection()
            await connection.execute(text("SET LOCAL deadlock_timeout = '1h'"))
            self.pid = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
            row = text("SELECT 1 FROM jobs WHERE kind = :kind AND key = :key FOR UPDATE")
            named = {"kind": SILENT_ACCEPT_JOB, "key": self.trade_id}
            assert (await connection.execute(row, named)).scalar_one() == 1
            self.holds.set()
            await self.may_want.wait()
            if self.job_acts:
                assert await silent_accept(s, self.scene.house.house.exchange_act(), trade_id=self.trade_id)
            else:
                await claim_trade(s, trade_id=self.trade_id)

    async def verb(self, s: WriteSession, act: Act) -> Trade:
        """What the buyer does: the trade first, then the row of its job."""
        self.ids.append(act.new_id("tst"))
        await claim_trade(s, trade_id=self.trade_id)
        if len(self.ids) == 1:
            connection = await s.connection()
            await connection.execute(text("SET LOCAL deadlock_timeout = '1ms'"))
            self.may_want.set()
            await self._job_waits()
        return await accept_goods(s, act, trade_id=self.trade_id)

    async def _job_waits(self) -> None:
        blocked = text("SELECT cardinality(pg_blocking_pids(:pid)) > 0")
        async with self.scene.database.engine.connect() as beside:
            while not (await beside.execute(blocked, {"pid": self.pid})).scalar_one():
                await beside.rollback()

    async def _deadline(self) -> datetime:
        trade = await self.scene.trade(self.trade_id)
        assert trade.accept_by is not None
        return trade.accept_by

    async def tied(self, once: Once) -> Trade:
        """Both at once; what the buyer gets."""
        buyer = self.scene.buyer
        act = self.scene.house.house.act(buyer.actor, "BUYER", buyer.pen)
        if self.job_acts:  # the act was in time when it came; meanwhile the job has fallen due
            self.scene.clock.move_to(await self._deadline() + LATE)
        job = asyncio.create_task(self.job())
        await self.holds.wait()
        said = {"attempted": "TRD.ACCEPT_GOODS", "object_id": self.trade_id}
        try:
            return await perform(self.scene.house.house, act, self.verb, once=once, **said)
        finally:
            await job


async def test_the_act_that_was_taken_back_is_done_again_and_once(scene: Scene) -> None:
    knot, kept = Knot(scene, job_acts=False), Kept()
    before = await told(scene.database)
    trade = await knot.tied(kept)
    assert trade.status is TradeState.ACCEPTED_GOODS
    assert len(knot.ids) == 2
    assert knot.ids[0] == knot.ids[1]  # the same act, with the same ids and nonces
    assert kept.said == ["done"]
    assert (await told(scene.database)).statements == before.statements + 1
    assert (await scene.events(knot.trade_id)).count("TRD.ACCEPT_GOODS") == 1
    assert (await scene.trade(knot.trade_id)).status is TradeState.ACCEPTED_GOODS


async def test_where_the_job_has_won_the_act_is_refused_once_and_for_the_record(scene: Scene) -> None:
    knot, kept = Knot(scene, job_acts=True), Kept()
    before = await told(scene.database)
    with pytest.raises(TradeWrongState):
        await knot.tied(kept)
    now = await told(scene.database)
    assert (len(knot.ids), kept.said) == (2, ["refused"])
    assert now.codes[len(before.codes) :] == [TradeWrongState.code]
    assert now.statements == before.statements + 2  # the clock's acceptance, and the refusal
    events = await scene.events(knot.trade_id)
    assert (events.count("TRD.SILENT_ACCEPT"), events.count("TRD.ACCEPT_GOODS")) == (1, 0)


@pytest.mark.parametrize("sqlstate", ["40P01", "40001"])
async def test_who_is_taken_back_again_and_again_is_told_to_come_later(scene: Scene, sqlstate: str) -> None:
    tried: list[str] = []

    async def lost(s: WriteSession, act: Act) -> None:
        tried.append(act.nonce())
        await accept_goods(s, act, trade_id=scene.trades["DELIVERED"])
        connection = await s.connection()
        await connection.execute(text(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{sqlstate}'; END $$"))

    async with untouched(scene.database, Busy) as caught:
        await scene.buyer.do(lost, role="BUYER", attempted="TRD.ACCEPT_GOODS", object_id="trd_1")
    assert caught.value.facts == {"retry_after_s": 1}
    assert (len(tried), len(set(tried))) == (TRIES, 1)


async def test_another_error_of_the_database_is_not_tried_again(scene: Scene) -> None:
    tried: list[int] = []

    async def wrong(s: WriteSession, _: Act) -> None:
        tried.append(1)
        await (await s.connection()).execute(text("SELECT 1 / 0"))

    with pytest.raises(Exception, match="division by zero"):
        await scene.buyer.do(wrong, role="BUYER", attempted="TRD.ACCEPT_GOODS", object_id="trd_1")
    assert tried == [1]


async def test_a_mandate_is_accepted_in_the_order_in_which_an_inquiry_locks_what_it_rests_on(
    scene: Scene,
) -> None:
    said = {"listing_id": None, "scope": "sell", "fee_bp": 200, "ends_at": ENDS_AT, "side": Side.PROVIDER}
    signed = await scene.seller.do(sign_mandate, role="PROVIDER", broker_id=scene.broker.org_id, **said)
    async with scene.database.write() as s:  # the client, the certificate, the mandate
        terms = await terms_of(s, mandate_id=signed.mandate_id)
        assert terms is not None
        connection = await s.connection()
        await connection.execute(text("SET LOCAL deadlock_timeout = '1ms'"))
        pid = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
        await lock_organisation(s, org_id=scene.seller.org_id)
        accepting = asyncio.create_task(
            scene.broker.do(
                accept_mandate, mandate_id=signed.mandate_id, document_sha256=terms.document_sha256
            )
        )
        waits = text("SELECT count(*) FROM pg_stat_activity WHERE :pid = ANY (pg_blocking_pids(pid))")
        async with scene.database.engine.connect() as beside:
            while not (await beside.execute(waits, {"pid": pid})).scalar_one():
                assert not accepting.done()
                await beside.rollback()
        await certificate_in_use(s, org_id=scene.broker.org_id, at=scene.clock.now())
        await lock_mandate(s, mandate_id=signed.mandate_id)
    assert (await accepting).status == "ACTIVE"
