"""The numbers of held quotes (`rule_table.csv`), as they are in force on a day; pure."""

from typing import Final

from base.rule_table import RoomTable

_TABLE: Final = RoomTable("market.quotes")
all_terms = _TABLE.all_terms
term = _TABLE.term
