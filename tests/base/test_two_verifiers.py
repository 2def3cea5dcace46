"""Ed25519 is asked of libsodium first, and `cryptography` decides: both ways there is one answer.

What libsodium takes, `cryptography` must take: so a signature is good for everybody or for nobody. The edges
of Ed25519 (points of small order and with a part of small order, other spellings of a point, S that is not
reduced) are made here by the curve's own arithmetic; ten more are the published vectors of
ed25519-speccheck ("Taming the many EdDSAs").
"""

import hashlib

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import example, given
from hypothesis import strategies as st

from base import signing
from base.signing import SigningKey, signature_holds

Point = tuple[int, int]
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
SQRT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)
MESSAGE = b"settled"

SPECCHECK = [  # message, public key, R and S; whether it holds without a cofactor
    (
        "8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "0000000000000000000000000000000000000000000000000000000000000000",
        True,
    ),
    (
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
        True,
    ),
    (
        "aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e",
        True,
    ),
    (
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f",
        "87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009",
        True,
    ),
    (
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed512",
        "5ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09",
        False,
    ),
    (
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7",
        "e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405",
        False,
    ),
    (
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e",
        "547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514",
        False,
    ),
    (
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        "8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa1942",
        "7e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22",
        False,
    ),
    (
        "fdaebc429f4a735932a160da1301080c13280eea8bc280d1b392c6b9e6ba3a5a",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "454d370c8d9fc323a41450f8d513eafeb5b0697390c1e505a0d4ddc71f566607",
        False,
    ),
    (
        "84b698d39be126ff55fe45079e6c8bf64a0d7db6994560b4e96b7021eb39c1a1",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "084d5b99c2a9463d9c8bd5026916996984eeec87ddf1d3be329006ace1b37b09",
        False,
    ),
]


def decided(public: bytes, message: bytes, sig: bytes) -> bool:
    """What `cryptography` says, and nobody else."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(sig, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def one_answer(public: bytes, message: bytes, sig: bytes) -> bool:
    """The answer, after asking that there is only one."""
    answer = decided(public, message, sig)
    assert signature_holds(public, message, sig) == answer
    if len(public) == 32 and len(sig) == 64:
        assert answer or not signing._sodium_takes(public, message, sig)
    return answer


def x_of(y: int, sign: int) -> int:
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * SQRT_OF_MINUS_1 % P
    return x if x & 1 == sign else P - x


def added(one: Point, other: Point) -> Point:
    (x1, y1), (x2, y2) = one, other
    product = D * x1 * x2 * y1 * y2 % P
    return (
        (x1 * y2 + x2 * y1) * pow(1 + product, -1, P) % P,
        (y1 * y2 + x1 * x2) * pow(1 - product, -1, P) % P,
    )


def times(number: int, point: Point) -> Point:
    total = (0, 1)
    while number:
        total = added(total, point) if number & 1 else total
        point, number = added(point, point), number >> 1
    return total


BASE = (x_of(4 * pow(5, -1, P) % P, 0), 4 * pow(5, -1, P) % P)
OF_ORDER_8 = (x_of(signing._ORDER_8, 0), signing._ORDER_8)
SMALL = [times(number, OF_ORDER_8) for number in range(8)]


def spelt(point: Point) -> bytes:
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def spellings(point: Point) -> list[bytes]:
    """Every 32 bytes that a lax reader takes for this point."""
    x, y = point
    signs = {x & 1} if x else {0, 1}
    return [
        (high | sign << 255).to_bytes(32, "little") for high in (y, y + P) if high < 2**255 for sign in signs
    ]


def challenge(r: bytes, public: bytes) -> int:
    return int.from_bytes(hashlib.sha512(r + public + MESSAGE).digest(), "little") % L


def test_this_libsodium_is_asked() -> None:
    """Should it not be after a new PyNaCl: it takes what `cryptography` refuses (decision 0010)."""
    assert signing._ASK_SODIUM


@pytest.mark.parametrize(("message", "public", "r", "s", "holds"), SPECCHECK)
def test_the_vectors_of_ed25519_speccheck(message: str, public: str, r: str, s: str, *, holds: bool) -> None:
    assert one_answer(*map(bytes.fromhex, (public, message, r + s))) == holds


def test_signatures_and_keys_with_a_part_of_small_order() -> None:
    """A key a·B + i·T and R = r·B + j·T: every i and j. Some hold, and all of them by one answer."""
    held = set()
    for i, torsion_of_key in enumerate(SMALL):
        for j, torsion_of_r in enumerate(SMALL):
            for r in (987654321, 987654322):
                public = spelt(added(times(123456789, BASE), torsion_of_key))
                head = spelt(added(times(r, BASE), torsion_of_r))
                s = (r + challenge(head, public) * 123456789) % L
                if one_answer(public, MESSAGE, head + s.to_bytes(32, "little")):
                    held.add((i, j))
    assert (0, 0) in held
    assert not held & {(0, j) for j in range(1, 8)}
    assert any(i for i, _ in held)


def test_keys_and_signatures_of_small_order_however_they_are_spelt() -> None:
    every = [spelling for point in SMALL for spelling in spellings(point)]
    assert len(set(every)) == 14
    answers = [
        one_answer(public, MESSAGE, head + s.to_bytes(32, "little"))
        for public in every
        for head in every
        for s in (0, L, 1)
    ]
    assert True in answers


@pytest.mark.parametrize("more", [L, 2 * L, 7 * L, 8 * L, 2**255])
def test_an_s_that_is_not_reduced_never_holds(more: int) -> None:
    key = SigningKey.from_bytes(b"k" * 32)
    sig = key.sign(MESSAGE)
    s = int.from_bytes(sig[32:], "little") + more
    assert one_answer(key.public, MESSAGE, sig)
    assert not one_answer(key.public, MESSAGE, sig[:32] + s.to_bytes(32, "little"))


@given(
    st.binary(min_size=32, max_size=32),
    st.binary(max_size=200),
    st.lists(st.tuples(st.sampled_from(["public", "message", "sig"]), st.integers(0, 511)), max_size=3),
)
@example(b"k" * 32, b"", [])
def test_whatever_bit_is_another_there_is_one_answer(
    seed: bytes, message: bytes, bits: list[tuple[str, int]]
) -> None:
    key = SigningKey.from_bytes(seed)
    parts = {"public": key.public, "message": message, "sig": key.sign(message)}
    for name, bit in bits:
        data = bytearray(parts[name])
        if data:
            data[bit // 8 % len(data)] ^= 1 << bit % 8
        parts[name] = bytes(data)
    unchanged = parts == {"public": key.public, "message": message, "sig": key.sign(message)}
    assert one_answer(parts["public"], parts["message"], parts["sig"]) == unchanged


@given(st.binary(max_size=70), st.binary(max_size=70), st.binary(max_size=140))
def test_any_bytes_at_all_have_one_answer(public: bytes, message: bytes, sig: bytes) -> None:
    one_answer(public, message, sig)


def test_bytes_do_not_move_between_signature_and_message() -> None:
    """libsodium is handed both in a row."""
    key = SigningKey.from_bytes(b"k" * 32)
    sig = key.sign(MESSAGE)
    assert not one_answer(key.public, MESSAGE[1:], sig + MESSAGE[:1])
    assert not one_answer(key.public, sig[-1:] + MESSAGE, sig[:-1])


@pytest.mark.parametrize("number", range(len(signing._MUST_REFUSE)))
def test_a_libsodium_that_takes_what_it_must_not_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    public, message, r, s = map(bytes.fromhex, signing._MUST_REFUSE[number])
    sig = r + s

    def lax(signed: bytes, _public: bytes) -> bytes:
        if signed[:64] == sig:
            return signed[64:]
        raise signing.CryptoError

    monkeypatch.setattr(signing, "crypto_sign_open", lax)
    assert not signing._sodium_is_strict()
    assert signature_holds(public, message, sig)
    monkeypatch.setattr(signing, "_ASK_SODIUM", False)
    assert not signature_holds(public, message, sig)


def test_where_libsodium_is_not_asked_signatures_hold_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    key = SigningKey.from_bytes(b"k" * 32)
    monkeypatch.setattr(signing, "_ASK_SODIUM", False)
    assert signature_holds(key.public, MESSAGE, key.sign(MESSAGE))
    assert not signature_holds(key.public, b"other", key.sign(MESSAGE))
