"""What is kept of measured entries and of cross-checks: canonical bytes and figures, never a value."""

from datetime import datetime

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
)
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime


class EntryReportRow(SQLModel, table=True):
    """A quality report of the file that an entry of a data list is mounted to."""

    __tablename__ = "registry_entry_reports"
    __table_args__ = (
        UniqueConstraint("data_id", "report_sha256"),
        CheckConstraint("score_tenths BETWEEN 0 AND 1000", name="score"),
    )

    report_id: str = Field(sa_column=Column(Text, primary_key=True))
    data_id: str = Field(
        sa_column=Column(Text, ForeignKey("registry_data.data_id"), nullable=False, index=True)
    )
    file_sha256: str = Field(sa_column=Column(Text, nullable=False))
    report_sha256: str = Field(sa_column=Column(Text, nullable=False))
    report: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    score_tenths: int = Field(sa_column=Column(Integer, nullable=False))
    passed: bool = Field(sa_column=Column(Boolean, nullable=False))
    measured_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class CrossCheckRow(SQLModel, table=True):
    """Two sources compared over a common key (多源校核): the canonical result, its digest, the rate.

    `rate` is the truth of both (真实性) in hundredths of a percent; None where no key is in both.
    """

    __tablename__ = "registry_cross_checks"
    __table_args__ = (
        CheckConstraint("rate BETWEEN 0 AND 10000", name="rate"),
        CheckConstraint("left_id <> right_id", name="two_sources"),
    )

    check_id: str = Field(sa_column=Column(Text, primary_key=True))
    left_id: str = Field(
        sa_column=Column(Text, ForeignKey("registry_data.data_id"), nullable=False, index=True)
    )
    right_id: str = Field(
        sa_column=Column(Text, ForeignKey("registry_data.data_id"), nullable=False, index=True)
    )
    made_by: str = Field(sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False))
    left_sha256: str = Field(sa_column=Column(Text, nullable=False))
    right_sha256: str = Field(sa_column=Column(Text, nullable=False))
    result: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    result_sha256: str = Field(sa_column=Column(Text, nullable=False))
    rate: int | None = Field(default=None, sa_column=Column(Integer))
    checked_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
