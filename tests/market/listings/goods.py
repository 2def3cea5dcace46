"""Listings for tests: real small files, really measured, and the way of one onto the exchange."""

import asyncio
import base64
import hashlib
import tempfile
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

import orjson
from sqlmodel import col, select

from base.canonical import sha256_hex
from base.db import Database, WriteSession
from base.files import StoredFile
from base.ids import Seed
from ledger.acts import perform
from ledger.recording import Act, Actor
from ledger.tables import OpeningRow, StatementRow
from market.listings.conditions import Purpose
from market.listings.materials import Compliance
from market.listings.publishing import publish_listing, review_listing
from market.listings.repository import get_file
from market.listings.rules import Description
from market.listings.service import Offering, draft_listing, keep_file, submit_listing
from market.listings.tables import Decision, Listing
from registry.declared import ColumnType, Declared, DeclaredColumn, Frequency
from registry.grading.keeping import Consents, record_consents
from registry.measure import measure_file
from registry.preview import masked
from registry.report import Report
from registry.rules import Level, PersonalData, Source
from registry.service import record_measurement
from tests.houses import Party, TestHouse
from tests.registry.assessments.passed import passed

AS_OF: Final = datetime(2026, 11, 16, tzinfo=UTC)
SOURCE_STATEMENT: Final = sha256_hex(b"source statement with its proofs")
CLEAN: Final = "county,month,index\n" + "".join(
    f"4401{n:02d},2025-{m:02d},{100 + n}.{m}\n" for n in range(1, 11) for m in range(1, 13)
)
MOBILES: Final = "county,month,index\n" + "".join(
    f"4401{n:02d},2025-{m:02d},1380013{n:02d}{m:02d}\n" for n in range(1, 11) for m in range(1, 13)
)
SPOILT: Final = "county,month,index\n" + "".join(f"4401{n:02d},13/2025,\n" for n in range(1, 51)) * 2
DECLARED: Final = Declared(
    columns=(
        DeclaredColumn(name="county", type=ColumnType.TEXT, meaning="county code, GB/T 2260"),
        DeclaredColumn(name="month", type=ColumnType.MONTH, meaning="month of use"),
        DeclaredColumn(name="index", type=ColumnType.DECIMAL, meaning="electricity use, 2024 = 100"),
    ),
    update_frequency=Frequency.ONCE,
    period_column="month",
    period_from=date(2025, 1, 1),
    period_to=date(2025, 12, 31),
)


@cache
def report_on(text: str) -> Report:
    """The report of a file of this text; measured once in a test run, in a process of its own."""

    async def measured() -> Report:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "goods.csv"
            path.write_text(text)
            return await measure_file(path, DECLARED, as_of=AS_OF)

    with asyncio.Runner() as runner:
        return runner.run(measured())


def stored(text: str = CLEAN, *, salt: str = "") -> StoredFile:
    """A file as the object store would have answered; `salt` tells apart what has equal bytes."""
    raw = text.encode()
    file_id = Seed(hashlib.sha256(raw + salt.encode()).digest()).new_id("fil", AS_OF)
    return StoredFile(file_id, len(raw), hashlib.sha256(raw).hexdigest())


def offering(**changes: Any) -> Offering:
    """An honest offer of general-2 data; changes go to its description or to its terms."""
    says = {
        "title": "2025年广东省工业企业月度用电指数数据集",
        "description": "按县区和月份汇总的工业用电指数,每格不少于10家企业。Electricity use of industry.",
        "scenario": "中小企业信贷风险模型",
        "category": "energy",
        "geo": "440000",
        "product_type": "DATASET",
        "licence_class": "internal-use",
        "unit": "set",
        "quantity": 1,
    }
    described = {name: changes.pop(name) for name in tuple(changes) if name in says}
    terms = {
        "level": Level.GENERAL_2,
        "licence_of_data": "内部建模使用, 不得转售, 限境内",
        "list_price_minor": 76_000_000,
    }
    return Offering(says=Description(**(says | described)), **(terms | changes))


def compliance(**changes: Any) -> Compliance:
    """What an honest provider declares."""
    facts: dict[str, Any] = {
        "source": Source.SELF_COLLECTED,
        "source_statement_sha256": SOURCE_STATEMENT,
        "basis_ref": "SJ4412026090001",
    }
    return Compliance(**(facts | changes))


async def uploaded(party: Party, text: str = CLEAN, *, salt: str = "") -> str:
    """Keep a file for a party; answers its id."""
    row = await party.do(
        keep_file,
        role="PROVIDER" if "PROVIDER" in party.actor.roles else "BROKER",
        file=stored(text, salt=salt),
        name="goods.csv",
        media_type="text/csv",
    )
    return row.file_id


async def drafted(party: Party, text: str = CLEAN, *, salt: str = "", **changes: Any) -> Listing:
    """A draft of a seller's, its file uploaded."""
    file_id = await uploaded(party, text, salt=salt)
    return await party.do(
        draft_listing,
        role="PROVIDER",
        attempted="LST.DRAFT",
        offering=offering(**changes),
        file_id=file_id,
    )


async def measured(house: TestHouse, listing: Listing, text: str = CLEAN) -> None:
    """Bind the file's real report to a listing, as the exchange."""
    report = await asyncio.to_thread(report_on, text)

    async def bound(s: WriteSession, act: Act) -> None:
        await record_measurement(
            s,
            act,
            listing_id=listing.listing_id,
            file_sha256=hashlib.sha256(text.encode()).hexdigest(),
            report=report,
            preview=masked(report, listing.level),
            master=bytes(32),
        )

    await perform(
        house.house,
        house.house.exchange_act(),
        bound,
        attempted="REG.MEASURE",
        object_id=listing.listing_id,
    )


async def submitted(
    house: TestHouse, party: Party, text: str = CLEAN, *, salt: str = "", **changes: Any
) -> Listing:
    """A listing that was measured, submitted and screened. `declared` changes what is declared."""
    declared, records = changes.pop("declared", {}), changes.pop("records", True)
    listing = await drafted(party, text, salt=salt, **changes)
    await measured(house, listing, text)
    if records and declared.get("personal"):
        declared = {**declared, "personal": await recorded(party, listing, declared["personal"])}
    return await party.do(
        submit_listing,
        role="PROVIDER",
        attempted="LST.SUBMIT",
        object_id=listing.listing_id,
        listing_id=listing.listing_id,
        compliance=compliance(**declared),
    )


async def recorded(party: Party, listing: Listing, personal: PersonalData) -> PersonalData:
    """What is declared of personal data, resting on records of the seller's."""
    now = party.act("PROVIDER").now
    of: dict[str, Any] = {"object_id": listing.product_id}
    attempt: dict[str, Any] = {"role": "PROVIDER", "attempted": "CNS.RECORD"}
    if personal.consented and personal.consent_id is None:
        given = Consents(
            wording_sha256="a" * 64,
            subjects_root="b" * 64,
            subjects=120,
            separate=True,
            purposes=tuple(purpose.value for purpose in Purpose),
            valid_from=now,
            valid_until=now + timedelta(days=900),
        )
        consent = await party.do(partial(record_consents, **of), **attempt, consents=given)
        personal = replace(personal, consent_id=consent.consent_id)
    if personal.impact_assessed and personal.assessment_id is None:
        async with party.house.database.read() as s:
            file = await get_file(s, file_id=listing.file_id)
        of |= {"holder_id": party.org_id, "file_sha256": file.sha256}
        made = await passed(party.house.database, **of, now=now)
        personal = replace(personal, assessment_id=made)
    return personal


async def listed(house: TestHouse, party: Party, text: str = CLEAN, **changes: Any) -> Listing:
    """A listing on offer."""
    listing = await submitted(house, party, text, **changes)
    for number in (1, 2, 3):
        if listing.status.value == "COMPLIANCE_REVIEW":
            listing = await review(house, listing, Decision.APPROVE, user_id=f"usr_{number}")
    return await house.operator.do(
        publish_listing,
        attempted="LST.LIST",
        object_id=listing.listing_id,
        listing_id=listing.listing_id,
    )


async def review(
    house: TestHouse, listing: Listing, decision: Decision, *, user_id: str | None = None, **facts: Any
) -> Listing:
    """A decision of one of the operator's people."""
    operator = house.operator
    actor = Actor(operator.org_id, operator.actor.roles, user_id)

    async def bound(s: WriteSession, act: Act) -> Listing:
        return await review_listing(s, act, listing_id=listing.listing_id, decision=decision, **facts)

    act = house.house.act(actor, "EXCHANGE_OPERATOR", operator.pen)
    return await perform(
        house.house, act, bound, attempted=f"LST.{decision.value}", object_id=listing.listing_id
    )


async def events(database: Database, object_id: str) -> list[str]:
    """The events stated about an object, in order."""
    async with database.read() as s:
        query = select(StatementRow.event).where(StatementRow.object_id == object_id)
        return list(await s.exec(query.order_by(col(StatementRow.id))))


async def said(database: Database, event: str, object_id: str) -> tuple[dict, dict]:
    """The predicate and the opening of the last such statement."""
    async with database.read() as s:
        query = select(StatementRow).where(StatementRow.event == event, StatementRow.object_id == object_id)
        row = (await s.exec(query.order_by(col(StatementRow.id).desc()))).first()
        opening = await s.get(OpeningRow, row.opening_sha256) if row.opening_sha256 else None
    envelope = orjson.loads(row.envelope)
    payload = orjson.loads(base64.b64decode(envelope["payload"]))
    return payload["predicate"], orjson.loads(opening.document) if opening else {}
