"""What is kept about deliveries: the right to receive a file, and each taking of it."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    text,
)
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime, text_enum
from market.delivery.kinds import DeliveryKind
from market.delivery.rules import Cause, DownloadStatus, EntitlementStatus


class Entitlement(SQLModel, table=True):
    """A buyer's right to what one trade sold, so many uses, until its licence ends.

    `part` is what of a shared table the contract lets out (`market.orders.parts`), empty for all of it.
    `kind` is how it is exercised; `max_downloads` and `used` count uses of any kind.

    The file's three facts are copied from the listing: what was sold is what is delivered, whatever
    becomes of the listing.
    """

    __tablename__ = "market_entitlements"
    __table_args__ = (
        CheckConstraint("used >= 0 AND used <= max_downloads", name="used"),
        CheckConstraint("status != 'ACTIVE' OR used < max_downloads", name="used_up"),
        CheckConstraint("bytes > 0", name="not_empty"),
    )

    entitlement_id: str = Field(sa_column=Column(Text, primary_key=True))
    trade_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_trades.trade_id"), nullable=False, unique=True)
    )
    buyer_id: str = Field(
        sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False, index=True)
    )
    kind: DeliveryKind = Field(
        default=DeliveryKind.FILE,
        sa_column=Column(
            text_enum(DeliveryKind, checked=False), nullable=False, server_default=DeliveryKind.FILE.value
        ),
    )
    file_id: str = Field(sa_column=Column(Text, ForeignKey("market_listing_files.file_id"), nullable=False))
    sha256: str = Field(sa_column=Column(Text, nullable=False))
    bytes: int = Field(sa_column=Column(BigInteger, nullable=False))
    part: str = Field(default="", sa_column=Column(Text, nullable=False, server_default=""))
    status: EntitlementStatus = Field(sa_column=Column(text_enum(EntitlementStatus), nullable=False))
    max_downloads: int = Field(sa_column=Column(Integer, nullable=False))
    used: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    granted_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    expires_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class Download(SQLModel, table=True):
    """One taking of the whole file, over as many requests as it needs; at most one of a taker is open.

    Who takes is the buyer, or a recipient that the contract names (`taken_by`; None for a download from
    before the two were told apart). `sent` are the spans that went out (`rules.spans_text`), `sent_bytes`
    counts repeats and what is on its way: it is reserved when a request is allowed, and what was not sent is
    given back. `purpose` and `recipient` are what it was opened for; a download from before that was asked
    has neither.
    """

    __tablename__ = "market_downloads"
    __table_args__ = (
        CheckConstraint("sent_bytes >= 0", name="sent_bytes"),
        Index(
            "uq_market_downloads_open",
            "entitlement_id",
            "taken_by",
            unique=True,
            sqlite_where=text("status = 'OPEN'"),
            postgresql_where=text("status = 'OPEN'"),
        ),
    )

    download_id: str = Field(sa_column=Column(Text, primary_key=True))
    entitlement_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_entitlements.entitlement_id"), nullable=False, index=True)
    )
    taken_by: str | None = Field(default=None, sa_column=Column(Text))
    status: DownloadStatus = Field(sa_column=Column(text_enum(DownloadStatus), nullable=False))
    sent: str = Field(default="", sa_column=Column(Text, nullable=False))
    sent_bytes: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    purpose: str | None = Field(default=None, sa_column=Column(Text))
    recipient: str | None = Field(default=None, sa_column=Column(Text))
    opened_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    closed_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    statement_id: str | None = Field(default=None, sa_column=Column(Text))


class AccessKey(SQLModel, table=True):
    """What a buyer's data tools carry to exercise a right; its secret is nowhere (`market.delivery.keys`)."""

    __tablename__ = "market_access_keys"

    key_id: str = Field(sa_column=Column(Text, primary_key=True))
    entitlement_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_entitlements.entitlement_id"), nullable=False, index=True)
    )
    org_id: str = Field(sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False))
    purpose: str | None = Field(default=None, sa_column=Column(Text))
    recipient: str | None = Field(default=None, sa_column=Column(Text))
    issued_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    expires_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    revoked_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    statement_id: str | None = Field(default=None, sa_column=Column(Text))


class DeliveryStop(SQLModel, table=True):
    """A delivery that is suspended: by whom, why and since when. It goes when the delivery goes on, or ends.

    `given_days` are the working days that a freeze in between has given back already.
    """

    __tablename__ = "market_delivery_stops"
    __table_args__ = (CheckConstraint("given_days >= 0", name="given_days"),)

    trade_id: str = Field(sa_column=Column(Text, ForeignKey("market_trades.trade_id"), primary_key=True))
    cause: Cause = Field(sa_column=Column(text_enum(Cause), nullable=False))
    suspended_by: str = Field(sa_column=Column(Text, nullable=False))
    reason_code: str = Field(sa_column=Column(Text, nullable=False))
    order_id: str | None = Field(default=None, sa_column=Column(Text))
    suspended_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    given_days: int = Field(default=0, sa_column=Column(Integer, nullable=False))


class AcceptanceCheck(SQLModel, table=True):
    """An acceptance test of a trade's goods (DLV.CHECK): who made it, and its report as it was digested."""

    __tablename__ = "market_acceptance_checks"

    check_id: str = Field(sa_column=Column(Text, primary_key=True))
    trade_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_trades.trade_id"), nullable=False, index=True)
    )
    made_by: str = Field(sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False))
    role: str = Field(sa_column=Column(Text, nullable=False))
    report: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    report_sha256: str = Field(sa_column=Column(Text, nullable=False))
    passed: bool = Field(sa_column=Column(Boolean, nullable=False))
    checked_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    statement_id: str = Field(sa_column=Column(Text, nullable=False, unique=True))
