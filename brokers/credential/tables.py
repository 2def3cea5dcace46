"""What is kept about credentials: who issues them, what was issued, and where each stands in its list."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Column, ForeignKey, Integer, LargeBinary, Text
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime


class IssuerRow(SQLModel, table=True):
    """A key that the data authority appointed to sign credentials and their status list.

    It rests sealed under the master key and is gone once it is retired. `number` names its list too.
    """

    __tablename__ = "brokers_issuers"
    __table_args__ = (CheckConstraint("(retired_at IS NULL) = (sealed_private IS NOT NULL)", name="sealed"),)

    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    did: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    keyid: str = Field(sa_column=Column(Text, nullable=False))
    sealed_private: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    org_id: str = Field(sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))
    since: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    retired_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class CredentialRow(SQLModel, table=True):
    """A credential that was issued. `document` is its exact bytes; they are gone once it is withdrawn."""

    __tablename__ = "brokers_credentials"
    __table_args__ = (CheckConstraint("(withdrawn_at IS NULL) = (document IS NOT NULL)", name="document"),)

    credential_id: str = Field(sa_column=Column(Text, primary_key=True))
    cert_id: str = Field(
        sa_column=Column(Text, ForeignKey("brokers_certificates.cert_id"), nullable=False, index=True)
    )
    issuer_number: int = Field(
        sa_column=Column(Integer, ForeignKey("brokers_issuers.number"), nullable=False)
    )
    sha256: str = Field(sa_column=Column(Text, nullable=False))
    document: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    issued_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    withdrawn_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class StatusPlaceRow(SQLModel, table=True):
    """One place in a status list. No place is given twice, not even after its credential is gone."""

    __tablename__ = "brokers_status_places"
    __table_args__ = (
        CheckConstraint("purpose IN ('revocation', 'suspension')", name="purpose"),
        CheckConstraint("place >= 0", name="place"),
    )

    issuer_number: int = Field(
        sa_column=Column(Integer, ForeignKey("brokers_issuers.number"), primary_key=True)
    )
    place: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    purpose: str = Field(sa_column=Column(Text, nullable=False))
    credential_id: str = Field(
        sa_column=Column(Text, ForeignKey("brokers_credentials.credential_id"), nullable=False, index=True)
    )
