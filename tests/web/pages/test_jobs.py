"""Long work on pages: progress that survives a reload, re-checks of the log, evidence packs; who may what."""

import asyncio
import hashlib
import zipfile
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import orjson
import pytest

from base.signing import envelope_signed_by, parse_envelope
from identity.repository import get_key
from tests.web.market import Market
from tests.web.pages.browsing import Browser, Page
from tests.web.pages.test_every_page import structure
from tests.web.pages.test_explorer import forge
from web import children
from web.children import Ended
from web.pages import rechecks, selling
from web.working import Working

REPORT = {"clean": True, "origin": "exchange.example/test", "size": 3, "root": "ab" * 32, "problems": []}


def working_of(market: Market) -> Working:
    return market.served.app.state.working


async def over(market: Market, browser: Browser, address: str = "") -> Page:
    """Wait for the job that the browser was sent to, and see what came of it."""
    address = address or browser.location
    job_id = address.rpartition("/")[2]
    await working_of(market).wait(job_id)
    page = await browser.get(address)
    assert structure(page, browser.lang) == []
    place = next(a["href"] for a in page.named("a") if a["href"].endswith(job_id) and "/reg/" in a["href"])
    return await browser.get(place)


async def test_entries_are_proved_one_by_one_and_a_forged_one_is_named(market: Market) -> None:
    samr = Browser(market.served, market.samr)
    page = await samr.get("/reg/checks")
    assert "No re-check was made" in page.words
    await samr.send(page, "/reg/checks", {"first": "0", "last": "30"})  # the first form has no numbers
    page = await over(market, samr)
    assert "Every one of them holds." in page.words
    await forge(market, 7)
    await samr.send(await samr.get("/reg/checks"), "/reg/checks", {"first": "5", "last": "9"})
    page = await over(market, samr)
    assert "The log is not clean" in page.words
    wrong = [a["href"] for a in page.named("a") if "/en/ledger/" in a["href"]]
    assert wrong == ["/en/ledger/7", "/en/ledger/8"]  # and the one after, which names its hash
    for first, last in (("5", "4"), ("0", "99999"), ("x", "1"), ("", "1")):
        again = {"first": first, "last": last}
        page = await samr.send(await samr.get("/reg/checks"), "/reg/checks", again, expect=422)
        assert "Please correct what is marked" in page.words
    assert len(working_of(market).jobs()) == 2
    assert structure(page, "en") == []


async def test_a_full_re_check_runs_the_audit_and_tells_how_far_it_is(market: Market, monkeypatch) -> None:
    said, told, going = [], asyncio.Event(), asyncio.Event()

    async def run(arguments, environment, heard=None, *, patience_s) -> Ended:
        del patience_s
        said.append((arguments[0], environment["DATABOURSE_DATA_DIR"]))
        if heard is not None:
            heard(40, 90)
            told.set()
            await going.wait()
        return Ended(0, orjson.dumps(REPORT), "")

    monkeypatch.setattr(children, "run", run)
    auditor = Browser(market.served, market.auditor)
    await auditor.send(
        await auditor.get("/reg/checks"), "/reg/checks", {"first": "", "last": "", "since": "yes"}
    )
    place = auditor.location
    await told.wait()
    page = await auditor.get(place)
    assert "40 of 90" in page.words
    assert structure(page, "en") == []
    (bar,) = page.named("progress")
    assert (bar["max"], bar["value"]) == ("90", "40")
    assert [meta for meta in page.named("meta") if meta.get("http-equiv") == "refresh"]
    part = await auditor.client.get(place, headers={"hx-request": "true", "hx-target": "job"})
    assert "<html" not in part.text
    assert 'hx-trigger="load delay:1s"' in part.text
    job_id = place.rpartition("/")[2]
    await Browser(market.served, market.buyer).get(f"/jobs/{job_id}", expect=404)
    samr = Browser(market.served, market.samr)
    assert not [form for form in (await samr.get(f"/jobs/{job_id}")).forms if "/cancel" in form.action]
    await samr.get(f"/reg/checks/{job_id}", expect=303)
    going.set()
    page = await over(market, auditor, place)
    assert "clean" in page.words
    data = str(market.served.node.settings.data_dir)
    assert said == [("export", data), ("audit", data)]


async def test_a_job_is_called_off_on_its_page(market: Market, monkeypatch) -> None:
    async def run(*_, **__) -> Ended:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(children, "run", run)
    samr = Browser(market.served, market.samr)
    await samr.send(await samr.get("/reg/exports"), "/reg/exports", {"edition": "public"})
    place = samr.location.removeprefix("/en")
    await samr.send(await samr.get(place), f"{place}/cancel")
    assert "called off" in (await samr.get(place)).words
    assert "there is no result" in (await samr.get(f"/reg/exports/{place.rpartition('/')[2]}")).words


async def test_an_evidence_pack_is_hashed_signed_and_its_readers_noted(market: Market, monkeypatch) -> None:
    async def run(arguments, *_, **__) -> Ended:
        with zipfile.ZipFile(arguments[arguments.index("--out") + 1], "w") as packed:
            packed.writestr("manifest.json", "{}")
        return Ended(0, b"", "")

    monkeypatch.setattr(children, "run", run)
    samr, auditor = Browser(market.served, market.samr), Browser(market.served, market.auditor)
    page = await samr.get("/reg/exports")
    await samr.send(page, "/reg/exports", {"edition": "public", "evidence": "yes"}, expect=422)
    await samr.send(page, "/reg/exports", {"edition": "x"}, expect=422)
    await samr.send(page, "/reg/exports", {"edition": "regulator"})
    page = await over(market, samr)
    job_id = samr.place.path.rpartition("/")[2]
    assert "Nobody yet." in page.words
    files = {a["href"].rpartition("/")[2]: a["href"] for a in page.named("a") if "download" in a}
    assert set(files) == {"bundle.zip", "pack.dsse.json"}
    bundle = (await auditor.client.get(files["bundle.zip"])).content
    assert zipfile.ZipFile(BytesIO(bundle)).namelist() == ["manifest.json"]
    envelope = parse_envelope(orjson.loads((await auditor.client.get(files["pack.dsse.json"])).content))
    told = orjson.loads(envelope.payload)
    assert told["files"] == [
        {"bytes": len(bundle), "name": "bundle.zip", "sha256": hashlib.sha256(bundle).hexdigest()}
    ]
    async with market.served.node.database.read() as s:
        key = await get_key(s, keyid=envelope.signatures[0].keyid)
    assert envelope_signed_by(envelope, key.public)
    page = await samr.get(f"/reg/exports/{job_id}")
    assert page.words.count("独立审计事务所") == 2
    for odd in ("job.json", "lock", "fetched.jsonl"):
        await auditor.get(f"/reg/exports/{job_id}/{odd}", expect=404)
    for who in (market.operator, market.buyer):
        browser = Browser(market.served, who)
        await browser.get(f"/reg/exports/{job_id}/bundle.zip", expect=403)
    assert len(working_of(market).fetched(job_id)) == 2
    monkeypatch.setattr(rechecks, "ERASE", "TRD.SETTLE")  # as if that, of this very moment, were an erasure
    monkeypatch.setattr(rechecks, "parse_rfc3339", lambda _: datetime.min.replace(tzinfo=UTC))
    page = await auditor.get(f"/reg/exports/{job_id}/bundle.zip", expect=410)
    assert "This pack was made before something was erased" in page.words
    assert not (working_of(market).folder / job_id / "bundle.zip").exists()
    page = await samr.get(f"/reg/exports/{job_id}")
    assert not [a for a in page.named("a") if "download" in a]
    assert page.words.count("独立审计事务所") == 2
    await samr.get("/reg/exports")


async def test_an_audit_that_fails_leaves_no_openings(market: Market, monkeypatch) -> None:
    async def run(arguments, *_, **__) -> Ended:
        if arguments[0] == "audit":
            return Ended(2, b"", "broken")
        Path(arguments[arguments.index("--out") + 1]).mkdir()
        return Ended(0, b"", "")

    monkeypatch.setattr(children, "run", run)
    samr = Browser(market.served, market.samr)
    await samr.send(await samr.get("/reg/checks"), "/reg/checks", {"first": "", "last": ""})
    await over(market, samr)
    (job,) = working_of(market).jobs()
    assert job.status == "failed"
    assert not list((working_of(market).folder / job.job_id).glob("bundle-*"))


async def test_who_is_no_supervisor_sees_and_begins_nothing(market: Market) -> None:
    for place in ("/reg/checks", "/reg/exports"):
        await Browser(market.served, market.buyer).get(place, expect=403)
        page = await Browser(market.served, market.operator).get(place)  # it reads
        assert not [form for form in page.forms if form.action.endswith(place)]
    samr = Browser(market.served, market.samr)
    form = (await samr.get("/reg/exports")).form("/reg/exports")
    buyer = Browser(market.served, market.buyer)
    csrf = (await buyer.get("/account")).forms[0].values["csrf"]
    answer = await buyer.client.post(form.action, data={"csrf": csrf, "edition": "regulator"})
    assert answer.status_code == 403
    await Browser(market.served).get("/jobs/job_" + "0" * 26, expect=303)
    await samr.get("/jobs/job_" + "0" * 26, expect=404)
    await samr.get("/jobs/supervision", expect=303)
    assert list(working_of(market).jobs()) == []


async def test_a_measurement_that_takes_long_is_followed_as_a_job(market: Market, monkeypatch) -> None:
    going = asyncio.Event()

    async def slow(*_) -> None:
        await going.wait()

    monkeypatch.setattr(selling, "measure_listing", slow)
    monkeypatch.setattr(selling, "declaration_of", lambda _: {})
    working_of(market).patience_s = 0
    seller = Browser(market.served, market.provider)
    listing = f"/sell/{market.ids['draft']}"
    page = await seller.get(listing)
    await seller.send(page, f"{listing}/measure")
    assert "/en/jobs/job_" in seller.location
    page = await seller.get(seller.location)
    assert "measure the file and state the report" in page.words
    going.set()
    await working_of(market).wait(str(seller.place).rpartition("/")[2])
    page = await seller.get(str(seller.place.path))
    assert [a for a in page.named("a") if a["href"] == f"/en{listing}"]


async def test_a_child_tells_how_far_it_is_and_its_last_words() -> None:
    stream = asyncio.StreamReader()
    stream.feed_data(b"progress 1 2\nwarning: x\nprogress 2 2\nprogress x\n")
    stream.feed_eof()
    heard: list[tuple[int, int]] = []
    words = await children._words(stream, lambda done, total: heard.append((done, total)))
    assert heard == [(1, 2), (2, 2)]
    assert words == "warning: x\nprogress x"


@pytest.mark.soak
async def test_a_real_re_check_and_a_real_pack(market: Market) -> None:
    samr = Browser(market.served, market.samr)
    await samr.send(await samr.get("/reg/checks"), "/reg/checks", {"first": "", "last": ""})
    page = await over(market, samr)
    assert " clean " in page.words
    await samr.send(
        await samr.get("/reg/exports"), "/reg/exports", {"edition": "regulator", "evidence": "yes"}
    )
    page = await over(market, samr)
    assert "evidence.zip" in page.words
