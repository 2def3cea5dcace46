"""Scenario SC-1, the clean brokered trade, statement by statement."""


async def test_scene(scene):
    assert len(scene.trades) == 14
    for state, trade_id in scene.trades.items():
        trade = await scene.trade(trade_id)
        assert trade.status.value == state, (state, trade.status)
