"""What a person's fallen consent withholds."""

from datetime import datetime

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Text
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime


class WithheldRow(SQLModel, table=True):
    """One person's consent has fallen: records of consents from before `free_since` carry nothing more.

    None: no record does. `recipients`: for these alone, or for everybody where there are none.
    """

    __tablename__ = "registry_withheld"

    given_id: str = Field(sa_column=Column(Text, primary_key=True))
    object_id: str = Field(sa_column=Column(Text, nullable=False, index=True))
    holder_id: str = Field(
        sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False, index=True)
    )
    recipients: list[str] = Field(sa_column=Column(JSON, nullable=False))
    abroad: bool = Field(sa_column=Column("abroad_only", Boolean, nullable=False))
    since: datetime = Field(sa_column=Column("withheld_since", UtcDateTime, nullable=False))
    free_since: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
