"""What customs stopped is not undone by declaring it again."""

from datetime import timedelta

import pytest

from market.customs import deciding, declaring
from market.customs.declared import Recipient
from market.customs.errors import CustomsRouteNotOpen
from market.customs.routing import Way
from registry.rules import Level
from tests.market.customs.flows import flow
from tests.market.customs.test_gate import declared, go_on, moved_to, officer, row_of
from tests.market.delivery.funded import Deal


async def again(deal: Deal, **changes):
    """The exporter alone declares the trade again."""
    recipient = Recipient(name="香港金融", country="HK", contact="dpo@hk.example", org_id=deal.buyer.org_id)
    usual = {"trade_id": deal.trade_id, "level": Level.GENERAL_2, "storage_place": "HK"}
    said = flow(recipient=recipient, **(usual | changes))
    return await row_of(deal, await deal.seller.do(declaring.declare, declaration=said))


async def test_a_halt_is_not_undone_by_declaring_again(deal: Deal):
    await moved_to(deal, deal.buyer, "810000")
    row = await declared(deal)
    await deal.start()
    cac = await officer(deal)
    await cac.do(deciding.halt, declaration_id=row.declaration_id, reason_code="INCIDENT", reason="a leak")
    other = [await again(deal) for _ in range(3)]
    assert {one.status for one in other} == {"UNDER_CHECK"}
    with pytest.raises(CustomsRouteNotOpen):
        await go_on(deal)
    second = {"declaration_id": other[0].declaration_id}
    await cac.do(deciding.take, **second)
    await cac.do(deciding.clear, reason="another way of sending it", **second)
    with pytest.raises(CustomsRouteNotOpen):  # while one is halted none opens
        await go_on(deal)
    await cac.do(deciding.revoke, declaration_id=row.declaration_id, reason_code="INCIDENT", reason="ended")
    await go_on(deal)
    assert (await again(deal)).status == "UNDER_CHECK"  # what was revoked is looked at too


async def test_a_return_a_rejection_and_a_reroute_stand_when_it_is_declared_again(post):
    cleared = await post.cleared(flow(volume_uses=5))
    about = {"declaration_id": cleared.declaration_id}
    await post.by("mei", deciding.halt, reason_code="INCIDENT", reason="a leak", **about)
    for verb, more in (
        (deciding.send_back, {}),
        (deciding.reject, {"reason_code": "UNCLEAR"}),
        (deciding.reroute, {"way": Way.ASSESSMENT}),
    ):
        row = await post.declare()
        assert row.status == "UNDER_CHECK"
        about = {"declaration_id": row.declaration_id}
        await post.by("mei", deciding.take, **about)
        await post.by("mei", verb, reason="not like this", **about, **more)
        if verb is deciding.send_back:
            post.clock.advance(timedelta(seconds=1))
            back = await post.exporter.do(declaring.redeclare, declaration=flow(), **about)
            assert back.status == "UNDER_CHECK"
