"""From the settled trade to the closed one: invoice, filing, certificate, the licence's end."""

from datetime import UTC, date, datetime, timedelta

import orjson
import pytest
from sqlmodel import select

from base.canonical import canonical, sha256_hex
from base.jobs import JobRow, JobStatus
from base.signing import envelope_signed_by, parse_envelope
from ledger.reader import opening, statements_of
from market.filing import repository
from market.filing.errors import (
    FilingUnknown,
    InvoiceAmountsDiffer,
    InvoiceNumberUsed,
    InvoiceThereBefore,
    TradeCertificateUnknown,
)
from market.filing.rules import CERTIFICATE_PAYLOAD, Cause, certificate_number, filing_number
from market.filing.tables import Invoice
from market.orders.errors import NotAParty, TradeUnknown, TradeWrongState
from market.orders.rules import TradeState
from market.settlement.tables import Split
from tests.market.filing.filing import NUMBER, invoice, licence_until, prove
from tests.market.trade.scene import MORNING

SETTLED_ON = date(2026, 11, 13)


async def events_since_settled(scene, trade_id) -> list[str]:
    said = await scene.events(trade_id)
    return said[said.index("TRD.SETTLE") + 1 :]


async def test_an_invoice_files_and_certifies_its_trade(scene):
    trade_id = scene.trades["SETTLED"]
    made = await invoice(scene, trade_id, file_sha256="cd" * 32)
    assert (made.net_minor, made.vat_minor, made.kind.value) == (64_150_943, 3_849_057, "BLUE")
    assert (await scene.trade(trade_id)).status is TradeState.SETTLED
    await scene.run_jobs()
    assert (await scene.trade(trade_id)).status is TradeState.CERTIFIED
    assert await events_since_settled(scene, trade_id) == ["TRD.INVOICE", "TRD.FILE", "TRD.ISSUE_TRADE_CERT"]

    async with scene.database.read() as s:
        said = {one.event: one for one in await statements_of(s, object_id=trade_id)}
        filing = await repository.filing_of(s, trade_id=trade_id)
        certificate = await repository.certificate_of(s, trade_id=trade_id)
        private = await opening(s, sha256=said["TRD.INVOICE"].opening_sha256)
        contract_sha256 = said["TRD.CONTRACT"].predicate["contract_sha256"]
    assert private | {"nonce": ""} == {
        "invoice_no": NUMBER,
        "issued_on": "2026-11-16",
        "taxpayer": "GENERAL",
        "vat_rate_bp": 600,
        "net_minor": "64150943",
        "vat_minor": "3849057",
        "nonce": "",
    }
    assert said["TRD.INVOICE"].predicate["file_sha256"] == "cd" * 32
    assert (said["TRD.INVOICE"].predicate["from"], said["TRD.INVOICE"].predicate["to"]) == (
        "SETTLED",
        "SETTLED",
    )
    assert NUMBER not in said["TRD.INVOICE"].envelope.decode()
    assert said["TRD.INVOICE"].org_id == scene.seller.org_id

    number = filing_number(trade_id, SETTLED_ON)
    filed = orjson.loads(filing.document)
    assert canonical(filed) == filing.document
    assert sha256_hex(filing.document) == filing.filing_sha256
    assert (filing.filing_no, filed["filing_no"]) == (number, number)
    assert filed["amounts"] == {
        "price_minor": "68000000",
        "refund_minor": "0",
        "seller_minor": "65960000",
        "commission_minor": "1360000",
        "platform_fee_minor": "680000",
    }
    assert filed["invoice"]["invoice_no"] == NUMBER
    assert filed["contract_sha256"] == contract_sha256
    told = [one["event"] for one in filed["statements"]]
    assert (told[0], told[-1], told.count("TRD.SIGN")) == ("TRD.INQUIRE", "TRD.INVOICE", 3)
    assert filed["statements"][-1]["sha256"] == said["TRD.INVOICE"].envelope_sha256
    assert said["TRD.FILE"].predicate["filing_no"] == number
    assert said["TRD.FILE"].predicate["filing_sha256"] == filing.filing_sha256

    envelope = parse_envelope(orjson.loads(certificate.envelope))
    assert envelope.payload_type == CERTIFICATE_PAYLOAD
    assert envelope_signed_by(envelope, scene.house.exchange_key.public)
    assert sha256_hex(envelope.payload) == certificate.certificate_sha256
    assert said["TRD.ISSUE_TRADE_CERT"].predicate["certificate_sha256"] == certificate.certificate_sha256
    shown = orjson.loads(envelope.payload)
    assert shown["certificate_no"] == certificate_number(trade_id, SETTLED_ON)
    assert [party["name"] for party in shown["parties"]] == ["粤能数科", "湾区普惠银行", "珠江数据经纪"]
    assert shown["moments"]["settled_at"] == "2026-11-13T01:00:00.000Z"
    assert shown["filing_sha256"] == filing.filing_sha256
    for secret in (b"minor", b"68000000", NUMBER.encode(), "内部建模".encode()):
        assert secret not in envelope.payload


async def state_of(scene, trade_id) -> tuple:
    """Everything that an invoice could move."""
    async with scene.database.read() as s:
        rows = (await s.exec(select(Invoice))).all()
        jobs = (await s.exec(select(JobRow.key).where(JobRow.kind == "filing.file"))).all()
    return (await scene.trade(trade_id)).status, len(rows), len(jobs), await scene.events(trade_id)


async def test_what_is_no_invoice_of_the_trade_is_refused_and_nothing_moves(scene):
    trade_id = scene.trades["SETTLED"]
    before = await state_of(scene, trade_id)
    for who, changes, error in (
        (scene.seller, {"vat_minor": 3_849_056}, InvoiceAmountsDiffer),
        (scene.stranger, {}, TradeUnknown),
    ):
        with pytest.raises(error):
            await invoice(scene, trade_id, who=who, **changes)
    with pytest.raises(NotAParty):
        await prove(scene, trade_id, who=scene.seller, role="PROVIDER")
    after = await state_of(scene, trade_id)
    refused = ["REF.REFUSE"] * 2  # what is unknown is nobody's decision
    assert after == (*before[:3], [*before[3], *refused])


@pytest.mark.parametrize("state", ["DELIVERED", "ACCEPTED_GOODS", "FROZEN", "CANCELLED"])
async def test_only_a_settled_trade_is_invoiced(scene, state):
    trade_id = scene.trades[state]
    before = await state_of(scene, trade_id)
    with pytest.raises(TradeWrongState) as caught:
        await invoice(scene, trade_id)
    assert caught.value.facts["state"] == state
    assert (await state_of(scene, trade_id))[:3] == before[:3]


async def test_a_trade_is_invoiced_once_and_a_number_stands_once(scene):
    trade_id = scene.trades["SETTLED"]
    await invoice(scene, trade_id)
    with pytest.raises(InvoiceThereBefore):
        await invoice(scene, trade_id, invoice_no=NUMBER[:-1] + "9")
    await scene.run_jobs()
    with pytest.raises(TradeWrongState):  # certified by now
        await invoice(scene, trade_id, invoice_no=NUMBER[:-1] + "9")
    other = await another_settled(scene)
    with pytest.raises(InvoiceNumberUsed):
        await invoice(scene, other)
    assert (await scene.trade(other)).status is TradeState.SETTLED


async def test_what_a_partial_settlement_gave_back_is_not_invoiced(scene):
    trade_id = scene.trades["SETTLED"]
    async with scene.database.write() as s:
        s.add(
            Split(
                trade_id=trade_id,
                refund_minor=17_000_000,
                seller_minor=49_470_000,
                commission_minor=1_020_000,
                platform_fee_minor=510_000,
                release_at=scene.clock.now(),
                decided_at=scene.clock.now(),
            )
        )
    with pytest.raises(InvoiceAmountsDiffer):
        await invoice(scene, trade_id)
    made = await invoice(scene, trade_id, net_minor=48_113_208, vat_minor=2_886_792)  # of 510,000.00
    assert made.net_minor + made.vat_minor == 51_000_000
    await scene.run_jobs()
    async with scene.database.read() as s:
        filed = orjson.loads((await repository.filing_of(s, trade_id=trade_id)).document)
    assert filed["amounts"] == {
        "price_minor": "68000000",
        "refund_minor": "17000000",
        "seller_minor": "49470000",
        "commission_minor": "1020000",
        "platform_fee_minor": "510000",
    }


async def another_settled(scene) -> str:
    trade_id = await scene.walk(TradeState.ACCEPTED_GOODS)
    await scene.run_jobs(MORNING + timedelta(days=1))
    await scene.settle(trade_id)
    return trade_id


async def test_nothing_is_filed_or_certified_before_its_time(scene):
    trade_id = scene.trades["SETTLED"]
    async with scene.database.read() as s:
        with pytest.raises(FilingUnknown):
            await repository.filing_of(s, trade_id=trade_id)
        with pytest.raises(TradeCertificateUnknown):
            await repository.certificate_of(s, trade_id=trade_id)
        with pytest.raises(TradeCertificateUnknown):
            await repository.get_certificate(s, certificate_no=certificate_number(trade_id, SETTLED_ON))
    await scene.run_jobs(MORNING + timedelta(days=2))
    assert (await scene.trade(trade_id)).status is TradeState.SETTLED


END = datetime(2026, 11, 26, 4, 0, tzinfo=UTC)


async def duties(scene, trade_id) -> list[tuple]:
    async with scene.database.read() as s:
        found = await repository.duties_of(s, trade_id=trade_id)
    return [(duty.kind.value, duty.cause, duty.org_id, duty.due_at, duty.proven_at) for duty in found]


async def test_the_licences_end_closes_a_certified_trade_and_asks_for_the_end_of_the_data(scene):
    trade_id = scene.trades["SETTLED"]
    await invoice(scene, trade_id)
    await scene.run_jobs()
    await licence_until(scene, trade_id, END)
    await scene.run_jobs(END - timedelta(milliseconds=1))
    assert (await scene.trade(trade_id)).status is TradeState.CERTIFIED
    assert await duties(scene, trade_id) == []
    await scene.run_jobs(END)
    assert (await scene.trade(trade_id)).status is TradeState.CLOSED
    assert (await events_since_settled(scene, trade_id))[3:] == ["TRD.LICENCE_END", "FIL.DESTRUCTION_ASKED"]
    (duty,) = await duties(scene, trade_id)
    assert duty[:3] == ("DESTRUCTION", Cause.LICENCE_END, scene.buyer.org_id)
    assert duty[3] == datetime(2026, 12, 10, 15, 59, 59, 999_000, tzinfo=UTC)  # ten working days


async def test_a_licence_that_ends_before_the_certificate_closes_the_trade_when_that_comes(scene):
    trade_id = scene.trades["SETTLED"]
    await licence_until(scene, trade_id, END)
    await scene.run_jobs(END + timedelta(days=1))
    assert (await scene.trade(trade_id)).status is TradeState.SETTLED
    assert [duty[1] for duty in await duties(scene, trade_id)] == [Cause.LICENCE_END]
    await invoice(scene, trade_id)
    await scene.run_jobs()
    assert (await scene.trade(trade_id)).status is TradeState.CLOSED
    said = await events_since_settled(scene, trade_id)
    assert said.count("FIL.DESTRUCTION_ASKED") == said.count("TRD.LICENCE_END") == 1
    assert said[-4:] == ["TRD.INVOICE", "TRD.FILE", "TRD.ISSUE_TRADE_CERT", "TRD.LICENCE_END"]


async def test_every_job_of_the_way_is_done(scene):
    await invoice(scene, scene.trades["SETTLED"])
    await scene.run_jobs()
    async with scene.database.read() as s:
        query = select(JobRow.kind, JobRow.status).where(JobRow.key == scene.trades["SETTLED"])
        found = dict((await s.exec(query)).all())
    assert found["filing.file"] is JobStatus.DONE
    assert found["filing.certify"] is JobStatus.DONE
