"""What settlement keeps: the bank's messages and movements, our instructions, and what does not fit."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime, text_enum


class InstructionState(StrEnum):
    """INSTRUCTED until the bank reports: PAID posts the reservation, all others let it go."""

    INSTRUCTED = "INSTRUCTED"
    PAID = "PAID"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"  # the bank did not answer in time; what it says later still counts
    NOT_PAID = (
        "NOT_PAID"  # the bank's statements show that it paid nothing (`market.settlement.ascertaining`)
    )


GIVEN_UP: Final = frozenset({InstructionState.REJECTED, InstructionState.EXPIRED, InstructionState.NOT_PAID})


class InstructionKind(StrEnum):
    """What an instruction is for."""

    SETTLE = "SETTLE"  # the whole price, to seller, broker and platform
    SPLIT = "SPLIT"  # the same, and part of the price back to the buyer
    REFUND = "REFUND"  # everything that is held, back to the buyer
    FEE_BACK = "FEE_BACK"  # the platform pays a claim out of its fee account; it reserves nothing


class Found(StrEnum):
    """What the bank's statements show of an instruction."""

    PAID = "PAID"  # exactly what was instructed
    NOT_PAID = "NOT_PAID"  # nothing, or all of it came back
    OTHERWISE = "OTHERWISE"  # another amount, another account, a part, or twice


class ClaimStatus(StrEnum):
    """OPEN until exactly its amount has come in."""

    OPEN = "OPEN"
    PAID = "PAID"


def _where(name: str, column: str, where: str, *, unique: bool = True) -> Index:
    return Index(name, column, unique=unique, sqlite_where=text(where), postgresql_where=text(where))


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
    # A message fits a page as it is: to compress what is mostly base64 costs more than it saves.
    __table_args__ = ({"postgresql_with": {"toast_tuple_target": 8160}},)

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

    One of a trade is under way at a time, and its price is released once. `number` counts a trade's
    instructions from 1, in the order in which they were given.
    """

    __tablename__ = "market_instructions"
    __table_args__ = (
        Index("uq_market_instructions_number", "trade_id", "number", unique=True),
        _where(
            "uq_market_instructions_under_way", "trade_id", "status = 'INSTRUCTED' AND kind <> 'FEE_BACK'"
        ),
        _where(
            "uq_market_instructions_released", "trade_id", "status = 'PAID' AND kind IN ('SETTLE', 'SPLIT')"
        ),
        _where("ix_market_instructions_expires_at", "expires_at", "status = 'INSTRUCTED'", unique=False),
    )

    message_id: str = Field(sa_column=Column(Text, primary_key=True))
    trade_id: str = Field(sa_column=Column(Text, ForeignKey("market_trades.trade_id"), nullable=False))
    number: int = Field(default=1, sa_column=Column(Integer, nullable=False, server_default="1"))
    kind: InstructionKind = Field(
        default=InstructionKind.SETTLE,
        sa_column=Column(text_enum(InstructionKind), nullable=False, server_default="SETTLE"),
    )
    status: InstructionState = Field(sa_column=Column(text_enum(InstructionState), nullable=False))
    batch_id: str = Field(sa_column=Column(Text, nullable=False))
    payouts: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    xml: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    xml_sha256: str = Field(sa_column=Column(Text, nullable=False))
    instructed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    expires_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    answered_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    status_report: bytes | None = Field(default=None, sa_column=Column(LargeBinary))

    @property
    def total_minor(self) -> int:
        """What all its pay-outs come to, in fen."""
        return sum(int(payout["amount_minor"]) for payout in self.payouts)


class Split(SQLModel, table=True):
    """How the price of a partly settled trade is divided, in fen: the four parts sum to it."""

    __tablename__ = "market_splits"
    __table_args__ = (CheckConstraint("refund_minor > 0 AND seller_minor >= 0", name="parts"),)

    trade_id: str = Field(sa_column=Column(Text, ForeignKey("market_trades.trade_id"), primary_key=True))
    refund_minor: int = Field(sa_column=Column(BigInteger, nullable=False))
    seller_minor: int = Field(sa_column=Column(BigInteger, nullable=False))
    commission_minor: int = Field(sa_column=Column(BigInteger, nullable=False))
    platform_fee_minor: int = Field(sa_column=Column(BigInteger, nullable=False))
    release_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    decided_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class Claim(SQLModel, table=True):
    """What somebody who was paid out of a trade owes back into escrow; its id is the payment reference."""

    __tablename__ = "market_claims"
    __table_args__ = (CheckConstraint("amount_minor > 0", name="amount"),)

    claim_id: str = Field(sa_column=Column(Text, primary_key=True))
    trade_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_trades.trade_id"), nullable=False, index=True)
    )
    debtor_id: str = Field(
        sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False, index=True)
    )
    payee: str = Field(sa_column=Column(Text, nullable=False))
    amount_minor: int = Field(sa_column=Column(BigInteger, nullable=False))
    status: ClaimStatus = Field(sa_column=Column(text_enum(ClaimStatus), nullable=False))
    opened_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    due_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    paid_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))


class ReconciledDay(SQLModel, table=True):
    """A day of the escrow account, compared with the bank's statement, which is kept as it was signed."""

    __tablename__ = "market_reconciled_days"

    day: date = Field(sa_column=Column(Date, primary_key=True))
    statement_sha256: str = Field(sa_column=Column(Text, primary_key=True))
    matched: bool = Field(sa_column=Column(Boolean, nullable=False))
    mismatches: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))
    reconciled_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    envelope: bytes | None = Field(default=None, sa_column=Column(LargeBinary))


class OfficerWord(SQLModel, table=True):
    """What an officer of the exchange found about a payment in doubt: two that say the same decide it."""

    __tablename__ = "market_payment_words"

    message_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_instructions.message_id"), primary_key=True)
    )
    officer_id: str = Field(sa_column=Column(Text, primary_key=True))
    found: Found = Field(sa_column=Column(text_enum(Found), nullable=False))
    statement_sha256: str = Field(sa_column=Column(Text, nullable=False))
    said_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))


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


class AccountStatement(SQLModel, table=True):
    """A statement of account that the exchange has signed for: the canonical document, and its digest."""

    __tablename__ = "market_account_statements"
    __table_args__ = (UniqueConstraint("account", "sha256"),)

    stated_id: str = Field(sa_column=Column(Text, primary_key=True))
    account: str = Field(sa_column=Column(Text, nullable=False))
    from_day: date = Field(sa_column=Column(Date, nullable=False))
    to_day: date = Field(sa_column=Column(Date, nullable=False))
    document: str = Field(sa_column=Column(Text, nullable=False))
    sha256: str = Field(sa_column=Column(Text, nullable=False))
    stated_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))
