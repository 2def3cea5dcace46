"""Two calls at once: the same call is done once and answered alike; of two that exclude each other one wins.

Each story plays on both databases; a market is made for several of them, because making one takes longest.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import httpx
import pytest

from base.clock import rfc3339
from ledger.reader import entries
from tests.identity.unmoved import statements
from tests.web.api import goods
from tests.web.api.desk import Desk
from tests.web.api.refusing import problem
from tests.web.market import Market, _trade, small_market
from tests.web.nodes import Served


@pytest.fixture
async def small(both: Served) -> Market:
    """A listed product and everybody it takes; the provider's key is at home."""
    roles = {"authority": "DATA_AUTHORITY", "provider": "PROVIDER", "buyer": "BUYER", "broker": "BROKER"}
    return await small_market(both, roles, at_home="provider")


# What the exchange itself states when an offer was accepted.
CHECKED = {"QTE.QUOTE": 1, "XBD.AUTO_ROUTE": 1, "TRD.PRECHECK_PASS": 1}


async def desk(market: Market, http: httpx.AsyncClient, name: str) -> Desk:
    person = market.people[name]
    await market.served.prove(person)
    return Desk(http, person.login, person.org_id, person.key, token=market.served.token(person))


async def counted(market: Market) -> Counter[str]:
    return Counter(said["predicate"]["event"] for said in await statements(market.served.node.database))


def statuses(answers: Sequence[httpx.Response]) -> list[int]:
    return sorted(answer.status_code for answer in answers)


async def test_the_same_call_many_times_at_once_is_done_once(small: Market) -> None:
    await an_inquiry_at_once(small)
    await a_signature_at_once(small)
    await a_submission_at_once(small)


async def test_of_two_acts_that_exclude_each_other_one_is_recorded(small: Market) -> None:
    await two_answers_to_one_offer(small)
    await an_offer_beside_the_suspension_of_its_broker(small)


async def an_inquiry_at_once(small: Market) -> None:
    async with small.served.client() as http:
        buyer = await desk(small, http, "buyer")
        path = f"/listings/{small.ids['listed']}/inquiries"
        body = {"purpose": "p", "scenario": "s", "quantity": 1}
        before = await counted(small)
        answers = await asyncio.gather(*(buyer.call("POST", path, body, key="one") for _ in range(6)))
    assert statuses(answers) == [201] * 6
    assert len({answer.content for answer in answers}) == 1
    assert (await counted(small)) - before == Counter({"TRD.INQUIRE": 1})


async def a_signature_at_once(small: Market) -> None:
    """A grave act spends a proof of the person; the calls that come second find it spent, and the answer."""
    trade_id = await _trade(small, "READY")
    before = await counted(small)
    async with small.served.client() as http:
        buyer = await desk(small, http, "buyer")
        path = f"/trades/{trade_id}/sign"
        answers = await asyncio.gather(*(buyer.call("POST", path, key="sign") for _ in range(4)))
        assert statuses(answers) == [200] * 4
        assert len({answer.content for answer in answers}) == 1
        assert (await counted(small)) - before == Counter({"TRD.SIGN": 1})
        again = await buyer.call("POST", path, key="another")
    problem(again, 409, "contract-signed-before")


async def a_submission_at_once(small: Market) -> None:
    trade_id = await _trade(small, "NEGOTIATING")
    before = await counted(small)
    async with small.served.client() as http:
        provider = await desk(small, http, "provider")
        prepared = await asyncio.gather(
            *(provider.call("POST", f"/trades/{trade_id}/accept", {"offer_no": 2}, key="p") for _ in range(4))
        )
        assert statuses(prepared) == [202] * 4
        assert len({answer.json()["prepared_id"] for answer in prepared}) == 1
        answers = await asyncio.gather(*(provider.submit(prepared[0].content) for _ in range(4)))
    assert statuses(answers) == [200, 409, 409, 409]  # each with a key of its own
    codes = {answer.json()["code"] for answer in answers if answer.status_code == 409}
    assert codes <= {"prepared-used", "trade-wrong-state"}
    assert (await counted(small)) - before == Counter({"TRD.ACCEPT": 1, **CHECKED, "REF.REFUSE": 1})


async def two_answers_to_one_offer(small: Market) -> None:
    trade_id = await _trade(small, "NEGOTIATING")
    before = await counted(small)
    async with small.served.client() as http:
        provider, broker = await desk(small, http, "provider"), await desk(small, http, "broker")
        expires_at = rfc3339(small.served.clock.now() + timedelta(days=2))
        terms = goods.offer(70_000_000, expires_at, unit="set", licence_class="internal-use")
        prepared = await provider.call("POST", f"/trades/{trade_id}/accept", {"offer_no": 2})
        answers = await asyncio.gather(
            provider.submit(prepared.content),
            broker.call("POST", f"/trades/{trade_id}/offers", terms),
        )
    done = [answer for answer in answers if answer.is_success]
    assert len(done) == 1, [answer.text for answer in answers]
    (refused,) = [answer for answer in answers if not answer.is_success]
    assert refused.status_code == 409
    said = (await counted(small)) - before
    assert said["TRD.ACCEPT"] + said["TRD.COUNTER_OFFER"] == 1
    assert said["REF.REFUSE"] == 1


async def an_offer_beside_the_suspension_of_its_broker(small: Market) -> None:
    """No act of a broker is recorded after the suspension that it should have seen."""
    trade_id = await _trade(small, "INQUIRED")
    async with small.served.client() as http:
        broker, authority = await desk(small, http, "broker"), await desk(small, http, "authority")
        expires_at = rfc3339(small.served.clock.now() + timedelta(days=2))
        terms = goods.offer(70_000_000, expires_at, unit="set", licence_class="internal-use")
        suspend = f"/certificates/{small.ids['certificate']}/suspend"
        offered, suspended = await asyncio.gather(
            broker.call("POST", f"/trades/{trade_id}/offers", terms),
            authority.call("POST", suspend, {"reason_code": "COMPLAINT"}),
        )
    assert suspended.status_code == 200
    await small.served.settle_down()
    order = [said["predicate"]["event"] for said in await sealed(small)][-6:]
    if offered.is_success:
        assert order.index("TRD.OFFER") < order.index("BRK.SUSPEND")
    else:
        document = problem(offered, offered.status_code, "broker-not-certified")
        assert document["rule_id"] == "BR1"
        assert "TRD.OFFER" not in order
        # The suspension's own consequence, its mandates' freeze, may stand on either side of the refusal.
        assert [event for event in order if event != "MND.FREEZE"][-2:] == ["BRK.SUSPEND", "REF.REFUSE"]


async def sealed(market: Market) -> list[dict[str, Any]]:
    async with market.served.node.database.read() as s:
        return [entry.payload for entry in reversed(await entries(s, limit=100))]
