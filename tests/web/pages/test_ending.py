"""A registered right ends, and a login under one's own number is objected to, by their pages."""

from sqlmodel import select

from base.db import Database
from identity.tables import PersonRow
from market.listings.repository import get_listing
from registry.repository import rights_in
from registry.tables import RightsRow
from tests.web.market import Market
from tests.web.pages.browsing import Browser


async def product_of(market: Market) -> str:
    async with market.served.node.database.read() as s:
        return (await get_listing(s, listing_id=market.ids["listed"])).product_id


async def test_a_holder_gives_its_right_up_and_the_registrar_revokes_another(market: Market) -> None:
    product_id = await product_of(market)
    path = f"/rights/{product_id}"
    async with market.served.node.database.read() as s:
        standing = [row.right.value for row in await rights_in(s, product_id=product_id)]
    for who, what in ((market.buyer, None), (market.provider, "cancel"), (market.operator, "revoke")):
        browser = Browser(market.served, who)
        page = await browser.get(path)
        assert [form.action.rpartition("/")[2] for form in page.forms if path in form.action] == (
            [what] if what else []
        )
        if what == "revoke":
            await market.served.prove(who)
            chosen = f"{standing[0]} {market.provider.org_id}"
            await browser.send(page, f"{path}/revoke", {"right": chosen, "reason_code": "SOURCE_UNLAWFUL"})
    async with market.served.node.database.read() as s:
        ended = [row for row in await rights_in(s, product_id=product_id) if row.ended_at is not None]
    assert [(row.right.value, str(row.ended_as)) for row in ended] == [(standing[0], "REVOKED")]
    page = await Browser(market.served, market.provider).get(path)
    assert not any(form.action.endswith("/cancel") for form in page.forms)  # it has ended


async def bear(database: Database, login: str, other: str) -> str:
    """Two logins bear one number; answers the second's id."""
    async with database.write() as s:
        one = (await s.exec(select(PersonRow).where(PersonRow.login == login))).one()
        two = (await s.exec(select(PersonRow).where(PersonRow.login == other))).one()
        one.mark = two.mark = "91" * 32
        s.add(one)
        s.add(two)
        return two.user_id


async def test_who_objects_is_heard_and_the_number_is_struck_elsewhere(market: Market) -> None:
    served = market.served
    other = await bear(served.node.database, "buyer", "second")
    buyer = Browser(served, market.buyer)
    page = await buyer.get("/account/identity")
    await buyer.send(page, "/account/identity", {})
    operator = Browser(served, market.operator)
    page = await operator.get("/ops/identity-contests")
    (form,) = [form for form in page.forms if "/ops/identity-contests/" in form.action]
    assert "岭南征信" in page.words
    await operator.send(page, "/ops" + form.action.partition("/ops")[2], {"struck": other})
    assert "None." in (await operator.get("/ops/identity-contests")).words
    async with served.node.database.read() as s:
        row = (await s.exec(select(PersonRow).where(PersonRow.user_id == other))).one()
        assert row.mark is None
        assert (await s.exec(select(RightsRow).limit(1))).first() is not None
    await Browser(served, market.buyer).get("/ops/identity-contests", expect=403)
