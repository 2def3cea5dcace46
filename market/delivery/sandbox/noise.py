"""The noise, by OpenDP: discrete Laplace over whole numbers, and the threshold below which no group is told.

Runs in the child. What a measurement costs is asked of OpenDP itself (`map`), not taken from our own sums.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import opendp.prelude as dp
from opendp.measurements import make_laplace, make_laplace_threshold
from opendp.metrics import l01inf_distance

_MICRO: Final = 1_000_000
_PICO: Final = 10**12
_WHOLE: Final = "i64"
_WIDER: Final = 1 + 2**-40  # so that no rounding makes a share dearer than it is
_HIGHEST_THRESHOLD: Final = 2**40
dp.enable_features("contrib")


def scale_of(sensitivity: int, share_micro: int) -> float:
    """The scale of the noise: how far one unit can move the numbers, over ε."""
    return sensitivity * _MICRO / share_micro * _WIDER


def noisy(numbers: Sequence[int], *, sensitivity: int, share_micro: int) -> list[int]:
    """The numbers of all groups, each with noise; together they cost the share."""
    domain = dp.vector_domain(dp.atom_domain(T=_WHOLE))
    released: Any = make_laplace(domain, dp.l1_distance(T=_WHOLE), scale=scale_of(sensitivity, share_micro))
    _require(released.map(sensitivity), share_micro)
    return [int(number) for number in released(list(numbers))]


def told_groups(
    rows: Mapping[str, int], *, unit_rows: int, share_micro: int, delta_pico: int
) -> dict[str, int]:
    """The groups that may be told, with noisy counts of their rows; costs the share of ε, and δ."""
    scale = scale_of(unit_rows, share_micro)
    released = _thresholded(scale, threshold_of(scale, unit_rows=unit_rows, delta_pico=delta_pico))
    epsilon, delta = released.map((unit_rows, unit_rows, unit_rows))
    _require(epsilon, share_micro)
    if delta * _PICO > delta_pico:
        raise ArithmeticError("the threshold costs more δ than it may")
    return {str(key): int(count) for key, count in released(dict(rows)).items()}


def threshold_of(scale: float, *, unit_rows: int, delta_pico: int) -> int:
    """The lowest noisy count at which a group may be told."""
    low, high = unit_rows, unit_rows + math.ceil(scale * 64) + 64
    at_most = (unit_rows, unit_rows, unit_rows)
    while _thresholded(scale, high).map(at_most)[1] * _PICO > delta_pico:
        high *= 2
        if high > _HIGHEST_THRESHOLD:
            raise ArithmeticError("no threshold holds this δ")
    while low < high:
        middle = (low + high) // 2
        if _delta(scale, middle, at_most) * _PICO <= delta_pico:
            high = middle
        else:
            low = middle + 1
    return high


def _delta(scale: float, threshold: int, at_most: tuple[int, int, int]) -> float:
    try:
        return float(_thresholded(scale, threshold).map(at_most)[1])
    except dp.OpenDPException:  # so low that nothing can be said
        return 1.0


def _thresholded(scale: float, threshold: int) -> Any:
    domain = dp.map_domain(dp.atom_domain(T=str), dp.atom_domain(T=_WHOLE))
    metric = l01inf_distance(dp.absolute_distance(T=_WHOLE))
    return make_laplace_threshold(domain, metric, scale=scale, threshold=threshold)


def _require(epsilon: float, share_micro: int) -> None:
    if not epsilon * _MICRO <= share_micro:
        raise ArithmeticError("the noise costs more ε than its share")
