"""docs/pricing.md cannot rot: it names every method, reason, refusal and key, and its example holds."""

import inspect
import re
from pathlib import Path

import pytest

from base.errors import DomainError
from base.money import yuan
from pricing import errors
from pricing.facts import Facts
from pricing.methods import METHODS
from pricing.quote import MAX_PRICE_MINOR
from pricing.whole import whole_price

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "pricing.md").read_text(encoding="utf-8")
SOURCES = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "pricing").glob("*.py")))
# The questions of `Facts` that take a key.
READERS = [
    name
    for name, one in inspect.getmembers(Facts, inspect.isfunction)
    if "name" in inspect.signature(one).parameters and not name.startswith("_")
]


def table(heading):
    section = DOCUMENT.split(f"## {heading}\n")[1].split("\n## ")[0]
    return {match[1]: match[0] for match in re.finditer(r"^\| `([a-z0-9-]+)` \|.*$", section, re.MULTILINE)}


def test_every_reason_is_explained_and_no_other():
    """A reason's code is written where the reason is made, also where it is one of two."""
    given = {
        code
        for choice in re.findall(r'Reason\(\s*("[a-z0-9-]+"(?: if [^"]+? else "[a-z0-9-]+")?)', SOURCES)
        for code in re.findall(r'"([a-z0-9-]+)"', choice)
    }
    assert set(table("Reasons")) == given


def test_every_refusal_is_explained_with_its_rule():
    own = {
        error.code: error
        for _, error in inspect.getmembers(errors, inspect.isclass)
        if issubclass(error, DomainError) and error.__module__ == errors.__name__
    }
    told = table("Refusals")
    assert set(told) == {*own, "malformed"}
    for code, error in own.items():
        assert f"| {getattr(error, 'rule_id', None) or '–'} |" in told[code]


@pytest.mark.parametrize("method", sorted(METHODS))
def test_every_method_is_described(method):
    assert f"\n### `{method}`\n" in DOCUMENT
    assert f"| `{method}` |" in DOCUMENT


def test_every_key_that_is_read_is_named():
    """Every reader of `Facts` is called with the key it reads."""
    keys = set(re.findall(rf'\.(?:{"|".join(READERS)})\("(\w+)"', SOURCES))
    assert len(keys) > 15
    assert [key for key in sorted(keys) if not re.search(rf'[`"]{key}[`"]', DOCUMENT)] == []


def test_the_worked_price_is_the_arithmetic():
    whole = whole_price(68_000_000, commission_bp=200, platform_bp=100)
    for part in (
        whole.net_minor,
        whole.vat_minor,
        whole.commission_minor,
        whole.platform_fee_minor,
        whole.seller_minor,
        MAX_PRICE_MINOR,
    ):
        assert yuan(part) in DOCUMENT
