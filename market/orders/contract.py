"""The contract: one canonical document that every party signs, byte for byte the same.

Pure: facts in, bytes out. What all sign is the statement TRD.SIGN, which names the document's digest
and the parties and commits to the terms; it names no actor, state or time (`docs/ledger.md`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from base.canonical import canonical, sha256_hex
from base.clock import rfc3339
from base.signing import Envelope, Signature
from ledger.statement import Draft
from market.listings.categories import ProductType
from market.listings.plans import PlanMethod
from market.orders.acceptance import AcceptanceTerms, agreed_acceptance
from market.orders.clauses import CURRENT, ModelType, model, model_for
from market.orders.deadlines import (
    DELIVER_WORKING_DAYS,
    FUND_WORKING_DAYS,
    MEDIATE_WORKING_DAYS,
)
from market.orders.handover import modes_of
from market.orders.policy import Licence, bounds_of, build
from market.orders.scope import LicenceScope, territory_of
from pricing.whole import WholePrice

LATE_PAYMENT: Final = "0.0005"  # of the sum that is due, for each day (`rules.md` §2.7)

# By what each type of product is accepted (`rules.md` §2.3.5).
ACCEPTED_BY: Final[Mapping[ProductType, tuple[str, ...]]] = {
    ProductType.DATASET: ("digest", "schema", "rows", "quality"),
    ProductType.API: ("calls", "latency", "availability"),
    ProductType.REPORT: ("digest", "contents"),
    ProductType.SERVICE: ("milestone",),
    ProductType.TOOL: ("digest", "test-set"),
    ProductType.PRIVACY: ("task-receipt", "result-digest", "budget"),
    ProductType.COMPUTE: ("card-hours",),
    ProductType.CERT: ("signature",),
}


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
    """What was agreed. Amounts in fen; the price includes tax and every fee.

    `sandbox` is what may be asked where the table stays, `price_plan` the listing's plan where it made the
    price; `marking` are the columns in which the buyer's copy of the file may carry a mark of its own, `part`
    what of a shared table is let out. `duties` are those of data subject, controller and user
    (`market.orders.duties`); a contract without any was drawn up before there were.
    """

    trade_id: str
    listing_id: str
    product_id: str
    product_type: ProductType
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
    scope: LicenceScope
    price: WholePrice
    contract_dated_at: datetime
    mandate_id: str | None = None
    reward: Mapping[str, str] | None = None  # to whom the commission goes where no party is a broker
    delivery_mode: str | None = None
    deliver_within_wd: int = DELIVER_WORKING_DAYS
    price_plan: Mapping[str, Any] | None = None
    acceptance: AcceptanceTerms | None = None
    sandbox: Mapping[str, Any] | None = None
    marking: tuple[str, ...] = ()
    part: Mapping[str, Any] | None = None
    duties: Sequence[Mapping[str, str]] = ()

    @property
    def accepted(self) -> AcceptanceTerms:
        """By which bounds, and in how many working days, at whose end silence accepts."""
        return agreed_acceptance(self.acceptance, self.product_type, self.quantity)


@dataclass(frozen=True, slots=True)
class DrawnUp:
    """The document and its digest, the shared opening with its nonce, who has to sign, and the policy."""

    document: bytes
    sha256: str
    opening: bytes
    parties: tuple[str, ...]
    policy: bytes
    policy_sha256: str


def draw_up(terms: Terms, parties: Sequence[Party], *, document_nonce: str, opening_nonce: str) -> DrawnUp:
    """The contract of a trade, in canonical bytes.

    The document carries a nonce of its own, so that nobody can guess its terms back from the digest
    on the ledger.
    """
    amounts = _amounts(terms)
    policy = build(_licence(terms, parties))
    document = canonical(
        {
            "model": model_for(terms.product_type).document(),
            "annexes": _annexes(terms),
            "nonce": document_nonce,
            "trade_id": terms.trade_id,
            "parties": [party.document() for party in parties],
            "subject_matter": {
                "listing_id": terms.listing_id,
                "product_id": terms.product_id,
                "product_type": terms.product_type.value,
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
                **({} if terms.reward is None else {"reward": dict(terms.reward)}),
                **({} if terms.price_plan is None else {"plan": dict(terms.price_plan)}),
                "fund_within_wd": FUND_WORKING_DAYS,
                "late_payment_a_day": LATE_PAYMENT,
            },
            "licence": {
                "class": terms.licence_class,
                "quantity": terms.quantity,
                "unit": terms.unit,
                "purpose": terms.purpose,
                "scenario": terms.scenario,
                "territory": terms.territory,
                "term_months": terms.term_months,
                **terms.scope.document(),
                "policy_sha256": sha256_hex(policy),
            },
            "delivery": {
                "mode": terms.delivery_mode or modes_of(terms.product_type)[0].value,
                "within_wd": terms.deliver_within_wd,
                **({"sandbox": terms.sandbox} if terms.sandbox else {}),
                **({"marking": list(terms.marking)} if terms.marking else {}),
                **({"part": terms.part} if terms.part else {}),
            },
            "acceptance": {
                "tests": list(ACCEPTED_BY[terms.product_type]),
                **({"bounds": dict(terms.accepted.bounds)} if terms.accepted.bounds else {}),
                "within_wd": terms.accepted.within_wd,
                "silence_accepts": True,
            },
            "dispute": {"mediation_wd": MEDIATE_WORKING_DAYS},
            **({"duties": [dict(one) for one in terms.duties]} if terms.duties else {}),
            "dated_at": rfc3339(terms.contract_dated_at),
        }
    )
    opening = canonical(
        {
            **amounts,
            **_metered(terms),
            "quantity": terms.quantity,
            "unit": terms.unit,
            "licence_class": terms.licence_class,
            "quote_id": terms.quote_id,
            "contract_dated_at": rfc3339(terms.contract_dated_at),
            "nonce": opening_nonce,
        }
    )
    return DrawnUp(
        document,
        sha256_hex(document),
        opening,
        tuple(party.org_id for party in parties),
        policy,
        sha256_hex(policy),
    )


def _licence(terms: Terms, parties: Sequence[Party]) -> Licence:
    seller, buyer = parties[:2]
    return Licence(
        trade_id=terms.trade_id,
        seller_id=seller.org_id,
        buyer_id=buyer.org_id,
        file_sha256=terms.file_sha256,
        territory=territory_of(terms.territory),
        term_months=terms.term_months,
        dated_at=terms.contract_dated_at,
        scope=terms.scope,
        accepted_by=bounds_of(terms.product_type, terms.accepted),
    )


def _annexes(terms: Terms) -> list[dict[str, Any]]:
    """A trade with a broker has the model of the broker's mandate as its annex."""
    if terms.mandate_id is None:
        return []
    annex = model(ModelType.INTERMEDIARY, CURRENT[ModelType.INTERMEDIARY])
    return [annex.document() | {"mandate_id": terms.mandate_id}]


def _amounts(terms: Terms) -> dict[str, str]:
    return {
        "amount_minor": str(terms.price.price_minor),
        "commission_minor": str(terms.price.commission_minor),
        "platform_fee_minor": str(terms.price.platform_fee_minor),
    }


def _metered(terms: Terms) -> dict[str, Any]:
    """The plan by which uses are charged: every party signs it, and an auditor reckons with it."""
    plan = terms.price_plan
    return {} if plan is None or plan.get("method") != PlanMethod.METERED else {"price_plan": dict(plan)}


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
