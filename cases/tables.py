"""What is kept about papers, cases and orders; who reported, sealed, and beside the ledger only."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Integer, LargeBinary, Text
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime, text_enum
from cases.rules import CaseState, Kind, Matter, Measure


class Case(SQLModel, table=True):
    """A case: what it began with, whose it is, and where it stands.

    `finding` has the form of a supervision finding; of what people file `finding_id` is the case's own id.
    `authority` is the role that has it, `handler` the person who has verified it.
    """

    __tablename__ = "cases"

    case_id: str = Field(sa_column=Column(Text, primary_key=True))
    status: CaseState = Field(sa_column=Column(text_enum(CaseState), nullable=False, index=True))
    finding_id: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    rule_id: str = Field(sa_column=Column(Text, nullable=False))
    finding: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    filed_by: str = Field(sa_column=Column(Text, nullable=False))
    filed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    closed_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    opened_by: str | None = Field(default=None, sa_column=Column(Text))  # the person
    kind: Kind = Field(default=Kind.REPORT, sa_column=Column(text_enum(Kind, checked=False), nullable=False))
    matter: Matter = Field(
        default=Matter.MARKET_RULE, sa_column=Column(text_enum(Matter, checked=False), nullable=False)
    )
    authority: str | None = Field(default=None, sa_column=Column(Text))
    handler: str | None = Field(default=None, sa_column=Column(Text))
    sibling_id: str | None = Field(default=None, sa_column=Column(Text))
    reporter_sha256: str | None = Field(default=None, sa_column=Column(Text))
    acted_on: str | None = Field(default=None, sa_column=Column(Text))  # the day of what it is about
    grave: bool = Field(default=False, sa_column=Column(Boolean, nullable=False))
    received_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))

    @property
    def subjects(self) -> list[str]:
        """Whom it suspects, or complains of."""
        return [str(one) for one in self.finding.get("subjects", [])]

    @property
    def from_finding(self) -> bool:
        """Whether supervision has found it."""
        return self.finding_id != self.case_id


class CasePaper(SQLModel, table=True):
    """A paper of the file: what one step said beside its statement, or a note of an officer."""

    __tablename__ = "case_papers"

    paper_id: str = Field(sa_column=Column(Text, primary_key=True))  # the statement's, or a note's own
    case_id: str = Field(sa_column=Column(Text, ForeignKey("cases.case_id"), nullable=False, index=True))
    number: int = Field(sa_column=Column(Integer, nullable=False))
    event: str = Field(sa_column=Column(Text, nullable=False))
    org_id: str = Field(sa_column=Column(Text, nullable=False))
    user_id: str | None = Field(default=None, sa_column=Column(Text))
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    document: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))


class CaseDeadline(SQLModel, table=True):
    """A time limit that runs in a case, until it is met, is over, or nobody awaits it any more."""

    __tablename__ = "case_deadlines"

    case_id: str = Field(sa_column=Column(Text, ForeignKey("cases.case_id"), primary_key=True))
    matter: str = Field(sa_column=Column(Text, primary_key=True))
    due_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False, index=True))
    set_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    met_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    overdue_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class CaseEvidence(SQLModel, table=True):
    """An entry of the ledger pinned for a case: its proof, and a hold on the opening of what it says."""

    __tablename__ = "case_evidence"

    case_id: str = Field(sa_column=Column(Text, ForeignKey("cases.case_id"), primary_key=True))
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True))
    order_id: str = Field(sa_column=Column(Text, nullable=False))
    leaf_sha256: str = Field(sa_column=Column(Text, nullable=False))
    tree_size: int = Field(sa_column=Column(BigInteger, nullable=False))
    root_sha256: str = Field(sa_column=Column(Text, nullable=False))
    proof: list[str] = Field(sa_column=Column(JSON, nullable=False))
    pinned_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class CaseReporter(SQLModel, table=True):
    """Who filed a paper: `sealed` under the master key, found again by the digest of a code."""

    __tablename__ = "case_reporters"

    case_id: str = Field(sa_column=Column(Text, ForeignKey("cases.case_id"), primary_key=True))
    named: bool = Field(sa_column=Column(Boolean, nullable=False))
    code_mark: str = Field(sa_column=Column(Text, nullable=False, index=True))
    sealed: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    forgotten_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class CaseMessage(SQLModel, table=True):
    """What passes between who reported and the officer, sealed like the name."""

    __tablename__ = "case_messages"

    message_id: str = Field(sa_column=Column(Text, primary_key=True))
    case_id: str = Field(sa_column=Column(Text, ForeignKey("cases.case_id"), nullable=False, index=True))
    from_reporter: bool = Field(sa_column=Column(Boolean, nullable=False))
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class CaseOrder(SQLModel, table=True):
    """A signed order issued in a case, and the statement that carries it."""

    __tablename__ = "case_orders"

    order_id: str = Field(sa_column=Column(Text, primary_key=True))
    case_id: str = Field(sa_column=Column(Text, ForeignKey("cases.case_id"), nullable=False, index=True))
    measure: Measure = Field(sa_column=Column(text_enum(Measure), nullable=False))
    object_id: str = Field(sa_column=Column(Text, nullable=False))
    reason_code: str = Field(sa_column=Column(Text, nullable=False))
    issued_by: str = Field(sa_column=Column(Text, nullable=False))
    issued_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))


class OrderProposal(SQLModel, table=True):
    """An order that one officer has proposed; in force once another one has confirmed it, under the same id.

    `digest` is that of the envelope in which it was proposed.
    """

    __tablename__ = "case_order_proposals"

    order_id: str = Field(sa_column=Column(Text, primary_key=True))
    case_id: str = Field(sa_column=Column(Text, ForeignKey("cases.case_id"), nullable=False, index=True))
    measure: Measure = Field(sa_column=Column(text_enum(Measure), nullable=False))
    object_id: str = Field(sa_column=Column(Text, nullable=False))
    reason_code: str = Field(sa_column=Column(Text, nullable=False))
    refund_minor: int | None = Field(default=None, sa_column=Column(BigInteger))
    fault: list[str] = Field(sa_column=Column(JSON, nullable=False))
    proposed_by: str = Field(sa_column=Column(Text, nullable=False))
    officer_id: str = Field(sa_column=Column(Text, nullable=False))
    proposed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    digest: str = Field(sa_column=Column(Text, nullable=False))
    seqs: list[int] = Field(default=[], sa_column=Column(JSON, nullable=False))
    held_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))  # an interview
    confirmed_by: str | None = Field(default=None, sa_column=Column(Text))
    confirmed_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    withdrawn_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class CaseFlag(SQLModel, table=True):
    """A trade under suspicion while its case is open: statistics and comparables leave it out."""

    __tablename__ = "case_flags"

    case_id: str = Field(sa_column=Column(Text, ForeignKey("cases.case_id"), primary_key=True))
    trade_id: str = Field(sa_column=Column(Text, primary_key=True))
    set_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    cleared_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
