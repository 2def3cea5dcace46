"""RDF 1.1 XML of a catalogue, which older harvesters ask for first."""

import re
from collections.abc import Iterable
from typing import Final

from lxml import etree

from web.dcat.terms import PREFIXES, Iri, Text, Thing, Value, in_full, safe_iri

MEDIA_TYPE: Final = "application/rdf+xml"
_RDF: Final = PREFIXES["rdf"]
_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no way to write (§2.2): one such sign would stop the harvest of a whole page."""
_LANG: Final = "{http://www.w3.org/XML/1998/namespace}lang"


def rdfxml(things: Iterable[Thing]) -> bytes:
    """The things as one document, UTF-8."""
    root = etree.Element(f"{{{_RDF}}}RDF", nsmap=dict(PREFIXES))
    for thing in things:
        _describe(root, thing)
    document: bytes = etree.tostring(root, encoding="utf-8", xml_declaration=True, pretty_print=True)
    return document


def _describe(parent: etree._Element, thing: Thing) -> None:
    node = etree.SubElement(parent, f"{{{_RDF}}}Description")
    if thing.iri is not None:
        node.set(f"{{{_RDF}}}about", safe_iri(thing.iri))
    for one in thing.types:
        etree.SubElement(node, f"{{{_RDF}}}type").set(f"{{{_RDF}}}resource", in_full(one))
    for name, value in thing.says:
        _say(node, name, value)


def _say(node: etree._Element, name: str, value: Value) -> None:
    prefix, _, local = name.partition(":")
    said = etree.SubElement(node, f"{{{PREFIXES[prefix]}}}{local}")
    if isinstance(value, Iri):
        said.set(f"{{{_RDF}}}resource", safe_iri(in_full(value.value)))
    elif isinstance(value, Text):
        said.text = _FORBIDDEN.sub("\ufffd", value.value)
        if value.lang is not None:
            said.set(_LANG, value.lang)
        elif value.datatype is not None:
            said.set(f"{{{_RDF}}}datatype", in_full(value.datatype))
    elif value.iri is not None:
        said.set(f"{{{_RDF}}}resource", safe_iri(in_full(value.iri)))
    else:
        _describe(said, value)
