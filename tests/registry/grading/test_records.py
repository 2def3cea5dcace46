"""Records of consents and assessments: their form, what they carry, how they fall."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import select

from base.jobs import JobRow
from registry.grading import keeping
from registry.grading.citing import Use, require_records
from registry.grading.errors import AssessmentMissing, ConsentMissing, GradingMalformed
from registry.grading.keeping import CONSENT_LOST_JOB, Consents
from registry.grading.states import ConsentState
from registry.rules import Level, PersonalData
from tests.registry.assessments.passed import passed
from tests.registry.grading.bench import NOW, PRODUCT
from tests.standstill import untouched

GIVEN = Consents(
    wording_sha256="a" * 64,
    subjects_root="b" * 64,
    subjects=3,
    separate=True,
    purposes=("RISK_CONTROL", "RESEARCH"),
    recipients=("org_bank",),
    valid_from=NOW - timedelta(days=1),
    valid_until=NOW + timedelta(days=200),
)


async def records(bench, **changes):
    """A product's records, cited; `changes` go to the consents."""
    await bench.product()
    consents = replace(GIVEN, **changes)
    given = await bench.of("provider", keeping.record_consents, object_id=PRODUCT, consents=consents)
    made = await passed(
        bench.database, holder_id=bench.provider.org_id, object_id=PRODUCT, now=bench.clock.now()
    )
    return PersonalData(True, True, True, True, consent_id=given.consent_id, assessment_id=made)


def use(bench, **changes):
    said = Use(
        object_id=PRODUCT, holder_id=bench.provider.org_id, level=Level.GENERAL_4, now=bench.clock.now()
    )
    return replace(said, **changes)


async def why(bench, personal, **changes):
    async with bench.database.read() as s:
        try:
            await require_records(s, personal, use(bench, **changes))
        except (ConsentMissing, AssessmentMissing) as refusal:
            return refusal.facts["why"]
    return None


async def test_a_record_carries_its_product_purpose_recipient_and_term_and_nothing_more(bench):
    personal = await records(bench)
    granted = {"purposes": {"RESEARCH"}, "recipients": {"org_bank"}, "until": NOW + timedelta(days=200)}
    assert await why(bench, personal, **granted) is None
    assert await why(bench, personal, object_id="prd_other") == "of-another"
    assert await why(bench, personal, holder_id="org_other") == "of-another"
    assert await why(bench, personal, purposes={"MARKETING"}) == "another-purpose"
    assert await why(bench, personal, recipients={"org_shop"}) == "another-recipient"
    assert await why(bench, personal, until=NOW + timedelta(days=201)) == "ends-before-the-use"
    assert await why(bench, personal, now=NOW + timedelta(days=201)) == "out-of-time"
    assert (
        await why(bench, replace(personal, consent_id=None), now=NOW + timedelta(days=301)) == "out-of-time"
    )
    assert await why(bench, replace(personal, consent_id="cns_none")) == "of-another"
    assert await why(bench, replace(personal, anonymised=True, consent_id="cns_none")) is None


async def test_separate_consent_is_wanted_at_general_4_and_bundled_consent_is_not_it(sqlite_bench):
    personal = await records(sqlite_bench, separate=False, recipients=())
    assert await why(sqlite_bench, personal) == "not-separate"
    assert await why(sqlite_bench, personal, level=Level.GENERAL_3, recipients={"org_any"}) is None


async def test_the_last_subject_who_withdraws_takes_the_record_along(bench):
    personal = await records(bench)
    about = {"consent_id": personal.consent_id, "pseudonyms_root": "d" * 64}
    row = await bench.of("provider", keeping.withdraw_consents, count=2, **about)
    assert (row.status, row.withdrawn) == (ConsentState.STANDING, 2)
    assert await why(bench, personal) is None
    async with untouched(bench.database, GradingMalformed):
        await bench.of("provider", keeping.withdraw_consents, count=2, **about)
    row = await bench.of("provider", keeping.withdraw_consents, count=1, **about)
    assert (row.status, row.withdrawn) == (ConsentState.WITHDRAWN, 3)
    assert await why(bench, personal) == "withdrawn"
    assert await bench.said_of(row.consent_id) == ["CNS.RECORD", "CNS.WITHDRAW", "CNS.LOSE"]
    async with bench.database.read() as s:
        (job,) = (await s.exec(select(JobRow).where(JobRow.kind == CONSENT_LOST_JOB))).all()
    assert job.payload["object_id"] == PRODUCT


async def test_a_record_ends_on_its_day(sqlite_bench):
    bench = sqlite_bench
    personal = await records(bench)
    bench.clock.move_to(GIVEN.valid_until)
    await bench.work()
    assert await why(bench, personal) is None  # the last moment belongs to it
    bench.clock.move_to(GIVEN.valid_until + timedelta(seconds=1))
    await bench.work()
    assert await why(bench, personal, now=None) == "ended"


@pytest.mark.parametrize(
    "wrong",
    [
        {"subjects": 0},
        {"purposes": ()},
        {"valid_until": NOW},
        {"valid_from": NOW + timedelta(days=300)},
    ],
)
async def test_consents_without_form_are_refused(sqlite_bench, wrong):
    await sqlite_bench.product()
    about = {"object_id": PRODUCT, "consents": replace(GIVEN, **wrong)}
    async with untouched(sqlite_bench.database, GradingMalformed):
        await sqlite_bench.of("provider", keeping.record_consents, **about)
