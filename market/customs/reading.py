"""From what is stored to what the rules take: a declaration, a document, the lines of a list. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from market.customs.declared import (
    Channel,
    ContractKind,
    DataField,
    Declaration,
    Ground,
    Kind,
    Mode,
    Recipient,
    Research,
)
from market.customs.proving import OnRegister
from market.customs.routing import ListEntry, Way
from market.customs.tables import CustomsDocumentRow, NegativeListRow
from registry.rules import Level


def declaration_from(said: Mapping[str, Any]) -> Declaration:
    """A declaration from its document (`Declaration.document`)."""
    research = said["research"]
    return Declaration(
        **{
            **said,
            "kind": Kind(said["kind"]),
            "recipient": Recipient(**said["recipient"]),
            "fields": tuple(DataField(**{**one, "level": Level(one["level"])}) for one in said["fields"]),
            "level": Level(said["level"]),
            "mode": Mode(said["mode"]),
            "channel": Channel(said["channel"]),
            "ground": Ground(said["ground"]),
            "contract_kind": None if said["contract_kind"] is None else ContractKind(said["contract_kind"]),
            "period_from": date.fromisoformat(said["period_from"]),
            "period_to": date.fromisoformat(said["period_to"]),
            "onward": tuple(said["onward"]),
            "research": None
            if research is None
            else Research(**{**research, "participants": tuple(research["participants"])}),
        }
    )


def on_register(row: CustomsDocumentRow) -> OnRegister:
    """A document as the rules take it."""
    return OnRegister(
        kind=row.kind,
        number=row.number,
        exporter_ids=frozenset(row.exporter_ids),
        recipient_name=row.recipient_name,
        country=row.country,
        sensitive=row.sensitive,
        persons=row.persons,
        sha256=row.sha256,
        issued_on=date.fromisoformat(row.issued_on),
        filed_on=date.fromisoformat(row.filed_on),
        valid_until=None if row.valid_until is None else date.fromisoformat(row.valid_until),
        ended=row.ended_at is not None,
    )


def entries_of(row: NegativeListRow) -> tuple[ListEntry, ...]:
    """The lines of a negative list."""
    return tuple(_entry(row.zone, one) for one in row.entries)


def entries_from(zone: str, lines: Sequence[Mapping[str, Any]]) -> tuple[ListEntry, ...]:
    """Lines as they are handed in."""
    return tuple(_entry(zone, one) for one in lines)


def _entry(zone: str, one: Mapping[str, Any]) -> ListEntry:
    return ListEntry(
        entry_id=one["entry_id"],
        zone=zone,
        industry=one["industry"],
        scenario=one["scenario"],
        data_desc=one["data_desc"],
        threshold=one["threshold"],
        way=Way(one["way"]),
    )
