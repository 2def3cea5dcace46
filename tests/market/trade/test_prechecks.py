"""A check that fails blocks the trade at its acceptance, and the whole list of checks is stated."""

from typing import Any

import orjson
import pytest
from sqlalchemy import text

from brokers.rules import Side
from brokers.service import revoke_mandate, suspend_certificate
from ledger.reader import statements_of
from market.customs.carrying import attach_evidence
from market.customs.deciding import clear, take
from market.customs.declared import Recipient
from market.customs.declaring import declare
from market.customs.entering import enter_document
from market.customs.errors import CustomsRouteNotOpen
from market.customs.proving import DocumentKind
from market.customs.repository import decision_of
from market.customs.routing import Way
from market.customs.service import require_cleared
from market.orders.errors import FeesChanged
from market.orders.repository import get_contract
from market.orders.rules import TradeState
from market.orders.tables import QuoteRow, Trade
from market.trade.foreseeing import foresee_trade
from pricing.quote import inputs_sha256
from registry.rules import Level, PersonalData
from tests.houses import Party, some_uscc
from tests.market.customs.flows import document, flow, shown
from tests.market.listings.goods import listed
from tests.market.trade.scene import Scene
from tests.standstill import refused


async def meddle(scene: Scene, statement: str, **values: Any) -> None:
    """Change a row as no service does: what the check asks has fallen by another way."""
    async with scene.database.write() as s:
        await (await s.connection()).execute(text(statement), values)


async def accepted(scene: Scene, trade_id: str, who: Party | None = None) -> Trade:
    return await scene.accept(trade_id, who or scene.buyer)


async def failures(scene: Scene, trade: Trade) -> dict[str, tuple[str, str]]:
    """The checks that failed, as stated: name → (rule, code). The trade is blocked, and nothing drawn up."""
    assert trade.status is TradeState.BLOCKED
    assert (trade.quote_id, trade.commission_minor) == (None, None)
    async with scene.database.read() as s:
        assert await get_contract(s, trade_id=trade.trade_id) is None
        said = (await statements_of(s, object_id=trade.trade_id))[-1]
        route = await decision_of(s, trade_id=trade.trade_id)
    assert said.event == "TRD.PRECHECK_FAIL"
    predicate = said.predicate
    assert (predicate["from"], predicate["to"]) == ("ACCEPTED", "BLOCKED")
    assert predicate["declaration_id"] == trade.declaration_id == route.declaration_id
    checks = predicate["checks"]
    assert len(checks) == (12 if trade.broker_id else 6)
    failed = {check["check"]: (check["rule_id"], check["code"]) for check in checks if not check["passed"]}
    assert predicate["rules"] == sorted({rule for rule, _ in failed.values()})
    assert trade.refusal_code == ",".join(code for _, code in failed.values())
    return failed


async def test_br1_a_certificate_suspended_since_the_offer_blocks(scene):
    await scene.authority.do(suspend_certificate, cert_id=scene.cert_id, reason_code="WT1")
    trade = await accepted(scene, scene.trades["NEGOTIATING"])
    assert await failures(scene, trade) == {
        "broker-certificate": ("BR1", "broker-not-certified"),
        "mandate": ("BR2", "no-active-mandate"),  # frozen with it
    }


async def test_br2_a_mandate_taken_back_since_the_offer_blocks(scene):
    await scene.seller.do(revoke_mandate, mandate_id=scene.mandate_id)
    trade = await accepted(scene, scene.trades["NEGOTIATING"])
    assert await failures(scene, trade) == {"mandate": ("BR2", "no-active-mandate")}


async def test_a_mandate_that_replaces_another_is_the_one_that_counts(scene):
    await scene.seller.do(revoke_mandate, mandate_id=scene.mandate_id)
    fresh = await scene.mandate(scene.seller, Side.PROVIDER)
    trade = await accepted(scene, scene.trades["NEGOTIATING"])
    assert (trade.status, trade.mandate_id, trade.commission_minor) == (
        TradeState.CONTRACT_READY,
        fresh,
        1_360_000,
    )


async def test_an_offer_is_not_accepted_at_other_fees_than_it_showed(scene):
    trade_id = scene.trades["NEGOTIATING"]
    await scene.seller.do(revoke_mandate, mandate_id=scene.mandate_id)
    fresh = await scene.mandate(scene.seller, Side.PROVIDER, fee_bp=100)
    before = await scene.events(trade_id)
    with pytest.raises(FeesChanged) as caught:
        await accepted(scene, trade_id)
    assert caught.value.facts == {"offer_no": 1, "shown_bp": 200, "now_bp": 100}
    assert (await scene.trade(trade_id)).status is TradeState.NEGOTIATING
    assert await scene.events(trade_id) == [*before, "REF.REFUSE"]
    await scene.offer(trade_id, scene.buyer)  # the same price, with the fees of now
    trade = await scene.accept(trade_id, scene.seller, 2)
    assert (trade.status, trade.mandate_id, trade.commission_minor) == (
        TradeState.CONTRACT_READY,
        fresh,
        680_000,
    )


async def test_a_mandate_of_the_other_side_that_has_ended_makes_no_broker_of_both(scene):
    ended = await scene.mandate(scene.buyer, Side.BUYER)
    await scene.buyer.do(revoke_mandate, mandate_id=ended)
    trade = await accepted(scene, scene.trades["NEGOTIATING"])
    assert (trade.status, trade.mandate_id) == (TradeState.CONTRACT_READY, scene.mandate_id)


async def test_br4_a_conflict_that_only_one_party_consents_to_blocks_and_one_both_do_does_not(scene):
    await scene.mandate(scene.seller, Side.PROVIDER, conflict_disclosed=True, dual_consent=True)
    trade_id = await scene.walk(TradeState.NEGOTIATING)
    trade = await accepted(scene, trade_id)
    assert await failures(scene, trade) == {"conflict-of-interest": ("BR4", "conflict-not-consented")}
    await scene.mandate(scene.buyer, Side.BUYER, conflict_disclosed=True, dual_consent=True)
    trade_id = (await scene.inquire()).trade_id  # the broker now comes in for the buyer
    await scene.offer(trade_id, scene.seller)
    assert (await accepted(scene, trade_id)).status is TradeState.CONTRACT_READY


async def test_br5_a_broker_under_one_control_with_a_party_blocks(scene):
    bank = await scene.house.admit("同控银行", {"BUYER"}, controller_id="某某控股")
    await meddle(
        scene,
        "UPDATE identity_orgs SET controller_id = '某某控股' WHERE org_id = :org",
        org=scene.broker.org_id,
    )
    trade_id = (await scene.inquire(who=bank)).trade_id
    await scene.offer(trade_id, scene.seller)
    trade = await accepted(scene, trade_id, bank)
    assert await failures(scene, trade) == {"self-dealing": ("BR5", "self-dealing")}


async def test_br6_a_broker_of_both_sides_without_both_consents_blocks(scene):
    await scene.mandate(scene.buyer, Side.BUYER, dual_consent=True)  # the provider has not consented
    trade = await accepted(scene, scene.trades["NEGOTIATING"])
    assert await failures(scene, trade) == {"dual-representation": ("BR6", "dual-representation")}


async def test_br7_a_commission_above_the_cap_blocks(scene):
    await meddle(
        scene, "UPDATE brokers_mandates SET fee_bp = 501 WHERE mandate_id = :id", id=scene.mandate_id
    )
    trade = await accepted(scene, scene.trades["NEGOTIATING"])
    assert await failures(scene, trade) == {"commission": ("BR7", "commission-above-cap")}


async def test_what_could_not_be_delivered_abroad_is_not_agreed_until_customs_has_cleared_it(scene):
    abroad = await scene.house.admit("香港金融", {"BUYER"}, uscc=some_uscc(region="810000"))
    listing = await listed(
        scene.house,
        scene.seller,
        salt="personal",
        level=Level.GENERAL_3,
        declared={"personal": PersonalData(contained=True, consented=True, impact_assessed=True)},
    )
    trade = await scene.inquire(who=abroad, listing_id=listing.listing_id, broker_id=None)
    await scene.offer(trade.trade_id, scene.seller, territory="CN,HK")
    async with refused(scene.database, CustomsRouteNotOpen) as told:  # before anybody is bound
        await accepted(scene, trade.trade_id, abroad)
    facts = told.value.facts
    assert (facts["rule"], facts["needs"], facts["country"]) == ("XBD-R9", "GBA_CONTRACT", "HK")
    trade = await scene.trade(trade.trade_id)
    assert (trade.status, trade.price_minor) == (TradeState.NEGOTIATING, None)
    async with scene.database.read() as s:
        warned = await foresee_trade(s, trade, now=scene.clock.now())
    assert (warned.open, warned.document()["needs"]) == (False, "GBA_CONTRACT")
    cac = await scene.house.admit("省网信办", {"CAC"})
    await cac.do(enter_document, document=_filed(scene.seller.org_id))
    said = flow(
        1_000,
        recipient=Recipient(name="香港金融", country="HK", contact="x", org_id=abroad.org_id),
        storage_place="HK",
        product_id=listing.product_id,
    )
    row = await scene.seller.do(declare, attempted="XBD.DECLARE", declaration=said)
    assert row.way is Way.GBA_STANDARD_CONTRACT
    about = {"declaration_id": row.declaration_id}
    paper = shown(kind=DocumentKind.GBA_CONTRACT)
    await scene.seller.do(attach_evidence, attempted="XBD.ATTACH_EVIDENCE", shown=paper, **about)
    await cac.do(take, **about)
    await cac.do(clear, reason="in order", **about)
    async with scene.database.read() as s:
        assert (await foresee_trade(s, trade, now=scene.clock.now())).clearance_id == row.declaration_id
    agreed = await accepted(scene, trade.trade_id, abroad)
    assert agreed.status is TradeState.CONTRACT_READY
    async with scene.database.write() as s:
        crossing = await require_cleared(s, trade=agreed, act=scene.seller.act("PROVIDER"))
    assert crossing is not None
    assert crossing.declaration_id == row.declaration_id


def _filed(exporter_id):
    return document(exporter_id, kind=DocumentKind.GBA_CONTRACT, country="HK", recipient_name="香港金融")


async def test_a_delivery_abroad_that_is_exempt_passes_and_needs_a_broker_for_it(scene):
    abroad = await scene.house.admit("香港金融", {"BUYER"}, uscc=some_uscc(region="810000"))
    alone = await scene.inquire(who=abroad, broker_id=None)
    await scene.offer(alone.trade_id, scene.seller, territory="CN,HK")
    alone = await accepted(scene, alone.trade_id, abroad)
    assert alone.status is TradeState.CONTRACT_READY
    async with scene.database.write() as s:
        crossing = await require_cleared(s, trade=alone, act=scene.seller.act("PROVIDER"))
        decided = await decision_of(s, trade_id=alone.trade_id)
        assert decided is not None
        assert crossing is not None
        assert (decided.rule_id, decided.clearance_id) == ("XBD-R4", crossing.declaration_id)
    trade = await scene.inquire(who=abroad)
    await scene.offer(trade.trade_id, scene.seller, territory="CN,HK")
    trade = await accepted(scene, trade.trade_id, abroad)
    assert await failures(scene, trade) == {"broker-certificate": ("BR1", "broker-not-certified")}


async def test_a_level_above_the_channel_and_above_the_brokers_certificate_blocks_twice(scene):
    await meddle(
        scene,
        "UPDATE market_listings SET level = 'important' WHERE listing_id = :id",
        id=scene.listing.listing_id,
    )
    trade = await accepted(scene, scene.trades["NEGOTIATING"])
    assert await failures(scene, trade) == {
        "level-channel": ("GRADE-CHANNEL", "level-channel-closed"),
        "broker-certificate": ("BR1", "broker-not-certified"),
    }


async def test_a_cap_lowered_since_the_offer_blocks(scene):
    listing = await listed(
        scene.house,
        scene.seller,
        salt="public",
        public_data=True,
        grant_id="aog_1",
        cap_minor=50_000_000,
        list_price_minor=50_000_000,
    )
    trade = await scene.inquire(listing_id=listing.listing_id)
    await scene.offer(trade.trade_id, scene.seller, 50_000_000)
    await meddle(
        scene,
        "UPDATE market_listings SET cap_minor = 49999999 WHERE listing_id = :id",
        id=listing.listing_id,
    )
    trade = await accepted(scene, trade.trade_id)
    assert await failures(scene, trade) == {"price": ("PRICE_CAP", "price-above-cap")}


async def test_a_party_that_is_no_active_member_any_more_blocks(scene):
    await meddle(
        scene,
        "UPDATE identity_orgs SET status = 'SUSPENDED' WHERE org_id = :org",
        org=scene.seller.org_id,
    )
    trade = await accepted(scene, scene.trades["NEGOTIATING"])
    assert await failures(scene, trade) == {"members-active": ("MEMBER", "member-not-active")}


async def test_several_failures_are_all_named(scene):
    await scene.seller.do(revoke_mandate, mandate_id=scene.mandate_id)
    await scene.authority.do(suspend_certificate, cert_id=scene.cert_id, reason_code="WT1")
    trade = await accepted(scene, scene.trades["NEGOTIATING"])
    assert await failures(scene, trade) == {
        "broker-certificate": ("BR1", "broker-not-certified"),
        "mandate": ("BR2", "no-active-mandate"),
    }


async def test_the_public_hash_of_a_quote_is_blinded_so_that_no_price_is_guessed_back(scene):
    trade = await accepted(scene, scene.trades["NEGOTIATING"])
    assert trade.quote_id is not None
    async with scene.database.read() as s:
        quote = await s.get(QuoteRow, trade.quote_id)
        (said,) = await statements_of(s, object_id=trade.quote_id)
    assert quote is not None
    facts = orjson.loads(quote.facts)
    assert said.predicate["inputs_sha256"] == inputs_sha256(facts)
    assert len(bytes.fromhex(facts.pop("blind"))) == 32
    assert said.predicate["inputs_sha256"] != inputs_sha256(facts)
