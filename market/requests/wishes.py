"""What more a request may ask of the data: fields, freshness, level, licence. Pure; all of it is optional."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from market.requests.errors import RequestMalformed
from registry.declared import Frequency
from registry.rules import Level

MOST_FIELDS: Final = 30
MAX_WORD: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """`fields` are names of columns; `frequency` the slowest that will do, `level` the highest one takes."""

    fields: tuple[str, ...] = ()
    frequency: Frequency | None = None
    level: Level | None = None
    licence_class: str | None = None

    def document(self) -> dict[str, Any]:
        """As the opening of the request says them and as they are kept."""
        return {
            "fields": list(self.fields),
            "frequency": self.frequency.value if self.frequency else None,
            "level": self.level.value if self.level else None,
            "licence_class": self.licence_class,
        }


def wishes_of(
    *,
    fields: Iterable[str] = (),
    frequency: Frequency | None = None,
    level: Level | None = None,
    licence_class: str | None = None,
) -> Wishes | None:
    """What is wished, its words trimmed and each once; None where nothing is. Raises RequestMalformed."""
    words = tuple(dict.fromkeys(word.strip() for word in fields))
    if len(words) > MOST_FIELDS:
        raise RequestMalformed(f"a request names up to {MOST_FIELDS} fields", member="fields")
    licence = (licence_class or "").strip() or None
    for member, word in (*(("fields", word) for word in words), ("licence_class", licence or "-")):
        if not 0 < len(word) <= MAX_WORD or not word.isprintable():
            raise RequestMalformed(f"a word has 1 to {MAX_WORD} characters", member=member)
    wishes = Wishes(fields=words, frequency=frequency, level=level, licence_class=licence)
    return None if wishes == Wishes() else wishes


def wishes_from(document: Mapping[str, Any]) -> Wishes:
    """The reverse of `Wishes.document`."""
    frequency, level = document["frequency"], document["level"]
    return Wishes(
        fields=tuple(document["fields"]),
        frequency=Frequency(frequency) if frequency else None,
        level=Level(level) if level else None,
        licence_class=document["licence_class"],
    )
