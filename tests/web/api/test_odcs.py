"""The quality contract over HTTP, and what a buyer states by it."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from base.signing import SigningKey
from cli.checking import (
    Checked,
    ContractChanged,
    ExchangeRefused,
    Stating,
    check_file,
    read_contract,
    stated,
)
from cli.keys import write_key_file
from registry.odcs import promised_from
from tests.market.listings.goods import CLEAN
from tests.web.api.conftest import Room
from tests.web.api.desk import Desk
from tests.web.api.refusing import problem


class Wire(httpx.BaseTransport):
    """The application, for a client that knows no event loop."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http, self._loop = http, asyncio.get_running_loop()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        raw = request.read()
        sent = self._http.request(
            request.method, str(request.url), content=raw, headers=dict(request.headers)
        )
        answer = asyncio.run_coroutine_threadsafe(sent, self._loop).result(timeout=60)
        return httpx.Response(
            answer.status_code, headers={"content-type": "application/json"}, content=answer.content
        )


def stating(room: Room, buyer: Desk, trade_id: str) -> Stating:
    http = httpx.Client(transport=Wire(room.http), base_url=str(room.http.base_url))
    return Stating("", buyer.token, trade_id, http=http)


async def exported(room: Room, path: Path, **query: str) -> Path:
    answer = await room.http.get(f"/api/v1/listings/{room.ids['listed']}/contract.odcs.yaml", params=query)
    assert answer.status_code == 200, answer.text
    path.write_bytes(answer.content)
    return path


async def check(at: Stating, contract: Path, file: Path) -> tuple[Checked, list[str]]:
    def run() -> tuple[Checked, list[str]]:
        promised = read_contract(contract)
        sold = at.sold(promised)
        found = asyncio.run(check_file(file, promised, sold=sold))
        return found, list(stated(at, found, None))

    return await asyncio.to_thread(run)


async def test_the_contract_of_a_listing_is_public_and_names_its_report(room: Room) -> None:
    listing_id = room.ids["listed"]
    answer = await room.http.get(f"/api/v1/listings/{listing_id}/contract.odcs.yaml")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/yaml")
    promised = promised_from(answer.content)
    report = (await room.http.get(f"/api/v1/listings/{listing_id}/quality")).json()
    assert (promised.listing_id, promised.report_sha256) == (listing_id, report["report_sha256"])
    same = await room.http.get(
        f"/api/v1/listings/{listing_id}/contract.odcs.yaml", params={"report": promised.report_sha256}
    )
    assert same.content == answer.content
    other = await room.http.get(
        f"/api/v1/listings/{listing_id}/contract.odcs.yaml", params={"report": "0" * 64}
    )
    problem(other, 404, "quality-report-unknown")
    draft = await room.http.get(f"/api/v1/listings/{room.ids['draft']}/contract.odcs.yaml")
    problem(draft, 404, "listing-unknown")


async def test_a_buyer_checks_its_copy_and_states_what_it_found(room: Room, tmp_path: Path) -> None:
    trade_id, buyer = room.ids["delivered"], await room.desk("buyer")
    contract = await exported(room, tmp_path / "contract.odcs.yaml")
    file = tmp_path / "copy.csv"
    file.write_text(CLEAN)
    found, lines = await check(stating(room, buyer, trade_id), contract, file)
    assert found.passed
    assert lines[-1] == "trade   DELIVERED"
    kept = [one for one in await buyer.get(f"/trades/{trade_id}/checks") if one["role"] == "BUYER"]
    assert [one["passed"] for one in kept] == [True]

    file.write_text(CLEAN[: CLEAN.rstrip().rindex("\n") + 1])
    found, lines = await check(stating(room, buyer, trade_id), contract, file)
    assert not found.passed
    assert lines[-1] == "trade   DISPUTED"
    dispute = await buyer.get(f"/trades/{trade_id}/dispute")
    assert (dispute["side"], dispute["ground"]) == ("EXCHANGE", "DIGEST")


async def test_a_contract_that_is_not_the_trades_states_nothing(room: Room, tmp_path: Path) -> None:
    trade_id, buyer = room.ids["delivered"], await room.desk("buyer")
    contract = await exported(room, tmp_path / "contract.odcs.yaml")
    whole = contract.read_bytes()
    report = promised_from(whole).report_sha256.encode()
    file = tmp_path / "copy.csv"
    file.write_text(CLEAN)
    for old, new in (
        (room.ids["listed"].encode(), room.ids["reviewed"].encode()),
        (report, b"0" * 64),
        (b'"value": 120', b'"value": 119'),
    ):
        contract.write_bytes(
            whole.replace(old, new).replace(
                b'"mustBe": 120', b'"mustBe": 119' if b"119" in new else b'"mustBe": 120'
            )
        )
        with pytest.raises(ContractChanged):
            await check(stating(room, buyer, trade_id), contract, file)
    contract.write_bytes(whole)
    for who, trade in (("second", trade_id), ("buyer", room.ids["negotiating"])):
        with pytest.raises(ExchangeRefused):
            await check(stating(room, await room.desk(who), trade), contract, file)
    assert await buyer.get(f"/trades/{trade_id}/checks") == []


async def test_officers_trace_and_parties_see_that_nothing_is_marked(room: Room) -> None:
    operator, buyer = await room.desk("operator"), await room.desk("buyer")
    problem(await buyer.call("GET", f"/trades/{room.ids['delivered']}/mark"), 404, "mark-unknown")

    async def trace(desk: Desk, raw: bytes, **query: Any) -> httpx.Response:
        headers = {
            "authorization": f"Bearer {desk.token}",
            "content-type": "application/octet-stream",
            "idempotency-key": "trace-1",
        }
        return await room.http.post("/api/v1/traces", content=raw, headers=headers, params=query)

    problem(await trace(buyer, CLEAN.encode()), 403, "forbidden")
    answer = await trace(operator, CLEAN.encode(), rename="theirs=index")
    assert answer.status_code == 200, answer.text
    assert orjson.loads(answer.content)["named"] == []
    assert orjson.loads(answer.content)["asked"] == 0
    assert (await trace(operator, b"")).status_code == 422
    assert (await trace(operator, b"x", rename="wrong")).status_code == 422


async def test_whoever_holds_its_key_signs_what_it_found(room: Room, tmp_path: Path) -> None:
    trade_id, buyer = room.ids["delivered"], await room.desk("buyer")
    own = SigningKey.generate()
    await buyer.take_up_key(own)
    key = tmp_path / "buyer.key"
    write_key_file(key, own)
    contract = await exported(room, tmp_path / "contract.odcs.yaml")
    file = tmp_path / "copy.csv"
    file.write_text(CLEAN)

    def run(at: Stating, sign: Path | None) -> list[str]:
        promised = read_contract(contract)
        found = asyncio.run(check_file(file, promised, sold=at.sold(promised)))
        return list(stated(at, found, sign))

    with pytest.raises(ExchangeRefused):
        await asyncio.to_thread(run, stating(room, buyer, trade_id), None)
    lines = await asyncio.to_thread(run, stating(room, buyer, trade_id), key)
    assert lines[-1] == "trade   DELIVERED"
    (check,) = [one for one in await buyer.get(f"/trades/{trade_id}/checks") if one["role"] == "BUYER"]
    statement = [
        one for one in await buyer.get(f"/trades/{trade_id}/timeline") if one["event"] == "DLV.CHECK"
    ]
    assert check["passed"]
    assert statement[-1]["predicate"]["report_sha256"] == check["report_sha256"]
