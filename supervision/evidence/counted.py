"""What statistics need beside the rules' tables: rights, measured quality, survey answers, steps of cases."""

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from supervision.evidence.facts import Fact, whole

RIGHT_ENDS: Final = ("REG.REVOKE", "REG.CANCEL")
SURVEY_AMOUNTS: Final = (
    "collection_minor",
    "purchase_minor",
    "cleaning_minor",
    "storage_minor",
    "analysis_minor",
    "security_minor",
    "circulation_minor",
    "on_exchange_minor",
    "off_exchange_minor",
)
SURVEY_NUMBERS: Final = ("staff_bp", "own_use_bp", "useful_life_years")
SURVEY_WORDS: Final = ("source", "form", "industry", "stage", "right", "level", "region")
TableRow = tuple[str, Mapping[str, Any]]


class Counted:
    """Rights by product and holder are kept to the end: a later word ends them. The rest is out at once."""

    def __init__(self, listings: Mapping[str, Mapping[str, Any]]) -> None:
        self._listings = listings
        self._rights: dict[tuple[str, str, str], dict[str, Any]] = {}
        self._ended: list[dict[str, Any]] = []

    def take(self, fact: Fact) -> Iterator[TableRow]:
        """Learn from a fact; what it makes at once is given."""
        said = fact.said
        if fact.event == "LST.SUBMIT":
            self._entered(fact)
        elif fact.event in RIGHT_ENDS:
            row = self._rights.pop((said["product_id"], said["holder_id"], said["right"]), None)
            if row is not None:
                self._ended.append(row | {"ended_at": fact.at})
        elif fact.event == "REG.MEASURE":
            row = {"listing_id": said["listing_id"], "score_tenths": _tenths(said.get("score"))}
            yield "quality", row | {"measured_at": fact.at, "seq": fact.seq}
        elif fact.event == "STA.SURVEY":
            yield from _survey(fact)
        elif fact.event.startswith("CSE."):
            row = {"case_id": said.get("case_id", fact.object_id), "event": fact.event}
            yield "case_events", row | {"at": fact.at, "seq": fact.seq}

    def rows(self) -> Iterator[TableRow]:
        """The rights: those that ended, and those that stand."""
        for row in (*self._ended, *self._rights.values()):
            yield "rights", row

    def _entered(self, fact: Fact) -> None:
        """The rights that a submitted listing rests on; stated again, they stand as they did."""
        said = fact.said
        listing = self._listings.get(said["listing_id"], {})
        product_id, holder_id = listing.get("product_id"), listing.get("seller_id")
        for right in said.get("rights") or ():
            if product_id is not None and holder_id is not None:
                row = {"product_id": product_id, "holder_id": holder_id, "right": right}
                row |= {"source": said.get("source"), "entered_at": fact.at, "seq": fact.seq}
                self._rights.setdefault((product_id, holder_id, right), row)


def _tenths(value: Any) -> int | None:
    """A score of one decimal place in tenths."""
    try:
        return None if value is None else int(10 * Decimal(str(value)))
    except InvalidOperation:
        raise ValueError(f"not a number: {value!r}") from None


def _survey(fact: Fact) -> Iterator[TableRow]:
    """A row for each line of an answer; one whose opening is gone has a row without figures."""
    said = fact.said
    row = {name: said.get(name) for name in ("survey_id", "org_id", "corrects")}
    row |= {"year": whole(said["year"]), "answered_at": fact.at, "seq": fact.seq}
    lines = fact.opened.get("lines", [])
    if not lines:
        yield "survey_lines", row
    for number, line in enumerate(lines, 1):
        yield (
            "survey_lines",
            row
            | {"line_no": number, "cross_border": line.get("cross_border")}
            | {name: line.get(name) for name in SURVEY_WORDS}
            | {name: whole(line.get(name)) for name in (*SURVEY_AMOUNTS, *SURVEY_NUMBERS)},
        )
