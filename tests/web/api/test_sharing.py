"""A share that was bought, loaded with the official Delta Sharing client over real HTTP."""

import asyncio
import functools
import json
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

from base.canonical import sha256_hex
from cli.server import server_config
from tests.market.listings.goods import CLEAN
from tests.web.api.live import free_port
from tests.web.market import Market, _trade, copied

# The client's own ways with pandas and sockets are not ours to warn about.
pytestmark = pytest.mark.filterwarnings("ignore")
ROWS = CLEAN.count("\n") - 1


@dataclass
class Sharing:
    """The market behind a server, a share that was bought of it, and a profile to read it with."""

    market: Market
    url: str
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
        async with httpx.AsyncClient(base_url=self.url, headers=headers, trust_env=False) as http:
            answer = await http.get(f"/api/v1/keys/{key_id or self.key_id}/profile")
        assert answer.status_code == 200, answer.text
        path = self.folder / f"{key_id or self.key_id}.share"
        path.write_bytes(answer.content)
        return path

    async def table(self) -> str:
        """What the client calls the table: profile#share.schema.table."""
        profile = await self.profile()
        (one,) = await run(delta_sharing.SharingClient(str(profile)).list_all_tables)
        return f"{profile}#{one.share}.{one.schema}.{one.name}"

    async def asked(self, method: str, path: str, **more: Any) -> httpx.Response:
        """The door itself, with the key."""
        token = json.loads((await self.profile()).read_bytes())["bearerToken"]
        headers = {"authorization": f"Bearer {token}"} | more.pop("headers", {})
        async with httpx.AsyncClient(base_url=self.url, headers=headers, trust_env=False) as http:
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
            market.ids["share"] = await _trade(market, "DELIVERING", delivery={"mode": "share", "days": 5})
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
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with copied(share_template, tmp_path / "market", public_url=url) as market, served(market, port):
        trade_id = market.ids["share"]
        rights = await market.served.api(market.buyer, "GET", "/entitlements")
        (right,) = [one for one in rights if one["trade_id"] == trade_id]
        made = Sharing(market, url, right["entitlement_id"], trade_id, "", tmp_path)
        made.key_id = await made.key()
        yield made


async def test_the_official_client_loads_what_was_bought(sharing: Sharing) -> None:
    table = await sharing.table()
    assert (await sharing.buyer("GET", f"/trades/{sharing.trade_id}"))["status"] == "DELIVERING"
    assert await run(delta_sharing.get_table_version, table) == 0
    frame = await run(delta_sharing.load_as_pandas, table)
    sold = pd.read_csv(pd.io.common.StringIO(CLEAN))
    assert (len(frame), list(frame.columns)) == (ROWS, list(sold.columns))
    assert frame["county"].astype(str).tolist() == sold["county"].astype(str).tolist()
    assert (await sharing.buyer("GET", f"/trades/{sharing.trade_id}"))["status"] == "DELIVERED"
    few = await run(delta_sharing.load_as_pandas, table, limit=2)
    assert len(few) == 2
    assert pl.from_pandas(frame).height == ROWS
    # However often the client fetched, and whether it looked at two rows first: one query, one use.
    assert [(use["number"], use["kind"]) for use in await sharing.uses()] == [(1, "SHARE")]
    assert (await sharing.right())["used"] == 1


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
    listing = f"/listings/{market.ids['listed']}"
    await served.api(market.operator, "POST", f"{listing}/suspend", {"reason_code": "GRANT_ENDED"})
    for answer in (await sharing.fetch(url), await sharing.fetch(url, "HEAD", range="bytes=0-3")):
        assert answer.status_code == 403
    await served.api(market.operator, "POST", f"{listing}/resume", {"reason_code": "CAUSE_CLEARED"})
    assert (await sharing.fetch(url)).status_code == 200
    await sharing.buyer("DELETE", f"/keys/{sharing.key_id}")
    gone = await sharing.fetch(url)
    assert (gone.status_code, gone.json()["code"]) == (403, "shared-url-refused")
    table = f"{sharing.folder / f'{sharing.key_id}.share'}#a.b.c"
    with pytest.raises(HTTPError) as refused_by:
        await run(delta_sharing.load_as_pandas, table)
    assert refused_by.value.response.status_code == 401
