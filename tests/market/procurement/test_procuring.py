"""Public agencies buy: nothing is agreed without a basis, nor past an unseen duplicate."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, update

from ledger.reader import opening, statements_of
from market.listings.repository import get_listing
from market.listings.tables import ListingFile, Product
from market.orders.rules import TradeState
from market.orders.tables import ContractRecipient, Trade
from market.procurement import repository
from market.procurement.errors import (
    NotPublicBuyer,
    ProcurementBasisMissing,
    ProcurementClosed,
    ProcurementOverBudget,
    PurchaseDuplicate,
)
from market.procurement.forgetting import forget_budget
from market.procurement.rules import Basis, Method, Outcome, Reason, Way
from market.procurement.service import state_procurement
from market.trade.accepting import sign_contract
from tests.houses import Party
from tests.market.trade.scene import PRICE, Scene, both
from tests.standstill import refused

ROLES = {"PUBLIC_AGENCY", "BUYER"}


async def offered(scene: Scene, agency: Party, **changes: Any) -> str:
    """An inquiry of an agency, with the seller's offer."""
    scene.clock.advance(timedelta(seconds=1))
    trade_id = (await scene.inquire(who=agency, broker_id=None)).trade_id
    await scene.offer(trade_id, scene.seller, **changes)
    return trade_id


async def state(
    agency: Party, trade_id: str, seen: Sequence[str] = (), reason: Reason | None = None, budget: int = PRICE
) -> Any:
    return await agency.do(
        state_procurement,
        role="BUYER",
        attempted="PCM.STATE",
        object_id=trade_id,
        trade_id=trade_id,
        basis=Basis(Method.SINGLE_SOURCE, "2026-数据-014", budget, "ba" * 32),
        seen=seen,
        reason=reason,
    )


async def sign(scene: Scene, trade_id: str, agency: Party) -> None:
    for who, role in ((scene.seller, "PROVIDER"), (agency, "BUYER")):
        await who.do(sign_contract, role=role, attempted="TRD.SIGN", object_id=trade_id, trade_id=trade_id)


async def test_a_second_agency_is_warned_before_it_is_bound(scene: Scene) -> None:
    first = await scene.house.admit("市交通局", ROLES)
    second = await scene.house.admit("市统计局", ROLES)
    one, two = await offered(scene, first), await offered(scene, second, price_minor=60_000_000)

    async with refused(scene.database, ProcurementBasisMissing):
        await scene.accept(one, first, role="BUYER")
    async with refused(scene.database, NotPublicBuyer):
        await state(scene.seller, one)
    await state(first, one, budget=PRICE - 1)
    async with refused(scene.database, ProcurementOverBudget):
        await scene.accept(one, first, role="BUYER")
    await state(first, one)
    await state(second, two)  # nobody has it yet
    assert (await scene.accept(one, first, role="BUYER")).status is TradeState.CONTRACT_READY

    async with refused(scene.database, PurchaseDuplicate) as told:  # it has appeared meanwhile
        await scene.accept(two, second, role="BUYER")
    (seen,) = told.value.facts["duplicates"]
    assert (seen["trade_id"], seen["buyer"], seen["price_minor"]) == (one, "市交通局", PRICE)
    async with refused(scene.database, PurchaseDuplicate):
        await state(second, two, seen=[one])  # seen, and no reason
    await sign(scene, one, first)  # what others do after it does not stop the first
    row = await state(second, two, seen=[one], reason=Reason.OTHER_PERIOD)
    assert (await scene.accept(two, second, role="BUYER")).status is TradeState.CONTRACT_READY
    await sign(scene, two, second)
    async with refused(scene.database, ProcurementClosed):
        await state(second, two, seen=[one], reason=Reason.URGENT)

    async with scene.database.read() as s:
        (said,) = await statements_of(s, object_id=row.procurement_id)
        kept = await opening(s, sha256=said.opening_sha256 or "")
        rows = await repository.disclosed(s)
        page = await repository.disclosed(s, after=two)
    assert (said.predicate["seen"], said.predicate["reason_code"], said.predicate["number"]) == (
        [one],
        "OTHER_PERIOD",
        2,
    )
    assert said.predicate["to"] == "STATED"
    assert "数据-014" not in str(said.predicate)
    assert kept is not None
    assert kept["budget_minor"] == str(PRICE)
    assert [(r.trade_id, r.price_minor, r.method, r.outcome) for r in rows] == [
        (two, 60_000_000, Method.SINGLE_SOURCE, Outcome.STANDING),
        (one, PRICE, Method.SINGLE_SOURCE, Outcome.STANDING),
    ]
    assert [r.trade_id for r in page] == [one]


async def test_whoever_accepts_and_what_ends_a_duplicate(sqlite_scene: Scene) -> None:
    scene = sqlite_scene
    first = await scene.house.admit("市交通局", ROLES)
    second = await scene.house.admit("市统计局", ROLES)
    one = await offered(scene, first)
    stated = await state(first, one)
    await scene.accept(one, first, role="BUYER")
    async with scene.database.write() as s:
        await forget_budget(s, procurement_id=stated.procurement_id)
    about = {"attempted": "TRD.SIGN", "object_id": one, "trade_id": one}
    async with refused(scene.database, ProcurementBasisMissing):  # as what was won by auction has none yet
        await first.do(sign_contract, role="BUYER", **about)
    await state(first, one)
    two = (await scene.inquire(who=second, broker_id=None)).trade_id
    await scene.offer(two, second, role="BUYER")
    async with refused(scene.database, ProcurementBasisMissing):
        await scene.accept(two, scene.seller)
    row = await state(second, two, seen=[one], reason=Reason.URGENT)
    async with scene.database.write() as s:
        await forget_budget(s, procurement_id=row.procurement_id)
    async with refused(scene.database, ProcurementBasisMissing):  # erased: it is stated anew
        await scene.accept(two, scene.seller)
    await sign(scene, one, first)
    await scene.fund(one)
    await scene.start_delivery(one)
    trade = await scene.trade(two)
    async with scene.database.read() as s:
        (found,) = await repository.duplicates_of(s, trade, now=scene.clock.now())
        assert found.until is not None
        later = found.until + timedelta(seconds=1)
        assert await repository.duplicates_of(s, trade, now=later) == []  # its licence is over
    async with scene.database.write() as s:
        await s.exec(update(Trade).where(col(Trade.trade_id) == one).values(status=TradeState.VOIDED))
    async with scene.database.read() as s:
        assert await repository.duplicates_of(s, trade, now=scene.clock.now()) == []
        (gone,) = await repository.disclosed(s)
    assert gone.outcome is Outcome.VOIDED


async def test_a_contract_that_names_the_agency_is_shown_as_a_way_to_share(sqlite_scene: Scene) -> None:
    scene = sqlite_scene
    first = await scene.house.admit("市交通局", ROLES)
    second = await scene.house.admit("市统计局", ROLES)
    one, two = await offered(scene, first), await offered(scene, second)
    await state(first, one)
    await scene.accept(one, first, role="BUYER")
    async with scene.database.write() as s:
        s.add(ContractRecipient(trade_id=one, org_id=second.org_id))
    async with scene.database.read() as s:
        (found,) = await repository.duplicates_of(s, await scene.trade(two), now=scene.clock.now())
    assert found.way is Way.RECIPIENT


@pytest.mark.postgresql
async def test_of_two_agencies_at_once_the_second_sees_the_first(postgresql_scene: Scene) -> None:
    scene = postgresql_scene
    agencies = [await scene.house.admit(name, ROLES) for name in ("市交通局", "市统计局")]
    trades = [await offered(scene, agency) for agency in agencies]
    for agency, trade_id in zip(agencies, trades, strict=True):
        await state(agency, trade_id)
    told = await both(*(scene.accept(t, a, role="BUYER") for t, a in zip(trades, agencies, strict=True)))
    assert sorted(type(one).__name__ for one in told) == ["PurchaseDuplicate", "Trade"]
    states = sorted([(await scene.trade(t)).status.value for t in trades])
    assert states == ["CONTRACT_READY", "NEGOTIATING"]


async def test_who_is_no_agency_buys_as_before(sqlite_scene: Scene) -> None:
    trade = await sqlite_scene.accept(sqlite_scene.trades["NEGOTIATING"], sqlite_scene.buyer)
    assert trade.status is TradeState.CONTRACT_READY


async def test_the_same_bytes_under_another_name_are_the_same_purchase(sqlite_scene: Scene) -> None:
    scene = sqlite_scene
    first = await scene.house.admit("市交通局", ROLES)
    second = await scene.house.admit("市统计局", ROLES)
    one, two = await offered(scene, first), await offered(scene, second)
    await state(first, one)
    await scene.accept(one, first, role="BUYER")
    async with scene.database.write() as s:
        listing = await get_listing(s, listing_id=scene.listing.listing_id)
        product = await s.get(Product, listing.product_id)
        file = await s.get(ListingFile, listing.file_id)
        assert product is not None
        assert file is not None
        again = {
            "product_id": "prd_" + "0" * 26,
            "listing_id": "lst_" + "0" * 26,
            "file_id": "fil_" + "0" * 26,
        }
        for row in (product, file, listing):
            kept = row.model_dump()
            s.add(type(row)(**kept | {name: new for name, new in again.items() if name in kept}))
            await s.flush()
        named = {"product_id": again["product_id"], "listing_id": again["listing_id"]}
        await s.exec(update(Trade).where(col(Trade.trade_id) == two).values(**named))
    async with scene.database.read() as s:
        trade = await scene.trade(two)
        (found,) = await repository.duplicates_of(s, trade, now=scene.clock.now())
    assert (found.trade_id, found.buyer) == (one, "市交通局")
    async with refused(scene.database, PurchaseDuplicate):
        await state(second, two, reason=Reason.URGENT)


async def test_purchases_that_name_one_budget_stay_within_it_together(sqlite_scene: Scene) -> None:
    scene = sqlite_scene
    agency = await scene.house.admit("市交通局", ROLES)
    one, two = await offered(scene, agency), await offered(scene, agency, price_minor=1_000)
    await state(agency, one, budget=PRICE + 999)
    await scene.accept(one, agency, role="BUYER")
    await state(agency, two, budget=PRICE + 999)
    async with refused(scene.database, ProcurementOverBudget):
        await scene.accept(two, agency, role="BUYER")
    await state(agency, two, budget=PRICE + 1_000)
    scene.clock.advance(timedelta(seconds=1))
    assert (await scene.accept(two, agency, role="BUYER")).status is TradeState.CONTRACT_READY
    await sign(scene, one, agency)  # what was agreed after it does not stop the first
    await sign(scene, two, agency)
