"""T+1: instructed, reserved, sent, and settled on the bank's word alone."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from lxml import etree
from sqlmodel import select

from bank.amounts import account_number
from base.errors import Malformed
from base.jobs import JobRow, JobStatus, run_due
from base.signing import parse_envelope
from ledger.batch import BatchWriter
from ledger.reader import opening, statements_of
from ledger.sequencer import create_log
from ledger.tables import EntryRow, PostingBatchRow, PostingRow, StatementRow
from market.delivery.service import start_delivery
from market.orders.errors import TradeWrongState
from market.orders.rules import TradeState
from market.settlement.errors import (
    AccountMalformed,
    AccountNotOurs,
    SettlementNotInstructed,
)
from market.settlement.inbox import hear_bank
from market.settlement.instructing import SEND_JOB, instruct, note_status
from market.settlement.payees import set_payee_account
from market.settlement.repository import instructions_of, open_work_items
from market.settlement.tables import InstructionState
from market.trade.clockwork import handlers
from market.trade.freezing import freeze_trade
from tests.houses import ORIGIN
from tests.market.listings.goods import listed
from tests.market.settlement.bank_side import ESCROW, Mood, debit_entries
from tests.market.trade.scene import COMMISSION, PLATFORM_FEE, PRICE, SELLER_PART, Scene
from tests.standstill import fingerprints, refused

SCHEMA = Path(__file__).parents[3] / "bank" / "schemas" / "pain.001.001.09.xsd"
T_PLUS_1 = datetime(2026, 11, 17, 1, 0, tzinfo=UTC)  # the goods were accepted on Monday the 16th


@pytest.fixture
async def due(scene) -> str:
    """A trade whose goods are accepted, at T+1, before anything was done."""
    trade_id = scene.trades["ACCEPTED_GOODS"]
    assert (await scene.trade(trade_id)).settle_at == T_PLUS_1
    scene.clock.move_to(T_PLUS_1)
    return trade_id


async def kinds_of_work(scene: Scene) -> list[str]:
    async with scene.database.read() as s:
        return [item.kind for item in await open_work_items(s)]


async def postings(scene: Scene, trade_id: str, kind: str) -> list[tuple[str, int, bool]]:
    async with scene.database.read() as s:
        query = (
            select(PostingRow)
            .join(PostingBatchRow, PostingBatchRow.batch_id == PostingRow.batch_id)
            .where(PostingBatchRow.object_id == trade_id, PostingBatchRow.kind == kind)
        )
        rows = (await s.exec(query)).all()
    return sorted((row.account, row.amount_minor, row.booked) for row in rows)


async def resolutions(scene: Scene, trade_id: str) -> list[tuple[str, str]]:
    async with scene.database.read() as s:
        query = select(PostingBatchRow.kind, PostingBatchRow.resolves).where(
            PostingBatchRow.object_id == trade_id, PostingBatchRow.resolves.is_not(None)
        )
        return [tuple(row) for row in (await s.exec(query)).all()]


async def test_the_instruction_reserves_and_moves_no_money_yet(scene, due):
    money = await scene.totals()
    await scene.run_jobs()
    assert await scene.totals() == money
    assert await scene.held(due) == PRICE
    legs = [
        (f"escrow:{scene.seller.org_id}", -SELLER_PART, False),
        (f"escrow:{scene.broker.org_id}", -COMMISSION, False),
        ("fee:platform", -PLATFORM_FEE, False),
        (f"held:{due}", PRICE, False),
    ]
    assert await postings(scene, due, "pending") == sorted(legs)
    instruction = await scene.instruction(due)
    assert instruction.status is InstructionState.INSTRUCTED
    async with scene.database.read() as s:
        said = (await statements_of(s, object_id=due))[-1]
        private = await opening(s, sha256=said.opening_sha256)
    assert (said.event, said.predicate["instruction_sha256"]) == ("PAY.INSTRUCT", instruction.xml_sha256)
    legs = [{name: text for name, text in leg.items() if name != "nonce"} for leg in private["legs"]]
    assert legs == instruction.payouts
    assert legs == [
        {"end_to_end_id": f"{due}/S", "amount_minor": str(SELLER_PART), "account": account_number(11)},
        {"end_to_end_id": f"{due}/B", "amount_minor": str(COMMISSION), "account": account_number(12)},
        {"end_to_end_id": f"{due}/P", "amount_minor": str(PLATFORM_FEE), "account": ESCROW.fee_account},
    ]


async def test_the_instruction_is_valid_against_the_banks_schema(scene, due):
    await scene.run_jobs()
    (body,) = scene.bank.received
    envelope = parse_envelope(orjson.loads(body))
    document = etree.fromstring(envelope.payload)
    etree.XMLSchema(etree.parse(SCHEMA)).assertValid(document)
    texts = {etree.QName(node).localname: node.text for node in document.iter()}
    assert (texts["NbOfTxs"], texts["CtrlSum"], texts["Dt"]) == ("3", "680000.00", "2026-11-17")
    amounts = [node.text for node in document.iter("{*}InstdAmt")]
    assert amounts == ["659600.00", "13600.00", "6800.00"]
    assert envelope.payload == (await scene.instruction(due)).xml


async def test_the_banks_debit_settles_the_trade_and_posts_the_money(scene, due):
    at_bank, _ = await scene.totals()
    await scene.run_jobs()
    outcome = await scene.settle(due)
    trade = await scene.trade(due)
    assert outcome["outcome"] == "settled"
    assert (trade.status, trade.settled_at) == (TradeState.SETTLED, T_PLUS_1)
    assert await scene.held(due) == 0
    assert await scene.totals() == (at_bank - PRICE, PRICE - at_bank)
    assert {account: amount for account, amount, _ in await postings(scene, due, "post")} == {
        f"escrow:{scene.seller.org_id}": -SELLER_PART,
        f"escrow:{scene.broker.org_id}": -COMMISSION,
        "fee:platform": -PLATFORM_FEE,
        f"held:{due}": PRICE,
    }
    instruction = await scene.instruction(due)
    assert instruction.status is InstructionState.PAID
    assert await resolutions(scene, due) == [("post", instruction.batch_id)]
    async with scene.database.read() as s:
        said = (await statements_of(s, object_id=due))[-1]
    assert said.statement_id == outcome["statement_id"]
    assert said.predicate["instruction_sha256"] == instruction.xml_sha256
    assert {subject["name"] for subject in said.payload["subject"]} == {due, "bank-message", "instruction"}


async def test_the_same_debit_again_is_answered_alike_and_another_is_refused(scene, due):
    await scene.run_jobs()
    debit = scene.bank.debit(await scene.instruction(due), at=T_PLUS_1)
    first = await scene.hear(debit)
    before = await fingerprints(scene.database)
    assert await scene.hear(debit) == first
    assert await fingerprints(scene.database) == before
    async with refused(scene.database, TradeWrongState):
        await scene.settle(due)
    assert await scene.held(due) == 0


async def test_two_settlements_at_once_move_the_money_once(scene, due):
    await scene.run_jobs()
    answers = await asyncio.gather(scene.settle(due), scene.settle(due), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["TradeWrongState", "dict"]
    at_bank, on_trades = await scene.totals()
    assert (await scene.held(due), at_bank + on_trades) == (0, 0)
    assert len(await postings(scene, due, "post")) == 4


async def test_a_settlement_through_the_batch_writer_is_sealed_when_it_is_answered(scene, due):
    await scene.run_jobs()
    async with scene.database.write() as s:
        await create_log(s, origin=ORIGIN, at=T_PLUS_1)
    batch = BatchWriter(scene.database, scene.clock)
    running = asyncio.create_task(batch.run())
    debit = scene.bank.debit(await scene.instruction(due), at=T_PLUS_1)
    try:
        outcome = await hear_bank(scene.house.house, envelope=debit, escrow=ESCROW, batch=batch)
        async with scene.database.read() as s:
            query = select(EntryRow.seq).join(StatementRow, StatementRow.id == EntryRow.statement_row)
            sealed = (await s.exec(query.where(StatementRow.statement_id == outcome["statement_id"]))).all()
            accepted = (
                await s.exec(
                    query.where(StatementRow.object_id == due, StatementRow.event == "TRD.ACCEPT_GOODS")
                )
            ).all()
        assert len(sealed) == 1
        assert accepted[0] < sealed[0]  # no settlement is sealed before the acceptance it rests on
        with pytest.raises(TradeWrongState):
            await hear_bank(
                scene.house.house,
                envelope=scene.bank.debit(await scene.instruction(due), at=T_PLUS_1),
                escrow=ESCROW,
                batch=batch,
            )
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_payment_that_nobody_instructed_is_refused(scene, due):
    await scene.run_jobs()
    instruction = await scene.instruction(due)
    stray = [
        replace(entry, message_id="ins_unknown") for entry in debit_entries(instruction, on="2026-11-17")
    ]
    for entries in (stray, [replace(entry, message_id=None) for entry in stray]):
        async with refused(scene.database, SettlementNotInstructed):
            await scene.hear(scene.bank.notification(entries, at=T_PLUS_1))
    foreign = scene.bank.notification(
        debit_entries(instruction, on="2026-11-17"), at=T_PLUS_1, escrow=account_number(99)
    )
    async with refused(scene.database, AccountNotOurs):
        await scene.hear(foreign)


async def test_what_was_paid_otherwise_settles_nothing_and_asks_for_a_person(scene, due):
    await scene.run_jobs()
    first, *others = debit_entries(await scene.instruction(due), on="2026-11-17")
    money = await scene.totals()
    for number, entries in enumerate(
        (
            [replace(first, amount_minor=first.amount_minor + 100), *others],
            [replace(first, amount_minor=first.amount_minor - 1), *others],
            others,
            [replace(first, party_account=account_number(98)), *others],
            [first, replace(first, entry_id="pay_again"), *others],
        ),
        start=1,
    ):
        message = scene.bank.notification(entries, at=T_PLUS_1)
        outcome = await scene.hear(message)
        assert outcome == {"outcome": "mismatch", "trade_id": due}
        assert await scene.hear(message) == outcome
        assert await kinds_of_work(scene) == ["paid-otherwise"] * number
        assert (await scene.trade(due)).status is TradeState.ACCEPTED_GOODS
        assert await scene.totals() == money
    async with scene.database.read() as s:
        said = (await statements_of(s, object_id=due))[-1]
    assert (said.event, said.predicate["kind"]) == ("PAY.MISMATCH", "paid-otherwise")
    assert (await scene.settle(due))["outcome"] == "settled"  # when the bank has put it right


async def test_an_instruction_is_given_once_however_often_it_is_asked_for(scene, due):
    async def ask() -> object:
        async with scene.database.write() as s:
            return await instruct(s, scene.house.house.exchange_act(), trade_id=due, escrow=ESCROW)

    answers = await asyncio.gather(*(ask() for _ in range(3)))
    assert [type(answer).__name__ for answer in answers].count("Instruction") == 1
    await scene.run_jobs()
    async with scene.database.read() as s:
        assert len(await instructions_of(s, trade_id=due)) == 1
    assert len(scene.bank.received) == 1
    await scene.settle(due)
    assert await ask() is None


async def test_a_job_that_comes_too_early_does_nothing(scene):
    trade_id = scene.trades["ACCEPTED_GOODS"]
    scene.clock.move_to(T_PLUS_1 - timedelta(milliseconds=1))
    async with scene.database.write() as s:
        assert await instruct(s, scene.house.house.exchange_act(), trade_id=trade_id, escrow=ESCROW) is None


async def test_a_rejected_instruction_lets_the_reservation_go_and_is_given_anew(scene, due):
    money = await scene.totals()
    scene.bank.mood = Mood.REJECTS
    await scene.run_jobs()
    rejected = await scene.instruction(due)
    assert rejected.status is InstructionState.REJECTED
    assert rejected.status_report is not None
    assert await kinds_of_work(scene) == ["instruction-rejected"]
    assert (await scene.totals(), await scene.held(due)) == (money, PRICE)
    assert await resolutions(scene, due) == [("void", rejected.batch_id)]
    late = scene.bank.debit(rejected, at=T_PLUS_1)  # and if the bank pays what it has rejected?
    assert (await scene.hear(late))["outcome"] == "mismatch"
    assert "paid-after-rejection" in await kinds_of_work(scene)
    scene.bank.mood = Mood.PAYS
    scene.clock.advance(timedelta(hours=1))
    async with scene.database.write() as s:
        again = await instruct(s, scene.house.house.exchange_act(), trade_id=due, escrow=ESCROW)
    assert again.message_id != rejected.message_id
    assert again.payouts == rejected.payouts
    await scene.run_jobs()
    assert (await scene.settle(due))["outcome"] == "settled"
    assert await scene.held(due) == 0


async def test_an_instruction_that_the_bank_does_not_take_is_rejected_too(scene, due):
    scene.bank.mood = Mood.DOES_NOT_TAKE
    await scene.run_jobs()
    assert (await scene.instruction(due)).status is InstructionState.REJECTED
    assert await kinds_of_work(scene) == ["instruction-rejected"]
    assert await scene.held(due) == PRICE


async def test_a_silent_bank_is_asked_as_long_as_it_takes_with_the_same_bytes(scene, due):
    scene.bank.mood = Mood.IS_DOWN
    await scene.run_jobs()
    for _ in range(12):
        await scene.run_jobs(scene.clock.now() + timedelta(hours=1))
    scene.bank.mood = Mood.PAYS
    await scene.run_jobs(scene.clock.now() + timedelta(hours=1))
    assert len(scene.bank.received) == 1
    instruction = await scene.instruction(due)
    assert parse_envelope(orjson.loads(scene.bank.received[0])).payload == instruction.xml
    async with scene.database.read() as s:
        jobs = (await s.exec(select(JobRow).where(JobRow.kind == SEND_JOB))).all()
    mine = [job for job in jobs if job.payload["message_id"] == instruction.message_id]
    assert {job.status for job in mine} == {JobStatus.DONE}
    assert len(mine) == 14
    assert await kinds_of_work(scene) == []


async def test_an_answer_lost_on_the_way_is_asked_for_again_with_the_same_bytes(scene, due):
    bank = scene.bank.client(scene.house.exchange_key)
    work = handlers(scene.house.house, bank, ESCROW)
    lost = replace(work[SEND_JOB], finish=_killed)
    await run_due(scene.database, scene.clock.now(), {**work, SEND_JOB: lost})
    await scene.run_jobs(scene.clock.now() + timedelta(minutes=1))
    assert len(scene.bank.received) == 2
    assert len(set(scene.bank.received)) == 1
    assert (await scene.instruction(due)).status_report is not None


async def _killed(*_: object) -> None:
    raise RuntimeError("the process ends here")


async def test_a_rejection_of_what_was_reported_as_paid_is_a_contradiction(scene, due):
    async with scene.database.write() as s:
        instruction = await instruct(s, scene.house.house.exchange_act(), trade_id=due, escrow=ESCROW)
    await scene.settle(due)  # the debit overtakes the status report
    for code, work in ((None, []), ("AM04", ["rejected-after-payment"])):
        report = scene.bank.report(instruction.xml, *([code] if code else []), at=T_PLUS_1)
        async with scene.database.write() as s:
            act = scene.house.house.exchange_act()
            await note_status(s, act, message_id=instruction.message_id, envelope=report)
        assert await kinds_of_work(scene) == work
    assert (await scene.instruction(due)).status is InstructionState.PAID
    assert await scene.held(due) == 0


async def test_a_report_on_another_instruction_is_refused(scene, due):
    await scene.run_jobs()
    instruction = await scene.instruction(due)
    report = scene.bank.report(instruction.xml.replace(b"ins_", b"inx_"), at=T_PLUS_1)
    async with scene.database.write() as s:
        with pytest.raises(SettlementNotInstructed):
            await note_status(
                s,
                scene.house.house.exchange_act(),
                message_id=instruction.message_id,
                envelope=report,
            )


async def test_a_payee_without_an_account_is_a_work_item_and_is_paid_when_it_has_one(scene):
    other = await scene.house.admit("无账户科技", {"PROVIDER"})
    listing = await listed(scene.house, other, salt="unbanked")
    trade_id = (await scene.inquire(listing_id=listing.listing_id, broker_id=None)).trade_id
    await scene.offer(trade_id, other)
    await scene.accept(trade_id, scene.buyer)
    await scene.sign(trade_id, other, scene.buyer)
    await scene.fund(trade_id)
    await other.do(start_delivery, trade_id=trade_id)
    await scene.confirm(trade_id)
    await scene.accept_goods(trade_id)
    await scene.run_jobs(T_PLUS_1)
    assert await kinds_of_work(scene) == ["payee-account-missing"]
    scene.clock.advance(timedelta(hours=2))
    await other.do(set_payee_account, account=account_number(20), holder="无账户科技")
    await scene.run_jobs()
    instruction = await scene.instruction(trade_id)
    assert [payout["amount_minor"] for payout in instruction.payouts] == ["67320000", "680000"]
    assert instruction.payouts[0]["account"] == account_number(20)
    assert (await scene.settle(trade_id))["outcome"] == "settled"


@pytest.mark.parametrize(
    ("account", "holder"),
    [
        ("not-an-account", "x"),
        ("", "x"),
        (account_number(20), " "),
        (account_number(20), "x" * 141),
        (account_number(20), "a\x00b"),
    ],
)
async def test_an_account_without_form_is_not_stored(sqlite_scene, account, holder):
    scene = sqlite_scene
    before = await fingerprints(scene.database)
    with pytest.raises(AccountMalformed) as caught:
        await scene.seller.do(set_payee_account, account=account, holder=holder)
    assert isinstance(caught.value, Malformed)
    assert await fingerprints(scene.database) == before


async def test_an_account_is_stated_without_its_number(scene):
    await scene.buyer.do(set_payee_account, account=account_number(30), holder="湾区普惠银行")
    async with scene.database.read() as s:
        said = (await statements_of(s, object_id=scene.buyer.org_id))[-1]
        private = await opening(s, sha256=said.opening_sha256)
    assert said.event == "PAY.ACCOUNT"
    assert account_number(30) not in orjson.dumps(said.payload).decode()
    assert private["account"] == account_number(30)


async def test_a_frozen_trade_is_not_instructed(scene, due):
    await scene.samr.do(freeze_trade, trade_id=due, order_id="ord_1", reason_code="WT1")
    await scene.run_jobs()
    async with scene.database.read() as s:
        assert await instructions_of(s, trade_id=due) == []
    assert scene.bank.received == []
