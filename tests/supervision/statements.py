"""A small ledger written by hand: real statements, signed, sealed and linked as the exchange's are."""

from datetime import UTC, datetime, timedelta

import orjson

from base.canonical import sha256_hex
from base.signing import SigningKey, sign_envelope
from ledger.bundle import Edition, Keys, KeyWindow, write_bundle
from ledger.checkpoint import Checkpoint, NoteSigner, sign_checkpoint
from ledger.statement import NO_PREVIOUS, PAYLOAD_TYPE, Draft, Saying, build, envelope_bytes, sealed_entry
from ledger.tree import leaf_hash, root_of

KEY = SigningKey.from_bytes(bytes(range(32)))
ORIGIN = "exchange.test/log"
START = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)


class Ledger:
    """Say things one after another; `now` moves a minute with each."""

    def __init__(self):
        self.records = []
        self.now = START
        self._prev = NO_PREVIOUS

    def say(
        self,
        event,
        object_id,
        *,
        opening=None,
        actor="org_exchange",
        role="EXCHANGE_OPERATOR",
        to=None,
        **public,
    ):
        shared = event == "TRD.SIGN"
        draft = Draft(event, object_id, public=public, opening=opening, after=to, shared=shared)
        saying = Saying(actor, role, self.now, simulated=True, custodial=False)
        built = build(draft, saying, nonce=sha256_hex(str(len(self.records)).encode()))
        envelope = envelope_bytes(sign_envelope(PAYLOAD_TYPE, built.payload, KEY))
        seq = len(self.records)
        entry = sealed_entry(
            seq=seq, prev=self._prev, at=self.now + timedelta(seconds=1), node=ORIGIN, envelope=envelope
        )
        self.records.append((seq, entry, built.opening))
        self._prev = leaf_hash(entry).hex()
        self.now += timedelta(minutes=1)
        return seq

    def entries(self):
        for seq, entry, opening in self.records:
            yield seq, orjson.loads(entry), None if opening is None else orjson.loads(opening)

    def bundle(self, out, edition=Edition.REGULATOR):
        """The bundle that `databourse export` would make of it."""
        signer = NoteSigner(ORIGIN, KEY)
        root = root_of([leaf_hash(entry) for _, entry, _ in self.records])
        head = sign_checkpoint(Checkpoint(ORIGIN, len(self.records), root), signer)
        keys = Keys(ORIGIN, (KeyWindow(signer.vkey),))
        write_bundle(out, self.records, checkpoint=head, keys=keys, signer=signer, edition=edition)
        return out

    def until(self, *date_and_time):
        self.now = datetime(*date_and_time, tzinfo=UTC)
        return self


SELLER, BUYER, BROKER = "org_seller", "org_buyer", "org_broker"
PARTIES = {"listing_id": "lst_1", "seller_id": SELLER, "buyer_id": BUYER, "broker_id": BROKER}


def founded():
    ledger = Ledger()
    ledger.say("LOG.GENESIS", ORIGIN, origin=ORIGIN, operator_id="org_exchange")
    for org, name, roles in (
        (SELLER, "粤能数科", ["PROVIDER"]),
        (BUYER, "湾区普惠银行", ["BUYER"]),
        (BROKER, "珠江数据经纪", ["BROKER"]),
    ):
        ledger.say(
            "ORG.ADMIT",
            org,
            opening={"controller_id": f"ctl_{org}", "is_ciio": False},
            org_id=org,
            name=name,
            uscc="91440000000000000X",
            region="440000",
            roles=roles,
        )
    ledger.say(
        "BRK.CERTIFY",
        "crt_1",
        actor="org_authority",
        role="DATA_AUTHORITY",
        cert_id="crt_1",
        cert_no="GD-DB-M-2-2025-0001",
        org_id=BROKER,
        broker_type="M",
        grade=2,
        sectors=["energy", "transport"],
        max_level="general-3",
        cross_border=False,
        valid_from="2025-07-01T00:00:00.000Z",
        valid_to="2028-06-30T15:59:59.000Z",
    )
    mandate = {
        "mandate_id": "mnd_1",
        "broker_id": BROKER,
        "client_id": SELLER,
        "side": "PROVIDER",
        "listing_id": None,
    }
    terms = {"fee_bp": 200, "conflict_disclosed": False, "dual_consent": False, "scope": "negotiate"}
    ends = {"ends_at": "2027-06-30T00:00:00.000Z"}
    ledger.say("MND.SIGN", "mnd_1", actor=SELLER, role="PROVIDER", opening=terms, **mandate, **ends)
    ledger.say("MND.ACCEPT", "mnd_1", actor=BROKER, role="BROKER", opening=terms, **mandate, **ends)
    ledger.say(
        "LST.DRAFT",
        "lst_1",
        actor=SELLER,
        role="PROVIDER",
        opening={"title": "用电指数", "list_price_minor": "76000000", "unit": "set", "quantity": 1},
        listing_id="lst_1",
        product_id="prd_1",
        seller_id=SELLER,
        category="energy",
        geo="nationwide",
        level="general-2",
        product_type="DATASET",
        public_data=False,
        file={"sha256": "ab" * 32, "bytes": 5},
    )
    ledger.say("LST.LIST", "lst_1", to="LISTED", listing_id="lst_1", seller_id=SELLER)
    return ledger


def sc1(ledger):
    """The clean brokered trade: three offers, contract, escrow, download, acceptance, T+1 settlement."""
    trade = {"trade_id": "trd_1", **PARTIES}
    by_seller = {"actor": BROKER, "role": "BROKER"}
    by_buyer = {"actor": BUYER, "role": "BUYER"}

    def offer(event, no, price, side):
        terms = {"price_minor": price, "quantity": 1, "unit": "set", "licence_class": "INTERNAL"}
        ledger.say(event, "trd_1", opening=terms, to="NEGOTIATING", offer_no=no, **side, **trade)

    ledger.say(
        "TRD.INQUIRE",
        "trd_1",
        opening={"purpose": "信贷"},
        to="INQUIRED",
        product_id="prd_1",
        **by_buyer,
        **trade,
    )
    offer("TRD.OFFER", 1, "76000000", by_seller)
    offer("TRD.COUNTER_OFFER", 2, "62000000", by_buyer)
    offer("TRD.OFFER", 3, "68000000", by_seller)
    ledger.say("TRD.ACCEPT", "trd_1", to="ACCEPTED", offer_no=3, **by_buyer, **trade)
    ledger.say(
        "QTE.QUOTE",
        "qte_1",
        opening={
            "price_minor": "68000000",
            "quantity": 1,
            "unit": "set",
            "licence_class": "INTERNAL",
            "reasons": [],
        },
        quote_id="qte_1",
        mechanism="M5",
        version="1",
        inputs_sha256="cd" * 32,
        **trade,
    )
    ledger.say(
        "XBD.AUTO_ROUTE",
        "dcl_1",
        to="CLEARED",
        declaration_id="dcl_1",
        trade_id="trd_1",
        exporter_id=SELLER,
        recipient_id=BUYER,
        country="CN",
        route="DOMESTIC",
        rule_id="XB1",
    )
    ledger.say("TRD.PRECHECK_PASS", "trd_1", to="CONTRACT_READY", checks=["BR1"], quote_id="qte_1", **trade)
    terms = {
        "amount_minor": "68000000",
        "commission_minor": "1360000",
        "platform_fee_minor": "680000",
        "quantity": 1,
        "unit": "set",
        "licence_class": "INTERNAL",
        "contract_dated_at": "2026-11-16T02:00:00.000Z",
    }
    moment = ledger.now
    ledger.say("CND.CHECK", "trd_1", keep_until="2046-12-31T00:00:00.000Z", **by_seller, **trade)
    ledger.now = moment
    for _ in range(3):
        ledger.say(
            "TRD.SIGN",
            "trd_1",
            opening=terms,
            trade_id="trd_1",
            contract_sha256="ef" * 32,
            parties=[SELLER, BUYER, BROKER],
        )
    contract = ledger.say(
        "TRD.CONTRACT",
        "trd_1",
        opening=terms,
        to="CONTRACTED",
        product_id="prd_1",
        quote_id="qte_1",
        signatures=[],
        **trade,
    )
    ledger.say(
        "TRD.FUND",
        "trd_1",
        opening={"amount_minor": "68000000"},
        to="FUNDED",
        bank_message_sha256="01" * 32,
        **trade,
    )
    ledger.until(2026, 11, 17, 2)
    ledger.say("TRD.START_DELIVERY", "trd_1", actor=SELLER, role="PROVIDER", to="DELIVERING", **trade)
    ledger.say(
        "DLV.DOWNLOAD",
        "ent_1",
        opening={"bytes": 500},
        trade_id="trd_1",
        entitlement_id="ent_1",
        complete=True,
    )
    ledger.say("TRD.DELIVERED", "trd_1", to="DELIVERED", mode="download", bytes=500, **trade)
    ledger.until(2026, 11, 20, 8)
    ledger.say("TRD.ACCEPT_GOODS", "trd_1", to="ACCEPTED_GOODS", **by_buyer, **trade)
    ledger.until(2026, 11, 23, 1)
    legs = {"seller_minor": "65960000", "commission_minor": "1360000", "platform_fee_minor": "680000"}
    ledger.say("TRD.SETTLE", "trd_1", opening={"amount_minor": "68000000", **legs}, to="SETTLED", **trade)
    return contract


def comparable(ledger, n, price):
    """An honest sale of another seller in SC-1's market, downloaded, accepted and settled."""
    seller, buyer, trade_id, listing = f"org_s{n}", f"org_b{n}", f"trd_c{n}", f"lst_c{n}"
    for org in (seller, buyer):
        ledger.say(
            "ORG.ADMIT",
            org,
            opening={"controller_id": None, "is_ciio": False},
            org_id=org,
            name=org,
            roles=[],
        )
    ledger.say(
        "LST.DRAFT",
        listing,
        listing_id=listing,
        product_id=f"prd_c{n}",
        seller_id=seller,
        category="energy",
        geo="nationwide",
        level="general-2",
    )
    trade = {
        "trade_id": trade_id,
        "listing_id": listing,
        "seller_id": seller,
        "buyer_id": buyer,
        "broker_id": None,
    }
    terms = {
        "amount_minor": price,
        "commission_minor": "0",
        "platform_fee_minor": "0",
        "quantity": 1,
        "unit": "set",
    }
    ledger.say("TRD.CONTRACT", trade_id, opening=terms, to="CONTRACTED", product_id=f"prd_c{n}", **trade)
    ledger.say("TRD.FUND", trade_id, opening={"amount_minor": price}, to="FUNDED", **trade)
    ledger.say("TRD.DELIVERED", trade_id, to="DELIVERED", mode="download", bytes=9, **trade)
    ledger.say("TRD.ACCEPT_GOODS", trade_id, to="ACCEPTED_GOODS", **trade)
    legs = {"seller_minor": price, "commission_minor": "0", "platform_fee_minor": "0"}
    ledger.say("TRD.SETTLE", trade_id, opening={"amount_minor": price, **legs}, to="SETTLED", **trade)
