"""What the lists decide, purely: the form of entries, least levels, names as compared, what an item repeats.

Sources: 政务数据共享条例 (State Council, 2025); the plans of the province (P6, P13) and of Guangzhou
(G14, G15, G19). The numbers stand in `rule_table.csv`.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final

from base.canonical import canonical, sha256_hex
from registry.lists.errors import LinkBroken, ListMalformed
from registry.registration.rules import Update
from registry.rules import Level, highest

MAX_NAME: Final = 200
MAX_TEXT: Final = 2_000
MAX_SHORT: Final = 100
MAX_FIELDS: Final = 500
MAX_SYNONYMS: Final = 50
MAX_DEPTH: Final = 20
"""How many systems may stand above one another."""
_REGION: Final = re.compile(r"[1-8][0-9]{5}")
_NOISE: Final = re.compile(r"[\W_]+")
_BIGRAM: Final = 2


class Listed(StrEnum):
    """Whether an entry is in the list or in its history."""

    LISTED = "LISTED"
    RETIRED = "RETIRED"


class DataKind(StrEnum):
    """In which form the data is there."""

    TABLE = "TABLE"
    FILE = "FILE"
    API = "API"
    VIDEO = "VIDEO"
    IOT = "IOT"


class BaseLibrary(StrEnum):
    """The base databases (R40) and, in Guangzhou, credit."""

    POPULATION = "population"
    LEGAL_PERSON = "legal-person"
    SPATIAL = "spatial"
    LICENCE = "licence"
    CREDIT = "credit"


class ShareKind(StrEnum):
    """On which condition an agency shares the data with others (无条件/有条件/不予共享)."""

    UNCONDITIONAL = "UNCONDITIONAL"
    CONDITIONAL = "CONDITIONAL"
    NOT_SHARED = "NOT_SHARED"


class DemandState(StrEnum):
    """A demand has an entry that meets it, or is a gap with an owner and a date."""

    OPEN = "OPEN"
    MATCHED = "MATCHED"
    RETIRED = "RETIRED"


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemEntry:
    """One information system (系统清单): what it is for, where it runs, what stands above it."""

    name: str
    purpose: str
    region: str
    code: str = ""
    host: str = ""
    since: date | None = None
    capability: str = ""  # its users, modules, interfaces (信息化能力普查)
    parent_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataField:
    """One field of a data entry; `item_id` is the item of the dictionary that it holds."""

    name: str
    type: str = ""
    meaning: str = ""
    item_id: str | None = None
    personal: bool = False

    def document(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "type": self.type,
            "meaning": self.meaning,
            "item_id": self.item_id,
            "personal": self.personal,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DataEntry:
    """One entry of the data list (数据清单), with its row in the share responsibility list (共享责任清单)."""

    name: str
    abstract: str
    kind: DataKind
    region: str
    update: Update
    level: Level
    share: ShareKind
    code: str = ""
    share_reason: str = ""  # NOT_SHARED: the law it rests on; CONDITIONAL: the condition
    system_id: str | None = None
    theme: str = ""
    base_library: BaseLibrary | None = None
    fields: tuple[DataField, ...] = ()
    service: str = ""  # how it is provided
    sla_wd: int | None = None  # within how many working days, where less than the law gives


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """One entry of the demand list (需求清单): what is needed, for what, of whom; who sees to it by when."""

    name: str
    purpose: str
    code: str = ""
    fields: tuple[str, ...] = ()
    provider_id: str | None = None
    system_id: str | None = None
    data_id: str | None = None
    owner_id: str | None = None
    due_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item of the dictionary: what is collected once, by one source."""

    name: str
    meaning: str
    code: str = ""
    synonyms: tuple[str, ...] = ()
    value_type: str = ""


@lru_cache(maxsize=4_096)  # a list says the same words over and over
def normal(text: str) -> str:
    """A name or code as it is compared: width, case, blanks and punctuation do not count."""
    return _NOISE.sub("", unicodedata.normalize("NFKC", text).casefold())


def key_of(code: str, name: str) -> str:
    """Under what an agency lists a thing once: its code, else its name."""
    plain = normal(code)
    return f"code:{plain}" if plain else f"name:{normal(name)}"


def content_digest(content: Mapping[str, Any]) -> str:
    """The SHA-256 of what an entry says, hex; the same words give the same digest."""
    return sha256_hex(canonical(content))


def check_system(said: SystemEntry, on: date) -> None:
    """The form of a system. Raises ListMalformed, naming the members."""
    _refuse(
        [
            ("name", not _named(said.name)),
            ("purpose", not 1 <= len(said.purpose) <= MAX_TEXT),
            ("region", _REGION.fullmatch(said.region) is None),
            ("code", _too_long(said.code)),
            ("host", _too_long(said.host)),
            ("capability", len(said.capability) > MAX_TEXT),
            ("since", said.since is not None and said.since > on),
        ]
    )


def check_entry(said: DataEntry) -> None:
    """The form of a data entry. NOT_SHARED names its legal basis, CONDITIONAL its condition.

    Raises ListMalformed, naming the members.
    """
    names = [normal(one.name) for one in said.fields]
    _refuse(
        [
            ("name", not _named(said.name)),
            ("abstract", not 1 <= len(said.abstract) <= MAX_TEXT),
            ("region", _REGION.fullmatch(said.region) is None),
            ("code", _too_long(said.code)),
            ("theme", _too_long(said.theme)),
            ("service", len(said.service) > MAX_TEXT),
            ("share_reason", len(said.share_reason) > MAX_TEXT),
            ("share_reason", said.share is not ShareKind.UNCONDITIONAL and not said.share_reason.strip()),
            ("fields", len(names) > MAX_FIELDS or len(set(names)) < len(names)),
            ("fields", any(not _named(one.name) for one in said.fields)),
            ("fields", any(_too_long(one.type) or len(one.meaning) > MAX_TEXT for one in said.fields)),
            ("sla_wd", said.sla_wd is not None and not 0 <= said.sla_wd <= MAX_SHORT),
        ]
    )


def check_demand(said: Demand, on: date) -> None:
    """The form of a demand. A gap's date lies ahead. Raises ListMalformed, naming the members."""
    _refuse(
        [
            ("name", not _named(said.name)),
            ("purpose", not 1 <= len(said.purpose) <= MAX_TEXT),
            ("code", _too_long(said.code)),
            ("fields", len(said.fields) > MAX_FIELDS or any(not _named(one) for one in said.fields)),
            ("due_on", said.due_on is not None and said.due_on < on),
        ]
    )


def check_item(said: Item) -> None:
    """The form of an item. Raises ListMalformed, naming the members."""
    _refuse(
        [
            ("name", not _named(said.name)),
            ("meaning", not 1 <= len(said.meaning) <= MAX_TEXT),
            ("code", _too_long(said.code)),
            ("value_type", _too_long(said.value_type)),
            ("synonyms", len(said.synonyms) > MAX_SYNONYMS or any(not _named(one) for one in said.synonyms)),
        ]
    )


def least_level(said: DataEntry) -> Level:
    """The level below which such an entry is not graded by its own word (R40, R43; this project's default).

    Population and licence libraries are of persons: general-4. Other base libraries, personal fields, video
    and sensors: general-3.
    """
    if said.base_library in {BaseLibrary.POPULATION, BaseLibrary.LICENCE}:
        return Level.GENERAL_4
    sensed = said.kind in {DataKind.VIDEO, DataKind.IOT}
    if said.base_library is not None or sensed or any(one.personal for one in said.fields):
        return Level.GENERAL_3
    return Level.GENERAL_1


def entry_level(said: DataEntry) -> Level:
    """The level as it is entered: the declared one, or the least."""
    return highest([said.level, least_level(said)])


def system_content(said: SystemEntry) -> dict[str, Any]:
    """What a system's version says, as it is digested."""
    return {
        "name": said.name,
        "purpose": said.purpose,
        "region": said.region,
        "code": said.code,
        "host": said.host,
        "since": said.since.isoformat() if said.since else None,
        "capability": said.capability,
        "parent_id": said.parent_id,
    }


def entry_content(said: DataEntry) -> dict[str, Any]:
    """What a data entry's version says, as it is digested."""
    return {
        "name": said.name,
        "abstract": said.abstract,
        "kind": said.kind.value,
        "region": said.region,
        "update": said.update.value,
        "level": entry_level(said).value,
        "share": said.share.value,
        "share_reason": said.share_reason,
        "code": said.code,
        "system_id": said.system_id,
        "theme": said.theme,
        "base_library": said.base_library.value if said.base_library else None,
        "fields": [one.document() for one in said.fields],
        "service": said.service,
        "sla_wd": said.sla_wd,
    }


def demand_content(said: Demand) -> dict[str, Any]:
    """What a demand's version says, as it is digested."""
    return {
        "name": said.name,
        "purpose": said.purpose,
        "code": said.code,
        "fields": list(said.fields),
        "provider_id": said.provider_id,
        "system_id": said.system_id,
        "data_id": said.data_id,
        "owner_id": said.owner_id,
        "due_on": said.due_on.isoformat() if said.due_on else None,
    }


def check_circle(own_id: str, parent_id: str | None, parents: Mapping[str, str | None]) -> None:
    """That the way up from a system ends. `parents` maps each system to what stands above it.

    Raises LinkBroken where it leads back, or is longer than MAX_DEPTH.
    """
    above, steps = parent_id, 0
    while above is not None:
        steps += 1
        if above == own_id or steps > MAX_DEPTH:
            raise LinkBroken("a system does not stand above itself", system_id=own_id, parent_id=parent_id)
        above = parents.get(above)


class Match(StrEnum):
    """How much alike two items are."""

    SAME = "SAME"  # code, name or a synonym is the same
    NEAR = "NEAR"  # the names are alike: a person decides


@dataclass(frozen=True, slots=True)
class Known:
    """An item of the dictionary, as it is compared: `names` are normalised, its synonyms among them."""

    item_id: str
    code: str
    names: frozenset[str]
    grams: tuple[frozenset[str], ...] = field(default=())


def known(item_id: str, code: str, name: str, synonyms: Iterable[str]) -> Known:
    """An item made ready for comparison."""
    names = frozenset(plain for one in (name, *synonyms) if (plain := normal(one)))
    return Known(item_id, normal(code), names, tuple(_grams(one) for one in sorted(names)))


def existing(said: Item, dictionary: Iterable[Known], *, near: Fraction) -> list[tuple[str, Match, Fraction]]:
    """The items that a proposal repeats: the same ones first, then the most alike (R18).

    `near` is the least share of common pairs of characters (Dice) that counts as alike.
    """
    asked = known("", said.code, said.name, said.synonyms)
    found: list[tuple[str, Match, Fraction]] = []
    for one in dictionary:
        if (asked.code and asked.code == one.code) or asked.names & one.names:
            found.append((one.item_id, Match.SAME, Fraction(1)))
            continue
        likest = max((_dice(mine, its) for mine in asked.grams for its in one.grams), default=Fraction(0))
        if likest >= near:
            found.append((one.item_id, Match.NEAR, likest))
    return sorted(found, key=lambda hit: (hit[1] is not Match.SAME, -hit[2], hit[0]))


def _grams(text: str) -> frozenset[str]:
    return frozenset(text[i : i + _BIGRAM] for i in range(max(1, len(text) - 1)))


def _dice(one: frozenset[str], other: frozenset[str]) -> Fraction:
    return Fraction(2 * len(one & other), len(one) + len(other))


def _named(name: str) -> bool:
    return 1 <= len(name) <= MAX_NAME and bool(normal(name))


def _too_long(text: str) -> bool:
    return len(text) > MAX_SHORT


def _refuse(wrong: Sequence[tuple[str, bool]]) -> None:
    fields = sorted({name for name, is_wrong in wrong if is_wrong})
    if fields:
        raise ListMalformed("the entry is not of its form", fields=fields)
