"""A person and a holder by clicks: invited, consented, withdrawn, asked, answered, complained."""

import re

from registry.grading.describing import note_draft
from registry.rules import Level
from registry.subjects.rules import TOLD, ConsentKind
from tests.registry.grading.bench import PRODUCT
from tests.web.market import Market
from tests.web.pages.browsing import Browser
from tests.web.pages.test_every_page import structure
from tests.web.pages.test_registering import submit

CODE = re.compile(r"[A-Z2-7]{6}(-[A-Z2-7]{6}){3}")


async def test_a_person_consents_withdraws_and_asks_by_clicks(market: Market) -> None:
    party = await market.served.admit("广东健康数据公司", {"PROVIDER"}, login="clinic")
    house = market.served.node.house
    async with market.served.node.database.write() as s:
        known = {"level": Level.GENERAL_3, "words": "健康指数", "sector": "Q", "sources": ()}
        await note_draft(s, house.exchange_act(), object_id=PRODUCT, holder_id=party.org_id, **known)
    holder, person = Browser(market.served, party, "en"), Browser(market.served, None, "zh")
    desk = await holder.get("/persons")
    code = desk.form("/persons/invite").values["invitation"]
    desk = await submit(holder, desk, "/persons/invite", pseudonym="3C" * 32)
    told = dict.fromkeys(TOLD[ConsentKind.SENSITIVE], "按法律告知")
    asked = {"kind": "SENSITIVE", "object_id": PRODUCT, "text": "同意处理健康信息", "purposes": ["RESEARCH"]}
    bundled = {"recipients": party.org_id}
    wrong = await submit(holder, desk, "/persons/publish_wording", 422, **(asked | told | bundled))
    assert "to provide to others is asked by itself" in wrong.words
    desk = await submit(holder, desk, "/persons/publish_wording", **(asked | told))

    page = await person.get("/my-data")
    assert structure(page, "zh") == []
    page = await person.send(page, "/my-data/open", {"invitation": "NOBODY-KNOWS-THIS"}, expect=409)
    page = await person.send(page, "/my-data/open", {"invitation": code.lower()}, expect=201)
    own = CODE.search(page.words)
    assert own is not None
    page = await person.get("/my-data")
    assert structure(page, "zh") == []
    await person.send(page, "/my-data/give")
    await person.send(await person.get("/my-data"), "/my-data/withdraw")
    page = await person.get("/my-data")
    await person.send(page, "/my-data/ask", {"text": "请提供副本", "kind": "COPY"})
    assert [form.action for form in page.forms if form.action.endswith("withdraw")] == []
    desk = await holder.get("/persons")
    assert structure(desk, "en") == []
    assert "Withdrawn" in desk.words
    await submit(holder, desk, "/persons/refuse", text="已删除", reason="NOT_HELD")
    page = await person.get("/my-data")
    filed = await person.send(page, "/my-data/complain", {"text": "没有理由"}, expect=201)
    assert CODE.search(filed.words)
    await person.send(await person.get("/my-data"), "/my-data/sign-out")
    await person.send(await person.get("/my-data"), "/my-data/sign-in", {"code": own[0]})
