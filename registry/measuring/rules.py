"""What two sources say of each other, purely: counts in, the canonical result out (多源校核).

A key is compared where both files have it, once and whole; a cell where both have a value. The rate is the
share of the compared cells that agree, in hundredths of a percent, rounded down: the truth (真实性) of both.
No value stands in a result, only names of columns, counts and digests.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any, Final

import orjson

from base.canonical import canonical
from registry.measuring.errors import CrossCheckMalformed
from registry.quality import Dimension, tenths

METHOD: Final = "databourse-cross-check/1"
MAX_KEY: Final = 5
MAX_COLUMNS: Final = 100
MAX_NAME: Final = 200
FULL: Final = 10_000


@dataclass(frozen=True, slots=True)
class Side:
    """What of one file was left out: rows without a whole key, rows whose key comes more than once."""

    sha256: str
    rows: int
    keyless: int
    repeated: int

    @property
    def keys(self) -> int:
        return self.rows - self.keyless - self.repeated

    def document(self) -> dict[str, Any]:
        return {
            "sha256": self.sha256,
            "rows": self.rows,
            "keyless": self.keyless,
            "repeated": self.repeated,
            "keys": self.keys,
        }


@dataclass(frozen=True, slots=True)
class Agreement:
    """One column of the matching keys: in how many both have a value, in how many of these it is the same."""

    name: str
    compared: int
    agreeing: int


def check_question(key: Sequence[str], columns: Sequence[str]) -> None:
    """The form of a question. Raises CrossCheckMalformed."""
    names = [*key, *columns]
    if not 1 <= len(key) <= MAX_KEY or len(columns) > MAX_COLUMNS:
        raise CrossCheckMalformed("a key of one to five columns", fields=["key"])
    if len(set(names)) != len(names) or not all(1 <= len(name) <= MAX_NAME for name in names):
        raise CrossCheckMalformed("each column once, by its name", fields=["columns"])


def chosen_columns(
    left: Sequence[str], right: Sequence[str], key: Sequence[str], columns: Sequence[str]
) -> tuple[str, ...]:
    """What is compared: the columns that were named, or all that both files have beside the key.

    Raises CrossCheckMalformed where one of them, or of the key, is not in both exactly once.
    """
    both = [name for name in left if name in right and name not in key]
    chosen = tuple(columns or sorted(both)[:MAX_COLUMNS])
    wrong = [name for name in (*key, *chosen) if left.count(name) != 1 or right.count(name) != 1]
    if wrong or not chosen:
        raise CrossCheckMalformed("both files need these columns, each once", columns=wrong)
    return chosen


def result_of(
    left: Side, right: Side, *, key: Sequence[str], matching: int, agreements: Sequence[Agreement]
) -> bytes:
    """The canonical result. Raises ValueError where the counts contradict each other."""
    if not 0 <= matching <= min(left.keys, right.keys):
        raise ValueError("more keys match than there are")
    if any(not 0 <= one.agreeing <= one.compared <= matching for one in agreements):
        raise ValueError("more agrees than was compared")
    compared = sum(one.compared for one in agreements)
    agreeing = sum(one.agreeing for one in agreements)
    union = left.keys + right.keys - matching
    return canonical(
        {
            "method": METHOD,
            "key": list(key),
            "left": left.document(),
            "right": right.document(),
            "matching": matching,
            "matching_share": _share(matching, union),
            "columns": [
                {
                    "name": one.name,
                    "compared": one.compared,
                    "agreeing": one.agreeing,
                    "share": _share(one.agreeing, one.compared),
                }
                for one in agreements
            ],
            "compared": compared,
            "agreeing": agreeing,
            "rate": _share(agreeing, compared),
        }
    )


def read_result(result: bytes) -> dict[str, Any]:
    """A result that a child wrote, computed again from its own counts. Raises ValueError for any other."""
    said = orjson.loads(result)
    sides = [
        Side(one["sha256"], one["rows"], one["keyless"], one["repeated"])
        for one in (said["left"], said["right"])
    ]
    columns = [Agreement(one["name"], one["compared"], one["agreeing"]) for one in said["columns"]]
    again = result_of(*sides, key=said["key"], matching=said["matching"], agreements=columns)
    if again != result:
        raise ValueError("not the result of these counts")
    document: dict[str, Any] = said
    return document


def _share(part: int, whole: int) -> int | None:
    return (Fraction(part, whole) * FULL).__floor__() if whole else None


class Property(StrEnum):
    """Guangzhou's five (真实性、准确性、完整性、时效性、可用性)."""

    TRUTH = "TRUTH"
    ACCURACY = "ACCURACY"
    COMPLETENESS = "COMPLETENESS"
    TIMELINESS = "TIMELINESS"
    USABILITY = "USABILITY"


def five_properties(scores: Mapping[Dimension, int], rate: int | None) -> dict[Property, int | None]:
    """Guangzhou's five as a view of the six measured dimensions and the cross-check rate, in tenths.

    Truth is the rate alone, None where nothing was checked. Usability is the mean of conformity,
    consistency and accessibility, rounded down: data is used as far as it can be read, fits and is had.
    """
    usable = [scores[one] for one in (Dimension.CONFORMITY, Dimension.CONSISTENCY, Dimension.ACCESSIBILITY)]
    return {
        Property.TRUTH: None if rate is None else tenths(Fraction(rate, FULL)),
        Property.ACCURACY: scores[Dimension.ACCURACY],
        Property.COMPLETENESS: scores[Dimension.COMPLETENESS],
        Property.TIMELINESS: scores[Dimension.TIMELINESS],
        Property.USABILITY: sum(usable) // len(usable),
    }
