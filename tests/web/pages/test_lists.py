"""The lists on pages, by clicks: a system, its data, a demand, a disputed item, a file read and entered."""

from typing import Any

import pytest

from registry.lists import repository
from tests.registry.lists.test_importing import GOOD, cells
from tests.web.api.test_lists import a_list
from tests.web.market import Market
from tests.web.pages.browsing import Browser
from tests.web.pages.test_every_page import structure
from tests.web.pages.test_registering import submit

SYSTEM = {"name": GOOD["所属系统"], "purpose": "许可", "region": "440000"}
DATA = {
    "name": "营运车辆",
    "abstract": "牌照与许可",
    "kind": "TABLE",
    "region": "440000",
    "update": "DAILY",
    "level": "general-2",
    "share": "CONDITIONAL",
    "share_reason": "依法履职",
    "fields_held": "车牌号 | text | 号牌 |  | \n姓名 | text || | yes",
}


@pytest.fixture
async def agencies(market: Market) -> list[Any]:
    names = {"transport": "省交通运输厅", "police": "省公安厅"}
    return [
        await market.served.colleague(
            await market.served.admit(name, {"PUBLIC_AGENCY"}, login=login), f"{login}-clerk"
        )
        for login, name in names.items()
    ]


async def test_from_a_system_to_a_served_request(market: Market, agencies: list[Any]) -> None:
    ours, theirs = (Browser(market.served, one, "en") for one in agencies)
    page = await ours.get("/registry/lists/systems")
    assert "Nothing stands in this list yet" in page.words
    assert structure(page, "en") == []
    page = await submit(ours, page, "/registry/lists/systems", **SYSTEM)
    assert structure(page, "en") == []
    system_id = str(ours.place).rpartition("/")[2]
    page = await ours.get("/registry/lists/data")
    again = await submit(ours, page, "/registry/lists/data", expect=422, **(DATA | {"region": "9"}))
    assert "This does not have the form asked for." in again.words
    page = await submit(ours, page, "/registry/lists/data", **DATA, system_id=system_id)
    assert structure(page, "en") == []
    assert "General, level 3" in page.words or "general-3" in page.words or "3" in page.words
    data_id = str(ours.place).rpartition("/")[2]
    page = await submit(ours, page, "/change", abstract="牌照、许可与人员")
    assert "Data entry changed" in page.words
    page = await submit(ours, page, "/mount", interface="https://api.example.cn/vehicles")
    assert "an interface" in page.words
    page = await theirs.get("/registry/lists/shares")
    asked = {"data_id": data_id, "kind": "SHARE", "purpose": "执法", "basis": "公路法"}
    page = await submit(theirs, page, "/registry/lists/shares", **asked)
    assert structure(page, "en") == []
    share = str(theirs.place).split("/en")[-1]
    page = await submit(ours, await ours.get(share), "/grant", answer="同意")
    page = await submit(ours, page, "/serve")
    assert "Served" in page.words
    page = await theirs.get("/registry/lists/demands")
    page = await submit(theirs, page, "/registry/lists/demands", name="车辆", purpose="执法")
    assert "none: an open gap" in page.words
    page = await submit(theirs, page, "/match", data_id=data_id)
    assert SYSTEM["name"] in page.words
    assert structure(page, "en") == []


async def test_an_item_is_disputed_and_the_authority_decides(market: Market, agencies: list[Any]) -> None:
    ours, theirs = (Browser(market.served, one, "zh") for one in agencies)
    page = await ours.get("/registry/lists/items")
    page = await submit(ours, page, "/registry/lists/items", name="车牌号", meaning="号牌号码")
    place = str(ours.place).split("/zh")[-1]
    said = {"function": "车辆登记", "basis": "道路交通安全法"}
    await submit(ours, page, "/claim", **said)
    page = await submit(theirs, await theirs.get(place), "/dispute", **said)
    assert structure(page, "zh") == []
    authority = Browser(market.served, market.people["authority"], "zh")
    page = await authority.get(place)
    page = await submit(authority, page, "/resolve", reason="登记职责")
    async with market.served.node.database.read() as s:
        (row,) = await repository.items(s)
    assert row.status.value == "RESOLVED"
    page = await authority.get("/registry/lists/censuses")
    due = {
        "name": "2026年普查",
        "due_on": "2027-01-31",
        "agency_ids": "\n".join(one.org_id for one in agencies),
    }
    page = await submit(authority, page, "/registry/lists/censuses", **due)
    assert structure(page, "zh") == []
    place = str(authority.place).split("/zh")[-1]
    page = await submit(ours, await ours.get(place), "/return", systems="1", entries="2")
    assert "0/1" in page.words


async def test_who_is_agency_and_data_authority_acts_as_what_the_state_asks(
    market: Market, agencies: list[Any]
) -> None:
    both = {"PUBLIC_AGENCY", "DATA_AUTHORITY"}
    dual = await market.served.admit("市数据局", both, login="dual")
    clerk = await market.served.colleague(dual, "dual-clerk")
    office, ours = Browser(market.served, clerk, "en"), Browser(market.served, agencies[0], "en")
    page = await submit(ours, await ours.get("/registry/lists/items"), "/items", name="车牌号", meaning="号")
    place = str(ours.place).split("/en")[-1]
    await submit(ours, page, "/claim", function="车辆登记", basis="道路交通安全法")
    page = await submit(office, await office.get(place), "/confirm")
    said = {"name": "普查", "due_on": "2027-01-31", "agency_ids": dual.org_id}
    page = await submit(office, await office.get("/registry/lists/censuses"), "/censuses", **said)
    await submit(office, page, "/return", systems="1", entries="2")
    page = await submit(office, await office.get("/registry/lists/data"), "/data", **DATA)
    data_id = str(office.place).rpartition("/")[2]
    asked = {"data_id": data_id, "kind": "SHARE", "purpose": "执法", "basis": "公路法"}
    await submit(ours, await ours.get("/registry/lists/shares"), "/shares", **asked)
    share = str(ours.place).split("/en")[-1]
    await submit(office, await office.get(share), "/grant", answer="同意")
    async with market.served.node.database.read() as s:
        (item,), (row,) = await repository.items(s), await repository.shares(s)
        (census,) = await repository.censuses(s)
        (returned,) = await repository.returns_of(s, census_id=census.census_id)
    assert (item.status.value, row.status.value) == ("CONFIRMED", "ANSWERED_GRANT")
    assert (returned.said_systems, returned.said_entries) == (1, 2)


async def test_a_file_is_read_looked_at_and_entered(market: Market, agencies: list[Any]) -> None:
    ours = Browser(market.served, agencies[0], "en")
    page = await ours.get("/registry/lists/systems")
    await submit(ours, page, "/registry/lists/systems", **SYSTEM)
    page = await ours.get("/registry/lists/imports")
    form = next(one for one in page.forms if "multipart" in str(one) or one.action.endswith("/imports"))
    raw = a_list(cells(), cells(信息资源代码="JT002", 更新周期="偶尔"))
    fields = {"csrf": form.values["csrf"], "list_name": "data"}
    answer = await ours.client.post(form.action, data=fields, files={"file": ("list.csv", raw, "text/csv")})
    assert answer.status_code == 303, answer.text[-2000:]
    page = await ours.get(answer.headers["location"])
    assert structure(page, "en") == []
    assert "a word that is not known" in page.words
    page = await submit(ours, page, "/enter")
    assert "Import entered" in page.words
    answer = await ours.client.post(
        form.action, data=fields, files={"file": ("a.csv", b"PK\x03\x04", "text/csv")}
    )
    assert answer.status_code == 422
    for persona in (None, "authority", "provider"):
        reader = Browser(market.served, market.people[persona] if persona else None, "en")
        page = await reader.get("/registry")
        assert structure(page, "en") == []
        assert ("Data list" in page.words) == (persona == "authority")
