"""A table large enough that its download takes several pieces, and what its seller says of it."""

from typing import Any, Final

from base.canonical import sha256_hex

ROWS: Final = 60_000
_NOTE: Final = "measured at the meters of at least ten firms of this county and month; " * 3
# More than the buffers of a socket on this machine hold, so that a line can break in the middle of it.
TABLE: Final = (
    "county,month,index,note\n"
    + "".join(
        f"{county},{2000 + month // 12}-{month % 12 + 1:02d},{100 + county % 90}.{month % 10},{_NOTE}\n"
        for county in range(440_100, 440_100 + ROWS // 200)
        for month in range(200)
    )
).encode()
DECLARED: Final[dict[str, Any]] = {
    "columns": [
        {"name": "county", "type": "text", "meaning": "county code, GB/T 2260"},
        {"name": "month", "type": "month", "meaning": "month of use"},
        {"name": "index", "type": "decimal", "meaning": "electricity use, 2024 = 100"},
        {"name": "note", "type": "text", "meaning": "how it was measured"},
    ],
    "update_frequency": "once",
    "period_column": "month",
    "period_from": "2000-01-01",
    "period_to": "2016-08-31",
}
SUBMITTED: Final[dict[str, Any]] = {
    "source": "SELF_COLLECTED",
    "source_statement_sha256": sha256_hex(b"source statement"),
    "basis_ref": "SJ4412026090001",
}


def drafted(file_id: str, **more: Any) -> dict[str, Any]:
    """A draft of SC-1's product."""
    return {
        "file_id": file_id,
        "title": "2025年广东省工业企业月度用电指数数据集",
        "description": "按县区和月份汇总,每格不少于10家企业",
        "scenario": "中小企业信贷风险模型,仅限内部建模",
        "category": "energy",
        "geo": "440000",
        "licence_class": "INTERNAL_USE",
        "licence_of_data": "内部建模使用, 不得转售, 限境内",
        "unit": "份",
        "quantity": 1,
        "level": "general-2",
        "list_price_minor": 76_000_000,
        **more,
    }


def offer(price_minor: int, expires_at: str, **more: Any) -> dict[str, Any]:
    """The terms of an offer."""
    return {
        "price_minor": price_minor,
        "quantity": 1,
        "unit": "份",
        "licence_class": "INTERNAL_USE",
        "term_months": 12,
        "purpose": "内部建模,不转售",
        "expires_at": expires_at,
        **more,
    }
