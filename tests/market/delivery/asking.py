"""What may be asked of the tests' goods, and the goods themselves as a table."""

from pathlib import Path
from typing import Any

import duckdb

from market.listings.sandboxing import SandboxTerms, sandbox_from

COUNTIES = ("440104", "440106", "440305")
TERMS: dict[str, Any] = {
    "columns": [
        {"name": "county", "group": True, "filter": True, "values": list(COUNTIES)},
        {"name": "month", "type": "date", "group": True, "filter": True},
        {"name": "kwh", "type": "decimal", "decimals": 2, "filter": True, "low": "-10", "high": "100.5"},
        {"name": "firms", "type": "integer", "filter": True, "distinct": True, "low": "0", "high": "50"},
        {"name": "name", "filter": True, "distinct": True},
    ],
    "epsilon_query_micro": 1_000_000,
    "epsilon_total_micro": 2_500_000,
    "delta_pico": 1_000_000,
    "min_group": 3,
    "max_queries": 20,
}


def terms(**other: Any) -> SandboxTerms:
    """The usual terms, with other members."""
    return sandbox_from(TERMS | other)


def plain(**other: Any) -> SandboxTerms:
    """The same without noise."""
    nothing = {"epsilon_query_micro": 0, "epsilon_total_micro": 0, "delta_pico": None}
    return terms(**({"mode": "PLAIN", "min_group": 3} | nothing | other))


def write_table(path: Path, rows: str, columns: str = "county, month, kwh, firms, name") -> Path:
    """A Parquet file of rows written as SQL values."""
    connection = duckdb.connect()
    connection.execute(f"COPY (SELECT * FROM (VALUES {rows}) t({columns})) TO '{path}' (FORMAT parquet)")
    connection.close()
    return path
