"""The forms of the lists: which fields each act asks for, and how they are read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from registry.lists.rules import BaseLibrary, DataKind, ShareKind
from registry.lists.sharing_rules import RefusalGround, ShareType
from registry.registration.rules import Update
from registry.rules import Level
from web.pages.forms import Form
from web.pages.languages import N_


@dataclass(frozen=True, slots=True)
class Field:
    """One field: `how` is text, area, date, number, lines or choose; `group` has the words of a choice."""

    name: str
    label: str
    how: str = "text"
    hint: str = ""
    required: bool = True
    group: str = ""
    codes: tuple[str, ...] = ()


def _choice(name: str, label: str, group: str, codes: Any, *, required: bool = True) -> Field:
    return Field(name, label, "choose", "", required, group, tuple(str(one.value) for one in codes))


def _maybe(name: str, label: str, how: str = "text", hint: str = "") -> Field:
    return Field(name, label, how, hint, required=False)


_NAME: Final = Field("name", N_("Name"))
_CODE: Final = _maybe("code", N_("Code"), hint=N_("Under which the agency lists it once; else its name"))
_REGION: Final = Field("region", N_("Region"), hint=N_("Six digits of GB/T 2260"))
_REASON: Final = (Field("reason", N_("Reason"), "area"),)
_BASIS: Final = Field("basis", N_("Legal basis"), "area")
_SYSTEM: Final = (
    _NAME,
    Field("purpose", N_("Purpose"), "area"),
    _REGION,
    _CODE,
    _maybe("host", N_("Where it runs")),
    _maybe("since", N_("Since"), "date"),
    _maybe("capability", N_("Capability"), "area"),
    _maybe("parent_id", N_("System above it"), hint=N_("Its id")),
)
_DATA: Final = (
    _NAME,
    Field("abstract", N_("Abstract"), "area"),
    _choice("kind", N_("Kind"), "list_kind", DataKind),
    _REGION,
    _choice("update", N_("Renewed"), "registration_update", Update),
    _choice("level", N_("Level"), "level", reversed(Level)),
    _choice("share", N_("Sharing"), "list_share", ShareKind),
    _maybe("share_reason", N_("Condition, or the law it rests on"), "area"),
    _CODE,
    _maybe("system_id", N_("System"), hint=N_("Its id")),
    _maybe("theme", N_("Theme")),
    _choice("base_library", N_("Base library"), "list_base", BaseLibrary, required=False),
    _maybe(
        "fields_held",
        N_("Fields, one a line"),
        "lines",
        N_("name | type | meaning | id of its item | personal"),
    ),
    _maybe("service", N_("How it is provided"), "area"),
    _maybe("sla_wd", N_("Within working days"), "number"),
)
_DEMAND: Final = (
    _NAME,
    Field("purpose", N_("Purpose"), "area"),
    _CODE,
    _maybe("fields_wanted", N_("Fields, one a line"), "lines"),
    _maybe("provider_id", N_("Agency that may have it"), hint=N_("Its id")),
    _maybe("data_id", N_("Entry that meets it"), hint=N_("Its id")),
    _maybe("owner_id", N_("Who sees to it"), hint=N_("Its id")),
    _maybe("due_on", N_("Until"), "date"),
)
_ITEM: Final = (
    _NAME,
    Field("meaning", N_("Meaning"), "area"),
    _CODE,
    _maybe("synonyms", N_("Synonyms, one a line"), "lines"),
    _maybe("value_type", N_("Type")),
    _maybe("differs_from", N_("Ids of items that are alike and were found to be others"), "lines"),
)
_CLAIM: Final = (
    Field("function", N_("Function of the agency"), "area"),
    _BASIS,
    _maybe("data_id", N_("Kept in the entry"), hint=N_("Its id")),
)

NEW: Final[Mapping[str, tuple[str, Sequence[Field]]]] = {
    "systems": ("enter_system", _SYSTEM),
    "data": ("enter_data", _DATA),
    "demands": ("enter_demand", _DEMAND),
    "items": ("propose", _ITEM),
    "shares": (
        "ask",
        (
            Field("data_id", N_("Data entry"), hint=N_("Its id")),
            _choice("kind", N_("Kind"), "list_asked", ShareType),
            Field("purpose", N_("Purpose"), "area"),
            _BASIS,
            _maybe("fields_wanted", N_("Fields, one a line"), "lines", N_("None: all")),
            _maybe("demand_id", N_("Demand that it meets"), hint=N_("Its id")),
        ),
    ),
    "censuses": (
        "open_census",
        (
            _NAME,
            Field("due_on", N_("Until"), "date"),
            Field("agency_ids", N_("Ids of the agencies, one a line"), "lines"),
        ),
    ),
}
"""Of each list, the act that makes a new entry, and its fields."""

STEPS: Final[Mapping[str, Mapping[str, tuple[str, Sequence[Field]]]]] = {
    "systems": {"CHANGE": ("change_system", _SYSTEM), "RETIRE": ("retire_system", _REASON)},
    "data": {
        "CHANGE": ("change_data", _DATA),
        "MOUNT": (
            "mount",
            (
                _maybe("file_id", N_("File that was brought"), hint=N_("Its id")),
                _maybe("interface", N_("Address of the interface")),
            ),
        ),
        "FLAG": ("flag", (*_REASON, Field("mount_by", N_("To be mounted until"), "date"))),
        "RETIRE": ("retire_data", _REASON),
    },
    "demands": {
        "CHANGE": ("change_demand", _DEMAND),
        "MATCH": ("match", (Field("data_id", N_("Entry that meets it"), hint=N_("Its id")),)),
        "PLAN": (
            "plan",
            (
                Field("owner_id", N_("Who sees to it"), hint=N_("Its id")),
                Field("due_on", N_("Until"), "date"),
            ),
        ),
        "RETIRE": ("retire_demand", _REASON),
    },
    "items": {
        "CLAIM": ("claim", _CLAIM),
        "DISPUTE": ("claim", _CLAIM),
        "ASSIGN": ("assign", (Field("agency_id", N_("Agency"), hint=N_("Its id")), *_CLAIM[:2])),
        "CONFIRM": ("confirm", ()),
        "RESOLVE": (
            "resolve",
            (Field("source_id", N_("Source"), "choose"), Field("reason", N_("Reason"), "area")),
        ),
        "CHANGE": ("change_item", _ITEM),
        "RETIRE": ("retire_item", _REASON),
    },
    "shares": {
        "GRANT": ("grant", (_maybe("answer", N_("Answer"), "area"),)),
        "REFUSE": ("refuse", (_choice("ground", N_("Ground"), "list_ground", RefusalGround), *_REASON)),
        "CONTEST": ("contest", (Field("grounds", N_("Grounds"), "area"),)),
        "SERVE": (
            "serve",
            (
                _maybe(
                    "served_sha256", N_("SHA-256 of what was handed over"), hint=N_("Empty: what is mounted")
                ),
            ),
        ),
        "WITHDRAW": ("withdraw", ()),
        "CLOSE": ("close", ()),
    },
    "imports": {"ENTER": ("enter_import", ())},
    "censuses": {
        "RETURN": (
            "return",
            (
                Field("systems", N_("How many systems the agency has"), "number"),
                Field("entries", N_("How many data entries the agency has"), "number"),
            ),
        ),
        "CLOSE": ("close_census", ()),
    },
}
"""Of each list, the steps of an entry: the act, and its fields."""
_PARTS: Final = ("name", "type", "meaning", "item_id", "personal")
_FALSE: Final = frozenset({"", "0", "no", "否"})


def read_fields(form: Form, fields: Sequence[Field]) -> dict[str, Any]:
    """What a form says, as the act takes it; a field that is left empty is left out."""
    said: dict[str, Any] = {}
    for one in fields:
        if one.how == "lines":
            lines = [line.strip() for line in form.text(one.name).splitlines() if line.strip()]
            said[one.name] = [_field(line) for line in lines] if one.name == "fields_held" else lines
        elif one.how == "number":
            said[one.name] = form.whole(one.name)
        else:
            said[one.name] = form.optional(one.name)
    kept = {name: value for name, value in said.items() if value is not None}
    if "served_sha256" in kept:
        kept["served_sha256"] = kept["served_sha256"].lower()
    return kept


def _field(line: str) -> dict[str, Any]:
    """A field of a data entry as it stands on one line."""
    cells = [cell.strip() for cell in line.split("|")]
    said: dict[str, Any] = dict(zip(_PARTS, cells, strict=False))
    said["item_id"] = said.get("item_id") or None
    said["personal"] = said.get("personal", "").lower() not in _FALSE
    return said


def shown_value(row: Any, name: str) -> str:
    """What an entry says now, as its form shows it."""
    value = getattr(row, {"fields_held": "fields", "fields_wanted": "fields"}.get(name, name), None)
    if isinstance(value, list):
        return "\n".join(_line(one) for one in value)
    return "" if value is None else str(value)


def _line(one: Any) -> str:
    if not isinstance(one, dict):
        return str(one)
    cells = [str(one.get(name) or "") for name in _PARTS[:4]] + ["yes" if one.get("personal") else ""]
    return " | ".join(cells).rstrip(" |")
