"""The survey: what is answered, corrected, refused, and who is still asked; on both databases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.reader import opening, statements_of
from market.surveys import repository
from market.surveys.errors import SurveyImplausible, SurveyMalformed, SurveyNotOpen
from market.surveys.forgetting import forget_answers
from market.surveys.rules import (
    AMOUNTS,
    SurveyLine,
    asked_year,
    check_lines,
    doubts,
    due_at,
    lines_of,
    opens_at,
)
from market.surveys.service import answer_survey
from supervision.evidence.counted import SURVEY_AMOUNTS, SURVEY_NUMBERS, SURVEY_WORDS
from supervision.statistics.layers import ITEMS
from tests.houses import make_house
from tests.standstill import refused, untouched

LINE = SurveyLine(
    source="enterprise",
    form="structured",
    industry="I65",
    stage="product",
    right="OPERATE",
    level="general-2",
    region="440100",
    cross_border=False,
    collection_minor=100_000,
    purchase_minor=0,
    cleaning_minor=20_000,
    storage_minor=5_000,
    analysis_minor=0,
    security_minor=1,
    circulation_minor=0,
    staff_bp=6_000,
    own_use_bp=7_500,
    useful_life_years=5,
    on_exchange_minor=0,
    off_exchange_minor=9_000,
)


def test_the_form_the_evidence_and_the_accounts_have_the_same_members():
    names = set(LINE.document())
    assert names == {*SURVEY_AMOUNTS, *SURVEY_NUMBERS, *SURVEY_WORDS, "cross_border"}
    assert {f"{item}_minor" for item in ITEMS} < set(AMOUNTS) == set(SURVEY_AMOUNTS)


def test_a_year_is_asked_about_when_it_is_over_in_shanghai_and_due_on_31_march():
    new_year = datetime(2025, 12, 31, 16, tzinfo=UTC)
    assert opens_at(2025) == new_year
    assert (asked_year(new_year), asked_year(new_year - timedelta(microseconds=1))) == (2025, 2024)
    assert datetime(2026, 3, 31, 15, 59, tzinfo=UTC) < due_at(2025) <= datetime(2026, 3, 31, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("source", "stolen"),
        ("level", "core"),
        ("region", "4401"),
        ("industry", "Z1"),
        ("collection_minor", -1),
        ("staff_bp", 10_001),
        ("useful_life_years", 0),
        ("own_use_bp", 10_000),  # and yet it sold something
    ],
)
def test_what_cannot_be_is_named_with_its_line(field, value):
    with pytest.raises(SurveyMalformed) as told:
        check_lines([LINE, replace(LINE, **{field: value})])
    assert [(one["line"], one["field"]) for one in told.value.facts["lines"]] == [(2, field)]


@pytest.mark.parametrize(
    ("changes", "settled", "before", "found"),
    [
        ({}, 0, None, ()),
        ({"on_exchange_minor": 95}, 100, None, ()),  # five per cent off
        ({"on_exchange_minor": 94}, 100, None, ("exchange-sales-below",)),
        ({}, 0, 12_500, ("jump",)),
        ({}, 0, 12_501, ()),
        ({}, 0, 1_250_010, ()),
        ({}, 0, 1_250_011, ("jump",)),
        ({"security_minor": 0}, 0, None, ("storage-unsecured",)),
        ({"purchase_minor": 100_000, "staff_bp": 6_000}, 0, None, ("staff-of-purchases",)),
    ],
)
def test_what_is_unlikely_one_tick_on_either_side(changes, settled, before, found):
    assert doubts([replace(LINE, **changes)], settled_minor=settled, before_minor=before) == found


def as_csv(*lines, order=None):
    names = order or list(LINE.document())
    rows = [",".join(str(line.document()[name]) for name in names) for line in lines]
    return "\n".join([",".join(names), *rows]) + "\n"


@given(st.permutations(list(LINE.document())), st.integers(0, 10**15))
def test_a_csv_gives_its_lines_in_any_order_of_columns(names, amount):
    lines = [LINE, replace(LINE, cross_border=True, storage_minor=amount)]
    assert lines_of("\ufeff" + as_csv(*lines, order=names)) == lines


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "columns"),
        (as_csv(LINE).replace("region", "place"), "columns"),
        (as_csv(LINE).replace("100000", "1e5"), "collection_minor"),
        (as_csv(LINE).replace("100000", "-1"), "collection_minor"),
        (as_csv(LINE).replace("100000", "１"), "collection_minor"),
        (as_csv(LINE).replace("False", "maybe"), "cross_border"),
        (as_csv(LINE).rstrip("\n") + ",more\n", "source"),
    ],
)
def test_what_is_no_csv_of_lines_is_refused(text, says):
    with pytest.raises(SurveyMalformed, match=says):
        lines_of(text)


async def test_an_answer_is_signed_with_its_figures_in_the_opening_and_a_later_one_corrects_it(
    database, clock
):
    house = await make_house(database, clock)
    unit = await house.admit("粤能数科", {"PROVIDER"})
    idle = await house.admit("湾区普惠银行", {"BUYER"})
    await house.admit("某市数据局", {"DATA_AUTHORITY"})
    year = asked_year(clock.now()) - 1  # its units were members: this year's are not yet asked about it
    async with database.read() as s:
        assert await repository.unanswered(s, year=year) == []  # nobody was a member then
    clock.advance(timedelta(days=400))
    year = asked_year(clock.now())
    first = await unit.do(answer_survey, year=year, lines=[LINE])
    second = await unit.do(answer_survey, year=year, lines=[LINE, replace(LINE, region="440300")])
    assert (second.answer_no, second.corrects) == (2, first.survey_id)
    async with database.read() as s:
        (said,) = await statements_of(s, object_id=second.survey_id)
        figures = await opening(s, sha256=said.opening_sha256)
        silent = await repository.unanswered(s, year=year)
        stands = await repository.newest(s, org_id=unit.org_id, year=year)
    assert "lines" not in said.predicate
    assert figures["lines"] == [LINE.document(), replace(LINE, region="440300").document()]
    assert [one.org_id for one in silent] == [idle.org_id]  # an authority is no unit
    assert (stands.survey_id, stands.expenditure_minor) == (second.survey_id, 2 * LINE.expenditure)
    async with database.write() as s:
        await forget_answers(s, survey_id=second.survey_id)
    async with database.read() as s:
        gone = await repository.newest(s, org_id=unit.org_id, year=year)
    assert (gone.lines, gone.expenditure_minor) == ("[]", None)


async def test_what_is_not_open_malformed_or_unexplained_leaves_no_trace(database, clock):
    house = await make_house(database, clock)
    unit = await house.admit("粤能数科", {"PROVIDER"})
    year = asked_year(clock.now())
    doubtful = replace(LINE, security_minor=0)
    for error, facts in (
        (SurveyNotOpen, {"year": year + 1, "lines": [LINE]}),
        (SurveyImplausible, {"year": year, "lines": [doubtful]}),
    ):
        async with refused(database, error):
            await unit.do(answer_survey, **facts)
    async with untouched(database, SurveyMalformed):
        await unit.do(answer_survey, year=year, lines=[])
    taken = await unit.do(answer_survey, year=year, lines=[doubtful], explained="kept at a cloud")
    assert taken.explained == "kept at a cloud"
    assert taken.late is (clock.now() > due_at(year))
