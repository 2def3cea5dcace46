"""The demo, run as a newcomer runs it: its own process, real data, the real bank, and what it leaves."""

import base64
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from prov.model import ProvDocument

from base.credential.bitstring import unpack
from tests.brokers.credential.stranger import strangers_bit, strangers_proof
from tests.ledger import foreign_auditor

PARTIES = ("provider", "buyer", "broker")


def databourse(*arguments: str, timeout_s: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from cli.main import app; app()", *arguments],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a short demo leaves behind: the whole story in a market of thirty trades."""
    out = tmp_path_factory.mktemp("demo")
    ran = databourse("demo", "--exit", "--trades", "30", "--port", "0", "--out", str(out), timeout_s=540)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (out / "printed.txt").write_text(ran.stdout)
    return out


def test_every_artefact_is_there(left: Path) -> None:
    names = {path.name for path in left.iterdir()}
    assert names >= {
        "bundle",
        "camt054.xml",
        "contract.dsse.json",
        "contract.en.pdf",
        "contract.pdf",
        "credential.json",
        "demo.json",
        "evidence",
        "filing.json",
        "findings.json",
        "lineage.openlineage.json",
        "pain001.xml",
        "policy.odrl.jsonld",
        "provenance.prov.json",
        "quality-report.json",
        "receipt.tlog-proof",
        "statement.csv",
        "statement.json",
        "status-list.json",
        "trade-certificate.json",
        "well-known.json",
    }


def test_each_step_of_the_trade_stands_in_the_ledger_once(left: Path) -> None:
    demo = json.loads((left / "demo.json").read_bytes())
    stated = [step for step in demo["steps"] if step["events"]]
    assert len(stated) >= 20
    assert all(step["seqs"] for step in stated), [s for s in stated if not s["seqs"]]
    seqs = [seq for step in stated for seq in step["seqs"]]
    assert len(seqs) == len(set(seqs))
    assert max(seqs) < demo["entries"]
    assert set(demo["sign_ins"]) >= {*PARTIES, "operator", "authority", "samr", "auditor"}


def test_public_data_is_registered_opened_operated_certified_and_declared(left: Path) -> None:
    demo = json.loads((left / "demo.json").read_bytes())
    below = demo["below"]
    assert all(step["seqs"] for step in below), [step for step in below if not step["seqs"]]
    said = "\n".join(step["step"] for step in below)
    for told in (
        "registers the three rights as SJ44",
        "opens the table: anybody downloads 386 bytes",
        "for marketing it is refused: grant-outside-scope",
        "verifies the certificate, use 1 of 3; for marketing it is refused: voucher-purpose-mismatch",
        "XBD-R4, EXEMPT_NO_PERSONAL",  # cleared, or checked where the lot fell on it
        "CONTRACT_OR_CERTIFICATION, ROUTED",
    ):
        assert told in said
    findings = json.loads((left / "findings.json").read_bytes())["findings"]
    refused = {finding["rule_id"] for finding in findings} & {"SCOPE", "PURPOSE_MISMATCH"}
    assert refused == {"SCOPE", "PURPOSE_MISMATCH"}


def test_the_trade_is_invoiced_filed_and_certified(left: Path) -> None:
    demo = json.loads((left / "demo.json").read_bytes())
    filed = (left / "filing.json").read_bytes()
    shown = json.loads((left / "trade-certificate.json").read_bytes())
    payload = base64.b64decode(shown["envelope"]["payload"])
    assert json.loads(payload) == shown["certificate"]
    assert hashlib.sha256(payload).hexdigest() == shown["certificate_sha256"]
    assert hashlib.sha256(filed).hexdigest() == shown["certificate"]["filing_sha256"]
    assert (shown["status"], shown["certificate_no"]) == ("STANDS", demo["ids"]["trade_certificate"])
    money = json.loads(filed)
    assert (money["invoice"]["net_minor"], money["invoice"]["vat_minor"]) == ("64150943", "3849057")
    assert money["amounts"] == {
        "price_minor": "68000000",
        "refund_minor": "0",
        "seller_minor": "65960000",
        "commission_minor": "1360000",
        "platform_fee_minor": "680000",
    }


def test_the_ring_is_found_and_the_clean_trade_is_not_touched(left: Path) -> None:
    demo = json.loads((left / "demo.json").read_bytes())
    findings = json.loads((left / "findings.json").read_bytes())["findings"]
    assert {finding["rule_id"] for finding in findings} >= {"WT1", "WT2", "WT4"}
    assert not [finding for finding in findings if demo["ids"]["trade"] in finding["objects"]]
    assert "findings that touch the clean trade: 0" in (left / "printed.txt").read_text()


def test_an_auditor_of_another_house_accepts_the_bundle(left: Path) -> None:
    demo = json.loads((left / "demo.json").read_bytes())
    size, _ = foreign_auditor.audit(left / "bundle", demo["vkey"])
    assert size == demo["entries"]


def test_the_history_of_the_traded_product_is_told_to_foreign_programs(left: Path) -> None:
    ids = json.loads((left / "demo.json").read_bytes())["ids"]
    read = ProvDocument.deserialize(str(left / "provenance.prov.json"), format="json")
    assert read == ProvDocument.deserialize(content=read.serialize(format="json"), format="json")
    names = {str(record.identifier) for record in read.unified().get_records() if record.identifier}
    assert {f"db:{ids['trade']}", f"db:delivery-{ids['trade']}", f"db:copy-{ids['trade']}"} <= names
    events = json.loads((left / "lineage.openlineage.json").read_bytes())
    assert [event["eventType"] for event in events if event["job"]["name"].endswith(".trade")] == [
        "START",
        "COMPLETE",
    ]
    drafted = next(event for event in events if event["job"]["name"].endswith(".draft"))
    assert [source["name"].partition("/")[0] for source in drafted["inputs"]] == ["file"]


def test_one_flipped_byte_is_found_and_named(left: Path) -> None:
    demo = json.loads((left / "demo.json").read_bytes())
    victim = left / "bundle" / "tile" / "entries" / "000"
    whole = victim.read_bytes()
    try:
        victim.write_bytes(whole[:700] + bytes([whole[700] ^ 1]) + whole[701:])
        ran = databourse("audit", str(left / "bundle"), "--vkey", demo["vkey"], timeout_s=120)
    finally:
        victim.write_bytes(whole)
    assert ran.returncode != 0
    assert "NOT CLEAN" in ran.stdout


def test_a_stranger_takes_the_broker_s_credential_and_finds_one_other_suspended(left: Path) -> None:
    credential = strangers_proof((left / "credential.json").read_bytes())
    listed = strangers_proof((left / "status-list.json").read_bytes())
    pinned = json.loads((left / "well-known.json").read_bytes())["issuer"]["did"]
    assert credential["issuer"] == listed["issuer"] == pinned
    assert [strangers_bit(credential, listed, one) for one in ("revocation", "suspension")] == [0, 0]
    bits = unpack(listed["credentialSubject"]["encodedList"])
    assert sum(byte.bit_count() for byte in bits) == 1  # the ring's broker
    says = "the clean trade's broker, by its credential: valid"
    assert says in (left / "printed.txt").read_text()


def test_reconciliation_caught_the_banks_wrong_payment(left: Path) -> None:
    assert "reconciliation catches a payment" in (left / "printed.txt").read_text()


def test_the_suspended_broker_was_refused(left: Path) -> None:
    assert "broker-not-certified (BR1), and recorded" in (left / "printed.txt").read_text()


def test_who_signs_at_home_finds_its_key_and_the_exchange_keeps_a_second(left: Path) -> None:
    for login in PARTIES:
        path = left / "keys" / f"{login}.key"
        assert path.stat().st_mode & 0o777 == 0o600
        assert len(json.loads(path.read_text())["keyid"]) == 64
    assert not (left / "keys" / "authority.key").exists()  # the exchange has always kept that one


def test_memory_stays_within_its_bounds(left: Path) -> None:
    used = json.loads((left / "demo.json").read_bytes())["memory_mib"]
    assert used["peak"] < 1024
    assert used["child"] < 1024
    assert used["serving"] < 440
