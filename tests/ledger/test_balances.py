"""Days that are over are rolled up; a balance is the same with them as without, at every moment."""

import asyncio
import random
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text

from base.db import Database
from ledger.accounts import Leg, bank_cash, escrow_of, every_trade, held, platform_fee
from ledger.balances import balance, balance_before, day_balances, movements, roll_up, totals
from ledger.posting import book
from tests.ledger.seeds import statement

FIRST = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
DAY = date(2026, 11, 16)
A_DAY = timedelta(days=1)
ACCOUNTS = [escrow_of("org_a"), escrow_of("org_b"), platform_fee(), bank_cash(), every_trade(), held("t1")]


async def booked(database: Database, number: int, at: datetime, *legs: Leg) -> None:
    async with database.write() as s:
        await statement(s, f"sta_{number}")
        await book(
            s,
            batch_id=f"bat_{number}",
            object_id=f"obj_{number}",
            statement_id=f"sta_{number}",
            booked_at=at,
            legs=legs,
        )


async def funded(database, number: int, at: datetime, org: str, amount: int) -> None:
    await booked(database, number, at, Leg(escrow_of(org), amount), Leg(held("t1"), -amount))


async def test_a_day_that_is_over_is_kept_once_and_changes_no_balance(database):
    await funded(database, 1, FIRST, "org_a", 700)
    await funded(database, 2, FIRST + A_DAY, "org_b", 50)
    await booked(
        database,
        3,
        FIRST + A_DAY,
        Leg(held("t1"), 700),
        Leg(escrow_of("org_b"), -693),
        Leg(platform_fee(), -7),
    )
    async with database.read() as s:
        plain = {name: await balance(s, name) for name in ACCOUNTS}
    async with database.write() as s:
        assert await roll_up(s, day=DAY) == 3
        assert await roll_up(s, day=DAY) == 0
    async with database.read() as s:
        assert {name: await balance(s, name) for name in ACCOUNTS} == plain
        assert await totals(s) == (50, -50)
        (kept,) = await day_balances(s, account=bank_cash())
        assert (kept.balance_minor, kept.paid_in_minor, kept.paid_out_minor, kept.movements) == (
            700,
            700,
            0,
            1,
        )
    async with database.write() as s:
        await roll_up(s, day=DAY + A_DAY)
    async with database.read() as s:
        assert {name: await balance(s, name) for name in ACCOUNTS} == plain
        assert [row.balance_minor for row in await day_balances(s, account=escrow_of("org_b"))] == [-643]
        assert await balance_before(s, escrow_of("org_a"), moment=FIRST) == 0
        assert await balance_before(s, escrow_of("org_a"), moment=FIRST + A_DAY) == 700


async def test_movements_name_their_statements_in_order(database):
    for number, day in enumerate((0, 0, 1, 2), start=1):
        await funded(database, number, FIRST + day * A_DAY, "org_a", number)
    async with database.write() as s:
        await roll_up(s, day=DAY)
    since = datetime(2026, 11, 16, 16, 0, tzinfo=UTC)  # midnight in Shanghai
    async with database.read() as s:
        found = await movements(s, escrow_of("org_a"), since=since, until=since + A_DAY, limit=10)
        everything = await movements(s, bank_cash(), since=FIRST, until=FIRST + 9 * A_DAY, limit=3)
    assert [(one.amount_minor, one.event, one.object_id) for one in found] == [(3, "TST.NOTE", "obj_3")]
    assert [one.amount_minor for one in everything] == [1, 2, 3]
    assert all(one.statement_id.startswith("sta_") and one.seq is None for one in found)


async def test_a_balance_of_any_day_is_the_sum_of_what_was_booked_before(database):
    chance = random.Random(5)
    moves = sorted((chance.randrange(6), chance.choice("ab"), chance.randrange(1, 10**12)) for _ in range(20))
    for number, (day, org, amount) in enumerate(moves):
        await funded(database, number, FIRST + day * A_DAY, f"org_{org}", amount)
    whole = sum(amount for _, _, amount in moves)
    for rolled in (None, 1, 4, 2, 5):
        if rolled is not None:
            async with database.write() as s:
                await roll_up(s, day=DAY + rolled * A_DAY)
        async with database.read() as s:
            for asked in range(7):
                moment = FIRST + asked * A_DAY - timedelta(hours=9)  # midnight in Shanghai
                for org in "ab":
                    due = sum(amount for day, who, amount in moves if who == org and day < asked)
                    assert await balance_before(s, escrow_of(f"org_{org}"), moment=moment) == due
            assert await totals(s) == (whole, -whole)


async def test_an_account_goes_on_from_its_own_last_day_however_many_there_are(database, monkeypatch):
    monkeypatch.setattr("ledger.balances._AT_ONCE", 2)  # and more than one question is asked
    for number, (day, org, amount) in enumerate([(0, "a", 5), (1, "b", 70), (3, "a", 600), (3, "b", 8000)]):
        await funded(database, number, FIRST + day * A_DAY, f"org_{org}", amount)
    for day in range(4):
        async with database.write() as s:
            await roll_up(s, day=DAY + day * A_DAY)
    async with database.read() as s:
        kept = {name: await day_balances(s, account=name) for name in ACCOUNTS[:4]}
    assert [[row.balance_minor for row in rows] for rows in kept.values()] == [
        [605, 5],
        [8070, 70],
        [],
        [8675, 75, 75, 5],
    ]


async def test_what_is_held_on_one_trade_is_summed_whole_after_many_days(database):
    for number in range(1, 7):
        await funded(database, number, FIRST + number * A_DAY, "org_a", number)
        async with database.write() as s:
            await roll_up(s, day=DAY + (number - 1) * A_DAY)
    async with database.read() as s:
        assert (await balance(s, held("t1")), await balance(s, every_trade())) == (-21, -21)
        assert await balance(s, held("t2")) == 0
        assert await balance_before(s, held("t1"), moment=FIRST + 3 * A_DAY) == -3
        found = await movements(s, held("t1"), since=FIRST, until=FIRST + 9 * A_DAY, limit=10)
    assert [one.amount_minor for one in found] == [-1, -2, -3, -4, -5, -6]


@pytest.mark.postgresql
async def test_a_roll_up_waits_for_postings_under_way(postgresql_database):
    database = postgresql_database
    await funded(database, 1, FIRST, "org_a", 700)

    async def rolled() -> int:
        async with database.write() as s:
            return await roll_up(s, day=DAY)

    async with database.write() as late:
        legs = [Leg(escrow_of("org_b"), 7), Leg(held("t1"), -7)]
        await statement(late, "sta_late")
        await book(late, batch_id="late", object_id="o", statement_id="sta_late", booked_at=FIRST, legs=legs)
        rolling = asyncio.create_task(rolled())
        blocked = "relation = 'ledger_postings'::regclass AND NOT granted"
        waits = text(f"SELECT count(*) FROM pg_locks WHERE {blocked}")
        async with database.engine.connect() as beside:
            while not rolling.done() and (await beside.execute(waits)).scalar_one() == 0:
                await beside.rollback()
        assert not rolling.done()
    await rolling
    async with database.read() as s:
        assert await balance(s, bank_cash()) == 707
        (kept,) = await day_balances(s, account=bank_cash())
    assert kept.balance_minor == 707
