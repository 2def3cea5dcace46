"""The open catalogue over real HTTP: harvested page by page, downloaded in parts, closed to others."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import uvicorn
from rdflib import Graph

from base.calendar import shanghai_day
from base.clock import rfc3339
from ledger.acts import perform
from ledger.recording import Act, Actor
from registry.chiefs.service import appoint_chief
from registry.lists.cataloguing import enter_data, mount
from registry.lists.files import keep_list_file
from registry.lists.rules import DataEntry, DataKind, ShareKind
from registry.registration.rules import Update
from registry.rules import Level
from tests.web.api.desk import Desk
from tests.web.dcat.judging import OWN, broken, published
from tests.web.market import Market
from tests.web.nodes import Persona
from web.dcat import sources
from web.limits import Attempts
from web.main import create_app

pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph:DeprecationWarning")
ROWS = b"stop,line\n" + b"".join(b"%d,B%d\n" % (number, number % 9) for number in range(20_000))
FOREIGN = "DATABOURSE_TEST_CKAN_PYTHON"
FORMS = {"text/turtle": "turtle", "application/ld+json": "json-ld", "application/rdf+xml": "xml"}
NEXT = """
SELECT ?next WHERE { ?page a <http://www.w3.org/ns/hydra/core#PartialCollectionView> ;
                           <http://www.w3.org/ns/hydra/core#next> ?next }
"""
SETS = """
PREFIX dcat: <http://www.w3.org/ns/dcat#> PREFIX dct: <http://purl.org/dc/terms/>
PREFIX spdx: <http://spdx.org/rdf/terms#> PREFIX foaf: <http://xmlns.com/foaf/0.1/>
SELECT ?set ?title ?who ?access ?download ?digest WHERE {
  ?catalogue a dcat:Catalog ; dcat:dataset ?set .
  ?set dct:title ?title ; dct:publisher/foaf:name ?who ; dct:accessRights ?access ; dcat:distribution ?had .
  OPTIONAL { ?had dcat:downloadURL ?download }
  OPTIONAL { ?had spdx:checksum/spdx:checksumValue ?digest }
}
"""


@dataclass
class Office:
    """The transport agency, its officer and its chief, and the market served on a port."""

    market: Market
    agency: Persona
    officer: Desk
    chief: Desk
    http: httpx.AsyncClient
    app: Any

    @property
    def node(self):
        return self.app.state.node

    async def quietly(self, verb: Any, /, **facts: Any) -> Any:
        """What the agency's lists need before anything opens; the exchange's key signs."""
        house = self.node.house
        actor = Actor(self.agency.org_id, frozenset({"PUBLIC_AGENCY"}), self.agency.user_id)
        act = house.act(actor, "PUBLIC_AGENCY", house.exchange.pen)

        async def bound(s: Any, act: Act) -> Any:
            return await verb(s, act, **facts)

        return await perform(house, act, bound, attempted="DAT.ENTER", object_id=self.agency.org_id)

    async def data(self, name: str, content: bytes, level: Level = Level.GENERAL_1) -> str:
        said = DataEntry(
            name=name,
            abstract="线路与站点",
            kind=DataKind.TABLE,
            region="440100",
            update=Update.MONTHLY,
            level=level,
            share=ShareKind.UNCONDITIONAL,
            theme="交通运输",
        )
        row = await self.quietly(enter_data, entry=said)

        async def pieces() -> AsyncIterator[bytes]:
            yield content

        stored = await self.node.files.put(pieces(), limit_bytes=10**7)
        await self.quietly(keep_list_file, file=stored, name="stops.csv", media_type="text/csv")
        await self.quietly(mount, data_id=row.data_id, file_id=stored.file_id)
        return row.data_id

    async def opened(self, data_id: str, mode: str = "OPEN") -> str:
        licence = "CC-BY-4.0" if mode == "OPEN" else "AGREEMENT"
        body = {
            "data_id": data_id,
            "mode": mode,
            "licence": licence,
            "conditions": "注明来源",
            "law": "开放办法",
        }
        open_id = (await self.officer.act("/open-entries", body))["open_id"]
        await self.chief.act(f"/open-entries/{open_id}/review")
        await self.officer.act(f"/open-entries/{open_id}/publish")
        return open_id


@asynccontextmanager
async def on_a_port(market: Market) -> AsyncIterator[tuple[str, Any]]:
    """The market's node behind a real server, which knows the address that it is reached at."""
    listening = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    node = market.served.node
    told = replace(node, settings=node.settings.model_copy(update={"public_url": address}))
    app = create_app(told, sequencer=False)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    running = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:  # noqa: ASYNC110 - the server tells by no event
        await asyncio.sleep(0)
    try:
        yield address, app
    finally:
        server.should_exit = True
        await running
        listening.close()


@pytest.fixture
async def office(market: Market) -> AsyncIterator[Office]:
    agency = await market.served.admit("市交通运输局", {"PUBLIC_AGENCY"}, login="clerk")
    chief = await market.served.colleague(agency, "chief")
    async with on_a_port(market) as (address, app), httpx.AsyncClient(base_url=address, timeout=None) as http:
        desks = [
            Desk(http, one.login, agency.org_id, token=market.served.token(one)) for one in (agency, chief)
        ]
        office = Office(market, agency, *desks, http, app)
        for one in (agency, chief):
            await market.served.prove(one)
        said = {"document_sha256": "d" * 64, "appointed_on": shanghai_day(market.served.clock.now())}
        await office.quietly(appoint_chief, user_id=chief.user_id, **said)
        yield office


def harvested(address: str) -> list[Graph]:
    """What a portal does: read a page, follow `hydra:next` by SPARQL, until there is none."""
    pages: list[Graph] = []
    following: str | None = f"{address}/catalog.ttl"
    with httpx.Client(timeout=None) as http:
        while following is not None:
            answer = http.get(following)
            assert (answer.status_code, answer.headers["content-type"]) == (200, "text/turtle; charset=utf-8")
            pages.append(Graph().parse(data=answer.content, format="turtle"))
            found = list(pages[-1].query(NEXT))
            following = str(found[0][0]) if found else None
    return pages


async def test_a_portal_harvests_all_that_is_open_and_downloads_what_it_names(office, monkeypatch):
    monkeypatch.setattr(sources, "PAGE", 2)
    names = [f"公交站点{number}" for number in range(3)]
    opened = [await office.opened(await office.data(name, ROWS + name.encode())) for name in names]
    targeted = await office.opened(await office.data("公交刷卡", ROWS, Level.GENERAL_3), "TARGETED")
    address = str(office.http.base_url).rstrip("/")
    pages = await asyncio.to_thread(harvested, address)
    assert len(pages) == 3  # two entries, two entries, then the product on offer
    for page in pages:
        assert broken(page, OWN) == []
        assert broken(page, published()) == []
    whole = pages[0] + pages[1] + pages[2]  # what a portal keeps of the catalogue, one thing on all pages
    assert broken(whole, published()) == []
    found = {str(row["set"]): row for page in pages for row in page.query(SETS)}
    named = {f"{address}/open/{open_id}" for open_id in (*opened, targeted)}
    listing_id = office.market.ids["listed"]
    assert set(found) == named | {f"{address}/products/{listing_id}"}
    for open_id, name in zip(opened, names, strict=True):
        row = found[f"{address}/open/{open_id}"]
        assert (str(row.title), str(row.who), str(row.access).rpartition("/")[2]) == (
            name,
            "市交通运输局",
            "PUBLIC",
        )
        answer = await office.http.get(str(row.download))
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8")
        assert sha256(answer.content).hexdigest() == str(row.digest)
        assert answer.content == ROWS + name.encode()
    assert str(found[f"{address}/open/{targeted}"].access).endswith("/RESTRICTED")
    # What is taken out of the list is out of the catalogue, and does not download.
    await office.officer.act(f"/open-entries/{opened[0]}/suspend", {"reason": "CORRECTION", "text": "更正"})
    again = await asyncio.to_thread(harvested, address)
    assert {str(row["set"]) for page in again for row in page.query(SETS)} == set(found) - {
        f"{address}/open/{opened[0]}"
    }
    refused = await office.http.get(f"/open/{opened[0]}/download")
    assert (refused.status_code, refused.json()["code"]) == (409, "opening-closed")
    assert (await office.http.get(f"/open/{opened[0]}.ttl")).status_code == 404


async def test_every_form_is_had_by_its_ending_and_by_its_header_and_people_are_led_to_pages(office):
    open_id = await office.opened(await office.data("公交站点", ROWS))
    listing_id = office.market.ids["listed"]
    for path in ("/catalog", f"/open/{open_id}", f"/products/{listing_id}"):
        for media_type, form in FORMS.items():
            answer = await office.http.get(path, headers={"accept": f"{media_type};q=0.9, */*"})
            assert answer.headers["content-type"].partition(";")[0] == media_type
            assert len(Graph().parse(data=answer.content, format=form)) > 20
            ending = {"turtle": "ttl", "json-ld": "jsonld", "xml": "rdf"}[form]
            assert (await office.http.get(f"{path}.{ending}")).headers["content-type"].startswith(media_type)
        led = await office.http.get(path, headers={"accept": "text/html"})
        assert (led.status_code, led.headers["vary"]) == (303, "Accept")
    for path in ("/catalog.csv", "/open/x.ttl", f"/open/{open_id}.csv", f"/products/{open_id}"):
        assert (await office.http.get(path, headers={"accept": "text/turtle"})).status_code == 404
    assert (await office.http.get("/catalog.ttl", params={"after": "x"})).status_code == 422


async def test_a_download_has_parts_and_tags_is_counted_by_nobodys_name_and_held_back(office):
    open_id = await office.opened(await office.data("公交站点", ROWS))
    path = f"/open/{open_id}/download"
    whole = await office.http.get(path)
    tag = whole.headers["etag"]
    part = await office.http.get(path, headers={"range": "bytes=10-19", "if-range": tag})
    assert (part.status_code, part.content) == (206, ROWS[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(ROWS)}"
    assert (await office.http.get(path, headers={"if-none-match": tag})).status_code == 304
    assert (await office.http.get(path, headers={"range": f"bytes={len(ROWS)}-"})).status_code == 416
    head = await office.http.head(path)
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(ROWS)))
    uses = (await office.http.get(f"/api/v1/open-entries/{open_id}/uses")).json()
    day = shanghai_day(office.market.served.clock.now()).isoformat()
    assert uses == [{"day": day, "downloads": 1, "bytes": str(len(ROWS) + 10)}]
    office.app.state.downloads = Attempts(1)
    assert (await office.http.get(path)).status_code == 200
    held = await office.http.get(path)
    assert (held.status_code, held.json()["code"]) == (429, "too-many-downloads")
    assert int(held.headers["retry-after"]) >= 1


async def test_named_users_have_their_file_and_others_are_refused_on_the_record(office):
    open_id = await office.opened(await office.data("公交刷卡", ROWS, Level.GENERAL_3), "TARGETED")
    market = office.market
    buyer, second = (
        Desk(office.http, one.login, one.org_id, token=market.served.token(one))
        for one in (market.people["buyer"], market.people["second"])
    )
    until = rfc3339(market.served.clock.now() + timedelta(days=30))
    body = {"user_id": buyer.org_id, "purposes": ["RESEARCH"], "until": until}
    await office.officer.act(f"/open-entries/{open_id}/users", body)
    path = f"/open-entries/{open_id}/file"
    for who, purpose, why in [
        (second, "RESEARCH", "opening-user-not-named"),
        (buyer, "MARKETING", "opening-purpose-not-named"),
    ]:
        answer = await who.call("GET", f"{path}?purpose={purpose}")
        assert (answer.status_code, answer.json()["code"]) == (409, why)
    assert (await office.http.get(f"/api/v1{path}?purpose=RESEARCH")).status_code == 401
    assert (await office.http.get(f"/open/{open_id}/download")).json()["code"] == "opening-closed"
    answer = await buyer.call("GET", f"{path}?purpose=RESEARCH")
    assert (answer.status_code, answer.content) == (200, ROWS)
    assert answer.headers["cache-control"] == "private, no-store"
    await buyer.act("/customs-endpoint", {"region": "HK"})  # what is not open to all stays in the mainland
    abroad = await buyer.call("GET", f"{path}?purpose=RESEARCH")
    assert (abroad.status_code, abroad.json()["code"]) == (409, "customs-route-not-open")
    # Who is named is the agency's to see, and one's own.
    seen = {
        who: len(await desk.get(f"/open-list/{open_id}/users")) for who, desk in (("a", buyer), ("b", second))
    }
    assert (seen, len(await office.officer.get(f"/open-list/{open_id}/users"))) == ({"a": 1, "b": 0}, 1)
    assert (await second.call("GET", f"/open-list/{open_id}")).status_code == 404


async def test_a_check_over_the_door_is_recorded_once_and_the_open_list_holds(office):
    open_id = await office.opened(await office.data("公交站点", ROWS))
    authority = office.market.people["authority"]
    desk = Desk(office.http, authority.login, authority.org_id, token=office.market.served.token(authority))
    first = await desk.call("POST", "/open-checks", key="once")
    assert first.status_code == 201, first.text
    report = first.json()["report"]
    assert (report["holds"], [one["open_id"] for one in report["entries"]]) == (True, [open_id])
    again = await desk.call("POST", "/open-checks", key="once")
    assert again.json() == first.json()
    assert len(await desk.get("/open-checks")) == 1
    provider = office.market.people["provider"]
    other = Desk(office.http, provider.login, provider.org_id, token=office.market.served.token(provider))
    assert (await other.call("POST", "/open-checks")).status_code == 403


async def test_a_foreign_harvester_reads_the_same(office, monkeypatch):
    """ckanext-dcat with CKAN itself, where an interpreter that has them is named."""
    python = os.environ.get(FOREIGN)
    if python is None:
        pytest.skip(f"no foreign harvester: name an interpreter with ckan and ckanext-dcat in {FOREIGN}")
    monkeypatch.setattr(sources, "PAGE", 1)
    open_id = await office.opened(await office.data("公交站点", ROWS))
    script = Path(__file__).with_name("ckan_reading.py")
    base = str(office.http.base_url).rstrip("/")
    reading = await asyncio.create_subprocess_exec(
        python, "-P", "-W", "ignore", script, f"{base}/catalog.ttl", stdout=asyncio.subprocess.PIPE
    )
    out, _ = await reading.communicate()
    assert reading.returncode == 0
    found = {one["extras"]["identifier"]: one for one in orjson.loads(out)}
    assert set(found) == {open_id, office.market.ids["listed"]}
    one = found[open_id]
    assert (one["title"], one["extras"]["publisher_name"]) == ("公交站点", "市交通运输局")
    (had,) = one["resources"]
    url = f"{base}/open/{open_id}/download"
    assert had == {"download_url": url, "hash": sha256(ROWS).hexdigest(), "size": len(ROWS)}
