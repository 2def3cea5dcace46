"""What decides, without a database: who may hold which roles, which acts ask for a fresh proof."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import combinations
from typing import Final

from base.errors import Malformed
from identity.errors import LoginMalformed, RolesIncompatible

PREPARED_TTL: Final = timedelta(minutes=10)
STEP_UP_TTL: Final = timedelta(minutes=5)
FREE_ATTEMPTS: Final = 5
FIRST_WAIT: Final = timedelta(seconds=30)
LONGEST_WAIT: Final = timedelta(minutes=15)
MAX_NAME: Final = 200


class Role(StrEnum):
    """The roles an organisation can hold (states.md §3.0)."""

    PROVIDER = "PROVIDER"
    BUYER = "BUYER"
    BROKER = "BROKER"
    DATA_MERCHANT = "DATA_MERCHANT"
    THIRD_PARTY = "THIRD_PARTY"
    EXCHANGE_OPERATOR = "EXCHANGE_OPERATOR"
    REGISTRAR = "REGISTRAR"
    PUBLIC_AGENCY = "PUBLIC_AGENCY"
    OPERATING_INSTITUTION = "OPERATING_INSTITUTION"
    ESCROW = "ESCROW"
    DATA_AUTHORITY = "DATA_AUTHORITY"
    SAMR = "SAMR"
    CAC = "CAC"
    PUBLIC_SECURITY = "PUBLIC_SECURITY"
    REVIEW_AUTHORITY = "REVIEW_AUTHORITY"  # 行政复议机关
    COURT = "COURT"
    AUDITOR = "AUDITOR"


class OrganisationStatus(StrEnum):
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"


class Custody(StrEnum):
    """Who keeps the private key: the party, the exchange for it, or the node (its own key)."""

    SELF_HELD = "self-held"
    CUSTODIAL = "custodial"
    NODE = "node"


class KeyStatus(StrEnum):
    ACTIVE = "ACTIVE"
    REVOKED = "REVOKED"


class RevocationReason(StrEnum):
    LOST = "lost"
    COMPROMISED = "compromised"
    SUPERSEDED = "superseded"


MARKET: Final = frozenset(
    {
        Role.PROVIDER,
        Role.BUYER,
        Role.BROKER,
        Role.DATA_MERCHANT,
        Role.THIRD_PARTY,
        Role.OPERATING_INSTITUTION,
    }
)
SUPERVISORS: Final = frozenset({Role.DATA_AUTHORITY, Role.SAMR, Role.CAC, Role.PUBLIC_SECURITY})
# They look at what the exchange does, or undo it: no hand of its own makes or unmakes who speaks for them.
OVERSEERS: Final = SUPERVISORS | {Role.REVIEW_AUTHORITY, Role.COURT, Role.AUDITOR}
# Alone: the operator trades not for its own account, the registrar registers not its own data, the
# escrow bank holds both sides' money, who hears appeals has decided nothing, the auditor writes nothing.
ALONE: Final = frozenset(
    {
        Role.EXCHANGE_OPERATOR,
        Role.REGISTRAR,
        Role.ESCROW,
        Role.REVIEW_AUTHORITY,
        Role.COURT,
        Role.AUDITOR,
    }
)
# A grantor of public data is not its own grantee.
_APART: Final = frozenset({frozenset({Role.PUBLIC_AGENCY, Role.OPERATING_INSTITUTION})})

# A fresh proof serves one act: keys, mandates, contracts, orders and erasures (`docs/ledger.md`, signing).
_FRESH_MACHINES: Final = frozenset({"KEY", "ORD", "OPN"})
_FRESH_EVENTS: Final = frozenset({"CRD.APPOINT", "MND.SIGN", "MND.ACCEPT", "TRD.SIGN"})

_LOGIN: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{2,63}")
_REGION: Final = re.compile(r"[1-8][0-9]{5}")


def parse_roles(names: Iterable[str]) -> frozenset[Role]:
    """Role names as a set. Raises Malformed for an unknown name or none at all."""
    try:
        roles = frozenset(Role(name) for name in names)
    except ValueError:
        raise Malformed("unknown role", known=sorted(Role)) from None
    if not roles:
        raise Malformed("at least one role is needed")
    return roles


def among(roles: frozenset[Role], names: Iterable[str]) -> frozenset[Role]:
    """Those of the roles that are named."""
    named = set(names)
    return frozenset(role for role in roles if role in named)


def check_roles(roles: frozenset[Role]) -> None:
    """Separation of duties. Raises RolesIncompatible, naming the first pair that must stay apart."""
    for one, other in combinations(sorted(roles), 2):
        if must_stay_apart(one, other):
            raise RolesIncompatible(f"{one} and {other} must be different organisations", roles=[one, other])


def must_stay_apart(one: Role, other: Role) -> bool:
    """Whether no organisation may hold both (states.md §3.0, separation rules)."""
    pair = {one, other}
    if len(pair) == 1:
        return False
    return bool(pair & ALONE) or bool(pair & SUPERVISORS and pair & MARKET) or frozenset(pair) in _APART


def wants_fresh_proof(event: str) -> bool:
    """Whether a custodial signature on this event needs a step-up of its own."""
    return event.partition(".")[0] in _FRESH_MACHINES or event in _FRESH_EVENTS


def wait_after(failures: int) -> timedelta:
    """How long an account waits after so many failed attempts in a row: doubling, never above 15 minutes."""
    if failures < FREE_ATTEMPTS:
        return timedelta(0)
    doublings = min(failures - FREE_ATTEMPTS, 10)
    return min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)


def has_expired(expires_at: datetime, now: datetime) -> bool:
    """A thing that expires at a time is no longer good at that time."""
    return now >= expires_at


def parse_login(text: str) -> str:
    """A login in its one form. Raises LoginMalformed."""
    login = unicodedata.normalize("NFKC", text).strip().casefold()
    if _LOGIN.fullmatch(login) is None:
        raise LoginMalformed("a login has 3 to 64 characters of a-z, 0-9, '.', '_', '-' and '@'")
    return login


def parse_name(text: str) -> str:
    """A name for people to read, trimmed. Raises Malformed when empty, too long or not printable."""
    name = unicodedata.normalize("NFC", text).strip()
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise Malformed("a name has 1 to 200 printable characters", length=len(name))
    return name


def parse_region(text: str) -> str:
    """An administrative division: the six digits of GB/T 2260. Raises Malformed."""
    if _REGION.fullmatch(text) is None:
        raise Malformed("a region is the six digits of GB/T 2260", region=text[:20])
    return text
