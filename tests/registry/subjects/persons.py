"""Persons at the desk: invited by a holder, tied, asked for consent; and records that name none of them."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from base.jobs import run_due
from identity.safe import Safe
from ledger.acts import perform
from registry.grading import keeping
from registry.grading.keeping import Consents
from registry.subjects import asking, consenting, entering, wordings
from registry.subjects.clockwork import subject_handlers
from registry.subjects.entering import SubjectDesk
from registry.subjects.roots import entry_of, path_of, root_of
from registry.subjects.rules import TOLD, Asked, AskedKind, ConsentKind, Wanted
from registry.subjects.tables import GivenRow, TieRow, WordingRow
from tests.registry.grading.bench import NOW, PRODUCT, Bench

STRANGERS: Final = tuple(f"{number:064x}" for number in range(1, 6))
"""Entries of persons who have consented elsewhere."""


def asked(kind: ConsentKind = ConsentKind.PROVIDE, **changes: Any) -> Asked:
    said: dict[str, Any] = {
        "kind": kind,
        "object_id": PRODUCT,
        "text": "同意将上述信息提供给下列接收方",
        "told": dict.fromkeys(TOLD[kind], "按法律告知的内容"),
        "purposes": ("RISK_CONTROL", "RESEARCH"),
        "recipients": (),
    }
    return Asked(**(said | changes))


@dataclass
class Persons:
    """What persons do at a bench; `people` are their codes and ids by name."""

    bench: Bench
    desk: SubjectDesk
    subjects: dict[str, str] = field(default_factory=dict)
    ties: dict[str, TieRow] = field(default_factory=dict)

    async def by_word(self, verb: Any, /, **facts: Any) -> Any:
        """An act that the exchange states at a person's word."""

        async def carry_out(s: Any, act: Any) -> Any:
            return await verb(s, act, **facts)

        house = self.bench.house.house
        about = {"attempted": "SGC.TEST", "object_id": house.exchange.actor.org_id}
        return await perform(house, house.exchange_act(), carry_out, **about)

    async def come(self, name: str, pseudonym: str, did: str | None = None) -> TieRow:
        """The provider invites a person under a pseudonym; the person answers."""
        code = entering.new_code()
        mark = self.desk.mark(code)
        await self.bench.of("provider", entering.invite, pseudonym=pseudonym, code_mark=mark)
        made = entering.new_code()
        facts = {"desk": self.desk, "invitation": code.lower(), "code": made, "did": did}
        tie = await self.by_word(entering.accept, **facts)
        self.subjects[name], self.ties[name] = tie.subject_id, tie
        return tie

    async def words(self, kind: ConsentKind = ConsentKind.PROVIDE, **changes: Any) -> WordingRow:
        recipients = {"recipients": (self.bench.authority.org_id,)} if kind is ConsentKind.PROVIDE else {}
        return await self.bench.of("provider", wordings.publish, asked=asked(kind, **recipients | changes))

    async def give(self, name: str, wording: WordingRow, **changes: Any) -> GivenRow:
        signature = changes.pop("signature", None)
        return await self.by_word(
            consenting.give,
            **self._who(name),
            tie_id=self.ties[name].tie_id,
            wording_id=wording.wording_id,
            wanted=Wanted(**changes),
            signature=signature,
        )

    async def withdraw(self, name: str, given: GivenRow, **facts: Any) -> GivenRow:
        return await self.by_word(consenting.withdraw, **self._who(name), given_id=given.given_id, **facts)

    async def ask(self, name: str, kind: AskedKind = AskedKind.ACCESS, text: str = "请提供我的信息") -> Any:
        about = {"tie_id": self.ties[name].tie_id, "kind": kind, "text": text}
        return await self.by_word(asking.submit, **self._who(name), **about)

    async def record(self, *given: GivenRow) -> tuple[Any, list[str]]:
        """A record of consents of these persons and of strangers, and its entries."""
        by_id = {tie.tie_id: tie for tie in self.ties.values()}
        entries = [*STRANGERS, *(self.entry(one, by_id[one.tie_id]) for one in given)]
        consents = Consents(
            wording_sha256="a" * 64,
            subjects_root=root_of(entries),
            subjects=len(entries),
            separate=True,
            purposes=("RISK_CONTROL", "RESEARCH"),
            valid_from=NOW - timedelta(days=1),
            valid_until=NOW + timedelta(days=300),
        )
        row = await self.bench.of("provider", keeping.record_consents, object_id=PRODUCT, consents=consents)
        return row, entries

    def entry(self, given: GivenRow, tie: TieRow) -> str:
        return entry_of(tie.pseudonym, given.salt)

    async def show(self, given: GivenRow, record: Any, entries: list[str]) -> GivenRow:
        by_id = {tie.tie_id: tie for tie in self.ties.values()}
        path = path_of(entries, self.entry(given, by_id[given.tie_id]))
        about = {"given_id": given.given_id, "consent_id": record.consent_id, "path": path}
        return await self.bench.of("provider", consenting.show, **about)

    async def work(self) -> None:
        house = self.bench.house.house
        while await run_due(self.bench.database, self.bench.clock.now(), subject_handlers(house)):
            pass

    def _who(self, name: str) -> dict[str, Any]:
        return {"desk": self.desk, "subject_id": self.subjects[name]}


async def make_persons(bench: Bench) -> Persons:
    await bench.product()
    return Persons(bench, SubjectDesk(Safe(bytes(range(32))), "data.example"))
