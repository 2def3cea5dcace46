"""SM2 and SM3 by the examples of their standards, against arithmetic not our library's; strict forms."""

import base64
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from hypothesis import example, given, settings
from hypothesis import strategies as st

from base.errors import Malformed
from base.signing import SigningKey, sign_envelope
from ledger import sm2, suites
from ledger.errors import SuiteUnavailable
from ledger.sm2 import Sm2Key
from ledger.suites import SUITES, parse_party_key, signature_holds, suite_named, suite_of
from tests.ledger.foreign_sm2 import EXAMPLE, RECOMMENDED, number, sign, verify

gmssl_pyx = pytest.importorskip("gmssl_pyx", reason="GmSSL's wrapper is not on this platform")

# GB/T 32905, annex A: the two examples.
SM3 = [
    (b"abc", "66C7F0F4 62EEEDD9 D1F2D46B DC10E4E2 4167C487 5CF2F7A2 297DA02B 8F4BA8E0"),
    (b"abcd" * 16, "DEBE9FF9 2275B8A1 38604889 C18E5A4D 6FDB70E5 387E5765 293DCBA3 9C0C5732"),
]
# GB/T 32918.5, annex A.2: the recommended curve, id 1234567812345678, message "message digest".
PRIVATE = number("3945208F 7B2144B1 3F36E38A C6D39F95 88939369 2860B51A 42FB81EF 4DF7C5B8")
PUBLIC = (
    number("09F9DF31 1E5421A1 50DD7D16 1E4BC5C6 72179FAD 1833FC07 6BB08FF3 56F35020"),
    number("CCEA490C E26775A5 2DC6EA71 8CC1AA60 0AED05FB F35E084A 6632F607 2DA9AD13"),
)
K = number("59276E27 D506861A 16680F3A D9C02DCC EF3CC1FA 3CDBE4CE 6D54B80D EAC1BC21")
R = number("F5A03B06 48D2C463 0EEAC513 E1BB81A1 5944DA38 27D5B741 43AC7EAC EEE720B3")
S = number("B1B6AA29 DF212FD8 763182BC 0D421CA1 BB9038FD 1F7F42D4 840B69C4 85BBC1AA")
MESSAGE = b"message digest"
ID = b"1234567812345678"


def raw(*numbers: int) -> bytes:
    return b"".join(value.to_bytes(32) for value in numbers)


def point(x: int, y: int) -> bytes:
    return b"\x04" + raw(x, y)


@pytest.fixture(scope="module")
def key() -> Sm2Key:
    return Sm2Key(raw(PRIVATE), point(*PUBLIC))


@pytest.mark.parametrize(("message", "expected"), SM3)
def test_sm3_by_the_examples_of_gb_t_32905(message, expected) -> None:
    assert gmssl_pyx.sm3_hash(message).hex() == f"{number(expected):064x}"
    assert hashlib.new("sm3", message).hexdigest() == f"{number(expected):064x}", "a second implementation"
    other = hashes.Hash(hashes.SM3())
    other.update(message)
    assert other.finalize().hex() == f"{number(expected):064x}"


def test_sm2_by_the_example_of_gb_t_32918_5(key) -> None:
    assert RECOMMENDED.times(PRIVATE, RECOMMENDED.g) == PUBLIC
    assert sign(RECOMMENDED, PRIVATE, K, ID, MESSAGE) == (R, S)
    assert signature_holds(point(*PUBLIC), MESSAGE, raw(R, S))
    assert not signature_holds(point(*PUBLIC), MESSAGE + b".", raw(R, S))
    assert key.public == point(*PUBLIC)
    assert key.keyid == hashlib.sha256(point(*PUBLIC)).hexdigest()


def test_our_foreign_arithmetic_by_the_example_of_gb_t_32918_2() -> None:
    private = number("128B2FA8 BD433C6C 068C8D80 3DFF7979 2A519A55 171B1B65 0C23661D 15897263")
    k = number("6CB28D99 385C175C 94F94E93 4817663F C176D925 DD72B727 260DBAAE 1FB2F96F")
    public = EXAMPLE.times(private, EXAMPLE.g)
    assert public == (
        number("0AE4C779 8AA0F119 471BEE11 825BE462 02BB79E2 A5844495 E97C04FF 4DF2548A"),
        number("7C0240F8 8F1CD4E1 6352A73C 17B7F16F 07353E53 A176D684 A9FE0C6B B798E857"),
    )
    signature = (
        number("40F1EC59 F793D9F4 9E09DCEF 49130D41 94F79FB1 EED2CAA5 5BACDB49 C4E755D1"),
        number("6FC6DAC3 2C5D5CF1 0C77DFB2 0F7C2EB6 67A45787 2FB09EC5 6327A67E C7DEEBE7"),
    )
    assert sign(EXAMPLE, private, k, b"ALICE123@YAHOO.COM", MESSAGE) == signature
    assert verify(EXAMPLE, public, b"ALICE123@YAHOO.COM", MESSAGE, signature)


@settings(max_examples=8, deadline=None)
@given(st.binary(max_size=300))
def test_what_our_keys_sign_holds_by_the_standard_s_own_arithmetic(key, message) -> None:
    sig = key.sign(message)
    r, s = int.from_bytes(sig[:32]), int.from_bytes(sig[32:])
    assert verify(RECOMMENDED, PUBLIC, ID, message, (r, s))
    assert signature_holds(key.public, message, sig)
    assert not verify(RECOMMENDED, PUBLIC, b"someone else", message, (r, s)), "the signer's id is signed too"


@settings(max_examples=8, deadline=None)
@given(st.integers(1, RECOMMENDED.n - 2), st.integers(1, RECOMMENDED.n - 1), st.binary(max_size=80))
def test_what_others_sign_holds_with_us(private, k, message) -> None:
    public = RECOMMENDED.times(private, RECOMMENDED.g)
    assert signature_holds(point(*public), message, raw(*sign(RECOMMENDED, private, k, ID, message)))


def test_two_signatures_of_one_message_differ(key) -> None:
    assert key.sign(MESSAGE) != key.sign(MESSAGE), "the random number is a fresh one"


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 511), st.sampled_from(["signature", "message", "key"]))
def test_one_flipped_bit_breaks_it(bit, where) -> None:
    parts = {"signature": raw(R, S), "message": MESSAGE, "key": point(*PUBLIC)}
    at = bit // 8 % len(parts[where])
    changed = bytearray(parts[where])
    changed[at] ^= 1 << bit % 8
    parts[where] = bytes(changed)
    assert not signature_holds(parts["key"], parts["message"], parts["signature"])


@pytest.mark.parametrize(
    ("r", "s"),
    [
        (0, S),
        (R, 0),
        (RECOMMENDED.n, S),
        (R, RECOMMENDED.n),
        (2**256 - 1, S),
        (R, 2**256 - 1),
        (RECOMMENDED.n + 1, S),
        (R, RECOMMENDED.n - R),
    ],
)
def test_r_and_s_outside_their_bounds_are_refused_before_the_library_sees_them(r, s, monkeypatch) -> None:
    monkeypatch.setattr(sm2, "_library", lambda: pytest.fail("asked the library"))
    assert not signature_holds(point(*PUBLIC), MESSAGE, raw(r, s))


@pytest.mark.parametrize("length", [0, 1, 32, 63, 65, 70, 72, 128])
def test_a_signature_of_another_length_does_not_hold(length) -> None:
    assert not signature_holds(point(*PUBLIC), MESSAGE, bytes(length))
    assert not signature_holds(SigningKey.generate().public, MESSAGE, bytes(length))


def test_the_der_form_that_gm_t_0009_also_knows_is_not_ours() -> None:
    assert not signature_holds(point(*PUBLIC), MESSAGE, sm2._to_der(R, S))


@given(st.integers(1, 2**256 - 1), st.integers(1, 2**256 - 1))
@example(1, 1)
@example(0x7F, 0x80)
@example(2**255, 2**255 - 1)
def test_the_way_to_the_library_s_form_is_der_and_leads_back(r, s) -> None:
    der = sm2._to_der(r, s)
    assert decode_dss_signature(der) == (r, s)
    assert encode_dss_signature(r, s) == der
    assert sm2._from_der(der) == raw(r, s)


@pytest.mark.parametrize(
    "public",
    [
        b"",
        raw(*PUBLIC),
        b"\x02" + raw(PUBLIC[0]),
        b"\x03" + raw(*PUBLIC),
        b"\x06" + raw(*PUBLIC),
        point(*PUBLIC) + b"\0",
        point(PUBLIC[0], PUBLIC[1] ^ 1),
        point(0, 0),
        point(PUBLIC[0], 0),
        point(*EXAMPLE.g),
        b"\x04" + b"\xff" * 64,
    ],
)
def test_what_is_no_point_of_the_curve_in_its_one_form_is_no_key(public) -> None:
    with pytest.raises(Malformed):
        sm2.check_public(public)
    with pytest.raises(Malformed):
        parse_party_key(base64.b64encode(public).decode())
    assert not signature_holds(public, MESSAGE, raw(R, S))


def test_a_coordinate_has_one_spelling() -> None:
    """Some x below 2**256 - p stands on the curve: x + p means the same point and is refused."""
    x = next(x for x in range(1, 200) if pow(x**3 + sm2.A * x + sm2.B, (sm2.P - 1) // 2, sm2.P) == 1)
    y = pow(x**3 + sm2.A * x + sm2.B, (sm2.P + 1) // 4, sm2.P)
    sm2.check_public(point(x, y))
    with pytest.raises(Malformed, match="two coordinates"):
        sm2.check_public(point(x + sm2.P, y))


@pytest.mark.parametrize(
    "private", [b"", bytes(32), raw(sm2.N), raw(sm2.N - 1), raw(PRIVATE) + b"\0", raw(7)]
)
def test_a_private_key_out_of_bounds_or_of_another_pair_is_refused(private) -> None:
    with pytest.raises(Malformed):
        Sm2Key(private, point(*PUBLIC))


def test_a_key_is_made_and_restored() -> None:
    for suite in SUITES.values():
        made = suite.generate()
        again = suite.restore(made.to_bytes(), made.public)
        assert (again.public, again.keyid, made.suite) == (made.public, made.keyid, suite.name)
        assert suite.holds(made.public, MESSAGE, again.sign(MESSAGE))
        assert suite_of(made.public) is suite_named(suite.name) is suite
        assert parse_party_key(base64.b64encode(made.public).decode()) == made.public
        stranger = suite.generate()
        with pytest.raises(Malformed):
            suite.restore(made.to_bytes(), stranger.public)


def test_a_signature_holds_in_the_suite_of_its_key_alone(key) -> None:
    ed = SigningKey.generate()
    assert not signature_holds(ed.public, MESSAGE, key.sign(MESSAGE))
    assert not signature_holds(key.public, MESSAGE, ed.sign(MESSAGE))
    envelope = sign_envelope("text/plain", b"both", ed, key)
    assert [len(signature.sig) for signature in envelope.signatures] == [64, 64]


def test_unknown_suites_and_keys_are_refused() -> None:
    with pytest.raises(Malformed, match="unknown suite"):
        suite_named("rsa")
    for text in ("", "?", "AA", base64.b64encode(bytes(33)).decode(), "ab=c"):
        with pytest.raises(Malformed):
            parse_party_key(text)
    ed = base64.b64encode(SigningKey.from_bytes(bytes(32)).public).decode()
    with pytest.raises(Malformed):
        parse_party_key(ed[:-2] + chr(ord(ed[-2]) + 1) + "=")


def test_where_the_library_is_missing_it_is_said_and_nothing_holds(monkeypatch, key) -> None:
    monkeypatch.setitem(sys.modules, "gmssl_pyx", None)
    sm2._library.cache_clear()
    try:
        assert not sm2.available()
        with pytest.raises(SuiteUnavailable, match="gmssl-pyx"):
            signature_holds(key.public, MESSAGE, raw(R, S))
        with pytest.raises(SuiteUnavailable):
            suites.SM2_SM3.generate()
        assert parse_party_key(base64.b64encode(key.public).decode()) == key.public
        ed = SigningKey.generate()
        assert signature_holds(ed.public, MESSAGE, ed.sign(MESSAGE)), "the other suite goes on"
    finally:
        monkeypatch.undo()
        sm2._library.cache_clear()
    assert sm2.available()


def test_openssl_accepts_our_signature_and_we_accept_its(key, tmp_path: Path) -> None:
    """OpenSSL's command, where it is installed: an implementation by other hands."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl command on this machine")
    (tmp_path / "message").write_bytes(MESSAGE)
    # SubjectPublicKeyInfo: id-ecPublicKey, curve 1.2.156.10197.1.301, the point.
    prefix = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")
    body = base64.encodebytes(prefix + key.public).decode()
    (tmp_path / "public.pem").write_text(f"-----BEGIN PUBLIC KEY-----\n{body}-----END PUBLIC KEY-----\n")
    sig = key.sign(MESSAGE)
    (tmp_path / "sig").write_bytes(sm2._to_der(int.from_bytes(sig[:32]), int.from_bytes(sig[32:])))
    common = [
        "-in",
        str(tmp_path / "message"),
        "-rawin",
        "-digest",
        "sm3",
        "-pkeyopt",
        f"distid:{ID.decode()}",
    ]
    check = ["pkeyutl", "-verify", "-pubin", "-inkey", "public.pem", "-sigfile", "sig", *common]
    answer = subprocess.run([openssl, *check], cwd=tmp_path, capture_output=True, check=False)
    assert b"Signature Verified Successfully" in answer.stdout, answer.stderr
    # ECPrivateKey of the same pair, as OpenSSL reads it.
    inner = bytes.fromhex("30770201010420") + key.to_bytes()
    inner += bytes.fromhex("a00a06082a811ccf5501822da144034200") + key.public
    body = base64.encodebytes(inner).decode()
    (tmp_path / "private.pem").write_text(
        f"-----BEGIN EC PRIVATE KEY-----\n{body}-----END EC PRIVATE KEY-----\n"
    )
    make = ["pkeyutl", "-sign", "-inkey", "private.pem", "-out", "theirs", *common]
    made = subprocess.run([openssl, *make], cwd=tmp_path, capture_output=True, check=False)
    assert made.returncode == 0, made.stderr
    r, s = decode_dss_signature((tmp_path / "theirs").read_bytes())
    assert signature_holds(key.public, MESSAGE, raw(r, s))
