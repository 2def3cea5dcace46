"""Where, and in what trade: zones of Guangdong, and the sections of GB/T 4754 that categories belong to."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import ibis

_GBA: Final = ("4401", "4403", "4404", "4406", "4407", "4412", "4413", "4419", "4420")
_EAST: Final = ("4405", "4415", "4451", "4452")
_WEST: Final = ("4408", "4409", "4417")
_NORTH: Final = ("4402", "4414", "4416", "4418", "4453")
ZONES: Final = ("gba", "hk-macao", "east", "west", "north", "guangdong", "other", "unknown")
"""Guangdong's parts as the policy names them (R72): the nine cities of the Greater Bay Area, its two special
administrative regions, the wings and the north; `guangdong` is a province code without a city."""


def zone_expression(region: Any) -> Any:
    """The zone of a region's code (GB/T 2260), as an expression."""
    city, province = region.substr(0, 4), region.substr(0, 2)
    return ibis.cases(
        (region == "", "unknown"),
        (city.isin(_GBA), "gba"),
        (province.isin(("81", "82")), "hk-macao"),
        (city.isin(_EAST), "east"),
        (city.isin(_WEST), "west"),
        (city.isin(_NORTH), "north"),
        (province == "44", "guangdong"),
        else_="other",
    )


def zone_of(region: str) -> str:
    """The same of one code."""
    for zone, cities in (("gba", _GBA), ("east", _EAST), ("west", _WEST), ("north", _NORTH)):
        if region[:4] in cities:
            return zone
    if not region:
        return "unknown"
    return {"44": "guangdong", "81": "hk-macao", "82": "hk-macao"}.get(region[:2], "other")


SECTION_OF: Final[Mapping[str, str]] = MappingProxyType(
    {
        "agriculture": "A",
        "commerce": "F",
        "culture-tourism": "R",
        "e-commerce": "F",
        "education": "P",
        "energy": "D",
        "environment": "N",
        "equipment": "C",
        "finance": "J",
        "geography": "M",
        "health": "Q",
        "industry": "C",
        "logistics": "G",
        "meteorology": "M",
        "population": "S",
        "telecom": "I",
        "transport": "G",
    }
)
"""The section of GB/T 4754-2017 to which a category of the catalogue belongs [D]."""
