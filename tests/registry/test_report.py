"""A report is its bytes: anything else is refused."""

import json

import pytest

from base.canonical import canonical
from registry.declared import Declared
from registry.errors import ReportBroken
from registry.report import differences, parse_report
from tests.registry.samples import AS_OF, bokeh, measured_here


@pytest.fixture
def report(tmp_path):
    return measured_here(bokeh("iris.csv"), Declared(), tmp_path / "scratch")


def test_a_report_reads_back_from_its_bytes(report):
    again = parse_report(report.canonical)
    assert again.sha256 == report.sha256
    assert (again.as_of, again.declared, again.method) == (AS_OF, Declared(), "databourse-quality/1")
    assert again.header == ("sepal_length", "sepal_width", "petal_length", "petal_width", "species")
    assert differences(report, again) == ()


def test_no_number_in_a_report_is_a_float(report):
    def walk(node):
        assert not isinstance(node, float)
        for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            walk(child)

    walk(json.loads(report.canonical))


@pytest.mark.parametrize(
    "change",
    [
        {"score": 91},
        {"score": "100.1"},
        {"dimensions": {"conformity": "1.0"}},
        {"as_of": "yesterday"},
        {"declared": {"columns": 7}},
        {"hints": [{"kind": "aura"}]},
        {"file": {}},
        {"method": None},
        {"columns": None},
    ],
)
def test_a_changed_form_is_no_report(report, change):
    with pytest.raises(ReportBroken):
        parse_report(canonical({**report.document, **change}))


@pytest.mark.parametrize("stored", [b"", b"[]", b"{}", b"not json", b'"x"'])
def test_other_bytes_are_no_report(stored):
    with pytest.raises(ReportBroken) as refused:
        parse_report(stored)
    assert refused.value.code == "quality-report-broken"


def test_bytes_that_are_not_canonical_are_refused(report):
    with pytest.raises(ReportBroken):
        parse_report(json.dumps(report.document).encode())
