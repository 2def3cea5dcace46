"""From the members of an imported row to the entry that it says; pure."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from registry.lists.rules import (
    BaseLibrary,
    DataEntry,
    DataField,
    DataKind,
    Demand,
    ShareKind,
    SystemEntry,
    normal,
)
from registry.registration.rules import Update
from registry.rules import Level


def entry_said(said: Mapping[str, Any], **links: Any) -> DataEntry:
    """A data entry from a row's members; the level is general-3 where nothing is said of it."""
    personal = {normal(one) for one in said.get("personal", ())}
    fields = tuple(DataField(name=one, personal=normal(one) in personal) for one in said.get("fields", ()))
    base = said.get("base_library")
    return DataEntry(
        name=said["name"],
        abstract=said["abstract"],
        kind=DataKind(said["kind"]),
        region=said["region"],
        update=Update(said["update"]),
        level=Level(said.get("level", Level.GENERAL_3)),
        share=ShareKind(said["share"]),
        code=said.get("code", ""),
        share_reason=said.get("share_reason", ""),
        theme=said.get("theme", ""),
        base_library=BaseLibrary(base) if base else None,
        fields=fields,
        service=said.get("service", ""),
        sla_wd=said.get("sla_wd"),
        **links,
    )


def system_said(said: Mapping[str, Any], **links: Any) -> SystemEntry:
    """A system from a row's members."""
    return SystemEntry(
        name=said["name"],
        purpose=said["purpose"],
        region=said["region"],
        code=said.get("code", ""),
        host=said.get("host", ""),
        since=_date(said.get("since")),
        capability=said.get("capability", ""),
        **links,
    )


def demand_said(said: Mapping[str, Any], **links: Any) -> Demand:
    """A demand from a row's members."""
    return Demand(
        name=said["name"],
        purpose=said["purpose"],
        code=said.get("code", ""),
        fields=tuple(said.get("fields", ())),
        due_on=_date(said.get("due_on")),
        **links,
    )


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
