"""A credential and its status list, made by the room itself; each test spoils one thing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson

from base.canonical import canonical
from base.credential.checking import Finding, Pin
from base.credential.multikey import did_key
from base.credential.proof import secure
from base.credential.status import PURPOSES, Places, Purpose, status_list
from base.signing import SigningKey
from brokers.credential.document import AnnualReview, CertificateFacts, Practitioner, broker_certificate
from brokers.credential.verifying import verify

NOW: Final = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
KEY: Final = SigningKey.from_bytes(bytes(range(32)))
OTHER: Final = SigningKey.from_bytes(bytes(range(1, 33)))
DID: Final = did_key(KEY.public)
LIST_URL: Final = "https://exchange.example/credentials/status/1"
PLACES: Final = Places(LIST_URL, revocation=94_567, suspension=23_452)
PIN: Final = Pin(DID, since=NOW - timedelta(days=30))
FACTS: Final = CertificateFacts(
    cert_no="GD-DB-M-2-2026-0008",
    org_id="org_01kb0000000000000000000008",
    name="珠江数据经纪有限公司",
    uscc="91440100MA00000085",
    broker_type="M",
    grade=2,
    sectors=["energy", "transport"],
    max_level="general-2",
    cross_border=False,
    valid_from=NOW - timedelta(days=20),
    valid_to=NOW + timedelta(days=1000),
    authority_id="org_01kb0000000000000000000001",
    authority_name="广东省政务服务和数据管理局",
    origin="exchange.example/log",
    seq=4711,
    statement_sha256="ab" * 32,
    practitioners=[Practitioner("陈一", "P-001"), Practitioner("李二")],
    annual_reviews=[AnnualReview(2026, "pass")],
    conditions=["不得处理跨境委托"],
)


@dataclass(frozen=True)
class Papers:
    """What a verifier is shown."""

    credential: bytes
    lists: tuple[bytes, ...]

    def verified(self, *, at: datetime = NOW, pins: Iterable[Pin] | None = (PIN,), **more: Any) -> Finding:
        return verify(self.credential, self.lists, None if pins is None else list(pins), at=at, **more)

    def with_credential(self, credential: bytes) -> "Papers":
        return replace(self, credential=credential)

    def with_lists(self, *lists: bytes) -> "Papers":
        return replace(self, lists=lists)


def unsigned_certificate(places: Places = PLACES, **changed: Any) -> dict[str, Any]:
    """A BrokerCertificate before it is signed."""
    return broker_certificate(
        replace(FACTS, **changed),
        url="https://exchange.example/credentials/crd_1",
        register_url="https://exchange.example/api/v1/brokers/GD-DB-M-2-2026-0008",
        issuer=DID,
        places=places,
    )


def certificate(
    document: Mapping[str, Any] | None = None, *, key: SigningKey = KEY, created: datetime = NOW
) -> bytes:
    """The bytes of a signed credential."""
    return canonical(secure(document or unsigned_certificate(), key, created=created))


def unsigned_list(
    *places: int,
    as_of: datetime = NOW,
    issuer: str = DID,
    url: str = LIST_URL,
    purposes: tuple[Purpose, ...] = PURPOSES,
) -> dict[str, Any]:
    """A status list before it is signed."""
    return status_list(places, url=url, issuer=issuer, as_of=as_of, purposes=purposes)


def listed(
    *places: int, document: Mapping[str, Any] | None = None, key: SigningKey = KEY, **told: Any
) -> bytes:
    """The bytes of a signed status list with these bits set."""
    created = told.get("as_of", NOW)
    return canonical(secure(document or unsigned_list(*places, **told), key, created=created))


GOOD: Final = Papers(certificate(), (listed(7),))


def opened(raw: bytes) -> dict[str, Any]:
    """The document in bytes, to be spoilt."""
    found: dict[str, Any] = orjson.loads(raw)
    return found
