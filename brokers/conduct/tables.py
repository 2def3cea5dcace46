"""What is kept of a broker's disclosures, of the parties' consents, and of what a broker has told."""

from datetime import datetime

from sqlalchemy import JSON, Boolean, CheckConstraint, Column, ForeignKey, Integer, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime, text_enum
from brokers.conduct.rules import InterestKind, NoticeKind


def _org() -> Column[str]:
    return Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False, index=True)


class InterestRow(SQLModel, table=True):
    """An interest of a broker in a member, as the broker disclosed it; `ended_at` when it said it is over."""

    __tablename__ = "brokers_interests"
    __table_args__ = (CheckConstraint("share_bp BETWEEN 0 AND 10000", name="share"),)

    interest_id: str = Field(sa_column=Column(Text, primary_key=True))
    broker_id: str = Field(sa_column=_org())
    party_id: str = Field(sa_column=_org())
    kind: InterestKind = Field(sa_column=Column(text_enum(InterestKind), nullable=False))
    share_bp: int | None = Field(default=None, sa_column=Column(Integer))
    disclosed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    ended_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class ConflictConsentRow(SQLModel, table=True):
    """A party's written consent to the interests that were disclosed to it in one trade."""

    __tablename__ = "brokers_conflict_consents"

    statement_id: str = Field(sa_column=Column(Text, primary_key=True))
    trade_id: str = Field(sa_column=Column(Text, nullable=False, index=True))
    broker_id: str = Field(sa_column=_org())
    org_id: str = Field(sa_column=_org())
    interests: list[str] = Field(sa_column=Column(JSON, nullable=False))
    consented_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class BrokerNoticeRow(SQLModel, table=True):
    """What a broker told: noticed when, or taking effect when; when the ledger had it; whether late."""

    __tablename__ = "brokers_notices"

    notice_id: str = Field(sa_column=Column(Text, primary_key=True))
    broker_id: str = Field(sa_column=_org())
    kind: NoticeKind = Field(sa_column=Column(text_enum(NoticeKind), nullable=False))
    about: str = Field(sa_column=Column(Text, nullable=False))
    noticed_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    takes_effect_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    told_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    late: bool = Field(sa_column=Column(Boolean, nullable=False))


class SourceCheckRow(SQLModel, table=True):
    """A broker's record of a trade (BR3): digests of the source statement and of both identity checks.

    `documents` names the three papers in the broker's files, which it keeps until `keep_until`.
    """

    __tablename__ = "brokers_source_checks"
    __table_args__ = (UniqueConstraint("trade_id", "broker_id"),)

    statement_id: str = Field(sa_column=Column(Text, primary_key=True))
    trade_id: str = Field(sa_column=Column(Text, nullable=False))
    broker_id: str = Field(sa_column=_org())
    source_sha256: str = Field(sa_column=Column(Text, nullable=False))
    seller_sha256: str = Field(sa_column=Column(Text, nullable=False))
    buyer_sha256: str = Field(sa_column=Column(Text, nullable=False))
    documents: list[str] = Field(sa_column=Column(JSON, nullable=False))
    checked_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    keep_until: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
