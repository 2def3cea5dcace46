"""The registry's verbs on both databases: rights, levels, and quality bound to a listing."""

from base64 import b64decode
from dataclasses import dataclass, replace
from datetime import timedelta

import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from base.canonical import canonical
from base.signing import SigningKey
from ledger.acts import House, perform
from ledger.recording import Actor, Exchange, ExchangePen
from ledger.tables import StatementRow
from registry import repository
from registry.declared import Declared
from registry.errors import (
    ChannelClosed,
    NoReport,
    QualityNotMeasured,
    QualityTooLow,
    ReportOfAnotherFile,
    RightNotHeld,
    RightNotRegistrable,
    RightRegisteredBefore,
    UnclassifiedProduct,
)
from registry.preview import masked
from registry.report import Report
from registry.rules import (
    Allowance,
    Channel,
    Hint,
    HintKind,
    Level,
    PersonalData,
    Right,
    Source,
    SourceFacts,
)
from registry.service import (
    bound_report,
    classify,
    record_measurement,
    register_rights_basis,
    require_channel,
    require_quality,
    require_right,
)
from registry.tables import QualityRow, RightsRow
from tests.registry.samples import bokeh, column, measured_here

PRODUCT, LISTING, SELLER = "prd_1", "lst_1", "org_seller"
PROOF = "ab" * 32
MOBILE = Hint(HintKind.MOBILE, "phone", 10, 10, flagged=True)


@dataclass(frozen=True)
class Office:
    """A house whose acts are signed by one key: the registry asks nobody else's."""

    house: House
    actor: Actor

    async def do(self, verb, **facts):
        act = self.house.act(self.actor, "PROVIDER", self.house.exchange.pen)

        async def bound(s, act):
            return await verb(s, act, **facts)

        return await perform(self.house, act, bound, attempted="REG", object_id=PRODUCT)

    async def ask(self, question, **facts):
        async with self.house.database.read() as s:
            return await question(s, **facts)

    async def events(self):
        async with self.house.database.read() as s:
            rows = (await s.exec(select(StatementRow).order_by(StatementRow.id))).all()
        return [(row.event, row.org_id) for row in rows]

    async def statement(self, event):
        async with self.house.database.read() as s:
            row = (await s.exec(select(StatementRow).where(StatementRow.event == event))).one()
        return orjson.loads(b64decode(orjson.loads(row.envelope)["payload"]))


@pytest.fixture
def office(database, clock):
    operator = Actor("org_exchange", frozenset({"EXCHANGE_OPERATOR"}))
    exchange = Exchange(operator, ExchangePen(SigningKey.generate()))
    return Office(House(database, clock, exchange), Actor(SELLER, frozenset({"PROVIDER"})))


@pytest.fixture
def report(tmp_path):
    declared = Declared(
        columns=tuple(
            column(name, kind)
            for name, kind in (
                ("sepal_length", "decimal"),
                ("sepal_width", "decimal"),
                ("petal_length", "decimal"),
                ("petal_width", "decimal"),
                ("species", "text"),
            )
        ),
        update_frequency="once",
        period_to="1936-09-30",
    )
    return measured_here(bokeh("iris.csv"), declared, tmp_path / "scratch")


async def bind(office, report, **more):
    preview = masked(report, Level.GENERAL_1)
    given = {"listing_id": LISTING, "file_sha256": report.file_sha256, "report": report, "preview": preview}
    given["master"] = bytes(32)
    return await office.do(record_measurement, **given | more)


async def register(office, *rights, source=Source.SELF_COLLECTED, holder=SELLER):
    return await office.do(
        register_rights_basis,
        product_id=PRODUCT,
        holder_id=holder,
        source=source,
        facts=SourceFacts(),
        claimed=frozenset(rights),
        source_statement_sha256=PROOF,
    )


async def grade(office, level, *hints, personal=None):
    return await office.do(
        classify,
        product_id=PRODUCT,
        declared_level=level,
        hints=hints,
        personal=personal or PersonalData(),
    )


async def test_several_holders_may_hold_the_same_right(office):
    await register(office, Right.HOLD, Right.OPERATE)
    await register(office, Right.OPERATE, holder="org_other")
    rows = await office.ask(repository.rights_in, product_id=PRODUCT)
    assert [(row.holder_id, row.right, row.source) for row in rows] == [
        ("org_other", Right.OPERATE, Source.SELF_COLLECTED),
        (SELLER, Right.HOLD, Source.SELF_COLLECTED),
        (SELLER, Right.OPERATE, Source.SELF_COLLECTED),
    ]
    held = await office.ask(require_right, product_id=PRODUCT, holder_id=SELLER, right=Right.OPERATE)
    assert held.source_statement_sha256 == PROOF


async def test_a_right_the_source_does_not_give_is_refused_and_nothing_is_stored(office):
    with pytest.raises(RightNotRegistrable):
        await register(office, Right.USE, Right.OPERATE, source=Source.PUBLIC_CRAWL)
    assert await office.ask(repository.rights_in, product_id=PRODUCT) == []
    assert await office.events() == [("REF.REFUSE", "org_exchange")]
    with pytest.raises(RightNotHeld):
        await office.ask(require_right, product_id=PRODUCT, holder_id=SELLER, right=Right.OPERATE)


async def test_a_right_is_registered_once(office):
    await register(office, Right.HOLD)
    with pytest.raises(RightRegisteredBefore):
        await register(office, Right.HOLD, Right.USE)
    assert [r.right for r in await office.ask(repository.rights_in, product_id=PRODUCT)] == [Right.HOLD]


async def test_a_product_without_a_level_goes_through_no_channel(office):
    with pytest.raises(UnclassifiedProduct):
        await office.ask(require_channel, product_id=PRODUCT, channel=Channel.TRADE)


async def test_the_scan_raises_the_level_and_a_second_grading_replaces_the_first(office):
    row = await grade(office, Level.GENERAL_1, MOBILE)
    assert (row.declared_level, row.level, row.passed) == (Level.GENERAL_1, Level.GENERAL_3, False)
    assert row.reasons == ["NL4-undeclared-mobile", "NL4-no-consent", "NL4-no-impact-assessment"]
    consented = PersonalData(contained=True, consented=True, impact_assessed=True)
    await grade(office, Level.GENERAL_3, MOBILE, personal=consented)
    stored = await office.ask(repository.classification_of, product_id=PRODUCT)
    assert (stored.passed, stored.reasons, stored.classified_by) == (True, [], SELLER)
    assert stored.hints == [{"kind": "mobile", "column": "phone", "rows": 10, "checked": 10, "flagged": True}]
    assert stored.personal["consented"] is True
    asked = await office.ask(require_channel, product_id=PRODUCT, channel=Channel.TRADE)
    assert asked == (Level.GENERAL_3, Allowance.CONSENT)
    with pytest.raises(ChannelClosed):
        await office.ask(require_channel, product_id=PRODUCT, channel=Channel.OPEN)


async def test_a_measurement_is_the_exchanges_statement_and_binds_the_report(office, report):
    row = await bind(office, report)
    assert await office.events() == [("REG.MEASURE", "org_exchange")]
    said = await office.statement("REG.MEASURE")
    assert {name: said["predicate"][name] for name in ("listing_id", "file_sha256", "report_sha256")} == {
        "listing_id": LISTING,
        "file_sha256": report.file_sha256,
        "report_sha256": report.sha256,
    }
    assert said["predicate"]["score"] == report.score == "99.8"
    assert said["predicate"]["dimensions"]["accuracy"] == "99.3"
    assert said["predicate"]["method"] == "databourse-quality/1"
    assert {subject["name"]: subject["digest"]["sha256"] for subject in said["subject"][1:]} == {
        "file": report.file_sha256,
        "report": report.sha256,
    }
    assert (row.score_tenths, row.passed, row.measured_at) == (998, True, office.house.clock.now())
    stored = await office.ask(bound_report, listing_id=LISTING)
    assert stored.canonical == report.canonical
    assert row.preview["rows"][0] == ["5.1", "3.5", "1.4", "0.2", "setosa"]
    passing = await office.ask(require_quality, listing_id=LISTING, file_sha256=report.file_sha256)
    assert passing.report_sha256 == report.sha256


async def test_the_same_report_twice_is_one_row_and_one_statement(office, report):
    first = await bind(office, report)
    again = await bind(office, report)
    assert again.report_id == first.report_id
    assert await office.events() == [("REG.MEASURE", "org_exchange")]


async def test_a_report_of_another_file_is_refused_and_binds_nothing(office, report):
    with pytest.raises(ReportOfAnotherFile):
        await bind(office, report, file_sha256="00" * 32)
    assert await office.events() == [("REF.REFUSE", "org_exchange")]
    with pytest.raises(NoReport):
        await office.ask(bound_report, listing_id=LISTING)
    with pytest.raises(QualityNotMeasured):
        await office.ask(require_quality, listing_id=LISTING, file_sha256=report.file_sha256)


async def test_a_report_that_does_not_pass_is_kept_and_stops_the_listing(office, report):
    failed = {**report.document, "score": "65.0", "passed": False}
    poor = replace(report, canonical=canonical(failed))
    await bind(office, poor)
    with pytest.raises(QualityTooLow) as refused:
        await office.ask(require_quality, listing_id=LISTING, file_sha256=report.file_sha256)
    assert refused.value.facts["score"] == "65.0"
    assert refused.value.facts["timeliness"] == "100.0"
    kept = await office.ask(bound_report, listing_id=LISTING, report_sha256=poor.sha256)
    assert kept.score == "65.0"


async def test_the_newest_report_of_the_very_file_counts(office, report, clock):
    poor = Report(canonical({**report.document, "score": "65.0", "passed": False}), report.sample)
    await bind(office, poor)
    clock.advance(timedelta(hours=1))
    await bind(office, report)
    newest = await office.ask(repository.reports_of, listing_id=LISTING)
    assert [row.score_tenths for row in newest] == [998, 650]
    assert await office.ask(require_quality, listing_id=LISTING, file_sha256=report.file_sha256)
    with pytest.raises(QualityNotMeasured):
        await office.ask(require_quality, listing_id=LISTING, file_sha256="11" * 32)


async def test_the_database_refuses_what_no_rule_would_store(office, report):
    await bind(office, report)
    await register(office, Right.HOLD)
    for table, name, value in (
        (QualityRow, "score_tenths", 1001),
        (QualityRow, "report_sha256", None),
        (RightsRow, "right_held", "OWN"),
    ):
        with pytest.raises(IntegrityError):
            async with office.house.database.write() as s:
                await (await s.connection()).execute(
                    text(f"UPDATE {table.__tablename__} SET {name} = :value"), {"value": value}
                )
