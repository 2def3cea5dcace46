"""From a stored row to what it says, and back."""

from typing import Any

from registry.lists.rules import (
    DataEntry,
    DataField,
    Demand,
    SystemEntry,
    demand_content,
    entry_content,
    entry_level,
    system_content,
)
from registry.lists.tables import DataRow, DemandRow, SystemRow


def system_of(row: SystemRow) -> SystemEntry:
    """What a system's row says."""
    return SystemEntry(
        name=row.name,
        purpose=row.purpose,
        region=row.region,
        code=row.code,
        host=row.host,
        since=row.since,
        capability=row.capability,
        parent_id=row.parent_id,
    )


def entry_of(row: DataRow) -> DataEntry:
    """What a data entry's row says."""
    return DataEntry(
        name=row.name,
        abstract=row.abstract,
        kind=row.kind,
        region=row.region,
        update=row.update,
        level=row.level,
        share=row.share,
        code=row.code,
        share_reason=row.share_reason,
        system_id=row.system_id,
        theme=row.theme,
        base_library=row.base_library,
        fields=tuple(DataField(**one) for one in row.fields),
        service=row.service,
        sla_wd=row.sla_wd,
    )


def demand_of(row: DemandRow) -> Demand:
    """What a demand's row says."""
    return Demand(
        name=row.name,
        purpose=row.purpose,
        code=row.code,
        fields=tuple(row.fields),
        provider_id=row.provider_id,
        system_id=row.system_id,
        data_id=row.data_id,
        owner_id=row.owner_id,
        due_on=row.due_on,
    )


def content_of(row: SystemRow | DataRow | DemandRow) -> dict[str, Any]:
    """What a version of an entry says, as it is digested."""
    if isinstance(row, SystemRow):
        return system_content(system_of(row))
    if isinstance(row, DataRow):
        return entry_content(entry_of(row))
    return demand_content(demand_of(row))


def system_values(said: SystemEntry) -> dict[str, Any]:
    """The columns that a system fills."""
    return {**system_content(said), "since": said.since}


def entry_values(said: DataEntry) -> dict[str, Any]:
    """The columns that a data entry fills."""
    return {
        **entry_content(said),
        "kind": said.kind,
        "update": said.update,
        "level": entry_level(said),
        "share": said.share,
        "base_library": said.base_library,
    }


def demand_values(said: Demand) -> dict[str, Any]:
    """The columns that a demand fills."""
    return {**demand_content(said), "due_on": said.due_on}
