"""Re-checks and evidence packs as work that people watch: `databourse audit` and `export`, in children."""

import asyncio
import hashlib
import shutil
import zipfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

import orjson

from base.canonical import canonical
from base.clock import rfc3339
from base.errors import DomainError
from base.signing import sign_envelope
from ledger import reader
from ledger.log_keys import log_keys, past_keys, shards
from ledger.statement import envelope_bytes
from web import children
from web.node import Node
from web.supervising import Supervising
from web.working import Hand, Work

MOST_ENTRIES: Final = 2000  # of a range that is proved one by one
PATIENCE_S: Final = 3600.0
PACK_PAYLOAD: Final = "application/vnd.databourse.evidence-pack+json"
MANIFEST: Final = "pack.dsse.json"
_NOT_CLEAN: Final = 1
_MOST_TOLD: Final = 100


class ChildFailed(DomainError):
    """A command of ours did not do its work."""

    code = "command-failed"
    title = "The command failed"


@dataclass(frozen=True, slots=True)
class Commands:
    """Commands of ours for a node, each in a child of its own."""

    node: Node
    runs: Supervising

    async def __call__(
        self, *arguments: str, heard: children.Heard | None = None, accepted: int = 0
    ) -> children.Ended:
        """Run one. Raises ChildFailed for an exit code above `accepted`, with its last words."""
        try:
            ended = await children.run(arguments, self.runs.environment(), heard, patience_s=PATIENCE_S)
        except TimeoutError:
            raise ChildFailed("it took too long") from None
        if not 0 <= ended.code <= accepted:
            raise ChildFailed(ended.words or f"exit code {ended.code}", command=arguments[0])
        return ended


def audit_of(command: Commands, *, log: str | None, state: Path | None) -> Work:
    """The whole present log, or a closed one by its origin, audited with its openings.

    With a state file what a clean audit has read before is hashed and compared, and not read again.
    """
    node = command.node

    async def work(hand: Hand) -> dict[str, Any]:
        async with node.database.read() as s:
            closed = sorted(await shards(s), key=attrgetter("number"))
            origins = [one.origin for one in closed]
            before = origins if log is None else origins[: origins.index(log)]
            bundles = [*before, log]
            oldest = await log_keys(s) if bundles[0] is None else await past_keys(s, number=closed[0].number)
        # with the oldest log's keys pinned the audit is led on, from each log to the next
        keys = [str(window.vkey) for window in oldest.windows] or [str(node.publisher.signer.vkey)]
        folders = [hand.folder / f"bundle-{number}" for number in range(len(bundles))]
        try:
            for done, (origin, folder) in enumerate(zip(bundles, folders, strict=True)):
                hand.at("export", done, len(bundles))
                shard = () if origin is None else ("--shard", origin)
                await command("export", "--out", str(folder), "--edition", "regulator", *shard)
            told = await audited(hand, keys, folders, alone=not before)
        finally:  # they hold the openings, and nobody's erasure reaches them there
            for folder in folders:
                shutil.rmtree(folder, ignore_errors=True)
        report: dict[str, Any] = orjson.loads(told.answer[told.answer.index(b"{") :])
        return {"report": report}

    async def audited(hand: Hand, keys: list[str], folders: list[Path], *, alone: bool) -> children.Ended:
        hand.at("audit")
        asked = ["audit", str(folders[-1]), "--json", "--progress"]
        asked += [part for key in keys for part in ("--vkey", key)]
        asked += [part for folder in folders[:-1] for part in ("--after", str(folder))]
        if state is not None and alone:
            state.parent.mkdir(parents=True, exist_ok=True)
            asked += ["--state", str(state)]
        return await command(
            *asked, heard=lambda done, total: hand.at("audit", done, total), accepted=_NOT_CLEAN
        )

    return work


def entries_of(
    node: Node, first: int, last: int, holds: Callable[[Any, reader.Entry], Awaitable[list[str]]]
) -> Work:
    """Entries of the present log proved one by one; `holds` answers what of one does not hold."""

    async def work(hand: Hand) -> dict[str, Any]:
        wrong = []
        for seq in range(first, last + 1):
            hand.at("entries", seq - first, last + 1 - first)
            async with node.database.read() as s:
                failed = await holds(s, await reader.entry(s, seq=seq))
            if failed:
                wrong.append({"seq": seq, "why": failed})
        return {"first": first, "last": last, "wrong": wrong[:_MOST_TOLD], "count": len(wrong)}

    return work


def pack_of(command: Commands, *, edition: str, evidence: bool) -> Work:
    """The log as a signed bundle in a zip, with the evidence tables if asked; hashed, and signed for."""
    node = command.node

    async def work(hand: Hand) -> dict[str, Any]:
        try:
            return await packed(hand)
        except BaseException:  # called off, too: a half pack is nobody's, and may hold the openings
            for path in (hand.folder / "bundle.zip", hand.folder / "evidence.zip"):
                path.unlink(missing_ok=True)
            raise
        finally:
            shutil.rmtree(hand.folder / "evidence", ignore_errors=True)

    async def packed(hand: Hand) -> dict[str, Any]:
        hand.at("bundle")
        bundle = hand.folder / "bundle.zip"
        await command("export", "--out", str(bundle), "--edition", edition)
        names = [bundle.name]
        if evidence:
            hand.at("evidence")
            tables = hand.folder / "evidence"
            await command("evidence", str(bundle), "--out", str(tables))
            await asyncio.to_thread(_zip, tables, hand.folder / "evidence.zip")
            names.append("evidence.zip")
        hand.at("sign")
        files = [await asyncio.to_thread(_told, hand.folder / name) for name in names]
        async with node.database.read() as s:
            head = await reader.tree_head(s)
        document = {
            "edition": edition,
            "files": files,
            "made_at": rfc3339(node.clock.now()),
            "origin": head.origin,
            "pack": hand.folder.name,
            "v": 1,
        }
        async with node.database.write() as s:
            await node.house.exchange.pen.ready(s)
        envelope = sign_envelope(PACK_PAYLOAD, canonical(document), node.house.exchange.pen.key)
        (hand.folder / MANIFEST).write_bytes(envelope_bytes(envelope))
        return {
            "files": [*files, await asyncio.to_thread(_told, hand.folder / MANIFEST)],
            "keyid": envelope.signatures[0].keyid,
            "edition": edition,
        }

    return work


def _told(path: Path) -> dict[str, Any]:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1024 * 1024):
            digest.update(piece)
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": digest.hexdigest()}


def _zip(folder: Path, out: Path) -> None:
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                packed.write(path, path.relative_to(folder).as_posix())
