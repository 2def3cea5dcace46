"""What crossed the border: declarations as they ended up, and what left, by the customs log and beside it.

A row of `exports` is a declaration, with the status that its last statement gave it; the exchange's decision
on a trade that rests on a declaration is none of its own. A row of `export_transfers` is a statement of the
customs log. A delivery to a member abroad to whom its seller has nothing cleared is a row too: under its
trade, for it has no declaration.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from supervision.evidence.facts import Fact, whole

TableRow = tuple[str, Mapping[str, Any]]
_ROUTED: Final[Mapping[str, str]] = MappingProxyType({"EXEMPT": "CLEARED", "REFUSED": "REJECTED"})
"""Where a route leads at once (`states.md` §3.6); a domestic delivery is no export and has no status."""
_CLEARS: Final = frozenset({"CLEARED", "IN_TRANSIT"})
_OUTSIDE: Final[Mapping[str, str]] = MappingProxyType({"71": "TW", "81": "HK", "82": "MO"})
_GBA: Final = frozenset({"HK", "MO"})
_TAKEN: Final = frozenset({"DLV.DOWNLOAD", "DLV.RELEASE_KEY"})
_NAMES: Final = ("declaration_id", "trade_id", "exporter_id", "recipient_id", "country")


class Crossing:
    """Declarations are kept to the end, for a later word changes them; there are few beside the trades."""

    def __init__(self) -> None:
        self._declared: dict[str, dict[str, Any]] = {}
        self._places: dict[str, set[str]] = {}
        self._cleared: dict[tuple[str, str], set[str]] = {}
        self._sellers: dict[str, str] = {}

    def take(self, fact: Fact) -> Iterator[TableRow]:
        """Learn from a fact; what it makes at once is given."""
        said = fact.said
        if fact.event == "ORG.ADMIT":
            self._places[said["org_id"]] = {_country(said.get("region"))}
        elif fact.event == "XBR.ENDPOINT":
            self._places.setdefault(fact.object_id, set()).add(_country(said.get("region")))
        elif fact.event == "TRD.CONTRACT":
            self._sellers[str(said.get("trade_id"))] = str(said.get("seller_id"))
        elif fact.event == "XBD.DECLARE":
            self._begin(fact)
        elif fact.event.startswith("XBD."):
            yield from self._moved(fact)
        elif fact.event in _TAKEN:
            yield from self._delivered(fact)

    def rows(self) -> Iterator[TableRow]:
        """The declarations as they stand at the end."""
        for row in self._declared.values():
            yield "exports", row

    def _begin(self, fact: Fact) -> None:
        said, opened = fact.said, fact.opened
        persons = [whole(opened.get(name)) for name in ("persons", "sensitive_persons")]
        self._declared[fact.object_id] = {
            **{name: said.get(name) for name in _NAMES},
            "in_gba": said.get("country") in _GBA,
            "declared_at": fact.at,
            "sensitive": said.get("sensitive"),
            "important": said.get("important"),
            "persons_declared": None if None in persons else sum(one or 0 for one in persons),
            "status": fact.after,
            "seq": fact.seq,
        }

    def _moved(self, fact: Fact) -> Iterator[TableRow]:
        said, row = fact.said, self._declared.get(fact.object_id)
        if row is None:
            if fact.event == "XBD.AUTO_ROUTE" and said.get("clearance_id") not in self._declared:
                yield "exports", self._decided(fact)
            return
        row["status"] = fact.after
        if fact.event in {"XBD.AUTO_ROUTE", "XBD.REROUTE"}:
            row["route"] = said.get("route")
        between = str(row["exporter_id"]), str(row["recipient_id"])
        live = self._cleared.setdefault(between, set())
        live.add(fact.object_id) if fact.after in _CLEARS else live.discard(fact.object_id)
        if fact.event == "XBD.TRANSFER_LOGGED":
            yield (
                "export_transfers",
                {
                    "declaration_id": fact.object_id,
                    "transferred_at": fact.at,
                    "persons_actual": whole(fact.opened.get("persons")),
                    "recipient_id": said.get("received_by"),
                    "seq": fact.seq,
                },
            )

    def _decided(self, fact: Fact) -> dict[str, Any]:
        """The exchange's own decision on a trade."""
        said = fact.said
        status = fact.after or _ROUTED.get(str(said.get("route")))
        row = {name: said.get(name) for name in (*_NAMES, "route")}
        return row | {"declared_at": fact.at, "status": status, "seq": fact.seq}

    def _delivered(self, fact: Fact) -> Iterator[TableRow]:
        """A copy in the hands of somebody abroad, to whom its seller has nothing cleared at that moment."""
        seller = self._sellers.get(str(fact.said.get("trade_id")), "")
        takers = {fact.opened.get(name) for name in ("taken_by", "recipient")} - {None}
        for org_id in sorted(str(one) for one in takers):
            if self._places.get(org_id, set()) - {"CN"} and not self._cleared.get((seller, org_id)):
                yield (
                    "export_transfers",
                    {
                        "declaration_id": fact.said.get("trade_id"),
                        "transferred_at": fact.at,
                        "recipient_id": org_id,
                        "seq": fact.seq,
                    },
                )


def _country(place: Any) -> str:
    """The country of a place as customs takes it: six digits of GB/T 2260, or two letters."""
    text = str(place or "CN")
    return _OUTSIDE.get(text[:2], "CN") if text[:1].isdigit() else text
