"""RDF 1.1 Turtle of a catalogue."""

import re
from collections.abc import Iterable
from typing import Final

from web.dcat.terms import PREFIXES, Iri, Text, Thing, Value, safe_iri

MEDIA_TYPE: Final = "text/turtle"
_SHORT: Final = re.compile(r"([a-z]+):([A-Za-z][A-Za-z0-9_-]*)")
_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def turtle(things: Iterable[Thing]) -> bytes:
    """The things one after the other, UTF-8."""
    lines = [f"@prefix {prefix}: <{iri}> ." for prefix, iri in PREFIXES.items()]
    for thing in things:
        assert thing.iri is not None
        lines.append(f"\n{_name(thing.iri)}{_body(thing, 1)} .")
    return ("\n".join(lines) + "\n").encode()


def _body(thing: Thing, depth: int) -> str:
    indent = "\n" + "    " * depth
    types = ", ".join(_name(one) for one in thing.types)
    parts = [f" a {types}"] if types else []
    parts += [f"{indent}{_name(name)} {_value(value, depth)}" for name, value in thing.says]
    return " ;".join(parts)


def _value(value: Value, depth: int) -> str:
    if isinstance(value, Iri):
        return _name(value.value)
    if isinstance(value, Thing):
        return f"[{_body(value, depth + 1)} ]" if value.iri is None else _name(value.iri)
    return _literal(value)


def _literal(text: Text) -> str:
    quoted = "".join(_ESCAPES.get(char, char) for char in text.value)
    if text.lang is not None:
        return f'"{quoted}"@{text.lang}'
    return f'"{quoted}"^^{_name(text.datatype)}' if text.datatype is not None else f'"{quoted}"'


def _name(name: str) -> str:
    short = _SHORT.fullmatch(name)
    return name if short is not None and short[1] in PREFIXES else f"<{safe_iri(name)}>"
