"""The numbers of authorised operation (`rule_table.csv`), as they are in force on a day; pure."""

from functools import partial
from typing import Final

from base.rule_table import RoomTable

_TABLE: Final = RoomTable("registry.operation")
all_terms = _TABLE.all_terms
term = partial(_TABLE.term, "AOG")
