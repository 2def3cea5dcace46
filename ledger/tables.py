"""What the ledger keeps. Only the ledger's own files touch these tables (`ledger-tables` contract)."""

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
)
from sqlmodel import Field, SQLModel

from base.db import UtcDateTime
from ledger import triggers

# SQLite gives row ids only to INTEGER keys; PostgreSQL needs 64 bits.
_ID = BigInteger().with_variant(Integer, "sqlite")


class StatementRow(SQLModel, table=True):
    """A recorded statement: permanent, written in the business transaction."""

    __tablename__ = "ledger_statements"

    id: int | None = Field(default=None, sa_column=Column(_ID, primary_key=True, autoincrement=True))
    statement_id: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    envelope_sha256: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    event: str = Field(sa_column=Column(Text, nullable=False, index=True))
    object_id: str = Field(sa_column=Column(Text, nullable=False, index=True))
    org_id: str = Field(sa_column=Column(Text, nullable=False, index=True))
    occurred_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    envelope: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    opening_sha256: str | None = Field(default=None, sa_column=Column(Text))


class MentionRow(SQLModel, table=True):
    """A further thing that a statement speaks of beside its object: how a product's history is found."""

    __tablename__ = "ledger_mentions"

    object_id: str = Field(sa_column=Column(Text, primary_key=True))
    event: str = Field(sa_column=Column(Text, primary_key=True))
    statement_row: int = Field(
        sa_column=Column(_ID, ForeignKey("ledger_statements.id"), primary_key=True, autoincrement=False)
    )


class PendingRow(SQLModel, table=True):
    """The sequencer's queue: it consumes rows, never "ids above the last"."""

    __tablename__ = "ledger_pending"

    id: int = Field(sa_column=Column(_ID, ForeignKey("ledger_statements.id"), primary_key=True))


class OpeningRow(SQLModel, table=True):
    """The private part of a statement, by its commitment. Erasing it empties `document`."""

    __tablename__ = "ledger_openings"

    sha256: str = Field(sa_column=Column(Text, primary_key=True))
    document: bytes | None = Field(sa_column=Column(LargeBinary))


class EntryRow(SQLModel, table=True):
    """A sealed entry: the leaf bytes and their hash. `seq` is dense from 0."""

    __tablename__ = "ledger_entries"

    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    statement_row: int = Field(
        sa_column=Column(_ID, ForeignKey("ledger_statements.id"), nullable=False, unique=True)
    )
    leaf_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    entry: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class TileRow(SQLModel, table=True):
    """A 256-wide hash tile, full or partial, at (level, index)."""

    __tablename__ = "ledger_tiles"

    level: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    number: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    hashes: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class TreeRow(SQLModel, table=True):
    """The tree as sealed: one row. `previous` is the leaf hash of the last entry, in hex.

    `halted` says why nothing may be sealed any more: somebody holds a checkpoint of ours that this
    database does not lead to (`<who>: <why>`). `closed_at` is when the log's last entry was sealed, where
    it has been closed: what is recorded then waits for the next log.
    """

    __tablename__ = "ledger_tree"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: int = Field(default=1, sa_column=Column(Integer, primary_key=True, autoincrement=False))
    origin: str = Field(sa_column=Column(Text, nullable=False))
    size: int = Field(sa_column=Column(BigInteger, nullable=False))
    root: str = Field(sa_column=Column(Text, nullable=False))
    previous: str = Field(sa_column=Column(Text, nullable=False))
    sealed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    halted: str | None = Field(default=None, sa_column=Column(Text))
    closed_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class ShardRow(SQLModel, table=True):
    """A log of this exchange that was closed, and the last checkpoint it ended with, as note text."""

    __tablename__ = "ledger_shards"

    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    origin: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    size: int = Field(sa_column=Column(BigInteger, nullable=False))
    root: str = Field(sa_column=Column(Text, nullable=False))
    note: str = Field(sa_column=Column(Text, nullable=False))
    closed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class PastEntryRow(SQLModel, table=True):
    """An entry of a closed log: where it went from `ledger_entries`, unchanged."""

    __tablename__ = "ledger_past_entries"

    shard: int = Field(sa_column=Column(Integer, ForeignKey("ledger_shards.number"), primary_key=True))
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    statement_row: int = Field(
        sa_column=Column(_ID, ForeignKey("ledger_statements.id"), nullable=False, unique=True)
    )
    leaf_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    entry: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class PastCheckpointRow(SQLModel, table=True):
    """A checkpoint that was kept of a closed log, as note text."""

    __tablename__ = "ledger_past_checkpoints"

    shard: int = Field(sa_column=Column(Integer, ForeignKey("ledger_shards.number"), primary_key=True))
    size: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    note: str = Field(sa_column=Column(Text, nullable=False))
    published_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class CheckpointRow(SQLModel, table=True):
    """A signed checkpoint the node has published, as note text.

    `witnessed` says whether its cosignatures are a quorum; null where no quorum is asked for.
    """

    __tablename__ = "ledger_checkpoints"

    size: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    note: str = Field(sa_column=Column(Text, nullable=False))
    published_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    witnessed: bool | None = Field(default=None, sa_column=Column(Boolean))


class WitnessRow(SQLModel, table=True):
    """What is known of one of our witnesses, by its verifier key: what it cosigned last, and what it said."""

    __tablename__ = "ledger_witnesses"

    vkey: str = Field(sa_column=Column(Text, primary_key=True))
    size: int = Field(sa_column=Column(BigInteger, nullable=False))
    cosigned_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    asked_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    failures: int = Field(default=0, sa_column=Column(Integer, nullable=False))
    problem: str | None = Field(default=None, sa_column=Column(Text))


class WitnessedRow(SQLModel, table=True):
    """The newest checkpoint of another log that this node cosigned: a witness's whole memory of that log.

    `recorded_size` and `recorded_at` tell which of them was stated on our own log (`FED.CHECKPOINT`).
    """

    __tablename__ = "ledger_witnessed"

    origin_sha256: str = Field(sa_column=Column(Text, primary_key=True))
    origin: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    size: int = Field(sa_column=Column(BigInteger, nullable=False))
    root: str = Field(sa_column=Column(Text, nullable=False))
    note: str | None = Field(default=None, sa_column=Column(Text))
    cosigned_at_s: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    recorded_size: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    recorded_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class FederatedRow(SQLModel, table=True):
    """A checkpoint of another log that our own log states, and the statement that says so."""

    __tablename__ = "ledger_federated"

    origin_sha256: str = Field(sa_column=Column(Text, primary_key=True))
    size: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    note: str = Field(sa_column=Column(Text, nullable=False))
    statement_id: str = Field(
        sa_column=Column(Text, ForeignKey("ledger_statements.statement_id"), nullable=False)
    )


class RefusalRow(SQLModel, table=True):
    """The same refusal within an hour is one statement; the later ones are counted here."""

    __tablename__ = "ledger_refusals"
    __table_args__ = (Index("ix_ledger_refusals_fingerprint_first_at", "fingerprint", "first_at"),)

    id: int | None = Field(default=None, sa_column=Column(_ID, primary_key=True, autoincrement=True))
    fingerprint: str = Field(sa_column=Column(Text, nullable=False))
    statement_id: str = Field(sa_column=Column(Text, nullable=False))
    first_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    times: int = Field(default=1, sa_column=Column(Integer, nullable=False))


class PostingBatchRow(SQLModel, table=True):
    """Legs that stand or fall together. Inserting this row closes the batch and checks its sum.

    A batch of kind `post` or `void` resolves one `pending` batch, once (UNIQUE `resolves`).
    """

    __tablename__ = "ledger_posting_batches"
    __table_args__ = (
        CheckConstraint("kind IN ('book', 'pending', 'post', 'void')", name="kind"),
        CheckConstraint("(kind IN ('post', 'void')) = (resolves IS NOT NULL)", name="resolution"),
    )

    batch_id: str = Field(sa_column=Column(Text, primary_key=True))
    kind: str = Field(sa_column=Column(Text, nullable=False))
    object_id: str = Field(sa_column=Column(Text, nullable=False, index=True))
    statement_id: str = Field(
        sa_column=Column(
            Text,
            ForeignKey("ledger_statements.statement_id", deferrable=True, initially="DEFERRED"),
            nullable=False,
        )
    )
    resolves: str | None = Field(
        default=None, sa_column=Column(Text, ForeignKey("ledger_posting_batches.batch_id"), unique=True)
    )
    booked_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


class PostingRow(SQLModel, table=True):
    """One leg: an account and a signed amount in fen. Insert-only."""

    __tablename__ = "ledger_postings"
    __table_args__ = (Index("ix_ledger_postings_account_id", "account", "id"),)

    id: int | None = Field(default=None, sa_column=Column(_ID, primary_key=True, autoincrement=True))
    batch_id: str = Field(
        sa_column=Column(
            Text,
            ForeignKey("ledger_posting_batches.batch_id", deferrable=True, initially="DEFERRED"),
            nullable=False,
            index=True,
        )
    )
    account: str = Field(sa_column=Column(Text, nullable=False))
    amount_minor: int = Field(sa_column=Column(BigInteger, nullable=False))
    currency: str = Field(default="CNY", sa_column=Column(Text, nullable=False))
    booked: bool = Field(nullable=False)


class DayBalanceRow(SQLModel, table=True):
    """A roll-up: what an account held when a day (Shanghai) was over, and what moved on that day, in fen.

    It counts every posting up to and including `upto_id`, and those behind it that are of that day or an
    earlier one.
    """

    __tablename__ = "ledger_day_balances"

    account: str = Field(sa_column=Column(Text, primary_key=True))
    day: date = Field(sa_column=Column(Date, primary_key=True))
    upto_id: int = Field(sa_column=Column(BigInteger, nullable=False))
    balance_minor: int = Field(sa_column=Column(BigInteger, nullable=False))
    paid_in_minor: int = Field(sa_column=Column(BigInteger, nullable=False))
    paid_out_minor: int = Field(sa_column=Column(BigInteger, nullable=False))
    movements: int = Field(sa_column=Column(Integer, nullable=False))


triggers.attach(SQLModel.metadata)
