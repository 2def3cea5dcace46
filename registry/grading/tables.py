"""What is kept about levels: what is known of each object, every grading, the catalogue, the records."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Enum,
    ForeignKey,
    Integer,
    Text,
    UniqueConstraint,
)
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime, text_enum
from registry.grading.states import AssessmentState, ConsentState, EntryState, GradingState, MatchState
from registry.rules import Level


def _level(name: str) -> Enum:
    """A level's text with a CHECK of its own name: a table has several."""
    made = text_enum(Level)
    made.name = name
    return made


def _org() -> Column[str]:
    return Column(Text, ForeignKey("identity_orgs.org_id"), nullable=False, index=True)


class GradeRow(SQLModel, table=True):
    """What is known of an object's level, and how high it is: acts share-lock this row.

    `object_id` is a product (`prd_`) or an entry of a data list (`dat_`). `level` is the highest of the
    parts. `inherited` comes from what it was made of, `same_bytes` from what is known of the same file under
    another name, `matched` from the important-data catalogue.
    `sector`, `words`, `fields` and `file_sha256` are what the catalogue is compared with; `scanned_sha256` is
    the file that `scanned` and `hints` are of.
    """

    __tablename__ = "registry_grades"

    object_id: str = Field(sa_column=Column(Text, primary_key=True))
    holder_id: str = Field(sa_column=_org())
    declared: Level | None = Field(default=None, sa_column=Column(_level("declared")))
    scanned: Level | None = Field(default=None, sa_column=Column(_level("scanned")))
    decided: Level | None = Field(default=None, sa_column=Column(_level("decided")))
    matched: Level | None = Field(default=None, sa_column=Column(_level("matched")))
    inherited: Level | None = Field(default=None, sa_column=Column(_level("inherited")))
    same_bytes: Level | None = Field(default=None, sa_column=Column(_level("same_bytes")))
    level: Level = Field(sa_column=Column("effective", _level("effective"), nullable=False))
    grading_id: str | None = Field(default=None, sa_column=Column(Text))
    sector: str = Field(default="", sa_column=Column(Text, nullable=False))
    words: str = Field(default="", sa_column=Column(Text, nullable=False))
    fields: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    file_sha256: str | None = Field(default=None, sa_column=Column(Text, index=True))
    scanned_sha256: str | None = Field(default=None, sa_column=Column(Text))
    hints: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    scanned_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    changed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class EvidenceRow(SQLModel, table=True):
    """What one file showed that one holder brought of an object, and what the holder said of it.

    Each holder's own: what another holder's file shows moves no level of the object.
    """

    __tablename__ = "registry_grade_evidence"

    object_id: str = Field(sa_column=Column(Text, primary_key=True))
    holder_id: str = Field(sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), primary_key=True))
    file_sha256: str = Field(sa_column=Column(Text, primary_key=True, index=True))
    declared: Level | None = Field(default=None, sa_column=Column(_level("declared")))
    scanned: Level = Field(sa_column=Column(_level("scanned"), nullable=False))
    shown_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class LineageRow(SQLModel, table=True):
    """An object was made from a source: a product, a data entry, or a file by its digest."""

    __tablename__ = "registry_lineage"

    object_id: str = Field(sa_column=Column(Text, primary_key=True))
    source: str = Field(sa_column=Column(Text, primary_key=True, index=True))


class GradingRow(SQLModel, table=True):
    """One version of an object's grading, from its declaration on.

    `declared_by` and `decided_by` are persons. `computed` is what grounds, fields and amounts give,
    `scanned` what the scan showed when it was decided. Acts of its holder need its row.
    """

    __tablename__ = "registry_gradings"
    __table_args__ = (
        UniqueConstraint("object_id", "version"),
        CheckConstraint("version > 0", name="version"),
        CheckConstraint("persons >= 0 AND sensitive_persons >= 0 AND joined >= 0", name="amounts"),
    )

    grading_id: str = Field(sa_column=Column(Text, primary_key=True))
    object_id: str = Field(sa_column=Column(Text, nullable=False, index=True))
    version: int = Field(sa_column=Column(Integer, nullable=False))
    holder_id: str = Field(sa_column=_org())
    declared_by: str | None = Field(default=None, sa_column=Column(Text))
    status: GradingState = Field(sa_column=Column(text_enum(GradingState), nullable=False, index=True))
    reason: str = Field(sa_column=Column(Text, nullable=False))
    declared: Level = Field(sa_column=Column("declared_level", _level("declared_level"), nullable=False))
    grounds: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    fields: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    sector: str = Field(sa_column=Column(Text, nullable=False))
    data_class: str = Field(sa_column=Column(Text, nullable=False))
    persons: int = Field(sa_column=Column(BigInteger, nullable=False))
    sensitive_persons: int = Field(sa_column=Column(BigInteger, nullable=False))
    joined: int = Field(sa_column=Column(Integer, nullable=False))
    file_sha256: str | None = Field(default=None, sa_column=Column(Text))
    desensitised_sha256: str | None = Field(default=None, sa_column=Column(Text))
    computed: Level = Field(sa_column=Column("computed_level", _level("computed_level"), nullable=False))
    why: list[str] = Field(sa_column=Column(JSON, nullable=False))
    scanned: Level | None = Field(default=None, sa_column=Column("scanned_level", _level("scanned_level")))
    decided: Level | None = Field(default=None, sa_column=Column("decided_level", _level("decided_level")))
    opinion: str | None = Field(default=None, sa_column=Column(Text))
    decided_by: str | None = Field(default=None, sa_column=Column(Text))
    decided_org: str | None = Field(default=None, sa_column=Column(Text))
    confirmed_by: str | None = Field(default=None, sa_column=Column(Text))
    declared_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    decided_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    review_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class ImportantRow(SQLModel, table=True):
    """An entry of the important-data catalogue (重要数据具体目录) of a department and sector.

    `objects` and `digests` name what it is; `keywords` and `patterns` (parts of field names) describe it.
    `asked` is a change or removal that the department wants and nobody has decided.
    """

    __tablename__ = "registry_important"

    entry_id: str = Field(sa_column=Column(Text, primary_key=True))
    department_id: str = Field(sa_column=_org())
    status: EntryState = Field(sa_column=Column(text_enum(EntryState), nullable=False, index=True))
    version: int = Field(sa_column=Column(Integer, nullable=False))
    region: str = Field(sa_column=Column(Text, nullable=False))
    sector: str = Field(sa_column=Column(Text, nullable=False, index=True))
    name: str = Field(sa_column=Column(Text, nullable=False))
    description: str = Field(sa_column=Column(Text, nullable=False))
    level: Level = Field(sa_column=Column("entry_level", _level("entry_level"), nullable=False))
    objects: list[str] = Field(sa_column=Column(JSON, nullable=False))
    digests: list[str] = Field(sa_column=Column(JSON, nullable=False))
    keywords: list[str] = Field(sa_column=Column(JSON, nullable=False))
    patterns: list[str] = Field(sa_column=Column(JSON, nullable=False))
    chief_id: str | None = Field(default=None, sa_column=Column(Text))
    asked: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))
    reason: str | None = Field(default=None, sa_column=Column(Text))
    identified_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    confirmed_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    changed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class MatchRow(SQLModel, table=True):
    """An entry beside an object that it covers, or resembles. `how` and `grounds` say why.

    `entry_version` and `file_sha256` are what a person decided on.
    """

    __tablename__ = "registry_important_matches"
    __table_args__ = (UniqueConstraint("entry_id", "object_id"),)

    match_id: str = Field(sa_column=Column(Text, primary_key=True))
    entry_id: str = Field(
        sa_column=Column(Text, ForeignKey("registry_important.entry_id"), nullable=False, index=True)
    )
    object_id: str = Field(sa_column=Column(Text, nullable=False, index=True))
    status: MatchState = Field(sa_column=Column(text_enum(MatchState), nullable=False, index=True))
    how: str = Field(sa_column=Column(Text, nullable=False))
    grounds: list[str] = Field(sa_column=Column(JSON, nullable=False))
    found_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    decided_by: str | None = Field(default=None, sa_column=Column(Text))
    reason: str | None = Field(default=None, sa_column=Column(Text))
    entry_version: int | None = Field(default=None, sa_column=Column(Integer))
    file_sha256: str | None = Field(default=None, sa_column=Column(Text))


class ConsentRow(SQLModel, table=True):
    """A record of consents: what was asked in which words, of how many, for what, for whom, until when.

    Nobody is named: `subjects_root` is the Merkle root of salted pseudonyms that the holder keeps.
    `recipients` are organisations, or empty for whoever the purposes cover.
    """

    __tablename__ = "registry_consents"
    __table_args__ = (
        CheckConstraint("subjects > 0 AND withdrawn >= 0 AND withdrawn <= subjects", name="counts"),
    )

    consent_id: str = Field(sa_column=Column(Text, primary_key=True))
    holder_id: str = Field(sa_column=_org())
    object_id: str = Field(sa_column=Column(Text, nullable=False, index=True))
    status: ConsentState = Field(sa_column=Column(text_enum(ConsentState), nullable=False))
    wording_sha256: str = Field(sa_column=Column(Text, nullable=False))
    separate: bool = Field(sa_column=Column("separately", Boolean, nullable=False))
    purposes: list[str] = Field(sa_column=Column(JSON, nullable=False))
    recipients: list[str] = Field(sa_column=Column(JSON, nullable=False))
    subjects: int = Field(sa_column=Column(BigInteger, nullable=False))
    withdrawn: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    subjects_root: str = Field(sa_column=Column(Text, nullable=False))
    valid_from: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    valid_until: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    recorded_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class AssessmentRow(SQLModel, table=True):
    """An impact assessment of personal data (PIPIA), or a security review, of an object, from its draft on.

    `uses` are what it was made for (LISTING, EXPORT), `file_sha256` the file it is bound to, `purposes` of a
    licence and `recipients` (member or name) whom it was made for, `writers` the persons who wrote or revised
    it; what is from before there were purposes and recipients names none. `outcome`,
    `assessed_at`, `valid_until` and `keep_until` are there once a reviewer has concluded it; `due_at` is the
    day of the next open finding. `contents` are what PIPL 56 asks for, whose digest is `report_sha256`.
    """

    __tablename__ = "registry_assessments"

    assessment_id: str = Field(sa_column=Column(Text, primary_key=True))
    holder_id: str = Field(sa_column=_org())
    object_id: str = Field(sa_column=Column(Text, nullable=False, index=True))
    status: AssessmentState = Field(sa_column=Column(text_enum(AssessmentState), nullable=False))
    kind: str = Field(sa_column=Column(Text, nullable=False))
    uses: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    contents: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    file_sha256: str | None = Field(default=None, sa_column=Column(Text))
    purposes: list[str] = Field(
        default_factory=list, sa_column=Column(JSON, nullable=False, server_default="[]")
    )
    recipients: list[str] = Field(
        default_factory=list, sa_column=Column(JSON, nullable=False, server_default="[]")
    )
    writers: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    reviewer_id: str | None = Field(
        default=None, sa_column=Column(Text, ForeignKey("identity_orgs.org_id"), index=True)
    )
    reviewed_by: str | None = Field(default=None, sa_column=Column(Text))
    opinion: str | None = Field(default=None, sa_column=Column(Text))
    outcome: str | None = Field(default=None, sa_column=Column(Text))
    report_sha256: str | None = Field(default=None, sa_column=Column(Text))
    findings: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    due_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    assessed_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    valid_until: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    keep_until: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    recorded_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
