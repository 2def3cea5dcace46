"""A stranger's verifier: the steps of the Recommendations, with `rfc8785` and nothing of ours."""

import base64
import gzip
import hashlib
import json
from typing import Any

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_DIGITS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def strangers_base58(text: str) -> bytes:
    number = sum(_DIGITS.index(digit) * 58**place for place, digit in enumerate(reversed(text)))
    zeros = len(text) - len(text.lstrip(_DIGITS[0]))  # each stands for a byte of nought before the number
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def strangers_proof(raw: bytes | str) -> dict[str, Any]:
    """vc-di-eddsa §3.3.2, step by step. Raises InvalidSignature."""
    secured: dict[str, Any] = json.loads(raw)
    proof = secured.pop("proof")
    signature = strangers_base58(proof.pop("proofValue").removeprefix("z"))
    if "@context" in proof:
        assert secured["@context"][: len(proof["@context"])] == proof["@context"]
        secured["@context"] = proof["@context"]
    key = strangers_base58(proof["verificationMethod"].partition("#")[2].removeprefix("z"))
    assert key[:2] == b"\xed\x01"
    hashes = [hashlib.sha256(rfc8785.dumps(part)).digest() for part in (proof, secured)]
    Ed25519PublicKey.from_public_bytes(key[2:]).verify(signature, b"".join(hashes))
    assert secured["issuer"] == proof["verificationMethod"].partition("#")[0]
    return secured


def strangers_bit(credential: dict[str, Any], listed: dict[str, Any], purpose: str) -> int:
    """Bitstring Status List §3.2."""
    (entry,) = [one for one in credential["credentialStatus"] if one["statusPurpose"] == purpose]
    assert entry["type"] == "BitstringStatusListEntry"
    assert entry["statusListCredential"] == listed["id"]
    assert entry["id"] != listed["id"]
    subject = listed["credentialSubject"]
    assert subject["type"] == "BitstringStatusList"
    assert purpose in subject["statusPurpose"]
    text = subject["encodedList"]
    assert text[0] == "u"
    assert "=" not in text
    bits = gzip.decompress(base64.urlsafe_b64decode(text[1:] + "=" * (-len(text[1:]) % 4)))
    assert len(bits) >= 16 * 1024
    index = int(entry["statusListIndex"])
    return (bits[index // 8] >> (7 - index % 8)) & 1
