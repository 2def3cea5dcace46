"""Scenario SC-1, the clean brokered trade, statement by statement, on its dates."""

import base64
from datetime import UTC, date, datetime

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from base.canonical import sha256_hex
from base.signing import parse_envelope
from ledger.reader import opening, statement_by_digest
from market.orders.contract import assemble
from market.orders.repository import get_contract, signatures_of
from market.orders.rules import TradeState
from market.settlement.repository import instructions_of, open_work_items, reconciled_days
from market.trade.timeline import timeline
from tests.market.trade.scene import COMMISSION, PLATFORM_FEE, PRICE, SELLER_PART, Scene

ACCEPTED = datetime(2026, 11, 20, 7, 0, tzinfo=UTC)  # Friday afternoon
T_PLUS_1 = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # Monday, 09:00 in Shanghai


async def test_the_scene_has_a_trade_in_every_state_of_a_trade_without_a_quarrel(scene):
    """The others are brought about on a stage (`stage.py`), or by the tests of their own."""
    states = {state: (await scene.trade(trade_id)).status.value for state, trade_id in scene.trades.items()}
    assert states == {state: state for state in scene.trades}
    assert set(TradeState) - set(scene.trades) == {
        TradeState.ACCEPTED,
        TradeState.DELIVERY_SUSPENDED,
        TradeState.DISPUTED,
        TradeState.PARTIAL_SETTLE,
        TradeState.FILED,
        TradeState.CERTIFIED,
        TradeState.CLOSED,
        TradeState.REFUND_PENDING,
        TradeState.REFUNDED,
        TradeState.VOIDED,
    }
    items = [item.kind for item in await work_items(scene)]
    assert items == []


async def test_the_clean_brokered_trade(scene):
    trade_id = await negotiated(scene)
    contract = await signed(scene, trade_id)
    await delivered_and_accepted(scene, trade_id)
    await settled(scene, trade_id)
    await reconciled(scene, trade_id)
    async with scene.database.read() as s:
        said = await timeline(s, trade_id=trade_id)
        openings = {
            one.event: await opening(s, sha256=one.opening_sha256)
            for one in said
            if one.opening_sha256 is not None
        }
    assert [(one.event, one.predicate.get("from"), one.predicate.get("to")) for one in said] == [
        ("TRD.INQUIRE", None, "INQUIRED"),
        ("TRD.OFFER", "INQUIRED", "NEGOTIATING"),
        ("TRD.COUNTER_OFFER", "NEGOTIATING", "NEGOTIATING"),
        ("TRD.COUNTER_OFFER", "NEGOTIATING", "NEGOTIATING"),
        ("TRD.ACCEPT", "NEGOTIATING", "ACCEPTED"),
        ("XBD.AUTO_ROUTE", None, None),
        ("QTE.QUOTE", None, None),
        ("TRD.PRECHECK_PASS", "ACCEPTED", "CONTRACT_READY"),
        ("TRD.SIGN", None, None),
        ("TRD.SIGN", None, None),
        ("CND.CHECK", None, None),
        ("TRD.SIGN", None, None),
        ("TRD.CONTRACT", "CONTRACT_READY", "CONTRACTED"),
        ("TRD.FUND", "CONTRACTED", "FUNDED"),
        ("TRD.START_DELIVERY", "FUNDED", "DELIVERING"),
        ("TRD.DELIVERED", "DELIVERING", "DELIVERED"),
        ("TRD.ACCEPT_GOODS", "DELIVERED", "ACCEPTED_GOODS"),
        ("PAY.INSTRUCT", None, None),
        ("TRD.SETTLE", "ACCEPTED_GOODS", "SETTLED"),
    ]
    system = scene.house.house.exchange.actor.org_id
    assert [one.org_id for one in said] == [
        scene.buyer.org_id,
        scene.broker.org_id,
        scene.buyer.org_id,
        scene.broker.org_id,
        scene.buyer.org_id,
        *[system] * 3,
        scene.seller.org_id,
        scene.buyer.org_id,
        *[scene.broker.org_id] * 2,
        *[system] * 2,
        scene.seller.org_id,
        scene.buyer.org_id,
        scene.buyer.org_id,
        *[system] * 2,
    ]
    assert all(one.predicate["clock"] == "simulated" for one in said)
    for one in said:  # no amount in the open: what is private is committed to
        assert "minor" not in one.envelope.decode()
        assert str(PRICE) not in orjson.dumps(one.payload).decode()
    assert openings["TRD.COUNTER_OFFER"]["price_minor"] == str(PRICE)
    assert openings["TRD.CONTRACT"] | {"nonce": ""} == {
        "amount_minor": "68000000",
        "commission_minor": "1360000",
        "platform_fee_minor": "680000",
        "quantity": 1,
        "unit": "set",
        "licence_class": "internal-use",
        "contract_dated_at": contract["dated_at"],
        "fund_by": "2026-11-19T15:59:59.999Z",
        "nonce": "",
    }
    assert openings["TRD.SETTLE"] | {"nonce": ""} == {
        "amount_minor": "68000000",
        "seller_minor": "65960000",
        "commission_minor": "1360000",
        "platform_fee_minor": "680000",
        "nonce": "",
    }
    assert openings["QTE.QUOTE"]["price_minor"] == "68000000"
    assert [reason["code"] for reason in openings["QTE.QUOTE"]["reasons"]] == [
        "offers-made",
        "latest-offer-accepted",
    ]
    quote = next(one for one in said if one.event == "QTE.QUOTE").predicate
    assert (quote["mechanism"], quote["quote_id"]) == ("M5", contract["price"]["quote_id"])
    route = next(one for one in said if one.event == "XBD.AUTO_ROUTE").predicate
    assert (route["route"], route["rule_id"], route["country"]) == ("DOMESTIC", "XBD-R0", "CN")
    checks = next(one for one in said if one.event == "TRD.PRECHECK_PASS").predicate
    assert all(check["passed"] for check in checks["checks"])
    assert " ".join(checks["rules"]) == (
        "BR1 BR2 BR3 BR4 BR5 BR6 BR7 GRADE-CHANNEL LST MEMBER PRICE_CAP XBD-R0"
    )
    assert checks["mandate_id"] == scene.mandate_id
    waiting = [(item.kind, item.trade_id) for item in await work_items(scene)]
    assert waiting == [("filing-overdue", scene.trades["SETTLED"])]  # which nobody has invoiced


async def negotiated(scene: Scene) -> str:
    """760,000 → 620,000 → 680,000: the broker speaks for the provider."""
    trade = await scene.inquire()
    assert (trade.broker_id, trade.broker_side, trade.mandate_id) == (
        scene.broker.org_id,
        "PROVIDER",
        scene.mandate_id,
    )
    offers = [
        await scene.offer(trade.trade_id, scene.broker, 76_000_000),
        await scene.offer(trade.trade_id, scene.buyer, 62_000_000),
        await scene.offer(trade.trade_id, scene.broker, PRICE),
    ]
    assert [(offer.offer_no, offer.side) for offer in offers] == [
        (1, "PROVIDER"),
        (2, "BUYER"),
        (3, "PROVIDER"),
    ]
    trade = await scene.accept(trade.trade_id, scene.buyer, 3)
    assert trade.status is TradeState.CONTRACT_READY
    assert (trade.price_minor, trade.commission_minor, trade.platform_fee_minor) == (
        PRICE,
        COMMISSION,
        PLATFORM_FEE,
    )
    return trade.trade_id


async def signed(scene: Scene, trade_id: str) -> dict:
    """Three signatures over one payload, each its own statement; assembled they verify by other code."""
    trade = await scene.sign(trade_id)
    assert trade.status is TradeState.CONTRACTED
    async with scene.database.read() as s:
        contract = await get_contract(s, trade_id=trade_id)
        signatures = await signatures_of(s, trade_id=trade_id)
        envelopes = [
            parse_envelope(
                orjson.loads((await statement_by_digest(s, envelope_sha256=one.envelope_sha256)).envelope)
            )
            for one in signatures
        ]
        said = (await timeline(s, trade_id=trade_id))[-1]
    assert contract is not None
    document = orjson.loads(contract.document)
    assert document["price"] == {
        "amount_minor": "68000000",
        "commission_minor": "1360000",
        "platform_fee_minor": "680000",
        "net_minor": "64150943",
        "vat_minor": "3849057",
        "seller_minor": str(SELLER_PART),
        "currency": "CNY",
        "fund_within_wd": 3,
        "late_payment_a_day": "0.0005",
        "quote_id": trade.quote_id,
        "quote_sha256": document["price"]["quote_sha256"],
    }
    people = (scene.seller, scene.buyer, scene.broker)
    assert [party["org_id"] for party in document["parties"]] == [one.org_id for one in people]
    assert len({envelope.payload for envelope in envelopes}) == 1
    assert len({one.envelope_sha256 for one in signatures}) == 3
    payload = orjson.loads(envelopes[0].payload)
    assert payload["predicate"] == {
        "object": trade_id,
        "event": "TRD.SIGN",
        "clock": "simulated",
        "trade_id": trade_id,
        "contract_sha256": sha256_hex(contract.document.encode()),
        "parties": [one.org_id for one in people],
        "opening": {"sha256": sha256_hex(contract.opening.encode())},
    }
    by_org = {one.org_id: one.envelope_sha256 for one in signatures}
    assert said.predicate["signatures"] == [by_org[one.org_id] for one in people]
    dsse = assemble(envelopes).document()
    kind, body = dsse["payloadType"].encode(), base64.b64decode(dsse["payload"])
    message = (
        b"DSSEv1 " + str(len(kind)).encode() + b" " + kind + b" " + str(len(body)).encode() + b" " + body
    )
    keys = {one.registered.keyid: one.registered.public for one in people}
    assert {signature["keyid"] for signature in dsse["signatures"]} == keys.keys()
    for signature in dsse["signatures"]:
        public = Ed25519PublicKey.from_public_bytes(keys[signature["keyid"]])
        public.verify(base64.b64decode(signature["sig"]), message)
    return document


async def delivered_and_accepted(scene: Scene, trade_id: str) -> None:
    outcome = await scene.fund(trade_id)
    assert outcome == {"outcome": "funded", "trade_id": trade_id}
    assert await scene.held(trade_id) == PRICE
    scene.clock.move_to(datetime(2026, 11, 17, 2, 0, tzinfo=UTC))
    await scene.start_delivery(trade_id)
    await scene.confirm(trade_id)
    scene.clock.move_to(ACCEPTED)
    trade = await scene.accept_goods(trade_id)
    assert (trade.accepted_at, trade.settle_at) == (ACCEPTED, T_PLUS_1)


async def settled(scene: Scene, trade_id: str) -> None:
    """Accepted on Friday, paid on Monday: the first working day after."""
    await scene.run_jobs(datetime(2026, 11, 23, 0, 59, 59, tzinfo=UTC))
    async with scene.database.read() as s:
        assert await instructions_of(s, trade_id=trade_id) == []
    await scene.run_jobs(T_PLUS_1)
    instruction = await scene.instruction(trade_id)
    assert {payout["end_to_end_id"]: payout["amount_minor"] for payout in instruction.payouts} == {
        f"{trade_id}/S": str(SELLER_PART),
        f"{trade_id}/B": str(COMMISSION),
        f"{trade_id}/P": str(PLATFORM_FEE),
    }
    assert await scene.held(trade_id) == PRICE  # reserved, not moved
    outcome = await scene.settle(trade_id)
    assert (outcome["outcome"], outcome["trade_id"]) == ("settled", trade_id)
    assert (await scene.trade(trade_id)).settled_at == T_PLUS_1
    assert await scene.held(trade_id) == 0
    at_bank, on_trades = await scene.totals()
    assert at_bank + on_trades == 0


async def reconciled(scene: Scene, trade_id: str) -> None:
    """Every day on which money moved agrees with the bank's statement, to the fen."""
    await scene.run_jobs(datetime(2026, 11, 24, 0, 0, tzinfo=UTC))
    async with scene.database.read() as s:
        days = await reconciled_days(s)
    assert {row.day for row in days} >= {date(2026, 11, 16), date(2026, 11, 23)}
    assert all(row.matched and row.mismatches == [] for row in days)


async def work_items(scene: Scene) -> list:
    async with scene.database.read() as s:
        return list(await open_work_items(s))
