"""How what is shared is called, and its pages. Pure.

A share is named after the seller, a schema is the trade, a table is named after its listing, as in
`粤能数科.trd_….工业用电指数`. Names are compared without their case (Delta Sharing, Names).
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from base.errors import Malformed

MAX_CHARS: Final = 100
MAX_PAGE: Final = 500
_AFTER: Final = "after-"
_DIGITS: Final = 9
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SharedName:
    """The three parts of a table's name."""

    share: str
    schema: str
    table: str

    def has(self, share: str, schema: str | None = None, table: str | None = None) -> bool:
        """Whether these are this table's, as far as they are given."""
        asked = ((share, self.share), (schema, self.schema), (table, self.table))
        return all(said is None or said.casefold() == name.casefold() for said, name in asked)


def slug(text: str) -> str:
    """Letters and figures of any script and `_`, with `-` for all that is between them; never empty."""
    plain = unicodedata.normalize("NFKC", text)
    words = "".join(sign if sign.isalnum() or sign == "_" else " " for sign in plain).split()
    return "-".join(words)[:MAX_CHARS].strip("-") or "table"


def page(
    items: Sequence[T], *, max_results: str | None, page_token: str | None
) -> tuple[Sequence[T], str | None]:
    """A page of a list and the token of the next one. Raises Malformed."""
    size = MAX_PAGE if max_results is None else _whole(max_results, "maxResults")
    start = 0
    if page_token:
        if not page_token.startswith(_AFTER):
            raise Malformed("this is no page token of ours", member="pageToken")
        start = _whole(page_token.removeprefix(_AFTER), "pageToken")
    end = min(start + min(size, MAX_PAGE), len(items))
    return items[start:end], f"{_AFTER}{end}" if end < len(items) else None


def _whole(text: str, member: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > _DIGITS:
        raise Malformed("a whole number from 0 is asked for", member=member)
    return int(text)
