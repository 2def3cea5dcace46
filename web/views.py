"""What is shown of the house's things, the same to the API's callers and to the pages."""

from base64 import b64encode
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, create_model

from brokers.tables import CertificateRow, MandateRow
from identity.repository import Organisation, Person, RegisteredKey
from identity.tables import ContestRow
from ledger.reader import Statement
from market.delivery.tables import Entitlement
from market.listings.shapes import Offered
from market.listings.tables import Listing, ListingFile
from market.orders.offering import Preview, Standing, taken_apart
from market.orders.statements import terms_of
from market.orders.tables import Offer, Trade
from market.settlement.tables import PayeeAccount


class View(BaseModel):
    """Read from a row or a value by attribute; what is not named here is not shown."""

    model_config = ConfigDict(from_attributes=True)


class RecordedView(View):
    """A statement that an act has made. To a call with `wait=sealed` it comes with its entry and receipt."""

    statement_id: str
    envelope_sha256: str
    seq: int | None = None
    receipt: str | None = None


class DocumentView(View):
    name: str
    media_type: str
    sha256: str
    content: str = Field(description="base64")


class PreparedView(View):
    """What has to be signed outside, in the form that `databourse sign` reads."""

    prepared_id: str
    payload_type: str
    payload: str = Field(description="base64 of the statement")
    opening: str | None
    documents: list[DocumentView]
    signers: list[str]
    expires_at: datetime


def done_view(view: type[View]) -> type[View]:
    """What a done act answers: the view, and the statements that say so."""
    made: type[View] = create_model(
        view.__name__.replace("View", "Done"), __base__=view, recorded=(list[RecordedView], ...)
    )
    return made


class OrganisationView(View):
    org_id: str
    name: str
    uscc: str
    region: str
    roles: list[str]
    status: str

    @classmethod
    def of(cls, found: Organisation) -> "OrganisationView":
        return cls(
            org_id=found.org_id,
            name=found.name,
            uscc=found.uscc,
            region=found.region,
            roles=sorted(found.roles),
            status=found.status.value,
        )


class ContestView(View):
    contest_id: str
    contested_at: datetime
    decided_at: datetime | None
    struck: list[str] | None

    @classmethod
    def of(cls, row: ContestRow) -> "ContestView":
        return cls.model_validate(row)


class BearerView(View):
    user_id: str
    org_id: str
    login: str
    name: str


class OpenContestView(ContestView):
    """With every login under the number; the number itself is kept nowhere."""

    logins: list[BearerView]


class PersonView(View):
    user_id: str
    org_id: str
    login: str
    roles: list[str]
    active: bool
    identified: bool

    @classmethod
    def of(cls, found: Person) -> "PersonView":
        return cls(
            user_id=found.user_id,
            org_id=found.org_id,
            login=found.login,
            roles=sorted(found.roles),
            active=found.active,
            identified=found.mark is not None,
        )


class KeyView(View):
    key_id: str
    org_id: str
    keyid: str
    public_key: str
    custody: str
    roles: list[str]
    status: str
    registered_at: datetime

    @classmethod
    def of(cls, found: RegisteredKey) -> "KeyView":
        return cls(
            key_id=found.key_id,
            org_id=found.org_id,
            keyid=found.keyid,
            public_key=b64encode(found.public).decode(),
            custody=found.custody.value,
            roles=sorted(found.roles),
            status=found.status.value,
            registered_at=found.registered_at,
        )


class CertificateView(View):
    cert_id: str
    cert_no: str
    org_id: str
    broker_type: str
    grade: int
    sectors: list[str]
    max_level: str
    cross_border: bool
    valid_from: datetime
    valid_to: datetime
    status: str

    @classmethod
    def of(cls, row: CertificateRow) -> "CertificateView":
        return cls.model_validate(row)


class MandateView(View):
    mandate_id: str
    broker_id: str
    client_id: str
    side: str
    listing_id: str | None
    scope: str
    fee_bp: int
    signed_at: datetime
    ends_at: datetime
    status: str

    @classmethod
    def of(cls, row: MandateRow) -> "MandateView":
        return cls.model_validate(row)


class FileView(View):
    file_id: str
    sha256: str
    bytes: int
    name: str
    media_type: str

    @classmethod
    def of(cls, row: ListingFile) -> "FileView":
        return cls.model_validate(row)


class ListingView(View):
    listing_id: str
    product_id: str
    seller_id: str
    title: str
    description: str
    category: str
    geo: str
    product_type: str
    level: str
    public_data: bool
    scenario: str
    licence_of_data: str
    licence_class: str
    unit: str
    quantity: int
    list_price_minor: int | None
    cap_minor: int | None
    grant_id: str | None = Field(default=None, description="Of another venue: cited, not looked up")
    report_sha256: str | None
    status: str
    reasons: list[str]
    listed_at: datetime | None

    @classmethod
    def of(cls, row: Listing | Offered) -> "ListingView":
        return cls.model_validate(row)


class PriceView(View):
    """A whole price and where it goes: net + vat = price = seller + commission + platform fee."""

    price_minor: int
    net_minor: int
    vat_minor: int
    commission_minor: int
    platform_fee_minor: int
    seller_minor: int
    commission_bp: int
    platform_bp: int

    @classmethod
    def of(cls, shown: Preview) -> "PriceView":
        rates = {"commission_bp": shown.commission_bp, "platform_bp": shown.platform_bp}
        return cls(**asdict(shown.whole), **rates)


class OfferView(View):
    trade_id: str
    offer_no: int
    by_org: str
    side: str
    price_minor: int
    quantity: int
    unit: str
    licence_class: str
    term_months: int
    purpose: str
    territory: str
    made_at: datetime
    expires_at: datetime
    scope: dict[str, Any] | None = None
    delivery: dict[str, Any] | None = None
    acceptance: dict[str, Any] | None = None
    price: PriceView | None = None

    @classmethod
    def of(cls, row: Offer) -> "OfferView":
        return cls(**_offered(row))


class StandingOfferView(OfferView):
    """An offer among the others of its trade."""

    standing: Standing

    @classmethod
    def standing_as(cls, row: Offer, standing: Standing) -> "StandingOfferView":
        return cls(**_offered(row), standing=standing)


_KEPT_AS_TOLD: Final = tuple(
    name for name in OfferView.model_fields if name not in {"scope", "delivery", "acceptance", "price"}
)


def _offered(row: Offer) -> dict[str, Any]:
    """An offer with its terms whole, where they were kept, and its price as it showed it."""
    terms, rate = terms_of(row), row.commission_bp
    return {name: getattr(row, name) for name in _KEPT_AS_TOLD} | {
        "scope": terms.scope.document() if terms.scope else None,
        "delivery": terms.delivery.document() if terms.delivery else None,
        "acceptance": terms.acceptance.document() if terms.acceptance else None,
        "price": None if rate is None else PriceView.of(Preview(taken_apart(row.price_minor, rate), rate)),
    }


class TradeView(View):
    trade_id: str
    status: str
    listing_id: str
    product_id: str
    seller_id: str
    buyer_id: str
    broker_id: str | None
    category: str
    purpose: str
    scenario: str
    quantity: int
    unit: str
    licence_class: str
    offer_no: int
    price_minor: int | None
    commission_minor: int | None
    platform_fee_minor: int | None
    quote_id: str | None
    declaration_id: str | None
    refusal_code: str | None
    payment_reference: str | None
    answer_by: datetime | None
    fund_by: datetime | None
    deliver_by: datetime | None
    accept_by: datetime | None
    settle_at: datetime | None
    inquired_at: datetime
    agreed_at: datetime | None
    contracted_at: datetime | None
    funded_at: datetime | None
    delivered_at: datetime | None
    accepted_at: datetime | None
    settled_at: datetime | None

    @classmethod
    def of(cls, row: Trade) -> "TradeView":
        return cls.model_validate(row)


class EntitlementView(View):
    entitlement_id: str
    trade_id: str
    kind: str
    sha256: str
    bytes: int
    status: str
    max_downloads: int
    used: int
    expires_at: datetime

    @classmethod
    def of(cls, row: Entitlement) -> "EntitlementView":
        return cls.model_validate(row)


class PayeeAccountView(View):
    org_id: str
    account: str
    holder: str
    set_at: datetime

    @classmethod
    def of(cls, row: PayeeAccount) -> "PayeeAccountView":
        return cls.model_validate(row)


class StatementView(View):
    statement_id: str
    event: str
    object_id: str
    org_id: str
    occurred_at: datetime
    seq: int | None
    predicate: dict[str, Any]

    @classmethod
    def of(cls, said: Statement) -> "StatementView":
        return cls.model_validate(said)
