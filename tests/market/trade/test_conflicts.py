"""BR4 at the contract: a disclosed interest blocks until both parties have consented in this trade."""

from brokers.conduct.errors import NothingToConsentTo
from brokers.conduct.rules import InterestKind
from brokers.conduct.service import disclose_interest
from market.orders.consenting import consent_in_trade
from market.orders.errors import NotAParty, TradeMovedOn
from market.orders.rules import TradeState
from tests.houses import officer
from tests.market.trade.scene import Scene
from tests.market.trade.test_prechecks import accepted, failures
from tests.standstill import refused


async def disclose(scene: Scene, kind=InterestKind.OWNERSHIP, share_bp=500, party=None):
    return await scene.broker.do(
        disclose_interest,
        attempted="CND.DISCLOSE",
        party_id=(party or scene.buyer).org_id,
        kind=kind,
        share_bp=share_bp,
    )


async def consent(scene: Scene, trade_id: str, who, role=None):
    return await who.do(
        consent_in_trade, role=role, attempted="CND.CONSENT", object_id=trade_id, trade_id=trade_id
    )


async def test_a_disclosed_interest_waits_for_both_parties(scene):
    trade_id = scene.trades["NEGOTIATING"]
    async with refused(scene.database, NothingToConsentTo):
        await consent(scene, trade_id, scene.seller)
    await disclose(scene)
    await consent(scene, trade_id, scene.seller)
    async with refused(scene.database, NotAParty):
        await consent(scene, trade_id, scene.broker, "BROKER")
    await consent(scene, trade_id, scene.buyer)
    assert (await accepted(scene, trade_id)).status is TradeState.CONTRACT_READY
    async with refused(scene.database, TradeMovedOn):
        await consent(scene, trade_id, scene.buyer)


async def test_one_consent_is_not_enough_and_one_before_a_new_disclosure_neither(scene):
    trade_id = scene.trades["NEGOTIATING"]
    await disclose(scene)
    await consent(scene, trade_id, scene.seller)
    await consent(scene, trade_id, scene.buyer)
    await disclose(scene, InterestKind.MANAGEMENT, None)
    await consent(scene, trade_id, scene.buyer)
    trade = await accepted(scene, trade_id)
    assert await failures(scene, trade) == {"conflict-of-interest": ("BR4", "conflict-not-consented")}


async def test_less_than_five_per_cent_blocks_nothing_and_control_blocks_for_good(scene):
    await disclose(scene, share_bp=499)
    assert (await accepted(scene, scene.trades["NEGOTIATING"])).status is TradeState.CONTRACT_READY
    await disclose(scene, InterestKind.CONTROL, None)
    trade_id = (await scene.inquire()).trade_id
    await scene.offer(trade_id, scene.seller)
    await consent(scene, trade_id, scene.seller)
    await consent(scene, trade_id, scene.buyer)
    trade = await accepted(scene, trade_id)
    assert await failures(scene, trade) == {"self-dealing": ("BR5", "self-dealing")}


async def test_a_person_with_a_login_of_both_is_an_overlap_nobody_need_disclose(scene):
    async with scene.database.write() as s:
        for n, party in enumerate((scene.broker, scene.buyer)):
            row = officer(party.org_id, 90 + n, scene.clock)
            row.mark = "e" * 64
            s.add(row)
    trade = await accepted(scene, scene.trades["NEGOTIATING"])
    assert await failures(scene, trade) == {"conflict-of-interest": ("BR4", "conflict-not-consented")}
