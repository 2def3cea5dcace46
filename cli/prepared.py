"""A prepared act, read by the one who is to sign it: checked against itself, and put into words.

Pure: bytes in, a checked act or an error out. Nothing that the exchange wrote beside the statement is
believed; commitments and digests are computed again.
"""

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from base.canonical import canonical, sha256_hex
from base.clock import parse_rfc3339
from base.errors import DomainError, Malformed
from base.money import yuan
from ledger.statement import PAYLOAD_TYPE, PREDICATE_PREFIX, STATEMENT_TYPE

_MEMBERS: Final = frozenset(
    {"prepared_id", "payload_type", "payload", "opening", "documents", "signers", "expires_at"}
)
_WORDS: Final = {
    "KEY.REGISTER": "register a signing key",
    "KEY.REVOKE": "revoke a signing key",
    "MND.SIGN": "give a broker a mandate",
    "MND.ACCEPT": "accept a client's mandate",
    "MND.REVOKE": "end a broker's mandate",
    "LST.DRAFT": "draft a listing",
    "LST.SUBMIT": "submit a listing for review",
    "LST.WITHDRAW": "withdraw a listing",
    "REQ.PUBLISH": "publish what you look for",
    "REQ.ANSWER": "answer a data request with a listing",
    "REQ.FULFIL": "say that a data request is fulfilled",
    "REQ.WITHDRAW": "take a data request back",
    "TRD.INVOICE": "tell the invoice of a settled trade",
    "FIL.RED_INVOICE": "take the invoice of a trade back",
    "FIL.DESTROYED": "state that every copy of the data is gone",
    "AUC.OPEN": "PUT A LISTING UP FOR AUCTION",
    "AUC.CANCEL": "cancel an auction",
    "AUC.COMMIT": "COMMIT TO A SEALED BID",
    "AUC.REVEAL": "reveal a sealed bid",
    "AUC.REVEAL_RESERVE": "reveal the reserve of an auction",
    "TRD.INQUIRE": "inquire about a product",
    "TRD.OFFER": "make an offer",
    "TRD.COUNTER_OFFER": "make a counter-offer",
    "TRD.REFUSE": "refuse the negotiation",
    "TRD.ACCEPT": "accept the offer",
    "TRD.SIGN": "SIGN THE CONTRACT",
    "TRD.START_DELIVERY": "start the delivery",
    "TRD.DELIVERED": "confirm that the data was received",
    "DLV.CHECK": "state what you found of the delivered goods",
    "TRD.ACCEPT_GOODS": "ACCEPT THE GOODS: the money is released",
    "ORD.PROPOSE": "propose a supervisory order",
    "ORD.WITHDRAW": "withdraw a proposed supervisory order",
    "ORD.ISSUE": "put a supervisory order into force",
}


class PreparedMismatch(DomainError):
    """What is shown beside the statement is not what the statement commits to."""

    code = "prepared-mismatch"
    title = "The prepared act does not fit together: do not sign it"


class TooLateToSign(DomainError):
    code = "prepared-expired"
    title = "The prepared act has expired: prepare it again"


@dataclass(frozen=True, slots=True)
class Shown:
    """A text that the statement digests."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class ToSign:
    """A prepared act that fits together."""

    prepared_id: str
    payload: bytes
    event: str
    predicate: Mapping[str, Any]
    opening: Mapping[str, Any] | None
    documents: tuple[Shown, ...]
    signers: tuple[str, ...]
    expires_at: datetime

    @property
    def simulated(self) -> bool:
        """Whether the exchange runs on a simulated clock, which this machine's does not follow."""
        return self.predicate.get("clock") == "simulated"


def examine(raw: bytes) -> ToSign:
    """A prepared act, checked against itself.

    1. The file has its seven members. 2. The payload is a canonical in-toto statement of one event
    about one object. 3. The opening's SHA-256 is the commitment in it, and the first subject's digest;
    there is no commitment without the opening. 4. Every document has its digest in the statement, and
    a contract is not signed unseen. Raises Malformed (1, 2) or PreparedMismatch (3, 4).
    """
    document = _json(raw)
    if (
        not isinstance(document, dict)
        or set(document) != _MEMBERS
        or document["payload_type"] != PAYLOAD_TYPE
    ):
        raise Malformed("not a prepared act")
    try:
        payload = base64.b64decode(document["payload"], validate=True)
        opening_text: bytes | None = None if document["opening"] is None else document["opening"].encode()
        expires_at = parse_rfc3339(document["expires_at"])
        shown = tuple(_shown(item) for item in document["documents"])
        signers = tuple(str(keyid) for keyid in document["signers"])
        statement = _canonical_json(payload)
        predicate = statement["predicate"]
        event = predicate["event"]
        first = statement["subject"][0]
        if statement["_type"] != STATEMENT_TYPE or first["name"] != predicate["object"]:
            raise Malformed("the payload is not a statement about its object")
        if statement["predicateType"] != f"{PREDICATE_PREFIX}{event}:v1":
            raise Malformed("the payload's event is not that of its type")
        opening = None if opening_text is None else _canonical_json(opening_text)
        commitment = predicate.get("opening", {}).get("sha256")
        if commitment != (None if opening_text is None else sha256_hex(opening_text)):
            raise PreparedMismatch("the terms are not the ones that the statement commits to")
        if first["digest"]["sha256"] != (commitment or sha256_hex(canonical(predicate))):
            raise PreparedMismatch("the statement's subject has another digest")
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, binascii.Error):
        raise Malformed("not a prepared act") from None
    named = set(_texts(statement))
    for item in shown:
        if sha256_hex(item.content) not in named:
            raise PreparedMismatch("a document is not the one that the statement names", document=item.name)
    contract = predicate.get("contract_sha256")
    if event == "TRD.SIGN" and contract not in {sha256_hex(item.content) for item in shown}:
        raise PreparedMismatch("the contract itself does not come with it: a contract is not signed unseen")
    return ToSign(
        str(document["prepared_id"]), payload, event, predicate, opening, shown, signers, expires_at
    )


def refuse_late(prepared: ToSign, now: datetime) -> None:
    """Raises TooLateToSign; a simulated clock is not compared with this machine's."""
    if not prepared.simulated and now >= prepared.expires_at:
        raise TooLateToSign(f"it expired at {prepared.expires_at.isoformat()}")


def describe(prepared: ToSign) -> Iterator[str]:
    """What the signature will say, in lines for people. Nothing in it can steer a terminal."""
    yield f"You are about to {_WORDS.get(prepared.event, prepared.event)}   [{plain(prepared.event)}]"
    if prepared.simulated:
        yield "(the exchange runs on a simulated clock)"
    yield "\nPublic, for everyone to read on the ledger:"
    hidden = {"event", "opening", "clock"}
    yield from _lines({name: v for name, v in prepared.predicate.items() if name not in hidden})
    if prepared.opening is not None:
        yield "\nTerms, committed to but not public:"
        yield from _lines({name: v for name, v in prepared.opening.items() if name != "nonce"})
    for item in prepared.documents:
        yield f"\nDocument {plain(item.name)} ({plain(item.media_type)}, {len(item.content)} bytes):"
        if item.media_type.startswith("text/") or item.media_type.endswith("json"):
            for line in item.content.decode(errors="replace").splitlines():
                yield f"  | {plain(line)}"
        yield f"  sha256 {sha256_hex(item.content)}"
    yield f"\nTo be submitted before {prepared.expires_at.isoformat()}"


def _lines(members: Mapping[str, Any], indent: str = "  ") -> Iterator[str]:
    for name, value in sorted(members.items()):
        label = plain(name.removesuffix("_minor").removesuffix("_bp").replace("_", " "))
        if isinstance(value, Mapping):
            yield f"{indent}{label}:"
            yield from _lines(value, indent + "  ")
        else:
            yield f"{indent}{label:<22} {_readable(name, value)}"


def _readable(name: str, value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_readable(name, item) for item in value) or "none"
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    if name.endswith("_minor") and text.lstrip("-").isdecimal():
        return f"CNY {yuan(int(text))}"
    if name.endswith("_bp") and text.isdecimal():
        return f"{int(text) // 100}.{int(text) % 100:02d} %"
    return plain(text) if not isinstance(value, Mapping) else plain(canonical(value).decode())


def plain(text: str) -> str:
    """Text without control and direction characters, which could hide what is signed."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _shown(item: Mapping[str, str]) -> Shown:
    content = base64.b64decode(item["content"], validate=True)
    if sha256_hex(content) != item["sha256"]:
        raise PreparedMismatch("a document has another digest than it says", document=item["name"])
    return Shown(str(item["name"]), str(item["media_type"]), content)


def _texts(node: Any) -> Iterable[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, Mapping):
        for value in node.values():
            yield from _texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value)


def _canonical_json(raw: bytes) -> Any:
    document = _json(raw)
    if canonical(document) != raw:
        raise Malformed("not canonical JSON: what is shown might not be what is signed")
    return document


def _json(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except ValueError:
        raise Malformed("not JSON") from None
