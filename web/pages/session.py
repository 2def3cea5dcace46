"""Who is at the other end of a browser: the session cookie, and the token that binds a form to it.

The cookie holds an access token, as the API takes it; it is renewed while it is used, and ends at a limit
after the sign-in however it was used. A form carries
a second value that only our own page could have written: an HMAC over the person and a random cookie
(double submit, bound to the session). It looks different in each answer: masked with random bytes that stand
before it, so the length of a packed page tells nothing of it.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from fastapi import Request
from starlette.responses import Response

from base.errors import Forbidden, Unauthenticated
from identity.errors import SecondFactorMissing
from identity.repository import Organisation, Person, get_organisation, get_person
from identity.rules import Role
from identity.sign_in import authenticate
from identity.tokens import Claims
from ledger.recording import Actor
from web.deps import COOKIE
from web.node import Node

FORM_COOKIE: Final = "databourse_form"
# Where a sign-in without any role leads to, and its way out.
SETTING_UP: Final = ("/account/second-factor", "/account/second-factor/confirm", "/logout")
_NONCE_BYTES: Final = 16
_NONCE_LENGTH: Final = 2 * _NONCE_BYTES
_TOKEN_BYTES: Final = 16
_LABEL: Final = b"databourse:pages:form-token:v1"


class FormExpired(Forbidden):
    """The form's token is not this session's: an old page, or somebody else's.

    `kept` is what was typed, where the form could be read: nobody has to write it twice.
    """

    code = "form-expired"
    title = "This form is no longer valid: load the page again"
    kept: Mapping[str, Sequence[str]] | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who signed in by cookie. `token` is a renewed one where the old was half over."""

    actor: Actor
    claims: Claims
    person: Person
    organisation: Organisation
    token: str
    renewed: bool


async def session_of(request: Request, node: Node) -> Session | None:
    """The session of a request's cookie; None without one, and for one that is no longer good."""
    token = request.cookies.get(COOKIE)
    if not token:
        return None
    async with node.database.read() as s:
        try:
            setting_up = request.url.path.endswith(SETTING_UP)
            actor, claims = await authenticate(s, node.tokens, token, setting_up=setting_up)
        except (Unauthenticated, SecondFactorMissing):
            return None
        person = await get_person(s, user_id=claims.user_id)
        organisation = await get_organisation(s, org_id=claims.org_id)
    if person is None or organisation is None:
        return None
    if node.clock.now() >= claims.signed_in_at + timedelta(seconds=node.settings.session_limit_s):
        return None
    half = claims.issued_at + (claims.expires_at - claims.issued_at) / 2
    if node.clock.now() < half:
        return Session(actor, claims, person, organisation, token, renewed=False)
    roles = [Role(name) for name in sorted(actor.roles)]
    issued = node.tokens.issue(user_id=claims.user_id, org_id=claims.org_id, roles=roles, renews=claims)
    return Session(actor, claims, person, organisation, issued.access_token, renewed=True)


def remember_session(response: Response, node: Node, token: str) -> None:
    """Set the session cookie: nobody's script reads it, and no other site sends it."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=node.settings.token_ttl_s,
        httponly=True,
        samesite="strict",
        secure=is_secure(node),
    )


def forget_session(response: Response) -> None:
    """Delete the session cookie."""
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")


def is_secure(node: Node) -> bool:
    """Whether the pages are reached by TLS, so that cookies may ask for it."""
    return node.settings.public_url.startswith("https://")


class FormTokens:
    """Makes and checks the tokens of forms. Every worker of a node has the same key."""

    def __init__(self, master_key: bytes) -> None:
        self._key = hmac.digest(master_key, _LABEL, hashlib.sha256)

    @staticmethod
    def nonce_of(request: Request) -> str:
        """The browser's random value, or a new one."""
        known = request.cookies.get(FORM_COOKIE, "")
        if len(known) == _NONCE_LENGTH and known.isascii() and known.isalnum():
            return known
        return secrets.token_hex(_NONCE_BYTES)

    def token(self, nonce: str, user_id: str) -> str:
        """What a form of this person in this browser carries: a mask, and the masked value."""
        mask = secrets.token_bytes(_TOKEN_BYTES)
        return (mask + _masked(self._value(nonce, user_id), mask)).hex()

    def check(self, request: Request, user_id: str, sent: str) -> None:
        """Raises FormExpired unless our own page wrote the token for this person in this browser."""
        nonce = request.cookies.get(FORM_COOKIE, "")
        if not nonce or not hmac.compare_digest(self._value(nonce, user_id), _unmasked(sent)):
            raise FormExpired("the form does not belong to this session")

    def _value(self, nonce: str, user_id: str) -> bytes:
        whole = hmac.digest(self._key, f"{user_id}\0{nonce}".encode(), hashlib.sha256)
        return whole[:_TOKEN_BYTES]


def _masked(value: bytes, mask: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(value, mask, strict=True))


def _unmasked(sent: str) -> bytes:
    """The value under the mask; nothing for what is no token."""
    try:
        raw = bytes.fromhex(sent)
    except ValueError:
        return b""
    if len(raw) != 2 * _TOKEN_BYTES:
        return b""
    return _masked(raw[_TOKEN_BYTES:], raw[:_TOKEN_BYTES])
