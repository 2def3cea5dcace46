"""Entries as an audit of checkpoint signatures alone looks at them: framed as such, and those on keys read.

Reading every statement is most of the work of an audit. So here the two ends of each entry are compared, and
only what the log's own keys rest on is read: entry 0, the last one, and those that `keys.json` names.
"""

import re
from binascii import b2a_base64
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from base.errors import Malformed
from ledger.bundle import KeyWindow
from ledger.rotation import EVENTS, GENESIS
from supervision.audit_entry import Sealed, read_entry
from supervision.audit_keys import Keyring
from supervision.audit_report import Code, Problem

_HEAD: Final = b'{"at":"0000-00-00T00:00:00.000Z","envelope":{"payload":"'
_BEGIN: Final = slice(len(_HEAD))
_DIGITS: Final = b"0123456789"
_UNLIKE_DIGITS: Final = _HEAD.translate(None, _DIGITS)
_FRAME: Final = re.compile(
    rb'\{"at":"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z",'
    rb'"envelope":\{"payload":"[^"]*","payloadType":"[^"]*","signatures":\[\{"keyid":"[0-9a-f]{64}",'
    rb'"sig":"[^"]*"\}\]\},"node":"[^"]*","prev":"[0-9a-f]{64}","seq":(?:0|[1-9][0-9]{0,14}),"v":1\}'
)
_WORD: Final = b"statement:LOG."
_WORDS: Final = tuple(  # the same in base64, wherever among three bytes it begins
    b2a_base64((b"x" * at + _WORD)[: (at + len(_WORD)) // 3 * 3], newline=False)[4 if at else 0 :]
    for at in range(3)
)


def named_by(windows: Sequence[KeyWindow], size: int) -> tuple[int, ...]:
    """The entries by which keys come and go according to `keys.json`, with the first and the last."""
    seqs = {0, size - 1}
    for window in windows:
        seqs |= {window.from_size - 1, -1 if window.to_size is None else window.to_size}
    return tuple(sorted(seq for seq in seqs if 0 <= seq < size))


def skim(
    entries: Sequence[bytes], begin: int, wanted: Sequence[int] | None, *, alike: bool
) -> Iterator[Problem | Sealed]:
    """What is no entry, and what is said of the log's own keys in a tile that begins at `begin`.

    `wanted` are the entries to read, or None: then all that may be about keys. `alike` says that all but the
    first end as entries do, which was compared with the chain.
    """
    heads = b"".join([entry[_BEGIN] for entry in entries])
    if not alike or heads.translate(None, _DIGITS) != _UNLIKE_DIGITS * len(entries):
        yield from _unframed(entries, begin)
    else:
        yield from _unframed(entries[:1], begin)
    if wanted is None:
        body = b"".join(entries)
        wanted = [] if not any(word in body for word in _WORDS) else _about_keys(entries, begin)
    for seq in wanted:
        if begin <= seq < begin + len(entries):
            try:
                said = read_entry(entries[seq - begin])
            except Malformed as error:
                yield Problem(Code.HASH, error.detail, seq)
                continue
            said.seq = seq  # where another number stands, that is told already
            if said.event in EVENTS:
                yield said


def _about_keys(entries: Sequence[bytes], begin: int) -> list[int]:
    return [seq for seq, entry in enumerate(entries, begin) if any(word in entry for word in _WORDS)]


def _unframed(entries: Iterable[bytes], begin: int) -> Iterator[Problem]:
    """Each entry that is not of the form of one is read as strictly as in a whole audit."""
    for seq, entry in enumerate(entries, begin):
        if _FRAME.fullmatch(entry) is None or b"\\" in entry:
            try:
                read_entry(entry)
            except Malformed as error:
                yield Problem(Code.HASH, error.detail, seq)


def told_alone(keyring: Keyring, said: Sealed) -> Iterator[str]:
    """Take in a statement about the log's keys where no other one is read; yields why it cannot be.

    Entry 0 is whole in itself, and what a rotation says is proven in it by both keys.
    """
    if keyring.log.closed_seq is not None:
        yield f"sealed after the log was closed at seq {keyring.log.closed_seq}"
    elif (said.event == GENESIS) != (said.seq == 0):
        yield "entry 0, and no other, is the genesis of the log"
    elif said.event == GENESIS:
        yield from keyring.judge(said)
    else:
        yield from keyring.log.tell(said.seq, said.event, said.predicate)
