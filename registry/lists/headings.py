"""The columns of lists as agencies keep them: Chinese and English headings, and how a cell is read; pure.

A row becomes the members of an entry, with links still as names (`system`, `provider`, `parent`): what they
name is looked up later, where the lists are. A cell that is not of its form makes the row a bad one.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from registry.lists.errors import ListFileUnreadable, ListMalformed
from registry.lists.rules import (
    MAX_TEXT,
    BaseLibrary,
    DataKind,
    ShareKind,
    check_demand,
    check_entry,
    check_system,
    key_of,
    normal,
)
from registry.lists.saying import demand_said, entry_said, system_said
from registry.registration.rules import Update
from registry.rules import Level

MAX_CELL: Final = 4_000
MAX_COLUMNS: Final = 200
HEADER_WITHIN: Final = 10
"""How many rows may stand above the headings: a title, who filled it in, when."""
_SPLIT: Final = re.compile(r"[、,，;；\n|]+")
_DAY: Final = re.compile(r"(\d{4})[-/.年](\d{1,2})(?:[-/.月](\d{1,2})日?)?.*")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
FORMULA: Final = "\x00formula"
"""Stands for a cell whose value would have to be computed."""
BROKEN: Final = "\x00broken"
"""Stands for a row that could not be read."""
_NOTE: Final = re.compile(r"[(（【\[](?:必填|必选|选填|可选|必填项|选填项)[^)）】\]]*[)）】\]]")
_LEADS: Final = ("=", "+", "-", "@", "\t", "\r")
_NO: Final = frozenset({"", "无", "/", "-", "—", "none", "n/a"})


class ListName(StrEnum):
    """The three lists (三清单) that are imported."""

    SYSTEMS = "systems"
    DATA = "data"
    DEMANDS = "demands"


class CellWrong(Exception):
    """A cell is not of its form; control flow of a row, never an answer."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the member it fills, the headings it goes by (we write the first), how it is read."""

    member: str
    headings: tuple[str, ...]
    read: Callable[[str], Any]
    required: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row is not taken: the heading of the cell, and the reason as a code."""

    heading: str
    why: str


def guarded(text: str) -> str:
    """A cell as it is exported: none begins as a formula would."""
    return f"'{text}" if text.lstrip("'").startswith(_LEADS) else text


def unguarded(cell: str) -> str:
    """A cell as it was before an export guarded it."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(_LEADS) else cell


def _wrong(cell: str) -> str:
    """Why no cell is taken like this, whatever its column; empty where it is."""
    if cell == FORMULA:
        return "formula"
    if len(cell) > MAX_CELL:
        return "too-long"
    return "control-characters" if _CONTROL.search(cell) else ""


def _text(cell: str) -> str:
    return cell


def _region(cell: str) -> str:
    digits = cell.strip()
    return digits[:6] if re.fullmatch(r"[1-8]\d{5}(0{3,6})?", digits) else cell


def _names(cell: str) -> list[str]:
    found = [one.strip() for one in _SPLIT.split(cell)]
    return [one for one in found if one]


def _day(cell: str) -> str | None:
    if normal(cell) in _NO or not cell:
        return None
    parts = _DAY.fullmatch(cell.strip())
    if parts is None:
        raise CellWrong("no-day")
    try:
        return date(int(parts[1]), int(parts[2]), int(parts[3] or 1)).isoformat()
    except ValueError:
        raise CellWrong("no-day") from None


def _days(cell: str) -> int | None:
    if normal(cell) in _NO or not cell:
        return None
    digits = re.sub(r"(个)?工作日$|日$|天$", "", cell.strip())
    if not re.fullmatch(r"\d{1,3}", digits):
        raise CellWrong("no-number")
    return int(digits)


def _one_of(kind: type[StrEnum], words: Mapping[str, Any], *, none: bool = False) -> Callable[[str], Any]:
    """A choice by its code or by a word that agencies use."""
    known = {normal(member.value): member.value for member in kind}
    known |= {normal(word): member.value for word, member in words.items()}

    def read(cell: str) -> str | None:
        plain = normal(cell)
        if none and (plain in _NO or plain == "否"):
            return None
        found = known.get(plain)
        if found is None:
            raise CellWrong("unknown-word")
        return found

    return read


_KINDS: Final = {
    "库表": DataKind.TABLE,
    "数据库表": DataKind.TABLE,
    "数据库": DataKind.TABLE,
    "电子表格": DataKind.TABLE,
    "表格": DataKind.TABLE,
    "文件": DataKind.FILE,
    "电子文件": DataKind.FILE,
    "接口": DataKind.API,
    "服务接口": DataKind.API,
    "视频": DataKind.VIDEO,
    "视频监控": DataKind.VIDEO,
    "物联": DataKind.IOT,
    "物联感知": DataKind.IOT,
    "物联网": DataKind.IOT,
}
_UPDATES: Final = {
    "不更新": Update.NEVER,
    "实时": Update.REAL_TIME,
    "每日": Update.DAILY,
    "每天": Update.DAILY,
    "每周": Update.WEEKLY,
    "每月": Update.MONTHLY,
    "每季度": Update.QUARTERLY,
    "每季": Update.QUARTERLY,
    "每年": Update.YEARLY,
    "不定期": Update.IRREGULAR,
    "其他": Update.IRREGULAR,
}
_SHARES: Final = {
    "无条件共享": ShareKind.UNCONDITIONAL,
    "无条件": ShareKind.UNCONDITIONAL,
    "有条件共享": ShareKind.CONDITIONAL,
    "有条件": ShareKind.CONDITIONAL,
    "不予共享": ShareKind.NOT_SHARED,
    "不共享": ShareKind.NOT_SHARED,
}
_LEVELS: Final = {
    "核心数据": Level.CORE,
    "核心": Level.CORE,
    "重要数据": Level.IMPORTANT,
    "重要": Level.IMPORTANT,
    **{
        word.format(number): level
        for level, numbers in (
            (Level.GENERAL_4, "4四"),
            (Level.GENERAL_3, "3三"),
            (Level.GENERAL_2, "2二"),
            (Level.GENERAL_1, "1一"),
        )
        for number in numbers
        for word in ("{}级", "一般{}级", "一般数据{}级", "L{}")
    },
}
_BASES: Final = {
    "人口": BaseLibrary.POPULATION,
    "人口库": BaseLibrary.POPULATION,
    "法人": BaseLibrary.LEGAL_PERSON,
    "法人库": BaseLibrary.LEGAL_PERSON,
    "空间地理": BaseLibrary.SPATIAL,
    "空间地理库": BaseLibrary.SPATIAL,
    "自然资源和空间地理": BaseLibrary.SPATIAL,
    "电子证照": BaseLibrary.LICENCE,
    "电子证照库": BaseLibrary.LICENCE,
    "信用": BaseLibrary.CREDIT,
    "公共信用": BaseLibrary.CREDIT,
}
_REGION: Final = Column("region", ("行政区划代码", "行政区划", "区划代码", "region"), _region, required=True)

COLUMNS: Final[Mapping[ListName, tuple[Column, ...]]] = {
    ListName.SYSTEMS: (
        Column("name", ("系统名称", "信息系统名称", "name"), _text, required=True),
        Column("purpose", ("系统功能", "主要功能", "系统简介", "功能描述", "purpose"), _text, required=True),
        _REGION,
        Column("code", ("系统编码", "系统编号", "code"), _text),
        Column("host", ("部署位置", "部署环境", "host"), _text),
        Column("since", ("上线时间", "建成时间", "since"), _day),
        Column("capability", ("信息化能力", "能力说明", "capability"), _text),
        Column("parent", ("上级系统", "所属系统", "parent"), _text),
    ),
    ListName.DATA: (
        Column(
            "name", ("信息资源名称", "数据资源名称", "数据名称", "资源名称", "name"), _text, required=True
        ),
        Column(
            "abstract",
            ("信息资源摘要", "数据资源摘要", "资源摘要", "摘要", "数据描述", "abstract"),
            _text,
            required=True,
        ),
        Column(
            "kind", ("资源格式", "信息资源格式", "数据格式", "kind"), _one_of(DataKind, _KINDS), required=True
        ),
        _REGION,
        Column("update", ("更新周期", "更新频率", "update"), _one_of(Update, _UPDATES), required=True),
        Column("share", ("共享类型", "共享属性", "share"), _one_of(ShareKind, _SHARES), required=True),
        Column("level", ("数据级别", "分级", "安全级别", "level"), _one_of(Level, _LEVELS)),
        Column("code", ("信息资源代码", "数据资源代码", "资源代码", "资源编码", "code"), _text),
        Column("share_reason", ("共享条件", "不予共享依据", "共享条件或依据", "share_reason"), _text),
        Column("system", ("所属系统", "所属信息系统", "来源系统", "系统名称", "system"), _text),
        Column("theme", ("主题分类", "所属主题", "主题", "theme"), _text),
        Column(
            "base_library", ("基础库", "所属基础库", "base_library"), _one_of(BaseLibrary, _BASES, none=True)
        ),
        Column("fields", ("信息项", "数据项", "信息项名称", "数据项名称", "fields"), _names),
        Column("personal", ("个人信息项", "涉及个人信息的数据项", "personal"), _names),
        Column("service", ("共享方式", "提供方式", "service"), _text),
        Column("sla_wd", ("提供时限", "服务时限", "sla_wd"), _days),
    ),
    ListName.DEMANDS: (
        Column("name", ("需求名称", "需求数据名称", "数据需求名称", "name"), _text, required=True),
        Column("purpose", ("应用场景", "需求用途", "用途", "purpose"), _text, required=True),
        Column("code", ("需求编号", "需求编码", "code"), _text),
        Column("fields", ("需求数据项", "需求信息项", "数据项", "fields"), _names),
        Column("provider", ("数源部门", "提供部门", "数据提供单位", "provider"), _text),
        Column("system", ("应用系统", "使用系统", "system"), _text),
        Column("data", ("对应资源代码", "数据资源代码", "对应目录", "data"), _text),
        Column("owner", ("责任部门", "责任单位", "owner"), _text),
        Column("due_on", ("完成时限", "计划完成时间", "due_on"), _day),
    ),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """How the rows of one file are read: which cell fills which column, which headings say nothing to us."""

    list_name: ListName
    columns: tuple[tuple[int, Column], ...]
    named: Mapping[str, str]
    ignored: tuple[str, ...]

    def row(self, cells: Sequence[str], on: date) -> tuple[dict[str, Any], str] | Fault:
        """The members of an entry and its key, or why the row is not taken; `on` is today."""
        said: dict[str, Any] = {}
        if BROKEN in cells:
            return Fault(next(iter(self.named.values())), "broken")
        for at, column in self.columns:
            cell = unguarded(cells[at].strip()) if at < len(cells) else ""
            heading = self.named[column.member]
            wrong = _wrong(cell)
            if wrong:
                return Fault(heading, wrong)
            if not cell:
                if not column.required:
                    continue
                return Fault(heading, "empty")
            try:
                said[column.member] = column.read(cell)
            except CellWrong as why:
                return Fault(heading, why.why)
        try:
            _CHECKS[self.list_name](said, on)
        except ListMalformed as error:
            member = str((error.facts.get("fields") or ["name"])[0])
            return Fault(self.named.get(_SHOWN.get(member, member), member), "not-of-its-form")
        return said, key_of(str(said.get("code", "")), str(said["name"]))


def reading_of(list_name: ListName, header: Sequence[str]) -> Reading | None:
    """How a file with this row of headings is read; None where the row is none.

    A row is the header if it has every required heading; a note of what must be filled in is none of it.
    Raises ListFileUnreadable where a column that is read stands twice.
    """
    at_of: dict[str, int] = {}
    twice: dict[str, str] = {}
    for at, heading in enumerate(header):
        plain = _heading(heading)
        if plain and plain in at_of:
            twice[plain] = heading
        elif plain:
            at_of[plain] = at
    taken: dict[str, tuple[int, str]] = {}
    used: set[int] = set()
    for column in COLUMNS[list_name]:
        for heading in column.headings:
            place = at_of.get(normal(heading))
            if place is not None and place not in used:
                if normal(heading) in twice:
                    raise ListFileUnreadable("a heading stands twice", heading=header[place][:100])
                taken[column.member] = place, header[place].strip()
                used.add(place)
                break
    if any(column.required and column.member not in taken for column in COLUMNS[list_name]):
        return None
    return Reading(
        list_name,
        tuple((taken[one.member][0], one) for one in COLUMNS[list_name] if one.member in taken),
        {member: heading for member, (_, heading) in taken.items()},
        tuple(header[at].strip()[:100] for at in sorted(set(at_of.values()) - used)),
    )


def _heading(cell: str) -> str:
    return normal(_NOTE.sub("", cell))


def missing_headings(list_name: ListName, header: Sequence[str]) -> list[str]:
    """The required headings that a row has not, as we write them."""
    known = {_heading(heading) for heading in header}
    return [
        column.headings[0]
        for column in COLUMNS[list_name]
        if column.required and not known & {normal(heading) for heading in column.headings}
    ]


def _check_entry(said: Mapping[str, Any], on: date) -> None:
    del on
    check_entry(entry_said(said))


def _check_system(said: Mapping[str, Any], on: date) -> None:
    check_system(system_said(said), on)


def _check_demand(said: Mapping[str, Any], on: date) -> None:
    check_demand(demand_said(said), on)
    if ("owner" in said) != (said.get("due_on") is not None) and "data" not in said:
        raise ListMalformed("a gap has an owner and a date, or neither", fields=["due_on"])


_CHECKS: Final[Mapping[ListName, Callable[[Mapping[str, Any], date], None]]] = {
    ListName.SYSTEMS: _check_system,
    ListName.DATA: _check_entry,
    ListName.DEMANDS: _check_demand,
}
_SHOWN: Final = {"owner_id": "owner", "provider_id": "provider", "system_id": "system", "data_id": "data"}
assert MAX_TEXT <= MAX_CELL
