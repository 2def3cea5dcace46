"""The quality contract: the standard's members and rules, read back whole, and nothing changed in it."""

import copy
import json
from dataclasses import replace
from typing import Any

import pytest
import yaml

from registry.errors import ContractBroken
from registry.odcs import Offered, agrees, contract_of, promised_from
from tests.market.listings.goods import CLEAN, SPOILT, report_on

OFFERED = Offered(
    listing_id="lst_01",
    product_id="prd_01",
    title='用电 "指数": 2025\u2028\x85 #1',
    status="active",
    category="energy",
    description="a: b\n- c",
    scenario="信贷",
    licence_of_data="内部",
    unit="set",
    price_minor=76_000_001,
    delivery_wd=5,
    location="https://exchange.example/api/v1/listings/lst_01",
    marking=("index",),
)
# The members of ODCS 3.1.0 (docs/schema.md of bitol-io/open-data-contract-standard) that we write.
TOP = {"apiVersion", "kind", "id", "version", "name", "status", "domain", "dataProduct", "description"}
MORE = {"servers", "schema", "price", "slaProperties", "customProperties"}
METRICS = {"nullValues", "missingValues", "invalidValues", "duplicateValues", "rowCount"}
DIMENSIONS = {"accuracy", "completeness", "conformity", "consistency", "coverage", "timeliness", "uniqueness"}
LOGICAL = {"string", "date", "timestamp", "time", "number", "integer", "object", "array", "boolean"}
OPERATORS = {"mustBe", "mustBeLessOrEqualTo"}
RULE = {"name", "type", "description", "dimension", "severity", "unit", "metric", "arguments"}


def document(raw: bytes) -> dict[str, Any]:
    return json.loads(raw[raw.index(b"{") :])


def written(changed: dict[str, Any]) -> bytes:
    return json.dumps(changed).encode()


def test_it_is_the_same_document_as_yaml_and_as_json() -> None:
    raw = contract_of(report_on(CLEAN), OFFERED)
    assert yaml.safe_load(raw) == document(raw)
    assert document(raw)["name"] == OFFERED.title
    assert raw == contract_of(report_on(CLEAN), OFFERED)


@pytest.mark.parametrize("text", [CLEAN, SPOILT])
def test_every_member_is_the_standards(text: str) -> None:
    said = document(contract_of(report_on(text), OFFERED))
    assert said.keys() == TOP | MORE
    assert (said["apiVersion"], said["kind"], said["status"]) == ("v3.1.0", "DataContract", "active")
    assert said["description"].keys() == {"purpose", "usage", "limitations"}
    assert said["price"] == {"priceAmount": 760000.01, "priceCurrency": "CNY", "priceUnit": "set"}
    assert [server["type"] for server in said["servers"]] == ["api"]
    (table,) = said["schema"]
    assert table.keys() == {"name", "logicalType", "physicalType", "properties", "quality"}
    assert [column["name"] for column in table["properties"]] == ["county", "month", "index"]
    assert {column["logicalType"] for column in table["properties"]} <= LOGICAL
    for rule in [*table["quality"], *(one for column in table["properties"] for one in column["quality"])]:
        assert rule.get("dimension", "accuracy") in DIMENSIONS
        if rule["type"] == "library":
            assert rule["metric"] in METRICS
            assert len(rule.keys() & OPERATORS) == 1
            assert rule.keys() - OPERATORS <= RULE
        else:
            assert (rule["type"], rule["engine"]) == ("custom", "databourse")
            assert rule.keys() - {"engine", "implementation"} <= RULE
    assert all(one.keys() == {"property", "value"} for one in said["customProperties"])
    assert {"property": "frequency", "value": "once"} in said["slaProperties"]


def test_its_rules_are_what_was_measured() -> None:
    report = report_on(SPOILT)
    (table,) = document(contract_of(report, OFFERED))["schema"]
    rows, duplicates, *promises = table["quality"]
    assert rows["mustBe"] == 100
    assert duplicates["mustBeLessOrEqualTo"] == 50
    told = {one["implementation"]["dimension"]: one["implementation"]["notBelow"] for one in promises}
    assert told == {name: float(score) for name, score in report.dimensions.items()}
    missing = {one["name"]: one["quality"][0]["mustBeLessOrEqualTo"] for one in table["properties"]}
    assert missing["index"] == 100


def test_it_is_read_back_whole_and_agrees_with_its_report_alone() -> None:
    report = report_on(CLEAN)
    promised = promised_from(contract_of(report, OFFERED))
    assert agrees(promised, report)
    assert promised.declared == report.declared
    assert promised.marking == ("index",)
    assert not agrees(promised, report_on(SPOILT))
    assert not agrees(replace(promised, dimensions=promised.dimensions | {"accuracy": "0.0"}), report)
    assert not agrees(replace(promised, rows=1), report)
    free = contract_of(report, replace(OFFERED, price_minor=None))
    assert "price" not in document(free)
    assert agrees(promised_from(free), report)


def test_a_contract_at_odds_with_itself_is_refused() -> None:
    whole = document(contract_of(report_on(CLEAN), OFFERED))

    def broken(change: Any) -> dict[str, Any]:
        changed = copy.deepcopy(whole)
        change(changed)
        return changed

    changes = [
        lambda said: said.update(apiVersion="v2.2.2"),
        lambda said: said.update(kind="Other"),
        lambda said: said.pop("customProperties"),
        lambda said: said["schema"][0]["quality"][0].update(mustBe=1),
        lambda said: said["schema"][0]["quality"][2]["implementation"].update(notBelow=1),
        lambda said: said["schema"][0]["properties"][0].update(name="other"),
        lambda said: said["schema"].append({}),
        *(
            lambda said, name=name: next(
                one for one in said["customProperties"] if one["property"] == name
            ).update(value="x")
            for name in (
                "fileSha256",
                "rows",
                "measuredAsOf",
                "declared",
                "dimensions",
                "columns",
                "fileBytes",
            )
        ),
    ]
    for change in changes:
        with pytest.raises(ContractBroken):
            promised_from(written(broken(change)))
    for raw in (b"", b"[]", b"\xff", b"schema:\n- name: data\n", b"{" * 10_000):
        with pytest.raises(ContractBroken):
            promised_from(raw)
