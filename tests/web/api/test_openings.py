"""What the parties of a trade may see of each other's private numbers."""

import httpx

from tests.web.api.desk import Desk
from tests.web.market import Market


async def desk(market: Market, http: httpx.AsyncClient, name: str) -> Desk:
    person = market.people[name]
    return Desk(http, person.login, person.org_id, person.key, token=market.served.token(person))


async def test_why_a_party_was_refused_is_not_the_other_party_s_business(market: Market) -> None:
    trade_id = market.ids["settled"]
    async with market.served.client() as http:
        buyer = await desk(market, http, "buyer")
        await buyer.step_up()
        refused = await buyer.call("POST", f"/trades/{trade_id}/accept", {"offer_no": 1})
        assert (refused.status_code, refused.json()["code"]) == (409, "trade-wrong-state")
        seen = {
            name: (await (await desk(market, http, name)).get(f"/trades/{trade_id}/openings")).keys()
            for name in ("buyer", "provider", "broker", "samr")
        }
    assert seen["buyer"] == seen["samr"]
    assert seen["provider"] == seen["broker"]
    assert seen["provider"] < seen["buyer"]
    assert len(seen["buyer"] - seen["provider"]) == 1


async def test_the_openings_of_a_trade_are_nobody_else_s(market: Market) -> None:
    async with market.served.client() as http:
        second = await desk(market, http, "second")
        answer = await second.call("GET", f"/trades/{market.ids['settled']}/openings")
    assert (answer.status_code, answer.json()["code"]) == (404, "trade-unknown")


async def test_a_party_sees_no_account_number_but_its_own(market: Market) -> None:
    trade_id = market.ids["settled"]
    async with market.served.client() as http:
        seen = {
            name: await (await desk(market, http, name)).get(f"/trades/{trade_id}/openings")
            for name in ("buyer", "provider", "broker", "samr", "operator")
        }
    assert seen["samr"] == seen["operator"]
    (whole,) = [one for one in seen["samr"].values() if "legs" in one]
    accounts = {leg["end_to_end_id"].rpartition("/")[2]: leg["account"] for leg in whole["legs"]}
    (funded,) = [one for one in seen["samr"].values() if "payer_account" in one]
    numbers = {*accounts.values(), funded["payer_account"]}
    assert len(numbers) == len(accounts) + 1
    for name, own in (
        ("buyer", {funded["payer_account"]}),
        ("provider", {accounts["S"]}),
        ("broker", {accounts["B"]}),
    ):
        assert {number for number in numbers if number in str(seen[name])} == own, name
