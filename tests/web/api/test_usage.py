"""An interface that was bought, over the doors: declared, called with a key, stated, proved."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from base.canonical import canonical
from ledger.tree import leaf_hash, verify_inclusion
from tests.market.listings.goods import CLEAN
from tests.web.market import Market, _trade

ROWS = CLEAN.count("\n") - 1
ENDPOINT = {
    "answered_by": "PROVIDER",
    "base_url": "https://api.example.com/v1",
    "paths": ["/quotes/*"],
    "methods": ["GET"],
}


async def bought(market: Market) -> tuple[str, str]:
    """A right to call an interface ten times, and a tool's token."""
    served = market.served
    trade_id = await _trade(
        market,
        "DELIVERING",
        delivery={"mode": "credential", "days": 3},
        scope={"purposes": ["RISK_CONTROL"], "max_count": 10},
    )
    rights = await served.api(market.buyer, "GET", "/entitlements")
    (right,) = [one for one in rights if one["trade_id"] == trade_id]
    path = f"/entitlements/{right['entitlement_id']}/keys"
    key = await served.api(market.buyer, "POST", path, {"days": 30})
    token = await served.api(market.buyer, "GET", f"/keys/{key['key_id']}/token")
    return right["entitlement_id"], token["token"]


async def called(market: Market, right: str, token: str, path: str, **more: Any) -> httpx.Response:
    async with market.served.client(headers={"authorization": f"Bearer {token}"} | more) as http:
        return await http.get(f"/gateway/{right}{path}")


async def test_the_products_own_table_is_called_stated_and_proved(market):
    served = market.served
    right, token = await bought(market)
    columns = await called(market, right, token, "/columns")
    assert columns.status_code == 200, columns.text
    names = [one["name"] for one in columns.json()["columns"]]
    assert len(names) > 1
    page = await called(market, right, token, f"/rows?column={names[0]}&limit=3&offset=1")
    shown = page.json()
    assert ([one["name"] for one in shown["columns"]], len(shown["rows"]), shown["next_offset"]) == (
        [names[0]],
        3,
        4,
    )
    again = await called(market, right, token, f"/rows?column={names[0]}&limit=3&offset=1")
    assert again.headers["repr-digest"] == page.headers["repr-digest"]
    whole = (await called(market, right, token, "/rows?limit=1000")).json()
    assert (len(whole["rows"]), whole["next_offset"]) == (ROWS, None)
    first = whole["rows"][0][0]
    few = (await called(market, right, token, f"/rows?where.{names[0]}=eq.{first}&order=-{names[1]}")).json()
    assert {row[0] for row in few["rows"]} == {first}
    values = [row[1] for row in few["rows"]]
    assert values == sorted(values, reverse=True)
    for path in (
        "/rows?column=none",
        "/rows?limit=0",
        "/rows?where.x",
        f"/rows?where.{names[0]}=like.x",
        "/rows?order=a;drop",
        "/rows?x=1",
        f"/rows?column={names[0]}&column={names[0]}",
        "/rows?where.%22%20OR%201=1--=eq.1",
    ):
        refused = await called(market, right, token, path)
        assert (path, refused.status_code, refused.json()["code"]) == (path, 422, "interface-query-malformed")
    assert (await called(market, right, token, "/etc")).status_code == 404

    uses = await served.api(market.buyer, "GET", f"/entitlements/{right}/uses")
    assert [use["number"] for use in uses] == [1, 2, 3, 4, 5]
    proof = f"/entitlements/{right}/uses/3/proof"
    early = await served.api(market.provider, "GET", proof, expect=404)
    assert early["code"] == "use-not-stated"
    too_few = await served.api(market.buyer, "POST", f"/entitlements/{right}/usage", expect=409)
    assert too_few["code"] == "usage-too-small"
    served.clock.advance(timedelta(days=1))
    await served.node.run_jobs()
    for who in (market.buyer, market.provider):
        (usage,) = await served.api(who, "GET", f"/entitlements/{right}/usage")
        assert (usage["first"], usage["last"], usage["units"], usage["charge_minor"]) == (1, 5, 5, None)
        assert await served.api(who, "GET", f"/usage/{usage['usage_id']}") == usage
    shown = await served.api(market.buyer, "GET", proof)
    receipt = await served.api(market.buyer, "GET", f"/entitlements/{right}/uses/3/receipt")
    leaf = leaf_hash(canonical(receipt))
    assert shown["leaf"] == leaf.hex()
    path = [bytes.fromhex(step) for step in shown["path"]]
    verify_inclusion(shown["index"], shown["size"], leaf, path, bytes.fromhex(usage["root"]))
    level = await served.api(market.provider, "GET", f"/entitlements/{right}/service-level")
    assert level["calls"] == 5
    stranger = market.second
    for what in ("receipt", "proof"):
        await served.api(market.buyer, "GET", f"/entitlements/{right}/uses/{10**30}/{what}", expect=422)
    for path in ("usage", "service-level", "uses/3/proof"):
        await served.api(stranger, "GET", f"/entitlements/{right}/{path}", expect=404)


async def test_an_endpoint_is_declared_by_its_seller_and_its_secret_is_told_to_nobody(market):
    served, listing = market.served, market.ids["listed"]
    form = {"header": "x-api-key", "value": "swordfish-9"}
    kept = await served.api(market.provider, "POST", "/interface-secrets", form)
    assert "swordfish-9" not in str(kept)
    told = ENDPOINT | {"secret_id": kept["secret_id"]}
    made = await served.api(market.provider, "POST", f"/listings/{listing}/interface", told)
    assert (made["number"], made["base_url"]) == (1, ENDPOINT["base_url"])
    seen = await served.api(market.buyer, "GET", f"/listings/{listing}/interface")
    assert (seen["base_url"], seen["secret_id"], seen["paths"]) == (None, None, ["/quotes/*"])
    for path in Path(served.node.settings.data_dir).glob("databourse.db*"):
        assert b"swordfish-9" not in path.read_bytes()
    for wrong in (
        {"base_url": "http://api.example.com"},
        {"base_url": "https://127.0.0.1"},
        {"paths": ["/../x"]},
        {"secret_id": "sec_" + "0" * 26},
    ):
        assert await _refused(market, listing, told | wrong) in {404, 422}
    await served.api(market.buyer, "POST", "/interface-secrets", form, expect=403)
    elsewhere = await served.api(market.buyer, "POST", f"/listings/{listing}/interface", told, expect=403)
    assert elsewhere["code"] == "forbidden"
    back = await served.api(
        market.provider, "POST", f"/listings/{listing}/interface", {"answered_by": "TABLE"}
    )
    assert back["number"] == 2


async def _refused(market: Market, listing: str, told: dict[str, Any]) -> int:
    served = market.served
    headers = {
        "authorization": f"Bearer {served.token(market.provider)}",
        "idempotency-key": str(abs(hash(str(told)))),
    }
    async with served.client(headers=headers) as http:
        return (await http.post(f"/api/v1/listings/{listing}/interface", json=told)).status_code
