"""One product, bought three more ways: as a share of its table, by calls, and by questions to it.

Each buyer uses a key or a question of its own over real HTTP, as its tools would; the file stays where it is.
"""

import hashlib
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import orjson

from base.clock import rfc3339
from base.money import yuan
from cli.demo.datasets import AIRPORTS, declaration, whole_airports
from cli.demo.market import BUYERS, SELLERS
from cli.demo.persona import Persona
from cli.demo.story import PURPOSE, SOURCE, Stage, at

_ROWS: Final = 1_458
_PRICE_MINOR: Final = 3_000_000
_SELLER: Final = SELLERS[3]
_ZONES: Final = ("New_York", "Chicago", "Denver", "Los_Angeles", "Anchorage", "Phoenix")
_HIGH: Final = "where.alt=ge.7000"
_QUESTION: Final = (
    "SELECT tzone, COUNT(*) AS airports, AVG(alt) AS feet FROM data GROUP BY tzone ORDER BY airports DESC"
)
_SANDBOX: Final = {
    "epsilon_query_micro": 1_000_000,
    "epsilon_total_micro": 3_000_000,
    "columns": [
        {"name": "tzone", "group": True, "values": [f"America/{zone}" for zone in _ZONES]},
        {"name": "alt", "type": "integer", "low": "0", "high": "10000"},
    ],
}
Way = Callable[[Stage, str], Awaitable[str]]


async def play_ways(first: Stage, registered: str) -> None:
    """From the listing to the settlement of three trades, each delivered in another way.

    `registered` is the number of the rights in what is sold. Who played first is signed in again at the end.
    """
    ways: tuple[tuple[str, str, str, str, Way], ...] = (
        ("share", BUYERS[4], "institute", "loads the table as a Delta share", _share),
        ("credential", BUYERS[2], "logistics", "calls the interface of the table", _call),
        ("sandbox", BUYERS[5], "consultant", "asks a question of the table", _ask),
    )
    stage = replace(first, provider=await _enrolled(first, _SELLER, "geodata"))
    listing_id = await _list(stage, registered)
    trades = []
    for hour, (mode, name, login, _, _) in enumerate(ways, start=9):
        stage = replace(stage, buyer=await _enrolled(stage, name, login))
        trades.append((stage, await _buy(stage, listing_id, mode, at(25, hour))))
    for hour, ((mode, _, login, what, use), (its, trade_id)) in enumerate(zip(ways, trades, strict=True)):
        await its.move_to(at(26, 9 + hour))
        opened = await its.provider.post(f"/trades/{trade_id}/start-delivery")
        await its.move_to(at(26, 9 + hour, 30))
        found = await use(its, opened["entitlement_id"])
        stage.story.ids[f"trade_{mode}"] = trade_id
        its.note(f"{what}: {found}", login, trade_id, "TRD.DELIVERED", "DLV.QUERY")
    for its, trade_id in trades:
        await its.move_to(at(27, 10) if its is trades[0][0] else stage.world.clock.now())
        await its.buyer.post(f"/trades/{trade_id}/accept-goods")
    await first.move_to(at(30, 9))
    await first.world.work()
    await first.move_to(at(30, 18))
    await first.world.work()


async def _enrolled(stage: Stage, name: str, login: str) -> Persona:
    member = stage.world.members[name]
    if member.login is None:
        member.login = login
        await stage.world.enrol(member, login)
    return Persona(member, stage.http)


async def _list(stage: Stage, registered: str) -> str:
    provider = stage.provider
    await stage.move_to(at(24, 9, 30))
    with tempfile.TemporaryDirectory(prefix="databourse-") as folder:
        uploaded = await provider.upload(whole_airports(Path(folder)))
    draft = await provider.post(
        "/listings",
        {
            "file_id": uploaded["file_id"],
            "title": AIRPORTS.title,
            "description": AIRPORTS.about,
            "scenario": "航线网络与物流选址分析",
            "category": AIRPORTS.category.value,
            "licence_class": "INTERNAL_USE",
            "licence_of_data": AIRPORTS.licence,
            "unit": "份",
            "quantity": 1,
            "level": "general-2",
            "list_price_minor": _PRICE_MINOR,
            "sandbox": _SANDBOX,
        },
    )
    listing_id: str = draft["listing_id"]
    await provider.post(f"/listings/{listing_id}/measure", declaration(AIRPORTS, _ROWS, AIRPORTS.period))
    await provider.post(
        f"/listings/{listing_id}/submit",
        {
            "source": "SELF_COLLECTED",
            "source_statement_sha256": hashlib.sha256(SOURCE).hexdigest(),
            "basis_ref": registered,
        },
    )
    await stage.operator.step_up()
    await stage.operator.post(f"/listings/{listing_id}/review", {"decision": "APPROVE"})
    await stage.operator.step_up()
    await stage.operator.post(f"/listings/{listing_id}/publish")
    stage.note("lists airports: as a share, by calls, by questions", "geodata", listing_id, "LST.LIST")
    return listing_id


async def _buy(stage: Stage, listing_id: str, mode: str, moment: datetime) -> str:
    """A trade at the list price, its way of delivery agreed, signed by both and paid for."""
    await stage.move_to(moment)
    asked = {"purpose": "选址分析", "scenario": "内部使用", "quantity": 1}
    trade_id: str = (await stage.buyer.post(f"/listings/{listing_id}/inquiries", asked))["trade_id"]
    offer = {
        "price_minor": _PRICE_MINOR,
        "quantity": 1,
        "unit": "份",
        "licence_class": "INTERNAL_USE",
        "term_months": 12,
        "purpose": "内部使用",
        "scope": {"purposes": [PURPOSE], "max_count": 100, "delete_within_wd": 10},
        "delivery": {"mode": mode},
        "expires_at": rfc3339(stage.world.clock.now() + timedelta(days=7)),
    }
    await stage.provider.post(f"/trades/{trade_id}/offers", offer)
    await stage.buyer.post(f"/trades/{trade_id}/accept", {"offer_no": 1})
    for who in (stage.provider, stage.buyer):
        await who.post(f"/trades/{trade_id}/sign")
    paid = await stage.world.bank.pay(stage.buyer.member, amount_minor=_PRICE_MINOR, reference=trade_id)
    login = stage.buyer.member.login or ""
    stage.note(f"buys it by {mode}, ¥{yuan(_PRICE_MINOR)}: {paid['status']}", login, trade_id, "TRD.FUND")
    return trade_id


async def _key(stage: Stage, entitlement_id: str) -> str:
    key_id: str = (await stage.buyer.post(f"/entitlements/{entitlement_id}/keys", {"days": 30}))["key_id"]
    return key_id


async def _share(stage: Stage, entitlement_id: str) -> str:
    """What a Delta Sharing client does: ask for the tables, query one, fetch its file."""
    key_id = await _key(stage, entitlement_id)
    profile = orjson.loads(await stage.buyer.fetch(f"/keys/{key_id}/profile"))
    door, headers = profile["endpoint"], {"authorization": f"Bearer {profile['bearerToken']}"}
    (share,) = (await stage.http.get(f"{door}/shares", headers=headers)).raise_for_status().json()["items"]
    tables = await stage.http.get(f"{door}/shares/{share['name']}/all-tables", headers=headers)
    (table,) = tables.raise_for_status().json()["items"]
    path = f"{door}/shares/{share['name']}/schemas/{table['schema']}/tables/{table['name']}/query"
    told = (await stage.http.post(path, json={}, headers=headers, timeout=60)).raise_for_status()
    file = orjson.loads(told.content.splitlines()[2])["file"]
    content = (await stage.http.get(file["url"])).raise_for_status().content
    if hashlib.sha256(content).hexdigest() != file["id"]:
        raise RuntimeError("the file of the share is another one")
    rows = orjson.loads(file["stats"])["numRecords"]
    return f"{rows:,} rows, {len(content):,} bytes of Parquet"


async def _call(stage: Stage, entitlement_id: str) -> str:
    """One metered call, and its receipt."""
    key_id = await _key(stage, entitlement_id)
    token = (await stage.buyer.get(f"/keys/{key_id}/token"))["token"]
    headers = {"authorization": f"Bearer {token}"}
    asked = f"/gateway/{entitlement_id}/rows?column=name&column=alt&{_HIGH}&order=-alt"
    answer = (await stage.http.get(asked, headers=headers, timeout=60)).raise_for_status()
    found: list[Any] = answer.json()["rows"]
    return f"{len(found)} airports above 7,000 ft, use {answer.headers['databourse-use']}"


async def _ask(stage: Stage, entitlement_id: str) -> str:
    """One question, answered with noise out of the budget."""
    answer = await stage.buyer.post(f"/entitlements/{entitlement_id}/queries", {"sql": _QUESTION})
    budget = await stage.buyer.get(f"/entitlements/{entitlement_id}/privacy-budget")
    return f"{answer['rows']} groups, ε left {budget['left_micro'] / 10**6:g}"
