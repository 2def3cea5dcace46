"""The accused's own check: the same rule over the public log and the openings that it holds itself.

What others said in private it cannot see. Then it is told which facts these are, so that it can ask for them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from base.canonical import canonical, sha256_hex
from ledger.bundle import Record
from supervision.context import Context
from supervision.dossier import Dossier
from supervision.errors import UnusableFindings
from supervision.evidence.derive import derive
from supervision.evidence.facts import EntryWithOpening, SealedRecord, opened_entries, read_facts
from supervision.plan import make_plan
from supervision.rule_table import in_force
from supervision.rules import ALL
from supervision.runner import carry_out


@dataclass(frozen=True, slots=True)
class Unseen:
    """A cited entry whose private part is not to hand, and whom it is about."""

    seq: int
    event: str
    object_id: str
    of: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rederived:
    """What came of it. `differs` names the members of a finding of the same id that are not the same."""

    found: bool
    differs: tuple[str, ...]
    unseen: tuple[Unseen, ...]
    openings_used: int

    @property
    def same(self) -> bool:
        """Whether the very finding came out, every number in it."""
        return self.found and not self.differs


def parse_openings(data: bytes) -> dict[str, bytes]:
    """Openings by commitment, as `GET /trades/{id}/openings` answers them; several answers may be merged.

    What came without its nonce, or is not what it is said to be, is left out. Raises UnusableFindings.
    """
    try:
        document = orjson.loads(data)
        told = {str(key): value for key, value in document.items() if isinstance(value, dict)}
    except (ValueError, AttributeError) as error:
        raise UnusableFindings(f"not openings: {error!r}") from None
    found = {key: canonical(value) for key, value in told.items()}
    return {key: opening for key, opening in found.items() if sha256_hex(opening) == key}


def rederive(dossier: Dossier, records: Iterable[SealedRecord], openings: Mapping[str, bytes]) -> Rederived:
    """Run the finding's own rule over a log with these openings beside it, and look for the very finding.

    Raises UnusableFindings for a rule that is not known here, UnusableLedger.
    """
    finding = dossier.finding
    rules = tuple(rule for rule in ALL if rule.rule_id == finding.rule_id)
    if not rules:
        raise UnusableFindings("no such rule here", rule_id=finding.rule_id)
    looked = _Looked(frozenset(finding.evidence_seqs))
    with TemporaryDirectory(prefix="databourse-rederive-") as work:
        folder = Path(work) / "evidence"
        derive(looked.at(opened_entries(_with(records, openings, looked))), folder)
        context = Context(as_of=dossier.as_of, rules=in_force(dossier.as_of), mode=dossier.mode)
        again = {found.finding_id: found for found in carry_out(make_plan(context, rules), folder).findings}
    same = again.get(finding.finding_id)
    told, here = finding.document(), {} if same is None else same.document()
    differs = tuple(
        sorted(name for name in told if same is not None and _plain(told[name]) != _plain(here[name]))
    )
    return Rederived(same is not None, differs, tuple(looked.unseen), looked.used)


def _plain(value: Any) -> Any:
    """As JSON has it: a finding that was read back has lists where a fresh one has tuples."""
    return orjson.loads(canonical(value))


class _Looked:
    """What is noted on the way: how many openings were used, and which cited entries stayed closed."""

    def __init__(self, cited: frozenset[int]) -> None:
        self._cited = cited
        self.used = 0
        self.unseen: list[Unseen] = []

    def at(self, entries: Iterable[EntryWithOpening]) -> Iterator[EntryWithOpening]:
        for seq, entry, opening in entries:
            if seq in self._cited and opening is None:
                (fact,) = read_facts([(seq, entry, None)])
                if fact.opening_missing:
                    names = ("seller_id", "buyer_id", "broker_id", "org_id", "client_id")
                    of = tuple(sorted({str(fact.said[name]) for name in names if fact.said.get(name)}))
                    self.unseen.append(Unseen(seq, fact.event, fact.object_id, of))
            yield seq, entry, opening


def _with(
    records: Iterable[SealedRecord], openings: Mapping[str, bytes], looked: _Looked
) -> Iterator[SealedRecord]:
    """The records, with the openings that are to hand where the log has none."""
    for record in records:
        if record.opening is None and openings:
            (item,) = opened_entries([record])
            (fact,) = read_facts([item])
            committed = fact.said.get("opening")
            known = openings.get(str(committed.get("sha256"))) if isinstance(committed, dict) else None
            if known is not None:
                looked.used += 1
                yield Record(record.seq, record.entry, known)
                continue
        yield record
