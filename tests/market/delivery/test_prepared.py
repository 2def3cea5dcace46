"""Self-held keys: an act that is played again from its seed asks for the very same bytes to be signed."""

import pytest

from base.ids import Seed
from identity.pens import PreparingPen
from ledger.recording import Act, SignatureWanted
from market.delivery.rules import GoodsCheck
from market.delivery.service import accept_goods, confirm_receipt, start_delivery
from market.listings.publishing import withdraw_listing
from market.listings.service import draft_listing, submit_listing
from tests.market.listings.goods import compliance, drafted, events, measured, offering, uploaded


async def prepared_twice(deal, party, role, verb, **facts) -> None:
    """Play the verb twice up to its signature: the bytes are the same, and nothing was kept."""
    before = await events(deal.house.database, deal.trade_id), await deal.trade()
    payloads = []
    for _ in range(2):
        now = deal.house.clock.now()
        act = Act(
            actor=party.actor,
            role=role,
            occurred_at=now,
            now=now,
            simulated=True,
            seed=Seed(b"the same seed"),
            pen=PreparingPen(party.key.keyid),
            exchange=deal.house.house.exchange,
        )
        with pytest.raises(SignatureWanted) as wanted:
            async with deal.house.database.write() as s:
                await verb(s, act, **facts)
        payloads.append((wanted.value.built.payload, wanted.value.built.opening))
    assert payloads[0] == payloads[1]
    assert (await events(deal.house.database, deal.trade_id), await deal.trade()) == before


async def test_the_acts_of_a_delivery_are_prepared_alike(deal):
    trade = {"trade_id": deal.trade_id}
    await prepared_twice(deal, deal.seller, "PROVIDER", start_delivery, **trade)
    await deal.start()
    await prepared_twice(deal, deal.buyer, "BUYER", confirm_receipt, **trade)
    await deal.take()
    await prepared_twice(deal, deal.buyer, "BUYER", accept_goods, **trade, check=GoodsCheck(rows=120))


async def test_the_acts_of_a_listing_are_prepared_alike(deal):
    file_id = await uploaded(deal.seller, salt="second")
    draft = {"offering": offering(), "file_id": file_id}
    await prepared_twice(deal, deal.seller, "PROVIDER", draft_listing, **draft)
    listing = await drafted(deal.seller, salt="third")
    await measured(deal.house, listing)
    submit = {"listing_id": listing.listing_id, "compliance": compliance()}
    await prepared_twice(deal, deal.seller, "PROVIDER", submit_listing, **submit)
    withdraw = {"listing_id": deal.listing.listing_id}
    await prepared_twice(deal, deal.seller, "PROVIDER", withdraw_listing, **withdraw)
