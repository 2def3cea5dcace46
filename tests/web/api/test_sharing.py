"""A share that was bought, loaded with the official Delta Sharing client over real HTTP."""

import asyncio
import functools
import io
import json
import re
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import delta_sharing
import httpx
import pandas as pd
import polars as pl
import pytest
import uvicorn
from requests import HTTPError
from sqlmodel import col, update

from base.canonical import sha256_hex
from base.files import FileStore, StoredFile
from cli.server import server_config
from market.customs.deciding import halt
from market.customs.tables import DeclarationRow
from market.delivery import downloads
from market.delivery.keys import token_of
from market.delivery.repository import entitlement_of, stored_file
from market.delivery.service import freeze_entitlement, unfreeze_entitlement
from market.delivery.tabular import table_of
from market.orders.parts import view_of_text
from tests.market.listings.goods import CLEAN
from tests.web.api.live import free_port
from tests.web.api.test_customs import FLOW
from tests.web.api.test_customs_attacker import SHUT
from tests.web.market import Market, _trade, copied
from tests.web.pages.browsing import Browser

# The client's own ways with pandas and sockets are not ours to warn about.
pytestmark = pytest.mark.filterwarnings("ignore")
ROWS = CLEAN.count("\n") - 1
HOWTO = Path(__file__).resolve().parents[3] / "docs" / "howto" / "shares.md"
PART = {
    "columns": ["month", "index"],
    "rows": [
        {"column": "month", "op": ">=", "values": ["2025-11"]},
        {"column": "county", "op": "in", "values": ["440101", "440103"]},
    ],
}
BEFORE = "2000-01-01T00:00:00Z"


@dataclass
class Sharing:
    """The market behind a server, a share that was bought of it, and a profile to read it with."""

    market: Market
    origin: str
    entitlement_id: str
    trade_id: str
    key_id: str
    folder: Path

    async def buyer(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        return await self.market.served.api(self.market.buyer, method, path, body, **more)

    async def key(self, **more: Any) -> str:
        made = await self.buyer("POST", f"/entitlements/{self.entitlement_id}/keys", more)
        return str(made["key_id"])

    async def profile(self, key_id: str | None = None) -> Path:
        """The profile file, as the buyer downloads it."""
        headers = {"authorization": f"Bearer {self.market.served.token(self.market.buyer)}"}
        async with httpx.AsyncClient(base_url=self.origin, headers=headers, trust_env=False) as http:
            answer = await http.get(f"/api/v1/keys/{key_id or self.key_id}/profile")
        assert answer.status_code == 200, answer.text
        path = self.folder / f"{key_id or self.key_id}.share"
        path.write_bytes(answer.content)
        return path

    async def url(self) -> str:
        """What the client calls the table: profile#share.schema.table."""
        listing = await self.buyer("GET", f"/listings/{self.market.ids['listed']}")
        return f"{await self.profile()}#{self.market.provider.name}.{self.trade_id}.{listing['title']}"

    async def asked(self, method: str, path: str, **more: Any) -> httpx.Response:
        """The door itself, with the key."""
        token = token_of(self.market.served.node.safe.master, self.key_id)
        headers = {"authorization": f"Bearer {token}"} | more.pop("headers", {})
        async with httpx.AsyncClient(base_url=self.origin, headers=headers, trust_env=False) as http:
            return await http.request(method, f"/delta-sharing{path}", **more)

    async def at(self) -> str:
        """The table's place in the door."""
        (one,) = (await self.asked("GET", "/shares")).json()["items"]
        share = one["name"]
        (found,) = (await self.asked("GET", f"/shares/{share}/all-tables")).json()["items"]
        return f"/shares/{share}/schemas/{found['schema']}/tables/{found['name']}"

    async def query(self, body: Any = None, **more: Any) -> list[dict[str, Any]]:
        """The actions of a query."""
        answer = await self.asked("POST", f"{await self.at()}/query", json=body or {}, **more)
        assert answer.status_code == 200, answer.text
        assert answer.headers["delta-table-version"] == "0"
        return [json.loads(line) for line in answer.content.splitlines()]

    async def fetch(self, url: str, method: str = "GET", **headers: str) -> httpx.Response:
        """A file by its address, without a key."""
        async with httpx.AsyncClient(trust_env=False) as http:
            return await http.request(method, url, headers=headers)

    async def status(self) -> str:
        return str((await self.buyer("GET", f"/trades/{self.trade_id}"))["status"])

    async def right(self) -> dict[str, Any]:
        (found,) = [
            one
            for one in await self.buyer("GET", "/entitlements")
            if one["entitlement_id"] == self.entitlement_id
        ]
        return dict(found)

    async def uses(self) -> list[dict[str, Any]]:
        return list(await self.buyer("GET", f"/entitlements/{self.entitlement_id}/uses"))


async def run(work: Any, *arguments: Any, **more: Any) -> Any:
    """The client's blocking work, beside the server's loop."""
    return await asyncio.to_thread(functools.partial(work, *arguments, **more))


@pytest.fixture(scope="module")
def share_template(market_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The market with one more trade, whose table is shared."""
    folder = tmp_path_factory.mktemp("sharing") / "market"

    async def made() -> None:
        async with copied(market_template, folder) as market:
            delivery = {"mode": "share", "days": 5}
            market.ids["share"] = await _trade(market, "DELIVERING", delivery=delivery)
            market.ids["part"] = await _trade(market, "DELIVERING", delivery=delivery | {"part": PART})
            node = market.served.node  # made once, not by each test that copies the market
            for trade_id in (market.ids["share"], market.ids["part"]):
                async with node.database.read() as s:
                    right = await entitlement_of(s, trade_id=trade_id)
                assert right is not None
                about = {"scratch": node.scratch(), "view": view_of_text(right.part)}
                await table_of(node.database, node.files, stored_file(right), **about)
            about = json.loads((folder / "market.json").read_bytes())
            about |= {"ids": market.ids, "now": market.served.clock.now().isoformat()}
            (folder / "market.json").write_text(json.dumps(about))

    asyncio.run(made())
    return folder


@asynccontextmanager
async def served(market: Market, port: int) -> AsyncIterator[None]:
    config = server_config(market.served.app, host="127.0.0.1", port=port, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    yield
    server.should_exit = True
    await task


@pytest.fixture
async def sharing(share_template: Path, tmp_path: Path) -> AsyncIterator[Sharing]:
    async with shared(share_template, tmp_path, "share") as made:
        yield made


@asynccontextmanager
async def shared(template: Path, tmp_path: Path, name: str) -> AsyncIterator[Sharing]:
    """One of the market's shares behind a server."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with copied(template, tmp_path / "market", public_url=url) as market, served(market, port):
        trade_id = market.ids[name]
        rights = await market.served.api(market.buyer, "GET", "/entitlements")
        (right,) = [one for one in rights if one["trade_id"] == trade_id]
        made = Sharing(market, url, right["entitlement_id"], trade_id, "", tmp_path)
        made.key_id = await made.key()
        yield made


async def test_the_official_client_loads_what_was_bought_as_the_howto_says(
    sharing: Sharing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(sharing.folder)
    (await sharing.profile()).rename("profile.share")
    assert await sharing.status() == "DELIVERING"
    seen: dict[str, Any] = {}
    load, in_polars = re.findall(r"```python\n(.*?)```", HOWTO.read_text("utf-8"), re.DOTALL)
    await run(exec, textwrap.dedent(load), seen)
    sold = pd.read_csv(io.StringIO(CLEAN))
    frame = seen["frame"]
    assert (len(seen["few"]), len(frame), list(frame.columns)) == (10, ROWS, list(sold.columns))
    assert frame["county"].astype(str).tolist() == sold["county"].astype(str).tolist()
    assert await sharing.status() == "DELIVERED"
    assert await run(delta_sharing.get_table_version, seen["url"]) == 0
    await run(exec, textwrap.dedent(in_polars), seen)
    assert isinstance(seen["frame"], pl.DataFrame)
    assert seen["frame"].height == ROWS
    # However often the client fetched, and whether it looked at ten rows first: one query, one use.
    (use,) = await sharing.uses()
    assert (use["number"], use["kind"], use["units"]) == (1, "SHARE", 1)
    assert (await sharing.right())["used"] == 1
    receipt = await sharing.buyer("GET", f"/entitlements/{sharing.entitlement_id}/uses/1/receipt")
    assert receipt["use_id"] == use["use_id"]


async def test_of_a_part_nothing_else_leaves_whatever_is_hinted(share_template: Path, tmp_path: Path) -> None:
    async with shared(share_template, tmp_path, "part") as sharing:
        frame = await run(delta_sharing.load_as_pandas, await sharing.url())
        assert list(frame.columns) == ["month", "index"]
        assert sorted(frame["month"]) == ["2025-11"] * 2 + ["2025-12"] * 2
        hints = {"predicateHints": ["county = 440102"], "jsonPredicateHints": "{}", "limitHint": 10**6}
        file = (await sharing.query(hints))[2]["file"]
        assert json.loads(file["stats"]) == {"numRecords": 4}
        whole = await sharing.fetch(file["url"])
        assert not any(text in whole.content for text in (b"county", b"440101", b"2025-01"))
        contract = await sharing.buyer("GET", f"/trades/{sharing.trade_id}/contract")
        assert contract["document"]["delivery"]["part"]["columns"] == PART["columns"]
        page = await Browser(sharing.market.served, sharing.market.buyer).get(f"/trades/{sharing.trade_id}")
        assert page.words.count("county in 440101 | 440103") >= 2  # each offer's, and the contract's


async def test_polars_scans_the_address_itself(sharing: Sharing) -> None:
    file = (await sharing.query())[2]["file"]
    frame = await run(lambda: pl.scan_parquet(file["url"]).head(3).collect())
    assert frame.height == 3


async def test_every_action_is_a_line_and_says_what_the_client_reads(sharing: Sharing) -> None:
    headers = {"delta-sharing-capabilities": "responseformat=delta,parquet"}
    metadata = await sharing.asked("GET", f"{await sharing.at()}/metadata", headers=headers)
    assert metadata.headers["delta-sharing-capabilities"] == "responseformat=parquet"
    assert metadata.headers["content-type"] == "application/x-ndjson; charset=utf-8"
    assert await sharing.uses() == []  # a look at the columns costs nothing
    protocol, described = (json.loads(line) for line in metadata.content.splitlines())
    assert protocol == {"protocol": {"minReaderVersion": 1}}
    schema = json.loads(described["metaData"]["schemaString"])
    assert {one["name"]: one["type"] for one in schema["fields"]}["county"] in {"long", "string"}
    actions = await sharing.query({"limitHint": 1, "predicateHints": ["county = 440100"]})
    assert [next(iter(action)) for action in actions] == ["protocol", "metaData", "file"]
    file = actions[2]["file"]
    assert json.loads(file["stats"]) == {"numRecords": ROWS}
    ends = datetime.fromtimestamp(file["expirationTimestamp"] / 1000).astimezone()
    assert ends - sharing.market.served.clock.now() <= timedelta(hours=1)
    assert "version" not in file
    dated = (await sharing.query({"version": 0}))[2]["file"]
    assert (dated["version"], dated["id"]) == (0, file["id"])


async def test_a_file_answers_head_get_and_ranges_as_often_as_it_is_asked(sharing: Sharing) -> None:
    file = (await sharing.query())[2]["file"]
    url = file["url"]
    told = await sharing.fetch(url, "HEAD")
    assert (told.status_code, int(told.headers["content-length"])) == (200, file["size"])
    assert (told.headers["accept-ranges"], told.content) == ("bytes", b"")
    whole = await sharing.fetch(url)
    assert (sha256_hex(whole.content), whole.headers["etag"]) == (file["id"], f'"{file["id"]}"')
    part = await sharing.fetch(url, range="bytes=4-11")
    assert (part.status_code, part.content) == (206, whole.content[4:12])
    assert part.headers["content-range"] == f"bytes 4-11/{file['size']}"
    tail = await sharing.fetch(url, range="bytes=-4")
    assert tail.content == b"PAR1"
    none = await sharing.fetch(url, range=f"bytes={file['size']}-")
    assert (none.status_code, none.headers["content-range"]) == (416, f"bytes */{file['size']}")
    assert len(await sharing.uses()) == 1


async def test_the_same_question_is_one_use_within_the_life_of_an_address(sharing: Sharing) -> None:
    clock = sharing.market.served.clock
    first = await sharing.query({"predicateHints": ["a = 1"]})
    clock.advance(timedelta(minutes=59))
    again = await sharing.query({"predicateHints": ["a = 1"]})
    assert len(await sharing.uses()) == 1
    assert (await sharing.fetch(again[2]["file"]["url"])).status_code == 200
    clock.advance(timedelta(minutes=2))
    assert (await sharing.fetch(first[2]["file"]["url"])).status_code == 403
    await sharing.query({"predicateHints": ["a = 1"]})
    assert len(await sharing.uses()) == 2
    await sharing.query({"predicateHints": ["a = 2"]})  # another question
    right = await sharing.right()
    assert (right["used"], right["status"]) == (3, "USED_UP")
    refused = await sharing.asked("POST", f"{await sharing.at()}/query", json={})
    assert (refused.status_code, refused.json()["errorCode"]) == (403, "entitlement-used-up")
    # Used up is not ended: what was counted is read as long as its address lives.
    answer = await sharing.query({"predicateHints": ["a = 2"]})
    assert (await sharing.fetch(answer[2]["file"]["url"])).status_code == 200


async def test_an_altered_address_opens_nothing(sharing: Sharing) -> None:
    url = (await sharing.query())[2]["file"]["url"]
    other = await sharing.key()
    head, use_id, key_id, stamp, tag, name = url.rsplit("/", 5)
    for parts in (
        (use_id[:-1] + ("a" if use_id[-1] != "a" else "b"), key_id, stamp, tag),
        (use_id, other, stamp, tag),
        (use_id, key_id, str(int(stamp) + 1), tag),
        (use_id, key_id, "9" * 12, tag),
        (use_id, key_id, f"0{stamp}", tag),
        (use_id, key_id, "soon", tag),
        (use_id, key_id, stamp, tag[:-1] + ("0" if tag[-1] != "0" else "1")),
        (use_id, key_id, stamp, tag[:8]),
        (use_id, key_id, stamp, "签名"),
    ):
        answer = await sharing.fetch("/".join((head, *parts, name)))
        assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
        assert (answer.json()["code"], answer.json()["status"]) == ("shared-url-refused", 403)
    assert (await sharing.fetch(url)).status_code == 200


async def test_whoever_stops_the_right_or_the_key_stops_the_addresses_that_are_out(sharing: Sharing) -> None:
    served, market = sharing.market.served, sharing.market
    url = (await sharing.query())[2]["file"]["url"]
    at = await sharing.at()
    listing = f"/listings/{market.ids['listed']}"
    await served.api(market.operator, "POST", f"{listing}/suspend", {"reason_code": "GRANT_ENDED"})
    assert (await sharing.fetch(url, "HEAD")).status_code == 403
    assert (await sharing.fetch(url, range="bytes=0-3")).json()["code"] == "listing-not-deliverable"
    refused = await sharing.asked("POST", f"{at}/query", json={})
    assert (refused.status_code, refused.json()["errorCode"]) == (403, "listing-not-deliverable")
    await served.api(market.operator, "POST", f"{listing}/resume", {"reason_code": "CAUSE_CLEARED"})
    assert (await sharing.fetch(url)).status_code == 200
    async with served.node.database.write() as s:
        await freeze_entitlement(s, trade_id=sharing.trade_id)
    assert (await sharing.fetch(url)).json()["code"] == "delivery-suspended"
    with pytest.raises(HTTPError) as frozen:
        await run(delta_sharing.load_as_pandas, await sharing.url())
    assert frozen.value.response.status_code == 403
    async with served.node.database.write() as s:
        await unfreeze_entitlement(s, trade_id=sharing.trade_id)
    assert (await sharing.fetch(url)).status_code == 200
    table = await sharing.url()
    await sharing.buyer("DELETE", f"/keys/{sharing.key_id}")
    for shown in ("token", "profile"):  # what has ended is not handed out again
        told = await sharing.buyer("GET", f"/keys/{sharing.key_id}/{shown}", expect=404)
        assert told["code"] == "access-key-unknown"
    gone = await sharing.fetch(url)
    assert (gone.status_code, gone.json()["code"]) == (403, "shared-url-refused")
    with pytest.raises(HTTPError) as ended:
        await run(delta_sharing.load_as_pandas, table)
    assert ended.value.response.status_code == 401
    assert len(await sharing.uses()) == 1


async def test_a_right_that_falls_stops_the_file_that_is_on_its_way(
    sharing: Sharing, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = (await sharing.query())[2]["file"]
    under_way, fallen = asyncio.Event(), asyncio.Event()

    async def slowly(_: FileStore, file: StoredFile, start: int, end: int) -> AsyncIterator[bytes]:
        yield bytes(start + 8)
        under_way.set()
        await fallen.wait()
        yield bytes(end - start - 8)

    monkeypatch.setattr(FileStore, "read", slowly)
    monkeypatch.setattr(downloads, "ASK_EVERY_S", 0.0)
    fetching = asyncio.create_task(sharing.fetch(file["url"]))
    await under_way.wait()
    await sharing.buyer("DELETE", f"/keys/{sharing.key_id}")
    fallen.set()
    with pytest.raises(httpx.RemoteProtocolError):
        await fetching


async def test_a_share_read_abroad_ends_with_its_clearance_also_on_its_way(
    sharing: Sharing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every door of the protocol, by a token and an address that were had at home; then a halt on the way."""
    at, url = await sharing.at(), (await sharing.query())[2]["file"]["url"]
    await sharing.buyer("POST", "/customs-endpoint", {"region": "HK"})
    share = at.split("/schemas/", maxsplit=1)[0]
    doors = [("GET", "/shares"), ("GET", f"{share}/all-tables"), ("GET", f"{share}/schemas")]
    doors += [("GET", f"{at}/version"), ("GET", f"{at}/metadata"), ("POST", f"{at}/query")]

    async def shut() -> set[str]:
        found = {(await sharing.asked(method, path, **_body(method))).text for method, path in doors}
        return {json.loads(text)["errorCode"] for text in found} | {(await sharing.fetch(url)).json()["code"]}

    assert await shut() == {SHUT}
    served, market = sharing.market.served, sharing.market
    right = await sharing.right()
    said = FLOW | {
        "recipient": {"name": "x", "country": "HK", "contact": "a@hk.example", "org_id": market.buyer.org_id},
        "storage_place": "HK",
        "fields": [{"name": "weekday"}],
        "level": "general-2",
        "persons": 0,
        "trade_id": sharing.trade_id,
        "volume_bytes": 9 * right["bytes"],
    }
    row = await served.api(market.provider, "POST", "/declarations", {"declaration": said})
    async with served.node.database.write() as s:  # whatever its lot was
        of_it = col(DeclarationRow.declaration_id) == row["declaration_id"]
        await s.exec(update(DeclarationRow).where(of_it).values(status="CLEARED"))
    url = (await sharing.query())[2]["file"]["url"]
    assert (await sharing.fetch(url)).status_code == 200
    under_way, halted = asyncio.Event(), asyncio.Event()

    async def slowly(_: FileStore, file: StoredFile, start: int, end: int) -> AsyncIterator[bytes]:
        yield bytes(start + 8)
        under_way.set()
        await halted.wait()
        yield bytes(end - start - 8)

    with monkeypatch.context() as patched:
        patched.setattr(FileStore, "read", slowly)
        patched.setattr(downloads, "ASK_EVERY_S", 0.0)
        fetching = asyncio.create_task(sharing.fetch(url))
        await under_way.wait()
        about = {"declaration_id": row["declaration_id"], "reason_code": "INCIDENT", "reason": "a leak"}
        async with served.node.database.write() as s:
            await halt(s, served.node.house.exchange_act(), **about)
        halted.set()
        with pytest.raises(httpx.RemoteProtocolError):
            await fetching
    assert await shut() == {SHUT}


def _body(method: str) -> dict[str, Any]:
    return {"json": {}} if method == "POST" else {}


async def test_a_key_ends_by_the_clock_of_the_exchange(sharing: Sharing) -> None:
    key_id = await sharing.key(days=1)
    url = f"{await sharing.profile(key_id)}#a.b.c"
    sharing.market.served.clock.advance(timedelta(days=1))
    with pytest.raises(HTTPError) as ended:
        await run(delta_sharing.load_as_pandas, url)
    assert ended.value.response.status_code == 401
    assert ended.value.response.json()["errorCode"] == "access-key-refused"


async def test_what_is_refused_is_said_as_the_protocol_says_it_and_counts_nothing(sharing: Sharing) -> None:
    at = await sharing.at()
    share = at.split("/")[2]
    for method, path, more, status, code in (
        ("GET", "/shares", {"headers": {"authorization": ""}}, 401, "unauthenticated"),
        ("GET", "/shares", {"headers": {"authorization": "Bearer dbk_key_0_0"}}, 401, "access-key-refused"),
        ("GET", "/shares?maxResults=-1", {}, 400, "malformed"),
        ("GET", "/shares?pageToken=%00", {}, 400, "malformed"),
        ("GET", "/shares/none/schemas", {}, 404, "share-unknown"),
        ("GET", f"/shares/{share}/schemas/none/tables", {}, 404, "share-unknown"),
        ("GET", f"{at}x/version", {}, 404, "share-unknown"),
        ("GET", "/anything/else", {}, 404, "share-unknown"),
        ("DELETE", at, {}, 404, "share-unknown"),
        ("GET", f"{at}/version?startingTimestamp=soon", {}, 400, "malformed"),
        ("GET", f"{at}/version?startingTimestamp=2036-01-01T00:00:00Z", {}, 400, "table-version-unknown"),
        ("GET", f"{at}/metadata?version=1", {}, 400, "table-version-unknown"),
        ("GET", f"{at}/metadata?version=x", {}, 400, "malformed"),
        ("GET", f"{at}/changes?startingVersion=0", {}, 400, "table-version-unknown"),
        ("POST", f"{at}/query", {"content": b"{"}, 400, "malformed"),
        ("POST", f"{at}/query", {"json": []}, 400, "malformed"),
        ("POST", f"{at}/query", {"json": {"limitHint": "5"}}, 400, "malformed"),
        ("POST", f"{at}/query", {"json": {"predicateHints": [1]}}, 400, "malformed"),
        ("POST", f"{at}/query", {"json": {"jsonPredicateHints": {}}}, 400, "malformed"),
        ("POST", f"{at}/query", {"json": {"version": 1}}, 400, "table-version-unknown"),
        (
            "POST",
            f"{at}/query",
            {"json": {"version": 0, "timestamp": "2026-01-01T00:00:00Z"}},
            400,
            "malformed",
        ),
        (
            "POST",
            f"{at}/query",
            {"json": {"timestamp": "2000-01-01T00:00:00Z"}},
            400,
            "table-version-unknown",
        ),
        ("POST", f"{at}/query", {"json": {"startingVersion": 0}}, 400, "table-version-unknown"),
        ("POST", f"{at}/query", {"content": bytes(2**20 + 1)}, 413, "too-large"),
    ):
        answer = await sharing.asked(method, path, **more)
        assert (answer.status_code, answer.json()["errorCode"]) == (status, code), (method, path, more)
        assert set(answer.json()) == {"errorCode", "message"}
    assert await sharing.uses() == []
    assert await sharing.status() == "DELIVERING"
    (item,) = (await sharing.asked("GET", "/shares?maxResults=1")).json()["items"]
    none = (await sharing.asked("GET", "/shares?maxResults=0")).json()
    assert none["items"] == []
    after = (await sharing.asked("GET", f"/shares?pageToken={none['nextPageToken']}")).json()
    assert after == {"items": [item]}
    assert (await sharing.asked("GET", f"/shares/{share}")).json() == {"share": item}
    assert (await sharing.asked("HEAD", at.replace("trd_", "TRD_"))).headers["delta-table-version"] == "0"


async def test_a_right_to_a_file_is_no_share_and_a_share_no_file(sharing: Sharing) -> None:
    rights = await sharing.buyer("GET", "/entitlements")
    trade_id = sharing.market.ids["delivering"]
    (right,) = [one["entitlement_id"] for one in rights if one["trade_id"] == trade_id]
    key = await sharing.buyer("POST", f"/entitlements/{right}/keys", {})
    other = await sharing.buyer("GET", f"/keys/{key['key_id']}/profile", expect=409)
    assert other["code"] == "delivered-otherwise"
    token = (await sharing.buyer("GET", f"/keys/{key['key_id']}/token"))["token"]
    answer = await sharing.asked("GET", "/shares", headers={"authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["errorCode"]) == (403, "delivered-otherwise")
    file = await sharing.buyer("GET", f"/entitlements/{sharing.entitlement_id}/file", expect=409)
    assert file["code"] == "delivered-otherwise"


async def test_a_buyer_issues_and_revokes_keys_on_a_page_that_says_how_to_load(sharing: Sharing) -> None:
    market = sharing.market
    browser = Browser(market.served, market.buyer)
    path = f"/entitlements/{sharing.entitlement_id}/keys"
    page = await browser.get(f"/trades/{sharing.trade_id}")
    assert [a for a in page.named("a") if a["href"] == f"/en{path}"]
    assert not [a for a in page.named("a") if a["href"].endswith("/file")]
    page = await browser.get(f"/en{path}")
    name = ".".join(part for part in (await sharing.at()).split("/")[2::2])
    assert f"{sharing.key_id}.share#{name}" in page.words
    assert [a for a in page.named("a") if a["href"] == f"/api/v1/keys/{sharing.key_id}/profile"]
    await market.served.prove(market.buyer)
    page = await browser.send(page, path, {"days": "0"}, expect=422)
    page = await browser.send(page, path, {"days": "7"})
    assert browser.location.endswith(path)
    page = await browser.get(f"/en{path}")
    assert len([form for form in page.forms if form.action.endswith("/revoke")]) == 2
    await browser.send(page, f"/keys/{sharing.key_id}/revoke")
    page = await browser.get(f"/en{path}")
    assert "revoked" in page.words
    assert not [a for a in page.named("a") if a["href"] == f"/api/v1/keys/{sharing.key_id}/profile"]
    zh = (await Browser(market.served, market.buyer, lang="zh").get(f"/zh{path}")).words
    assert "访问密钥" in zh
    assert ("内部使用" in zh, "INTERNAL_USE" in zh) == (True, False)
    await Browser(market.served, market.second).get(f"/en{path}", expect=404)
    await Browser(market.served).get(f"/en{path}", expect=303)
