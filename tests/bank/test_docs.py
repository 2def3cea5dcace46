"""`docs/bank.md` names every call the bank answers, and no other; and every code and fault."""

import re
from pathlib import Path

from bank.rules import FaultKind
from tests.bank.customers import get

PAGE = (Path(__file__).parents[2] / "docs" / "bank.md").read_text(encoding="utf-8")


def test_the_page_lists_the_calls(bank):
    described = set(re.findall(r"^\| `(GET|POST) (/[^`]*)` \|", PAGE, re.MULTILINE))
    paths = get(bank, "/openapi.json").json()["paths"]
    assert described == {(verb.upper(), path) for path, verbs in paths.items() for verb in verbs}


def test_the_page_lists_the_reasons_and_faults():
    source = (Path(__file__).parents[2] / "bank" / "rules.py").read_text(encoding="utf-8")
    for code in set(re.findall(r'"([A-Z]{2}\d{2})"', source)):
        assert code in PAGE, code
    for kind in FaultKind:
        assert f"`{kind}`" in PAGE
