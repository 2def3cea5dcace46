"""A bundle: everything needed to check a log offline, as a folder or a zip of it (`docs/ledger.md`).

    checkpoint                    the signed tree head the bundle ends at
    checkpoints/<size>            earlier checkpoints that were kept
    tile/<L>/<N>[.p/<W>]          hash tiles, tile/entries/<N>[.p/<W>] the entries (C2SP tlog-tiles)
    openings/<N>.jsonl            openings of the entries of entry tile <N> (regulator edition only)
    keys.json                     the log's verifier keys and its witnesses'
    manifest.json, manifest.note  SHA-256 of every file, signed by the log's key

Writer and reader hold one tile at a time, whatever the size of the log. The reader believes nothing:
it bounds what it reads and hands out bytes; `supervision.audit` judges them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import orjson

from base.canonical import canonical, is_canonical
from base.errors import Malformed
from ledger.archive import Files, open_files, open_sink
from ledger.checkpoint import MAX_NOTE_BYTES, Checkpoint, Note, NoteSigner, VerifierKey, sign_note
from ledger.errors import BundleFileBad, BundleIncomplete, EntryTooLarge
from ledger.tiles import (
    ENTRIES,
    MAX_ENTRY_TILE_BYTES,
    WIDTH,
    Growth,
    Tile,
    number_path,
    pack_entries,
    partial_of,
    unpack_entries,
)
from ledger.tree import HASH_BYTES, leaf_hash

CHECKPOINT: Final = "checkpoint"
KEYS: Final = "keys.json"
MANIFEST: Final = "manifest.json"
MANIFEST_NOTE: Final = "manifest.note"
KEPT: Final = "checkpoints/"
MAX_OPENING_BYTES: Final = 262_144
MAX_KEYS_BYTES: Final = 1_048_576
MAX_MANIFEST_BYTES: Final = 536_870_912
MAX_OPENINGS_BYTES: Final = WIDTH * (2 * MAX_OPENING_BYTES + 64)
_NOTE_LINES: Final = 4
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


class Edition(StrEnum):
    """Who a bundle is for: the public (no openings) or a regulator (with them)."""

    PUBLIC = "public"
    REGULATOR = "regulator"


@dataclass(frozen=True, slots=True)
class KeyWindow:
    """A key of the log, and the tree sizes whose checkpoints it signs (`to_size` None: still)."""

    vkey: VerifierKey
    from_size: int = 0
    to_size: int | None = None


@dataclass(frozen=True, slots=True)
class Keys:
    """`keys.json`: the log's own keys by tree size, and its witnesses'."""

    origin: str
    vkeys: tuple[KeyWindow, ...]
    witnesses: tuple[VerifierKey, ...] = ()

    def text(self) -> bytes:
        """The canonical JSON of the file."""
        windows = [
            {"vkey": str(window.vkey), "from_size": window.from_size, "to_size": window.to_size}
            for window in self.vkeys
        ]
        witnesses = [{"vkey": str(key)} for key in self.witnesses]
        return canonical({"origin": self.origin, "vkeys": windows, "witnesses": witnesses})

    @classmethod
    def parse(cls, data: bytes) -> "Keys":
        """Read `keys.json`. Raises BundleFileBad unless `text` would write it, and its keys are the log's."""
        try:
            document = orjson.loads(data)
            windows = [
                KeyWindow(VerifierKey.parse(item["vkey"]), item["from_size"], item["to_size"])
                for item in document["vkeys"]
            ]
            witnesses = [VerifierKey.parse(item["vkey"]) for item in document["witnesses"]]
            keys = cls(document["origin"], tuple(windows), tuple(witnesses))
            sizes = [size for window in windows for size in (window.from_size, window.to_size or 0)]
            same = keys.text() == data and all(type(size) is int for size in sizes)
            same = same and {window.vkey.name for window in windows} == {keys.origin}
        except (Malformed, ValueError, TypeError, KeyError, AttributeError):
            same = False
        if not same:
            raise BundleFileBad("not a list of verifier keys", path=KEYS)
        return keys


@dataclass(frozen=True, slots=True)
class ManifestNote:
    """The text of `manifest.note`: `<origin>/manifest`, edition, tree size, SHA-256 of `manifest.json`."""

    origin: str
    edition: Edition
    size: int
    manifest_sha256: str

    def text(self) -> str:
        return f"{self.origin}/manifest\n{self.edition}\n{self.size}\n{self.manifest_sha256}\n"

    @classmethod
    def parse(cls, text: str) -> "ManifestNote":
        """Read the text. Raises BundleFileBad on any deviation."""
        lines = text.split("\n")
        if len(lines) == _NOTE_LINES + 1 and lines[1] in tuple(Edition) and _SIZE.fullmatch(lines[2]):
            origin = lines[0].removesuffix("/manifest")
            said = cls(origin, Edition(lines[1]), int(lines[2]), lines[3])
            if said.text() == text:
                return said
        raise BundleFileBad("not the text of a manifest note", path=MANIFEST_NOTE)


@dataclass(frozen=True, slots=True)
class Record:
    """One entry as a bundle carries it: its place, its exact bytes, and its opening where there is one."""

    seq: int
    entry: bytes
    opening: bytes | None


class BundleWriter:
    """Writes a bundle entry by entry: `add` each in order, then `finish`."""

    def __init__(
        self,
        out: Path,
        *,
        checkpoint: bytes,
        keys: Keys,
        signer: NoteSigner,
        edition: Edition,
        kept: Mapping[int, bytes] | None = None,
    ) -> None:
        """Begin a new folder, or a zip when `out` ends in `.zip`; refuses to overwrite (BundleFileBad).

        `checkpoint` and the `kept` ones are the signed notes' bytes; `signer` signs the manifest.
        """
        self.head = Checkpoint.parse(Note.parse(checkpoint).text)
        if not self.head.origin == keys.origin == signer.name:
            raise BundleIncomplete("checkpoint, keys and manifest key are of one log", origin=keys.origin)
        self._edition = edition
        self._signer = signer
        self._growth = Growth()
        self._entries: list[bytes] = []
        self._openings: list[bytes] = []
        self._digests: dict[str, str] = {}
        self._sink = open_sink(out)
        self._write(CHECKPOINT, checkpoint)
        self._write(KEYS, keys.text())
        for size, note in sorted((kept or {}).items()):
            self._write(f"{KEPT}{size}", note)

    def add(self, seq: int, entry: bytes, opening: bytes | None = None) -> None:
        """The next entry's exact bytes, and its opening's. The public edition drops openings.

        Raises BundleIncomplete out of order or beyond the checkpoint, EntryTooLarge above the limits.
        """
        expected = self._growth.frontier.size + len(self._entries)
        if seq != expected or seq >= self.head.size:
            raise BundleIncomplete(
                "entries come in order, up to the checkpoint", seq=seq, expected=expected, size=self.head.size
            )
        self._entries.append(entry)
        if opening is not None and self._edition is Edition.REGULATOR:
            if len(opening) > MAX_OPENING_BYTES:
                raise EntryTooLarge("an opening is too long", bytes=len(opening), limit=MAX_OPENING_BYTES)
            self._openings.append(canonical({"opening": opening.decode(), "seq": seq}) + b"\n")
        if len(self._entries) == WIDTH:
            self._flush()

    def finish(self) -> bytes:
        """Write what remains, the manifest and its note; returns the root over the entries given.

        Raises BundleIncomplete when entries are missing. The root is for the caller to compare: a
        bundle of a damaged log is written all the same, for an auditor to find the damage in.
        """
        if self._entries:
            self._flush()
        size = self._growth.frontier.size
        if size != self.head.size:
            raise BundleIncomplete("entries are missing", size=size, expected=self.head.size)
        for tile, data in self._growth.partial():
            self._write(tile.path, data)
        manifest = canonical({"files": self._digests})
        note = ManifestNote(self.head.origin, self._edition, size, sha256(manifest).hexdigest())
        self._sink.write(MANIFEST, manifest)
        self._sink.write(MANIFEST_NOTE, sign_note(note.text(), self._signer))
        self._sink.close()
        return self._growth.frontier.root()

    def _flush(self) -> None:
        number = self._growth.frontier.size // WIDTH
        self._write(Tile(ENTRIES, number, len(self._entries)).path, pack_entries(self._entries))
        for tile, data in self._growth.add([leaf_hash(entry) for entry in self._entries]):
            self._write(tile.path, data)
        if self._openings:
            self._write(openings_path(number), b"".join(self._openings))
        self._entries, self._openings = [], []

    def _write(self, path: str, data: bytes) -> None:
        self._digests[path] = sha256(data).hexdigest()
        self._sink.write(path, data)


def write_bundle(
    out: Path,
    records: Iterable[tuple[int, bytes, bytes | None]],
    *,
    checkpoint: bytes,
    keys: Keys,
    signer: NoteSigner,
    edition: Edition,
    kept: Mapping[int, bytes] | None = None,
) -> bytes:
    """Write a bundle from (seq, entry, opening) in order; returns the root over them (`BundleWriter`)."""
    writer = BundleWriter(out, checkpoint=checkpoint, keys=keys, signer=signer, edition=edition, kept=kept)
    for seq, entry, opening in records:
        writer.add(seq, entry, opening)
    return writer.finish()


class Bundle:
    """Reads a bundle of unknown origin. Every method raises BundleFileBad naming the file that is not usable.

    Nothing read here is verified; `digests` keeps the SHA-256 of each file that was read whole. Tiles as a
    node publishes them, in a folder or from elsewhere, are read too: `plain` says that there is nothing
    but a checkpoint and tiles.
    """

    def __init__(self, source: Path | Files) -> None:
        self._files = open_files(source) if isinstance(source, Path) else source
        self._own = isinstance(source, Path)
        self.name = source.name if isinstance(source, Path) else ""
        self.paths, self.remote = self._files.paths, self._files.remote
        self.plain = self.remote or (
            not (isinstance(source, Path) and source.is_file())
            and CHECKPOINT in self.paths
            and {MANIFEST, MANIFEST_NOTE, KEYS}.isdisjoint(self.paths)
            and not any(path.startswith("openings/") for path in self.paths)
        )
        self.digests: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._own:
            self._files.close()

    def read(self, path: str, limit: int) -> bytes:
        """A file's bytes, at most `limit` of them."""
        data = self._files.read(path, limit)
        self.digests[path] = sha256(data).hexdigest()
        return data

    def damage(self) -> str | None:
        """The path whose zip frame was changed, where the zip is of the form the writer gives it."""
        return self._files.damage()

    def head(self) -> Checkpoint:
        """What the checkpoint says."""
        return _checkpoint(self.read(CHECKPOINT, MAX_NOTE_BYTES), CHECKPOINT)

    def kept(self) -> dict[int, str]:
        """The kept checkpoints: tree size and path."""
        return {int(path.removeprefix(KEPT)): path for path in sorted(self.paths) if is_kept(path)}

    def keys(self) -> Keys:
        return Keys.parse(self.read(KEYS, MAX_KEYS_BYTES))

    def manifest_note(self) -> tuple[Note, ManifestNote]:
        """The manifest's note, and what it says."""
        try:
            note = Note.parse(self.read(MANIFEST_NOTE, MAX_NOTE_BYTES))
        except Malformed as error:
            raise BundleFileBad(error.detail, path=MANIFEST_NOTE) from None
        return note, ManifestNote.parse(note.text)

    def manifest(self) -> dict[str, str]:
        """SHA-256 in hex by path."""
        files = _document(self.read(MANIFEST, MAX_MANIFEST_BYTES), MANIFEST).get("files")
        if not isinstance(files, dict) or not all(isinstance(value, str) for value in files.values()):
            raise BundleFileBad("not a list of files", path=MANIFEST)
        return files

    def tile(self, tile: Tile) -> bytes:
        """A tile's bytes. Where tiles are `plain`, a partial one that has gone is cut from its full one."""
        try:
            return self.read(tile.path, _most(tile))
        except BundleFileBad as gone:
            if not self.plain or tile.width == WIDTH:
                raise
            whole = Tile(tile.level, tile.index)
            try:
                return partial_of(self.read(whole.path, _most(whole)), tile)
            except Malformed:
                raise gone from None

    def openings_file(self, number: int) -> bytes | None:
        """The bytes of the openings of entry tile `number`; None where the bundle has none."""
        path = openings_path(number)
        return self.read(path, MAX_OPENINGS_BYTES) if path in self.paths else None

    def openings(self, number: int) -> dict[int, bytes]:
        """The openings of the entries of entry tile `number`, by seq: the exact bytes committed to."""
        data = self.openings_file(number)
        return {} if data is None else openings_in(data, number)

    def records(self) -> Iterator[Record]:
        """Every entry up to the checkpoint, in order, with its opening where the bundle has it."""
        size = self.head().size
        for number in range((size + WIDTH - 1) // WIDTH):
            tile = Tile(ENTRIES, number, min(WIDTH, size - number * WIDTH))
            openings = self.openings(number)
            try:
                entries = list(unpack_entries(self.tile(tile)))
            except Malformed as error:
                raise BundleFileBad(error.detail, path=tile.path) from None
            if len(entries) != tile.width:
                raise BundleFileBad("not as many entries as the tile is wide", path=tile.path)
            for seq, entry in enumerate(entries, number * WIDTH):
                yield Record(seq, entry, openings.get(seq))


def _most(tile: Tile) -> int:
    """How many bytes a tile has at most."""
    return MAX_ENTRY_TILE_BYTES if tile.level == ENTRIES else tile.width * HASH_BYTES


def openings_path(number: int) -> str:
    """Where the openings of entry tile `number` lie: numbered as tiles are."""
    return f"openings/{number_path(number)}.jsonl"


def openings_in(data: bytes, number: int) -> dict[int, bytes]:
    """The openings in the bytes of the openings file of entry tile `number`. Raises BundleFileBad."""
    path = openings_path(number)
    found: dict[int, bytes] = {}
    after = number * WIDTH - 1
    *lines, rest = data.split(b"\n")
    if rest:
        raise BundleFileBad("its last line does not end", path=path)
    for line in lines:
        document = _document(line, path)
        seq, opening = document.get("seq"), document.get("opening")
        if type(seq) is not int or type(opening) is not str or len(document) > 2:  # noqa: PLR2004 - these two
            raise BundleFileBad("not an opening and its entry's number", path=path)
        if not after < seq < (number + 1) * WIDTH:
            raise BundleFileBad("not an opening of an entry of this tile, in their order", path=path)
        found[seq], after = opening.encode(), seq
    return found


def is_kept(path: str) -> bool:
    """Whether the path is one of a kept checkpoint."""
    size = path.removeprefix(KEPT)
    return size != path and _SIZE.fullmatch(size) is not None


def _checkpoint(data: bytes, path: str) -> Checkpoint:
    try:
        return Checkpoint.parse(Note.parse(data).text)
    except Malformed as error:
        raise BundleFileBad(error.detail, path=path) from None


def _document(data: bytes, path: str) -> dict[str, Any]:
    """A JSON object in canonical form, so that no key comes twice and no other bytes mean the same."""
    try:
        document = orjson.loads(data)
        same = type(document) is dict and is_canonical(document, data)
    except (ValueError, Malformed, RecursionError):
        same = False
    if not same:
        raise BundleFileBad("not canonical JSON", path=path)
    return dict(document)
