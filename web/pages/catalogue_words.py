"""The words of the catalogue: how it is sorted, and what its facets tell apart."""

from collections.abc import Mapping
from typing import Final

from web.pages.languages import N_

FREQUENCIES: Final[Mapping[str, str]] = {
    "hourly": N_("Hourly"),
    "daily": N_("Daily"),
    "weekly": N_("Weekly"),
    "monthly": N_("Monthly"),
    "quarterly": N_("Quarterly"),
    "yearly": N_("Yearly"),
    "once": N_("Once, a closed collection"),
}
SORTS: Final[Mapping[str, str]] = {
    "newest": N_("Newest first"),
    "cheapest": N_("Cheapest first"),
    "dearest": N_("Dearest first"),
}
BANDS: Final[Mapping[str, str]] = {
    "under-10k": N_("Under ¥10,000"),
    "10k-100k": N_("¥10,000 to ¥100,000"),
    "100k-500k": N_("¥100,000 to ¥500,000"),
    "500k-1m": N_("¥500,000 to ¥1,000,000"),
    "1m-up": N_("¥1,000,000 and more"),
}
DELIVERY_WAYS: Final[Mapping[str, str]] = {
    "file": N_("As a file"),
    "share": N_("As a table that tools read"),
    "api": N_("By an interface, with a quota"),
    "query": N_("By questions; the data stays"),
}
QUALITY_BANDS: Final[Mapping[str, str]] = {
    "90-up": N_("90 points and more"),
    "80-90": N_("80 to 90 points"),
    "70-80": N_("70 to 80 points"),
}
REGISTERED: Final[Mapping[str, str]] = {"yes": N_("Right registered, with a certificate")}
GROUPS: Final[Mapping[str, Mapping[str, str]]] = {
    "frequency": FREQUENCIES,
    "sort": SORTS,
    "band": BANDS,
    "delivery": DELIVERY_WAYS,
    "grade": QUALITY_BANDS,
    "registered": REGISTERED,
}
