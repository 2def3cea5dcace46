"""Evidence tables of an honest market of any size, made inside DuckDB and written as Parquet.

A fiftieth of the trades are sold on by somebody who is usually a buyer, so that every rule has to look.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import duckdb

from supervision.schema import TABLES, Kind

AS_OF: Final = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
_SQL: Final = {
    Kind.TEXT: "VARCHAR",
    Kind.INT: "BIGINT",
    Kind.BOOL: "BOOLEAN",
    Kind.TIME: "TIMESTAMPTZ",
    Kind.DAY: "DATE",
    Kind.SHARE: "DECIMAL(18, 9)",
    Kind.LIST: "VARCHAR[]",
}
_ORGS: Final = 6_000
_SELLERS: Final = 600
_BROKERS: Final = 60
_TRADES_OF_A_PRODUCT: Final = 80
# An even hash of a number: chance that is the same in every run.
_MACRO: Final = "CREATE MACRO pick(n, salt, below) AS (hash(n * 7919 + salt) % below)::BIGINT"
_TABLES: Final = {
    "orgs": f"""
        SELECT 'org_' || n AS org_id, '机构' || n AS name, '440100' AS region,
          'ctl_' || (n - n % 20 // 19) AS controller_id, false AS is_ciio,
          ['PROVIDER', 'BUYER'] AS roles FROM range({_ORGS}) AS r (n)""",
    "listings": f"""
        SELECT 'lst_' || n AS listing_id, 'prd_' || n AS product_id, 'org_' || n % {_SELLERS} AS seller_id,
          'category-' || n % 8 AS category, 'geo-' || n // 8 % 6 AS geo, 'general-2' AS level,
          'DATASET' AS product_type, 1000000 + n AS list_price_minor, false AS public_data,
          TIMESTAMP '2025-10-01 00:00:00' AS listed_at, n AS seq FROM range({{products}}) AS r (n)""",
    "certificates": f"""
        SELECT 'crt_' || n AS cert_id, 'org_' || {_ORGS} - 1 - n AS org_id, 'M' AS broker_type, 2 AS grade,
          ['*'] AS sectors, 'general-2' AS max_level, false AS cross_border,
          TIMESTAMP '2025-01-01 00:00:00' AS valid_from, TIMESTAMP '2028-01-01 00:00:00' AS valid_to
        FROM range({_BROKERS}) AS r (n)""",
    "certificate_events": f"""
        SELECT 'crt_' || n AS cert_id, TIMESTAMP '2025-01-01 00:00:00' AS "at", 'certified' AS event, n AS seq
        FROM range({_BROKERS}) AS r (n)""",
    "trades": """
        SELECT 'trd_' || n AS trade_id, 'lst_' || p AS listing_id, 'prd_' || p AS product_id,
          'org_' || CASE WHEN pick(n, 7, 50) = 0 THEN {sellers} + pick(n, 8, {buyers}) ELSE p % {sellers} END
            AS seller_id,
          'org_' || {sellers} + pick(n, 2, {buyers}) AS buyer_id,
          CASE WHEN pick(n, 3, 10) < 3 THEN 'org_' || {orgs} - 1 - pick(n, 4, {brokers}) END AS broker_id,
          'category-' || p % 8 AS category, 'geo-' || p // 8 % 6 AS geo, 'internal-use' AS licence_class,
          1 AS quantity, 'set' AS unit, a AS amount_minor, a // 50 AS commission_minor,
          a // 100 AS platform_fee_minor, made AS contract_dated_at, made AS agreed_at,
          made + INTERVAL 1 DAY AS delivered_at, made + INTERVAL 2 DAY AS accepted_at,
          made + INTERVAL 3 DAY AS settled_at, 'SETTLED' AS status, 1000 + 10 * n AS seq
        FROM (SELECT n, pick(n, 1, {products}) AS p, 100000 + pick(n, 5, 90000000) AS a,
                CASE WHEN n < {year} THEN TIMESTAMP '2025-11-25 00:00:00' + to_seconds(pick(n, 6, 30000000))
                  ELSE TIMESTAMP '2026-11-21 05:00:00' + to_seconds(pick(n, 6, 80000)) END AS made
              FROM range({trades}) AS r (n))""",
    "payments": """
        SELECT 'pay_' || trade_id || purpose AS payment_id, trade_id, buyer_id AS payer_id,
          seller_id AS payee_id, amount AS amount_minor,
          CASE WHEN purpose = 'escrow_in' THEN agreed_at + INTERVAL 1 HOUR ELSE settled_at END AS paid_at,
          purpose, seq + 1 AS seq
        FROM (SELECT *, unnest(['escrow_in', 'seller_share', 'commission', 'platform_fee']) AS purpose,
                unnest([amount_minor, amount_minor - commission_minor - platform_fee_minor, commission_minor,
                        platform_fee_minor]) AS amount FROM trades_table)""",
    "usage": """
        SELECT trade_id, delivered_at::DATE AS day, 0 AS calls, 1 AS downloads, 0 AS compute_jobs,
          1000 AS bytes, seq + 2 AS seq FROM trades_table""",
    "quotes": """
        SELECT 'qte_' || trade_id AS quote_id, listing_id, seller_id, buyer_id, broker_id,
          agreed_at AS quoted_at, amount_minor AS price_minor, 1 AS quantity, unit, licence_class,
          'accepted' AS outcome, seq - 1 AS seq, trade_id FROM trades_table""",
    "mandates": f"""
        SELECT 'mnd_' || n AS mandate_id, 'org_' || {_ORGS} - 1 - n % {_BROKERS} AS broker_id,
          'org_' || n // {_BROKERS} AS client_id, 'PROVIDER' AS side,
          TIMESTAMP '2025-01-02 00:00:00' AS signed_at,
          TIMESTAMP '2028-01-01 00:00:00' AS ends_at, 200 AS fee_bp, false AS conflict_disclosed,
          false AS dual_consent, n AS seq FROM range({_BROKERS * _ORGS}) AS r (n)""",
    "source_checks": """
        SELECT trade_id, broker_id, agreed_at - INTERVAL 1 HOUR AS "at",
          agreed_at + INTERVAL 21 YEAR AS keep_until, seq - 2 AS seq
        FROM trades_table WHERE broker_id IS NOT NULL""",
    "access": """
        SELECT trade_id, 'ent_' || trade_id AS entitlement_id, buyer_id AS org_id, delivered_at AS "at",
          1000 AS bytes, seq + 3 AS seq FROM trades_table""",
    "requests": """
        SELECT trade_id AS request_id, listing_id, seller_id, buyer_id, true AS buyer_qualified,
          agreed_at - INTERVAL 2 DAY AS asked_at, agreed_at - INTERVAL 1 DAY AS answered_at,
          'offered' AS outcome, seq - 3 AS seq FROM trades_table""",
    "flags": "SELECT 'trd_0' AS trade_id, 'cse_0' AS case_id, 1 AS from_seq, 2 AS to_seq",
}


def write_evidence(folder: Path, trades: int, *, on_the_day_after: int = 0) -> datetime:
    """Write a folder of tables with so many trades of a year; returns from when to look at them.

    Those of the day after come behind them, and it is looked a day later.
    """
    folder.mkdir()
    sizes = {
        "trades": trades + on_the_day_after,
        "year": trades,
        "orgs": _ORGS,
        "sellers": _SELLERS,
        "buyers": _ORGS - _SELLERS - _BROKERS,
        "brokers": _BROKERS,
        "products": max(trades // _TRADES_OF_A_PRODUCT, 1),
    }
    with duckdb.connect() as connection:
        connection.execute(_MACRO)
        connection.execute(f"CREATE TABLE trades_table AS {_TABLES['trades'].format(**sizes)}")
        for name, sql in _TABLES.items():
            source = "SELECT * FROM trades_table" if name == "trades" else sql.format(**sizes)
            connection.execute(f"CREATE VIEW written AS {source}")
            there = {row[0] for row in connection.execute("DESCRIBE written").fetchall()}
            _write(connection, folder, name, there)
            connection.execute("DROP VIEW written")
        for name in TABLES.keys() - _TABLES.keys():  # there, and without a row: no rule is off
            connection.execute("CREATE VIEW written AS SELECT 1 AS nothing WHERE false")
            _write(connection, folder, name, set())
            connection.execute("DROP VIEW written")
    return AS_OF + timedelta(days=1) if on_the_day_after else AS_OF


def _write(connection: duckdb.DuckDBPyConnection, folder: Path, name: str, there: set[str]) -> None:
    """The view `written` as a table of evidence with all its columns; what it does not have is empty."""
    columns = [
        f"CAST({quoted if column in there else 'NULL'} AS {_SQL[kind]}) AS {quoted}"
        for column, kind in TABLES[name].items()
        for quoted in (f'"{column}"',)
    ]
    path = folder / f"{name}.parquet"
    connection.execute(f"COPY (SELECT {', '.join(columns)} FROM written) TO '{path}' (FORMAT parquet)")
