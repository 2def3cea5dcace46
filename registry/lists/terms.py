"""The numbers of the lists (`rule_table.csv`), as they are in force on a day; pure."""

from typing import Final

from base.rule_table import RoomTable

_TABLE: Final = RoomTable("registry.lists")
all_terms = _TABLE.all_terms
term = _TABLE.term
