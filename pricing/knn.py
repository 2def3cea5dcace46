"""M12, what each row of a data set does for predicting by its nearest neighbours: exact KNN-Shapley.

The worth of a set of rows is how often the `k` nearest of them have the label of a test row: (1/k) × those
that do, averaged over the test rows. The Shapley values of that game follow from the order of distances
(Jia et al., VLDB'19), from the farthest row to the nearest:

    s(N) = [label right] / max(k, N)
    s(i) = s(i+1) + ([right at i] − [right at i+1]) / k × min(k, i) / i

A signal of quality: above zero does not mean that a row does no harm, and no money is split by it.

Rows at one distance have no order of their own (their sum would depend on chance): it is by the SHA-256 of
their content. The numbers are scaled to whole ones; where squares of differences sum within 53 bits, the
distances are exact, beyond that they are rounded alike on any machine (one column after the other, no BLAS).
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from math import lcm
from typing import TYPE_CHECKING, Any, Final

from base.canonical import canonical
from base.errors import Malformed
from pricing.errors import TooMuchToPrice
from pricing.facts import Facts, exact_number
from pricing.quote import Quote, Reason, inputs_sha256

if TYPE_CHECKING:
    from fractions import Fraction

    from numpy import bool_, float64, int64
    from numpy.typing import NDArray

MECHANISM: Final = "M12"
VERSION: Final = "1"
MAX_ROWS: Final = 200_000
MAX_CELLS: Final = 2_000_000
MAX_PAIRS: Final = 20_000_000
_PLACES: Final = 12


def knn_quote(facts: Mapping[str, Any]) -> Quote:
    """The value of each training row.

    Facts: `train[][]`, `labels[]`, `test[][]`, `test_labels[]` (numbers are whole or decimal strings, labels
    whole or text), `k`. Results: `values[]` (decimal strings), `soft_accuracy`, their sum. Raises
    TooMuchToPrice, Malformed.
    """
    read = Facts(facts)
    train, test = (read.sequence(name, most=MAX_ROWS) for name in ("train", "test"))
    labels = _labels(read, "labels", read.sequence("labels", most=MAX_ROWS), len(train))
    told = _labels(read, "test_labels", read.sequence("test_labels", most=MAX_ROWS), len(test))
    k = read.count("k")
    read.description()
    read.close()
    if len(train) * len(test) > MAX_PAIRS:
        raise TooMuchToPrice("training rows × test rows is above its limit", limit=MAX_PAIRS)
    rows, questions = _scaled(read, train, test)
    values = knn_shapley(rows, labels, questions, told, k=min(k, MAX_ROWS))
    return Quote(
        mechanism=MECHANISM,
        version=VERSION,
        inputs_sha256=inputs_sha256(facts),
        results={
            "values": [_told(value) for value in values.tolist()],
            "soft_accuracy": _told(float(values.cumsum()[-1])),
        },
        reasons=(
            Reason("nearest-neighbours", {"k": k, "rows": len(train), "test_rows": len(test)}),
            Reason("signal-only"),
        ),
    )


def knn_shapley(
    train: "NDArray[float64]",
    labels: Sequence[int | str],
    test: "NDArray[float64]",
    test_labels: Sequence[int | str],
    *,
    k: int,
) -> "NDArray[float64]":
    """The exact values of the training rows, averaged over the test rows: O(N log N) for each of these."""
    import numpy as np  # noqa: PLC0415 - loaded where values are asked for

    size = len(train)
    columns = np.ascontiguousarray(train.T)
    codes = {label: code for code, label in enumerate(dict.fromkeys(labels))}
    coded = np.array([codes[label] for label in labels], dtype=np.int32)
    places = np.arange(1, size + 1, dtype=np.float64)
    steps = np.minimum(k, places) / (k * places)  # what a change of label at that place is worth
    gains, ties = np.zeros(size), _Ties(train, labels)
    distance, part = np.empty(size), np.empty(size)
    for question, label in zip(test, test_labels, strict=True):
        distance.fill(0.0)
        for column, at in zip(columns, question.tolist(), strict=True):
            np.subtract(column, at, out=part)
            np.multiply(part, part, out=part)
            np.add(distance, part, out=distance)
        order = ties.broken(distance.argsort(), distance)
        right = (coded == codes.get(label, -1))[order]
        gains[order] += _along(right, steps, k)
    return gains / len(test)


def _along(right: "NDArray[bool_]", steps: "NDArray[float64]", k: int) -> "NDArray[float64]":
    """The values of rows in the order of their distance, the nearest first."""
    import numpy as np  # noqa: PLC0415

    size = len(right)
    values = np.zeros(size)
    turns = np.flatnonzero(right[1:] != right[:-1])
    values[turns] = np.where(right[turns], steps[turns], -steps[turns])
    values[-1] = float(right[-1]) / max(k, size)
    farthest_first = values[::-1]
    np.cumsum(farthest_first, out=farthest_first)
    return values


class _Ties:
    """Rows at one distance in the order of their content; hashed only if there is such a thing."""

    def __init__(self, train: "NDArray[float64]", labels: Sequence[int | str]) -> None:
        self._train, self._labels = train, labels
        self._rank: NDArray[int64] | None = None

    def broken(self, order: "NDArray[int64]", distance: "NDArray[float64]") -> "NDArray[int64]":
        """The same order, with the rows of each distance sorted."""
        import numpy as np  # noqa: PLC0415

        sorted_by = distance[order]
        same = sorted_by[1:] == sorted_by[:-1]
        if not same.any():
            return order
        at = np.flatnonzero(np.append(same, np.False_) | np.insert(same, 0, np.False_))
        rows = order[at]
        order[at] = rows[np.lexsort((self._ranks()[rows], sorted_by[at]))]
        return order

    def _ranks(self) -> "NDArray[int64]":
        import numpy as np  # noqa: PLC0415

        if self._rank is None:
            hashes = [
                sha256(row.tobytes() + canonical([label])).digest()
                for row, label in zip(self._train, self._labels, strict=True)
            ]
            by_content = sorted(range(len(hashes)), key=lambda i: hashes[i])
            self._rank = np.empty(len(hashes), dtype=np.int64)
            self._rank[by_content] = np.arange(len(hashes))
        return self._rank


def _labels(read: Facts, name: str, told: Sequence[Any], rows: int) -> list[int | str]:
    labels = list(told)
    if len(labels) != rows:
        raise read.bad(name, "a label for each row")
    if not all(type(label) in (int, str) for label in labels):
        raise read.bad(name, "texts or whole numbers")
    return labels


def _scaled(
    read: Facts, train: Sequence[Any], test: Sequence[Any]
) -> "tuple[NDArray[float64], NDArray[float64]]":
    """The rows as whole numbers of one scale, where they fit; distances keep their order under a scale."""
    import numpy as np  # noqa: PLC0415

    width = len(train[0]) if isinstance(train[0], list | tuple) else 0
    if width * (len(train) + len(test)) > MAX_CELLS:
        raise TooMuchToPrice("the rows hold too many numbers", limit=MAX_CELLS)
    cells: dict[str, list[list[Fraction]]] = {}
    for name, rows in (("train", train), ("test", test)):
        cells[name] = []
        for row in rows:
            if not isinstance(row, list | tuple) or not len(row) == width > 0:
                raise read.bad(name, "rows of one width")
            numbers = [exact_number(cell) for cell in row]
            found = [number for number in numbers if number is not None]
            if len(found) < width:
                raise Malformed("a row holds numbers: whole ones or decimal strings", key=name)
            cells[name].append(found)
    scale = lcm(*(number.denominator for rows in cells.values() for row in rows for number in row))
    return tuple(  # type: ignore[return-value] # two of them
        np.array([[float(number * scale) for number in row] for row in cells[name]], dtype=np.float64)
        for name in ("train", "test")
    )


def _told(value: float) -> str:
    """Twelve decimals, no trailing zeros."""
    text = f"{value:.{_PLACES}f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
