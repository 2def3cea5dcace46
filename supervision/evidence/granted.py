"""Authorised operation as evidence: grants, their scenarios, uses, products and years, told by `AOG.*`.

Grants, scenarios, products and years are few and kept to the end, as a later word changes them; each use is
out at once. A selection gives what `AM1` and `AM3` read, and the bids with their traces that `CO7` does.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

from supervision.evidence.facts import Fact, time, whole

PREFIX: Final = "AOG."
_ENDS: Final = frozenset({"AOG.TERMINATE", "AOG.EXPIRE", "AOG.ABANDON"})
TableRow = tuple[str, Mapping[str, Any]]


class Granted:
    """The register of grants as the ledger tells it."""

    def __init__(self) -> None:
        self._grants: dict[str, dict[str, Any]] = {}
        self._scenarios: dict[str, dict[str, Any]] = {}
        self._products: dict[tuple[str, str], dict[str, Any]] = {}
        self._caps: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self._years: dict[tuple[str, int], dict[str, Any]] = {}

    def take(self, fact: Fact) -> Iterator[TableRow]:
        """Learn from a fact; what it makes at once is given."""
        if not fact.event.startswith(PREFIX):
            return
        said = fact.said
        grant = self._grants.setdefault(said["grant_id"], {"grant_id": said["grant_id"]})
        grant |= {"authority_id": said["authority_id"], "operator_id": said["operator_id"]}
        if fact.event == "AOG.SELECT":
            yield from self._selected(fact, grant)
        elif fact.event == "AOG.USE":
            yield "grant_uses", _use(fact)
        elif fact.event == "AOG.REGISTER_RESOURCES":
            grant.setdefault("active_at", fact.at)
        elif fact.event in {"AOG.COUNTERSIGN", "AOG.RENEW"}:
            grant["ends_at"] = time(said["ends_at"])
        elif fact.event in _ENDS:
            grant["ended_at"] = fact.at
        elif fact.event in {"AOG.APPROVE_SCENARIO", "AOG.END_SCENARIO"}:
            self._scenario(fact)
        elif fact.event in {"AOG.ADD_PRODUCT", "AOG.REGISTER_PRODUCT", "AOG.SET_CAPS"}:
            self._product(fact)
        elif fact.event in {"AOG.DISCLOSE", "AOG.REPORT"}:
            self._year(fact, grant)

    def rows(self) -> Iterator[TableRow]:
        """What is known at the end. A grant counts from its selection on."""
        for grant in self._grants.values():
            if "granted_at" in grant:
                yield "grants", grant
        for table, kept in (
            ("grant_scenarios", self._scenarios),
            ("grant_products", self._products),
            ("grant_years", self._years),
        ):
            for row in kept.values():
                yield table, row
        for caps in self._caps.values():
            for row in caps:
                yield "grant_caps", row

    def _selected(self, fact: Fact, grant: dict[str, Any]) -> Iterator[TableRow]:
        said, opened = fact.said, fact.opened
        method = str(said["selection_method"]).lower()
        grant |= {
            "operator_id": said["winner_id"],
            "selection_method": method,
            "exception": opened.get("exception"),
            "conditions": opened.get("conditions"),
            "granted_at": fact.at,
            "seq": fact.seq,
        }
        for bidder in said["bidders"]:
            yield (
                "bids",
                {
                    "auction_id": said["grant_id"],
                    "bid_id": _bid(said["grant_id"], bidder["org_id"]),
                    "seller_id": said["authority_id"],
                    "bidder_id": bidder["org_id"],
                    "mechanism": method,
                    "committed_at": fact.at,
                    "outcome": "won" if bidder["org_id"] == said["winner_id"] else "lost",
                    "seq": fact.seq,
                },
            )
        for trace in opened.get("traces", ()):
            row = {"quote_id": _bid(said["grant_id"], trace["org_id"]), "seq": fact.seq}
            yield "bid_traces", row | {name: trace[name] for name in ("kind", "value_sha256")}

    def _scenario(self, fact: Fact) -> None:
        said, opened = fact.said, fact.opened
        if fact.event == "AOG.END_SCENARIO":
            if said["scenario_id"] in self._scenarios:
                self._scenarios[said["scenario_id"]]["ended_at"] = fact.at
            return
        fields = opened.get("fields") or {}
        self._scenarios[said["scenario_id"]] = {
            "grant_id": said["grant_id"],
            "scenario_id": said["scenario_id"],
            "fields": sorted(f"{data_id}.{name}" for data_id, names in fields.items() for name in names),
            "users": opened.get("users"),
            "purpose": opened.get("purpose"),
            "environment": opened.get("environment"),
            "starts": date.fromisoformat(said["starts"]),
            "ends": date.fromisoformat(said["ends"]),
            "approved_at": fact.at,
            "seq": fact.seq,
        }

    def _product(self, fact: Fact) -> None:
        said, grant_id = fact.said, fact.said["grant_id"]
        if fact.event == "AOG.ADD_PRODUCT":
            self._products[grant_id, said["product_id"]] = {
                "grant_id": grant_id,
                "product_id": said["product_id"],
                "scenario_id": said["scenario_id"],
                "product_class": said["class"],
                "added_at": fact.at,
                "seq": fact.seq,
            }
        elif fact.event == "AOG.REGISTER_PRODUCT":
            row = self._products.get((grant_id, said["product_id"]), {})
            row |= {"code": said["code"], "coded_at": fact.at}
        else:
            for product_id, cap in said["caps"].items():
                row = self._products.get((grant_id, product_id), {})
                row |= {"cap_minor": whole(cap), "capped_at": fact.at}
                caps = self._caps.setdefault((grant_id, product_id), [])
                if caps:
                    caps[-1]["until_at"] = fact.at
                about = {"grant_id": grant_id, "product_id": product_id, "seq": fact.seq}
                caps.append({**about, "cap_minor": whole(cap), "from_at": fact.at, "until_at": None})

    def _year(self, fact: Fact, grant: Mapping[str, Any]) -> None:
        said, opened = fact.said, fact.opened
        row = self._years.setdefault(
            (said["grant_id"], said["year"]),
            {
                "grant_id": said["grant_id"],
                "authority_id": grant["authority_id"],
                "operator_id": grant["operator_id"],
                "year": said["year"],
            },
        )
        if fact.event == "AOG.DISCLOSE":
            row |= {"disclosed_at": fact.at, "seq": fact.seq}
            row |= {name: whole(opened.get(name)) for name in ("actual_minor", "off_exchange_minor")}
        else:
            row |= {"reported_at": fact.at, "permitted_minor": whole(opened.get("permitted_minor"))}
            row |= {"seq": fact.seq}


def _use(fact: Fact) -> Mapping[str, Any]:
    said, opened = fact.said, fact.opened
    data_id = said["data_id"]
    return {
        "use_id": said["use_id"],
        "grant_id": said["grant_id"],
        "scenario_id": said["scenario_id"],
        "operator_id": said["operator_id"],
        "fields": [f"{data_id}.{name}" for name in opened.get("fields", ())],
        **{name: opened.get(name) for name in ("user_id", "purpose", "environment")},
        "calls": whole(opened.get("calls")),
        "used_at": fact.at,
        "seq": fact.seq,
    }


def _bid(grant_id: str, org_id: str) -> str:
    return f"{grant_id}/{org_id}"
