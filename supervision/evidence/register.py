"""What is kept in memory while a ledger is read: members, certificates, mandates, interests and listings.

They are few beside the trades; everything about trades goes through `supervision.evidence.spill`.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from supervision.evidence.facts import Fact, time, whole

CERTIFICATE_EVENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "BRK.CERTIFY": "certified",
        "BRK.SUSPEND": "suspended",
        "BRK.ANNUAL_FAIL": "suspended",
        "BRK.MISS_REPORT": "suspended",
        "BRK.REINSTATE": "reinstated",
        "BRK.REVOKE": "revoked",
        "BRK.EXPIRE": "expired",
        "BRK.EMERGENCY_OVER": "reinstated",
        "BRK.ANNUAL_REPORT": "annual_report",
        "BRK.ANNUAL_PASS": "annual_pass",
        "BRK.CUT_SCOPE": "scope_cut",
        "BRK.RECTIFY_MISS": "suspended",
        "BRK.RENEW": "renewed",
        "BRK.EXIT_NOTICE": "exit_notice",
        "BRK.EXIT": "exited",
    }
)
MANDATE_ENDS: Final = ("MND.REVOKE", "MND.TERMINATE", "MND.TAKE_OVER", "MND.HAND_OVER", "MND.FULFIL")
_CERTIFICATE: Final = ("org_id", "broker_type", "max_level", "cross_border")
_LISTING: Final = (
    "product_id",
    "seller_id",
    "category",
    "geo",
    "level",
    "product_type",
    "public_data",
    "grant_id",
)


class Register:
    """The small tables, and who operates the exchange."""

    def __init__(self) -> None:
        self.operator_id: str | None = None
        self._orgs: dict[str, dict[str, Any]] = {}
        self._certificates: dict[str, dict[str, Any]] = {}
        self._certificate_events: list[dict[str, Any]] = []
        self._mandates: dict[str, dict[str, Any]] = {}
        self.listings: dict[str, dict[str, Any]] = {}
        self.interests: dict[str, dict[str, Any]] = {}
        self.files: dict[str, str] = {}
        self._derived: dict[tuple[str, str], int] = {}
        self._takes: Mapping[str, Callable[[Fact], None]] = {
            "LOG.GENESIS": self._genesis,
            "ORG.ADMIT": self._admitted,
            "ORG.CONTROL": self._controlled,
            "MND.SIGN": self._mandated,
            "MND.ACCEPT": self._mandate_accepted,
            **dict.fromkeys(MANDATE_ENDS, self._mandate_revoked),
            "CND.DISCLOSE": self._disclosed,
            "LST.DRAFT": self._drafted,
            "LST.LIST": self._listed,
            "LST.WITHDRAW": self._delisted,
            "LST.DELIST": self._delisted,
            "LST.EXPIRE": self._delisted,
            **dict.fromkeys(CERTIFICATE_EVENTS, self._certificate_moved),
        }

    def take(self, fact: Fact) -> None:
        """Learn from a fact, if it is about these tables."""
        take = self._takes.get(fact.event)
        if take is not None:
            take(fact)

    def rows(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Every row with the name of its table. A mandate counts once the broker has accepted it."""
        for row in self._orgs.values():
            yield "orgs", row
        for row in self._certificates.values():
            yield "certificates", row
        for row in self._certificate_events:
            yield "certificate_events", row
        for row in self._mandates.values():
            if row["signed_at"] is not None:
                yield "mandates", row
        for row in self.listings.values():
            yield "listings", row
        for (product_id, source), seq in self._derived.items():
            made_of = self.files.get(
                source, source
            )  # a file is named for the product it was first offered as
            if made_of != product_id:
                yield "lineage", {"product_id": product_id, "source_product_id": made_of, "seq": seq}

    def _genesis(self, fact: Fact) -> None:
        self.operator_id = fact.said.get("operator_id")

    def _admitted(self, fact: Fact) -> None:
        said = fact.said
        self._orgs[said["org_id"]] = {
            **_named(said, ("org_id", "name", "uscc", "region", "roles")),
            **_named(fact.opened, ("controller_id", "is_ciio")),
        }

    def _controlled(self, fact: Fact) -> None:
        """Who controls a member by now; what was erased leaves it as it was."""
        if "controller_id" in fact.opened and fact.said["org_id"] in self._orgs:
            self._orgs[fact.said["org_id"]]["controller_id"] = fact.opened["controller_id"]

    def _certificate_moved(self, fact: Fact) -> None:
        said = fact.said
        cert_id = said["cert_id"]
        if fact.event == "BRK.CERTIFY":
            self._certificates[cert_id] = {
                "cert_id": cert_id,
                **_named(said, _CERTIFICATE),
                "grade": whole(said.get("grade")),
                "sectors": said.get("sectors"),
                "valid_from": time(said.get("valid_from")),
                "valid_to": time(said.get("valid_to")),
            }
        elif fact.event == "BRK.RENEW" and cert_id in self._certificates:
            self._certificates[cert_id]["valid_to"] = time(said.get("valid_to"))
        elif fact.event == "BRK.CUT_SCOPE" and cert_id in self._certificates:
            self._certificates[cert_id] |= _named(said, ("sectors", "max_level", "cross_border"))
        event = {"event": CERTIFICATE_EVENTS[fact.event], "year": whole(said.get("year"))}
        self._certificate_events.append({"cert_id": cert_id, "at": fact.at, "seq": fact.seq, **event})

    def _mandated(self, fact: Fact) -> None:
        said, opened = fact.said, fact.opened
        self._mandates[said["mandate_id"]] = {
            **_named(said, ("mandate_id", "broker_id", "client_id", "listing_id", "side")),
            "ends_at": time(said.get("ends_at")),
            "fee_bp": whole(opened.get("fee_bp")),
            **_named(opened, ("conflict_disclosed", "dual_consent")),
            "signed_at": None,
        }

    def _mandate_accepted(self, fact: Fact) -> None:
        mandate = self._mandates[fact.said["mandate_id"]]
        mandate |= {"signed_at": fact.at, "seq": fact.seq}

    def _mandate_revoked(self, fact: Fact) -> None:
        mandate = self._mandates[fact.said["mandate_id"]]
        if "revoked_at" in mandate:
            return  # taken over after it had ended: it ended then
        ends_at: datetime | None = mandate["ends_at"]
        mandate |= {"revoked_at": fact.at, "ends_at": fact.at if ends_at is None else min(ends_at, fact.at)}

    def _disclosed(self, fact: Fact) -> None:
        self.interests[fact.said["interest_id"]] = _named(fact.said, ("party_id", "kind"))

    def _drafted(self, fact: Fact) -> None:
        said, opened = fact.said, fact.opened
        listing_id = said["listing_id"]
        before = self.listings.get(listing_id, {})
        file = said.get("file")
        if isinstance(file, Mapping):
            self.files.setdefault(str(file.get("sha256")), str(said["product_id"]))
        for source in said.get("derived_from") or ():
            self._derived.setdefault((str(said["product_id"]), str(source)), fact.seq)
        self.listings[listing_id] = {
            **before,
            "listing_id": listing_id,
            **_named(said, _LISTING),
            "licence_of_data": opened.get("licence_of_data"),
            "list_price_minor": whole(opened.get("list_price_minor")),
            "cap_minor": whole(opened.get("cap_minor")),
            "bytes": whole(file.get("bytes")) if isinstance(file, Mapping) else before.get("bytes"),
            "seq": fact.seq,
        }

    def _listed(self, fact: Fact) -> None:
        listing = self.listings[fact.said["listing_id"]]
        listing.setdefault("listed_at", fact.at)
        listing["delisted_at"] = None

    def _delisted(self, fact: Fact) -> None:
        self.listings[fact.said["listing_id"]]["delisted_at"] = fact.at


def _named(said: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: said.get(name) for name in names}
