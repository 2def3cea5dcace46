"""Questions nearly alike until the budget was spent: found from the log alone, and without their values."""

from types import SimpleNamespace

from market.delivery.sandbox import errors
from market.delivery.sandbox.preparing import approve_algorithm, prepare
from supervision.rules import pc_algo_swap
from supervision.rules.pc_differencing import RULE
from tests.market.delivery.sandboxed import COUNT, COUNTIES, asks, begins, sandboxed, settles
from tests.market.exported import exported
from tests.standstill import refused


async def test_who_asks_county_by_county_until_the_budget_is_spent_is_a_clue(deal, tmp_path):
    await sandboxed(deal)
    for county in COUNTIES[:6]:
        text = f"select count(*) n from data where county = '{county}'"
        await settles(deal, await begins(deal, text, key=county, epsilon_micro=400_000))
    async with refused(deal.house.database, errors.BudgetSpent):
        await begins(deal, "select sum(index) from data", key="last", epsilon_micro=400_000)
    scene = SimpleNamespace(house=deal.house, database=deal.house.database, clock=deal.house.clock)
    told = await exported(scene, tmp_path / "told")
    rows = told.tables["questions"]
    assert [row["event"] for row in rows] == ["asked"] * 6 + ["refused"]
    assert (len({row["shape_sha256"] for row in rows[:6]}), len({row["form_sha256"] for row in rows})) == (
        1,
        7,
    )
    assert not any(county in str(rows) for county in COUNTIES)
    (finding,) = told.found(RULE)
    assert finding.subjects == (deal.buyer.org_id,)
    assert finding.objects == tuple(sorted((rows[0]["product_id"], deal.trade_id)))
    assert finding.statistic == {"alike": 6, "epsilon_micro": "2400000", "refused": 1}


async def test_another_question_in_the_place_of_the_approved_one_is_a_clue(deal, tmp_path):
    sandbox = await sandboxed(deal, approval=True)
    right = (await deal.entitlement()).entitlement_id
    seen = await prepare(sandbox, deal.buyer.actor, entitlement_id=right, text=COUNT)
    await deal.seller.do(approve_algorithm, algorithm_id=seen.algorithm_id)
    async with refused(deal.house.database, errors.AlgorithmNotApproved):
        await asks(sandbox, deal, "select sum(index) from data")
    scene = SimpleNamespace(house=deal.house, database=deal.house.database, clock=deal.house.clock)
    told = await exported(scene, tmp_path / "told")
    rows = told.tables["questions"]
    assert [(row["event"], row["code"]) for row in rows] == [
        ("approved", None),
        ("refused", "algorithm-not-approved"),
    ]
    (finding,) = told.found(pc_algo_swap.RULE)
    assert finding.subjects == (deal.buyer.org_id,)
    assert finding.objects == tuple(sorted((right, deal.trade_id)))
    assert finding.statistic == {"changed": 0, "not_approved": 1}
    assert finding.evidence_seqs == tuple(row["seq"] for row in rows)
