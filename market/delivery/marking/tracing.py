"""Where a leaked file came from: a child without keys takes out its cells, one with them judges those.

What is named is named by `market.delivery.marking.verdict` alone, or by a file that is a copy byte for byte.
"""

import asyncio
import contextlib
import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from base.errors import Malformed
from market.delivery.marking.code import FORMAT, MarkKeys, Plan, mark_keys, plan_from
from market.delivery.marking.copying import plan_of
from market.delivery.marking.tables import Mark
from market.delivery.marking.verdict import Verdict, named
from registry.confined import REFUSED, cpu_seconds, module_command, run_confined

PROOF: Final = "databourse-trace/1"
TIMEOUT_S: Final = 900.0
READING: Final = "market.delivery.marking.reading"
JUDGING: Final = "market.delivery.marking.judging"
_PIECE: Final = 1024 * 1024
_KEY_HEX: Final = 64
_MOST_TOLD: Final = 64 * 1024 * 1024


class FileNotTraceable(Malformed):
    """The file is no table that can be read, or reading it took too long; `reason` says which."""

    code = "file-not-traceable"
    title = "This file cannot be traced"


class ProofBroken(Malformed):
    code = "trace-proof-broken"
    title = "This is not what opens a mark"


@dataclass(frozen=True, slots=True)
class Copy:
    """A marked copy that a file may have come from, with what opens its mark."""

    entitlement_id: str
    source_sha256: str
    plan: Plan
    keys: MarkKeys = field(repr=False)
    copy_sha256: str | None = None

    @property
    def commitment(self) -> str:
        """The digest by which the ledger knows its mark."""
        return self.keys.commitment(
            entitlement_id=self.entitlement_id, source_sha256=self.source_sha256, plan=self.plan
        )


@dataclass(frozen=True, slots=True)
class Trace:
    """What a file says of the copies that were asked about."""

    file_sha256: str
    candidates: int
    verdicts: Mapping[str, Verdict]
    identical: tuple[str, ...] = ()
    unreadable: str | None = None

    @property
    def named(self) -> tuple[str, ...]:
        """The deliveries that the file came from, the surest first; empty where nothing is sure enough."""
        return tuple(dict.fromkeys((*self.identical, *named(self.verdicts))))


def copies_of(marks: Sequence[Mark], master: bytes) -> list[Copy]:
    """The marked copies of a node, their keys made of its master key again."""
    return [
        Copy(
            mark.entitlement_id,
            mark.source_sha256,
            plan_of(mark),
            mark_keys(master, entitlement_id=mark.entitlement_id, source_sha256=mark.source_sha256),
            mark.copy_sha256,
        )
        for mark in marks
    ]


async def trace_file(
    path: Path,
    copies: Sequence[Copy],
    *,
    rename: Mapping[str, str] | None = None,
    candidates: int | None = None,
    scratch: Path | None = None,
) -> Trace:
    """Hold a file against copies; `rename` says which of its columns is which of ours.

    `candidates` is among how many a name would have been found (these copies, unless more were asked about
    before). A file that is no table is no refusal where it is a copy byte for byte: it says `unreadable`.
    """
    digest = await asyncio.to_thread(_digest, path)
    among = max(candidates or 0, len(copies))
    identical = tuple(copy.entitlement_id for copy in copies if copy.copy_sha256 == digest)
    verdicts: dict[str, Verdict] = {}
    unreadable = None
    if copies:
        with tempfile.TemporaryDirectory(dir=scratch, prefix="trace-") as folder:
            try:
                verdicts = await _judged(path, copies, rename or {}, among, Path(folder))
            except FileNotTraceable as refused:
                unreadable = str(refused.facts["reason"])
                if not identical:
                    raise
    return Trace(digest, among, verdicts, identical, unreadable)


async def _judged(
    path: Path, copies: Sequence[Copy], rename: Mapping[str, str], among: int, work: Path
) -> dict[str, Verdict]:
    groups: dict[str, dict[str, Any]] = {}
    names: dict[str, str] = {}
    for copy in copies:
        document = copy.plan.document()
        group = groups.setdefault(
            copy.keys.places.hex() + orjson.dumps(document).hex(),
            {"plan": document, "places_key": copy.keys.places.hex(), "copies": {}},
        )
        group["copies"][copy.entitlement_id] = copy.keys.copy.hex()
        names |= {name: name for name in copy.plan.names}
    names |= dict(rename)
    await asyncio.to_thread((work / "names.json").write_bytes, orjson.dumps(names))
    source = str(await asyncio.to_thread(path.resolve))
    code = await _child(READING, source, "--names", "names.json", "--out", "cells", work=work)
    if code != 0:
        reason = await asyncio.to_thread(_refusal, work / "said") if code == REFUSED else "broken-off"
        raise FileNotTraceable("the file cannot be read as a table", reason=reason)
    asked = orjson.dumps({"groups": list(groups.values()), "candidates": among})
    await asyncio.to_thread((work / "asked").write_bytes, asked)
    code = await _child(JUDGING, "cells", "--asked", "asked", work=work)
    if code != 0:
        raise FileNotTraceable("judging the file broke off", reason="broken-off")
    said = orjson.loads(await asyncio.to_thread((work / "said").read_bytes))
    return {
        copy: Verdict(places, agree, float(expected), float(p))
        for copy, (places, agree, expected, p) in said.items()
    }


async def _child(module: str, *arguments: str, work: Path) -> int:
    command = module_command(module, *arguments, "--said", "said")
    try:
        return await run_confined([*command, "--cpu-s", str(cpu_seconds(TIMEOUT_S))], work, TIMEOUT_S)
    except TimeoutError:
        raise FileNotTraceable("the file took too long", reason="timeout") from None


def _refusal(path: Path) -> str:
    said: Any = None
    with contextlib.suppress(OSError, orjson.JSONDecodeError), path.open("rb") as file:
        said = orjson.loads(file.read(200))
    code = said.get("code") if isinstance(said, dict) else None
    return code if isinstance(code, str) and code.isascii() else "broken-off"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def proof_of(trace: Trace, copy: Copy) -> dict[str, Any]:
    """What anyone needs to make the same test: the opening of the mark, and among how many it was found.

    Whoever has it can also make the mark, so it is handed out when a claim is made, not before.
    """
    verdict = trace.verdicts.get(copy.entitlement_id)
    return {
        "format": PROOF,
        "file_sha256": trace.file_sha256,
        "candidates": trace.candidates,
        "commitment": copy.commitment,
        "copy_sha256": copy.copy_sha256,
        "opening": copy.keys.opening(copy.entitlement_id, copy.source_sha256, copy.plan),
        **({} if verdict is None else {"places": verdict.places, "agree": verdict.agree}),
    }


def copy_of_proof(document: bytes) -> tuple[Copy, int]:
    """The copy that a proof opens, and among how many it was found. Raises ProofBroken.

    The commitment is made of the opening anew: it is to be compared with the one on the ledger.
    """
    try:
        if len(document) > _MOST_TOLD:
            raise ProofBroken("too large")
        said = orjson.loads(document)
        opening = said["opening"]
        keys = MarkKeys(bytes.fromhex(opening["places_key"]), bytes.fromhex(opening["copy_key"]))
        copy = Copy(
            str(opening["entitlement_id"]),
            str(opening["source_sha256"]),
            plan_from(opening["plan"]),
            keys,
            said.get("copy_sha256"),
        )
        sound = (
            said["format"] == PROOF
            and opening["format"] == FORMAT
            and {len(opening["places_key"]), len(opening["copy_key"])} == {_KEY_HEX}
            and opening == keys.opening(copy.entitlement_id, copy.source_sha256, copy.plan)
            and said["commitment"] == copy.commitment
            and copy.plan.every > 0
        )
        candidates = int(said["candidates"])
    except (orjson.JSONDecodeError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProofBroken("the proof is malformed", reason=type(error).__name__) from None
    if not sound or candidates < 1:
        raise ProofBroken("the proof does not open the mark that it names")
    return copy, candidates
