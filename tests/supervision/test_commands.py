"""`databourse evidence` and `databourse supervise`, from a bundle to findings, as a person runs them."""

import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from cli.evidence import evidence
from cli.supervise import supervise
from ledger.bundle import Edition
from supervision.report import load_report
from supervision.rules import ALL
from supervision.schema import DERIVED
from tests.supervision.operation import SC9_RULES, check_sc9, sc9
from tests.supervision.statements import BROKER, BUYER, SELLER, comparable, founded, sc1
from tests.supervision.tables import Market

app = typer.Typer()
app.command("evidence")(evidence)
app.command("supervise")(supervise)


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def market_with_sc1():
    ledger = founded()
    for n, price in enumerate(("59500000", "60000000", "65500000", "66000000", "71500000", "73000000")):
        comparable(ledger, n, price)
    ledger.until(2026, 11, 16, 2)
    contract = sc1(ledger)
    return ledger, contract


@pytest.mark.parametrize("name", ["bundle", "bundle.zip"])
@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_sc1_from_the_bundle_to_no_finding(tmp_path, name, form):
    ledger, contract = market_with_sc1()
    bundle = ledger.bundle(tmp_path / name)
    derived = run("evidence", bundle, "--out", tmp_path / "evidence", "--format", form)
    assert derived.exit_code == 0, derived.output
    assert "trades                         7" in derived.output
    result = run(
        "supervise", tmp_path / "evidence", "--as-of", "2027-01-31T00:00:00Z", "--out", tmp_path / "f.json"
    )
    assert result.exit_code == 0, result.output
    report = load_report(tmp_path / "f.json")
    assert report.findings == ()
    elsewhere = {rule.rule_id for rule in ALL if not rule.needs.keys() <= set(DERIVED)}
    assert {off.rule_id for off in report.rules_off} == elsewhere  # their tables are reports from elsewhere
    assert contract > 0
    assert "WT4@1" in result.output
    assert "0 findings" in result.output


def test_sc9_and_a_suspended_broker_are_found_from_an_export_the_same_in_parquet_and_csv(tmp_path):
    ledger, _ = market_with_sc1()
    ledger.say("BRK.SUSPEND", "crt_1", cert_id="crt_1", org_id=BROKER)
    mandate = {
        "mandate_id": "mnd_2",
        "broker_id": BROKER,
        "client_id": SELLER,
        "ends_at": "2027-06-30T00:00:00.000Z",
    }
    ledger.say("MND.SIGN", "mnd_2", **mandate)
    ledger.say("MND.ACCEPT", "mnd_2", **mandate)
    bundle = sc9(ledger).bundle(tmp_path / "bundle")
    written = []
    for form in ("parquet", "csv"):
        assert run("evidence", bundle, "--out", tmp_path / form, "--format", form).exit_code == 0
        out = ("--as-of", "2028-07-01T00:00:00Z", "--out", tmp_path / f"{form}.json")
        assert run("supervise", tmp_path / form, *out).exit_code == 0
        written.append((tmp_path / f"{form}.json").read_bytes())
    assert written[0] == written[1]
    told = {one.rule_id: one for one in load_report(tmp_path / "csv.json").findings}
    assert (told["BR1"].subjects, told["BR1"].objects) == ((BROKER,), ("mnd_2",))
    check_sc9(told)
    assert set(told) == SC9_RULES | {"BR1", "BR14"}  # the broker reported on no year


def test_findings_are_no_error(tmp_path):
    folder = Market("orgs", "trades").trade("t", "a", "a", 1).write(tmp_path / "evidence")
    result = run("supervise", folder, "--out", tmp_path / "new" / "findings.json")
    assert result.exit_code == 0
    assert "WT1@4" in result.output
    assert "BR1            off: the table certificate_events is not there" in result.output
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["findings.json"]


def test_the_public_edition_is_refused_in_words(tmp_path):
    bundle = founded().bundle(tmp_path / "bundle", Edition.PUBLIC)
    result = run("evidence", bundle, "--out", tmp_path / "evidence")
    assert result.exit_code == 2
    assert "regulator edition" in result.output
    assert not (tmp_path / "evidence").exists()


def test_a_bundle_that_is_none_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "nowhere", tmp_path / "empty"):
        result = run("evidence", path, "--out", tmp_path / "evidence")
        assert result.exit_code == 2
        assert "Traceback" not in result.output
        assert not (tmp_path / "evidence").exists()


def test_an_opening_that_was_changed_is_named_by_its_seq(tmp_path):
    bundle = founded().bundle(tmp_path / "bundle")
    (path,) = (bundle / "openings").rglob("*.jsonl")
    path.write_bytes(path.read_bytes().replace(b"ctl_org_buyer", b"ctl_org_fraud"))
    result = run("evidence", bundle, "--out", tmp_path / "evidence")
    assert result.exit_code == 2
    assert "OPENING" in result.output
    assert "(seq 2)" in result.output


def test_bad_options_are_refused(tmp_path):
    bundle = founded().bundle(tmp_path / "bundle")
    folder = Market("trades").trade("t", "a", "a", 1).write(tmp_path / "tables")
    for arguments, said in (
        (("evidence", bundle, "--out", tmp_path / "e", "--format", "xlsx"), "--format"),
        (("supervise", folder, "--engine", "flink"), "--engine"),
        (("supervise", folder, "--as-of", "tomorrow"), "--as-of"),
        (("supervise", folder, "--mode", "any"), "--mode"),
        (("supervise", tmp_path / "nowhere"), "not a folder"),
        (("supervise", bundle), "no evidence table"),
    ):
        result = run(*arguments)
        assert result.exit_code == 2, arguments
        assert said in result.output


def test_a_file_where_the_tables_should_go_is_left_alone(tmp_path):
    bundle = founded().bundle(tmp_path / "bundle")
    (tmp_path / "out").write_text("mine")
    assert run("evidence", bundle, "--out", tmp_path / "out").exit_code == 2
    assert (tmp_path / "out").read_text() == "mine"


def test_parties_of_sc1_are_in_the_tables(tmp_path):
    ledger, _ = market_with_sc1()
    run("evidence", ledger.bundle(tmp_path / "bundle"), "--out", tmp_path / "e", "--format", "csv")
    line = next(
        line for line in (tmp_path / "e" / "trades.csv").read_text("utf-8").splitlines() if "trd_1," in line
    )
    assert {SELLER, BUYER, BROKER, "68000000"} <= set(line.split(","))


def test_the_commands_load_no_engine_until_they_run():
    code = "import sys, cli.evidence, cli.supervise, supervision.report\nprint(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert {"ibis", "duckdb", "pyarrow", "pandas", "sqlalchemy"}.isdisjoint(loaded)
