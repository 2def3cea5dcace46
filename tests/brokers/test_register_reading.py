"""The register out of the database: folded from statements, so any reader of the ledger gets the same."""

import base64
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from sqlmodel import col, select

from base.clock import SHANGHAI, parse_rfc3339
from base.db import Database
from base.jobs import run_due
from brokers import applying, panel, register_reading
from brokers.certifying import reinstate_certificate, revoke_certificate, suspend_certificate
from brokers.conduct.rules import InterestKind
from brokers.conduct.service import disclose_interest
from brokers.continuing import cut_scope, warn
from brokers.credential.issuing import Desk, appoint_issuer, credential_handlers
from brokers.errors import CertificateUnknown
from brokers.register import Holding
from brokers.register_conduct import record_of
from brokers.register_reading import (
    Register,
    holdings_of,
    interests_disclosed,
    mandates_counted,
    practitioners_of,
    the_register,
)
from brokers.register_search import Wanted, search
from brokers.register_statistics import statistics
from ledger.sequencer import create_log, seal_all
from ledger.tables import StatementRow
from registry.rules import Level
from tests.brokers.office import CLAIMS, Office

NO = "GD-DB-M-2-2026-0001"


async def read(database: Database) -> Register:
    async with database.read() as s:
        return await the_register(s)


async def as_if_new(database: Database) -> dict[str, Holding]:
    """What somebody gets who has never asked before."""
    register_reading._kept.clear()
    return (await read(database)).holdings


async def years(office: Office) -> str:
    """One broker is certified, warned, cut, suspended, back, and revoked; another is refused by the panel."""
    cert_id = (await office.certified()).cert_id
    said: dict[str, Any] = {"cert_id": cert_id, "reason_code": "SCOPE_OVERSTEPPED"}
    await office.as_person("chen", warn, **said, text="请遵守业务范围")
    less = {"sectors": ["energy"], "max_level": Level.GENERAL_1, "cross_border": False}
    await office.as_person("chen", cut_scope, **said, **less)
    office.clock.advance(timedelta(days=30))
    for verb in (suspend_certificate, reinstate_certificate, suspend_certificate, revoke_certificate):
        office.clock.advance(timedelta(days=1))
        await office.as_person("chen", verb, **said)
    refused = await office.house.admit("西江数据经纪", {"BROKER"}, controller_id="西江控股")
    row = await office.apply(who=refused)
    await office.as_person("chen", applying.review, cert_id=row.cert_id)
    for name in ("chen", "li", "wang"):
        await office.vote(row.cert_id, name, approves=False)
    refusal = {"cert_id": row.cert_id, "reason_code": "NOT_CONVINCED", "reasons": "经验不足，材料存疑"}
    await office.as_person("chen", panel.refuse_application, **refusal)
    return cert_id


async def public_statements(database: Database) -> list[dict[str, Any]]:
    """The predicates of all certificates' statements, read from the signed bytes alone."""
    async with database.read() as s:
        rows = (await s.exec(select(StatementRow.envelope).order_by(col(StatementRow.id)))).all()
    payloads = [orjson.loads(base64.b64decode(orjson.loads(row)["payload"])) for row in rows]
    return [one["predicate"] for one in payloads if one["predicate"]["event"].startswith("BRK.")]


async def test_every_figure_comes_out_of_the_statements(office: Office) -> None:
    await years(office)
    now = office.clock.now()
    figures = statistics((await read(office.database)).holdings.values(), at=now)
    said = await public_statements(office.database)
    last = {one["object"]: one for one in said}
    issued = {one["object"]: one for one in said if one["event"] == "BRK.CERTIFY"}
    assert figures.certificates == len(issued) == 1
    assert figures.by_state == Counter(last[one]["to"] for one in issued) == {"REVOKED": 1}
    assert figures.brokers_in_force == sum(last[one]["to"] == "ACTIVE" for one in issued) == 0
    assert (figures.by_type, figures.by_grade) == ({}, {})
    ended = Counter("CERTIFIED" if one in issued else last[one]["to"] for one in last)
    assert figures.applications == ended == {"CERTIFIED": 1, "REFUSED": 1}

    def month(one: dict[str, Any]) -> str:
        return f"{parse_rfc3339(one['occurred_at']).astimezone(SHANGHAI):%Y-%m}"

    for name, moved in (
        ("certified", [one for one in said if one["event"] == "BRK.CERTIFY"]),
        ("suspended", [one for one in said if one["event"] == "BRK.SUSPEND" and one["from"] != "SUSPENDED"]),
        ("reinstated", [one for one in said if one["event"] == "BRK.REINSTATE"]),
        ("revoked", [one for one in said if one["event"] == "BRK.REVOKE"]),
    ):
        counted = {one.month: getattr(one, name) for one in figures.months if getattr(one, name)}
        assert counted == Counter(month(one) for one in moved), name
    (applied, certified) = (
        parse_rfc3339(one["occurred_at"]).astimezone(SHANGHAI).date()
        for one in said
        if one["object"] in issued and one["event"] in {"BRK.APPLY", "BRK.CERTIFY"}
    )
    assert figures.days_to_certificate.median == (certified - applied).days


async def test_a_register_that_was_read_before_is_the_one_read_anew(office: Office) -> None:
    await office.apply()
    first = await read(office.database)
    assert await read(office.database) is first  # nothing came: nothing is read
    await years_after_an_application(office)
    grown = await read(office.database)
    assert grown.holdings == await as_if_new(office.database)
    assert len(first.holdings) == 1  # who still reads the former one is not disturbed


async def years_after_an_application(office: Office) -> None:
    (held,) = (await read(office.database)).holdings.values()
    await office.as_person("chen", applying.review, cert_id=held.cert_id)
    await office.vote(held.cert_id, "chen")
    await office.broker.do(applying.withdraw, attempted="BRK.WITHDRAW", cert_id=held.cert_id)


async def test_what_was_recorded_before_and_committed_after_is_not_left_out(office: Office) -> None:
    """Rows of PostgreSQL are numbered when they are written, and seen when they are committed."""
    await office.to_notice()
    whole = await read(office.database)
    (held,) = whole.holdings.values()
    without = replace(held, steps=[*held.steps[:2], *held.steps[3:]])
    count, newest = whole.newest
    kept = Register((count - 1, newest), {held.cert_id: without}, whole.holders)
    async with office.database.read() as s:
        register_reading._kept[s.get_bind().engine] = kept
    assert (await read(office.database)).holdings == whole.holdings


async def test_who_never_came_to_a_notice_is_a_number_and_no_name(office: Office) -> None:
    cert_id = await years(office)
    register = await read(office.database)
    found = search(register.holdings.values(), register.holders, Wanted(), at=office.clock.now())
    assert [(line.standing.cert_id, line.holder.name) for line in found.lines] == [(cert_id, "珠江数据经纪")]
    with pytest.raises(CertificateUnknown):
        register.numbered("GD-DB-M-2-2026-0002")
    assert register.numbered(NO).cert_id == cert_id


async def on_day(office: Office, at: datetime) -> list[tuple[str, bool]]:
    register = await read(office.database)
    lines = search(register.holdings.values(), register.holders, Wanted(), at=at).lines
    return [(line.standing.state.value, line.standing.in_force) for line in lines]


async def test_a_record_has_its_places_in_the_ledger_and_what_stands_beside(office: Office) -> None:
    desk = Desk(office.house.safe, "https://exchange.example")
    async with office.database.write() as s:
        await create_log(s, origin="exchange.example/test", at=office.clock.now())
    await office.authority.do(appoint_issuer, attempted="CRD.APPOINT", safe=desk.safe)
    before = office.clock.now()
    cert_id = (await office.certified()).cert_id
    certified = office.clock.now()
    said: dict[str, Any] = {"party_id": office.other.org_id, "kind": InterestKind.OWNERSHIP, "share_bp": 700}
    await office.broker.do(disclose_interest, role="BROKER", attempted="CND.DISCLOSE", **said)
    await seal_all(office.database, office.clock)
    await run_due(office.database, office.clock.now(), credential_handlers(office.house.house, desk))
    office.clock.advance(timedelta(days=1))
    await office.as_person("chen", suspend_certificate, cert_id=cert_id, reason_code="SEVERE")
    async with office.database.read() as s:
        (held,) = (await holdings_of(s, cert_ids=[cert_id])).values()
        interests = await interests_disclosed(s, broker_id=office.broker.org_id)
        mandates = await mandates_counted(s, broker_id=office.broker.org_id)
        people = await practitioners_of(s, cert_id=cert_id)
    *sealed, last = held.steps
    assert all(step.seq is not None for step in sealed)
    assert [step.seq for step in sealed] == sorted(step.seq or 0 for step in sealed)
    assert (last.event, last.seq) == ("BRK.SUSPEND", None)  # in the register before it is sealed
    assert [one.kind for one in record_of(held)] == ["SUSPENSION"]
    assert [(one.party_id, one.kind.value) for one in interests] == [(office.other.org_id, "OWNERSHIP")]
    assert (mandates.in_force, mandates.frozen, mandates.ended) == (0, 0, 0)
    assert [(one.name, one.number) for one in people] == [
        (one.name, one.number) for one in CLAIMS.practitioners
    ]
    assert await on_day(office, before - timedelta(milliseconds=1)) == []
    assert await on_day(office, certified) == [("ACTIVE", True)]
    assert await on_day(office, office.clock.now()) == [("SUSPENDED", False)]
