"""Authorised operation by clicks: the scheme, each step with its form, the register for everyone."""

from collections.abc import AsyncIterator

import pytest

from registry.operation.rules import Clause
from tests.web.nodes import Served
from tests.web.operating import ENVIRONMENT, FIELDS, PURPOSE, YUAN, Operation, operating
from tests.web.pages.browsing import Browser, Page
from tests.web.pages.test_every_page import structure
from tests.web.pages.test_registering import submit

PLACE = "/registry/operation"


@pytest.fixture
async def room(served: Served) -> AsyncIterator[Operation]:
    async with served.client() as http:
        yield await operating(served, http)


async def at(room: Operation, name: str, path: str, lang: str = "zh") -> tuple[Browser, Page]:
    browser = Browser(room.served, room.people[name], lang)
    page = await browser.get(path)
    assert structure(page, lang) == []
    return browser, page


async def step(room: Operation, who: str, path: str, event: str, expect: int = 303, /, **fields) -> Page:
    """One step, by its form on the grant's page."""
    browser, page = await at(room, who, path)
    after = await submit(browser, page, f"{path}/{event}", expect, **fields)
    assert structure(after, "zh") == []
    return after


def scheme_form(room: Operation) -> dict:
    said = room.scheme()
    return {
        **{name: said[name] for name in said if isinstance(said[name], str)},
        "conditions": "三级等保\n近三年无重大违法记录",
        "data_ids": "\n".join(said["data_ids"]),
        "term_months": "36",
        "products_paid": "小微授信接口 | THOUSAND_CALLS",
        "products_free": "公益查询 | CALL",
    }


async def test_from_the_scheme_to_a_price_within_its_cap(room: Operation) -> None:
    browser, page = await at(room, "agency", f"{PLACE}/scheme", "en")
    wrong = await submit(browser, page, PLACE, 409, **(scheme_form(room) | {"security": " "}))
    assert "grant-scheme-incomplete" in wrong.text
    assert room.scheme()["need"] in wrong.text  # what was written is kept
    await submit(browser, wrong, PLACE, **scheme_form(room))
    path = browser.place.path.removeprefix("/en")
    assert path.startswith(PLACE)

    stranger = Browser(room.served, None, "zh")
    assert (await stranger.client.get(path)).status_code == 404
    assert "普惠金融公共数据授权运营" not in (await stranger.get(PLACE)).words
    social = await step(room, "social", path, "consent")
    assert [form for form in social.forms if path in form.action] == []  # nothing more is its own to do
    meeting = {"meeting_sha256": "4" * 64, "meeting_on": room.day(), "filed_with": room.id_of("province")}
    await step(room, "chief", path, "decide", **meeting)
    selection = room.selection()
    lines = "\n".join(f"{one['org_id']} | {one['score']}" for one in selection.pop("bidders"))
    shown = await step(room, "agency", path, "select", **selection, bidders=lines)
    assert "92.1" in shown.words
    agreement = room.agreement()
    clauses = {f"clause-{clause}": "双方约定" for clause in Clause} | {"redevelopment_barred": "yes"}
    terms = {name: agreement[name] for name in ("term_from", "term_to", "document_sha256")}
    await step(room, "agency", path, "sign", **clauses, **terms)
    _, before = await at(room, "operator", path)
    assert "三级等保" in before.words  # it reads what it signs
    told = await (await room.desk("operator")).get(f"/grants/{path.rpartition('/')[2]}")
    assert told["agreement_sha256"] in before.text
    filed = {"agreement_sha256": told["agreement_sha256"], "filed_with": room.id_of("province")}
    granted = await step(room, "operator", path, "countersign", **filed)
    assert "协议已签订" in granted.words

    await operated(room, path, await room.activated(f"/grants/{path.rpartition('/')[2]}"))
    await seen_by_everyone(room, path)


async def operated(room: Operation, path: str, scenario_id: str) -> None:
    """Another scenario is asked for; data is used and refused; a product gets its cap and price."""
    fields = "\n".join(f"{room.data[name]} | {', '.join(names)}" for name, names in FIELDS.items())
    asked = {"name": "第二场景", "purpose": "保险", "environment": ENVIRONMENT, "fields": fields}
    asked |= {"users": room.id_of("bank"), "starts": room.day(), "ends": room.day(300)}
    await step(room, "operator", path, "ask_scenario", **asked)
    used = {"scenario_id": scenario_id, "data_id": room.data["登记"], "fields": "登记状态", "calls": "7"}
    used |= {"user_id": room.id_of("bank"), "purpose": PURPOSE, "environment": ENVIRONMENT}
    said = await step(room, "operator", path, "use", 409, **(used | {"fields": "登记状态, 电话"}))
    assert "grant-outside-scope" in said.text
    assert "湾区普惠银行" in (await step(room, "operator", path, "use", **used)).words

    product_id = "prd_" + "0" * 26
    product = {"product_id": product_id, "scenario_id": scenario_id, "title": "小微授信接口"}
    product |= {"product_class": "PAID", "unit": "THOUSAND_CALLS"}
    await step(room, "operator", path, "add_product", **product)
    caps = {f"cap-{product_id}": "80", f"units-{product_id}": "100000", "cost_minor": "10000000"}
    caps |= {"bond_yield": "0.0175", "margin": "0.06", "document_sha256": "6" * 64}
    await step(room, "agency", path, "set_caps", **caps)
    place = f"/grants/{path.rpartition('/')[2]}/products/{product_id}/caps"
    (cap,) = await (await room.desk("operator")).get(place)
    assert (cap["cap_minor"], cap["trial"]) == (8_000, False)
    dear = await step(room, "operator", path, "set_price", 409, product_id=product_id, price_minor="104")
    assert "grant-price-above-cap" in dear.text
    await step(room, "operator", path, "set_price", product_id=product_id, price_minor=f"{8_000 // YUAN}")


async def seen_by_everyone(room: Operation, path: str) -> None:
    """The register and the grant without its file, and no form of anybody's."""
    for lang in ("zh", "en"):
        everyone = Browser(room.served, None, lang)
        for place in (PLACE, path):
            page = await everyone.get(place)
            assert structure(page, lang) == []
            assert "普惠金融公共数据授权运营" in page.words
        assert [form for form in page.forms if "/registry/" in form.action] == []
        assert "登记状态" in page.words
        assert "双方约定" not in page.words
