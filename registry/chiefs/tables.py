"""What is kept about chief data officers: every appointment, for ever."""

from datetime import datetime

from sqlalchemy import Column, ForeignKey, Index, Text, text
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime, text_enum
from registry.chiefs.states import ChiefEnd, ChiefState

_STANDS = text("status = 'STANDING'")


class ChiefRow(SQLModel, table=True):
    """One appointment of one person of an agency. Acts that a chief signs share-lock this row.

    `appointed_on` is the day of the document (ISO 8601), `began_at` when it was recorded: from then on the
    person signs; `until` is the last moment of its term, None where it has none.
    """

    __tablename__ = "registry_chiefs"
    __table_args__ = (
        Index(
            "uq_registry_chiefs_standing",
            "agency_id",
            unique=True,
            sqlite_where=_STANDS,
            postgresql_where=_STANDS,
        ),
    )

    chief_id: str = Field(sa_column=Column(Text, primary_key=True))
    agency_id: str = Field(
        sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False, index=True)
    )
    user_id: str = Field(
        sa_column=Column(Text, ForeignKey("identity_users.user_id"), nullable=False, index=True)
    )
    name: str = Field(sa_column=Column(Text, nullable=False))
    status: ChiefState = Field(sa_column=Column(text_enum(ChiefState), nullable=False))
    document_sha256: str = Field(sa_column=Column(Text, nullable=False))
    appointed_on: str = Field(sa_column=Column(Text, nullable=False))
    began_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    until: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    ended_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    ended_as: ChiefEnd | None = Field(default=None, sa_column=Column(text_enum(ChiefEnd)))
