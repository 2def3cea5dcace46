"""A payment in doubt is decided by two officers, on the bank's own statements, and by nothing else."""

from datetime import UTC, date, datetime, timedelta

import pytest

from ledger.reader import opening, statements_of
from market.orders.rules import TradeState
from market.settlement import repository
from market.settlement.ascertaining import ascertain, in_doubt
from market.settlement.errors import (
    InstructionUnknown,
    NothingInDoubt,
    PaymentInDoubt,
    PaymentsCross,
    PaymentUnderWay,
    PersonNeeded,
    SaidBefore,
    StatementContradicts,
    StatementMissing,
    StatementUnknown,
    WorkWrongRole,
)
from market.settlement.instructing import note_status
from market.settlement.mending import Resolution, close_work_item, pay_again
from market.settlement.reconciling import reconcile_day
from market.settlement.tables import Found, Instruction, InstructionState, ReconciledDay
from tests.market.disputes.staging import as_officer, void, work
from tests.market.settlement.bank_side import ESCROW, Mood, debit_entries
from tests.market.settlement.going_back import fail
from tests.market.trade.scene import COMMISSION, PLATFORM_FEE, PRICE, SELLER_PART, Scene
from tests.market.trade.test_freezing import freeze
from tests.standstill import refused, untouched

T_PLUS_1 = datetime(2026, 11, 17, 1, 0, tzinfo=UTC)
PAY_DAY = date(2026, 11, 17)
TERM_DAY = date(2026, 11, 20)
EXPIRES = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
AFTER = datetime(2026, 11, 20, 17, 30, tzinfo=UTC)  # the day on which the term ended is over, and compared


@pytest.fixture
async def due(scene) -> str:
    """A trade whose payment the bank has taken, and not told of."""
    await scene.run_jobs(T_PLUS_1)
    return scene.trades["ACCEPTED_GOODS"]


def book(scene: Scene, instruction: Instruction, *, on: date = PAY_DAY) -> list:
    """The bank pays exactly what was instructed, and tells nobody."""
    entries = debit_entries(instruction, on=on.isoformat())
    scene.bank.booked += entries
    return entries


async def held(scene: Scene, day: date) -> ReconciledDay:
    """The statement of a day that we hold."""
    async with scene.database.read() as s:
        days = await repository.reconciled_days(s)
    return next(row for row in days if row.day == day)


async def find(
    scene: Scene, trade_id: str, found: Found, *, day: date = TERM_DAY, officer: str | None = "usr_1"
) -> Instruction:
    """An officer says what the statements show of a trade's latest instruction."""
    instruction = await scene.instruction(trade_id)
    return await find_of(scene, instruction, found, day=day, officer=officer)


async def find_of(
    scene: Scene, instruction: Instruction, found: Found, *, day: date, officer: str | None = "usr_1"
) -> Instruction:
    return await as_officer(
        scene,
        officer,
        _found,
        trade_id=instruction.trade_id,
        instruction_id=instruction.message_id,
        found=found,
        statement_sha256=(await held(scene, day)).statement_sha256,
    )


async def _found(s, act, *, trade_id, **said):
    del trade_id
    return await ascertain(s, act, note="按银行对账单核对", **said)


async def both(scene: Scene, trade_id: str, found: Found, *, day: date = TERM_DAY) -> Instruction:
    await find(scene, trade_id, found, day=day, officer="usr_1")
    return await find(scene, trade_id, found, day=day, officer="usr_2")


async def told_otherwise(scene: Scene, trade_id: str) -> None:
    """The bank tells another amount than was instructed."""
    message = scene.bank.debit_otherwise(
        await scene.instruction(trade_id), at=scene.clock.now(), delta_minor=-1
    )
    scene.bank.told.pop(message.payload)
    assert (await scene.hear(message))["outcome"] == "mismatch"


async def test_two_officers_find_it_paid_and_the_trade_goes_on_as_by_the_debit(scene, due):
    entries = book(scene, await scene.instruction(due))
    await scene.run_jobs(AFTER)
    assert sorted(await work(scene, due)) == ["payment-unconfirmed", *["unknown-entry"] * 3]
    money = await scene.totals()
    first = await find(scene, due, Found.PAID)
    assert (first.status, await scene.totals()) == (InstructionState.INSTRUCTED, money)  # one is not enough
    async with refused(scene.database, SaidBefore):
        await find(scene, due, Found.PAID)
    second = await find(scene, due, Found.PAID, officer="usr_2")
    assert second.status is InstructionState.PAID
    assert ((await scene.trade(due)).status, await scene.held(due)) == (TradeState.SETTLED, 0)
    assert (await scene.totals())[0] == money[0] - PRICE
    assert await work(scene, due) == []
    day = await held(scene, TERM_DAY)
    async with scene.database.read() as s:
        said = await statements_of(s, object_id=due)
        private = await opening(s, sha256=said[-1].opening_sha256)
        movements = await repository.entries_known(s, entry_ids=[entry.entry_id for entry in entries])
    words = [one for one in said if one.event == "PAY.ASCERTAIN"]
    assert [(one.predicate["words"], len(one.predicate["items"])) for one in words] == [(1, 0), (2, 4)]
    assert {one.predicate["statement_sha256"] for one in words} == {day.statement_sha256}
    assert words[0].predicate["role"] == "EXCHANGE_OPERATOR"
    assert said[-1].event == "TRD.SETTLE"
    assert said[-1].predicate["bank_message_sha256"] == day.statement_sha256
    assert [private[f"{name}_minor"] for name in ("seller", "commission", "platform_fee")] == [
        str(SELLER_PART),
        str(COMMISSION),
        str(PLATFORM_FEE),
    ]
    assert sorted(-row.signed_minor for row in movements) == [PLATFORM_FEE, COMMISSION, SELLER_PART]
    assert {row.booked_on for row in movements} == {PAY_DAY}
    await scene.run_jobs(AFTER + timedelta(days=1))
    assert (await held(scene, TERM_DAY + timedelta(days=1))).matched  # from now on the days fit again


async def test_the_debit_that_comes_afterwards_tells_nothing_new(scene, due):
    entries = book(scene, await scene.instruction(due))
    await scene.run_jobs(AFTER)
    await both(scene, due, Found.PAID)
    late = scene.bank.notification(entries, at=T_PLUS_1)
    scene.bank.told.pop(late.payload)
    money = await scene.totals()
    assert await scene.hear(late) == {"outcome": "known", "trade_id": due}
    assert (await scene.totals(), await work(scene, due)) == (money, [])
    async with refused(scene.database, NothingInDoubt):
        await find(scene, due, Found.NOT_PAID)


async def test_what_was_not_paid_is_given_up_and_can_be_paid_again(scene, due):
    await scene.run_jobs(AFTER)
    for act in (again, freeze):
        async with refused(scene.database, PaymentUnderWay):
            await act(scene, due)
    money = await scene.totals()
    given_up = await both(scene, due, Found.NOT_PAID)
    assert given_up.status is InstructionState.NOT_PAID
    assert (await scene.totals(), await scene.held(due)) == (money, PRICE)
    assert await work(scene, due) == ["payment-not-made"]
    await again(scene, due)
    await scene.run_jobs()
    assert (await scene.instruction(due)).message_id != given_up.message_id
    assert (await scene.settle(due))["outcome"] == "settled"
    assert (await scene.held(due), await work(scene, due)) == (0, [])


async def again(scene: Scene, trade_id: str):
    return await scene.house.operator.do(
        pay_again, attempted="PAY.REQUEUE", object_id=trade_id, trade_id=trade_id
    )


async def test_what_was_not_paid_can_be_frozen_and_made_void(scene, due):
    await scene.run_jobs(AFTER)
    async with refused(scene.database, PaymentUnderWay):
        await void(scene, due)
    await both(scene, due, Found.NOT_PAID)
    await freeze(scene, due, scene.samr)
    assert (await scene.trade(due)).status is TradeState.FROZEN
    assert (await void(scene, due)).status is TradeState.VOIDED
    await scene.run_jobs()
    assert (await scene.instruction(due)).status is InstructionState.NOT_PAID  # on a person's word alone
    await again(scene, due)
    await scene.run_jobs()
    refund = await scene.instruction(due)
    assert refund.payouts[0]["amount_minor"] == str(PRICE)


@pytest.mark.parametrize("meanwhile", ["nothing", "paid again", "void"])
async def test_a_debit_after_not_paid_is_a_difference_and_never_a_second_release(scene, due, meanwhile):
    first = await scene.instruction(due)
    await scene.run_jobs(AFTER)
    await both(scene, due, Found.NOT_PAID)
    if meanwhile == "paid again":
        await again(scene, due)
        await scene.run_jobs()
        await scene.settle(due)
    elif meanwhile == "void":
        await void(scene, due)
        await again(scene, due)
        await scene.run_jobs()
        await scene.settle(due)
    state, money, held_now = (await scene.trade(due)).status, await scene.totals(), await scene.held(due)
    outcome = await scene.hear(scene.bank.debit(first, at=scene.clock.now()))
    assert outcome == {"outcome": "mismatch", "trade_id": due}
    assert "paid-after-all" in await work(scene, due)
    assert ((await scene.trade(due)).status, await scene.totals(), await scene.held(due)) == (
        state,
        money,
        held_now,
    )
    async with scene.database.read() as s:
        said = (await statements_of(s, object_id=due))[-1]
    assert (said.event, said.predicate["kind"]) == ("PAY.MISMATCH", "paid-after-all")
    if meanwhile == "nothing":
        async with refused(scene.database, PaymentInDoubt):
            await again(scene, due)
        async with refused(scene.database, PaymentInDoubt):
            await void(scene, due)


async def test_what_was_paid_after_all_is_found_in_a_later_statement_and_settles_once(scene, due):
    first = await scene.instruction(due)
    await scene.run_jobs(AFTER)
    await both(scene, due, Found.NOT_PAID)
    await again(scene, due)
    await scene.run_jobs()
    later = shanghai(scene)
    await scene.hear(scene.bank.debit(first, at=scene.clock.now()))
    await scene.run_jobs(scene.clock.now() + timedelta(days=1))
    await find_of(scene, first, Found.PAID, day=later, officer="usr_1")
    async with untouched(scene.database, PaymentsCross):  # the second one is with the bank
        await find_of(scene, first, Found.PAID, day=later, officer="usr_2")
    second = await scene.instruction(due)
    report = scene.bank.report(second.xml, "DU04", at=scene.clock.now())  # each end-to-end id once
    await scene.house.operator.do(note_status, message_id=second.message_id, envelope=report)
    await find_of(scene, first, Found.PAID, day=later, officer="usr_2")
    assert ((await scene.trade(due)).status, await scene.held(due)) == (TradeState.SETTLED, 0)
    assert await work(scene, due) == []


def shanghai(scene: Scene) -> date:
    return (scene.clock.now() + timedelta(hours=8)).date()


@pytest.mark.parametrize("found", [Found.PAID, Found.NOT_PAID])
async def test_a_wrong_notice_is_decided_by_the_statement_of_that_day(scene, due, found):
    if found is Found.PAID:
        book(scene, await scene.instruction(due))
    await told_otherwise(scene, due)
    await scene.run_jobs(T_PLUS_1 + timedelta(days=1))
    if found is Found.NOT_PAID:  # it has the term of the instruction to pay
        async with refused(scene.database, StatementMissing):
            await find(scene, due, found, day=PAY_DAY)
        await scene.run_jobs(AFTER)
    day, other = (PAY_DAY, Found.NOT_PAID) if found is Found.PAID else (TERM_DAY, Found.PAID)
    async with refused(scene.database, StatementContradicts) as caught:
        await find(scene, due, other, day=day)
    assert caught.value.facts["shown"] == found.value
    await both(scene, due, found, day=day)
    paid = found is Found.PAID
    assert (await scene.trade(due)).status is (TradeState.SETTLED if paid else TradeState.ACCEPTED_GOODS)
    assert await work(scene, due) == ([] if paid else ["payment-not-made"])


async def test_what_left_otherwise_is_neither_until_the_bank_has_corrected_it(scene, due):
    instruction = await scene.instruction(due)
    first, *others = debit_entries(instruction, on=PAY_DAY.isoformat())
    short = first.__class__(**{**vars_of(first), "amount_minor": first.amount_minor - 100})
    scene.bank.booked += [short, *others]
    await told_otherwise(scene, due)
    await scene.run_jobs(T_PLUS_1 + timedelta(days=1))
    for found in (Found.PAID, Found.NOT_PAID):
        async with refused(scene.database, StatementContradicts) as caught:
            await find(scene, due, found, day=PAY_DAY)
        assert caught.value.facts["shown"] == "OTHERWISE"
    async with refused(scene.database, PaymentUnderWay):
        await again(scene, due)
    assert "paid-otherwise" in await work(scene, due)
    assert await scene.held(due) == PRICE
    scene.bank.booked.append(
        first.__class__(**{**vars_of(first), "amount_minor": 100, "booked_on": "2026-11-18"})
    )
    await scene.run_jobs(T_PLUS_1 + timedelta(days=2))
    await both(scene, due, Found.PAID, day=date(2026, 11, 18))
    assert ((await scene.trade(due)).status, await scene.held(due)) == (TradeState.SETTLED, 0)
    assert await work(scene, due) == []


def vars_of(entry) -> dict:
    return {name: getattr(entry, name) for name in entry.__slots__}


async def test_it_waits_for_the_statements_of_every_day_and_for_one_that_we_hold(scene, due):
    instruction = await scene.instruction(due)
    await scene.run_jobs(T_PLUS_1 + timedelta(days=1))
    async with refused(scene.database, StatementMissing) as caught:  # the bank may still pay
        await find(scene, due, Found.NOT_PAID, day=PAY_DAY)
    assert caught.value.facts["days"] == ["2026-11-20"]
    async with untouched(scene.database, StatementUnknown):
        await as_officer(
            scene,
            "usr_1",
            _found,
            trade_id=due,
            instruction_id=instruction.message_id,
            found=Found.NOT_PAID,
            statement_sha256="ab" * 32,
        )
    scene.clock.move_to(AFTER)
    await reconcile(scene, TERM_DAY)
    async with refused(scene.database, StatementMissing) as caught:  # what is not looked at may show it
        await find(scene, due, Found.NOT_PAID)
    assert caught.value.facts["days"] == ["2026-11-18", "2026-11-19"]
    await scene.run_jobs()
    await both(scene, due, Found.NOT_PAID)


async def test_the_bank_has_its_term_from_its_answer_on_to_pay(scene):
    """An instruction that it took in the last minute is with it for three working days more."""
    trade_id = scene.trades["ACCEPTED_GOODS"]
    scene.bank.mood = Mood.IS_DOWN
    await scene.run_jobs(T_PLUS_1)
    scene.bank.mood = Mood.PAYS
    await scene.run_jobs(EXPIRES - timedelta(minutes=1))
    await scene.run_jobs(AFTER)
    assert await work(scene, trade_id) == ["payment-unconfirmed"]
    async with refused(scene.database, StatementMissing) as caught:
        await find(scene, trade_id, Found.NOT_PAID)
    assert caught.value.facts["days"] == ["2026-11-25"]
    await scene.run_jobs(AFTER + timedelta(days=5))
    given_up = await both(scene, trade_id, Found.NOT_PAID, day=date(2026, 11, 25))
    assert given_up.status is InstructionState.NOT_PAID


async def close(scene: Scene, trade_id: str) -> None:
    async with scene.database.read() as s:
        items = await repository.open_work_items_of(s, trade_id=trade_id)
    for item in items:
        await scene.house.operator.do(
            close_work_item,
            attempted="PAY.RESOLVE",
            object_id=item.item_id,
            item_id=item.item_id,
            resolution=Resolution.EXPLAINED,
            note="没有问题",
        )


@pytest.mark.parametrize("kind", ["payment-unconfirmed", "instruction-expired", "paid-otherwise"])
async def test_one_officer_does_not_end_a_doubt_by_closing_its_work_item(scene, kind):
    trade_id = scene.trades["ACCEPTED_GOODS"]
    scene.bank.mood = Mood.IS_DOWN if kind == "instruction-expired" else Mood.PAYS
    await scene.run_jobs(T_PLUS_1)
    if kind == "paid-otherwise":
        await told_otherwise(scene, trade_id)
    else:
        await scene.run_jobs(EXPIRES)
    assert await work(scene, trade_id) == [kind]
    async with refused(scene.database, PaymentInDoubt):
        await close(scene, trade_id)
    if kind == "instruction-expired":
        await freeze(scene, trade_id, scene.samr)
        async with refused(scene.database, PaymentInDoubt):
            await close(scene, trade_id)
    scene.bank.mood = Mood.PAYS
    await scene.run_jobs(AFTER)
    await both(scene, trade_id, Found.NOT_PAID)
    assert await work(scene, trade_id) == ["payment-not-made"]
    await close(scene, trade_id)
    assert await work(scene, trade_id) == []


async def reconcile(scene: Scene, day: date) -> None:
    envelope = scene.bank.day_of(day)
    async with scene.database.write() as s:
        act = scene.house.house.exchange_act()
        await reconcile_day(s, act, envelope=envelope, day=day, escrow=ESCROW)


async def test_only_people_of_the_exchange_find_it(scene, due):
    await scene.run_jobs(AFTER)
    async with refused(scene.database, PersonNeeded):
        await find(scene, due, Found.NOT_PAID, officer=None)
    instruction, day = await scene.instruction(due), await held(scene, TERM_DAY)
    said = {"found": Found.NOT_PAID, "statement_sha256": day.statement_sha256, "note": "x"}
    async with refused(scene.database, WorkWrongRole):
        await scene.samr.do(ascertain, instruction_id=instruction.message_id, **said)
    async with untouched(scene.database, InstructionUnknown):
        await as_officer(scene, "usr_1", _unknown, trade_id=due, statement_sha256=day.statement_sha256)
    async with refused(scene.database, NothingInDoubt):
        await find(scene, scene.trades["SETTLED"], Found.NOT_PAID)


async def _unknown(s, act, *, trade_id, statement_sha256):
    del trade_id
    return await ascertain(
        s, act, instruction_id="ins_x", found=Found.PAID, statement_sha256=statement_sha256, note="x"
    )


async def test_a_refund_in_doubt_is_found_paid_too(scene):
    trade_id = scene.trades["FUNDED"]
    await fail(scene, trade_id)
    await scene.run_jobs()
    instruction = await scene.instruction(trade_id)
    book(scene, instruction, on=shanghai(scene))
    await scene.run_jobs(AFTER)
    await both(scene, trade_id, Found.PAID)
    assert ((await scene.trade(trade_id)).status, await scene.held(trade_id)) == (TradeState.REFUNDED, 0)


async def test_what_is_in_doubt_is_listed_with_what_the_statements_show(scene, due):
    await scene.run_jobs(EXPIRES)
    (doubt,) = await doubts(scene)
    assert (doubt.instruction.trade_id, doubt.shown, doubt.waits_for) == (
        due,
        None,
        "bank-statement-missing",
    )
    await scene.run_jobs(AFTER)
    await find(scene, due, Found.NOT_PAID)
    (doubt,) = await doubts(scene)
    assert (doubt.shown, doubt.statement.day, doubt.waits_for) == (Found.NOT_PAID, TERM_DAY, None)
    assert [word.officer_id for word in doubt.words] == ["usr_1"]
    await find(scene, due, Found.NOT_PAID, officer="usr_2")
    assert await doubts(scene) == []


async def doubts(scene: Scene):
    async with scene.database.read() as s:
        return await in_doubt(s)


async def test_what_was_paid_again_stays_in_doubt_until_one_of_the_two_is_decided(scene):
    """One officer's word closes the work item; the bank rejects the second because it has paid the first."""
    trade_id = scene.trades["ACCEPTED_GOODS"]
    scene.bank.mood = Mood.IS_DOWN
    await scene.run_jobs(T_PLUS_1)
    first = await scene.instruction(trade_id)
    book(scene, first, on=PAY_DAY)  # it was carried out, and the bank's word of it lost
    await scene.run_jobs(EXPIRES)
    await again(scene, trade_id)
    await scene.run_jobs()
    second = await scene.instruction(trade_id)
    assert second.message_id != first.message_id
    report = scene.bank.report(second.xml, "DU04", at=scene.clock.now())
    await scene.house.operator.do(note_status, message_id=second.message_id, envelope=report)
    assert "instruction-expired" not in await work(scene, trade_id)
    async with refused(scene.database, PaymentInDoubt) as caught:
        await void(scene, trade_id)
    assert caught.value.facts["kinds"] == ["instruction-expired"]
    assert [doubt.instruction.message_id for doubt in await doubts(scene)] == [first.message_id]
    scene.bank.mood = Mood.PAYS
    await scene.run_jobs(AFTER)
    (doubt,) = await doubts(scene)
    assert doubt.shown is Found.PAID
    for officer in ("usr_1", "usr_2"):
        await find_of(scene, first, Found.PAID, day=TERM_DAY, officer=officer)
    assert ((await scene.trade(trade_id)).status, await scene.held(trade_id)) == (TradeState.SETTLED, 0)
    assert (await doubts(scene), await work(scene, trade_id)) == ([], [])
    assert (await void(scene, trade_id)).status is TradeState.VOIDED  # whoever was paid pays it back


async def test_what_was_paid_again_and_not_made_by_either_is_made_void(scene):
    trade_id = scene.trades["ACCEPTED_GOODS"]
    scene.bank.mood = Mood.IS_DOWN
    await scene.run_jobs(T_PLUS_1)
    first = await scene.instruction(trade_id)
    await scene.run_jobs(EXPIRES)
    scene.bank.mood = Mood.REJECTS
    await again(scene, trade_id)
    await scene.run_jobs(AFTER)
    async with refused(scene.database, PaymentInDoubt):
        await void(scene, trade_id)
    for officer in ("usr_1", "usr_2"):
        await find_of(scene, first, Found.NOT_PAID, day=TERM_DAY, officer=officer)
    assert (await doubts(scene), await work(scene, trade_id)) == ([], ["instruction-rejected"])
    assert (await void(scene, trade_id)).status is TradeState.VOIDED
