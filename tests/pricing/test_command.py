"""`databourse price`: the shapes of docs/pricing.md from the outside."""

import json

import pytest
import typer
from typer.testing import CliRunner

from base.canonical import canonical
from cli.price import MAX_FACTS_BYTES, price
from tests.pricing.facts import CAP_YEAR, EXAMPLES, FIXED, NEGOTIATION

app = typer.Typer()
app.command()(price)


def run(method, facts, **options):
    raw = facts if isinstance(facts, bytes) else json.dumps(facts).encode()
    return CliRunner().invoke(app, [method, "--facts", "-"], input=raw, **options)


def test_the_yearly_test_prints_its_result():
    result = run("cap", CAP_YEAR)
    assert result.exit_code == 0
    printed = json.loads(result.stdout)
    assert printed["permitted_minor"] == 1_077_500_000
    assert printed["deviation"] == "0.197216"
    assert printed["adjust_cap"] is True
    assert printed["mechanism"] == "M13"
    assert len(printed["inputs_sha256"]) == 64


def test_rates_written_as_numbers_are_read_as_their_decimal_text():
    text = json.dumps(CAP_YEAR).replace('"0.0175"', "0.0175").replace('"0.06"', "0.06")
    assert run("cap", text.encode()).stdout == run("cap", CAP_YEAR).stdout


def test_facts_come_from_a_file_too(tmp_path):
    path = tmp_path / "facts.json"
    path.write_text(json.dumps(FIXED), encoding="utf-8")
    result = CliRunner().invoke(app, ["fixed", "--facts", str(path)])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["total_minor"] == 68_000_000


def test_two_runs_print_the_same_bytes():
    assert run("negotiated", NEGOTIATION).stdout == run("negotiated", NEGOTIATION).stdout


@pytest.mark.parametrize("method", sorted(EXAMPLES))
def test_every_method_prints_one_line_of_canonical_json(method):
    result = run(method, EXAMPLES[method])
    assert result.exit_code == 0
    assert result.stdout.encode() == canonical(json.loads(result.stdout)) + b"\n"


@pytest.mark.parametrize(
    ("method", "changes", "code", "says"),
    [
        ("tiers", {"quantity": -1}, 2, "quantity-out-of-bounds: "),
        ("tiers", {"quantity": 10**30}, 2, "quantity-out-of-bounds: "),
        ("tiers", {"tiers": [{"up_to": 10, "rate_minor": "1"}]}, 1, "quantity-above-tiers: "),
        ("tiers", {"tiers": [{"up_to": None, "rate_minor": "1"}] * 2}, 2, "tiers-malformed: "),
        ("volume", {"tiers": []}, 2, "malformed: "),
        ("metered", {"commit_minor": 2, "cap_minor": 1}, 2, "billing-malformed: "),
        ("subscription", {"from_day": "2026-10-31"}, 2, "subscription-malformed: "),
        ("second-price", {"bids": []}, 2, "bids-malformed: "),
        ("second-price", {"bids": [{"bidder": "a", "price_minor": 1}] * 2}, 2, "bids-malformed: "),
        ("second-price", {"units": 0}, 2, "malformed: "),
        ("rsop", {"bids": []}, 2, "bids-malformed: "),
        ("rsop", {"seed": "not hex"}, 2, "malformed: "),
    ],
)
def test_wrong_facts_name_their_error_and_print_no_quote(method, changes, code, says):
    result = run(method, EXAMPLES[method] | changes)
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.startswith(says)


def test_a_refused_price_exits_1_with_its_code():
    result = run("capped", {"price_minor": 2, "cap_minor": 1})
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("price-above-cap: ")


@pytest.mark.parametrize(
    ("method", "facts", "says"),
    [
        ("fixed", b"{", "malformed: "),
        ("fixed", b"\xff", "malformed: "),
        ("fixed", {"price_minor": 1, "buyer_id": "org_1"}, "buyer_id"),
        ("auction", {}, "pricing-method-unknown: "),
        ("fixed", b" " * (MAX_FACTS_BYTES + 1), "too large"),
    ],
)
def test_malformed_facts_exit_2_and_say_why(method, facts, says):
    result = run(method, facts)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert says in result.stderr
    assert "Traceback" not in result.stderr


def test_a_file_that_is_not_there_exits_2(tmp_path):
    result = CliRunner().invoke(app, ["fixed", "--facts", str(tmp_path / "none.json")])
    assert result.exit_code == 2
    assert "cannot be read" in result.stderr
