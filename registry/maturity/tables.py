"""What is kept about the maturity of organisations: every certificate that was claimed or recorded."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Column, Date, ForeignKey, Integer, Text
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime, text_enum
from registry.maturity.states import MaturityState


class MaturityRow(SQLModel, table=True):
    """One certificate of one organisation: 1 初始级, 2 受管理级, 3 稳健级, 4 量化管理级, 5 优化级."""

    __tablename__ = "registry_maturity"
    __table_args__ = (
        CheckConstraint("dcmm_level BETWEEN 1 AND 5", name="level"),
        CheckConstraint("issued_on <= valid_until", name="valid"),
    )

    maturity_id: str = Field(sa_column=Column(Text, primary_key=True))
    org_id: str = Field(
        sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False, index=True)
    )
    level: int = Field(sa_column=Column("dcmm_level", Integer, nullable=False))
    certificate_sha256: str = Field(sa_column=Column(Text, nullable=False))
    issued_on: date = Field(sa_column=Column(Date, nullable=False))
    valid_until: date = Field(sa_column=Column(Date, nullable=False))
    status: MaturityState = Field(sa_column=Column(text_enum(MaturityState), nullable=False))
    claimed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    decided_by: str | None = Field(default=None, sa_column=Column(Text))
    decided_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    reason: str | None = Field(default=None, sa_column=Column(Text))
