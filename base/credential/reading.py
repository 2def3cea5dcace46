"""JSON from strangers, read strictly: bounded, each member once, and nothing that JCS could not write back.

Two parsers that take the first and the last of a repeated member read two documents out of one signature.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

from base.errors import Malformed, TooLarge

MAX_DOCUMENT_BYTES: Final = 2**20
_MOST_DIGITS: Final = 16


class MemberRepeated(Malformed):
    code = "member-repeated"
    title = "A member of the document is there twice"


def read_object(raw: bytes) -> dict[str, Any]:
    """The JSON object in these bytes. Raises TooLarge, MemberRepeated, Malformed."""
    if len(raw) > MAX_DOCUMENT_BYTES:
        raise TooLarge("the document is too large", bytes=len(raw), limit=MAX_DOCUMENT_BYTES)
    try:
        document = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_once,
            parse_float=_no_number,
            parse_constant=_no_number,
            parse_int=_whole,
        )
    except RecursionError:
        raise Malformed("the document is nested too deeply") from None
    except ValueError as error:  # UnicodeDecodeError and JSONDecodeError among them
        raise Malformed("not JSON in UTF-8", reason=str(error)[:200]) from None
    if type(document) is not dict:
        raise Malformed("not a JSON object")
    return document


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise MemberRepeated("a member is there twice", member=twice[:100])
    return members


def _no_number(text: str) -> Any:
    raise Malformed("numbers are whole here", number=text[:40])


def _whole(text: str) -> int:
    if len(text) > _MOST_DIGITS + 1:
        raise Malformed("a whole number beyond 2^53", number=text[:40])
    return int(text)
