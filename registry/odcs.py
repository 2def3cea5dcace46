"""A listing's quality contract in the Open Data Contract Standard 3.1, and what is read back from one. Pure.

The document is YAML that is JSON as well, so that nobody needs a certain YAML parser to check it. Its rules
stand twice: in the standard's own terms (rows, missing, invalid and duplicate values), which other tools run,
and as the six dimensions that were promised, which `databourse check` measures again by the declaration that
the contract carries. Who runs the team is nobody's business, so the standard's `team` is left out.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import orjson

from base.canonical import canonical, sha256_hex
from base.clock import parse_rfc3339, rfc3339
from registry.declared import ColumnType, Declared, DeclaredColumn, declared_from
from registry.errors import ContractBroken, DeclarationBroken
from registry.quality import Dimension, tenths_of
from registry.report import Report

API_VERSION: Final = "v3.1.0"
FORMAT: Final = "databourse-odcs/1"
ENGINE: Final = "databourse"
MEDIA_TYPE: Final = "application/yaml"
MAX_BYTES: Final = 8 * 1024 * 1024
_LOGICAL: Final[Mapping[str, str]] = {
    ColumnType.INTEGER: "integer",
    ColumnType.DECIMAL: "number",
    ColumnType.BOOLEAN: "boolean",
    ColumnType.YEAR: "integer",
    ColumnType.DATE: "date",
    ColumnType.DATETIME: "timestamp",
}
_DIMENSIONS: Final = frozenset(
    {"accuracy", "completeness", "conformity", "consistency", "coverage", "timeliness", "uniqueness"}
)
_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_UNPRINTED: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_COMMENT: Final = re.compile(rb"^(?:#[^\n]*\n)+")
_ABOUT: Final = (
    "# Open Data Contract Standard (ODCS) 3.1. YAML that is JSON as well.\n"
    "# Check a delivered copy by it:  databourse check FILE --contract THIS\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """What a listing says beside its measured quality. The price is in fen; `marking` are columns."""

    listing_id: str
    product_id: str
    title: str
    status: str
    category: str
    description: str
    scenario: str
    licence_of_data: str
    unit: str
    price_minor: int | None
    delivery_wd: int
    location: str
    marking: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Promised:
    """What a contract promises of the delivered copy, and how it is measured again."""

    listing_id: str
    file_sha256: str
    bytes: int
    report_sha256: str
    method: str
    as_of: datetime
    rows: int
    schema: tuple[tuple[str, str], ...]
    dimensions: Mapping[str, str]
    declared: Declared
    marking: tuple[str, ...] = field(default=())


def contract_of(report: Report, offered: Offered) -> bytes:
    """The contract of a measured listing; the same listing and report give the same bytes."""
    document = report.document
    return _written(
        {
            "apiVersion": API_VERSION,
            "kind": "DataContract",
            "id": offered.listing_id,
            "version": f"1.0.0+{report.sha256[:12]}",
            "name": offered.title,
            "status": offered.status,
            "domain": offered.category,
            "dataProduct": offered.product_id,
            "description": {
                "purpose": offered.description,
                "usage": offered.scenario,
                "limitations": offered.licence_of_data,
            },
            "servers": [
                {
                    "server": "exchange",
                    "type": "api",
                    "location": offered.location,
                    "description": "Bought here, and delivered under the trade's contract",
                }
            ],
            "schema": [_table(report)],
            **({} if offered.price_minor is None else {"price": _price(offered.price_minor, offered.unit)}),
            "slaProperties": _sla(report.declared, offered),
            "customProperties": [
                {"property": name, "value": value}
                for name, value in {
                    "databourseFormat": FORMAT,
                    "fileSha256": report.file_sha256,
                    "fileBytes": document["file"]["bytes"],
                    "fileFormat": document["file"]["format"],
                    "qualityReportSha256": report.sha256,
                    "qualityMethod": report.method,
                    "measuredAsOf": rfc3339(report.as_of),
                    "rows": report.rows,
                    "columns": [[one["name"], one["inferred_type"]] for one in _columns(report)],
                    "dimensions": dict(report.dimensions),
                    "declared": document["declared"],
                    "markedColumns": list(offered.marking),
                }.items()
            ],
        }
    )


def _columns(report: Report) -> list[dict[str, Any]]:
    return [column for column in report.document["columns"] if column["position"] is not None]


def _table(report: Report) -> dict[str, Any]:
    table = report.document["table"]
    return {
        "name": "data",
        "logicalType": "object",
        "physicalType": "file",
        "properties": [_property(column, report.declared) for column in _columns(report)],
        "quality": [
            {
                "name": "rows",
                "type": "library",
                "metric": "rowCount",
                "mustBe": report.rows,
                "unit": "rows",
                "severity": "error",
            },
            {
                "name": "duplicate rows",
                "type": "library",
                "metric": "duplicateValues",
                "arguments": {"properties": list(report.header)},
                "mustBeLessOrEqualTo": table["duplicate_rows"],
                "unit": "rows",
                "dimension": "uniqueness",
                "severity": "error",
            },
            *(_promise(report.method, name, score) for name, score in report.dimensions.items()),
        ],
    }


def _promise(method: str, name: str, score: str) -> dict[str, Any]:
    return {
        "name": name,
        "type": "custom",
        "engine": ENGINE,
        "implementation": {"method": method, "dimension": name, "notBelow": _number(score)},
        "description": f"{name} measured again by {method} is not below {score} of 100",
        **({"dimension": name} if name in _DIMENSIONS else {}),
        "severity": "error",
    }


def _property(column: Mapping[str, Any], declared: Declared) -> dict[str, Any]:
    known = declared.column(column["name"])
    form = column["declared_type"] or column["inferred_type"]
    options = {} if known is None else _options(known)
    return {
        "name": column["name"],
        "logicalType": _LOGICAL.get(form, "string"),
        "physicalType": form,
        **({"description": column["meaning"]} if column["meaning"] else {}),
        "required": bool(column["required"]) and not column["missing"],
        **({"logicalTypeOptions": options} if options else {}),
        "quality": [
            {
                "name": "missing values",
                "type": "library",
                "metric": "missingValues",
                "arguments": {"missingValues": [None, *declared.missing]},
                "mustBeLessOrEqualTo": column["missing"],
                "unit": "rows",
                "dimension": "completeness",
            },
            *([] if known is None or known.pattern is None else [_unlike(known.pattern, column)]),
        ],
    }


def _unlike(pattern: str, column: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": "values of another pattern",
        "type": "library",
        "metric": "invalidValues",
        "arguments": {"pattern": pattern},
        "mustBeLessOrEqualTo": column["wrong_pattern"],
        "unit": "rows",
        "dimension": "conformity",
    }


def _options(column: DeclaredColumn) -> dict[str, Any]:
    """The declared bounds where the standard has a place for them."""
    options: dict[str, Any] = {}
    if column.type in {ColumnType.INTEGER, ColumnType.DECIMAL}:
        options = {
            name: _number(bound)
            for name, bound in (("minimum", column.min), ("maximum", column.max))
            if bound is not None
        }
    if column.pattern is not None and _LOGICAL.get(column.type, "string") == "string":
        options["pattern"] = column.pattern
    return options


def _number(text: str) -> int | float:
    """A decimal as a number of the standard's; it is shown, never reckoned with."""
    value = Decimal(text)
    return int(value) if value == value.to_integral_value() else float(value)


def _price(fen: int, unit: str) -> dict[str, Any]:
    return {
        "priceAmount": _number(str(Decimal(fen).scaleb(-2))),
        "priceCurrency": "CNY",
        "priceUnit": unit,
    }


def _sla(declared: Declared, offered: Offered) -> list[dict[str, Any]]:
    promises: list[dict[str, Any]] = []
    if declared.update_frequency is not None:
        promises.append({"property": "frequency", "value": declared.update_frequency.value})
    if declared.allowed_delay_days is not None:
        promises.append({"property": "latency", "value": declared.allowed_delay_days, "unit": "d"})
    promises.append(
        {
            "property": "timeToDeliver",
            "value": offered.delivery_wd,
            "unit": "d",
            "description": "usual working days from the funded escrow to the start of the delivery",
        }
    )
    return promises


def _written(document: Mapping[str, Any]) -> bytes:
    """JSON that YAML 1.1 and 1.2 read alike."""
    text = json.dumps(document, ensure_ascii=False, indent=2)
    return (_ABOUT + _UNPRINTED.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n").encode()


def promised_from(contract: bytes) -> Promised:
    """What a contract promises. Raises ContractBroken for any but ours, and one at odds with itself.

    What its rules say in the standard's terms is what is measured.
    """
    try:
        if len(contract) > MAX_BYTES:
            raise ContractBroken("the contract is too large", limit=MAX_BYTES)
        said = orjson.loads(_COMMENT.sub(b"", contract))
        own = {one["property"]: one["value"] for one in said["customProperties"]}
        promised = Promised(
            listing_id=str(said["id"]),
            file_sha256=_digest(own["fileSha256"]),
            bytes=int(own["fileBytes"]),
            report_sha256=_digest(own["qualityReportSha256"]),
            method=str(own["qualityMethod"]),
            as_of=parse_rfc3339(own["measuredAsOf"]),
            rows=int(own["rows"]),
            schema=tuple((str(name), str(kind)) for name, kind in own["columns"]),
            dimensions={name.value: str(own["dimensions"][name.value]) for name in Dimension},
            declared=declared_from(own["declared"]),
            marking=tuple(str(name) for name in own["markedColumns"]),
        )
        (table,) = said["schema"]
        sound = (
            (said["apiVersion"], said["kind"], own["databourseFormat"])
            == (API_VERSION, "DataContract", FORMAT)
            and [one["name"] for one in table["properties"]] == [name for name, _ in promised.schema]
            and _rules(table["quality"]) == _rules_of(promised)
        )
    except ContractBroken:
        raise
    except (orjson.JSONDecodeError, UnicodeDecodeError):
        raise ContractBroken("this is no JSON: was the contract written anew by another tool?") from None
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, DeclarationBroken) as error:
        raise ContractBroken("the contract is malformed", reason=type(error).__name__) from None
    if not sound:
        raise ContractBroken("the contract is at odds with itself: its rules are not what it carries")
    return promised


def _digest(text: Any) -> str:
    if not isinstance(text, str) or _DIGEST.fullmatch(text) is None:
        raise ValueError(text)
    return text


def _rules(quality: list[dict[str, Any]]) -> dict[str, Any]:
    """The rules of a table that are measured again, as far as they can be compared."""
    found: dict[str, Any] = {}
    for rule in quality:
        if rule.get("engine") == ENGINE:
            found[rule["implementation"]["dimension"]] = tenths_of(
                f"{rule['implementation']['notBelow']:.1f}"
            )
        elif rule.get("metric") == "rowCount":
            found["rows"] = rule["mustBe"]
    return found


def _rules_of(promised: Promised) -> dict[str, Any]:
    return {name: tenths_of(score) for name, score in promised.dimensions.items()} | {"rows": promised.rows}


def agrees(promised: Promised, report: Report) -> bool:
    """Whether a contract says what the report that it names says: nothing of it was changed since."""
    return (
        promised.report_sha256 == report.sha256
        and promised.file_sha256 == report.file_sha256
        and promised.bytes == report.document["file"]["bytes"]
        and promised.method == report.method
        and promised.as_of == report.as_of
        and promised.rows == report.rows
        and promised.schema == tuple((one["name"], one["inferred_type"]) for one in _columns(report))
        and dict(promised.dimensions) == report.dimensions
        and canonical(promised.declared.document()) == canonical(report.declared.document())
    )


def contract_sha256(contract: bytes) -> str:
    """What a contract is named by."""
    return sha256_hex(contract)
