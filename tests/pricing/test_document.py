"""docs/pricing.md cannot rot: it names every method, reason, refusal and key, and its example holds."""

import inspect
import re
from pathlib import Path

import pytest

from base.errors import DomainError
from base.money import yuan
from pricing import cap, errors, fixed, negotiated
from pricing.methods import METHODS
from pricing.quote import MAX_PRICE_MINOR
from pricing.whole import whole_price

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "pricing.md").read_text(encoding="utf-8")


def table(heading):
    section = DOCUMENT.split(f"## {heading}\n")[1].split("\n## ")[0]
    return {match[1]: match[0] for match in re.finditer(r"^\| `([a-z-]+)` \|.*$", section, re.MULTILINE)}


def test_every_reason_is_explained_and_no_other():
    sources = "".join(inspect.getsource(module) for module in (fixed, negotiated, cap))
    given = set(re.findall(r'Reason\(\s*"([a-z-]+)"', sources)) | set(
        re.findall(r'"(deviation-[a-z-]+)"', sources)
    )
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
    sources = "".join(
        (ROOT / "pricing" / name).read_text(encoding="utf-8")
        for name in ("fixed.py", "negotiated.py", "cap.py", "whole.py", "facts.py")
    )
    keys = set(
        re.findall(r'\.(?:amount|price|count|rate|text|moment|objects|object|basis_points)\("(\w+)"', sources)
    )
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
