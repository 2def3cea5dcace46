"""A price plan by forms alone: tiers are told, a quantity is entered, the whole price is shown."""

import pytest

from base.canonical import canonical
from market.listings.plans import plan_from
from market.listings.repository import get_listing, plan_of
from market.listings.tables import ListingPlan
from tests.market.listings.goods import CLEAN
from tests.web.market import Market
from tests.web.pages.browsing import Browser
from tests.web.pages.test_selling import DRAFT, drafted
from web.pages.forms import Form, Invalid
from web.pages.planning import plan_of_form

RAW = CLEAN.replace("4401", "4404").encode()
TIERS = "1,000 | 9.005\n10000|5\n\n* | ¥1.0025\n"
PLAN = plan_from(
    {
        "method": "tiers",
        "tiers": [
            {"up_to": 1_000, "rate_minor": "900.5"},
            {"up_to": 10_000, "rate_minor": "500"},
            {"up_to": None, "rate_minor": "100.25"},
        ],
    }
)


def form(**fields: str) -> Form:
    return Form({name: [value] for name, value in fields.items()})


async def test_a_seller_tells_the_tiers_and_the_list_price_follows(market: Market) -> None:
    browser = Browser(market.served, market.provider)
    said = DRAFT | {"list_price_minor": "", "quantity": "15000", "unit": "row"}
    said |= {"plan_method": "tiers", "plan_tiers": TIERS}
    listing_id = await drafted(market, browser, CLEAN.replace("4401", "4405").encode(), said=said)
    async with market.served.node.database.read() as s:
        assert await plan_of(s, listing_id=listing_id) == PLAN
        assert (await get_listing(s, listing_id=listing_id)).list_price_minor == 5_901_750
    page = await browser.follow()
    assert "10,001–" in page.words
    assert "¥1.0025" in page.words


async def test_tiers_that_cannot_be_read_come_back_with_what_was_typed(market: Market) -> None:
    browser = Browser(market.served, market.provider)
    page = await browser.get("/sell/new")
    await browser.send_file(
        page, "/sell/new", "b.csv", CLEAN.replace("4401", "4404").encode(), field_name="file"
    )
    page = await browser.follow()
    said = DRAFT | {"plan_method": "tiers", "plan_tiers": "1000 at 9"}
    page = await browser.send(page, browser.last.url.path, said, expect=422)
    assert "Write each tier as" in page.words
    assert "1000 at 9" in page.words


async def test_a_buyer_sees_the_whole_price_of_a_quantity_and_why_the_same_as_anybody(market: Market) -> None:
    listing_id = market.ids["listed"]
    async with market.served.node.database.write() as s:
        s.add(ListingPlan(listing_id=listing_id, document=canonical(PLAN.document()).decode()))
    address = f"/products/{listing_id}"
    page = await Browser(market.served).get(f"{address}?quantity=15000")
    assert "¥59,017.50" in page.words
    assert "¥55,676.89" in page.words  # without 6 % of tax
    assert "¥590.18" in page.words  # the platform's fee, which the provider bears
    assert page.form(address).method == "get"
    buyer = await Browser(market.served, market.buyer).get(f"{address}?quantity=15000")
    assert "¥59,017.50" in buyer.words
    assert page.form(address).values == {"quantity": "15000"}
    for wrong in ("0x10", "-1", "9999999999999"):
        refused = await Browser(market.served).get(f"{address}?quantity={wrong}")
        assert "A quantity is not negative and within the limit" in refused.words
        assert "You pay" not in refused.words
    quote = f"/api/v1/listings/{listing_id}/quote?quantity=15000"
    async with market.served.client() as http:
        answers = [await http.get(quote)]
        for person in (market.buyer, market.broker):
            token = market.served.token(person)
            answers.append(await http.get(quote, headers={"authorization": f"Bearer {token}"}))
        plan = await http.get(f"/api/v1/listings/{listing_id}/plan")
    assert plan.json() == PLAN.document()
    assert len({answer.content for answer in answers}) == 1
    told = answers[0].json()
    assert (told["mechanism"], told["total_minor"]) == ("M2", 5_901_750)
    assert told["whole_price"]["seller_receives_minor"] == 5_901_750 - 59_018


@pytest.mark.parametrize(
    ("fields", "plan"),
    [
        ({}, None),
        ({"plan_tiers": TIERS}, None),
        (
            {"plan_method": "volume", "plan_tiers": "* | 0.00001"},
            {"tiers": [{"up_to": None, "rate_minor": "0.001"}]},
        ),
        (
            {"plan_method": "metered", "plan_rate": "0.003", "plan_commit": "10", "plan_cap": "500"},
            {"rate_minor": "0.3", "commit_minor": 1_000, "cap_minor": 50_000},
        ),
        ({"plan_method": "subscription", "plan_fee": "300"}, {"fee_minor": 30_000}),
    ],
)
def test_a_form_in_yuan_is_a_plan_in_fen(fields, plan):
    read = plan_of_form(form(**fields))
    assert read == (plan and {"method": fields["plan_method"]} | plan)
    if read is not None:
        assert plan_from(read).method == fields["plan_method"]


@pytest.mark.parametrize(
    "fields",
    [
        {"plan_method": "tiers", "plan_tiers": "1000 9"},
        {"plan_method": "tiers", "plan_tiers": "many | 9"},
        {"plan_method": "tiers", "plan_tiers": "1000 | -9"},
        {"plan_method": "tiers", "plan_tiers": "1000 | NaN"},
        {"plan_method": "tiers", "plan_tiers": "١ | 9"},
        {"plan_method": "metered", "plan_rate": "cheap"},
    ],
)
def test_a_form_that_cannot_be_read_as_a_plan_is_sent_back(fields):
    with pytest.raises(Invalid):
        plan_of_form(form(**fields))
