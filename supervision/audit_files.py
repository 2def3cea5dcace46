"""FILE: every file of a bundle is there that should be, unchanged, and no other."""

from itertools import islice
from typing import Final

from ledger.bundle import CHECKPOINT, KEYS, MANIFEST, MANIFEST_NOTE, is_kept, openings_path
from ledger.errors import BundleFileBad, TileInvalid
from ledger.tiles import MAX_ENTRY_TILE_BYTES, WIDTH, Tile, in_tree, parse_path, tiles_in, tiles_of
from supervision.audit_case import Case, Check
from supervision.audit_report import Code

_LARGEST_FILE: Final = 256 * 2 * 262_144 + 65_536


def files_are_those_of_the_manifest(case: Case) -> Check:
    """FILE: every file is there that should be, unchanged, and no other."""
    while (yield) is not None:
        pass
    if case.bundle.plain:
        case.report.files = 1 + tiles_in(case.size)
        for tile in tiles_of(case.memory.growth.frontier.size):
            if case.bundle.digests.keys().isdisjoint((tile.path, Tile(tile.level, tile.index).path)):
                case.problem(Code.FILE, "missing", path=tile.path)
        return
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
