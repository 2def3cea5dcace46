"""An access key is derived, is for what it was issued for, and ends at once."""

from datetime import timedelta
from typing import Any

import pytest

from base.errors import Malformed
from market.delivery import errors
from market.delivery.access import Declared
from market.delivery.forgetting import forget_key
from market.delivery.keys import (
    MAX_LIVE,
    declared_by,
    get_key,
    issue_key,
    key_of,
    keys_of,
    revoke_key,
    token_of,
)
from market.delivery.tables import AccessKey
from market.orders.errors import PurposeNotPermitted
from tests.houses import Party
from tests.market.delivery.funded import MASTER_KEY, Deal
from tests.market.delivery.test_meter import shared
from tests.market.delivery.test_recipients import named
from tests.market.listings.goods import said
from tests.standstill import refused


async def issued(
    deal: Deal, *, party: Party | None = None, purpose: str = "RESEARCH", days: int = 30
) -> AccessKey:
    entitlement = await deal.entitlement()
    return await (party or deal.buyer).do(
        issue_key,
        attempted="DLV.ISSUE_KEY",
        object_id=entitlement.entitlement_id,
        entitlement_id=entitlement.entitlement_id,
        declared=Declared(purpose),
        days=days,
    )


async def opened(deal: Deal, token: str) -> AccessKey:
    async with deal.house.database.read() as s:
        return await key_of(s, master=MASTER_KEY, token=token, now=deal.house.clock.now())


async def revoked(deal: Deal, key: AccessKey, *, party: Party | None = None) -> Any:
    return await (party or deal.buyer).do(
        revoke_key, attempted="DLV.REVOKE_KEY", object_id=key.key_id, key_id=key.key_id
    )


async def test_a_key_is_for_one_purpose_and_ends_at_once(deal):
    await named(deal)
    await shared(deal)
    key = await issued(deal)
    token = token_of(MASTER_KEY, key.key_id)
    found = await opened(deal, token)
    assert declared_by(found) == Declared("RESEARCH", deal.buyer.org_id)
    public, opening = await said(deal.house.database, "DLV.ISSUE_KEY", deal.trade_id)
    assert (public["key_id"], public["org_id"]) == (key.key_id, deal.buyer.org_id)
    assert opening == {"purpose": "RESEARCH", "recipient": deal.buyer.org_id} | {
        name: value for name, value in opening.items() if name == "nonce"
    }
    assert token.rpartition("_")[2] not in str(public) + str(opening)
    assert (await revoked(deal, key)).revoked_at is not None
    with pytest.raises(errors.AccessKeyRefused):
        await opened(deal, token)
    assert (await revoked(deal, key)).key_id == key.key_id  # again: nothing more happens
    public, _ = await said(deal.house.database, "DLV.REVOKE_KEY", deal.trade_id)
    assert public["key_id"] == key.key_id


async def test_only_the_genuine_secret_opens(deal):
    await named(deal)
    await shared(deal)
    key = await issued(deal)
    token = token_of(MASTER_KEY, key.key_id)
    other = token_of(bytes(32), key.key_id)
    unknown = token_of(MASTER_KEY, "key_" + "0" * 26)
    for wrong in (
        other,
        unknown,
        token[:-1],
        token + "0",
        f"x{token}",
        "",
        "dbk__",
        "dbk_密_钥",
        token.upper(),
    ):
        with pytest.raises(errors.AccessKeyRefused):
            await opened(deal, wrong)
    deal.house.clock.advance(timedelta(days=30))
    with pytest.raises(errors.AccessKeyRefused):
        await opened(deal, token)


async def test_a_key_is_refused_to_strangers_for_other_purposes_and_beyond_its_bounds(deal):
    friend = await named(deal)
    await shared(deal)
    stranger = await deal.house.admit("旁人数据", {"BUYER"})
    async with refused(deal.house.database, errors.EntitlementForeign):
        await issued(deal, party=stranger)
    async with refused(deal.house.database, PurposeNotPermitted):
        await issued(deal, purpose="MARKETING")
    for days in (0, 367):
        with pytest.raises(Malformed):
            await issued(deal, days=days)
    key = await issued(deal, party=friend)
    with pytest.raises(errors.AccessKeyUnknown):
        await revoked(deal, key)  # the friend's, not the buyer's
    entitlement = await deal.entitlement()
    async with deal.house.database.read() as s:
        with pytest.raises(errors.AccessKeyUnknown):
            await get_key(s, key_id=key.key_id, org_id=deal.buyer.org_id)
        mine = await keys_of(s, entitlement_id=entitlement.entitlement_id, org_id=friend.org_id)
    assert [row.key_id for row in mine] == [key.key_id]
    for _ in range(MAX_LIVE - 1):
        await issued(deal)
    async with refused(deal.house.database, errors.TooManyAccessKeys):
        await issued(deal)


async def test_what_a_key_was_for_is_forgotten_with_its_opening(deal):
    await named(deal)
    await shared(deal)
    key = await issued(deal)
    assert key.statement_id is not None
    async with deal.house.database.write() as s:
        await forget_key(s, statement_id=key.statement_id)
    async with deal.house.database.read() as s:
        row = await get_key(s, key_id=key.key_id, org_id=deal.buyer.org_id)
    assert (row.purpose, row.recipient) == (None, None)
