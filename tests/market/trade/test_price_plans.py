"""A price plan: the listing's price follows from the quantity, for everybody alike, up to the settlement."""

from datetime import timedelta

import orjson
import pytest
from sqlmodel import select

from base.canonical import canonical, sha256_hex
from base.errors import DomainError
from ledger.reader import opening
from market.listings.errors import PlanMalformed
from market.listings.plans import PlanMethod, PricePlan, list_price_of, plan_from, rows_of
from market.listings.repository import plan_of
from market.listings.tables import ListingPlan
from market.orders.quoted import quote_of
from market.orders.repository import get_contract
from market.orders.rules import TradeState
from market.settlement.plan import split
from market.trade.timeline import timeline
from pricing.errors import QuantityAboveTiers
from pricing.methods import METHOD_OF, METHODS, quote
from tests.market.listings.goods import drafted, said
from tests.market.trade.scene import Scene

TIERS = [
    {"up_to": 1_000, "rate_minor": "900.5"},
    {"up_to": 10_000, "rate_minor": "500"},
    {"up_to": None, "rate_minor": "100.25"},
]
PLAN = plan_from({"method": "tiers", "tiers": TIERS})
QUANTITY = 15_000
PRICE = 1_000 * 900 + 500 + 9_000 * 500 + 5_000 * 100 + 1_250  # 5,901,750: no remainder to round
PLANS = {
    "tiers": PLAN,
    "volume": plan_from({"method": "volume", "tiers": TIERS}),
    "metered": plan_from({"method": "metered", "rate_minor": "0.75", "commit_minor": 100_000}),
    "subscription": plan_from({"method": "subscription", "fee_minor": 30_000}),
}


async def planned(scene: Scene, plan: PricePlan = PLAN) -> str:
    """The scene's listing has a plan; answers a new trade on it."""
    async with scene.database.write() as s:
        document = canonical(plan.document()).decode()
        s.add(ListingPlan(listing_id=scene.listing.listing_id, document=document))
    return scene.trades["INQUIRED"]


async def contracted(scene: Scene, trade_id: str, price: int, *, quantity: int = QUANTITY) -> dict:
    await scene.offer(trade_id, scene.seller, price, quantity=quantity)
    assert (await scene.accept(trade_id, scene.buyer)).status is TradeState.CONTRACT_READY
    async with scene.database.read() as s:
        contract = await get_contract(s, trade_id=trade_id)
        row = await quote_of(s, await scene.trade(trade_id))
    assert contract is not None
    document = orjson.loads(contract.document)
    assert document["price"]["quote_sha256"] == sha256_hex(row.document.encode())
    made_again = quote(METHOD_OF[row.mechanism], orjson.loads(row.facts))
    assert made_again.canonical() == row.document.encode()  # byte for byte, by anyone who has the facts
    return document | {"quoted": made_again}


async def test_a_draft_with_a_plan_says_it_in_its_opening_and_has_its_price(scene):
    listing = await drafted(
        scene.seller, salt="plan", plan=PLAN, list_price_minor=None, quantity=QUANTITY, unit="row"
    )
    assert listing.list_price_minor == PRICE
    public, opened = await said(scene.database, "LST.DRAFT", listing.listing_id)
    assert opened["price_plan"] == PLAN.document()
    assert opened["list_price_minor"] == str(PRICE)
    assert "price_plan" not in public
    async with scene.database.read() as s:
        assert await plan_of(s, listing_id=listing.listing_id) == PLAN
        assert await plan_of(s, listing_id=scene.listing.listing_id) is None


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"list_price_minor": PRICE - 1}, PlanMalformed),
        ({"list_price_minor": None, "public_data": True, "cap_minor": PRICE}, PlanMalformed),
        (
            {
                "list_price_minor": None,
                "plan": plan_from({"method": "tiers", "tiers": [{"up_to": 9, "rate_minor": "1"}]}),
            },
            QuantityAboveTiers,
        ),
    ],
)
async def test_a_plan_that_does_not_fit_its_listing_is_no_draft(scene, changes, kind):
    async with scene.database.read() as s:
        before = len((await s.exec(select(ListingPlan))).all())
    facts = {"salt": "misfit", "plan": PLAN, "quantity": QUANTITY, "unit": "row"} | changes
    with pytest.raises(kind):
        await drafted(scene.seller, **facts)
    async with scene.database.read() as s:
        assert len((await s.exec(select(ListingPlan))).all()) == before


async def test_what_the_plan_gives_is_contracted_funded_and_settled(scene):
    trade_id = await planned(scene)
    document = await contracted(scene, trade_id, PRICE)
    assert document["price"]["plan"] == PLAN.document()
    assert document["licence"]["quantity"] == QUANTITY
    quoted = document["quoted"]
    assert (quoted.mechanism, quoted.total_minor) == ("M2", PRICE)
    parts = quoted.results["whole_price"]
    whole = split(PRICE, 200)
    assert parts["commission"]["amount_minor"] == whole.commission_minor
    await scene.sign(trade_id)
    await scene.fund(trade_id, PRICE)
    await scene.start_delivery(trade_id)
    await scene.confirm(trade_id)
    await scene.accept_goods(trade_id)
    await scene.run_jobs(scene.clock.now() + timedelta(days=4))
    await scene.settle(trade_id)
    assert (await scene.trade(trade_id)).status is TradeState.SETTLED
    async with scene.database.read() as s:
        told = {one.event: one for one in await timeline(s, trade_id=trade_id)}
        settled = await opening(s, sha256=told["TRD.SETTLE"].opening_sha256)
        opened = await opening(s, sha256=told["QTE.QUOTE"].opening_sha256)
    assert settled["amount_minor"] == opened["price_minor"] == str(PRICE)
    assert settled["seller_minor"] == str(whole.seller_minor)
    assert [reason["code"] for reason in opened["reasons"]] == ["graduated", "rates-fall"]
    subjects = {one["name"]: one["digest"]["sha256"] for one in told["QTE.QUOTE"].payload["subject"]}
    assert subjects["quote"] == document["price"]["quote_sha256"]


async def test_another_price_than_the_plans_was_negotiated_and_the_contract_has_no_plan(scene):
    trade_id = await planned(scene)
    document = await contracted(scene, trade_id, PRICE - 1)
    assert "plan" not in document["price"]
    assert document["quoted"].mechanism == "M5"


async def test_the_list_price_for_another_quantity_is_not_taken_for_the_plans(scene):
    trade_id = await planned(scene)
    assert scene.listing.list_price_minor is not None
    document = await contracted(scene, trade_id, scene.listing.list_price_minor)
    assert document["quoted"].mechanism == "M5"


@pytest.mark.parametrize(
    ("method", "mechanism"), [("volume", "M2x"), ("metered", "M3"), ("subscription", "M4")]
)
async def test_every_kind_of_plan_is_quoted_by_its_own_mechanism(scene, method, mechanism):
    plan = PLANS[method]
    trade_id = await planned(scene, plan)
    document = await contracted(scene, trade_id, plan.price_of(12) or 0, quantity=12)
    assert document["quoted"].mechanism == mechanism
    assert document["price"]["plan"] == plan.document()


async def test_other_buyers_with_the_same_facts_have_the_same_price_for_the_same_reasons(scene):
    """Only what blinds the public hash differs between two quotes: nothing says who the buyer is."""
    first = await planned(scene)
    await contracted(scene, first, PRICE)
    second = (await scene.inquire(who=scene.stranger, broker_id=None)).trade_id
    await scene.offer(second, scene.seller, PRICE, quantity=QUANTITY)
    await scene.accept(second, scene.stranger, role="BUYER")
    kept = []
    async with scene.database.read() as s:
        for trade_id in (first, second):
            row = await quote_of(s, await scene.trade(trade_id))
            facts = {name: value for name, value in orjson.loads(row.facts).items() if name != "blind"}
            facts["commission_bp"] = 0  # with and without a broker: the buyer pays the same
            kept.append(quote(METHOD_OF[row.mechanism], facts).canonical())
    assert kept[0] == kept[1]


async def test_there_is_no_quote_before_the_checks(scene):
    async with scene.database.read() as s:
        trade = await scene.trade(scene.trades["NEGOTIATING"])
        with pytest.raises(DomainError) as caught:
            await quote_of(s, trade)
    assert caught.value.code == "contract-not-drawn-up"


def test_every_mechanism_of_a_trade_has_its_method():
    assert set(METHOD_OF.values()) <= set(METHODS)
    assert {method.value for method in PlanMethod} <= set(METHOD_OF.values())


def test_a_plan_prices_a_quantity_or_says_that_it_cannot():
    assert PLAN.price_of(QUANTITY) == PRICE
    assert PLAN.price_of(0) is None  # a trade has a price
    assert PLANS["metered"].price_of(1) == 100_000
    assert PLANS["subscription"].price_of(12) == 360_000
    assert rows_of(PLAN) == [(1, 1_000, "900.5"), (1_001, 10_000, "500"), (10_001, None, "100.25")]
    assert list_price_of(None, quantity=1, list_price_minor=5, public_data=True) == 5


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"method": "auction"},
        {"method": "tiers"},
        {"method": "tiers", "tiers": []},
        {"method": "tiers", "tiers": TIERS, "fee_minor": 1},
        {"method": "tiers", "tiers": TIERS, "quantity": 1},
        {"method": "tiers", "tiers": list(reversed(TIERS))},
        {"method": "tiers", "tiers": [{"up_to": None, "rate_minor": "-1"}]},
        {"method": "subscription"},
        {"method": "subscription", "fee_minor": -1},
        {"method": "metered", "rate_minor": "1", "commit_minor": 2, "cap_minor": 1},
    ],
)
def test_what_is_no_plan_is_refused_with_the_reason_of_its_method(document):
    with pytest.raises(PlanMalformed) as caught:
        plan_from(document)
    assert caught.value.facts["member"] == "price_plan"
