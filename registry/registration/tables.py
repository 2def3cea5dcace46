"""What is kept about registrations: who registers, what was declared, claimed, objected, asked and noted."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, Integer, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime, text_enum
from registry.registration.rules import Kind, NoteKind, Wish
from registry.registration.seats import PaperKind
from registry.registration.states import RegistrationState


def _org() -> Column[str]:
    return Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False, index=True)


def _of_registration() -> Column[str]:
    return Column(Text, ForeignKey("registry_registrations.registration_id"), nullable=False, index=True)


class RegistrarRow(SQLModel, table=True):
    """A registrar that the data authority has recognised, with its place in the numbers it gives."""

    __tablename__ = "registry_registrars"

    org_id: str = Field(sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), primary_key=True))
    region: str = Field(sa_column=Column(Text, nullable=False))
    agency: str = Field(sa_column=Column(Text, nullable=False))
    facts: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    recognised_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    ended_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class RegistrarPaperRow(SQLModel, table=True):
    """What a recognised registrar owes: a year's report and its assessment, a change or its leaving told.

    `year` is of a report or an assessment, `effective_on` of what is told. `agreed` is what an assessment
    found, or whether the authority agrees that it leaves; None while nobody has decided.
    """

    __tablename__ = "registry_registrar_papers"
    __table_args__ = (UniqueConstraint("org_id", "kind", "year"),)

    paper_id: str = Field(sa_column=Column(Text, primary_key=True))
    org_id: str = Field(
        sa_column=Column(Text, ForeignKey("registry_registrars.org_id"), nullable=False, index=True)
    )
    kind: PaperKind = Field(sa_column=Column(text_enum(PaperKind), nullable=False))
    year: int | None = Field(default=None, sa_column=Column(Integer))
    effective_on: str | None = Field(default=None, sa_column=Column(Text))
    text: str = Field(default="", sa_column=Column(Text, nullable=False))
    document_sha256: str = Field(sa_column=Column(Text, nullable=False))
    figures: dict[str, int] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    filed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    due_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    agreed: bool | None = Field(default=None, sa_column=Column(Boolean))
    decided_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class SeriesRow(SQLModel, table=True):
    """The last number given in a series (a registrar's month)."""

    __tablename__ = "registry_series"

    series: str = Field(sa_column=Column(Text, primary_key=True))
    last: int = Field(sa_column=Column(Integer, nullable=False))


class RegistrationRow(SQLModel, table=True):
    """A registration from its application on. Acts that rest on it share-lock this row.

    `data_id` is what it is about: a product of the exchange, or an id of its own. `since` is when the clock
    of the present state began and `due_at` when it ends.
    """

    __tablename__ = "registry_registrations"
    __table_args__ = (Index("ix_registry_registrations_sample", "sample_sha256"),)

    registration_id: str = Field(sa_column=Column(Text, primary_key=True))
    kind: Kind = Field(sa_column=Column(text_enum(Kind), nullable=False))
    applicant_id: str = Field(sa_column=_org())
    applied_by: str | None = Field(default=None, sa_column=Column(Text))
    registrar_id: str = Field(sa_column=_org())
    data_id: str = Field(sa_column=Column(Text, nullable=False, index=True))
    status: RegistrationState = Field(
        sa_column=Column(text_enum(RegistrationState), nullable=False, index=True)
    )
    name: str = Field(sa_column=Column(Text, nullable=False))
    source: str = Field(sa_column=Column(Text, nullable=False))
    sample_sha256: str = Field(sa_column=Column(Text, nullable=False))
    declaration: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    gaps: list[str] | None = Field(default=None, sa_column=Column(JSON))
    withheld: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    applied_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    since: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    due_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    extended: bool = Field(default=False, sa_column=Column(Boolean, nullable=False))
    reviewed_by: str | None = Field(default=None, sa_column=Column(Text))
    notice_until: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    number: str | None = Field(default=None, sa_column=Column(Text, unique=True))
    registered_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    valid_to: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    reason_code: str | None = Field(default=None, sa_column=Column(Text))


class ClaimRow(SQLModel, table=True):
    """One right of one holder in a registration: claimed, confirmed by its holder, and perhaps ended."""

    __tablename__ = "registry_claims"

    registration_id: str = Field(
        sa_column=Column(Text, ForeignKey("registry_registrations.registration_id"), primary_key=True)
    )
    holder_id: str = Field(
        sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), primary_key=True, index=True)
    )
    right: str = Field(sa_column=Column("right_claimed", Text, primary_key=True))
    until: str | None = Field(default=None, sa_column=Column(Text))
    limits: str = Field(default="", sa_column=Column(Text, nullable=False))
    proof_sha256: str | None = Field(default=None, sa_column=Column(Text))
    confirmed_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class RegistrationObjectionRow(SQLModel, table=True):
    """An objection: on notice, or late; `upheld` is None while nobody has answered it."""

    __tablename__ = "registry_objections"

    objection_id: str = Field(sa_column=Column(Text, primary_key=True))
    registration_id: str = Field(sa_column=_of_registration())
    objector_id: str = Field(sa_column=_org())
    user_id: str = Field(sa_column=Column(Text, nullable=False))
    text: str = Field(sa_column=Column(Text, nullable=False))
    evidence: list[str] = Field(sa_column=Column(JSON, nullable=False))
    late: bool = Field(sa_column=Column(Boolean, nullable=False))
    filed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    tell_by: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    upheld: bool | None = Field(default=None, sa_column=Column(Boolean))
    answer: str | None = Field(default=None, sa_column=Column(Text))
    decided_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class WishRow(SQLModel, table=True):
    """What a holder asked of the registrar, and what came of it; `done` is None while it is open."""

    __tablename__ = "registry_wishes"

    wish_id: str = Field(sa_column=Column(Text, primary_key=True))
    registration_id: str = Field(sa_column=_of_registration())
    asked_by: str = Field(sa_column=_org())
    wish: Wish = Field(sa_column=Column(text_enum(Wish), nullable=False))
    payload: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    must_agree: list[str] = Field(sa_column=Column(JSON, nullable=False))
    agreed: list[str] = Field(sa_column=Column(JSON, nullable=False))
    asked_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    due_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    done: bool | None = Field(default=None, sa_column=Column(Boolean))
    decided_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class NoteRow(SQLModel, table=True):
    """What is noted on a registration (备注), a pledge among it; it stands until it is released."""

    __tablename__ = "registry_notes"

    note_id: str = Field(sa_column=Column(Text, primary_key=True))
    registration_id: str = Field(sa_column=_of_registration())
    kind: NoteKind = Field(sa_column=Column(text_enum(NoteKind), nullable=False))
    holder_id: str | None = Field(default=None, sa_column=Column(Text))
    right: str | None = Field(default=None, sa_column=Column("right_noted", Text))
    creditor_id: str | None = Field(default=None, sa_column=Column(Text))
    text: str = Field(sa_column=Column(Text, nullable=False))
    document_sha256: str = Field(sa_column=Column(Text, nullable=False))
    noted_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    released_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
