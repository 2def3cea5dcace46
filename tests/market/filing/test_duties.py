"""What is owed after a trade: asked once, proved once, overdue once, and by whom."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import col, select, update

from base.jobs import JobStatus
from ledger.reader import opening, statements_of
from market.delivery.tables import Download, Entitlement
from market.filing import repository
from market.filing.errors import (
    DestructionNotAsked,
    InvoiceDateOutside,
    InvoiceNumberMalformed,
    InvoiceNumberUsed,
    NothingToReverse,
)
from market.filing.rules import Cause, DutyKind, InvoiceKind
from market.filing.service import require_destruction
from market.orders.errors import NotAParty, TradeUnknown
from market.orders.rules import TradeState
from market.orders.tables import Trade
from market.settlement.repository import open_work_items
from market.settlement.tables import Claim, ClaimStatus
from tests.base.work import row
from tests.market.disputes.staging import pay_back, post_refund, void
from tests.market.filing.filing import NUMBER, RED_NUMBER, invoice, prove, reverse
from tests.standstill import fingerprints, refused

ASKED_ON = datetime(2026, 11, 16, 1, 30, tzinfo=UTC)
DUE = datetime(2026, 11, 30, 15, 59, 59, 999_000, tzinfo=UTC)  # ten working days
LATE = timedelta(milliseconds=1)


async def ask(scene, trade_id, cause=Cause.ORDER):
    async with scene.database.write() as s:
        return await require_destruction(s, scene.house.house.exchange_act(), trade_id=trade_id, cause=cause)


async def put(scene, trade_id, status: TradeState) -> None:
    """Where another stage would have brought the trade."""
    async with scene.database.write() as s:
        await s.exec(update(Trade).where(col(Trade.trade_id) == trade_id).values(status=status))


async def items(scene) -> list[tuple[str, str | None]]:
    async with scene.database.read() as s:
        return [(item.kind, item.trade_id) for item in await open_work_items(s)]


async def said(scene, trade_id, event) -> list:
    async with scene.database.read() as s:
        return [one for one in await statements_of(s, object_id=trade_id) if one.event == event]


async def test_the_buyer_is_asked_once_and_proves_once(scene):
    trade_id = scene.trades["DELIVERED"]
    duty = await ask(scene, trade_id)
    assert duty is not None
    assert (duty.kind, duty.cause, duty.org_id, duty.asked_at, duty.due_at) == (
        DutyKind.DESTRUCTION,
        Cause.ORDER,
        scene.buyer.org_id,
        ASKED_ON,
        DUE,
    )
    again = await ask(scene, trade_id, Cause.LICENCE_END)
    assert again is not None
    assert again.duty_id == duty.duty_id
    (asked,) = await said(scene, trade_id, "FIL.DESTRUCTION_ASKED")
    assert asked.org_id == scene.house.house.exchange.actor.org_id
    assert {name: asked.predicate[name] for name in ("duty_id", "cause", "org_id", "due_at")} == {
        "duty_id": duty.duty_id,
        "cause": "ORDER",
        "org_id": scene.buyer.org_id,
        "due_at": "2026-11-30T15:59:59.999Z",
    }
    proven = await prove(scene, trade_id)
    assert (proven.method.value, proven.proof_sha256, proven.proven_at) == (
        "CRYPTO_ERASED",
        "ab" * 32,
        ASKED_ON,
    )
    (told,) = await said(scene, trade_id, "FIL.DESTROYED")
    assert told.org_id == scene.buyer.org_id
    assert told.payload["subject"][1] == {"name": "proof", "digest": {"sha256": "ab" * 32}}
    assert (await row(scene.database, duty.duty_id, "filing.duty")).status is JobStatus.CANCELLED
    with pytest.raises(DestructionNotAsked):
        await prove(scene, trade_id)
    assert await ask(scene, trade_id, Cause.REFUND) is None  # nothing went out since


async def test_where_nothing_was_delivered_nothing_is_asked(scene):
    for state in ("CONTRACTED", "FUNDED", "DELIVERING"):
        before = await fingerprints(scene.database)
        assert await ask(scene, scene.trades[state], Cause.VOID) is None
        assert await fingerprints(scene.database) == before


async def test_a_part_of_a_file_is_data_too_and_so_is_what_came_after_a_proof(scene):
    trade_id = scene.trades["DELIVERING"]
    async with scene.database.write() as s:
        right = (await s.exec(select(Entitlement).where(Entitlement.trade_id == trade_id))).one()
        s.add(
            Download(
                download_id="dld_one",
                entitlement_id=right.entitlement_id,
                status="OPEN",
                sent="0-5",
                sent_bytes=5,
                opened_at=scene.clock.now(),
            )
        )
    assert await ask(scene, trade_id, Cause.REFUND) is not None
    scene.clock.advance(timedelta(hours=1))
    await prove(scene, trade_id)
    assert await ask(scene, trade_id, Cause.VOID) is None
    async with scene.database.write() as s:
        moved = {"opened_at": scene.clock.now() + timedelta(hours=1)}
        await s.exec(update(Download).where(col(Download.download_id) == "dld_one").values(**moved))
    assert await ask(scene, trade_id, Cause.VOID) is not None


async def test_nobody_else_proves_it_and_nothing_moves(scene):
    trade_id = scene.trades["DELIVERED"]
    await ask(scene, trade_id)
    for who, role, error in (
        (scene.seller, "PROVIDER", NotAParty),
        (scene.stranger, "BUYER", TradeUnknown),
    ):
        with pytest.raises(error):
            await prove(scene, trade_id, who=who, role=role)
    async with scene.database.read() as s:
        duty = await repository.open_duty(s, trade_id=trade_id, kind=DutyKind.DESTRUCTION)
    assert duty is not None
    assert await said(scene, trade_id, "FIL.DESTROYED") == []


async def test_what_is_not_proved_in_time_is_a_work_item_until_it_is(scene):
    trade_id = scene.trades["SETTLED"]
    await ask(scene, trade_id)
    await scene.run_jobs(DUE)
    assert ("destruction-overdue", trade_id) not in await items(scene)
    await scene.run_jobs(DUE + LATE)
    for _ in range(2):
        await scene.run_jobs()
    assert (await items(scene)).count(("destruction-overdue", trade_id)) == 1
    overdue = [one.predicate for one in await said(scene, trade_id, "FIL.OVERDUE")]
    assert [(one["kind"], one["org_id"], one["due_at"]) for one in overdue if "destr" in one["kind"]] == [
        ("destruction-overdue", scene.buyer.org_id, "2026-11-30T15:59:59.999Z")
    ]
    await prove(scene, trade_id)  # late, and taken
    assert ("destruction-overdue", trade_id) not in await items(scene)


async def test_who_does_not_invoice_is_overdue_and_the_filing_with_it(scene):
    trade_id = scene.trades["SETTLED"]  # on Friday the 13th
    await scene.run_jobs(datetime(2026, 11, 20, 15, 59, 59, 999_000, tzinfo=UTC))
    assert await items(scene) == []
    await scene.run_jobs(datetime(2026, 11, 20, 16, tzinfo=UTC))
    assert await items(scene) == [("filing-overdue", trade_id)]
    await scene.run_jobs(datetime(2026, 11, 30, 15, 59, 59, 999_000, tzinfo=UTC))
    assert ("invoice-overdue", trade_id) not in await items(scene)
    await scene.run_jobs(datetime(2026, 11, 30, 16, tzinfo=UTC))
    assert {("filing-overdue", trade_id), ("invoice-overdue", trade_id)} <= set(await items(scene))
    overdue = [one.predicate for one in await said(scene, trade_id, "FIL.OVERDUE")]
    assert [(one["kind"], one["org_id"], one["due_at"]) for one in overdue] == [
        (
            "filing-overdue",
            scene.house.house.exchange.actor.org_id,
            "2026-11-20T15:59:59.999Z",
        ),
        ("invoice-overdue", scene.seller.org_id, "2026-11-30T15:59:59.999Z"),
    ]
    await invoice(scene, trade_id, issued_on=date(2026, 11, 30))
    assert ("invoice-overdue", trade_id) not in await items(scene)
    await scene.run_jobs()
    assert [kind for kind, about in await items(scene) if about == trade_id] == []
    assert (await scene.trade(trade_id)).status is TradeState.CERTIFIED


async def test_an_invoice_is_taken_back_where_the_trade_is(scene):
    trade_id = scene.trades["SETTLED"]
    with pytest.raises(NothingToReverse):
        await reverse(scene, trade_id)
    await invoice(scene, trade_id)
    with pytest.raises(NothingToReverse):  # the trade stands
        await reverse(scene, trade_id)
    await put(scene, trade_id, TradeState.REFUND_PENDING)
    await ask(scene, trade_id, Cause.REFUND)
    async with scene.database.read() as s:
        asked = await repository.open_duty(s, trade_id=trade_id, kind=DutyKind.RED_INVOICE)
    assert asked is not None
    assert (asked.org_id, asked.due_at) == (scene.seller.org_id, DUE)  # within the month
    for changes, error in (
        ({"invoice_no": NUMBER}, InvoiceNumberUsed),
        ({"invoice_no": "27" + RED_NUMBER[2:]}, InvoiceNumberMalformed),
        ({"issued_on": date(2026, 11, 15)}, InvoiceDateOutside),
        ({"issued_on": date(2026, 11, 17)}, InvoiceDateOutside),
    ):
        with pytest.raises(error):
            await reverse(scene, trade_id, **changes)
    red = await reverse(scene, trade_id)
    assert (red.kind, red.reverses, red.net_minor, red.vat_minor) == (
        InvoiceKind.RED,
        NUMBER,
        -64_150_943,
        -3_849_057,
    )
    (told,) = await said(scene, trade_id, "FIL.RED_INVOICE")
    async with scene.database.read() as s:
        private = await opening(s, sha256=told.opening_sha256)
        left = await repository.open_duty(s, trade_id=trade_id, kind=DutyKind.RED_INVOICE)
    assert private is not None
    assert (private["net_minor"], private["reverses"]) == ("-64150943", NUMBER)
    assert left is None
    with pytest.raises(NothingToReverse):
        await reverse(scene, trade_id, invoice_no=RED_NUMBER[:-1] + "0")
    await scene.run_jobs()
    assert await said(scene, trade_id, "TRD.FILE") == []  # what was taken back is not filed


async def test_of_a_part_that_goes_back_the_invoice_is_taken_back_in_part(scene):
    trade_id = scene.trades["SETTLED"]
    await invoice(scene, trade_id)
    await put(scene, trade_id, TradeState.REFUND_PENDING)
    async with scene.database.write() as s:
        for number, amount in enumerate((16_490_000, 340_000, 170_000)):  # of seller, broker and platform
            s.add(
                Claim(
                    claim_id=f"clm_{number}",
                    trade_id=trade_id,
                    debtor_id=scene.seller.org_id,
                    payee="SELLER",
                    amount_minor=amount,
                    status=ClaimStatus.OPEN,
                    opened_at=scene.clock.now(),
                    due_at=scene.clock.now(),
                    statement_id="sta_x",
                )
            )
    red = await reverse(scene, trade_id)
    assert (red.net_minor, red.vat_minor) == (-16_037_736, -962_264)  # of 170,000.00 yuan at 6 %


async def test_a_void_contract_takes_back_what_a_refund_has_left_of_the_invoice(scene):
    trade_id = scene.trades["SETTLED"]
    await invoice(scene, trade_id)
    await post_refund(scene, trade_id, refund_minor=17_000_001)
    await scene.run_jobs()
    first = await reverse(scene, trade_id)
    assert (first.net_minor, first.vat_minor) == (-16_037_737, -962_264)  # of 170,000.01 yuan at 6 %
    await pay_back(scene, trade_id)
    await scene.run_jobs()
    await scene.settle(trade_id)
    assert await duties(scene, trade_id, DutyKind.RED_INVOICE) == [True]
    with pytest.raises(NothingToReverse):  # the refund is over, and the rest stands
        await reverse(scene, trade_id, invoice_no=RED_NUMBER[:-1] + "0")
    scene.clock.advance(timedelta(minutes=1))
    await void(scene, trade_id)
    await scene.run_jobs()
    assert await duties(scene, trade_id, DutyKind.RED_INVOICE) == [True, False]
    second = await reverse(scene, trade_id, invoice_no=RED_NUMBER[:-1] + "0")
    assert (second.net_minor, second.vat_minor) == (-48_113_206, -2_886_793)
    assert first.net_minor + second.net_minor == -64_150_943  # together to the fen what was invoiced
    assert first.vat_minor + second.vat_minor == -3_849_057
    assert await duties(scene, trade_id, DutyKind.RED_INVOICE) == [True, True]
    async with refused(scene.database, NothingToReverse):
        await reverse(scene, trade_id, invoice_no=RED_NUMBER[:-1] + "1")


async def duties(scene, trade_id, kind: DutyKind) -> list[bool]:
    """Whether each duty of a kind that was asked for is done, in order."""
    async with scene.database.read() as s:
        return [
            one.proven_at is not None for one in await repository.duties_of(s, trade_id=trade_id, kind=kind)
        ]


async def test_an_invoice_that_is_not_taken_back_in_time_is_a_work_item(scene):
    trade_id = scene.trades["SETTLED"]
    await invoice(scene, trade_id)
    await put(scene, trade_id, TradeState.REFUND_PENDING)
    await ask(scene, trade_id, Cause.REFUND)
    await scene.run_jobs(DUE + LATE)
    late = {kind for kind, about in await items(scene) if about == trade_id}
    assert late == {"red-invoice-overdue", "destruction-overdue"}
    await reverse(scene, trade_id, issued_on=date(2026, 11, 30))
    late = {kind for kind, about in await items(scene) if about == trade_id}
    assert late == {"destruction-overdue"}


async def test_what_was_overdue_is_forgotten_when_the_trade_is_taken_back(scene):
    trade_id = scene.trades["SETTLED"]
    await scene.run_jobs(datetime(2026, 11, 20, 16, tzinfo=UTC))
    assert await items(scene) == [("filing-overdue", trade_id)]
    await put(scene, trade_id, TradeState.REFUND_PENDING)
    await ask(scene, trade_id, Cause.REFUND)
    assert await items(scene) == []
    async with scene.database.read() as s:
        assert await repository.open_duty(s, trade_id=trade_id, kind=DutyKind.RED_INVOICE) is None
