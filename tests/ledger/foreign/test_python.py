"""Programs in Python that others wrote: sigstore's client (checkpoint, Merkle proof, in-toto statement)
and securesystemslib (DSSE). They accept what we publish, and reject every mutation of it.
"""

import random
from base64 import b64decode, b64encode
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError as NotVerified
from securesystemslib.signer import SSlibKey
from sigstore import dsse
from sigstore._internal.merkle import verify_merkle_inclusion
from sigstore._internal.rekor.checkpoint import SignedCheckpoint, verify_checkpoint
from sigstore._internal.trust import Keyring, RekorKeyring
from sigstore._utils import KeyID
from sigstore.errors import Error, VerificationError
from sigstore.hashes import Hashed
from sigstore_models.common.v1 import HashAlgorithm, PublicKey, PublicKeyDetails
from sigstore_models.rekor.v1 import Checkpoint as RekorCheckpoint
from sigstore_models.rekor.v1 import InclusionProof

from base.canonical import sha256_hex
from base.signing import pre_authentication
from ledger.checkpoint import Receipt, VerifierKey
from tests.ledger.foreign.published import EXCHANGE, LOG, ORIGIN, PROVED, SIZES, WITNESS, Published

ROOM = 2**64


@cache
def keyring(public: bytes) -> RekorKeyring:
    der = Ed25519PublicKey.from_public_bytes(public).public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    key = PublicKey(raw_bytes=b64encode(der), key_details=PublicKeyDetails.PKIX_ED25519)
    return RekorKeyring(Keyring([key]))


def checked(text: str, vkey: VerifierKey = LOG.vkey) -> SignedCheckpoint:
    """What sigstore makes of a checkpoint whose signature holds under the vkey."""
    signed = SignedCheckpoint.from_text(text)
    signed.signed_note.verify(keyring(vkey.public), KeyID(vkey.key_id))
    return signed


def proved(receipt: Receipt, root: bytes, entry: bytes, **other: Any) -> None:
    """Have sigstore verify a receipt's path, and the checkpoint in it, as it does for an entry of Rekor's."""
    facts: dict[str, Any] = {
        "log_index": str(receipt.index),
        "root_hash": b64encode(root),
        "tree_size": str(SIZES[-1]),
        "hashes": [b64encode(value) for value in receipt.path],
    }
    proof = InclusionProof(**facts | other, checkpoint=RekorCheckpoint(envelope=receipt.checkpoint.decode()))
    inner = SimpleNamespace(
        inclusion_proof=proof,
        canonicalized_body=entry,
        log_id=SimpleNamespace(key_id=LOG.vkey.key_id),
    )
    found: Any = SimpleNamespace(_inner=inner)
    verify_merkle_inclusion(found)
    verify_checkpoint(keyring(LOG.key.public), found)


def read(log: Published, seq: int) -> tuple[Receipt, bytes]:
    receipt = Receipt.parse((log.folder / f"receipts/{seq}").read_bytes())
    return receipt, (log.folder / f"leaves/{seq}").read_bytes()


def test_sigstore_reads_the_checkpoint_and_every_kept_one(log: Published) -> None:
    for path, size in [("checkpoint", SIZES[-1]), *((f"checkpoints/{size}", size) for size in SIZES)]:
        said = checked((log.folder / path).read_text()).checkpoint
        assert (said.origin, said.log_size, said.other_content) == (ORIGIN, size, [])
    assert said.log_hash == log.head.root.hex()
    assert checked((log.folder / "checkpoint").read_text()).signed_note.signatures[1].name == WITNESS.name


def test_sigstore_rejects_a_checkpoint_with_any_other_byte_in_text_or_signature(log: Published) -> None:
    data = (log.folder / "checkpoints/600").read_bytes()
    text = data.index(b"\n\n") + 2
    signature = data.index(b" ", text + 4) + 1
    for at in (*range(text), *range(signature, len(data))):
        for bit in range(8):
            other = data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
            try:
                checked(other.decode())
            except (Error, ValueError):  # UnicodeDecodeError and binascii.Error are values' errors
                continue
            # sigstore reads base64 whose last unused bits are not zero, and we do not
            assert b64decode(other[signature:]) == b64decode(data[signature:])
            assert data[at + 1 : at + 2] == b"="
    with pytest.raises(VerificationError):
        checked(data.decode(), VerifierKey(ORIGIN, WITNESS.key.public))


def test_sigstore_verifies_every_receipt(log: Published) -> None:
    for seq in PROVED:
        receipt, entry = read(log, seq)
        proved(receipt, log.head.root, entry)


@pytest.mark.parametrize("seq", PROVED)
def test_sigstore_rejects_every_mutation_of_a_receipt(log: Published, seq: int) -> None:
    receipt, entry = read(log, seq)
    root, dice = log.head.root, random.Random(seq)
    hashes = [b64encode(value) for value in receipt.path]

    def rejects(wrong: Callable[[], None]) -> None:
        with pytest.raises((Error, ValueError)):
            wrong()

    for at in range(len(hashes)):
        bent = receipt.path[at][:5] + bytes([receipt.path[at][5] ^ 1]) + receipt.path[at][6:]
        other = [*hashes[:at], b64encode(bent), *hashes[at + 1 :]]
        rejects(lambda other=other: proved(receipt, root, entry, hashes=other))
        rejects(lambda at=at: proved(receipt, root, entry, hashes=hashes[:at] + hashes[at + 1 :]))
        rejects(lambda at=at: proved(receipt, root, entry, hashes=hashes[:at] + hashes[at : at + 1] + hashes))
    for at in dice.sample(range(len(entry)), 40):
        rejects(lambda at=at: proved(receipt, root, entry[:at] + bytes([entry[at] ^ 1]) + entry[at + 1 :]))
    for index in {seq ^ 1, seq + 1, seq - 1, seq ^ 256} - {seq}:
        rejects(lambda index=index: proved(receipt, root, entry, log_index=str(index % ROOM)))
    older = Receipt(seq, receipt.path, (log.folder / "checkpoints/512").read_bytes())
    rejects(lambda: proved(older, root, entry))
    rejects(lambda: proved(receipt, bytes(32), entry))


def test_sigstore_reads_every_statement_and_its_subject(log: Published) -> None:
    for number, entry in enumerate(log.entries()):
        payload = b64decode(orjson.loads(entry)["envelope"]["payload"])
        statement = dsse.Statement(payload)
        assert statement._inner.predicate_type == "urn:databourse:statement:TST.NOTE:v1"
        predicate = statement._inner.predicate
        assert predicate is not None
        assert predicate["number"] == number
        opening = Hashed(
            algorithm=HashAlgorithm.SHA2_256, digest=bytes.fromhex(predicate["opening"]["sha256"])
        )
        assert statement._matches_digest(opening)
        assert statement._pae() == pre_authentication("application/vnd.in-toto+json", payload)


def envelope(entry: bytes) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(entry)["envelope"]
    return found


def key_of(public: bytes) -> SSlibKey:
    return SSlibKey(sha256_hex(public), "ed25519", "ed25519", {"public": public.hex()})


def test_securesystemslib_verifies_every_envelope(log: Published) -> None:
    key = key_of(EXCHANGE.public)
    for entry in log.entries():
        read = Envelope.from_dict(envelope(entry))
        assert read.verify([key], 1) == {key.keyid: key}
        assert read.pae() == pre_authentication(read.payload_type, read.payload)
        assert read.to_dict() == envelope(entry)


def test_securesystemslib_rejects_every_mutation_of_an_envelope(log: Published) -> None:
    dice = random.Random(20261122)
    for entry in dice.sample(log.entries(), 12):
        honest = envelope(entry)
        payload, sig = b64decode(honest["payload"]), b64decode(honest["signatures"][0]["sig"])
        wrong = []
        for at in dice.sample(range(len(payload)), 10):
            bent = payload[:at] + bytes([payload[at] ^ 1 << dice.randrange(8)]) + payload[at + 1 :]
            wrong.append(honest | {"payload": b64encode(bent).decode()})
        for at in range(0, len(sig), 5):
            bent = sig[:at] + bytes([sig[at] ^ 1 << dice.randrange(8)]) + sig[at + 1 :]
            wrong.append(
                honest | {"signatures": [honest["signatures"][0] | {"sig": b64encode(bent).decode()}]}
            )
        wrong.append(honest | {"payloadType": "application/vnd.in-toto+jso"})
        wrong.append(honest | {"payload": honest["payload"][:-4]})
        wrong.append(
            honest | {"signatures": [honest["signatures"][0] | {"keyid": key_of(LOG.key.public).keyid}]}
        )
        wrong.append(honest | {"signatures": []})
        for document in wrong:
            with pytest.raises(NotVerified):
                Envelope.from_dict(orjson.loads(orjson.dumps(document))).verify([key_of(EXCHANGE.public)], 1)
        with pytest.raises(NotVerified):
            Envelope.from_dict(honest).verify([key_of(LOG.key.public)], 1)
