"""The contract: one canonical document that every party signs, byte for byte the same.

Pure: facts in, bytes out. What all sign is the statement TRD.SIGN, which names the document's digest
and the parties and commits to the terms; it names no actor, state or time (`docs/ledger.md`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from base.canonical import canonical, sha256_hex
from base.clock import rfc3339
from base.signing import Envelope, Signature
from ledger.statement import Draft
from pricing.whole import WholePrice

# The clauses stand in the model contract that the exchange publishes; the document names its version.
MODEL: Final = "DATA-LICENCE/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A party as the contract names it."""

    org_id: str
    role: str
    name: str
    uscc: str

    def document(self) -> dict[str, str]:
        return {"org_id": self.org_id, "role": self.role, "name": self.name, "uscc": self.uscc}


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What was agreed. Amounts in fen; the price includes tax and every fee."""

    trade_id: str
    listing_id: str
    product_id: str
    title: str
    file_sha256: str
    file_bytes: int
    quality_sha256: str | None
    quote_id: str
    quote_sha256: str
    quantity: int
    unit: str
    licence_class: str
    purpose: str
    scenario: str
    territory: str
    term_months: int
    price: WholePrice
    contract_dated_at: datetime


@dataclass(frozen=True, slots=True)
class DrawnUp:
    """The document and its digest, the shared opening with its nonce, and who has to sign."""

    document: bytes
    sha256: str
    opening: bytes
    parties: tuple[str, ...]


def draw_up(terms: Terms, parties: Sequence[Party], *, document_nonce: str, opening_nonce: str) -> DrawnUp:
    """The contract of a trade, in canonical bytes.

    The document carries a nonce of its own, so that nobody can guess its terms back from the digest
    on the ledger.
    """
    amounts = _amounts(terms)
    document = canonical(
        {
            "model": MODEL,
            "nonce": document_nonce,
            "trade_id": terms.trade_id,
            "parties": [party.document() for party in parties],
            "subject_matter": {
                "listing_id": terms.listing_id,
                "product_id": terms.product_id,
                "title": terms.title,
                "file": {"sha256": terms.file_sha256, "bytes": terms.file_bytes},
                "quality_report_sha256": terms.quality_sha256,
            },
            "price": {
                **amounts,
                "net_minor": str(terms.price.net_minor),
                "vat_minor": str(terms.price.vat_minor),
                "seller_minor": str(terms.price.seller_minor),
                "currency": "CNY",
                "quote_id": terms.quote_id,
                "quote_sha256": terms.quote_sha256,
            },
            "licence": {
                "class": terms.licence_class,
                "quantity": terms.quantity,
                "unit": terms.unit,
                "purpose": terms.purpose,
                "scenario": terms.scenario,
                "territory": terms.territory,
                "term_months": terms.term_months,
            },
            "dated_at": rfc3339(terms.contract_dated_at),
        }
    )
    opening = canonical(
        {
            **amounts,
            "quantity": terms.quantity,
            "unit": terms.unit,
            "licence_class": terms.licence_class,
            "quote_id": terms.quote_id,
            "contract_dated_at": rfc3339(terms.contract_dated_at),
            "nonce": opening_nonce,
        }
    )
    return DrawnUp(document, sha256_hex(document), opening, tuple(party.org_id for party in parties))


def _amounts(terms: Terms) -> dict[str, str]:
    return {
        "amount_minor": str(terms.price.price_minor),
        "commission_minor": str(terms.price.commission_minor),
        "platform_fee_minor": str(terms.price.platform_fee_minor),
    }


def signing_draft(*, trade_id: str, contract_sha256: str, parties: Sequence[str], opening: str) -> Draft:
    """What every party signs: the same for all of them."""
    shared: dict[str, Any] = orjson.loads(opening)
    return Draft(
        "TRD.SIGN",
        trade_id,
        public={"trade_id": trade_id, "contract_sha256": contract_sha256, "parties": list(parties)},
        opening=shared,
        subjects={"contract": contract_sha256},
        shared=True,
    )


def assemble(envelopes: Sequence[Envelope]) -> Envelope:
    """One DSSE envelope with everybody's signature over the payload they share."""
    first = envelopes[0]
    assert all((e.payload_type, e.payload) == (first.payload_type, first.payload) for e in envelopes)
    signatures: list[Signature] = [signature for e in envelopes for signature in e.signatures]
    return Envelope(first.payload_type, first.payload, tuple(signatures))
