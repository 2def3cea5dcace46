"""Escrow is funded by the exact amount, in time, once; every refusal is a decision that stands."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from sqlmodel import select

from base.calendar import shanghai_day
from base.errors import Conflict
from base.jobs import JobRow, JobStatus
from base.signing import Envelope, SigningKey, parse_envelope, sign_envelope
from ledger.reader import opening, statements_of
from ledger.tables import StatementRow
from market.orders.errors import TradeWrongState
from market.orders.rules import TradeState
from market.orders.service import FUND_TIMEOUT_JOB
from market.settlement.bank import open_bank_envelope, read_bank_envelope
from market.settlement.errors import (
    AccountNotOurs,
    BankMessageChanged,
    BankMessageMalformed,
    BankSignatureInvalid,
    EntryKnown,
    EscrowAmountMismatch,
    EscrowFundedBefore,
    FundingFrozen,
    FundingLate,
    PaymentUnknown,
)
from market.settlement.messages import NOTIFICATION, payload_type, read_notification
from market.settlement.reconciling import RECONCILE_JOB
from market.settlement.repository import (
    get_message,
    movements_on,
    open_work_items_of,
    reconciled_days,
)
from tests.market.settlement.bank_side import PAYER, BankSide, Mood, credit_entry, serial
from tests.market.trade.scene import PRICE
from tests.standstill import fingerprints, refused, untouched

KEPT = frozenset({"market_bank_messages"})
ENDED = timedelta(hours=1, minutes=11)  # the bank has stated the last day, and had ten minutes to ask


@pytest.fixture
def trade_id(scene) -> str:
    return scene.trades["CONTRACTED"]


async def test_the_exact_amount_funds_the_trade_and_is_posted(scene, trade_id):
    before, on_trades = await scene.totals()
    assert await scene.fund(trade_id) == {"outcome": "funded", "trade_id": trade_id}
    trade = await scene.trade(trade_id)
    assert (trade.status, trade.funded_at) == (TradeState.FUNDED, scene.clock.now())
    assert await scene.held(trade_id) == PRICE
    assert await scene.totals() == (before + PRICE, on_trades - PRICE)
    async with scene.database.read() as s:
        said = (await statements_of(s, object_id=trade_id))[-1]
        private = await opening(s, sha256=said.opening_sha256)
        told = await movements_on(s, day=scene.clock.now().date())
        timeout = await s.get(JobRow, (FUND_TIMEOUT_JOB, trade_id))
    assert said.event == "TRD.FUND"
    assert private | {"nonce": ""} == {"amount_minor": str(PRICE), "payer_account": PAYER, "nonce": ""}
    assert said.payload["subject"][1]["digest"]["sha256"] == said.predicate["bank_message_sha256"]
    assert [movement.signed_minor for movement in told if movement.trade_id == trade_id] == [PRICE]
    assert timeout.status is JobStatus.CANCELLED


async def test_another_amount_is_refused_and_returned(scene, trade_id):
    for difference in (-1, 1, 1 - PRICE, PRICE):
        async with refused(scene.database, EscrowAmountMismatch, but=KEPT) as caught:
            await scene.fund(trade_id, PRICE + difference)
        assert "amount" in caught.value.code  # the bank reads its return reason from it: AM09
        assert caught.value.facts["received_minor"] == str(PRICE + difference)
        assert await scene.held(trade_id) == 0
    assert await scene.fund(trade_id) == {"outcome": "funded", "trade_id": trade_id}  # and then rightly


async def test_the_last_moment_is_in_time_and_the_next_is_not(scene, trade_id):
    fund_by = (await scene.trade(trade_id)).fund_by
    scene.clock.move_to(fund_by + timedelta(milliseconds=1))
    async with refused(scene.database, FundingLate, but=KEPT):
        await scene.fund(trade_id)
    await scene.run_jobs()
    assert (await scene.trade(trade_id)).status is TradeState.CONTRACTED  # what was paid in time may come yet
    await scene.run_jobs(fund_by + ENDED)
    assert (await scene.trade(trade_id)).status is TradeState.CANCELLED
    assert (await scene.events(trade_id))[-1] == "TRD.FUND_TIMEOUT"
    async with refused(scene.database, TradeWrongState, but=KEPT):
        await scene.fund(trade_id)


async def test_what_the_bank_received_in_time_funds_the_trade_though_we_were_down(scene, trade_id):
    fund_by = (await scene.trade(trade_id)).fund_by
    at_bank, _ = await scene.totals()
    message = scene.bank.credit(trade_id, PRICE, at=fund_by)  # and nobody answers the bank
    (entry,) = scene.bank.told.pop(message.payload)
    back = fund_by + timedelta(days=2, hours=9)
    await scene.run_jobs(back)  # the clock catches up first
    assert (await scene.trade(trade_id)).status is TradeState.CONTRACTED
    assert await scene.hear(message) == {"outcome": "funded", "trade_id": trade_id}
    trade = await scene.trade(trade_id)
    assert (trade.status, trade.funded_at) == (TradeState.FUNDED, back)
    assert ((await scene.totals())[0], await scene.held(trade_id)) == (at_bank + PRICE, PRICE)
    scene.bank.booked.append(replace(entry, booked_on=shanghai_day(back).isoformat()))  # on our word
    for days in (1, 2):
        await scene.run_jobs(back + timedelta(days=days))
    assert "TRD.FUND_TIMEOUT" not in await scene.events(trade_id)
    async with scene.database.read() as s:
        compared = await reconciled_days(s)
        assert await open_work_items_of(s, trade_id=trade_id) == []
    assert {row.day for row in compared if not row.matched} == set()
    assert shanghai_day(back) in {row.day for row in compared}


async def test_a_bank_whose_clock_is_years_behind_makes_nobody_compare_years(scene, trade_id):
    trade = await scene.trade(trade_id)
    began, today = shanghai_day(trade.inquired_at), shanghai_day(scene.clock.now())
    compared = select(JobRow.key).where(JobRow.kind == RECONCILE_JOB)
    async with scene.database.read() as s:
        before = set(await s.exec(compared))
    message = scene.bank.credit(trade_id, PRICE, at=datetime(2000, 1, 1, 4, tzinfo=UTC))
    assert await scene.hear(message) == {"outcome": "funded", "trade_id": trade_id}
    async with scene.database.read() as s:
        assert set(await s.exec(compared)) == before | {began.isoformat(), today.isoformat()}
        assert trade_id in {movement.trade_id for movement in await movements_on(s, day=today)}


async def test_what_was_received_in_time_and_told_after_the_contract_has_ended_goes_back(scene, trade_id):
    fund_by = (await scene.trade(trade_id)).fund_by
    message = scene.bank.credit(trade_id, PRICE, at=fund_by)
    for moment in (timedelta(seconds=1), ENDED):
        await scene.run_jobs(fund_by + moment)
    assert (await scene.trade(trade_id)).status is TradeState.CANCELLED
    money = await scene.totals()
    async with refused(scene.database, TradeWrongState, but=KEPT):  # and the bank returns it
        await scene.hear(message)
    assert await scene.totals() == money


async def test_a_contract_waits_for_the_last_days_statement_and_for_what_it_shows(scene, trade_id):
    fund_by = (await scene.trade(trade_id)).fund_by
    scene.bank.mood = Mood.IS_DOWN
    for hours in (1, 2, 5):
        await scene.run_jobs(fund_by + timedelta(hours=hours))
        assert (await scene.trade(trade_id)).status is TradeState.CONTRACTED
    scene.bank.mood = Mood.PAYS
    message = scene.bank.credit(trade_id, PRICE, at=fund_by)
    scene.bank.booked += scene.bank.told[message.payload]  # this bank did not ask
    for hours in (8, 11, 14, 17):
        await scene.run_jobs(fund_by + timedelta(hours=hours))
        assert (await scene.trade(trade_id)).status is TradeState.CONTRACTED
    async with scene.database.read() as s:
        (item,) = await open_work_items_of(s, trade_id=trade_id)
    assert (item.kind, item.facts["actual_minor"]) == ("unknown-entry", str(PRICE))
    scene.bank.told.clear()
    assert (await scene.hear(message))["outcome"] == "funded"
    assert await scene.held(trade_id) == PRICE


async def test_at_the_deadline_itself_the_trade_is_funded(scene, trade_id):
    scene.clock.move_to((await scene.trade(trade_id)).fund_by)
    await scene.run_jobs()
    assert (await scene.fund(trade_id))["outcome"] == "funded"


async def test_an_unknown_reference_is_refused_and_what_the_payer_wrote_stays_off_the_ledger(scene):
    for reference in ("trd_00000000000000000000000000", "Wang Wu 440101199001011234", None):
        async with refused(scene.database, PaymentUnknown, but=KEPT) as caught:
            await scene.hear(scene.bank.credit(reference, PRICE, at=scene.clock.now()))
        assert "unknown" in caught.value.code  # BE05
    async with scene.database.read() as s:
        said = (await s.exec(select(StatementRow.envelope, StatementRow.object_id))).all()
    assert not [
        object_id for envelope, object_id in said if b"Wang" in parse_envelope(orjson.loads(envelope)).payload
    ]


async def test_a_second_payment_is_refused_with_a_code_that_says_so(scene, trade_id):
    await scene.fund(trade_id)
    for state in ("FUNDED", "DELIVERING", "DELIVERED", "ACCEPTED_GOODS", "SETTLED"):
        async with refused(scene.database, EscrowFundedBefore, but=KEPT) as caught:
            await scene.fund(scene.trades[state])
        assert "already" in caught.value.code  # AM05
    async with refused(scene.database, EscrowFundedBefore, but=KEPT):
        await scene.fund(trade_id)
    assert await scene.held(trade_id) == PRICE


async def test_a_frozen_trade_takes_no_money(scene):
    async with refused(scene.database, FundingFrozen, but=KEPT) as caught:
        await scene.fund(scene.trades["FROZEN"])
    assert "frozen" in caught.value.code  # RR04
    assert isinstance(caught.value, Conflict)


async def test_the_same_message_gets_the_same_answer_and_moves_nothing_again(scene, trade_id):
    message = scene.bank.credit(trade_id, PRICE, at=scene.clock.now())
    answer = await scene.hear(message)
    before = await fingerprints(scene.database)
    scene.clock.advance(timedelta(days=30))
    assert await scene.hear(message) == answer
    assert await fingerprints(scene.database) == before


async def test_the_same_refused_message_is_refused_again_also_when_it_would_be_right_by_now(scene):
    trade_id = scene.trades["CONTRACT_READY"]
    early = scene.bank.credit(trade_id, PRICE, at=scene.clock.now())
    async with refused(scene.database, TradeWrongState, but=KEPT) as first:
        await scene.hear(early)
    await scene.sign(trade_id)  # now a contract waits for just this sum
    for _ in range(2):
        async with refused(scene.database, TradeWrongState) as again:
            await scene.hear(early)
        assert (again.value.detail, again.value.facts) == (first.value.detail, first.value.facts)
    assert await scene.fund(trade_id) == {"outcome": "funded", "trade_id": trade_id}  # another message
    async with refused(scene.database, TradeWrongState):
        await scene.hear(early)


@pytest.mark.parametrize("decided", ["funded", "refused"])
async def test_a_message_id_with_other_content_is_refused_and_the_first_decision_stands(
    scene, trade_id, decided
):
    first = scene.bank.credit(trade_id, PRICE if decided == "funded" else 1, at=scene.clock.now())
    message_id = message_id_of(first)
    if decided == "funded":
        await scene.hear(first)
    else:
        async with refused(scene.database, EscrowAmountMismatch, but=KEPT):
            await scene.hear(first)
    changed = scene.bank.credit(trade_id, PRICE, at=scene.clock.now(), message_id=message_id)
    async with refused(scene.database, BankMessageChanged):
        await scene.hear(changed)
    async with scene.database.read() as s:
        assert (await get_message(s, message_id=message_id)).outcome["outcome"] == decided


def message_id_of(envelope: Envelope) -> str:
    return read_notification(envelope.payload).message_id


async def test_the_same_message_at_once_funds_once_and_answers_twice(scene, trade_id):
    message = scene.bank.credit(trade_id, PRICE, at=scene.clock.now())
    answers = await asyncio.gather(*(scene.hear(message) for _ in range(3)))
    assert answers == [{"outcome": "funded", "trade_id": trade_id}] * 3
    assert await scene.held(trade_id) == PRICE
    assert (await scene.events(trade_id)).count("TRD.FUND") == 1


async def test_two_payments_at_once_fund_once(scene, trade_id):
    answers = await asyncio.gather(scene.fund(trade_id), scene.fund(trade_id), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["EscrowFundedBefore", "dict"]
    assert await scene.held(trade_id) == PRICE


async def test_a_reference_of_the_banks_is_booked_once(scene, trade_id):
    first = scene.bank.credit(trade_id, PRICE, at=scene.clock.now(), entry_id="trf_1")
    await scene.hear(first)
    second = await scene.walk(TradeState.CONTRACTED)
    async with refused(scene.database, EntryKnown, but=KEPT):
        await scene.hear(scene.bank.credit(second, PRICE, at=scene.clock.now(), entry_id="trf_1"))
    assert await scene.held(second) == 0


async def test_money_on_another_account_is_not_ours(scene, trade_id):
    async with refused(scene.database, AccountNotOurs, but=KEPT):
        await scene.hear(scene.bank.credit(trade_id, PRICE, at=scene.clock.now(), escrow=PAYER))


async def test_several_credits_in_one_message_and_none_at_all_are_malformed(scene, trade_id):
    now = scene.clock.now()
    on = now.date().isoformat()
    entry = credit_entry(trade_id, PRICE, on=on)
    for entries in ([], [entry, replace(entry, entry_id=serial("trf"))]):
        async with untouched(scene.database, BankMessageMalformed):
            await scene.hear(scene.bank.notification(entries, at=now))


def test_only_the_pinned_bank_is_believed(told_by_the_bank):
    bank, message = told_by_the_bank
    document = message.document()
    assert open_bank_envelope(document, bank.key.public, NOTIFICATION) == message
    assert read_bank_envelope(orjson.dumps(document), bank.key.public, NOTIFICATION) == message
    with pytest.raises(BankSignatureInvalid):
        open_bank_envelope(document, SigningKey.generate().public, NOTIFICATION)
    forged = sign_envelope(payload_type(NOTIFICATION), message.payload, SigningKey.generate())
    with pytest.raises(BankSignatureInvalid):
        open_bank_envelope(forged.document(), bank.key.public, NOTIFICATION)
    flipped = replace(message, payload=message.payload.replace(b"680000.00", b"680000.01"))
    assert flipped.payload != message.payload
    with pytest.raises(BankSignatureInvalid):
        open_bank_envelope(flipped.document(), bank.key.public, NOTIFICATION)
    for wrong in (None, {}, [], {**document, "payloadType": "text/plain"}, {**document, "signatures": []}):
        with pytest.raises(BankMessageMalformed):
            open_bank_envelope(wrong, bank.key.public, NOTIFICATION)
    with pytest.raises(BankMessageMalformed):
        read_bank_envelope(b"{", bank.key.public, NOTIFICATION)


@pytest.fixture
def told_by_the_bank(clock):
    bank = BankSide(SigningKey.generate())
    return bank, bank.credit("trd_1", PRICE, at=clock.now())
