"""The exported log of a confidential item, verified offline against the ledger's own bytes (R79).

The plan: 1. the log has its form; 2. each access has the digest of what it says; 3. each follows the one
before, from the item's own digest to the log's head; 4. the ledger says each of them, and no other.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from base.canonical import canonical, sha256_hex
from ledger.bundle import Bundle
from ledger.tiles import ENTRIES, WIDTH, Tile, unpack_entries
from supervision.audit_entry import Sealed, read_entry

FORM: Final = "databourse-access-log/1"
READ: Final = "CFI.READ"
_RECORD: Final = {"item_id", "no", "org_id", "user_id", "purpose", "at", "previous"}
_MEMBERS: Final = {"form", "item_id", "holder_id", "sha256", "head", "accesses"}


@dataclass(frozen=True, slots=True)
class Access:
    """An access as the ledger says it."""

    statement: str
    org_id: str | None
    no: Any
    previous: str | None
    sha256: str | None


def of_statement(said: Sealed) -> Access:
    """An access as a sealed CFI.READ says it."""
    return Access(
        f"seq {said.seq}",
        said.text("actor"),
        said.predicate.get("no"),
        said.text("previous"),
        said.text("access_sha256"),
    )


def verify_log(log: Any, said: Iterable[Access]) -> list[str]:
    """What is wrong with a log, in the order of the plan; nothing where it is whole. Raises nothing."""
    if not _has_form(log):
        return ["this is no log of accesses"]
    return [*_of_itself(log), *_beside(log, {one.no: one for one in said})]


def _has_form(log: Any) -> bool:
    if not isinstance(log, Mapping) or log.get("form") != FORM or set(log) != _MEMBERS:
        return False
    accesses = log["accesses"]
    if not isinstance(accesses, list):
        return False
    return all(
        isinstance(one, Mapping)
        and set(one) == _RECORD | {"sha256", "statement_id"}
        and type(one["no"]) is int
        and one["item_id"] == log["item_id"]
        and all(isinstance(one[name], str) for name in one if name not in {"no", "user_id"})
        and isinstance(one["user_id"], str | None)
        for one in accesses
    )


def _of_itself(log: Mapping[str, Any]) -> Iterator[str]:
    previous, last = log["sha256"], 0
    for one in log["accesses"]:
        no = one["no"]
        for missing in range(last + 1, min(no, last + 1000)):
            yield f"access {missing} is not in the log"
        if sha256_hex(canonical({name: one[name] for name in sorted(_RECORD)})) != one["sha256"]:
            yield f"access {no} does not have the digest that it claims"
        if one["previous"] != previous:
            yield f"access {no} does not follow the one before it in the log"
        previous, last = one["sha256"], no


def _beside(log: Mapping[str, Any], said: Mapping[Any, Access]) -> Iterator[str]:
    shown = {one["no"]: one for one in log["accesses"]}
    last = max(shown, default=0)
    for no in sorted(set(said) - set(shown)):
        if no > last:  # what is left out between two of them was named before
            yield f"access {no} is not in the log"
    for no, one in sorted(shown.items()):
        known = said.get(no)
        if known is None:
            yield f"access {no} is not on the ledger"
        elif (known.sha256, known.previous, known.org_id) != (one["sha256"], one["previous"], one["org_id"]):
            yield f"access {no} is said otherwise on the ledger"
    end = log["accesses"][-1]["sha256"] if log["accesses"] else log["sha256"]
    if end != log["head"]:
        yield "the log does not end where its head says"


def accesses_in(bundle: Bundle, item_id: str) -> Iterator[Access]:
    """Every access to an item that a bundle's entries say. Raises BundleFileBad, Malformed."""
    size = bundle.head().size
    for number in range(-(-size // WIDTH)):
        tile = Tile(ENTRIES, number, min(WIDTH, size - number * WIDTH))
        for raw in unpack_entries(bundle.tile(tile)):
            said = read_entry(raw)
            if said.event == READ and said.object_id == item_id:
                yield of_statement(said)
