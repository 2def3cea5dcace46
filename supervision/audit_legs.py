"""OPENING: each leg of a payment instruction is what the statement names by its digest.

A party is shown its own leg alone, and verifies it by that digest; so whoever has the whole opening makes
sure that nobody was shown another. Instructions of before legs had digests name none.
"""

from collections.abc import Mapping
from typing import Any, Final

from base.canonical import canonical, sha256_hex
from base.errors import Malformed

INSTRUCT: Final = "PAY.INSTRUCT"
_MEMBER: Final = "legs_sha256"
_NONCE_HEX: Final = 64


def legs_fit(predicate: Mapping[str, Any], opening: Mapping[str, Any]) -> bool:
    """Whether the legs of an opening are those that the statement names, each with a nonce of its own."""
    if _MEMBER not in predicate:
        return True
    named: Any = predicate[_MEMBER]
    legs = opening.get("legs")
    if type(legs) is not list or not all(type(leg) is dict and _is_blind(leg) for leg in legs):
        return False
    try:
        return bool(named == [sha256_hex(canonical(leg)) for leg in legs])
    except Malformed:
        return False


def _is_blind(leg: Mapping[str, Any]) -> bool:
    nonce = leg.get("nonce")
    return type(nonce) is str and len(nonce) == _NONCE_HEX
