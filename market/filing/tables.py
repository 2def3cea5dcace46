"""What is kept after a settlement: invoices, what was filed, certificates, and what is still owed."""

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    text,
)
from sqlmodel import Field, SQLModel, col

from base.db import UtcDateTime, text_enum
from market.filing.rules import Cause, DutyKind, InvoiceKind, Method, Taxpayer
from market.orders.tables import Trade

# What is settled and waits to be filed, by its moment: the day's round asks for it (`watch_settled`).
Index(
    "ix_market_trades_unfiled",
    col(Trade.settled_at),
    sqlite_where=text("status = 'SETTLED'"),
    postgresql_where=text("status = 'SETTLED'"),
)


def _trade(*, key: bool = False) -> Column[str]:
    return Column(Text, ForeignKey("market_trades.trade_id"), primary_key=key, nullable=False)


class Invoice(SQLModel, table=True):
    """The invoice of a trade, or one of the red-letter ones that take it back: their amounts are negative."""

    __tablename__ = "market_invoices"
    __table_args__ = (
        Index(
            "uq_market_invoices_blue",
            "trade_id",
            unique=True,
            sqlite_where=text("kind = 'BLUE'"),
            postgresql_where=text("kind = 'BLUE'"),
        ),
        Index("ix_market_invoices_trade_id", "trade_id"),
        CheckConstraint("length(invoice_no) = 20", name="number"),
        CheckConstraint("(kind = 'BLUE') = (net_minor > 0)", name="sign"),
        CheckConstraint("(kind = 'RED') = (reverses IS NOT NULL)", name="reverses"),
    )

    invoice_no: str = Field(sa_column=Column(Text, primary_key=True))
    trade_id: str = Field(sa_column=_trade())
    kind: InvoiceKind = Field(sa_column=Column(text_enum(InvoiceKind), nullable=False))
    reverses: str | None = Field(
        default=None, sa_column=Column(Text, ForeignKey("market_invoices.invoice_no"))
    )
    issued_on: date = Field(sa_column=Column(Date, nullable=False))
    taxpayer: Taxpayer = Field(sa_column=Column(text_enum(Taxpayer), nullable=False))
    vat_rate_bp: int = Field(sa_column=Column(Integer, nullable=False))
    net_minor: int = Field(sa_column=Column(BigInteger, nullable=False))
    vat_minor: int = Field(sa_column=Column(BigInteger, nullable=False))
    file_sha256: str | None = Field(default=None, sa_column=Column(Text))
    told_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))


class Filing(SQLModel, table=True):
    """A trade as it was filed: the canonical document, byte for byte."""

    __tablename__ = "market_filings"

    trade_id: str = Field(sa_column=_trade(key=True))
    filing_no: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    filing_sha256: str = Field(sa_column=Column(Text, nullable=False))
    document: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    filed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))


class TradeCertificate(SQLModel, table=True):
    """The certificate of a filed trade: the exchange's DSSE envelope over its canonical document."""

    __tablename__ = "market_trade_certificates"

    certificate_no: str = Field(sa_column=Column(Text, primary_key=True))
    trade_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_trades.trade_id"), nullable=False, unique=True)
    )
    certificate_sha256: str = Field(sa_column=Column(Text, nullable=False))
    envelope: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    issued_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))


class Duty(SQLModel, table=True):
    """What is owed after a trade, by whom and until when; one of a kind of a trade is open at a time."""

    __tablename__ = "market_duties"
    __table_args__ = (
        Index(
            "uq_market_duties_open",
            "trade_id",
            "kind",
            unique=True,
            sqlite_where=text("proven_at IS NULL"),
            postgresql_where=text("proven_at IS NULL"),
        ),
        Index("ix_market_duties_trade_id", "trade_id"),
    )

    duty_id: str = Field(sa_column=Column(Text, primary_key=True))
    trade_id: str = Field(sa_column=_trade())
    kind: DutyKind = Field(sa_column=Column(text_enum(DutyKind), nullable=False))
    cause: Cause = Field(sa_column=Column(text_enum(Cause), nullable=False))
    org_id: str = Field(
        sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False, index=True)
    )
    asked_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    due_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    asked_statement_id: str = Field(sa_column=Column(Text, nullable=False))
    proven_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    method: Method | None = Field(default=None, sa_column=Column(text_enum(Method)))
    proof_sha256: str | None = Field(default=None, sa_column=Column(Text))
    statement_id: str | None = Field(default=None, sa_column=Column(Text))
