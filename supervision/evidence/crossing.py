"""What crossed the border: declarations as they ended up, and what left, by the customs log and beside it.

A row of `exports` is a declaration, with the status that its last statement gave it; the exchange's decision
on a trade that rests on a declaration is none of its own. A row of `export_transfers` is a statement of the
customs log. A delivery to a member abroad to whom its seller has nothing cleared for these goods is a row
too: under its trade, for it has no declaration; so are uses of a buyer abroad for whom nothing was ever
cleared. A row of `export_scans` is a field that a sample showed otherwise than it was declared.
"""

from collections.abc import Collection, Iterator, Mapping
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
        self._ever: set[str] = set()
        self._goods: dict[str, tuple[str | None, str | None]] = {}
        self._sold: dict[str, tuple[str, str, str | None]] = {}

    def take(self, fact: Fact) -> Iterator[TableRow]:
        """Learn from a fact; what it makes at once is given."""
        said = fact.said
        if fact.event == "ORG.ADMIT":
            self._places[said["org_id"]] = {_country(said.get("region"))}
        elif fact.event == "XBR.ENDPOINT":
            self._places.setdefault(fact.object_id, set()).add(_country(said.get("region")))
        elif fact.event == "TRD.CONTRACT":
            parties = str(said.get("seller_id")), str(said.get("buyer_id"))
            self._sold[str(said.get("trade_id"))] = (*parties, said.get("product_id"))
        elif fact.event == "XBD.DECLARE":
            self._begin(fact)
        elif fact.event == "XBD.SCAN":
            yield from self._scanned(fact)
        elif fact.event.startswith("XBD."):
            yield from self._moved(fact)
        elif fact.event in _TAKEN:
            yield from self._delivered(fact)
        elif fact.event == "DLV.USAGE":
            yield from self._used(fact)

    def rows(self) -> Iterator[TableRow]:
        """The declarations as they stand at the end."""
        for row in self._declared.values():
            yield "exports", row

    def _begin(self, fact: Fact) -> None:
        said = fact.said
        self._declared[fact.object_id] = {
            **{name: said.get(name) for name in _NAMES},
            "in_gba": said.get("country") in _GBA,
            "declared_at": fact.at,
            "status": fact.after,
            "seq": fact.seq,
            **self._told(fact),
        }

    def _told(self, fact: Fact) -> dict[str, Any]:
        """What a declaration says, the first time or again."""
        said, opened = fact.said, fact.opened
        whole_flow = opened.get("declaration") or {}
        self._goods[fact.object_id] = said.get("trade_id"), whole_flow.get("product_id")
        plain, sensitive = (whole(opened.get(name)) for name in ("persons", "sensitive_persons"))
        return {
            "sensitive": said.get("sensitive"),
            "important": said.get("important"),
            "persons_declared": None if plain is None or sensitive is None else plain + sensitive,
            "sensitive_persons": sensitive,
            "lists": whole(said.get("lists")),
            "route": None,
        }

    def _scanned(self, fact: Fact) -> Iterator[TableRow]:
        for one in fact.opened.get("fields") or ():
            yield (
                "export_scans",
                {
                    "declaration_id": fact.object_id,
                    "field": one.get("field"),
                    "kind": one.get("kind"),
                    "scanned_at": fact.at,
                    "seq": fact.seq,
                },
            )

    def _moved(self, fact: Fact) -> Iterator[TableRow]:
        said, row = fact.said, self._declared.get(fact.object_id)
        if row is None:
            if fact.event == "XBD.AUTO_ROUTE" and said.get("clearance_id") not in self._declared:
                yield "exports", self._decided(fact)
            return
        row["status"] = fact.after
        if fact.event == "XBD.REDECLARE":
            row |= self._told(fact)
        if fact.event in {"XBD.AUTO_ROUTE", "XBD.REROUTE"}:
            row |= {"route": said.get("route"), "counts_in": whole(said.get("year")) or row.get("counts_in")}
        if fact.event == "XBD.AUTO_ROUTE" and row.get("lists"):  # without lists everybody counts in full
            row["group_persons"] = whole(fact.opened.get("persons"))
            row["group_sensitive"] = whole(fact.opened.get("sensitive"))
        between = str(row["exporter_id"]), str(row["recipient_id"])
        live = self._cleared.setdefault(between, set())
        live.add(fact.object_id) if fact.after in _CLEARS else live.discard(fact.object_id)
        if fact.after in _CLEARS:
            self._ever.add(fact.object_id)
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
        trade_id = str(fact.said.get("trade_id"))
        takers = {fact.opened.get(name) for name in ("taken_by", "recipient")} - {None}
        for org_id in sorted(str(one) for one in takers):
            live = self._cleared.get((self._sold.get(trade_id, ("",))[0], org_id), set())
            if self._is_abroad(org_id) and not self._covers(trade_id, live):
                yield self._beside(fact, trade_id, org_id)

    def _used(self, fact: Fact) -> Iterator[TableRow]:
        """Uses that were metered for a buyer abroad for whom nothing was ever cleared.

        They are told of a night, when what they went under may be over: so whatever once lived covers them.
        """
        trade_id = str(fact.said.get("trade_id"))
        _, buyer_id, _ = self._sold.get(trade_id, ("", "", None))
        if self._is_abroad(buyer_id) and not self._covers(trade_id, self._ever):
            yield self._beside(fact, trade_id, buyer_id)

    def _is_abroad(self, org_id: str) -> bool:
        return bool(self._places.get(org_id, set()) - {"CN"})

    def _covers(self, trade_id: str, cleared: Collection[str]) -> bool:
        """Whether one of these declarations is about the goods of a trade; what says of none covers any."""
        seller_id, _, product_id = self._sold.get(trade_id, ("", "", None))
        for declaration_id in cleared:
            about, product = self._goods.get(declaration_id, (None, None))
            mine = self._declared[declaration_id]["exporter_id"] == seller_id
            named = about == trade_id or (product is not None and product == product_id)
            if mine and (named or (about is None and product is None)):
                return True
        return False

    @staticmethod
    def _beside(fact: Fact, trade_id: str, org_id: str) -> TableRow:
        said = {
            "declaration_id": trade_id,
            "transferred_at": fact.at,
            "recipient_id": org_id,
            "seq": fact.seq,
        }
        return "export_transfers", said


def _country(place: Any) -> str:
    """The country of a place as customs takes it: six digits of GB/T 2260, or two letters."""
    text = str(place or "CN")
    return _OUTSIDE.get(text[:2], "CN") if text[:1].isdigit() else text
