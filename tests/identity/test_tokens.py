import base64
import hashlib
import hmac
import json
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from jose import jwt

from base.errors import Malformed
from identity.errors import TokenExpired, TokenInvalid
from identity.rules import Role
from identity.tokens import MAX_BYTES, Tokens, generate_access_key

PEM = generate_access_key()
ISSUER = "https://exchange.example"
AUDIENCE = "exchange.example/api"


@pytest.fixture
def tokens(clock):
    return Tokens(PEM, issuer=ISSUER, audience=AUDIENCE, clock=clock)


def _claims(clock, **changed):
    now = int(clock.now().timestamp())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "usr_1",
        "iat": now,
        "nbf": now,
        "exp": now + 900,
        "auth_time": now,
        "jti": "jti-1",
        "sid": "sid-1",
        "org": "org_1",
        "roles": ["BUYER"],
        "scope": "BUYER",
    }
    return {name: value for name, value in (claims | changed).items() if value is not ...}


def _signed(claims, *, key=PEM, typ="at+jwt", **headers):
    return jwt.encode(claims, key.decode(), algorithm="ES256", headers={"typ": typ, **headers})


def _b64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _by_hand(header, claims, mac_key=None):
    text = f"{_b64(json.dumps(header).encode())}.{_b64(json.dumps(claims).encode())}"
    mac = b"" if mac_key is None else hmac.digest(mac_key, text.encode(), hashlib.sha256)
    return f"{text}.{_b64(mac)}"


def test_a_token_says_who_may_do_what_until_when(tokens, clock):
    token = tokens.issue(user_id="usr_1", org_id="org_1", roles=[Role.PROVIDER, Role.BUYER])
    claims = tokens.verify(token.access_token)
    assert (claims.user_id, claims.org_id) == ("usr_1", "org_1")
    assert claims.roles == {Role.PROVIDER, Role.BUYER}
    assert claims.expires_at == token.expires_at == clock.now() + timedelta(minutes=15)
    assert (token.token_type, token.expires_in_s, token.scope) == ("Bearer", 900, "BUYER PROVIDER")


def test_a_token_has_the_form_of_rfc_9068(tokens, clock):
    text = tokens.issue(user_id="usr_1", org_id="org_1", roles=[Role.BUYER]).access_token
    assert jwt.get_unverified_header(text) == {"alg": "ES256", "typ": "at+jwt"}
    claims = jwt.get_unverified_claims(text)
    assert {**claims, "jti": "jti-1", "sid": "sid-1"} == _claims(clock)


def test_a_renewed_token_does_not_outlive_the_session(tokens, clock):
    claims = tokens.verify(tokens.issue(user_id="usr_1", org_id="org_1", roles=[Role.BUYER]).access_token)
    began = claims.signed_in_at
    clock.advance(timedelta(hours=11, minutes=50))
    late = tokens.issue(user_id="usr_1", org_id="org_1", roles=[Role.BUYER], renews=claims)
    assert tokens.verify(late.access_token).signed_in_at == began
    assert late.expires_at == began + timedelta(hours=12)
    assert late.expires_in_s == 600
    clock.advance(timedelta(minutes=10))
    with pytest.raises(TokenExpired):
        tokens.verify(late.access_token)


def test_no_two_tokens_are_alike(tokens):
    made = {tokens.issue(user_id="u", org_id="o", roles=[Role.BUYER]).access_token for _ in range(20)}
    assert len({tokens.verify(token).jti for token in made}) == 20


def test_the_helper_of_these_tests_makes_tokens_that_pass(tokens, clock):
    assert tokens.verify(_signed(_claims(clock))).user_id == "usr_1"


def test_an_unsigned_token_is_refused(tokens, clock):
    for alg in ("none", "None", "NONE"):
        with pytest.raises(TokenInvalid):
            tokens.verify(_by_hand({"alg": alg, "typ": "at+jwt"}, _claims(clock)))


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
@pytest.mark.parametrize("alg", ["HS256", "HS384", "ES256"])
def test_a_token_forged_with_the_public_key_as_a_secret_is_refused(tokens, clock, encoding, alg):
    public = load_pem_private_key(PEM, None).public_key()
    secret = public.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
    forged = _by_hand({"alg": alg, "typ": "at+jwt"}, _claims(clock), secret)
    with pytest.raises(TokenInvalid):
        tokens.verify(forged)


def test_the_algorithm_is_pinned_at_the_library_too(tokens, clock, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "identity.tokens.jwt.decode", lambda *_, algorithms, **__: asked.append(algorithms) or {}
    )
    with pytest.raises(TokenInvalid):
        tokens.verify(_signed(_claims(clock)))
    assert asked == [["ES256"]]


def test_a_token_of_another_key_is_refused(tokens, clock):
    with pytest.raises(TokenInvalid):
        tokens.verify(_signed(_claims(clock), key=generate_access_key()))


@pytest.mark.parametrize("typ", ["JWT", "jwt", "AT+JWT", "application/at+jwt", "id_token", ""])
def test_a_token_of_another_kind_is_refused(tokens, clock, typ):
    with pytest.raises(TokenInvalid):
        tokens.verify(_signed(_claims(clock), typ=typ))


@pytest.mark.parametrize(
    "header", [{"kid": "1"}, {"crit": ["exp"]}, {"jku": "https://evil.example"}, {"jwk": {}}]
)
def test_a_header_with_anything_else_in_it_is_refused(tokens, clock, header):
    with pytest.raises(TokenInvalid):
        tokens.verify(_signed(_claims(clock), **header))


@pytest.mark.parametrize("name", ["iss", "aud", "sub", "iat", "nbf", "exp", "jti", "org", "roles", "scope"])
def test_every_claim_is_required(tokens, clock, name):
    with pytest.raises(TokenInvalid):
        tokens.verify(_signed(_claims(clock, **{name: ...})))


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://other.example"},
        {"iss": [ISSUER]},
        {"aud": "other.example/api"},
        {"aud": [AUDIENCE]},
        {"aud": [AUDIENCE, "other.example/api"]},
        {"sub": 7},
        {"jti": None},
        {"exp": "9999999999"},
        {"exp": 1.5e10},
        {"exp": True},
        {"exp": 2**40},
        {"iat": -1},
        {"roles": "BUYER"},
        {"roles": ["KING"], "scope": "KING"},
        {"roles": ["BUYER", "PROVIDER"]},
        {"admin": True},
    ],
)
def test_a_claim_of_another_value_or_type_is_refused(tokens, clock, changed):
    with pytest.raises(TokenInvalid):
        tokens.verify(_signed(_claims(clock, **changed)))


def test_an_expired_token_is_refused_at_its_last_second(tokens, clock):
    token = tokens.issue(user_id="usr_1", org_id="org_1", roles=[Role.BUYER]).access_token
    clock.advance(timedelta(seconds=899))
    tokens.verify(token)
    clock.advance(timedelta(seconds=1))
    with pytest.raises(TokenExpired):
        tokens.verify(token)


def test_an_expired_token_is_refused_where_it_was_never_seen(tokens, clock):
    token = tokens.issue(user_id="usr_1", org_id="org_1", roles=[Role.BUYER]).access_token
    clock.advance(timedelta(hours=1))
    with pytest.raises(TokenExpired):
        Tokens(PEM, issuer=ISSUER, audience=AUDIENCE, clock=clock).verify(token)


@pytest.mark.parametrize("name", ["iat", "nbf"])
def test_a_token_of_the_future_is_refused(tokens, clock, name):
    now = int(clock.now().timestamp())
    tokens.verify(_signed(_claims(clock, **{name: now + 5})))
    with pytest.raises(TokenInvalid):
        tokens.verify(_signed(_claims(clock, **{name: now + 6})))


def test_a_token_that_ends_before_it_begins_is_refused(tokens, clock):
    now = int(clock.now().timestamp())
    with pytest.raises(TokenInvalid):
        tokens.verify(_signed(_claims(clock, iat=now + 3, nbf=now, exp=now + 2)))


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "a.b", "令牌", "\x00", "a" * 100])
def test_what_is_no_token_is_refused(tokens, text):
    with pytest.raises(TokenInvalid):
        tokens.verify(text)


def test_an_oversized_token_is_refused_before_it_is_parsed(tokens, clock):
    token = _signed(_claims(clock, sub="u" * MAX_BYTES))
    assert len(token) > MAX_BYTES
    with pytest.raises(TokenInvalid):
        tokens.verify(token)
    with pytest.raises(TokenInvalid):
        tokens.verify("[" * MAX_BYTES)


def test_deep_json_is_refused(tokens):
    with pytest.raises(TokenInvalid):
        tokens.verify(f"{_b64(b'[' * 2000)}.{_b64(b'[' * 900)}.AAAA")


def test_every_changed_character_is_caught(tokens):
    token = tokens.issue(user_id="usr_1", org_id="org_1", roles=[Role.BUYER]).access_token
    # the very last character holds bits that decoding drops
    for place in range(len(token) - 1):
        other = "A" if token[place] != "A" else "B"
        with pytest.raises(TokenInvalid):
            tokens.verify(token[:place] + other + token[place + 1 :])


def test_the_refusal_does_not_help_to_forge(tokens, clock):
    said = set()
    for token in (_signed(_claims(clock, iss="x")), _signed(_claims(clock), typ="JWT"), "a.b.c"):
        with pytest.raises(TokenInvalid) as caught:
            tokens.verify(token)
        said.add((caught.value.detail, str(caught.value.facts)))
    assert len(said) == 1


def test_the_memory_of_verified_tokens_is_bounded(clock):
    tokens = Tokens(PEM, issuer=ISSUER, audience=AUDIENCE, clock=clock, capacity=3)
    made = [
        tokens.issue(user_id=f"usr_{n}", org_id="org_1", roles=[Role.BUYER]).access_token for n in range(5)
    ]
    for token in made:
        tokens.verify(token)
    assert len(tokens._verified) == 3
    assert tokens.verify(made[0]).user_id == "usr_0"
    assert [claims.user_id for claims in tokens._verified.values()] == ["usr_3", "usr_4", "usr_0"]


def test_an_expired_token_leaves_the_memory(tokens, clock):
    token = tokens.issue(user_id="usr_1", org_id="org_1", roles=[Role.BUYER]).access_token
    tokens.verify(token)
    clock.advance(timedelta(hours=1))
    with pytest.raises(TokenExpired):
        tokens.verify(token)
    assert len(tokens._verified) == 0


def test_a_key_of_another_curve_is_refused(clock):
    pem = ec.generate_private_key(ec.SECP384R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    with pytest.raises(Malformed):
        Tokens(pem, issuer=ISSUER, audience=AUDIENCE, clock=clock)


def test_no_secret_is_printed(tokens):
    token = tokens.issue(user_id="usr_1", org_id="org_1", roles=[Role.BUYER])
    assert token.access_token not in repr(token)
    assert "PRIVATE" not in repr(tokens)
    assert "PRIVATE" not in tokens.public_pem
