"""Findings read back: what was written, and nothing that was touched since."""

import orjson
import pytest

from supervision.errors import UnusableFindings
from supervision.finding import Severity
from supervision.report import load_report, parse_report, summarise
from tests.supervision.tables import AS_OF
from tests.supervision.test_wash import sc5


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return sc5().supervise(tmp_path_factory.mktemp("sc5"))


def test_a_report_is_what_was_written(result, tmp_path):
    path = tmp_path / "findings.json"
    path.write_bytes(result.encoded())
    report = load_report(path)
    assert report.as_of == AS_OF
    assert sorted(f.finding_id for f in report.findings) == sorted(f.finding_id for f in result.findings)
    assert [f.document() for f in report.findings] == result.document()["findings"]
    assert [run.rule_id for run in report.rules_run] == [run["rule_id"] for run in result.rules_run]
    assert {off.rule_id: off.missing_table for off in report.rules_off} == {
        **dict.fromkeys(("BR1", "BR14", "BR15"), "certificate_events"),
        "BR3": "source_checks",
        "BR10": "access",
        **dict.fromkeys(("BR2", "BR4", "BR6", "S20"), "mandates"),
        "BR8": "quotes",
        "BR9": "payments",
        **dict.fromkeys(("BR12", "BR13"), "notices"),
        **dict.fromkeys(("S17", "S30", "S30D", "WT3"), "payments"),
        "AB2": "costs",
        **dict.fromkeys(("AB3", "FAIR_PRICE", "PRICE_CAP", "WT7"), "listings"),
        **dict.fromkeys(("CO1", "CO2", "CO3", "CO4", "CO6", "S10", "S11", "S12", "S14"), "quotes"),
        **dict.fromkeys(("AM1", "AM3"), "grants"),
        "AM2": "share_requests",
        "CO7": "bid_traces",
        "S19": "requests",
        "S25": "lineage",
        "S28": "identifiers",
        **dict.fromkeys(("UC2", "UC3", "UC4"), "listings"),
        "S21": "certificates",
        **dict.fromkeys(("US23-1", "US23-2"), "concentrations"),
        **dict.fromkeys(("XB2",), "export_scans"),
        **dict.fromkeys(("XB3", "XB4", "XB5"), "export_transfers"),
        **dict.fromkeys(("S22", "XB1"), "exports"),
        "S30B": "payment_mismatches",
        "SCOPE": "grant_scenarios",
        "REDEV": "grant_products",
        **dict.fromkeys(("REVENUE", "MUST_TRADE", "DISCLOSURE_MISSING"), "grant_years"),
        "PURPOSE_MISMATCH": "voucher_uses",
        "PI_NOT_ANONYMISED": "screenings",
        **dict.fromkeys(("PC_ALGO_SWAP", "PC_DIFFERENCING"), "questions"),
        "OVERDUE": "clocks",
    }


def test_findings_can_be_asked_by_organisation_and_object(result):
    report = parse_report(result.encoded())
    assert {f.rule_id for f in report.touching(object_id="ring1")} == {
        "WT1",
        "WT2",
        "WT4",
        "WT5",
        "WT6",
        "BR11",
    }
    assert "WT2" in {f.rule_id for f in report.touching(org_id="乙数")}
    assert report.touching(org_id="b0") == ()
    first = report.findings[0]
    assert report.finding(first.finding_id) == first
    assert report.finding("fnd_unknown") is None


def test_a_summary_counts_and_sorts(result):
    summary = summarise(parse_report(result.encoded()))
    assert summary.by_rule["WT1"] == 3
    assert summary.by_rule["WT2"] == 1
    assert summary.findings == len(result.findings) == sum(summary.by_severity.values())
    assert summary.by_severity[Severity.HIGH] == 6
    assert summary.markets[0]["hhi"] > 0
    assert [count for _, count in summary.subjects] == sorted((c for _, c in summary.subjects), reverse=True)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["findings"][0]["subjects"].append("framed"),
        lambda d: d["findings"][0].update(rule_version="9"),
        lambda d: d["findings"][0].update(severity="deadly"),
        lambda d: d["findings"][0].pop("evidence_seqs"),
        lambda d: d.update(as_of="yesterday"),
        lambda d: d.pop("rules_off"),
    ],
)
def test_a_report_that_does_not_fit_together_is_refused(result, change):
    document = orjson.loads(result.encoded())
    change(document)
    with pytest.raises(UnusableFindings):
        parse_report(orjson.dumps(document))


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"\xff", b'{"findings":[]}'])
def test_what_is_no_report_is_refused(data):
    with pytest.raises(UnusableFindings):
        parse_report(data)
