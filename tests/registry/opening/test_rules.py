"""What opening decides, purely: levels and modes, ranking by demand, cycles, figures, the policy."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.listings.conditions import Purpose
from registry.errors import ChannelClosed
from registry.opening import policy
from registry.opening.drawing import DRAWING
from registry.opening.errors import (
    OpeningConditionsMissing,
    OpeningMalformed,
    OpeningRiskUnassessed,
    OpeningWrongRole,
    OpeningWrongState,
    PurposeNotNamed,
)
from registry.opening.figures import ListTruth, fulfilment
from registry.opening.priority import LIVELIHOODS, Candidate, Wanted, livelihoods_of, ranking
from registry.opening.rules import (
    Licence,
    Mode,
    Proposal,
    Use,
    check_level,
    check_period,
    check_proposal,
    check_purpose,
    stale_since,
)
from registry.opening.states import (
    AGREEMENT_MOVES,
    MOVES,
    AgreementEvent,
    AgreementState,
    OpenEvent,
    OpenState,
    may_move,
    may_move_agreement,
)
from registry.registration.rules import Update
from registry.rules import Allowance, Level, allowance
from supervision import audit_opening

NOW = datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
OPEN_TO_ALL = Proposal(mode=Mode.OPEN, licence=Licence.CC_BY)
# Mode and level, with conditions stated and a risk assessed: None where it opens (rules.md §2.5.1).
CLOSED: dict[tuple[Mode, Level], type[Exception] | None] = {
    (Mode.OPEN, Level.GENERAL_1): None,
    (Mode.OPEN, Level.GENERAL_2): None,
    (Mode.OPEN, Level.GENERAL_3): ChannelClosed,
    (Mode.OPEN, Level.GENERAL_4): ChannelClosed,
    (Mode.OPEN, Level.IMPORTANT): ChannelClosed,
    (Mode.OPEN, Level.CORE): ChannelClosed,
    (Mode.TARGETED, Level.GENERAL_1): None,
    (Mode.TARGETED, Level.GENERAL_4): None,
    (Mode.TARGETED, Level.IMPORTANT): None,
    (Mode.TARGETED, Level.CORE): ChannelClosed,
    (Mode.AUTHORISED, Level.GENERAL_4): None,
    (Mode.AUTHORISED, Level.CORE): ChannelClosed,
}


@pytest.mark.parametrize(("mode", "level"), CLOSED)
def test_a_level_goes_through_the_channel_of_its_mode_or_not(mode, level):
    refused = CLOSED[mode, level]
    if refused is None:
        check_level(level, mode, conditions="注明来源", risk_assessed=True)
        return
    with pytest.raises(refused):
        check_level(level, mode, conditions="注明来源", risk_assessed=True)


def test_general_2_is_open_on_stated_conditions_and_important_data_after_a_risk_assessment_alone():
    with pytest.raises(OpeningConditionsMissing):
        check_level(Level.GENERAL_2, Mode.OPEN, conditions="  ", risk_assessed=False)
    check_level(Level.GENERAL_1, Mode.OPEN, conditions="", risk_assessed=False)
    with pytest.raises(OpeningRiskUnassessed):
        check_level(Level.IMPORTANT, Mode.TARGETED, conditions="", risk_assessed=False)


@given(st.sampled_from(Level), st.sampled_from(Mode), st.text(max_size=5), st.booleans())
def test_what_the_matrix_closes_nothing_opens(level, mode, conditions, assessed):
    try:
        check_level(level, mode, conditions=conditions, risk_assessed=assessed)
    except (ChannelClosed, OpeningConditionsMissing, OpeningRiskUnassessed):
        return
    assert allowance(level, mode.channel) is not Allowance.NO


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"conditions": "x" * 2_001}, "conditions"),
        ({"law": "x" * 201}, "law"),
        ({"covers_from": date(2026, 1, 1)}, "covers_to"),
        ({"covers_from": date(2026, 1, 2), "covers_to": date(2026, 1, 1)}, "covers_to"),
        ({"licence": Licence.AGREEMENT}, "licence"),
        ({"mode": Mode.TARGETED}, "licence"),
    ],
)
def test_a_proposal_that_is_not_of_its_form_names_what_is_wrong(changes, field):
    with pytest.raises(OpeningMalformed) as refused:
        check_proposal(replace(OPEN_TO_ALL, **changes))
    assert refused.value.facts["fields"] == [field]


def test_a_purpose_is_declared_and_is_one_of_the_named():
    assert check_purpose("RESEARCH", ["RESEARCH", "MARKETING"]) is Use.RESEARCH
    for wrong in (None, "", "MARKETING", "research"):
        with pytest.raises(PurposeNotNamed):
            check_purpose(wrong, ["RESEARCH"])


def test_the_purposes_are_the_markets_own():
    assert {one.value for one in Use} == {one.value for one in Purpose}


def test_an_agreements_term_begins_before_it_ends_and_lasts_three_years_at_most():
    day = timedelta(days=1)
    check_period(NOW, NOW + 1096 * day, NOW)
    for start, end in [(NOW, NOW + 1097 * day), (NOW, NOW), (NOW - 9 * day, NOW), (NOW + 2 * day, NOW + day)]:
        with pytest.raises(OpeningMalformed):
            check_period(start, end, NOW)


def test_data_is_stale_one_cycle_and_its_grace_after_it_was_refreshed():
    due = NOW + timedelta(days=2)
    assert stale_since(Update.DAILY, NOW, due) is None
    assert stale_since(Update.DAILY, NOW, due + timedelta(seconds=1)) == due
    for never in (Update.NEVER, Update.IRREGULAR):
        assert stale_since(never, NOW, NOW + timedelta(days=4_000)) is None
    for update in set(Update) - {Update.NEVER, Update.IRREGULAR}:
        assert stale_since(update, NOW, NOW + timedelta(days=4_000)) is not None


def _wanted(number: int, agency: str, purpose: str = "日常管理") -> Wanted:
    return Wanted(demand_id=f"dem_{number}", agency_id=agency, purpose=purpose)


BUS = Candidate(
    data_id="dat_2", name="公交站点", theme="交通", abstract="线路与站点", level=Level.GENERAL_1, mounted=True
)
SEALS = Candidate(
    data_id="dat_1", name="印章备案", theme="", abstract="备案清单", level=Level.GENERAL_1, mounted=False
)


def test_demand_and_livelihood_come_first_and_every_point_has_its_reason():
    asked = replace(SEALS, wanted=[_wanted(1, "org_a"), _wanted(2, "org_a"), _wanted(3, "org_b")])
    first, second = ranking([asked, BUS], NOW)
    assert (first.data_id, first.score, second.data_id, second.score) == ("dat_2", 30, "dat_1", 25)
    assert [(one.what, one.points) for one in first.reasons] == [
        ("livelihood", 15),
        ("mounted", 10),
        ("unconditional", 5),
    ]
    assert first.reasons[0].shown_by == ("transport: 交通",)
    # Two demands of one body count once, and both are named.
    assert [(one.what, one.points, one.shown_by) for one in second.reasons] == [
        ("demand", 20, ("dem_1", "dem_2", "dem_3")),
        ("unconditional", 5, ("general-1",)),
    ]


def test_what_its_level_closes_is_in_no_plan_and_what_is_personal_is_targeted():
    levels = [Level.CORE, Level.IMPORTANT, Level.GENERAL_4, Level.GENERAL_1]
    found = ranking([replace(BUS, data_id=f"dat_{n}", level=level) for n, level in enumerate(levels)], NOW)
    assert [(one.data_id, one.mode) for one in found] == [("dat_3", Mode.OPEN), ("dat_2", Mode.TARGETED)]


@given(st.lists(st.integers(0, 12), max_size=8), st.randoms())
def test_a_ranking_is_the_same_whatever_order_it_is_asked_in(asked, chance):
    candidates = [
        replace(SEALS, data_id=f"dat_{n:02}", wanted=[_wanted(i, f"org_{i}") for i in range(asks)])
        for n, asks in enumerate(asked)
    ]
    ranked = ranking(candidates, NOW)
    chance.shuffle(candidates)
    assert ranking(candidates, NOW) == ranked
    assert [one.rank for one in ranked] == list(range(1, len(asked) + 1))
    assert all(one.score == sum(reason.points for reason in one.reasons) <= 65 for one in ranked)
    assert [one.score for one in ranked] == sorted((one.score for one in ranked), reverse=True)


def test_livelihood_words_are_found_through_blanks_and_width_and_no_tag_has_none():
    assert livelihoods_of("学 校", "公交") == {"education": "学校", "transport": "公交"}
    assert livelihoods_of("印章备案") == {}
    assert all(LIVELIHOODS.values())


def test_a_plan_is_done_by_what_was_opened_in_time():
    opened = {"dat_1": NOW, "dat_2": NOW + timedelta(days=9)}
    done = fulfilment(["dat_1", "dat_2", "dat_3", "dat_1"], opened, until=NOW)
    assert (done.done, done.missing, done.share) == (("dat_1",), ("dat_2", "dat_3"), Fraction(1, 3))
    assert fulfilment([], opened, until=NOW).share is None


def test_the_list_is_true_where_all_of_it_downloads_and_nothing_open_is_closed():
    truth = ListTruth(standing=4, downloadable=3, by_interface=1, closed_level=0, stale=2)
    assert (truth.holds, truth.downloadable_share, truth.fresh_share) == (True, Fraction(1), Fraction(1, 2))
    assert not replace(truth, closed_level=1).holds
    assert not replace(truth, downloadable=2).holds
    empty = ListTruth(standing=0, downloadable=0, closed_level=0, stale=0)
    assert (empty.holds, empty.downloadable_share, empty.fresh_share) == (True, None, None)


def test_the_policy_of_an_agreement_says_who_may_what_until_when():
    said = {"agreement_id": "oag_1", "data_id": "dat_1", "agency_id": "org_1", "user_id": "org_2"}
    term = {"valid_from": NOW, "valid_to": NOW + timedelta(days=30)}
    document = policy.build(**said, **term, purposes=["RESEARCH"])
    read = orjson.loads(document)
    (permission,) = read["permission"]
    assert permission["target"] == "urn:databourse:data:dat_1"
    assert permission["assignee"] == "urn:databourse:org:org_2"
    assert [one["leftOperand"] for one in permission["constraint"]] == ["purpose", "dateTime", "dateTime"]
    assert read["prohibition"][0]["action"] == "distribute"
    assert policy.build(**said, **term, purposes=["RESEARCH"]) == document


def test_every_event_that_is_not_in_a_table_is_refused_and_every_move_has_its_roles():
    for state in (None, *OpenState):
        for event in OpenEvent:
            move = MOVES.get((state, event))
            if move is None:
                with pytest.raises(OpeningWrongState):
                    may_move(state, event, "PUBLIC_AGENCY")
                continue
            assert {may_move(state, event, role) for role in move.roles} == {move.to}
            with pytest.raises(OpeningWrongRole):
                may_move(state, event, "AUDITOR")
    for agreed in (None, *AgreementState):
        for happening in AgreementEvent:
            step = AGREEMENT_MOVES.get((agreed, happening))
            if step is None:
                with pytest.raises(OpeningWrongState):
                    may_move_agreement(agreed, happening, "PUBLIC_AGENCY")
            else:
                assert {may_move_agreement(agreed, happening, role) for role in step.roles} == {step.to}


def test_the_auditor_and_the_page_hold_the_same_tables():
    entries = {(at and at.value, f"OPN.{e}"): (move.roles, move.to.value) for (at, e), move in MOVES.items()}
    assert entries == audit_opening.OPENING_MOVES
    agreed = {
        (at and at.value, f"OPA.{e}"): (move.roles, move.to.value)
        for (at, e), move in AGREEMENT_MOVES.items()
    }
    assert agreed == audit_opening.AGREEMENT_MOVES
    page = Path(DRAWING.page).read_text(encoding="utf-8")
    assert DRAWING.redraw(page) == page
