"""The checks of an audit: each function one thing that must hold, all of them in one list (`CHECKS`).

A check is a coroutine. What stands before its first `yield` is asked when the audit opens; each `yield`
then receives the next tile of entries, and None after the last one. It reports through `case.problem`.
"""

import os
from array import array
from binascii import hexlify
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from itertools import islice
from typing import Final

import orjson

from base.canonical import canonical
from base.errors import Malformed
from base.signing import pre_authentication
from ledger.bundle import CHECKPOINT, KEYS, MANIFEST, MANIFEST_NOTE, Edition, is_kept, openings_path
from ledger.checkpoint import COSIGNATURE, MAX_NOTE_BYTES, Checkpoint, Note, open_checkpoint
from ledger.errors import BundleFileBad, TileInvalid
from ledger.statement import NO_PREVIOUS, PAYLOAD_TYPE
from ledger.suites import can_verify, signature_holds
from ledger.tiles import (
    ENTRIES,
    MAX_ENTRY_TILE_BYTES,
    WIDTH,
    Growth,
    Tile,
    in_tree,
    parse_path,
    tiles_of,
    unpack_entries,
)
from supervision.audit_case import Batch, Case, Check, Job
from supervision.audit_entry import Sealed
from supervision.audit_keys import stated_public_keys
from supervision.audit_report import Code
from supervision.audit_rows import database_agrees
from supervision.audit_trades import trades_are_as_their_parties_said

_NONCE_HEX: Final = 64
_LARGEST_FILE: Final = 256 * 2 * 262_144 + 65_536
_AT_BEGIN: Final = len('{"at":"')
_AT_END: Final = _AT_BEGIN + len("2026-11-23T01:00:00.000Z")
_AHEAD: Final = 4


def checkpoint_is_signed(case: Case) -> Check:
    """ROOT: the tree head is signed by a trusted key of this log, and of the size the manifest says."""
    head = case.head
    if head is not None and not case.damaged(CHECKPOINT):
        case.report.origin, case.report.size, case.report.root = head.origin, head.size, head.root.hex()
        if case.trusted:
            who = case.pinned or case.trusted
            try:
                open_checkpoint(case.bundle.read(CHECKPOINT, MAX_NOTE_BYTES), who, origin=case.origin)
            except Malformed as error:
                case.problem(Code.ROOT, f"{error.detail} ({'pinned' if case.pinned else 'keys.json'})")
        if case.note is not None and case.note.size != head.size:
            case.problem(
                Code.ROOT, f"the checkpoint is of size {head.size}, the manifest of {case.note.size}"
            )
    yield


def entries_are_in_the_tree(case: Case) -> Check:
    """HASH: each entry hashes to the leaf that stands in the tile of the tree."""
    while (batch := (yield)) is not None:
        tile = Tile(0, batch.number, batch.width)
        try:
            hashes = case.bundle.tile(tile)
        except BundleFileBad:
            continue  # reported with the files
        if case.damaged(tile.path) or hashes == b"".join(batch.leaves):
            continue
        for at, leaf in enumerate(batch.leaves):
            if hashes[32 * at : 32 * at + 32] != leaf:
                case.problem(Code.HASH, "not the bytes that the tree holds", seq=batch.first + at)


def entries_follow_each_other(case: Case) -> Check:
    """GAP, LINK: each entry bears its number, names the leaf before it and this log, and goes on in time."""
    previous, before = NO_PREVIOUS.encode(), b""
    # RFC 8785 sorts the members, so an entry's end follows from what comes before it.
    tail = b',"node":' + orjson.dumps(case.origin).replace(b"%", b"%%") + b',"prev":"%b","seq":%d,"v":1}'
    while (batch := (yield)) is not None:
        for seq, (raw, leaf) in enumerate(zip(batch.entries, batch.leaves, strict=True), batch.first):
            at = raw[_AT_BEGIN:_AT_END]
            if not raw.endswith(tail % (previous, seq)):
                _say_what_does_not_follow(case, seq, raw, previous.decode())
            elif at < before:
                case.problem(Code.LINK, "sealed before the entry that precedes it", seq=seq)
            else:
                before = at
            previous = hexlify(leaf)


def keys_could_say_it(case: Case) -> Check:
    """KEY: each signing key was valid then, of the acting organisation, and in that role."""
    while (batch := (yield)) is not None:
        for said in batch.said:
            if said is None:
                continue
            for why in case.keyring.judge(said):
                case.problem(Code.KEY, why, seq=said.seq)
            stated = stated_public_keys(said)
            for signature in said.signatures:
                public = case.keyring.public_of(signature.keyid) or stated.get(signature.keyid)
                if public is not None and not can_verify(public):
                    case.problem(
                        Code.SIG, "an SM2 signature, and gmssl-pyx is not installed here", seq=said.seq
                    )
                elif public is not None:
                    message = pre_authentication(PAYLOAD_TYPE, said.payload)
                    batch.jobs.append((said.seq, public, message, signature.sig))
        if batch.number == 0 and case.keys and case.keyring.vkey not in _vkeys(case):
            case.problem(Code.KEY, "keys.json does not hold the log key that the genesis names", seq=0)


def signatures_hold(case: Case) -> Check:
    """SIG: every signature is its key's over exactly this payload. Verified on all cores."""
    workers = os.cpu_count() or 1
    waiting: deque[Future[list[int]]] = deque()
    with ThreadPoolExecutor(workers) as pool:  # Ed25519 runs outside the interpreter's lock
        while (batch := (yield)) is not None:
            case.report.signatures += len(batch.jobs)
            waiting.append(pool.submit(_bad_signatures, batch.jobs))
            if len(waiting) > workers * _AHEAD:
                _report_bad(case, waiting.popleft())
        for future in waiting:
            _report_bad(case, future)


def statements_are_sealed_once(case: Case) -> Check:
    """SIG: no signed statement is sealed a second time."""
    marks = array("Q")  # the beginning of each statement's first signature; 0 where there is none
    while (batch := (yield)) is not None:
        for said in batch.said:
            marks.append(int.from_bytes(said.signatures[0].sig[:8]) if said else 0)
    if len(set(marks)) < len(marks):
        seen: dict[int, int] = {}
        for seq, mark in enumerate(marks):
            earlier = seen.setdefault(mark, seq)
            if earlier != seq and mark and _signed(case, seq) == _signed(case, earlier):
                case.problem(Code.SIG, f"the same signed statement was sealed at seq {earlier}", seq=seq)


def openings_fit(case: Case) -> Check:
    """OPENING: each opening is the document its entry commits to, in canonical form and with a nonce."""
    while (batch := (yield)) is not None:
        path = openings_path(batch.number)
        try:
            openings = case.bundle.openings(batch.number)
        except BundleFileBad as error:
            if not case.damaged(path):
                case.problem(Code.FILE, error.detail, path=path)
            continue
        if openings and case.edition is Edition.PUBLIC:
            case.problem(Code.FILE, "openings in a public edition", path=path)
        for seq, said in enumerate(batch.said, batch.first):
            opening = openings.pop(seq, None)
            if said is not None:
                _judge_opening(case, batch, said, opening)
        for seq in openings:
            case.problem(Code.OPENING, "an opening of no entry", seq=seq)


def tree_is_of_the_entries(case: Case) -> Check:
    """ROOT, ANCHOR, FILE: the entries give the signed root, every kept root, and every hash tile."""
    growth, anchors = Growth(), _anchors(case)
    while (batch := (yield)) is not None:
        before = growth.frontier.copy()
        _compare_tiles(case, growth.add(batch.leaves))
        for size in [size for size in anchors if size <= growth.frontier.size]:
            frontier = before.copy()
            frontier.extend(batch.leaves[: size - batch.first])
            _compare_anchors(case, size, frontier.root(), anchors.pop(size))
    head = case.head
    if head is not None and not case.damaged(CHECKPOINT):
        if growth.frontier.size != head.size or growth.frontier.root() != head.root:
            case.problem(Code.ROOT, "the entries do not give the root that the checkpoint signs")
        else:
            case.report.root = head.root.hex()
    _compare_tiles(case, growth.partial())
    for size, notes in sorted(anchors.items()):
        root = growth.frontier.root() if size == growth.frontier.size else b""
        _compare_anchors(case, size, root, notes)


def witnesses_cosigned(case: Case) -> Check:
    """COSIG: every cosignature of a witness named in keys.json holds."""
    witnesses = [key for key in case.keys.witnesses if key.kind == COSIGNATURE] if case.keys else []
    names = {(key.name, key.key_id) for key in witnesses}
    for path in (CHECKPOINT, *case.bundle.kept().values()) if witnesses else ():
        try:
            note = Note.parse(case.bundle.read(path, MAX_NOTE_BYTES))
        except Malformed:
            continue  # reported with the files and the anchors
        if case.damaged(path) or not any((line.name, line.key_id) in names for line in note.signatures):
            continue
        try:
            case.report.cosignatures += len(note.verify(witnesses))
        except Malformed as error:
            case.problem(Code.COSIG, error.detail, path=path)
    yield


def files_are_those_of_the_manifest(case: Case) -> Check:
    """FILE: every file is there that should be, unchanged, and no other."""
    while (yield) is not None:
        pass
    frame = case.bundle.damage()
    if frame is not None:
        case.problem(Code.FILE, "the zip around the files was changed", path=frame)
    there, own = case.bundle.paths, {MANIFEST, MANIFEST_NOTE}
    listed = set(case.manifest) if case.manifest is not None else there - own
    # What a size claims may be absurd: more tiles than twice the files there are need not be named.
    tiles = {tile.path for tile in islice(tiles_of(case.size), 2 * len(there) + WIDTH)}
    for path in sorted((tiles | {CHECKPOINT, KEYS} | listed | there) - own):
        if path not in there:
            case.problem(Code.FILE, "missing", path=path)
        elif path not in listed:
            case.problem(Code.FILE, "not in the manifest", path=path)
        elif not _belongs(path, case.size):
            case.problem(Code.FILE, "no file of a bundle of this size", path=path)
        else:
            _compare_file(case, path)


def _say_what_does_not_follow(case: Case, seq: int, raw: bytes, previous: str) -> None:
    try:
        entry = orjson.loads(raw)
        number, link, node = entry["seq"], entry["prev"], entry["node"]
    except (ValueError, TypeError, KeyError):
        return  # no entry at all: reported as HASH
    if number != seq:
        case.problem(Code.GAP, f"here stands the entry that calls itself {number}", seq=seq)
    if link != previous:
        case.problem(Code.LINK, "does not name the leaf before it", seq=seq)
    if node != case.origin:
        case.problem(Code.LINK, f"an entry of another log: {node!r}", seq=seq)
    if (number, link, node) == (seq, previous, case.origin):
        case.problem(Code.HASH, "the entry is not in canonical form", seq=seq)


def _bad_signatures(jobs: Sequence[Job]) -> list[int]:
    return [seq for seq, public, message, sig in jobs if not signature_holds(public, message, sig)]


def _report_bad(case: Case, future: Future[list[int]]) -> None:
    for seq in future.result():
        case.problem(Code.SIG, "a signature does not hold", seq=seq)


def _judge_opening(case: Case, batch: Batch, said: Sealed, opening: bytes | None) -> None:
    if opening is None:
        case.report.openings_absent += said.opening_sha256 is not None
        return
    case.report.openings += 1
    if said.opening_sha256 != sha256(opening).hexdigest():
        case.problem(Code.OPENING, "not what the entry commits to", seq=said.seq)
    elif not _has_nonce(opening):
        case.problem(Code.OPENING, "not canonical JSON with a 256-bit nonce", seq=said.seq)
    else:
        batch.openings[said.seq] = opening


def _signed(case: Case, seq: int) -> tuple[str, str]:
    """What was signed first in an entry and the signature, read again."""
    number = seq // WIDTH
    tile = Tile(ENTRIES, number, min(WIDTH, case.size - number * WIDTH))
    entry = next(islice(unpack_entries(case.bundle.tile(tile)), seq % WIDTH, None))
    envelope = orjson.loads(entry)["envelope"]
    return envelope["payload"], envelope["signatures"][0]["sig"]


def _vkeys(case: Case) -> list[str]:
    return [str(window.vkey) for window in case.keys.vkeys] if case.keys else []


def _has_nonce(opening: bytes) -> bool:
    try:
        document = orjson.loads(opening)
        return canonical(document) == opening and len(document["nonce"]) == _NONCE_HEX
    except (ValueError, TypeError, KeyError, RecursionError, Malformed):
        return False


def _anchors(case: Case) -> dict[int, list[tuple[str, Checkpoint]]]:
    """The kept checkpoints and the one last seen, by tree size, where their signatures hold."""
    notes: list[tuple[str, bytes]] = []
    for path in case.bundle.kept().values():
        try:
            data = case.bundle.read(path, MAX_NOTE_BYTES)
        except BundleFileBad:
            continue  # reported with the files
        if not case.damaged(path):
            notes.append((path, data))
    if case.last_checkpoint is not None:
        notes.append(("", case.last_checkpoint))
    anchors: dict[int, list[tuple[str, Checkpoint]]] = {}
    for path, data in notes:
        name = path or "the checkpoint last seen"
        try:
            head = open_checkpoint(data, case.trusted, origin=case.origin).checkpoint
        except Malformed as error:
            case.problem(Code.ANCHOR, f"{name}: {error.detail}", path=path or None)
            continue
        if path and path != f"checkpoints/{head.size}":
            case.problem(Code.ANCHOR, "a checkpoint of another size", path=path)
        anchors.setdefault(head.size, []).append((path, head))
    return anchors


def _compare_anchors(case: Case, size: int, root: bytes, notes: list[tuple[str, Checkpoint]]) -> None:
    for path, head in notes:
        case.report.anchors += 1
        if head.root != root:
            name = path or "the checkpoint last seen"
            short = size > case.size
            why = "the log is shorter now" if short else f"the first {size} entries give another root now"
            case.problem(Code.ANCHOR, f"{name}: {why}", path=path or None)


def _compare_tiles(case: Case, tiles: Sequence[tuple[Tile, bytes]]) -> None:
    """Hash tiles against the entries; where an entry is blamed already, its tiles are not."""
    for tile, data in tiles:
        try:
            found = case.bundle.tile(tile)
        except BundleFileBad:
            continue  # reported with the files
        if found != data and not case.damaged(tile.path) and not case.report.counts[Code.HASH]:
            case.problem(Code.FILE, "not the hashes of the entries", path=tile.path)


def _belongs(path: str, size: int) -> bool:
    """Whether a path is one of a bundle whose tree has this size."""
    if path in {CHECKPOINT, KEYS} or is_kept(path):
        return True
    if path.startswith("tile/"):
        try:
            return in_tree(parse_path(path), size)
        except TileInvalid:
            return False
    digits = path.removeprefix("openings/").removesuffix(".jsonl").replace("x", "").replace("/", "")
    return digits.isdecimal() and int(digits) * WIDTH < size and openings_path(int(digits)) == path


def _compare_file(case: Case, path: str) -> None:
    """A file against the manifest; one that no other check has read is read now."""
    case.report.files += 1
    if path not in case.bundle.digests:
        limit = MAX_ENTRY_TILE_BYTES if path.startswith("tile/") else _LARGEST_FILE
        try:
            case.bundle.read(path, limit)
        except BundleFileBad as error:
            case.problem(Code.FILE, error.detail, path=path)
            return
    if case.damaged(path) and path not in case.explained:
        case.problem(Code.FILE, "changed: its SHA-256 is not the manifest's", path=path)


CHECKS: Final[tuple[Callable[[Case], Check], ...]] = (
    checkpoint_is_signed,
    entries_are_in_the_tree,
    entries_follow_each_other,
    keys_could_say_it,
    signatures_hold,
    statements_are_sealed_once,
    openings_fit,
    trades_are_as_their_parties_said,
    database_agrees,
    tree_is_of_the_entries,
    witnesses_cosigned,
    files_are_those_of_the_manifest,
)
# These read what the statements say; an audit of checkpoint signatures alone leaves them out.
OF_STATEMENTS: Final = frozenset(
    {
        keys_could_say_it,
        signatures_hold,
        statements_are_sealed_once,
        openings_fit,
        trades_are_as_their_parties_said,
        database_agrees,
    }
)
