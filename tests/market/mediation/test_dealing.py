"""A broker's deals: its own stages until there is a trade, the trade's from then on; what is the client's."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from brokers.rules import Side
from ledger.tables import StatementRow
from market.mediation.dealing import (
    agree_expenses,
    link_trade,
    move_deal,
    open_deal,
    plan_deal,
    put_expenses,
    write_into_deal,
)
from market.mediation.errors import (
    DealMalformed,
    DealStageWrong,
    DealTradeUnfit,
    DealUnknown,
    ExpensesNotToAgree,
)
from market.mediation.repository import (
    deals_by_stage,
    deals_page,
    entries_of,
    get_deal,
    lost_by,
    trade_of,
    trades_without_deal,
)
from market.mediation.rules import expenses_owed
from market.mediation.states import OF_TRADE, OWN, Stage, may_move, stage_of_trade
from market.mediation.tables import Deal
from market.orders.states import TradeState
from market.orders.taking_over import take_over
from tests.houses import Party
from tests.market.requests.test_requests import publish
from tests.market.trade.scene import Scene
from tests.standstill import untouched


async def opened(scene: Scene, who: Party | None = None, **facts: Any) -> Deal:
    return await (who or scene.broker).do(open_deal, role=facts.pop("role", None), title="用电指数", **facts)


async def stages(scene: Scene, **asked: Any) -> dict[str, Stage]:
    async with scene.database.read() as s:
        rows = await deals_page(s, org_id=scene.broker.org_id, **asked)
        counts = await deals_by_stage(s, org_id=scene.broker.org_id)
    if not asked:
        assert counts == {stage: [row[1] for row in rows].count(stage) for stage in counts}
        assert sum(counts.values()) == len(rows)
    return {deal.deal_id: stage for deal, stage, _ in rows}


def test_every_state_of_a_trade_is_one_stage_and_a_frozen_one_is_where_it_was():
    assert OF_TRADE.keys() == set(TradeState) - {TradeState.FROZEN}
    assert set(OF_TRADE.values()) == {Stage.NEGOTIATING, Stage.CONTRACTED, Stage.SETTLED, Stage.LOST}
    assert stage_of_trade(TradeState.FROZEN, "FUNDED") is Stage.CONTRACTED


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("to", Stage)
def test_a_broker_moves_a_deal_along_its_own_stages_alone(stage, to):
    if to in OWN.get(stage, ()):
        may_move(stage, to, has_trade=False)
    else:
        with pytest.raises(DealStageWrong) as caught:
            may_move(stage, to, has_trade=False)
        assert caught.value.facts["allowed"] == sorted(OWN.get(stage, ()))
    with pytest.raises(DealStageWrong):
        may_move(stage, to, has_trade=True)


async def test_from_a_lead_to_a_trade_and_nothing_of_it_is_stated(scene):
    async with scene.database.read() as s:
        before = len((await s.exec(select(StatementRow.id))).all())
    scene.clock.advance(timedelta(minutes=1))
    deal = await opened(scene, client_id=scene.seller.org_id, side=Side.PROVIDER)
    said = {"deal_id": deal.deal_id}
    await scene.broker.do(move_deal, **said, stage=Stage.PROPOSED)
    async with untouched(scene.database, DealMalformed):
        await scene.broker.do(move_deal, **said, stage=Stage.LOST, reason="BORED")
    await scene.broker.do(move_deal, **said, stage=Stage.LOST, reason="NO_BUDGET")
    assert await stages(scene) == {deal.deal_id: Stage.LOST}
    async with untouched(scene.database, DealTradeUnfit):
        await scene.broker.do(link_trade, **said, trade_id=scene.trades["INQUIRED"])
    await scene.broker.do(move_deal, **said, stage=Stage.LEAD)
    await scene.broker.do(link_trade, **said, trade_id=scene.trades["NEGOTIATING"])
    async with untouched(scene.database, DealStageWrong):
        await scene.broker.do(move_deal, **said, stage=Stage.LOST, reason="NO_BUDGET")
    assert await stages(scene) == {deal.deal_id: Stage.NEGOTIATING}
    async with scene.database.read() as s:
        assert len((await s.exec(select(StatementRow.id))).all()) == before


async def test_a_deal_stands_where_its_trade_does(scene):
    wanted = {}
    for state in ("INQUIRED", "CONTRACT_READY", "FUNDED", "SETTLED", "LAPSED", "CANCELLED"):
        deal = await opened(scene, trade_id=scene.trades[state])
        wanted[deal.deal_id] = OF_TRADE[TradeState(state)]
    assert await stages(scene) == wanted
    for stage in Stage:
        asked = {deal_id for deal_id, one in wanted.items() if one is stage}
        assert (await stages(scene, stage=stage)).keys() == asked
    async with scene.database.read() as s:
        loose = {trade.trade_id for trade in await trades_without_deal(s, broker_id=scene.broker.org_id)}
    assert scene.trades["INQUIRED"] not in loose
    assert scene.trades["DELIVERED"] in loose
    async with untouched(scene.database, DealTradeUnfit) as caught:
        await opened(scene, trade_id=scene.trades["FUNDED"])
    assert caught.value.facts["reason"] == "deal"


async def test_a_trade_that_the_client_takes_over_is_lost_and_no_longer_the_broker_s_to_see(scene):
    deal = await opened(scene, trade_id=scene.trades["NEGOTIATING"])
    await scene.seller.do(take_over, attempted="MND.TAKE_OVER", mandate_id=scene.mandate_id)
    assert await stages(scene) == {deal.deal_id: Stage.LOST}
    assert (await stages(scene, stage=Stage.LOST)).keys() == {deal.deal_id}
    async with scene.database.read() as s:
        row = await get_deal(s, deal_id=deal.deal_id, org_id=scene.broker.org_id)
        trade = await trade_of(s, row)
    assert (trade, lost_by(row, trade)) == (None, "TAKEN_OVER")


async def test_only_the_broker_sees_it_and_its_client_what_is_the_client_s(scene):
    request = await publish(scene)
    deal = await opened(scene, request_id=request.request_id)
    said = {"deal_id": deal.deal_id}
    assert (deal.client_id, deal.side, deal.mandate_id) == (scene.buyer.org_id, "BUYER", None)
    for org in (scene.buyer, scene.seller, scene.stranger):  # no mandate yet: a lead is the broker's alone
        async with untouched(scene.database, DealUnknown):
            await org.do(write_into_deal, role=next(iter(sorted(org.actor.roles))), **said, text="hello")
    await scene.mandate(scene.buyer, Side.BUYER)
    await scene.broker.do(write_into_deal, **said, text="预算紧张", shared=False)
    await scene.broker.do(write_into_deal, **said, text="您好")
    await scene.broker.do(plan_deal, **said, next_step="周五致电")
    await scene.buyer.do(
        write_into_deal, **said, text="请尽快", shared=False
    )  # a client keeps nothing from it
    await scene.buyer.do(write_into_deal, **said, text="需求书", sha256="a" * 64)
    async with scene.database.read() as s:
        row = await get_deal(s, deal_id=deal.deal_id, org_id=scene.buyer.org_id)
        whole = await entries_of(s, deal_id=deal.deal_id, shared_only=False)
        theirs = await entries_of(s, deal_id=deal.deal_id, shared_only=True)
        seen = await deals_page(s, org_id=scene.buyer.org_id)
        assert not await deals_page(s, org_id=scene.seller.org_id)
    assert row.mandate_id is not None
    assert [one.kind.value for one in whole] == ["OPENED", "NOTE", "MESSAGE", "NEXT", "MESSAGE", "DOCUMENT"]
    assert [one.text for one in theirs] == [None, "您好", "请尽快", "需求书"]
    assert [deal.deal_id for deal, _, _ in seen] == [deal.deal_id]
    for verb, facts in (
        (move_deal, {"stage": Stage.MATCHED}),
        (plan_deal, {}),
        (link_trade, {"trade_id": "x"}),
    ):
        async with untouched(scene.database, DealUnknown):
            await scene.buyer.do(verb, **said, **facts)


async def test_of_deals_that_want_one_trade_at_once_one_gets_it(postgresql_scene):
    scene = postgresql_scene
    for state in ("INQUIRED", "CONTRACTED"):
        deals = [await opened(scene) for _ in range(4)]
        linked = (
            scene.broker.do(link_trade, deal_id=one.deal_id, trade_id=scene.trades[state]) for one in deals
        )
        answers = await asyncio.gather(*linked, return_exceptions=True)
        assert sorted(type(one).__name__ for one in answers) == ["Deal", *["DealTradeUnfit"] * 3]


async def test_a_trade_of_another_client_or_broker_is_not_its_trade(sqlite_scene):
    scene = sqlite_scene
    deal = await opened(scene, client_id=scene.buyer.org_id, side=Side.BUYER)
    said = {"deal_id": deal.deal_id}
    async with untouched(scene.database, DealTradeUnfit) as caught:
        await scene.broker.do(link_trade, **said, trade_id=scene.trades["INQUIRED"])
    assert caught.value.facts["reason"] == "client"  # there it acts for the seller
    other = await scene.house.admit("另一经纪", {"BROKER"})
    async with untouched(scene.database, DealTradeUnfit) as caught:
        await opened(scene, other, trade_id=scene.trades["INQUIRED"])
    assert caught.value.facts["reason"] == "broker"
    for wrong in (
        {"title": " "},
        {"client_id": scene.broker.org_id, "side": Side.BUYER},
        {"owner_id": "usr_1"},
    ):
        async with untouched(scene.database, DealMalformed):
            await scene.broker.do(open_deal, **({"title": "x"} | wrong))


async def test_expenses_are_owed_where_they_were_agreed_and_no_contract_came_about(sqlite_scene):
    scene = sqlite_scene
    deal = await opened(scene, client_id=scene.seller.org_id, side=Side.PROVIDER)
    said = {"deal_id": deal.deal_id}
    async with untouched(scene.database, DealMalformed):
        await scene.seller.do(agree_expenses, **said, amount_minor=300_000)
    await scene.broker.do(put_expenses, **said, amount_minor=300_000, text="差旅")
    async with untouched(scene.database, DealMalformed):
        await scene.seller.do(agree_expenses, **said, amount_minor=200_000)
    async with untouched(scene.database, DealUnknown):
        await scene.broker.do(agree_expenses, **said, amount_minor=300_000)
    await scene.seller.do(agree_expenses, **said, amount_minor=300_000)
    async with untouched(scene.database, ExpensesNotToAgree):
        await scene.broker.do(put_expenses, **said, amount_minor=900_000, text="更多")
    done = await opened(scene, trade_id=scene.trades["CONTRACTED"])
    async with untouched(scene.database, ExpensesNotToAgree):
        await scene.broker.do(put_expenses, deal_id=done.deal_id, amount_minor=1, text="事后")


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("agreed", [True, False])
@pytest.mark.parametrize("contracted", [True, False])
def test_what_is_owed_of_expenses(stage, agreed, contracted):
    owed = expenses_owed(300_000, agreed=agreed, stage=stage, contracted=contracted)
    assert owed == (300_000 if stage is Stage.LOST and agreed and not contracted else 0)
    assert expenses_owed(None, agreed=agreed, stage=stage, contracted=contracted) == 0
