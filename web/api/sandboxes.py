"""What may be asked of a listing's table, as a draft tells it."""

from typing import Annotated

from pydantic import Field

from market.listings.sandboxing import (
    MAX_COLUMNS,
    MAX_DECIMALS,
    MAX_NAME_CHARS,
    MAX_VALUE_CHARS,
    MAX_VALUES,
    AnswerMode,
    ColumnType,
)
from web.acts import Asked


class AskedColumnForm(Asked):
    """What may be asked of one column; `low` and `high` are the clipping bounds of sums and averages."""

    name: str = Field(min_length=1, max_length=MAX_NAME_CHARS)
    type: ColumnType = ColumnType.TEXT
    decimals: int = Field(default=0, ge=0, le=MAX_DECIMALS)
    filter: bool = False
    group: bool = False
    values: list[Annotated[str, Field(max_length=MAX_VALUE_CHARS)]] = Field(
        default_factory=list, max_length=MAX_VALUES
    )
    distinct: bool = False
    low: str | None = Field(default=None, max_length=20)
    high: str | None = Field(default=None, max_length=20)


class SandboxForm(Asked):
    """What may be asked of the table where it stays, and at which price (docs/howto/sandbox.md)."""

    columns: list[AskedColumnForm] = Field(min_length=1, max_length=MAX_COLUMNS)
    mode: AnswerMode = AnswerMode.DP
    min_group: int = Field(default=10, ge=1, le=10**6)
    epsilon_query_micro: int = Field(default=0, ge=0, le=10**8)
    epsilon_total_micro: int = Field(default=0, ge=0, le=10**9)
    delta_pico: int | None = Field(default=None, ge=1, le=10**6)
    max_queries: int = Field(default=100, ge=1, le=10**4)
    unit_column: str | None = Field(default=None, min_length=1, max_length=MAX_NAME_CHARS)
    unit_rows: int = Field(default=1, ge=1, le=10**4)
    approval: bool = False
    questions_shown: bool = False
