"""Levels on pages, by clicks: a seller declares, an officer decides beside the scan; the catalogue."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.web.api.conftest import Room
from tests.web.api.test_gradings import SAID, department
from tests.web.api.test_registrations import offered
from tests.web.market import Market
from tests.web.pages.browsing import Browser
from tests.web.pages.test_every_page import structure
from tests.web.pages.test_registering import submit

DECLARED = {
    "level": "general-2",
    "sector": "d44",
    "data_class": "production",
    "reason": "FIRST",
    "harm_organisation": "serious",
    "why": "可推知企业产能",
    "fields": "index | general-1\n负责人 | general-1 | 个人",
    "persons": "0",
    "sensitive_persons": "0",
    "joined": "1",
}


@pytest.fixture
async def room(market: Market, tmp_path: Path) -> AsyncIterator[Room]:
    """The market with a client of the API beside the browsers."""
    async with market.served.client() as http:
        yield Room(market, http, tmp_path)


async def test_a_level_from_the_declaration_to_the_decision(room: Room) -> None:
    market = room.market
    listing_id = await offered(room, "SJ3112026090001")
    product_id = (await (await room.desk("operator")).get(f"/listings/{listing_id}"))["product_id"]
    path = f"/registry/grading/{product_id}"
    provider = Browser(market.served, market.people["provider"], "zh")
    page = await provider.get("/registry/grading")
    assert structure(page, "zh") == []
    page = await provider.get(path)
    assert structure(page, "zh") == []
    wrong = await submit(provider, page, f"{path}/declare", expect=422, **(DECLARED | {"data_class": "user"}))
    assert "可推知企业产能" in wrong.words
    await (await room.desk("provider")).act(f"/grading/objects/{product_id}/gradings", SAID)
    page = await provider.get(path)  # its key is its own: it has signed at home
    assert "依据理由（组织权益，一般危害）：一般数据 2 级" in page.words
    assert structure(page, "zh") == []
    operator = Browser(market.served, market.people["operator"], "en")
    desk = await operator.get(path)
    assert "General harm" in desk.words
    assert structure(desk, "en") == []
    desk = await submit(operator, desk, f"{path}/decide", level="general-3", opinion="as the matrix says")
    assert "Level in force" in desk.words
    await room.served.node.run_jobs()
    stranger = Browser(market.served, market.people["second"], "en")
    assert (await stranger.get(path, expect=403)).words


async def test_the_catalogue_from_the_department_to_the_authority(room: Room) -> None:
    market = room.market
    clerk, _, _ = await department(room)
    said = {"region": "440000", "sector": "D44", "name": "电网调度数据", "description": "调度运行"}
    row = await clerk.act("/important-data", said | {"keywords": ["电网调度"], "patterns": ["负荷"]})
    path = f"/registry/important/{row['entry_id']}"
    authority = Browser(market.served, market.people["authority"], "zh")
    for address in ("/registry/important", path):
        page = await authority.get(address)
        assert "电网调度" in page.words
        assert structure(page, "zh") == []
    provider = Browser(market.served, market.people["provider"], "en")
    assert (await provider.get("/registry/important", expect=403)).words
