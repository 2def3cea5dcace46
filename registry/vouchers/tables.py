"""What is kept about asset certificates: their types, who issues them, the certificates, each use.

What a certificate says rests sealed under the master key; the ledger has digests of it.
"""

from datetime import datetime

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
)
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime, text_enum
from registry.rules import Level
from registry.vouchers.rules import Cause, Mode, Scenario, SubjectKind
from registry.vouchers.states import TypeState, VoucherState


def _org() -> Column[str]:
    return Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False, index=True)


class VoucherTypeRow(SQLModel, table=True):
    """A type of certificate. Acts that rest on it share-lock this row.

    `items` are {code, name, form, unit}; `issuers` the providers that make certificates of it.
    """

    __tablename__ = "registry_voucher_types"

    type_id: str = Field(sa_column=Column(Text, primary_key=True))
    code: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    name: str = Field(sa_column=Column(Text, nullable=False))
    proposer_id: str = Field(sa_column=_org())
    chief_id: str | None = Field(default=None, sa_column=Column(Text))
    scenario: Scenario = Field(sa_column=Column(text_enum(Scenario), nullable=False))
    mode: Mode = Field(sa_column=Column(text_enum(Mode), nullable=False))
    purposes: list[str] = Field(sa_column=Column(JSON, nullable=False))
    items: list[dict[str, str]] = Field(sa_column=Column(JSON, nullable=False))
    issuers: list[str] = Field(sa_column=Column(JSON, nullable=False))
    max_level: Level = Field(sa_column=Column(text_enum(Level), nullable=False))
    min_quality_tenths: int = Field(sa_column=Column(Integer, nullable=False))
    max_months: int = Field(sa_column=Column(Integer, nullable=False))
    valid_days: int = Field(sa_column=Column(Integer, nullable=False))
    max_uses: int = Field(sa_column=Column(Integer, nullable=False))
    status: TypeState = Field(sa_column=Column(text_enum(TypeState), nullable=False, index=True))
    reason: str | None = Field(default=None, sa_column=Column(Text))
    proposed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    decided_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class VoucherIssuerRow(SQLModel, table=True):
    """A provider's issuing key: made by the exchange, appointed by the provider's own signature.

    It rests sealed. Once another is in office it signs no certificate any more, and its status list still.
    """

    __tablename__ = "registry_voucher_issuers"

    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    org_id: str = Field(sa_column=_org())
    did: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    keyid: str = Field(sa_column=Column(Text, nullable=False))
    sealed_private: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))
    since: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    retired_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class VoucherRow(SQLModel, table=True):
    """A certificate from its request on. `subject_id` is a member's id, or a person's pseudonym.

    `sealed` is the credential with all its disclosures, `sealed_presentation` what the user is given;
    `sealed_holder` the wallet's key, None where the subject keeps its own.
    """

    __tablename__ = "registry_vouchers"
    __table_args__ = (
        UniqueConstraint("issuer_number", "place"),
        CheckConstraint("used BETWEEN 0 AND max_uses", name="used"),
    )

    voucher_id: str = Field(sa_column=Column(Text, primary_key=True))
    type_id: str = Field(
        sa_column=Column(Text, ForeignKey("registry_voucher_types.type_id"), nullable=False, index=True)
    )
    subject_kind: SubjectKind = Field(sa_column=Column(text_enum(SubjectKind), nullable=False))
    subject_id: str = Field(sa_column=Column(Text, nullable=False, index=True))
    user_id: str = Field(sa_column=_org())
    provider_id: str = Field(sa_column=_org())
    requested_by: str = Field(sa_column=Column(Text, nullable=False))
    purpose: str = Field(sa_column=Column(Text, nullable=False))
    reference: str = Field(sa_column=Column(Text, nullable=False))
    items: list[str] = Field(sa_column=Column(JSON, nullable=False))
    period_from: str = Field(sa_column=Column(Text, nullable=False))
    period_to: str = Field(sa_column=Column(Text, nullable=False))
    valid_days: int = Field(sa_column=Column(Integer, nullable=False))
    max_uses: int = Field(sa_column=Column(Integer, nullable=False))
    used: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    challenge: str = Field(sa_column=Column(Text, nullable=False))
    status: VoucherState = Field(sa_column=Column(text_enum(VoucherState), nullable=False, index=True))
    requested_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    due_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    authorised_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    authorisation_sha256: str | None = Field(default=None, sa_column=Column(Text))
    holder_did: str | None = Field(default=None, sa_column=Column(Text))
    holder_keyid: str | None = Field(default=None, sa_column=Column(Text))
    sealed_holder: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    data_id: str | None = Field(default=None, sa_column=Column(Text, index=True))
    data_sha256: str | None = Field(default=None, sa_column=Column(Text))
    level: Level | None = Field(default=None, sa_column=Column("data_level", text_enum(Level)))
    quality_tenths: int | None = Field(default=None, sa_column=Column(Integer))
    generated_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    issuer_number: int | None = Field(
        default=None, sa_column=Column(Integer, ForeignKey("registry_voucher_issuers.number"))
    )
    place: int | None = Field(default=None, sa_column=Column(Integer))
    credential_sha256: str | None = Field(default=None, sa_column=Column(Text, unique=True))
    sealed: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    presented_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    presentation_sha256: str | None = Field(default=None, sa_column=Column(Text))
    sealed_presentation: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    ended_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    cause: Cause | None = Field(default=None, sa_column=Column(text_enum(Cause)))
    reason: str | None = Field(default=None, sa_column=Column(Text))
    replaces: str | None = Field(default=None, sa_column=Column(Text))
    replaced_by: str | None = Field(default=None, sa_column=Column(Text))


class VoucherUseRow(SQLModel, table=True):
    """One use that was counted: who verified it, when, and the statement that says so."""

    __tablename__ = "registry_voucher_uses"

    voucher_id: str = Field(
        sa_column=Column(Text, ForeignKey("registry_vouchers.voucher_id"), primary_key=True)
    )
    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    user_id: str = Field(sa_column=_org())
    used_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))
