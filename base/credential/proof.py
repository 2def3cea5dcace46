"""The Data Integrity proof `eddsa-jcs-2022` (W3C vc-di-eddsa v1.0, §3.3): made, and checked.

What is signed: SHA-256 of the proof's own members as RFC 8785 writes them, then SHA-256 of the document
without the proof; Ed25519 over these 64 bytes. The key is the `did:key` in `verificationMethod`. Pure.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from base.canonical import canonical
from base.clock import parse_rfc3339, rfc3339
from base.credential.multikey import (
    did_key,
    did_of_method,
    from_multibase,
    method_of,
    multibase,
    public_of,
)
from base.errors import Malformed
from base.signing import SigningKey, signature_holds

TYPE: Final = "DataIntegrityProof"
CRYPTOSUITE: Final = "eddsa-jcs-2022"
PURPOSE: Final = "assertionMethod"
AUTHENTICATION: Final = "authentication"
"""The purpose of a presentation's proof: its holder answers a challenge, for one domain."""
_CONTEXT: Final = "@context"
_MEMBERS: Final = frozenset(
    {"type", "cryptosuite", "created", "verificationMethod", "proofPurpose", "proofValue"}
)
_ANSWERS: Final = frozenset({"challenge", "domain"})
_SIGNATURE: Final = 64
# XMLSCHEMA11-2 dateTimeStamp, of four-digit years.
_MOMENT: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-](0\d|1[0-4]):[0-5]\d)", re.ASCII
)


class ProofMalformed(Malformed):
    """There is no proof of the one form that is taken here."""

    code = "proof-malformed"
    title = "The document carries no proof of the expected form"


class ProofInvalid(Malformed):
    """The proof does not hold for the document as it stands."""

    code = "proof-invalid"
    title = "The proof does not hold: the document was changed or forged"


@dataclass(frozen=True, slots=True)
class Proven:
    """A document whose proof holds: which `did:key` signed it, and when it says that it did."""

    document: dict[str, Any]
    did: str
    created: datetime
    challenge: str | None = None
    domain: str | None = None


def secure(
    document: Mapping[str, Any],
    key: SigningKey,
    *,
    created: datetime,
    challenge: str | None = None,
    domain: str | None = None,
) -> dict[str, Any]:
    """The document with a proof by this key (§3.3.1); with a challenge and a domain, a holder's answer."""
    proof: dict[str, Any] = {
        "type": TYPE,
        "cryptosuite": CRYPTOSUITE,
        "created": rfc3339(created),
        "verificationMethod": method_of(did_key(key.public)),
        "proofPurpose": PURPOSE,
    }
    if challenge is not None and domain is not None:
        proof |= {"proofPurpose": AUTHENTICATION, "challenge": challenge, "domain": domain}
    if _CONTEXT in document:
        proof[_CONTEXT] = document[_CONTEXT]
    signature = key.sign(hash_data(proof, document))
    return {**document, "proof": {**proof, "proofValue": multibase(signature)}}


def hash_data(config: Mapping[str, Any], document: Mapping[str, Any]) -> bytes:
    """What is signed (§3.3.4): the proof's hash, then the document's."""
    return b"".join(hashlib.sha256(canonical(dict(part))).digest() for part in (config, document))


def check(secured: Mapping[str, Any], *, purpose: str = PURPOSE) -> Proven:
    """The document without its proof, once the proof holds (§3.3.2).

    Exactly one proof, exactly the members that `secure` writes, and the whole context under it: a
    context that was added afterwards would give signed words another meaning. Raises ProofMalformed,
    ProofInvalid.
    """
    proof = secured.get("proof")
    members = _MEMBERS | _ANSWERS if purpose == AUTHENTICATION else _MEMBERS
    if type(proof) is not dict or proof.keys() - {_CONTEXT} != members:
        raise ProofMalformed("one proof, with the members of the cryptosuite and no others")
    named = (proof["type"], proof["cryptosuite"], proof["proofPurpose"])
    if named != (TYPE, CRYPTOSUITE, purpose):
        raise ProofMalformed("another kind of proof", found=[str(name)[:60] for name in named])
    document = {name: value for name, value in secured.items() if name != "proof"}
    config = {name: value for name, value in proof.items() if name != "proofValue"}
    if _CONTEXT in proof and proof[_CONTEXT] != document.get(_CONTEXT):
        raise ProofInvalid("the context is not the one that was signed")
    created = moment(proof["created"])
    try:
        did = did_of_method(_text(proof["verificationMethod"]))
        signature = from_multibase(_text(proof["proofValue"]))
        signed = hash_data(config, document)
    except ProofMalformed:
        raise
    except Malformed as error:
        raise ProofMalformed(error.detail) from None
    if len(signature) != _SIGNATURE or not signature_holds(public_of(did), signed, signature):
        raise ProofInvalid("the signature does not hold for these words")
    answers = [_text(proof[name]) if name in proof else None for name in ("challenge", "domain")]
    return Proven(document, did, created, *answers)


def moment(value: Any) -> datetime:
    """A dateTimeStamp. Raises ProofMalformed."""
    text = _text(value)
    try:
        if _MOMENT.fullmatch(text) is None:
            raise ValueError("not a dateTimeStamp")
        return parse_rfc3339(text)
    except (ValueError, OverflowError):
        raise ProofMalformed("not a moment with its offset", found=text[:40]) from None


def _text(value: Any) -> str:
    if type(value) is not str:
        raise ProofMalformed("a text is asked for", found=type(value).__name__)
    return value
