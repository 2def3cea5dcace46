"""What a trace found, in words and as JSON: the command's and the officers' answer alike."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from base.db import Database
from market.delivery.marking.repository import marked_copies
from market.delivery.marking.tables import Mark
from market.delivery.marking.tracing import (
    Copy,
    ProofBroken,
    Trace,
    copies_of,
    copy_of_proof,
    proof_of,
    trace_file,
)
from market.delivery.marking.verdict import ALPHA_LOG10
from market.orders.tables import Trade


@dataclass(frozen=True, slots=True)
class Found:
    """A trace with the copies it was asked of, and what is known of those that it names."""

    trace: Trace
    copies: Mapping[str, Copy]
    marks: Mapping[str, tuple[Mark, Trade]]

    @property
    def named(self) -> tuple[str, ...]:
        """The deliveries that are named, the surest first."""
        return self.trace.named

    def document(self) -> dict[str, Any]:
        """As the API answers it. Chances are powers of ten: the smallest are below any number's range."""
        return {
            "file_sha256": self.trace.file_sha256,
            "asked": self.trace.candidates,
            "threshold_log10": str(ALPHA_LOG10),
            "unreadable": self.trace.unreadable,
            "named": [self._one(entitlement_id) for entitlement_id in self.named],
        }

    def _one(self, entitlement_id: str) -> dict[str, Any]:
        verdict = self.trace.verdicts.get(entitlement_id)
        known = self.marks.get(entitlement_id)
        told: dict[str, Any] = {
            "entitlement_id": entitlement_id,
            "identical": entitlement_id in self.trace.identical,
            "commitment": self.copies[entitlement_id].commitment,
        }
        if known is not None:
            mark, trade = known
            told |= {
                "trade_id": mark.trade_id,
                "buyer_id": trade.buyer_id,
                "seller_id": trade.seller_id,
                "statement_id": mark.statement_id,
            }
        if verdict is not None:
            told |= {
                "places": verdict.places,
                "agree": verdict.agree,
                "expected_by_chance": f"{verdict.expected:.1f}",
                "log10_chance": f"{verdict.log10_p:.2f}",
            }
        return told

    def lines(self) -> list[str]:
        """For people: one name a paragraph, or that there is none."""
        trace = self.trace
        lines = [f"file    SHA-256 {trace.file_sha256}", f"asked   {_copies(trace.candidates)}"]
        if trace.unreadable is not None:
            lines.append(f"unread  {trace.unreadable}: it is told by its digest alone")
        if not self.named:
            shown = max((one.places for one in trace.verdicts.values()), default=0)
            why = f"its cells show {shown} places of a mark" if trace.verdicts else "no copy was marked"
            return [*lines, f"none    no delivery is named ({why})"]
        for entitlement_id in self.named:
            lines += self._said(entitlement_id)
        return lines

    def _said(self, entitlement_id: str) -> list[str]:
        told = self._one(entitlement_id)
        lines = [f"named   {entitlement_id}"]
        if "trade_id" in told:
            lines.append(f"        trade {told['trade_id']}, buyer {told['buyer_id']}")
        if told["identical"]:
            lines.append("        the file is this copy, byte for byte")
        if "places" in told:
            lines.append(
                f"        {told['agree']} of {told['places']} places agree; by chance "
                f"{told['expected_by_chance']}"
            )
            chance = float(told["log10_chance"])
            lines.append(
                f"        chance that an innocent copy agrees so well: {_power(chance)}, all copies counted"
            )
        lines.append(f"        commitment {told['commitment']}")
        return lines

    def proof(self) -> bytes:
        """What opens the mark of the surest name."""
        return orjson.dumps(proof_of(self.trace, self.copies[self.named[0]]), option=orjson.OPT_INDENT_2)


def _copies(count: int) -> str:
    return "1 marked copy" if count == 1 else f"{count} marked copies"


def _power(log10: float) -> str:
    """A chance as people read it.

    >>> _power(-30.2), _power(0.0)
    ('10^-30', '1')
    """
    return "1" if log10 > -1 else f"10^{math.ceil(log10)}"


async def find_source(
    database: Database,
    master: bytes,
    path: Path,
    *,
    rename: Mapping[str, str] | None = None,
    scratch: Path | None = None,
) -> Found:
    """Ask of every marked copy of a node. Raises FileNotTraceable."""
    async with database.read() as s:
        known = {mark.entitlement_id: (mark, trade) for mark, trade in await marked_copies(s)}
    copies = {copy.entitlement_id: copy for copy in copies_of([mark for mark, _ in known.values()], master)}
    trace = await trace_file(path, list(copies.values()), rename=rename, scratch=scratch)
    return Found(trace, copies, known)


async def find_by_proof(
    path: Path, proof: bytes, *, commitment: str, rename: Mapping[str, str] | None = None
) -> Found:
    """Ask of the one copy that a proof opens. Raises ProofBroken, also for another commitment."""
    copy, candidates = copy_of_proof(proof)
    if commitment != copy.commitment:
        raise ProofBroken("the proof opens another commitment", opens=copy.commitment)
    trace = await trace_file(path, [copy], rename=rename, candidates=candidates)
    return Found(trace, {copy.entitlement_id: copy}, {})
