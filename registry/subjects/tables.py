"""What is kept of data subjects: keys, pseudonyms, wordings, consents, duties to delete, requests.

No name and no number of anybody: a person is a key of its own, and to each holder another pseudonym. What a
person writes rests sealed.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime, text_enum
from registry.subjects.rules import AskedKind, ConsentKind, RefusalReason
from registry.subjects.states import AskedState, DeletionState, GivenState, TieState, WordingState


def _org() -> Column[str]:
    return Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False, index=True)


class SubjectRow(SQLModel, table=True):
    """A natural person who signs in here by a code of its own; of the code a keyed mark is kept.

    No session from before `signed_out_at` is good any more.
    """

    __tablename__ = "registry_subjects"

    subject_id: str = Field(sa_column=Column(Text, primary_key=True))
    code_mark: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    opened_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    signed_out_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class TieRow(SQLModel, table=True):
    """A holder's pseudonym (64 hex digits) of a person; `subject_id` once the person has answered.

    `did` is the key with which the person speaks to this holder, another one to each: the person's own, or a
    wallet's that rests here (`sealed_key`). `challenge` is what the next word carries: none counts twice.
    """

    __tablename__ = "registry_subject_ties"
    __table_args__ = (
        UniqueConstraint("holder_id", "pseudonym"),
        CheckConstraint("(status = 'TIED') = (subject_id IS NOT NULL)", name="tied"),
    )

    tie_id: str = Field(sa_column=Column(Text, primary_key=True))
    holder_id: str = Field(sa_column=_org())
    pseudonym: str = Field(sa_column=Column(Text, nullable=False))
    code_mark: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    subject_id: str | None = Field(
        default=None, sa_column=Column(Text, ForeignKey("registry_subjects.subject_id"), index=True)
    )
    did: str | None = Field(default=None, sa_column=Column(Text))
    keyid: str | None = Field(default=None, sa_column=Column(Text))
    sealed_key: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    challenge: str = Field(sa_column=Column(Text, nullable=False))
    status: TieState = Field(sa_column=Column(text_enum(TieState), nullable=False))
    invited_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    due_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class WordingRow(SQLModel, table=True):
    """A version of what a holder asks of persons, for one object, about one thing."""

    __tablename__ = "registry_subject_wordings"
    __table_args__ = (
        UniqueConstraint("holder_id", "object_id", "kind", "version"),
        CheckConstraint("version > 0 AND months > 0", name="counts"),
    )

    wording_id: str = Field(sa_column=Column(Text, primary_key=True))
    holder_id: str = Field(sa_column=_org())
    object_id: str = Field(sa_column=Column(Text, nullable=False, index=True))
    kind: ConsentKind = Field(sa_column=Column(text_enum(ConsentKind), nullable=False))
    version: int = Field(sa_column=Column(Integer, nullable=False))
    status: WordingState = Field(sa_column=Column(text_enum(WordingState), nullable=False))
    words: str = Field(sa_column=Column(Text, nullable=False))
    told: dict[str, str] = Field(sa_column=Column(JSON, nullable=False))
    purposes: list[str] = Field(sa_column=Column(JSON, nullable=False))
    recipients: list[str] = Field(sa_column=Column(JSON, nullable=False))
    months: int = Field(sa_column=Column(Integer, nullable=False))
    sha256: str = Field(sa_column=Column(Text, nullable=False))
    published_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class GivenRow(SQLModel, table=True):
    """One consent of one person, about one thing. `word` and `sig` are what the person signed."""

    __tablename__ = "registry_subject_consents"
    __table_args__ = (
        CheckConstraint("valid_from < valid_until", name="period"),
        Index(
            "uq_registry_subject_consents_standing",
            "tie_id",
            "object_id",
            "kind",
            unique=True,
            sqlite_where=text("status = 'GIVEN'"),
            postgresql_where=text("status = 'GIVEN'"),
        ),
    )

    given_id: str = Field(sa_column=Column(Text, primary_key=True))
    subject_id: str = Field(
        sa_column=Column(Text, ForeignKey("registry_subjects.subject_id"), nullable=False, index=True)
    )
    tie_id: str = Field(
        sa_column=Column(Text, ForeignKey("registry_subject_ties.tie_id"), nullable=False, index=True)
    )
    holder_id: str = Field(sa_column=_org())
    object_id: str = Field(sa_column=Column(Text, nullable=False, index=True))
    wording_id: str = Field(
        sa_column=Column(Text, ForeignKey("registry_subject_wordings.wording_id"), nullable=False)
    )
    kind: ConsentKind = Field(sa_column=Column(text_enum(ConsentKind), nullable=False))
    status: GivenState = Field(sa_column=Column(text_enum(GivenState), nullable=False, index=True))
    purposes: list[str] = Field(sa_column=Column(JSON, nullable=False))
    recipients: list[str] = Field(sa_column=Column(JSON, nullable=False))
    salt: str = Field(sa_column=Column(Text, nullable=False))
    valid_from: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    valid_until: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    word: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    sig: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    withdrawn_word: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    withdrawn_sig: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    fallen_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    settle_by: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    overdue: bool = Field(default=False, sa_column=Column(Boolean, nullable=False))
    settled_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class ShownRow(SQLModel, table=True):
    """What a Merkle path has shown of a consent's person in a record of consents: in it, or not."""

    __tablename__ = "registry_subject_shown"

    given_id: str = Field(
        sa_column=Column(Text, ForeignKey("registry_subject_consents.given_id"), primary_key=True)
    )
    consent_id: str = Field(
        sa_column=Column(Text, ForeignKey("registry_consents.consent_id"), primary_key=True)
    )
    present: bool = Field(sa_column=Column(Boolean, nullable=False))
    path: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    shown_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class DeletionRow(SQLModel, table=True):
    """Who received data of a person who has withdrawn deletes it, and confirms.

    `entry` is the person as the receiver finds it, under `entry_key` (`rules.listed_entry`).
    """

    __tablename__ = "registry_subject_deletions"
    __table_args__ = (UniqueConstraint("given_id", "trade_id", "receiver_id"),)

    deletion_id: str = Field(sa_column=Column(Text, primary_key=True))
    given_id: str = Field(
        sa_column=Column(Text, ForeignKey("registry_subject_consents.given_id"), nullable=False)
    )
    holder_id: str = Field(sa_column=_org())
    receiver_id: str = Field(sa_column=_org())
    object_id: str = Field(sa_column=Column(Text, nullable=False))
    trade_id: str = Field(sa_column=Column(Text, nullable=False, index=True))
    entry_key: str = Field(sa_column=Column(Text, nullable=False))
    entry: str = Field(sa_column=Column(Text, nullable=False))
    status: DeletionState = Field(sa_column=Column(text_enum(DeletionState), nullable=False, index=True))
    told_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    due_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    confirmed_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    rows_deleted: int | None = Field(default=None, sa_column=Column(Integer))
    proof_sha256: str | None = Field(default=None, sa_column=Column(Text))


class AskedRow(SQLModel, table=True):
    """A person's request to a holder; `sealed` is what was written, `sealed_answer` what came back."""

    __tablename__ = "registry_subject_requests"

    request_id: str = Field(sa_column=Column(Text, primary_key=True))
    subject_id: str = Field(
        sa_column=Column(Text, ForeignKey("registry_subjects.subject_id"), nullable=False, index=True)
    )
    tie_id: str = Field(sa_column=Column(Text, ForeignKey("registry_subject_ties.tie_id"), nullable=False))
    holder_id: str = Field(sa_column=_org())
    object_id: str | None = Field(default=None, sa_column=Column(Text))
    kind: AskedKind = Field(sa_column=Column(text_enum(AskedKind), nullable=False))
    status: AskedState = Field(sa_column=Column(text_enum(AskedState), nullable=False, index=True))
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    sealed_answer: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    reason: RefusalReason | None = Field(default=None, sa_column=Column(text_enum(RefusalReason)))
    submitted_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    due_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    answered_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    done_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    case_id: str | None = Field(default=None, sa_column=Column(Text))
