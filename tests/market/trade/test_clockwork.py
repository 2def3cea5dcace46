"""Every job that a trade asks for has somebody who does it, with or without a bank."""

import asyncio
from datetime import timedelta
from pathlib import Path

from sqlmodel import select

from base.files import FileStore
from base.jobs import JobRow, JobStatus, run_due
from brokers.service import EXPIRE_JOB as CERTIFICATE_END_JOB
from market.auctions.service import AWARD_JOB, CLOSE_JOB
from market.customs.destroying import YEAR_JOB as CUSTOMS_YEAR_JOB
from market.customs.moving import DUE_JOB as CLEARANCE_OVER_JOB
from market.customs.transit import TELL_JOB
from market.delivery.service import CHECK_JOB, SETTLEMENT_JOB, SILENT_ACCEPT_JOB
from market.delivery.service import EXPIRE_JOB as LICENCE_END_JOB
from market.disputes.service import OVERDUE_JOB
from market.disputes.undoing import DESTRUCTION_JOB
from market.listings.moving import MOVED_JOB
from market.orders.rules import TradeState
from market.orders.service import FUND_TIMEOUT_JOB, TIMEOUT_JOB
from market.orders.waiting import DELIVERY_FAIL_JOB
from market.requests.service import EXPIRE_JOB as REQUEST_END_JOB
from market.settlement.claims import CLAIM_DUE_JOB, FEE_BACK_JOB
from market.settlement.instructing import EXPIRE_JOB, INSTRUCT_JOB, SEND_JOB
from market.settlement.lapsing import HEARING
from market.settlement.reconciling import RECONCILE_JOB
from market.trade.afterwork import after_settlement
from market.trade.checking import MISMATCH_JOB, GoodsDesk
from market.trade.clockwork import handlers
from market.trade.freezing import FREEZE_OVER_JOB
from market.trade.suspending import LOOK_AGAIN_JOB
from registry.assessments.clockwork import YEAR_JOB
from registry.assessments.moving import DUE_JOB as SECURITY_DUE_JOB
from registry.chiefs.service import TERM_JOB
from registry.ending import ENDED_JOB, REFERENCE_FELL_JOB
from registry.evaluation.moving import DUE_JOB as EVALUATION_JOB
from registry.grading.comparing import SWEEP_JOB
from registry.grading.falling import ASSESSMENT_LOST_JOB
from registry.grading.keeping import CONSENT_LOST_JOB, RECORD_DUE_JOB
from registry.grading.moving import DUE_JOB as GRADING_DUE_JOB
from registry.grading.moving import HANDLER_JOB
from registry.grading.raising import LEVEL_RAISED_JOB
from registry.lists.cataloguing import DATA_CHANGED_JOB
from registry.lists.importing import DATA_IMPORTED_JOB
from registry.lists.moving import ITEM_DUE_JOB, SHARE_DUE_JOB
from registry.opening.agreeing import EXPIRE_JOB as AGREEMENT_OVER_JOB
from registry.opening.taking import USAGE_JOB
from registry.operation.moving import DUE_JOB as GRANT_DUE_JOB
from registry.operation.moving import FALLEN_JOB
from registry.registration.answering import REGISTRAR_DUE_JOB
from registry.registration.moving import DUE_JOB, RIGHT_DUE_JOB
from registry.subjects.consenting import FELL_JOB, SETTLED_JOB
from registry.subjects.moving import DUE_JOB as SUBJECT_DUE_JOB
from registry.vouchers.moving import DUE_JOB as VOUCHER_DUE_JOB
from tests.market.settlement.bank_side import ESCROW

GRADING_JOBS = {
    DATA_CHANGED_JOB,
    LEVEL_RAISED_JOB,
    CONSENT_LOST_JOB,
    RECORD_DUE_JOB,
    SWEEP_JOB,
    GRADING_DUE_JOB,
}
SECURITY_JOBS = {ASSESSMENT_LOST_JOB, HANDLER_JOB, SECURITY_DUE_JOB, YEAR_JOB}
SUBJECT_JOBS = {FELL_JOB, SETTLED_JOB, SUBJECT_DUE_JOB}
NEEDS_BANK = {INSTRUCT_JOB, SEND_JOB, RECONCILE_JOB, EXPIRE_JOB, FEE_BACK_JOB}
ALWAYS = {
    TIMEOUT_JOB,
    FUND_TIMEOUT_JOB,
    SILENT_ACCEPT_JOB,
    LICENCE_END_JOB,
    CERTIFICATE_END_JOB,
    FREEZE_OVER_JOB,
    CLAIM_DUE_JOB,
    OVERDUE_JOB,
    DESTRUCTION_JOB,
    DELIVERY_FAIL_JOB,
    MOVED_JOB,
    LOOK_AGAIN_JOB,
    CLEARANCE_OVER_JOB,
    TELL_JOB,
    MISMATCH_JOB,
    REQUEST_END_JOB,
    ENDED_JOB,
    REFERENCE_FELL_JOB,
    FALLEN_JOB,
    GRANT_DUE_JOB,
    CLOSE_JOB,
    AWARD_JOB,
    DUE_JOB,
    RIGHT_DUE_JOB,
    REGISTRAR_DUE_JOB,
    AGREEMENT_OVER_JOB,
    USAGE_JOB,
    TERM_JOB,
    EVALUATION_JOB,
    *GRADING_JOBS,
    *SECURITY_JOBS,
    *SUBJECT_JOBS,
    ITEM_DUE_JOB,
    SHARE_DUE_JOB,
    VOUCHER_DUE_JOB,
    CUSTOMS_YEAR_JOB,
    DATA_IMPORTED_JOB,
}
NEEDS_FILES = {CHECK_JOB}


def of_trades(kinds) -> set[str]:
    """Without what the brokers' own clocks do (`brokers.clockwork`)."""
    return {kind for kind in kinds if not kind.startswith("brokers.") or kind in ALWAYS}


async def test_every_kind_of_job_that_trades_ask_for_has_its_handler(sqlite_scene):
    scene = sqlite_scene
    bank = scene.bank.client(scene.house.exchange_key)
    desk = GoodsDesk(FileStore(Path(), bytes(32), scene.clock), Path, asyncio.Semaphore())
    every = ALWAYS | NEEDS_BANK | NEEDS_FILES
    filing = after_settlement(scene.house.house).keys()
    assert handlers(scene.house.house, bank, ESCROW, desk).keys() == every | filing
    assert SETTLEMENT_JOB == INSTRUCT_JOB  # siblings know no more of each other than this word
    async with scene.database.read() as s:
        asked = of_trades(await s.exec(select(JobRow.kind)))
    assert asked - filing == every - filing - GRADING_JOBS - SECURITY_JOBS - SUBJECT_JOBS - {
        CUSTOMS_YEAR_JOB,
        DATA_IMPORTED_JOB,
        REQUEST_END_JOB,
        MOVED_JOB,
        LOOK_AGAIN_JOB,
        CLEARANCE_OVER_JOB,
        TELL_JOB,
        MISMATCH_JOB,
        FREEZE_OVER_JOB,
        CLAIM_DUE_JOB,
        FEE_BACK_JOB,
        OVERDUE_JOB,
        DESTRUCTION_JOB,
        ENDED_JOB,
        REFERENCE_FELL_JOB,
        FALLEN_JOB,
        GRANT_DUE_JOB,
        CLOSE_JOB,
        AWARD_JOB,
        AGREEMENT_OVER_JOB,
        USAGE_JOB,
        DUE_JOB,
        RIGHT_DUE_JOB,
        REGISTRAR_DUE_JOB,
        TERM_JOB,
        ITEM_DUE_JOB,
        SHARE_DUE_JOB,
        VOUCHER_DUE_JOB,
        EVALUATION_JOB,
    }


async def test_without_a_bank_what_needs_one_waits_and_the_rest_is_done(scene):
    work = handlers(scene.house.house, None, None)
    assert work.keys() == ALWAYS | after_settlement(scene.house.house).keys()
    scene.clock.advance(timedelta(days=40))
    await run_due(scene.database, scene.clock.now(), work)
    states = {state: (await scene.trade(trade_id)).status for state, trade_id in scene.trades.items()}
    assert states["INQUIRED"] is TradeState.LAPSED
    assert states["NEGOTIATING"] is TradeState.LAPSED
    assert states["CONTRACTED"] is TradeState.CANCELLED
    assert states["DELIVERED"] is TradeState.ACCEPTED_GOODS
    assert states["ACCEPTED_GOODS"] is TradeState.ACCEPTED_GOODS
    async with scene.database.read() as s:
        query = select(JobRow.kind).where(
            JobRow.status == JobStatus.QUEUED, JobRow.run_at <= scene.clock.now()
        )
        assert of_trades(await s.exec(query)) <= NEEDS_BANK | NEEDS_FILES
        dead = (await s.exec(select(JobRow.kind).where(JobRow.status == JobStatus.DEAD))).all()
    assert dead == []


async def test_each_deadline_takes_effect_once_however_often_the_runner_comes_by(scene):
    scene.clock.advance(timedelta(days=40))
    for pause in (timedelta(), HEARING, timedelta()):
        await scene.run_jobs(scene.clock.now() + pause)
    for state, event in (
        ("INQUIRED", "TRD.TIMEOUT"),
        ("NEGOTIATING", "TRD.TIMEOUT"),
        ("CONTRACTED", "TRD.FUND_TIMEOUT"),
        ("DELIVERED", "TRD.SILENT_ACCEPT"),
        ("ACCEPTED_GOODS", "PAY.INSTRUCT"),
    ):
        assert (await scene.events(scene.trades[state])).count(event) == 1, state
