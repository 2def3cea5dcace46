"""Incidents, warnings and bulletins on pages: told, graded, reported by forms; read by whom they are for."""

from tests.web.market import Market
from tests.web.pages.browsing import Browser
from tests.web.pages.test_every_page import structure
from tests.web.pages.test_registering import submit

LEAK = {"title": "a leak", "text": "found outside", "kind": "LEAK", "persons": "1000000"}


async def test_an_incident_is_told_graded_and_reported_by_forms(market: Market) -> None:
    buyer, stranger = Browser(market.served, market.buyer, "en"), Browser(market.served, market.second, "en")
    page = await buyer.get("/incidents")
    assert "No clock runs" in page.words
    assert "Early warnings" not in page.words
    assert structure(page, "en") == []
    wrong = await submit(buyer, page, "/incidents", expect=422, **LEAK | {"persons": "many"})
    assert "Please correct what is marked" in wrong.words
    page = await submit(buyer, page, "/incidents", **LEAK)
    path = buyer.place.path.removeprefix("/en")
    assert structure(page, "en") == []
    assert "Set the level" in page.words
    page = await submit(buyer, page, f"{path}/grade", kind="LEAK", persons="1000000")
    assert "Incident level: larger" in page.words
    refused = await submit(buyer, page, f"{path}/contain", expect=409, text="stopped")
    assert "A report that the law wants has not been made" in refused.words
    page = await submit(buyer, page, f"{path}/report", receiver="CAC", report_kind="FIRST", text="a leak")
    assert "Reported to the authority" in page.words
    assert structure(page, "en") == []
    await stranger.get(path, expect=404)
    await Browser(market.served).get("/incidents", expect=303)


async def test_a_weakness_becomes_a_warning_and_a_bulletin_is_read(market: Market) -> None:
    anybody = Browser(market.served, None, "en")
    officer = Browser(market.served, market.operator, "zh")
    page = await anybody.get("/incidents/weakness")
    assert structure(page, "en") == []
    page = await anybody.send(
        page, "/incidents/weakness", {"severity": "HIGH", "text": "an open door"}, expect=200
    )
    assert "Keep this code" in page.words
    board = await officer.get("/incidents")
    assert "外部报告的漏洞" in board.words
    assert structure(board, "zh") == []
    link = next(one["href"] for one in board.named("a") if "/incidents/warnings/" in one.get("href", ""))
    path = link.removeprefix("/zh")
    page = await officer.get(path)
    assert "an open door" in page.words
    assert structure(page, "zh") == []
    desk = await officer.get("/bulletins")
    assert structure(desk, "zh") == []
    told = {"title": "open doors", "colour": "BLUE", "text": "close them", "roles": "BUYER"}
    page = await submit(officer, desk, "/bulletins", **told)
    where = officer.place.path.removeprefix("/zh")
    assert structure(page, "zh") == []
    buyer = Browser(market.served, market.buyer, "en")
    assert "open doors" in (await buyer.get("/bulletins")).words
    page = await buyer.get(where)
    assert structure(page, "en") == []
    page = await submit(buyer, page, f"{where}/receive")
    assert "I have read it" not in page.words
    await Browser(market.served, market.provider, "en").get(where, expect=404)
