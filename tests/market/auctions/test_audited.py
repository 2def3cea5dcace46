"""An auction on the log: exported, audited by one who has nothing else, and read by supervision."""

from types import SimpleNamespace
from typing import Any

import orjson

from cli.exporting import export_bundle
from ledger.bundle import Bundle, Edition
from ledger.sequencer import seal_all
from ledger.tree import leaf_hash, root_of
from market.auctions.rules import SealedBid, seed_of
from pricing.methods import METHODS
from supervision.audit import audit
from supervision.evidence.derive import derive
from supervision.evidence.facts import opened_entries, read_facts
from tests.market.auctions.selling import (
    as_it_is,
    clock_strikes,
    commit,
    opened,
    published,
    reveal,
    rsop_plan,
)


async def test_a_bundle_with_auctions_is_clean_and_its_award_is_made_again_from_it(sqlite_scene, tmp_path):
    scene = sqlite_scene
    second = await opened(scene)
    await commit(scene, second, scene.buyer, 90_000)
    await commit(scene, second, scene.stranger, 70_000)
    await clock_strikes(scene, second.closes_at)
    for who, price in ((scene.buyer, 90_000), (scene.stranger, 70_000)):
        await reveal(scene, second, who, price)
    await clock_strikes(scene, second.reveal_by)
    _, bids = await as_it_is(scene, second)
    await scene.sign(next(bid.trade_id for bid in bids if bid.trade_id), scene.seller, scene.buyer)

    drawn = await opened(scene, rsop_plan(scene))
    parties = [await scene.house.admit(f"竞买人{number}", {"BUYER"}) for number in range(8)]
    for number, who in enumerate(parties):
        await commit(scene, drawn, who, 50_000 + 1_000 * number)
    await clock_strikes(scene, drawn.closes_at)
    publisher = await published(scene, tmp_path / "log")
    for number, who in enumerate(parties):
        await reveal(scene, drawn, who, 50_000 + 1_000 * number)
    await clock_strikes(scene, drawn.reveal_by)

    node: Any = SimpleNamespace(
        publisher=publisher,
        publish=publisher.publish,
        seal=lambda: seal_all(scene.database, scene.clock),
        database=scene.database,
    )
    await export_bundle(node, tmp_path / "bundle", Edition.REGULATOR)
    report = audit(tmp_path / "bundle", [scene.house.log_key.vkey])
    assert (report.clean, report.pinned) == (True, True), report.document()
    with Bundle(tmp_path / "bundle") as bundle:
        records = list(bundle.records())
    rows = derive(opened_entries(records), tmp_path / "evidence").rows
    assert rows["bids"] == 10

    said = [fact for fact in read_facts(opened_entries(records)) if fact.object_id == drawn.auction_id]
    award = said[-1]
    if award.event == "AUC.FAIL":  # one toss in 128
        assert award.said["reason_code"] == "auction-one-sided"
        return
    revealed = {fact.said["bidder_id"]: fact.opened for fact in said if fact.event == "AUC.REVEAL"}
    sealed = [
        SealedBid(
            fact.said["bidder_id"],
            fact.said["commitment"],
            int(revealed[fact.said["bidder_id"]]["price_minor"]),
            revealed[fact.said["bidder_id"]]["bid_nonce"],
        )
        for fact in said
        if fact.event == "AUC.COMMIT"
    ]
    close = next(fact.seq for fact in said if fact.event == "AUC.CLOSE")
    root = root_of(leaf_hash(record.entry) for record in records[: close + 1]).hex()
    assert (award.said["seed_size"], award.said["seed_root"]) == (close + 1, root)
    begun = said[0]
    facts = {
        "auction": drawn.auction_id,
        "bids": [bid.fact() for bid in sealed],
        "seed": seed_of(drawn.auction_id, root, sealed),
        "listing_id": drawn.listing_id,
        "product_id": drawn.product_id,
        **{name: begun.opened[name] for name in ("licence_class", "unit", "quantity")},
    }
    quote = METHODS["rsop"](facts)
    assert (quote.inputs_sha256, quote.seed) == (award.said["inputs_sha256"], award.said["seed"])
    now, _ = await as_it_is(scene, drawn)
    assert orjson.loads(now.document) == orjson.loads(quote.canonical())
