"""Further attacks: by another mode, in small parts, again and again, from a network abroad, passed on."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import col, update

from identity.tables import OrganisationRow
from ledger.acts import perform
from market.customs.declared import Mode
from market.customs.errors import (
    CustomsRouteNotOpen,
    DeclarationMalformed,
    DeclarationWrongRole,
    DeclaredVolumeExceeded,
)
from market.customs.gate import let_out_again, require_clearance
from market.customs.networks import ASKED_FROM, enter_networks, parse_networks, place_in
from market.customs.rules import DeliveryFacts
from market.customs.selling_on import as_bought, bought_before
from market.customs.tables import DeclarationRow
from market.delivery.access import Declared
from market.delivery.downloads import _still_open
from market.delivery.kinds import DeliveryKind
from market.delivery.meter.service import use_act
from market.listings.tables import Listing, ListingFile, Product
from market.orders.repository import get_trade
from market.orders.tables import Trade
from registry.rules import Level
from tests.market.customs.test_gate import (
    ATTACKS,
    SHUT,
    as_kind,
    attacked,
    declared,
    moved_to,
    officer,
    row_of,
    use,
)
from tests.market.delivery.funded import Deal
from tests.market.delivery.test_recipients import named
from tests.standstill import refused

NETS = [
    {"cidr": "203.0.113.0/24", "region": "SG"},
    {"cidr": "203.0.113.64/26", "region": "440100"},
    {"cidr": "2001:db8:1::/48", "region": "HK"},
]


async def test_what_was_cleared_goes_by_no_mode_that_gives_more(deal: Deal):
    await moved_to(deal, deal.buyer, "810000")
    row = await declared(deal)
    await deal.start()
    given = {"download", "stream under way", "package", "key of a package", "share"}
    given |= {name for name in ATTACKS if name.endswith(" SHARE")}
    for mode, shut in (
        (Mode.API, given),
        (Mode.REMOTE_ACCESS, given),
        (Mode.PRIVACY_COMPUTING, given | {name for name in ATTACKS if name.endswith(" API")}),
    ):
        async with deal.house.database.write() as s:
            said = (await row_of(deal, row)).said | {"mode": mode.value}
            of_it = col(DeclarationRow.declaration_id) == row.declaration_id
            await s.exec(update(DeclarationRow).where(of_it).values(said=said))
        for name in sorted(shut):
            with pytest.raises(CustomsRouteNotOpen):
                await ATTACKS[name](deal)
        await use(deal, DeliveryKind.QUERY, key=mode.value)
    assert (await row_of(deal, row)).sent_uses == 3


async def test_an_answer_that_goes_again_is_counted_again_in_parts_and_of_many_at_once(deal: Deal):
    await moved_to(deal, deal.buyer, "810000")
    row = await declared(deal, volume_bytes=150, volume_uses=3)
    await deal.start()
    counted = await use(deal, DeliveryKind.API, key="a", size=60)
    await use(deal, DeliveryKind.API, key="a", size=60)  # the same answer left twice
    kept = await row_of(deal, row)
    assert (kept.sent_bytes, kept.sent_uses) == (120, 1)
    async with refused(deal.house.database, DeclaredVolumeExceeded):
        await use(deal, DeliveryKind.API, key="a", size=60)
    async with deal.house.database.read() as s:
        trade = await get_trade(s, trade_id=deal.trade_id)

    async def part(size: int, carried: str) -> None:
        async def again(s, act):
            await let_out_again(
                s,
                act,
                trade=trade,
                recipient_id=deal.buyer.org_id,
                kind="SHARE",
                volume_bytes=size,
                carried=carried,
            )

        act = use_act(deal.house.house, deal.buyer.actor)
        await perform(deal.house.house, act, again, attempted="DLV.USAGE", object_id=deal.trade_id)

    shared = await use(deal, DeliveryKind.SHARE, key="s", size=20)
    assert (await row_of(deal, row)).sent_bytes == 140
    for size in (7, 7, 6):  # the file of the query, in ranges: it was booked when it was asked for
        await part(size, shared.use.use_id)
    assert (await row_of(deal, row)).sent_bytes == 140
    many = await asyncio.gather(*(part(3, shared.use.use_id) for _ in range(6)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in many) == ["DeclaredVolumeExceeded"] * 3 + ["NoneType"] * 3
    assert (await row_of(deal, row)).sent_bytes == 149
    assert counted.fresh


async def test_a_halt_ends_what_is_on_its_way_to_another_receiver(deal: Deal):
    friend = await named(deal, territory=("CN", "HK"), region="810000")
    await deal.start()
    right = await as_kind(deal, DeliveryKind.FILE)
    await _still_open(deal.house.house, deal.buyer.actor, right)
    with pytest.raises(CustomsRouteNotOpen):  # a stream that a buyer at home began for a friend abroad
        await _still_open(deal.house.house, deal.buyer.actor, right, {deal.buyer.org_id, friend.org_id})
    async with refused(deal.house.database, CustomsRouteNotOpen):
        await deal.open(declared=Declared("RESEARCH", friend.org_id))


async def test_who_asks_from_a_network_abroad_reads_there_wherever_its_seat_is(deal: Deal):
    await deal.start()
    cac = await officer(deal)
    async with refused(deal.house.database, DeclarationWrongRole):
        await deal.seller.do(enter_networks, entries=NETS, source="mine")
    await cac.do(enter_networks, entries=NETS, source="notice 3 of 2026")
    token = ASKED_FROM.set("203.0.113.7")
    try:
        assert await attacked(deal) == SHUT
        ASKED_FROM.set("203.0.113.70")  # a part of it that is at home
        await _still_open(deal.house.house, deal.buyer.actor, (await deal.entitlement()).entitlement_id)
        await moved_to(deal, deal.buyer, "810000")
        row = await declared(deal)
        await use(deal, DeliveryKind.API, key="hk")
        ASKED_FROM.set("203.0.113.7")  # cleared to Hong Kong, asked from Singapore
        async with refused(deal.house.database, CustomsRouteNotOpen):
            await use(deal, DeliveryKind.API, key="sg")
        assert (await row_of(deal, row)).sent_uses == 1
        await cac.do(enter_networks, entries=[], source="notice 4 of 2026")
        await use(deal, DeliveryKind.API, key="sg")
    finally:
        ASKED_FROM.reset(token)


def test_the_narrowest_network_decides_and_what_is_no_address_is_nowhere():
    nets = parse_networks(NETS)
    found = [place_in(nets, one) for one in ("203.0.113.1", "203.0.113.65", "203.0.114.1", "testclient", "")]
    assert found == ["SG", None, None, None, None]
    assert place_in(nets, "2001:db8:1:5::/64") == "HK"
    within = ("::ffff:203.0.113.1", "64:ff9b::203.0.113.1", "2002:cb00:7101::1", "2002:cb00:7101::/64")
    assert [place_in(nets, one) for one in within] == ["SG"] * 4
    at_home = ("::ffff:203.0.113.65", "64:ff9b::203.0.113.65", "2002:cb00:7141::1", "64:ff9b::/64")
    assert [place_in(nets, one) for one in at_home] == [None] * 4
    with pytest.raises(DeclarationMalformed):
        parse_networks([{"cidr": "203.0.113.1/24", "region": "SG"}])


async def test_what_a_member_received_abroad_goes_on_only_where_that_was_declared(deal: Deal):
    await moved_to(deal, deal.buyer, "810000")
    row = await declared(deal, onward=("MO",))
    await deal.start()
    await as_kind(deal, DeliveryKind.FILE)
    await deal.take()
    third = await deal.house.admit("狮城分析", {"BUYER"})
    await moved_to(deal, third, "710000")
    async with deal.house.database.write() as s:  # the buyer offers the very file, and sells it on
        old = await get_trade(s, trade_id=deal.trade_id)
        listing = await s.get(Listing, old.listing_id)
        assert listing is not None
        resold = Trade(**old.model_dump() | {"trade_id": "trd_on", "seller_id": deal.buyer.org_id})
        resold.buyer_id = third.org_id
        s.add(resold)
        await s.flush()
        cleared = DeclarationRow(**(await row_of(deal, row)).model_dump())
        cleared.declaration_id, cleared.exporter_id = "xbd_on", deal.buyer.org_id
        cleared.recipient_id, cleared.trade_id, cleared.country = third.org_id, "trd_on", "TW"
        s.add(cleared)
    asked = {"trade": resold, "recipient_id": third.org_id, "now": deal.house.clock.now()}
    async with deal.house.database.read() as s:
        with pytest.raises(CustomsRouteNotOpen, match="does not let it go on"):
            await require_clearance(s, **asked)
    await moved_to(deal, third, "820000")
    async with deal.house.database.write() as s:
        of_it = col(DeclarationRow.declaration_id) == "xbd_on"
        await s.exec(update(DeclarationRow).where(of_it).values(country="MO"))
    async with deal.house.database.read() as s:
        assert await require_clearance(s, **asked) is not None


async def test_what_is_sold_on_is_known_by_its_bytes_the_buyers_own_copy_too(deal: Deal):
    """A daughter of the buyer says less of it than was said; who had the file before is left alone."""
    daughter = await deal.house.admit("转售", {"PROVIDER"}, controller_id=deal.buyer.org_id)
    stranger = await deal.house.admit("同源", {"PROVIDER"})
    async with deal.house.database.write() as s:
        trade = await get_trade(s, trade_id=deal.trade_id)
        listing = await s.get(Listing, trade.listing_id)
        assert listing is not None
        trade.funded_at = after = deal.house.clock.now()
        s.add(trade)
        source = await s.get(ListingFile, listing.file_id)
        assert source is not None
        personal = {**listing.materials, "personal": {**listing.materials["personal"], "contained": True}}
        listing.materials, listing.level = personal, Level.GENERAL_3
        s.add(listing)
        ago = after - timedelta(seconds=1)
        theirs = source.model_dump()
        s.add(ListingFile(**theirs | {"file_id": "c", "sha256": "9" * 64, "copy_of": source.file_id}))
        for name, who, sha256, at in (
            ("same", daughter, source.sha256, after),
            ("marked", daughter, "9" * 64, after),
            ("before", daughter, source.sha256, ago),
            ("another", daughter, "8" * 64, after),
            ("stranger", stranger, source.sha256, after),
        ):
            mine = {"owner_id": who.org_id, "sha256": sha256, "stored_at": at, "file_id": f"f_{name}"}
            s.add(ListingFile(**theirs | mine))
            product = await s.get(Product, trade.product_id)
            assert product is not None
            s.add(Product(**product.model_dump() | {"product_id": f"prd_{name}"}))
            await s.flush()
            offered = {"seller_id": who.org_id, "product_id": f"prd_{name}", "level": Level.GENERAL_1}
            offered |= {"listing_id": f"lst_{name}", "file_id": f"f_{name}", "materials": {}}
            s.add(Listing(**listing.model_dump() | offered))
    usual = DeliveryFacts(exporter_region="440100", recipient_region="HK", level=Level.GENERAL_1)
    found = {}
    async with deal.house.database.read() as s:
        for name in ("same", "marked", "before", "another", "stranger"):
            seller_id = (stranger if name == "stranger" else daughter).org_id
            facts, sold_on = await as_bought(s, usual, seller_id=seller_id, product_id=f"prd_{name}")
            found[name] = (sold_on, facts.level, facts.personal.contained)
    heavier, lighter = (True, Level.GENERAL_3, True), (False, Level.GENERAL_1, False)
    assert found == dict.fromkeys(("same", "marked"), heavier) | dict.fromkeys(
        ("before", "another", "stranger"), lighter
    )
    async with deal.house.database.write() as s:  # and what its group sold to itself is its own
        of_it = col(OrganisationRow.org_id) == deal.buyer.org_id
        await s.exec(update(OrganisationRow).where(of_it).values(controller_id=deal.seller.org_id))
        assert not await bought_before(s, seller_id=daughter.org_id, product_id="prd_same")


async def test_midnight_of_new_year_shuts_what_rests_on_the_years_count(deal: Deal):
    await moved_to(deal, deal.buyer, "810000")
    row = await declared(deal, period_to=date(2027, 6, 30))
    end = datetime(2026, 12, 31, 16, 0, 0, tzinfo=UTC)
    async with deal.house.database.write() as s:  # as a small flow of personal data has it
        of_it = col(DeclarationRow.declaration_id) == row.declaration_id
        last = datetime(2026, 12, 31, 15, 59, 59, 999_000, tzinfo=UTC)
        await s.exec(update(DeclarationRow).where(of_it).values(valid_to=last))
    async with deal.house.database.read() as s:
        trade = await get_trade(s, trade_id=deal.trade_id)
        asked = {"trade": trade, "recipient_id": deal.buyer.org_id}
        assert await require_clearance(s, now=last, **asked) is not None
        with pytest.raises(CustomsRouteNotOpen):
            await require_clearance(s, now=end, **asked)
