"""What a trade's page is made of: each stage brings what it shows, and the forms of its steps.

A stage is a module of `web.pages` with `shown` and `TAKEN`; `web.pages.trades` names them all.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from base.db import ReadSession
from market.listings.tables import Listing
from market.orders.tables import Trade
from web.pages.forms import Form
from web.pages.steps import Part
from web.pages.visiting import Visitor


@dataclass(frozen=True, slots=True)
class Room:
    """Who looks at which trade, and when; `part` is None for who only looks on."""

    visitor: Visitor
    trade: Trade
    listing: Listing
    part: Part | None
    now: datetime


Shown: TypeAlias = Callable[[ReadSession, Room], Awaitable[Mapping[str, Any]]]
"""What a stage gives to its templates in `templates/trade/`."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A step as it is taken: the name of its act, and the act's arguments from the form beside `trade_id`."""

    act: str
    args: Callable[[Form, Trade], dict[str, Any]] = lambda _form, _trade: {}
