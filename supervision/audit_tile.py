"""One tile of entries, examined by itself: what needs no entry before it, so that any core can do it.

Bytes in, findings out. What hangs together across tiles (chain, keys, trades, the tree) is asked by
`supervision.audit_checks`, of the `Batch` that comes of this, in order.
"""

import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from itertools import islice
from operator import le
from typing import Any, Final

import orjson

from base.canonical import is_canonical
from base.errors import Malformed
from base.signing import Signature, pre_authentication
from ledger.bundle import openings_in, openings_path
from ledger.errors import BundleFileBad
from ledger.statement import PAYLOAD_TYPE
from ledger.suites import signature_holds
from ledger.tiles import ENTRIES, WIDTH, Tile, subtree_root, unpack_entries
from supervision.audit_charges import charges_in
from supervision.audit_entry import Sealed, read_entry, read_statement
from supervision.audit_legs import INSTRUCT, legs_fit
from supervision.audit_report import Code, Problem
from supervision.audit_skim import skim

Job = tuple[int, bytes, bytes, bytes]  # seq, raw public key, signed message, signature
Pending = tuple[int, str, bytes, bytes]  # seq, keyid, signed message, signature
AMOUNTS: Final = (
    *("amount_minor", "price_minor", "commission_minor", "platform_fee_minor", "seller_minor"),
    "refund_minor",
)
TRADE: Final = "TRD."
SIGN: Final = "TRD.SIGN"
ASCERTAIN: Final = "PAY.ASCERTAIN"
_NONCE_HEX: Final = 64
_AT_BEGIN: Final = len('{"at":"')
AT: Final = slice(_AT_BEGIN, _AT_BEGIN + len("2026-11-23T01:00:00.000Z"))
_NO_MARK: Final = bytes(8)


@dataclass(slots=True)
class Work:
    """The bytes of one tile: its entries, and the leaf hashes and openings where they can be compared.

    Where it is not looked at `deep`, `wanted` are the entries to read all the same (`audit_skim`).
    """

    number: int
    width: int
    node: str
    deep: bool
    entries: bytes
    hashes: bytes | None = None
    openings: bytes | None = None
    wanted: tuple[int, ...] | None = None


@dataclass(slots=True)
class Batch:
    """What came of one tile.

    `leaves` are its leaf hashes in a row, `root` the one over them where the tile is full. `said[i]` is
    None where entry i is not of the published form; where statements are not asked, only those about the
    log's own keys are there. `alike` says that all entries but the first end as they should.
    `pending` are signatures by keys that were not known yet, `jobs` those whose keys are known since;
    `signatures` counts the ones verified here. `marks` are 8 bytes of each statement's SHA-256 (0: none).
    `amounts` stand in openings that fit, of trades, `officers` in those about payments, `charges` in those
    of contracts and of their uses; `envelopes` are the names of contract signatures.
    `blamed` are entries whose keys could not say them, `absent` those whose opening is not there.
    """

    number: int
    width: int
    found: int = 0
    leaves: bytes = b""
    root: bytes | None = None
    first: bytes = b""
    last_at: bytes = b""
    said: list[Sealed | None] = field(default_factory=list)
    pending: list[Pending] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    signatures: int = 0
    marks: bytes = b""
    openings: int = 0
    absent: list[tuple[int, str]] = field(default_factory=list)
    opened: bytes = b""
    amounts: dict[int, dict[str, str]] = field(default_factory=dict)
    officers: dict[int, str] = field(default_factory=dict)
    charges: dict[int, dict[str, Any]] = field(default_factory=dict)
    envelopes: dict[int, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    blamed: set[int] = field(default_factory=set)
    alike: bool = False

    @property
    def begin(self) -> int:
        """The seq of the first entry."""
        return self.number * WIDTH

    @property
    def path(self) -> str:
        return Tile(ENTRIES, self.number, self.width).path

    @property
    def whole(self) -> bool:
        """Whether there are as many entries as the tile is wide."""
        return self.found == self.width


def examine(work: Work, keys: Mapping[str, bytes]) -> Batch:
    """Ask everything of a tile that the tile alone can answer. `keys` are raw public keys by keyid.

    A key that is not among them is none that is wrong: its signatures come back as `pending`.
    """
    batch = Batch(work.number, work.width)
    entries = _unpacked(batch, work.entries)
    leaves = [sha256(b"\x00" + entry).digest() for entry in entries]
    batch.leaves = b"".join(leaves)
    batch.found = len(entries)
    if batch.found == WIDTH:
        batch.root = subtree_root(leaves)
    if work.hashes is not None and work.hashes != batch.leaves:
        batch.problems += [
            Problem(Code.HASH, "not the bytes that the tree holds", batch.begin + at)
            for at, leaf in enumerate(leaves)
            if work.hashes[32 * at : 32 * at + 32] != leaf
        ]
    if entries:
        batch.first = entries[0]
        batch.last_at = _follow(batch, entries, work.node)
    if work.deep:
        _read(batch, entries, work.node, keys)
        _open(batch, work.openings)
    elif entries:
        for found in skim(entries, batch.begin, work.wanted, alike=batch.alike):
            if isinstance(found, Problem):
                batch.problems.append(found)
            else:
                batch.said.append(found)
    return batch


def _unpacked(batch: Batch, data: bytes) -> list[bytes]:
    """Cut a tile into entries, and say where it is cut short or runs on."""
    entries: list[bytes] = []
    try:
        entries.extend(unpack_entries(data))  # keeps what came before a cut
    except Malformed as error:
        batch.problems.append(Problem(Code.HASH, error.detail, batch.begin + len(entries)))
        return entries
    if len(entries) < batch.width:
        batch.problems.append(
            Problem(Code.GAP, "the tile ends before this entry", batch.begin + len(entries))
        )
    elif len(entries) > batch.width:
        del entries[batch.width :]
        batch.problems.append(Problem(Code.FILE, "more entries than the tile is wide", path=batch.path))
    return entries


def _follow(batch: Batch, entries: list[bytes], node: str) -> bytes:
    """Each entry bears its number, names the leaf before it and this log, and goes on in time.

    What comes before the first entry is another tile's affair. Returns the last time that did not go back.
    """
    tail, linked = tail_of(node), batch.leaves.hex()
    first, count = batch.begin, len(entries)
    times = [entry[AT] for entry in entries]
    batch.alike = _linked(entries, linked, first, node)
    if batch.alike and all(map(le, times, islice(times, 1, None))):
        return times[-1]
    before, ends = times[0], 1
    for at in range(1, count):
        previous = linked[64 * at - 64 : 64 * at]
        end = tail % (previous.encode(), first + at)
        ends += entries[at].endswith(b'"}]}' + end)
        if not entries[at].endswith(end):
            batch.problems += does_not_follow(first + at, entries[at], previous, node)
        elif times[at] < before:
            batch.problems.append(went_back(first + at))
        else:
            before = times[at]
    batch.alike = ends == count
    return before


def _linked(entries: list[bytes], linked: str, first: int, node: str) -> bool:
    """Whether all entries but the first end as they should, by one comparison for the whole tile.

    Numbers of the same length make tails of the same length. Where not all have it, each is looked at.
    """
    numbers = range(first + 1, first + len(entries))
    if not numbers or len(str(numbers[0])) != len(str(numbers[-1])):
        return not numbers
    head = f'"}}]}},"node":{orjson.dumps(node).decode()},"prev":"'
    before = zip(range(0, 64 * len(numbers), 64), numbers, strict=True)
    tails = "".join([f'{head}{linked[at : at + 64]}","seq":{seq},"v":1}}' for at, seq in before]).encode()
    length = len(tails) // len(numbers)
    return b"".join([entry[-length:] for entry in entries[1:]]) == tails


@lru_cache(maxsize=8)
def tail_of(node: str) -> bytes:
    """How an entry ends, to be filled with the leaf before it and its number: RFC 8785 sorts the members."""
    return b',"node":' + orjson.dumps(node).replace(b"%", b"%%") + b',"prev":"%b","seq":%d,"v":1}'


def went_back(seq: int) -> Problem:
    """LINK: the sealing time of an entry is before that of the entry it follows."""
    return Problem(Code.LINK, "sealed before the entry that precedes it", seq)


def does_not_follow(seq: int, raw: bytes, previous: str, node: str) -> Iterator[Problem]:
    """Why an entry does not end as it should; nothing for what is no entry at all (that is HASH)."""
    try:
        entry = orjson.loads(raw)
        number, link, origin = entry["seq"], entry["prev"], entry["node"]
    except (ValueError, TypeError, KeyError):
        return
    if number != seq:
        yield Problem(Code.GAP, f"here stands the entry that calls itself {number}", seq)
    if link != previous:
        yield Problem(Code.LINK, "does not name the leaf before it", seq)
    if origin != node:
        yield Problem(Code.LINK, f"an entry of another log: {origin!r}", seq)
    if (number, link, origin) == (seq, previous, node):
        yield Problem(Code.HASH, "the entry is not in canonical form", seq)


@lru_cache(maxsize=8)
def _frame(node: str) -> re.Pattern[bytes]:
    """An entry of this log with one signature, as it is nearly always: what matches is in canonical form.

    The base64 is left to be read; its spelling is compared there.
    """
    return re.compile(
        rb'\{"at":"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z",'
        rb'"envelope":\{"payload":"([^"]*)","payloadType":"' + re.escape(PAYLOAD_TYPE.encode()) + rb'",'
        rb'"signatures":\[\{"keyid":"([0-9a-f]{64})","sig":"([^"]*)"\}\]\},'
        rb'"node":' + re.escape(orjson.dumps(node)) + rb',"prev":"[0-9a-f]{64}",'
        rb'"seq":(0|[1-9][0-9]{0,14}),"v":1\}'
    )


def _sealed(raw: bytes, node: str) -> Sealed:
    """What an entry says. Raises Malformed, saying what is not of the published form."""
    match = _frame(node).fullmatch(raw)
    if match is None:
        return read_entry(raw)
    encoded, keyid, signature, seq = match.groups()
    payload = _decoded(encoded)
    signed = (Signature(keyid.decode(), _decoded(signature)),)
    return Sealed(int(seq), "", "", node, payload, signed, *read_statement(payload))


def _decoded(text: bytes) -> bytes:
    """Base64 that is spelt as it would be written: strictly the alphabet, and no bit behind the end."""
    try:
        data = a2b_base64(text, strict_mode=True)
    except ValueError:
        raise Malformed("base64 in another spelling than the standard one") from None
    rest = len(data) % 3
    if rest and b2a_base64(data[-rest:], newline=False) != text[-4:]:
        raise Malformed("base64 in another spelling than the standard one")
    return data


def _read(batch: Batch, entries: list[bytes], node: str, keys: Mapping[str, bytes]) -> None:
    """What the entries say, and whether the signatures of known keys hold."""
    marks: list[bytes] = []
    jobs: list[Job] = []
    for seq, raw in enumerate(entries, batch.begin):
        try:
            said = _sealed(raw, node)
        except Malformed as error:
            batch.problems.append(Problem(Code.HASH, error.detail, seq))
            batch.said.append(None)
            marks.append(_NO_MARK)
            continue
        said.seq = seq  # where another number stands, that is told already
        batch.said.append(said)
        marks.append(_mark(said))
        message = pre_authentication(PAYLOAD_TYPE, said.payload)
        said.payload = b""  # it was read, and is in the message: a tile's worth of it is held for nothing
        for signature in said.signatures:
            public = keys.get(signature.keyid)
            if public is None:
                batch.pending.append((seq, signature.keyid, message, signature.sig))
                continue
            jobs.append((seq, public, message, signature.sig))
        if said.event == SIGN:
            batch.envelopes[seq] = _envelope_name(raw)
    batch.marks = b"".join(marks)
    batch.signatures = len(jobs)
    # After the reading, not in between: it would find the processor's caches full of other things each time.
    batch.problems += [
        not_held(seq) for seq, public, message, sig in jobs if not signature_holds(public, message, sig)
    ]


def _mark(said: Sealed) -> bytes:
    """8 bytes of the SHA-256 of what is said, whoever signs beside it.

    The parties of a contract sign one payload, each in an envelope of its own: there of the signer too.
    """
    signer = said.signatures[0].keyid.encode() if said.event == SIGN else b""
    return sha256(signer + said.payload).digest()[: len(_NO_MARK)]


def not_held(seq: int) -> Problem:
    """SIG: the key did not sign this payload."""
    return Problem(Code.SIG, "a signature does not hold", seq)


def _envelope_name(entry: bytes) -> str:
    """The name of an entry's envelope: what stands between `envelope` and `node` is its JCS."""
    start = entry.index(b'"envelope":') + len(b'"envelope":')
    return sha256(entry[start : entry.rindex(b',"node":')]).hexdigest()


def _open(batch: Batch, data: bytes | None) -> None:
    """Each opening is the document its entry commits to, in canonical form and with a nonce."""
    try:
        openings = {} if data is None else openings_in(data, batch.number)
    except BundleFileBad as error:
        batch.problems.append(Problem(Code.FILE, error.detail, path=openings_path(batch.number)))
        return
    batch.opened = opened_of(openings, batch.begin)
    for seq, said in enumerate(batch.said, batch.begin):
        opening = openings.pop(seq, None)
        if said is None:
            continue
        if opening is None:
            if said.opening_sha256 is not None:
                batch.absent.append((seq, said.opening_sha256))
            continue
        batch.openings += 1
        if said.opening_sha256 != sha256(opening).hexdigest():
            batch.problems.append(Problem(Code.OPENING, "not what the entry commits to", said.seq))
            continue
        _look_into(batch, said, _with_nonce(opening))
    batch.problems += [Problem(Code.OPENING, "an opening of no entry", seq) for seq in openings]


def _look_into(batch: Batch, said: Sealed, document: Mapping[str, Any] | None) -> None:
    """What an opening that fits its commitment says of money, and of who found what became of it."""
    if document is None:
        why = "not canonical JSON with a 256-bit nonce"
        batch.problems.append(Problem(Code.OPENING, why, said.seq))
        return
    charges = charges_in(said.event, document)
    if charges is not None:
        batch.charges[said.seq] = charges
    if said.event == INSTRUCT and not legs_fit(said.predicate, document):
        batch.problems.append(Problem(Code.OPENING, "a leg is not what its digest names", said.seq))
    elif said.event.startswith(TRADE):
        amounts = {name: document[name] for name in AMOUNTS if type(document.get(name)) is str}
        if amounts:
            batch.amounts[said.seq] = amounts
    elif said.event == ASCERTAIN and type(document.get("officer_id")) is str:
        batch.officers[said.seq] = document["officer_id"]


def opened_of(seqs: Mapping[int, Any], begin: int) -> bytes:
    """Which entries of a tile have an opening, one bit each."""
    return sum(1 << seq - begin for seq in seqs).to_bytes(WIDTH // 8)


def _with_nonce(opening: bytes) -> dict[str, Any] | None:
    try:
        document = orjson.loads(opening)
        good = is_canonical(document, opening) and len(document["nonce"]) == _NONCE_HEX
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return document if good and type(document) is dict else None
