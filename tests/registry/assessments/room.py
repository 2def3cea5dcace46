"""The grading bench with a registered assessor, another one, and a second person of the provider."""

from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any, Final

from base.clock import SimulatedClock
from base.db import Database
from base.jobs import run_due
from registry.assessments import assessing, reviewing
from registry.assessments.clockwork import assessment_handlers
from registry.assessments.rules import (
    CONTENTS,
    RISK_CONTENTS,
    AssessmentKind,
    Finding,
    Outcome,
    Qualification,
    Trade,
    Use,
)
from registry.assessments.tables import AssessorRow
from registry.grading.clockwork import grading_handlers
from registry.grading.tables import AssessmentRow
from tests.houses import Party
from tests.market.trade.scene import moved
from tests.registry.chiefs.seats import by, enrolled
from tests.registry.grading.bench import NOW, PRODUCT, Bench, make_bench

FIT: Final = Qualification(
    trades=(Trade.PIPIA, Trade.RISK, Trade.SECURITY_REVIEW), staff=8, years=4, certificate_sha256="9" * 64
)
WRITTEN: Final = {kind: dict.fromkeys(names, "写明的内容") for kind, names in CONTENTS.items()}
MADE_FOR: Final = {"purposes": ["RISK_CONTROL"], "recipients": ["Aster Research Ltd", "org_buyer"]}
REPORT: Final = dict.fromkeys(RISK_CONTENTS, "评估报告的内容")
BOTH: Final = (Use.LISTING, Use.EXPORT)
ENCRYPT: Final = Finding("下载链接改为一次性", date(2026, 12, 1))


@dataclass
class Room(Bench):
    """`reviewer` is another person of the provider; `assessor` and `other` have one who acts each."""

    assessor: Party
    other: Party
    reviewer: str

    def on(self, database: Database) -> "Room":
        clock = SimulatedClock(NOW)
        house = moved(self.house, database, clock)
        names = ("agency", "authority", "cac", "provider", "assessor", "other")
        parties = {name: replace(getattr(self, name), house=house.house) for name in names}
        return replace(self, house=house, clock=clock, **parties)

    async def of(self, name: str, verb: Any, /, **facts: Any) -> Any:
        if name == "reviewer":
            return await by(self.house, self.provider, self.reviewer, verb, **facts)
        return await super().of(name, verb, **facts)

    async def registered(self, name: str = "assessor") -> AssessorRow:
        row = await self.of(name, assessing.apply_as_assessor, qualification=FIT)
        return await self.of("cac", assessing.register_assessor, assessor_id=row.assessor_id)

    async def begun(self, kind: AssessmentKind = AssessmentKind.PIPIA, **changes: Any) -> AssessmentRow:
        said = {"object_id": PRODUCT, "kind": kind, "uses": BOTH, "contents": WRITTEN[kind]}
        said |= MADE_FOR | changes
        return await self.of("provider", reviewing.begin_assessment, **said)

    async def handed(self, kind: AssessmentKind = AssessmentKind.PIPIA, **changes: Any) -> AssessmentRow:
        """Handed to the provider's own reviewer, or to the assessor where it is a security review."""
        row = await self.begun(kind, **changes)
        own = kind is AssessmentKind.PIPIA
        to = self.provider.org_id if own else self.assessor.org_id
        return await self.of("provider", reviewing.submit, assessment_id=row.assessment_id, reviewer_id=to)

    async def passed(self, kind: AssessmentKind = AssessmentKind.PIPIA, **changes: Any) -> AssessmentRow:
        row = await self.handed(kind, **changes)
        return await self.conclude(row, Outcome.PASS)

    async def conclude(self, row: AssessmentRow, outcome: Outcome, **facts: Any) -> AssessmentRow:
        who = "reviewer" if row.kind == AssessmentKind.PIPIA else "assessor"
        about = {"assessment_id": row.assessment_id, "outcome": outcome, "opinion": "符合要求"}
        return await self.of(who, reviewing.conclude, **(about | facts))

    async def work(self) -> None:
        handlers = {**grading_handlers(self.house.house), **assessment_handlers(self.house.house)}
        while await run_due(self.database, self.clock.now(), handlers):
            pass


async def make_room(database: Database) -> Room:
    bench = await make_bench(database)
    house = bench.house
    assessor = await house.admit("南方数安评估", {"THIRD_PARTY"})
    other = await house.admit("北方数安评估", {"THIRD_PARTY"})
    bench.people["assessor"] = await enrolled(house, assessor, "评估员")
    bench.people["other"] = await enrolled(house, other, "评估员乙")
    reviewer = await enrolled(house, bench.provider, "合规官")
    kept = {one.name: getattr(bench, one.name) for one in fields(bench)}
    return Room(**kept, assessor=assessor, other=other, reviewer=reviewer)
