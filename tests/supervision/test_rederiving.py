"""The accused's own check: from the public bundle and its own openings to the very finding, all the way."""

import base64
from datetime import UTC, datetime

import orjson
import pytest
import typer
from typer.testing import CliRunner

from cli.evidence import evidence
from cli.receipt import receipt
from cli.rederive import dossier, rederive
from ledger.bundle import Edition
from supervision.report import load_report
from supervision.runner import carry_out
from tests.supervision.statements import SELLER, founded, sc1
from tests.supervision.tables import plan_of

app = typer.Typer()
for command in (evidence, dossier, rederive, receipt):
    app.command(command.__name__)(command)


def run(*arguments, code=0):
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == code, done.output
    return done.output


@pytest.fixture(scope="module")
def accused(tmp_path_factory):
    """A trade far above the cap of its listing: what the regulator finds, and has handed over."""
    folder = tmp_path_factory.mktemp("accused")
    ledger = founded()
    capped = {"title": "用电指数", "list_price_minor": "50", "cap_minor": "40", "unit": "set", "quantity": 1}
    ledger.say(
        "LST.DRAFT",
        "lst_1",
        actor=SELLER,
        role="PROVIDER",
        opening=capped,
        listing_id="lst_1",
        product_id="prd_1",
        seller_id=SELLER,
        category="energy",
        geo="nationwide",
        level="general-2",
        product_type="DATASET",
        public_data=True,
        file={"sha256": "ab" * 32, "bytes": 5},
    )
    ledger.until(2026, 11, 16, 2)
    sc1(ledger)
    whole = ledger.bundle(folder / "regulator")
    ledger.bundle(folder / "public", Edition.PUBLIC)
    run("evidence", whole, "--out", folder / "evidence")
    plan = plan_of(datetime(2027, 1, 31, tzinfo=UTC), only=("PRICE_CAP",))
    (folder / "findings.json").write_bytes(carry_out(plan, folder / "evidence").encoded())
    report = load_report(folder / "findings.json")
    found = {finding.rule_id: finding for finding in report.findings}
    for rule_id, finding in found.items():
        run("dossier", folder / "findings.json", folder / "public", "--finding", finding.finding_id,
            "--out", folder / rule_id)  # fmt: skip
    openings = {}
    for seq, entry, opening in ledger.records:
        if opening is not None:
            (commitment,) = [
                said["opening"]["sha256"]
                for said in [_predicate(entry)]
                if isinstance(said.get("opening"), dict)
            ]
            openings[seq] = (commitment, orjson.loads(opening))
    return folder, found, ledger, openings


def _predicate(entry):
    return orjson.loads(base64.b64decode(orjson.loads(entry)["envelope"]["payload"]))["predicate"]


def handed(tmp_path, openings, seqs):
    path = tmp_path / "mine.json"
    path.write_bytes(orjson.dumps(dict(openings[seq] for seq in seqs)))
    return path


def test_the_very_finding_comes_out_of_the_public_bundle_and_ones_own_openings(accused, tmp_path):
    folder, found, _, openings = accused
    assert "PRICE_CAP" in found
    own = handed(tmp_path, openings, openings)
    said = run("rederive", folder / "PRICE_CAP", folder / "public", "--openings", own)
    assert f"{found['PRICE_CAP'].finding_id}: the very finding comes out again" in said


def test_without_openings_it_is_told_which_facts_it_cannot_see(accused, tmp_path):
    folder, found, ledger, openings = accused
    said = run("rederive", folder / "PRICE_CAP", folder / "public", code=1)
    assert "does not come out of what you can see" in said
    hidden = [seq for seq in found["PRICE_CAP"].evidence_seqs if seq in openings]
    assert hidden
    for seq in hidden:
        assert f"not seen: entry {seq}, " in said
    assert SELLER in said
    # with all but the last of them it still is not the same, and exactly that one is named
    rest = handed(tmp_path, openings, [seq for seq in openings if seq != hidden[-1]])
    said = run("rederive", folder / "PRICE_CAP", folder / "public", "--openings", rest, code=1)
    assert [line for line in said.splitlines() if line.startswith("not seen")] == [
        line for line in said.splitlines() if f"entry {hidden[-1]}," in line
    ]
    assert len(ledger.records) > len(hidden)


def test_an_opening_that_is_anothers_or_was_changed_is_not_used(accused, tmp_path):
    folder, found, _, openings = accused
    hidden = [seq for seq in found["PRICE_CAP"].evidence_seqs if seq in openings]
    changed = dict(openings)
    commitment, opening = changed[hidden[0]]
    changed[hidden[0]] = (commitment, opening | {"amount_minor": "1", "cap_minor": "999999999"})
    own = handed(tmp_path, changed, changed)
    said = run("rederive", folder / "PRICE_CAP", folder / "public", "--openings", own, code=1)
    assert f"not seen: entry {hidden[0]}, " in said


def test_every_cited_entry_has_a_proof_that_the_receipt_command_accepts(accused):
    folder, found, ledger, _ = accused
    vkey = orjson.loads((folder / "public" / "keys.json").read_bytes())["vkeys"][0]["vkey"]
    for seq in found["PRICE_CAP"].evidence_seqs:
        entry = folder / "PRICE_CAP" / f"{seq}.entry"
        assert entry.read_bytes() == ledger.records[seq][1]
        proof = folder / "PRICE_CAP" / f"{seq}.tlog-proof"
        assert "the entry is there" in run("receipt", proof, "--entry", entry, "--vkey", vkey)


def test_a_dossier_whose_entry_was_changed_does_not_hold(accused, tmp_path):
    folder, found, _, openings = accused
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in (folder / "PRICE_CAP").iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    seq = found["PRICE_CAP"].evidence_seqs[0]
    (copy / f"{seq}.entry").write_bytes(b"{}")
    own = handed(tmp_path, openings, openings)
    done = CliRunner().invoke(app, ["rederive", str(copy), str(folder / "public"), "--openings", str(own)])
    assert done.exit_code == 1
    assert f"evidence does not hold: entry {seq}" in done.output


def test_a_finding_whose_numbers_were_changed_is_named(accused, tmp_path):
    folder, _, _, openings = accused
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in (folder / "PRICE_CAP").iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    head = orjson.loads((copy / "finding.json").read_bytes())
    head["finding"]["statistic"]["overcharge_minor"] = "1"
    (copy / "finding.json").write_bytes(orjson.dumps(head))
    own = handed(tmp_path, openings, openings)
    assert "another statistic" in run("rederive", copy, folder / "public", "--openings", own, code=1)


def test_what_is_no_dossier_or_no_finding_is_said(accused, tmp_path):
    folder, _, _, _ = accused
    (tmp_path / "finding.json").write_text("{}")
    run("rederive", tmp_path, folder / "public", code=2)
    run(
        "dossier",
        folder / "findings.json",
        folder / "public",
        "--finding",
        "fnd_0",
        "--out",
        tmp_path / "x",
        code=2,
    )
    assert not (tmp_path / "x").exists()
