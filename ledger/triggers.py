"""What the database itself enforces: balanced batches, and rows that are never rewritten.

Of SQLite the row that closes a batch checks the sum of its legs, and no leg can join a closed batch.
PostgreSQL checks every batch that a statement gave legs to, all of them together, behind that statement.
"""

from typing import Final

from sqlalchemy import DDL, MetaData, event

_PERMANENT: Final = ("ledger_statements", "ledger_entries", "ledger_postings", "ledger_posting_batches")

SQLITE: Final = (
    """
    CREATE TRIGGER ledger_batch_sums AFTER INSERT ON ledger_posting_batches
    WHEN EXISTS (SELECT 1 FROM ledger_postings WHERE batch_id = NEW.batch_id
                 GROUP BY currency HAVING SUM(amount_minor) <> 0)
      OR (NEW.kind <> 'void'
          AND NOT EXISTS (SELECT 1 FROM ledger_postings WHERE batch_id = NEW.batch_id))
    BEGIN SELECT RAISE(ABORT, 'posting batch does not sum to zero'); END
    """,
    """
    CREATE TRIGGER ledger_batch_closed BEFORE INSERT ON ledger_postings
    WHEN EXISTS (SELECT 1 FROM ledger_posting_batches WHERE batch_id = NEW.batch_id)
    BEGIN SELECT RAISE(ABORT, 'posting batch is closed'); END
    """,
    *(
        f"""
        CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table}
        BEGIN SELECT RAISE(ABORT, '{table} is insert-only'); END
        """
        for table in _PERMANENT
        for verb in ("UPDATE", "DELETE")
    ),
)

POSTGRESQL: Final = (
    """
    CREATE FUNCTION ledger_check_batch() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF EXISTS (SELECT 1 FROM ledger_postings WHERE batch_id = NEW.batch_id
                 GROUP BY currency HAVING SUM(amount_minor) <> 0) THEN
        RAISE EXCEPTION 'posting batch does not sum to zero' USING ERRCODE = 'check_violation';
      END IF;
      RETURN NULL;
    END $$
    """,
    """
    CREATE CONSTRAINT TRIGGER ledger_batch_sums AFTER INSERT ON ledger_postings
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_check_batch()
    """,
    """
    CREATE FUNCTION ledger_insert_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION '%% is insert-only', TG_TABLE_NAME USING ERRCODE = 'check_violation'; END $$
    """,
    *(
        f"""
        CREATE TRIGGER {table}_insert_only BEFORE UPDATE OR DELETE ON {table}
        FOR EACH ROW EXECUTE FUNCTION ledger_insert_only()
        """
        for table in _PERMANENT
    ),
)

# Step 0002: an entry leaves the live log for the shelf of closed logs, and in no other way.
SHARDS_SQLITE: Final = (
    "DROP TRIGGER ledger_entries_no_delete",
    """
    CREATE TRIGGER ledger_entries_no_delete BEFORE DELETE ON ledger_entries
    WHEN NOT EXISTS (SELECT 1 FROM ledger_past_entries p
                     WHERE p.statement_row = OLD.statement_row AND p.seq = OLD.seq
                       AND p.leaf_hash = OLD.leaf_hash AND p.entry = OLD.entry)
    BEGIN SELECT RAISE(ABORT, 'ledger_entries is insert-only'); END
    """,
    *(
        f"""
        CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table}
        BEGIN SELECT RAISE(ABORT, '{table} is insert-only'); END
        """
        for table in ("ledger_past_entries", "ledger_shards")
        for verb in ("UPDATE", "DELETE")
    ),
)
SHARDS_POSTGRESQL: Final = (
    "DROP TRIGGER ledger_entries_insert_only ON ledger_entries",
    """
    CREATE TRIGGER ledger_entries_insert_only BEFORE UPDATE ON ledger_entries
    FOR EACH ROW EXECUTE FUNCTION ledger_insert_only()
    """,
    """
    CREATE FUNCTION ledger_entry_leaves() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NOT EXISTS (SELECT 1 FROM ledger_past_entries p
                     WHERE p.statement_row = OLD.statement_row AND p.seq = OLD.seq
                       AND p.leaf_hash = OLD.leaf_hash AND p.entry = OLD.entry) THEN
        RAISE EXCEPTION '%% is insert-only', TG_TABLE_NAME USING ERRCODE = 'check_violation';
      END IF;
      RETURN OLD;
    END $$
    """,
    """
    CREATE TRIGGER ledger_entries_leave BEFORE DELETE ON ledger_entries
    FOR EACH ROW EXECUTE FUNCTION ledger_entry_leaves()
    """,
    *(
        f"""
        CREATE TRIGGER {table}_insert_only BEFORE UPDATE OR DELETE ON {table}
        FOR EACH ROW EXECUTE FUNCTION ledger_insert_only()
        """
        for table in ("ledger_past_entries", "ledger_shards")
    ),
)

# Step 0003: the sums of a statement's batches are checked by one question, and the log is held by one.
TOGETHER_POSTGRESQL: Final = (
    "DROP TRIGGER ledger_batch_sums ON ledger_postings",
    "DROP FUNCTION ledger_check_batch()",
    """
    CREATE FUNCTION ledger_check_batches() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF EXISTS (SELECT 1 FROM (SELECT DISTINCT batch_id FROM added) a
                 JOIN ledger_postings p ON p.batch_id = a.batch_id
                 GROUP BY p.batch_id, p.currency HAVING SUM(p.amount_minor) <> 0) THEN
        RAISE EXCEPTION 'posting batch does not sum to zero' USING ERRCODE = 'check_violation';
      END IF;
      RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER ledger_batch_sums AFTER INSERT ON ledger_postings
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger_check_batches()
    """,
    # What it reads is what stands when the lock is had: each question of such a function sees what is new.
    """
    CREATE FUNCTION ledger_hold(lock_key bigint) RETURNS TABLE (
      origin text, size bigint, root text, previous text, sealed_at timestamptz, halted text,
      closed_at timestamptz, waits boolean) LANGUAGE plpgsql VOLATILE AS $$
    BEGIN
      PERFORM pg_advisory_xact_lock(lock_key);
      RETURN QUERY SELECT t.origin, t.size, t.root, t.previous, t.sealed_at, t.halted, t.closed_at,
        EXISTS (SELECT 1 FROM ledger_pending) FROM ledger_tree AS t WHERE t.id = 1;
    END $$
    """,
    # An entry and its envelope fit a page as they are: to compress what is mostly base64 costs more.
    "ALTER TABLE ledger_entries SET (toast_tuple_target = 8160)",
    "ALTER TABLE ledger_statements SET (toast_tuple_target = 8160)",
)
NOT_TOGETHER_POSTGRESQL: Final = (
    "ALTER TABLE ledger_statements RESET (toast_tuple_target)",
    "ALTER TABLE ledger_entries RESET (toast_tuple_target)",
    "DROP FUNCTION ledger_hold(bigint)",
    "DROP TRIGGER ledger_batch_sums ON ledger_postings",
    "DROP FUNCTION ledger_check_batches()",
    *POSTGRESQL[:2],
)


def attach(metadata: MetaData) -> None:
    """Create the triggers whenever the schema is created."""
    both = (
        ("sqlite", SQLITE + SHARDS_SQLITE),
        ("postgresql", POSTGRESQL + SHARDS_POSTGRESQL + TOGETHER_POSTGRESQL),
    )
    for dialect, statements in both:
        for statement in statements:
            ddl = DDL(statement)  # type: ignore[no-untyped-call]  # untyped upstream
            event.listen(metadata, "after_create", ddl.execute_if(dialect=dialect))
