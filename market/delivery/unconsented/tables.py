"""Which rights to receive are held because a person's consent has fallen."""

from datetime import datetime

from sqlalchemy import Column, ForeignKey, Text
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime


class ConsentHold(SQLModel, table=True):
    """A right to receive stands still while any of these is there; each is one person's fallen consent."""

    __tablename__ = "market_consent_holds"

    entitlement_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_entitlements.entitlement_id"), primary_key=True)
    )
    given_id: str = Field(sa_column=Column(Text, primary_key=True, index=True))
    held_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
