"""Keys of the keyboard: `g` and a letter lead to an area; what `static/keys.js` does, told to people.

The script asks this table of nobody: it stands in it too, and a test holds the two against each other.
"""

from collections.abc import Mapping
from typing import Final

from web.pages.languages import N_

AREAS: Final[Mapping[str, tuple[str, str]]] = {
    "h": ("/", N_("Home")),
    "p": ("/products", N_("Products")),
    "q": ("/requests", N_("Requests")),
    "t": ("/trades", N_("Trades")),
    "b": ("/buy", N_("Buy")),
    "s": ("/sell", N_("Sell")),
    "d": ("/broker/deals", N_("Deals")),
    "o": ("/ops", N_("Operations")),
    "r": ("/reg", N_("Supervision")),
    "c": ("/customs", N_("Customs")),
    "l": ("/ledger", N_("Ledger")),
    "v": ("/verify", N_("Verify")),
    "a": ("/account", N_("Your account")),
}
KEYS: Final[Mapping[str, str]] = {
    "/": N_("to the search"),
    "j": N_("to the next entry of a list"),
    "k": N_("to the entry before"),
    "?": N_("to this list of keys"),
}
