"""Which values a column takes: its CHECK changed, on both databases."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op


def one_of(column: str, values: Sequence[str]) -> str:
    """The CHECK of a column that takes these values, as it was made."""
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


def change_check(table: str, name: str, *, was: str, now: str) -> None:
    """Change the CHECK `name` of a table; `was` and `now` are what stands in it.

    SQLite has no statement for this, and a table that others refer to cannot be made anew while references
    are enforced; what its manual advises for a CHECK is to correct the text of the schema. Raises
    RuntimeError where that text is another one.
    """
    bind = op.get_bind()
    if bind.dialect.name != "sqlite":
        op.drop_constraint(op.f(name), table, type_="check")
        op.create_check_constraint(op.f(name), table, now)
        return
    version = bind.scalar(sa.text("PRAGMA schema_version"))
    bind.execute(sa.text("PRAGMA writable_schema = ON"))
    changed = bind.execute(
        sa.text(
            "UPDATE sqlite_master SET sql = replace(sql, :was, :now) "
            "WHERE type = 'table' AND name = :table AND instr(sql, :was) > 0"
        ),
        {"was": was, "now": now, "table": table},
    )
    if changed.rowcount != 1:
        raise RuntimeError(f"{name} is not what it was made as")
    bind.execute(sa.text(f"PRAGMA schema_version = {int(version or 0) + 1}"))
    bind.execute(sa.text("PRAGMA writable_schema = OFF"))
