"""Who may register which right, what a level allows, what a screen stops."""

import pytest

from base.errors import Refusal
from registry.errors import ChannelClosed, RightNotRegistrable
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
    allowance,
    check_channel,
    check_claim,
    graded,
    highest,
    rank,
    rights_from,
    screen,
    wants_joint_review,
)

ALL = frozenset(Right)
INWARD = frozenset({Right.HOLD, Right.USE})
NONE = frozenset()
NOBODY = PersonalData()


@pytest.mark.parametrize(
    ("source", "facts", "rights"),
    [
        (Source.SELF_COLLECTED, SourceFacts(), ALL),
        (Source.OWN_ACTIVITY, SourceFacts(), ALL),
        (Source.UTILITY, SourceFacts(), ALL),
        (Source.PUBLIC_CRAWL, SourceFacts(), INWARD),
        (Source.PUBLIC_CRAWL, SourceFacts(substitutes_source=False), ALL),
        (Source.AGREEMENT, SourceFacts(), NONE),
        (Source.AGREEMENT, SourceFacts(agreed=frozenset({Right.USE})), frozenset({Right.USE})),
        (Source.FUSION, SourceFacts(), INWARD),
        (Source.FUSION, SourceFacts(others_consent=True), ALL),
        (Source.DERIVED, SourceFacts(), NONE),
        (Source.DERIVED, SourceFacts(substantially_changed=True), ALL),
        (Source.AUTHORISED_OPERATION, SourceFacts(), NONE),
        (Source.AUTHORISED_OPERATION, SourceFacts(public_registration_no="GD-1"), ALL),
        (Source.PUBLIC_DUTY, SourceFacts(public_registration_no="GD-1"), NONE),
        (Source.ON_BEHALF, SourceFacts(agreed=ALL), NONE),
        (Source.UNLAWFUL, SourceFacts(agreed=ALL, others_consent=True), NONE),
    ],
)
def test_article_21_gives_each_source_its_rights(source, facts, rights):
    assert rights_from(source, facts) == rights


def test_every_source_has_an_answer():
    for source in Source:
        assert rights_from(source, SourceFacts()) <= ALL


def test_a_right_that_the_source_does_not_give_is_refused_by_name():
    with pytest.raises(RightNotRegistrable) as refused:
        check_claim(Source.PUBLIC_CRAWL, SourceFacts(), ALL)
    assert isinstance(refused.value, Refusal)
    assert (refused.value.code, refused.value.rule_id) == ("right-not-registrable", "REG-PR")
    assert refused.value.facts == {"source": "PUBLIC_CRAWL", "rights": ["OPERATE"]}


def test_fewer_rights_than_the_source_gives_may_be_claimed_but_not_none():
    assert check_claim(Source.SELF_COLLECTED, SourceFacts(), INWARD) == INWARD
    with pytest.raises(RightNotRegistrable):
        check_claim(Source.SELF_COLLECTED, SourceFacts(), NONE)


def test_levels_are_ordered_and_the_highest_wins():
    assert [rank(level) for level in Level] == [5, 4, 3, 2, 1, 0]
    assert highest([Level.GENERAL_1, Level.IMPORTANT, Level.GENERAL_4]) is Level.IMPORTANT


MATRIX = {
    Level.CORE: "no no no no no",
    Level.IMPORTANT: "no no risk-assessment-before-provision yes security-assessment",
    Level.GENERAL_4: "separate-consent-and-pipia no yes yes by-counters",
    Level.GENERAL_3: "consent-or-anonymised no yes yes by-counters",
    Level.GENERAL_2: "yes conditional yes yes exempt-without-pi",
    Level.GENERAL_1: "yes yes yes yes exempt",
}


@pytest.mark.parametrize("level", Level)
def test_each_level_asks_what_the_matrix_says_of_each_channel(level):
    assert [allowance(level, channel).value for channel in Channel] == MATRIX[level].split()


def test_a_closed_channel_is_refused_and_an_open_one_says_what_it_asks():
    with pytest.raises(ChannelClosed) as refused:
        check_channel(Level.IMPORTANT, Channel.TRADE)
    assert refused.value.facts == {"level": "important", "channel": "trade"}
    assert check_channel(Level.GENERAL_3, Channel.TRADE) is Allowance.CONSENT


@pytest.mark.parametrize(
    ("level", "public", "joint"),
    [
        (Level.GENERAL_2, False, False),
        (Level.GENERAL_3, False, True),
        (Level.IMPORTANT, False, True),
        (Level.GENERAL_1, True, True),
    ],
)
def test_three_review_what_weighs_more(level, public, joint):
    assert wants_joint_review(level, public_data=public) is joint


def hint(kind, *, flagged=True, column="c"):
    return Hint(kind, column, rows=9, checked=10, flagged=flagged)


@pytest.mark.parametrize(
    ("declared", "hints", "level"),
    [
        (Level.GENERAL_1, [], Level.GENERAL_1),
        (Level.GENERAL_1, [hint(HintKind.MOBILE)], Level.GENERAL_3),
        (Level.GENERAL_1, [hint(HintKind.MOBILE, flagged=False)], Level.GENERAL_1),
        (Level.GENERAL_1, [hint(HintKind.PLATE), hint(HintKind.CN_ID)], Level.GENERAL_4),
        (Level.IMPORTANT, [hint(HintKind.BANK_CARD)], Level.IMPORTANT),
        (Level.GENERAL_2, [hint(HintKind.GPS_PAIR)], Level.GENERAL_2),
        (Level.GENERAL_2, [hint(HintKind.GPS_PAIR), hint(HintKind.PLATE)], Level.GENERAL_4),
    ],
)
def test_what_the_scan_saw_raises_the_level_and_never_lowers_it(declared, hints, level):
    assert graded(declared, hints) is level


CONSENTED = PersonalData(contained=True, consented=True, impact_assessed=True)
FULLY = PersonalData(contained=True, consented=True, separately_consented=True, impact_assessed=True)
BARE = ("NL4-no-consent", "NL4-no-impact-assessment")
ANONYMISED = PersonalData(contained=True, anonymised=True)


@pytest.mark.parametrize(
    ("level", "hints", "personal", "reasons"),
    [
        (Level.GENERAL_1, [], NOBODY, ()),
        (Level.GENERAL_2, [hint(HintKind.GPS_PAIR)], NOBODY, ()),
        (Level.GENERAL_2, [hint(HintKind.MOBILE, flagged=False)], NOBODY, ()),
        (Level.CORE, [], NOBODY, ("NL2-core-data",)),
        (Level.IMPORTANT, [], NOBODY, ("NL3-important-data",)),
        (Level.GENERAL_3, [hint(HintKind.MOBILE)], NOBODY, ("NL4-undeclared-mobile", *BARE)),
        (Level.GENERAL_3, [hint(HintKind.MOBILE)], CONSENTED, ()),
        (Level.GENERAL_3, [], PersonalData(contained=True), BARE),
        (Level.GENERAL_3, [], PersonalData(contained=True, consented=True), ("NL4-no-impact-assessment",)),
        (Level.GENERAL_3, [], ANONYMISED, ()),
        (Level.GENERAL_3, [hint(HintKind.PLATE)], ANONYMISED, ("NL4-not-anonymised",)),
        (
            Level.GENERAL_4,
            [hint(HintKind.CN_ID)],
            PersonalData(contained=True, consented=True),
            ("NL4-no-separate-consent", "NL4-no-impact-assessment"),
        ),
        (Level.GENERAL_4, [hint(HintKind.CN_ID)], FULLY, ()),
        (Level.GENERAL_4, [], ANONYMISED, ()),
    ],
)
def test_the_screen_stops_core_important_and_unfounded_personal_data(level, hints, personal, reasons):
    outcome = screen(level, hints, personal)
    assert (outcome.passed, outcome.reasons) == (not reasons, reasons)


def test_weak_hints_and_places_are_notes_for_the_reviewer():
    weak, place = hint(HintKind.BANK_CARD, flagged=False), hint(HintKind.GPS_PAIR, column="lat")
    assert screen(Level.GENERAL_1, [weak, place], NOBODY).notes == (weak, place)
