"""A sealed auction by forms alone: put up, bid for, revealed; what the pages tell to whom."""

import re
from datetime import timedelta
from hashlib import sha256

from base.jobs import run_due
from market.trade.clockwork import handlers
from pricing.bids import commitment_of
from tests.web.market import Market
from tests.web.pages.browsing import Browser
from tests.web.pages.test_trade_room import by_own_key

NONCE = "5e" * 32
PUT_UP = {
    "mechanism": "second-price",
    "units": "1",
    "reserve_minor": "10,000.00",
    "reserve_sha256": "",
    "closes_at": "2026-11-20T18:00",
    "reveal_by": "2026-11-21T18:00",
    "term_months": "12",
    "licence_class": "exclusive",
}


async def test_an_auction_by_forms_alone(market: Market) -> None:
    provider, listing = Browser(market.served, market.provider), market.ids["listed"]
    page = await provider.get(f"/sell/{listing}")
    assert any(f"/auctions/new?listing={listing}" in (a.get("href") or "") for a in page.named("a"))
    page = await provider.get(f"/auctions/new?listing={listing}")
    page = await provider.send(page, f"/auctions/new?listing={listing}", PUT_UP | {"units": "0"}, expect=422)
    await provider.send(page, f"/auctions/new?listing={listing}", PUT_UP)
    await by_own_key(market, provider)
    visitor = Browser(market.served)
    listed = await visitor.get(f"/auctions?listing={listing}")
    (place,) = {a["href"] for a in listed.named("a") if "/auctions/auc_" in a.get("href", "")}
    auction_id = place.rpartition("/")[2]
    shown = await visitor.get(f"{place}?price=20,000.00")
    assert "CN¥10,000.00" in shown.words
    assert "CN¥200.00" in shown.words  # the platform's fee, before anybody bids
    assert not [form for form in shown.forms if form.action.endswith("/bids")]

    prices = {"buyer": 3_000_000, "second": 2_000_000}
    for name, minor in prices.items():
        person = market.people[name]
        bidder = Browser(market.served, person)
        await market.served.prove(person)
        page = await bidder.get(place)
        command = re.search(r"printf '(.*?)' \$N \$P", page.words)[1]  # that makes the commitment
        told = command.replace("\\n", "\n") % (NONCE, minor)
        assert sha256(told.encode()).hexdigest() == commitment_of(
            person.org_id, minor, NONCE, auction=auction_id
        )
        sealed = commitment_of(person.org_id, minor, NONCE, auction=auction_id)
        said = {"commitment": sealed, "purpose": "信贷模型", "scenario": "信贷"}
        page = await bidder.send(page, "/bids", said | {"commitment": "abc"}, expect=422)
        await bidder.send(page, "/bids", said)

    node, clock = market.served.node, market.served.clock
    clock.advance(timedelta(days=3, hours=4))
    await run_due(node.database, clock.now(), handlers(node.house, None, None))
    for name, minor in prices.items():
        bidder = Browser(market.served, market.people[name])
        await market.served.prove(market.people[name])
        page = await bidder.get(place)
        said = {"price_minor": f"{minor // 100}.00", "nonce": NONCE}
        await bidder.send(page, "/reveal", said)
    assert "CN¥30,000.00" not in (await Browser(market.served, market.second).get(place)).words
    clock.advance(timedelta(days=1))
    await run_due(node.database, clock.now(), handlers(node.house, None, None))
    winner = await Browser(market.served, market.buyer).get(place)
    assert "Awarded" in winner.words
    assert [a for a in winner.named("a") if "/trades/trd_" in a.get("href", "")]
    told = (await Browser(market.served, market.second).get(place)).words
    assert "CN¥30,000.00" in told  # who took part can compute the price again
    assert "CN¥30,000.00" not in (await visitor.get(place)).words
    assert "已成交" in (await Browser(market.served, lang="zh").get(place.replace("/en/", "/zh/"))).words
