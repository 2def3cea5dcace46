"""Ed25519 and DSSE by their published vectors; an envelope is read strictly; a sealed secret opens once."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.errors import Malformed
from base.signing import (
    Envelope,
    KeyWeak,
    Signature,
    SigningKey,
    envelope_signed_by,
    keyid_of,
    parse_envelope,
    parse_public_key,
    pre_authentication,
    sign_envelope,
    signature_holds,
    unwrap,
    wrap,
)

# RFC 8032 section 7.1: seed, public key, message, signature.
VECTORS = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
            "d25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
            "4a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
]
KIND = "application/vnd.in-toto+json"


@pytest.fixture
def key() -> SigningKey:
    return SigningKey.from_bytes(bytes.fromhex(VECTORS[0][0]))


@pytest.mark.parametrize(("seed", "public", "message", "signature"), VECTORS)
def test_ed25519_by_the_vectors_of_rfc_8032(seed, public, message, signature) -> None:
    key = SigningKey.from_bytes(bytes.fromhex(seed))
    assert key.public.hex() == public
    assert key.to_bytes().hex() == seed
    assert key.sign(bytes.fromhex(message)).hex() == signature
    assert signature_holds(key.public, bytes.fromhex(message), bytes.fromhex(signature))
    assert not signature_holds(key.public, bytes.fromhex(message) + b"\0", bytes.fromhex(signature))


def test_pre_authentication_by_the_vector_of_the_dsse_specification() -> None:
    said = pre_authentication("http://example.com/HelloWorld", b"hello world")
    assert said == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert pre_authentication("类", b"") == "DSSEv1 3 类 0 ".encode(), "lengths count bytes"


def test_a_keyid_is_the_digest_of_the_raw_public_key(key) -> None:
    assert key.keyid == keyid_of(key.public)
    assert key.keyid == "21fe31dfa154a261626bf854046fd2271b7bed4b6abe45aa58877ef47f9721b9"


def test_an_envelope_holds_for_its_signers_and_for_nobody_else(key) -> None:
    second, stranger = SigningKey.generate(), SigningKey.generate()
    envelope = sign_envelope(KIND, b"{}", key, second)
    assert envelope_signed_by(envelope, key.public)
    assert envelope_signed_by(envelope, second.public)
    assert not envelope_signed_by(envelope, stranger.public)


def test_any_change_of_type_payload_signature_or_keyid_breaks_the_envelope(key) -> None:
    envelope = sign_envelope(KIND, b"{}", key)
    (signature,) = envelope.signatures
    bent = bytes([signature.sig[0] ^ 1]) + signature.sig[1:]
    for changed in (
        Envelope(KIND + "x", b"{}", envelope.signatures),
        Envelope(KIND, b"{ }", envelope.signatures),
        Envelope(KIND, b"{}", (Signature(key.keyid, bent),)),
        Envelope(KIND, b"{}", (Signature("0" * 64, signature.sig),)),
        Envelope(KIND, b"{}", ()),
    ):
        assert not envelope_signed_by(changed, key.public)


def test_bytes_move_between_type_and_payload_only_with_another_signature(key) -> None:
    signed = sign_envelope("ab", b"c", key)
    assert not envelope_signed_by(Envelope("a", b"bc", signed.signatures), key.public)


@given(st.text(), st.binary(), st.integers(1, 3))
def test_an_envelope_reads_back_as_it_was_written(kind, payload, signers) -> None:
    kind = kind.encode(errors="ignore").decode()
    envelope = sign_envelope(kind, payload, *(SigningKey.generate() for _ in range(signers)))
    assert parse_envelope(envelope.document()) == envelope
    assert parse_envelope(envelope.document()).digest() == envelope.digest()


def good() -> dict:
    return sign_envelope(KIND, b"{}", SigningKey.from_bytes(bytes(32))).document()


def changed(**members) -> dict:
    return {**good(), **members}


def with_signature(**members) -> dict:
    return changed(signatures=[{**good()["signatures"][0], **members}])


@pytest.mark.parametrize(
    "document",
    [
        None,
        1,
        "payload",
        [],
        ["payload", "payloadType", "signatures"],
        {},
        changed(extra=1),
        {name: value for name, value in good().items() if name != "payload"},
        changed(payload="not base64!"),
        changed(payload="e30"),
        changed(payload=None),
        changed(payloadType=1),
        changed(signatures=[]),
        changed(signatures="ab"),
        changed(signatures=[1]),
        with_signature(extra=1),
        with_signature(keyid=1),
        with_signature(sig=1),
        with_signature(sig="€"),
        with_signature(sig=base64.b64encode(bytes(63)).decode()),
        with_signature(sig=base64.b64encode(bytes(65)).decode()),
    ],
)
def test_an_envelope_of_any_other_form_is_refused(document) -> None:
    with pytest.raises(Malformed) as refused:
        parse_envelope(document)
    assert refused.value.code == "malformed"


def test_a_public_key_is_base64_of_32_raw_bytes(key) -> None:
    assert parse_public_key(base64.b64encode(key.public).decode()) == key.public


@pytest.mark.parametrize(
    "text",
    ["", "?", "€", base64.b64encode(bytes(31)).decode(), base64.b64encode(bytes(33)).decode(), "A" * 43],
)
def test_any_other_public_key_is_refused(text) -> None:
    with pytest.raises(Malformed):
        parse_public_key(text)


@pytest.mark.parametrize("y", [0, 1, 2**255 - 20, 2**255 - 19, 2**255 - 18])
@pytest.mark.parametrize("sign_bit", [0, 1])
def test_a_point_of_small_order_is_no_public_key(y, sign_bit) -> None:
    raw = (y | sign_bit << 255).to_bytes(32, "little")
    with pytest.raises(KeyWeak):
        parse_public_key(base64.b64encode(raw).decode())


def test_a_signature_of_the_wrong_length_or_under_no_key_does_not_hold(key) -> None:
    assert not signature_holds(key.public, b"", b"short")
    assert not signature_holds(b"short", b"", key.sign(b""))


@given(st.binary(max_size=200), st.binary(max_size=20))
def test_a_sealed_secret_opens_with_its_key_and_purpose(secret, purpose) -> None:
    assert unwrap(bytes(32), wrap(bytes(32), secret, purpose), purpose) == secret


def test_a_sealed_secret_opens_with_nothing_else() -> None:
    master = bytes(32)
    sealed = wrap(master, b"secret", b"key_1")
    bent = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for attempt in (
        (b"\1" * 32, sealed, b"key_1"),
        (master, sealed, b"key_2"),
        (master, bent, b"key_1"),
        (master, sealed[:-1], b"key_1"),
        (master, b"", b"key_1"),
    ):
        with pytest.raises(Malformed, match="does not open"):
            unwrap(*attempt)
    assert wrap(master, b"secret", b"key_1") != sealed, "every sealing has its own nonce"
