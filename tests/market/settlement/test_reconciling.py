"""Each day's statement of the bank against what we know, to the fen; every difference is stated."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import orjson
import pytest
from sqlalchemy import text
from sqlmodel import select

from base.jobs import JobRow, JobStatus
from base.signing import SigningKey, parse_envelope
from ledger.reader import opening, statements_of
from market.settlement.errors import AccountNotOurs, BankMessageMalformed, DayNotOver
from market.settlement.messages import MAX_BYTES, read_statement
from market.settlement.reconciling import RECONCILE_JOB, compare, queue_reconciliation, reconcile_day
from market.settlement.repository import open_work_items, reconciled_days
from market.settlement.tables import BankMovement, ReconciledDay
from tests.market.settlement.bank_side import ESCROW, PAYER, BankSide, Mood, credit_entry, serial
from tests.market.trade.scene import PRICE, Scene
from tests.standstill import fingerprints, untouched

DAY = date(2026, 11, 16)
OVER = datetime(2026, 11, 16, 17, 0, tzinfo=UTC)  # 01:00 of the 17th in Shanghai


@pytest.fixture
async def funded(scene) -> Scene:
    """One more trade funded on the day; with the scene's own there are several movements."""
    await scene.fund(scene.trades["CONTRACTED"])
    return scene


async def reconcile(scene: Scene, envelope, *, day: date = DAY) -> ReconciledDay:
    async def bound(s, act):
        return await reconcile_day(s, act, envelope=envelope, day=day, escrow=ESCROW)

    return await scene.house.operator.do(bound, attempted="PAY.RECONCILE")


async def work(scene: Scene) -> list[tuple[str, str | None]]:
    async with scene.database.read() as s:
        items = [(item.kind, item.trade_id) for item in await open_work_items(s)]
    return sorted(items, key=lambda item: (item[0], item[1] or ""))


def true_statement(scene: Scene, **changes):
    entries = [entry for entry in scene.bank.booked if entry.booked_on == DAY.isoformat()]
    return scene.bank.statement(DAY, entries, **changes)


async def test_a_day_that_agrees_is_stated_as_matched(funded):
    scene = funded
    scene.clock.move_to(OVER)
    row = await reconcile(scene, true_statement(scene))
    assert (row.matched, row.mismatches) == (True, [])
    async with scene.database.read() as s:
        (said,) = await statements_of(s, object_id="day/2026-11-16")
        private = await opening(s, sha256=said.opening_sha256)
    assert (said.predicate["matched"], said.predicate["mismatches"]) == (True, 0)
    incoming = sum(entry.amount_minor for entry in scene.bank.booked if entry.booked_on == "2026-11-16")
    assert private | {"nonce": ""} == {
        "opening_minor": "0",
        "in_minor": str(incoming),
        "out_minor": "0",
        "closing_minor": str(incoming),
        "expected_closing_minor": str(incoming),
        "nonce": "",
    }
    assert (await scene.totals())[0] == incoming


async def test_the_same_statement_again_changes_nothing(funded):
    scene = funded
    statement = true_statement(scene)
    first = await reconcile(scene, statement)
    before = await fingerprints(scene.database)
    assert (await reconcile(scene, statement)).statement_id == first.statement_id
    assert await fingerprints(scene.database) == before


async def test_an_amount_that_differs_an_unknown_entry_and_a_missing_one_are_told_apart(funded):
    scene = funded
    on_day = [entry for entry in scene.bank.booked if entry.booked_on == "2026-11-16"]
    mine = next(entry for entry in on_day if entry.reference == scene.trades["CONTRACTED"])
    gone, *rest = [entry for entry in on_day if entry is not mine]
    wrong = replace(mine, amount_minor=PRICE - 100)
    strange = credit_entry("Wang Wu", 7, on="2026-11-16", entry_id="trf_strange")
    named = credit_entry(scene.trades["LAPSED"], 5, on="2026-11-16", entry_id="trf_named")
    row = await reconcile(scene, scene.bank.statement(DAY, [*rest, wrong, strange, named]))
    assert not row.matched
    known = {(m["kind"], m["entry_id"]): (m["expected_minor"], m["actual_minor"]) for m in row.mismatches}
    closing = sum(entry.amount_minor for entry in on_day)
    assert known == {
        ("amount-differs", mine.entry_id): (str(PRICE), str(PRICE - 100)),
        ("missing-entry", gone.entry_id): (str(PRICE), "0"),
        ("unknown-entry", "trf_strange"): ("0", "7"),
        ("unknown-entry", "trf_named"): ("0", "5"),
        ("closing-balance", "closing-balance"): (str(closing), str(closing - PRICE - 100 + 12)),
    }
    assert set(await work(scene)) == {
        ("amount-differs", scene.trades["CONTRACTED"]),
        ("closing-balance", None),
        ("missing-entry", gone.reference),
        ("unknown-entry", None),  # what a payer wrote stays off the ledger
        ("unknown-entry", scene.trades["LAPSED"]),
    }


async def test_a_balance_that_does_not_follow_from_the_day_before_is_a_difference(funded):
    scene = funded
    row = await reconcile(scene, true_statement(scene, opening_minor=3))
    assert [(m["kind"], m["expected_minor"], m["actual_minor"]) for m in row.mismatches][1] == (
        "opening-balance",
        "0",
        "3",
    )
    assert [kind for kind, _ in await work(scene)] == ["closing-balance", "opening-balance"]


async def test_only_a_day_of_ours_that_is_over_is_compared(funded):
    scene = funded
    async with untouched(scene.database, BankMessageMalformed):
        await reconcile(scene, true_statement(scene), day=DAY + timedelta(days=1))
    async with untouched(scene.database, DayNotOver):
        await reconcile(scene, true_statement(scene, running=True))
    with pytest.raises(AccountNotOurs):
        await reconcile(scene, true_statement(scene, escrow=PAYER))


async def test_the_clock_fetches_each_days_statement_when_the_day_is_over(funded):
    scene = funded
    await scene.run_jobs(OVER - timedelta(seconds=1))
    async with scene.database.read() as s:
        assert DAY not in {row.day for row in await reconciled_days(s)}
    await scene.run_jobs(OVER)
    async with scene.database.read() as s:
        days = {row.day: row.matched for row in await reconciled_days(s)}
    # From the first movement on every day, weekends and days on which nothing moved as well.
    first = min(days)
    assert days == {first + timedelta(days=n): True for n in range((DAY - first).days + 1)}
    assert max(days) == DAY > first


async def test_money_that_moves_on_a_day_of_which_we_know_nothing_is_found(funded):
    scene = funded
    quiet = DAY + timedelta(days=1)
    opening = sum(entry.amount_minor for entry in scene.bank.booked if entry.credit)
    opening -= sum(entry.amount_minor for entry in scene.bank.booked if not entry.credit)
    gone = replace(credit_entry(None, 5, on=quiet.isoformat(), entry_id="pay_gone"), credit=False)
    scene.bank.days[quiet] = scene.bank.statement(quiet, [gone], opening_minor=opening)
    await scene.run_jobs(OVER + timedelta(days=1))
    async with scene.database.read() as s:
        days = {row.day: row.mismatches for row in await reconciled_days(s)}
    assert [(m["kind"], m["expected_minor"], m["actual_minor"]) for m in days[quiet]] == [
        ("closing-balance", str(opening), str(opening - 5)),
        ("unknown-entry", "0", "-5"),
    ]


@pytest.mark.parametrize("hindrance", ["down", "running"])
async def test_a_statement_that_cannot_be_had_yet_is_asked_for_again(funded, hindrance):
    scene = funded
    if hindrance == "down":
        scene.bank.mood = Mood.IS_DOWN
    else:
        scene.bank.days[DAY] = true_statement(scene, running=True)
    await scene.run_jobs(OVER)
    for _ in range(11):
        await scene.run_jobs(scene.clock.now() + timedelta(hours=1))
    scene.bank.mood = Mood.PAYS
    scene.bank.days.clear()
    await scene.run_jobs(scene.clock.now() + timedelta(hours=1))
    async with scene.database.read() as s:
        assert DAY in {row.day for row in await reconciled_days(s)}
        jobs = (await s.exec(select(JobRow).where(JobRow.kind == RECONCILE_JOB))).all()
    to_come = (DAY + timedelta(days=1)).isoformat()
    assert {job.status for job in jobs if job.payload["day"] != to_come} == {JobStatus.DONE}
    assert [job.status for job in jobs if job.payload["day"] == to_come] == [JobStatus.QUEUED]
    assert await work(scene) == []


def movement(entry_id: str, signed_minor: int, booked_on: date = DAY) -> BankMovement:
    return BankMovement(
        entry_id=entry_id,
        message_id="ntf_1",
        trade_id="trd_1",
        end_to_end_id="x",
        signed_minor=signed_minor,
        booked_on=booked_on,
    )


def compared(entries, known, *, opening_minor: int, elsewhere=()):
    bank = BankSide(SigningKey.generate())
    statement = read_statement(bank.statement(DAY, entries, opening_minor=opening_minor).payload)
    moved = sum(one.signed_minor for one in known)
    found = compare(
        statement,
        known,
        elsewhere=elsewhere,
        expected_opening=opening_minor,
        expected_closing=opening_minor + moved,
    )
    return [(one.kind, one.entry_id, one.expected_minor, one.actual_minor) for one in found]


def paid(amount_minor: int, *, back: bool = False):
    return replace(credit_entry("trd_1", amount_minor, on=DAY.isoformat(), entry_id="pay_1"), credit=back)


def test_a_payment_made_twice_is_found_though_both_carry_one_reference():
    assert compared([paid(100), paid(100)], [movement("pay_1", -100)], opening_minor=300) == [
        ("amount-differs", "pay_1", -100, -200),
        ("closing-balance", "closing-balance", 200, 100),
    ]


def test_a_slip_that_is_put_right_on_the_same_day_is_no_difference():
    entries = [paid(100), paid(100), paid(100, back=True)]
    assert compared(entries, [movement("pay_1", -100)], opening_minor=300) == []


def test_a_correction_on_a_later_day_names_the_payment_it_corrects():
    earlier = [movement("pay_1", -100, DAY - timedelta(days=1))]
    assert compared([paid(100, back=True)], [], opening_minor=100, elsewhere=earlier) == [
        ("closing-balance", "closing-balance", 100, 200),
        ("other-day", "pay_1", 0, 100),
    ]


async def test_a_day_of_thousands_of_entries_is_compared(sqlite_scene):
    """A statement that is too long to be read is a day that nobody compares, and every day after it."""
    scene = sqlite_scene
    entries = [credit_entry(serial("trd"), 1, on=DAY.isoformat()) for _ in range(1500)]
    scene.bank.booked += entries
    async with scene.database.write() as s:
        s.add_all(
            BankMovement(
                entry_id=entry.entry_id,
                message_id=entry.entry_id,
                trade_id=entry.reference,
                end_to_end_id=entry.end_to_end_id,
                signed_minor=entry.amount_minor,
                booked_on=DAY,
            )
            for entry in entries
        )
    await scene.run_jobs(OVER)
    async with scene.database.read() as s:
        compared = next(row for row in await reconciled_days(s) if row.day == DAY)
    assert compared.matched
    assert len(parse_envelope(orjson.loads(compared.envelope)).payload) > 2 * MAX_BYTES


@pytest.mark.postgresql
async def test_who_has_posted_does_not_wait_for_the_comparison_that_runs(postgresql_database):
    """That one waits, to roll the day up, for everybody who has posted: each for the other, for ever."""
    database = postgresql_database
    async with database.write() as s:
        await queue_reconciliation(s, day=DAY)
    async with database.write() as comparing:
        await (await comparing.connection()).execute(text("UPDATE jobs SET attempts = attempts + 1"))
        async with database.write() as debit:
            await asyncio.wait_for(queue_reconciliation(debit, day=DAY), 10)
