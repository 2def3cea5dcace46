"""The bits of a Bitstring Status List (W3C v1.0, §2.2, §3.3, §3.4): packed, and unpacked within bounds. Pure.

The first index is the left-most bit. A list that swells beyond what any list of ours could be is not
unpacked to its end.
"""

import base64
import gzip
import re
import zlib
from collections.abc import Iterable
from typing import Final

from base.errors import Malformed

ENTRIES: Final = 131_072  # the Recommendation's least: what hides one among many
MAX_BYTES: Final = 2**20
_BASE64URL: Final = "u"
_GZIP: Final = 31  # zlib's word for: a gzip header, and nothing else
_CODED: Final = re.compile(r"u[A-Za-z0-9_-]+")


class ListMalformed(Malformed):
    code = "status-list-malformed"
    title = "The status list is not a bitstring of the expected form"


class IndexBeyondList(Malformed):
    code = "status-index-out-of-range"
    title = "The credential's place is not in the status list"


def pack(indices: Iterable[int], *, entries: int = ENTRIES) -> str:
    """`encodedList` with these bits set. The same bits give the same text. Raises IndexBeyondList."""
    bits = bytearray(entries // 8)
    for index in indices:
        if not 0 <= index < entries:
            raise IndexBeyondList("no such place in the list", index=index, entries=entries)
        bits[index // 8] |= 0x80 >> index % 8
    packed = gzip.compress(bytes(bits), 9, mtime=0)
    return _BASE64URL + base64.urlsafe_b64encode(packed).decode().rstrip("=")


def unpack(encoded: str) -> bytes:
    """The bitstring of an `encodedList`. Raises ListMalformed, also for one that is too short or too long."""
    if _CODED.fullmatch(encoded) is None:
        raise ListMalformed("not multibase base64url without padding")
    text = encoded[1:]
    try:
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        unpacking = zlib.decompressobj(_GZIP)
        bits = unpacking.decompress(packed, MAX_BYTES + 1)
    except (ValueError, zlib.error) as error:
        raise ListMalformed("not GZIP", reason=str(error)) from None
    if len(bits) > MAX_BYTES:
        raise ListMalformed("the list unpacks to more than it may", limit=MAX_BYTES)
    if not unpacking.eof or unpacking.unused_data:
        raise ListMalformed("the packed list is cut short, or something follows it")
    if len(bits) * 8 < ENTRIES:
        raise ListMalformed("the list is shorter than the least", entries=len(bits) * 8, least=ENTRIES)
    return bits


def is_set(bits: bytes, index: int) -> bool:
    """Whether the bit of an index is set. Raises IndexBeyondList."""
    if not 0 <= index < len(bits) * 8:
        raise IndexBeyondList("no such place in the list", index=index, entries=len(bits) * 8)
    return bool(bits[index // 8] & 0x80 >> index % 8)
