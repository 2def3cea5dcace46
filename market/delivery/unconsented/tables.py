"""Which rights to receive are held, and by whom; of which products no delivery begins."""

from datetime import datetime

from sqlalchemy import Column, ForeignKey, Text
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime


class ConsentHold(SQLModel, table=True):
    """A right to receive stands still while any of these is there.

    `given_id`: one person's fallen consent (`sgc_…`), or an incident's order (`ino_…`).
    """

    __tablename__ = "market_consent_holds"

    entitlement_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_entitlements.entitlement_id"), primary_key=True)
    )
    given_id: str = Field(sa_column=Column(Text, primary_key=True, index=True))
    held_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class ProductStop(SQLModel, table=True):
    """No delivery of a product begins while any of these is there: an incident's order (`ino_…`)."""

    __tablename__ = "market_product_stops"

    product_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_products.product_id"), primary_key=True)
    )
    order_id: str = Field(sa_column=Column(Text, primary_key=True))
    stopped_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
