"""A sketch of a table: two of them tell how much of the rows is the same.

By itself it is no secret-keeper: each place can be turned back into the digest of one row, and whoever can
guess such a row whole can check it. What leaves the process is therefore `keyed`: under a key of the node's
equal places stay equal, and nothing else can be read from them. It stands in an opening, for supervision.

A row is the set of its cells in any order of the columns. The least row digests are a sample that two tables
of nearly the same rows share; of that sample the least value of each of 64 hash functions is kept (MinHash,
A. Broder, On the resemblance and containment of documents, 1997).
"""

import hmac
import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

FORM: Final = "databourse/minhash/v2"
"""Of what is stated; the functions are those of the first."""
_SEED: Final = "databourse/minhash/v1"
_KEY: Final = b"databourse:sketch:v1\x00"
PLACES: Final = 64
SAMPLE: Final = 8192
"""How many of the least digests are looked at; what stands twice among them counts once."""
LEAST_ROWS: Final = 20
"""Of fewer different rows a table is a list of codes, which may be anybody's."""
_PRIME: Final = 2**61 - 1
_NUMBER: Final = re.compile("[0-9a-f]{16}")


def _functions() -> tuple[tuple[int, int], ...]:
    seeds = [sha256(f"{_SEED}/{place}".encode()).digest() for place in range(PLACES)]
    numbers = [(int.from_bytes(one[:8]), int.from_bytes(one[8:16])) for one in seeds]
    return tuple((a % (_PRIME - 1) + 1, b % _PRIME) for a, b in numbers)


_FUNCTIONS: Final = _functions()


def sketch(digests: Iterable[str]) -> tuple[str, ...]:
    """The sketch of the rows with these digests (hex); empty where there are fewer than `LEAST_ROWS`."""
    rows = {int(digest[:15], 16) for digest in digests}
    if len(rows) < LEAST_ROWS:
        return ()
    return tuple(f"{min((a * row + b) % _PRIME for row in rows):016x}" for a, b in _FUNCTIONS)


def keyed(seen: Iterable[str], master: bytes) -> tuple[str, ...]:
    """A sketch under the node's key: each place a code of its own, sixteen hex digits."""
    key = hmac.digest(master, _KEY, sha256)
    return tuple(
        hmac.digest(key, f"{place}:{one}".encode(), sha256)[:8].hex() for place, one in enumerate(seen)
    )


def is_sketch(seen: object) -> bool:
    """Whether this is of a sketch's form: nothing, or 64 numbers of sixteen hex digits."""
    if not isinstance(seen, list | tuple) or len(seen) not in {0, PLACES}:
        return False
    return all(isinstance(one, str) and _NUMBER.fullmatch(one) is not None for one in seen)
