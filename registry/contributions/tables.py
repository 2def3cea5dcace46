"""The contributions that were asked for."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, Text
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime, text_enum
from registry.contributions.rules import BasisKind
from registry.contributions.states import ContributionState
from registry.rules import Source


class ContributionRow(SQLModel, table=True):
    """One ask to a contributor, with its answer; the next is another row. `holder_id` is the seller."""

    __tablename__ = "registry_contributions"
    __table_args__ = (
        CheckConstraint("share_bp >= 0 AND share_bp < 10000", name="share"),
        CheckConstraint("holder_id <> contributor_id", name="another"),
        CheckConstraint("status <> 'AGREED' OR basis_kind IS NOT NULL", name="founded"),
        Index("ix_registry_contributions_product_id_holder_id", "product_id", "holder_id"),
    )

    contribution_id: str = Field(sa_column=Column(Text, primary_key=True))
    product_id: str = Field(sa_column=Column(Text, nullable=False))
    holder_id: str = Field(
        sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False, index=True)
    )
    contributor_id: str = Field(
        sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False, index=True)
    )
    share_bp: int = Field(sa_column=Column(Integer, nullable=False))
    what: str = Field(sa_column=Column(Text, nullable=False))
    status: ContributionState = Field(sa_column=Column(text_enum(ContributionState), nullable=False))
    basis_kind: BasisKind | None = Field(default=None, sa_column=Column(text_enum(BasisKind)))
    # A registration's number or a grant; None where the contributor's own statement is the basis.
    basis_reference: str | None = Field(default=None, sa_column=Column(Text, index=True))
    basis_source: Source | None = Field(default=None, sa_column=Column(text_enum(Source)))
    statement_sha256: str | None = Field(default=None, sa_column=Column(Text))
    reason_code: str | None = Field(default=None, sa_column=Column(Text))
    asked_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    agreed_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    ended_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
