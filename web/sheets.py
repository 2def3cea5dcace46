"""Lists as CSV (RFC 4180, UTF-8): what stands beside a page or a JSON answer, for spreadsheets."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from starlette.responses import Response

from base.clock import rfc3339
from market.settlement.accounts import plain_cell

CSV: Final = "text/csv"


class Format(StrEnum):
    """How a list is answered."""

    JSON = "json"
    CSV = "csv"


def wants_csv(form: Format | None, accept: str | None) -> bool:
    """Whether CSV was asked for, by `format` or else by `Accept`."""
    return (form or (Format.CSV if CSV in (accept or "") else Format.JSON)) is Format.CSV


def sheet(name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response:
    """Rows under their columns, as a download; no cell begins as a formula would."""
    written = io.StringIO()
    lines = csv.writer(written, lineterminator="\r\n")
    lines.writerow(columns)
    lines.writerows([_cell(value) for value in row] for row in rows)
    headers = {"content-disposition": f'attachment; filename="{name}"', "vary": "accept"}
    return Response(written.getvalue(), media_type=f"{CSV}; charset=utf-8; header=present", headers=headers)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return rfc3339(value)
    return plain_cell(str(value))
