"""RFC 8785 (JCS) bytes, once, by the fast path.

orjson with sorted keys equals JCS when keys are ASCII, integers lie within ±2^53 and no float occurs
(`docs/decisions`): `canonical` proves these conditions on the way and refuses the rest, so amounts
and other large integers travel as strings. `rfc8785` is the oracle in the tests.
"""

import hashlib
from typing import Any, Final

import orjson

from base.errors import Malformed

MAX_SAFE: Final = 2**53 - 1
_FLAT: Final = frozenset({str, int, bool, type(None)})
_NESTED: Final = frozenset({dict, list})
_READ_BACK: Final = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER  # strict: within ±(2^53 - 1)


def canonical(document: Any, *, proven: bool = False) -> bytes:
    """The JCS bytes of a JSON document of str, bool, None, safe int, list and dict with ASCII keys.

    `proven`: the caller has just looked at every key and value itself. Raises Malformed for floats, unsafe
    integers, non-ASCII keys, lone surrogates, foreign types and nesting deeper than the encoder goes.
    """
    try:
        if not proven:
            _prove(document)
        return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    except (TypeError, ValueError, RecursionError) as error:
        raise Malformed("not a JSON document", reason=str(error)) from None


def is_canonical(document: Any, raw: bytes, within: Any = None) -> bool:
    """Whether `raw`, which `document` was just read from, are the bytes that `canonical` would write.

    The auditor's fast path: text that is ASCII and written back unchanged has ASCII keys, so only floats
    are left to look for; and only `within` a part, where the caller knows that the rest has none.
    """
    if not raw.isascii():
        try:
            return canonical(document) == raw
        except Malformed:
            return False
    try:
        return orjson.dumps(document, option=_READ_BACK) == raw and not _has_float(
            document if within is None else within
        )
    except TypeError:
        return False


def sha256_hex(data: bytes) -> str:
    """SHA-256 as lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def _prove(node: Any) -> None:
    kind = type(node)
    if kind is dict:
        _prove_keys(node)
        node = node.values()
    elif kind is not list and kind is not tuple:
        node = (node,)
    for value in node:
        kind = type(value)
        if kind is str:  # most are, and a call costs more than to look
            continue
        if kind is dict or kind is list or kind is tuple:
            _prove(value)
        elif kind is int:
            if not -MAX_SAFE <= value <= MAX_SAFE:
                raise Malformed("integer beyond 2^53: write it as a string", value=str(value))
        elif kind is not bool and value is not None:
            raise Malformed("not canonical JSON", type=kind.__name__)


def _prove_keys(node: dict[Any, Any]) -> None:
    for key in node:
        if type(key) is not str or not key.isascii():
            raise Malformed("keys are ASCII strings", key=repr(key))


def _has_float(node: Any) -> bool:
    """Whether a float stands anywhere in what a JSON parser gave."""
    kind = type(node)
    if kind is not dict and kind is not list:
        return kind is float
    values = node.values() if kind is dict else node
    kinds = set(map(type, values))
    if kinds <= _FLAT:
        return False
    if float in kinds:
        return True
    return any(type(value) in _NESTED and _has_float(value) for value in values)
