"""What others published: the vectors of the Recommendations, and a verifier written from their text alone.

Facts taken, each short and with its place: W3C vc-di-eddsa v1.0, Appendix B.2 and `TestVectors/` (W3C
Software and Document License); Bitstring Status List v1.0, §2.2, example 3; the did:key method's own
Ed25519 identifiers.
"""

import base64
import gzip
import json

import pytest
import rfc8785
from cryptography.exceptions import InvalidSignature
from hypothesis import given
from hypothesis import strategies as st

from base.clock import parse_rfc3339
from base.credential.bitstring import ENTRIES, is_set, pack, unpack
from base.credential.multikey import (
    did_key,
    did_of_method,
    from_multibase,
    method_of,
    multibase,
    multikey,
    parse_multikey,
    public_of,
)
from base.credential.proof import check, hash_data, secure
from base.errors import Malformed
from base.signing import KeyWeak, SigningKey
from tests.brokers.credential.samples import DID, GOOD, KEY, LIST_URL, NOW, opened
from tests.brokers.credential.stranger import strangers_bit, strangers_proof

# vc-di-eddsa v1.0, TestVectors/keyPair.json
PUBLIC = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
PRIVATE = "z3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq"
CONTEXT = ["https://www.w3.org/ns/credentials/v2", "https://www.w3.org/ns/credentials/examples/v2"]
# B.2, "Representation: eddsa-jcs-2022"
UNSIGNED = {
    "@context": CONTEXT,
    "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
    "type": ["VerifiableCredential", "AlumniCredential"],
    "name": "Alumni Credential",
    "description": "A minimum viable example of an Alumni Credential.",
    "issuer": "https://vc.example/issuers/5678",
    "validFrom": "2023-01-01T00:00:00Z",
    "credentialSubject": {"id": "did:example:abcdefgh", "alumniOf": "The School of Examples"},
}
OPTIONS = {
    "type": "DataIntegrityProof",
    "cryptosuite": "eddsa-jcs-2022",
    "created": "2023-02-24T23:36:38Z",
    "verificationMethod": f"did:key:{PUBLIC}#{PUBLIC}",
    "proofPurpose": "assertionMethod",
    "@context": CONTEXT,
}
PROOF_HASH = "66ab154f5c2890a140cb8388a22a160454f80575f6eae09e5a097cabe539a1db"
DOCUMENT_HASH = "59b7cb6251b8991add1ce0bc83107e3db9dbbab5bd2c28f687db1a03abc92f19"
SIGNATURE_HEX = (
    "407cd12654b33d718ecbb99179a1506daaa849450bf3fc523cce3e1c96f8b80351da3f253d725c6f00b07c9e5448d50b3ef78012b9"
    "ab54255116d069c6dd2808"
)
PROOF_VALUE = "z2HnFSSPPBzR36zdDgK8PbEHeXbR56YF24jwMpt3R1eHXQzJDMWS93FCzpvJpwTWd3GAVFuUfjoJdcnTMuVor51aX"
SIGNED = {**UNSIGNED, "proof": {**OPTIONS, "proofValue": PROOF_VALUE}}
# TestVectors/proof-set-chain/multiKeyPairs.json
PAIRS = {
    "z6MktgKTsu1QhX6QPbyqG6geXdw6FQCZBPq7uQpieWbiQiG7": "z3u2W4YnTstS1nSSBAgZcYSJF43JuZ9uLV6bF38B1Bf8NugW",
    "z6MkhWqdDBPojHA7cprTGTt5yHv5yUi1B8cnXn8ReLumkw6E": "z3u2cfp4Q17kMGhNCh348a3yw3cUBiWK6RXRzyJE54sixMFn",
    "z6MkmEq87wkHCYnWnNZkigeDMGTN7oUw1upkhzd77KuXERS1": "z3u2Zr3tcDLBDQKGxVa9SRDFNLqNqPWsa8p9rWPvCEH6bADB",
    PUBLIC: PRIVATE,
}
# Bitstring Status List v1.0, example 3: 131,072 bits, none set.
EMPTY_LIST = "uH4sIAAAAAAAAA-3BMQEAAADCoPVPbQwfoAAAAAAAAAAAAAAAAAAAAIC3AYbSVKsAQAAA"


@pytest.mark.parametrize(("public", "private"), PAIRS.items())
def test_a_published_pair_of_multikeys_is_one_key(public, private):
    secret = from_multibase(private)
    assert secret[:2] == b"\x80\x26"  # the multicodec of an Ed25519 private key
    key = SigningKey.from_bytes(secret[2:])
    assert multikey(key.public) == public
    assert parse_multikey(public) == key.public
    assert did_key(key.public) == f"did:key:{public}"
    assert method_of(f"did:key:{public}") == f"did:key:{public}#{public}"


def test_the_published_hashes_and_the_published_signature_come_out():
    key = SigningKey.from_bytes(from_multibase(PRIVATE)[2:])
    signed = hash_data(OPTIONS, UNSIGNED)
    assert signed.hex() == PROOF_HASH + DOCUMENT_HASH
    assert key.sign(signed).hex() == SIGNATURE_HEX
    assert multibase(bytes.fromhex(SIGNATURE_HEX)) == PROOF_VALUE
    assert from_multibase(PROOF_VALUE).hex() == SIGNATURE_HEX


def test_the_published_credential_is_taken_and_ours_differs_from_it_in_the_moment_s_spelling_alone():
    proven = check(SIGNED)
    assert (proven.document, proven.did) == (UNSIGNED, f"did:key:{PUBLIC}")
    key = SigningKey.from_bytes(from_multibase(PRIVATE)[2:])
    ours = secure(UNSIGNED, key, created=parse_rfc3339("2023-02-24T23:36:38Z"))
    mine, theirs = dict(ours["proof"]), dict(SIGNED["proof"])
    assert (mine.pop("created"), theirs.pop("created")) == (
        "2023-02-24T23:36:38.000Z",
        "2023-02-24T23:36:38Z",
    )
    del mine["proofValue"], theirs["proofValue"]
    assert mine == theirs


def test_the_recommendation_s_example_list_unpacks_to_131_072_bits_none_of_them_set():
    bits = unpack(EMPTY_LIST)
    assert (len(bits) * 8, set(bits)) == (ENTRIES, {0})


def test_the_first_index_is_the_left_most_bit():
    bits = gzip.decompress(base64.urlsafe_b64decode(pack([0, 9, ENTRIES - 1])[1:] + "=="))
    assert (bits[0], bits[1], bits[-1], len(bits)) == (0b1000_0000, 0b0100_0000, 0b0000_0001, 16_384)


@given(st.sets(st.integers(0, ENTRIES - 1), max_size=40))
def test_what_is_packed_is_what_is_unpacked(places):
    bits = unpack(pack(places))
    assert {index for index in {*places, 0, 1, ENTRIES - 1} if is_set(bits, index)} == places
    assert sum(byte.bit_count() for byte in bits) == len(places)


@given(st.binary(max_size=80))
def test_base58_has_one_spelling(raw):
    assert from_multibase(multibase(raw)) == raw


@given(st.text("z123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", max_size=60))
def test_whatever_base58_says_is_said_again_in_the_same_way(text):
    try:
        raw = from_multibase("z" + text)
    except Malformed:
        pytest.fail("every word of the alphabet is base58")
    assert multibase(raw) == "z" + text


@pytest.mark.parametrize(
    "did",
    [
        "did:web:exchange.example",
        "did:key:",
        "did:key:z",
        "did:key:" + PUBLIC[:-1],
        "did:key:" + PUBLIC + "1",
        "did:key:" + PUBLIC.replace("6", "0"),
        "did:key:m7QEB",
        "did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169",  # a P-256 key
        "did:key:z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc",  # an X25519 key
        "did:key:z" + "1" * 200,
    ],
)
def test_no_other_did_is_an_issuer(did):
    with pytest.raises(Malformed):
        public_of(did)


def test_a_point_of_small_order_is_no_issuer():
    with pytest.raises(KeyWeak):
        public_of(did_key(bytes(32)))


@pytest.mark.parametrize("method", [DID, DID + "#", DID + "#key-1", DID + "#" + PUBLIC, DID + "#" + DID])
def test_a_did_key_has_one_verification_method(method):
    with pytest.raises(Malformed):
        did_of_method(method)
    assert did_of_method(method_of(DID)) == DID


# --- a stranger's verifier


def test_a_stranger_takes_our_credential_and_reads_its_bits():
    credential, listed = strangers_proof(GOOD.credential), strangers_proof(GOOD.lists[0])
    assert credential["issuer"] == listed["issuer"] == DID
    assert credential["type"] == ["VerifiableCredential", "BrokerCertificate"]
    assert "BitstringStatusListCredential" in listed["type"]
    assert listed["id"] == LIST_URL
    assert [strangers_bit(credential, listed, one) for one in ("revocation", "suspension")] == [0, 0]


def test_the_stranger_refuses_what_was_changed():
    changed = opened(GOOD.credential)
    changed["credentialSubject"]["grade"] = 1
    with pytest.raises(InvalidSignature):
        strangers_proof(json.dumps(changed))


def test_jcs_of_the_documents_is_what_rfc8785_writes():
    for raw in (GOOD.credential, *GOOD.lists):
        assert rfc8785.dumps(opened(raw)) == raw
    assert secure(opened(GOOD.credential), KEY, created=NOW)["proof"]["created"] == "2026-11-16T01:00:00.000Z"


def test_every_word_of_the_subject_is_defined_in_the_credential_itself_or_in_the_v2_context():
    document = opened(GOOD.credential)
    ours = document["@context"][1]
    of_v2 = {"id", "type", "name"}

    def words(node):
        if isinstance(node, dict):
            kinds = {node["type"]} if "type" in node else set()
            return set(node) | kinds | {word for value in node.values() for word in words(value)}
        return {word for value in node for word in words(value)} if isinstance(node, list) else set()

    assert words(document["credentialSubject"]) - of_v2 <= set(ours)
    assert {document["type"][1]} <= set(ours)
    assert not of_v2 & set(ours)  # protected: to define them anew is an error
