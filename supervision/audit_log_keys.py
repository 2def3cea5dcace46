"""Which of its keys had to sign a checkpoint of the log, and how a pinned key leads to a newer one.

`keys.json` says at which size a key began; the entry before that size must be the rotation that says so,
signed by a key that is trusted already. In the end the windows are compared with those that all entries
give, so nobody gains by telling others.
"""

from collections.abc import Callable, Sequence

from base.errors import Malformed
from ledger.bundle import KeyWindow
from ledger.checkpoint import Checkpoint, Note, VerifierKey, open_checkpoint
from ledger.errors import NoteInvalid
from ledger.rotation import ROTATE, keys_at, open_rotation
from ledger.suites import can_verify
from supervision.audit_entry import read_entry


def follow(
    pinned: Sequence[VerifierKey], windows: Sequence[KeyWindow], entry: Callable[[int], bytes]
) -> tuple[VerifierKey, ...]:
    """The pinned keys, and those that rotations in the log lead to from them.

    `entry` reads the bytes of one entry, and raises Malformed where it cannot.
    """
    trusted = list(pinned)
    for window in sorted(windows, key=lambda one: one.from_size):
        if window.from_size == 0 or window.vkey in trusted:
            continue
        try:
            said = read_entry(entry(window.from_size - 1))
            old = VerifierKey.parse(said.text("old_vkey") or "")
            new = open_rotation(said.text("note") or "", old)
        except Malformed:
            continue
        if said.event == ROTATE and old in trusted and new == window.vkey:
            trusted.append(new)
    return tuple(trusted)


def open_in_window(
    data: bytes,
    trusted: Sequence[VerifierKey],
    windows: Sequence[KeyWindow],
    *,
    origin: str,
    by_all: bool = True,
) -> Checkpoint:
    """A checkpoint that a trusted key signed within its window; `by_all`: and every key whose window it is.

    A key that the list does not name has no window, and counts at any size. Raises NoteInvalid.
    """
    note = Note.parse(data)
    size = Checkpoint.parse(note.text).size
    due = keys_at(windows, size)
    named = {window.vkey for window in windows}
    head = open_checkpoint(
        data, [key for key in trusted if key in due or key not in named], origin=origin
    ).checkpoint
    signed = {found.key for found in note.verify([*trusted, *due])}
    for key in due if by_all else ():
        if key not in signed and can_verify(key.public):
            raise NoteInvalid(f"not signed by {key}, whose window holds size {size}")
    return head
