"""What the market's own log tells supervision: planted cases found, and nothing private made public."""

from datetime import timedelta

import pytest
from sqlmodel import col, update

from ledger.acts import perform
from market.delivery.access import Declared
from market.delivery.kinds import DeliveryKind
from market.delivery.meter.service import Metered, count_use, use_act
from market.delivery.repository import entitlement_of
from market.orders.handover import DeliveryMode
from market.orders.scope import LicenceScope
from market.orders.service import inquire
from market.orders.tables import Offer
from supervision.rules import ab4, s28, uc3, uc4, wt4
from tests.market.exported import exported
from tests.market.listings.goods import CLEAN, listed
from tests.market.settlement.bank_side import PAYER
from tests.market.trade.scene import PRICE, Scene

BOUND = "风控建模，两年内仅可向甲方采购同类数据"
HEAD, *ROWS = CLEAN.splitlines()
COPIED = "\n".join([HEAD, *reversed(ROWS[4:]), ""])  # the rows of the other's, but for four of 120
OWN = "\n".join([HEAD, *ROWS[:80], *(f"44{row}" for row in ROWS[80:]), ""])
LIBEL = "粤能数科的数据是假数据，请认准本公司"


async def bought(scene: Scene, who, scenario="风控建模", months=12, **terms):
    """A purchase without a broker, up to the money in escrow."""
    trade = await who.do(
        inquire,
        role="BUYER",
        attempted="TRD.INQUIRE",
        object_id=scene.listing.listing_id,
        listing_id=scene.listing.listing_id,
        broker_id=None,
        purpose="内部建模",
        scenario=scenario,
        quantity=1,
    )
    await scene.offer(trade.trade_id, scene.seller, term_months=months, **terms)
    await scene.accept(trade.trade_id, who, role="BUYER")
    await scene.sign(trade.trade_id, scene.seller, who)
    await scene.fund(trade.trade_id, PRICE)
    return trade.trade_id


@pytest.mark.parametrize("planted", [True, False])
async def test_planted_cases_go_through_the_log_to_their_findings_and_their_twins_do_not(
    sqlite_scene, tmp_path, planted
):
    scene = sqlite_scene
    straws = [await scene.house.admit(f"采购方{n}", {"BUYER"}) for n in range(2)]
    bound = [
        await bought(scene, who, BOUND if planted else "风控建模", 24 if planted else 12)
        for who in (straws if planted else straws[:1])
    ]
    says = LIBEL if planted else LIBEL.replace("粤能数科", "某公司")
    theirs = await listed(scene.house, scene.stranger, COPIED if planted else OWN, description=says)
    scene.clock.advance(timedelta(minutes=1))
    log = await exported(scene, tmp_path)
    told = {rule.rule_id: log.found(rule) for rule in (ab4.RULE, s28.RULE, uc3.RULE, uc4.RULE)}
    assert {name: len(found) for name, found in told.items()} == dict.fromkeys(told, int(planted))

    clauses = {(row["trade_id"], row["kind"]): row for row in log.tables["clauses"]}
    assert clauses[bound[0], "scenario"]["text"] == (BOUND if planted else "风控建模")
    term = clauses[bound[0], "term"]
    assert term["ends_at"].year - term["starts_at"].year == (2 if planted else 1)
    assert clauses[bound[0], "licence_of_data"]["text"].startswith("内部建模使用")
    accounts = {row["org_id"]: row for row in log.tables["identifiers"]}
    assert accounts[straws[0].org_id]["value_sha256"] == accounts[scene.buyer.org_id]["value_sha256"]
    assert accounts[scene.seller.org_id]["value_sha256"] != accounts[scene.buyer.org_id]["value_sha256"]
    if planted:
        (text,) = log.tables["texts"]
        assert (text["author_id"], text["about_id"]) == (scene.stranger.org_id, scene.seller.org_id)
        assert LIBEL in text["text"]
        assert text["text_id"].startswith(theirs.listing_id)
        assert told["UC4"][0].subjects == (scene.stranger.org_id,)
    else:
        assert log.tables["texts"] == []
    sketches = {row["listing_id"]: row["minhash"] for row in log.tables["sketches"]}
    assert len(sketches[theirs.listing_id]) == 64
    assert not any(one.encode() in log.public for one in sketches[theirs.listing_id])
    digests = [row["value_sha256"] for row in log.tables["identifiers"]]
    for private in (BOUND, LIBEL, PAYER, "内部建模使用", *digests):
        assert private.encode() not in log.public


async def test_metered_uses_are_in_the_evidence_by_their_days(sqlite_scene, tmp_path):
    """Called after the acceptance: used. Called once before it, and never again: as WT4 says."""
    scene, first = sqlite_scene, sqlite_scene.clock.now().date()
    used, idle = [await bought(scene, scene.buyer, scope=LicenceScope(max_count=9)) for _ in range(2)]
    async with scene.database.write() as s:
        mode = DeliveryMode.CREDENTIAL.value
        await s.exec(update(Offer).where(col(Offer.trade_id).in_([used, idle])).values(delivery_mode=mode))
    for trade_id in (used, idle):
        await scene.start_delivery(trade_id)
        await call(scene, trade_id, "1")
    scene.clock.advance(timedelta(days=1))
    for trade_id in (used, idle):
        await scene.accept_goods(trade_id)
    await call(scene, used, "2")
    await call(scene, used, "3")
    await scene.run_jobs(scene.clock.now() + timedelta(days=1))  # they are stated at night
    scene.clock.advance(timedelta(days=31))
    log = await exported(scene, tmp_path)
    rows = [row for row in log.tables["usage"] if row["trade_id"] in {used, idle}]
    days = {(row["trade_id"], (row["day"] - first).days): (row["calls"], row["bytes"]) for row in rows}
    assert days == {(used, 0): (1, 40), (idle, 0): (1, 40), (used, 1): (2, 80)}
    assert {one.objects[0] for one in log.found(wt4.RULE)} & {used, idle} == {idle}
    assert b'"days"' not in log.public


async def call(scene: Scene, trade_id: str, key: str):
    """One answer of the interface, counted before it left."""
    async with scene.database.read() as s:
        right = await entitlement_of(s, trade_id=trade_id)

    async def bound(s, act):
        return await count_use(
            s,
            act,
            entitlement_id=right.entitlement_id,
            kind=DeliveryKind.API,
            metered=Metered(key=key, request_sha256="11" * 32, answer_sha256="22" * 32, bytes=40),
            declared=Declared(None),
        )

    act = use_act(scene.house.house, scene.buyer.actor)
    await perform(scene.house.house, act, bound, attempted="DLV.USE", object_id=right.entitlement_id)
