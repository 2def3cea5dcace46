"""A recipient that the contract names takes for itself: the policy asks for it, the meter counts it."""

import pytest
from sqlmodel import col, update

from identity.tables import OrganisationRow
from market.customs.errors import CustomsRouteNotOpen
from market.delivery.access import Declared
from market.delivery.errors import EntitlementForeign, EntitlementRevoked, EntitlementUsedUp, UseKeptForBuyer
from market.delivery.repository import entitlements_for
from market.delivery.rules import DownloadStatus
from market.delivery.service import revoke_entitlement
from market.listings.conditions import Purpose
from market.orders import errors
from market.orders.forgetting import forget_offer
from market.orders.rules import TradeState
from market.orders.scope import LicenceScope
from market.orders.tables import ContractRecipient
from tests.houses import Party
from tests.market.delivery.funded import SECRET_ROWS, Deal
from tests.market.delivery.test_access import licensed
from tests.market.listings.goods import said
from tests.standstill import refused


async def named(
    deal: Deal, *, territory: tuple[str, ...] = ("CN",), region: str | None = None, uses: int = 2
) -> Party:
    """A member that the deal's contract names as a recipient, for two purposes and two uses."""
    friend = await deal.house.admit("湾区信贷", {"BUYER"})
    scope = LicenceScope(
        purposes=(Purpose.RESEARCH, Purpose.RISK_CONTROL), recipients=(friend.org_id,), max_count=uses
    )
    await licensed(deal, scope, territory)
    async with deal.house.database.write() as s:
        s.add(ContractRecipient(trade_id=deal.trade_id, org_id=friend.org_id))
        if region is not None:
            of_it = col(OrganisationRow.org_id) == friend.org_id
            await s.exec(update(OrganisationRow).where(of_it).values(region=region))
    return friend


async def test_a_named_recipient_takes_for_itself_and_it_counts_and_delivers_nothing_to_the_buyer(deal):
    friend = await named(deal)
    await deal.start()
    assert await deal.take(party=friend, declared=Declared("RESEARCH")) == SECRET_ROWS
    receipt, opening = await said(deal.house.database, "DLV.DOWNLOAD", deal.trade_id)
    assert (opening["taken_by"], opening["recipient"], opening["purpose"]) == (
        friend.org_id,
        friend.org_id,
        "RESEARCH",
    )
    assert friend.org_id not in str(receipt)  # whom a contract names is not public
    assert (await deal.trade()).status is TradeState.DELIVERING
    assert (await deal.entitlement()).used == 1
    async with refused(deal.house.database, UseKeptForBuyer):
        await deal.open(party=friend, declared=Declared("RESEARCH"))
    assert await deal.take(declared=Declared("RESEARCH")) == SECRET_ROWS
    assert (await deal.trade()).status is TradeState.DELIVERED
    async with deal.house.database.read() as s:
        found = await entitlements_for(s, org_id=friend.org_id)
    assert [one.trade_id for one in found] == [deal.trade_id]


async def test_the_only_use_is_the_buyers_until_it_has_taken(deal):
    friend = await named(deal, uses=1)
    await deal.start()
    async with refused(deal.house.database, UseKeptForBuyer):
        await deal.open(party=friend, declared=Declared("RESEARCH"))
    assert await deal.take(declared=Declared("RESEARCH")) == SECRET_ROWS
    assert (await deal.trade()).status is TradeState.DELIVERED


async def test_a_stranger_takes_nothing_also_where_others_are_named(deal):
    await named(deal)
    await deal.start()
    stranger = await deal.house.admit("无关公司", {"BUYER"})
    for declared in (Declared("RESEARCH"), Declared("RESEARCH", stranger.org_id)):
        async with refused(deal.house.database, EntitlementForeign):
            await deal.open(party=stranger, declared=declared)
    async with deal.house.database.read() as s:
        assert await entitlements_for(s, org_id=stranger.org_id) == []


async def test_the_policy_is_asked_with_the_recipient(deal):
    friend = await named(deal, territory=("440000",), region="110000")
    await deal.start()
    for declared, kind in (
        (Declared("MARKETING"), errors.PurposeNotPermitted),
        (Declared("RESEARCH"), errors.TerritoryNotPermitted),
        (Declared("RESEARCH", deal.buyer.org_id), errors.RecipientNotPermitted),  # for itself alone
    ):
        async with refused(deal.house.database, kind):
            await deal.open(party=friend, declared=declared)
    assert await deal.downloads() == []
    assert await deal.take(declared=Declared("RESEARCH")) == SECRET_ROWS


async def test_buyer_and_recipient_share_one_meter_and_do_not_stand_in_each_others_way(deal):
    friend = await named(deal)
    await deal.start()
    await deal.take(party=friend, range_field="bytes=0-9", declared=Declared("RESEARCH"))  # and goes away
    assert await deal.take(declared=Declared("RISK_CONTROL")) == SECRET_ROWS
    async with refused(deal.house.database, EntitlementUsedUp):  # what the other has under way is a use
        await deal.open(declared=Declared("RISK_CONTROL"))
    await deal.take(party=friend, range_field="bytes=10-", declared=Declared("RESEARCH"))
    entitlement = await deal.entitlement()
    assert (entitlement.used, entitlement.status) == (2, "USED_UP")
    assert {one.taken_by: one.status for one in await deal.downloads()} == {
        friend.org_id: DownloadStatus.COMPLETE,
        deal.buyer.org_id: DownloadStatus.COMPLETE,
    }
    for party in (friend, deal.buyer):
        async with refused(deal.house.database, EntitlementUsedUp):
            await deal.open(party=party, declared=Declared("RESEARCH"))


async def test_the_last_use_under_way_is_not_given_twice(deal):
    friend = await named(deal)
    await deal.start()
    assert await deal.take(declared=Declared("RESEARCH")) == SECRET_ROWS
    await deal.take(range_field="bytes=0-9", declared=Declared("RESEARCH"))
    async with refused(deal.house.database, EntitlementUsedUp):
        await deal.open(party=friend, declared=Declared("RESEARCH"))


async def test_what_ends_the_buyers_right_ends_the_recipients(deal):
    friend = await named(deal)
    await deal.start()
    async with deal.house.database.write() as s:
        await revoke_entitlement(s, trade_id=deal.trade_id)
    async with refused(deal.house.database, EntitlementRevoked):
        await deal.open(party=friend, declared=Declared("RESEARCH"))


async def test_a_recipient_of_an_erased_policy_is_a_stranger(deal):
    friend = await named(deal)
    await deal.start()
    async with deal.house.database.write() as s:
        await forget_offer(s, trade_id=deal.trade_id, statement_id="sta_test")
    async with refused(deal.house.database, EntitlementForeign):
        await deal.open(party=friend, declared=Declared("RESEARCH"))
    async with refused(deal.house.database, errors.PolicyErased):
        await deal.open(declared=Declared("RESEARCH"))


@pytest.mark.parametrize("by_itself", [True, False])
async def test_to_a_recipient_abroad_nothing_goes_beside_what_customs_has_cleared(deal, by_itself):
    friend = await named(deal, territory=("CN", "HK"), region="810000")
    await deal.start()
    async with refused(deal.house.database, CustomsRouteNotOpen):
        if by_itself:
            await deal.open(party=friend, declared=Declared("RESEARCH"))
        else:
            await deal.open(declared=Declared("RESEARCH", friend.org_id))
