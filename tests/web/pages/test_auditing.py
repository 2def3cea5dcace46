"""The trail by attributes: exact answers, pages, exports with a signed manifest; who asks is noted."""

import csv
import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO

import orjson
import pytest

from base.signing import envelope_signed_by, parse_envelope
from identity.repository import get_key
from ledger import trail
from tests.web.market import Market
from tests.web.pages.browsing import Browser, Page
from tests.web.pages.test_every_page import structure
from web.readings import Readings, TooManySaved


def rows(page: Page) -> list[int]:
    links = [a.get("href", "") for a in page.named("a") if not a.get("rel")]
    return [int(link.rpartition("/")[2]) for link in links if re.fullmatch(r"/en/reg/audit/\d+", link)]


def count_of(page: Page) -> int:
    return int(page.words.partition(" statements ")[0].rpartition(" ")[2].replace(",", ""))


async def test_each_attribute_finds_what_it_names_and_nothing_else(market: Market) -> None:
    samr = Browser(market.served, market.samr)
    async with market.served.node.database.read() as s:
        every = (await trail.search(s, trail.Wanted(), limit=1000)).found
    said = [(one.seq, one.statement) for one in every]
    settled = market.ids["settled"]

    def seqs(holds) -> list[int]:
        return [seq for seq, one in said if holds(one)]

    for asked, expected in (
        (f"object={settled}", seqs(lambda one: one.object_id == settled)),
        ("action=TRD.SETTLE", seqs(lambda one: one.event == "TRD.SETTLE")),
        ("action=BRK", seqs(lambda one: one.event.startswith("BRK."))),
        (
            "actor=湾区&action=TRD",
            seqs(lambda one: one.org_id == market.buyer.org_id and one.event[:4] == "TRD."),
        ),
        (f"actor={market.authority.org_id}", seqs(lambda one: one.org_id == market.authority.org_id)),
        ("actor=nobody", []),
        ("role=DATA_AUTHORITY", seqs(lambda one: one.predicate.get("role") == "DATA_AUTHORITY")),
        (f"q={said[5][1].envelope_sha256.upper()}", [said[5][0]]),
        (f"q={said[5][1].statement_id}&from=2026-11-16&to=2030-01-01", [said[5][0]]),
        (f"object={settled}&to=2026-11-01", []),
        (f"sector=transport&object={settled}", []),
        (
            f"sector=transport&object={market.ids['reviewed']}",
            seqs(lambda one: one.object_id == market.ids["reviewed"]),
        ),
        ("sector=transport", seqs(lambda one: one.object_id == market.ids["reviewed"])),
    ):
        page = await samr.get(f"/reg/audit?{asked}")
        assert rows(page) == expected[:50], asked
        if "role" not in asked:
            assert count_of(page) == len(expected), asked
    assert structure(page, "en") == []
    page = await samr.get("/reg/audit?from=2026-13-01", expect=422)
    assert "A day is written as" in page.words


async def test_pages_follow_each_other_to_the_first_entry(market: Market) -> None:
    samr = Browser(market.served, market.samr)
    for asked in ("", "?role=EXCHANGE_OPERATOR"):
        page, seen = await samr.get(f"/reg/audit{asked}"), []
        while True:
            seen += rows(page)
            further = [a["href"] for a in page.named("a") if a.get("rel") == "next"]
            if not further:
                break
            page = await samr.get(further[0])
        assert seen == sorted(set(seen), reverse=True)
        assert len(seen) > 20
    async with market.served.node.database.read() as s:
        expected = [
            one.seq
            for one in (await trail.search(s, trail.Wanted(), limit=1000)).found
            if one.statement.predicate.get("role") == "EXCHANGE_OPERATOR"
        ]
    assert seen == expected


async def test_an_export_is_what_the_page_shows_and_its_manifest_is_signed(market: Market) -> None:
    samr = Browser(market.served, market.samr)
    page = await samr.get(f"/reg/audit?object={market.ids['settled']}")
    links = [a["href"] for a in page.named("a") if "/reg/audit/export" in a.get("href", "")]
    told = {link.partition("kind=")[2].partition("&")[0]: (await samr.client.get(link)) for link in links}
    table = list(csv.DictReader(StringIO(told["csv"].text)))
    assert [int(row["seq"]) for row in table] == rows(page)
    lines = [orjson.loads(line) for line in told["jsonl"].content.splitlines()]
    assert [line["seq"] for line in lines] == rows(page)
    assert {line["object"] for line in lines} == {market.ids["settled"]}
    envelope = parse_envelope(orjson.loads(told["manifest"].content))
    document = orjson.loads(envelope.payload)
    assert document["csv_sha256"] == hashlib.sha256(told["csv"].content).hexdigest()
    assert document["jsonl_sha256"] == hashlib.sha256(told["jsonl"].content).hexdigest()
    assert (document["count"], document["asked"]) == (len(lines), {"object": market.ids["settled"]})
    async with market.served.node.database.read() as s:
        key = await get_key(s, keyid=envelope.signatures[0].keyid)
    assert envelope_signed_by(envelope, key.public)
    assert document["taken"] == document["asked"]
    assert document["upto"] > 0
    await samr.get("/reg/audit/export?kind=xml", expect=422)
    await samr.get("/reg/audit/export?kind=csv&from=2026-13-01", expect=422)


async def test_who_asks_is_noted_and_private_parts_are_the_regulators(market: Market) -> None:
    samr, operator = Browser(market.served, market.samr), Browser(market.served, market.operator)
    readings = Readings(market.served.node.settings.data_dir / "readings")
    for _ in range(3):
        await samr.get("/reg/audit?action=TRD.OFFER")
    await samr.get("/reg/audit")
    page = await samr.get("/reg/audit?action=TRD.OFFER")
    offer = rows(page)[0]
    page = await samr.get(f"/reg/audit/{offer}")
    assert structure(page, "en") == []
    assert "Whole price CN¥760,000.00" in page.words
    assert "Verify in my browser" in page.words
    page = await operator.get(f"/reg/audit/{offer}")
    assert "Whole price" not in page.words
    assert "Whole price" not in (await Browser(market.served).get(f"/ledger/{offer}")).words
    noted = [(one["what"], one["asked"]) for one in readings.newest(at=market.served.clock.now())]
    assert noted == [("entry", {"seq": str(offer)}), ("audit", {"action": "TRD.OFFER"})]
    assert "action=TRD.OFFER" in (await operator.get("/reg/audit")).words
    for who in (market.buyer, market.provider):
        for place in ("/reg/audit", f"/reg/audit/{offer}", "/reg/audit/export?kind=csv"):
            await Browser(market.served, who).get(place, expect=403)
    await Browser(market.served).get("/reg/audit", expect=303)
    assert len(readings.newest(at=market.served.clock.now())) == 2


async def test_a_question_is_saved_asked_again_and_forgotten(market: Market) -> None:
    samr = Browser(market.served, market.samr)
    page = await samr.get("/reg/audit?action=BRK&actor=广州")
    await samr.send(page, "/reg/audit/saved", {"name": "证书"})
    page = await samr.follow()
    (again,) = [a["href"] for a in page.named("a") if a["href"].startswith("/en/reg/audit?a")]
    assert rows(await samr.get(again)) == rows(page)
    auditor = await Browser(market.served, market.auditor).get("/reg/audit")
    assert "证书" not in [text.strip() for text in auditor.text]
    await samr.send(page, "/reg/audit/saved", {"forget": "yes"})
    assert Readings(market.served.node.settings.data_dir / "readings").saved(market.samr.user_id) == {}


def test_readings_are_chained_and_a_person_keeps_twenty_questions(tmp_path, clock) -> None:
    readings, now = Readings(tmp_path / "r"), clock.now()
    for minute in (0, 10, 61, 62):
        at = now + timedelta(minutes=minute)
        noted = readings.note(user_id="u", org_id="o", what="audit", asked={"q": "x"}, at=at)
        assert noted is (minute in {0, 61})
    assert readings.note(
        user_id="v", org_id="o", what="audit", asked={"q": "x"}, at=now + timedelta(minutes=63)
    )
    month = f"{now:%Y-%m}"
    assert readings.unbroken(month)
    path = tmp_path / "r" / f"{month}.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    assert len(lines) == 3
    path.write_bytes(lines[0] + lines[2])
    assert not readings.unbroken(month)
    assert readings.chain(month).count > 0
    for number in range(20):
        readings.save("u", f"n{number}", {"q": "x"})
    with pytest.raises(TooManySaved):
        readings.save("u", "one more", {"q": "x"})
    readings.forget("u", "n3")
    readings.save("u", "one more", {"q": "x"})
    assert len(readings.saved("u")) == 20


def test_who_notes_at_the_same_time_breaks_no_chain(tmp_path, clock) -> None:
    now, month = clock.now(), f"{clock.now():%Y-%m}"

    def note(number: int) -> bool:
        return Readings(tmp_path).note(user_id=f"u{number}", org_id="o", what="audit", asked={}, at=now)

    with ThreadPoolExecutor(8) as hands:
        assert all(hands.map(note, range(200)))
    assert Readings(tmp_path).unbroken(month)
