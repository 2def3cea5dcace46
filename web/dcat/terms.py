"""RDF as small as a catalogue needs it: named things with their properties, written three ways. Pure.

`Thing` is a node with its properties in order; nested things without a name are blank nodes. Names are IRIs
in full or with one of `PREFIXES`. A test reads every form back with rdflib and finds the same graph.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

PREFIXES: Final[Mapping[str, str]] = {
    "adms": "http://www.w3.org/ns/adms#",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcatap": "http://data.europa.eu/r5r/",
    "dct": "http://purl.org/dc/terms/",
    "dqv": "http://www.w3.org/ns/dqv#",
    "eli": "http://data.europa.eu/eli/ontology#",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "hydra": "http://www.w3.org/ns/hydra/core#",
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "spdx": "http://spdx.org/rdf/terms#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_UNSAFE: Final = frozenset('<>"{}|^`\\') | {chr(code) for code in range(0x21)} | {"\ufffe", "\uffff"}


@dataclass(frozen=True, slots=True)
class Iri:
    """A reference to a thing by its name."""

    value: str


@dataclass(frozen=True, slots=True)
class Text:
    """A literal: a language for what people read, a datatype (`xsd:…`) for what programs compare."""

    value: str
    lang: str | None = None
    datatype: str | None = None


@dataclass(frozen=True, slots=True)
class Thing:
    """A node: its classes and properties in the order they are written. Without a name it is blank."""

    iri: str | None
    types: tuple[str, ...]
    says: "Sequence[tuple[str, Value]]" = field(default=())


Value: TypeAlias = "Iri | Text | Thing"


def both(zh: str, en: str) -> tuple[Text, Text]:
    """A label in both languages of the exchange."""
    return Text(zh, "zh"), Text(en, "en")


def said(*pairs: "tuple[str, Value | Iterable[Value] | None]") -> list[tuple[str, Value]]:
    """Properties of a thing: None is left out, several values are one property each."""
    found: list[tuple[str, Value]] = []
    for name, value in pairs:
        if value is None:
            continue
        if isinstance(value, Iri | Text | Thing):
            found.append((name, value))
        else:
            found.extend((name, one) for one in value)
    return found


def resource(iri: str) -> Thing:
    """An address as the published shapes want it: said to be a resource, because they infer nothing."""
    return Thing(iri, ("rdfs:Resource",))


def in_full(name: str) -> str:
    """The IRI of a name that may have one of our prefixes."""
    prefix, colon, local = name.partition(":")
    return PREFIXES[prefix] + local if colon and prefix in PREFIXES else name


def safe_iri(value: str) -> str:
    """An IRI in which no character can end it early: what none may hold is written by its number."""
    return "".join(
        "".join(f"%{byte:02X}" for byte in char.encode()) if char in _UNSAFE else char for char in value
    )
