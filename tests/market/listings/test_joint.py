"""Joint products: nothing is sold before all contributors agree, nor after one withdraws; each one's part."""

from datetime import timedelta

from cases.erasing import erase_opening
from cases.errors import OpeningInUse
from ledger.reader import opening, statements_of
from market.listings.errors import ListingWrongRole
from market.listings.joining import ask_contributor
from market.listings.repository import get_listing
from market.listings.rules import ListingState
from market.orders.rules import TradeState
from market.settlement.joint import shares_of
from registry.contributions import service
from registry.contributions.errors import (
    ContributionMalformed,
    ContributionOpen,
    ContributionUnfounded,
    ContributionUnknown,
    ContributionWrongRole,
    ContributionWrongState,
    ContributorsUnnamed,
)
from registry.contributions.repository import contribution_of
from registry.contributions.rules import Basis, BasisKind
from registry.contributions.states import ContributionState
from registry.operation.errors import GrantNotLive
from registry.rules import Right, Source, SourceFacts
from registry.service import register_rights_basis
from tests.market.conftest import scene, scenery, sqlite_scene
from tests.market.trade.scene import PRICE, both
from tests.standstill import refused, untouched

__all__ = ["scene", "scenery", "sqlite_scene"]
OWN = Basis(kind=BasisKind.STATEMENT, source=Source.OWN_ACTIVITY, statement_sha256="5a" * 32)
WHAT = "按县区汇总的月度用水量"


async def ask(scene, contributor, share_bp=3_000, *, who=None, **facts):
    said = {"product_id": scene.listing.product_id, "share_bp": share_bp, "what": WHAT} | facts
    return await (who or scene.seller).do(
        ask_contributor, role="PROVIDER", attempted="CTB.ASK", contributor_id=contributor.org_id, **said
    )


async def act(verb, party, row, **facts):
    return await party.do(
        verb, role="PROVIDER", attempted="CTB.ACT", contribution_id=row.contribution_id, **facts
    )


async def test_nothing_is_sold_before_all_agree_nor_after_one_withdraws(scene):
    other = await scene.house.admit("供水数据", {"PROVIDER"})
    row = await ask(scene, scene.stranger)
    second = await ask(scene, other, 0)
    async with refused(scene.database, ContributionOpen) as told:
        await scene.inquire()
    assert told.value.facts["contributors"] == sorted([scene.stranger.org_id, other.org_id])
    await act(service.agree_contribution, scene.stranger, row, basis=OWN)
    await act(service.cancel_contribution, scene.seller, second, reason_code="NOT_NEEDED")
    trade = await scene.inquire()
    assert trade.status is TradeState.INQUIRED

    await act(service.withdraw_contribution, scene.stranger, row, reason_code="END_OF_COOPERATION")
    async with refused(scene.database, ContributionOpen):
        await scene.inquire()
    await scene.run_jobs()
    async with scene.database.read() as s:
        fallen = await get_listing(s, listing_id=scene.listing.listing_id)
        said = await statements_of(s, object_id=row.contribution_id)
        kept = await opening(s, sha256=said[0].opening_sha256 or "")
    assert (fallen.status, fallen.reasons) == (ListingState.SUSPENDED, ["REGISTRATION_LOST"])
    assert [(one.event, one.predicate["to"]) for one in said] == [
        ("CTB.ASK", "ASKED"),
        ("CTB.AGREE", "AGREED"),
        ("CTB.WITHDRAW", "WITHDRAWN"),
    ]
    assert (said[1].predicate["basis"], said[1].predicate["source"]) == ("STATEMENT", "OWN_ACTIVITY")
    assert said[0].predicate["share_bp"] == 3_000
    assert WHAT not in str(said[0].predicate)
    assert kept is not None
    assert kept["what"] == WHAT


async def test_two_asks_at_once_leave_the_seller_a_share(scene):
    other = await scene.house.admit("供水数据", {"PROVIDER"})
    told = await both(ask(scene, scene.stranger, 6_000), ask(scene, other, 6_000))
    refusals = [one for one in told if isinstance(one, Exception)]
    assert [type(one) for one in refusals] == [ContributionMalformed]
    assert refusals[0].facts["left_bp"] == 3_999


async def test_each_is_owed_its_part_of_what_was_contracted_while_it_stood(sqlite_scene):
    scene = sqlite_scene
    before = await scene.walk(TradeState.ACCEPTED_GOODS)
    scene.clock.advance(timedelta(seconds=1))
    row = await ask(scene, scene.stranger, 3_333)
    await act(service.agree_contribution, scene.stranger, row, basis=OWN)
    during = await scene.walk(TradeState.ACCEPTED_GOODS)
    unsettled = await scene.walk(TradeState.FUNDED)
    scene.clock.advance(timedelta(seconds=1))
    await act(service.withdraw_contribution, scene.stranger, row, reason_code="END")
    for trade_id in (before, during):
        trade = await scene.trade(trade_id)
        await scene.run_jobs(max(trade.settle_at, scene.clock.now()))
        await scene.settle(trade_id)
    trade = await scene.trade(during)
    net = PRICE - trade.commission_minor - trade.platform_fee_minor
    async with scene.database.read() as s:
        theirs = await shares_of(s, org_id=scene.stranger.org_id)
        ours = await shares_of(s, org_id=scene.seller.org_id)
        nobodys = await shares_of(s, org_id=scene.buyer.org_id)
        page = await shares_of(s, org_id=scene.seller.org_id, after=during)
    (share,) = theirs
    assert (share.trade_id, share.net_minor, share.amount_minor) == (during, net, net * 3_333 // 10_000)
    assert share.settled_at == trade.settled_at
    assert ours == theirs
    assert nobodys == page == []
    assert unsettled not in {one.trade_id for one in ours}


async def test_who_may_ask_whom_and_answer_what(sqlite_scene):
    scene = sqlite_scene
    database = scene.database
    async with refused(database, ListingWrongRole):
        await ask(scene, scene.buyer, who=scene.stranger)
    for contributor, changes in (
        (scene.stranger, {"share_bp": 10_000}),
        (scene.stranger, {"what": "  "}),
        (scene.seller, {}),  # itself
        (scene.buyer, {}),  # provides no data
    ):
        async with untouched(database, ContributionMalformed):
            await ask(scene, contributor, **changes)
    row = await ask(scene, scene.stranger)
    async with refused(database, ContributionWrongState):
        await ask(scene, scene.stranger)
    for party, verb, facts, error in (
        (scene.seller, service.agree_contribution, {"basis": OWN}, ContributionWrongRole),
        (scene.stranger, service.cancel_contribution, {"reason_code": "NO"}, ContributionWrongRole),
        (scene.stranger, service.withdraw_contribution, {"reason_code": "NO"}, ContributionWrongState),
    ):
        async with refused(database, error):
            await act(verb, party, row, **facts)
    other = await scene.house.admit("旁观数据", {"PROVIDER"})
    async with untouched(database, ContributionUnknown):
        await act(service.refuse_contribution, other, row, reason_code="NO")
    for kind, reference, error in (
        (BasisKind.REGISTRATION, "440010000000001", ContributionUnfounded),
        (BasisKind.GRANT, "aog_01m8q3k2w5x7y9z0a1b2c3d4e5", GrantNotLive),
    ):
        async with refused(database, error):
            await act(
                service.agree_contribution, scene.stranger, row, basis=Basis(kind=kind, reference=reference)
            )
    declined = await act(service.refuse_contribution, scene.stranger, row, reason_code="NOT_OURS")
    assert declined.status is ContributionState.REFUSED
    async with refused(database, ContributionOpen):  # its data is in the product all the same
        await scene.inquire()
    again = await ask(scene, scene.stranger)
    await act(service.agree_contribution, scene.stranger, again, basis=OWN)
    assert (await scene.inquire()).status is TradeState.INQUIRED


async def test_the_consent_to_fused_data_is_the_others_own(sqlite_scene):
    scene = sqlite_scene
    about = {
        "product_id": "prd_fused",
        "holder_id": scene.seller.org_id,
        "source": Source.FUSION,
        "facts": SourceFacts(others_consent=True),
        "source_statement_sha256": "ab" * 32,
    }
    async with refused(scene.database, ContributorsUnnamed):
        await scene.seller.do(
            register_rights_basis, attempted="LST.SUBMIT", claimed=frozenset({Right.OPERATE}), **about
        )
    (held,) = await scene.seller.do(
        register_rights_basis, attempted="LST.SUBMIT", claimed=frozenset({Right.HOLD}), **about
    )
    assert held.right is Right.HOLD
    row = await scene.seller.do(
        service.ask_contribution,
        role="PROVIDER",
        product_id="prd_fused",
        contributor_id=scene.stranger.org_id,
        share_bp=1,
        what=WHAT,
    )
    await act(service.agree_contribution, scene.stranger, row, basis=OWN)
    (given,) = await scene.seller.do(
        register_rights_basis, attempted="LST.SUBMIT", claimed=frozenset({Right.OPERATE}), **about
    )
    assert given.right is Right.OPERATE


async def test_what_is_given_in_words_can_be_erased_once_nothing_stands_on_it(sqlite_scene):
    scene = sqlite_scene
    row = await ask(scene, scene.stranger)
    async with scene.database.read() as s:
        (asked,) = await statements_of(s, object_id=row.contribution_id)
    about = {"statement_id": asked.statement_id, "basis": "PIPL-47-1", "reason": "asked for"}
    async with refused(scene.database, OpeningInUse):
        await scene.house.operator.do(erase_opening, attempted="OPN.ERASE", **about)
    await act(service.refuse_contribution, scene.stranger, row, reason_code="NOT_OURS")
    await scene.house.operator.do(erase_opening, attempted="OPN.ERASE", **about)
    async with scene.database.read() as s:
        left = await contribution_of(s, contribution_id=row.contribution_id, org_id=scene.seller.org_id)
        assert await opening(s, sha256=asked.opening_sha256 or "") is None
    assert (left.what, left.share_bp) == ("", 3_000)
