"""The matrix of harm, amounts, who wins, what a lower level needs, templates, duties; and the terms."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.grading.citing import declared_only
from registry.grading.duties import Control, duties_of, judged, matrix
from registry.grading.errors import (
    BaseLibraryRaw,
    DesensitisationUnproved,
    GradingBelowGrounds,
    GradingBelowScan,
    GradingMalformed,
)
from registry.grading.rules import (
    MATRIX,
    Amounts,
    Degree,
    FieldLevel,
    Ground,
    Harmed,
    Thresholds,
    check_decided,
    check_form,
    check_lowering,
    computed,
    effective,
    needs_authority,
)
from registry.grading.templates import Made, check_not_raw, class_of, floor_of
from registry.grading.terms import keep_until, months_after, review_at, thresholds
from registry.rules import Level, PersonalData, rank

L = Level
NOW = datetime(2026, 11, 16, 1, tzinfo=UTC)
NUMBERS = Thresholds(10_000_000, 1_000_000, 1_000_000, 2)
GRAVEST = (Degree.ESPECIALLY_SERIOUS, Degree.SERIOUS, Degree.GENERAL)


@pytest.mark.parametrize(
    ("harmed", "levels"),
    [
        (Harmed.NATIONAL_SECURITY, (L.CORE, L.CORE, L.IMPORTANT)),
        (Harmed.ECONOMY, (L.CORE, L.IMPORTANT, L.GENERAL_4)),
        (Harmed.SOCIAL_ORDER, (L.CORE, L.IMPORTANT, L.GENERAL_4)),
        (Harmed.PUBLIC_INTEREST, (L.CORE, L.IMPORTANT, L.GENERAL_4)),
        (Harmed.ORGANISATION, (L.GENERAL_4, L.GENERAL_3, L.GENERAL_2)),
        (Harmed.INDIVIDUAL, (L.GENERAL_4, L.GENERAL_3, L.GENERAL_2)),
    ],
)
def test_the_matrix_of_harm(harmed, levels):
    assert tuple(MATRIX[harmed][degree] for degree in GRAVEST) == levels


def level_from(*, declared=L.GENERAL_1, grounds=(), fields=(), amounts=None, floor=None) -> Level:
    amounts = amounts or Amounts()
    given_ = {"grounds": grounds, "fields": fields, "amounts": amounts, "thresholds": NUMBERS}
    return computed(declared, **given_, floor=floor).level


@pytest.mark.parametrize(
    ("said", "level"),
    [
        ({}, L.GENERAL_1),
        ({"declared": L.GENERAL_3}, L.GENERAL_3),
        ({"grounds": [Ground(Harmed.ECONOMY, Degree.SERIOUS, "w")]}, L.IMPORTANT),
        ({"fields": [FieldLevel("a", L.GENERAL_1), FieldLevel("b", L.IMPORTANT)]}, L.IMPORTANT),
        ({"fields": [FieldLevel("phone", L.GENERAL_1, personal=True)]}, L.GENERAL_3),
        ({"fields": [FieldLevel("face", L.GENERAL_1, personal=True, sensitive=True)]}, L.GENERAL_4),
        ({"amounts": Amounts(persons=999_999)}, L.GENERAL_1),
        ({"amounts": Amounts(persons=1_000_000)}, L.GENERAL_4),
        ({"amounts": Amounts(persons=9_999_999)}, L.GENERAL_4),
        ({"amounts": Amounts(persons=10_000_000)}, L.IMPORTANT),
        ({"amounts": Amounts(persons=1_000_000, sensitive_persons=1_000_000)}, L.IMPORTANT),
        ({"amounts": Amounts(joined=2)}, L.GENERAL_2),  # one more than each part is
        (
            {"declared": L.GENERAL_4, "amounts": Amounts(joined=2)},
            L.GENERAL_4,
        ),  # joining makes none important
        ({"floor": L.GENERAL_4}, L.GENERAL_4),
    ],
)
def test_highest_wins_over_grounds_fields_amounts_and_template(said, level):
    assert level_from(**said) is level


_LEVELS = st.sampled_from(list(Level))
_GROUNDS = st.lists(
    st.builds(Ground, st.sampled_from(list(Harmed)), st.sampled_from(list(Degree)), st.just("w")),
    max_size=6,
    unique_by=lambda one: one.harmed,
)
_FIELDS = st.lists(
    st.builds(FieldLevel, st.text("ab", min_size=1), _LEVELS, st.booleans(), st.booleans()), max_size=5
)


@given(_LEVELS, _GROUNDS, _FIELDS, st.integers(0, 10**8), st.integers(1, 5))
def test_more_said_never_grades_lower(declared, grounds, fields, persons, joined):
    amounts = Amounts(persons=persons, sensitive_persons=persons // 2, joined=joined)
    whole = level_from(declared=declared, grounds=grounds, fields=fields, amounts=amounts)
    for less in (
        level_from(declared=declared),
        level_from(declared=declared, grounds=grounds[:-1], fields=fields, amounts=amounts),
        level_from(declared=declared, grounds=grounds, fields=fields[:-1]),
    ):
        assert rank(whole) >= rank(less)
    assert rank(whole) >= max([rank(declared), *(rank(MATRIX[one.harmed][one.degree]) for one in grounds)])


def test_nobody_decides_below_grounds_or_scan():
    check_decided(L.GENERAL_3, computed_level=L.GENERAL_3, scanned=L.GENERAL_2)
    check_decided(L.GENERAL_4, computed_level=L.GENERAL_3, scanned=None)
    with pytest.raises(GradingBelowGrounds):
        check_decided(L.GENERAL_2, computed_level=L.GENERAL_3, scanned=None)
    with pytest.raises(GradingBelowScan):
        check_decided(L.GENERAL_3, computed_level=L.GENERAL_1, scanned=L.GENERAL_4)


PROVED = {
    "in_force": L.GENERAL_4,
    "scanned_before": L.GENERAL_4,
    "file_before": "a" * 64,
    "file_sha256": "b" * 64,
    "scanned_file": "b" * 64,
    "proof_sha256": "c" * 64,
}


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({}, None),
        ({"proof_sha256": None}, ["desensitised_sha256"]),
        ({"file_sha256": "a" * 64}, ["file_sha256"]),
        ({"file_sha256": None}, ["file_sha256"]),
        ({"scanned_file": "a" * 64}, ["scan"]),
        ({"scanned_file": None, "proof_sha256": None}, ["desensitised_sha256", "scan"]),
        ({"in_force": None, "proof_sha256": None}, None),
        ({"scanned_before": L.GENERAL_2, "proof_sha256": None}, None),  # the file never showed more
    ],
)
def test_coming_below_a_scan_needs_a_new_file_its_proof_and_its_scan(changes, missing):
    if missing is None:
        check_lowering(L.GENERAL_2, **(PROVED | changes))
        return
    with pytest.raises(DesensitisationUnproved) as refused:
        check_lowering(L.GENERAL_2, **(PROVED | changes))
    assert refused.value.facts["missing"] == missing


@pytest.mark.parametrize(
    ("decided", "in_force", "wanted"),
    [
        (L.GENERAL_4, None, False),
        (L.IMPORTANT, None, True),
        (L.CORE, None, True),
        (L.GENERAL_2, L.IMPORTANT, True),
        (L.GENERAL_2, L.GENERAL_4, False),
    ],
)
def test_the_authority_confirms_what_is_important_and_what_comes_down_from_there(decided, in_force, wanted):
    assert needs_authority(decided, in_force=in_force) is wanted


@pytest.mark.parametrize(
    ("grounds", "fields", "amounts"),
    [
        ([Ground(Harmed.ECONOMY, Degree.GENERAL, "w"), Ground(Harmed.ECONOMY, Degree.SERIOUS, "w")], [], {}),
        ([Ground(Harmed.ECONOMY, Degree.GENERAL, "  ")], [], {}),
        ([], [FieldLevel("a", L.GENERAL_1), FieldLevel("a", L.CORE)], {}),
        ([], [FieldLevel(" ", L.GENERAL_1)], {}),
        ([], [], {"persons": 1, "sensitive_persons": 2}),
        ([], [], {"persons": -1}),
        ([], [], {"joined": 0}),
    ],
)
def test_what_has_no_form_is_malformed(grounds, fields, amounts):
    with pytest.raises(GradingMalformed):
        check_form(grounds, fields, Amounts(**amounts))


def test_nothing_known_is_general_1_and_the_highest_part_counts():
    assert effective() is L.GENERAL_1
    assert effective(None, L.GENERAL_2, L.IMPORTANT, None) is L.IMPORTANT


def test_an_industrial_class_comes_from_its_template():
    assert class_of("C26", "research").floor is L.GENERAL_3
    assert class_of("P", "user").floor is L.GENERAL_3
    for sector, name in (("C26", "user"), ("Z", "business"), ("", "business"), ("J", "research")):
        with pytest.raises(GradingMalformed):
            class_of(sector, name)


@pytest.mark.parametrize(
    ("kind", "library", "level"),
    [
        ("TABLE", None, L.GENERAL_1),
        ("VIDEO", None, L.GENERAL_4),
        ("IOT", None, L.GENERAL_4),
        ("TABLE", "population", L.GENERAL_4),
        ("TABLE", "licence", L.GENERAL_4),
        ("TABLE", "credit", L.GENERAL_3),
        ("TABLE", "spatial", L.GENERAL_3),
    ],
)
def test_base_libraries_and_sensed_data_begin_high(kind, library, level):
    assert floor_of(kind=kind, base_library=library) is level


LIBRARY = {
    "base_library": "population",
    "data_id": "dat_x",
    "resource_sha256": "a" * 64,
    "fields": frozenset({"姓名", "住址"}),
}


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (Made(True, "b" * 64, frozenset({"区县", "人数"})), None),
        (Made(True, "a" * 64, frozenset({"区县"})), "same-bytes"),
        (Made(False, "b" * 64, frozenset({"区县"})), "no-substantial-change"),
        (Made(True, "b" * 64, frozenset({"姓名", "住址", "行"})), "all-fields-kept"),
    ],
)
def test_a_base_library_is_not_listed_raw(made, why):
    check_not_raw(made, **(LIBRARY | {"base_library": None}))
    if why is None:
        check_not_raw(made, **LIBRARY)
        return
    with pytest.raises(BaseLibraryRaw) as refused:
        check_not_raw(made, **LIBRARY)
    assert refused.value.facts["why"] == why


def test_each_level_owes_what_the_one_below_does_but_for_separate_consent():
    levels = sorted(Level, key=rank)
    owed = matrix()
    for lower, higher in pairwise(levels):
        gone = set(owed[lower]) - set(owed[higher])
        assert {duty.control for duty in gone} <= {Control.SEPARATE}
    assert Control.CATALOGUED in {duty.control for duty in owed[L.IMPORTANT]}
    assert not any(duty.personal for duty in duties_of(L.CORE, personal=False))
    there = {Control.GRADED: True, Control.SCANNED: False}
    said = {one.duty.control: one.present for one in judged(L.GENERAL_1, there, personal=False)}
    assert (said[Control.GRADED], said[Control.SCANNED], said[Control.RIGHT]) == (True, False, False)


def test_the_terms_of_review_and_of_keeping():
    assert thresholds(NOW) == NUMBERS
    assert review_at(L.GENERAL_4, NOW) == datetime(2027, 11, 16, 1, tzinfo=UTC)
    assert review_at(L.GENERAL_1, NOW) == datetime(2028, 11, 16, 1, tzinfo=UTC)
    assert keep_until(NOW) == datetime(2029, 11, 16, 1, tzinfo=UTC)
    # 30 January 2027 in Shanghai, and its month later
    assert months_after(datetime(2027, 1, 29, 20, tzinfo=UTC), 1) == datetime(2027, 2, 27, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("level", "personal", "flags"),
    [
        (L.GENERAL_4, PersonalData(), ()),
        (L.GENERAL_4, PersonalData(contained=True, anonymised=True), ()),
        (L.GENERAL_3, PersonalData(contained=True, consented=True), ("consented",)),
        (
            L.GENERAL_4,
            PersonalData(contained=True, consented=True, separately_consented=True, impact_assessed=True),
            ("consented", "separately_consented", "impact_assessed"),
        ),
        (
            L.GENERAL_4,
            PersonalData(True, True, True, True, consent_id="cns_x", assessment_id="pia_x"),
            (),
        ),
    ],
)
def test_what_rests_on_no_record_is_declared_only(level, personal, flags):
    assert declared_only(level, personal) == flags
