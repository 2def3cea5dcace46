"""For one agency: its duties, and for each the record that shows it, or that it is missing (R03)."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.duties.rules import Duty, Evidence, Stage, Verdict, duties_at, verdict_on
from registry.duties.service import checklist_of
from tests.houses import make_house
from tests.registry.chiefs.seats import seat_chief
from tests.registry.evaluation.agencies import furnish

AT = datetime(2026, 3, 2, 1, tzinfo=UTC)
ONE = Duty(Stage.MANAGE, "chief", each=False, legal_basis="", source_status="default", cited="")
EACH = Duty(Stage.MANAGE, "grading", each=True, legal_basis="", source_status="default", cited="")


def test_every_duty_has_its_stage_its_law_and_how_far_that_was_read():
    duties = duties_at(AT)
    assert {one.stage for one in duties} == set(Stage)
    assert len({one.name for one in duties}) == len(duties) == 18
    assert all(one.legal_basis and one.source_status == "secondary" for one in duties)
    assert {one.cited for one in duties} >= {"DTY-SHARE@1.answers", "DTY-MANAGE@1.chief"}


@pytest.mark.parametrize(
    ("duty", "done", "of", "verdict"),
    [
        (ONE, 0, None, Verdict.MISSING),
        (ONE, 1, None, Verdict.MET),
        (EACH, 0, 0, Verdict.NOT_ASKED),
        (EACH, 0, 2, Verdict.MISSING),
        (EACH, 1, 2, Verdict.PARTLY),
        (EACH, 2, 2, Verdict.MET),
    ],
)
def test_a_verdict_is_what_the_records_say(duty: Duty, done: int, of: int | None, verdict: Verdict):
    assert verdict_on(duty, Evidence(done, of)) is verdict


@given(st.integers(-5, 5), st.integers(-5, 5))
def test_more_than_there_is_is_no_evidence(done: int, of: int):
    if 0 <= done <= of:
        assert verdict_on(EACH, Evidence(done, of)) in Verdict
    else:
        with pytest.raises(ValueError, match="of"):
            verdict_on(EACH, Evidence(done, of))


async def test_the_checklist_of_an_agency_names_each_record_and_what_lacks_one(database, clock) -> None:
    house = await make_house(database, clock)
    agency = await house.admit("省交通运输厅", {"PUBLIC_AGENCY"})
    other = await house.admit("省教育厅", {"PUBLIC_AGENCY"})
    async with database.read() as s:
        bare = await checklist_of(s, agency_id=other.org_id, now=clock.now())
    assert {
        line.duty.name: line.verdict for line in bare if line.verdict is not Verdict.NOT_ASKED
    } == dict.fromkeys(
        ["systems", "entries", "demands", "open_plan", "open_list", "chief", "self_report"], Verdict.MISSING
    )
    chief = await seat_chief(house, agency)
    async with database.write() as s:
        ids = await furnish(s, agency.org_id, other.org_id)
    async with database.read() as s:
        lines = {
            one.duty.name: one for one in await checklist_of(s, agency_id=agency.org_id, now=clock.now())
        }
    found = {
        name: (one.verdict, one.evidence.done, one.evidence.of, list(one.evidence.lacking))
        for name, one in lines.items()
    }
    assert found["mounted"] == (Verdict.PARTLY, 2, 4, sorted([ids["outdated"], ids["incomplete"]]))
    assert found["grading"][:3] == (Verdict.PARTLY, 1, 4)
    assert found["quality"] == (Verdict.PARTLY, 1, 2, [ids["stale"]])
    assert found["current"] == (Verdict.PARTLY, 1, 2, [ids["stale"]])
    assert found["answers"] == (Verdict.PARTLY, 2, 4, sorted([ids["late"], ids["silent"]]))
    assert found["sources"] == (Verdict.PARTLY, 1, 2, [ids["conflict"]])
    assert found["assessed"] == (Verdict.NOT_ASKED, 0, 0, [])
    assert found["demands"][0] is Verdict.MISSING
    assert lines["chief"].evidence.record_id == chief.chief_id
    assert lines["systems"].verdict is Verdict.MET
