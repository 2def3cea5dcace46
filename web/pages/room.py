"""What a trade's page is made of: each stage brings what it shows, and the forms of its steps.

A stage is a module of `web.pages` with `shown` and `TAKEN`; `web.pages.trades` names them all.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from base.db import ReadSession
from market.listings.tables import Listing
from market.orders.tables import Trade
from web.pages.forms import Filled, Form
from web.pages.steps import Part
from web.pages.visiting import Visitor


@dataclass(frozen=True, slots=True)
class Room:
    """Who looks at which trade, and when; `part` is None for who only looks on.

    `filled` is a form that is shown again, with what was in it.
    """

    visitor: Visitor
    trade: Trade
    listing: Listing
    part: Part | None
    now: datetime
    filled: Filled = field(default_factory=Filled)


Shown: TypeAlias = Callable[[ReadSession, Room], Awaitable[Mapping[str, Any]]]
"""What a stage gives to its templates in `templates/trade/`."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A step as it is taken: the name of its act, and the act's arguments from the form beside `trade_id`.

    `looks_first`: whether the page is shown once more, with what the form would lead to, before it is done.
    """

    act: str
    args: Callable[[Form, Trade], dict[str, Any]] = lambda _form, _trade: {}
    looks_first: Callable[[Form], bool] = lambda _form: False
