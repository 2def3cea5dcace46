"""Jobs, re-checks, packs and the trail as JSON: what the pages show, to whom the pages show it."""

import zipfile
from typing import Any

import orjson

from tests.web.market import Market
from tests.web.pages.browsing import Browser
from tests.web.pages.test_jobs import REPORT
from web import children
from web.children import Ended
from web.readings import Readings
from web.working import Hand, Wanted, Working


async def _done(market: Market, kind: str, who: str, *, files: bool = False) -> str:
    working: Working = market.served.app.state.working
    person = market.people[who]

    async def work(hand: Hand) -> dict[str, Any]:
        hand.at("audit", 7, 7)
        (hand.folder / "report.json").write_bytes(b"{}")
        return {"files": [{"name": "report.json", "sha256": "ab" * 32}]} if files else {"entries": 7}

    job = working.begin(Wanted(kind, person.org_id, person.user_id, ("export", "audit")), work)
    await working.wait(job.job_id)
    return job.job_id


async def test_a_job_is_its_organisations_and_supervisions_is_every_supervisors(market: Market) -> None:
    api = market.served.api
    check = await _done(market, "check", "samr")
    measure = await _done(market, "measure", "provider")
    told = await api(market.auditor, "GET", f"/jobs/{check}")
    assert (told["status"], told["kind"], told["done"], told["total"]) == ("done", "check", 7, 7)
    assert told["result"] == {"entries": 7}
    assert (await api(market.provider, "GET", f"/jobs/{measure}"))["org_id"] == market.provider.org_id
    for who, job_id in (
        ("buyer", check),
        ("provider", check),
        ("samr", measure),
        ("buyer", "job_" + "0" * 26),
    ):
        refused = await api(market.people[who], "GET", f"/jobs/{job_id}", expect=404)
        assert refused["code"] == "job-unknown"
    listed = await api(market.operator, "GET", "/rechecks")
    assert [one["job_id"] for one in listed] == [check]
    for path in ("/rechecks", "/evidence-packs", "/trail", "/trail/saved", f"/evidence-packs/{check}"):
        assert (await api(market.buyer, "GET", path, expect=403))["code"] == "forbidden"


async def test_a_pack_names_its_files_and_who_fetched_them(market: Market) -> None:
    pack = await _done(market, "pack", "samr", files=True)
    working: Working = market.served.app.state.working
    facts = {"org_id": market.samr.org_id, "user_id": market.samr.user_id, "name": "report.json"}
    working.note_fetch(pack, **facts)
    told = await market.served.api(market.authority, "GET", f"/evidence-packs/{pack}")
    assert told["result"]["files"] == [{"name": "report.json", "sha256": "ab" * 32}]
    assert [one["name"] for one in told["fetched"]] == ["report.json"]
    check = await _done(market, "check", "samr")
    refused = await market.served.api(market.authority, "GET", f"/evidence-packs/{check}", expect=404)
    assert refused["code"] == "job-unknown"


async def test_a_recheck_and_a_pack_are_begun_once_for_a_key(market: Market, monkeypatch) -> None:
    """The commands are run where they are made; here is told what is begun, for whom, how often."""
    said: list[str] = []

    async def run(arguments: Any, *_: Any, **__: Any) -> Ended:
        said.append(arguments[0])
        if "--out" in arguments and arguments[arguments.index("--out") + 1].endswith(".zip"):
            with zipfile.ZipFile(arguments[arguments.index("--out") + 1], "w") as packed:
                packed.writestr("manifest.json", "{}")
        return Ended(0, orjson.dumps(REPORT), "")

    monkeypatch.setattr(children, "run", run)
    api, working = market.served.api, market.served.app.state.working
    for path, body, status in (
        ("/rechecks", {"log": "another.example/log"}, 404),
        ("/evidence-packs", {"edition": "public", "evidence": True}, 422),
        ("/evidence-packs", {"edition": "secret"}, 422),
    ):
        await api(market.samr, "POST", path, body, expect=status)
    for who in ("buyer", "operator"):
        for path in ("/rechecks", "/evidence-packs"):
            await api(market.people[who], "POST", path, {}, expect=403)
    assert list(working.jobs("check", "pack")) == []
    assert said == []
    told = []
    async with market.served.client(
        headers={"authorization": f"Bearer {market.served.token(market.samr)}"}
    ) as client:
        for key in ("k" * 32, "k" * 32, None):
            headers = {"idempotency-key": key} if key else {}
            told.append(await client.post("/api/v1/rechecks", json={}, headers=headers))
            for job in working.jobs("check"):
                await working.wait(job.job_id)
    assert [one.status_code for one in told] == [202, 202, 422]
    assert told[0].json()["job_id"] == told[1].json()["job_id"]
    assert said == ["export", "audit"]
    assert [one.status for one in working.jobs("check")] == ["done"]
    pack = await api(market.auditor, "POST", "/evidence-packs", {"edition": "regulator"})
    assert (pack["kind"], pack["org_id"]) == ("pack", market.auditor.org_id)
    await working.wait(pack["job_id"])
    told_of = await api(market.samr, "GET", f"/evidence-packs/{pack['job_id']}")
    assert told_of["status"] == "done"
    assert [one["name"] for one in told_of["result"]["files"]] == ["bundle.zip", "pack.dsse.json"]


async def test_the_trail_answers_what_its_page_shows_and_notes_who_asks(market: Market) -> None:
    api, trade = market.served.api, market.ids["settled"]
    told = await api(market.samr, "GET", f"/trail?object={trade}&action=TRD.CONTRACT&limit=1")
    (row,) = told["rows"]
    assert (row["event"], row["object_id"], row["log"], told["count"]) == ("TRD.CONTRACT", trade, None, 1)
    page = await Browser(market.served, market.samr).get(f"/reg/audit?object={trade}&action=TRD.CONTRACT")
    link = next(a["href"] for a in page.named("a") if a.get("href", "").startswith("/api/v1/trail"))
    assert (await api(market.samr, "GET", link.removeprefix("/api/v1")))["rows"] == [row]
    first = await api(market.samr, "GET", "/trail?actor=湾区&limit=2")
    rest = await api(market.samr, "GET", f"/trail?actor=湾区&limit=2&before={first['before']}")
    assert first["rows"][-1]["seq"] > rest["rows"][0]["seq"]
    readings = Readings(market.served.node.settings.data_dir / "readings")
    noted = readings.newest(at=market.served.clock.now())
    assert [one["asked"] for one in noted] == [
        {"actor": "湾区"},
        {"object": trade, "action": "TRD.CONTRACT"},
    ]
    for wrong in ("from=2026-13-01", "to=soon", "q=" + "x" * 201, "limit=501", "colour=red"):
        await api(market.samr, "GET", f"/trail?{wrong}", expect=422)


async def test_what_one_keeps_is_ones_own(market: Market) -> None:
    samr = Browser(market.served, market.samr)
    page = await samr.get("/reg/audit?action=TRD")
    await samr.send(page, "/reg/audit/saved", {"name": "trades"})
    assert await market.served.api(market.samr, "GET", "/trail/saved") == {"trades": {"action": "TRD"}}
    assert await market.served.api(market.auditor, "GET", "/trail/saved") == {}
    buyer = Browser(market.served, market.buyer)
    await buyer.send(await buyer.get("/products?q=用电"), "/products/saved", {"name": "power"})
    (kept,) = await market.served.api(market.buyer, "GET", "/my/searches")
    assert (kept["name"], kept["address"]) == ("power", "q=%E7%94%A8%E7%94%B5")
    assert await market.served.api(market.provider, "GET", "/my/searches") == []
