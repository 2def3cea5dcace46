"""A flow from the form to its clearance and its halt, by clicks: exporter and customs officer."""

from datetime import timedelta

from market.customs.tables import DeclarationRow
from tests.web.market import Market
from tests.web.pages.browsing import Browser, Page
from tests.web.pages.test_every_page import structure
from tests.web.pages.test_registering import submit

FLOW = {
    "kind": "ORDINARY",
    "purpose": "fraud model",
    "necessity": "模型在当地训练",
    "industry": "J66",
    "recipient_name": "Lion City Analytics",
    "recipient_country": "SG",
    "recipient_contact": "privacy@lion.example",
    "storage_place": "SG",
    "retention_months": "12",
    "fields": "weekday\nphone | personal | general-3",
    "level": "general-3",
    "persons": "100000",
    "volume_bytes": "1000000",
    "volume_uses": "10",
    "mode": "FILE",
    "channel": "DEDICATED",
    "period_from": "2026-11-16",
    "period_to": "2027-11-15",
}
SHOWN = {
    "kind": "STANDARD_CONTRACT",
    "number": "GD-SC-2026-0001",
    "sha256": "C" * 64,
    "attached": f"contract {'1' * 64}\npipia {'2' * 64}\nconsent {'3' * 64}",
    "pipia_on": "2026-10-30",
}
DOCUMENT = {
    "kind": "STANDARD_CONTRACT",
    "number": "GD-SC-2026-0001",
    "recipient_name": "Lion City Analytics",
    "country": "SG",
    "persons": "500000",
    "sha256": "c" * 64,
    "issued_on": "2026-11-02",
    "filed_on": "2026-11-13",
}
LIST = {
    "zone": "nansha",
    "source": "notice 1 of 2026",
    "effective_from": "2026-11-16",
    "entries": "NS-1 | J66 | | credit records | 100000 | ASSESSMENT",
}


async def declared_by(exporter: Browser) -> Page:
    """The exporter's desk, a form that is wrong, and the declaration with its route."""
    page = await exporter.get("/customs")
    assert "Nothing is declared here yet" in page.words
    assert structure(page, "en") == []
    page = await exporter.get("/customs/declare")
    assert structure(page, "en") == []
    wrong = await submit(exporter, page, "/customs/declare", expect=422, **FLOW | {"volume_uses": "many"})
    assert "Please correct what is marked" in wrong.words
    page = await submit(exporter, page, "/customs/declare", **FLOW)
    assert "Standard contract or certification" in page.words
    assert "100000 persons or more since 1 January" in page.words
    assert "Risk and counters" not in page.words
    assert structure(page, "en") == []
    return page


async def test_from_the_form_to_the_clearance_and_the_halt(market: Market) -> None:
    party = await market.served.admit("省网信办", {"CAC"}, login="customs")
    mei = await market.served.colleague(party, "officer-mei")
    provider = await market.served.admit("粤能数科", {"PROVIDER"}, login="exporter")
    exporter = Browser(market.served, provider, "en")
    officer = Browser(market.served, mei, "zh")

    page = await declared_by(exporter)
    path = exporter.place.path.removeprefix("/en")

    desk = await officer.get("/customs/register")
    assert structure(desk, "zh") == []
    desk = await submit(officer, desk, "/customs/register", exporter_ids=provider.org_id, **DOCUMENT)
    desk = await submit(officer, desk, "/customs/register/lists", **LIST)
    assert "credit records" in desk.words
    assert structure(desk, "zh") == []

    refused = await submit(
        exporter, page, f"{path}/attach_evidence", expect=409, **SHOWN | {"sha256": "d" * 64}
    )
    assert "forged" in refused.words
    page = await submit(exporter, refused, f"{path}/attach_evidence", **SHOWN)
    assert "Under review" in page.words

    assert "fraud model" in (await officer.get("/customs")).words
    desk = await officer.get(path)
    desk = await submit(officer, desk, f"{path}/take")
    assert desk.words.count("1,000,000") == 3  # the counters stand beside their thresholds
    desk = await submit(officer, desk, f"{path}/return", reason="say more of the purpose")
    page = await exporter.get(f"{path}/again")
    assert structure(page, "en") == []
    (filled,) = [one.values for one in page.forms if one.action.endswith("/customs/declare")]
    assert (filled["persons"], filled["recipient_name"]) == ("100000", "Lion City Analytics")
    assert filled["fields"].split("\n")[-1] == "phone | personal | general-3"
    page = await submit(exporter, page, "/customs/declare", **FLOW | {"purpose": "fraud model, again"})
    market.served.clock.advance(timedelta(seconds=1))
    page = await submit(exporter, page, f"{path}/attach_evidence", **SHOWN)
    desk = await submit(officer, await officer.get(path), f"{path}/take")
    desk = await submit(officer, desk, f"{path}/clear", reason="in order")
    assert structure(desk, "zh") == []
    desk = await submit(officer, desk, f"{path}/halt", reason_code="INCIDENT", reason="broken into")
    page = await exporter.get(path)
    assert "Halted" in page.words
    assert "broken into" in page.words
    for risk in ({"held": {"listed": 12_345, "found": 12_346, "both": 11_111}}, {"against": {"held": None}}):
        async with market.served.node.database.write() as s:
            row = await s.get(DeclarationRow, path.rpartition("/")[2])
            assert row is not None
            row.risk = row.risk | risk if "held" in risk else risk  # not routed yet
            s.add(row)
        assert ("12,345, 12,346, 11,111" in (await officer.get(path)).words) is ("held" in risk)

    stranger = Browser(market.served, market.people["buyer"], "en")
    assert (await stranger.client.get(f"/en{path}")).status_code == 404
