"""What settlement keeps: the bank's messages and movements, our instructions, and what does not fit."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Column, Date, ForeignKey, Index, LargeBinary, Text, text
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime, text_enum


class InstructionState(StrEnum):
    """INSTRUCTED until the bank reports: PAID posts the reservation, REJECTED lets it go."""

    INSTRUCTED = "INSTRUCTED"
    PAID = "PAID"
    REJECTED = "REJECTED"


class PayeeAccount(SQLModel, table=True):
    """Where an organisation is paid."""

    __tablename__ = "market_payee_accounts"

    org_id: str = Field(sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), primary_key=True))
    account: str = Field(sa_column=Column(Text, nullable=False))
    holder: str = Field(sa_column=Column(Text, nullable=False))
    set_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))


class BankMessage(SQLModel, table=True):
    """A message of the bank as it was decided, once, by its id: the same message gets the same answer.

    `outcome` says what it did, or the refusal (its code, words and facts) of a credit.
    """

    __tablename__ = "market_bank_messages"

    message_id: str = Field(sa_column=Column(Text, primary_key=True))
    payload_sha256: str = Field(sa_column=Column(Text, nullable=False))
    envelope: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    outcome: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    received_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class BankMovement(SQLModel, table=True):
    """An entry on the escrow account as we know it, by the bank's own reference."""

    __tablename__ = "market_bank_movements"

    entry_id: str = Field(sa_column=Column(Text, primary_key=True))
    message_id: str = Field(sa_column=Column(Text, nullable=False))
    trade_id: str = Field(sa_column=Column(Text, nullable=False, index=True))
    end_to_end_id: str = Field(sa_column=Column(Text, nullable=False))
    signed_minor: int = Field(sa_column=Column(BigInteger, nullable=False))
    booked_on: date = Field(sa_column=Column(Date, nullable=False, index=True))


class Instruction(SQLModel, table=True):
    """A payment instruction of ours, as it was signed, and the reservation it rests on.

    A trade has one that was not rejected.
    """

    __tablename__ = "market_instructions"
    __table_args__ = (
        Index(
            "uq_market_instructions_standing",
            "trade_id",
            unique=True,
            sqlite_where=text("status <> 'REJECTED'"),
            postgresql_where=text("status <> 'REJECTED'"),
        ),
    )

    message_id: str = Field(sa_column=Column(Text, primary_key=True))
    trade_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_trades.trade_id"), nullable=False, index=True)
    )
    status: InstructionState = Field(sa_column=Column(text_enum(InstructionState), nullable=False))
    batch_id: str = Field(sa_column=Column(Text, nullable=False))
    payouts: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    xml: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    xml_sha256: str = Field(sa_column=Column(Text, nullable=False))
    instructed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    status_report: bytes | None = Field(default=None, sa_column=Column(LargeBinary))


class ReconciledDay(SQLModel, table=True):
    """A day of the escrow account, compared with the bank's statement."""

    __tablename__ = "market_reconciled_days"

    day: date = Field(sa_column=Column(Date, primary_key=True))
    statement_sha256: str = Field(sa_column=Column(Text, primary_key=True))
    matched: bool = Field(sa_column=Column(Boolean, nullable=False))
    mismatches: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))
    reconciled_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class WorkItem(SQLModel, table=True):
    """Something a person of the exchange has to look into."""

    __tablename__ = "market_work_items"

    item_id: str = Field(sa_column=Column(Text, primary_key=True))
    kind: str = Field(sa_column=Column(Text, nullable=False))
    trade_id: str | None = Field(default=None, sa_column=Column(Text, index=True))
    facts: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    opened_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    closed_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))
