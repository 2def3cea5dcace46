"""What grading decides, purely: the matrix of harm, how amounts raise a level, who wins, what is lowered how.

Sources: GB/T 43697-2024 (three levels by object and degree of harm; general data in four, Annex H; derived
data, Annex I; change, Annex J), 网络数据安全管理条例 28, `rules.md` §2.5.1.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from registry.grading.errors import (
    DesensitisationUnproved,
    GradingBelowGrounds,
    GradingBelowScan,
    GradingMalformed,
)
from registry.rules import Level, highest, rank

MAX_TEXT: Final = 2000
MAX_NAME: Final = 200
MAX_FIELDS: Final = 500
MAX_GROUNDS: Final = 18
MAX_PERSONS: Final = 10**10
MAX_JOINED: Final = 100


class Harmed(StrEnum):
    """The six objects that harm is measured by."""

    NATIONAL_SECURITY = "national-security"
    ECONOMY = "economy"
    SOCIAL_ORDER = "social-order"
    PUBLIC_INTEREST = "public-interest"
    ORGANISATION = "organisation"
    INDIVIDUAL = "individual"


class Degree(StrEnum):
    """How grave the harm is: 特别严重, 严重, 一般."""

    ESPECIALLY_SERIOUS = "especially-serious"
    SERIOUS = "serious"
    GENERAL = "general"


class Reason(StrEnum):
    """Why an object is graded (anew)."""

    FIRST = "FIRST"
    CHANGED = "CHANGED"  # fields, volume or file
    DUE = "DUE"
    DERIVED = "DERIVED"  # a source was graded anew
    DESENSITISED = "DESENSITISED"
    CORRECTION = "CORRECTION"


_WIDE: Final = {
    Degree.ESPECIALLY_SERIOUS: Level.CORE,
    Degree.SERIOUS: Level.IMPORTANT,
    Degree.GENERAL: Level.GENERAL_4,
}
_OWN: Final = {
    Degree.ESPECIALLY_SERIOUS: Level.GENERAL_4,
    Degree.SERIOUS: Level.GENERAL_3,
    Degree.GENERAL: Level.GENERAL_2,
}
MATRIX: Final[Mapping[Harmed, Mapping[Degree, Level]]] = {
    Harmed.NATIONAL_SECURITY: {
        Degree.ESPECIALLY_SERIOUS: Level.CORE,
        Degree.SERIOUS: Level.CORE,
        Degree.GENERAL: Level.IMPORTANT,
    },
    Harmed.ECONOMY: _WIDE,
    Harmed.SOCIAL_ORDER: _WIDE,
    Harmed.PUBLIC_INTEREST: _WIDE,
    Harmed.ORGANISATION: _OWN,
    Harmed.INDIVIDUAL: _OWN,
}


@dataclass(frozen=True, slots=True)
class Ground:
    """One cell of the matrix that applies, and why."""

    harmed: Harmed
    degree: Degree
    why: str


@dataclass(frozen=True, slots=True)
class FieldLevel:
    """The level of one field, where it has one of its own."""

    name: str
    level: Level
    personal: bool = False
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class Amounts:
    """How many natural persons the data is of, of how many sensitively, and from how many sources joined."""

    persons: int = 0
    sensitive_persons: int = 0
    joined: int = 1


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The numbers of `rule_table.csv` by which amounts raise a level."""

    important_persons: int
    important_sensitive: int
    raising_persons: int
    raising_sources: int


@dataclass(frozen=True, slots=True)
class Computed:
    """A level with its reasons, one a judge: `ground:economy/serious=important`."""

    level: Level
    why: tuple[str, ...]


def matrix_level(ground: Ground) -> Level:
    """The level of one cell of the matrix."""
    return MATRIX[ground.harmed][ground.degree]


def computed(
    declared: Level,
    *,
    grounds: Sequence[Ground],
    fields: Sequence[FieldLevel],
    amounts: Amounts,
    thresholds: Thresholds,
    floor: Level | None = None,
) -> Computed:
    """The highest of what the grounds, the fields, the amounts and the template give; highest wins.

    `floor` is the least level of the kind of data (a base library, a video). What is declared higher stays.
    """
    judged = [(f"declared={declared.value}", declared)]
    judged += [
        (f"ground:{one.harmed.value}/{one.degree.value}={level.value}", level)
        for one in grounds
        for level in [matrix_level(one)]
    ]
    judged += [(f"field:{one.name}={one.level.value}", one.level) for one in fields if _counts(one)]
    judged += [
        (f"field:{one.name} sensitive={Level.GENERAL_4.value}", Level.GENERAL_4)
        for one in fields
        if one.sensitive
    ]
    judged += [
        (f"field:{one.name} personal={Level.GENERAL_3.value}", Level.GENERAL_3)
        for one in fields
        if one.personal and not one.sensitive
    ]
    if floor is not None:
        judged.append((f"floor={floor.value}", floor))
    so_far = highest(level for _, level in judged)
    judged += list(_aggregated(so_far, amounts, thresholds))
    level = highest(one for _, one in judged)
    return Computed(level, tuple(why for why, one in judged if one is level or not why.startswith("field:")))


def _counts(one: FieldLevel) -> bool:
    return not (one.personal or one.sensitive) or rank(one.level) > rank(Level.GENERAL_4)


def _aggregated(so_far: Level, amounts: Amounts, numbers: Thresholds) -> Iterable[tuple[str, Level]]:
    """关联汇聚: many persons, or several sources joined, make more of data than each part is."""
    if amounts.persons >= numbers.important_persons:
        yield f"persons>={numbers.important_persons}={Level.IMPORTANT.value}", Level.IMPORTANT
    if amounts.sensitive_persons >= numbers.important_sensitive:
        why = f"sensitive-persons>={numbers.important_sensitive}"
        yield f"{why}={Level.IMPORTANT.value}", Level.IMPORTANT
    if amounts.persons >= numbers.raising_persons:
        yield f"persons>={numbers.raising_persons}={Level.GENERAL_4.value}", Level.GENERAL_4
    if amounts.joined >= numbers.raising_sources and rank(so_far) < rank(Level.GENERAL_4):
        above = sorted(Level, key=rank)[rank(so_far) + 1]
        yield f"joined-sources>={numbers.raising_sources}={above.value}", above


def check_form(grounds: Sequence[Ground], fields: Sequence[FieldLevel], amounts: Amounts) -> None:
    """Bounded, each once, with a reason. Raises GradingMalformed."""
    cells = [(one.harmed, one.degree) for one in grounds]
    objects = [one.harmed for one in grounds]
    names = [one.name for one in fields]
    wrong: list[str] = []
    if len(objects) > len(set(objects)) or len(cells) > MAX_GROUNDS:
        wrong.append("grounds")
    if any(not 1 <= len(one.why.strip()) <= MAX_TEXT for one in grounds):
        wrong.append("grounds")
    if len(names) > len(set(names)) or len(names) > MAX_FIELDS:
        wrong.append("fields")
    if any(not 1 <= len(name.strip()) <= MAX_NAME for name in names):
        wrong.append("fields")
    if not 0 <= amounts.sensitive_persons <= amounts.persons <= MAX_PERSONS:
        wrong.append("persons")
    if not 1 <= amounts.joined <= MAX_JOINED:
        wrong.append("joined")
    if wrong:
        raise GradingMalformed("each object of harm once, each field once, counts that agree", fields=wrong)


def check_decided(decided: Level, *, computed_level: Level, scanned: Level | None) -> None:
    """Highest wins: a decision may go above, never below. Raises GradingBelowGrounds, GradingBelowScan."""
    if rank(decided) < rank(computed_level):
        raise GradingBelowGrounds(
            "grounds, fields or amounts give more", decided=decided.value, computed=computed_level.value
        )
    if scanned is not None and rank(decided) < rank(scanned):
        raise GradingBelowScan("the scan shows more", decided=decided.value, scanned=scanned.value)


def check_lowering(
    decided: Level,
    *,
    in_force: Level | None,
    scanned_before: Level | None,
    file_before: str | None,
    file_sha256: str | None,
    scanned_file: str | None,
    proof_sha256: str | None,
) -> None:
    """Below what a former file was scanned at: only a new file, with a proof of desensitisation, and scanned.

    `scanned_file` is the file of the newest scan. Lowering a level whose file shows no more than the new one
    needs no proof (a correction of grounds). Raises DesensitisationUnproved.
    """
    if in_force is None or rank(decided) >= rank(in_force):
        return
    if scanned_before is None or rank(decided) >= rank(scanned_before):
        return
    missing = []
    if proof_sha256 is None:
        missing.append("desensitised_sha256")
    if file_sha256 is None or file_sha256 == file_before:
        missing.append("file_sha256")
    elif scanned_file != file_sha256:
        missing.append("scan")
    if missing:
        raise DesensitisationUnproved("a new file, its proof and its scan", missing=missing)


def needs_authority(decided: Level, *, in_force: Level | None) -> bool:
    """Important and core are confirmed by the data authority, and so is coming down from there."""
    return any(one is not None and rank(one) >= rank(Level.IMPORTANT) for one in (decided, in_force))


def effective(*parts: Level | None) -> Level:
    """Highest wins over all that is known; general-1 where nothing is."""
    return highest([Level.GENERAL_1, *(one for one in parts if one is not None)])
