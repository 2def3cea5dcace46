"""A long, honest log of many trades that go on at once, written as it comes: for what a small one hides.

A seed makes one log. Members register and rotate keys, trades take the way of the real ones (some are
refused, time out or are frozen on the way), and every party's statement is signed by its own key.
"""

import random
from binascii import b2a_base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from base.signing import SigningKey, keyid_of, pre_authentication
from ledger.bundle import CHECKPOINT, BundleWriter, Edition, Keys, KeyWindow
from ledger.checkpoint import Checkpoint, sign_checkpoint
from ledger.statement import NO_PREVIOUS, PAYLOAD_TYPE
from ledger.tiles import WIDTH, Growth
from ledger.tree import leaf_hash
from tests.ledger.make_bundle import LOG_KEY, OPERATOR, ORIGIN, START, VKEY
from tests.ledger.make_bundle import key as made_key

Said = tuple[bytes, bytes | None]  # the envelope's JCS, and the opening's


def write_long_log(out: Path, size: int, *, seed: int = 1, edition: Edition = Edition.REGULATOR) -> bytes:
    """A bundle of exactly `size` entries; returns its root. Holds one tile at a time, however long it is."""
    unsaid = Checkpoint(ORIGIN, size, bytes(32))
    writer = BundleWriter(
        out,
        checkpoint=sign_checkpoint(unsaid, LOG_KEY),
        keys=Keys(ORIGIN, (KeyWindow(VKEY),)),
        signer=LOG_KEY,
        edition=edition,
    )
    growth, leaves, previous = Growth(), list[bytes](), NO_PREVIOUS
    for seq, (envelope, opening) in zip(range(size), statements(seed), strict=False):
        at = (START + timedelta(seconds=seq // 8)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        head = f'{{"at":"{at}","envelope":'.encode()
        entry = head + envelope + f',"node":"{ORIGIN}","prev":"{previous}","seq":{seq},"v":1}}'.encode()
        writer.add(seq, entry, opening)
        leaves.append(leaf_hash(entry))
        previous = leaves[-1].hex()
        if len(leaves) == WIDTH:
            growth.add(leaves)
            leaves = []
    if leaves:
        growth.add(leaves)
    root = growth.frontier.root()
    writer._write(CHECKPOINT, sign_checkpoint(Checkpoint(ORIGIN, size, root), LOG_KEY))
    writer.finish()
    return root


def statements(seed: int) -> Iterator[Said]:
    """What is said, without end."""
    dice = random.Random(seed)
    market = _Market(dice)
    yield from market.founded()
    open_trades: list[Iterator[Said]] = []
    while True:
        while len(open_trades) < 400:
            open_trades.append(market.trade())
        chosen = dice.randrange(len(open_trades))
        said = next(open_trades[chosen], None)
        if said is None:
            open_trades[chosen] = open_trades[-1]
            open_trades.pop()
            if dice.random() < 0.01:
                yield from market.rotated()
        else:
            yield said


@lru_cache(maxsize=1024)
def key(name: str) -> SigningKey:
    """`make_bundle.key`, made once."""
    return made_key(name)


@dataclass
class _Market:
    dice: random.Random
    trades: int = 0
    rotations: dict[str, int] = field(default_factory=dict)

    def founded(self) -> Iterator[Said]:
        exchange = key("exchange")
        stated = {"keyid": keyid_of(exchange.public), "public_key": _b64(exchange.public)}
        yield self.exchange(
            "LOG.GENESIS", "log", origin=ORIGIN, vkey=str(VKEY), exchange_key=stated, operator_id=OPERATOR
        )
        for org_id, role in self.members():
            yield self.exchange("ORG.ADMIT", org_id, org_id=org_id, roles=[role], name="某某公司")
            yield self.registered(org_id, role, self.key_of(org_id), exchange)

    def members(self) -> Iterator[tuple[str, str]]:
        for role, count in (("PROVIDER", 80), ("BUYER", 120), ("BROKER", 10), ("SAMR", 1)):
            for number in range(count):
                yield f"org_{role.lower()}_{number}", role

    def key_of(self, org_id: str) -> SigningKey:
        return key(f"{org_id} {self.rotations.get(org_id, 0)}")

    def registered(self, org_id: str, role: str, new: SigningKey, voucher: SigningKey) -> Said:
        facts = {"org_id": org_id, "roles": [role], "suite": "ed25519-sha256", "custody": "custodial"}
        facts |= {"keyid": keyid_of(new.public), "public_key": _b64(new.public), "to": "ACTIVE"}
        return _said("KEY.REGISTER", f"key_{facts['keyid'][:26]}", [new, voucher], facts, org_id, role)

    def rotated(self) -> Iterator[Said]:
        org_id, role = self.dice.choice([one for one in self.members() if one[1] != "SAMR"])
        old = self.key_of(org_id)
        self.rotations[org_id] = self.rotations.get(org_id, 0) + 1
        yield self.registered(org_id, role, self.key_of(org_id), old)

    def exchange(self, event: str, object_id: str, /, opening: Any = None, **facts: Any) -> Said:
        return _said(event, object_id, [key("exchange")], facts, OPERATOR, "EXCHANGE_OPERATOR", opening)

    def party(
        self, seat: tuple[str, str], event: str, object_id: str, /, opening: Any = None, **facts: Any
    ) -> Said:
        return _said(event, object_id, [self.key_of(seat[0])], facts, *seat, opening)

    def trade(self) -> Iterator[Said]:  # noqa: PLR0915 - a trade has as many steps as it has
        """One trade from inquiry to settlement, or to where it ends."""
        number, dice = self.trades, self.dice
        self.trades += 1
        trade_id = f"trd_{sha256(b'%d' % number).hexdigest()[:26]}"
        seller = (f"org_provider_{dice.randrange(80)}", "PROVIDER")
        buyer = (f"org_buyer_{dice.randrange(120)}", "BUYER")
        broker = (f"org_broker_{dice.randrange(10)}", "BROKER") if dice.random() < 0.4 else None
        known = {"trade_id": trade_id, "listing_id": f"lst_{dice.randrange(5000)}"}
        known |= {"seller_id": seller[0], "buyer_id": buyer[0], "broker_id": broker and broker[0]}
        price = dice.randrange(100_000, 900_000_000)
        amounts = {"amount_minor": str(price), "commission_minor": str(price // 50 if broker else 0)}
        amounts |= {"platform_fee_minor": str(price // 100), "quantity": "336776", "unit": "row"}
        state = "INQUIRED"

        def moves(to: str) -> dict[str, Any]:
            nonlocal state
            before, state = state, to
            return {**known, "from": before, "to": to}

        asked = {"purpose": "交通预测", "quantity": "336776"}
        yield self.party(buyer, "TRD.INQUIRE", trade_id, asked, **known, to="INQUIRED")
        yield self.party(
            seller, "TRD.OFFER", trade_id, {"price_minor": str(price)}, **moves("NEGOTIATING"), offer_no=1
        )
        for offer_no in range(2, 2 + dice.randrange(3)):
            terms = {"price_minor": str(price + offer_no)}
            who = (buyer, seller)[offer_no % 2]
            yield self.party(
                who, "TRD.COUNTER_OFFER", trade_id, terms, **moves("NEGOTIATING"), offer_no=offer_no
            )
        ending = dice.random()
        if ending < 0.05:
            yield self.party(seller, "TRD.REFUSE", trade_id, **moves("REFUSED"), reason_code="PRICE")
            return
        if ending < 0.1:
            yield self.exchange("TRD.TIMEOUT", trade_id, **moves("LAPSED"))
            return
        if ending < 0.12:
            order = {"order_id": f"ord_{number}", "case_id": None, "reason_code": "INQUIRY"}
            samr = ("org_samr_0", "SAMR")
            yield self.party(samr, "TRD.FREEZE", trade_id, **moves("FROZEN"), **order)
            yield self.party(samr, "TRD.UNFREEZE", trade_id, **moves("NEGOTIATING"), **order)
        yield self.party(buyer, "TRD.ACCEPT", trade_id, **moves("ACCEPTED"), offer_no=1)
        quoted = {"quote_id": f"qte_{number}", "mechanism": "cost-plus", "version": 1}
        yield self.exchange("QTE.QUOTE", quoted["quote_id"], {"price_minor": str(price)}, **known, **quoted)
        checks = {"checks": ["BR1", "BR2"], "rules": []}
        yield self.exchange("TRD.PRECHECK_PASS", trade_id, **moves("CONTRACT_READY"), **checks)
        digest = sha256(trade_id.encode()).hexdigest()
        parties = [seat[0] for seat in (seller, buyer, broker) if seat]
        shared = {"trade_id": trade_id, "parties": parties, "contract_sha256": digest}
        signatures = []
        for org_id in parties:
            said = _said("TRD.SIGN", trade_id, [self.key_of(org_id)], shared, None, None, amounts)
            signatures.append(sha256(said[0]).hexdigest())
            yield said
        named = {"contract_sha256": digest, "signatures": signatures}
        yield self.exchange("TRD.CONTRACT", trade_id, amounts, **moves("CONTRACTED"), **named)
        paid = {"bank_message_sha256": digest}
        yield self.exchange("TRD.FUND", trade_id, {"amount_minor": str(price)}, **moves("FUNDED"), **paid)
        given = {"entitlement_id": f"ent_{number}", "file_sha256": digest}
        yield self.party(seller, "TRD.START_DELIVERY", trade_id, **moves("DELIVERING"), **given)
        yield self.exchange("DLV.DOWNLOAD", f"dl_{number}", {"bytes": "4096"}, trade_id=trade_id, **given)
        yield self.exchange("TRD.DELIVERED", trade_id, **moves("DELIVERED"), mode="download", **given)
        yield self.party(buyer, "TRD.ACCEPT_GOODS", trade_id, **moves("ACCEPTED_GOODS"))
        told = {"instruction_sha256": digest}
        yield self.exchange("PAY.INSTRUCT", trade_id, {"legs": []}, trade_id=trade_id, **told)
        parts = amounts | {"seller_minor": str(price - price // 100 - (price // 50 if broker else 0))}
        yield self.exchange("TRD.SETTLE", trade_id, parts, **moves("SETTLED"), **paid, **told)


def _said(  # noqa: PLR0917 - what an envelope is made of
    event: str,
    object_id: str,
    keys: list[SigningKey],
    facts: dict[str, Any],
    actor: str | None,
    role: str | None,
    opening: dict[str, Any] | None = None,
) -> Said:
    predicate = {**facts, "event": event, "object": object_id}
    if actor is not None:
        predicate |= {"actor": actor, "role": role, "occurred_at": "2026-11-16T01:00:00.000Z"}
    document = None
    if opening is not None:
        nonce = sha256(f"{event}{object_id}{facts.get('offer_no')}".encode()).hexdigest()
        document = orjson.dumps({**opening, "nonce": nonce}, option=orjson.OPT_SORT_KEYS)
        predicate["opening"] = {"sha256": sha256(document).hexdigest()}
    body = orjson.dumps(predicate, option=orjson.OPT_SORT_KEYS)
    digest = predicate["opening"]["sha256"] if opening is not None else sha256(body).hexdigest()
    payload = orjson.dumps(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "predicate": predicate,
            "predicateType": f"urn:databourse:statement:{event}:v1",
            "subject": [{"digest": {"sha256": digest}, "name": object_id}],
        },
        option=orjson.OPT_SORT_KEYS,
    )
    message = pre_authentication(PAYLOAD_TYPE, payload)
    signatures = [{"keyid": one.keyid, "sig": _b64(one.sign(message))} for one in keys]
    envelope = {"payload": _b64(payload), "payloadType": PAYLOAD_TYPE, "signatures": signatures}
    return orjson.dumps(envelope), document


def _b64(data: bytes) -> str:
    return b2a_base64(data, newline=False).decode()
