"""A reward that is not owed any more when the contract is to be concluded: nobody pays it or waits."""

import asyncio
from datetime import timedelta

import orjson
import pytest
from sqlmodel import col, select, update

from base.jobs import run_due
from base.signing import parse_envelope
from brokers.rules import Side
from brokers.service import (
    hand_over_mandate,
    reinstate_certificate,
    revoke_certificate,
    suspend_certificate,
)
from brokers.tables import CertificateRow
from ledger.sequencer import create_log, seal_all
from ledger.tables import EntryRow
from market.listings.publishing import resume_listing, suspend_listing
from market.orders.errors import NothingToContest, RewardContested, RewardFallen
from market.orders.repository import get_contract, latest_offer, signatures_of
from market.orders.rules import TradeState
from market.orders.tables import RewardContest
from market.trade.clockwork import handlers
from market.trade.contesting import release_reward
from market.trade.freezing import freeze_trade, unfreeze_trade
from supervision.audit import audit
from tests.houses import ORIGIN
from tests.market.exported import exported
from tests.market.listings.goods import listed
from tests.market.orders.test_rewarding import (
    OTHER,
    bought,
    contest,
    decided,
    fresh,
    revoked,
    said,
    taken,
)
from tests.market.trade.scene import COMMISSION, PRICE, Scene, certified
from tests.standstill import refused

__all__ = ["fresh"]

REASON = {"reason_code": "WT1"}


async def suspended(scene: Scene) -> None:
    await scene.authority.do(suspend_certificate, cert_id=scene.cert_id, **REASON)


async def struck_off(scene: Scene) -> None:
    await suspended(scene)
    await scene.authority.do(revoke_certificate, cert_id=scene.cert_id, **REASON)


async def expired(scene: Scene) -> None:
    """Its end comes while the contract is to be signed; the clock of certificates has not been by."""
    until = scene.clock.now() + timedelta(hours=1)
    async with scene.database.write() as s:
        await s.exec(update(CertificateRow).values(valid_to=until))
    scene.clock.move_to(until + timedelta(milliseconds=1))


async def handed_over(scene: Scene) -> None:
    other = await scene.house.admit("接手经纪", {"BROKER"})
    await certified(scene.authority, other, cert_no="GD-DB-M-2-0002")
    successor = await scene.mandate(scene.seller, Side.PROVIDER, broker=other)
    await scene.broker.do(hand_over_mandate, mandate_id=scene.mandate_id, successor_id=successor)


async def ready(scene: Scene) -> str:
    """A contract that shows the reward, which the buyer alone has to sign any more."""
    trade = await bought(scene)
    assert (trade.status, trade.commission_minor) == (TradeState.CONTRACT_READY, COMMISSION)
    await scene.sign(trade.trade_id, scene.seller)
    return str(trade.trade_id)


async def assert_drawn_up_anew(scene: Scene, trade_id: str, reason: str = "certificate") -> None:
    """Price as agreed, no reward, nobody's signature; and it can be concluded like that."""
    trade = await scene.trade(trade_id)
    assert (trade.status, trade.reward_to, trade.commission_minor) == (TradeState.CONTRACT_READY, None, 0)
    assert trade.price_minor == PRICE
    (fall,) = await said(scene, trade_id, "RWD.FALL")
    assert (fall.predicate["broker_id"], fall.predicate["mandate_id"], fall.predicate["reason"]) == (
        scene.broker.org_id,
        scene.mandate_id,
        reason,
    )
    async with scene.database.read() as s:
        contract = await get_contract(s, trade_id=trade_id)
        assert await signatures_of(s, trade_id=trade_id) == []
    assert contract is not None
    price = orjson.loads(contract.document)["price"]
    assert ("reward" not in price, price["commission_minor"]) == (True, "0")
    trade = await scene.sign(trade_id, scene.seller, scene.buyer)
    assert (trade.status, trade.reward_to) == (TradeState.CONTRACTED, None)
    (concluded,) = await said(scene, trade_id, "TRD.CONTRACT")
    assert "reward_to" not in concluded.predicate


@pytest.mark.parametrize("how", [suspended, struck_off, expired])
async def test_a_broker_without_a_certificate_at_the_last_signature_is_paid_no_reward(fresh, how):
    trade_id = await ready(fresh)
    await how(fresh)
    async with refused(fresh.database, RewardFallen) as told:
        await fresh.sign(trade_id, fresh.buyer)
    assert told.value.code == "reward-fallen"
    assert told.value.facts["reason"] == "certificate"
    await fresh.run_jobs()  # the exchange does it by itself
    if how is expired:  # in the first round after
        await fresh.run_jobs(fresh.clock.now() + timedelta(days=1))
    await assert_drawn_up_anew(fresh, trade_id)


async def test_who_contests_what_has_fallen_need_not_wait_for_anybody(fresh):
    trade_id = await ready(fresh)
    await suspended(fresh)
    row = await contest(fresh, trade_id)
    assert (row.upheld, row.decided_at) == (True, row.opened_at)
    await assert_drawn_up_anew(fresh, trade_id)
    async with refused(fresh.database, NothingToContest):
        await contest(fresh, trade_id)


@pytest.mark.parametrize("before", ["open", "dismissed"])
async def test_what_was_contested_before_is_contested_again_when_it_has_fallen(fresh, before):
    trade_id = await ready(fresh)
    row = await contest(fresh, trade_id)
    if before == "dismissed":
        await decided(fresh, row.contest_id, upheld=False)
    await suspended(fresh)
    await contest(fresh, trade_id, fresh.seller, "PROVIDER")
    async with fresh.database.read() as s:
        rows = (await s.exec(select(RewardContest).where(RewardContest.trade_id == trade_id))).all()
    assert sorted(str(one.upheld) for one in rows) == (
        ["False", "True"] if before == "dismissed" else ["True", "True"]
    )
    await assert_drawn_up_anew(fresh, trade_id)


async def test_an_open_contest_ends_when_the_exchange_draws_up_anew(fresh):
    trade_id = await ready(fresh)
    await contest(fresh, trade_id)
    await suspended(fresh)
    await fresh.run_jobs()
    await assert_drawn_up_anew(fresh, trade_id)


async def test_a_mandate_that_is_passed_on_before_the_last_signature_takes_the_reward_along(fresh):
    trade_id = await ready(fresh)
    await handed_over(fresh)
    async with refused(fresh.database, RewardFallen) as told:
        await fresh.sign(trade_id, fresh.buyer)
    assert told.value.facts["reason"] == "claim"
    await contest(fresh, trade_id)
    await assert_drawn_up_anew(fresh, trade_id, "claim")


@pytest.mark.parametrize("meanwhile", [revoked, taken])
async def test_what_ends_the_mandate_alone_saves_nothing(fresh, meanwhile):
    trade_id = await ready(fresh)
    await meanwhile(fresh)
    await fresh.run_jobs()
    trade = await fresh.sign(trade_id, fresh.buyer)
    assert (trade.status, trade.reward_to) == (TradeState.CONTRACTED, fresh.broker.org_id)
    await suspended(fresh)  # what was concluded before is earned
    await fresh.run_jobs()
    trade = await fresh.trade(trade_id)
    assert (trade.reward_to, trade.commission_minor) == (fresh.broker.org_id, COMMISSION)
    assert not await said(fresh, trade_id, "RWD.FALL")


async def test_a_broker_that_is_reinstated_before_the_exchange_came_by_keeps_its_reward(fresh):
    trade_id = await ready(fresh)
    await suspended(fresh)
    await fresh.authority.do(reinstate_certificate, cert_id=fresh.cert_id, reason_code="CLEARED")
    await fresh.run_jobs()
    assert (await fresh.sign(trade_id, fresh.buyer)).reward_to == fresh.broker.org_id


async def test_a_frozen_contract_is_drawn_up_anew_when_it_goes_on(fresh):
    trade_id = await ready(fresh)
    order = {"trade_id": trade_id, "order_id": "ord_1", "reason_code": "SUSPECTED_WASH"}
    await fresh.samr.do(freeze_trade, attempted="TRD.FREEZE", object_id=trade_id, **order)
    await suspended(fresh)
    await fresh.run_jobs()
    async with refused(fresh.database, NothingToContest):
        await contest(fresh, trade_id)
    await fresh.samr.do(unfreeze_trade, attempted="TRD.UNFREEZE", object_id=trade_id, **order)
    await fresh.run_jobs(fresh.clock.now() + timedelta(days=1))
    await assert_drawn_up_anew(fresh, trade_id)


async def test_a_contract_whose_listing_is_off_offer_is_drawn_up_anew_when_it_is_back(fresh):
    """What is drawn up meanwhile would fail its checks, and the trade be over for somebody else's fault."""
    trade_id = await ready(fresh)
    listing = {"listing_id": (await fresh.trade(trade_id)).listing_id}
    await fresh.samr.do(suspend_listing, **listing, reason_code="UNDER_REVIEW")
    await suspended(fresh)
    await fresh.run_jobs()
    await contest(fresh, trade_id)
    trade = await fresh.trade(trade_id)
    assert (trade.status, trade.reward_to) == (TradeState.CONTRACT_READY, fresh.broker.org_id)
    await fresh.samr.do(resume_listing, **listing, reason_code="CLEARED")
    await fresh.run_jobs(fresh.clock.now() + timedelta(days=1))
    await assert_drawn_up_anew(fresh, trade_id)


async def test_an_open_contest_of_a_standing_claim_still_waits_and_a_fallen_one_is_given_up(fresh):
    trade_id = await ready(fresh)
    await contest(fresh, trade_id)
    async with refused(fresh.database, RewardContested):
        await fresh.sign(trade_id, fresh.buyer)
    await suspended(fresh)
    await fresh.broker.do(release_reward, role="BROKER", attempted="RWD.RELEASE", trade_id=trade_id)
    trade = await fresh.trade(trade_id)
    assert (trade.reward_to, trade.commission_minor) == (None, 0)


async def test_the_next_broker_in_line_gets_no_more_than_was_shown(fresh):
    """A second broker introduced the same two, for more: its reward was in no price that anybody saw."""
    other = await fresh.house.admit("第二经纪", {"BROKER"})
    await certified(fresh.authority, other, cert_no="GD-DB-M-2-0002")
    await fresh.mandate(fresh.seller, Side.PROVIDER, broker=other, fee_bp=300)
    fresh.clock.advance(timedelta(seconds=1))  # of one moment the ids would decide who was first
    await fresh.inquire(broker_id=other.org_id)
    fresh.clock.advance(timedelta(seconds=1))
    trade_id = await ready(fresh)
    await suspended(fresh)
    await fresh.run_jobs()
    async with fresh.database.read() as s:
        offer = await latest_offer(s, trade_id=trade_id)
    assert offer is not None
    assert offer.commission_bp == 200
    await assert_drawn_up_anew(fresh, trade_id)


@pytest.mark.parametrize("clock_only", [False, True])
async def test_a_contract_that_nobody_signed_yet_is_drawn_up_anew_too(fresh, clock_only):
    trade = await bought(fresh)
    await suspended(fresh)
    if clock_only:
        due = handlers(fresh.house.house, None, None)
        await run_due(fresh.database, fresh.clock.now(), due)
    else:
        await contest(fresh, trade.trade_id, fresh.seller, "PROVIDER")
    await assert_drawn_up_anew(fresh, trade.trade_id)


async def test_no_last_signature_slips_through_beside_a_suspension(fresh):
    """Many contracts and one suspension at once: no reward is concluded behind the suspension's entry."""
    trades = [await ready(fresh) for _ in range(6)]
    async with fresh.database.write() as s:
        await create_log(s, origin=ORIGIN, at=fresh.clock.now())

    async def sign(trade_id: str) -> str:
        try:
            return (await fresh.sign(trade_id, fresh.buyer)).status.value
        except RewardFallen as fallen:
            return fallen.code

    told = await asyncio.gather(*map(sign, trades[:3]), suspended(fresh), *map(sign, trades[3:]))
    await seal_all(fresh.database, fresh.clock)
    async with fresh.database.read() as s:
        entries = (await s.exec(select(EntryRow.entry).order_by(col(EntryRow.seq)))).all()
    sealed = [
        orjson.loads(parse_envelope(orjson.loads(one)["envelope"]).payload)["predicate"] for one in entries
    ]
    order = [said["event"] for said in sealed]
    after = sealed[order.index("BRK.SUSPEND") :]
    assert not [said for said in after if said["event"] == "TRD.CONTRACT" and said.get("reward_to")]
    assert told.count("CONTRACTED") == sum(
        said["trade_id"] in trades for said in sealed if said["event"] == "TRD.CONTRACT"
    )
    assert told.count("CONTRACTED") + told.count("reward-fallen") == len(trades)
    await fresh.run_jobs()
    for trade_id in trades:
        trade = await fresh.trade(trade_id)
        owed = fresh.broker.org_id if trade.status is TradeState.CONTRACTED else None
        assert trade.reward_to == owed


@pytest.mark.parametrize("honest", [True, False])
async def test_an_audit_holds_a_reward_against_the_certificate_of_that_moment(
    sqlite_scene, tmp_path, monkeypatch, honest
):
    """A house that let the fallen claim through is found by anybody who has its log, and by that entry."""
    scene = sqlite_scene
    scene.listing = await listed(scene.house, scene.seller, OTHER)
    await scene.inquire()
    trade_id = await ready(scene)
    if not honest:
        await suspended(scene)
        monkeypatch.setattr("market.orders.signing.require_reward", let_through)
    assert (await scene.sign(trade_id, scene.buyer)).reward_to == scene.broker.org_id
    await exported(scene, tmp_path)
    report = audit(tmp_path / "public", [scene.house.log_key.vkey])
    if honest:
        assert report.clean, report.document()
    else:
        (problem,) = report.problems
        assert "concluded with a reward" in problem.why


async def let_through(*_: object) -> None:
    """Nothing is asked."""


async def test_an_audit_holds_payments_against_the_contract_that_was_signed_last(sqlite_scene, tmp_path):
    """The seller had signed one with the reward; the one that was concluded has none of it."""
    scene = sqlite_scene
    scene.listing = await listed(scene.house, scene.seller, OTHER)
    await scene.inquire()
    trade_id = await ready(scene)
    await suspended(scene)
    await scene.run_jobs()
    await assert_drawn_up_anew(scene, trade_id)
    await scene.fund(trade_id)
    await exported(scene, tmp_path)
    report = audit(tmp_path / "regulator", [scene.house.log_key.vkey])
    assert report.clean, report.document()
