"""An attacker at every door over HTTP: one walk, from a delivery at home to one abroad that is shut."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
from sqlmodel import col, select, update

from base.age import Identity
from market.customs.tables import DeclarationRow
from market.delivery.keys import token_of
from market.delivery.tables import Download, Entitlement
from tests.web.api.conftest import Room
from tests.web.api.desk import Desk
from tests.web.api.test_customs import FLOW, officers

SHUT = "customs-route-not-open"


async def as_kind(room: Room, entitlement_id: str, kind: str) -> None:
    async with room.database.write() as s:
        of_it = col(Entitlement.entitlement_id) == entitlement_id
        await s.exec(update(Entitlement).where(of_it).values(kind=kind, max_downloads=50))


async def attacks(room: Room, buyer: Desk, right: str, token: str) -> Mapping[str, str]:
    """What each door answers: its problem's code, or its status."""
    path = f"/entitlements/{right}"
    found: dict[str, str] = {}

    async def ask(name: str, kind: str, method: str, where: str, body: Any = None, **headers: str) -> None:
        await as_kind(room, right, kind)
        found[name] = code_of(await buyer.call(method, where, body, **headers))

    age = Identity.generate().recipient
    await ask("file", "FILE", "GET", f"{path}/file")
    await ask("range", "FILE", "GET", f"{path}/file", range="bytes=0-1")
    await ask("package", "FILE", "GET", f"{path}/package")
    await ask("resumed package", "FILE", "GET", f"{path}/package", range="bytes=100-")
    await ask("key of the package", "FILE", "POST", f"{path}/package/key", {"age_recipient": age})
    await ask("access key", "SHARE", "POST", f"{path}/keys", {})
    await ask("question", "QUERY", "POST", f"{path}/queries", {"sql": "select count(*) from data"})
    bearer = {"authorization": f"Bearer {token}"}
    await as_kind(room, right, "SHARE")
    found["share, by a token from before"] = code_of(
        await room.http.get("/delta-sharing/shares", headers=bearer)
    )
    await as_kind(room, right, "API")
    found["interface, by a token from before"] = code_of(
        await room.http.get(f"/gateway/{right}/rows", headers=bearer)
    )
    await as_kind(room, right, "FILE")
    return found


def code_of(answer: httpx.Response) -> str:
    said = answer.json() if "json" in answer.headers.get("content-type", "") else {}
    return str(said.get("code") or said.get("errorCode") or answer.status_code)


async def left(room: Room) -> tuple[int, int]:
    """What was booked, and how many downloads were opened."""
    async with room.database.read() as s:
        rows = (await s.exec(select(DeclarationRow))).all()
        opened = (await s.exec(select(Download))).all()
    return sum(row.sent_bytes for row in rows), len(opened)


async def test_nothing_leaves_by_any_door_without_a_clearance_that_lives(room: Room) -> None:
    mei, tao = await officers(room)
    buyer, provider = await room.desk("buyer"), await room.desk("provider")
    trade_id = room.ids["delivering"]
    (mine,) = [one for one in await buyer.get("/entitlements") if one["trade_id"] == trade_id]
    right = mine["entitlement_id"]
    file = f"/entitlements/{right}/file"
    await as_kind(room, right, "SHARE")
    key = await buyer.act(f"/entitlements/{right}/keys", {})
    token = token_of(room.served.node.safe.master, key["key_id"])  # taken while it was at home
    await buyer.act("/customs-endpoint", {"region": "HK"})  # its systems receive in Hong Kong from now on
    before = await left(room)
    shut = await attacks(room, buyer, right, token)
    assert set(shut.values()) == {SHUT}, shut
    assert await left(room) == before

    size = mine["bytes"]
    recipient = {"name": "x", "country": "HK", "contact": "dpo@hk.example", "org_id": buyer.org_id}
    said = FLOW | {
        "recipient": recipient,
        "storage_place": "HK",
        "fields": [{"name": "weekday"}],
        "level": "general-2",
        "persons": 0,
        "trade_id": trade_id,
        "volume_bytes": 2 * size,
        "volume_uses": 50,
    }
    row = await provider.act("/declarations", {"declaration": said})
    about = f"/declarations/{row['declaration_id']}"
    if row["status"] == "UNDER_CHECK":
        await mei.act(f"{about}/take")
        row = await mei.act(f"{about}/clear", {"reason": "looked at"})
    assert row["status"] == "CLEARED"
    for at in range(0, size, max(1, size // 7)):  # in many small parts, to the last byte that was declared
        end = min(size, at + max(1, size // 7)) - 1
        answer = await buyer.call("GET", file, range=f"bytes={at}-{end}")
        assert answer.status_code == 206, answer.text
    assert (await provider.get(about))["sent_bytes"] == size
    both = await asyncio.gather(*(buyer.call("GET", file) for _ in range(2)))  # room is left for one
    assert sorted(map(code_of, both)) == ["200", "declared-volume-exceeded"]
    assert (await provider.get(about))["sent_bytes"] == 2 * size
    assert code_of(await buyer.call("GET", file, range="bytes=0-0")) == "declared-volume-exceeded"
    assert code_of(await buyer.call("GET", file)) == "declared-volume-exceeded"
    assert (await provider.get(about))["sent_bytes"] == 2 * size

    await mei.act(f"{about}/halt", {"reason": "a leak", "reason_code": "INCIDENT"})
    assert set((await attacks(room, buyer, right, token)).values()) == {SHUT}
    again = await provider.act("/declarations", {"declaration": said})
    assert again["status"] == "UNDER_CHECK"  # declaring again undoes no halt
    assert set((await attacks(room, buyer, right, token)).values()) == {SHUT}
    for officer in (mei, tao):
        await officer.step_up()
    second = f"/declarations/{again['declaration_id']}"
    taken = await asyncio.gather(*(one.call("POST", f"{second}/take") for one in (mei, tao)))
    assert sorted(map(code_of, taken)) == ["200", "declaration-taken"]
    slow = tao if taken[0].status_code == 200 else mei
    late = await slow.call("POST", f"{second}/clear", {"reason": "mine"})
    assert code_of(late) == "declaration-taken"
    await mei.act(f"{about}/resume", {"reason": "mended"})
    room.served.clock.advance(timedelta(days=365))  # its last day is over
    buyer = await room.desk("buyer")
    ended = await attacks(room, buyer, right, token)
    assert not {"200", "201", "206"} & set(ended.values()), ended
