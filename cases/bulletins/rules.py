"""Whom a bulletin is addressed to, until when it is read, and how a program reads it; pure."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from base.clock import rfc3339
from cases.bulletins.errors import BulletinMalformed
from cases.bulletins.terms import term

MAX_TITLE: Final = 120
MAX_TEXT: Final = 8_000
MAX_LIST: Final = 30
_REGION: Final = re.compile(r"[1-8][0-9]{1,5}")
_SECTOR: Final = re.compile(r"[A-T]")


class Colour(StrEnum):
    """How urgent it is: 蓝, 黄, 橙, 红."""

    BLUE = "BLUE"
    YELLOW = "YELLOW"
    ORANGE = "ORANGE"
    RED = "RED"


_SEVERITY: Final[Mapping[Colour, str]] = {
    Colour.BLUE: "Low",
    Colour.YELLOW: "Moderate",
    Colour.ORANGE: "Important",
    Colour.RED: "Critical",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Whom a bulletin is for: roles, regions (the first digits of a code) and sectors (GB/T 4754 sections).

    What is empty confines nothing. A sector is that of a subscription; `subscribers`: whoever has subscribed
    is addressed whatever its role.
    """

    roles: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    sectors: tuple[str, ...] = ()
    subscribers: bool = True

    def document(self) -> dict[str, Any]:
        return {
            "roles": list(self.roles),
            "regions": list(self.regions),
            "sectors": list(self.sectors),
            "subscribers": self.subscribers,
        }


def check_address(address: Address) -> None:
    """The form of an address. Raises BulletinMalformed, naming the members."""
    wrong = [
        ("regions", any(_REGION.fullmatch(one) is None for one in address.regions)),
        ("sectors", any(_SECTOR.fullmatch(one) is None for one in address.sectors)),
        *((name, len(getattr(address, name)) > MAX_LIST) for name in ("roles", "regions", "sectors")),
    ]
    found = sorted({name for name, is_wrong in wrong if is_wrong})
    if found:
        raise BulletinMalformed("the address is not of its form", members=found)


def is_addressed(
    address: Address, *, roles: Collection[str], region: str, sectors: Collection[str] | None
) -> bool:
    """Whether a member is addressed; `sectors` are those of its subscription, None where it has none."""
    if address.regions and not any(region.startswith(one) for one in address.regions):
        return False
    if address.sectors and not set(address.sectors) & set(sectors or ()):
        return False
    of_role = not address.roles or bool(set(address.roles) & set(roles))
    return of_role or (address.subscribers and sectors is not None)


def receive_by(colour: Colour, at: datetime) -> datetime:
    """Until when whoever is addressed states the receipt."""
    return at + timedelta(hours=term("BUL-ACK", colour.value.lower(), at).whole)


def advisory(
    *,
    bulletin_id: str,
    title: str,
    text: str,
    colour: Colour,
    issued_at: datetime,
    publisher: str,
    withdrawn: bool,
    references: Sequence[str],
    remediation: str,
) -> dict[str, Any]:
    """A bulletin for programs: members are named as in CSAF 2.0, of which it has the simple ones alone."""
    notes = [{"category": "description", "text": text}]
    notes += [{"category": "details", "title": "remediation", "text": remediation}] if remediation else []
    return {
        "document": {
            "category": "informational_advisory",
            "title": title,
            "publisher": {"category": "coordinator", "name": publisher},
            "aggregate_severity": {"text": _SEVERITY[colour]},
            "notes": notes,
            "references": [{"summary": one} for one in references],
            "tracking": {
                "id": bulletin_id,
                "status": "final" if not withdrawn else "interim",
                "initial_release_date": rfc3339(issued_at),
                "version": "1",
            },
        }
    }
