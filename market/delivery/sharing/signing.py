"""The address of a shared file: good for a while, for one query's file, as often as a tool needs it. Pure.

The tag binds the use that was counted, the key it was asked with, the right, the very table, and the end;
it is made with a key derived from the node's master key, the same on every worker.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from base.canonical import canonical
from base.signing import sealing_part
from market.delivery.sharing.errors import SharedUrlRefused

LIFE: Final = timedelta(hours=1)
SKEW: Final = timedelta(minutes=1)
_PURPOSE: Final = b"databourse/shared-url/1"
_DIGITS: Final = 12


@dataclass(frozen=True, slots=True)
class Grant:
    """What an address stands for."""

    use_id: str
    key_id: str
    entitlement_id: str
    table_sha256: str


def signed(master: bytes, grant: Grant, *, now: datetime) -> tuple[str, datetime]:
    """The path of an address from the door on, and when it ends."""
    ends = now.replace(microsecond=0) + LIFE
    stamp = int(ends.timestamp())
    return f"{grant.use_id}/{grant.key_id}/{stamp}/{_tag(master, grant, stamp)}/part-0.parquet", ends


def check(master: bytes, grant: Grant, *, stamp: str, tag: str, now: datetime) -> None:
    """Whether a tag is ours and its end is ahead, but no further than one of ours lies.

    A node whose clock runs ahead of the others' gives out no address that outlives theirs by more than SKEW.
    Raises SharedUrlRefused.
    """
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= _DIGITS) or stamp != str(int(stamp)):
        raise SharedUrlRefused("no such address")
    genuine = hmac.compare_digest(tag.encode(), _tag(master, grant, int(stamp)).encode())
    ends = datetime.fromtimestamp(int(stamp), UTC) if genuine else now
    if not genuine or not now < ends <= now + LIFE + SKEW:
        raise SharedUrlRefused("no such address")


def _tag(master: bytes, grant: Grant, stamp: int) -> str:
    key = hmac.new(sealing_part(master), _PURPOSE, hashlib.sha256).digest()
    said = [grant.use_id, grant.key_id, grant.entitlement_id, grant.table_sha256, stamp]
    return hmac.new(key, canonical(said), hashlib.sha256).hexdigest()
