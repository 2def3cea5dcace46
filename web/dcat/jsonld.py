"""JSON-LD 1.1 of a catalogue: one flat graph, its context inside, so that nothing is fetched to read it."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from web.dcat.terms import PREFIXES, Iri, Text, Thing, Value, safe_iri

MEDIA_TYPE: Final = "application/ld+json"


def jsonld(things: Iterable[Thing]) -> bytes:
    """The things as one document."""
    document = {"@context": dict(PREFIXES), "@graph": [_node(thing) for thing in things]}
    return orjson.dumps(document, option=orjson.OPT_INDENT_2)


def _node(thing: Thing) -> dict[str, Any]:
    node: dict[str, Any] = {} if thing.iri is None else {"@id": safe_iri(thing.iri)}
    if thing.types:
        node["@type"] = list(thing.types)
    for name, value in thing.says:
        node.setdefault(name, []).append(_value(value))
    return {name: found[0] if _alone(name, found) else found for name, found in node.items()}


def _alone(name: str, found: Any) -> bool:
    return name != "@type" and isinstance(found, list) and len(found) == 1


def _value(value: Value) -> Mapping[str, Any] | str:
    if isinstance(value, Iri):
        return {"@id": safe_iri(value.value)}
    if isinstance(value, Thing):
        return _node(value) if value.iri is None else {"@id": safe_iri(value.iri)}
    return _literal(value)


def _literal(text: Text) -> Mapping[str, str] | str:
    if text.lang is not None:
        return {"@value": text.value, "@language": text.lang}
    return {"@value": text.value, "@type": text.datatype} if text.datatype is not None else text.value
