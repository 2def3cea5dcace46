"""A broker's commission: what was booked on the trades it mediated, to the fen; nothing before settlement."""

from datetime import date, timedelta

import orjson
from sqlalchemy import func
from sqlmodel import col, select

from base.calendar import shanghai_day
from brokers.rules import Side
from brokers.service import suspend_certificate
from ledger.accounts import escrow_of
from ledger.tables import PostingRow
from market.mediation.commission import reward_of
from market.mediation.dealing import agree_expenses, link_trade, move_deal, open_deal, put_expenses
from market.mediation.errors import DealStageWrong
from market.mediation.states import Stage
from market.orders.tables import Trade
from market.orders.taking_over import take_over
from market.settlement.accounts import as_csv, commission_of
from tests.market.settlement.going_back import every_way
from tests.market.settlement.test_accounts import EVENING, FIRST, T_PLUS_1, checked, sealed, signed
from tests.market.trade.scene import COMMISSION, PRICE, Scene
from tests.standstill import untouched


async def reward(scene: Scene, since: date = FIRST):
    until = shanghai_day(scene.clock.now())
    async with scene.database.read() as s:
        return await reward_of(
            s, broker_id=scene.broker.org_id, since=since, until=until, now=scene.clock.now()
        )


async def booked(scene: Scene) -> int:
    """What the broker's account has moved by, straight from the postings."""
    async with scene.database.read() as s:
        query = select(func.sum(PostingRow.amount_minor)).where(
            col(PostingRow.account) == escrow_of(scene.broker.org_id), col(PostingRow.booked).is_(True)
        )
        return int((await s.exec(query)).one() or 0)


async def test_earned_on_settlement_alone_and_equal_to_the_postings(scene):
    found = await reward(scene)
    (line,) = found.document["lines"]
    assert (line["kind"], line["trade_id"]) == ("COMMISSION", scene.trades["SETTLED"])
    assert (line["price_minor"], line["paid_out_minor"]) == (str(PRICE), str(COMMISSION))
    assert (found.earned_minor, found.returned_minor) == (COMMISSION, 0) == (-await booked(scene), 0)
    waiting = {scene.trades[state] for state in ("CONTRACTED", "FUNDED", "DELIVERING", "DELIVERED")}
    assert waiting <= {trade.trade_id for trade in found.pending}
    assert scene.trades["SETTLED"] not in {trade.trade_id for trade in found.pending}
    assert scene.trades["NEGOTIATING"] not in {trade.trade_id for trade in found.pending}


async def test_what_is_refunded_goes_back_and_a_bundle_says_the_same(scene):
    await every_way(scene, T_PLUS_1)
    await sealed(scene)
    scene.clock.move_to(EVENING)
    found = await reward(scene)
    part = (PRICE - 33_333_333) * 2 // 100  # two per cent of what was kept, to the fen
    assert (found.earned_minor, found.returned_minor) == (2 * COMMISSION + part, COMMISSION)
    assert await booked(scene) == found.returned_minor - found.earned_minor
    whole = found.document
    later = (await reward(scene, since=date(2026, 11, 16))).document
    assert (whole["opening_minor"], later["opening_minor"]) == ("0", str(-COMMISSION))
    assert later["closing_minor"] == whole["closing_minor"] == str(await booked(scene))
    assert as_csv(whole).count("\r\n") == len(whole["lines"]) + 3
    row = await signed(scene, commission_of(scene.broker.org_id))
    told = await checked(scene, row.document.encode())
    assert (told.problems, told.sound) == ([], True)
    forged = orjson.loads(row.document)
    forged["lines"][0]["paid_out_minor"] = "1"
    assert not (await checked(scene, orjson.dumps(forged, option=orjson.OPT_SORT_KEYS))).sound


async def test_agreed_expenses_stand_apart_and_are_owed_only_without_a_contract(scene):
    scene.clock.advance(timedelta(minutes=1))  # what was contracted before is other business
    owed = []
    for trade in (None, scene.trades["NEGOTIATING"]):
        deal = await scene.broker.do(open_deal, title="x", client_id=scene.seller.org_id, side=Side.PROVIDER)
        said = {"deal_id": deal.deal_id}
        await scene.broker.do(put_expenses, **said, amount_minor=300_000, text="差旅")
        await scene.seller.do(agree_expenses, **said, amount_minor=300_000)
        if trade is None:
            await scene.broker.do(move_deal, **said, stage=Stage.LOST, reason="NO_MATCH")
        else:
            await scene.broker.do(link_trade, **said, trade_id=trade)
        owed.append(deal.deal_id)
    found = await reward(scene)
    assert {one.deal_id: (one.agreed_minor, one.owed_minor) for one in found.expenses} == {
        owed[0]: (300_000, 300_000),
        owed[1]: (300_000, 0),
    }
    assert found.earned_minor == COMMISSION  # no money of theirs is in the books


async def agreed(scene: Scene, **facts):
    """A deal with the seller whose expenses are agreed."""
    scene.clock.advance(timedelta(minutes=1))
    about = {"client_id": scene.seller.org_id, "side": Side.PROVIDER} | facts
    deal = await scene.broker.do(open_deal, title="x", **about)
    await scene.broker.do(put_expenses, deal_id=deal.deal_id, amount_minor=300_000, text="差旅")
    await scene.seller.do(agree_expenses, deal_id=deal.deal_id, amount_minor=300_000)
    return deal


async def owed(scene: Scene) -> dict[str, int]:
    return {one.deal_id: one.owed_minor for one in (await reward(scene)).expenses}


async def test_no_expenses_are_owed_where_the_contract_came_about_though_the_broker_never_linked_it(scene):
    deal = await agreed(scene, listing_id=scene.listing.listing_id)
    lose = {"deal_id": deal.deal_id, "stage": Stage.LOST, "reason": "OTHER"}
    trade_id = (await scene.inquire()).trade_id
    async with untouched(scene.database, DealStageWrong) as caught:
        await scene.broker.do(move_deal, **lose)
    assert caught.value.facts["trade_id"] == trade_id
    kept = await scene.broker.do(open_deal, title="y", trade_id=trade_id)  # in another deal
    await scene.broker.do(move_deal, **lose)
    assert await owed(scene) == {deal.deal_id: 300_000}
    await scene.offer(trade_id, scene.seller)
    await scene.accept(trade_id, scene.buyer)
    await scene.sign(trade_id)
    assert (await scene.trade(trade_id)).contracted_at is not None
    assert await owed(scene) == {deal.deal_id: 0}
    assert kept.deal_id != deal.deal_id


async def test_nor_where_the_client_took_over_what_was_never_linked_and_contracted_it(scene):
    deal = await agreed(scene, listing_id=scene.listing.listing_id)
    trade_id = (await scene.inquire()).trade_id
    await scene.authority.do(suspend_certificate, cert_id=scene.cert_id, reason_code="WT1")
    await scene.seller.do(take_over, attempted="MND.TAKE_OVER", mandate_id=scene.mandate_id)
    await scene.broker.do(move_deal, deal_id=deal.deal_id, stage=Stage.LOST, reason="OTHER")
    assert await owed(scene) == {deal.deal_id: 300_000}
    await scene.offer(trade_id, scene.seller)
    await scene.accept(trade_id, scene.buyer)
    await scene.sign(trade_id, scene.seller, scene.buyer)
    assert (await scene.trade(trade_id)).broker_id is None
    assert await owed(scene) == {deal.deal_id: 0}


async def test_no_expenses_are_owed_on_a_trade_that_was_taken_over_and_contracted(sqlite_scene):
    scene = sqlite_scene
    trade_id = scene.trades["NEGOTIATING"]
    deal = await agreed(scene, trade_id=trade_id)
    assert await owed(scene) == {deal.deal_id: 0}
    await scene.seller.do(take_over, attempted="MND.TAKE_OVER", mandate_id=scene.mandate_id)
    assert await owed(scene) == {deal.deal_id: 300_000}
    async with scene.database.write() as s:
        trade = await s.get(Trade, trade_id)
        trade.contracted_at = scene.clock.now()
        s.add(trade)
    assert (await scene.trade(trade_id)).broker_id is None
    assert await owed(scene) == {deal.deal_id: 0}
