"""Values to ISO 20022 XML. The bytes made here are the bytes signed; nobody re-serialises them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from lxml import etree

from bank.amounts import CURRENCY, decimal_text
from base.clock import SHANGHAI, rfc3339

NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:"
BANK_NAME: Final = "Simulated Escrow Bank"


@dataclass(frozen=True, slots=True)
class Fen:
    """An amount in CNY fen; the writer adds the currency."""

    minor: int


Node: TypeAlias = "tuple[str, str | Fen | Sequence[Node]]"


def payload_type(message: str) -> str:
    """The DSSE payload type of a message: `application/xml; message=camt.054.001.08`."""
    return f"application/xml; message={message}"


def render(message: str, body: Node) -> bytes:
    """The document as UTF-8 XML with its declaration, the namespace as default."""
    namespace = f"{NAMESPACE}{message}"
    root = etree.Element(f"{{{namespace}}}Document", nsmap={None: namespace})
    _append(root, body, namespace)
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return written


def when(at: datetime) -> str:
    """ISODateTime in UTC with milliseconds and `Z`."""
    return rfc3339(at)


def day_of(at: datetime, zone: ZoneInfo = SHANGHAI) -> str:
    """ISODate of the banking day: the calendar day in Shanghai."""
    return at.astimezone(zone).date().isoformat()


def account(number: str) -> list[Node]:
    """An account by number: `Id/Othr/Id`, since China has no IBAN."""
    return [("Id", [("Othr", [("Id", number)])]), ("Ccy", CURRENCY)]


def _append(parent: etree._Element, node: Node, namespace: str) -> None:
    name, content = node
    element = etree.SubElement(parent, f"{{{namespace}}}{name}")
    if isinstance(content, Fen):
        element.set("Ccy", CURRENCY)
        element.text = decimal_text(content.minor)
    elif isinstance(content, str):
        element.text = content
    else:
        for child in content:
            _append(element, child, namespace)
