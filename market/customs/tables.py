"""What customs keeps: decisions on deliveries, declarations with their evidence, registers, what left."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, CheckConstraint, Column, ForeignKey, Index, Integer, Text
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime, text_enum
from market.customs.declared import Kind
from market.customs.proving import DocumentKind
from market.customs.routing import Way
from market.customs.states import DeclarationState


def _org() -> Column[str]:
    return Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False, index=True)


class CustomsDecision(SQLModel, table=True):
    """Whether the delivery of a trade leaves the mainland, and whether it may, with the rule.

    `clearance_id` is the declaration under which it may; an exempt delivery has one of its own.
    """

    __tablename__ = "market_customs_decisions"
    __table_args__ = (CheckConstraint("route IN ('DOMESTIC', 'EXEMPT', 'CLEARED', 'REFUSED')", name="route"),)

    declaration_id: str = Field(sa_column=Column(Text, primary_key=True))
    trade_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_trades.trade_id"), nullable=False, index=True)
    )
    exporter_id: str = Field(sa_column=Column(Text, nullable=False))
    recipient_id: str = Field(sa_column=Column(Text, nullable=False))
    country: str = Field(sa_column=Column(Text, nullable=False))
    route: str = Field(sa_column=Column(Text, nullable=False))
    rule_id: str = Field(sa_column=Column(Text, nullable=False))
    reason: str = Field(sa_column=Column(Text, nullable=False))
    legal_basis: str = Field(sa_column=Column(Text, nullable=False))
    decided_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))
    clearance_id: str | None = Field(default=None, sa_column=Column(Text))


class GroupRow(SQLModel, table=True):
    """An exporter group: whoever counts its persons holds its lock, so that two at once see each other."""

    __tablename__ = "market_customs_groups"

    group_id: str = Field(sa_column=Column(Text, primary_key=True))
    counted: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))


class DeclarationRow(SQLModel, table=True):
    """A customs declaration. `sent_bytes` and `sent_uses` were let out, never more than was declared.

    A list of persons is a file of keyed hashes in the store (`market.customs.persons`).
    """

    __tablename__ = "market_declarations"
    __table_args__ = (
        CheckConstraint(
            "sent_bytes >= 0 AND sent_uses >= 0 AND sent_bytes <= volume_bytes AND sent_uses <= volume_uses",
            name="declared",
        ),
        CheckConstraint("persons >= 0 AND sensitive_persons >= 0", name="persons"),
        Index("ix_market_declarations_group", "group_id", "year"),
        Index("ix_market_declarations_about", "exporter_id", "recipient_id", "status"),
    )

    declaration_id: str = Field(sa_column=Column(Text, primary_key=True))
    exporter_id: str = Field(sa_column=_org())
    group_id: str = Field(sa_column=Column(Text, nullable=False))
    declared_by: str | None = Field(default=None, sa_column=Column(Text))
    recipient_id: str | None = Field(default=None, sa_column=Column(Text))
    country: str = Field(sa_column=Column(Text, nullable=False))
    kind: Kind = Field(sa_column=Column(text_enum(Kind), nullable=False))
    trade_id: str | None = Field(default=None, sa_column=Column(Text, index=True))
    product_id: str | None = Field(default=None, sa_column=Column(Text))
    said: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    persons: int = Field(sa_column=Column(BigInteger, nullable=False))
    sensitive_persons: int = Field(sa_column=Column(BigInteger, nullable=False))
    volume_bytes: int = Field(sa_column=Column(BigInteger, nullable=False))
    volume_uses: int = Field(sa_column=Column(BigInteger, nullable=False))
    status: DeclarationState = Field(
        sa_column=Column(text_enum(DeclarationState), nullable=False, index=True)
    )
    way: Way | None = Field(default=None, sa_column=Column(text_enum(Way)))
    rule_id: str | None = Field(default=None, sa_column=Column(Text))
    trace: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    counts: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    risk: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    evidence: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    year: int = Field(sa_column=Column(Integer, nullable=False))
    sent_year: int | None = Field(default=None, sa_column=Column(Integer))
    declared_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    valid_from: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    valid_to: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    due_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    taken_by: str | None = Field(default=None, sa_column=Column(Text))
    taken_org: str | None = Field(default=None, sa_column=Column(Text))
    taken_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    reason_code: str | None = Field(default=None, sa_column=Column(Text))
    note: str = Field(default="", sa_column=Column(Text, nullable=False))
    lot_salt: str = Field(sa_column=Column(Text, nullable=False))
    sent_bytes: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    sent_uses: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))


class PersonListRow(SQLModel, table=True):
    """The persons of a declaration, as a file of keyed hashes; `sensitive` are counted apart."""

    __tablename__ = "market_person_lists"

    declaration_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_declarations.declaration_id"), primary_key=True)
    )
    sensitive: bool = Field(sa_column=Column(Boolean, primary_key=True))
    source_file_id: str = Field(sa_column=Column(Text, nullable=False))
    file_id: str | None = Field(default=None, sa_column=Column(Text))
    bytes: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    sha256: str | None = Field(default=None, sa_column=Column(Text))
    digest: str | None = Field(default=None, sa_column=Column(Text))
    starts: list[int] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    problem: str | None = Field(default=None, sa_column=Column(Text))


class LeftoverRow(SQLModel, table=True):
    """A file of hashes that is to be destroyed: as it was handed in (RAW), or keyed and sorted (KEYED).

    It is noted before such a file is written, or in the transaction after which nobody needs it any more;
    `destroyed_at` once its bytes are gone, with the statement that says so (XBR.DESTROY).
    """

    __tablename__ = "market_customs_leftovers"
    __table_args__ = (CheckConstraint("form IN ('RAW', 'KEYED')", name="form"),)

    file_id: str = Field(sa_column=Column(Text, primary_key=True))
    declaration_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_declarations.declaration_id"), nullable=False, index=True)
    )
    form: str = Field(sa_column=Column(Text, nullable=False))
    sensitive: bool = Field(sa_column=Column(Boolean, nullable=False))
    persons: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    bytes: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    reason: str = Field(sa_column=Column(Text, nullable=False))
    noted_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    destroyed_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    statement_id: str | None = Field(default=None, sa_column=Column(Text))


class CustomsDocumentRow(SQLModel, table=True):
    """A filing, certificate, assessment, approval, or seat in a zone, as the authority entered it."""

    __tablename__ = "market_customs_documents"

    document_id: str = Field(sa_column=Column(Text, primary_key=True))
    kind: DocumentKind = Field(sa_column=Column(text_enum(DocumentKind), nullable=False))
    number: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    exporter_ids: list[str] = Field(sa_column=Column(JSON, nullable=False))
    recipient_name: str = Field(sa_column=Column(Text, nullable=False))
    country: str = Field(sa_column=Column(Text, nullable=False))
    sensitive: bool = Field(sa_column=Column(Boolean, nullable=False))
    persons: int = Field(sa_column=Column(BigInteger, nullable=False))
    sha256: str = Field(sa_column=Column(Text, nullable=False))
    issued_on: str = Field(sa_column=Column(Text, nullable=False))
    filed_on: str = Field(sa_column=Column(Text, nullable=False))
    valid_until: str | None = Field(default=None, sa_column=Column(Text))
    entered_by: str = Field(sa_column=_org())
    entered_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    ended_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class NegativeListRow(SQLModel, table=True):
    """One version of a zone's negative list: its lines, and the days on which it is in force."""

    __tablename__ = "market_negative_lists"
    __table_args__ = (CheckConstraint("version > 0", name="version"),)

    zone: str = Field(sa_column=Column(Text, primary_key=True))
    version: int = Field(sa_column=Column(Integer, primary_key=True))
    entries: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    source: str = Field(sa_column=Column(Text, nullable=False))
    effective_from: str = Field(sa_column=Column(Text, nullable=False))
    effective_to: str | None = Field(default=None, sa_column=Column(Text))
    entered_by: str = Field(sa_column=_org())
    entered_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class EndpointRow(SQLModel, table=True):
    """Where a member says that its systems receive and read from; to read from abroad is to export."""

    __tablename__ = "market_customs_endpoints"

    org_id: str = Field(sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), primary_key=True))
    region: str = Field(sa_column=Column(Text, nullable=False))
    declared_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class NetworksRow(SQLModel, table=True):
    """One version of the networks that the authority knows to be abroad: `entries` of cidr and region.

    The newest is in force. Who asks from one of them reads from there, wherever its seat is.
    """

    __tablename__ = "market_customs_networks"
    __table_args__ = (CheckConstraint("version > 0", name="version"),)

    version: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    entries: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    source: str = Field(sa_column=Column(Text, nullable=False))
    entered_by: str = Field(sa_column=_org())
    entered_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class EgressRow(SQLModel, table=True):
    """One thing that left under a declaration; `told` once the customs log says it (XBD.TRANSFER_LOGGED).

    `carried` is the download or question that it is of. A download under way is `open`: what was booked for
    it, at this very declaration, so that what did not leave goes back where it came from. `fetched` is what
    was sent of an answer that can be fetched again: what goes beyond `bytes` is booked on top.
    """

    __tablename__ = "market_customs_egress"
    __table_args__ = (
        Index("ix_market_customs_egress_untold", "declaration_id", "told"),
        Index("ix_market_customs_egress_carried", "carried", "recipient_id"),
        CheckConstraint("bytes >= 0", name="bytes"),
    )

    egress_id: str = Field(sa_column=Column(Text, primary_key=True))
    declaration_id: str = Field(
        sa_column=Column(Text, ForeignKey("market_declarations.declaration_id"), nullable=False)
    )
    trade_id: str = Field(sa_column=Column(Text, nullable=False))
    kind: str = Field(sa_column=Column(Text, nullable=False))
    recipient_id: str = Field(sa_column=Column(Text, nullable=False))
    country: str = Field(sa_column=Column(Text, nullable=False))
    whole: bool = Field(sa_column=Column(Boolean, nullable=False))
    bytes: int = Field(sa_column=Column(BigInteger, nullable=False))
    left_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    carried: str | None = Field(default=None, sa_column=Column(Text))
    open: bool = Field(default=False, sa_column=Column(Boolean, nullable=False))
    fetched: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    told: str | None = Field(default=None, sa_column=Column(Text))
