"""Schemes, selections, agreements and scenarios as JSON is kept of them, and back. Pure."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from enum import StrEnum
from typing import Any

from base.canonical import canonical, sha256_hex
from registry.operation.rules import (
    Agreement,
    Clause,
    OperationMode,
    PlannedProduct,
    PriceUnit,
    ProductClass,
    Scenario,
    Scheme,
    Selection,
)


def plain(value: Any) -> Any:
    """A value of the rules as JSON takes it."""
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(plain(name)): plain(one) for name, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, tuple | list) else value


def scheme_document(said: Scheme) -> dict[str, Any]:
    """A scheme as it is kept, and as its opening has it."""
    document: dict[str, Any] = plain(asdict(said))
    return document


def scheme_of(document: Mapping[str, Any]) -> Scheme:
    """The reverse of `scheme_document`."""
    products = tuple(
        PlannedProduct(
            title=one["title"],
            product_class=ProductClass(one["product_class"]),
            unit=PriceUnit(one["unit"]),
        )
        for one in document["products"]
    )
    said = dict(document) | {
        "mode": OperationMode(document["mode"]),
        "conditions": tuple(document["conditions"]),
        "data_ids": tuple(document["data_ids"]),
        "products": products,
    }
    return Scheme(**said)


def selection_document(said: Selection) -> dict[str, Any]:
    """The record of a selection as everybody may see it: without the traces of the bids."""
    document: dict[str, Any] = plain(asdict(said))
    document["bidders"] = [{"org_id": one.org_id, "score": one.score} for one in said.bidders]
    return document


def traces_document(said: Selection) -> list[dict[str, str]]:
    """The traces that the bids' papers bear: for supervision alone."""
    return [
        {"org_id": bidder.org_id, "kind": kind, "value_sha256": digest}
        for bidder in said.bidders
        for kind, digest in bidder.traces
    ]


def agreement_document(said: Agreement) -> dict[str, Any]:
    """An agreement as it is kept, clause by clause."""
    document: dict[str, Any] = plain(asdict(said))
    return document


def agreement_digest(document: Mapping[str, Any]) -> str:
    """The hex SHA-256 of an agreement as it is kept, in canonical form: what both sign."""
    return sha256_hex(canonical(dict(document)))


def agreement_of(document: Mapping[str, Any]) -> Agreement:
    """The reverse of `agreement_document`."""
    said = dict(document) | {
        "clauses": {Clause(name): text for name, text in document["clauses"].items()},
        "term_from": date.fromisoformat(document["term_from"]),
        "term_to": date.fromisoformat(document["term_to"]),
    }
    return Agreement(**said)


def scenario_of(row: Any) -> Scenario:
    """A kept scenario as the rules take it."""
    return Scenario(
        name=row.name,
        purpose=row.purpose,
        fields={data_id: tuple(names) for data_id, names in row.fields.items()},
        users=tuple(row.users),
        environment=row.environment,
        starts=date.fromisoformat(row.starts),
        ends=date.fromisoformat(row.ends),
    )
