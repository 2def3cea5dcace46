"""One sealed entry, read strictly from its bytes: the form of `docs/ledger.md` and nothing else."""

import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import orjson

from base.canonical import is_canonical
from base.errors import Malformed
from base.signing import Signature
from ledger.statement import PAYLOAD_TYPE, PREDICATE_PREFIX, STATEMENT_TYPE

_MEMBERS: Final = {"at", "envelope", "node", "prev", "seq", "v"}
_ENVELOPE: Final = {"payload", "payloadType", "signatures"}
_SIGNATURE: Final = {"keyid", "sig"}
_STATEMENT: Final = {"_type", "subject", "predicateType", "predicate"}
_SUBJECT: Final = {"name", "digest"}
_DIGEST: Final = {"sha256"}
_HEX: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_TIME: Final = re.compile(
    r"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z", re.ASCII
)
_VERSION: Final = 1


@dataclass(slots=True)  # not frozen: that would double the time it takes to make one
class Sealed:
    """What an entry says, after its form was found right. `payload` is what the signatures are over."""

    seq: int
    prev: str
    at: str
    node: str
    payload: bytes
    signatures: tuple[Signature, ...]
    event: str
    object_id: str
    predicate: Mapping[str, Any]
    opening_sha256: str | None

    def text(self, member: str) -> str | None:
        """A member of the predicate that is text, else None."""
        value = self.predicate.get(member)
        return value if isinstance(value, str) else None


def read_entry(raw: bytes) -> Sealed:
    """Read an entry's bytes. Raises Malformed, saying what is not of the published form."""
    entry = _strict(raw, _MEMBERS, "entry")
    seq, prev, at, node = entry["seq"], entry["prev"], entry["at"], entry["node"]
    if entry["v"] != _VERSION or type(seq) is not int or type(node) is not str:
        raise Malformed("not an entry of version 1")
    if not _is_hex(prev) or type(at) is not str or _TIME.fullmatch(at) is None:
        raise Malformed("prev is no SHA-256, or at no time in UTC")
    payload, signatures = _envelope(entry["envelope"])
    event, object_id, predicate, commitment = read_statement(payload)
    return Sealed(seq, prev, at, node, payload, signatures, event, object_id, predicate, commitment)


def _envelope(document: Any) -> tuple[bytes, tuple[Signature, ...]]:
    """The payload and the signatures of a DSSE envelope of an in-toto statement."""
    if type(document) is not dict or document.keys() != _ENVELOPE or document["payloadType"] != PAYLOAD_TYPE:
        raise Malformed("not the envelope of an in-toto statement")
    signatures = document["signatures"]
    if type(signatures) is not list or not signatures:
        raise Malformed("an envelope without a signature")
    found = []
    for signature in signatures:
        if type(signature) is not dict or signature.keys() != _SIGNATURE or not _is_hex(signature["keyid"]):
            raise Malformed("not a signature of an envelope")
        found.append(Signature(signature["keyid"], _base64(signature["sig"])))
    return _base64(document["payload"]), tuple(found)


def read_statement(payload: bytes) -> tuple[str, str, dict[str, Any], str | None]:
    """Event, object, predicate and commitment to the opening of an in-toto statement; raises Malformed."""
    statement = _strict(payload, _STATEMENT, "statement", "predicate")
    predicate, kind = statement["predicate"], statement["predicateType"]
    if statement["_type"] != STATEMENT_TYPE or type(predicate) is not dict:
        raise Malformed("not an in-toto statement of version 1")
    event, object_id = predicate.get("event"), predicate.get("object")
    if type(event) is not str or kind != f"{PREDICATE_PREFIX}{event}:v1" or type(object_id) is not str:
        raise Malformed("the predicate does not name its event and object")
    opening = predicate.get("opening")
    commitment = opening.get("sha256") if type(opening) is dict and len(opening) == 1 else None
    if opening is not None and not _is_hex(commitment):
        raise Malformed("the commitment to the opening is no SHA-256")
    if not _subjects_fit(statement["subject"], object_id, commitment):
        raise Malformed("the subjects do not name the object and digests")
    return event, object_id, predicate, commitment


def _subjects_fit(subjects: Any, object_id: str, commitment: str | None) -> bool:
    """Each subject is a name and one SHA-256; the first is the object, under the opening's commitment."""
    if type(subjects) is not list or not subjects:
        return False
    for subject in subjects:
        if type(subject) is not dict or subject.keys() != _SUBJECT or type(subject["name"]) is not str:
            return False
        digest = subject["digest"]
        if type(digest) is not dict or digest.keys() != _DIGEST or not _is_hex(digest["sha256"]):
            return False
    first = subjects[0]
    return first["name"] == object_id and (commitment is None or first["digest"]["sha256"] == commitment)


def _strict(raw: bytes, members: set[str], what: str, spread: str | None = None) -> dict[str, Any]:
    """A canonical JSON object (so no key comes twice) with exactly these members.

    With `spread` only that member is looked at for floats: the caller knows what each other one is.
    """
    try:
        document = orjson.loads(raw)
        part = document.get(spread) if spread and type(document) is dict else None
        same = is_canonical(document, raw, part)
    except (ValueError, RecursionError):
        raise Malformed(f"the {what} is not JSON") from None
    if not same:
        raise Malformed(f"the {what} is not in canonical form")
    if type(document) is not dict or document.keys() != members:
        raise Malformed(f"the {what} has other members than it should")
    return document


def _base64(text: Any) -> bytes:
    """Decode base64 that is spelt as it would be written, so that no other text is the same envelope."""
    try:
        data = a2b_base64(text)
    except (ValueError, TypeError):
        raise Malformed("not base64") from None
    if b2a_base64(data, newline=False) != text.encode():
        raise Malformed("base64 in another spelling than the standard one")
    return data


def _is_hex(value: Any) -> bool:
    return type(value) is str and _HEX.fullmatch(value) is not None


def packed(said: Sealed) -> tuple[Any, ...]:
    """What is asked of a statement beyond its tile, as plain JSON: to be sent elsewhere, or kept."""
    keyids = [signature.keyid for signature in said.signatures]
    return said.seq, said.node, said.event, said.object_id, said.predicate, said.opening_sha256, keyids


@lru_cache(maxsize=4096)
def _by(keyid: str) -> Signature:
    return Signature(keyid, b"")


def unpacked(facts: Any) -> Sealed:
    """The reverse of `packed`: without payload and signatures, which were verified before."""
    seq, node, event, object_id, predicate, commitment, keyids = facts
    signatures = tuple([_by(keyid) for keyid in keyids])
    return Sealed(seq, "", "", node, b"", signatures, event, object_id, predicate, commitment)
