"""What the durable scheduler does after a settlement and with a mandate: filing, what is overdue, ends."""

from datetime import date

from base.clock import parse_rfc3339
from base.db import WriteSession
from base.jobs import Handlers, Job
from brokers.mandates.following import OUT_OF_FORCE_JOB
from brokers.mandates.repository import for_one_deal
from brokers.mandating import END_JOB as MANDATE_END_JOB
from brokers.mandating import fulfil_mandate
from ledger.acts import House
from ledger.recording import Act
from market.delivery.meter.rollup import USAGE_JOB, make_usage_round, roll_up
from market.delivery.nightly import ROUND_JOB as USAGE_ROUND_JOB
from market.delivery.repository import get_entitlement
from market.delivery.service import EXPIRE_JOB as LICENCE_END_JOB
from market.delivery.service import expire_entitlement
from market.filing.rounds import ROUND_JOB, WATCH_JOB, make_round, watch_settled
from market.filing.service import (
    CERTIFY_JOB,
    DUTY_JOB,
    FILE_JOB,
    certify_trade,
    end_licence,
    file_trade,
    note_overdue,
)
from market.orders.repository import agreed_under
from market.trade.contesting import draw_up_without_fallen
from market.trade.taking_over import conclude_left, end_mandate


async def fulfil_settled(s: WriteSession, act: Act) -> None:
    """State that the mandates for one deal whose trade is settled are fulfilled (MND.FULFIL)."""
    single = await for_one_deal(s)
    for trade in await agreed_under(s, mandate_ids=single) if single else ():
        if trade.settled_at is not None and trade.mandate_id is not None:
            await fulfil_mandate(s, act, mandate_id=trade.mandate_id, trade_id=trade.trade_id)


def _of_brokers(house: House) -> Handlers:
    """What a mandate's end, or a certificate's, is to the contracts that are to be signed."""

    async def on_mandate_end(s: WriteSession, job: Job) -> None:
        await end_mandate(s, house.exchange_act(), mandate_id=job.payload["mandate_id"])

    async def on_out_of_force(s: WriteSession, job: Job) -> None:
        await draw_up_without_fallen(s, house.exchange_act(), broker_id=job.payload["broker_id"])

    return {MANDATE_END_JOB: on_mandate_end, OUT_OF_FORCE_JOB: on_out_of_force}


def after_settlement(house: House) -> Handlers:
    """What falls due when a trade is settled or was taken back, or a mandate's time is over."""

    async def on_file(s: WriteSession, job: Job) -> None:
        await file_trade(s, house.exchange_act(), trade_id=job.payload["trade_id"])

    async def on_certify(s: WriteSession, job: Job) -> None:
        await certify_trade(s, house.exchange_act(), trade_id=job.payload["trade_id"])

    async def on_round(s: WriteSession, job: Job) -> None:
        await make_round(s, house.exchange_act(), since=parse_rfc3339(job.payload["since"]))
        await fulfil_settled(s, house.exchange_act())
        await conclude_left(s, house.exchange_act())
        await draw_up_without_fallen(s, house.exchange_act())

    async def on_watch(s: WriteSession, job: Job) -> None:
        day, beyond = date.fromisoformat(job.payload["day"]), job.payload.get("beyond", "")
        await watch_settled(s, house.exchange_act(), day=day, beyond=beyond)

    async def on_licence_end(s: WriteSession, job: Job) -> None:
        entitlement = await get_entitlement(s, entitlement_id=job.payload["entitlement_id"])
        await end_licence(s, house.exchange_act(), trade_id=entitlement.trade_id)
        await expire_entitlement(s, entitlement_id=entitlement.entitlement_id, now=job.now)
        await roll_up(s, house.exchange_act(), entitlement_id=entitlement.entitlement_id)

    async def on_usage(s: WriteSession, job: Job) -> None:
        await roll_up(s, house.exchange_act(), entitlement_id=job.payload["entitlement_id"])

    async def on_usage_round(s: WriteSession, job: Job) -> None:
        await make_usage_round(s, now=job.now)

    async def on_duty(s: WriteSession, job: Job) -> None:
        await note_overdue(s, house.exchange_act(), duty_id=job.payload["duty_id"])

    return {
        **_of_brokers(house),
        FILE_JOB: on_file,
        CERTIFY_JOB: on_certify,
        ROUND_JOB: on_round,
        WATCH_JOB: on_watch,
        LICENCE_END_JOB: on_licence_end,
        USAGE_JOB: on_usage,
        USAGE_ROUND_JOB: on_usage_round,
        DUTY_JOB: on_duty,
    }
