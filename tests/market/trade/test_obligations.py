"""Rights and duties of a contract, each with what is on record: for every contract, asked anew."""

from types import SimpleNamespace

import orjson
from sqlmodel import col, select, update

from base.canonical import canonical
from identity.tables import OrganisationRow
from market.customs.states import DeclarationState
from market.customs.tables import DeclarationRow
from market.listings.categories import ProductType
from market.listings.repository import get_listing
from market.orders.duties import Verdict
from market.orders.repository import signatures_of
from market.orders.rules import TradeState
from market.orders.scope import LicenceScope
from market.orders.tables import Contract, ContractRecipient
from market.trade.obligations import checklist_of, duties_of_contract
from tests.market.customs.test_gate import declared
from tests.market.trade.scene import Scene

PLAIN = [
    *("lawful-source", "graded"),
    *("within-purpose", "no-onward-transfer", "protected", "deleted-at-the-end"),
]


async def lines_of(scene: Scene, trade_id: str):
    async with scene.database.read() as s:
        trade = await scene.trade(trade_id)
        found = await checklist_of(s, trade, now=scene.clock.now())
    return {line.duty.code: line for line in found}


async def moved_abroad(scene: Scene, org_id: str) -> None:
    async with scene.database.write() as s:
        of_it = col(OrganisationRow.org_id) == org_id
        await s.exec(update(OrganisationRow).where(of_it).values(region="810000"))


async def test_a_contract_that_names_a_receiver_abroad_puts_down_that_it_is_cleared(scene: Scene):
    trade = await scene.trade(await scene.walk(TradeState.CONTRACT_READY))
    await moved_abroad(scene, scene.stranger.org_id)
    async with scene.database.read() as s:
        listing = await get_listing(s, listing_id=trade.listing_id)
        for recipients, added in (((), []), ((scene.stranger.org_id,), ["export-cleared"])):
            scope = LicenceScope(recipients=recipients)
            put = await duties_of_contract(s, trade=trade, listing=listing, scope=scope)
            assert [one["code"] for one in put] == [*PLAIN[:2], *added, *PLAIN[2:]]
        listing.product_type = ProductType.COMPUTE
        put = await duties_of_contract(s, trade=trade, listing=listing, scope=LicenceScope())
        assert {one["code"] for one in put} - {*PLAIN} == {"processing-agreed", "as-entrusted"}


async def test_a_contract_from_before_is_checked_by_the_duties_of_the_law(scene: Scene):
    trade_id = await scene.walk(TradeState.CONTRACTED)
    now = await lines_of(scene, trade_id)
    assert list(now) == PLAIN
    assert all(line.signed for line in now.values())
    async with scene.database.write() as s:
        row = (await s.exec(select(Contract).where(Contract.trade_id == trade_id))).one()
        document = orjson.loads(row.document)
        del document["duties"]
        row.document = canonical(document).decode()
        s.add(row)
    before = await lines_of(scene, trade_id)
    assert {code: (line.verdict, line.evidence) for code, line in before.items()} == {
        code: (line.verdict, line.evidence) for code, line in now.items()
    }
    assert not any(line.signed for line in before.values())
    async with scene.database.write() as s:  # as if it were entrusted processing
        listing = await get_listing(s, listing_id=scene.listing.listing_id)
        listing.product_type = ProductType.COMPUTE
        s.add(listing)
        signed = {one.org_id: one.statement_id for one in await signatures_of(s, trade_id=trade_id)}
    entrusted = await lines_of(scene, trade_id)
    assert entrusted["as-entrusted"].evidence.refs == (signed[scene.seller.org_id],)
    assert set(entrusted["processing-agreed"].evidence.refs) == set(signed.values())
    assert await lines_of(scene, await scene.walk(TradeState.NEGOTIATING)) == {}, "no contract, no duty"


STATES = {
    DeclarationState.CLEARED: Verdict.MET,
    DeclarationState.HALTED: Verdict.MISSING,
    DeclarationState.EXPIRED: Verdict.MET,
    DeclarationState.REVOKED: Verdict.MISSING,
    DeclarationState.UNDER_REVIEW: Verdict.MISSING,
}


async def test_what_goes_abroad_is_met_by_a_clearance_for_every_receiver_that_nobody_stopped(
    scene: Scene,
):
    trade_id = await scene.walk(TradeState.CONTRACT_READY)
    async with scene.database.write() as s:
        s.add(ContractRecipient(trade_id=trade_id, org_id=scene.stranger.org_id))
        row = (await s.exec(select(Contract).where(Contract.trade_id == trade_id))).one()
        document = orjson.loads(row.document)
        del document["duties"]
        row.document = canonical(document).decode()
        s.add(row)
    for party in (scene.buyer, scene.stranger):
        await moved_abroad(scene, party.org_id)
    about = SimpleNamespace(house=scene.house, seller=scene.seller, buyer=scene.buyer, trade_id=trade_id)
    first = await declared(about)
    line = (await lines_of(scene, trade_id))["export-cleared"]
    assert (line.verdict, line.evidence.refs) == (Verdict.MISSING, (first.declaration_id,)), "one lacks it"
    goods = (await scene.trade(trade_id)).product_id
    second = await declared(about, to=scene.stranger, trade_id=None, product_id=goods)
    found = {}
    for status in STATES:
        async with scene.database.write() as s:
            of_it = col(DeclarationRow.declaration_id) == second.declaration_id
            await s.exec(update(DeclarationRow).where(of_it).values(status=status))
        found[status] = (await lines_of(scene, trade_id))["export-cleared"].verdict
    assert found == STATES
