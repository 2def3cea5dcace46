"""Whether an entry of the important-data catalogue covers an object: an explained answer, never a score.

By identity (the entry names it), by bytes, by lineage (it was made of what the entry names), or by
description: the same sector, a keyword in its words, and every field pattern among its fields. Part of a
description is a resemblance, which a person decides; nothing is compared fuzzily. Pure.
"""

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from registry.grading.errors import GradingMalformed

MAX_KEYWORDS: Final = 50
MAX_PATTERNS: Final = 50
MAX_NAMED: Final = 200
MIN_WORD: Final = 2
MAX_WORD: Final = 60


class How(StrEnum):
    """By what an entry covers an object, or resembles it."""

    IDENTITY = "IDENTITY"
    DIGEST = "DIGEST"
    LINEAGE = "LINEAGE"
    DESCRIPTION = "DESCRIPTION"
    PARTLY = "PARTLY"


EXACT: Final = frozenset({How.IDENTITY, How.DIGEST, How.LINEAGE})


@dataclass(frozen=True, slots=True)
class Covering:
    """What an entry names and describes."""

    sector: str
    objects: frozenset[str]
    digests: frozenset[str]
    keywords: tuple[str, ...]
    patterns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Covered:
    """What is known of an object. `ancestors` are ids and digests of what it was made of, near and far."""

    object_id: str
    file_sha256: str | None
    sector: str
    words: str
    fields: frozenset[str]
    ancestors: frozenset[str]


@dataclass(frozen=True, slots=True)
class Answer:
    """How, and every reason in words that name what was compared: `keyword 电网负荷`."""

    how: How
    grounds: tuple[str, ...]

    @property
    def stops(self) -> bool:
        return self.how is not How.PARTLY


def compared(entry: Covering, found: Covered) -> Answer | None:
    """Whether the entry covers the object, and why; None where nothing speaks for it."""
    if found.object_id in entry.objects:
        return Answer(How.IDENTITY, (f"object {found.object_id}",))
    if found.file_sha256 in entry.digests:
        return Answer(How.DIGEST, (f"file {found.file_sha256}",))
    made_of = sorted(found.ancestors & (entry.objects | entry.digests))
    if made_of:
        return Answer(How.LINEAGE, tuple(f"made of {one}" for one in made_of))
    return _described(entry, found)


def _described(entry: Covering, found: Covered) -> Answer | None:
    if not entry.keywords and not entry.patterns:
        return None
    words, names = folded(found.words), [folded(name) for name in found.fields]
    same_sector = bool(found.sector) and found.sector[:1] == entry.sector[:1]
    keywords = [word for word in entry.keywords if folded(word) in words]
    patterns = [form for form in entry.patterns if any(folded(form) in name for name in names)]
    worded = bool(keywords) if entry.keywords else True
    fielded = len(patterns) == len(entry.patterns)
    grounds = (
        *([f"sector {entry.sector[:1]}"] if same_sector else []),
        *(f"keyword {word}" for word in keywords),
        *(f"field {form}" for form in patterns),
    )
    if same_sector and worded and fielded and keywords and entry.patterns:
        return Answer(How.DESCRIPTION, grounds)
    if same_sector and (keywords or (patterns and fielded)):
        return Answer(How.PARTLY, grounds)
    if keywords and patterns and fielded:
        return Answer(How.PARTLY, grounds)
    return None


def folded(text: str) -> str:
    """A text as it is compared: compatible forms as one, no case, no blanks or underscores."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(one for one in plain if not one.isspace() and one not in "_-")


def check_described(
    *,
    objects: Collection[str],
    digests: Collection[str],
    keywords: Collection[str],
    patterns: Collection[str],
) -> None:
    """An entry names or describes something, in bounds. Raises GradingMalformed."""
    wrong = []
    if len(keywords) > MAX_KEYWORDS or any(not MIN_WORD <= len(folded(one)) <= MAX_WORD for one in keywords):
        wrong.append("keywords")
    if len(patterns) > MAX_PATTERNS or any(not MIN_WORD <= len(folded(one)) <= MAX_WORD for one in patterns):
        wrong.append("patterns")
    wrong += [name for name, held in (("objects", objects), ("digests", digests)) if len(held) > MAX_NAMED]
    if not (objects or digests or keywords):
        wrong.append("objects")
    if wrong:
        raise GradingMalformed("name objects or bytes, or describe by keywords", fields=wrong)
