"""Agencies with lists, an authority with two officers: what a test of evaluations begins with."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any, Final

from base.db import WriteSession
from registry.evaluation import service
from registry.evaluation.repository import evaluations
from registry.evaluation.tables import EvaluationRow
from registry.grading.tables import GradeRow
from registry.lists.rules import DataKind, Listed, ShareKind
from registry.lists.sharing_rules import ShareType
from registry.lists.states import ItemState, ShareState
from registry.lists.tables import DataRow, ItemRow, ListFileRow, ShareRow, SystemRow
from registry.measuring.tables import EntryReportRow
from registry.registration.rules import Update
from registry.rules import Level
from tests.houses import Party, TestHouse
from tests.registry.chiefs.seats import Chief, by, enrolled, seat_chief

YEAR: Final = {"covers_from": date(2025, 1, 1), "covers_to": date(2025, 12, 31)}
NOW: Final = datetime(2026, 11, 16, 1, tzinfo=UTC)
_numbers = count(1)


@dataclass
class Scene:
    """An authority with two officers, an agency with its chief, another without one."""

    house: TestHouse
    authority: Party
    agency: Party
    other: Party
    chief: Chief
    lin: str
    he: str

    async def officer(self, verb: Any, /, *, who: str | None = None, **facts: Any) -> Any:
        return await by(self.house, self.authority, who or self.lin, verb, **facts)

    async def signed(self, verb: Any, /, **facts: Any) -> Any:
        return await by(self.house, self.agency, self.chief.user_id, verb, **facts)

    async def opened(self, *agencies: Party) -> dict[str, EvaluationRow]:
        """The evaluations of a period by agency."""
        ids = [one.org_id for one in agencies or (self.agency, self.other)]
        period = await self.officer(service.open_period, name="2025年度", agency_ids=ids, **YEAR)
        async with self.house.database.read() as s:
            rows = await evaluations(s, period_id=period.period_id)
        return {row.agency_id: row for row in rows}

    async def reported(self) -> EvaluationRow:
        row = (await self.opened())[self.agency.org_id]
        said = {"text": "自评：目录已完整", "document_sha256": "d" * 64}
        return await self.signed(service.self_report, evaluation_id=row.evaluation_id, **said)

    async def scored(self) -> EvaluationRow:
        row = await self.reported()
        return await self.officer(service.score, evaluation_id=row.evaluation_id)

    async def fresh(self, row: EvaluationRow) -> EvaluationRow:
        async with self.house.database.read() as s:
            found = await s.get(EvaluationRow, row.evaluation_id)
        assert found is not None
        return found


async def make_scene(house: TestHouse) -> Scene:
    authority = await house.admit("省政务服务和数据管理局", {"DATA_AUTHORITY"})
    agency = await house.admit("省交通运输厅", {"PUBLIC_AGENCY"})
    other = await house.admit("省教育厅", {"PUBLIC_AGENCY"})
    chief = await seat_chief(house, agency)
    lin, he = [await enrolled(house, authority, name) for name in ("林", "何")]
    return Scene(house, authority, agency, other, chief, lin, he)


def entry(agency_id: str, **changes: Any) -> DataRow:
    """One entry of a data list, complete and current; not mounted."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "data_id": f"dat_{number:026d}",
        "agency_id": agency_id,
        "system_id": None,
        "key": f"entry {number}",
        "name": f"第{number}项",
        "abstract": "",
        "theme": "交通",
        "kind": DataKind.TABLE,
        "region": "440000",
        "update": Update.DAILY,
        "fields": [{"name": "x", "type": "text", "meaning": "", "item_id": None, "personal": False}],
        "level": Level.GENERAL_1,
        "share": ShareKind.UNCONDITIONAL,
        "content_sha256": "a" * 64,
        "version": 1,
        "status": Listed.LISTED,
        "listed_at": NOW - timedelta(days=30),
        "changed_at": NOW - timedelta(days=30),
    }
    return DataRow(**values | changes)


async def furnish(s: WriteSession, agency_id: str, requester_id: str) -> dict[str, str]:
    """Four entries, two requests to share and two items of an agency; ids by what is wrong with each."""
    system = SystemRow(
        system_id=f"sys_{next(_numbers):026d}",
        agency_id=agency_id,
        key="运政",
        name="运政系统",
        code="",
        purpose="",
        region="440000",
        host="",
        content_sha256="a" * 64,
        version=1,
        status=Listed.LISTED,
        listed_at=NOW,
        changed_at=NOW,
    )
    file = ListFileRow(
        file_id=f"fil_{next(_numbers):026d}",
        owner_id=agency_id,
        bytes=10,
        sha256="f" * 64,
        name="a.csv",
        media_type="text/csv",
        stored_at=NOW,
    )
    s.add_all([system, file])
    await s.flush()
    mounted = {"resource_file_id": file.file_id, "resource_sha256": file.sha256}
    whole = {"system_id": system.system_id}
    rows = {
        "good": entry(agency_id, **whole, **mounted, mounted_at=NOW - timedelta(hours=23)),
        "stale": entry(agency_id, **whole, **mounted, mounted_at=NOW - timedelta(hours=25)),
        "outdated": entry(
            agency_id,
            **whole,
            flag="建设中",
            changed_at=NOW - timedelta(days=400),
            mount_by=date(2026, 12, 31),
        ),
        "incomplete": entry(agency_id, theme="", fields=[]),
        "retired": entry(agency_id, status=Listed.RETIRED),
    }
    s.add_all(rows.values())
    await s.flush()
    s.add(
        GradeRow(
            object_id=rows["good"].data_id,
            holder_id=agency_id,
            declared=Level.GENERAL_1,
            decided=Level.GENERAL_1,
            level=Level.GENERAL_1,
            changed_at=NOW,
        )
    )
    s.add(
        EntryReportRow(
            report_id=f"qrp_{next(_numbers):026d}",
            data_id=rows["good"].data_id,
            file_sha256=file.sha256,
            report_sha256="b" * 64,
            report=b"{}",
            score_tenths=914,
            passed=True,
            measured_at=NOW,
        )
    )
    share = {"data_id": rows["good"].data_id, "requester_id": requester_id, "provider_id": agency_id}
    share |= {"kind": next(iter(ShareType)), "purpose": "", "basis": "", "fields": []}
    at = datetime(2025, 6, 2, tzinfo=UTC)
    answered = {
        "submitted_at": at,
        "answered_at": at + timedelta(days=3),
        "answer_by": at + timedelta(days=9),
    }
    shares = {
        "in_time": ShareRow(
            share_id=f"shr_{next(_numbers):026d}", **share, **answered, status=ShareState.CLOSED
        ),
        "late": ShareRow(
            share_id=f"shr_{next(_numbers):026d}",
            **share,
            **answered,
            status=ShareState.CLOSED,
            late_answer=True,
        ),
        "silent": ShareRow(
            share_id=f"shr_{next(_numbers):026d}",
            **share,
            submitted_at=at,
            answer_by=at + timedelta(days=9),
            status=ShareState.OVERDUE,
            late_answer=True,
        ),
        "of another year": ShareRow(
            share_id=f"shr_{next(_numbers):026d}",
            **share,
            submitted_at=NOW,
            answered_at=NOW,
            status=ShareState.CLOSED,
        ),
    }
    item = {"code": "", "name": "x", "name_key": "x", "synonyms": [], "meaning": "", "value_type": ""}
    item |= {"proposed_by": agency_id, "proposed_at": NOW, "changed_at": NOW, "source_id": agency_id}
    items = {
        "settled": ItemRow(item_id=f"itm_{next(_numbers):026d}", **item, status=ItemState.CONFIRMED),
        "conflict": ItemRow(
            item_id=f"itm_{next(_numbers):026d}", **item, status=ItemState.CONFLICT, rival_id=requester_id
        ),
    }
    s.add_all([*shares.values(), *items.values()])
    await s.flush()
    return (
        {name: row.data_id for name, row in rows.items()}
        | {name: row.share_id for name, row in shares.items()}
        | {name: row.item_id for name, row in items.items()}
    )
