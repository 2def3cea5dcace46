"""What is in a table, and what a table of a part is found by. Pure."""

from dataclasses import dataclass

from base.canonical import canonical, sha256_hex
from market.orders.parts import View


@dataclass(frozen=True, slots=True)
class Shape:
    """What is in a table: how many rows, and its columns with DuckDB's types of them."""

    rows: int
    columns: tuple[tuple[str, str], ...]


def made_of(sha256: str, view: View) -> str:
    """What a table is found by: the digest of its file, or of the file and the part of it."""
    return sha256 if view.whole else sha256_hex(canonical([sha256, view.document()]))
