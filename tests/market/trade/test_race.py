"""Many at once on PostgreSQL: whoever acts, and whoever takes the right to act away, are decided in turn.

The log itself is judged, entry by entry: nothing is sealed after the suspension, revocation or freeze that
it should have seen.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from sqlmodel import col, select

from base.errors import Refusal
from base.signing import SigningKey, parse_envelope
from brokers.rules import Side
from brokers.service import reinstate_certificate, revoke_mandate, suspend_certificate
from identity.keys import register_key, revoke_key
from identity.pens import HeldPen
from ledger.sequencer import create_log, seal_all
from ledger.tables import EntryRow
from market.listings.publishing import resume_listing, suspend_listing
from market.trade.freezing import freeze_trade, unfreeze_trade
from tests.copies import Copies
from tests.houses import ORIGIN, Party, public_text
from tests.market.trade.scene import Scene
from tests.postgres import Server

pytestmark = pytest.mark.postgresql


@pytest.fixture
async def scene(scenery: Copies[Scene], postgres: Server) -> AsyncIterator[Scene]:
    async with scenery.on_postgresql(postgres) as (database, made):
        yield made.on(database)


class Race:
    """Everybody of a scene at once, until so many acts were tried. `told` counts what became of them."""

    def __init__(self, scene: Scene, seed: int, acts: int) -> None:
        self.scene, self.dice, self.left = scene, random.Random(seed), acts
        self.told: Counter[str] = Counter()
        self.trades: list[str] = []
        self.buyers: list[Party] = []
        self.mandate_id = scene.mandate_id

    async def run(self, workers: int) -> None:
        scene = self.scene
        self.trades = [(await scene.inquire()).trade_id for _ in range(4)]
        self.buyers = [await scene.house.admit(f"数据需求方{n}", {"BUYER"}) for n in range(3)]
        async with scene.database.write() as s:
            await create_log(s, origin=ORIGIN, at=scene.clock.now())
        sealing = asyncio.create_task(self._seal())
        try:
            await asyncio.gather(
                *(self._inquire() if n % 2 else self._offer() for n in range(workers)),
                *(self._change_keys(at) for at in range(len(self.buyers))),
                self._take_rights_away(),
                self._freeze(),
            )
        finally:
            assert not sealing.done()
            sealing.cancel()
            await asyncio.gather(sealing, return_exceptions=True)
        await seal_all(scene.database, scene.clock)

    async def _seal(self) -> None:
        while True:
            await seal_all(self.scene.database, self.scene.clock)
            await asyncio.sleep(0)

    async def _tried(self, what: str, work: Awaitable[Any]) -> Any:
        self.left -= 1
        self.scene.clock.advance(timedelta(milliseconds=1))  # nothing is said twice at one moment
        try:
            answer = await work
        except Refusal as refusal:
            self.told[f"{what}: {refusal.code}"] += 1
            return None
        self.told[what] += 1
        return answer

    async def _inquire(self) -> None:
        """By way of the broker: it needs the listing, a mandate, a certificate, and the buyer's key."""
        while self.left > 0:
            await self._tried("inquiry", self.scene.inquire(who=self.dice.choice(self.buyers)))

    async def _offer(self) -> None:
        """Both sides in the same few trades: they need the listing, and a trade that is not frozen."""
        scene = self.scene
        while self.left > 0:
            trade_id, price = self.dice.choice(self.trades), self.dice.randint(50_000_000, 60_000_000)
            who = self.dice.choice([scene.seller, scene.buyer])
            await self._tried("offer", scene.offer(trade_id, who, price))

    async def _change_keys(self, at: int) -> None:
        """A new key, and the old one revoked, while acts are under way that the old one signs."""
        while self.left > 0:
            old, key = self.buyers[at], SigningKey.generate()
            assert old.key is not None
            both = replace(old, pen=HeldPen(old.key, key))
            said = {"org_id": old.org_id, "custody": "self-held", "public_key": public_text(key)}
            made = await self._tried("key", both.do(register_key, safe=self.scene.house.safe, **said))
            self.buyers[at] = replace(old, pen=HeldPen(key), key=key, registered=made)
            await self._tried(
                "revocation",
                self.buyers[at].do(revoke_key, key_id=old.registered.key_id, reason="superseded"),
            )
            await asyncio.sleep(self.dice.uniform(0.05, 0.2))

    async def _take_rights_away(self) -> None:
        """And give them back: the listing, the broker's certificate, its mandate."""
        scene = self.scene
        listing_id, cert_id = scene.listing.listing_id, scene.cert_id
        while self.left > 0:
            what = self.dice.choice(["listing", "certificate", "mandate"])
            pause = self.dice.uniform(0, 0.04)
            if what == "listing":
                because = {"listing_id": listing_id, "reason_code": "COMPLAINT"}
                await self._tried("suspension", scene.house.operator.do(suspend_listing, **because))
                await asyncio.sleep(pause)
                await self._tried("resumption", scene.house.operator.do(resume_listing, **because))
            elif what == "certificate":
                because = {"cert_id": cert_id, "reason_code": "ANNUAL_FAIL"}
                await self._tried("suspension", scene.authority.do(suspend_certificate, **because))
                await asyncio.sleep(pause)
                await self._tried("resumption", scene.authority.do(reinstate_certificate, **because))
            else:
                await self._tried("suspension", scene.seller.do(revoke_mandate, mandate_id=self.mandate_id))
                await asyncio.sleep(pause)
                made = await self._tried("resumption", scene.mandate(scene.seller, Side.PROVIDER))
                self.mandate_id = made or self.mandate_id

    async def _freeze(self) -> None:
        number = 0
        while self.left > 0:
            number += 1
            order = {
                "trade_id": self.dice.choice(self.trades),
                "order_id": f"ord_{number}",
                "reason_code": "SUSPECTED_WASH",
            }
            if await self._tried("freeze", self.scene.samr.do(freeze_trade, **order)):
                await asyncio.sleep(self.dice.uniform(0, 0.04))
                await self._tried("unfreeze", self.scene.samr.do(unfreeze_trade, **order))
            await asyncio.sleep(self.dice.uniform(0, 0.02))


class Judge:
    """Reads the log from its first entry, and knows at each what was allowed there."""

    def __init__(self, listing_id: str, cert_id: str) -> None:
        self.listing_id, self.cert_id = listing_id, cert_id
        self.listed = self.certified = False
        self.mandates: set[str] = set()
        self.keys: set[str] = set()
        self.frozen: set[str] = set()
        self.wrong: list[tuple[int, str]] = []
        self.judged = 0

    def entry(self, seq: int, raw: bytes) -> None:
        document = orjson.loads(raw)
        assert document["seq"] == seq
        envelope = parse_envelope(document["envelope"])
        said = orjson.loads(envelope.payload)["predicate"]
        event = said["event"]
        if event == "LOG.GENESIS":
            self.keys.add(said["exchange_key"]["keyid"])
        elif event == "KEY.REGISTER":
            self._require(
                seq, all(s.keyid in self.keys | {said["keyid"]} for s in envelope.signatures), event
            )
            self.keys.add(said["keyid"])
        else:
            self._require(
                seq, all(s.keyid in self.keys for s in envelope.signatures), f"{event} by a dead key"
            )
        self._rights(event, said)
        if event == "TRD.INQUIRE" and said["listing_id"] == self.listing_id:
            self._require(seq, self.listed, "an inquiry for what is not on offer")
            if said["broker_id"] is not None:
                self._require(seq, self.certified, "an inquiry by a broker whose certificate is suspended")
                self._require(seq, said["mandate_id"] in self.mandates, "an inquiry by a broker not mandated")
        if event in {"TRD.OFFER", "TRD.COUNTER_OFFER"}:
            self._require(seq, self.listed, "an offer for what is not on offer")
            self._require(seq, said["trade_id"] not in self.frozen, "an offer in a frozen trade")

    def _rights(self, event: str, said: dict[str, Any]) -> None:
        if event == "KEY.REVOKE":
            self.keys.remove(said["keyid"])
        elif event.startswith("LST.") and said["listing_id"] == self.listing_id:
            self.listed = event in {"LST.LIST", "LST.RESUME"}
        elif event.startswith("BRK.") and said["cert_id"] == self.cert_id:
            self.certified = event in {"BRK.CERTIFY", "BRK.REINSTATE"}
        elif event == "MND.ACCEPT":
            self.mandates.add(said["mandate_id"])
        elif event == "MND.REVOKE":
            self.mandates.discard(said["mandate_id"])
        elif event == "TRD.FREEZE":
            self.frozen.add(said["trade_id"])
        elif event == "TRD.UNFREEZE":
            self.frozen.remove(said["trade_id"])

    def _require(self, seq: int, holds: object, what: str) -> None:
        self.judged += 1
        if not holds:
            self.wrong.append((seq, what))


async def judged(scene: Scene) -> Judge:
    judge = Judge(scene.listing.listing_id, scene.cert_id)
    async with scene.database.read() as s:
        rows = (await s.exec(select(EntryRow.entry).order_by(col(EntryRow.seq)))).all()
    for seq, raw in enumerate(rows):
        judge.entry(seq, raw)
    return judge


async def hold(scene: Scene, *, seed: int, acts: int, workers: int) -> Counter[str]:
    race = Race(scene, seed, acts)
    await race.run(workers)
    judge = await judged(scene)
    assert judge.wrong == [], (seed, judge.wrong[:5])
    assert judge.judged > acts // 2
    return race.told


async def test_no_act_is_sealed_after_the_suspension_revocation_or_freeze_it_should_have_seen(
    scene: Scene,
) -> None:
    told = await hold(scene, seed=20261122, acts=300, workers=8)
    for what in ("inquiry", "offer", "key", "revocation", "suspension", "resumption", "freeze", "unfreeze"):
        assert told[what], told
    lost = ("listing-not-on-offer", "broker-not-certified", "no-active-mandate", "key-revoked")
    assert any(told[f"inquiry: {code}"] for code in lost), told


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(5))
async def test_thousands_of_acts(scene: Scene, seed: int) -> None:
    told = await hold(scene, seed=seed, acts=5000, workers=16)
    assert told["inquiry"] > 100
    assert told["offer"] > 100
