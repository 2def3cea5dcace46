"""ISO 20022 XML to elements, for bytes a stranger may have written.

No DTD, no entity, no comment, no processing instruction, no network, UTF-8 only, bounded size; then
the message's own schema. What passes has exactly the shape the schema names.
"""

import re
from pathlib import Path
from threading import Lock
from typing import Final

from lxml import etree

from base.errors import Malformed, TooLarge

MAX_BYTES: Final = 512 * 1024
SCHEMAS: Final = Path(__file__).parent.parent / "schemas"

_XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
_ENCODING: Final = re.compile(r"""^<\?xml[^>]*?encoding\s*=\s*["']([^"']*)["']""")


class Schema:
    """A message's schema; libxml2's validator keeps its errors in the object, hence the lock."""

    def __init__(self, message: str) -> None:
        self._schema = etree.XMLSchema(etree.parse(SCHEMAS / f"{message}.xsd", _parser()))
        self._lock = Lock()

    def check(self, root: etree._Element) -> None:
        """Raises Malformed with the first deviation."""
        with self._lock:
            if not self._schema.validate(root):
                raise Malformed("not the message it claims to be", reason=_first(self._schema.error_log))


def parse(payload: bytes, schema: Schema) -> etree._Element:
    """The root element of a valid message. Raises TooLarge or Malformed."""
    if len(payload) > MAX_BYTES:
        raise TooLarge("the message is too large", limit_bytes=MAX_BYTES)
    _refuse_tricks(payload)
    try:
        root = etree.fromstring(payload, _parser())
    except etree.XMLSyntaxError as error:
        raise Malformed("not well-formed XML", reason=str(error)[:200]) from None
    for node in root.iter():
        if not isinstance(node.tag, str):
            raise Malformed("comments and processing instructions are not read")
        _refuse_attributes(node)
        if not len(node) and not (node.text or "").strip():
            raise Malformed("an element is empty", element=etree.QName(node).localname)
    schema.check(root)
    return root


def text_at(parent: etree._Element, path: str) -> str | None:
    """The text of the element at a path of local names (`PmtId/EndToEndId`), or None."""
    found = element_at(parent, path)
    return None if found is None else (found.text or "")


def required_text(parent: etree._Element, path: str) -> str:
    """`text_at` where the schema demands the element."""
    text = text_at(parent, path)
    if text is None:
        raise Malformed("an element is missing", path=path)
    return text


def element_at(parent: etree._Element, path: str) -> etree._Element | None:
    """The first element at a path of local names, or None."""
    return parent.find("/".join(f"{{*}}{name}" for name in path.split("/")))


def elements_at(parent: etree._Element, path: str) -> list[etree._Element]:
    """Every element at a path of local names."""
    return list(parent.findall("/".join(f"{{*}}{name}" for name in path.split("/"))))


def _parser() -> etree.XMLParser:
    # encoding= overrides the document's own claim, so that what was searched is what is parsed.
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
    )


def _refuse_tricks(payload: bytes) -> None:
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("messages are UTF-8") from None
    claimed = _ENCODING.match(text)
    if claimed is not None and claimed.group(1).upper() != "UTF-8":
        raise Malformed("messages are UTF-8", encoding=claimed.group(1)[:40])
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise Malformed("a document type or an entity is never read")


def _refuse_attributes(node: etree._Element) -> None:
    for name in node.attrib:
        if str(name).startswith(_XSI) and name != f"{_XSI}schemaLocation":
            raise Malformed("an instance may not choose its own type", attribute=str(name))


def _first(log: etree._ListErrorLog) -> str:
    return next((f"line {entry.line}: {entry.message}"[:300] for entry in log), "invalid")
