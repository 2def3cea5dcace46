"""A call through the gateway: asked of the provider, counted before its answer leaves, charged once."""

import asyncio

import pytest

from base.canonical import canonical
from ledger.tree import leaf_hash
from market.delivery.meter.receipts import receipt_of
from market.delivery.rules import EntitlementStatus
from market.delivery.service import freeze_entitlement, revoke_entitlement, unfreeze_entitlement
from market.orders.rules import TradeState
from tests.market.delivery.gateway.bought import bought
from tests.market.delivery.gateway.provider import ANSWER, providing, whole
from tests.market.delivery.test_keys import issued, revoked


async def test_a_call_is_answered_counted_and_receipted(deal):
    async with providing() as provider, bought(deal, provider) as tool:
        answer = await tool.call("/ok?day=2026-01-01", headers={"cookie": "a=b", "x-inside": "1"})
        assert (answer.status_code, answer.content) == (200, ANSWER), answer.text
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["databourse-use"] == "1"
        assert answer.headers["databourse-charged"] == "yes"
        assert "set-cookie" not in answer.headers
        assert "x-inside" not in answer.headers
        (use,) = await tool.uses()
        receipt = receipt_of(use, trade_id=deal.trade_id)
        assert answer.headers["databourse-receipt"] == leaf_hash(canonical(receipt)).hex()
        assert (use.taken_by, use.purpose, use.bytes) == (deal.buyer.org_id, "RESEARCH", len(ANSWER))
        (heard,) = provider.heard
        assert heard.startswith("GET /ok?day=2026-01-01 HTTP/1.1\r\n")
        assert tool.token not in heard
        assert "cookie" not in heard.lower()
        assert "x-inside" not in heard
        assert "accept-encoding: identity" in heard
        (call,) = await tool.calls()
        assert (call.ok, call.outcome, call.use_id) == (True, "200", use.use_id)
        assert (await deal.trade()).status is TradeState.DELIVERED
        assert (await tool.call("/ok")).headers["databourse-use"] == "2"


async def test_a_call_that_is_repeated_is_one_use_and_the_same_answer(deal):
    async with providing() as provider, bought(deal, provider, uses=2) as tool:
        first = await tool.call("/ok", key="one")
        provider.answers["/ok"] = b"HTTP/1.1 500 Gone\r\ncontent-length: 0\r\n\r\n"
        again = await tool.call("/ok", key="one")
        assert (again.status_code, again.content) == (200, first.content)
        assert again.headers["databourse-charged"] == "no"
        assert again.headers["databourse-receipt"] == first.headers["databourse-receipt"]
        other = await tool.call("/ok?x=1", key="one")
        assert (other.status_code, other.json()["code"]) == (409, "use-key-reused")
        assert len(await tool.uses()) == 1
        assert len(provider.heard) == 1


async def test_an_answer_that_is_not_kept_is_asked_for_again_a_few_times_uncharged(deal):
    async with providing() as provider, bought(deal, provider, uses=1) as tool:
        await tool.call("/ok", key="one")
        tool.gateway._kept = type(tool.gateway._kept)(most=0)  # as after a restart
        for _ in range(3):
            again = await tool.call("/ok", key="one")  # also where nothing is left
            assert (again.status_code, again.headers["databourse-charged"]) == (200, "no")
        gone = await tool.call("/ok", key="one")
        assert (gone.status_code, gone.json()["code"]) == (409, "answer-gone")
        spent = await tool.call("/ok", key="two")
        assert (spent.status_code, spent.json()["code"]) == (409, "entitlement-used-up")
        assert len(provider.heard) == 4
        assert (await deal.entitlement()).used == 1


async def test_what_fails_at_the_provider_is_not_charged_and_kept_with_its_time(deal):
    async with providing() as provider, bought(deal, provider, timeout_ms=300) as tool:
        for path, status, outcome in (
            ("/broken", 502, "status"),
            ("/refuses-us", 502, "status"),
            ("/elsewhere", 502, "status"),
            ("/switch", 502, "malformed"),
            ("/html", 502, "content-type"),
            ("/untyped", 502, "content-type"),
            ("/bomb", 502, "encoded"),
            ("/large", 502, "oversize"),
            ("/endless", 502, "oversize"),
            ("/short", 502, "malformed"),
            ("/two-lengths", 502, "malformed"),
            ("/garbage", 502, "malformed"),
            ("/hang", 504, "provider-too-slow"),
        ):
            before = {one.call_id for one in await tool.calls()}
            answer = await tool.call(path)
            assert (path, answer.status_code) == (path, status), answer.text
            assert answer.headers["content-type"] == "application/problem+json"
            (last,) = [one for one in await tool.calls() if one.call_id not in before]
            assert (path, last.ok, last.outcome, last.use_id) == (path, False, outcome, None)
        assert last.latency_ms >= 300
        assert await tool.uses() == []
        assert (await deal.entitlement()).used == 0
        assert (await deal.trade()).status is TradeState.DELIVERING
        missing = await tool.call("/missing")  # the caller's mistake is handed on, and not charged
        assert (missing.status_code, missing.headers["databourse-charged"]) == (404, "no")
        none = await tool.call("/none")
        assert (none.status_code, none.content, none.headers["databourse-use"]) == (204, b"", "1")


async def test_a_provider_that_is_away_is_a_502(deal):
    async with providing() as provider, bought(deal, provider, base_url="http://127.0.0.1:9") as tool:
        answer = await tool.call()
        assert (answer.status_code, answer.json()["reason"]) == (502, "unreachable")
        assert provider.heard == []


async def test_hanging_calls_leave_room_for_others_and_are_let_in_up_to_a_bound(deal):
    async with providing() as provider, bought(deal, provider, uses=100) as tool:
        waiting = [asyncio.create_task(tool.call("/hang")) for _ in range(72)]
        while provider.holding < 64:  # noqa: ASYNC110 - told by nothing else
            await asyncio.sleep(0.005)
        sent_away = await tool.call("/ok")
        assert (sent_away.status_code, sent_away.json()["code"]) == (503, "provider-busy")
        turnstile = tool.app.middleware_stack._turnstile
        while turnstile.inside:  # noqa: ASYNC110 - none that hangs holds a place at the door
            await asyncio.sleep(0.005)
        provider.let_go.set()
        statuses = sorted([(await one).status_code for one in waiting])
        assert statuses == [200] * 64 + [503] * 8
        assert provider.most_held == 64
        assert len(await tool.uses()) == 64


async def test_exactly_what_is_left_is_charged_however_many_call_at_once(deal):
    async with providing() as provider, bought(deal, provider, uses=5) as tool:
        answers = await asyncio.gather(*(tool.call("/ok") for _ in range(12)))
        good = [one for one in answers if one.status_code == 200]
        refused = {one.json()["code"] for one in answers if one.status_code != 200}
        assert len(good) == 5
        assert sorted(int(one.headers["databourse-use"]) for one in good) == [1, 2, 3, 4, 5]
        assert refused <= {"quota-under-way", "entitlement-used-up"}
        assert (await deal.entitlement()).used == 5


async def test_a_key_calls_at_its_rate(deal):
    moment = [0.0]
    async with (
        providing() as provider,
        bought(deal, provider, per_minute=12, now_s=lambda: moment[0]) as tool,
    ):
        assert [(await tool.call()).status_code for _ in range(3)] == [200, 200, 429]
        held = await tool.call()
        assert (held.json()["code"], held.headers["retry-after"]) == ("too-many-calls", "5")
        moment[0] += 5
        assert (await tool.call()).status_code == 200
        assert len(await tool.uses()) == 3


@pytest.mark.parametrize("stop", [freeze_entitlement, revoke_entitlement])
async def test_what_falls_while_the_provider_works_stops_the_answer(deal, stop):
    async with providing() as provider, bought(deal, provider) as tool:
        assert (await tool.call()).status_code == 200
        waiting = asyncio.create_task(tool.call("/hang"))
        while not provider.holding:  # noqa: ASYNC110 - told by nothing else
            await asyncio.sleep(0.005)
        async with deal.house.database.write() as s:
            await stop(s, trade_id=deal.trade_id)
        provider.let_go.set()
        answer = await waiting
        assert answer.status_code == 409
        assert ANSWER not in answer.content
        assert len(await tool.uses()) == 1
        if stop is freeze_entitlement:
            async with deal.house.database.write() as s:
                await unfreeze_entitlement(s, trade_id=deal.trade_id)
            assert (await tool.call()).status_code == 200


async def test_what_is_not_charged_stops_with_its_right_too_and_is_small(deal):
    async with providing() as provider, bought(deal, provider) as tool:
        provider.answers["/much"] = whole(b" " * 20_000, "404 Not Found")
        assert (await tool.call("/missing")).status_code == 404
        assert (await tool.call("/much")).json()["reason"] == "oversize"  # no way to hand on data for nothing
        async with deal.house.database.write() as s:
            await freeze_entitlement(s, trade_id=deal.trade_id)
        stopped = await tool.call("/missing")
        assert (stopped.status_code, stopped.json()["code"]) == (409, "delivery-suspended")
        async with deal.house.database.write() as s:
            await unfreeze_entitlement(s, trade_id=deal.trade_id)
        await revoked(deal, tool.key)
        assert (await tool.call("/missing")).status_code == 401


async def test_a_frozen_right_repeats_nothing_though_its_uses_are_made(deal):
    async with providing() as provider, bought(deal, provider, uses=1) as tool:
        assert (await tool.call(key="one")).status_code == 200
        async with deal.house.database.write() as s:
            await freeze_entitlement(s, trade_id=deal.trade_id)
        stopped = await tool.call(key="one")
        assert (stopped.status_code, stopped.json()["code"]) == (409, "delivery-suspended")
        async with deal.house.database.write() as s:
            await unfreeze_entitlement(s, trade_id=deal.trade_id)
        assert (await deal.entitlement()).status is EntitlementStatus.USED_UP
        assert (await tool.call(key="one")).status_code == 200


async def test_calls_side_by_side_under_one_key_are_as_many_as_one_after_the_other(deal):
    async with providing() as provider, bought(deal, provider) as tool:
        waiting = [asyncio.create_task(tool.call("/hang", key="one")) for _ in range(8)]
        while provider.holding < 8:  # noqa: ASYNC110 - told by nothing else
            await asyncio.sleep(0.005)
        provider.let_go.set()
        answers = [await one for one in waiting]
        assert sorted(one.status_code for one in answers) == [200] * 4 + [409] * 4
        assert sum(one.headers.get("databourse-charged") == "yes" for one in answers) == 1
        assert len(await tool.uses()) == 1


async def test_a_revoked_key_and_another_rights_key_open_nothing_at_once(deal):
    async with providing() as provider, bought(deal, provider) as tool:
        assert (await tool.call()).status_code == 200
        await revoked(deal, tool.key)
        answer = await tool.call()  # though what it opens was looked up a moment ago
        assert (answer.status_code, answer.json()["code"]) == (401, "access-key-refused")
        assert "www-authenticate" in answer.headers
        fresh = await issued(deal)
        tool.key = fresh
        elsewhere = await tool.call(entitlement_id="ent_" + "0" * 26)
        assert (elsewhere.status_code, elsewhere.json()["code"]) == (401, "access-key-refused")
        for token in ("x", "dbk_" + fresh.key_id + "_" + "0" * 64, tool.token + "0", tool.token.upper()):
            assert (await tool.call(token=token)).status_code == 401
        assert (await tool.call(headers={"authorization": "Basic eDp5"})).status_code == 401
        assert len(await tool.uses()) == 1


LEADING_AWAY = {
    "/a/../b": 422,
    "/%2e%2e/b": 422,
    "/a%2fb": 422,
    "/a%5cb": 422,
    "//a": 422,
    "/a%00": 422,
    "/ok?x=%0d%0a": 422,
    "/" + "a" * 2000: 413,
    "/ok?" + "x" * 5000: 413,
    "/http://127.0.0.1/": 422,
}


@pytest.mark.parametrize("deal", ["sqlite"], indirect=True)  # nothing of it reaches a database
async def test_no_path_leads_elsewhere(deal):
    async with providing() as provider, bought(deal, provider) as tool:
        for path, status in LEADING_AWAY.items():
            assert (path[:20], await raw(tool, path)) == (path[:20], status)
        assert provider.heard == []


async def raw(tool, path):
    """The status that a request with this very target gets: a client of HTTP would tidy it up."""
    place, _, query = path.partition("?")
    scope = {
        "type": "http",
        "method": "GET",
        "path": f"/gateway/{tool.entitlement_id}{place}",
        "raw_path": f"/gateway/{tool.entitlement_id}{place}".encode(),
        "query_string": query.encode(),
        "headers": [(b"authorization", b"Bearer " + tool.token.encode())],
        "client": ("127.0.0.1", 1),
        "server": ("gate.test", 80),
        "scheme": "http",
        "http_version": "1.1",
        "app": tool.app,
    }
    told = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        if message["type"] == "http.response.start":
            told.append(message["status"])

    await tool.app(scope, receive, send)
    return told[0]
