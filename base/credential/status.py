"""The status list beside a credential, before it is signed (Bitstring Status List v1.0).

Facts in, a document out. Pure.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from base.clock import rfc3339
from base.credential.bitstring import pack

MEDIA_TYPE: Final = "application/vc"
V2: Final = "https://www.w3.org/ns/credentials/v2"
LIST_TYPE: Final = "BitstringStatusListCredential"
# How long a list may be shown to somebody who cannot fetch one, and after how long he should if he can.
LIST_VALID_FOR: Final = timedelta(hours=24)
LIST_TTL: Final = timedelta(minutes=5)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Purpose(StrEnum):
    """What a bit says: gone for good, or out of force for now."""

    REVOCATION = "revocation"
    SUSPENSION = "suspension"


PURPOSES: Final = (Purpose.REVOCATION, Purpose.SUSPENSION)


@dataclass(frozen=True, slots=True)
class Places:
    """Where a credential stands in its status list: one index for each purpose."""

    list_url: str
    revocation: int
    suspension: int

    def of(self, purpose: Purpose) -> int:
        return self.revocation if purpose is Purpose.REVOCATION else self.suspension


def status_entry(list_url: str, purpose: Purpose, place: int) -> dict[str, str]:
    """What a credential says of one of its places."""
    return {
        "id": f"{list_url}#{place}",
        "type": "BitstringStatusListEntry",
        "statusPurpose": purpose.value,
        "statusListIndex": str(place),
        "statusListCredential": list_url,
    }


def status_list(
    indices: Iterable[int],
    *,
    url: str,
    issuer: str,
    as_of: datetime,
    purposes: Sequence[Purpose] = PURPOSES,
) -> dict[str, Any]:
    """A status list without its proof: the bits of these indices, as of a moment.

    One list carries both purposes (Recommendation, Appendix "Multiple Status Entries in a Single List"):
    a credential has two places in it. A list of one purpose says so with one word, not a list of words.
    """
    words = [purpose.value for purpose in purposes]
    return {
        "@context": [V2],
        "id": url,
        "type": ["VerifiableCredential", LIST_TYPE],
        "issuer": issuer,
        "validFrom": rfc3339(as_of),
        "validUntil": rfc3339(as_of + LIST_VALID_FOR),
        "credentialSubject": {
            "id": f"{url}#list",
            "type": "BitstringStatusList",
            "statusPurpose": words[0] if len(words) == 1 else words,
            "encodedList": _packed(frozenset(indices)),
            "ttl": LIST_TTL // timedelta(milliseconds=1),
        },
    }


@lru_cache(maxsize=16)
def _packed(indices: frozenset[int]) -> str:
    """The bits of a list: packing them costs more than signing, and they change seldom."""
    return pack(indices)


def begun(now: datetime) -> datetime:
    """The beginning of the present time to live: within it one state has the same bytes everywhere."""
    return now - (now - _EPOCH) % LIST_TTL
