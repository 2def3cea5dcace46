"""What the durable scheduler does when something in a trade falls due."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from typing import Any, Final

from base.clock import parse_rfc3339
from base.db import WriteSession
from base.jobs import External, Handlers, Job, Transactional, enqueue
from brokers.service import EXPIRE_JOB as CERTIFICATE_END_JOB
from brokers.service import expire_certificate
from ledger.acts import House
from market.auctions.closing import close_auction
from market.auctions.service import AWARD_JOB, CLOSE_JOB
from market.customs.clockwork import customs_handlers
from market.customs.counting import CustomsDesk
from market.delivery.marking.copying import MARK_JOB, MarkDesk, mark_handler
from market.delivery.service import CHECK_JOB, SILENT_ACCEPT_JOB
from market.delivery.unconsented.service import after_fall, let_go_on
from market.disputes.service import OVERDUE_JOB
from market.disputes.service import note_overdue as note_mediation_over
from market.disputes.undoing import DESTRUCTION_JOB
from market.filing.duties import require_destruction
from market.filing.rounds import begin_rounds
from market.filing.rules import Cause
from market.listings.moving import MOVED_JOB
from market.listings.publishing import suspend_dependents, suspend_joint, suspend_of_grant
from market.listings.raised import suspend_raised, suspend_unassessed, suspend_unconsented
from market.orders.service import FUND_TIMEOUT_JOB, TIMEOUT_JOB, cancel_unfunded, time_out
from market.orders.waiting import DELIVERY_FAIL_JOB
from market.requests.service import EXPIRE_JOB as REQUEST_END_JOB
from market.requests.service import expire_request
from market.settlement.bank import BankClient, NotTaken, read_bank_envelope
from market.settlement.claims import CLAIM_DUE_JOB, FEE_BACK_JOB, give_fee_back, note_overdue
from market.settlement.errors import BankUnavailable, DayNotOver
from market.settlement.expiring import expire_due
from market.settlement.instructing import (
    EXPIRE_JOB,
    INSTRUCT_JOB,
    SEND_JOB,
    Escrow,
    note_not_taken,
    note_status,
)
from market.settlement.lapsing import end_unfunded
from market.settlement.messages import STATEMENT, STATUS_REPORT
from market.settlement.reconciling import RECONCILE_JOB, reconcile_day
from market.settlement.refunding import take_up
from market.settlement.repository import get_instruction
from market.settlement.tables import InstructionState
from market.trade.afterwork import after_settlement
from market.trade.awarding import award_auction
from market.trade.checking import (
    MISMATCH_JOB,
    GoodsDesk,
    check_handler,
    dispute_mismatch,
    end_window,
    is_awaited,
)
from market.trade.failing import fail_late_delivery
from market.trade.freezing import FREEZE_OVER_JOB, end_freeze
from market.trade.suspending import LOOK_AGAIN_JOB, look_again, look_at_all
from registry.assessments.clockwork import assessment_handlers
from registry.chiefs.clockwork import chief_handlers
from registry.ending import ENDED_JOB, REFERENCE_FELL_JOB
from registry.evaluation.clockwork import evaluation_handlers
from registry.grading.clockwork import grading_handlers
from registry.grading.falling import ASSESSMENT_LOST_JOB
from registry.grading.keeping import CONSENT_LOST_JOB
from registry.grading.raising import LEVEL_RAISED_JOB
from registry.lists.clockwork import list_handlers
from registry.opening.clockwork import opening_handlers
from registry.opening.depending import level_raised
from registry.operation.clockwork import operation_handlers
from registry.operation.moving import FALLEN_JOB
from registry.registration.clockwork import registration_handlers
from registry.subjects.clockwork import subject_handlers
from registry.subjects.consenting import FELL_JOB, SETTLED_JOB
from registry.vouchers.clockwork import voucher_handlers

_FIRST_PAUSE: Final = timedelta(minutes=1)
_LONGEST_PAUSE: Final = timedelta(hours=1)


class _Overtaken(Enum):
    """The instruction was answered, or has expired, before it was sent (again)."""

    OVERTAKEN = "overtaken"


_OVERTAKEN: Final = _Overtaken.OVERTAKEN


def handlers(
    house: House,
    bank: BankClient | None,
    escrow: Escrow | None,
    desk: GoodsDesk | None = None,
    marks: MarkDesk | None = None,
    *,
    customs: CustomsDesk | None = None,
) -> Handlers:
    """What falls due in trades, on this node; what needs the bank, or the files, waits where none is."""

    def act(verb: Callable[..., Awaitable[Any]], *names: str) -> Transactional:
        """The exchange's own act, with these members of the job."""

        async def carry_out(s: WriteSession, job: Job) -> None:
            await verb(s, house.exchange_act(), **{name: job.payload[name] for name in names})

        return carry_out

    async def on_silence(s: WriteSession, job: Job) -> None:
        trade_id = job.payload["trade_id"]
        if desk is not None and await is_awaited(s, trade_id=trade_id):
            await _ask_again(s, job, trade_id)
        else:
            await end_window(s, house.exchange_act(), trade_id=trade_id)

    async def on_undone(s: WriteSession, job: Job) -> None:
        cause = Cause(job.payload["cause"])
        await require_destruction(s, house.exchange_act(), trade_id=job.payload["trade_id"], cause=cause)

    async def on_request_over(s: WriteSession, job: Job) -> None:
        await expire_request(s, house.exchange_act(), request_id=job.payload["request_id"])

    always: Handlers = {
        REQUEST_END_JOB: on_request_over,
        CLOSE_JOB: act(close_auction, "auction_id"),
        AWARD_JOB: act(award_auction, "auction_id"),
        TIMEOUT_JOB: act(time_out, "trade_id"),
        FUND_TIMEOUT_JOB: _on_unfunded(house, bank),
        DELIVERY_FAIL_JOB: act(fail_late_delivery, "trade_id"),
        MOVED_JOB: look_at_all,
        ENDED_JOB: act(suspend_dependents, "product_id", "holder_id"),
        REFERENCE_FELL_JOB: act(suspend_joint, "reference"),
        FALLEN_JOB: act(suspend_of_grant, "grant_id"),
        LEVEL_RAISED_JOB: _on_level_raised(house),
        CONSENT_LOST_JOB: act(suspend_unconsented, "object_id", "holder_id", "consent_id"),
        ASSESSMENT_LOST_JOB: act(suspend_unassessed, "object_id", "holder_id"),
        FELL_JOB: act(after_fall, "given_id"),
        SETTLED_JOB: act(let_go_on, "given_id", "consent_id"),
        LOOK_AGAIN_JOB: act(look_again, "trade_id"),
        SILENT_ACCEPT_JOB: on_silence,
        MISMATCH_JOB: act(dispute_mismatch, "trade_id"),
        OVERDUE_JOB: act(note_mediation_over, "trade_id"),
        DESTRUCTION_JOB: on_undone,
        FREEZE_OVER_JOB: act(end_freeze, "trade_id", "order_id"),
        CERTIFICATE_END_JOB: act(expire_certificate, "cert_id"),
        CLAIM_DUE_JOB: act(note_overdue, "claim_id"),
        **after_settlement(house),
        **opening_handlers(house),
        **operation_handlers(house),
        **registration_handlers(house),
        **customs_handlers(house, customs),
        **list_handlers(house),
        **voucher_handlers(house),
        **grading_handlers(house),
        **subject_handlers(house),
        **assessment_handlers(house),
        **chief_handlers(house),
        **evaluation_handlers(house),
    }
    if desk is not None:
        always = {**always, CHECK_JOB: check_handler(house, desk)}
    if marks is not None:
        always = {**always, MARK_JOB: mark_handler(house, marks)}
    if bank is None or escrow is None:
        return always
    return {**always, **_bank_handlers(house, bank, escrow)}


def _on_level_raised(house: House) -> Transactional:
    """What a raised level takes along: listings of a product, the open entry of data."""

    async def carry_out(s: WriteSession, job: Job) -> None:
        await suspend_raised(s, house.exchange_act(), **job.payload)
        await level_raised(s, house.exchange_act(), object_id=job.payload["object_id"])

    return carry_out


def _on_unfunded(house: House, bank: BankClient | None) -> Transactional:
    async def end(s: WriteSession, job: Job) -> None:
        trade_id, act, asked = job.payload["trade_id"], house.exchange_act(), job.payload.get("asked", 0)
        if bank is None:  # nobody can be asked whether money is on its way, or take any
            await cancel_unfunded(s, act, trade_id=trade_id)
            return
        again = await end_unfunded(s, act, trade_id=trade_id, again=asked > 0)
        if again is not None:
            key = f"{job.key.partition('#')[0]}#{asked + 1}"
            payload = {"trade_id": trade_id, "asked": asked + 1}
            await enqueue(s, kind=job.kind, key=key, run_at=again, payload=payload)

    return end


def _bank_handlers(house: House, bank: BankClient, escrow: Escrow) -> Handlers:
    async def on_instruct(s: WriteSession, job: Job) -> None:
        await take_up(s, house.exchange_act(), trade_id=job.payload["trade_id"], escrow=escrow)
        await begin_rounds(s, now=job.now)

    async def on_expiry(s: WriteSession, job: Job) -> None:
        await expire_due(s, house.exchange_act(), at=parse_rfc3339(job.payload["at"]))

    async def on_fee_back(s: WriteSession, job: Job) -> None:
        await give_fee_back(s, house.exchange_act(), claim_id=job.payload["claim_id"], escrow=escrow)

    post = _Post(house, bank, escrow)
    return {
        INSTRUCT_JOB: on_instruct,
        EXPIRE_JOB: on_expiry,
        FEE_BACK_JOB: on_fee_back,
        SEND_JOB: External(post.send, post.sent),
        RECONCILE_JOB: External(post.fetch, post.fetched),
    }


@dataclass(frozen=True, slots=True)
class _Post:
    """Goes to the bank without a transaction, and comes back with its answer into one.

    An unavailable bank is no failure of a job: it is asked again for as long as it takes.
    """

    house: House
    bank: BankClient
    escrow: Escrow

    async def send(self, job: Job) -> bytes | NotTaken | _Overtaken | None:
        async with self.house.database.read() as s:
            instruction = await get_instruction(s, message_id=job.payload["message_id"])
        if instruction.status is not InstructionState.INSTRUCTED:
            return _OVERTAKEN
        try:
            return await self.bank.send_instruction(self.bank.sign_instruction(instruction.xml))
        except BankUnavailable:
            return None

    async def sent(self, s: WriteSession, job: Job, answer: bytes | NotTaken | _Overtaken | None) -> None:
        message_id, act = job.payload["message_id"], self.house.exchange_act()
        if isinstance(answer, _Overtaken):
            return
        if answer is None:
            await _ask_again(s, job, message_id)
        elif isinstance(answer, NotTaken):
            await note_not_taken(s, act, message_id=message_id, answer=answer)
        else:
            envelope = read_bank_envelope(answer, self.bank.bank_key, STATUS_REPORT)
            await note_status(s, act, message_id=message_id, envelope=envelope)

    async def fetch(self, job: Job) -> bytes | None:
        try:
            return await self.bank.fetch_statement(date.fromisoformat(job.payload["day"]))
        except BankUnavailable:
            return None

    async def fetched(self, s: WriteSession, job: Job, answer: bytes | None) -> None:
        day, act = date.fromisoformat(job.payload["day"]), self.house.exchange_act()
        if answer is not None:
            envelope = read_bank_envelope(answer, self.bank.bank_key, STATEMENT)
            try:
                await reconcile_day(s, act, envelope=envelope, day=day, escrow=self.escrow)
            except DayNotOver:  # nothing was written yet
                answer = None
        if answer is None:
            await _ask_again(s, job, day.isoformat())


async def _ask_again(s: WriteSession, job: Job, name: str) -> None:
    """The same work once more, after a pause that doubles up to an hour."""
    payload: Mapping[str, Any] = {**job.payload, "asked": job.payload.get("asked", 0) + 1}
    pause = min(_FIRST_PAUSE * 2 ** min(payload["asked"] - 1, 10), _LONGEST_PAUSE)
    key = f"{name}#{payload['asked']}"
    await enqueue(s, kind=job.kind, key=key, run_at=job.now + pause, payload=payload)
