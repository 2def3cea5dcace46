"""An asset certificate, its presentation and its status list, made by the room itself: tests spoil it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson

from base.canonical import canonical
from base.credential.checking import Finding
from base.credential.multikey import did_key
from base.credential.proof import secure
from base.credential.status import Purpose, status_list
from base.signing import SigningKey
from registry.vouchers.document import (
    Disclosure,
    ItemFacts,
    Party,
    VoucherFacts,
    asset_certificate,
    presentation,
    urn,
)
from registry.vouchers.rules import SubjectKind
from registry.vouchers.verifying import Asked, ProviderPin, verify

NOW: Final = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
GRID_KEY, HOLDER, THIEF = (SigningKey.from_bytes(bytes(range(n, n + 32))) for n in (0, 1, 2))
DID: Final = did_key(GRID_KEY.public)
LIST_URL: Final = "https://exchange.example/vouchers/status/1"
PLACE: Final = 94_567
CHALLENGE: Final = "c4" * 32
GRID = Party("org_01kb0000000000000000000001", "南粤电网有限公司", "91440100MA00000018")
FACTORY = Party("org_01kb0000000000000000000002", "佛山禾禧金属制品厂", "91440600MA00000026")
BANK = Party("org_01kb0000000000000000000003", "岭南农商行", "91440600MA00000034")
OTHER_BANK: Final = "org_01kb0000000000000000000004"
PIN: Final = ProviderPin(DID, GRID.org_id, NOW - timedelta(days=30))
ASKED: Final = Asked(BANK.org_id, "CREDIT_APPROVAL", "信贷审批 2026-LN-0815", CHALLENGE)


def disclosed(item: str, **value: Any) -> ItemFacts:
    told = Disclosure(item, "2024-08", "2026-07", f"{len(item):02x}" * 32, value)
    return ItemFacts(told, "市场营销部", "general-3")


FACTS: Final = VoucherFacts(
    voucher_id="vch_01kb0000000000000000000009",
    type_code="ELEC-CREDIT",
    scenario="CREDIT",
    mode="RANGES",
    subject_kind=SubjectKind.MEMBER,
    subject=FACTORY,
    provider=GRID,
    user=BANK,
    purpose=ASKED.purpose,
    reference=ASKED.reference or "",
    holder_did=did_key(HOLDER.public),
    origin="exchange.example/log",
    authorisation_sha256="ab" * 32,
    data_sha256="cd" * 32,
    quality_tenths=976,
    max_uses=3,
    valid_from=NOW - timedelta(hours=1),
    valid_to=NOW + timedelta(days=89),
    items=[disclosed("MONTHLY_USE", low="120000", high="140000"), disclosed("STABILITY", index=981)],
)


def credential(key: SigningKey = GRID_KEY, *, at: datetime = NOW, **changed: Any) -> dict[str, Any]:
    facts = replace(FACTS, **changed)
    url = f"https://exchange.example/verify/{facts.voucher_id}"
    unsecured = asset_certificate(facts, url=url, issuer=did_key(key.public), list_url=LIST_URL, place=PLACE)
    return secure(unsecured, key, created=at - timedelta(hours=1))


def shown(
    certificate: dict[str, Any] | None = None,
    *,
    items: tuple[ItemFacts, ...] = tuple(FACTS.items),
    key: SigningKey = HOLDER,
    user: str = BANK.org_id,
    challenge: str = CHALLENGE,
    **changed: Any,
) -> bytes:
    """A presentation, signed by the holder; `changed` are its own members."""
    told = [one.disclosure.document() for one in items]
    unsecured = presentation(certificate or credential(), told, holder_did=did_key(key.public)) | changed
    return canonical(secure(unsecured, key, created=NOW, challenge=challenge, domain=urn(user)))


def listed(*places: int, key: SigningKey = GRID_KEY, url: str = LIST_URL, as_of: datetime = NOW) -> bytes:
    unsecured = status_list(
        places, url=url, issuer=did_key(key.public), as_of=as_of, purposes=(Purpose.REVOCATION,)
    )
    return canonical(secure(unsecured, key, created=as_of))


def found(
    raw: bytes | None = None,
    *lists: bytes,
    pins: tuple[ProviderPin, ...] | None = (PIN,),
    asked: Asked = ASKED,
    at: datetime = NOW,
) -> Finding:
    return verify(raw or shown(), lists or (listed(),), pins, asked, at=at)


def opened(raw: bytes) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(raw)
    return document
