"""Going on from an earlier audit: what lies before its mark is held against it, and not read again.

Every full tile that was audited has its SHA-256 in the state; so a changed one is found by hashing it,
without reading what it says. Openings may be erased meanwhile; what is left of them must be what it was.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Final

from ledger.bundle import MAX_OPENINGS_BYTES
from ledger.checkpoint import MAX_SIZE
from ledger.errors import BundleFileBad, ProofInvalid, TileInvalid
from ledger.tiles import ENTRIES, MAX_ENTRY_TILE_BYTES, WIDTH, Tile, TileNodes, parse_path
from ledger.tree import consistency_proof, verify_consistency
from supervision.audit_case import Case, Check
from supervision.audit_report import Code
from supervision.audit_tile import Work, examine

_AT_ONCE: Final = 64


def earlier_files_are_unchanged(case: Case) -> Check:
    """FILE, OPENING: the tiles before the mark are those that were audited, and no opening is another one."""
    if case.earlier is not None:
        files = case.earlier.files()
        if case.only_new or case.bundle.remote:
            _believe(case, files)
        else:
            _read_all(case, [path for path in files if path in case.bundle.paths])
        for path, (digest, opened) in files.items():
            if opened is not None:
                _compare_openings(case, path, digest, opened)
            elif case.bundle.digests.get(path) != digest:
                case.problem(Code.FILE, "not the file that was audited before", path=path)
        for path in case.bundle.paths - files.keys():
            if path.startswith("openings/") and _number(path) < case.earlier.size // WIDTH:
                case.problem(Code.FILE, "openings that were not there before", path=path)
    while (yield) is not None:
        pass


def _believe(case: Case, files: Mapping[str, tuple[str, bytes | None]]) -> None:
    """Take files for what they were; openings that the signed manifest knows otherwise are read."""
    manifest = case.manifest or {}
    for path, (digest, opened) in files.items():
        if opened is None or manifest.get(path, digest) == digest:
            case.bundle.digests.setdefault(path, digest)
        elif path in case.bundle.paths:
            _digest(case, path)


def _number(path: str) -> int:
    """Which tile the openings at a path are of; beyond every log where it is no such path."""
    try:
        return parse_path(path.replace("openings/", "tile/0/").removesuffix(".jsonl")).index
    except TileInvalid:
        return MAX_SIZE


def _read_all(case: Case, paths: list[str]) -> None:
    """Take the SHA-256 of files; what cannot be read has none."""
    waiting: Iterator[str] = iter(paths)
    with ThreadPoolExecutor() as hands:
        while part := list(islice(waiting, _AT_ONCE)):
            list(hands.map(lambda path: _digest(case, path), part))


def _digest(case: Case, path: str) -> None:
    limit = MAX_ENTRY_TILE_BYTES if path.startswith("tile/") else MAX_OPENINGS_BYTES
    try:
        case.bundle.read(path, limit)
    except BundleFileBad:
        case.bundle.digests.pop(path, None)


def _compare_openings(case: Case, path: str, digest: str, opened: bytes) -> None:
    """Openings that changed: some may be gone, and the others are what they were."""
    now = case.bundle.digests.get(path)
    if now == digest:
        return
    number = _number(path)
    try:
        data = case.bundle.openings_file(number)
        entries = case.bundle.tile(Tile(ENTRIES, number))
    except BundleFileBad as error:
        case.problem(Code.FILE, error.detail, path=error.path)
        return
    batch = examine(Work(number, WIDTH, case.origin, True, entries, None, data), {})
    for problem in batch.problems:
        if problem.code in {Code.OPENING, Code.FILE}:
            case.found(problem)
    were, are = int.from_bytes(opened), int.from_bytes(batch.opened)
    if are & ~were:
        case.problem(Code.FILE, "openings that were not there before", path=path)
    gone = (were & ~are).bit_count()
    if gone:  # whether the ledger says that they were erased, a whole audit asks
        case.problem(Code.OPENING, "openings that were there before are gone", path=path)
    case.report.openings -= gone
    case.report.openings_absent += gone
    case.opened[number] = batch.opened
    case.reopened.add(path)


def old_root_holds(case: Case, size: int, root: bytes) -> bool:
    """Whether a tree of `size`, before the mark, had this root: by a proof out of the tiles there are."""
    frontier = case.memory.growth.frontier
    try:
        proof = consistency_proof(size, frontier.size, TileNodes(case.bundle.tile, frontier.size))
        verify_consistency(size, frontier.size, root, frontier.root(), proof)
    except (BundleFileBad, ProofInvalid, TileInvalid):
        return False
    return True
