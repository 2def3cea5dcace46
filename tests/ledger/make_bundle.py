"""Makes small real logs and bundles for tests, and forges them: honest and dishonest ones alike.

The statements are crafted here from the published form with the standard library, not with the code
under test; only `BundleWriter` packs them.
"""

import base64
import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from base.signing import SigningKey
from ledger.bundle import Edition, Keys, KeyWindow, ManifestNote, write_bundle
from ledger.checkpoint import Checkpoint, NoteSigner, VerifierKey, sign_checkpoint, sign_note
from ledger.suites import PrivateKey
from ledger.tree import leaf_hash, root_of

ORIGIN = "databourse.example/log"
START = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
OPERATOR = "org_exchange"
ROLES = {
    "org_seller": "PROVIDER",
    "org_buyer": "BUYER",
    "org_broker": "BROKER",
    "org_authority": "DATA_AUTHORITY",
}


def key(name: str) -> SigningKey:
    """A key of a test organisation, the same in every run."""
    return SigningKey.from_bytes(hashlib.sha256(name.encode()).digest())


LOG_KEY = NoteSigner(ORIGIN, key("log"))
VKEY = LOG_KEY.vkey


def jcs(document: Any) -> bytes:
    """RFC 8785 for ASCII keys and whole numbers."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def dsse(payload: bytes, *keys: PrivateKey) -> dict[str, Any]:
    kind = "application/vnd.in-toto+json"
    pae = b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(payload), payload)
    signatures = [{"keyid": sha(k.public), "sig": b64(k.sign(pae))} for k in keys]
    return {"payload": b64(payload), "payloadType": kind, "signatures": signatures}


@dataclass
class Log:
    """Statements in order, and what is needed to seal and bundle them."""

    origin: str = ORIGIN
    signer: NoteSigner = LOG_KEY
    envelopes: list[dict[str, Any]] = field(default_factory=list)
    openings: dict[int, bytes] = field(default_factory=dict)
    sealed_at: dict[int, str] = field(default_factory=dict)
    kept: list[int] = field(default_factory=list)
    witnesses: list[NoteSigner] = field(default_factory=list)

    def say(
        self,
        event: str,
        object_id: str,
        *keys: PrivateKey,
        actor: str | None,
        role: str | None = None,
        opening: Mapping[str, Any] | None = None,
        **public: Any,
    ) -> int:
        """Add a statement signed by the keys; returns its seq. `before` and `after` become from and to."""
        seq = len(self.envelopes)
        predicate = {**public, "event": event, "object": object_id}
        for name, member in (("before", "from"), ("after", "to")):
            if name in predicate:
                predicate[member] = predicate.pop(name)
        if actor is not None:
            said = {"actor": actor, "role": role, "occurred_at": time(START + timedelta(minutes=seq))}
            predicate = said | predicate  # a fact may say another time than that of the sealing
        if opening is not None:
            self.openings[seq] = jcs({"nonce": sha(f"{event}{object_id}{opening}".encode()), **opening})
            predicate["opening"] = {"sha256": sha(self.openings[seq])}
        digest = predicate["opening"]["sha256"] if opening is not None else sha(jcs(predicate))
        statement = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": object_id, "digest": {"sha256": digest}}],
            "predicateType": f"urn:databourse:statement:{event}:v1",
            "predicate": predicate,
        }
        self.envelopes.append(dsse(jcs(statement), *keys))
        return seq

    def exchange(self, event: str, object_id: str, **facts: Any) -> int:
        return self.say(event, object_id, key("exchange"), actor=OPERATOR, role="EXCHANGE_OPERATOR", **facts)

    def party(
        self, who: str, event: str, object_id: str, *, signer: PrivateKey | None = None, **facts: Any
    ) -> int:
        """Said by an organisation in its role, with its first key or another."""
        return self.say(event, object_id, signer or key(who), actor=who, role=ROLES[who], **facts)

    def register(self, org_id: str, roles: list[str], new: PrivateKey, *vouchers: PrivateKey) -> int:
        return self.say(
            "KEY.REGISTER",
            f"key_{sha(new.public)[:26]}",
            new,
            *vouchers,
            actor=org_id,
            role=roles[0] if roles else "PROVIDER",
            org_id=org_id,
            roles=roles,
            suite=new.suite,
            custody="self-held",
            keyid=sha(new.public),
            public_key=b64(new.public),
        )

    def entries(self) -> list[bytes]:
        """The sealed entries, linked and numbered."""
        found: list[bytes] = []
        previous = "0" * 64
        for seq, envelope in enumerate(self.envelopes):
            at = self.sealed_at.get(seq, time(START + timedelta(minutes=seq, seconds=1)))
            entry = {"v": 1, "seq": seq, "prev": previous, "at": at, "node": self.origin}
            found.append(jcs({**entry, "envelope": envelope}))
            previous = leaf_hash(found[-1]).hex()
        return found

    def checkpoint(self, entries: list[bytes], size: int | None = None) -> bytes:
        """The signed, cosigned tree head over the first `size` entries."""
        leaves = [leaf_hash(entry) for entry in entries[:size]]
        head = Checkpoint(self.origin, len(leaves), root_of(leaves))
        note = sign_checkpoint(head, self.signer)
        for witness in self.witnesses:
            note += cosignature(witness, head.text(), 1_790_000_000).encode()
        return note

    def write(
        self,
        out: Path,
        *,
        edition: Edition = Edition.REGULATOR,
        entries: list[bytes] | None = None,
        checkpoint: bytes | None = None,
        openings: dict[int, bytes] | None = None,
    ) -> Path:
        """Write the bundle, with `entries` or `checkpoint` put in the place of the honest ones."""
        sealed = self.entries()
        given = sealed if entries is None else entries
        held = self.openings if openings is None else openings
        write_bundle(
            out,
            ((seq, entry, held.get(seq)) for seq, entry in enumerate(given)),
            checkpoint=checkpoint or self.checkpoint(given),
            keys=self.keys(),
            signer=self.signer,
            edition=edition,
            kept={size: self.checkpoint(sealed, size) for size in self.kept},
        )
        return out

    def keys(self) -> Keys:
        witnesses = tuple(VerifierKey(w.name, w.key.public, 4) for w in self.witnesses)
        return Keys(self.origin, (KeyWindow(self.signer.vkey),), witnesses)


def cosignature(witness: NoteSigner, text: str, at_s: int) -> str:
    sig = at_s.to_bytes(8) + witness.key.sign(f"cosignature/v1\ntime {at_s}\n{text}".encode())
    vkey = VerifierKey(witness.name, witness.key.public, 4)
    return f"— {witness.name} {b64(vkey.key_id + sig)}\n"


def genesis(log: Log) -> None:
    """Entry 0, and the registered keys of a provider, a buyer, a broker and a regulator."""
    exchange = key("exchange")
    log.exchange(
        "LOG.GENESIS",
        "log",
        origin=log.origin,
        vkey=str(log.signer.vkey),
        exchange_key={"keyid": sha(exchange.public), "public_key": b64(exchange.public)},
        operator_id=OPERATOR,
    )
    for org_id, role in ROLES.items():
        log.exchange(
            "ORG.ADMIT",
            org_id,
            org_id=org_id,
            name="某某数据有限公司",
            uscc="91440300MA5EXAMPL0",
            region="Shenzhen",
            roles=[role],
            opening={"controller_id": f"ctl_{org_id}", "is_ciio": False},
        )
        log.register(org_id, [role], key(org_id), exchange)


def trade(log: Log, number: int, amount_minor: int = 68_000_000) -> str:
    """One trade from inquiry to settlement."""
    trade_id = f"trd_{number:04}"
    parties = {"seller_id": "org_seller", "buyer_id": "org_buyer", "broker_id": "org_broker"}
    known = {"trade_id": trade_id, "listing_id": "lst_1", **parties}
    amounts = {
        "amount_minor": str(amount_minor),
        "commission_minor": str(amount_minor // 50),
        "platform_fee_minor": str(amount_minor // 100),
        "quantity": "336776",
    }
    asked = {"purpose": "交通预测", "quantity": "336776"}
    log.party("org_buyer", "TRD.INQUIRE", trade_id, opening=asked, **known, after="INQUIRED")
    offered = {"price_minor": str(amount_minor)}
    moves = {"before": "INQUIRED", "after": "NEGOTIATING"}
    log.party("org_seller", "TRD.OFFER", trade_id, opening=offered, **known, **moves, offer_no=1)
    moves = {"before": "NEGOTIATING", "after": "ACCEPTED"}
    log.party("org_buyer", "TRD.ACCEPT", trade_id, trade_id=trade_id, **moves, offer_no=1)
    contract = {"contract_sha256": sha(b"contract")}
    moves = {"before": "ACCEPTED", "after": "CONTRACT_READY", "checks": [], "rules": []}
    log.exchange("TRD.PRECHECK_PASS", trade_id, **known, **moves)
    signatures = []
    for org_id in parties.values():
        shared = {"trade_id": trade_id, "parties": list(parties.values()), **contract}
        seq = log.say("TRD.SIGN", trade_id, key(org_id), actor=None, **shared, opening=amounts)
        signatures.append(sha(jcs(log.envelopes[seq])))
    moves = {"before": "CONTRACT_READY", "after": "CONTRACTED", "signatures": signatures}
    log.exchange("TRD.CONTRACT", trade_id, opening=amounts, **known, **contract, **moves)
    moves = {"before": "CONTRACTED", "after": "FUNDED", "bank_message_sha256": sha(b"camt.054")}
    log.exchange("TRD.FUND", trade_id, opening={"amount_minor": str(amount_minor)}, **known, **moves)
    handed = {"entitlement_id": "ent_1", "file_sha256": sha(b"file")}
    moves = {"before": "FUNDED", "after": "DELIVERING"}
    log.party("org_seller", "TRD.START_DELIVERY", trade_id, **known, **moves, **handed)
    moves = {"before": "DELIVERING", "after": "DELIVERED", "mode": "download", "bytes": 4}
    log.exchange("TRD.DELIVERED", trade_id, **known, **moves, **handed)
    moves = {"before": "DELIVERED", "after": "ACCEPTED_GOODS"}
    log.party("org_buyer", "TRD.ACCEPT_GOODS", trade_id, **known, **moves)
    moves = {"before": "ACCEPTED_GOODS", "after": "SETTLED", "bank_message_sha256": sha(b"pain.002")}
    log.exchange("TRD.SETTLE", trade_id, opening=amounts, **known, **moves)
    return trade_id


def story(trades: int = 3) -> Log:
    """A log with keys, trades, a rotated and a revoked key."""
    log = Log()
    genesis(log)
    for number in range(trades):
        trade(log, number)
    log.register("org_seller", ["PROVIDER"], key("org_seller 2"), key("org_seller"))
    revoked = {"org_id": "org_seller", "keyid": sha(key("org_seller").public), "reason": "rotation"}
    log.party("org_seller", "KEY.REVOKE", "key_old", signer=key("org_seller 2"), **revoked)
    listing = {"listing_id": "lst_2", "seller_id": "org_seller", "opening": {"title": "航班"}}
    log.party("org_seller", "LST.DRAFT", "lst_2", signer=key("org_seller 2"), **listing)
    return log


def resign(
    bundle: Path, signer: NoteSigner = LOG_KEY, change: Callable[[dict[str, str]], None] | None = None
) -> None:
    """Make the manifest anew over the files as they are now, and sign it: what an insider would do."""
    files = {
        path.relative_to(bundle).as_posix(): sha(path.read_bytes())
        for path in bundle.rglob("*")
        if path.is_file() and not path.name.startswith("manifest")
    }
    if change:
        change(files)
    manifest = jcs({"files": files})
    old = (bundle / "manifest.note").read_text().split("\n")
    note = ManifestNote(signer.name, Edition(old[1]), int(old[2]), sha(manifest))
    (bundle / "manifest.json").write_bytes(manifest)
    (bundle / "manifest.note").write_bytes(sign_note(note.text(), signer))


def copied(bundle: Path, to: Path) -> Path:
    shutil.copytree(bundle, to)
    return to
