"""What is kept of bulletins: what was issued, to whom, who has read it, who wants them."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, ForeignKey, Integer, Text
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime, text_enum
from cases.bulletins.rules import Colour
from cases.bulletins.states import BulletinState


class BulletinRow(SQLModel, table=True):
    """A bulletin as it was issued; `addressed` is how many it was for."""

    __tablename__ = "bulletins"

    bulletin_id: str = Field(sa_column=Column(Text, primary_key=True))
    status: BulletinState = Field(sa_column=Column(text_enum(BulletinState), nullable=False))
    colour: Colour = Field(sa_column=Column(text_enum(Colour), nullable=False))
    title: str = Field(sa_column=Column(Text, nullable=False))
    text: str = Field(sa_column=Column(Text, nullable=False))
    remediation: str = Field(default="", sa_column=Column(Text, nullable=False))
    references: list[str] = Field(sa_column=Column("named", JSON, nullable=False))
    address: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    addressed: int = Field(sa_column=Column(Integer, nullable=False))
    incident_id: str | None = Field(default=None, sa_column=Column(Text))
    issued_by: str = Field(
        sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False, index=True)
    )
    issued_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    receive_by: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    withdrawn_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    reason: str = Field(default="", sa_column=Column(Text, nullable=False))


class AddresseeRow(SQLModel, table=True):
    """One member that a bulletin is for: when it stated the receipt, when it was reminded."""

    __tablename__ = "bulletin_addressees"

    bulletin_id: str = Field(sa_column=Column(Text, ForeignKey("bulletins.bulletin_id"), primary_key=True))
    org_id: str = Field(
        sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), primary_key=True, index=True)
    )
    received_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    received_by: str | None = Field(default=None, sa_column=Column(Text))
    reminded_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class SubscriptionRow(SQLModel, table=True):
    """A member that wants bulletins, of these sectors; it ends when it says so."""

    __tablename__ = "bulletin_subscriptions"

    org_id: str = Field(sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), primary_key=True))
    sectors: list[str] = Field(sa_column=Column(JSON, nullable=False))
    since: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    ended_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
