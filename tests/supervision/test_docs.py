"""`docs/supervision.md` says what is there, no more and no less."""

import re
from pathlib import Path

from supervision.rules import ALL
from supervision.schema import DERIVED, TABLES

PAGE = (Path(__file__).parents[2] / "docs" / "supervision.md").read_text("utf-8")


def rows(heading):
    section = PAGE.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    cells = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in section.splitlines()
        if line.startswith("|")
    ]
    return cells[2:]


def test_the_page_lists_the_rules_that_are_built_with_their_tables():
    listed = {
        re.findall(r"`([^`]+)`", rule)[0]: (
            set(re.findall(r"`(\w+)`", needs)),
            set(re.findall(r"`(\w+)`", uses)),
        )
        for rule, _, needs, uses in rows("The rules built so far")
    }
    assert listed == {rule.rule_id: (set(rule.needs), set(rule.uses)) for rule in ALL}


def test_the_page_lists_the_tables_with_their_columns():
    listed = {name.strip("`"): (columns.split(), mark) for name, columns, mark in rows("The tables")}
    assert listed == {
        name: (list(columns), "●" if name in DERIVED else "") for name, columns in TABLES.items()
    }
