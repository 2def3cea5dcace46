"""A registered right that ends takes with it, at the very next act, what is offered on it."""

import pytest

from ledger.reader import statements_of
from market.listings.repository import get_listing
from market.listings.rules import ListingState
from registry.ending import cancel_right, revoke_right
from registry.errors import RightNotHeld, RightNotYours, RightRegisteredBefore, RightRevoked
from registry.repository import rights_in
from registry.rules import Right, Source, SourceFacts
from registry.service import register_rights_basis
from tests.market.conftest import scene, scenery, sqlite_scene
from tests.standstill import refused

__all__ = ["scene", "scenery", "sqlite_scene"]


def about(scene, **more):
    return {
        "product_id": scene.listing.product_id,
        "right": Right.OPERATE,
        "reason_code": "FALSE_PROOF",
        **more,
    }


async def listing_of(scene):
    async with scene.database.read() as s:
        return await get_listing(s, listing_id=scene.listing.listing_id)


async def revoked(scene):
    facts = about(scene, holder_id=scene.seller.org_id)
    return await scene.house.operator.do(revoke_right, attempted="REG.REVOKE", **facts)


async def entered_again(scene):
    source = {"source": Source.SELF_COLLECTED, "facts": SourceFacts(), "claimed": frozenset({Right.OPERATE})}
    return await scene.seller.do(
        register_rights_basis,
        attempted="LST.SUBMIT",
        product_id=scene.listing.product_id,
        holder_id=scene.seller.org_id,
        source_statement_sha256="ab" * 32,
        **source,
    )


@pytest.mark.parametrize("end", ["REVOKED", "CANCELLED"])
async def test_nothing_is_inquired_for_after_it_and_the_listing_falls(scene, end):
    if end == "REVOKED":
        await revoked(scene)
    else:
        await scene.seller.do(cancel_right, attempted="REG.CANCEL", **about(scene))
    assert (await listing_of(scene)).status is ListingState.LISTED  # the clock has not looked yet
    async with refused(scene.database, RightNotHeld):
        await scene.inquire()
    await scene.run_jobs()
    fallen = await listing_of(scene)
    assert (fallen.status, fallen.reasons) == (ListingState.SUSPENDED, ["REGISTRATION_LOST"])
    async with scene.database.read() as s:
        said = await statements_of(s, object_id=scene.listing.product_id)
        (row,) = [one for one in await rights_in(s, product_id=fallen.product_id) if one.ended_at]
    assert (row.right, row.ended_as) == (Right.OPERATE, end)
    last = said[-1].predicate
    assert (last["from"], last["to"], last["right"]) == ("REGISTERED", end, "OPERATE")
    async with refused(scene.database, RightNotHeld):
        await revoked(scene)


async def test_a_revoked_right_is_not_entered_again_by_submitting_once_more_a_cancelled_one_is(scene):
    async with refused(scene.database, RightRegisteredBefore):
        await entered_again(scene)
    await scene.seller.do(cancel_right, attempted="REG.CANCEL", **about(scene))
    (row,) = await entered_again(scene)
    assert row.ended_at is None
    await revoked(scene)
    async with refused(scene.database, RightRevoked):
        await entered_again(scene)


async def test_nobody_revokes_an_own_right_or_is_no_registrar(scene):
    facts = about(scene, holder_id=scene.seller.org_id)
    for who in (scene.samr, scene.seller):
        async with refused(scene.database, RightNotYours):
            await who.do(revoke_right, attempted="REG.REVOKE", **facts)
    own = about(scene, holder_id=scene.house.operator.org_id)
    async with refused(scene.database, RightNotYours):
        await scene.house.operator.do(revoke_right, attempted="REG.REVOKE", **own)
    async with refused(scene.database, RightNotHeld):
        await scene.stranger.do(cancel_right, role="PROVIDER", attempted="REG.CANCEL", **about(scene))
