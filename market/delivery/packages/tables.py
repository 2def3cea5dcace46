"""What is kept of packages: how each is sealed, and to whom its key was released."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime


class Package(SQLModel, table=True):
    """The package of one right: an age payload that is made anew, byte for byte, whenever it is sent.

    `sealed_key` is the payload's key and nonce under the master key, bound to the right and to its file.
    """

    __tablename__ = "market_packages"

    entitlement_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_entitlements.entitlement_id"), primary_key=True)
    )
    file_sha256: str = Field(sa_column=Column(Text, nullable=False))
    sha256: str = Field(sa_column=Column(Text, nullable=False))
    size: int = Field(sa_column=Column(BigInteger, nullable=False))
    sealed_key: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    made_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class KeyRelease(SQLModel, table=True):
    """A package's key in the hands of one taker: the age header for the recipient key that it named.

    Asked for again it is given again, and is no other use. `taken_by`, `purpose` and `recipient` are emptied
    when the opening of its statement is erased.
    """

    __tablename__ = "market_key_releases"
    __table_args__ = (
        UniqueConstraint("entitlement_id", "taken_by", "age_recipient", name="uq_market_key_releases_taker"),
    )

    release_id: str = Field(sa_column=Column(Text, primary_key=True))
    entitlement_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_entitlements.entitlement_id"), nullable=False, index=True)
    )
    taken_by: str | None = Field(default=None, sa_column=Column(Text))
    age_recipient: str = Field(sa_column=Column(Text, nullable=False))
    header: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    purpose: str | None = Field(default=None, sa_column=Column(Text))
    recipient: str | None = Field(default=None, sa_column=Column(Text))
    released_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    statement_id: str | None = Field(default=None, sa_column=Column(Text))
