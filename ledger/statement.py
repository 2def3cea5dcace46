"""What is said: in-toto Statement v1 payloads, and the sealed entry that puts one in order.

Pure: values in, bytes out. The form is `docs/ledger.md`; the payload bytes are canonical (RFC 8785),
made once, kept, and never serialised again.
"""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from base.canonical import canonical, sha256_hex
from base.clock import rfc3339
from base.signing import Envelope

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_PREFIX: Final = "urn:databourse:statement:"
NO_PREVIOUS: Final = "0" * 64
MAX_ENTRY_BYTES: Final = 8192
_SHORT: Final = 128
# What some statements speak of beside their object, by which they are found again (`ledger.lineage`).
BESIDE: Final[Mapping[str, tuple[str, ...]]] = {
    "LST.DRAFT": ("product_id", "file", "derived_from"),
    "TRD.CONTRACT": ("product_id", "listing_id"),
    "DLV.DOWNLOAD": ("trade_id",),
    "CSE.DECIDE": ("org_ids",),  # in logs of before decisions were published
    "CSE.PUBLISH": ("org_ids",),
}


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be said, before it is known who signs.

    `public` is what anyone may see; `opening` (prices, quantities, terms, texts) is committed to with
    a nonce and kept where it can be erased. `subjects` name further SHA-256 digests. A `shared`
    draft is one that several parties sign identically (a contract): it names no actor, role, state or
    time, and its opening brings its own nonce.
    """

    event: str
    object_id: str
    public: Mapping[str, Any]
    opening: Mapping[str, Any] | None = None
    subjects: Mapping[str, str] = field(default_factory=dict)
    before: str | None = None
    after: str | None = None
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Saying:
    """Who says it, in which role, when, and under which clock and custody."""

    actor: str
    role: str
    occurred_at: datetime
    simulated: bool
    custodial: bool


@dataclass(frozen=True, slots=True)
class Built:
    """The exact bytes: the payload to sign, and the opening it commits to."""

    event: str
    object_id: str
    payload: bytes
    opening: bytes | None
    opening_sha256: str | None
    mentions: tuple[str, ...] = ()


def mentioned(event: str, predicate: Mapping[str, Any]) -> tuple[str, ...]:
    """The further ids and digests a statement is found by, each once, in order."""
    found: list[str] = []
    for name in BESIDE.get(event, ()):
        value = predicate.get(name)
        several = value if isinstance(value, list) else [value]
        for one in several:
            text = one.get("sha256") if isinstance(one, dict) else one
            if isinstance(text, str) and text not in found and text != predicate.get("object"):
                found.append(text)
    return tuple(found)


def build(draft: Draft, saying: Saying, nonce: str) -> Built:
    """The canonical in-toto payload of a draft. `nonce` is 256 bits as hex, used by an opening."""
    predicate: dict[str, Any] = {**draft.public, "object": draft.object_id, "event": draft.event}
    opening: bytes | None = None
    commitment: str | None = None
    if draft.opening is not None:
        body = dict(draft.opening)
        if not draft.shared:
            body["nonce"] = nonce
        opening = canonical(body)
        commitment = sha256_hex(opening)
        predicate["opening"] = {"sha256": commitment}
    if not draft.shared:
        predicate |= {
            "actor": saying.actor,
            "role": saying.role,
            "occurred_at": rfc3339(saying.occurred_at),
        }
        if draft.before is not None:
            predicate["from"] = draft.before
        if draft.after is not None:
            predicate["to"] = draft.after
        if saying.custodial:
            predicate["custody"] = "custodial"
    if saying.simulated:
        predicate["clock"] = "simulated"
    first = commitment or sha256_hex(canonical(predicate))
    subjects = [{"name": draft.object_id, "digest": {"sha256": first}}]
    subjects += [{"name": name, "digest": {"sha256": digest}} for name, digest in draft.subjects.items()]
    payload = canonical(
        {
            "_type": STATEMENT_TYPE,
            "subject": subjects,
            "predicateType": f"{PREDICATE_PREFIX}{draft.event}:v1",
            "predicate": predicate,
        }
    )
    mentions = mentioned(draft.event, predicate)
    return Built(draft.event, draft.object_id, payload, opening, commitment, mentions)


def sealed_entry(*, seq: int, prev: str, at: datetime, node: str, envelope: bytes) -> bytes:
    """The leaf bytes of an entry: JCS of `{at, envelope, node, prev, seq, v}`.

    `envelope` is the stored canonical JSON of the DSSE envelope; it goes in as it is, so the bytes
    that were signed for are never re-serialised. Keys stand in JCS order here by construction.
    """
    return b'{"at":"%b","envelope":%b,"node":%b,"prev":"%b","seq":%d,"v":1}' % (
        _moment(at),
        envelope,
        _text(node),
        prev.encode(),
        seq,
    )


def envelope_bytes(envelope: Envelope) -> bytes:
    """The canonical JSON of an envelope: what is stored, digested and sealed."""
    signatures = b",".join(
        [b'{"keyid":%b,"sig":"%b"}' % (_text(s.keyid), b64encode(s.sig)) for s in envelope.signatures]
    )
    return b'{"payload":"%b","payloadType":%b,"signatures":[%b]}' % (
        b64encode(envelope.payload),
        _text(envelope.payload_type),
        signatures,
    )


def _text(text: str) -> bytes:
    """The canonical form of a text; of a short one (a key's id, a type, an origin) from memory."""
    return _short(text) if len(text) <= _SHORT else canonical(text)


@lru_cache(256)
def _short(text: str) -> bytes:
    return canonical(text)


@lru_cache(16)
def _moment(at: datetime) -> bytes:
    return rfc3339(at).encode()
