"""Access tokens: ES256 JWTs in the form of RFC 9068, issued and verified here and nowhere else.

`Tokens.verify` is the one verifying door. python-jose alone would take a token without `exp` or
`aud`, and with no algorithm pinned an HS256 one forged with our public key; so the algorithm is
pinned, the header is compared whole, every claim is required, and times are read from our clock.
Whether the bearer still may act is asked of the database by `identity.sign_in.authenticate`.
"""

import secrets
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from jose import jwt
from jose.exceptions import JOSEError

from base.clock import Clock
from base.errors import Malformed
from identity.errors import TokenExpired, TokenInvalid
from identity.rules import Role

ALGORITHM: Final = "ES256"
TYPE: Final = "at+jwt"
TTL: Final = timedelta(minutes=15)
SESSION_LIMIT: Final = timedelta(hours=12)
MAX_BYTES: Final = 4096
CAPACITY: Final = 4096
SKEW_S: Final = 5  # another worker's clock may be ahead by so much
_HEADER: Final = {"alg": ALGORITHM, "typ": TYPE}
_TEXTS: Final = ("iss", "aud", "sub", "jti", "sid", "org", "scope")
_TIMES: Final = ("iat", "nbf", "exp", "auth_time")
_CLAIMS: Final = frozenset({*_TEXTS, *_TIMES, "roles"})


@dataclass(frozen=True, slots=True)
class Token:
    """An access token as it is handed out."""

    access_token: str = field(repr=False)
    expires_at: datetime
    expires_in_s: int
    scope: str
    session_id: str
    session_ends_at: datetime
    token_type: str = "Bearer"  # noqa: S105 - the scheme of RFC 6750, not a secret


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says."""

    user_id: str
    org_id: str
    roles: frozenset[Role]
    jti: str
    issued_at: datetime
    expires_at: datetime
    signed_in_at: datetime
    session_id: str


def generate_access_key() -> bytes:
    """A new P-256 private key as PKCS 8 PEM, for the data folder."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )


class Tokens:
    """Issues and verifies the access tokens of one exchange.

    `private_pem` is a P-256 key. However often a token is renewed, none outlives `session_limit` after the
    person has signed in. Verified tokens are remembered up to `capacity`, the least recently
    used leave first, and none outlives its expiry.
    """

    def __init__(
        self,
        private_pem: bytes,
        *,
        issuer: str,
        audience: str,
        clock: Clock,
        ttl: timedelta = TTL,
        session_limit: timedelta = SESSION_LIMIT,
        capacity: int = CAPACITY,
    ) -> None:
        key = load_pem_private_key(private_pem, password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise Malformed("access tokens are signed with a P-256 key")
        self._private = private_pem.decode()
        self._public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        self._issuer, self._audience = issuer, audience
        self._clock, self._ttl, self._capacity = clock, ttl, capacity
        self._session_limit = session_limit
        self._verified: OrderedDict[bytes, Claims] = OrderedDict()

    @property
    def public_pem(self) -> str:
        """The public key, for whoever else may want to verify."""
        return self._public

    def issue(
        self, *, user_id: str, org_id: str, roles: Iterable[Role], renews: Claims | None = None
    ) -> Token:
        """A token for a person of an organisation, good for these roles (its scope).

        One that `renews` another is of the same session, which ends where it would have ended.
        """
        now = int(self._clock.now().timestamp())
        since = now if renews is None else int(renews.signed_in_at.timestamp())
        session_id = secrets.token_urlsafe(16) if renews is None else renews.session_id
        ends = since + int(self._session_limit.total_seconds())
        expires = min(now + int(self._ttl.total_seconds()), max(ends, now + 1))
        names = sorted(role.value for role in roles)
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": user_id,
            "iat": now,
            "nbf": now,
            "exp": expires,
            "auth_time": since,
            "jti": secrets.token_urlsafe(16),
            "sid": session_id,
            "org": org_id,
            "roles": names,
            "scope": " ".join(names),
        }
        text = jwt.encode(claims, self._private, algorithm=ALGORITHM, headers={"typ": TYPE})
        return Token(text, _moment(expires), expires - now, " ".join(names), session_id, _moment(ends))

    def verify(self, token: str) -> Claims:
        """What the token says, if it is ours, of the right kind, and good now.

        1. At most 4096 ASCII characters. 2. Known already: only its expiry is left to check.
        3. The header is `{"alg":"ES256","typ":"at+jwt"}`, whole. 4. The signature is ours, by ES256
        alone; `iss` and `aud` are ours where they are given. 5. Every claim is there with its type,
        no other is. 6. `iat` and `nbf` have come, `exp` has not. Raises TokenExpired, else TokenInvalid
        without a reason that would help to forge one.
        """
        if len(token) > MAX_BYTES or not token.isascii():
            raise TokenInvalid("not an access token of this exchange")
        name = sha256(token.encode()).digest()
        known = self._verified.get(name)
        if known is None:
            known = self._read(token)
            self._remember(name, known)
        else:
            self._verified.move_to_end(name)
        if self._clock.now() >= known.expires_at:
            self._verified.pop(name, None)
            raise TokenExpired("the access token has expired", expired_at=known.expires_at.isoformat())
        return known

    def _read(self, token: str) -> Claims:
        try:
            if jwt.get_unverified_header(token) != _HEADER:
                raise TokenInvalid("not an access token of this exchange")
            claims: Mapping[str, Any] = jwt.decode(
                token,
                self._public,
                algorithms=[ALGORITHM],
                audience=self._audience,
                issuer=self._issuer,
                # times are compared below, with the exchange's clock
                options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )
        except (JOSEError, ValueError, TypeError):
            raise TokenInvalid("not an access token of this exchange") from None
        if not _well_formed(claims):
            raise TokenInvalid("not an access token of this exchange")
        now = self._clock.now().timestamp()
        if claims["iat"] > now + SKEW_S or claims["nbf"] > now + SKEW_S or claims["exp"] <= claims["iat"]:
            raise TokenInvalid("the access token is not valid yet")
        return Claims(
            user_id=claims["sub"],
            org_id=claims["org"],
            roles=frozenset(Role(name) for name in claims["roles"]),
            jti=claims["jti"],
            issued_at=_moment(claims["iat"]),
            expires_at=_moment(claims["exp"]),
            signed_in_at=_moment(claims["auth_time"]),
            session_id=claims["sid"],
        )

    def _remember(self, name: bytes, claims: Claims) -> None:
        self._verified[name] = claims
        while len(self._verified) > self._capacity:
            self._verified.popitem(last=False)


def _well_formed(claims: Mapping[str, Any]) -> bool:
    roles = claims.get("roles")
    return (
        claims.keys() == _CLAIMS
        and all(type(claims[name]) is str for name in _TEXTS)
        and all(type(claims[name]) is int and 0 < claims[name] < 2**33 for name in _TIMES)
        and type(roles) is list
        and all(type(role) is str and role in Role.__members__ for role in roles)
        and claims["scope"] == " ".join(roles)
    )


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
