"""The lists as files: rows of plain values with the headings that an import takes, page by page."""

import csv
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from base.db import ReadSession
from identity.repository import organisation_names
from registry.lists import repository
from registry.lists.headings import COLUMNS, ListName, guarded
from registry.lists.tables import DataRow, DemandRow, ItemRow, SystemRow

LISTS: Final = (*(name.value for name in ListName), "items", "responsibilities")
"""What is exported: the three lists, the function-data list (职能数据清单), the share responsibility list."""
_AT_ONCE: Final = 500
_INSIDE: Final = {"key", "name_key", "import_id", "resource_interface", "resource_file_id"}
_HEADINGS: Final[Mapping[str, Mapping[str, str]]] = {
    **{
        name.value: {column.member: column.headings[0] for column in columns}
        for name, columns in COLUMNS.items()
    },
    "items": {
        "name": "数据项名称",
        "code": "数据项编码",
        "synonyms": "同义词",
        "meaning": "说明",
        "status": "状态",
        "source": "数源部门",
        "function": "职能",
        "basis": "依据",
        "data_id": "对应目录",
    },
    "responsibilities": {
        "name": "信息资源名称",
        "code": "信息资源代码",
        "agency": "提供部门",
        "share": "共享类型",
        "share_reason": "共享条件或依据",
        "service": "共享方式",
        "sla_wd": "提供时限",
        "mounted": "挂接",
        "flag": "未挂接原因",
        "mount_by": "计划挂接时间",
    },
}


async def rows_of(
    s: ReadSession, *, list_name: str, agency_id: str | None = None
) -> AsyncIterator[dict[str, Any]]:
    """Every row of a list that stands, newest first, with names beside the ids; of one agency, or of all."""
    after: str | None = None
    while True:
        page = await _page(s, list_name, agency_id, after)
        ids = {value for row in page for value in _orgs(row)}
        names = await organisation_names(s, org_ids={one for one in ids if one})
        systems = await _systems(s, page)
        for row in page:
            yield _plain(row, names, systems)
        if len(page) < _AT_ONCE:
            return
        last = page[-1]
        after = getattr(last, _ID[type(last)])


_ID: Final[Mapping[Any, str]] = {
    SystemRow: "system_id",
    DataRow: "data_id",
    DemandRow: "demand_id",
    ItemRow: "item_id",
}


async def _page(s: ReadSession, list_name: str, agency_id: str | None, after: str | None) -> Sequence[Any]:
    page: Any = {"after": after, "limit": _AT_ONCE}
    if list_name == "items":
        return await repository.items(s, source_id=agency_id, **page)
    if list_name == ListName.SYSTEMS:
        return await repository.systems(s, agency_id=agency_id, **page)
    if list_name == ListName.DEMANDS:
        return await repository.demands(s, agency_id=agency_id, standing=True, **page)
    return await repository.data_entries(s, agency_id=agency_id, **page)


def _orgs(row: Any) -> list[str | None]:
    return [getattr(row, name, None) for name in ("agency_id", "provider_id", "owner_id", "source_id")]


async def _systems(s: ReadSession, page: Sequence[Any]) -> dict[str, str]:
    ids = {getattr(row, name, None) for row in page for name in ("system_id", "parent_id")}
    return await repository.system_names(s, system_ids={one for one in ids if one})


def _plain(row: Any, names: Mapping[str, str], systems: Mapping[str, str]) -> dict[str, Any]:
    """One row by member, ids beside what they name."""
    own: dict[str, Any] = row.model_dump(
        mode="json", exclude={"key", "name_key", "import_id", "resource_interface", "resource_file_id"}
    )
    named = {
        "agency": names.get(own.get("agency_id") or "", ""),
        "provider": names.get(own.get("provider_id") or "", ""),
        "owner": names.get(own.get("owner_id") or "", ""),
        "source": names.get(own.get("source_id") or "", ""),
        "system": systems.get(own.get("system_id") or "", ""),
        "parent": systems.get(own.get("parent_id") or "", ""),
        "data": own.get("data_id") or "",
    }
    if isinstance(row, DataRow):
        named["mounted"] = "file" if row.resource_sha256 else "interface" if row.mounted_at else ""
        named["personal"] = "、".join(one["name"] for one in row.fields if one["personal"])
    own.update(named)
    return own


def csv_lines(list_name: str, rows: Sequence[Mapping[str, Any]], *, head: bool) -> str:
    """Rows as CSV with the headings that an import takes; no cell begins as a formula would."""
    out = io.StringIO()
    writer = csv.writer(out)
    columns = _HEADINGS[list_name]
    if head:
        writer.writerow(columns.values())
    writer.writerows([[_cell(row.get(member)) for member in columns] for row in rows])
    return out.getvalue()


def _cell(value: Any) -> str:
    if isinstance(value, list):
        value = "、".join(one["name"] if isinstance(one, dict) else str(one) for one in value)
    text = "" if value is None else str(value)
    return guarded(text)
