"""Payments in doubt over the upgrade: the statements of their days are fetched, where none was kept."""

from datetime import date, timedelta
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlmodel import col, select

import migrations.run
from base.jobs import JobRow
from market.settlement import repository
from market.settlement.ascertaining import in_doubt
from market.settlement.reconciling import RECONCILE_JOB
from market.settlement.tables import Found
from migrations.models import import_tables
from migrations.run import current, migrate, newest
from tests.market.disputes.staging import work
from tests.market.settlement.test_ascertaining import AFTER, PAY_DAY, T_PLUS_1, book
from tests.market.trade.scene import Scene

BEFORE = "0003"
import_tables()  # before the scene is made: it has the tables that there are


async def back_to_before(scene: Scene) -> None:
    """The database as the program before this one had left it: days compared, and no statement kept."""

    def downgrade(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(Path(migrations.run.__file__).parent))
        config.attributes["connection"] = connection
        command.stamp(config, "head")
        command.downgrade(config, BEFORE)

    async with scene.database.engine.begin() as connection:
        await connection.run_sync(downgrade)
    assert await current(scene.database) == BEFORE


async def queued(scene: Scene) -> list[str]:
    """The days whose comparison is asked for."""
    async with scene.database.read() as s:
        query = select(JobRow.key).where(JobRow.kind == RECONCILE_JOB, JobRow.status == "QUEUED")
        return list((await s.exec(query.order_by(col(JobRow.key)))).all())


async def kept(scene: Scene) -> dict[date, bool]:
    async with scene.database.read() as s:
        days = await repository.reconciled_days(s)
    found: dict[date, bool] = {}
    for row in days:  # a day may have been compared with two statements
        found[row.day] = found.get(row.day, False) or row.envelope is not None
    return found


async def test_the_statements_of_payments_in_doubt_are_fetched_again(scene):
    trade_id = scene.trades["ACCEPTED_GOODS"]
    await scene.run_jobs(T_PLUS_1)
    book(scene, await scene.instruction(trade_id))
    await scene.run_jobs(AFTER)
    days, doubts = await kept(scene), await work(scene, trade_id)
    assert PAY_DAY in days
    assert PAY_DAY - timedelta(days=1) in days
    await back_to_before(scene)
    await migrate(scene.database)
    assert await current(scene.database) == newest()
    since = sorted(day for day in days if day >= PAY_DAY)
    assert [day for day in await queued(scene) if date.fromisoformat(day) in days] == [
        day.isoformat() for day in since
    ]
    await scene.run_jobs(AFTER + timedelta(hours=1))
    assert {day for day, there in (await kept(scene)).items() if there} == set(since)
    assert set(await work(scene, trade_id)) == set(doubts)
    async with scene.database.read() as s:
        (doubt,) = await in_doubt(s)
    assert (doubt.shown, doubt.waits_for) == (Found.PAID, None)


async def test_nothing_is_fetched_again_where_no_payment_is_in_doubt(sqlite_scene):
    scene = sqlite_scene
    await scene.run_jobs(T_PLUS_1)
    await scene.settle(scene.trades["ACCEPTED_GOODS"])
    await scene.run_jobs(AFTER)
    before = await queued(scene)
    await back_to_before(scene)
    await migrate(scene.database)
    assert await queued(scene) == before
