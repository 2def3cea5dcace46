"""ROOT, ANCHOR: the tree over the entries, and the heads that it had before."""

from collections.abc import Sequence

from base.errors import Malformed
from ledger.bundle import CHECKPOINT
from ledger.checkpoint import MAX_NOTE_BYTES, Checkpoint
from ledger.errors import BundleFileBad
from ledger.tiles import Tile, hashes_in
from supervision.audit_case import Case, Check
from supervision.audit_log_keys import open_in_window
from supervision.audit_report import Code
from supervision.audit_resuming import old_root_holds


def tree_is_of_the_entries(case: Case) -> Check:
    """ROOT, ANCHOR, FILE: the entries give the signed root, every kept root, and every hash tile."""
    growth, anchors = case.memory.growth, _anchors(case)
    for size in [size for size in anchors if size < growth.frontier.size]:
        _compare_old_anchors(case, size, anchors.pop(size))
    while (batch := (yield)) is not None:
        before = growth.frontier.copy()
        if batch.root is None:
            _compare_tiles(case, growth.add(hashes_in(batch.leaves, batch.found)))
        else:
            _compare_tiles(case, growth.add_full(batch.leaves, batch.root)[1:])
        for size in [size for size in anchors if size <= growth.frontier.size]:
            frontier = before.copy()
            frontier.extend(hashes_in(batch.leaves, batch.found)[: size - batch.begin])
            _compare_anchors(case, size, frontier.root(), anchors.pop(size))
    head = case.head
    if head is not None and not case.damaged(CHECKPOINT):
        if growth.frontier.size != head.size or growth.frontier.root() != head.root:
            case.problem(Code.ROOT, "the entries do not give the root that the checkpoint signs")
        else:
            case.report.root = head.root.hex()
    _compare_tiles(case, [one for one in growth.partial() if one[0].level])  # leaves: with their tile
    for size, notes in sorted(anchors.items()):
        root = growth.frontier.root() if size == growth.frontier.size else b""
        _compare_anchors(case, size, root, notes)


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
            trusted, windows = case.trusted, case.windows
            head = open_in_window(data, trusted, windows, origin=case.origin, by_all=bool(path))
        except Malformed as error:
            case.problem(Code.ANCHOR, f"{name}: {error.detail}", path=path or None)
            continue
        if path and path != f"checkpoints/{head.size}":
            case.problem(Code.ANCHOR, "a checkpoint of another size", path=path)
        anchors.setdefault(head.size, []).append((path, head))
    for head in case.seen:
        anchors.setdefault(head.size, []).append(("", head))
    return anchors


def _compare_anchors(case: Case, size: int, root: bytes, notes: list[tuple[str, Checkpoint]]) -> None:
    for path, head in notes:
        case.report.anchors += 1
        if head.root == root:
            case.anchored[size] = root.hex()
        else:
            name = path or "the checkpoint last seen"
            short = size > case.size
            why = "the log is shorter now" if short else f"the first {size} entries give another root now"
            case.problem(Code.ANCHOR, f"{name}: {why}", path=path or None)


def _compare_old_anchors(case: Case, size: int, notes: list[tuple[str, Checkpoint]]) -> None:
    """Checkpoints of before the mark of an earlier audit: known from it, or proven consistent with it."""
    known = case.anchored.get(size)
    root = bytes.fromhex(known) if known else notes[0][1].root
    if known is None and not old_root_holds(case, size, root):
        root = b""
    _compare_anchors(case, size, root, notes)


def _compare_tiles(case: Case, tiles: Sequence[tuple[Tile, bytes]]) -> None:
    """Hash tiles against the entries; where an entry is blamed already, its tiles are not."""
    for tile, data in tiles:
        try:
            found = case.bundle.tile(tile)
        except BundleFileBad:
            continue  # reported with the files
        if found != data and not case.damaged(tile.path) and not case.report.counts[Code.HASH]:
            case.problem(Code.FILE, "not the hashes of the entries", path=tile.path)
