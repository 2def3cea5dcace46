"""Personal data of a product is not declared for export without an assessment and a review made for it."""

from datetime import timedelta

from market.customs.assessed import assessed_still
from registry.grading.errors import AssessmentMissing
from registry.rules import Level
from tests.market.customs.flows import PERSONAL, PLAIN
from tests.market.customs.test_gate import Deal, declared, moved_to
from tests.registry.assessments.passed import passed
from tests.standstill import refused


async def test_a_declaration_needs_both_for_export(deal: Deal) -> None:
    await moved_to(deal, deal.buyer, "810000")
    facts = {"fields": (PLAIN, PERSONAL), "level": Level.GENERAL_3, "persons": 10}
    async with refused(deal.house.database, AssessmentMissing) as caught:
        await declared(deal, **facts)
    assert (caught.value.facts["kind"], caught.value.facts["why"]) == ("PIPIA", "none")
    trade = await deal.trade()
    await passed(
        deal.house.database,
        holder_id=deal.seller.org_id,
        object_id=trade.product_id,
        now=deal.house.clock.now(),
    )
    row = await declared(deal, **facts)
    assert row.product_id == trade.product_id
    async with deal.house.database.read() as s:
        now = deal.house.clock.now()
        assert [one.declaration_id for one in await assessed_still(s, [row], now=now)] == [row.declaration_id]
        later = now + timedelta(days=301)  # the gate's own question: before any job has run
        assert await assessed_still(s, [row], now=later) == []
