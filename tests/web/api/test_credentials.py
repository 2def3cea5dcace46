"""Credentials and status lists over public HTTP: as files for anyone, the same on every worker."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import orjson
import pytest
import zxingcpp
from sqlalchemy import text

from base.clock import SimulatedClock, parse_rfc3339, rfc3339
from base.credential.checking import Finding, pins_of
from base.credential.verdicts import Verdict
from brokers.credential.verifying import verify
from tests.web.nodes import ORIGIN, Persona, Served, opened, serving
from web.node import Node

CERT_NO = "GD-DB-M-2-2026-0008"
START = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)


@dataclass
class Register:
    """An exchange with an authority that issues, and one certified broker."""

    served: Served
    authority: Persona
    broker: Persona
    cert_id: str

    async def get(self, path: str, **headers: str) -> Any:
        async with self.served.client(headers=headers) as http:
            return await http.get(path)

    async def work(self) -> None:
        await self.served.settle_down()
        await self.served.node.run_jobs()
        self.served.clock.advance(timedelta(seconds=2))

    async def discipline(self, measure: str) -> None:
        path = f"/certificates/{self.cert_id}/{measure}"
        await self.served.api(self.authority, "POST", path, {"reason_code": "MISCONDUCT"})

    async def credential(self) -> bytes:
        answer = await self.get(f"/api/v1/brokers/{CERT_NO}/credential")
        assert answer.status_code == 200, answer.text
        raw: bytes = answer.content
        return raw

    async def seen(self, raw: bytes) -> Finding:
        """What a stranger comes to, who fetches the list that the credential names."""
        named = orjson.loads(raw)["credentialStatus"][0]["statusListCredential"]
        listed = (await self.get(named.removeprefix(ORIGIN))).content
        pins = pins_of((await self.get("/.well-known/databourse")).content)
        return verify(raw, [listed], pins, at=self.served.clock.now())


async def build(served: Served, *, issuing: bool) -> Register:
    authority = await served.admit("广东省数据管理局", {"DATA_AUTHORITY"}, login="authority")
    broker = await served.admit("珠江数据经纪", {"BROKER"}, login="broker")
    now = served.clock.now()
    certified = await served.api(
        authority,
        "POST",
        "/certificates",
        {
            "org_id": broker.org_id,
            "cert_no": CERT_NO,
            "broker_type": "M",
            "grade": 2,
            "sectors": ["energy"],
            "max_level": "general-2",
            "valid_from": rfc3339(now - timedelta(days=1)),
            "valid_to": rfc3339(now + timedelta(days=1000)),
            "decided_on": "2025-12-01",
            "decision_sha256": "de" * 32,
        },
    )
    made = Register(served, authority, broker, certified["cert_id"])
    await made.work()
    if issuing:
        await served.api(authority, "POST", "/credentials/issuer", {}, expect=201)
        await made.work()
    return made


Made = tuple[Path, Register]


def on_disk(folder: Path, *, issuing: bool) -> Made:
    """An exchange that was built once; each test opens a copy."""

    async def made() -> Register:
        async with serving(folder, SimulatedClock(START)) as served:
            return await build(served, issuing=issuing)

    return folder, asyncio.run(made())


@pytest.fixture(scope="module")
def without_issuer(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return on_disk(tmp_path_factory.mktemp("register"), issuing=False)


@pytest.fixture(scope="module")
def with_issuer(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return on_disk(tmp_path_factory.mktemp("issued"), issuing=True)


@asynccontextmanager
async def a_copy(made: Made, folder: Path) -> AsyncIterator[Register]:
    shutil.copytree(made[0], folder, dirs_exist_ok=True)
    async with opened(folder, SimulatedClock(START + timedelta(minutes=1))) as served:
        yield replace(made[1], served=served)


@pytest.fixture
async def register(without_issuer: Made, tmp_path: Path) -> AsyncIterator[Register]:
    async with a_copy(without_issuer, tmp_path) as copy:
        yield copy


@pytest.fixture
async def issued(with_issuer: Made, tmp_path: Path) -> AsyncIterator[Register]:
    async with a_copy(with_issuer, tmp_path) as copy:
        yield copy


async def test_before_a_key_is_appointed_there_is_no_issuer_and_no_credential(register):
    particulars = (await register.get("/.well-known/databourse")).json()
    assert (particulars["issuer"], particulars["past_issuers"]) == (None, [])
    answer = await register.get(f"/api/v1/brokers/{CERT_NO}/credential")
    assert (answer.status_code, answer.json()["code"]) == (404, "credential-unknown")
    answer = await register.get("/credentials/status/1")
    assert (answer.status_code, answer.json()["code"]) == (404, "status-list-unknown")
    refused = await register.served.api(
        register.broker, "POST", "/credentials/issuer", {}, role="BROKER", expect=403
    )
    assert refused["code"] == "forbidden"


async def test_a_credential_and_its_list_are_files_with_their_type_their_tag_and_for_any_origin(issued):
    raw = await issued.credential()
    document = orjson.loads(raw)
    path = document["id"].removeprefix(ORIGIN)
    listed = document["credentialStatus"][0]["statusListCredential"].removeprefix(ORIGIN)
    assert listed == "/credentials/status/1"
    for address in (path, listed, f"/api/v1/brokers/{CERT_NO}/credential"):
        answer = await issued.get(address)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/vc")
        assert answer.headers["cache-control"] == "public, no-cache"
        assert answer.headers["access-control-allow-origin"] == "*"
        again = await issued.get(address, **{"if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        async with issued.served.client() as http:
            head = await http.head(address)
        if address.startswith("/credentials"):
            assert (head.status_code, head.headers["etag"]) == (200, answer.headers["etag"])
    assert (await issued.get(path)).content == raw
    assert (await issued.seen(raw)).verdict is Verdict.VALID


async def test_the_particulars_pin_the_issuer_since_when_it_was_appointed(issued):
    said = (await issued.get("/.well-known/databourse")).json()["issuer"]
    document = orjson.loads(await issued.credential())
    assert said["did"] == document["issuer"]
    assert said["until"] is None
    assert parse_rfc3339(said["since"]) <= parse_rfc3339(document["proof"]["created"])
    assert said["status_list"] == f"{ORIGIN}/credentials/status/1"
    assert said["statement_id"].startswith("sta_")


async def test_a_suspension_is_in_the_very_next_list_on_every_worker(issued, tmp_path: Path):
    raw = await issued.credential()
    async with opened(tmp_path, issued.served.clock) as other:  # a second process on the same database
        worker = Register(other, issued.authority, issued.broker, issued.cert_id)
        before = (await worker.get("/credentials/status/1")).headers["etag"]
        assert before == (await issued.get("/credentials/status/1")).headers["etag"]
        await issued.discipline("suspend")
        after = await worker.get("/credentials/status/1", **{"if-none-match": before})
        assert after.status_code == 200
        assert after.content == (await issued.get("/credentials/status/1")).content
        assert (await worker.seen(raw)).verdict is Verdict.SUSPENDED
        await issued.discipline("reinstate")
        assert (await worker.seen(raw)).verdict is Verdict.VALID
        issued.served.clock.advance(timedelta(seconds=1))
        await issued.discipline("suspend")
        await issued.discipline("revoke")
        assert (await worker.seen(raw)).verdict is Verdict.REVOKED


async def test_a_list_of_one_purpose_is_there_for_those_who_take_no_other(issued):
    for purpose in ("revocation", "suspension"):
        listed = (await issued.get(f"/credentials/status/1/{purpose}")).json()
        assert listed["credentialSubject"]["statusPurpose"] == purpose
        assert listed["id"] == f"{ORIGIN}/credentials/status/1/{purpose}"
    assert (await issued.get("/credentials/status/1/refresh")).status_code == 422


async def test_the_exchange_says_itself_what_it_thinks_of_a_credential(issued):
    raw = await issued.credential()

    async def told(body: bytes) -> dict[str, Any]:
        async with issued.served.client() as http:
            answer = await http.post("/api/v1/credentials/check", content=body)
        assert answer.status_code == 200, answer.text
        said: dict[str, Any] = answer.json()
        return said

    good = await told(raw)
    assert (good["verdict"], good["credentialSubject"]["name"]) == ("valid", "珠江数据经纪")
    assert (await told(raw.replace(b'"grade":2', b'"grade":1')))["verdict"] == "forged"
    assert (await told(b"no document"))["verdict"] == "malformed"
    await issued.discipline("suspend")
    assert (await told(raw))["verdict"] == "suspended"


async def test_the_next_key_retires_the_first_and_its_list_is_gone(issued):
    held = await issued.credential()
    issued.served.clock.advance(timedelta(days=1))
    await issued.served.api(issued.authority, "POST", "/credentials/issuer", {}, expect=201)
    await issued.work()
    particulars = await issued.get("/.well-known/databourse")
    assert [one["did"] for one in particulars.json()["past_issuers"]] == [orjson.loads(held)["issuer"]]
    gone = await issued.get("/credentials/status/1")
    assert (gone.status_code, gone.json()["code"]) == (404, "issuer-retired")
    withdrawn = await issued.get(orjson.loads(held)["id"].removeprefix(ORIGIN))
    assert (withdrawn.status_code, withdrawn.json()["code"]) == (404, "credential-withdrawn")
    fresh = await issued.credential()
    assert (await issued.seen(fresh)).verdict is Verdict.VALID
    pins = pins_of(particulars.content)
    assert verify(held, [], pins, at=issued.served.clock.now()).verdict is Verdict.ISSUER_RETIRED


async def test_a_phone_that_reads_the_code_on_the_page_comes_to_the_page(issued):
    page = await issued.get(f"/en/brokers/{CERT_NO}")
    document = orjson.loads(await issued.credential())
    assert document["issuer"] in page.text
    code = page.text.partition('src="data:image/svg+xml')[2].partition('"')[0]
    assert read_code(code) == document["id"]
    path = document["id"].removeprefix(ORIGIN)
    browser = await issued.get(path, accept="text/html,*/*;q=0.8", **{"accept-language": "en-GB"})
    assert (browser.status_code, browser.headers["location"]) == (303, f"/en/brokers/{CERT_NO}")
    assert browser.headers["vary"] == "accept, accept-language"
    wallet = await issued.get(path, accept="application/vc, text/html")
    assert (wallet.status_code, wallet.headers["vary"]) == (200, "accept")


def read_code(data: str) -> str:
    """What a reader sees in a code that was drawn as rows of dark modules."""
    svg = unquote(data.partition(",")[2])
    side = int(re.search(r"width=['\"](\d+)", svg)[1])
    scale = int(re.search(r"scale\((\d+)\)", svg)[1])
    size = side // scale
    image = np.full((size, size), 255, dtype=np.uint8)
    drawn = re.findall(r"d=['\"](M[^'\"]+)", svg)[-1]
    x, y = 0.0, 0.0
    for letter, numbers in re.findall(r"([MmhH])([-\d. ]+)", drawn):
        values = [float(one) for one in numbers.split()]
        if letter == "M":
            x, y = values
        elif letter == "m":
            x, y = x + values[0], y + values[1]
        else:
            image[int(y), int(x) : int(x + values[0])] = 0
            x += values[0]
    (read,) = zxingcpp.read_barcodes(np.kron(image, np.ones((8, 8), dtype=np.uint8)))
    return str(read.text)


async def test_an_authority_that_holds_its_own_key_appoints_with_it(register):
    own = await register.served.admit("广州市数据局", {"DATA_AUTHORITY"}, custody="self-held")
    appointed = await register.served.api(own, "POST", "/credentials/issuer", {}, expect=201)
    await register.work()
    said = (await register.get("/.well-known/databourse")).json()["issuer"]
    assert said["did"] == appointed["did"]
    raw = await register.credential()
    assert orjson.loads(raw)["credentialSubject"]["authority"]["name"] == "广州市数据局"
    assert (await register.seen(raw)).verdict is Verdict.VALID


async def test_the_authority_appoints_the_key_on_its_page(register):
    page = await register.get("/en/issuing-key")
    assert "No issuing key has been appointed yet" in page.text
    assert "Appoint a new issuing key" not in page.text


async def test_the_list_is_signed_by_a_key_that_rests_sealed(issued):
    node: Node = issued.served.node
    async with node.database.engine.connect() as connection:
        (sealed,) = (await connection.execute(text("SELECT sealed_private FROM brokers_issuers"))).one()
    assert len(sealed) == 12 + 32 + 16  # nonce, key, tag
