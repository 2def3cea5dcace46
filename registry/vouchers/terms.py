"""The numbers of asset certificates (`rule_table.csv`), as they are in force on a day; pure."""

from datetime import datetime
from typing import Final

from base.rule_table import RoomTable

_TABLE: Final = RoomTable("registry.vouchers")
all_terms = _TABLE.all_terms


def term(name: str, at: datetime) -> int:
    """A number as it is in force on a day in Shanghai. Raises KeyError where none was."""
    return _TABLE.term("CRT-TERM", name, at).whole
