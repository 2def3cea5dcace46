"""What the durable scheduler does when a trade's deadlines fall due."""

from datetime import date

import orjson

from base.db import WriteSession
from base.jobs import External, Handlers, Job
from ledger.acts import House
from market.delivery.service import SILENT_ACCEPT_JOB, silent_accept
from market.orders import service
from market.orders.service import FUND_TIMEOUT_JOB, TIMEOUT_JOB
from market.settlement.bank import BankClient, open_bank_envelope
from market.settlement.instructing import (
    INSTRUCT_JOB,
    SEND_JOB,
    Escrow,
    instruct,
    note_status,
)
from market.settlement.messages import STATEMENT, STATUS_REPORT
from market.settlement.reconciling import reconcile_day
from market.settlement.repository import get_instruction
from market.settlement.service import RECONCILE_JOB


def handlers(house: House, bank: BankClient, escrow: Escrow) -> Handlers:
    """What the durable scheduler does when a trade's deadlines fall due."""

    async def on_timeout(s: WriteSession, job: Job) -> None:
        await service.time_out(s, house.exchange_act(), trade_id=job.payload["trade_id"])

    async def on_fund_timeout(s: WriteSession, job: Job) -> None:
        await service.cancel_unfunded(s, house.exchange_act(), trade_id=job.payload["trade_id"])

    async def on_silence(s: WriteSession, job: Job) -> None:
        await silent_accept(s, house.exchange_act(), trade_id=job.payload["trade_id"])

    async def on_instruct(s: WriteSession, job: Job) -> None:
        await instruct(s, house.exchange_act(), trade_id=job.payload["trade_id"], escrow=escrow)

    async def send(job: Job) -> bytes:
        async with house.database.read() as s:
            instruction = await get_instruction(s, message_id=job.payload["message_id"])
        return await bank.send_instruction(bank.sign_instruction(instruction.xml))

    async def sent(s: WriteSession, job: Job, answer: bytes) -> None:
        envelope = open_bank_envelope(orjson.loads(answer), bank.bank_key, STATUS_REPORT)
        await note_status(s, house.exchange_act(), message_id=job.payload["message_id"], envelope=envelope)

    async def fetch(job: Job) -> bytes:
        return await bank.fetch_statement(date.fromisoformat(job.payload["day"]))

    async def fetched(s: WriteSession, job: Job, answer: bytes) -> None:
        del job
        envelope = open_bank_envelope(orjson.loads(answer), bank.bank_key, STATEMENT)
        await reconcile_day(s, house.exchange_act(), envelope=envelope)

    return {
        TIMEOUT_JOB: on_timeout,
        FUND_TIMEOUT_JOB: on_fund_timeout,
        SILENT_ACCEPT_JOB: on_silence,
        INSTRUCT_JOB: on_instruct,
        SEND_JOB: External(send, sent),
        RECONCILE_JOB: External(fetch, fetched),
    }
