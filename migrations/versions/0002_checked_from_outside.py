"""What lets others check the log: witnesses, further keys, erased openings, a product's history."""

import base64
import json
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

import base.db
from ledger import triggers

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_BESIDE = {
    "LST.DRAFT": ("product_id", "file", "derived_from"),
    "TRD.CONTRACT": ("product_id", "listing_id"),
    "DLV.DOWNLOAD": ("trade_id",),
}
_FILLED_AT_ONCE = 500


def upgrade() -> None:
    """Add what lets others check the log."""
    _witnesses()
    _mentions()
    _erasable_answers()
    _shards()


def downgrade() -> None:
    """Take it away again."""
    _without_shards()
    with op.batch_alter_table("idempotency_keys", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_idempotency_keys_about"))
        batch_op.drop_column("about")
    op.drop_table("ledger_mentions")
    _without_witnesses()


def _witnesses() -> None:
    op.add_column("ledger_tree", sa.Column("halted", sa.Text(), nullable=True))
    op.add_column("ledger_checkpoints", sa.Column("witnessed", sa.Boolean(), nullable=True))
    op.create_table(
        "ledger_witnesses",
        sa.Column("vkey", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("cosigned_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.Column("asked_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("vkey", name=op.f("pk_ledger_witnesses")),
    )
    op.create_table(
        "ledger_witnessed",
        sa.Column("origin_sha256", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("cosigned_at_s", sa.BigInteger(), nullable=False),
        sa.Column("recorded_size", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", base.db.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("origin_sha256", name=op.f("pk_ledger_witnessed")),
        sa.UniqueConstraint("origin", name=op.f("uq_ledger_witnessed_origin")),
    )
    op.create_table(
        "ledger_federated",
        sa.Column("origin_sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["statement_id"],
            ["ledger_statements.statement_id"],
            name=op.f("fk_ledger_federated_statement_id"),
        ),
        sa.PrimaryKeyConstraint("origin_sha256", "size", name=op.f("pk_ledger_federated")),
    )


def _without_witnesses() -> None:
    op.drop_table("ledger_federated")
    op.drop_table("ledger_witnessed")
    op.drop_table("ledger_witnesses")
    op.drop_column("ledger_checkpoints", "witnessed")
    op.drop_column("ledger_tree", "halted")


def _shards() -> None:
    """Where the entries of closed logs go."""
    op.add_column("ledger_tree", sa.Column("closed_at", base.db.UtcDateTime(timezone=True), nullable=True))
    op.create_table(
        "ledger_shards",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("closed_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_ledger_shards")),
        sa.UniqueConstraint("origin", name=op.f("uq_ledger_shards_origin")),
    )
    op.create_table(
        "ledger_past_entries",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("statement_row", _ID, nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shard"], ["ledger_shards.number"], name=op.f("fk_ledger_past_entries_shard")
        ),
        sa.ForeignKeyConstraint(
            ["statement_row"], ["ledger_statements.id"], name=op.f("fk_ledger_past_entries_statement_row")
        ),
        sa.PrimaryKeyConstraint("shard", "seq", name=op.f("pk_ledger_past_entries")),
        sa.UniqueConstraint("statement_row", name=op.f("uq_ledger_past_entries_statement_row")),
    )
    op.create_table(
        "ledger_past_checkpoints",
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("published_at", base.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["shard"], ["ledger_shards.number"], name=op.f("fk_ledger_past_checkpoints_shard")
        ),
        sa.PrimaryKeyConstraint("shard", "size", name=op.f("pk_ledger_past_checkpoints")),
    )
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in triggers.SHARDS_SQLITE if sqlite else triggers.SHARDS_POSTGRESQL:
        op.execute(sa.DDL(statement))


def _without_shards() -> None:
    """Closed logs are never taken back: the tables go only while they are empty."""
    if op.get_bind().scalar(sa.text("SELECT count(*) FROM ledger_shards")):
        raise NotImplementedError("a closed log is never taken back; restore a backup instead")
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER ledger_entries_no_delete")
        before = [one for one in triggers.SQLITE if "ledger_entries_no_delete" in one]
    else:
        for name in ("ledger_entries_leave", "ledger_entries_insert_only"):
            op.execute(f"DROP TRIGGER {name} ON ledger_entries")
        op.execute("DROP FUNCTION ledger_entry_leaves()")
        before = [one for one in triggers.POSTGRESQL if "ledger_entries_insert_only" in one]
    for statement in before:
        op.execute(sa.DDL(statement))
    for table in ("ledger_past_checkpoints", "ledger_past_entries", "ledger_shards"):
        op.drop_table(table)
    op.drop_column("ledger_tree", "closed_at")


def _mentions() -> None:
    """The table, and in it what the statements that are there speak of beside their objects."""
    mentions = op.create_table(
        "ledger_mentions",
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("statement_row", _ID, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["statement_row"],
            ["ledger_statements.id"],
            name=op.f("fk_ledger_mentions_statement_row"),
        ),
        sa.PrimaryKeyConstraint("object_id", "event", "statement_row", name=op.f("pk_ledger_mentions")),
    )
    waiting: list[dict[str, Any]] = []
    for row in _mentioned(op.get_bind()):
        waiting.append(row)
        if len(waiting) == _FILLED_AT_ONCE:
            op.bulk_insert(mentions, waiting)
            waiting = []
    op.bulk_insert(mentions, waiting)


def _mentioned(connection: sa.Connection) -> Iterator[dict[str, Any]]:
    after = 0
    query = sa.text(
        "SELECT id, event, envelope FROM ledger_statements "
        "WHERE id > :after AND event IN ('LST.DRAFT', 'TRD.CONTRACT', 'DLV.DOWNLOAD') ORDER BY id LIMIT 500"
    )
    while rows := connection.execute(query, {"after": after}).all():
        for number, event, envelope in rows:
            payload = json.loads(base64.b64decode(json.loads(bytes(envelope))["payload"]))
            named = set()
            for name in _BESIDE[event]:
                value = payload["predicate"].get(name)
                for one in value if isinstance(value, list) else [value]:
                    named.add(one.get("sha256") if isinstance(one, dict) else one)
            for object_id in sorted(named - {None, payload["predicate"]["object"]}):
                yield {"object_id": object_id, "event": event, "statement_row": number}
        after = rows[-1][0]


def _erasable_answers() -> None:
    with op.batch_alter_table("idempotency_keys", schema=None) as batch_op:
        batch_op.add_column(sa.Column("about", sa.Text(), nullable=True))
        batch_op.create_index(batch_op.f("ix_idempotency_keys_about"), ["about"], unique=False)
