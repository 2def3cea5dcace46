"""The words of single pages for what the code names by a code (`words`)."""

from collections.abc import Mapping
from typing import Final

from web.pages.languages import N_

DOWNLOADS: Final[Mapping[str, str]] = {
    "OPEN": N_("under way"),
    "COMPLETE": N_("complete"),
    "SPENT": N_("broken off too often"),
}
ANSWERED_BY: Final[Mapping[str, str]] = {
    "TABLE": N_("the product's own table"),
    "PROVIDER": N_("an endpoint of ours"),
}
DELIVERY_KINDS: Final[Mapping[str, str]] = {
    "FILE": N_("File, to be downloaded"),
    "SHARE": N_("Table, read by Delta Sharing"),
    "API": N_("Interface, call by call"),
    "QUERY": N_("Questions to the table"),
}
GROUPS: Final[Mapping[str, Mapping[str, str]]] = {
    "download": DOWNLOADS,
    "answered_by": ANSWERED_BY,
    "delivery_kind": DELIVERY_KINDS,
}
