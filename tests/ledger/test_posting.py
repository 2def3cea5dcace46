"""Postings balance, in pure code and in the database; a reservation is resolved once."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from base.db import Database
from ledger.accounts import Leg, bank_cash, held
from ledger.balances import balance, totals
from ledger.errors import AlreadyResolved, LegsUnbalanced
from ledger.posting import book, post_reserved, reserve, void_reserved
from tests.ledger.seeds import AT, statement


async def funded(database: Database, amount: int = 100, *, name: str = "b1") -> None:
    async with database.write() as s:
        await statement(s, f"sta_{name}")
        await book(
            s,
            batch_id=name,
            object_id="t1",
            statement_id=f"sta_{name}",
            booked_at=AT,
            legs=[Leg(bank_cash(), amount), Leg(held("t1"), -amount)],
        )


async def both(database: Database) -> tuple[int, int]:
    async with database.read() as s:
        assert (await balance(s, bank_cash()), await balance(s, held("t1"))) == await totals(s)
        return await totals(s)


async def test_a_booked_batch_moves_both_balances(database: Database) -> None:
    await funded(database)
    assert await both(database) == (100, -100)


async def test_unbalanced_legs_are_refused_before_anything_is_written(database: Database) -> None:
    with pytest.raises(LegsUnbalanced):
        async with database.write() as s:
            await statement(s, "sta_x")
            await book(
                s,
                batch_id="x",
                object_id="t",
                statement_id="sta_x",
                booked_at=AT,
                legs=[Leg(bank_cash(), 5), Leg(held("t"), -4)],
            )
    assert await both(database) == (0, 0)


async def test_the_database_itself_refuses_legs_that_do_not_sum_to_zero(database: Database) -> None:
    with pytest.raises(DBAPIError, match="sum to zero"):
        async with database.write() as s:
            await statement(s, "sta_y")
            await (await s.connection()).execute(
                text(
                    "INSERT INTO ledger_postings (batch_id, account, amount_minor, currency, booked) "
                    "VALUES ('y', 'bank:escrow', 7, 'CNY', true)"
                )
            )
            await (await s.connection()).execute(
                text(
                    "INSERT INTO ledger_posting_batches (batch_id, kind, object_id, statement_id, booked_at) "
                    "VALUES ('y', 'book', 't', 'sta_y', :at)"
                ),
                {"at": AT.replace(tzinfo=None) if database.dialect == "sqlite" else AT},
            )
    assert await both(database) == (0, 0)


async def test_a_posting_is_never_rewritten(database: Database) -> None:
    await funded(database)
    for sql in ("UPDATE ledger_postings SET amount_minor = 1", "DELETE FROM ledger_postings"):
        with pytest.raises(DBAPIError, match="insert-only"):
            async with database.write() as s:
                await (await s.connection()).execute(text(sql))
    assert await both(database) == (100, -100)


async def test_a_batch_without_its_statement_does_not_happen(database: Database) -> None:
    with pytest.raises(DBAPIError):
        async with database.write() as s:
            await book(
                s,
                batch_id="z",
                object_id="t",
                statement_id="sta_missing",
                booked_at=AT,
                legs=[Leg(bank_cash(), 5), Leg(held("t1"), -5)],
            )
    assert await both(database) == (0, 0)


async def reserved(database: Database) -> None:
    await funded(database)
    async with database.write() as s:
        await statement(s, "sta_p")
        await reserve(
            s,
            batch_id="p",
            object_id="t1",
            statement_id="sta_p",
            booked_at=AT,
            legs=[Leg(held("t1"), 60), Leg(bank_cash(), -60)],
        )


async def test_a_reservation_moves_nothing_until_it_is_posted(database: Database) -> None:
    await reserved(database)
    assert await both(database) == (100, -100)
    async with database.write() as s:
        await statement(s, "sta_q")
        await post_reserved(s, batch_id="q", resolves="p", statement_id="sta_q", booked_at=AT)
    assert await both(database) == (40, -40)


async def test_a_second_resolution_is_refused_and_moves_no_money(database: Database) -> None:
    await reserved(database)
    async with database.write() as s:
        await statement(s, "sta_v")
        await void_reserved(s, batch_id="v", resolves="p", statement_id="sta_v", booked_at=AT)
    with pytest.raises(AlreadyResolved):
        async with database.write() as s:
            await statement(s, "sta_w")
            await post_reserved(s, batch_id="w", resolves="p", statement_id="sta_w", booked_at=AT)
    assert await both(database) == (100, -100)
